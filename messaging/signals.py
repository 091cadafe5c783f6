"""News that messaging sends up."""

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from accounts.access import Actor
from contacts.services.forgetting import Trail


@dataclass(frozen=True, slots=True)
class DispatchChanged:
    """A dispatch was paused, resumed, stopped or finished. `by_engine`: nobody asked for it; `reason` says why."""

    dispatch_id: int
    broadcast_id: int | None
    state: str
    reason: str
    by_engine: bool


# kwargs: news: DispatchChanged. Sent inside the transaction that changes the dispatch.
dispatch_changed = Signal()


@dataclass(frozen=True, slots=True)
class DispatchDiverted:
    """An account of a route is in trouble, and whoever waits there goes on through the others; or, `is_over`, it works
    again. `sentence`: for people."""

    dispatch_id: int
    broadcast_id: int | None
    is_over: bool
    sentence: str


# kwargs: news: DispatchDiverted. Sent inside the transaction that notes it.
dispatch_diverted = Signal()


@dataclass(frozen=True, slots=True)
class AgreedCostsAsked:
    """What is agreed to for a time from `begin` until before `end` and has no dispatch yet, in `currency`?

    `but_broadcast_id`: without this one.
    """

    workspace_id: int
    currency: str
    begin: datetime
    end: datetime
    but_broadcast_id: int | None


# kwargs: asked: AgreedCostsAsked. Each receiver answers with a Decimal.
agreed_costs_asked = Signal()


@dataclass(frozen=True, slots=True)
class NumberErased:
    """What is kept of the person behind a number goes; `trail`: by what it is known again, as it was before."""

    workspace_id: int
    trail: Trail
    actor: Actor


# kwargs: news: NumberErased. Sent outside any transaction, once the number is opted out, and again by each repetition.
number_erased = Signal()
