"""What the engine and the connection test learned of an account, and its figures by the hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from providers.errors import ConnectorError, MessageRefused, RequestRefused, Throttled, Unclear, Unreachable
from providers.models import AccountHour, Health, ProviderAccount

KEEP_HOURS_FOR = timedelta(days=90)
# How many of an account's figures are sums; the slowest is the largest of all.
SUMS = (
    "taken",
    "refused",
    "unclear",
    "throttled",
    "unreachable",
    "answered",
    "milliseconds",
    "delivered",
    "not_delivered",
    "reported",
    "report_seconds",
)


@dataclass(slots=True)
class Tally:
    """Figures of one account since they were last written down; see AccountHour."""

    taken: int = 0
    refused: int = 0
    unclear: int = 0
    throttled: int = 0
    unreachable: int = 0
    answered: int = 0
    milliseconds: int = 0
    slowest_milliseconds: int = 0
    delivered: int = 0
    not_delivered: int = 0
    reported: int = 0
    report_seconds: int = 0

    def answer(self, seconds: float) -> None:
        """Of one request, however many messages it had."""
        milliseconds = round(seconds * 1000)
        self.answered += 1
        self.milliseconds += milliseconds
        self.slowest_milliseconds = max(self.slowest_milliseconds, milliseconds)

    def trouble(self, error: ConnectorError) -> None:
        """Of one message. A refusal of the account counts as one, too: the message did not go."""
        match error:
            case Throttled():
                self.throttled += 1
            case Unreachable():
                self.unreachable += 1
            case Unclear():
                self.unclear += 1
            case MessageRefused() | RequestRefused() | ConnectorError():
                self.refused += 1

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in SUMS)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of an account over some hours. Shares are None where there is nothing to take them of."""

    handed_over: int
    taken_share: float | None
    answer_milliseconds: int | None
    slowest_milliseconds: int
    delivered: int
    delivered_share: float | None
    report_seconds: int | None
    refused: int
    throttled: int
    unclear: int
    unreachable: int


def note_tally(account_id: int, tally: Tally, at: datetime | None = None) -> None:
    """Adds the figures to their hour, whoever adds others at the same time."""
    hour = (at or timezone.now()).replace(minute=0, second=0, microsecond=0)
    columns = [*SUMS, "slowest_milliseconds"]
    largest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    table = AccountHour._meta.db_table
    added = ", ".join(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in SUMS)
    slowest = f"slowest_milliseconds = {largest}({table}.slowest_milliseconds, EXCLUDED.slowest_milliseconds)"
    query = (
        f"INSERT INTO {table} (account_id, hour, {', '.join(columns)})"  # noqa: S608  # columns of the model
        f" VALUES (%s, %s, {', '.join(['%s'] * len(columns))})"
        f" ON CONFLICT (account_id, hour) DO UPDATE SET {added}, {slowest}"
    )
    with connection.cursor() as cursor:
        written = connection.ops.adapt_datetimefield_value(hour)
        cursor.execute(query, [account_id, written, *(getattr(tally, name) for name in columns)])


def note_reports(account_id: int, *, delivered: int, not_delivered: int, seconds: Sequence[float]) -> None:
    """Of reports that were news. `seconds`: from handing over to each of them, where that is known."""
    tally = Tally(
        delivered=delivered,
        not_delivered=not_delivered,
        reported=len(seconds),
        report_seconds=round(sum(max(second, 0.0) for second in seconds)),
    )
    if not tally.is_empty:
        note_tally(account_id, tally)


def figures_of(account: ProviderAccount, *, hours: int = 24) -> Figures:
    """Of the last hours, the one that runs included."""
    since = timezone.now() - timedelta(hours=hours)
    rows = AccountHour.objects.filter(account=account, hour__gt=since)
    sums = rows.aggregate(**{name: Sum(name) for name in SUMS}, slowest=Max("slowest_milliseconds"))
    found = {name: sums[name] or 0 for name in SUMS}
    tried = found["taken"] + found["refused"] + found["unclear"]
    settled = found["delivered"] + found["not_delivered"]
    return Figures(
        handed_over=tried,
        taken_share=found["taken"] / tried if tried else None,
        answer_milliseconds=found["milliseconds"] // found["answered"] if found["answered"] else None,
        slowest_milliseconds=sums["slowest"] or 0,
        delivered=found["delivered"],
        delivered_share=found["delivered"] / settled if settled else None,
        report_seconds=found["report_seconds"] // found["reported"] if found["reported"] else None,
        refused=found["refused"],
        throttled=found["throttled"],
        unclear=found["unclear"],
        unreachable=found["unreachable"],
    )


def hours_of(account: ProviderAccount, *, hours: int = 24) -> list[AccountHour]:
    """Those with something in them, oldest first; the same time as figures_of."""
    since = timezone.now() - timedelta(hours=hours)
    return list(AccountHour.objects.filter(account=account, hour__gt=since).order_by("hour"))


def prune_hours(older_than: timedelta = KEEP_HOURS_FOR) -> int:
    return AccountHour.objects.filter(hour__lt=timezone.now() - older_than).delete()[0]


def note_working(*, account_id: int) -> None:
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.OK, health_words="", health_at=timezone.now(), unreachable_since=None
    )


def note_failing(*, account_id: int, words: str) -> None:
    """`words`: redacted, for people."""
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.FAILING, health_words=words[:500], health_at=timezone.now(), unreachable_since=None
    )


def note_unreachable(*, account_id: int, words: str) -> datetime:
    """Since when no connection comes about: kept here, as a worker's run is shorter than the patience with it."""
    now = timezone.now()
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.FAILING,
        health_words=words[:500],
        health_at=now,
        unreachable_since=Coalesce("unreachable_since", Value(now)),
    )
    since = ProviderAccount.objects.filter(pk=account_id).values_list("unreachable_since", flat=True).first()
    return since or now
