"""News that messaging sends up."""

from dataclasses import dataclass

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
