"""Does it live, can it send, how does it do: /healthz, /readyz, /metrics. This module alone asks all apps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Count, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from accounts import heartbeat
from accounts.instance import fence
from accounts.models import ProcessBeat
from config.celery import app as celery_app
from contacts.models import Import, ImportState
from messaging.models import Dispatch, DispatchState, Message, MessageCount, MessageMinute
from providers.models import AccountHour, StoredWebhookCall, WebhookCallState
from sms.states import MessageState
from web import metrics as metrics_page
from web.api import PROBLEM_TYPE

log = structlog.get_logger("crier.health")
# What stands still without a worker of that queue.
WORK_OF_QUEUE = {
    "default": _lazy("planning, receipts and the sweep"),
    "files": _lazy("imports"),
    "send": _lazy("sending"),
    "webhooks": _lazy("webhooks"),
}
BROKER_TIMEOUT_SECONDS = 2.0
# The sweep comes every few seconds; one that plans a large audience takes longer.
SWEEP_WITHIN = timedelta(minutes=2)
# Counting what waits stops here: more is one alarm as well.
COUNT_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Check:
    """What was found, in a sentence; and where something is wrong, what mends it ("" otherwise)."""

    name: str
    ok: bool
    sentence: str
    remedy: str = ""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 {"status": "ok", "version", "checks"}, or a 503 problem: process and database work."""
    return _answer([check_database()], _("Crier cannot work: its database does not answer."), "unhealthy")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """As healthz, with broker, worker and scheduler: a broadcast launched now would be sent."""
    database = check_database()
    checks = [database, check_broker()]
    checks += [check_instance(database), check_workers(database), check_scheduler(database)]
    return _answer(checks, _("Crier cannot send now: see the checks that failed."), "not_ready")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for whoever carries settings.METRICS_TOKEN."""
    return metrics_page.refusal(request) or metrics_page.exposition(measure())


def _answer(checks: list[Check], detail: str, code: str) -> JsonResponse:
    listed = [asdict(check) for check in checks]
    if all(check.ok for check in checks):
        return JsonResponse({"status": "ok", "version": settings.VERSION, "checks": listed})
    body = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": detail,
        "code": code,
        "checks": listed,
    }
    return JsonResponse(body, status=503, content_type=PROBLEM_TYPE)


# --- checks ---------------------------------------------------------------------------------------


def check_database() -> Check:
    try:
        migrated = MigrationRecorder.Migration.objects.filter(app="campaigns").exists()
    except DatabaseError as error:
        log.warning("database check failed", error=str(error))
        migrated = None
    if migrated:
        return Check("database", True, _("The database answers."))
    if migrated is None:
        return Check(
            "database",
            False,
            _("The database does not answer, or has no tables."),
            _("Start it, check DATABASE_URL, then run `manage.py migrate`."),
        )
    return Check("database", False, _("The database has no tables yet."), _("Run `manage.py migrate`."))


def check_broker() -> Check:
    """One attempt with a short timeout; the embedded broker is a folder that must be writable."""
    scheme = settings.CELERY_BROKER_URL.partition(":")[0]
    trouble = _folder_trouble() if scheme == "filesystem" else _connection_trouble()
    if not trouble:
        return Check("broker", True, _("The broker answers."))
    log.warning("broker check failed", broker=scheme, error=trouble)
    return Check(
        "broker",
        False,
        _("The broker (%(scheme)s) does not answer: nothing wakes the workers.") % {"scheme": scheme},
        _("Start it, and check CELERY_BROKER_URL.")
        if scheme != "filesystem"
        else _("Make the folder `queue` of the data folder writable for Crier."),
    )


def _folder_trouble() -> str:
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]
    return "" if os.access(folder, os.R_OK | os.W_OK | os.X_OK) else "the queue folder is not writable"


def _connection_trouble() -> str:
    """The error's kind only: its words may hold the address with its password."""
    options = {
        "socket_connect_timeout": BROKER_TIMEOUT_SECONDS,
        "socket_timeout": BROKER_TIMEOUT_SECONDS,
        "max_retries": 0,
        "connect_retries_timeout": BROKER_TIMEOUT_SECONDS,
    }
    connection = celery_app.connection_for_write(
        connect_timeout=BROKER_TIMEOUT_SECONDS, transport_options=options
    )
    try:
        # Straight to the transport: kombu's own connect() waits two seconds and tries again.
        connection.transport.establish_connection()
        connection.channel()
    except _broker_errors(connection) as error:
        return type(error).__name__
    finally:
        connection.release()
    return ""


