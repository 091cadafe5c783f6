"""Who was really given which link of a list: counted from the ledger, by each message's place.

A list's links are spread evenly over those who are planned. Whoever opts out, cannot be reached or is left over when a
broadcast is stopped gets none, so the shares of those who were handed a text differ. Place p of a list of k links has the
link p mod k (messaging/content.py).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Q, Value
from django.db.models.functions import Coalesce, Mod

from messaging.models import Message, MessageCount
from sms.states import HANDED_OVER

# A million rows take a moment: counts of more are kept, for as long as the ledger's own counters stay the same; and for
# so many seconds while they change.
LARGE = 20_000
KEPT_SECONDS = 10.0
DAY_SECONDS = 24 * 3600
AT_ONCE = 5_000
_HANDED_OVER = [state.value for state in HANDED_OVER]
# How long each of a text's lists is; and by the remainders of a place by these: how many messages.
Sizes = tuple[int, ...]
Remainders = tuple[int, ...]


@dataclass(slots=True)
class Counted:
    """Messages of one dispatch by the remainders of their places."""

    planned: Counter[Remainders] = field(default_factory=Counter)
    handed_over: Counter[Remainders] = field(default_factory=Counter)


def handed_over(dispatch_ids: Collection[int]) -> Counter[int]:
    """By dispatch: who was handed a text of it, from the kept counters."""
    found: Counter[int] = Counter()
    for dispatch_id, state, count in _counters(dispatch_ids):
        if state in _HANDED_OVER:
            found[dispatch_id] += count
    return found


def counted(sizes: Mapping[int, Sizes]) -> dict[int, Counted]:
    """By dispatch; `sizes`: of its lists."""
    # Read before the messages are: what is counted later under these counters is never older than they are.
    totals: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for dispatch_id, state, count in _counters(sizes):
        totals[dispatch_id].append((state, count))
    large = {pk for pk, rows in totals.items() if sum(count for _state, count in rows) > LARGE}
    alike: dict[Sizes, list[int]] = defaultdict(list)
    for dispatch_id, own in sizes.items():
        if dispatch_id not in large:
            alike[own].append(dispatch_id)
    found: dict[int, Counted] = {}
    for own, dispatch_ids in alike.items():
        found |= _count(dispatch_ids, own)
    for dispatch_id in large:
        found[dispatch_id] = _kept(dispatch_id, sizes[dispatch_id], sorted(totals[dispatch_id]))
    return found


def _counters(dispatch_ids: Collection[int]) -> Iterator[tuple[int, str, int]]:
    for some in _batches(dispatch_ids):
        rows = MessageCount.objects.filter(dispatch_id__in=some).order_by()
        yield from rows.values_list("dispatch_id", "state", "count")


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _kept(dispatch_id: int, sizes: Sizes, totals: list[tuple[str, int]]) -> Counted:
    """A message's state only moves forward, so the same counters are the same messages."""
    key = f"links-given:{dispatch_id}:{'-'.join(map(str, sizes))}"
    kept = cache.get(key)
    if kept is not None and (kept[0] == totals or kept[1] > time.time() - KEPT_SECONDS):
        return Counted(Counter(kept[2]), Counter(kept[3]))
    found = _count([dispatch_id], sizes).get(dispatch_id, Counted())
    cache.set(key, (totals, time.time(), dict(found.planned), dict(found.handed_over)), DAY_SECONDS)
    return found


def _count(dispatch_ids: Sequence[int], sizes: Sizes) -> dict[int, Counted]:
    found: dict[int, Counted] = {}
    place = Coalesce(F("place"), Value(0))
    remainders = {f"of_{number}": Mod(place, Value(size)) for number, size in enumerate(sizes)}
    for some in _batches(dispatch_ids):
        rows = (
            Message.objects.filter(dispatch_id__in=some)
            .order_by()
            .values("dispatch_id", **remainders)
            .annotate(planned=Count("id"), given=Count("id", filter=Q(state__in=_HANDED_OVER)))
        )
        for row in rows.values_list("dispatch_id", "planned", "given", *remainders):
            _add(found.setdefault(row[0], Counted()), row)
    return found


def _add(one: Counted, row: Sequence[Any]) -> None:
    key = tuple(int(remainder) for remainder in row[3:])
    one.planned[key] += row[1]
    one.handed_over[key] += row[2]
