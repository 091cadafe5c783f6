"""The event log of a broadcast: each step with its reason, in words."""

from django.db import transaction

from accounts.access import Actor
from campaigns.models import Broadcast, BroadcastEvent
from messaging.tasks import wake_webhooks_soon
from messaging.webhooks.events import PAUSED, Event, iso_time
from messaging.webhooks.ledger import make_events

PAUSED_KIND = "paused"


def note(broadcast: Broadcast, kind: str, sentence: str, *, actor: Actor | None = None) -> BroadcastEvent:
    """What Crier paused by itself is told to the workspace's webhooks, too: it waits for a person."""
    event = BroadcastEvent.objects.create(
        broadcast=broadcast, kind=kind, sentence=sentence[:500], user=actor.user if actor else None
    )
    if kind == PAUSED_KIND and actor is None:
        _tell(event)
    return event


def _tell(event: BroadcastEvent) -> None:
    broadcast = event.broadcast
    data = {
        "broadcast_id": broadcast.pk,
        "name": broadcast.name,
        "reason": event.sentence,
        "time": iso_time(event.at),
    }
    told = Event(f"msg_paused_{event.pk}", PAUSED, event.at, data)
    if make_events(broadcast.workspace_id, [told]):
        transaction.on_commit(wake_webhooks_soon)