def _broker_errors(connection: Connection) -> tuple[type[Exception], ...]:
    """The transport knows which of its errors mean that the broker is away or refuses us."""
    return (*connection.connection_errors, *connection.channel_errors, OSError)


def check_instance(database: Check) -> Check:
    """A copy of the database that nobody claimed sends nothing."""
    if not database.ok:
        return Check("instance", False, _("Not known while the database does not answer."), database.remedy)
    found = fence()
    if found is None:
        return Check("instance", True, _("This database is the installation itself."))
    return Check(
        "instance",
        False,
        _("Nothing is sent from this copy of the database. %(why)s") % {"why": found.sentence},
        _(
            "If no other Crier sends from it, claim it: `manage.py claim_instance --claim`, or the page /this-copy/."
        ),
    )


def check_workers(database: Check) -> Check:
    """One living worker for each queue: that of another queue does not stand in."""
    if not database.ok:
        return Check("worker", False, _("Not known while the database does not answer."), database.remedy)
    dead = [queue for queue in WORK_OF_QUEUE if not heartbeat.is_alive(f"worker-{queue}")]
    if not dead and not heartbeat.is_alive("sweep", SWEEP_WITHIN):
        return Check(
            "worker",
            False,
            _("A worker lives for each queue, but no sweep has come to its end for a while."),
            _("Read the log of the worker of the queue `default`; starting it again mends most."),
        )
    if not dead:
        return Check("worker", True, _("A worker lives for each queue."))
    undone = ", ".join(str(WORK_OF_QUEUE[queue]) for queue in dead)
    return Check(
        "worker",
        False,
        _("No worker lives for: %(work)s.") % {"work": undone},
        _("Start one: `celery -A config.celery worker -Q %(queues)s -P solo`.") % {"queues": ",".join(dead)},
    )


def check_scheduler(database: Check) -> Check:
    if not database.ok:
        return Check("scheduler", False, _("Not known while the database does not answer."), database.remedy)
    if heartbeat.is_alive("scheduler"):
        return Check("scheduler", True, _("The scheduler lives."))
    return Check(
        "scheduler",
        False,
        _("The scheduler is not running: schedules and repairs stand still."),
        _("Start it: `celery -A config.celery beat`."),
    )


# --- measures -------------------------------------------------------------------------------------


def measure() -> Iterator[Metric]:
    """Few queries, each over kept counters or a short index; never a count over the ledger."""
    now = timezone.now()
    yield _messages_by_state()
    yield _gauge("crier_queue_depth", "Messages queued in running dispatches.", _queue_depth())
    yield _gauge(
        "crier_oldest_due_age_seconds", "How long the oldest message that is due waits.", oldest_due_age(now)
    )
    yield _gauge(
        "crier_webhook_calls_waiting",
        f"Calls of vendors stored and not yet applied (counted up to {COUNT_AT_MOST}).",
        StoredWebhookCall.objects.filter(state=WebhookCallState.NEW)[:COUNT_AT_MOST].count(),
    )
    yield _gauge(
        "crier_fenced", "1: a copy of the database that nobody claimed; nothing is sent.", bool(fence())
    )
    running = Import.objects.filter(state__in=[ImportState.CHECKING, ImportState.RUNNING]).count()
    yield _gauge("crier_imports_running", "Imports being checked or run.", running)
    yield _live_processes(now)
    yield _rates(now)
    yield from _providers()


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)


