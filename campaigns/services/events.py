"""The event log of a broadcast: each step with its reason, in words."""

from accounts.access import Actor
from campaigns.models import Broadcast, BroadcastEvent


def note(broadcast: Broadcast, kind: str, sentence: str, *, actor: Actor | None = None) -> BroadcastEvent:
    return BroadcastEvent.objects.create(
        broadcast=broadcast, kind=kind, sentence=sentence[:500], user=actor.user if actor else None
    )
