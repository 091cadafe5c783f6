"""What is wrong with this installation, and the remedy: `manage.py doctor`. Only looks; asks all apps, as health.py does.

Each finding is a sentence with a remedy. `wrong`: something does not work, or will not be kept; `watch`: a person should
look at it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone

from campaigns.models import Broadcast, BroadcastState, Segment
from config import health
from contacts.models import Import, ListJob
from contacts.services import imports, list_jobs
from messaging.models import (
    Dispatch,
    DispatchState,
    Message,
    MessageCount,
    ReceiptQuestion,
    WebhookEndpoint,
)
from messaging.models.webhooks import WebhookStop
from messaging.recount import miscounts, recount
from providers.connectors import REGISTRY
from providers.models import (
    Health,
    ProviderAccount,
    ReceiptRound,
    RemoteRecord,
    StoredWebhookCall,
    SyncState,
    WebhookCallState,
)
from providers.services.key_rotation import opening_problem
from sms.states import MessageState

WRONG, WATCH = "wrong", "watch"
NAMED_MOST = 10
LITTLE_DISK = 1024**3
CLOCKS_APART = 5.0
# Due for so long although something runs: nobody sends.
WAITS_TOO_LONG = 600.0
# Past its end by so much, a lease should have been swept.
STALE = timedelta(minutes=5)
MANY_CALLS = 10_000
# Our own send is stored by then, mostly; a call that belongs to no message is set aside after ten minutes.
TRIES_MANY = 5
# One question that was not answered is no trouble.
FAILURES_MANY = 3
UNMATCHED_BY = timedelta(minutes=15)
# After a week no report comes any more.
UNKNOWN_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Finding:
    """`code`: of the rule, for programs; `level`: wrong or watch."""

    code: str
    level: str
    sentence: str
    remedy: str


Rule = Callable[[], Iterator[Finding]]


def examine(*, deep: bool = False) -> list[Finding]:
    """What is wrong first. Where the database does not answer, that alone. `deep`: counts the whole ledger, too."""
    database = health.check_database()
    found = [*_health(database)]
    if database.ok:
        rules = [*RULES, _counters] if deep else RULES
        found += [finding for rule in rules for finding in rule()]
    return sorted(found, key=lambda finding: finding.level != WRONG)


def _health(database: health.Check) -> Iterator[Finding]:
    checks = [database]
    if database.ok:
        checks += [health.check_broker(), health.check_instance(database)]
        checks += [health.check_workers(database), health.check_scheduler(database)]
    for check in checks:
        if not check.ok:
            yield Finding(check.name, WRONG, str(check.sentence), str(check.remedy))


# --- the machine and its settings -------------------------------------------------------------------------


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        names = _named([f"{one.app_label}.{one.name}" for one, _backwards in missing])
        yield Finding(
            "migrations",
            WRONG,
            f"The database is older than the program: {len(missing)} migrations are missing ({names}).",
            "Run `manage.py migrate`, then start every process anew.",
        )


def _folders() -> Iterator[Finding]:
    for name, folder in (("CRIER_DATA", settings.DATA_DIR), ("CRIER_UPLOADS", settings.MEDIA_ROOT)):
        path = _existing(Path(folder))
        if not os.access(path, os.W_OK | os.X_OK):
            yield Finding(
                "folder",
                WRONG,
                f"The folder of {name} cannot be written by this user.",
                "Give it to the user that Crier runs as, or choose another one.",
            )
            continue
        free = shutil.disk_usage(path).free
        if free < LITTLE_DISK:
            yield Finding(
                "disk",
                WRONG,
                f"The disk of {name} has {free / 1024**2:,.0f} MB left.",
                "Make room: uploads, journals and visits of short links need it.",
            )


def _existing(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def _clock() -> Iterator[Finding]:
    """Leases and schedules go by the clocks of the processes: they have to agree. SQLite has none of its own."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        apart = abs((cursor.fetchone()[0] - timezone.now()).total_seconds())
    if apart > CLOCKS_APART:
        yield Finding(
            "clock",
            WRONG,
            f"The clocks of this machine and of the database are {apart:,.0f} seconds apart.",
            "Set both by NTP: leases and schedules go by them.",
        )


def _settings() -> Iterator[Finding]:
    if not settings.EMBEDDED and not settings.PUBLIC_URL_IS_SET:
        yield Finding(
            "public_url",
            WRONG,
            "CRIER_PUBLIC_URL is not set: links, invitations and addresses for providers lead to this machine alone.",
            "Set it to the address under which people reach Crier, in every process.",
        )
    elif settings.PUBLIC_URL_IS_SET and not settings.HTTPS:
        yield Finding(
            "https",
            WATCH,
            "CRIER_PUBLIC_URL begins with http: passwords and keys go unencrypted.",
            "Put a proxy with a certificate in front, and set the address with https.",
        )
    if settings.DEBUG:
        yield Finding("debug", WRONG, "DEBUG is on: errors show their inside.", "Set DEBUG to False.")


