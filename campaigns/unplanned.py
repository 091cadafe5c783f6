"""What contacts asks before it undoes an import."""

from django.db.models import Q

from campaigns.models import Segment
from messaging.models import DispatchState


def is_being_planned(list_id: int) -> bool:
    """Whether a broadcast to the list, or to a live list of it, is launched and its people are not in the ledger yet."""
    to_it = Q(broadcast__lists=list_id) | Q(broadcast__lists__source=list_id)
    waiting = Segment.objects.filter(planned_at__isnull=True, dispatch__state=DispatchState.PLANNING)
    return waiting.filter(to_it).exists()
