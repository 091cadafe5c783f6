"""Celery doors of messaging. They only wake workers up: what is due stands in the database."""

import asyncio
import time
from collections.abc import Sequence

import structlog
import uvloop
from celery import shared_task

from accounts.instance import fence
from messaging.engine import Engine, EngineReport, polling
from messaging.failover import fail_over
from messaging.links.again import compute_some_again, is_left_behind
from messaging.links.hits import apply_hits, classify_new_hits, rest
from messaging.links.spool import RawHit, apply_left_behind
from messaging.models import Dispatch, DispatchState
from messaging.webhooks.ledger import is_any_due
from messaging.webhooks.rounds import is_any_round_due, tell_due_rounds
from messaging.webhooks.sending import send_due
from web.waking import wake

log = structlog.get_logger("crier.tasks")

# A wake-up that waited longer than this is useless: the next sweep sends another one.
WAKE_UP_SECONDS = 10
CHUNKS_A_TASK = 20
WEBHOOKS_EVERY_SECONDS = 1.0
_next_webhooks = 0.0


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


@shared_task
def move_to_other_accounts() -> None:
    """What waits at accounts in trouble goes on through the others of its route."""
    if fence() is None and fail_over():
        wake_engine()


@shared_task
def ask_for_receipts(account_id: int) -> None:
    """One round of questions to an account's provider; then it wakes itself up again, and others get their turn between.
    None from a copy of the database: the original asks."""
    if fence() is not None:
        return
    report = polling.ask_for_receipts(account_id)
    if report.asked:
        log.info("asked for reports", account=account_id, asked=report.asked, settled=report.settled)
    if report.is_more_due:
        wake(ask_for_receipts, account_id, expires=WAKE_UP_SECONDS)


def wake_polling() -> None:
    """Wakes one worker for each account with something to ask for."""
    for account_id in polling.accounts_due():
        wake(ask_for_receipts, account_id, expires=WAKE_UP_SECONDS)


@shared_task
def classify_hits() -> None:
    for _chunk in range(CHUNKS_A_TASK):
        if not classify_new_hits():
            break
        rest()
    else:
        wake(classify_hits)
    wake_webhooks()


@shared_task
def compute_clicks_again(dispatch_ids: list[int]) -> None:
    """`dispatch_ids`: for which it was woken; it does whatever was asked for, new hits first."""
    for _chunk in range(CHUNKS_A_TASK):
        if not classify_new_hits() and not compute_some_again():
            log.info("clicks computed again", dispatches=len(dispatch_ids))
            return
        rest()
    wake(compute_clicks_again, dispatch_ids)


def wake_compute_again(dispatch_ids: Sequence[int]) -> bool:
    """False where no broker takes it: then nothing was begun."""
    return wake(compute_clicks_again, list(dispatch_ids))


def take_hits(hits: Sequence[RawHit]) -> int:
    """What the spool of a web process does with its lines."""
    count = apply_hits(hits)
    if count:
        wake(classify_hits, expires=WAKE_UP_SECONDS)
    return count


def sweep_hits() -> None:
    """What a dead web process left in its spool, what a lost wake-up left unclassified, and what a dead worker was at."""
    apply_left_behind(apply_hits)
    classify_hits()
    if is_left_behind():
        wake(compute_clicks_again, [], expires=WAKE_UP_SECONDS)


@shared_task
def send_webhooks() -> None:
    """Posts what is due, or a part of it: then it wakes itself up again. Nothing from a copy of the database."""
    if fence() is not None:
        return
    tell_due_rounds()
    sent = send_due()
    if sent.taken or sent.failed:
        log.info("webhooks", taken=sent.taken, failed=sent.failed)
    if sent.more_due or is_any_round_due():
        wake_webhooks()


def wake_webhooks() -> None:
    """Wakes one sender, if anything is due."""
    if is_any_due() or is_any_round_due():
        wake(send_webhooks, expires=WAKE_UP_SECONDS)


def wake_webhooks_soon() -> None:
    """For those who make many events a second: one wake-up a second and process; the sweep sends the last one."""
    global _next_webhooks
    now = time.monotonic()
    if now >= _next_webhooks:
        _next_webhooks = now + WEBHOOKS_EVERY_SECONDS
        wake(send_webhooks, expires=WAKE_UP_SECONDS)
