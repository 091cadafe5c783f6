"""The ledger beside a model of it: random sequences of all that happens to it, and after each step the two are the same.

The model is plain Python, written from PRODUCT.md and the drawings in sms/states.py and messaging/ledger.py; it shares no
table with them. Workers are what the engine makes of them: they claim, hand over, are answered, write that down in bulk,
and die at any point, with or without their journal. The clock is the model's.

The same sequences each time. LEDGER_EXAMPLES=2000 walks others, as many as it says; what fails is made small and shown.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
import time_machine
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from contacts.models import OptOut, OptOutHow, Recipient, RecipientList
from contacts.services.opt_outs import opt_in, opt_out
from messaging.daily import DAILY_LIMIT, release_due
from messaging.dispatches import (
    cancel_stopped,
    create_dispatch,
    finish_done_dispatches,
    pause_dispatch,
    reserve_dispatch,
    resume_dispatch,
    start_dispatch,
    stop_dispatch,
)
from messaging.engine import recover
from messaging.engine.jobs import Job, Lane, OverAgreed, ask_for_more, claim_jobs, reference_of
from messaging.engine.journal import Journal
from messaging.engine.loop import opted_out, unused
from messaging.ledger import (
    Change,
    Return,
    apply_changes,
    count_planned,
    expire_leases,
    has_opted_out,
    hold_waiting,
    release_held,
    return_to_queue,
)
from messaging.models import Dispatch, Message, MessageCount, MessageMinute, Spend
from messaging.receipts import apply_receipts
from messaging.recount import miscounts
from messaging.reserve import fill_dispatch
from providers.connectors.base import OPTED_OUT_AT_VENDOR, DeliveryReport
from providers.models import AccountDay, ProviderAccount
from providers.services import PriceTable, connector_of, receipt_url
from providers.signals import ReceiptsArrived
from sms.examples import example_msisdns
from sms.states import MessageState
from tests.engine.makers import SENDER, make_account
from tests.engine.test_journal import die
from tests.people import workspace_named

pytestmark = [pytest.mark.django_db, pytest.mark.engine, pytest.mark.slow]

EXAMPLES = int(os.environ.get("LEDGER_EXAMPLES", "0"))
STEPS = 40
S = MessageState

WORKERS = 3
BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)
LEASE = timedelta(seconds=60)
FRESH = timedelta(seconds=1)
PRICE = Decimal("0.0079")
BROADCAST = 7
# One part for whoever has a short name, two for whoever has a long one, one for whoever has none any more.
TEXT = "{{first_name|there}}" * 4
LONG = "x" * 50

# As drawn in sms/states.py.
RANKS = {
    "queued": 0,
    "held": 0,
    "submitting": 1,
    "unknown": 2,
    "sent": 3,
    **dict.fromkeys(
        ("delivered", "undelivered", "expired", "rejected", "failed", "suppressed", "cancelled"), 4
    ),
}
WAITS = ("queued", "held")
PERHAPS_LEFT = ("unknown", "sent")
ENDED = ("stopped", "finished")
REPORTED = (S.SENT, S.DELIVERED, S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED, S.UNKNOWN)


def follows(old: str, new: str) -> bool:
    return RANKS[new] > RANKS[old] and not (old in PERHAPS_LEFT and new in ("suppressed", "cancelled"))


@dataclass
class Person:
    """One recipient's row, and what its handset knows."""

    message_id: int
    msisdn: str
    recipient_id: int
    dispatch: int
    own_parts: int
    state: str = "queued"
    reason: str = ""
    history: list[str] = field(default_factory=list)
    due_at: datetime | None = None
    claim: str = ""
    tries: int = 0
    claimed_at: datetime = BEGIN
    parts: int | None = None
    price: Decimal | None = None
    is_listed: bool = True
    # Handed over, and not surely refused.
    perhaps_taken: int = 0
    is_taken: bool = False

    @property
    def rendered(self) -> int:
        return self.own_parts if self.is_listed else 1

    @property
    def real_parts(self) -> int:
        """Of a row that does not wait any more, as messaging/engine/jobs.py counts them anew."""
        if self.parts is not None:
            return self.parts
        return self.rendered if self.state in ("submitting", "unknown") else 0


@dataclass
class Plan:
    """A dispatch."""

    state: str
    is_limited: bool
    agreed: int = 0
    claimed_parts: int = 0
    claimed_cost: Decimal = Decimal(0)


@dataclass
class Fate:
    """What becomes of a text that was handed over: at its provider, and in the answer that comes back."""

    job: Job
    kind: str


