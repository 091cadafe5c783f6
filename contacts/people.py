"""Who is on a list, who of them is sought, and looking for them in a list of millions without an index per column.

A first look goes through one window of rows in the order of their numbers, which the unique index gives. So it takes as
long in a list of ten thousand as in one of ten million. Where that does not fill a page, all of the list is looked
through in one statement, as its rows are stored: in the order of numbers each row would have to be fetched from another
place (a million rows: 11 s on SQLite, 14 s on PostgreSQL; as stored 0.6 s on both). What that statement does not find
within LIMIT_SECONDS is looked for on, window by window.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Count, F, Max, Min, Q, QuerySet

from contacts.models import Recipient, RecipientList
from contacts.rules import Rule, rule_of, to_q
from contacts.search import is_number, people_with_words, with_number
from contacts.time_limits import OutOfTime, rows_within

# About 10 ms of looking: rows of filters on text, on two shared cores.
WINDOW = 5_000
SQLITE_WINDOW = 2_500
# Of the one statement that looks through all: some five million rows.
LIMIT_SECONDS = 4.0
# Of one answer that looks on where that was too long.
LOOK_ON_SECONDS = 0.4
# Of SQLite: so many rows read as stored cost as much as one that is fetched by its number.
ROWS_FOR_ONE = 20
# People ticked one by one: a few pages of them.
MAX_TICKED = 200


def rule_of_list(recipient_list: RecipientList) -> Rule:
    return rule_of(recipient_list.rule) if recipient_list.source_id else Rule()


def people_of(recipient_list: RecipientList) -> QuerySet[Recipient]:
    """Everybody; of a live list whoever matches just now."""
    return Sought(recipient_list).everybody()


@dataclass(frozen=True, slots=True)
class Sought:
    """Those on a list who match what was typed and a filter; with `ids`, of these people alone (some hundred)."""

    recipient_list: RecipientList
    words: str = ""
    rule: Rule = field(default_factory=Rule)
    ids: tuple[int, ...] = ()

    @property
    def is_all(self) -> bool:
        return not self.words and not self.rule and not self.ids

    @property
    def known_count(self) -> int | None:
        """How many they are, where the list's kept count says it: nobody is looked through."""
        return (
            self.recipient_list.recipient_count if self.is_all and not self.recipient_list.source_id else None
        )

    @property
    def question(self) -> Q:
        """What the index cannot answer; empty where it answers all."""
        workspace = self.recipient_list.workspace
        asked = to_q(rule_of_list(self.recipient_list), workspace) & to_q(self.rule, workspace)
        return asked if is_number(self.words) else asked & people_with_words(self.words)

    def keys(self) -> QuerySet[Recipient]:
        """The rows to look through."""
        return self._keys_of(Recipient.objects.filter(list_id=self._rows_of))

    def everybody(self) -> QuerySet[Recipient]:
        return self.keys().filter(self.question)

    def as_stored(self) -> QuerySet[Recipient]:
        """Everybody, without an order. PostgreSQL then reads the rows as they are stored; SQLite has to be led to it."""
        if connection.vendor != "sqlite":
            return self.everybody()
        found = self.keys().aggregate(first=Min("pk"), last=Max("pk"), count=Count("pk"))
        if not found["count"] or found["last"] - found["first"] > ROWS_FOR_ONE * found["count"]:
            return self.everybody()
        # A sum is in no index: only the range of ids is left to go by.
        rows = Recipient.objects.alias(of_list=F("list_id") + 0).filter(
            of_list=self._rows_of, pk__range=(found["first"], found["last"])
        )
        return self._keys_of(rows).filter(self.question)

    @property
    def _rows_of(self) -> int:
        return self.recipient_list.source_id or self.recipient_list.pk

    def _keys_of(self, rows: QuerySet[Recipient]) -> QuerySet[Recipient]:
        if self.ids:
            rows = rows.filter(pk__in=self.ids)
        country = self.recipient_list.workspace.default_country
        return with_number(rows, self.words, country) if is_number(self.words) else rows


@dataclass(frozen=True, slots=True)
class Found:
    """`looked`: how many rows were looked through; `edge`: the last number of them, "" at the end of the list.

    `count`: how many match in all, where all were looked through.
    """

    rows: list[Recipient]
    looked: int
    edge: str
    count: int | None = None


