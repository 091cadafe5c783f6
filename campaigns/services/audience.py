"""Who gets a broadcast: the union of its lists minus opt-outs and unsubscribe lists, one row a number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet

from campaigns.models import Broadcast, BroadcastKind
from contacts.models import OptOut, Recipient, RecipientList, UnsubscribeMember
from contacts.people import rule_of_list
from contacts.rules import to_q


@dataclass(frozen=True, slots=True)
class Audience:
    """Who exactly is reached, without a row for each: a sum over hashes of their numbers, which another one changes.

    `last_opt_out`, `last_unsubscribed`: ids of contacts.OptOut and contacts.UnsubscribeMember; later ones have come since.
    """

    fingerprint: str = "0"
    last_opt_out: int = 0
    last_unsubscribed: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """on_lists - duplicates - opted_out - unsubscribed = people; each exclusion counts numbers, first match wins."""

    on_lists: int = 0
    duplicates: int = 0
    opted_out: int = 0
    unsubscribed: int = 0
    people: int = 0
    audience: Audience = field(default=Audience(), compare=False)

    def as_dict(self) -> dict[str, int]:
        """The counts."""
        counts = asdict(self)
        del counts["audience"]
        return counts

    @property
    def left_out(self) -> int:
        return self.on_lists - self.people


@dataclass(frozen=True, slots=True)
class Person:
    recipient_id: int | None
    msisdn: str
    first_name: str
    values: dict[str, str]
    time_zone: str = ""


def enabled_lists(broadcast: Broadcast) -> list[RecipientList]:
    """Disabled lists are kept in the draft but reach nobody, nor do live lists of a disabled one."""
    rows = broadcast.lists.filter(enabled=True).exclude(source__enabled=False)
    return list(rows.select_related("source", "workspace").order_by("id"))


def on_lists(lists: list[RecipientList]) -> Q:
    """The rows of people on any of them. Live lists add whoever matches just now, as rows of their source."""
    kept = Q(list_id__in=[one.pk for one in lists if one.source_id is None])
    for one in lists:
        if one.source_id is not None:
            kept |= Q(list_id=one.source_id) & to_q(rule_of_list(one), one.workspace)
    return kept


def unsubscribe_list_ids(broadcast: Broadcast) -> list[int]:
    return list(broadcast.unsubscribe_lists.filter(enabled=True).order_by("id").values_list("id", flat=True))


def opted_out_of(workspace_id: int) -> Exists:
    return Exists(OptOut.objects.filter(workspace_id=workspace_id, msisdn=OuterRef("msisdn")))


def unsubscribed_from(list_ids: list[int]) -> Exists:
    return Exists(UnsubscribeMember.objects.filter(list_id__in=list_ids, msisdn=OuterRef("msisdn")))


def duplicate_in(lists: list[RecipientList]) -> Exists:
    """The same number on an earlier chosen list: the row of the list made first stands for it."""
    rows = Recipient.objects.filter(on_lists(lists))
    return Exists(rows.filter(msisdn=OuterRef("msisdn"), id__lt=OuterRef("id")))


def audience_rows(broadcast: Broadcast) -> QuerySet[Recipient]:
    """The recipients who get it, one row a number, in the order of their ids."""
    lists = enabled_lists(broadcast)
    rows = Recipient.objects.filter(on_lists(lists)).filter(~opted_out_of(broadcast.workspace_id))
    unsubscribe_ids = unsubscribe_list_ids(broadcast)
    if unsubscribe_ids:
        rows = rows.filter(~unsubscribed_from(unsubscribe_ids))
    if len(lists) > 1:
        rows = rows.filter(~duplicate_in(lists))
    return rows.order_by("id")


def last_recipient_id(broadcast: Broadcast) -> int:
    """Of the lists that hold the rows, 0 where they are empty: whoever is added from now on has a higher one."""
    holders = {one.source_id or one.pk for one in enabled_lists(broadcast)}
    rows = Recipient.objects.filter(list_id__in=holders)
    return rows.aggregate(last=Max("id"))["last"] or 0


def first_recipient_id(broadcast: Broadcast) -> int:
    """As `last_recipient_id`: planning begins there, not at the first id that any list ever had."""
    holders = {one.source_id or one.pk for one in enabled_lists(broadcast)}
    rows = Recipient.objects.filter(list_id__in=holders)
    return rows.aggregate(first=Min("id"))["first"] or 0


def reach_of(broadcast: Broadcast) -> Reach:
    if broadcast.kind == BroadcastKind.SINGLE:
        return _single_reach(broadcast)
    lists = enabled_lists(broadcast)
    return _counted(broadcast, lists) if lists else Reach()


def hash_sum(column: str) -> str:
    """SQL: the same for the same numbers in any order; NULL for none. On SQLite below 2^63 for 67 million of them.

    Only for queries with parameters.
    """
    if connection.vendor == "postgresql":
        return f"sum(hashtextextended({column}, 0))"
    number = f"CAST({column} AS INTEGER)"
    return f"sum((({number} %% 2147483647) * ({number} %% 2097143)) %% 137438953447)"


def _counted(broadcast: Broadcast, lists: list[RecipientList]) -> Reach:
    """All in one pass and one snapshot. By hand, since the ORM has no join without a relation: a count for each
    exclusion, made by the ORM, takes twice as long over a million people.
    """
    unsubscribe_ids = unsubscribe_list_ids(broadcast)
    rows, values = _rows_of(lists)
    joined = _UNSUBSCRIBED.format(_places(unsubscribe_ids)) if unsubscribe_ids else ""
    unsubscribed = "count(u.msisdn) FILTER (WHERE o.msisdn IS NULL)" if unsubscribe_ids else "0"
    left = "o.msisdn IS NULL AND u.msisdn IS NULL" if unsubscribe_ids else "o.msisdn IS NULL"
    fingerprint = f"{hash_sum('r.msisdn')} FILTER (WHERE {left})"
    query = _REACH.format(rows=rows, unsubscribed=unsubscribed, joined=joined, fingerprint=fingerprint)
    with connection.cursor() as cursor:
        cursor.execute(query, [*values, broadcast.workspace_id, *unsubscribe_ids])
        numbers, listed, opted_out, gone, hashed, last_opt_out, last_unsubscribed = cursor.fetchone()
    listed = int(listed or 0)
    audience = Audience(str(hashed or 0), last_opt_out or 0, last_unsubscribed or 0)
    return Reach(listed, listed - numbers, opted_out, gone, numbers - opted_out - gone, audience)


def left_out_since(broadcast: Broadcast, audience: Audience, up_to: int) -> tuple[int, int]:
    """Who opted out or was put on its unsubscribe lists since then, and would be planned but for that, up to this
    recipient id: how many, and the sum of their hashes.
    """
    lists = enabled_lists(broadcast)
    if not lists:
        return 0, 0
    unsubscribe_ids = unsubscribe_list_ids(broadcast)
    rows, values = _rows_of(lists, up_to)
    query = _SINCE.format(rows=rows, members=_places(unsubscribe_ids) or "NULL", hashed=hash_sum("r.msisdn"))
    marks = [audience.last_opt_out, audience.last_unsubscribed]
    with connection.cursor() as cursor:
        cursor.execute(query, [*values, broadcast.workspace_id, *unsubscribe_ids, *marks, broadcast.pk])
        count, hashed = cursor.fetchone()
    return int(count), int(hashed or 0)


def _rows_of(lists: list[RecipientList], up_to: int | None = None) -> tuple[str, list[Any]]:
    """The numbers of the lists, and on how many of them each is, as SQL; with `up_to` of rows up to this id."""
    kept: list[Any] = [one.pk for one in lists if one.source_id is None]
    marked = [] if up_to is None else [up_to]
    rows_of_lists = _ROWS.format(_places(kept)) + (" AND id <= %s" if marked else "")
    parts = [(rows_of_lists, [*kept, *marked])] if kept else []
    for one in lists:
        if one.source_id is not None:
            chosen = Recipient.objects.filter(on_lists([one])).values("msisdn")
            if up_to is not None:
                chosen = chosen.filter(id__lte=up_to)
            query, values = chosen.query.sql_with_params()
            parts.append((_LIVE.format(query), list(values)))
    rows = " UNION ALL ".join(query for query, _values in parts)
    if len(lists) > 1:
        rows = _NUMBERS.format(rows)
    return rows, [value for _query, values in parts for value in values]


_ROWS = "SELECT msisdn, 1 AS n FROM contacts_recipient WHERE list_id IN ({})"
_LIVE = "SELECT live.msisdn, 1 AS n FROM ({}) AS live"
# The same number on several lists is one person.
_NUMBERS = "SELECT msisdn, count(*) AS n FROM ({}) AS listed GROUP BY msisdn"
_REACH = """
SELECT count(*), sum(r.n), count(o.msisdn), {unsubscribed}, {fingerprint},
    (SELECT max(id) FROM contacts_optout), (SELECT max(id) FROM contacts_unsubscribemember)
