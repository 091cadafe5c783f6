"""Delivery reports into the ledger: batches of 5,000 against one UPDATE each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils import timezone

from benchmarks import ground
from benchmarks.results import Plan, Result, measure_pairs, rate_of
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from sms.states import MessageState

BATCH = 5000
RETURNED_BY_VENDOR = "stand-in-"


def run(plan: Plan) -> Iterator[Result]:
    people = plan.size(50_000, 10_000)
    singles = plan.size(5000, 1000)
    workspace = ground.make_workspace()
    account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
    members = ground.make_list(workspace, people)

    def fresh() -> list[int]:
        ground.forget_broadcasts()
        dispatch = ground.plan(ground.make_broadcast(workspace, account, [members]))
        return mark_sent(dispatch)

    def ours() -> float:
        ids = fresh()
        rate = rate_of(lambda: apply_in_batches(ids), len(ids))
        _check(len(ids))
        return rate

    def theirs() -> float:
        ids = fresh()[:singles]
        rate = rate_of(lambda: apply_singly(account.pk, ids), len(ids))
        _check(len(ids))
        return rate

    yield measure_pairs("receipts_bulk_vs_single", "receipts/s", plan.runs, ours, theirs)


def mark_sent(dispatch: Dispatch) -> list[int]:
    ids = list(Message.objects.filter(dispatch=dispatch).order_by("id").values_list("id", flat=True))
    for batch in _batches(ids):
        apply_changes(
            [
                Change(
                    row_id,
                    MessageState.SENT,
                    timezone.now(),
                    "engine",
                    provider_message_id=f"{RETURNED_BY_VENDOR}{row_id}",
                    parts=1,
                    text="Hi Alice",
                )
                for row_id in batch
            ]
        )
    ground.analyze("messaging_message")
    return ids


def apply_in_batches(ids: Sequence[int]) -> None:
    for batch in _batches(ids):
        now = timezone.now()
        apply_changes(
            [Change(row_id, MessageState.DELIVERED, now, "receipt", words="DELIVRD") for row_id in batch]
        )


def apply_singly(account_id: int, ids: Sequence[int]) -> None:
    """The least that a receipt handler does: find the vendor's id, set the state; no history, no counters."""
    for row_id in ids:
        now = timezone.now()
        Message.objects.filter(
            account_id=account_id,
            provider_message_id=f"{RETURNED_BY_VENDOR}{row_id}",
            state=MessageState.SENT.value,
        ).update(state=MessageState.DELIVERED.value, words="DELIVRD", settled_at=now, changed_at=now)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


def _check(expected: int) -> None:
    delivered = Message.objects.filter(state=MessageState.DELIVERED.value).count()
    if delivered != expected:
        raise AssertionError(f"{delivered:,} messages are delivered; {expected:,} receipts were applied.")