@dataclass
class Worker:
    claim: str
    journal: Journal
    jobs: deque[Job] = field(default_factory=deque)
    flying: list[Fate] = field(default_factory=list)
    done: list[Change | Return] = field(default_factory=list)
    last: list[Change | Return] = field(default_factory=list)
    # What its journal says: (parts, parts of the day, the day) of what it claimed, what it handed over and was answered.
    noted: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    handed: set[int] = field(default_factory=set)
    answered: dict[int, Change] = field(default_factory=dict)
    is_dead: bool = False


class Round(NamedTuple):
    """Of one worker: it claims up to `limit`, hands over as many as have `kinds` of fate, takes answers, writes results."""

    number: int
    which: int
    limit: int
    kinds: list[str]
    answers: int
    written: int
    # Whether what was written last is written again: the database had taken it, and its answer was lost.
    again: bool


def rounds_of(seed: int) -> list[Round]:
    """Evenly spread: what hypothesis draws by itself is mostly little, and little work finds little."""
    chance = random.Random(seed)
    return [
        Round(
            chance.randrange(11),
            chance.randrange(11),
            chance.choice([0, 2, 4, 8]),
            chance.choices(FATES, k=chance.randrange(7)),
            chance.randrange(7),
            chance.randrange(7),
            chance.random() < 0.3,
        )
        for _number in range(chance.randrange(1, 6))
    ]


FATES = ("sent", "sent", "sent", "lost", "never", "refused", "throttled", "throttled", "opted_out")
ROUNDS = st.integers(0, 2**32).map(rounds_of)
SECONDS = st.sampled_from([0.5, 2.0, 31.0, 61.0])
NUMBERS = st.integers(0, 10)


