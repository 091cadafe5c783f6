"""Messages held until a moment of their own: in quiet hours until they end where somebody is, or until it is the time
there at which a broadcast is to be sent.

    queued ──claim, quiet there──▶ held (quiet_hours, due_at) ──release at due_at──▶ queued
    queued ──planning──▶ held (local_time, due_at) ──release at due_at──▶ queued

The hours, and the zone for people of whom nothing is known, are pinned in the dispatch at its launch; without them
nothing here costs anything. `Dispatch.next_due_at` says when somebody is to go on, so that nobody looks through the
ledger all night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Count, Min, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from messaging.dispatches import pause_dispatch
from messaging.ledger import cancel_each, hold_each, lock_rows, release_due_held
from messaging.models import Dispatch, DispatchState, Message, MessageCount
from messaging.reasons import LOCAL_TIME, LOCAL_TIME_PASSED, QUIET_HOURS
from sms.local_time import LocalTime
from sms.msisdn import zones_where
from sms.quiet_hours import QuietHours, Turn, Turns, is_zone
from sms.states import MessageState

# Held until a moment of their own.
TIMED = (QUIET_HOURS, LOCAL_TIME)
# Of one dispatch, at a time: the engine sends meanwhile.
RELEASED_MOST = 100_000
# Whose moment was missed by more is not texted unasked.
LATE = timedelta(hours=1)

Zones = tuple[str, ...]


class Quiet:
    """When a text may go to somebody. `home`: the zone for people of whom neither zone nor number says where they are."""

    def __init__(self, hours: QuietHours, home: str) -> None:
        self.hours = hours
        self.home = home
        self._turns = Turns(hours)

    def turn(self, msisdn: str, time_zone: str, at: datetime) -> Turn:
        """Now, or the next one. `time_zone`: the recipient's own, "" where it has none."""
        return self.turn_in(zones_of(msisdn, time_zone), at)

    def turn_in(self, zones: Zones, at: datetime) -> Turn:
        return self._turns.turn(zones or (self.home,), at)


def zones_of(msisdn: str, time_zone: str) -> Zones:
    """In one of which the person is: as the list says, else by the number; () where neither is known."""
    if time_zone and is_zone(time_zone):
        return (time_zone,)
    return zones_where(msisdn)


def quiet_of(dispatch: Dispatch) -> Quiet | None:
    return quiet_from(dispatch.quiet_hours)


def quiet_from(pinned: Mapping[str, Any] | None) -> Quiet | None:
    """`pinned`: as Dispatch.quiet_hours has them."""
    return _quiet(pinned["begins"], pinned["ends"], pinned["zone"]) if pinned else None


@lru_cache(maxsize=64)
def _quiet(begins: str, ends: str, zone: str) -> Quiet:
    return Quiet(QuietHours(time.fromisoformat(begins), time.fromisoformat(ends)), zone)


def pinned_hours(workspace: Workspace) -> dict[str, str] | None:
    """Those of the workspace, as a dispatch and an estimate keep them; None where they are switched off."""
    if not workspace.has_quiet_hours:
        return None
    return {
        "begins": workspace.quiet_from.isoformat("minutes"),
        "ends": workspace.quiet_to.isoformat("minutes"),
        "zone": workspace.time_zone,
    }


def hours_words(pinned: Mapping[str, Any] | None) -> str:
    return f"{pinned['begins']}–{pinned['ends']}" if pinned else _("off")


# --- before it is sent ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NightForecast:
    """What quiet hours do to texts that have their turn at certain moments. `held`: people for whom it is one of them;
    they get it from `first` on, the last of them from `last` on. `begins`: when they begin for the first of the others."""

    held: int
    first: datetime | None
    last: datetime | None
    begins: datetime | None


def night_forecast(
    quiet: Quiet, people: Mapping[Zones, int], moment_of: Callable[[Zones], datetime]
) -> NightForecast:
    """`people`: how many by their zones; `moment_of`: when these have their turn. Asks what the engine asks."""
    waiting: list[tuple[datetime, int]] = []
    others: list[datetime] = []
    for zones, count in people.items():
        at = moment_of(zones)
        turn = quiet.turn_in(zones, at)
        if turn.begins > at:
            waiting.append((turn.begins, count))
        else:
            others.append(turn.ends)
    moments = [moment for moment, _count in waiting]
    return NightForecast(
        sum(count for _moment, count in waiting),
        min(moments, default=None),
        max(moments, default=None),
        min(others, default=None),
    )


