"""News that messaging sends up."""

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal


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