FROM ({rows}) AS r LEFT JOIN contacts_optout o ON o.workspace_id = %s AND o.msisdn = r.msisdn {joined}
"""
# A member of several of its lists was left out by the first.
_SINCE = """
SELECT count(*), {hashed}
FROM ({rows}) AS r LEFT JOIN contacts_optout o ON o.workspace_id = %s AND o.msisdn = r.msisdn
LEFT JOIN (SELECT msisdn, min(id) AS id FROM contacts_unsubscribemember WHERE list_id IN ({members}) GROUP BY msisdn) AS u
    ON u.msisdn = r.msisdn
WHERE (o.id IS NOT NULL OR u.id IS NOT NULL) AND (o.id IS NULL OR o.id > %s) AND (u.id IS NULL OR u.id > %s)
    AND NOT EXISTS (SELECT 1 FROM messaging_message m WHERE m.broadcast_id = %s AND m.msisdn = r.msisdn)
"""
_UNSUBSCRIBED = """
LEFT JOIN (SELECT DISTINCT msisdn FROM contacts_unsubscribemember WHERE list_id IN ({})) AS u ON u.msisdn = r.msisdn
"""


def _places(values: list[int]) -> str:
    return ", ".join(["%s"] * len(values))


def _single_reach(broadcast: Broadcast) -> Reach:
    if not broadcast.msisdn:
        return Reach()
    gone = OptOut.objects.filter(workspace_id=broadcast.workspace_id, msisdn=broadcast.msisdn).exists()
    listed = (
        not gone
        and UnsubscribeMember.objects.filter(
            list_id__in=unsubscribe_list_ids(broadcast), msisdn=broadcast.msisdn
        ).exists()
    )
    return Reach(1, 0, int(gone), int(listed), int(not gone and not listed))


def sample_people(broadcast: Broadcast, *, limit: int = 5, after_id: int = 0) -> list[Person]:
    """Real people of the audience, in its order, from the one after `after_id` on."""
    if broadcast.kind == BroadcastKind.SINGLE:
        return [single_person(broadcast)] if broadcast.msisdn else []
    rows = audience_rows(broadcast).filter(id__gt=after_id)[:limit]
    return [person_of(row) for row in rows]


def single_person(broadcast: Broadcast) -> Person:
    """The one of a single broadcast: with the fields of the newest list entry of that number, if there is one."""
    row = (
        Recipient.objects.filter(list__workspace_id=broadcast.workspace_id, msisdn=broadcast.msisdn)
        .order_by("-id")
        .first()
    )
    return person_of(row) if row else Person(None, broadcast.msisdn, "", {})


def person_of(row: Recipient) -> Person:
    return Person(row.pk, row.msisdn, row.first_name, values_of(row), row.time_zone)


def values_of(row: Recipient) -> dict[str, str]:
    """What tokens stand for: the fields, and every further column of the list."""
    return {name: getattr(row, name) for name in Recipient.TOKEN_FIELDS} | dict(row.extra)


# The number, the values that the text uses, and the person's own time zone, "" where none is known.
PersonValues = tuple[str, dict[str, str], str]


def people_values(broadcast: Broadcast, uses: frozenset[str]) -> Iterator[PersonValues]:
    """Of everybody who gets it; streamed."""
    if broadcast.kind == BroadcastKind.SINGLE:
        if _single_reach(broadcast).people:
            person = single_person(broadcast)
            yield person.msisdn, person.values, person.time_zone
        return
    yield from used_values(audience_rows(broadcast), uses)


def used_values(people: QuerySet[Recipient], uses: frozenset[str]) -> Iterator[PersonValues]:
    fields = [name for name in Recipient.TOKEN_FIELDS if name in uses]
    further = sorted(uses - set(Recipient.TOKEN_FIELDS))
    columns = ["msisdn", "time_zone", *fields, *(["extra"] if further else [])]
    for row in people.values_list(*columns).iterator(chunk_size=5000):
        values = dict(zip(fields, row[2:], strict=False))
        if further:
            values |= {name: row[-1].get(name, "") for name in further}
        yield row[0], values, row[1]


def country_counts(broadcast: Broadcast) -> dict[str, int]:
    """People by country of their number."""
    rows = audience_rows(broadcast).order_by().values(code=F("country")).annotate(n=Count("id"))
    return {row["code"]: row["n"] for row in rows.filter(~Q(country=""))}
