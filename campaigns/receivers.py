"""News from below: a dispatch that the engine paused or finished moves its broadcast."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.models import Broadcast, BroadcastState, Segment
from campaigns.services.events import note
from messaging.models import DispatchState
from messaging.signals import DispatchChanged, dispatch_changed

UNDER_WAY = (DispatchState.PLANNING, DispatchState.RUNNING, DispatchState.PAUSED)


@receiver(dispatch_changed)
def follow_dispatch(news: DispatchChanged, **_kwargs: Any) -> None:
    if news.broadcast_id is None or not news.by_engine:
        return
    broadcast = Broadcast.objects.filter(pk=news.broadcast_id).first()
    if broadcast is None:
        return
    if news.state == DispatchState.PAUSED:
        _pause(broadcast, news.reason)
    elif news.state == DispatchState.FINISHED:
        _finish(broadcast)


def _pause(broadcast: Broadcast, reason: str) -> None:
    moved = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.RUNNING).update(
        state=BroadcastState.PAUSED, state_reason=reason[:500], updated_at=timezone.now()
    )
    if moved:
        note(broadcast, "paused", reason)


def _finish(broadcast: Broadcast) -> None:
    if Segment.objects.filter(broadcast=broadcast, dispatch__state__in=UNDER_WAY).exists():
        return
    now = timezone.now()
    moved = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.RUNNING).update(
        state=BroadcastState.FINISHED, finished_at=now, updated_at=now, state_reason=""
    )
    if moved:
        note(broadcast, "finished", _("Finished: nobody is waiting any more. Receipts may still come."))
