"""Everything goes wrong at once, on real PostgreSQL, RabbitMQ and the sandbox: senders, worker, scheduler and web server are
killed, the broker is wiped, the database cuts its connections or is away, the providers throttle, fail, hang and cut the
line, receipts come late, twice and out of order, people write STOP, and others pause, resume and stop. Then it is
quiet, and the handsets are asked: nobody is lost, nobody was texted twice or after an opt-out, the counters are the ledger.

CHAOS_SEED=7 takes the same chances again, as far as the machine does; CHAOS_MINUTES=60 goes on, round after round.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from kombu import Connection
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError
from campaigns.models import Broadcast, BroadcastKind, BroadcastState
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.segments import continue_broadcast, next_of
from contacts.models import OptOut, OptOutHow, Recipient, RecipientList
from contacts.services.opt_outs import opt_out
from messaging.models import Dispatch, Message
from messaging.recount import miscounts
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import create_sandbox_accounts, register_sandbox_webhooks
from providers.services.webhook_calls import apply_again
from sms.examples import example_msisdns
from tests.campaigns.makers import send
from tests.engine.brokers import broker_url
from tests.engine.makers import make_sender
from tests.engine.worker_process import ROOT, database_url
from tests.sandbox_process import SandboxProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.xdist_group("kill"),
]

SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
MINUTES = float(os.environ.get("CHAOS_MINUTES", "0"))
# Of a round: how much goes wrong, and how long it may take until all is settled; machines are slow when others work.
DEEDS = 70
BEGIN_SECONDS = 120.0
SETTLE_SECONDS = 240.0
LEASE_SECONDS = 6.0
REQUEST_SECONDS = 2.0
IN_FLIGHT = 16
# Looked at anew by the engine after a second (FRESH_SECONDS); what is on its way by then arrives a little later.
AFTER_OPT_OUT = timedelta(seconds=1 + REQUEST_SECONDS + 2)
VENDORS = ("messagewhiz", "bulkvs")
QUEUES = ("default", "send", "webhooks", "files")
# Nothing is carried out, and the answer does not say so.
UNCLEAR = ("server_error", "unavailable", "cut_before", "hang")
FAULTS = (*UNCLEAR, "throttled", "cut_after", "html", "truncated")
# What the last digits of a number make of it: providers/sandbox/outcomes.py.
REFUSED, FAILS, NO_RECEIPT = "93", "96", "98"
REACHED = {"90": "undelivered", "91": "expired", "92": "rejected"}


# --- the processes ---------------------------------------------------------------------------------------


class Killable:
    """A process in a group of its own: `kill()` ends it and its children without a goodbye, `tend()` starts what ended, as
    a supervisor does."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], data: Path) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.log_path = data / f"{name}.log"
        self.kills = 0
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def tend(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self._end(signal.SIGKILL)
        self.starts += 1
        names = ["-n", f"{self.name}-{self.starts}@%h"] if "worker" in self.command else []
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command, *names],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        self.kills += 1
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass
class Crew:
    processes: dict[str, Killable]
    broker: str
    prefix: str
    url: str

    def tend(self) -> None:
        for process in self.processes.values():
            process.tend()

    def stop(self) -> None:
        for process in self.processes.values():
            process.stop()
        with contextlib.suppress(Exception):
            self.wipe(random.Random(0), forget=True)

    def wipe(self, chance: random.Random, *, forget: bool = False) -> None:
        """All that waits at the broker is gone; half the time the queues are, too."""
        with Connection(self.broker, connect_timeout=3) as broker:
            channel = broker.channel()
            for queue in QUEUES:
                deed = channel.queue_delete if forget or chance.random() < 0.5 else channel.queue_purge
                with contextlib.suppress(Exception):
                    deed(self.prefix + queue)
                    continue
                # A channel is closed by what it asked for in vain: a queue that is not there.
                channel = broker.channel()

    @property
    def sender_kills(self) -> int:
        return sum(process.kills for name, process in self.processes.items() if name.startswith("sender"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    if connection.vendor != "postgresql":
        pytest.skip("chaos is for PostgreSQL; the suite runs there as well")
    broker = broker_url("rabbitmq")
    port = free_port()
    # Short: a worker's heartbeat is named after its queue.
    prefix = f"t{secrets.token_hex(2)}-"
    url = f"http://127.0.0.1:{port}"
    env = os.environ | {
        "CELERY_BROKER_URL": broker,
        "CRIER_TEST_QUEUES": prefix,
        "CRIER_DATA": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "DATABASE_URL": database_url(),
        "CRIER_SECRET_KEY": django_settings.SECRET_KEY,
        "CRIER_ENCRYPTION_KEYS": ",".join(django_settings.ENCRYPTION_KEYS),
        "CRIER_PUBLIC_URL": url,
        "CRIER_WEBHOOK_URL": url,
        "CRIER_LEASE_SECONDS": str(LEASE_SECONDS),
        "CRIER_REQUEST_TIMEOUT_SECONDS": str(REQUEST_SECONDS),
        "CRIER_CONTROL_SECONDS": "0.25",
        "CRIER_ENGINE_RUN_SECONDS": "10",
    }
    celery = [sys.executable, "-m", "tests.engine.own_queues"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"]
    worker = [*celery, "worker", *quiet, "-P", "solo", "-Q"]
    commands = {
        "web": [
            *(sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--host", "127.0.0.1"),
            *("--port", str(port), "--log-level", "warning", "tests.engine.own_queues:application"),
        ],
        "sender1": [*worker, prefix + "send"],
        "sender2": [*worker, prefix + "send"],
        "worker": [*worker, prefix + "default"],
        "scheduler": [*celery, "beat", "--loglevel", "INFO", "--pidfile="],
    }
    made = Crew(
        {name: Killable(name, command, env, tmp_path) for name, command in commands.items()},
        broker,
        prefix,
        url,
    )
    made.tend()
    yield made
    made.stop()


@contextlib.contextmanager
def database_away() -> Iterator[None]:
    """As while the server is started anew: nobody gets in, and whoever was in is out. Only of this database."""
    name = connection.settings_dict["NAME"]
    has = connection.settings_dict
    address = {"host": has["HOST"] or "127.0.0.1", "port": has["PORT"] or 5432, "user": has["USER"]}
    with psycopg.connect(
        **address, password=has["PASSWORD"] or None, dbname="postgres", autocommit=True
    ) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            cut_connections()
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def cut_connections() -> None:
    """Everybody's but ours."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- a round ---------------------------------------------------------------------------------------------


@dataclass
class Round:
    """Some broadcasts of one workspace, what befalls them, and what was seen of it."""

    workspace: Workspace
    crew: Crew
    sandbox: SandboxProcess
    chance: random.Random
    begin: int
    broadcasts: list[Broadcast] = field(default_factory=list)
    # When they were surely stored.
    opted_out: dict[str, datetime] = field(default_factory=dict)
    replied: set[str] = field(default_factory=set)
    unclear_times: int = 0
    outages: int = 0
    done: Counter[str] = field(default_factory=Counter)

    # --- before ---

    def launch_all(self) -> None:
        accounts = {account.vendor: account for account in create_sandbox_accounts(self.workspace)}
        self.workspace.typed_count_above = 10**6
        # Whatever the hour is.
        self.workspace.has_quiet_hours = False
        self.workspace.save()
        for account in accounts.values():
            paced = {"parts_per_second": Decimal(40), "max_in_flight": IN_FLIGHT}
            ProviderAccount.objects.filter(pk=account.pk).update(**paced)
        assert register_sandbox_webhooks(workspace=self.workspace) >= 1
        first, second = self.make_list(0, 900), self.make_list(600, 900)
        # Those in the middle get three of them: who writes STOP to the first does not get the next.
        self.launch("Alpha", accounts["messagewhiz"], first)
        self.launch("Bravo", accounts["bulkvs"], second)
        self.launch("Charlie", accounts["bulkvs"], first)
        self.launch("Delta", accounts["messagewhiz"], second, first_segment_size=250)
        self.launch("Echo", accounts["messagewhiz"], self.make_list(1500, 300))

    def make_list(self, start: int, people: int) -> RecipientList:
        made = RecipientList.objects.create(
            workspace=self.workspace, name=f"From {start}", recipient_count=people
        )
        numbers = enumerate(example_msisdns(people, self.begin + start))
        Recipient.objects.bulk_create(
            Recipient(list=made, msisdn=msisdn, country="US", first_name=f"Person {place}")
            for place, msisdn in numbers
        )
        return made

    def launch(self, name: str, account: ProviderAccount, people: RecipientList, **more: int) -> None:
        kind = BroadcastKind.SMART_MANUAL if more else BroadcastKind.BASE
        actor = Actor()
        draft = create_draft(workspace=self.workspace, actor=actor, name=f"{name} {self.begin}", kind=kind)
        changes = {
            "list_ids": [people.pk],
            "account_id": account.pk,
            "sender_id": make_sender(self.workspace).pk,
            # BulkVS's receipts name a text by its first eight characters.
            "text": f"{name}: hello {{{{first_name}}}}. Reply STOP to opt out",
        }
        draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes | more)
        self.broadcasts.append(send(draft, actor, plan=False))

    # --- meanwhile ---

    def wait_for_the_first(self) -> None:
        deadline = time.monotonic() + BEGIN_SECONDS
        while not self.sandbox.stats()["accepted"]:
            assert time.monotonic() < deadline, f"nothing was sent within {BEGIN_SECONDS:.0f} s"
            self.crew.tend()
            time.sleep(0.2)

    def go_wrong(self) -> None:
        deeds: list[tuple[int, Callable[[], None]]] = [
            (6, self.kill_some),
            (8, self.trouble_a_vendor),
            (2, self.wipe_the_broker),
            (3, self.cut_the_database),
            (1, self.take_the_database_away),
            (5, self.repeat_receipts),
            (9, self.opt_some_out),
            (6, self.pause_or_resume),
            (1, self.stop_one),
            (4, self.send_the_next_segment),
        ]
        for _number in range(DEEDS):
            [deed] = self.chance.choices([one for _, one in deeds], [weight for weight, _ in deeds])
            self.done[deed.__name__] += 1
            deed()
            self.note_opt_outs()
            time.sleep(self.chance.uniform(0.05, 0.8))
            self.crew.tend()

    def kill_some(self) -> None:
        names = ["sender1", "sender2", "sender1", "sender2", "worker", "scheduler", "web"]
        self.crew.processes[self.chance.choice(names)].kill()

    def trouble_a_vendor(self) -> None:
        kind, times = self.chance.choice(FAULTS), self.chance.randrange(1, 7)
        self.unclear_times += times if kind in UNCLEAR else 0
        faults = [{"path": "", "fault": kind, "method": "POST", "times": times}]
        self.sandbox.dial(vendor=self.chance.choice(VENDORS), faults=faults)

    def wipe_the_broker(self) -> None:
        self.crew.wipe(self.chance)

    def cut_the_database(self) -> None:
        self.outages += 1
        cut_connections()

    def take_the_database_away(self) -> None:
        self.outages += 1
        with database_away():
            time.sleep(self.chance.uniform(0.5, 3))

    def repeat_receipts(self) -> None:
        """Late and out of order: what was applied long ago is applied again."""
        calls = StoredWebhookCall.objects.filter(account__workspace=self.workspace)
        known = list(calls.values_list("pk", flat=True))
        apply_again(call_ids=self.chance.sample(known, min(len(known), 60)))

    def opt_some_out(self) -> None:
        """Some by a page or the API, some by a text."""
        numbers = list(example_msisdns(1800, self.begin))
        for msisdn in self.chance.sample(numbers, 4):
            opt_out(workspace=self.workspace, msisdn=msisdn, how=OptOutHow.API, source="chaos")
        for msisdn in self.chance.sample(numbers[600:1500], 12):
            reply = {"text": "STOP", "vendor": "bulkvs"}
            answer = self.sandbox.request("POST", f"/_sandbox/handsets/{msisdn}/reply", reply)
            # 502: our server was away, and is called again. Else: this one got no text yet.
            if answer.status_code in (200, 502):
                self.replied.add(msisdn)

    def note_opt_outs(self) -> None:
        now_stored = OptOut.objects.filter(workspace=self.workspace).values_list("msisdn", flat=True)
        fresh = set(now_stored) - self.opted_out.keys()
        at = timezone.now()
        self.opted_out |= dict.fromkeys(fresh, at)

    def pause_or_resume(self) -> None:
        broadcast = Broadcast.objects.get(pk=self.chance.choice(self.broadcasts).pk)
        deed = resume_broadcast if broadcast.state == BroadcastState.PAUSED else pause_broadcast
        with contextlib.suppress(CampaignError):
            deed(broadcast=broadcast, actor=Actor())

    def stop_one(self) -> None:
        """The last one, so that the others have something to tell."""
        with contextlib.suppress(CampaignError):
            stop_broadcast(broadcast=Broadcast.objects.get(pk=self.broadcasts[-1].pk), actor=Actor())

    def send_the_next_segment(self, size: int | None = 150) -> None:
        broadcast = Broadcast.objects.select_related("workspace").get(pk=self.broadcasts[3].pk)
        with contextlib.suppress(CampaignError):
            found = next_of(broadcast, size=size)
            continue_broadcast(
                broadcast=broadcast,
                actor=Actor(),
                launch_token=broadcast.launch_token,
                size=size,
                digest=found.estimate.digest,
            )

    # --- afterwards ---

    def settle(self) -> None:
        """A person resumes what the engine has paused, until nobody waits and every receipt has been taken."""
        self.sandbox.dial(faults=[])
        deadline = time.monotonic() + SETTLE_SECONDS
        while (open_ := self.still_open()) and time.monotonic() < deadline:
            self.crew.tend()
            self.note_opt_outs()
            for broadcast in Broadcast.objects.filter(workspace=self.workspace, state=BroadcastState.PAUSED):
                with contextlib.suppress(CampaignError):
                    resume_broadcast(broadcast=broadcast, actor=Actor())
            self.send_the_next_segment(size=None)
            time.sleep(0.5)
        self.note_opt_outs()
        self.nobody_got_it_twice()
        assert not open_, f"after {SETTLE_SECONDS:.0f} s of quiet still open: {open_}"

    def still_open(self) -> dict[str, int]:
        ids = [broadcast.pk for broadcast in self.broadcasts]
        waiting = Message.objects.filter(broadcast_id__in=ids, state__in=["queued", "held", "submitting"])
        dispatches = Dispatch.objects.filter(broadcast_id__in=ids).exclude(state__in=["finished", "stopped"])
        # One that was tried so often belongs to nobody; what it would have told is missed below.
        calls = StoredWebhookCall.objects.filter(account__workspace=self.workspace, state="new", tries__lt=7)
        found = {
            "messages": waiting.count(),
            "dispatches": dispatches.count(),
            "calls": calls.count(),
            "receipts": int(self.sandbox.stats()["receipts_pending"]),
        }
        return {name: count for name, count in found.items() if count}

    # --- what came of it ---

    def verify(self) -> None:
        self.nobody_got_it_twice()
        self.nobody_is_lost()
        self.the_ledger_is_what_the_handsets_got()
        self.nobody_got_it_after_an_opt_out()
        self.unknown_is_what_could_not_be_known()
        assert list(miscounts()) == []
        spent = {row.pk: row.cost for row in Dispatch.objects.filter(workspace=self.workspace)}
        paid: Counter[int] = Counter()
        rows = Message.objects.filter(workspace=self.workspace, price__isnull=False)
        for dispatch_id, price in rows.values_list("dispatch_id", "price"):
            paid[dispatch_id] += price
        assert {pk: cost for pk, cost in spent.items() if cost} == dict(paid)

    def rows_of(self, broadcast: Broadcast) -> list[Message]:
        return list(Message.objects.filter(broadcast_id=broadcast.pk))

    def accepted(self, broadcast: Broadcast) -> dict[str, int]:
        """By number, how many texts of this broadcast its handset got."""
        marker = broadcast.text.partition(":")[0]
        found: dict[str, int] = self.sandbox.control("GET", f"accepted?text_contains={marker}%3A")
        return found

    def nobody_got_it_twice(self) -> None:
        for broadcast in self.broadcasts:
            again = {msisdn: count for msisdn, count in self.accepted(broadcast).items() if count > 1}
            assert not again, f"{broadcast.name}: texted more than once: {again}"

    def nobody_is_lost(self) -> None:
        stopped = self.broadcasts[-1].pk if self.done["stop_one"] else 0
        for broadcast in self.broadcasts:
            people = Recipient.objects.filter(list__in=broadcast.lists.all())
            listed = set(people.values_list("msisdn", flat=True))
            rows = self.rows_of(broadcast)
            numbers = [row.msisdn for row in rows]
            assert len(set(numbers)) == len(numbers)
            missing = listed - set(numbers)
            # Who had opted out when it was planned was told so before, and has no row.
            assert broadcast.pk == stopped or missing <= self.opted_out.keys(), f"lost: {sorted(missing)[:5]}"
            ended = {"cancelled"} if broadcast.pk == stopped else set()
            states = {row.state for row in rows}
            known = {"sent", "delivered", "undelivered", "expired", "rejected", "failed", "unknown"}
            assert states <= known | {"suppressed"} | ended

    def the_ledger_is_what_the_handsets_got(self) -> None:
        """A receipt is given up by the sandbox after eight tries: then, and then only, it is not known what became of it."""
        unreported = 0
        for broadcast in self.broadcasts:
            accepted = self.accepted(broadcast)
            rows = {row.msisdn: row for row in self.rows_of(broadcast)}
            assert accepted.keys() <= rows.keys()
            for msisdn, row in rows.items():
                ending = msisdn[-2:]
                if msisdn not in accepted:
                    assert row.state in ("failed", "suppressed", "cancelled", "unknown"), (msisdn, row.state)
                    assert row.state != "failed" or ending == REFUSED
                elif ending == NO_RECEIPT:
                    assert row.state in ("sent", "unknown"), (msisdn, row.state)
                elif row.state in ("sent", "unknown"):
                    unreported += 1
                else:
                    assert row.state == REACHED.get(ending, "delivered"), (
                        broadcast.name,
                        msisdn,
                        row.history,
                    )
        assert unreported <= self.sandbox.stats()["receipts_failed"]

    def nobody_got_it_after_an_opt_out(self) -> None:
        """Claimed after it was stored: never. Claimed before, and on its way for longer than that takes: neither."""
        assert self.replied <= self.opted_out.keys() or self.sandbox.stats()["replies_failed"]
        for broadcast in self.broadcasts:
            accepted = self.accepted(broadcast)
            for row in self.rows_of(broadcast):
                stored = self.opted_out.get(row.msisdn)
                if stored is None or row.msisdn not in accepted:
                    continue
                assert row.submitted_at is not None
                assert row.submitted_at <= stored, (row.msisdn, row.submitted_at, stored)
                thread = self.sandbox.control("GET", f"handsets/{row.msisdn}")["thread"]
                marker = broadcast.text.partition(":")[0]
                [got] = [text for text in thread if text["text"].startswith(f"{marker}:")]
                late = datetime.fromisoformat(got["at"]) - stored
                assert late < AFTER_OPT_OUT, (row.msisdn, late)

    def unknown_is_what_could_not_be_known(self) -> None:
        """A receipt settles whatever the provider took. The rest are answers that never came: of faults, of numbers that
        fail, and of what a killed sender had in its hands."""
        never_taken: Counter[str] = Counter()
        for broadcast in self.broadcasts:
            accepted = self.accepted(broadcast)
            for row in self.rows_of(broadcast):
                if row.state == "unknown" and row.msisdn not in accepted:
                    never_taken["fails" if row.msisdn.endswith(FAILS) else row.reason] += 1
        of_killed = (self.crew.sender_kills + 2 * self.outages) * IN_FLIGHT * len(VENDORS)
        assert never_taken.pop("worker_lost", 0) <= of_killed
        never_taken.pop("fails", None)
        assert never_taken.keys() <= {"no_answer", "server_trouble", "bad_answer"}, never_taken
        assert never_taken.total() <= self.unclear_times, never_taken
        self.done["unknown"] = never_taken.total()


@pytest.mark.timeout(600 if not MINUTES else MINUTES * 60 + 900)
def test_chaos(
    acme: Workspace, crew: Crew, sandbox: SandboxProcess, settings: Settings, tmp_path: Path
) -> None:
    settings.SANDBOX_URL = sandbox.url
    settings.WEBHOOK_URL = settings.PUBLIC_URL = crew.url
    end = time.monotonic() + MINUTES * 60
    number = 0
    while not number or time.monotonic() < end:
        seed = SEED + number
        print(f"CHAOS_SEED={seed}", flush=True)
        sandbox.reset()
        sandbox.dial(latency_ms=30, receipt_delay_ms=[0, 4000], retry_ms=500)
        one = Round(acme, crew, sandbox, random.Random(seed), begin=number * 2000)
        one.launch_all()
        one.wait_for_the_first()
        one.go_wrong()
        one.settle()
        one.verify()
        stats = sandbox.stats()
        print(
            dict(one.done), f"accepted {stats['accepted']}, receipts {stats['receipts_posted']}", flush=True
        )
        OptOut.objects.all().delete()
        number += 1
