"""The loop itself: one feeder an account, a window of requests in flight, one writer of results."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection, connections
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.instance import fence
from messaging.dispatches import (
    divert_or_pause,
    finish_dispatch_if_done,
    pause_dispatches_of_account,
)
from messaging.engine.jobs import (
    Job,
    Lane,
    NotYet,
    OverAgreed,
    Unprepared,
    ask_for_more,
    claim_jobs,
    load_lanes,
)
from messaging.engine.journal import Journal, recover
from messaging.ledger import Change, Claimed, Return, apply_changes, has_opted_out, return_to_queue
from messaging.models import Dispatch
from messaging.reasons import BROADCAST_EXPIRED, QUIET_HOURS
from providers.connectors.base import OPTED_OUT_AT_VENDOR, BatchConnector, SendResult
from providers.connectors.operations import Exchange
from providers.errors import AccountRefused, ConnectorError, MessageRefused, Throttled, Unclear, Unreachable
from providers.health import Tally, note_failing, note_tally, note_unreachable, note_working
from providers.pace import PUSH_BACK_MOST, push_back
from providers.services import keep_exchanges
from providers.transport import LeanTransport
from sms.states import MessageState

log = structlog.get_logger("crier.engine")
T = TypeVar("T")


class Bulk(NamedTuple):
    """How many claims or results go to the database at a time, and how long results wait for others."""

    rows: int
    seconds: float


# A claim of a thousand takes hardly longer than one of a hundred; the journal beside knows what is neither handed over
# nor written yet. SQLite's file is locked meanwhile, to the pages too.
BULK = {"postgresql": Bulk(1000, 0.1), "sqlite": Bulk(200, 0.05)}
# After the database failed.
TRY_AGAIN_SECONDS = 0.5
# Claimed ahead of the window, so that it never runs dry: what is handed over within this time; where two claims take
# longer, within theirs, but no more than a window.
AHEAD_SECONDS = 0.1
# With a low rate limit, no more than this much time's worth of parts is taken into one worker's hands.
PACED_SECONDS = 0.05
# Who has waited longer than this for their turn may have written STOP meanwhile: looked up again.
FRESH_SECONDS = 1.0
THROTTLED_SECONDS = 1.0
UNREACHABLE_SECONDS = 1.0
UNREACHABLE_SECONDS_MOST = 15.0
# So many unclear answers in a row, with no success between, and the engine stops wasting recipients and asks a person.
UNCLEAR_MOST = 20

_shutdown = threading.Event()


def request_shutdown() -> None:
    """The worker was asked to end: claim nothing more, put back what is not handed over, wait for the rest."""
    _shutdown.set()


@dataclass(slots=True)
class EngineReport:
    claimed: int = 0
    sent: int = 0
    returned: int = 0
    failed: int = 0
    unknown: int = 0
    more_due: bool = False


class Engine:
    """`run()` sends until nothing is due, `seconds` have passed, or a shutdown was asked for."""

    def __init__(self, *, transport: Any = None, name: str = "") -> None:
        self.claim = uuid.uuid4().hex
        self.name = name or self.claim[:8]
        self.report = EngineReport()
        self.bulk = BULK[connection.vendor]
        self._transport = transport
        self._lanes: dict[int, LaneRunner] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._seen: set[int] = set()
        # Claims and results each have a thread, and with it a database connection, of their own.
        self._claim_thread = ThreadPoolExecutor(1, "engine-claim")
        self._write_thread = ThreadPoolExecutor(1, "engine-write")
        self._done: list[Change | Return] = []
        self._done_event = asyncio.Event()
        self._written = asyncio.Event()
        self._written.set()
        # Of the accounts, by id: figures not written yet, and what went over the line.
        self._tallies: dict[int, Tally] = defaultdict(Tally)
        self._exchanges: dict[int, list[Exchange]] = defaultdict(list)
        self._stopping = False
        self.journal: Journal
        self._flush_due = False

    async def run(self, *, seconds: float | None = None) -> EngineReport:
        until = time.monotonic() + (settings.ENGINE_RUN_SECONDS if seconds is None else seconds)
        own = self._transport is None
        self._transport = self._transport or LeanTransport()
        self.journal = Journal(self.claim)
        writer = asyncio.create_task(self._write_results())
        # What is loaded stays: looking through it for garbage again and again took a tenth of the loop's time.
        gc.freeze()
        try:
            await self._drive(until)
        finally:
            gc.unfreeze()
            self._stopping = True
            self._done_event.set()
            await writer
            self.journal.close()
            await self._finish_idle()
            if own:
                await self._transport.aclose()
            for thread in (self._claim_thread, self._write_thread):
                await asyncio.get_running_loop().run_in_executor(thread, connections.close_all)
                thread.shutdown()
        return self.report

    async def _drive(self, until: float) -> None:
        """Looks every ENGINE_CONTROL_SECONDS which dispatches run, and gives each account its feeder."""
        try:
            if await self.in_claim_thread(fence) is not None:
                return
            await self.in_claim_thread(recover)
            while not _shutdown.is_set() and time.monotonic() < until:
                await self._refresh_lanes()
                if not self._lanes:
                    return
                await self._wait_for_change()
                if self._idle:
                    # Perhaps something became due meanwhile, or has just been put back: each feeder looks once more.
                    await self._wait_until_written(until)
                    await self._refresh_lanes()
                    await self._wait_for_change()
                    if self._idle:
                        return
            self.report.more_due = True
        finally:
            await asyncio.gather(*self._closing, *(lane.close() for lane in self._lanes.values()))

    @property
    def _idle(self) -> bool:
        return all(lane.idle for lane in self._lanes.values())

    async def _wait_for_change(self) -> None:
        """Until all is claimed and answered, ENGINE_CONTROL_SECONDS at most.

        Not until the first feeder is done: one with nothing due is done at once, and we would only spin.
        """
        until = time.monotonic() + settings.ENGINE_CONTROL_SECONDS
        await self._wait_for([lane.feeder for lane in self._lanes.values()], until)
        await self._wait_for([task for lane in self._lanes.values() for task in lane.tasks], until)
        for lane in self._lanes.values():
            if lane.feeder.done() and not lane.feeder.cancelled():
                lane.feeder.result()

    @staticmethod
    async def _wait_for(tasks: list[asyncio.Task[None]], until: float) -> None:
        if tasks:
            await asyncio.wait(tasks, timeout=max(until - time.monotonic(), 0.0))

    async def _wait_until_written(self, until: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._written.wait(), max(until - time.monotonic(), 0.0))

    async def _refresh_lanes(self) -> None:
        known = {pk: runner.lane for pk, runner in self._lanes.items()}
        lanes = await self.in_claim_thread(load_lanes, known)
        for pk, lane in lanes.items():
            self._seen |= set(lane.dispatches)
            runner = self._lanes.get(pk)
            if runner is None:
                self._lanes[pk] = self._runner_of(lane)
            else:
                runner.refresh(lane)
        for pk in [pk for pk in self._lanes if pk not in lanes]:
            # Paused or done: closed beside the loop, since an answer may take as long as the vendor likes.
            runner = self._lanes.pop(pk)
            runner.lane.dispatches.clear()
            self._closing.add(asyncio.create_task(runner.close()))

    def _runner_of(self, lane: Lane) -> LaneRunner:
        from messaging.engine.batches import BatchRunner  # built upon this module

        takes_batches = isinstance(lane.connector, BatchConnector)
        return BatchRunner(self, lane) if takes_batches else LaneRunner(self, lane)

    async def in_claim_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self._in_thread(self._claim_thread, function, *args, **kwargs)

    async def in_write_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        return await self._in_thread(self._write_thread, function, *args, **kwargs)

    @staticmethod
    async def _in_thread(
        thread: ThreadPoolExecutor, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, lambda: function(*args, **kwargs))

    def settle(self, outcome: Change | Return) -> None:
        if isinstance(outcome, Change):
            self.journal.answered(outcome)
            if not self._flush_due:
                self._flush_due = True
                asyncio.get_running_loop().call_soon(self._flush_journal)
        self._done.append(outcome)
        self._written.clear()
        if len(self._done) >= self.bulk.rows or len(self._done) == 1:
            self._done_event.set()

    def may_hand(self, job: Job) -> bool:
        """False: the journal, which is wrong and cannot be removed, would call it unsent. So it does not go; what is
        claimed from now on is claimed under another name, which no file knows."""
        if job.claim != self.journal.claim or self.journal.handed(job.outgoing.message_id):
            return True
        if self.claim == self.journal.claim:
            self.claim = uuid.uuid4().hex
        return False

    def _flush_journal(self) -> None:
        self._flush_due = False
        self.journal.flush()

    async def _write_results(self) -> None:
        while not self._stopping or self._done:
            await self._done_event.wait()
            self._done_event.clear()
            if not self._stopping and len(self._done) < self.bulk.rows:
                await asyncio.sleep(self.bulk.seconds)
            batch, self._done = self._done[: self.bulk.rows], self._done[self.bulk.rows :]
            if batch:
                await self._write_surely(batch)
            await self._write_figures()
            if self._done:
                self._done_event.set()
            else:
                self._written.set()

    async def _write_surely(self, batch: list[Change | Return]) -> None:
        """Results are all we know of texts that went out: they are written again until the database takes them."""
        while True:
            try:
                await self.in_write_thread(_write_batch, batch)
                return
            except DatabaseError as error:
                log.error("results not written yet, trying again", rows=len(batch), error=str(error).strip())
                await self.in_write_thread(connections.close_all)
                await asyncio.sleep(TRY_AGAIN_SECONDS)

    def tally(self, account_id: int) -> Tally:
        return self._tallies[account_id]

    def hear(self, account_id: int, exchange: Exchange) -> None:
        self._exchanges[account_id].append(exchange)

    async def _write_figures(self) -> None:
        """Health is no promise: where the database is away, figures of a moment are lost."""
        tallies, self._tallies = self._tallies, defaultdict(Tally)
        exchanges, self._exchanges = self._exchanges, defaultdict(list)
        if tallies or exchanges:
            await self.in_write_thread_quietly(_note_figures, tallies=tallies, exchanges=exchanges)

    async def _finish_idle(self) -> None:
        for dispatch_id in sorted(self._seen):
            await self.in_write_thread_quietly(finish_dispatch_if_done, dispatch_id=dispatch_id)

    async def in_write_thread_quietly(self, function: Callable[..., Any], **kwargs: Any) -> None:
        """For what the sweep does again anyway."""
        try:
            await self.in_write_thread(function, **kwargs)
        except DatabaseError as error:
            log.warning("left to the sweep", what=function.__name__, error=str(error).strip())


def _note_figures(*, tallies: Mapping[int, Tally], exchanges: Mapping[int, list[Exchange]]) -> None:
    for account_id, tally in tallies.items():
        note_tally(account_id, tally)
    for account_id, some in exchanges.items():
        keep_exchanges(account_id, some)


def _write_batch(batch: list[Change | Return]) -> None:
    close_old_connections()
    apply_changes([item for item in batch if isinstance(item, Change)])
    return_to_queue([item for item in batch if isinstance(item, Return)])


class LaneRunner:
    """Feeds one account: claims a little ahead, and up to `max_in_flight` hands send what is claimed, in its order.

    A hand takes the next job when it has its answer: a task for each message cost half as much again as sending it.
    """

    paced_seconds = PACED_SECONDS

    def __init__(self, engine: Engine, lane: Lane) -> None:
        self.engine = engine
        self.lane = lane
        self.closed = False
        # Claimed and in nobody's hands yet, the earliest turn first.
        self._jobs: deque[Job] = deque()
        # Claimed and not settled: those, and what is in hands.
        self._open = 0
        self._hands = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        # The feeder waits until no more than so many are open.
        self._enough = 0
        self._unclear = 0
        self._paced_until = 0.0
        self._rate = 0.0
        # How long a claim takes, the latest count most.
        self._claim_seconds = 0.0
        self._healthy = False
        # The provider asked for patience: nothing that is claimed already goes before then, either.
        self._held_until = 0.0
        # Of codes, those that are claimed: each is a dispatch of its own, of one message.
        self._codes_taken: set[int] = set()
        # A person is being asked: until that is written down, the dispatches still look as if they ran.
        self._asking = False
        self._listen()
        self.feeder = asyncio.create_task(self._feed())

    def _listen(self) -> None:
        self.lane.connector.listener = partial(self.engine.hear, self.lane.account.pk)

    @property
    def idle(self) -> bool:
        return self.feeder.done() and not self.tasks

    def refresh(self, lane: Lane) -> None:
        """Called with fresh rows: paused dispatches are gone from `lane`, and so nothing more of them is handed over."""
        self.lane = lane
        if self._asking:
            lane.dispatches.clear()
        self._listen()
        if self.feeder.done() and not self.closed:
            self.feeder = asyncio.create_task(self._feed())

    async def close(self) -> None:
        """No more claims; what waits for its turn goes back, what is handed over is waited for."""
        self.closed = True
        self._room.set()
        await asyncio.gather(self.feeder, *self.tasks)

    async def _feed(self) -> None:
        """Ends when no dispatch of the account has anything due; a refresh starts it again."""
        while not self.closed:
            claimed = 0
            for dispatch in [*self._codes(), *self.lane.dispatches.values()]:
                claimed += await self._feed_from(dispatch)
                if self.closed:
                    return
            if not claimed:
                return

    def _codes(self) -> list[Dispatch]:
        """Verification codes that wait: they go before all else, whoever is waiting for one looks at the clock."""
        self._codes_taken &= self.lane.dispatches.keys()
        waiting = self.lane.codes - self._codes_taken
        return [self.lane.dispatches[pk] for pk in sorted(waiting) if pk in self.lane.dispatches]

    async def _feed_from(self, dispatch: Dispatch) -> int:
        jobs, first = None, 0
        while jobs is None:
            limit = await self._wait_for_room()
            if self.closed or dispatch.pk not in self.lane.dispatches:
                return first
            for code in self._codes() if dispatch.pk not in self.lane.codes else ():
                first += self._take_in(await self._claim(code, limit) or [], is_first=True)
            jobs = await self._claim(dispatch, limit)
        return first + self._take_in(jobs, is_first=dispatch.pk in self.lane.codes)

    def _take_in(self, jobs: list[Job], *, is_first: bool) -> int:
        """`is_first`: before what is claimed already and in nobody's hands yet."""
        self._open += len(jobs)
        if is_first:
            self._codes_taken |= {job.dispatch_id for job in jobs}
            self._jobs.extendleft(reversed(jobs))
        else:
            self._jobs.extend(jobs)
        while self._hands < self._hands_wanted:
            self._hands += 1
            self._spawn(self._work())
        return len(jobs)

    @property
    def _window(self) -> int:
        """Messages that may be on their way at once."""
        return self.lane.account.max_in_flight

    @property
    def _hands_wanted(self) -> int:
        return min(self.lane.account.max_in_flight, self._open)

    async def _claim(self, dispatch: Any, limit: int) -> list[Job] | None:
        """None: something is due, but the account's clock does not let it go yet."""
        began, claim = time.monotonic(), self.engine.claim
        try:
            jobs = await self.engine.in_claim_thread(
                claim_jobs, self.lane, dispatch, claim=claim, limit=limit
            )
        except NotYet as early:
            # Looked at again soon: a person may change the account's speed meanwhile.
            self._paced_until = time.monotonic() + min(early.seconds, settings.ENGINE_CONTROL_SECONDS)
            return None
        except OverAgreed as over:
            self._return(over.claimed, claim, "paused")
            self.lane.dispatches.pop(dispatch.pk, None)
            await self._ask_for_more(dispatch)
            return []
        except Unprepared as lost:
            await self._give_back(lost, claim)
            return []
        except DatabaseError as error:
            log.error("nothing claimed, trying again", dispatch=dispatch.pk, error=str(error).strip())
            await self.engine.in_claim_thread(connections.close_all)
            await asyncio.sleep(TRY_AGAIN_SECONDS)
            return []
        self._claim_seconds += 0.3 * (time.monotonic() - began - self._claim_seconds)
        self.engine.report.claimed += len(jobs)
        if jobs:
            self.engine.journal.claimed(job.claim_record for job in jobs)
            self._paced_until = jobs[-1].start
        return jobs

    async def _ask_for_more(self, dispatch: Any) -> None:
        try:
            await self.engine.in_claim_thread(ask_for_more, self.lane, dispatch)
        except DatabaseError as error:
            # It runs on, and the next claim comes to the same.
            log.error("not paused, trying again", dispatch=dispatch.pk, error=str(error).strip())
            await self.engine.in_claim_thread(connections.close_all)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _give_back(self, lost: Unprepared, claim: str) -> None:
        """The database went away between claim and reading: try again. Anything else is ours: a person is asked."""
        self._return(lost.claimed, claim, "worker_stopped")
        if isinstance(lost.__cause__, DatabaseError):
            log.error("claimed, but not read; trying again", error=str(lost.__cause__).strip())
            await self.engine.in_claim_thread(connections.close_all)
            await asyncio.sleep(TRY_AGAIN_SECONDS)
        else:
            log.error("making messages ready failed in our own code", exc_info=lost.__cause__)
            await self._ask_a_person(AccountRefused(own_failure(lost.__cause__ or lost)))

    def _return(self, claimed: Sequence[Claimed], claim: str, reason: str) -> None:
        """Claimed and never made ready."""
        for row in claimed:
            self.engine.settle(Return(row.message_id, claim, reason, tries=row.tries))
        self.engine.report.returned += len(claimed)

    async def _work(self) -> None:
        """One hand: sends what is claimed, one after the other, until there is nothing left."""
        try:
            while self._jobs:
                job = self._jobs.popleft()
                try:
                    await self._hand_over(job)
                finally:
                    self._open -= 1
                    if self._open <= self._enough:
                        self._room.set()
        finally:
            self._hands -= 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _wait_for_room(self) -> int:
        """How many may be claimed now: the window, a little ahead of it, and not far ahead of the pace."""
        while not self.closed:
            window = self._window
            slow = min(int(self._rate * 2 * self._claim_seconds), window)
            ahead = min(max(int(self._rate * AHEAD_SECONDS), slow, 8), self.engine.bulk.rows)
            most = window + ahead
            self._enough = most - max(ahead // 2, 1)
            wait = self._paced_until - time.monotonic() - self.paced_seconds
            if self._open <= self._enough and wait <= 0:
                paced = max(int(self.lane.parts_per_second * self.paced_seconds), 1)
                return min(most - self._open, paced, self.engine.bulk.rows)
            self._room.clear()
            timeout = wait if self._open < most and wait > 0 else settings.ENGINE_CONTROL_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._room.wait(), timeout)
        return 0

    async def _hand_over(self, job: Job) -> None:
        await self._wait_for_turn(job)
        if not self._stays(job):
            return
        is_fresh = time.monotonic() - job.claimed_at <= FRESH_SECONDS
        # While the database was asked a pause may have come, or a quiet hour.
        if not is_fresh and (await self._has_opted_out(job) or not self._stays(job)):
            return
        if not self.engine.may_hand(job):
            self._put_back(job, "worker_stopped")
            return
        began = time.monotonic()
        try:
            result = await self.lane.connector.send(self.engine._transport, job.outgoing)
        except ConnectorError as error:
            await self._handle(job, without_code(job, error))
        except Exception as error:
            # Ours, and perhaps after the request went out: never sent again blindly. What it says may hold a code.
            log.error(
                "sending failed in our own code",
                message=job.outgoing.message_id,
                exc_info=None if job.code else error,
                error=type(error).__name__,
            )
            await self._handle(job, Unclear(own_failure(error)))
        else:
            seconds = time.monotonic() - began
            self.engine.tally(self.lane.account.pk).answer(seconds)
            if result.state is MessageState.UNKNOWN:
                await self._count_unclear(result.words)
            else:
                self._took(seconds)
            self._keep(job, result)

    async def _wait_for_turn(self, job: Job) -> None:
        """Until its place in the account's pace, or until it may not go any more."""
        delay = max(job.start, self._held_until) - time.monotonic()
        while delay > 0 and self._may_go(job):
            await asyncio.sleep(min(delay, settings.ENGINE_CONTROL_SECONDS))
            delay = max(job.start, self._held_until) - time.monotonic()

    def _stays(self, job: Job) -> bool:
        """Whether it may go; what may not goes back."""
        if self._may_go(job):
            return True
        self._put_back(job, self._why_not(job))
        return False

    def _why_not(self, job: Job) -> str:
        dispatch = self.lane.dispatches.get(job.dispatch_id)
        if dispatch is None:
            return "paused"
        if self._is_held:
            return "throttled"
        if dispatch.not_after is not None and dispatch.not_after <= timezone.now():
            return BROADCAST_EXPIRED
        # Its next claim holds it.
        return QUIET_HOURS if job.quiet_from <= time.monotonic() else "worker_stopped"

    async def _has_opted_out(self, job: Job) -> bool:
        """Whoever wrote STOP while the text waited for its turn does not get it."""
        dispatch = self.lane.dispatches.get(job.dispatch_id)
        if dispatch is None:
            return False
        try:
            gone = await self.engine.in_claim_thread(has_opted_out, dispatch, job.outgoing.msisdn)
        except DatabaseError:
            # Not asked, so not sent: it goes back, and its next claim asks.
            self._put_back(job, "worker_stopped")
            return True
        if gone:
            self.engine.settle(opted_out(job))
        return gone

    def _may_go(self, job: Job) -> bool:
        is_ours = not self.closed and job.dispatch_id in self.lane.dispatches
        return is_ours and not self._is_held and time.monotonic() < job.deadline

    @property
    def _is_held(self) -> bool:
        """For so long that it goes back: for a moment it waits in its hand, and keeps its turn."""
        return self._held_until - time.monotonic() > FRESH_SECONDS

    def _took(self, seconds: float) -> None:
        self._unclear = 0
        rate = self.lane.account.max_in_flight / max(seconds, 0.001)
        self._rate = 0.9 * self._rate + 0.1 * rate
        if not self._healthy:
            self._healthy = True
            self._spawn(self.engine.in_write_thread_quietly(note_working, account_id=self.lane.account.pk))

    def _keep(self, job: Job, result: SendResult) -> None:
        tally = self.engine.tally(self.lane.account.pk)
        if result.state is MessageState.SENT:
            self.engine.report.sent += 1
            tally.taken += 1
        elif result.state is MessageState.UNKNOWN:
            tally.unclear += 1
        else:
            tally.refused += 1
        change = Change(
            job.outgoing.message_id,
            result.state,
            timezone.now(),
            "engine",
            result.reason,
            job.kept(result.words),
            result.provider_message_id,
            result.parts if result.parts is not None else job.parts,
            result.price if result.price is not None else job.price,
            job.kept(job.outgoing.text),
            sender=job.chosen_sender,
            asks=self.lane.asks(result.state),
            **unused(job, result.state),
        )
        self.engine.settle(change)

    async def _handle(self, job: Job, error: ConnectorError) -> None:
        """One error, by what it says of this message and of the account."""
        until = back_at(error, job.tries)
        self._settle_refusal(job, error, until)
        await self._act_on(job, error, until)

    def _settle_refusal(self, job: Job, error: ConnectorError, until: datetime | None) -> None:
        """What it means for this message. `until`: not before then again."""
        self.engine.tally(self.lane.account.pk).trouble(error)
        if error.reason == OPTED_OUT_AT_VENDOR:
            self._settle_error(job, error, MessageState.SUPPRESSED)
        elif isinstance(error, MessageRefused) and error.reason != "sender_not_allowed":
            self._settle_error(job, error, MessageState.FAILED)
            self.engine.report.failed += 1
        elif error.certainly_not_sent:
            self._put_back(job, error.reason, error.words, until)
        else:
            self._settle_error(job, error, MessageState.UNKNOWN)
            self.engine.report.unknown += 1

    async def _act_on(self, job: Job, error: ConnectorError, until: datetime | None) -> None:
        """What it means for the others."""
        if error.reason == "sender_not_allowed":
            # All who have this sender would fail alike.
            self.lane.dispatches.pop(job.dispatch_id, None)
            await self.engine.in_write_thread_quietly(
                divert_or_pause, dispatch_id=job.dispatch_id, trouble=_of_its_sender(job, error)
            )
        elif isinstance(error, MessageRefused):
            return
        elif until is not None:
            # The account's shared clock is moved on: every worker waits.
            if isinstance(error, Throttled):
                seconds = min((until - timezone.now()).total_seconds(), PUSH_BACK_MOST.total_seconds())
                self._held_until = max(self._held_until, time.monotonic() + seconds)
            account = self.lane.account.pk
            await self.engine.in_write_thread_quietly(_push_back, account_id=account, until=until)
            if isinstance(error, Unreachable):
                await self._count_unreachable(error)
        elif error.certainly_not_sent:
            await self._ask_a_person(error)
        else:
            await self._count_unclear(error.words, error)

    async def _count_unreachable(self, error: Unreachable) -> None:
        """Asks a person when nothing comes about for a while; kept in the account, as a run is shorter than that."""
        self._healthy = False
        try:
            since = await self.engine.in_write_thread(
                note_unreachable, account_id=self.lane.account.pk, words=str(error)
            )
        except DatabaseError as trouble:
            log.warning("left to the next try", what="note_unreachable", error=str(trouble).strip())
            return
        if (timezone.now() - since).total_seconds() > settings.ENGINE_UNREACHABLE_SECONDS:
            await self._ask_a_person(error)

    async def _count_unclear(self, words: str, error: ConnectorError | None = None, weight: int = 1) -> None:
        self._unclear += weight
        if self._unclear >= UNCLEAR_MOST:
            label = self.lane.connector.label
            sentence = _(
                "%(provider)s's answers cannot be understood. Check the base URL, or ask its support."
            )
            await self._ask_a_person(error or Unclear(sentence % {"provider": label}, words=words))

    async def _ask_a_person(self, error: ConnectorError) -> None:
        """Pauses what goes through this account; the page says why and how to mend it."""
        self._unclear = 0
        self._healthy = False
        account = self.lane.account
        self._asking = True
        self.lane.dispatches.clear()
        log.warning("account paused", account=account.pk, reason=error.reason)
        await self.engine.in_write_thread_quietly(
            pause_dispatches_of_account, account_id=account.pk, trouble=str(error)
        )
        self._asking = False
        await self.engine.in_write_thread_quietly(note_failing, account_id=account.pk, words=str(error))

    def _settle_error(self, job: Job, error: ConnectorError, state: MessageState) -> None:
        self.engine.settle(
            Change(
                job.outgoing.message_id,
                state,
                timezone.now(),
                "engine",
                error.reason,
                error.words or str(error),
                parts=job.parts,
                text=job.kept(job.outgoing.text),
                sender=job.chosen_sender,
                **unused(job, state),
            )
        )

    def _put_back(self, job: Job, reason: str, words: str = "", due_at: datetime | None = None) -> None:
        self._codes_taken.discard(job.dispatch_id)
        self.engine.report.returned += 1
        self.engine.settle(
            Return(
                job.outgoing.message_id,
                job.claim,
                reason,
                words,
                due_at,
                job.taken,
                job.taken_cost,
                job.day,
                job.day_parts,
                tries=job.tries,
            )
        )


