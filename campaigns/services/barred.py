"""Who of an audience would be left out when their turn comes, and why: for the numbers before the launch."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from campaigns.models import Broadcast, BroadcastKind
from campaigns.services.audience import audience_rows
from contacts.models import Recipient
from messaging.barred import has_it, is_capped
from messaging.models import Message
from messaging.reasons import FREQUENCY_CAP, HAS_IT


def sibling_ids(broadcast: Broadcast) -> list[int]:
    """The other broadcasts of its family: the first one, and all to those who missed it or one of those, drafts too."""
    root_id = broadcast.again_root_id or broadcast.pk
    family = Broadcast.objects.filter(again_root_id=root_id).values_list("pk", flat=True)
    return sorted({root_id, *family} - {broadcast.pk})


def barred_numbers(broadcast: Broadcast) -> dict[str, str]:
    """Reasons by number, of those alone who are left out."""
    found: dict[str, str] = {}
    if cap := broadcast.workspace.frequency_cap:
        since = timezone.now() - timedelta(days=broadcast.workspace.frequency_days)
        capped = is_capped(broadcast.workspace_id, broadcast.pk, cap=cap, since=since)
        found |= dict.fromkeys(_numbers(broadcast, capped), FREQUENCY_CAP)
    if siblings := sibling_ids(broadcast):
        found |= dict.fromkeys(_numbers(broadcast, has_it(siblings, broadcast.pk)), HAS_IT)
    return found


def _numbers(broadcast: Broadcast, condition: object) -> list[str]:
    if broadcast.kind != BroadcastKind.SINGLE:
        rows: QuerySet[Recipient] = audience_rows(broadcast).order_by().filter(condition)
        return list(rows.values_list("msisdn", flat=True))
    # Of one number: asked of any of its messages.
    mine = Message.objects.filter(workspace_id=broadcast.workspace_id, msisdn=broadcast.msisdn)
    return [broadcast.msisdn] if broadcast.msisdn and mine.order_by().filter(condition).exists() else []
