"""How many were sent a link, and how many of them followed it, for many links in a few queries.

From kept counts; but for the links of lists, where the ledger is asked who was given which (messaging/links/given.py),
and for who followed the same link at two places of one text, who is one person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from messaging.links.classes import HitClass
from messaging.links.given import Counted, counted, handed_over
from messaging.models import DispatchLink, Link, LinkCount, LinkList


@dataclass(slots=True)
class Reach:
    """`recipients`: who was handed a text with it, each once a text; `people`: who of them followed it, machines left
    out; `clicks`: how often."""

    recipients: int = 0
    people: int = 0
    clicks: int = 0


class _Entry(NamedTuple):
    dispatch_id: int
    entry: int
    link_id: int
    link_list_id: int | None


# Of what is counted together (a link, or all links to an address), in one dispatch.
_Group = tuple[int, int]


def reach_of(link_ids: Collection[int], since: datetime | None = None) -> dict[int, Reach]:
    """By link. `since`: texts whose sending began then or later. Links that nobody was sent are left out."""
    rows = DispatchLink.objects.filter(link_id__in=link_ids).order_by()
    if since is not None:
        rows = rows.filter(dispatch__started_at__gte=since)
    return _reach(rows, lambda entry: entry.link_id)


def reach_of_all(link_ids: Collection[int]) -> Reach:
    """Of several links as if they were one: who was sent two of them in one text is one recipient."""
    rows = DispatchLink.objects.filter(link_id__in=link_ids).order_by()
    return _reach(rows, lambda _entry: 0).get(0, Reach())


def _reach(rows: QuerySet[DispatchLink], group_of: Callable[[_Entry], int]) -> dict[int, Reach]:
    groups: dict[_Group, list[_Entry]] = defaultdict(list)
    for entry in _entries(rows):
        groups[group_of(entry), entry.dispatch_id].append(entry)
    found: dict[int, Reach] = defaultdict(Reach)
    _add_followed(found, groups, rows)
    _add_recipients(found, groups)
    return dict(found)


def _entries(rows: QuerySet[DispatchLink]) -> list[_Entry]:
    return [
        _Entry(dispatch_id, entry, link_id or 0, list_id)
        for dispatch_id, entry, link_id, list_id in rows.values_list(
            "dispatch_id", "entry", "link_id", "link_list_id"
        )
    ]


def _add_followed(
    found: Mapping[int, Reach], groups: Mapping[_Group, list[_Entry]], rows: QuerySet[DispatchLink]
) -> None:
    group_of = {(each.dispatch_id, each.entry): key for key, entries in groups.items() for each in entries}
    counts = LinkCount.objects.filter(
        dispatch_id__in=rows.values("dispatch_id"), hit_class=HitClass.HUMAN.value
    ).order_by()
    several: Counter[_Group] = Counter()
    for dispatch_id, entry, people, clicks in counts.values_list("dispatch_id", "entry", "people", "hits"):
        key = group_of.get((dispatch_id, entry))
        if key is None:
            continue
        found[key[0]].clicks += clicks
        found[key[0]].people += people
        several[key] += people
    for key, people in several.items():
        if people > 1 and len(groups[key]) > 1:
            found[key[0]].people += people_of(key[1], [each.entry for each in groups[key]]) - people


def people_of(dispatch_id: int, entries: Collection[int]) -> int:
    """Who followed any of these, each once: by the index of those who clicked."""
    holes = ", ".join(["%s"] * len(entries))
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE.format(holes), [dispatch_id, *entries])
        (count,) = cursor.fetchone()
    return int(count)


_PEOPLE = "SELECT COUNT(DISTINCT message_id) FROM messaging_click WHERE dispatch_id = %s AND human > 0 AND entry IN ({})"


def _add_recipients(found: Mapping[int, Reach], groups: Mapping[_Group, list[_Entry]]) -> None:
    """Everybody who was handed a text that names it, or those whose place gave it to them."""
    sent = handed_over({dispatch_id for _group, dispatch_id in groups})
    shared = {key: own for key, own in groups.items() if all(each.link_list_id for each in own)}
    lists = _lists([each for own in shared.values() for each in own])
    counts = counted({pk: tuple(len(entries) for entries in own.values()) for pk, own in lists.items()})
    for key, own in groups.items():
        group, dispatch_id = key
        if key not in shared:
            found[group].recipients += sent[dispatch_id]
        elif dispatch_id in counts:
            places = {
                (number, entries.index(each.entry))
                for number, (list_id, entries) in enumerate(lists[dispatch_id].items())
                for each in own
                if each.link_list_id == list_id
            }
            found[group].recipients += _with_any(counts[dispatch_id].handed_over, places)


def _with_any(counts: Mapping[tuple[int, ...], int], places: Collection[tuple[int, int]]) -> int:
    return sum(
        count
        for remainders, count in counts.items()
        if any(remainders[number] == place for number, place in places)
    )


def _lists(entries: Iterable[_Entry]) -> dict[int, dict[int, list[int]]]:
    """By dispatch: the lists that these are of, each with all its entries there, in order."""
    wanted = {(each.dispatch_id, each.link_list_id) for each in entries}
    found: dict[int, dict[int, list[int]]] = defaultdict(dict)
    rows = DispatchLink.objects.filter(link_list_id__in={list_id for _pk, list_id in wanted})
    for dispatch_id, list_id, entry in rows.order_by("dispatch_id", "link_list_id", "entry").values_list(
        "dispatch_id", "link_list_id", "entry"
    ):
        if list_id is not None and (dispatch_id, list_id) in wanted:
            found[dispatch_id].setdefault(list_id, []).append(entry)
    return found


@dataclass(slots=True)
class Given:
    """One link of a list, over all texts that spread it. `planned`: those it was meant for, before anybody fell out;
    `handed_over`: who was handed a text with it."""

    link: Link
    is_in_list: bool
    planned: int = 0
    handed_over: int = 0
    people: int = 0
    clicks: int = 0


@dataclass(slots=True)
class Spread:
    """`texts`: dispatches that spread it."""

    texts: int = 0
    given: list[Given] = field(default_factory=list)

    @property
    def planned(self) -> int:
        return sum(one.planned for one in self.given)

    @property
    def handed_over(self) -> int:
        return sum(one.handed_over for one in self.given)


def spread_of(link_list: LinkList) -> Spread:
    """Its links in their order, then those that were taken out since and had been sent."""
    own = [entry.link for entry in link_list.entries.select_related("link")]
    rows = DispatchLink.objects.filter(link_list=link_list).order_by()
    entries = sorted(_entries(rows))
    gone = Link.objects.filter(pk__in={entry.link_id for entry in entries} - {link.pk for link in own})
    given = {link.pk: Given(link, True) for link in own} | {
        link.pk: Given(link, False) for link in gone.order_by("name")
    }
    by_dispatch: dict[int, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_dispatch[entry.dispatch_id].append(entry)
    counts = counted({pk: (len(each),) for pk, each in by_dispatch.items()})
    for dispatch_id, each in by_dispatch.items():
        _add_given(given, each, counts.get(dispatch_id, Counted()))
    followed: dict[int, Reach] = defaultdict(Reach)
    _add_followed(followed, {(each.link_id, each.dispatch_id): [each] for each in entries}, rows)
    for link_id, reach in followed.items():
        given[link_id].people, given[link_id].clicks = reach.people, reach.clicks
    return Spread(len(by_dispatch), list(given.values()))


def _add_given(given: Mapping[int, Given], entries: Collection[_Entry], counts: Counted) -> None:
    for place, entry in enumerate(entries):
        given[entry.link_id].planned += counts.planned[place,]
        given[entry.link_id].handed_over += counts.handed_over[place,]
