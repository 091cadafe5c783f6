"""Who followed the links of a text: from kept counts, so that a million clicks cost what ten cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts.models import Workspace
from messaging.links.classes import HitClass
from messaging.models import ANY_ENTRY, Click, DispatchLink, Hit, Link, LinkCount, LinkUse, MessageCount
from sms.states import HANDED_OVER


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
    links: dict[tuple[str, int | None], list[Followed]] = defaultdict(list)
    named = {(entry.use, entry.link_id): entry for entry in entries}
    for entry in entries:
        links[entry.use, entry.link_id].append(counts.get((entry.dispatch_id, entry.entry), NOBODY))
    lines = [LinkLine(key[0], named[key].link, _sum(each)) for key, each in links.items()]
    return Clicks(_sum([counts.get((pk, ANY_ENTRY), NOBODY) for pk in dispatch_ids]), lines)


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

    `recipients`: who was sent it; `clicks`: how many of them followed it; `conversion`: clicks in a hundred.
    """

    recipients: int
    clicks: int

    @property
    def conversion(self) -> float:
        return round(self.clicks * 100 / self.recipients, 2) if self.recipients else 0.0


def conversion_of(*, workspace: Workspace, url: str) -> Conversion | None:
    """None where no link leads there."""
    links = Link.objects.filter(workspace=workspace, url=url)
    if not links.exists():
        return None
    entries = DispatchLink.objects.filter(link__in=links)
    of_entry = entries.filter(dispatch_id=OuterRef("dispatch_id"), entry=OuterRef("entry"))
    counts = LinkCount.objects.filter(Exists(of_entry), hit_class=HitClass.HUMAN)
    clicks = counts.aggregate(total=Sum("people"))["total"] or 0
    return Conversion(_recipients(entries), clicks)


def _recipients(entries: QuerySet[DispatchLink]) -> int:
    """Who was sent one of these: everybody of a dispatch, or an even share where a list is spread over them."""
    pairs = list(entries.values_list("dispatch_id", "link_list_id"))
    dispatch_ids = {dispatch_id for dispatch_id, _list_id in pairs}
    sent = dict(
        MessageCount.objects.filter(
            dispatch_id__in=dispatch_ids, state__in=[state.value for state in HANDED_OVER]
        )
        .values_list("dispatch_id")
        .annotate(total=Sum("count"))
    )
    to_all = {dispatch_id for dispatch_id, list_id in pairs if list_id is None}
    of_lists = DispatchLink.objects.filter(dispatch_id__in=dispatch_ids, link_list__isnull=False)
    sizes = Counter(of_lists.values_list("dispatch_id", "link_list_id"))
    total = sum(sent.get(dispatch_id, 0) for dispatch_id in to_all)
    for pair in pairs:
        if pair[0] not in to_all:
            total += round(sent.get(pair[0], 0) / sizes[pair])
    return total
