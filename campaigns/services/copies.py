"""A copy of the database that was just claimed: what ran when it was made may have gone out from the original since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Broadcast, BroadcastState
from campaigns.services.events import note
from messaging.dispatches import pause_dispatch, stop_dispatch
from messaging.models import Dispatch, DispatchState, MessageCount
from sms.states import WAITING


@dataclass(frozen=True, slots=True)
class Held:
    """What a claim holds back: broadcasts under way and their waiting messages, late schedules, single texts."""

    running: int
    waiting: int
    late: int
    singles: int


def what_is_held() -> Held:
    """Over all workspaces: a copy is one of the whole installation."""
    under_way = (DispatchState.PLANNING, DispatchState.RESERVE, DispatchState.RUNNING)
    waiting = MessageCount.objects.filter(
        dispatch__state__in=under_way, state__in=[state.value for state in WAITING]
    )
    return Held(
        running=Broadcast.objects.filter(state=BroadcastState.RUNNING).count(),
        waiting=waiting.aggregate(n=Sum("count"))["n"] or 0,
        late=_late_schedules().count(),
        singles=Dispatch.objects.filter(broadcast_id=None, state__in=under_way).count(),
    )


def hold_after_claim(last_sent_from: datetime) -> None:
    """Broadcasts under way are paused and ask; schedules whose time has passed are drafts again; single texts, codes
    among them, are cancelled. What is scheduled for later stays.
    """
    reason = _(
        "Paused: this database is a copy that was claimed. Since %(time)s the original may have sent to those who wait"
        " here. Resume only if it did not; otherwise stop it."
    ) % {"time": _time(last_sent_from)}
    with transaction.atomic():
        running = Dispatch.objects.filter(state=DispatchState.RUNNING, broadcast_id__isnull=False)
        for dispatch_id in list(running.order_by("pk").values_list("pk", flat=True)):
            pause_dispatch(dispatch_id=dispatch_id, reason=reason, by_engine=True)
        _pause_planned_ones(reason)
        _stop_singles(last_sent_from)
        _take_back_schedules(last_sent_from)


def _pause_planned_ones(reason: str) -> None:
    """Still being planned: their dispatches are paused as soon as they are."""
    for broadcast in Broadcast.objects.filter(state=BroadcastState.RUNNING).order_by("pk"):
        paused = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.RUNNING)
        if paused.update(state=BroadcastState.PAUSED, state_reason=reason[:500], updated_at=timezone.now()):
            note(broadcast, "paused", reason)


def _stop_singles(last_sent_from: datetime) -> None:
    reason = _(
        "Not sent: it waited in a copy of the database, and the original may have sent it since %(time)s."
    ) % {"time": _time(last_sent_from)}
    singles = Dispatch.objects.filter(
        broadcast_id=None, state__in=(DispatchState.PLANNING, DispatchState.RUNNING, DispatchState.PAUSED)
    )
    for dispatch_id in list(singles.order_by("pk").values_list("pk", flat=True)):
        # The sweep cancels what waits in it.
        stop_dispatch(dispatch_id=dispatch_id, reason=reason)


def _take_back_schedules(last_sent_from: datetime) -> None:
    reason = _(
        "Its time has passed while this was an unclaimed copy: the original may have sent it since %(time)s. Send it again"
        " only if it did not."
    ) % {"time": _time(last_sent_from)}
    for broadcast in _late_schedules().order_by("pk"):
        back = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.SCHEDULED).update(
            state=BroadcastState.DRAFT,
            state_reason=reason[:500],
            launched_at=None,
            launched_by=None,
            updated_at=timezone.now(),
        )
        if back:
            note(broadcast, "not_sent", _("Not sent: %(reason)s") % {"reason": reason})


def _late_schedules() -> QuerySet[Broadcast]:
    return Broadcast.objects.filter(state=BroadcastState.SCHEDULED, send_at__lte=timezone.now())


def _time(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"
