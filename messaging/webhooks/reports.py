"""message.reported: what became of messages, as it happens; written in the transaction that moves them in the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from messaging.models import Dispatch, ErasedMessage, Message, WebhookDelivery, WebhookEndpoint
from messaging.models.webhooks import WebhookKind
from messaging.webhooks.events import MESSAGEWHIZ_REPORTS, REPORTED, Event, iso_time, new_event_id
from messaging.webhooks.ledger import make_events
from sms.states import DLR_NAME, DLR_NUMBER, FINAL, MessageState

# In one event: of a bulk run some dozen kilobytes.
REPORTS_MOST = 100


class Moved(NamedTuple):
    """A message that has just come into a state."""

    message_id: int
    dispatch_id: int
    state: MessageState
    reason: str
    at: datetime


class _Facts(NamedTuple):
    """What all reports of a dispatch share."""

    workspace_id: int
    broadcast_id: int | None
    currency: str
    custom_parameter: str


def tell_reports(moved: Sequence[Moved]) -> None:
    """To the endpoints of their workspaces that want it. Of messages of erased numbers nothing is told."""
    told = [one for one in moved if one.state in DLR_NUMBER]
    facts = _facts_of({one.dispatch_id for one in told})
    told = [one for one in told if one.dispatch_id in facts]
    if not told:
        return
    rows = _rows_of({one.message_id for one in told})
    by_workspace: defaultdict[int, list[Moved]] = defaultdict(list)
    for one in told:
        if one.message_id in rows:
            by_workspace[facts[one.dispatch_id].workspace_id].append(one)
    for workspace_id, some in by_workspace.items():
        events = [_event(chunk, rows, facts) for chunk in _chunks(some)]
        if make_events(workspace_id, events):
            transaction.on_commit(_wake)


def _facts_of(dispatch_ids: Iterable[int]) -> dict[int, _Facts]:
    """Of dispatches of which anybody is told."""
    ids = list(dispatch_ids)
    if not ids:
        return {}
    wanting = {
        endpoint.workspace_id
        for endpoint in WebhookEndpoint.objects.filter(
            enabled=True, kind=WebhookKind.CRIER, workspace__dispatches__in=ids
        ).distinct()
        if REPORTED in endpoint.events
    }
    if not wanting:
        return {}
    rows = Dispatch.objects.filter(pk__in=ids, workspace__in=wanting)
    return {
        row.pk: _Facts(row.workspace_id, row.broadcast_id, row.account.currency, row.custom_parameter)
        for row in rows.select_related("account").only(*_FACTS)
    }


_FACTS = ("workspace_id", "broadcast_id", "account__currency", "custom_parameter")


def _rows_of(message_ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    ids = list(message_ids)
    erased = set(ErasedMessage.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
    rows = Message.objects.filter(pk__in=ids).values("pk", "msisdn", "sender", "words", "parts", "price")
    return {row["pk"]: row for row in rows if row["pk"] not in erased}


def _chunks(moved: Sequence[Moved]) -> Iterator[Sequence[Moved]]:
    for start in range(0, len(moved), REPORTS_MOST):
        yield moved[start : start + REPORTS_MOST]


def _event(
    moved: Sequence[Moved], rows: Mapping[int, Mapping[str, Any]], facts: Mapping[int, _Facts]
) -> Event:
    reports = [_report(one, rows[one.message_id], facts[one.dispatch_id]) for one in moved]
    about = moved[0].message_id if len(moved) == 1 else None
    # A message comes into a state once, in one transaction: there is no other event of the same.
    return Event(new_event_id(), REPORTED, moved[-1].at, {"reports": reports}, about)


def _report(moved: Moved, row: Mapping[str, Any], facts: _Facts) -> dict[str, Any]:
    number = DLR_NUMBER[moved.state]
    return {
        "message_id": moved.message_id,
        "broadcast_id": facts.broadcast_id,
        "msisdn": row["msisdn"],
        "sender": row["sender"],
        "state": moved.state.value,
        "is_final": moved.state in FINAL,
        "dlr_number": number,
        "dlr_name": DLR_NAME[number],
        "reason": moved.reason,
        "words": row["words"],
        "parts": row["parts"],
        "cost": None if row["price"] is None else str(row["price"]),
        "currency": facts.currency,
        "time": iso_time(moved.at),
        "custom_parameter": facts.custom_parameter,
    }


# --- erasure --------------------------------------------------------------------------------------------

# Of each kind of delivery with several messages: where they stand in its body, and under which name the number.
_LISTS = {REPORTED: ("data", "reports", "msisdn"), MESSAGEWHIZ_REPORTS: ("dlrs", "recipient")}


def forget_reports(*, workspace_id: int, msisdn: str) -> int:
    """Takes a number out of what was told or is to be told of several messages; returns of how many deliveries. What is
    left empty goes. Reads through all that is kept of these kinds."""
    rows = WebhookDelivery.objects.filter(
        endpoint__workspace=workspace_id, event_type__in=_LISTS, body__contains=f'"{msisdn}"'
    )
    ids = list(rows.values_list("pk", flat=True))
    for pk in ids:
        with transaction.atomic():
            row = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk=pk).first()
            if row is not None:
                _take_out(row, msisdn)
    return len(ids)


def _take_out(row: WebhookDelivery, msisdn: str) -> None:
    *path, listed, name = _LISTS[row.event_type]
    body = json.loads(row.body)
    holder = body
    for key in path:
        holder = holder[key]
    holder[listed] = [one for one in holder[listed] if one[name] != msisdn]
    if not holder[listed]:
        row.delete()
        return
    row.body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    row.save(update_fields=["body"])


def _wake() -> None:
    from messaging.tasks import (
        wake_webhooks_soon,
    )  # it imports the sender, and with it the ledger that calls us

    wake_webhooks_soon()