# --- sending ----------------------------------------------------------------------------------------------


def _accounts() -> Iterator[Finding]:
    for account in ProviderAccount.objects.filter(enabled=True).select_related("workspace").order_by("pk"):
        name = f"The account “{account.name}” of {account.workspace.name}"
        if account.vendor not in REGISTRY:
            yield Finding(
                "vendor",
                WRONG,
                f"{name} is one of “{account.vendor}”, which this version does not know.",
                "Disable it, or install the version that has its connector.",
            )
        elif problem := opening_problem(account):
            yield Finding(
                "credentials",
                WRONG,
                f"{name}: {problem}",
                "Put the key that it was encrypted with behind the newest in CRIER_ENCRYPTION_KEYS, or enter the"
                " credentials again.",
            )
        elif account.health == Health.FAILING:
            yield Finding(
                "account",
                WATCH,
                f"{name} fails: {account.health_words or 'nothing was said'}",
                "Test the connection on its page; broadcasts that were paused for it are resumed by hand.",
            )


def _queue() -> Iterator[Finding]:
    age = health.oldest_due_age(timezone.now())
    if age > WAITS_TOO_LONG:
        yield Finding(
            "queue",
            WATCH,
            f"A message has been due for {age / 60:,.0f} minutes.",
            "Look at the pace of its account (parts per second) and at the log of the workers of the queue `send`.",
        )
    late = Message.objects.filter(
        state=MessageState.SUBMITTING.value, lease_until__lt=timezone.now() - STALE
    )[: health.COUNT_AT_MOST].count()
    if late:
        yield Finding(
            "leases",
            WRONG,
            f"{late:,} messages are held by workers whose time is over, and no sweep settles them.",
            "Read the log of the worker of the queue `default`; starting it again mends most.",
        )


def _unknown() -> Iterator[Finding]:
    counts = MessageCount.objects.filter(
        state=MessageState.UNKNOWN.value, dispatch__changed_at__lt=timezone.now() - UNKNOWN_FOR
    )
    number = counts.aggregate(n=Sum("count"))["n"] or 0
    if number:
        yield Finding(
            "unknown",
            WATCH,
            f"{number:,} messages of broadcasts older than {UNKNOWN_FOR.days} days are unknown: perhaps sent.",
            "No report comes any more. Look at them under “Who missed it” of their broadcasts.",
        )


def _broadcasts() -> Iterator[Finding]:
    since = timezone.now() - STALE
    paused = Broadcast.objects.filter(state=BroadcastState.PAUSED).exclude(state_reason="")
    if names := list(paused.order_by("pk").values_list("name", flat=True)[: NAMED_MOST + 1]):
        yield Finding(
            "paused",
            WATCH,
            f"Crier paused these broadcasts and waits for a person: {_named(names)}.",
            "Each says on its page why; resume or stop it.",
        )
    stuck = Segment.objects.filter(
        planned_at=None,
        dispatch__state=DispatchState.PLANNING,
        dispatch__changed_at__lt=since,
        broadcast__state=BroadcastState.RUNNING,
    )
    if names := list(stuck.values_list("broadcast__name", flat=True)[: NAMED_MOST + 1]):
        yield Finding(
            "planning",
            WATCH,
            f"These broadcasts have been planned for more than five minutes: {_named(names)}.",
            "Millions of people take minutes. Otherwise read the log of the worker of the queue `default`.",
        )
    late = Broadcast.objects.filter(state=BroadcastState.SCHEDULED, send_at__lt=since)
    if names := list(late.order_by("send_at").values_list("name", flat=True)[: NAMED_MOST + 1]):
        yield Finding(
            "schedules",
            WRONG,
            f"The time of these scheduled broadcasts has passed and nobody launched them: {_named(names)}.",
            "The scheduler and a worker of the queue `default` do that: see whether they live and what they say.",
        )


def _strays() -> Iterator[Finding]:
    """A message whose dispatch is over and that waits all the same would be accounted for by nobody."""
    ended = (DispatchState.FINISHED, DispatchState.STOPPED)
    waiting = MessageCount.objects.filter(
        dispatch__state__in=ended,
        dispatch__changed_at__lt=timezone.now() - STALE,
        state__in=[MessageState.QUEUED.value, MessageState.HELD.value],
        count__gt=0,
    )
    number = waiting.aggregate(n=Sum("count"))["n"] or 0
    if number:
        ids = _named(
            [str(pk) for pk in waiting.values_list("dispatch_id", flat=True).distinct()[:NAMED_MOST]]
        )
        yield Finding(
            "strays",
            WRONG,
            f"{number:,} messages wait in dispatches that are over (numbers {ids}).",
            "The sweep cancels those of stopped ones; run `manage.py doctor --deep` to see whether the counters are true.",
        )


# --- what comes in, and what goes out beside texts ----------------------------------------------------------


