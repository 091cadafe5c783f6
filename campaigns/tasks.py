"""Celery doors of campaigns: each calls a service. Losing any of them costs seconds: the sweep repeats it."""

import structlog
from celery import shared_task

from campaigns.services import launch, planning
from contacts.services.imports import resume_stalled_imports
from messaging.dispatches import finish_done_dispatches
from messaging.engine import recover
from messaging.ledger import expire_leases
from messaging.tasks import wake_engine
from providers.services import prune_webhook_calls
from web.waking import wake

log = structlog.get_logger("crier.tasks")


@shared_task
def plan_segment(segment_id: int) -> None:
    planning.plan_segment(segment_id=segment_id)
    wake_engine()


@shared_task
def sweep() -> None:
    """Each few seconds: whatever is due and whatever a dead worker or a lost task left behind."""
    recover()
    late = expire_leases()
    if late:
        log.warning("claims of a lost worker are unknown now", messages=late)
    launch.launch_due_broadcasts()
    planning.plan_waiting_segments()
    finish_done_dispatches()
    resume_stalled_imports()
    wake_engine()


@shared_task
def tidy_up() -> None:
    """Each hour: what is kept for a while only."""
    prune_webhook_calls()


def plan_segment_soon(segment_id: int) -> None:
    """A broker that is away delays planning by one sweep, and fails nobody's request."""
    wake(plan_segment, segment_id)
