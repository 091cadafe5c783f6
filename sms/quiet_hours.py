"""When a text may go to somebody: hours of the day in which nobody is texted, where that person is.

Where it is not known in which of several zones somebody is, a moment counts that is outside the quiet hours in all of them;
should there be none on any day, one that is outside them in as many as possible.
"""

from __future__ import annotations

import itertools
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NamedTuple

# Looked at around a moment: no turn is further away, since quiet hours end each day.
BEFORE, AFTER = timedelta(hours=30), timedelta(hours=60)
DAY = timedelta(days=1)

_Span = tuple[datetime, datetime]


class QuietHours(NamedTuple):
    """By the clock on the wall; from the evening to the morning where `begins` is the later one."""

    begins: time
    ends: time

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}–{self.ends:%H:%M}"


class Turn(NamedTuple):
    """A text may go from `begins` on and before `ends`, both in UTC."""

    begins: datetime
    ends: datetime


class Turns:
    """Of one pair of quiet hours. Each turn is found once for all who are in the same zones."""

    def __init__(self, hours: QuietHours) -> None:
        self.hours = hours
        # By zones: the turn, and since when it is the next one.
        self._known: dict[tuple[str, ...], tuple[datetime, Turn]] = {}

    def turn(self, zones: tuple[str, ...], at: datetime) -> Turn:
        """The one that `at` is in, else the next one. `zones`: IANA names, one at least."""
        known = self._known.get(zones)
        if known is None or not known[0] <= at < known[1].ends:
            known = self._known[zones] = self._found(zones, at)
        return known[1]

    def _found(self, zones: Sequence[str], at: datetime) -> tuple[datetime, Turn]:
        around = (at - BEFORE).astimezone(UTC), (at + AFTER).astimezone(UTC)
        since = around[0]
        for turn in _allowed([_quiet_spans(zone, self.hours, at) for zone in set(zones)], around):
            if turn.ends > at:
                return since, turn
            since = turn.ends
        raise ValueError(f"the quiet hours {self.hours} leave no time of the day")


def instant(day: date, at: time, zone: str, *, late: bool = False) -> datetime:
    """When a clock there shows that, in UTC. Where it shows it twice: the first time, or the last where `late`. Where it is
    put forward past it: an hour before it would be, or an hour after where `late`."""
    place = zone_named(zone)
    both = [datetime.combine(day, at, place).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return max(both) if late else min(both)


@cache
def zone_named(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@cache
def is_zone(name: str) -> bool:
    try:
        zone_named(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


def _quiet_spans(zone: str, hours: QuietHours, at: datetime) -> list[_Span]:
    """All that are near, one after the other. Where the clocks are changed, the longer one of two readings."""
    today = at.astimezone(UTC).date()
    overnight = hours.ends <= hours.begins
    found: list[_Span] = []
    for days in range(-4, 6):
        day = today + days * DAY
        begins = instant(day, hours.begins, zone)
        ends = instant(day + DAY if overnight else day, hours.ends, zone, late=True)
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((begins, ends))
    return found


def _allowed(quiet: Iterable[list[_Span]], around: _Span) -> Iterator[Turn]:
    """Within `around`: where the fewest zones are quiet."""
    changes = sorted(
        [(around[0], 0), (around[1], 0)]
        + [(begins, 1) for spans in quiet for begins, _ends in spans]
        + [(ends, -1) for spans in quiet for _begins, ends in spans]
    )
    levels: list[tuple[datetime, datetime, int]] = []
    level = 0
    for (moment, change), (following, _change) in itertools.pairwise(changes):
        level += change
        if moment < following and around[0] <= moment and following <= around[1]:
            levels.append((moment, following, level))
    least = min(level for _begins, _ends, level in levels)
    begun: datetime | None = None
    for begins, _ends, level in levels:
        if level == least and begun is None:
            begun = begins
        elif level != least and begun is not None:
            yield Turn(begun, begins)
            begun = None
    if begun is not None:
        yield Turn(begun, levels[-1][1])
