"""Which dispatch a message belongs to, told from its id alone, where that is certain.

The messages of a dispatch are planned in one go, so their ids lie together; others lie between them only if they were
planned at the same time. Who asks for a million links a day is spared a million questions to the database, and is led on
while it is away.

An answer is given only where no other dispatch can have the id: exactly one is known whose ids reach over it; it has run
for SETTLED_AFTER, when no transaction that took an id between its own is open any more; and none that was there before
it ran is still being planned.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from django.utils import timezone

from messaging.models import Dispatch, DispatchState

SETTLED_AFTER = timedelta(seconds=60)
# With more than so many, the database is asked each time.
MOST = 200_000


class _Range(NamedTuple):
    """Of what is planned into a reserve, or goes through a route, too: messages are moved to other dispatches, which may
    be newer than what was read. Nothing certain can be said of an id that it reaches over."""

    first: int
    last: int
    dispatch_id: int
    started_at: datetime
    is_shared: bool


@dataclass(slots=True)
class Ranges:
    """As they were when it was read."""

    rows: list[_Range]
    firsts: list[int]
    # The highest last id up to and with each row: where a look back may end.
    reach: list[int]
    # Before then, everything that runs was planned; None: nothing is being planned.
    planned_before: datetime | None
    read_at: datetime

    def dispatch_of(self, message_id: int) -> int | None:
        """None where it is not certain."""
        found: _Range | None = None
        index = bisect_right(self.firsts, message_id) - 1
        while index >= 0 and self.reach[index] >= message_id:
            row = self.rows[index]
            if row.last >= message_id and row.is_shared:
                return None
            if row.last >= message_id:
                if found is not None:
                    return None
                found = row
            index -= 1
        return found.dispatch_id if found is not None and self._is_settled(found) else None

    def _is_settled(self, row: _Range) -> bool:
        if row.started_at > self.read_at - SETTLED_AFTER:
            return False
        return self.planned_before is None or row.started_at <= self.planned_before


def read_ranges() -> Ranges:
    """Of all dispatches whose texts have links; none where they are too many to be kept."""
    now = timezone.now()
    # Asked first: one that begins to be planned later takes ids above those of all that run now.
    planning = Dispatch.objects.filter(state=DispatchState.PLANNING).order_by("created_at")
    planned_before = planning.values_list("created_at", flat=True).first()
    linked = Dispatch.objects.filter(first_message_id__isnull=False, started_at__isnull=False)
    values = linked.order_by("first_message_id").values_list(
        "first_message_id", "last_message_id", "id", "started_at", "is_reserve", "strategy"
    )
    rows = [
        _Range(first, last, dispatch_id, started_at, is_reserve or strategy != "")
        for first, last, dispatch_id, started_at, is_reserve, strategy in values[: MOST + 1]
        if first is not None and last is not None and started_at is not None
    ]
    if len(rows) > MOST:
        rows = []
    reach = list(accumulate((row.last for row in rows), max))
    return Ranges(rows, [row.first for row in rows], reach, planned_before, now)
