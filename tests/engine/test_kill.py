"""`kill -9` of the send worker in the middle of a broadcast, ten times over, on each broker: nobody is lost, nobody is
texted twice, and what is `unknown` is no more than what was in flight."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from accounts.models import Workspace
from messaging.dispatches import counts_of
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from providers.services import apply_waiting_calls
from tests.engine.brokers import broker_url
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.engine.worker_process import SCHEDULER, WORKER, Process
from tests.sandbox_process import SandboxProcess

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("kill"),
]

PEOPLE = 4000
KILLS = 10
IN_FLIGHT = 32
LEASE_SECONDS = 2.0


@dataclass
class Crew:
    """A send worker to be killed, and a scheduler that goes on."""

    worker: Process
    scheduler: Process

    def end(self) -> None:
        self.scheduler.stop()
        self.worker.stop()


def crew_on(broker: str, data: Path, **env: str) -> Crew:
    url = broker_url(broker)
    env = {"CRIER_LEASE_SECONDS": str(LEASE_SECONDS), "CRIER_CONTROL_SECONDS": "0.1", **env}
    crew = Crew(
        Process(WORKER, broker_url=url, data=data, env=env),
        Process(SCHEDULER, broker_url=url, data=data, env=env),
    )
    crew.scheduler.start()
    return crew


@pytest.fixture(params=["filesystem", "redis", "rabbitmq"])
def crew(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Crew]:
    if connection.vendor == "sqlite" and request.param != "filesystem":
        pytest.skip("brokers are tried on PostgreSQL; the embedded set-up is SQLite with the file queue")
    made = crew_on(request.param, tmp_path)
    yield made
    made.end()


@pytest.fixture
def account(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    sandbox.dial(latency_ms=20, force_outcome="delivered")
    return make_account(acme, "messagewhiz", sandbox.messagewhiz_url, max_in_flight=IN_FLIGHT)


def wait_until_accepted(sandbox: SandboxProcess, more_than: int, seconds: float = 40) -> int:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        taken = int(sandbox.stats()["accepted"])
        if taken > more_than:
            return taken
        time.sleep(0.02)
    raise AssertionError(f"the sandbox took no more than {more_than} texts in {seconds} s")


def wait_until_finished(dispatch: Dispatch, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        dispatch.refresh_from_db()
        if dispatch.state == "finished":
            return
        time.sleep(0.1)
    raise AssertionError(f"not finished: {counts_of([dispatch.pk])}")


def test_kill_ten_times(crew: Crew, account: ProviderAccount, sandbox: SandboxProcess) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    dispatch = make_dispatch(account.workspace, account, people=PEOPLE)
    taken = 0
    for _ in range(KILLS):
        crew.worker.start()
        taken = wait_until_accepted(sandbox, taken + chance.randrange(PEOPLE // KILLS // 4))
        crew.worker.kill()
        dispatch.refresh_from_db()
        assert dispatch.state == "running", "killed too late to mean anything"
    crew.worker.start()
    wait_until_finished(dispatch)
    crew.worker.stop()

    texts: dict[str, int] = sandbox.control("GET", "accepted")
    assert Counter(texts.values()).keys() == {1}, f"texted twice (seed {seed})"
    counts = {state: count for state, count in counts_of([dispatch.pk]).items() if count}
    assert sum(counts.values()) == PEOPLE
    assert set(counts) <= {"sent", "unknown"}, counts
    assert counts.get("unknown", 0) <= KILLS * IN_FLIGHT
    sent = Message.objects.filter(dispatch=dispatch, state="sent").values_list("msisdn", flat=True)
    assert set(sent) <= set(texts), "called sent, but the sandbox never saw it"
    unknown = Message.objects.filter(dispatch=dispatch, state="unknown").values_list("msisdn", flat=True)
    assert set(sent) | set(unknown) >= set(texts), (
        "the sandbox took a text that the ledger does not own up to"
    )
    never_left = len(set(unknown) - set(texts))
    assert never_left <= KILLS * IN_FLIGHT, "what was only claimed goes back: see the journal"
    print(f"unknown {counts.get('unknown', 0)}, of which never seen by the sandbox {never_left}")
    assert_counters_equal_ledger(dispatch)


def test_receipts_settle_what_a_killed_worker_left(
    account: ProviderAccount, sandbox: SandboxProcess, live_server: LiveServer, tmp_path: Path
) -> None:
    """The provider knows what it took: each unknown that it took ends as delivered."""
    crew = crew_on("filesystem", tmp_path, CRIER_WEBHOOK_URL=live_server.url)
    dispatch = make_dispatch(account.workspace, account, people=1200)
    try:
        crew.worker.start()
        wait_until_accepted(sandbox, 200)
        crew.worker.kill()
        crew.worker.start()
        wait_until_finished(dispatch)
    finally:
        crew.end()
    texts: dict[str, int] = sandbox.control("GET", "accepted")
    deadline = time.monotonic() + 40
    while counts_of([dispatch.pk])["delivered"] < len(texts) and time.monotonic() < deadline:
        apply_waiting_calls()
        time.sleep(0.1)
    counts = counts_of([dispatch.pk])
    assert counts["delivered"] == len(texts)
    assert counts["delivered"] + counts["unknown"] == 1200
    unknown = set(Message.objects.filter(dispatch=dispatch, state="unknown").values_list("msisdn", flat=True))
    assert not unknown & set(texts), "what the provider took is settled; what it never saw stays unknown"
    assert_counters_equal_ledger(dispatch)


def test_a_worker_that_is_asked_to_end_leaves_nothing_unknown(
    crew: Crew, account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    dispatch = make_dispatch(account.workspace, account, people=2000)
    # A short lease is for tests of sudden death: here the sweep would call unknown what a slow machine still writes.
    crew.worker.env["CRIER_LEASE_SECONDS"] = "60"
    crew.worker.start()
    wait_until_accepted(sandbox, 100)
    assert crew.worker.stop() == 0
    counts = {state: count for state, count in counts_of([dispatch.pk]).items() if count}
    assert set(counts) <= {"sent", "queued"}, counts
    assert counts["sent"] == int(sandbox.stats()["accepted"])
    assert_counters_equal_ledger(dispatch)
