"""The ledger of deliveries: written with what happened, claimed by a sender, settled by its answer.

A claim moves the row's next try past the time that a try may take (LEASE). So nothing is ever lost with a worker: one
that dies between request and write-down leaves a row that is due again, and the receiver gets the event twice under one
id. Whoever is slower than the lease does not overwrite what another one has written.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.access import Actor
from accounts.audit import record
from messaging.models import WebhookDelivery, WebhookEndpoint, WebhookState, WebhookStop
from messaging.models.webhooks import ANSWER_LENGTH
from messaging.webhooks.events import TEST, Event

log = structlog.get_logger("crier.webhooks")

# After each failed try, as Standard Webhooks proposes; the one after the last is none.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
)
ALL_TRIES = sum(RETRIES, timedelta())
# Added at random, so that what failed together does not come back together.
JITTER = 0.1
# A receiver may ask for more patience (Retry-After), not for this much.
MOST_PATIENCE = timedelta(hours=24)
# Longer than a try takes with a slow name server; a claim older than this is a dead worker's.
LEASE = timedelta(minutes=2)
# Requests at once to one endpoint of one sender; to one that fails, one: so that a dead server keeps no places.
AT_ONCE, AT_ONCE_FAILING = 4, 1
PRUNED_AT_ONCE = 1_000
_chance = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that is this sender's until `until`. `attempt`: which try this is, from 1."""

    pk: int
    endpoint: WebhookEndpoint
    event_id: str
    event_type: str
    body: str
    attempt: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. `status` is None without an answer; `words`: in short, for people; `retry_after`: as asked for."""

    status: int | None
    words: str = ""
    took_ms: int = 0
    retry_after: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        return self.status == 410


# --- events ---------------------------------------------------------------------------------------


def make_events(workspace_id: int, events: Sequence[Event]) -> int:
    """For each enabled endpoint of the workspace the events that it wants; returns how many rows there are more.

    Belongs into the transaction in which the thing happens. An event id that an endpoint has already is left out.
    """
    if not events:
        return 0
    endpoints = WebhookEndpoint.objects.filter(workspace_id=workspace_id, enabled=True).order_by("pk")
    rows = [
        _row(endpoint, event) for endpoint in endpoints for event in events if event.type in endpoint.events
    ]
    WebhookDelivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


def write_delivery(endpoint: WebhookEndpoint, event: Event) -> WebhookDelivery:
    """For this endpoint, whatever it wants."""
    row = _row(endpoint, event)
    row.save(force_insert=True)
    return row


def _row(endpoint: WebhookEndpoint, event: Event) -> WebhookDelivery:
    return WebhookDelivery(
        endpoint=endpoint,
        event_id=event.id,
        event_type=event.type,
        message_id=event.message_id,
        body=event.body,
    )


# --- claims ---------------------------------------------------------------------------------------


def is_any_due() -> bool:
    return _due(timezone.now()).exists()


def claim_due(limit: int, in_hand: Iterable[WebhookEndpoint] = ()) -> list[Claimed]:
    """Up to `limit` that are due, oldest first. `in_hand`: the endpoint of each request that is open now."""
    counts: dict[int, int] = {}
    full: set[int] = set()

    def takes(endpoint: WebhookEndpoint) -> bool:
        count = counts.get(endpoint.pk, 0)
        if count >= _at_once(endpoint):
            full.add(endpoint.pk)
            return False
        counts[endpoint.pk] = count + 1
        return True

    for endpoint in in_hand:
        counts[endpoint.pk] = counts.get(endpoint.pk, 0) + 1
        if counts[endpoint.pk] >= _at_once(endpoint):
            full.add(endpoint.pk)
    claimed: list[Claimed] = []
    now = timezone.now()
    while len(claimed) < limit:
        rows = list(_due(now).exclude(endpoint_id__in=full).select_related("endpoint")[: 4 * limit])
        before = len(claimed) + len(full)
        for row in rows:
            if len(claimed) < limit and takes(row.endpoint) and (one := _claim(row, now)) is not None:
                claimed.append(one)
        if not rows or len(claimed) + len(full) == before:
            break
    return claimed


def _due(now: datetime) -> QuerySet[WebhookDelivery]:
    """Tests go to disabled endpoints too."""
    waiting = WebhookDelivery.objects.filter(state=WebhookState.WAITING, try_at__lte=now)
    return waiting.filter(Q(endpoint__enabled=True) | Q(event_type=TEST)).order_by("try_at", "pk")


def _at_once(endpoint: WebhookEndpoint) -> int:
    return AT_ONCE_FAILING if endpoint.failing_since is not None else AT_ONCE


def _claim(row: WebhookDelivery, now: datetime) -> Claimed | None:
    """None where another sender was faster."""
    until = now + LEASE
    own = WebhookDelivery.objects.filter(pk=row.pk, state=WebhookState.WAITING, try_at=row.try_at)
    if not own.update(try_at=until, attempts=row.attempts + 1, tried_at=now):
        return None
    return Claimed(
        row.pk, row.endpoint, row.event_id, row.event_type, row.body, attempt=row.attempts + 1, until=until
    )


# --- answers --------------------------------------------------------------------------------------


def write_answer(claimed: Claimed, answer: Answer) -> bool:
    """What becomes of the delivery, and of its endpoint; False where it is not this sender's any more."""
    now = timezone.now()
    with transaction.atomic():
        own = WebhookDelivery.objects.filter(
            pk=claimed.pk, state=WebhookState.WAITING, try_at=claimed.until, attempts=claimed.attempt
        )
        written = own.update(
            answer_status=answer.status,
            answer_words=answer.words[:ANSWER_LENGTH],
            took_ms=answer.took_ms,
            **_next(claimed, answer, now),
        )
        if written and claimed.event_type != TEST:
            _note_health(claimed, answer, now)
    return bool(written)


