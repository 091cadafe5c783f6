"""Celery doors of messaging. They only wake workers up: what is due stands in the database."""

import asyncio

import structlog
import uvloop
from celery import shared_task

from messaging.engine import Engine, EngineReport
from messaging.models import Dispatch, DispatchState
from web.waking import wake

log = structlog.get_logger("crier.tasks")

# A wake-up that waited longer than this is useless: the next sweep sends another one.
WAKE_UP_SECONDS = 10


@shared_task
def send_due_messages() -> None:
    """Sends until nothing is due, or for a while: then it wakes itself up again, and others get their turn between."""
    report = run_engine()
    if report.claimed:
        log.info(
            "sent",
            claimed=report.claimed,
            sent=report.sent,
            failed=report.failed,
            unknown=report.unknown,
            returned=report.returned,
        )
    if report.more_due:
        wake_engine()


def wake_engine() -> None:
    """Wakes one send worker, if anything runs. A broker that is away costs one sweep, and fails nobody's request."""
    if not Dispatch.objects.filter(state=DispatchState.RUNNING).exists():
        return
    wake(send_due_messages, expires=WAKE_UP_SECONDS)


def run_engine(*, seconds: float | None = None) -> EngineReport:
    """Runs the send loop in this process, on uvloop."""

    async def run() -> EngineReport:
        return await Engine().run(seconds=seconds)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run())
