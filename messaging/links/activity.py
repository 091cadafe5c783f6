"""Who followed a link, and when: added up from its raw hits, those of a period.

What is added up is bounded: of a link with more hits in the period than MOST_HITS the newest are, and the answer says
since when. Totals of all time are kept elsewhere (messaging/links/reach.py), and cost the same at any number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db.models import BigIntegerField, BooleanField, Count, ExpressionWrapper, Func, Q, QuerySet
from django.utils import timezone

from messaging.links.classes import HitClass
from messaging.models import Dispatch, Hit, Link

# Added up for one page or answer: four tenths of a second on SQLite, less on PostgreSQL.
MOST_HITS = 100_000
# By the name in the address; None: since the link was made.
PERIODS: dict[str, int | None] = {"7": 7, "30": 30, "90": 90, "all": None}
DEFAULT_PERIOD = "30"
# No zone's offset is finer, so a day of any zone is whole quarters.
QUARTER_SECONDS = 900


class Quarter(Func):
    """Number of the quarter of an hour since 1970."""

    output_field: ClassVar[Any] = BigIntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        template = f"FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / {QUARTER_SECONDS})::bigint"
        return self.as_sql(compiler, connection, template=template, **extra)

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # '%s' is SQLite's own word, not a place for a value.
        template = f"CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / {QUARTER_SECONDS}"
        return self.as_sql(compiler, connection, template=template, **extra)


@dataclass(slots=True)
class Classes:
    """Requests by class."""

    human: int = 0
    bot: int = 0
    unsure: int = 0
    # Not classified yet: a moment after they came, or while they are computed again.
    waiting: int = 0

    def add(self, hit_class: str, count: int) -> None:
        name = hit_class or "waiting"
        setattr(self, name, getattr(self, name) + count)

    @property
    def all(self) -> int:
        return self.human + self.bot + self.unsure + self.waiting


@dataclass(slots=True)
class BroadcastLine:
    """`broadcast_id`: None of single texts. `people`: who followed it, machines left out."""

    broadcast_id: int | None
    people: int = 0
    classes: Classes = field(default_factory=Classes)


@dataclass(frozen=True, slots=True)
class RuleLine:
    hit_class: str
    rule: str
    count: int


@dataclass(slots=True)
class Activity:
    """`since`: None for all there is; `is_cut`: more came before it in the period, and are left out."""

    since: datetime | None
    is_cut: bool = False
    people: int = 0
    classes: Classes = field(default_factory=Classes)
    # Of the link's own address, which is nobody's in particular.
    public: Classes = field(default_factory=Classes)
    by_day: dict[date, Classes] = field(default_factory=dict)
    public_by_day: dict[date, Classes] = field(default_factory=dict)
    by_broadcast: list[BroadcastLine] = field(default_factory=list)
    by_device: dict[str, Classes] = field(default_factory=dict)
    rules: list[RuleLine] = field(default_factory=list)


def activity_of(link: Link, period: str = DEFAULT_PERIOD, now: datetime | None = None) -> Activity:
    """In days of the workspace's zone, today the last one."""
    zone = ZoneInfo(link.workspace.time_zone)
    since, is_cut = _bounded(link, _beginning(PERIODS[period], zone, now or timezone.now()))
    activity = Activity(since, is_cut)
    hits = Hit.objects.filter(link_id=link.pk).order_by()
    hits = hits if since is None else hits.filter(at__gte=since)
    _add_days(activity, hits, zone)
    _add_kinds(activity, hits)
    return activity


def _beginning(days: int | None, zone: tzinfo, now: datetime) -> datetime | None:
    if days is None:
        return None
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime(first.year, first.month, first.day, tzinfo=zone)


def _bounded(link: Link, since: datetime | None) -> tuple[datetime | None, bool]:
    hits = Hit.objects.filter(link_id=link.pk)
    hits = hits if since is None else hits.filter(at__gte=since)
    oldest = hits.order_by("-at").values_list("at", flat=True)[MOST_HITS : MOST_HITS + 1].first()
    return (since, False) if oldest is None else (oldest, True)


def _add_days(activity: Activity, hits: QuerySet[Hit], zone: tzinfo) -> None:
    is_public = ExpressionWrapper(Q(message_id__isnull=True), BooleanField())
    rows = hits.values_list(Quarter("at"), is_public, "hit_class").annotate(count=Count("id"))
    for quarter, is_public, hit_class, count in rows:
        day = datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC).astimezone(zone).date()
        days = activity.public_by_day if is_public else activity.by_day
        days.setdefault(day, Classes()).add(hit_class, count)
        (activity.public if is_public else activity.classes).add(hit_class, count)


def _add_kinds(activity: Activity, hits: QuerySet[Hit]) -> None:
    lines: dict[int, BroadcastLine] = {}
    rules: Counter[tuple[str, str]] = Counter()
    rows = hits.values_list("dispatch_id", "hit_class", "rule", "device").annotate(count=Count("id"))
    for dispatch_id, hit_class, rule, device, count in rows:
        if dispatch_id is not None:
            lines.setdefault(dispatch_id, BroadcastLine(None)).classes.add(hit_class, count)
        if device:
            activity.by_device.setdefault(device, Classes()).add(hit_class, count)
        rules[hit_class, rule] += count
    people = hits.filter(hit_class=HitClass.HUMAN, message_id__isnull=False)
    for dispatch_id, count in people.values_list("dispatch_id").annotate(
        count=Count("message_id", distinct=True)
    ):
        lines[dispatch_id].people = count
        activity.people += count
    activity.by_broadcast = _by_broadcast(lines)
    activity.rules = [
        RuleLine(hit_class, rule, count) for (hit_class, rule), count in rules.most_common() if hit_class
    ]


def _by_broadcast(lines: Mapping[int, BroadcastLine]) -> list[BroadcastLine]:
    """Most people first. Nobody is in two dispatches of one broadcast."""
    broadcasts = dict(Dispatch.objects.filter(pk__in=lines).values_list("pk", "broadcast_id"))
    found: dict[int | None, BroadcastLine] = {}
    for dispatch_id, line in lines.items():
        broadcast_id = broadcasts.get(dispatch_id)
        sums = found.setdefault(broadcast_id, BroadcastLine(broadcast_id))
        sums.people += line.people
        for name in ("human", "bot", "unsure", "waiting"):
            setattr(sums.classes, name, getattr(sums.classes, name) + getattr(line.classes, name))
    return sorted(found.values(), key=lambda line: (-line.people, -line.classes.all))


def days_between(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
