"""What was written to a number and what it wrote back, newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from messaging.links.counts import first_clicks
from messaging.models import InboundText, Message
from messaging.reasons import Reason, reason_of


@dataclass(frozen=True, slots=True)
class ThreadText:
    """`text` is empty while a message of ours was not sent; `state` is empty for what they wrote."""

    at: datetime
    text: str
    is_ours: bool
    pk: int
    state: str = ""
    reason: Reason | None = None
    broadcast_id: int | None = None
    # Of ours: when a person first followed one of its links.
    followed_at: datetime | None = None
    # Of theirs: sms.opt_out.Keyword.
    keyword: str = ""


def thread_of(workspace_id: int, msisdn: str, limit: int) -> list[ThreadText]:
    messages = Message.objects.filter(workspace_id=workspace_id, msisdn=msisdn).order_by("-id")[:limit]
    inbound = InboundText.objects.filter(workspace_id=workspace_id, msisdn=msisdn).order_by("-id")[:limit]
    texts = _newest_first([*map(_ours, messages), *map(_theirs, inbound)])[:limit]
    followed = first_clicks([text.pk for text in texts if text.is_ours])
    return [replace(text, followed_at=followed.get(text.pk)) if text.is_ours else text for text in texts]


def last_texts(workspace_id: int, msisdns: Collection[str], each: int) -> dict[str, list[ThreadText]]:
    """By number, the last texts that really were written; for a page of numbers, in two queries."""
    found: dict[str, list[ThreadText]] = defaultdict(list)
    messages = Message.objects.filter(workspace_id=workspace_id, msisdn__in=msisdns).exclude(text="")
    for message in _last(messages, each):
        found[message.msisdn].append(_ours(message))
    inbound = InboundText.objects.filter(workspace_id=workspace_id, msisdn__in=msisdns)
    for text in _last(inbound, each):
        found[text.msisdn].append(_theirs(text))
    return {msisdn: _newest_first(texts)[:each] for msisdn, texts in found.items()}


def message_of(workspace_id: int, msisdn: str, message_id: int) -> ThreadText | None:
    """A message of ours to this number."""
    found = Message.objects.filter(workspace_id=workspace_id, msisdn=msisdn, pk=message_id).first()
    return _ours(found) if found else None


def words_of_messages(workspace_id: int, ids: Collection[int]) -> dict[int, str]:
    """By id, the texts of messages of ours; not of those that were never sent or are erased."""
    rows = Message.objects.filter(workspace_id=workspace_id, pk__in=ids).exclude(text="")
    return dict(rows.values_list("pk", "text"))


def _last(rows: QuerySet[Any], each: int) -> QuerySet[Any]:
    newest = Window(RowNumber(), partition_by=[F("msisdn")], order_by=F("id").desc())
    return rows.order_by().annotate(newest=newest).filter(newest__lte=each)


def _newest_first(texts: list[ThreadText]) -> list[ThreadText]:
    return sorted(texts, key=lambda text: text.at, reverse=True)


def _ours(message: Message) -> ThreadText:
    return ThreadText(
        message.submitted_at or message.created_at,
        message.text,
        True,
        message.pk,
        message.state,
        reason_of(message.reason),
        message.broadcast_id,
    )


def _theirs(text: InboundText) -> ThreadText:
    return ThreadText(text.received_at, text.text, False, text.pk, keyword=text.keyword)
