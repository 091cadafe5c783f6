"""Parts a day of an account, shared by all workers on all machines: one row for each day, never over the limit.

    take(3 parts) ──▶ parts + 3, if that is within the limit     before they are handed over
    give_back(3)  ──▶ parts - 3                                   what was certainly not sent

A day is a calendar day where the workspace is. Of a limit a twentieth is kept free for verification codes, which nobody
asks for twice: all else may use the rest, codes may use all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from providers.models import AccountDay, ProviderAccount

# Kept for codes: the limit divided by this, rounded down.
CODES_SHARE = 20
KEEP_DAYS_FOR = timedelta(days=90)

# In one statement: who finds no room changes nothing.
_TAKE = (
    "INSERT INTO providers_accountday (account_id, day, parts, wanted) VALUES (%s, %s, %s, 0)"
    " ON CONFLICT (account_id, day) DO UPDATE SET parts = providers_accountday.parts + excluded.parts"
    " WHERE providers_accountday.parts + excluded.parts <= %s"
)


@dataclass(frozen=True, slots=True)
class DayUse:
    """Of one day. `limit`: that of all but codes; `wanted`: the parts of a message that found no room, 0 for none."""

    day: date
    limit: int
    parts: int
    wanted: int

    @property
    def left(self) -> int:
        return max(self.limit - self.parts, 0)

    @property
    def has_room(self) -> bool:
        """For whoever was turned away."""
        return self.left >= max(self.wanted, 1)


def bulk_limit(limit: int) -> int:
    """What is left of a limit for all but codes."""
    return limit - limit // CODES_SHARE


def zone_of(account: ProviderAccount) -> ZoneInfo:
    return ZoneInfo(account.workspace.time_zone)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Its first moment, in UTC, also where the clocks are put forward at midnight."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def take(account_id: int, day: date, parts: Sequence[int], limit: int) -> list[bool]:
    """Counts the parts of those messages that the limit has room for, the first of them first; which those are."""
    total = sum(parts)
    if total <= limit:
        with connection.cursor() as cursor:
            at = connection.ops.adapt_datefield_value(day)
            cursor.execute(_TAKE, [account_id, at, total, limit])
            if cursor.rowcount:
                return [True] * len(parts)
    return _take_some(account_id, day, parts, limit)


def give_back(account_id: int, day: date, parts: int) -> None:
    """What was taken and certainly not sent."""
    AccountDay.objects.filter(account_id=account_id, day=day).update(
        parts=Greatest(F("parts") - parts, Value(0))
    )


def use_of(account: ProviderAccount, day: date) -> DayUse:
    """Of an account that has a limit."""
    row = AccountDay.objects.filter(account_id=account.pk, day=day).first()
    limit = bulk_limit(account.parts_per_day or 0)
    return DayUse(day, limit, row.parts if row else 0, row.wanted if row else 0)


def use_today(account: ProviderAccount) -> DayUse:
    return use_of(account, day_of(timezone.now(), zone_of(account)))


def forget_wanted(account_id: int, day: date) -> None:
    """Whoever was turned away is let in again."""
    AccountDay.objects.filter(account_id=account_id, day=day).update(wanted=0)


def prune_days(older_than: timedelta = KEEP_DAYS_FOR) -> int:
    return AccountDay.objects.filter(day__lt=(timezone.now() - older_than).date()).delete()[0]


def _take_some(account_id: int, day: date, parts: Sequence[int], limit: int) -> list[bool]:
    """With the row locked. The largest that finds no room is remembered, but for what no day has room for."""
    with transaction.atomic():
        AccountDay.objects.get_or_create(account_id=account_id, day=day)
        rows = AccountDay.objects.filter(account_id=account_id, day=day)
        row = (rows.select_for_update() if connection.features.has_select_for_update else rows).get()
        used, wanted, fits = row.parts, row.wanted, []
        for count in parts:
            fits.append(used + count <= limit)
            if fits[-1]:
                used += count
            elif count <= limit:
                wanted = max(wanted, count)
        rows.update(parts=used, wanted=wanted)
    return fits
