"""Planning an audience into the ledger: campaigns.services.planning against iterator() and bulk_create."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from benchmarks import ground
from benchmarks.results import Plan, Result, measure_pairs, rate_of
from campaigns.models import Broadcast, Segment
from campaigns.services.planning import plan_segment
from contacts.models import OptOut, Recipient
from messaging.ledger import count_planned
from messaging.models import Message

OPTED_OUT_SHARE = 5  # every fifth
BATCH = 1000


def run(plan: Plan) -> Iterator[Result]:
    people = plan.size(500_000, 50_000)
    workspace = ground.make_workspace()
    account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
    big = ground.make_list(workspace, people, name="All")
    # bulk_create is slow: a part of the same people is enough to know its rate.
    part = plan.size(50_000, 10_000)
    small = ground.make_list(workspace, part, name="Part")
    ground.opt_out_some(workspace, people // OPTED_OUT_SHARE, start=0, step=OPTED_OUT_SHARE)

    def ours() -> float:
        ground.forget_broadcasts()
        broadcast = ground.make_broadcast(workspace, account, [big])
        segment = Segment.objects.get(broadcast=broadcast)
        rate = rate_of(lambda: plan_segment(segment_id=segment.pk), people)
        _check(broadcast, people)
        return rate

    def theirs() -> float:
        ground.forget_broadcasts()
        broadcast = ground.make_broadcast(workspace, account, [small])
        rate = rate_of(lambda: plan_with_orm(broadcast), part)
        _check(broadcast, part)
        return rate

    name = f"plan_vs_bulk_create.{connection.vendor}"
    yield measure_pairs(name, "recipients/s", plan.runs, ours, theirs)


def plan_with_orm(broadcast: Broadcast) -> None:
    """What one writes first: read the people, leave out who opted out, create the messages in batches."""
    dispatch = Segment.objects.select_related("dispatch").get(broadcast=broadcast).dispatch
    gone = set(OptOut.objects.filter(workspace_id=broadcast.workspace_id).values_list("msisdn", flat=True))
    batch: list[Message] = []
    for recipient in Recipient.objects.filter(list__in=broadcast.lists.all()).iterator(chunk_size=2000):
        if recipient.msisdn in gone:
            continue
        batch.append(
            Message(
                workspace_id=broadcast.workspace_id,
                dispatch=dispatch,
                broadcast_id=broadcast.pk,
                recipient_id=recipient.pk,
                account_id=dispatch.account_id,
                msisdn=recipient.msisdn,
                sender=dispatch.sender,
            )
        )
        if len(batch) == BATCH:
            Message.objects.bulk_create(batch, ignore_conflicts=True)
            count_planned(dispatch.pk, len(batch))
            batch = []
    Message.objects.bulk_create(batch, ignore_conflicts=True)
    count_planned(dispatch.pk, len(batch))


def _check(broadcast: Broadcast, people: int) -> None:
    """A fast planning that forgets somebody is no planning."""
    written = Message.objects.filter(broadcast_id=broadcast.pk).count()
    expected = people - people // OPTED_OUT_SHARE
    if written != expected:
        raise AssertionError(f"{written:,} messages were planned; {expected:,} people were to get one.")
