"""Celery doors of campaigns: each calls a service. Losing any of them costs seconds: the sweep repeats it."""

import structlog
from celery import shared_task

from accounts.heartbeat import beat
from accounts.instance import advance, fence
from campaigns.services import launch, planning, smart
from contacts.services.import_undo import tidy_befores
from contacts.services.imports import resume_stalled_imports
from contacts.services.list_jobs import resume_stalled_jobs
from contacts.services.lists import recount_live_lists
from messaging.daily import release_due
from messaging.dispatches import cancel_stopped, finish_done_dispatches
from messaging.engine import recover
from messaging.failover import fail_over
from messaging.failures import judge_failures
from messaging.ledger import expire_leases
from messaging.quiet import release_timed
from messaging.tasks import sweep_hits, wake_engine, wake_polling, wake_webhooks
from messaging.verification.services import prune_verifications, tidy_codes
from messaging.webhooks.ledger import prune_deliveries
from providers.daily import prune_days
from providers.health import prune_hours
from providers.services import prune_traffic, prune_webhook_calls
from providers.services.sync_runs import prune_sync_runs
from providers.tasks import push_if_due, resume_sync_runs
from web.waking import wake

log = structlog.get_logger("crier.tasks")


@shared_task
def plan_segment(segment_id: int) -> None:
    planning.plan_segment(segment_id=segment_id)
    wake_engine()


@shared_task
def sweep() -> None:
    """Each few seconds: whatever is due and whatever a dead worker or a lost task left behind.

    In a copy of the database nothing of it: what is due may have been done by the original.
    """
    found = fence()
    if found is not None:
        log.warning("nothing is sent from this copy of the database until it is claimed", why=found.why)
        sweep_hits()
        beat("sweep", "sweep")
        return
    advance()
    recover()
    late = expire_leases()
    if late:
        log.warning("claims of a lost worker are unknown now", messages=late)
    launch.launch_due_broadcasts()
    judge_failures()
    smart.judge_smart_broadcasts()
    planning.plan_waiting_segments()
    finish_done_dispatches()
    cancel_stopped()
    release_timed()
    release_due()
    fail_over()
    tidy_codes()
    resume_stalled_imports()
    resume_stalled_jobs()
    sweep_hits()
    wake_webhooks()
    wake_polling()
    push_if_due()
    resume_sync_runs()
    wake_engine()
    # Readiness asks for it: a worker may live and get nothing done.
    beat("sweep", "sweep")


@shared_task
def tidy_up() -> None:
    """Each hour: what is kept for a while only, and what is counted now and then."""
    prune_webhook_calls()
    prune_traffic()
    prune_hours()
    prune_sync_runs()
    prune_days()
    prune_deliveries()
    prune_verifications()
    recount_live_lists()
    tidy_befores()


def plan_segment_soon(segment_id: int) -> None:
    """A broker that is away delays planning by one sweep, and fails nobody's request."""
    wake(plan_segment, segment_id)