def _calls() -> Iterator[Finding]:
    since = timezone.now() - STALE
    waiting = StoredWebhookCall.objects.filter(state=WebhookCallState.NEW, try_at__lt=since)
    number = waiting[: health.COUNT_AT_MOST].count()
    if number:
        yield Finding(
            "calls",
            WRONG if number > MANY_CALLS else WATCH,
            f"{number:,} calls from providers have waited for more than five minutes to be applied.",
            "Start a further worker of the queue `default`, and read what it logs.",
        )
    failing = StoredWebhookCall.objects.filter(state=WebhookCallState.NEW, tries__gte=TRIES_MANY)
    number = failing[: health.COUNT_AT_MOST].count()
    if number:
        is_old = failing.filter(received_at__lt=timezone.now() - UNMATCHED_BY).exists()
        yield Finding(
            "failing_calls",
            WRONG if is_old else WATCH,
            f"{number:,} calls from providers were tried {TRIES_MANY} times or more and are not applied.",
            "Either their messages are not here yet, or something fails over them: read the log of the workers of the queue"
            " `default`.",
        )
    rejected = StoredWebhookCall.objects.filter(state=WebhookCallState.REJECTED)
    names = list(rejected.order_by().values_list("account__name", flat=True).distinct()[: NAMED_MOST + 1])
    if names:
        yield Finding(
            "rejected_calls",
            WATCH,
            f"Calls that are not understood came for: {_named(names)}.",
            "Look at them on the account's page under Calls, and apply them again once the cause is mended.",
        )


def _webhooks() -> Iterator[Finding]:
    off = WebhookEndpoint.objects.filter(
        enabled=False, disabled_because__in=[WebhookStop.GONE, WebhookStop.FAILING]
    )
    if hosts := sorted({endpoint.host for endpoint in off.order_by("pk")[: NAMED_MOST + 1]}):
        yield Finding(
            "webhooks",
            WATCH,
            f"Webhooks were disabled because nothing got through: {_named(hosts)}.",
            "Mend the receiver, enable the webhook in the settings, and send its failed events again.",
        )


def _receipts() -> Iterator[Finding]:
    rounds = ReceiptRound.objects.filter(failures__gte=FAILURES_MANY, account__enabled=True)
    waiting = rounds.filter(Exists(ReceiptQuestion.objects.filter(account=OuterRef("account"))))
    if names := list(waiting.order_by("pk").values_list("account__name", flat=True)[: NAMED_MOST + 1]):
        yield Finding(
            "receipts",
            WATCH,
            f"Delivery reports are asked for and not got: {_named(names)}.",
            "Each account's page says why, in the provider's words; it is asked again by itself.",
        )


def _synced() -> Iterator[Finding]:
    failed = RemoteRecord.objects.filter(state=SyncState.FAILED)
    if names := list(failed.order_by().values_list("account__name", flat=True).distinct()[: NAMED_MOST + 1]):
        yield Finding(
            "sync",
            WATCH,
            f"Something could not be brought to the provider: {_named(names)} ({failed.count():,} in all).",
            "Each says why, in the provider's words, among what is kept in step.",
        )


def _jobs() -> Iterator[Finding]:
    since = timezone.now() - STALE
    stalled = Import.objects.filter(state__in=imports.BUSY, lease_until__lt=since).count()
    stalled += ListJob.objects.filter(state__in=list_jobs.BUSY, lease_until__lt=since).count()
    if stalled:
        yield Finding(
            "jobs",
            WRONG,
            f"{stalled:,} imports or jobs of lists are begun, and nobody works on them.",
            "Start a worker of the queue `files`, and read what it logs.",
        )


def _counters() -> Iterator[Finding]:
    wrong = list(miscounts())
    if wrong:
        first = wrong[0]
        dispatches = sorted({one.dispatch_id for one in wrong})
        shown = _named([str(pk) for pk in dispatches])
        yield Finding(
            "counters",
            WRONG,
            f"Counters differ from the ledger in {len(dispatches):,} dispatches (numbers {shown}): in {first.dispatch_id}"
            f" {first.kept:,} are kept as {first.state}, and there are {first.real:,}.",
            "Run `manage.py doctor --recount`, and tell us: this must not happen.",
        )


def count_again() -> int:
    """Puts all counters right; returns in how many dispatches they were not."""
    return sum(1 for pk in Dispatch.objects.order_by("pk").values_list("pk", flat=True) if recount(pk))


def _named(names: list[str]) -> str:
    more = ", …" if len(names) > NAMED_MOST else ""
    return ", ".join(names[:NAMED_MOST]) + more


RULES: list[Rule] = [
    _migrations,
    _folders,
    _clock,
    _settings,
    _accounts,
    _queue,
    _unknown,
    _broadcasts,
    _strays,
    _calls,
    _webhooks,
    _receipts,
    _synced,
    _jobs,
]
