"""Who is on a list, who of them is sought, and looking for them in a list of millions without an index per column.

A look goes through a bounded window of rows in the order of their numbers, which the unique index gives. So it takes
as long in a list of ten thousand as in one of ten million; whoever wants more looks on from where it ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q, QuerySet

from contacts.models import Recipient, RecipientList
from contacts.rules import Rule, rule_of, to_q
from contacts.search import is_number, people_with_words, with_number

# About 20 ms of looking: rows of filters on text, on two shared cores.
WINDOW = 10_000
SQLITE_WINDOW = 2_500
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
        rows = Recipient.objects.filter(list_id=self.recipient_list.source_id or self.recipient_list.pk)
        if self.ids:
            rows = rows.filter(pk__in=self.ids)
        country = self.recipient_list.workspace.default_country
        return with_number(rows, self.words, country) if is_number(self.words) else rows

    def everybody(self) -> QuerySet[Recipient]:
        return self.keys().filter(self.question)


@dataclass(frozen=True, slots=True)
class Found:
    """`looked`: how many rows were looked through; `edge`: the last number of them, "" at the end of the list."""

    rows: list[Recipient]
    looked: int
    edge: str


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


def look_back(sought: Sought, *, before: str, room: int) -> list[Recipient]:
    """The people in front of a number, where the index answers all."""
    return list(sought.keys().filter(msisdn__lt=before).order_by("-msisdn")[:room])[::-1]


@dataclass(frozen=True, slots=True)
class Counted:
    """So far. `edge`: where to count on, "" when all are counted."""

    found: int = 0
    looked: int = 0
    edge: str = ""


def count_on(sought: Sought, so_far: Counted) -> Counted:
    """One window more."""
    keys = behind(sought.keys(), so_far.edge)
    looked, edge = window(keys)
    within = keys.filter(msisdn__lte=edge) if edge else keys
    found = within.filter(sought.question).count()
    return Counted(so_far.found + found, so_far.looked + looked, edge)


def behind(rows: QuerySet[Recipient], after: str) -> QuerySet[Recipient]:
    return rows.filter(msisdn__gt=after) if after else rows


def window(keys: QuerySet[Recipient], size: int = 0) -> tuple[int, str]:
    """(its rows, its last number); the number is "" where the window reaches the end."""
    size = size or (SQLITE_WINDOW if connection.vendor == "sqlite" else WINDOW)
    numbers = keys.order_by("msisdn").values_list("msisdn", flat=True)
    last = next(iter(numbers[size - 1 : size]), "")
    return (size, last) if last else (keys.count(), "")
