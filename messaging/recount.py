"""The kept counters beside the ledger itself: they are the same, always; whoever doubts it asks here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from messaging.ledger import lock_rows
from messaging.models import Dispatch, Message, MessageCount


@dataclass(frozen=True, slots=True)
class Miscount:
    """`kept`: what the counter says; `real`: how many rows of the ledger there are."""

    dispatch_id: int
    state: str
    reason: str
    kept: int
    real: int


def miscounts() -> Iterator[Miscount]:
    """Dispatch by dispatch, each looked at in one moment. Reads the whole ledger: minutes for many millions of rows."""
    for dispatch_id in Dispatch.objects.order_by("pk").values_list("pk", flat=True).iterator():
        with transaction.atomic():
            yield from _miscounts_of(dispatch_id)


def recount(dispatch_id: int) -> list[Miscount]:
    """Puts the counters of a dispatch right, also while it is being sent; returns what was wrong."""
    with transaction.atomic():
        wrong = _miscounts_of(dispatch_id)
        for one in wrong:
            MessageCount.objects.update_or_create(
                dispatch_id=dispatch_id,
                state=one.state,
                reason=one.reason,
                defaults={"count": one.real},
            )
    return wrong


def _miscounts_of(dispatch_id: int) -> list[Miscount]:
    """Inside a transaction. The counters are locked first: whoever changes the ledger adds to them afterwards, so that
    rows of a change under way are counted by neither."""
    locked = lock_rows(MessageCount.objects.filter(dispatch_id=dispatch_id).order_by("state", "reason"))
    kept = {(state, reason): count for state, reason, count in locked.values_list("state", "reason", "count")}
    rows = Message.objects.filter(dispatch_id=dispatch_id).order_by()
    found = rows.values_list("state", "reason").annotate(n=Count("pk"))
    real = {(state, reason): number for state, reason, number in found}
    return [
        Miscount(dispatch_id, *key, kept.get(key, 0), real.get(key, 0))
        for key in sorted({*kept, *real})
        if kept.get(key, 0) != real.get(key, 0)
    ]
