"""How many were sent a link, and how many of them followed it: from kept counts, for many links in a few queries."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db.models import QuerySet, Sum

from messaging.links.classes import HitClass
from messaging.models import DispatchLink, Link, LinkCount, LinkList, MessageCount
from sms.states import HANDED_OVER


@dataclass(slots=True)
class Reach:
    """`people`: who followed it, machines left out; `recipients`: who was sent it, of a list's links an even share."""

    recipients: int = 0
    people: int = 0
    clicks: int = 0


class _Entry(NamedTuple):
    dispatch_id: int
    entry: int
    link_id: int
    link_list_id: int | None


def reach_of(link_ids: Collection[int], since: datetime | None = None) -> dict[int, Reach]:
    """By link. `since`: texts whose sending began then or later. Links that nobody was sent are left out."""
    rows = DispatchLink.objects.filter(link_id__in=link_ids).order_by()
    if since is not None:
        rows = rows.filter(dispatch__started_at__gte=since)
    entries = _entries(rows)
    if not entries:
        return {}
    found: dict[int, Reach] = defaultdict(Reach)
    _add_people(found, entries, rows)
    for (link_id, _dispatch_id), count in _shares(entries, rows).items():
        found[link_id].recipients += count
    return dict(found)


def _entries(rows: QuerySet[DispatchLink]) -> list[_Entry]:
    return [
        _Entry(dispatch_id, entry, link_id or 0, list_id)
        for dispatch_id, entry, link_id, list_id in rows.values_list(
            "dispatch_id", "entry", "link_id", "link_list_id"
        )
    ]


def _add_people(
    found: Mapping[int, Reach], entries: Collection[_Entry], rows: QuerySet[DispatchLink]
) -> None:
    links = {(entry.dispatch_id, entry.entry): entry.link_id for entry in entries}
    counts = LinkCount.objects.filter(
        dispatch_id__in=rows.values("dispatch_id"), hit_class=HitClass.HUMAN.value
    ).order_by()
    for dispatch_id, entry, people, clicks in counts.values_list("dispatch_id", "entry", "people", "hits"):
        link_id = links.get((dispatch_id, entry))
        if link_id is not None:
            found[link_id].people += people
            found[link_id].clicks += clicks


def _shares(entries: Collection[_Entry], rows: QuerySet[DispatchLink]) -> Counter[tuple[int, int]]:
    """By link and dispatch: everybody who was handed a text of it, or the even share of a list's links."""
    sent = _messages(rows, handed_over=True)
    to_all = {(entry.link_id, entry.dispatch_id) for entry in entries if entry.link_list_id is None}
    shares = Counter({key: sent[key[1]] for key in to_all})
    sizes = _sizes(rows) if len(to_all) < len(entries) else Counter()
    for entry in entries:
        key = entry.link_id, entry.dispatch_id
        if key not in to_all and entry.link_list_id is not None:
            shares[key] += round(sent[entry.dispatch_id] / sizes[entry.dispatch_id, entry.link_list_id])
    return shares


def _messages(rows: QuerySet[DispatchLink], *, handed_over: bool) -> Counter[int]:
    counts = MessageCount.objects.filter(dispatch_id__in=rows.values("dispatch_id")).order_by()
    if handed_over:
        counts = counts.filter(state__in=[state.value for state in HANDED_OVER])
    return Counter(dict(counts.values_list("dispatch_id").annotate(total=Sum("count"))))


def _sizes(rows: QuerySet[DispatchLink]) -> Counter[tuple[int, int]]:
    """By dispatch and list: how many links it had there."""
    of_lists = DispatchLink.objects.filter(
        dispatch_id__in=rows.values("dispatch_id"), link_list__isnull=False
    )
    return Counter(of_lists.order_by().values_list("dispatch_id", "link_list_id"))


@dataclass(slots=True)
class Given:
    """One link of a list, over all texts that spread it. `planned`: exactly, people whose text names it."""

    link: Link
    is_in_list: bool
    planned: int = 0
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


def spread_of(link_list: LinkList) -> Spread:
    """Its links in their order, then those that were taken out since and had been sent."""
    own = [entry.link for entry in link_list.entries.select_related("link")]
    rows = DispatchLink.objects.filter(link_list=link_list).order_by()
    entries = sorted(_entries(rows))
    gone = Link.objects.filter(pk__in={entry.link_id for entry in entries} - {link.pk for link in own})
    given = {link.pk: Given(link, True) for link in own} | {
        link.pk: Given(link, False) for link in gone.order_by("name")
    }
    spread = Spread(given=list(given.values()))
    _add_planned(spread, given, entries, _messages(rows, handed_over=False))
    found: dict[int, Reach] = defaultdict(Reach)
    _add_people(found, entries, rows)
    for link_id, reach in found.items():
        given[link_id].people, given[link_id].clicks = reach.people, reach.clicks
    return spread


def _add_planned(
    spread: Spread, given: Mapping[int, Given], entries: Collection[_Entry], planned: Counter[int]
) -> None:
    """The place of a message, from 0, decides: place p of k links has the link p mod k (messaging/content.py)."""
    by_dispatch: dict[int, list[_Entry]] = defaultdict(list)
    for entry in entries:
        by_dispatch[entry.dispatch_id].append(entry)
    for dispatch_id, own in by_dispatch.items():
        links = len(own)
        for place, entry in enumerate(own):
            given[entry.link_id].planned += (planned[dispatch_id] - place + links - 1) // links
        spread.texts += 1
