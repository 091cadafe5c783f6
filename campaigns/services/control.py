"""Pause, resume, stop: a person's word, effective within two seconds, mid-segment."""

from __future__ import annotations

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.instance import REFUSED, fence
from campaigns.errors import NotNow
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.events import note
from campaigns.services.segment_state import is_asking, last_segment
from messaging.budget import OverBudget
from messaging.dispatches import (
    cancel_stopped,
    lock_dispatches,
    pause_dispatch,
    resume_dispatch,
    stop_dispatch,
)
from messaging.tasks import wake_engine

log = structlog.get_logger("crier.control")
ACTIVE = (BroadcastState.RUNNING, BroadcastState.PAUSED)


def pause_broadcast(*, broadcast: Broadcast, actor: Actor) -> Broadcast:
    with transaction.atomic():
        hold_dispatches(broadcast)
        _move(
            broadcast,
            (BroadcastState.RUNNING,),
            BroadcastState.PAUSED,
            _("Only a running broadcast can be paused."),
        )
        for dispatch_id in dispatch_ids(broadcast):
            pause_dispatch(dispatch_id=dispatch_id)
        note(broadcast, "paused", _("Paused."), actor=actor)
        record(broadcast.workspace, actor, "paused", broadcast)
    return broadcast


def resume_broadcast(*, broadcast: Broadcast, actor: Actor) -> Broadcast:
    """Whoever resumes what was paused for its parts or cost agrees to more, as far as the budget goes. Raises NotNow."""
    if fence() is not None:
        raise NotNow(REFUSED)
    if is_asking(broadcast, last_segment(broadcast)):
        raise NotNow(
            _("It waits for a person to decide: send the next segment, perhaps with another cap, or stop it.")
        )
    with transaction.atomic():
        hold_dispatches(broadcast)
        _move(
            broadcast,
            (BroadcastState.PAUSED,),
            BroadcastState.RUNNING,
            _("Only a paused broadcast can be resumed."),
        )
        note(broadcast, "resumed", _("Resumed."), actor=actor)
        record(broadcast.workspace, actor, "resumed", broadcast)
        try:
            for dispatch_id in dispatch_ids(broadcast):
                resume_dispatch(dispatch_id=dispatch_id)
        except OverBudget as error:
            raise NotNow(error.sentence) from None
        transaction.on_commit(wake_engine)
    broadcast.refresh_from_db()
    return broadcast


def stop_broadcast(*, broadcast: Broadcast, actor: Actor) -> Broadcast:
    """For good: who waits is cancelled, with that reason. What is being handed over finishes by itself."""
    refused = _("Only a running or paused broadcast can be stopped.")
    with transaction.atomic():
        hold_dispatches(broadcast)
        _move(broadcast, ACTIVE, BroadcastState.STOPPED, refused)
        Broadcast.objects.filter(pk=broadcast.pk).update(finished_at=timezone.now())
        note(broadcast, "stopped", _("Stopped. Who was still waiting does not get it."), actor=actor)
        record(broadcast.workspace, actor, "stopped", broadcast)
        stopped = dispatch_ids(broadcast)
        for dispatch_id in stopped:
            stop_dispatch(dispatch_id=dispatch_id, reason=_("Stopped by a person."))
    # No more is claimed from here on; should we die on the way, the sweep goes on.
    try:
        cancel_stopped(stopped)
        broadcast.refresh_from_db()
    except (OperationalError, InterfaceError) as error:
        log.warning("stopped; the sweep cancels the rest", broadcast=broadcast.pk, error=type(error).__name__)
        connection.close()
    return broadcast


def hold_dispatches(broadcast: Broadcast) -> None:
    """First, as the engine does: it moves a dispatch, and then what runs on it (campaigns/receivers.py). Whoever took
    the broadcast first would wait for the engine, and the engine for him.
    """
    lock_dispatches(dispatch_ids(broadcast))


def dispatch_ids(broadcast: Broadcast) -> list[int]:
    return list(broadcast.segments.order_by("number").values_list("dispatch_id", flat=True))


def _move(broadcast: Broadcast, old: tuple[BroadcastState, ...], new: BroadcastState, refused: str) -> None:
    moved = Broadcast.objects.filter(pk=broadcast.pk, state__in=old).update(
        state=new, state_reason="", updated_at=timezone.now()
    )
    if not moved:
        raise NotNow(refused)
    broadcast.refresh_from_db()
