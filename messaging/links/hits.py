"""From a line in the spool to a hit with its class, and to the counts of clicks.

    RawHit --apply_hits--> Hit (class "") --classify_new_hits--> Hit (human, bot, unsure)
                                                   |
                                                   '--> Click of each message and entry --> LinkCount of each dispatch

Classes are computed from what the hits have in common (messaging/links/judging.py), so a later hit may change an earlier
one's; and all of it can be computed again from the hits alone (messaging/links/again.py).
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Count, Min

from messaging.ledger import lock_rows
from messaging.links.classes import HitClass, device_of
from messaging.links.codes import LENGTH
from messaging.links.hit_rows import HitRow, keep_hits
from messaging.links.judging import judge
from messaging.links.keys import key_row, link_coder
from messaging.links.spool import RawHit
from messaging.models import (
    ANY_ENTRY,
    Click,
    DispatchLink,
    ErasedMessage,
    Hit,
    Link,
    LinkCount,
    LinkKey,
    Message,
)
from messaging.webhooks.clicks import tell_clicks

# Of one transaction. SQLite has one writer at a time: others have their turn between.
AT_ONCE, SQLITE_AT_ONCE = 2_000, 100
SQLITE_REST_SECONDS = 0.02


def apply_hits(raws: Sequence[RawHit]) -> int:
    """Writes them as they came; returns how many belong to a code of ours. One that is applied twice is there once.

    Of those for messages of erased numbers nothing is kept that tells of the visitor.
    """
    found = _Found(raws)
    rows = [row for raw in raws if (row := found.row(raw)) is not None]
    keep_hits(rows)
    # Erased meanwhile: the erasure marks them before it empties the hits that are there.
    erased = _erased({row.message_id for row in rows if row.message_id is not None})
    if late := erased - found.erased:
        empty_hits(late)
    return len(rows)


def empty_hits(message_ids: Collection[int]) -> None:
    """When a link was followed, and as what it counted, stays: with which program and from where goes."""
    Hit.objects.filter(message_id__in=message_ids).update(agent="", network="", visitor="")


def _erased(message_ids: Collection[int]) -> set[int]:
    rows = ErasedMessage.objects.filter(message_id__in=message_ids)
    return set(rows.values_list("message_id", flat=True))


class _Of(NamedTuple):
    workspace_id: int
    dispatch_id: int
    sent_at: datetime | None


class _Found:
    """What stands behind the codes of many hits."""

    def __init__(self, raws: Sequence[RawHit]) -> None:
        self._coder = link_coder()
        self._secret = bytes(key_row().key)
        self._visitors: dict[tuple[str, str], tuple[str, str]] = {}
        coded = {raw.code: self._coder.decode(raw.code) for raw in raws if len(raw.code) == LENGTH}
        self._coded = {code: each for code, each in coded.items() if each is not None}
        messages = Message.objects.filter(pk__in={each.message_id for each in self._coded.values()})
        self._messages = {
            row[0]: _Of(*row[1:])
            for row in messages.values_list("id", "workspace_id", "dispatch_id", "submitted_at")
        }
        self.erased = _erased(self._messages.keys())
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

    def row(self, raw: RawHit) -> HitRow | None:
        """By hand, as all that is done for every visit: models took longer than everything else."""
        coded = self._coded.get(raw.code)
        if coded is None:
            own = self._own.get(raw.code)
            if own is None:
                return None
            workspace_id, link_id = own
            message_id, dispatch_id, entry, since = None, None, 0, None
        else:
            message_id, entry = coded
            of = self._messages.get(message_id)
            if of is None or (of.dispatch_id, entry) not in self._links:
                return None
            workspace_id, dispatch_id = of.workspace_id, of.dispatch_id
            link_id = self._links[dispatch_id, entry]
            since = None if of.sent_at is None else raw.at - of.sent_at.timestamp()
        is_erased = message_id in self.erased
        agent = "" if is_erased else _text(raw.agent, 300)
        return HitRow(
            raw.uid,
            workspace_id,
            message_id,
            dispatch_id,
            entry,
            link_id,
            datetime.fromtimestamp(raw.at, UTC),
            _text(raw.method, 10),
            agent,
            *(("", "") if is_erased else self._who(raw.address, raw.agent)),
            raw.is_prefetch,
            raw.is_over,
            since,
            "",
            "",
            _device_of(agent).value,
        )

    def _who(self, address: str, agent: str) -> tuple[str, str]:
        """Network and visitor. Known for no longer than this takes: nothing holds an address afterwards."""
        known = self._visitors.get((address, agent))
        if known is None:
            known = network_of(address), _visitor(self._secret, address, agent)
            self._visitors[address, agent] = known
        return known


# Programs name themselves alike.
_device_of = lru_cache(maxsize=4096)(device_of)


def network_of(address: str) -> str:
    """Without what tells one visitor from the neighbours: 203.0.113.0/24, 2001:db8:1::/48; "" where it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return ""
    bits = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network(f"{ip}/{bits}", strict=False))