# --- at a time where each recipient is ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalTimes:
    """`home`: the zone for people of whom neither zone nor number says where they are."""

    local: LocalTime
    home: str

    def moment(self, msisdn: str, time_zone: str) -> datetime:
        return self.moment_in(zones_of(msisdn, time_zone))

    def moment_in(self, zones: Zones) -> datetime:
        return self.local.moment(zones or (self.home,))


def hold_until_local(dispatch_id: int, times: LocalTimes, *, begins: datetime, sends_passed: bool) -> None:
    """Of a dispatch that is planned and not started. Whose time was before `begins` gets it at once, or not at all."""
    if not sends_passed:
        cancel_each(dispatch_id, LOCAL_TIME_PASSED, lambda msisdn, zone: times.moment(msisdn, zone) < begins)
    hold_each(dispatch_id, LOCAL_TIME, lambda msisdn, zone, _now: times.moment(msisdn, zone))


# --- in the morning -------------------------------------------------------------------------------------


def release_timed(*, most: int = RELEASED_MOST) -> int:
    """Lets go on whose moment has come, in dispatches that run; where it came more than an hour ago a person is asked
    instead. Returns how many."""
    now = timezone.now()
    due = Dispatch.objects.filter(state=DispatchState.RUNNING, next_due_at__lte=now).order_by("pk")
    return sum(_release(dispatch_id, now, most) for dispatch_id in list(due.values_list("pk", flat=True)))


def _release(dispatch_id: int, now: datetime, most: int) -> int:
    if question := _question(dispatch_id, now):
        pause_dispatch(dispatch_id=dispatch_id, reason=question, by_engine=True)
        return 0
    released = release_due_held(dispatch_id, reasons=TIMED, now=now, limit=most)
    if released < most:
        _look_ahead(dispatch_id)
    return released


def _question(dispatch_id: int, now: datetime) -> str:
    """Why a person is asked before those who are held go on; "" where nobody is. Whoever resumed it after a pause knew that
    their moments had passed."""
    dispatch = Dispatch.objects.select_related("workspace").get(pk=dispatch_id)
    if dispatch.next_due_at is None or dispatch.next_due_at >= now - LATE:
        return ""
    agreed_at = dispatch.resumed_at or dispatch.started_at or dispatch.created_at
    held = Message.objects.filter(dispatch_id=dispatch_id, state=MessageState.HELD, reason__in=TIMED)
    late = held.filter(due_at__gt=agreed_at, due_at__lt=now - LATE).aggregate(at=Min("due_at"), n=Count("pk"))
    if not late["n"]:
        return ""
    local = timezone.localtime(late["at"], ZoneInfo(dispatch.workspace.time_zone))
    return ngettext(
        "%(n)s person was to get it at %(time)s or later, more than an hour ago, while Crier was not running. Resume to"
        " send it now, or stop it.",
        "%(n)s people were to get it at %(time)s or later, more than an hour ago, while Crier was not running. Resume to"
        " send it now, or stop it.",
        late["n"],
    ) % {"n": f"{late['n']:,}", "time": f"{local:%Y-%m-%d %H:%M %Z}"}


def _look_ahead(dispatch_id: int) -> None:
    """With the dispatch locked: whoever holds somebody meanwhile says afterwards until when."""
    with transaction.atomic():
        lock_rows(Dispatch.objects.filter(pk=dispatch_id), no_key=True).first()
        held = Message.objects.filter(dispatch_id=dispatch_id, state=MessageState.HELD, reason__in=TIMED)
        Dispatch.objects.filter(pk=dispatch_id).update(next_due_at=held.aggregate(at=Min("due_at"))["at"])


def quiet_held_of(dispatch_ids: list[int], reason: str = QUIET_HOURS) -> int:
    """How many of these dispatches wait for the end of quiet hours, or for another moment of their own."""
    rows = MessageCount.objects.filter(dispatch_id__in=dispatch_ids, state=MessageState.HELD, reason=reason)
    return int(rows.aggregate(total=Sum("count"))["total"] or 0)


def next_due_of(dispatch_ids: list[int]) -> datetime | None:
    """When the next of those held go on; perhaps just now."""
    rows = Dispatch.objects.filter(pk__in=dispatch_ids)
    return rows.aggregate(at=Min("next_due_at"))["at"]
