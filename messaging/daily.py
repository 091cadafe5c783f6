"""Messages held by an account's limit of parts a day, and let go on: the next day, when the limit is raised, or when what
was taken for others comes back unsent.

    queued ──claim, no room──▶ held (daily_limit) ──release──▶ queued

Never more are let go than may find room, so that a million who wait for many days are not moved each day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest

from messaging.ledger import release_held
from messaging.models import Dispatch, DispatchState, MessageCount
from messaging.quiet import quiet_held_of
from providers.daily import day_of, forget_wanted, start_of, use_of, use_today, zone_of
from providers.models import ProviderAccount
from sms.states import MessageState

DAILY_LIMIT = "daily_limit"
# Of one account, at a time.
RELEASED_MOST = 100_000


def release_due(account_ids: Iterable[int] | None = None, *, most: int = RELEASED_MOST) -> int:
    """Of these accounts, or of all; up to `most` of each. Returns how many messages go on."""
    held = MessageCount.objects.filter(
        dispatch__state=DispatchState.RUNNING,
        state=MessageState.HELD,
        reason=DAILY_LIMIT,
        count__gt=0,
    )
    if account_ids is not None:
        held = held.filter(dispatch__account_id__in=list(account_ids))
    by_account: dict[int, list[int]] = {}
    for account_id, dispatch_id in held.order_by("dispatch_id").values_list(
        "dispatch__account_id", "dispatch_id"
    ):
        by_account.setdefault(account_id, []).append(dispatch_id)
    accounts = ProviderAccount.objects.select_related("workspace").in_bulk(by_account)
    return sum(_release(accounts[pk], dispatches, most) for pk, dispatches in by_account.items())


def _release(account: ProviderAccount, dispatch_ids: list[int], most: int) -> int:
    if account.parts_per_day is None:
        room = most
    else:
        use = use_today(account)
        if not use.has_room:
            return 0
        # Who was let go on, and waits for the morning, has that room already.
        room = min(use.left, most) - quiet_held_of(dispatch_ids)
        if room <= 0:
            return 0
        forget_wanted(account.pk, use.day)
    released = 0
    for dispatch_id in dispatch_ids:
        if released < room:
            released += release_held(dispatch_id, reason=DAILY_LIMIT, limit=room - released)
    return released


def goes_on_at(account: ProviderAccount) -> datetime | None:
    """When the next of those held are let go: the beginning of the next day; None where they are just being let go."""
    if account.parts_per_day is None:
        return None
    use = use_today(account)
    if use.has_room:
        return None
    return start_of(use.day + timedelta(days=1), zone_of(account))


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an account's limit would do to texts that are sent on `day`. `left`: parts that it has room for then;
    `held`: how many people wait, as far as it can be told; they go on from `next_day` on, the last on `last_day`."""

    limit: int
    day: date
    left: int
    held: int
    next_day: date
    last_day: date


def forecast(account: ProviderAccount, *, people: int, parts: int, at: datetime) -> Forecast | None:
    """Of so many people with so many parts together. What runs already goes first. None where all fits."""
    if account.parts_per_day is None:
        return None
    day = day_of(at, zone_of(account))
    use = use_of(account, day)
    ahead = use.parts + _carried_into(account, day)
    left = max(use.limit - ahead, 0)
    if parts <= left:
        return None
    return Forecast(
        use.limit,
        day,
        left,
        held=people - left * people // parts,
        next_day=day + timedelta(days=max(ahead // use.limit, 1)),
        last_day=day + timedelta(days=-(-(ahead + parts) // use.limit) - 1),
    )


def _carried_into(account: ProviderAccount, day: date) -> int:
    """Parts of what is under way now that find no room before that day."""
    today = use_today(account)
    days_before = (day - today.day).days
    if days_before <= 0:
        return _still_to_go(account)
    room = today.left + (days_before - 1) * today.limit
    return max(_still_to_go(account) - room, 0)


def _still_to_go(account: ProviderAccount) -> int:
    """Parts that were agreed to and not claimed yet, of what is under way."""
    under_way = Dispatch.objects.filter(
        account=account, state__in=(DispatchState.PLANNING, DispatchState.RUNNING), agreed_parts__isnull=False
    )
    rest = under_way.aggregate(rest=Sum(Greatest(F("agreed_parts") - F("claimed_parts"), Value(0))))["rest"]
    return int(rest or 0)


def held_of(dispatch_ids: Iterable[int]) -> int:
    """How many of these dispatches wait for another day."""
    rows = MessageCount.objects.filter(
        dispatch_id__in=list(dispatch_ids), state=MessageState.HELD, reason=DAILY_LIMIT
    )
    return int(rows.aggregate(total=Sum("count"))["total"] or 0)
