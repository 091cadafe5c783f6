"""The batched report of a segment, T1 and T2 minutes after it was sent: document 004, section DLR to webhook.

A post holds up to a thousand texts of one segment; `pduDLR` comes with singles alone.
"""

import secrets
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.sendings import Segment, Task, Text

BATCH = 1000  # texts
COUNT_NAMES = {
    Task.SENT: "sent_count",
    Task.DELIVERED: "delivered_count",
    Task.UNDELIVERED: "undelivered_count",
    Task.REJECTED: "rejected_count",
    Task.EXPIRED: "expired_count",
    Task.FAILED: "failed_count",
}


def report_later(segment: Segment, callbacks: Callbacks, later: Later, minute: float) -> None:
    """`minute` in seconds. Texts that the sandbox has no room to remember are counted as a failed report."""
    texts, segment.watched = segment.watched, []
    account = segment.broadcast.account
    reporting = account.reporting
    if not (reporting.webhook and texts):
        return
    try:
        account.room.take(len(texts))
    except Failure:
        callbacks.state.counters.receipts_failed += 1
        return
    ids = [secrets.token_hex(12) for _ in texts]
    minutes = [reporting.t1, *([reporting.t2] if reporting.t2 else [])]
    for after in minutes:
        later.after(after * minute, partial(_report, callbacks, reporting.webhook, segment, texts, ids))
    later.after(max(minutes) * minute, lambda: account.room.give_back(len(texts)))


def _report(callbacks: Callbacks, url: str, segment: Segment, texts: list[Text], ids: list[str]) -> None:
    pairs = zip(ids, texts, strict=True)
    while some := list(islice(pairs, BATCH)):
        callbacks.schedule_post(_posting(url, _batch(segment, some)))


def _posting(url: str, body: dict[str, Any]) -> Callable[[], Post]:
    return lambda: Post(url, body)


def _batch(segment: Segment, rows: list[tuple[str, Text]]) -> dict[str, Any]:
    broadcast = segment.broadcast
    body: dict[str, Any] = {"dlrs": [_row(segment, row_id, text) for row_id, text in rows]}
    if broadcast.custom_parameter:
        body["custom_parameter"] = broadcast.custom_parameter
    if broadcast.is_single:
        counts: Counter[str] = Counter()
        for _, text in rows:
            counts[COUNT_NAMES[text.task]] += text.parts
        body["pduDLR"] = dict(counts)
    return body


def _row(segment: Segment, row_id: str, text: Text) -> dict[str, Any]:
    return {
        "segment_id": segment.id,
        "_id": row_id,
        "broadcast_id": segment.broadcast.id,
        "recipient": text.msisdn,
        "price": text.price,
        "task_state": int(text.task),
        "updated": int(text.updated * 1000),
    }