def _messages_by_state() -> GaugeMetricFamily:
    sums = dict(MessageCount.objects.values_list("state").annotate(Sum("count")).order_by())
    family = GaugeMetricFamily(
        "crier_messages", "Messages in the ledger by state; `unknown` asks for a person.", labels=["state"]
    )
    for state in MessageState:
        family.add_metric([state.value], sums.get(state.value, 0))
    return family


def _queue_depth() -> int:
    waiting = MessageCount.objects.filter(
        state=MessageState.QUEUED.value, dispatch__state=DispatchState.RUNNING
    )
    return waiting.aggregate(n=Coalesce(Sum("count"), 0))["n"]


def oldest_due_age(now: datetime) -> float:
    """Seconds since the oldest queued message of any running dispatch could have gone; 0: none waits."""
    due = (
        Message.objects.filter(dispatch=OuterRef("pk"), state=MessageState.QUEUED.value)
        .filter(Q(due_at=None) | Q(due_at__lte=now))
        .order_by("id")
    )
    running = Dispatch.objects.filter(state=DispatchState.RUNNING, started_at__isnull=False)
    # What is over goes no more, whoever is to cancel it.
    running = running.filter(Q(not_after=None) | Q(not_after__gt=now))
    since = running.annotate(due=Subquery(due.annotate(at=Coalesce("due_at", "created_at")).values("at")[:1]))
    times = [
        max(at, started)
        for at, started in since.values_list("due", F("started_at")).order_by("id")
        if at is not None
    ]
    return max((now - min(times)).total_seconds(), 0.0) if times else 0.0


def _live_processes(now: datetime) -> GaugeMetricFamily:
    alive = ProcessBeat.objects.filter(seen_at__gt=now - heartbeat.ALIVE_FOR)
    counts = dict(alive.values_list("kind").annotate(Count("id")).order_by())
    family = GaugeMetricFamily("crier_live_processes", "Processes that said they live.", labels=["kind"])
    for kind in (*(f"worker-{queue}" for queue in WORK_OF_QUEUE), "scheduler"):
        family.add_metric([kind], counts.get(kind, 0))
    return family


def _rates(now: datetime) -> GaugeMetricFamily:
    """Of the last whole minute: of the one that runs a part is still to come."""
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    rows = MessageMinute.objects.filter(minute=minute).values_list("state").annotate(Sum("count"))
    counts = dict(rows.order_by())
    family = GaugeMetricFamily(
        "crier_messages_per_second",
        "Messages that entered a state, a second, in the last whole minute.",
        labels=["state"],
    )
    for state in (MessageState.SENT, MessageState.FAILED, MessageState.UNKNOWN, MessageState.DELIVERED):
        family.add_metric([state.value], counts.get(state.value, 0) / 60)
    return family


OUTCOMES = ("taken", "refused", "unclear", "throttled", "unreachable", "delivered", "not_delivered")


def _providers() -> Iterator[Metric]:
    """Kept figures by account: what providers said to messages, and how long answers and reports took."""
    said = CounterMetricFamily(
        "crier_provider_messages",
        "What providers said to messages, by account.",
        labels=["account", "outcome"],
    )
    answers = SummaryMetricFamily(
        "crier_provider_answer_seconds", "How long providers took to answer, by account.", labels=["account"]
    )
    reports = SummaryMetricFamily(
        "crier_provider_report_seconds",
        "From handing over to the report that settled it.",
        labels=["account"],
    )
    names = [*OUTCOMES, "answered", "milliseconds", "reported", "report_seconds"]
    sums = AccountHour.objects.values("account_id").annotate(**{f"{name}_sum": Sum(name) for name in names})
    rows: Any = sums.order_by("account_id")
    for row in rows:
        account = str(row["account_id"])
        for outcome in OUTCOMES:
            said.add_metric([account, outcome], row[f"{outcome}_sum"])
        answers.add_metric([account], row["answered_sum"], row["milliseconds_sum"] / 1000)
        reports.add_metric([account], row["reported_sum"], row["report_seconds_sum"])
    yield from (said, answers, reports)
