"""News from below: a dispatch that the engine paused or finished moves its broadcast. And what is asked from there."""

from decimal import Decimal
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.signals import InstanceClaimed, instance_claimed
from campaigns.models import Broadcast, BroadcastState, Segment
from campaigns.services.copies import hold_after_claim
from campaigns.services.estimate import first_to_go
from campaigns.services.events import note
from campaigns.services.forgetting import forget_singles
from messaging.models import DispatchState
from messaging.signals import (
    AgreedCostsAsked,
    DispatchChanged,
    DispatchDiverted,
    NumberErased,
    agreed_costs_asked,
    dispatch_changed,
    dispatch_diverted,
    number_erased,
)

UNDER_WAY = (
    DispatchState.PLANNING,
    DispatchState.RESERVE,
    DispatchState.RUNNING,
    DispatchState.PAUSED,
)


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


@receiver(dispatch_diverted)
def note_diversion(news: DispatchDiverted, **_kwargs: Any) -> None:
    broadcast = Broadcast.objects.filter(pk=news.broadcast_id or 0).first()
    if broadcast is not None:
        note(broadcast, "mended" if news.is_over else "diverted", news.sentence)


@receiver(instance_claimed)
def hold_what_ran(payload: InstanceClaimed, **_kwargs: Any) -> None:
    hold_after_claim(payload.last_sent_from)


@receiver(agreed_costs_asked)
def scheduled_costs(asked: AgreedCostsAsked, **_kwargs: Any) -> Decimal:
    """What is scheduled, a late one with the month in which it will go out; what runs has a dispatch."""
    scheduled = Broadcast.objects.filter(
        workspace_id=asked.workspace_id, state=BroadcastState.SCHEDULED, send_at__lt=asked.end
    )
    if asked.but_broadcast_id is not None:
        scheduled = scheduled.exclude(pk=asked.but_broadcast_id)
    if asked.begin > timezone.now():
        scheduled = scheduled.filter(send_at__gte=asked.begin)
    estimates = scheduled.values_list("estimate", flat=True)
    costs = [first_to_go(one).get("cost") for one in estimates if one.get("currency") == asked.currency]
    return sum((Decimal(cost) for cost in costs if cost), Decimal(0))


@receiver(number_erased)
def erase_singles(news: NumberErased, **_kwargs: Any) -> None:
    forget_singles(workspace_id=news.workspace_id, trail=news.trail, actor=news.actor)


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
