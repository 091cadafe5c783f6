"""From a line in the spool to a hit with its class, and to the counts of clicks.

    RawHit --apply_hits--> Hit (class "") --classify_new_hits--> Hit (human, bot, unsure)
                                                   |
                                                   '--> Click of each message and entry --> LinkCount of each dispatch

Classes are computed from what the hits have in common, so a later hit may change an earlier one's; and all of it can be
computed again from the hits alone (`recompute`).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Max, Min

from messaging.ledger import lock_rows
from messaging.links.classes import AFTER_BURST, BURSTS, HitClass, Verdict, classify, device_of
from messaging.links.classes import Hit as Seen
from messaging.links.codes import LENGTH
from messaging.links.keys import key_row, link_coder
from messaging.links.spool import RawHit
from messaging.models import ANY_ENTRY, Click, DispatchLink, Hit, Link, LinkCount, LinkKey, Message

AT_ONCE = 2_000
# How far apart hits are that may make a burst together.
TOGETHER = timedelta(seconds=max(seconds for _people, seconds in BURSTS))


def apply_hits(raws: Sequence[RawHit]) -> int:
    """Writes them as they came; returns how many belong to a code of ours. One that is applied twice is there once."""
    found = _Found(raws)
    rows = [row for raw in raws if (row := found.row(raw)) is not None]
    Hit.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


class _Of(NamedTuple):
    workspace_id: int
    dispatch_id: int
    sent_at: datetime | None


class _Found:
    """What stands behind the codes of many hits."""

    def __init__(self, raws: Sequence[RawHit]) -> None:
        self._coder = link_coder()
        self._secret = bytes(key_row().key)
        coded = {raw.code: self._coder.decode(raw.code) for raw in raws if len(raw.code) == LENGTH}
        self._coded = {code: each for code, each in coded.items() if each is not None}
        messages = Message.objects.filter(pk__in={each.message_id for each in self._coded.values()})
        self._messages = {
            row[0]: _Of(*row[1:])
            for row in messages.values_list("id", "workspace_id", "dispatch_id", "submitted_at")
        }
        dispatches = {of.dispatch_id for of in self._messages.values()}
        links = DispatchLink.objects.filter(dispatch_id__in=dispatches)
        self._links = {
            (dispatch_id, entry): link_id
            for dispatch_id, entry, link_id in links.values_list("dispatch_id", "entry", "link_id")
        }
        own = {raw.code for raw in raws if len(raw.code) != LENGTH}
        self._own = {
            code: (workspace_id, link_id)
            for code, workspace_id, link_id in Link.objects.filter(code__in=own).values_list(
                "code", "workspace_id", "id"
            )
        }

    def row(self, raw: RawHit) -> Hit | None:
        row = self._of_message(raw) if raw.code in self._coded else self._of_link(raw)
        if row is None:
            return None
        row.uid = UUID(raw.uid)
        row.at = datetime.fromtimestamp(raw.at, UTC)
        row.method = _text(raw.method, 10)
        row.agent = _text(raw.agent, 300)
        row.network = network_of(raw.address)
        row.visitor = _visitor(self._secret, raw)
        row.is_prefetch = raw.is_prefetch
        row.device = device_of(raw.agent)
        return row

    def _of_message(self, raw: RawHit) -> Hit | None:
        message_id, entry = self._coded[raw.code]
        of = self._messages.get(message_id)
        if of is None or (of.dispatch_id, entry) not in self._links:
            return None
        since = None if of.sent_at is None else raw.at - of.sent_at.timestamp()
        return Hit(
            workspace_id=of.workspace_id,
            message_id=message_id,
            dispatch_id=of.dispatch_id,
            entry=entry,
            link_id=self._links[of.dispatch_id, entry],
            since_sent_seconds=since,
        )

    def _of_link(self, raw: RawHit) -> Hit | None:
        if raw.code not in self._own:
            return None
        workspace_id, link_id = self._own[raw.code]
        return Hit(workspace_id=workspace_id, link_id=link_id)


def network_of(address: str) -> str:
    """Without what tells one visitor from the neighbours: 203.0.113.0/24, 2001:db8:1::/48; "" where it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    bits = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False))


