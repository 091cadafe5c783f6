"""Delivery reports in the style of MessageWhiz ("DLR to webhook", document 004): all messages of a dispatch that were handed
over, T1 minutes after it has ended, and once more after T2.

    {"dlrs": [{"segment_id", "_id", "broadcast_id", "recipient", "price", "task_state", "updated"}, ...],
     "custom_parameter": "...", "pduDLR": {"delivered_count": 2}}

`segment_id` is our dispatch; `_id` our message's id, as text; `updated` in milliseconds since 1970. `custom_parameter`
stands there where there is one, `pduDLR` with single texts: how many of its parts are in each state. Who was not handed
over (opted out, cancelled, still waiting) is not in it. An unknown message is told as sent: MessageWhiz has no other word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from messaging.models import Dispatch, ErasedMessage, Message, ReportRound, WebhookDelivery, WebhookEndpoint
from messaging.models.webhooks import WebhookKind
from messaging.webhooks.events import MESSAGEWHIZ_REPORTS
from sms.states import MessageState as S

DLRS_MOST = 500
TASK_STATES: Mapping[str, int] = {
    S.SENT.value: 0,
    S.UNKNOWN.value: 0,
    S.DELIVERED.value: 2,
    S.EXPIRED.value: 3,
    S.UNDELIVERED.value: 5,
    S.REJECTED.value: 8,
    S.FAILED.value: 9,
}
_PDU_NAMES = {0: "sent", 2: "delivered", 3: "expired", 5: "undelivered", 8: "rejected", 9: "failed"}


def plan_rounds(dispatch_id: int) -> None:
    """When it has ended, in the same transaction: for each endpoint that wants it. Another time changes nothing."""
    endpoints = WebhookEndpoint.objects.filter(
        enabled=True, kind=WebhookKind.MESSAGEWHIZ, workspace__dispatches=dispatch_id
    )
    now = timezone.now()
    rows = [
        ReportRound(
            endpoint=endpoint, dispatch_id=dispatch_id, number=number, due_at=now + timedelta(minutes=minutes)
        )
        for endpoint in endpoints
        for number, minutes in ((1, endpoint.first_after), (2, endpoint.second_after))
        if minutes is not None
    ]
    ReportRound.objects.bulk_create(rows, ignore_conflicts=True)


def is_any_round_due() -> bool:
    return ReportRound.objects.filter(done_at=None, due_at__lte=timezone.now()).exists()


def tell_due_rounds(*, most: int = 20) -> int:
    """Writes up to `most` deliveries; returns how many. A worker that dies leaves the rest to the next one."""
    due = ReportRound.objects.filter(done_at=None, due_at__lte=timezone.now()).order_by("due_at", "pk")
    written = 0
    for found in list(due.select_related("endpoint", "dispatch")[:most]):
        while written < most and _tell_some(found):
            written += 1
    return written


def _tell_some(found: ReportRound) -> bool:
    """One delivery more; False where there is none (any more), or another worker is at it."""
    with transaction.atomic():
        rows = _next_of(found)
        told_to = rows[-1]["pk"] if rows else found.told_to
        is_done = len(rows) < DLRS_MOST or not found.endpoint.enabled
        moved = ReportRound.objects.filter(pk=found.pk, done_at=None, told_to=found.told_to).update(
            told_to=told_to, done_at=timezone.now() if is_done else None
        )
        if not moved or not rows or not found.endpoint.enabled:
            return False
        WebhookDelivery.objects.bulk_create([_delivery(found, rows)], ignore_conflicts=True)
    found.told_to = told_to
    return True


def _next_of(found: ReportRound) -> list[dict[str, Any]]:
    rows = Message.objects.filter(
        dispatch_id=found.dispatch_id, pk__gt=found.told_to, state__in=TASK_STATES
    ).exclude(pk__in=ErasedMessage.objects.values("message_id"))
    fields = ("pk", "broadcast_id", "msisdn", "price", "state", "parts", "changed_at")
    return list(rows.order_by("pk").values(*fields)[:DLRS_MOST])


def _delivery(found: ReportRound, rows: Sequence[Mapping[str, Any]]) -> WebhookDelivery:
    dispatch = found.dispatch
    body: dict[str, Any] = {"dlrs": [_dlr(dispatch, row) for row in rows]}
    if dispatch.custom_parameter:
        body["custom_parameter"] = dispatch.custom_parameter
    if dispatch.broadcast_id is None:
        body["pduDLR"] = _parts_by_state(rows)
    return WebhookDelivery(
        endpoint=found.endpoint,
        event_id=f"dlr_{found.endpoint_id}_{found.dispatch_id}_{found.number}_{rows[0]['pk']}",
        event_type=MESSAGEWHIZ_REPORTS,
        message_id=rows[0]["pk"] if dispatch.broadcast_id is None else None,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
    )


def _dlr(dispatch: Dispatch, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "segment_id": dispatch.pk,
        "_id": str(row["pk"]),
        "broadcast_id": row["broadcast_id"],
        "recipient": row["msisdn"],
        "price": float(row["price"] or 0),
        "task_state": TASK_STATES[row["state"]],
        "updated": round(row["changed_at"].timestamp() * 1000),
    }


def _parts_by_state(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        name = f"{_PDU_NAMES[TASK_STATES[row['state']]]}_count"
        counts[name] = counts.get(name, 0) + (row["parts"] or 1)
    return counts
