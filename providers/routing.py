"""Through which account of a route a number goes. Pure: the same people in the same order are always spread alike.

    order      the first account, by its place, that takes the number
    cheapest   the one whose price for it is lowest; of equal ones the first; one without a price comes last
    weight     each account gets as many as its weight says: the next one goes to that which lags behind most

By weight it is the method of Webster and Sainte-Laguë: the next one goes to the lowest (2 x given + 1) / weight. Where the
shares are whole numbers, they are met exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from providers.models import RouteStrategy
from sms.msisdn import country_of

NOBODY = -1
CostOf = Callable[[int], Decimal | None]


@dataclass(frozen=True, slots=True)
class Carrier:
    """An account of a route, for one text. `reaches`: whether its vendor takes the number; `may_send`: whether a sender may
    send there."""

    weight: int
    only: Sequence[str]
    reaches: Callable[[str], bool]
    may_send: Callable[[str], bool]

    def is_for(self, msisdn: str) -> bool:
        """Whether the route gives it this number, and its vendor takes it."""
        return is_among(msisdn, self.only) and self.reaches(msisdn)


def is_among(msisdn: str, only: Sequence[str]) -> bool:
    """Of one of these countries, or with one of these beginnings; of none given, always."""
    if not only:
        return True
    return any(msisdn.startswith(one) if one.isdigit() else country_of(msisdn) == one for one in only)


@dataclass(slots=True)
class RouteChooser:
    """`given`: how many each account has got so far; counted on as it chooses."""

    strategy: str
    carriers: Sequence[Carrier]
    given: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.given = list(self.given) or [0] * len(self.carriers)

    def choose(self, msisdn: str, cost_of: CostOf) -> int:
        """The number of an account, NOBODY where none takes it. `cost_of`: the cost of the text through one of them; asked
        where the cheapest is taken."""
        fitting = [
            number
            for number, carrier in enumerate(self.carriers)
            if carrier.is_for(msisdn) and carrier.may_send(msisdn)
        ]
        if not fitting:
            return NOBODY
        chosen = self._best(fitting, cost_of)
        self.given[chosen] += 1
        return chosen

    def _best(self, fitting: Sequence[int], cost_of: CostOf) -> int:
        if len(fitting) == 1 or self.strategy == RouteStrategy.ORDER:
            return fitting[0]
        if self.strategy == RouteStrategy.WEIGHT:
            return min(fitting, key=lambda one: (Fraction(2 * self.given[one] + 1, self._weight(one)), one))
        costs = {one: cost_of(one) for one in fitting}
        return min(fitting, key=lambda one: (costs[one] is None, costs[one] or Decimal(0), one))

    def _weight(self, number: int) -> int:
        return self.carriers[number].weight


def why_nobody(carriers: Sequence[Carrier], msisdn: str) -> str:
    """A code of the ledger's reasons: it is only a sender that is missing, or no account is for the number."""
    return "no_sender_for_country" if any(one.is_for(msisdn) for one in carriers) else "out_of_reach"