def look(sought: Sought, *, after: str = "", room: int) -> Found:
    """At most `room` people behind the number `after`, out of one window."""
    question, keys = sought.question, behind(sought.keys(), after)
    if not question:
        rows = list(keys.order_by("msisdn")[: room + 1])
        return Found(rows[:room], len(rows[:room]), rows[room - 1].msisdn if len(rows) > room else "")
    looked, edge = window(keys)
    within = keys.filter(msisdn__lte=edge) if edge else keys
    rows = list(within.filter(question).order_by("msisdn")[: room + 1])
    if len(rows) > room:
        return Found(rows[:room], looked, rows[room - 1].msisdn)
    return Found(rows, looked, edge)


def look_through_all(sought: Sought, *, after: str = "", room: int) -> Found | None:
    """As `look`, out of the whole list; None where that takes too long."""
    inner, values = sought.as_stored().values_list("id", "msisdn").query.sql_with_params()
    try:
        found = rows_within(LIMIT_SECONDS, _PAGE_AND_COUNT.format(inner), [*values, after, room + 1])
    except OutOfTime:
        return None
    ids = [pk for _count, pk in found if pk is not None]
    rows = list(Recipient.objects.filter(pk__in=ids).order_by("msisdn")[:room])
    edge = rows[-1].msisdn if rows and len(ids) > room else ""
    return Found(rows, 0, edge, count=found[0][0])


def look_on(sought: Sought, *, after: str = "", room: int) -> Found:
    """As `look`, window after window for a while."""
    until = time.monotonic() + LOOK_ON_SECONDS
    found = look(sought, after=after, room=room)
    while found.edge and len(found.rows) < room and time.monotonic() < until:
        more = look(sought, after=found.edge, room=room - len(found.rows))
        found = Found([*found.rows, *more.rows], found.looked + more.looked, more.edge)
    return found


_PAGE_AND_COUNT = """
WITH found AS ({})
SELECT total.people, page.id
FROM (SELECT count(*) AS people FROM found) AS total
LEFT JOIN (SELECT id, msisdn FROM found WHERE msisdn > %s ORDER BY msisdn LIMIT %s) AS page ON 1 = 1
"""


def look_back(sought: Sought, *, before: str, room: int) -> list[Recipient]:
    """The people in front of a number, where the index answers all."""
    return list(sought.keys().filter(msisdn__lt=before).order_by("-msisdn")[:room])[::-1]


@dataclass(frozen=True, slots=True)
class Counted:
    """So far. `edge`: where to count on, "" when all are counted."""

    found: int = 0
    looked: int = 0
    edge: str = ""


def count_all(sought: Sought) -> int | None:
    """How many match; None where counting takes too long."""
    rows = sought.as_stored() if sought.question else sought.keys()
    inner, values = rows.values_list("id").query.sql_with_params()
    try:
        return int(rows_within(LIMIT_SECONDS, _COUNT.format(inner), values)[0][0])
    except OutOfTime:
        return None


_COUNT = "SELECT count(*) FROM ({}) AS found"


def count_on(sought: Sought, so_far: Counted) -> Counted:
    """One window more."""
    keys = behind(sought.keys(), so_far.edge)
    looked, edge = window(keys)
    within = keys.filter(msisdn__lte=edge) if edge else keys
    found = within.filter(sought.question).count()
    return Counted(so_far.found + found, so_far.looked + looked, edge)


def count_further(sought: Sought, so_far: Counted, *, whole: bool) -> Counted:
    """`whole`: all in one statement, if that is quick enough; else window after window for a while."""
    people = count_all(sought) if whole else None
    if people is not None:
        return Counted(people)
    until = time.monotonic() + LOOK_ON_SECONDS
    counted = count_on(sought, so_far)
    while counted.edge and time.monotonic() < until:
        counted = count_on(sought, counted)
    return counted


def behind(rows: QuerySet[Recipient], after: str) -> QuerySet[Recipient]:
    return rows.filter(msisdn__gt=after) if after else rows


def window(keys: QuerySet[Recipient], size: int = 0) -> tuple[int, str]:
    """(its rows, its last number); the number is "" where the window reaches the end."""
    size = size or (SQLITE_WINDOW if connection.vendor == "sqlite" else WINDOW)
    numbers = keys.order_by("msisdn").values_list("msisdn", flat=True)
    last = next(iter(numbers[size - 1 : size]), "")
    return (size, last) if last else (keys.count(), "")
