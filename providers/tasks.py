"""Celery doors of providers. What is due stands in the database; a lost task costs one scheduler round."""

from __future__ import annotations

import threading
import time

from celery import shared_task

from accounts.instance import fence
from providers import services
from providers.services import sync_runner
from providers.services.sync import is_any_due, push_due
from providers.services.sync_runs import waiting_runs
from web.waking import wake

# A burst of receipts wakes a worker this often; what comes in between waits for the next, or the scheduler.
WAKE_EVERY_SECONDS = 0.5
# A broker that is away is not asked again for so long: each try may hold up an answer to a vendor.
BROKER_AWAY_SECONDS = 5.0
WAKE_UP_SECONDS = 10
PUSHED_A_TASK = 50

_lock = threading.Lock()
_next_wake = 0.0


@shared_task
def apply_webhook_calls() -> None:
    """Until nothing is due."""
    services.apply_waiting_calls()


@shared_task
def tend_sandbox() -> None:
    """Where there is a sandbox: it forgets its webhooks whenever it is started."""
    services.tend_sandbox()


@shared_task
def push_changes() -> None:
    """What was changed here goes to the providers that have it, too; nothing from a copy of the database."""
    if fence() is not None:
        return
    if push_due(limit=PUSHED_A_TASK) == PUSHED_A_TASK:
        push_soon()


def push_soon() -> None:
    """A broker that is away costs one sweep."""
    wake(push_changes, expires=WAKE_UP_SECONDS)


def push_if_due() -> None:
    """For the sweep: what a lost task or a dead worker left, and what is tried again."""
    if is_any_due():
        push_soon()


@shared_task
def carry_on_sync(run_id: int) -> None:
    """Behind what waits already, where it gave way; nothing from a copy of the database."""
    if fence() is not None:
        return
    if sync_runner.carry_on(run_id):
        sync_soon(run_id)


def sync_soon(run_id: int) -> None:
    wake(carry_on_sync, run_id, expires=WAKE_UP_SECONDS)


def resume_sync_runs() -> None:
    """For the sweep: what a lost task or a dead worker left, and what waits for its time."""
    for run_id in waiting_runs():
        sync_soon(run_id)


def wake_applier() -> None:
    """At most one task each WAKE_EVERY_SECONDS and process. Never fails: the calls are stored already."""
    global _next_wake
    now = time.monotonic()
    with _lock:
        if now < _next_wake:
            return
        _next_wake = now + WAKE_EVERY_SECONDS
    if not wake(apply_webhook_calls, expires=WAKE_UP_SECONDS):
        with _lock:
            _next_wake = now + BROKER_AWAY_SECONDS
