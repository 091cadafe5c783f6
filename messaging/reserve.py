"""What a broadcast keeps in reserve: planned, so that everybody is accounted for, and moved piece by piece to what is sent.

    reserve --move_planned--> a dispatch in `planning`, until it has as many as it wants; then `start_dispatch`
       |'-- finished: nobody is left in it
       |'-- cancelled: those who have left the lists since they were planned
       '--- stopped: whoever is left does not get it

The engine claims from running dispatches alone, so nobody in reserve is sent anything, and whoever was moved is in one
other dispatch, whose text, sender and account are those of its message.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from contacts.models import Recipient
from messaging.dispatches import counts_of, finish_reserve, group_of, lock_dispatches
from messaging.ledger import Change, apply_changes, move_planned
from messaging.models import Dispatch, DispatchState, Message, MessageCount
from messaging.reasons import LEFT_LIST
from sms.states import MessageState

# Cancelled in one transaction: their histories are written, where a moved row changes three columns.
CANCEL_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Filled:
    """What one chunk did: how many were moved, or how many had left the lists and were cancelled."""

    moved: int = 0
    removed: int = 0


def fill_dispatch(*, dispatch_id: int, reserve_id: int, size: int, chunk: int) -> Filled | None:
    """Moves one chunk of those in reserve, the first ones first, until the dispatch has `size` messages, in one short
    transaction; how far it got stands in the ledger, so that whoever dies on the way moves nobody twice. Who has left the
    lists since is passed over and cancelled in the reserve; also once nobody else is left there.

    None: there is nothing to move any more, because it has them, nobody is left, or either was stopped.
    """
    with transaction.atomic():
        lock_dispatches([dispatch_id, reserve_id])
        target, reserve = (Dispatch.objects.get(pk=pk) for pk in (dispatch_id, reserve_id))
        if (target.state, reserve.state) != (DispatchState.PLANNING, DispatchState.RESERVE):
            return None
        wanted = size - sum(counts_of(group_of(dispatch_id)).values())
        removed = _cancel_removed(reserve_id, min(wanted, chunk))
        moved = move_planned(reserve_id, target, min(wanted, chunk)) if wanted > 0 and not removed else 0
        if moved:
            Dispatch.objects.filter(pk__in=[dispatch_id, reserve_id]).update(changed_at=timezone.now())
        if not waiting_in(reserve_id).exists():
            finish_reserve(dispatch_id=reserve_id)
        return Filled(moved, removed) if moved or removed else None


def _cancel_removed(reserve_id: int, among: int) -> int:
    """Of the first so many in reserve those who have left the lists; of all where none is wanted and nobody else is left.
    A chunk of them: returns how many, 0 where there is none any more."""
    if among > 0:
        rows = waiting_in(reserve_id).filter(pk__in=waiting_in(reserve_id).values("pk")[:among])
    elif on_lists_in(reserve_id).exists():
        return 0
    else:
        rows = waiting_in(reserve_id)
    gone = list(rows.filter(~_ON_A_LIST).values_list("pk", flat=True)[:CANCEL_CHUNK])
    now = timezone.now()
    return len(apply_changes([Change(pk, MessageState.CANCELLED, now, "planning", LEFT_LIST) for pk in gone]))


def waiting_in(reserve_id: int) -> models.QuerySet[Message]:
    """In the order in which they are moved."""
    rows = Message.objects.filter(dispatch_id=reserve_id, state=MessageState.QUEUED)
    return rows.order_by("id")


# The row from which its values are taken is gone when the person was removed from the list.
_ON_A_LIST = Exists(Recipient.objects.filter(pk=OuterRef("recipient_id")))


def on_lists_in(reserve_id: int) -> models.QuerySet[Message]:
    """Of those who wait, those who have not left the lists: the others are not texted."""
    return waiting_in(reserve_id).filter(_ON_A_LIST)


def removed_from(reserve_id: int) -> int:
    """How many have been cancelled so far because they had left the lists."""
    counts = MessageCount.objects.filter(dispatch_id=reserve_id, reason=LEFT_LIST)
    return sum(counts.values_list("count", flat=True))