def _visitor(secret: bytes, address: str, agent: str) -> str:
    """The same for one address with one program; nobody comes back from it to the address without the key."""
    facts = f"{address}\n{agent}".encode("utf-8", "replace")
    return hashlib.blake2s(facts, key=secret, digest_size=11, person=b"visitor").hexdigest()


def _text(value: str, most: int) -> str:
    """As PostgreSQL takes it."""
    if value.isascii() and "\0" not in value:
        return value[:most]
    return value.replace("\0", "").encode("utf-8", "replace").decode()[:most]


def at_once() -> int:
    return SQLITE_AT_ONCE if connection.vendor == "sqlite" else AT_ONCE


def rest() -> None:
    """After each portion."""
    if connection.vendor == "sqlite":
        time.sleep(SQLITE_REST_SECONDS)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A transaction in which nobody else computes classes: two hits of one visitor may make a burst together."""
    with transaction.atomic():
        list(lock_rows(LinkKey.objects.filter(pk=key_row().pk)).values_list("pk"))
        yield


def classify_new_hits(limit: int | None = None) -> int:
    """Computes the classes of new hits and what follows from them; returns how many were new."""
    with one_at_a_time():
        new = list(Hit.objects.filter(hit_class="").order_by("id")[: limit or at_once()])
        count_clicks(judge(new))
    return len(new)


# (message, entry) -> by class the hits, and when a person came first
@dataclass(slots=True)
class _Sums:
    dispatch_id: int
    hits: Counter[str]
    first_human_at: datetime | None = None


def count_clicks(message_ids: Collection[int]) -> None:
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
    clicks = [_click(key, sums) for key, sums in after.items()]
    Click.objects.bulk_create(
        [click for click in clicks if _facts(click) != _facts(before.get((click.message_id, click.entry)))],
        update_conflicts=True,
        unique_fields=["message_id", "entry"],
        update_fields=["human", "bot", "unsure", "first_human_at"],
        batch_size=500,
    )
    _add(hits, people)
    tell_clicks(message_ids, {sums.dispatch_id for sums in after.values()})


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


def _facts(click: Click | None) -> tuple[object, ...] | None:
    return None if click is None else (click.human, click.bot, click.unsure, click.first_human_at)


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


def mend_counts(dispatch_id: int) -> None:
    """The counts of a dispatch are what its hits say; looked at without holding anybody up."""
    if _kept_counts(dispatch_id) == _counts(dispatch_id):
        return
    with one_at_a_time():
        LinkCount.objects.filter(dispatch_id=dispatch_id).delete()
        LinkCount.objects.bulk_create(
            LinkCount(dispatch_id=dispatch_id, entry=entry, hit_class=hit_class, hits=hits, people=people)
            for (entry, hit_class), (hits, people) in _counts(dispatch_id).items()
        )


def _kept_counts(dispatch_id: int) -> dict[tuple[int, str], tuple[int, int]]:
    rows = LinkCount.objects.filter(dispatch_id=dispatch_id)
    return {(row.entry, row.hit_class): (row.hits, row.people) for row in rows if row.hits or row.people}


def _counts(dispatch_id: int) -> dict[tuple[int, str], tuple[int, int]]:
    """By entry and class: requests, and messages with at least one."""
    hits = Hit.objects.filter(dispatch_id=dispatch_id).exclude(hit_class="").order_by()
    sums = {"hits": Count("id"), "people": Count("message_id", distinct=True)}
    each = hits.values_list("entry", "hit_class").annotate(**sums)
    of_any = hits.values_list("hit_class").annotate(**sums)
    return {
        **{(entry, hit_class): (count, people) for entry, hit_class, count, people in each},
        **{(ANY_ENTRY, hit_class): (count, people) for hit_class, count, people in of_any},
    }
