"""Who followed the links of a text: from kept counts, so that a million clicks cost what ten cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Q

from accounts.models import Workspace
from messaging.links.classes import HitClass
from messaging.links.reach import people_of, reach_of_all
from messaging.links.targets import target_or_empty
from messaging.models import ANY_ENTRY, Click, DispatchLink, Hit, Link, LinkCount, LinkUse


@dataclass(frozen=True, slots=True)
class Followed:
    """`people`: who followed it, machines left out; the others are requests."""

    people: int = 0
    human: int = 0
    bot: int = 0
    unsure: int = 0


NOBODY = Followed()


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One link of a text. `link` is None where each recipient has an address of their own."""

    use: str
    link: Link | None
    followed: Followed


@dataclass(frozen=True, slots=True)
class Clicks:
    """`all`: of any link; who followed two of them is one person there."""

    all: Followed = NOBODY
    lines: list[LinkLine] = field(default_factory=list)


def clicks_of(dispatch_ids: Collection[int]) -> Clicks | None:
    """None where the texts have no links that can be followed. A link of several dispatches is one line: nobody is in
    two dispatches of one broadcast."""
    rows = DispatchLink.objects.filter(dispatch_id__in=dispatch_ids).exclude(use=LinkUse.UNSUBSCRIBE)
    entries = list(rows.select_related("link").order_by("dispatch_id", "entry"))
    if not entries:
        return None
    counts = _counts(dispatch_ids)
    links: dict[tuple[str, int | None], list[DispatchLink]] = defaultdict(list)
    for entry in entries:
        links[entry.use, entry.link_id].append(entry)
    lines = [LinkLine(use, own[0].link, _of_link(own, counts)) for (use, _link_id), own in links.items()]
    return Clicks(_sum([counts.get((pk, ANY_ENTRY), NOBODY) for pk in dispatch_ids]), lines)


def _of_link(entries: Sequence[DispatchLink], counts: Mapping[tuple[int, int], Followed]) -> Followed:
    """Whoever followed it at two places of a text (it is in two lists) is one person."""
    of_dispatch: dict[int, list[int]] = defaultdict(list)
    for entry in entries:
        if counts.get((entry.dispatch_id, entry.entry), NOBODY).people:
            of_dispatch[entry.dispatch_id].append(entry.entry)
    twice = sum(
        sum(counts[dispatch_id, entry].people for entry in own) - people_of(dispatch_id, own)
        for dispatch_id, own in of_dispatch.items()
        if len(own) > 1
    )
    all_ = _sum([counts.get((entry.dispatch_id, entry.entry), NOBODY) for entry in entries])
    return replace(all_, people=all_.people - twice)


def followed_ever(link: Link) -> Followed:
    """By the texts that it was in, of all time. `people`: each once a text; see messaging/links/reach.py for who
    followed it at two places of one."""
    places = set(DispatchLink.objects.filter(link=link).values_list("dispatch_id", "entry"))
    counts = _counts({dispatch_id for dispatch_id, _entry in places})
    return _sum([followed for place, followed in counts.items() if place in places])


def _counts(dispatch_ids: Collection[int]) -> dict[tuple[int, int], Followed]:
    hits: dict[tuple[int, int], dict[str, tuple[int, int]]] = defaultdict(dict)
    rows = LinkCount.objects.filter(dispatch_id__in=dispatch_ids)
    for dispatch_id, entry, hit_class, count, people in rows.values_list(
        "dispatch_id", "entry", "hit_class", "hits", "people"
    ):
        hits[dispatch_id, entry][hit_class] = count, people
    return {key: _followed(by_class) for key, by_class in hits.items()}


def _followed(by_class: dict[str, tuple[int, int]]) -> Followed:
    human, bot, unsure = (
        by_class.get(each, (0, 0)) for each in (HitClass.HUMAN, HitClass.BOT, HitClass.UNSURE)
    )
    return Followed(human[1], human[0], bot[0], unsure[0])


def _sum(each: Sequence[Followed]) -> Followed:
    return Followed(
        sum(one.people for one in each),
        sum(one.human for one in each),
        sum(one.bot for one in each),
        sum(one.unsure for one in each),
    )


def clicked_messages(dispatch_ids: Collection[int]) -> Q:
    """Of Message: those with at least one human click."""
    clicked = Click.objects.filter(dispatch_id__in=dispatch_ids, entry=ANY_ENTRY, human__gt=0)
    return Q(pk__in=clicked.values("message_id"))


def first_clicks(message_ids: Collection[int]) -> dict[int, datetime]:
    """When a person first followed a link of each of these messages, if ever."""
    clicks = Click.objects.filter(message_id__in=message_ids, entry=ANY_ENTRY, human__gt=0)
    return {pk: at for pk, at in clicks.values_list("message_id", "first_human_at") if at is not None}


def hits_of_message(message_id: int, limit: int = 100) -> list[tuple[Hit, Link | None]]:
    """The last ones with their links, oldest first."""
    hits = list(Hit.objects.filter(message_id=message_id).order_by("-at", "-id")[:limit])
    links = Link.objects.in_bulk([hit.link_id for hit in hits if hit.link_id])
    return [(hit, links.get(hit.link_id or 0)) for hit in reversed(hits)]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Of an address, over all texts that had it (the MessageWhiz document, Link: details/linkConversion).

    `recipients`: who was handed a text with it; `clicks`: how many of them followed it, each once a text; `conversion`:
    these in a hundred.
    """

    recipients: int
    clicks: int

    @property
    def conversion(self) -> float:
        return round(self.clicks * 100 / self.recipients, 2) if self.recipients else 0.0


def conversion_of(*, workspace: Workspace, url: str) -> Conversion | None:
    """None where no link leads there."""
    links = list(
        Link.objects.filter(workspace=workspace, url__in={url, target_or_empty(url) or url}).values_list(
            "pk", flat=True
        )
    )
    if not links:
        return None
    reach = reach_of_all(links)
    return Conversion(reach.recipients, reach.people)
