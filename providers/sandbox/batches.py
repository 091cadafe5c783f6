"""What the doors that take several texts in one request share: what refuses or spoils the request as a whole."""

from collections.abc import Collection, Iterable
from typing import TypeVar

from providers.sandbox.outcomes import Outcome
from providers.sandbox.state import State
from providers.sandbox.wire import CUT, HTML, Answer

T = TypeVar("T")

TRIES = 2  # of a number that are throttled
OF_THE_REQUEST = (Outcome.SERVER_ERROR, Outcome.NO_CREDIT, Outcome.SENDER_OFF)


def refusal_of(state: State, vendor: str, rows: Collection[tuple[str, Outcome]]) -> Outcome | None:
    """The outcome for which nothing of (msisdn, outcome) rows is accepted, counted; None when they may pass."""
    refusal = _throttle(state, vendor, rows) or _first_of_the_request(rows)
    if refusal is not None:
        state.refuse(refusal)
    return refusal


def spoil(outcomes: Iterable[Outcome], answer: T) -> T | Answer:
    """The answer, unless a text that was accepted cuts the line or brings a page of HTML."""
    found = set(outcomes)
    if Outcome.CUT in found:
        return CUT
    return HTML if Outcome.HTML in found else answer


def _throttle(state: State, vendor: str, rows: Iterable[tuple[str, Outcome]]) -> Outcome | None:
    """Each number is tried once a request, however often it stands there; all are forgotten together."""
    throttled = {msisdn for msisdn, outcome in rows if outcome is Outcome.THROTTLED}
    if throttled and min([state.tries(vendor, msisdn) for msisdn in throttled]) <= TRIES:
        return Outcome.THROTTLED
    for msisdn in throttled:
        state.forget_tries(vendor, msisdn)
    return None


def _first_of_the_request(rows: Iterable[tuple[str, Outcome]]) -> Outcome | None:
    found = {outcome for _msisdn, outcome in rows}
    return next((outcome for outcome in OF_THE_REQUEST if outcome in found), None)