def _next(claimed: Claimed, answer: Answer, now: datetime) -> Mapping[str, object]:
    if answer.is_taken:
        return {"state": WebhookState.DELIVERED}
    if answer.is_gone or claimed.event_type == TEST or claimed.attempt > len(RETRIES):
        return {"state": WebhookState.FAILED}
    pause = RETRIES[claimed.attempt - 1] * (1 + JITTER * _chance.random())
    asked = min(answer.retry_after or timedelta(), MOST_PATIENCE)
    return {"try_at": now + max(pause, asked)}


def _note_health(claimed: Claimed, answer: Answer, now: datetime) -> None:
    endpoint = WebhookEndpoint.objects.filter(pk=claimed.endpoint.pk)
    if answer.is_taken:
        endpoint.exclude(failing_since=None).update(failing_since=None)
        return
    endpoint.filter(failing_since=None).update(failing_since=now)
    if answer.is_gone:
        _disable(claimed.endpoint, WebhookStop.GONE, now)
    elif claimed.attempt > len(RETRIES) and endpoint.filter(failing_since__lte=now - ALL_TRIES).exists():
        # All of its tries fell into the time since something got through last.
        _disable(claimed.endpoint, WebhookStop.FAILING, now)


def _disable(endpoint: WebhookEndpoint, because: WebhookStop, now: datetime) -> None:
    enabled = WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=True)
    if enabled.update(enabled=False, disabled_because=because, disabled_at=now, updated_at=now):
        record(endpoint.workspace, Actor(), "disabled", endpoint, because=because.value)
        log.warning("webhook disabled", webhook=endpoint.pk, because=because.value)


# --- retention ------------------------------------------------------------------------------------


def prune_deliveries() -> int:
    """Those older than WEBHOOK_DAYS, sent or not; returns their number."""
    before, count = timezone.now() - timedelta(days=settings.WEBHOOK_DAYS), 0
    old = WebhookDelivery.objects.filter(created_at__lt=before).order_by("pk")
    while ids := list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        count += WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
    return count
