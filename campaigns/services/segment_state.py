"""The segments of a smart broadcast as they stand: who is in reserve, and whether a person is asked."""

from __future__ import annotations

from django.utils import timezone

from campaigns.models import RESERVE, Broadcast, BroadcastState, Decision, Segment
from messaging.dispatches import counts_of, with_branches
from messaging.models import DispatchState
from sms.states import MessageState

# A segment that is not over.
UNDER_WAY = (DispatchState.PLANNING, DispatchState.RUNNING, DispatchState.PAUSED)
# After these it is paused until a person decides.
ASKS = (Decision.CAP, Decision.REFUSED)


def reserve_of(broadcast: Broadcast) -> Segment | None:
    """None before the launch, and of one that is not smart."""
    return broadcast.segments.filter(number=RESERVE).select_related("dispatch").first()


def has_expired(broadcast: Broadcast) -> bool:
    """Nothing of it is sent any more, though the sweep may not have ended it yet."""
    return broadcast.exp_date is not None and broadcast.exp_date <= timezone.now()


def last_segment(broadcast: Broadcast) -> Segment | None:
    rows = broadcast.segments.exclude(number=RESERVE).select_related("dispatch")
    return rows.order_by("-number").first()


def left_in_reserve(broadcast: Broadcast) -> int:
    """Who waits and is in no segment yet."""
    reserve = reserve_of(broadcast)
    if reserve is None or reserve.dispatch.state != DispatchState.RESERVE:
        return 0
    waiting = reserve.dispatch.counts.filter(state=MessageState.QUEUED)
    return max(sum(waiting.values_list("count", flat=True)) - _still_to_move(broadcast), 0)


def _still_to_move(broadcast: Broadcast) -> int:
    """Of those in reserve who belong to a segment that is being filled."""
    filling = broadcast.segments.filter(size__isnull=False, dispatch__state=DispatchState.PLANNING)
    total = 0
    for segment in filling.select_related("dispatch"):
        moved = sum(counts_of(with_branches([segment.dispatch_id])).values())
        total += max((segment.size or 0) - moved, 0)
    return total


def is_asking(broadcast: Broadcast, last: Segment | None) -> bool:
    """Whether it was paused so that a person decides about the next segment."""
    if last is None or broadcast.state != BroadcastState.PAUSED or not broadcast.state_reason:
        return False
    asked = broadcast.steps.filter(segment_number=last.number, decision__in=ASKS)
    return last.dispatch.state not in UNDER_WAY and asked.exists()


def people_in_segments(broadcast: Broadcast) -> int:
    ids = broadcast.segments.exclude(number=RESERVE).values_list("dispatch_id", flat=True)
    return sum(counts_of(with_branches(ids)).values())
