"""Smart broadcasts to thirty people in segments of ten, sent and clicked without a provider."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastKind, Segment
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.planning import plan_segment
from campaigns.services.segments import continue_broadcast, next_of
from contacts.models import RecipientList
from messaging.dispatches import finish_dispatch_if_done
from messaging.ledger import Change, apply_changes
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.models import Message, MessageCount
from sms.states import MessageState
from tests.campaigns.makers import PEOPLE, TEXT
from tests.campaigns.test_links_in_texts import link_named
from tests.engine.makers import make_account, make_list, make_sender
from tests.messaging.links.makers import IPHONE, code_of, raw_hit

PRICE = Decimal("0.0079")


def make_smart(
    workspace: Workspace,
    actor: Actor,
    *,
    kind: str = BroadcastKind.SMART_MANUAL,
    people: RecipientList | None = None,
    **changes: Any,
) -> Broadcast:
    """A draft of segments of ten; by clicks: two of ten have to click, decided at once."""
    broadcast = create_draft(workspace=workspace, actor=actor, name="Autumn sale", kind=kind)
    values: dict[str, Any] = {
        "list_ids": [(people or make_list(workspace, PEOPLE)).pk],
        "account_id": make_account(workspace).pk,
        "sender_id": make_sender(workspace).pk,
        "text": TEXT,
        "first_segment_size": 10,
    }
    if kind == BroadcastKind.SMART_CTR:
        values |= {
            "text": f"{TEXT} {{{{link:{link_named(workspace).pk}}}}}",
            "conversion_threshold": Decimal(20),
            "next_segment_size": 10,
            "minimum_sample": 5,
            "wait_minutes": 0,
        }
    return save_draft(broadcast=broadcast, actor=actor, version=1, changes=values | changes)


def segment_of(broadcast: Broadcast, number: int) -> Segment:
    return broadcast.segments.select_related("dispatch").get(number=number)


def messages_in(broadcast: Broadcast, number: int) -> list[Message]:
    dispatch_id = segment_of(broadcast, number).dispatch_id
    return list(Message.objects.filter(dispatch_id=dispatch_id).order_by("id"))


def send_all(broadcast: Broadcast, number: int) -> None:
    """What waits in the segment is handed over, and the segment is through."""
    now = timezone.now()
    waiting = [message for message in messages_in(broadcast, number) if message.state == "queued"]
    apply_changes([Change(message.pk, MessageState.SENT, now, "engine") for message in waiting])
    # A minute ago: who clicks within seconds is taken for a machine.
    Message.objects.filter(pk__in=[one.pk for one in waiting]).update(submitted_at=now - timedelta(minutes=1))
    finish_dispatch_if_done(dispatch_id=segment_of(broadcast, number).dispatch_id)
    broadcast.refresh_from_db()


def click(broadcast: Broadcast, number: int, people: int) -> None:
    """The first `people` of the segment follow the link, each from a phone of their own."""
    now = timezone.now()
    hits = [
        raw_hit(code_of(message), now, agent=f"{IPHONE} {message.pk}")
        for message in messages_in(broadcast, number)[:people]
    ]
    apply_hits(hits)
    classify_new_hits()


def send_next(broadcast: Broadcast, actor: Actor, size: int | None = 10, **own: Any) -> Segment:
    """As a person who has seen its estimate; filled without a worker."""
    fresh = Broadcast.objects.select_related("workspace").get(pk=broadcast.pk)
    found = next_of(fresh, size=size, own=own)
    segment = continue_broadcast(
        broadcast=fresh,
        actor=actor,
        launch_token=fresh.launch_token,
        size=size,
        digest=found.estimate.digest,
        own=own,
    )
    plan_segment(segment_id=segment.pk)
    broadcast.refresh_from_db()
    segment.refresh_from_db()
    return segment


def assert_counted(broadcast: Broadcast) -> None:
    """The counters of each segment, and of the reserve, are what the ledger holds."""
    for segment in broadcast.segments.all():
        rows = MessageCount.objects.filter(~Q(count=0), dispatch_id=segment.dispatch_id)
        kept = {
            (state, reason): count for state, reason, count in rows.values_list("state", "reason", "count")
        }
        found: dict[tuple[str, str], int] = {}
        for state, reason in Message.objects.filter(dispatch_id=segment.dispatch_id).values_list(
            "state", "reason"
        ):
            found[state, reason] = found.get((state, reason), 0) + 1
        assert kept == found