def _visitor(secret: bytes, raw: RawHit) -> str:
    """The same for one address with one program; nobody comes back from it to the address without the key."""
    facts = f"{raw.address}\n{raw.agent}".encode("utf-8", "replace")
    return hashlib.blake2s(facts, key=secret, digest_size=11, person=b"visitor").hexdigest()


def _text(value: str, most: int) -> str:
    """As PostgreSQL takes it."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def classify_new_hits(limit: int = AT_ONCE) -> int:
    """Computes the classes of new hits and what follows from them; returns how many were new."""
    with transaction.atomic():
        # One at a time: two hits of one visitor may make a burst together.
        list(lock_rows(LinkKey.objects.filter(pk=key_row().pk)).values_list("pk"))
        new = list(Hit.objects.filter(hit_class="").order_by("id")[:limit])
        if not new:
            return 0
        changed = _classified(new)
        Hit.objects.bulk_update(changed, ["hit_class", "rule"], batch_size=500)
        _count_clicks({hit.message_id for hit in changed if hit.message_id is not None})
    return len(new)


def recompute(*, dispatch_id: int) -> int:
    """Everything that follows from the hits of a dispatch, anew; returns their number."""
    count = forget_classes(dispatch_id=dispatch_id)
    recompute_forgotten()
    return count


def forget_classes(*, dispatch_id: int) -> int:
    """Its hits are as new: whoever classifies next computes them again."""
    with transaction.atomic():
        list(lock_rows(LinkKey.objects.filter(pk=key_row().pk)).values_list("pk"))
        count = Hit.objects.filter(dispatch_id=dispatch_id).update(hit_class="", rule="")
        Click.objects.filter(dispatch_id=dispatch_id).delete()
        LinkCount.objects.filter(dispatch_id=dispatch_id).delete()
    return count


def recompute_forgotten() -> None:
    while classify_new_hits():
        pass


def _classified(new: Sequence[Hit]) -> list[Hit]:
    """The new ones with their classes, and earlier ones whose classes they change."""
    known = _known_beside(new)
    hits = sorted([*known, *new], key=lambda hit: (hit.at, hit.pk))
    verdicts = classify([_seen(hit) for hit in hits], burst_before=_last_bursts(new))
    changed: list[Hit] = []
    for hit, verdict in zip(hits, verdicts, strict=True):
        if not hit.hit_class or _is_worse(verdict, hit):
            hit.hit_class, hit.rule = verdict.hit_class, verdict.rule
            changed.append(hit)
    return changed


_WORSE = {HitClass.HUMAN: 0, HitClass.UNSURE: 1, HitClass.BOT: 2}


def _is_worse(verdict: Verdict, hit: Hit) -> bool:
    """Of what was classified with more beside it than is seen now, nothing is taken back."""
    return _WORSE[verdict.hit_class] > _WORSE[HitClass(hit.hit_class)]


def _known_beside(new: Sequence[Hit]) -> list[Hit]:
    """Hits of the same visitors about the same time."""
    visitors = _visitors(new)
    first, last = min(hit.at for hit in new), max(hit.at for hit in new)
    beside = Hit.objects.filter(visitor__in=visitors, at__gte=first - TOGETHER, at__lte=last + TOGETHER)
    return list(beside.exclude(hit_class="").exclude(pk__in=[hit.pk for hit in new]))


def _visitors(hits: Sequence[Hit]) -> set[str]:
    """Those that are known: erased ones are not one visitor."""
    return {hit.visitor for hit in hits if hit.visitor}


def _last_bursts(new: Sequence[Hit]) -> dict[str, datetime]:
    """By visitor: when the last burst was, within AFTER_BURST before the new hits."""
    visitors = _visitors(new)
    first, last = min(hit.at for hit in new), max(hit.at for hit in new)
    bursts = Hit.objects.filter(visitor__in=visitors, rule="burst", at__gte=first - AFTER_BURST, at__lte=last)
    return dict(bursts.values_list("visitor").annotate(last=Max("at")))


def _seen(hit: Hit) -> Seen:
    since = hit.since_sent_seconds
    return Seen(
        at=hit.at,
        # Each visit of a link's own address is somebody else's, as far as anybody knows.
        message_id=-hit.pk if hit.message_id is None else hit.message_id,
        link_id=hit.entry,
        visitor=hit.visitor or f"erased {hit.pk}",
        method=hit.method,
        agent=hit.agent,
        is_prefetch=hit.is_prefetch,
        since_sent=None if since is None else timedelta(seconds=since),
    )


# (message, entry) -> by class the hits, and when a person came first
@dataclass(slots=True)
class _Sums:
    dispatch_id: int
    hits: Counter[str]
    first_human_at: datetime | None = None


def _count_clicks(message_ids: set[int]) -> None:
    """Clicks of these messages anew from their hits, and the counts of their dispatches by the difference."""
    if not message_ids:
        return
    before = {
        (click.message_id, click.entry): click for click in Click.objects.filter(message_id__in=message_ids)
    }
    after = _sums(message_ids)
    hits: Counter[tuple[int, int, str]] = Counter()
    people: Counter[tuple[int, int, str]] = Counter()
    for key, sums in after.items():
        old = before.get(key)
        for hit_class in HitClass:
            was = getattr(old, hit_class.value) if old else 0
            now = sums.hits[hit_class]
            place = (sums.dispatch_id, key[1], hit_class.value)
            hits[place] += now - was
            people[place] += bool(now) - bool(was)
    Click.objects.bulk_create(
        [_click(key, sums) for key, sums in after.items()],
        update_conflicts=True,
        unique_fields=["message_id", "entry"],
        update_fields=["human", "bot", "unsure", "first_human_at"],
        batch_size=500,
    )
    _add(hits, people)


def _click(key: tuple[int, int], sums: _Sums) -> Click:
    return Click(
        message_id=key[0],
        entry=key[1],
        dispatch_id=sums.dispatch_id,
        human=sums.hits[HitClass.HUMAN],
        bot=sums.hits[HitClass.BOT],
        unsure=sums.hits[HitClass.UNSURE],
        first_human_at=sums.first_human_at,
    )


def _sums(message_ids: Iterable[int]) -> Mapping[tuple[int, int], _Sums]:
    rows = (
        Hit.objects.filter(message_id__in=message_ids)
        .exclude(hit_class="")
        .values_list("message_id", "entry", "dispatch_id", "hit_class")
        .annotate(hits=Count("id"), first=Min("at"))
        .order_by()
    )
    sums: dict[tuple[int, int], _Sums] = {}
    for message_id, entry, dispatch_id, hit_class, count, first in rows:
        for key in ((message_id, entry), (message_id, ANY_ENTRY)):
            one = sums.setdefault(key, _Sums(dispatch_id, Counter()))
            one.hits[hit_class] += count
            if hit_class == HitClass.HUMAN:
                one.first_human_at = min(filter(None, (one.first_human_at, first)))
    return sums


def _add(hits: Mapping[tuple[int, int, str], int], people: Mapping[tuple[int, int, str], int]) -> None:
    rows = sorted(key for key in hits if hits[key] or people[key])
    if not rows:
        return
    holes = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    values = [value for key in rows for value in (*key, hits[key], people[key])]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS.format(holes), values)


_COUNTS = """
INSERT INTO messaging_linkcount AS c (dispatch_id, entry, hit_class, hits, people) VALUES {}
ON CONFLICT (dispatch_id, entry, hit_class) DO UPDATE SET hits = c.hits + excluded.hits, people = c.people + excluded.people
"""
