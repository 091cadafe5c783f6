"""What hits count as, with those beside them: what `classify` would say over all hits at once, from the few that matter.

A hit's class hangs on others of its visitor alone: on those within REACH of it (a burst), and on the last burst before.
So a new one can change those within REACH of it, and what comes after a burst that it makes:

    left unchanged | REACH     new hits      REACH | until the next burst, a day at most
    ---------------|========*=====*==*=============|.............................B------------> time of one visitor
                    computed anew with REACH more    persons or doubted: by the last burst
                    on either side beside them

Whatever the order and the portions in which hits come, and however often they are looked at, the same comes of it. Of a
visitor with very many hits CROWD on either side are looked at, not all within REACH: between a burst's hit further off and
this one lie so many other people's links that it was marked by them already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from messaging.links.classes import (
    AFTER_BURST,
    BURST,
    BURSTS,
    DOUBTED,
    HUMAN,
    HitClass,
    Verdict,
    classify,
    classify_alone,
)
from messaging.links.classes import Hit as Seen
from messaging.models import Hit

# How far apart hits are that may make a burst together.
REACH = timedelta(seconds=max(seconds for _people, seconds in BURSTS))
# Hits of a visitor that are further apart are looked at one after the other, not with all that lies between.
APART = timedelta(hours=1)
CROWD = 200


@dataclass(slots=True)
class _Run:
    """Hits of one visitor in the order of their time. Classified anew is what lies between `begin` and `end`, with what
    lies beside it between `from_` and `to`. `burst`: the last one before the first of the hits.
    """

    hits: list[Hit]
    begin: datetime = field(init=False)
    end: datetime = field(init=False)
    from_: datetime = field(init=False)
    to: datetime = field(init=False)
    burst: datetime | None = None

    def __post_init__(self) -> None:
        self.begin, self.end = self.hits[0].at - REACH, self.hits[-1].at + REACH
        self.from_, self.to = self.begin - REACH, self.end + REACH

    @property
    def visitor(self) -> str:
        return self.hits[0].visitor

    def cut_before(self, half: datetime | None, whole: datetime | None) -> None:
        if half is not None and whole is not None and whole > self.from_:
            self.begin, self.from_ = max(self.begin, half), whole

    def cut_after(self, half: datetime | None, whole: datetime | None) -> None:
        if half is not None and whole is not None and whole < self.to:
            self.end, self.to = min(self.end, half), whole


def judge(hits: Iterable[Hit]) -> set[int]:
    """Writes the classes of these, and of others where they are changed by it; returns the messages that these changes
    are about. Needs a lock: one at a time.
    """
    changed: list[Hit] = []
    waiting: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.at, hit.pk)):
        if not hit.visitor:
            _set(hit, _verdict_of_emptied(hit), changed)
        elif _stands_alone(hit):
            _set(hit, classify_alone(seen(hit)), changed)
        else:
            waiting.append(hit)
    _save(changed)
    while waiting:
        runs, waiting = _first_runs(waiting)
        again = _judge_runs(runs)
        _save(again)
        changed += again
        _tell(waiting, again)
    return {hit.message_id for hit in changed if hit.message_id is not None}


def _verdict_of_emptied(hit: Hit) -> Verdict:
    """Of an erased number: what it counts as stays, since what that was computed from is gone."""
    if hit.hit_class:
        return Verdict(HitClass(hit.hit_class), hit.rule)
    verdict = classify_alone(seen(hit))
    return Verdict(HitClass.UNSURE, "erased") if verdict.rule == "no_agent" else verdict


def _stands_alone(hit: Hit) -> bool:
    """A machine by its own word, as it was or for the first time, makes no difference to others."""
    verdict = classify_alone(seen(hit))
    return (
        verdict.hit_class == HitClass.BOT
        and hit.rule in ("", verdict.rule)
        and hit.hit_class != HitClass.HUMAN
    )


def _first_runs(hits: Sequence[Hit]) -> tuple[list[_Run], list[Hit]]:
    """The first hits of each visitor, as long as they are not APART; and the rest."""
    by_visitor: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_visitor[hit.visitor].append(hit)
    runs: list[_Run] = []
    rest: list[Hit] = []
    for own in by_visitor.values():
        gaps = (place for place, (one, next_) in enumerate(pairwise(own), 1) if next_.at - one.at > APART)
        end = next(gaps, len(own))
        runs.append(_Run(own[:end]))
        rest += own[end:]
    return runs, sorted(rest, key=lambda hit: (hit.at, hit.pk))


def _tell(hits: Iterable[Hit], changed: Iterable[Hit]) -> None:
    """What a run did to later ones, which wait."""
    found = {hit.pk: hit for hit in changed}
    for hit in hits:
        if hit.pk in found:
            hit.hit_class, hit.rule = found[hit.pk].hit_class, found[hit.pk].rule


def _judge_runs(runs: Sequence[_Run]) -> list[Hit]:
    """Those of the runs and beside them whose classes change."""
    _bound(runs)
    beside = _beside(runs)
    changed: list[Hit] = []
    for run in runs:
        _judge_run(run, beside[run.visitor], changed)
    return changed


def _bound(runs: Sequence[_Run]) -> None:
    """Asks of all runs at once where the last burst was, and how far the CROWD goes on either side."""
    own = Hit.objects.filter(visitor=OuterRef("visitor"))
    before, after = (
        own.filter(at__lt=OuterRef("at")).order_by("-at"),
        own.filter(at__gt=OuterRef("at")).order_by("at"),
    )
    firsts, lasts = ({run.hits[place].pk: run for run in runs} for place in (0, -1))
    begins = Hit.objects.filter(pk__in=firsts).annotate(
        burst=_time(before.filter(rule=BURST), 0), half=_time(before, CROWD // 2), whole=_time(before, CROWD)
    )
    for pk, burst, half, whole in begins.values_list("pk", "burst", "half", "whole"):
        firsts[pk].burst = burst
        firsts[pk].cut_before(half, whole)
    ends = Hit.objects.filter(pk__in=lasts).annotate(half=_time(after, CROWD // 2), whole=_time(after, CROWD))
    for pk, half, whole in ends.values_list("pk", "half", "whole"):
        lasts[pk].cut_after(half, whole)


def _time(hits: QuerySet[Hit], place: int) -> Subquery:
    return Subquery(hits.values("at")[place : place + 1])


def _beside(runs: Sequence[_Run]) -> dict[str, list[Hit]]:
    """By visitor: classified hits about their runs."""
    own = {hit.pk for run in runs for hit in run.hits}
    moment = connection.ops.adapt_datetimefield_value
    ranges = [value for run in runs for value in (run.visitor, moment(run.from_), moment(run.to))]
    found: dict[str, list[Hit]] = defaultdict(list)
    for hit in Hit.objects.raw(_BESIDE.format(", ".join(["(%s, %s, %s)"] * len(runs))), ranges):
        if hit.pk not in own:
            found[hit.visitor].append(hit)
    return found


# By hand: a hundred ranges take Django longer to write down than any database to find. CROSS JOIN: SQLite goes through
# the ranges, and looks the hits of each up.
_BESIDE = """
SELECT h.* FROM (VALUES {}) AS r CROSS JOIN messaging_hit AS h
WHERE h.visitor = r.column1 AND h.at BETWEEN r.column2 AND r.column3 AND h.hit_class <> ''
"""


def _judge_run(run: _Run, beside: Sequence[Hit], changed: list[Hit]) -> None:
    hits = [*beside, *run.hits]
    inside = [run.begin <= hit.at <= run.end for hit in hits]
    bursts_before = {
        hit.pk for hit, is_inside in zip(hits, inside, strict=True) if is_inside and hit.rule == BURST
    }
    last = run.burst if run.burst is None or run.burst < run.begin else _last_burst(run.visitor, run.begin)
    verdicts = classify([seen(hit) for hit in hits], {} if last is None else {run.visitor: last})
    bursts: dict[int, datetime] = {}
    for hit, verdict, is_inside in zip(hits, verdicts, inside, strict=True):
        if is_inside:
            _set(hit, verdict, changed)
            if verdict.rule == BURST:
                bursts[hit.pk] = hit.at
    if bursts.keys() != bursts_before:
        latest = max(bursts.values(), default=last)
        _judge_after(run, latest, changed)


def _last_burst(visitor: str, before: datetime) -> datetime | None:
    bursts = Hit.objects.filter(visitor=visitor, rule=BURST, at__lt=before)
    return bursts.order_by("-at").values_list("at", flat=True).first()


def _judge_after(run: _Run, last: datetime | None, changed: list[Hit]) -> None:
    """Of those until the next burst nothing but `last`, the last burst before them, can have changed."""
    until = run.end + AFTER_BURST
    later = Hit.objects.filter(visitor=run.visitor, at__gt=run.end, at__lte=until)
    next_ = later.filter(rule=BURST).order_by("at").values_list("at", flat=True).first()
    later = later if next_ is None else later.filter(at__lt=next_)
    for hit in later.filter(rule__in=(HUMAN.rule, DOUBTED.rule)).exclude(hit_class=""):
        _set(hit, DOUBTED if last is not None and hit.at <= last + AFTER_BURST else HUMAN, changed)


def _set(hit: Hit, verdict: Verdict, changed: list[Hit]) -> None:
    if (hit.hit_class, hit.rule) != verdict:
        hit.hit_class, hit.rule = verdict
        changed.append(hit)


def _save(hits: Iterable[Hit]) -> None:
    """One statement for each verdict: there are few."""
    by_verdict: dict[tuple[str, str], list[int]] = defaultdict(list)
    for hit in hits:
        by_verdict[hit.hit_class, hit.rule].append(hit.pk)
    for (hit_class, rule), ids in by_verdict.items():
        Hit.objects.filter(pk__in=ids).update(hit_class=hit_class, rule=rule)


def seen(hit: Hit) -> Seen:
    since = hit.since_sent_seconds
    return Seen(
        at=hit.at,
        message_id=hit.message_id,
        link_id=hit.entry,
        visitor=hit.visitor,
        method=hit.method,
        agent=hit.agent,
        is_prefetch=hit.is_prefetch,
        since_sent=None if since is None else timedelta(seconds=since),
        is_over=hit.is_over,
    )
