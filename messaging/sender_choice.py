"""Which sender of a list a message carries: known before anything is planned, and the same at every try. Pure.

    random    by the seed of the message's text (messaging/content.py, seed_of), at a place of its own
    sticky    by person and sender alone: the same in every broadcast

Sticky is rendezvous hashing (Thaler and Ravishankar, 1998): each sender draws a number for the person and the highest
wins. A sender more takes its own share of the people and moves nobody else; one less gives its people to the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from messaging.tokens import choice
from sms.msisdn import country_of

# (sender, ISO codes of the countries that it may send to; none: all), as Dispatch.senders keeps them.
Pinned = Sequence[tuple[str, Sequence[str]]]
# No token stands there: the longest text has 100,000 characters.
PLACE = 1_000_000


class SenderChooser:
    """Of one dispatch. Only senders that may send to a person's country take part."""

    def __init__(self, senders: Pinned, *, sticky: bool) -> None:
        self._sticky = sticky
        # In one order, whatever the database gave: a random choice is the number of one.
        self._senders = sorted((value, frozenset(countries)) for value, countries in senders)
        self._everywhere = tuple(value for value, countries in self._senders if not countries)
        self._is_open = len(self._everywhere) == len(self._senders)
        self._fitting: dict[str, tuple[str, ...]] = {}

    @property
    def may_leave_out(self) -> bool:
        """Whether there may be numbers to which none of them may send."""
        return not self._everywhere

    def fitting(self, msisdn: str) -> tuple[str, ...]:
        """The senders that may send to the number."""
        if self._is_open:
            return self._everywhere
        country = country_of(msisdn)
        found = self._fitting.get(country)
        if found is None:
            found = tuple(
                value for value, countries in self._senders if not countries or country in countries
            )
            self._fitting[country] = found
        return found

    def choose(self, msisdn: str, seed: int) -> str:
        """`seed`: of the message's text. "" where none of them may send to the number."""
        senders = self.fitting(msisdn)
        if len(senders) < 2:
            return senders[0] if senders else ""
        if self._sticky:
            return max(senders, key=lambda sender: _drawn(msisdn, sender))
        return senders[choice(seed, PLACE, len(senders))]


def _drawn(msisdn: str, sender: str) -> tuple[bytes, str]:
    return blake2b(f"{msisdn}/{sender}".encode(), digest_size=8).digest(), sender
