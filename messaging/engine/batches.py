"""A lane whose provider takes many recipients in one request: hands gather what is due, and send it together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import structlog
from django.db import DatabaseError

from messaging.engine.jobs import Job
from messaging.engine.loop import (
    FRESH_SECONDS,
    UNCLEAR_MOST,
    LaneRunner,
    back_at,
    opted_out,
    own_failure,
    without_code,
)
from messaging.ledger import who_opted_out
from providers.connectors.base import BatchConnector, SendResult
from providers.errors import ConnectorError, MessageRefused, Unclear
from sms.states import MessageState

log = structlog.get_logger("crier.engine")

# What would go within this time goes at once, so that a request is worth its while; the pace holds over any second.
GATHER_SECONDS = 0.25
# Claimed ahead and on their way are no more batches than this.
BATCHES_AT_ONCE = 4
# One answer that nobody can read leaves many in doubt: the second in a row stops the account.
UNCLEAR_WEIGHT = UNCLEAR_MOST // 2


class BatchRunner(LaneRunner):
    paced_seconds = GATHER_SECONDS

    @property
    def _most(self) -> int:
        return self.lane.connector.capabilities.batch_most

    @property
    def _window(self) -> int:
        return self._most * min(self.lane.account.max_in_flight, BATCHES_AT_ONCE)

    @property
    def _hands_wanted(self) -> int:
        return min(self.lane.account.max_in_flight, BATCHES_AT_ONCE, -(-self._open // self._most))

    async def _work(self) -> None:
        """One hand: sends what is due, batch after batch, until there is nothing left."""
        try:
            while self._jobs:
                first = self._jobs.popleft()
                batch = [first]
                try:
                    await self._wait_for_turn(first)
                    self._gather(batch)
                    await self._hand_over_batch(batch)
                finally:
                    self._open -= len(batch)
                    if self._open <= self._enough:
                        self._room.set()
        finally:
            self._hands -= 1

    def _gather(self, batch: list[Job]) -> None:
        """Adds what may go with the first; a number that is in it already waits for the next."""
        until = time.monotonic() + GATHER_SECONDS
        numbers = {job.outgoing.msisdn for job in batch}
        passed_over: list[Job] = []
        while self._jobs and len(batch) < self._most and self._jobs[0].start <= until:
            job = self._jobs.popleft()
            if job.outgoing.msisdn in numbers:
                passed_over.append(job)
                continue
            numbers.add(job.outgoing.msisdn)
            batch.append(job)
        self._jobs.extendleft(reversed(passed_over))

    async def _hand_over_batch(self, batch: Sequence[Job]) -> None:
        ready = [job for job in batch if self._stays(job)]
        ready = await self._without_opted_out(ready)
        going = []
        for job in ready:
            if self.engine.may_hand(job):
                going.append(job)
            else:
                self._put_back(job, "worker_stopped")
        if going:
            await self._send(going)

    async def _without_opted_out(self, jobs: list[Job]) -> list[Job]:
        """Whoever wrote STOP while the text waited for its turn does not get it."""
        late = [job for job in jobs if time.monotonic() - job.claimed_at > FRESH_SECONDS]
        gone: set[int] = set()
        for dispatch_id in {job.dispatch_id for job in late}:
            mine = [job for job in late if job.dispatch_id == dispatch_id]
            numbers = [job.outgoing.msisdn for job in mine]
            dispatch = self.lane.dispatches.get(dispatch_id)
            if dispatch is None:
                continue
            try:
                found = await self.engine.in_claim_thread(who_opted_out, dispatch, numbers)
            except DatabaseError:
                # Not asked, so not sent: they go back, and their next claim asks.
                for job in mine:
                    self._put_back(job, "worker_stopped")
                gone |= {job.outgoing.message_id for job in mine}
                continue
            for job in (job for job in mine if job.outgoing.msisdn in found):
                gone.add(job.outgoing.message_id)
                self.engine.settle(opted_out(job))
        # A pause may have come while the database was asked.
        return [job for job in jobs if job.outgoing.message_id not in gone and self._stays(job)]

    async def _send(self, jobs: Sequence[Job]) -> None:
        began = time.monotonic()
        connector = cast("BatchConnector", self.lane.connector)
        outcomes: Sequence[SendResult | ConnectorError]
        try:
            outcomes = await connector.send_batch(self.engine._transport, [job.outgoing for job in jobs])
        except Exception as error:
            # Ours, and perhaps after the request went out: never sent again blindly. What it says may hold a code.
            shown = None if any(job.code for job in jobs) else error
            log.error("sending failed in our own code", exc_info=shown, error=type(error).__name__)
            outcomes = [Unclear(own_failure(error))] * len(jobs)
        taken = sum(
            isinstance(outcome, SendResult) and outcome.state is not MessageState.UNKNOWN
            for outcome in outcomes
        )
        seconds = time.monotonic() - began
        if any(isinstance(outcome, SendResult) for outcome in outcomes):
            self.engine.tally(self.lane.account.pk).answer(seconds)
        if taken:
            self._took(seconds / taken)
        await self._settle(list(zip(jobs, outcomes, strict=True)), bool(taken))

    async def _settle(self, outcomes: Sequence[tuple[Job, SendResult | ConnectorError]], taken: bool) -> None:
        """Each message by itself; what concerns the account once for each error, however many share it.
        `taken`: of one at least it is known that it was."""
        errors: dict[int, tuple[Job, ConnectorError]] = {}
        unread = ""
        for job, outcome in outcomes:
            if isinstance(outcome, SendResult):
                self._keep(job, outcome)
                if outcome.state is MessageState.UNKNOWN:
                    unread = outcome.words
            else:
                error = without_code(job, outcome)
                errors.setdefault(id(error), (job, error))
        until = {key: back_at(error, job.tries) for key, (job, error) in errors.items()}
        for job, outcome in outcomes:
            if isinstance(outcome, ConnectorError):
                self._settle_refusal(job, outcome, until[id(outcome)])
        for key, (job, error) in errors.items():
            if isinstance(error, Unclear):
                await self._count_unclear(error.words, error, UNCLEAR_WEIGHT)
            elif not isinstance(error, MessageRefused) or error.reason == "sender_not_allowed":
                await self._act_on(job, error, until[key])
        if unread and not taken:
            await self._count_unclear(unread, weight=UNCLEAR_WEIGHT)