class LedgerMachine(RuleBasedStateMachine):
    folder: Path
    account: ProviderAccount
    lane: Lane

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(BEGIN, tick=False)
        self.traveller = self.clock.start()
        # Whatever a sequence wrote is gone before the next one begins.
        self.outermost = transaction.atomic()
        self.outermost.__enter__()
        for path in self.folder.glob("*"):
            path.unlink()
        self.people: dict[int, Person] = {}
        self.plans: dict[int, Plan] = {}
        self.opted: set[str] = set()
        self.used: dict[date, int] = {}
        self.wanted: dict[date, int] = {}
        self.limits: dict[date, int] = {}
        self.minutes: Counter[tuple[int, str]] = Counter()
        self.named = 0
        self.dead: list[Worker] = []

    def teardown(self) -> None:
        try:
            if self.people and sys.exc_info()[0] is None:
                self.settle_all()
                self.compare_the_rest()
        finally:
            for worker in (*self.workers, *self.dead) if self.people else ():
                if not worker.is_dead:
                    worker.journal.close()
            transaction.set_rollback(True)
            self.outermost.__exit__(None, None, None)
            self.clock.stop()

    # --- the beginning ----------------------------------------------------------------------------------

    @initialize(limit=st.sampled_from([None, 9, 30]), agreed=st.integers(4, 14))
    def begin(self, limit: int | None, agreed: int) -> None:
        self.set_limit(limit)
        self.numbers = list(example_msisdns(40))
        self.list = RecipientList.objects.create(workspace=self.account.workspace, name="Members")
        self.workers = [self.new_worker() for _number in range(WORKERS)]
        self.limited = self.plan(8, agreed=agreed)
        self.free = self.plan(6, agreed=None)
        self.reserve = self.plan(6, agreed=None, is_reserve=True)

    def plan(self, size: int, *, agreed: int | None, is_reserve: bool = False) -> int:
        dispatch = self.new_dispatch(agreed=agreed, is_reserve=is_reserve)
        numbers = self.numbers[len(self.people) : len(self.people) + size]
        recipients = Recipient.objects.bulk_create(
            Recipient(list=self.list, msisdn=msisdn, country="US", first_name="Ann" if place % 3 else LONG)
            for place, msisdn in enumerate(numbers)
        )
        for row in Message.objects.bulk_create(self.new_row(dispatch, one) for one in recipients):
            assert row.recipient_id is not None
            own_parts = 1 if numbers.index(row.msisdn) % 3 else 2
            self.people[row.pk] = Person(row.pk, row.msisdn, row.recipient_id, dispatch.pk, own_parts)
        count_planned(dispatch.pk, size)
        (reserve_dispatch if is_reserve else start_dispatch)(dispatch_id=dispatch.pk)
        self.plans[dispatch.pk].state = "reserve" if is_reserve else "running"
        return dispatch.pk

    def new_dispatch(self, *, agreed: int | None, is_reserve: bool = False) -> Dispatch:
        dispatch = create_dispatch(
            workspace=self.account.workspace,
            broadcast_id=BROADCAST,
            text=TEXT,
            sender=SENDER,
            account=self.account,
            unsubscribe_list_ids=[],
            agreed_parts=agreed,
            agreed_cost=None if agreed is None else agreed * PRICE,
            is_reserve=is_reserve,
        )
        self.plans[dispatch.pk] = Plan("planning", agreed is not None, agreed or 0)
        return dispatch

    def new_row(self, dispatch: Dispatch, recipient: Recipient) -> Message:
        return Message(
            workspace=self.account.workspace,
            dispatch=dispatch,
            broadcast_id=dispatch.broadcast_id,
            recipient_id=recipient.pk,
            account=self.account,
            msisdn=recipient.msisdn,
            sender=SENDER,
        )

    def new_worker(self) -> Worker:
        self.named += 1
        claim = f"{self.named:032}"
        return Worker(claim, Journal(claim))

    # --- helpers of the model ---------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return timezone.now()

    @property
    def today(self) -> date:
        return self.now.date()

    def set_limit(self, limit: int | None) -> None:
        ProviderAccount.objects.filter(pk=self.account.pk).update(parts_per_day=limit)
        self.account.parts_per_day = limit
        self.note_limit()

    @property
    def limit(self) -> int | None:
        """A twentieth is kept free for codes."""
        limit = self.account.parts_per_day
        return None if limit is None else limit - limit // 20

    def note_limit(self) -> None:
        """Of a day with several limits the highest."""
        limit = self.limit
        self.limits[self.today] = max(self.limits.get(self.today, 0), 10**6 if limit is None else limit)

    def in_order(self, dispatch: int, *states: str) -> list[Person]:
        rows = [row for row in self.people.values() if row.dispatch == dispatch and row.state in states]
        return sorted(rows, key=lambda row: row.message_id)

    def pick(self, number: int) -> Person:
        """Of those who wait, where there are any."""
        rows = [row for row in self.people.values() if row.state in WAITS] or list(self.people.values())
        return rows[number % len(rows)]

    def pick_plan(self, number: int, *states: str) -> int:
        """Of those in one of these states, where there are any: else most steps would come to nothing."""
        fitting = [
            pk
            for pk, plan in self.plans.items()
            if plan.state in states and self.in_order(pk, "queued", "submitting")
        ] or list(self.plans)
        return fitting[number % len(fitting)]

    def pick_worker(self, number: int, room: str) -> Worker:
        """Of those who have something there."""
        busy = [worker for worker in self.workers if getattr(worker, room)] or self.workers
        return busy[number % len(busy)]

    def move(self, row: Person, state: str, reason: str = "") -> None:
        """A move that the history keeps."""
        row.state, row.reason = state, reason
        row.history.append(state)
        self.minutes[row.dispatch, state] += 1

    def back(self, row: Person, to: Return) -> None:
        """As messaging/ledger.py's `return_to_queue`."""
        if row.state != "submitting" or row.claim != to.claim or to.tries not in (None, row.tries - 1):
            return
        plan = self.plans[row.dispatch]
        plan.claimed_parts = max(plan.claimed_parts - to.parts, 0)
        if to.parts:
            plan.claimed_cost = max(plan.claimed_cost - to.cost, Decimal(0))
        if to.day:
            day = date.fromisoformat(to.day)
            self.used[day] = max(self.used[day] - to.day_parts, 0)
        row.claim, row.due_at = "", to.due_at
        if plan.state == "stopped":
            self.move(row, "cancelled", "stopped")
        else:
            row.state, row.reason = ("held" if to.is_held else "queued"), to.reason

    def change(self, change: Change) -> None:
        row = self.people[change.message_id]
        row.parts = row.parts if change.parts is None else change.parts
        row.price = row.price if change.price is None else change.price
        if not follows(row.state, change.state):
            return
        if change.day and row.state == "submitting":
            day = date.fromisoformat(change.day)
            self.used[day] = max(self.used[day] - change.day_parts, 0)
        self.move(row, change.state.value, change.reason)
        if change.reason == OPTED_OUT_AT_VENDOR:
            self.opted.add(row.msisdn)

    def write_down(self, items: list[Change | Return]) -> None:
        """As the engine's writer: changes, then returns."""
        changes = [item for item in items if isinstance(item, Change)]
        returns = [item for item in items if isinstance(item, Return)]
        apply_changes(changes)
        return_to_queue(returns)
        for change in changes:
            self.change(change)
        for each in returns:
            self.back(self.people[each.message_id], each)

    # --- workers ----------------------------------------------------------------------------------------

    @rule(rounds=ROUNDS)
    def work(self, rounds: list[Round]) -> None:
        self.works(rounds)

    @rule(rounds=ROUNDS, seconds=SECONDS)
    def work_and_rest(self, rounds: list[Round], seconds: float) -> None:
        self.works(rounds)
        self.time_passes(seconds)

    def works(self, rounds: list[Round]) -> None:
        for one in rounds:
            if one.limit:
                self.claim(one.number % WORKERS, one.which, one.limit)
            for kind in one.kinds:
                self.hand_over(self.pick_worker(one.number, "jobs"), kind)
            for which in range(one.answers):
                self.answer(self.pick_worker(one.number, "flying"), which + one.number)
            worker = self.pick_worker(one.number, "done")
            if one.again:
                self.write_down(worker.last)
            worker.last, worker.done = worker.done[: one.written], worker.done[one.written :]
            self.write_down(worker.last)
            self.is_the_same()

    def claim(self, number: int, which: int, limit: int, *, is_noted: bool = True) -> None:
        worker, pk = self.workers[number], self.pick_plan(which, "running")
        self.lane.claimed_to.clear()
        dispatch = Dispatch.objects.get(pk=pk)
        over = False
        jobs: list[Job] = []
        try:
            jobs = claim_jobs(self.lane, dispatch, claim=worker.claim, limit=limit)
        except OverAgreed as error:
            over = True
            worker.done += [
                Return(row.message_id, worker.claim, "paused", tries=row.tries) for row in error.claimed
            ]
            ask_for_more(self.lane, dispatch)
        ready, is_over = self.claimed_by_model(worker.claim, pk, limit)
        assert [job.outgoing.message_id for job in jobs] == ready
        assert not {job.outgoing.msisdn for job in jobs} & self.opted, "claimed, though they had opted out"
        assert over is is_over
        if over:
            self.plans[pk].state = "paused"
        if not is_noted:
            return
        worker.journal.claimed(job.claim_record for job in jobs)
        for job in jobs:
            message_id, taken, *of_day = job.claim_record
            worker.noted[message_id] = (taken, of_day[0], of_day[1]) if of_day else (taken, 0, "")
            worker.handed.discard(message_id)
        worker.jobs.extend(jobs)

    def claimed_by_model(self, claim: str, pk: int, limit: int) -> tuple[list[int], bool]:
        """Which are ready, and whether they are more than was agreed to."""
        plan = self.plans[pk]
        due = [
            row
            for row in self.in_order(pk, "queued")
            if plan.state == "running" and (row.due_at is None or row.due_at <= self.now)
        ]
        taken: list[Person] = []
        while due and not taken:
            some, due = due[:limit], due[limit:]
            taken = [row for row in some if row.msisdn not in self.opted]
            for row in some:
                if row.msisdn in self.opted:
                    self.move(row, "suppressed", "opted_out")
        for row in taken:
            row.state, row.reason, row.claim, row.claimed_at = "submitting", "", claim, self.now
            row.tries += 1
            if not row.is_listed:
                self.move(row, "failed", "recipient_removed")
        ready = [row for row in taken if row.is_listed]
        if ready and self.account.parts_per_day is not None:
            ready = self.fitting(pk, claim, ready)
        if not ready:
            return [], False
        if not self.agreed(plan, ready):
            for row in ready:
                self.give_day_back(row)
            return [], True
        return [row.message_id for row in ready], False

    def fitting(self, pk: int, claim: str, ready: list[Person]) -> list[Person]:
        limit = self.limit
        assert limit is not None
        used = self.used.get(self.today, 0)
        fits = []
        for row in ready:
            if used + row.own_parts <= limit:
                used += row.own_parts
                fits.append(row)
            else:
                self.wanted[self.today] = max(self.wanted.get(self.today, 0), row.own_parts)
        self.used[self.today] = used
        if len(fits) < len(ready):
            tomorrow = datetime.combine(self.today + timedelta(days=1), datetime.min.time(), UTC)
            for row in ready:
                if row not in fits:
                    self.back(row, Return(row.message_id, claim, DAILY_LIMIT, due_at=tomorrow, is_held=True))
            for row in self.in_order(pk, "queued"):
                row.state, row.reason, row.due_at = "held", DAILY_LIMIT, tomorrow
        return fits

    def agreed(self, plan: Plan, ready: list[Person]) -> bool:
        if not plan.is_limited:
            return True
        parts = sum(row.own_parts for row in ready)
        most = plan.agreed * PRICE
        if plan.claimed_parts + parts <= plan.agreed and plan.claimed_cost + parts * PRICE <= most:
            plan.claimed_parts += parts
            plan.claimed_cost += parts * PRICE
            return True
        others = [row for row in self.people.values() if self.plans[row.dispatch] is plan]
        real = sum(row.real_parts for row in others if row.state not in WAITS)
        if real > plan.agreed:
            return False
        plan.claimed_parts, plan.claimed_cost = real, self.real_cost(others)
        return True

    def real_cost(self, rows: list[Person]) -> Decimal:
        """What was handed over has its price; a refused text has none, and what is not settled that of its parts."""
        total = Decimal(0)
        for row in rows:
            if row.state in WAITS:
                continue
            if row.price is not None:
                total += row.price
            elif row.parts is None and row.state in ("submitting", "unknown"):
                total += row.rendered * PRICE
        return total

    def give_day_back(self, row: Person) -> None:
        if self.account.parts_per_day is not None:
            self.used[self.today] = max(self.used[self.today] - row.own_parts, 0)

    def hand_over(self, worker: Worker, kind: str) -> None:
        """Of what the worker has claimed the first, as the engine does: it looks whether it may go."""
        if not worker.jobs:
            return
        job = worker.jobs.popleft()
        row = self.people[job.outgoing.message_id]
        dispatch = Dispatch.objects.get(pk=job.dispatch_id)
        if dispatch.state != "running" or self.now >= row.claimed_at + LEASE / 2:
            worker.done.append(self.unsent(job, "paused"))
            return
        if self.now - row.claimed_at > FRESH and has_opted_out(dispatch, job.outgoing.msisdn):
            self.keep(worker, opted_out(job))
            return
        assert worker.journal.handed(job.outgoing.message_id)
        worker.handed.add(job.outgoing.message_id)
        assert row.perhaps_taken == 0, "handed over again, though it is perhaps sent"
        assert (row.state, row.claim) == ("submitting", worker.claim)
        if kind in ("sent", "lost", "never"):
            row.perhaps_taken += 1
        row.is_taken = row.is_taken or kind in ("sent", "lost")
        worker.flying.append(Fate(job, kind))

    def answer(self, worker: Worker, which: int) -> None:
        if not worker.flying:
            return
        fate = worker.flying.pop(which % len(worker.flying))
        job = fate.job
        match fate.kind:
            case "throttled":
                worker.done.append(self.unsent(job, "throttled", self.now + timedelta(seconds=1)))
            case "sent":
                self.keep(
                    worker,
                    self.news(
                        job, S.SENT, "", price=job.price, provider_message_id=f"v{job.outgoing.message_id}"
                    ),
                )
            case "refused":
                self.keep(worker, self.news(job, S.FAILED, "bad_number", **unused(job, S.FAILED)))
            case "opted_out":
                self.keep(
                    worker, self.news(job, S.SUPPRESSED, OPTED_OUT_AT_VENDOR, **unused(job, S.SUPPRESSED))
                )
            case _:
                self.keep(worker, self.news(job, S.UNKNOWN, "no_answer"))

    @staticmethod
    def news(job: Job, state: MessageState, reason: str, **facts: object) -> Change:
        now = timezone.now()
        words = f"{state.value} it is"
        return Change(
            job.outgoing.message_id,
            state,
            now,
            "engine",
            reason,
            words,
            parts=job.parts,
            text="Hello",
            **facts,  # type: ignore[arg-type]  # named facts
        )

    @staticmethod
    def unsent(job: Job, reason: str, due_at: datetime | None = None) -> Return:
        return Return(
            job.outgoing.message_id,
            job.claim,
            reason,
            "",
            due_at,
            job.taken,
            job.taken_cost,
            job.day,
            job.day_parts,
            tries=job.tries,
        )

    @staticmethod
    def keep(worker: Worker, change: Change) -> None:
        worker.journal.answered(change)
        worker.journal.flush()
        worker.answered[change.message_id] = change
        worker.done.append(change)

    @rule(number=NUMBERS, which=NUMBERS, how=st.sampled_from(["at work", "for good", "claiming"]))
    def killed(self, number: int, which: int, how: str) -> None:
        number %= WORKERS
        if how == "claiming":
            # Before its journal has a line of it.
            self.claim(number, which, 4, is_noted=False)
        if how == "at work":
            self.claim(number, which, 4)
            for kind in ("lost", "never"):
                self.hand_over(self.workers[number], kind)
        self.die_with_journal(number)
        if how == "for good":
            # On another machine, or on one that was started anew since: nobody knows what it did.
            worker = self.dead.pop()
            (self.folder / f"{worker.claim}.claims").unlink()
        if which % 2:
            self.recovered()

    def die_with_journal(self, number: int) -> None:
        worker = self.workers[number]
        die(worker.journal)
        worker.is_dead = True
        self.dead.append(worker)
        self.workers[number] = self.new_worker()

    def recovered(self) -> None:
        recover()
        self.recovered_by_model()

    def recovered_by_model(self) -> None:
        for worker in self.dead:
            mine = [
                row
                for row in self.people.values()
                if row.state in ("submitting", "unknown") and row.claim == worker.claim
            ]
            unsent = [
                row for row in mine if row.state == "submitting" and row.message_id not in worker.handed
            ]
            for row in mine:
                if row.message_id in worker.answered and row.message_id in worker.handed:
                    self.change(worker.answered[row.message_id])
            for row in unsent:
                parts, day_parts, day = worker.noted.get(row.message_id, (0, 0, ""))
                self.back(
                    row,
                    Return(
                        row.message_id,
                        worker.claim,
                        "worker_stopped",
                        parts=parts,
                        day=day,
                        day_parts=day_parts,
                    ),
                )
        self.dead.clear()

    def swept(self) -> None:
        expire_leases()
        self.swept_by_model()

    def swept_by_model(self) -> None:
        for row in self.people.values():
            if row.state == "submitting" and row.claimed_at + LEASE < self.now:
                self.move(row, "unknown", "worker_lost")

    @rule()
    def a_day_passes(self) -> None:
        self.time_passes(86_400)

    def time_passes(self, seconds: float) -> None:
        self.traveller.shift(timedelta(seconds=seconds))
        self.note_limit()

    @rule(what=st.sampled_from(["recovered", "swept", "cancelled", "finished", "let_go"]))
    def a_sweep(self, what: str) -> None:
        getattr(self, what)()

    # --- news from outside ------------------------------------------------------------------------------

    @rule(
        which=NUMBERS,
        told=st.lists(st.tuples(st.sampled_from(REPORTED), st.integers(0, 90)), min_size=1, max_size=3),
    )
    def reports(self, which: int, told: list[tuple[MessageState, int]]) -> None:
        """Late, twice, out of order, before our own answer is written. Of what the provider has, and of what it has not:
        a report by our number is believed, whatever it says, of what may have left."""
        self.reported_though_it_never_left(which)
        taken = [row for row in self.people.values() if row.is_taken]
        if not taken:
            return
        row = taken[which % len(taken)]
        reports = [
            (
                call,
                DeliveryReport(
                    state,
                    reference=reference_of(row.message_id),
                    msisdn=row.msisdn,
                    occurred_at=self.now - timedelta(seconds=late),
                ),
            )
            for call, (state, late) in enumerate(told)
        ]
        assert (
            apply_receipts(ReceiptsArrived(self.account.pk, self.account.workspace.pk, tuple(reports)))
            == frozenset()
        )
        for _call, report in reports:
            reason = report.state.value if report.state in (S.UNDELIVERED, S.EXPIRED, S.REJECTED) else ""
            self.change(Change(row.message_id, report.state, self.now, "receipt", reason))

    def reported_though_it_never_left(self, which: int) -> None:
        """A vendor's slip, or a number given anew after a backup was restored."""
        waiting = [row for row in self.people.values() if row.state in WAITS]
        if not waiting:
            return
        row = waiting[which % len(waiting)]
        report = DeliveryReport(S.DELIVERED, reference=reference_of(row.message_id), msisdn=row.msisdn)
        assert apply_receipts(
            ReceiptsArrived(self.account.pk, self.account.workspace.pk, ((9, report),))
        ) == {9}

    def opts_out(self, which: int) -> None:
        row = self.pick(which)
        opt_out(workspace=self.account.workspace, msisdn=row.msisdn, how=OptOutHow.STOP, source="STOP")
        self.opted.add(row.msisdn)

    def opts_in(self, which: int) -> None:
        row = self.pick(which)
        opt_in(workspace=self.account.workspace, msisdn=row.msisdn, reason="START")
        self.opted.discard(row.msisdn)

    def leaves_the_lists(self, which: int) -> None:
        row = self.pick(which)
        if row.state in WAITS:
            Recipient.objects.filter(pk=row.recipient_id).delete()
            row.is_listed = False

    @rule(
        what=st.sampled_from(["opts_out", "opts_out", "opts_in", "leaves_the_lists", "planned_again"]),
        which=NUMBERS,
    )
    def a_recipient(self, what: str, which: int) -> None:
        getattr(self, what)(which)

    # --- a person's word --------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["paused", "resumed", "resumed", "resumed", "stopped", "held", "released"]),
        which=NUMBERS,
    )
    def a_person(self, what: str, which: int) -> None:
        getattr(self, what)(which)

    def paused(self, which: int) -> None:
        pk = self.pick_plan(which)
        plan = self.plans[pk]
        assert pause_dispatch(dispatch_id=pk) is (plan.state == "running")
        if plan.state == "running":
            plan.state = "paused"

    def resumed(self, which: int) -> None:
        pk = self.pick_plan(which, "paused")
        plan = self.plans[pk]
        asked = Dispatch.objects.filter(pk=pk, over_agreed=True).values_list("asked_parts", flat=True).first()
        assert resume_dispatch(dispatch_id=pk) is (plan.state == "paused")
        if plan.state != "paused":
            return
        plan.state = "running"
        if asked is not None:
            assert asked > plan.agreed
            plan.agreed = asked
        self.finished_by_model(pk)

    def stopped(self, which: int) -> None:
        pk = self.pick_plan(which)
        plan = self.plans[pk]
        assert stop_dispatch(dispatch_id=pk) is (plan.state not in ENDED)
        if plan.state not in ENDED:
            plan.state = "stopped"

    def cancelled(self) -> None:
        cancel_stopped()
        self.cancelled_by_model()

    def cancelled_by_model(self) -> None:
        for pk, plan in self.plans.items():
            if plan.state == "stopped":
                for row in self.in_order(pk, *WAITS):
                    self.move(row, "cancelled", "stopped")

    def finished(self) -> None:
        finish_done_dispatches()
        for pk in self.plans:
            self.finished_by_model(pk)

    def finished_by_model(self, pk: int) -> None:
        plan = self.plans[pk]
        if plan.state == "running" and not self.in_order(pk, *WAITS, "submitting"):
            plan.state = "finished"

    def held(self, which: int) -> None:
        pk = self.pick_plan(which, "running")
        if self.plans[pk].state not in ("running", "paused"):
            return
        until = self.now + timedelta(minutes=which)
        hold_waiting(pk, reason="quiet_hours", until=until, chunk=2)
        for row in self.in_order(pk, "queued"):
            row.state, row.reason, row.due_at = "held", "quiet_hours", until

    def released(self, which: int) -> None:
        pk, limit = self.pick_plan(which, "running", "paused"), which + 1
        rows = [row for row in self.in_order(pk, "held") if row.reason == "quiet_hours"][:limit]
        assert release_held(pk, reason="quiet_hours", limit=limit, chunk=2) == len(rows)
        for row in rows:
            row.state, row.reason, row.due_at = "queued", "", None

    @rule(limit=st.sampled_from([None, 3, 12, 25]))
    def limit_changed(self, limit: int | None) -> None:
        self.set_limit(limit)

    def let_go(self) -> None:
        room = 10**6
        limit = self.limit
        if limit is not None:
            room = max(limit - self.used.get(self.today, 0), 0)
            if room < max(self.wanted.get(self.today, 0), 1):
                room = 0
        held = [
            row
            for pk, plan in self.plans.items()
            if plan.state == "running"
            for row in self.in_order(pk, "held")
            if row.reason == DAILY_LIMIT
        ]
        assert release_due() == len(held[:room])
        for row in held[:room]:
            row.state, row.reason, row.due_at = "queued", "", None
        if room and held:
            self.wanted.pop(self.today, None)

    @precondition(lambda self: len(self.plans) < 5)
    @rule(size=st.integers(1, 4), chunk=st.integers(1, 3))
    def next_segment(self, size: int, chunk: int) -> None:
        """Out of the reserve, piece by piece; whoever has left the lists stays behind."""
        target = self.new_dispatch(agreed=None)
        while filled := fill_dispatch(dispatch_id=target.pk, reserve_id=self.reserve, size=size, chunk=chunk):
            assert (filled.moved, filled.removed) == self.filled_by_model(target.pk, size, chunk)
        assert self.filled_by_model(target.pk, size, chunk) == (0, 0)
        assert start_dispatch(dispatch_id=target.pk)
        self.plans[target.pk].state = "running"

    def filled_by_model(self, target: int, size: int, chunk: int) -> tuple[int, int]:
        reserve = self.plans[self.reserve]
        if reserve.state != "reserve":
            return 0, 0
        waiting = self.in_order(self.reserve, "queued")
        wanted = size - len([row for row in self.people.values() if row.dispatch == target])
        first = waiting[: min(wanted, chunk)] if wanted > 0 else []
        if wanted > 0:
            gone = [row for row in first if not row.is_listed]
        elif any(row.is_listed for row in waiting):
            gone = []
        else:
            gone = waiting
        for row in gone:
            self.move(row, "cancelled", "left_list")
        moved = [] if gone else first
        for row in moved:
            row.dispatch = target
        if not self.in_order(self.reserve, "queued"):
            reserve.state = "finished"
        return len(moved), len(gone)

    def planned_again(self, which: int) -> None:
        """Nobody has two rows in a broadcast: the database says so."""
        row = self.pick(which)
        if not row.is_listed:
            return
        dispatch = Dispatch.objects.get(pk=self.free)
        with pytest.raises(IntegrityError), transaction.atomic():
            self.new_row(dispatch, Recipient.objects.get(pk=row.recipient_id)).save()

    # --- after each step --------------------------------------------------------------------------------

    @invariant()
    def is_the_same(self) -> None:
        if self.people:
            self.the_ledger_is_the_model()
            self.counters_are_the_ledger()
            self.dispatches_are_the_model()
            self.no_day_has_more_than_its_limit()
            assert set(OptOut.objects.values_list("msisdn", flat=True)) == self.opted

    def the_ledger_is_the_model(self) -> None:
        """One row each; the history tells each move once, and forward."""
        columns = ("dispatch_id", "msisdn", "state", "reason", "history")
        rows = {pk: tuple(rest) for pk, *rest in Message.objects.values_list("pk", *columns)}
        assert {pk: row[:4] for pk, row in rows.items()} == {
            pk: (row.dispatch, row.msisdn, row.state, row.reason) for pk, row in self.people.items()
        }
        for pk, (_dispatch, _msisdn, state, _reason, history) in rows.items():
            states = [entry[0] for entry in history]
            assert states == self.people[pk].history
            ranks = [RANKS[one] for one in states]
            assert ranks == sorted(set(ranks))
            assert state in (*WAITS, "submitting") or states[-1] == state

    def counters_are_the_ledger(self) -> None:
        real = Counter((row.dispatch, row.state, row.reason) for row in self.people.values())
        rows = MessageCount.objects.values_list("dispatch_id", "state", "reason", "count")
        assert {tuple(key): count for *key, count in rows if count} == dict(real)

    def dispatches_are_the_model(self) -> None:
        columns = ("pk", "state", "claimed_parts", "claimed_cost", "cost")
        for pk, state, claimed_parts, claimed_cost, cost in Dispatch.objects.values_list(*columns):
            plan = self.plans[pk]
            assert (state, claimed_parts) == (plan.state, plan.claimed_parts)
            assert abs(claimed_cost - plan.claimed_cost) < Decimal("0.0001")
            mine = [one for one in self.people.values() if one.dispatch == pk]
            assert abs(cost - sum((one.price or Decimal(0) for one in mine), Decimal(0))) < Decimal("0.0001")
            handed = sum(one.own_parts for one in mine if one.perhaps_taken)
            assert not plan.is_limited or handed <= plan.agreed, "more was sent than was agreed to"

    def no_day_has_more_than_its_limit(self) -> None:
        kept = dict(AccountDay.objects.values_list("day", "parts"))
        assert {day: parts for day, parts in kept.items() if parts} == {
            day: parts for day, parts in self.used.items() if parts
        }
        for day, parts in self.used.items():
            assert parts <= self.limits[day]

    # --- the end ----------------------------------------------------------------------------------------

    def settle_all(self) -> None:
        """Every worker dies, all leases end: nobody is left in between."""
        for number in range(WORKERS):
            self.die_with_journal(number)
        self.recovered()
        self.time_passes(61)
        self.swept()
        self.cancelled()
        self.is_the_same()
        for row in self.people.values():
            assert row.state != "submitting"
            if row.perhaps_taken:
                assert RANKS[row.state] >= RANKS["unknown"], "sent, and it would go out again"
            if row.is_taken:
                assert row.state not in ("suppressed", "cancelled")

    def compare_the_rest(self) -> None:
        assert list(miscounts()) == []
        kept: Counter[tuple[int, str]] = Counter()
        for dispatch_id, state, count in MessageMinute.objects.values_list("dispatch_id", "state", "count"):
            kept[dispatch_id, state] += count
        assert kept == self.minutes
        spent = sum(Spend.objects.values_list("cost", flat=True), Decimal(0))
        paid = sum((row.price or Decimal(0) for row in self.people.values()), Decimal(0))
        assert abs(spent - paid) < Decimal("0.0001")


SETTINGS = hypothesis_settings(
    max_examples=EXAMPLES or 30,
    stateful_step_count=STEPS,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
)


@pytest.mark.timeout(300 if not EXAMPLES else 24 * 3600)
def test_the_ledger_is_its_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    monkeypatch.setattr(settings, "ENGINE_JOURNAL_DIR", folder)
    monkeypatch.setattr(settings, "ENGINE_LEASE_SECONDS", LEASE.total_seconds())
    account = make_account(workspace_named("acme"), "messagewhiz", default_price=PRICE)
    lane = Lane(account, connector_of(account), receipt_url(account), PriceTable(account))
    for name, value in (("folder", folder), ("account", account), ("lane", lane)):
        monkeypatch.setattr(LedgerMachine, name, value, raising=False)
    run_machine(LedgerMachine, settings=SETTINGS)