def unused(job: Job, state: MessageState) -> dict[str, Any]:
    """For a Change: what is given back to the account's day, where the message was certainly not sent."""
    if not job.day or state not in (MessageState.FAILED, MessageState.SUPPRESSED):
        return {}
    return {"day": job.day, "day_parts": job.day_parts}


def opted_out(job: Job) -> Change:
    """While it waited for its turn."""
    state = MessageState.SUPPRESSED
    message_id = job.outgoing.message_id
    return Change(message_id, state, timezone.now(), "engine", "opted_out", **unused(job, state))


def back_at(error: ConnectorError, tries: int) -> datetime | None:
    """When what was not sent may be tried again; None where that is not a matter of time."""
    match error:
        case Throttled():
            wait = THROTTLED_SECONDS * 2 ** min(tries, 6) if error.retry_after is None else error.retry_after
        case Unreachable():
            wait = min(UNREACHABLE_SECONDS * 2 ** min(tries, 6), UNREACHABLE_SECONDS_MOST)
        case _:
            return None
    return timezone.now() + timedelta(seconds=wait)


def without_code(job: Job, error: ConnectorError) -> ConnectorError:
    """A vendor may repeat the text that it refuses."""
    error.words = job.kept(error.words)
    error.args = tuple(job.kept(str(word)) for word in error.args)
    return error


def _push_back(*, account_id: int, until: datetime) -> None:
    push_back(account_id, until)


def _of_its_sender(job: Job, error: ConnectorError) -> str:
    """Names the one that was refused where a list has several."""
    if not job.chosen_sender:
        return str(error)
    return _(
        "%(sentence)s The sender was %(sender)s. Should it stay refused, stop the broadcast, take the sender off its list"
        " and send to those who did not get it."
    ) % {"sentence": error, "sender": job.chosen_sender}


def own_failure(error: BaseException) -> str:
    return f"Crier failed while sending ({type(error).__name__}); the log has the details."
