"""The ledger of deliveries: written with what happened, claimed by a sender, settled by its answer.

A claim moves the row's next try past the time that a try may take (LEASE). So nothing is ever lost with a worker: one
that dies between request and write-down leaves a row that is due again, and the receiver gets the event twice under one
id. Whoever is slower than the lease does not overwrite what another one has written.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.access import Actor
from accounts.audit import record
from messaging.models import WebhookDelivery, WebhookEndpoint, WebhookState, WebhookStop
from messaging.models.webhooks import ANSWER_LENGTH
from messaging.webhooks.events import TEST, Event
from messaging.webhooks.shares import Shares

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


def write_delivery(endpoint: WebhookEndpoint, event: Event, *, body: str = "") -> WebhookDelivery:
    """For this endpoint, whatever it wants. `body`: where it is not written as events are."""
    row = _row(endpoint, event)
    row.body = body or row.body
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
    """Tests go to disabled endpoints too."""
    due = WebhookDelivery.objects.filter(state=WebhookState.WAITING, try_at__lte=timezone.now())
    return due.filter(Q(endpoint__enabled=True) | Q(event_type=TEST)).exists()


def claim_due(limit: int, shares: Shares | None = None) -> list[Claimed]:
    """Up to `limit` that are due, as far as there are places for them: workspaces in turn, then endpoints, oldest first."""
    shares = shares or Shares()
    claimed: list[Claimed] = []
    now = timezone.now()
    waiting = _with_due(now)
    while waiting and len(claimed) < limit:
        wanted = _given_out(limit - len(claimed), waiting, shares)
        if not wanted:
            break
        for endpoint, count in wanted.items():
            rows = list(_due_of(endpoint, now)[:count])
            claimed += [one for row in rows if (one := _claim(row, endpoint, now)) is not None]
            if len(rows) < count:
                waiting.remove(endpoint)
    return claimed


def _with_due(now: datetime) -> list[WebhookEndpoint]:
    """Those that something is due for, the longest waiting first. Each is looked up in the index, however much waits."""
    due = WebhookDelivery.objects.filter(
        endpoint=OuterRef("pk"), state=WebhookState.WAITING, try_at__lte=now
    ).order_by("try_at")
    oldest = Subquery(due.values("try_at")[:1])
    oldest_test = Subquery(due.filter(event_type=TEST).values("try_at")[:1])
    enabled = WebhookEndpoint.objects.filter(enabled=True).annotate(oldest=oldest)
    disabled = WebhookEndpoint.objects.filter(enabled=False).annotate(oldest=oldest_test)
    found = [row for rows in (enabled, disabled) for row in rows.filter(oldest__isnull=False)]
    return sorted(found, key=lambda endpoint: (vars(endpoint)["oldest"], endpoint.pk))


def _given_out(limit: int, waiting: Sequence[WebhookEndpoint], shares: Shares) -> dict[WebhookEndpoint, int]:
    """How many places each gets, one at a time; they are taken."""
    wanted: dict[WebhookEndpoint, int] = {}
    for _place in range(limit):
        able = [endpoint for endpoint in waiting if shares.has_room(endpoint)]
        if not able:
            break
        # The first of equals: the longest waiting.
        chosen = min(able, key=shares.turn)
        shares.take(chosen)
        wanted[chosen] = wanted.get(chosen, 0) + 1
    return wanted


def _due_of(endpoint: WebhookEndpoint, now: datetime) -> QuerySet[WebhookDelivery]:
    rows = WebhookDelivery.objects.filter(
        endpoint=endpoint, state=WebhookState.WAITING, try_at__lte=now
    ).order_by("try_at", "pk")
    return rows if endpoint.enabled else rows.filter(event_type=TEST)


def _claim(row: WebhookDelivery, endpoint: WebhookEndpoint, now: datetime) -> Claimed | None:
    """None where another sender was faster."""
    until = now + LEASE
    own = WebhookDelivery.objects.filter(pk=row.pk, state=WebhookState.WAITING, try_at=row.try_at)
    if not own.update(try_at=until, attempts=row.attempts + 1, tried_at=now):
        return None
    return Claimed(
        row.pk, endpoint, row.event_id, row.event_type, row.body, attempt=row.attempts + 1, until=until
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
