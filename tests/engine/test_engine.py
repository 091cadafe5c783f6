"""The send loop against the sandbox, over real HTTP: every outcome, pause, stop, and a provider in trouble."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import OptOut, Recipient
from messaging.dispatches import cancel_stopped, counts_of, pause_dispatch, resume_dispatch, stop_dispatch
from messaging.ledger import Change
from messaging.models import Dispatch, Message
from messaging.tasks import run_engine
from providers.models import ProviderAccount
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

QUIET = [f"120155501{ending:02d}" for ending in range(90)]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05
    settings.ENGINE_UNREACHABLE_SECONDS = 0.0


@pytest.fixture(params=["messagewhiz", "bulkvs"])
def account(request: pytest.FixtureRequest, acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    url = sandbox.messagewhiz_url if request.param == "messagewhiz" else sandbox.bulkvs_url
    return make_account(acme, request.param, url)


@pytest.fixture
def whiz(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, "messagewhiz", sandbox.messagewhiz_url)


def states(dispatch: Dispatch) -> dict[str, int]:
    dispatch.refresh_from_db()
    return {state: count for state, count in counts_of([dispatch.pk]).items() if count}


def accepted(sandbox: SandboxProcess) -> dict[str, int]:
    counts: dict[str, int] = sandbox.control("GET", "accepted")
    return counts


def test_it_works(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = make_dispatch(account.workspace, account, people=50)
    report = run_engine()
    assert states(dispatch) == {"sent": 50}
    assert (report.sent, report.unknown, report.failed) == (50, 0, 0)
    assert dispatch.state == "finished"
    assert set(accepted(sandbox).values()) == {1}
    first = dispatch.messages.order_by("id")[0]
    assert first.text == "Hello Person 0"
    assert first.provider_message_id
    assert first.parts == 1
    assert_counters_equal_ledger(dispatch)


@pytest.mark.parametrize(
    ("ending", "state", "reason"),
    [
        ("93", "failed", None),
        ("95", "unknown", "no_answer"),
        ("96", "unknown", "server_trouble"),
        ("97", "unknown", "bad_answer"),
    ],
)
def test_tells_certain_from_unclear(
    account: ProviderAccount, ending: str, state: str, reason: str | None
) -> None:
    dispatch = make_dispatch(account.workspace, account, msisdns=[f"120155501{ending}"])
    run_engine()
    message = dispatch.messages.get()
    assert message.state == state
    assert message.reason == reason or (reason is None and message.reason)
    assert message.words


def test_a_throttled_text_goes_out_once_when_asked_for_later(
    account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    dispatch = make_dispatch(account.workspace, account, msisdns=["12015550194"])
    deadline = time.monotonic() + 20
    while states(dispatch) != {"sent": 1} and time.monotonic() < deadline:
        run_engine(seconds=2)
    assert states(dispatch) == {"sent": 1}
    assert accepted(sandbox) == {"12015550194": 1}
    assert dispatch.messages.get().tries == 3
    assert_counters_equal_ledger(dispatch)


def test_nobody_who_opted_out_meanwhile_is_texted(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = make_dispatch(account.workspace, account, msisdns=QUIET[:5])
    OptOut.objects.create(workspace=account.workspace, msisdn=QUIET[2])
    run_engine()
    assert states(dispatch) == {"sent": 4, "suppressed": 1}
    assert QUIET[2] not in accepted(sandbox)
    assert dispatch.state == "finished"


def test_who_was_removed_from_the_list_is_accounted_for(whiz: ProviderAccount) -> None:
    dispatch = make_dispatch(whiz.workspace, whiz, people=3)
    gone = dispatch.messages.order_by("id")[0]
    Recipient.objects.filter(pk=gone.recipient_id).delete()
    run_engine()
    gone.refresh_from_db()
    assert (gone.state, gone.reason) == ("failed", "recipient_removed")
    assert states(dispatch) == {"sent": 2, "failed": 1}


def test_an_empty_text_is_not_sent(whiz: ProviderAccount) -> None:
    dispatch = make_dispatch(whiz.workspace, whiz, people=2, text="{{custom}}")
    run_engine()
    assert states(dispatch) == {"failed": 2}
    assert set(dispatch.messages.values_list("reason", flat=True)) == {"empty_text"}


@pytest.mark.parametrize("vendor", ["messagewhiz", "bulkvs"])
def test_wrong_credentials_pause_and_lose_nobody(
    acme: Workspace, sandbox: SandboxProcess, vendor: str
) -> None:
    url = sandbox.messagewhiz_url if vendor == "messagewhiz" else sandbox.bulkvs_url
    account = make_account(acme, vendor, url)
    whiz, bulkvs = {"api_key": "wrong-one"}, {"username": "sandbox", "password": "wrong-one"}
    account.credentials = bulkvs if vendor == "bulkvs" else whiz
    account.save()
    dispatch = make_dispatch(acme, account, msisdns=QUIET[:40])
    run_engine()
    assert states(dispatch) == {"queued": 40}
    assert dispatch.state == "paused"
    assert account.name in dispatch.state_reason
    assert "wrong-one" not in dispatch.state_reason
    account.refresh_from_db()
    assert account.health == "failing"
    assert_counters_equal_ledger(dispatch)


def test_settings_that_cannot_be_used_pause_their_own_broadcasts_only(
    acme: Workspace, whiz: ProviderAccount
) -> None:
    broken = make_account(acme, "messagewhiz", "https://example.com", name="broken")
    broken.credentials = {}
    broken.save()
    held = make_dispatch(acme, broken, msisdns=QUIET[:3], broadcast_id=1)
    well = make_dispatch(acme, whiz, msisdns=QUIET[:3], broadcast_id=2)
    run_engine()
    assert states(well) == {"sent": 3}
    assert states(held) == {"queued": 3}
    assert held.state == "paused"
    assert "broken" in held.state_reason


def test_an_account_disabled_under_way_pauses(whiz: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = make_dispatch(whiz.workspace, whiz, msisdns=QUIET[:3])
    ProviderAccount.objects.update(enabled=False)
    run_engine()
    assert states(dispatch) == {"queued": 3}
    assert dispatch.state == "paused"
    assert "disabled" in dispatch.state_reason
    assert accepted(sandbox) == {}


def test_a_provider_that_is_down_pauses_and_loses_nobody(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz", "http://127.0.0.1:9")
    dispatch = make_dispatch(acme, account, msisdns=QUIET[:40])
    run_engine(seconds=5)
    assert states(dispatch) == {"queued": 40}
    assert dispatch.state == "paused"
    assert set(dispatch.messages.values_list("reason", flat=True)) <= {"unreachable", "paused", ""}


def test_a_sender_that_the_account_may_not_use_pauses_its_broadcast(
    acme: Workspace, sandbox: SandboxProcess
) -> None:
    account = make_account(acme, "bulkvs", sandbox.bulkvs_url)
    sandbox.dial(force_outcome="sender_off")
    dispatch = make_dispatch(acme, account, msisdns=QUIET[:30])
    run_engine()
    assert states(dispatch) == {"queued": 30}
    assert dispatch.state == "paused"
    assert_counters_equal_ledger(dispatch)


def test_no_credit_pauses(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    sandbox.dial(force_outcome="no_credit")
    dispatch = make_dispatch(account.workspace, account, msisdns=QUIET[:20])
    run_engine()
    assert states(dispatch) == {"queued": 20}
    assert dispatch.state == "paused"


def test_a_provider_that_cuts_every_line_is_stopped_early(
    whiz: ProviderAccount, sandbox: SandboxProcess
) -> None:
    sandbox.dial(force_outcome="cut")
    dispatch = make_dispatch(whiz.workspace, whiz, people=400)
    run_engine()
    counts = states(dispatch)
    assert dispatch.state == "paused"
    assert counts["queued"] > 250, "the rest is kept for when the provider is well again"
    assert counts["unknown"] + counts["queued"] == 400
    assert set(accepted(sandbox).values()) == {1}


def in_background(seconds: float = 20) -> threading.Thread:
    def run() -> None:
        from django.db import connections

        try:
            run_engine(seconds=seconds)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for(condition: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def test_pause_takes_effect_within_two_seconds_and_resume_goes_on(
    whiz: ProviderAccount, sandbox: SandboxProcess
) -> None:
    sandbox.dial(latency_ms=50)
    dispatch = make_dispatch(whiz.workspace, whiz, people=3000)
    thread = in_background()
    wait_for(lambda: len(accepted(sandbox)) > 30)
    pause_dispatch(dispatch_id=dispatch.pk)
    paused_at = time.monotonic()
    thread.join(10)
    assert not thread.is_alive()
    assert time.monotonic() - paused_at < 2
    counts = states(dispatch)
    assert set(counts) == {"sent", "queued"}
    assert counts["sent"] == len(accepted(sandbox))
    resume_dispatch(dispatch_id=dispatch.pk)
    sandbox.dial(latency_ms=0)
    run_engine()
    assert states(dispatch) == {"sent": 3000} or set(states(dispatch)) <= {
        "sent",
        "failed",
        "unknown",
        "queued",
    }
    assert max(accepted(sandbox).values()) == 1
    assert_counters_equal_ledger(dispatch)


def test_stop_cancels_who_waits_within_two_seconds(whiz: ProviderAccount, sandbox: SandboxProcess) -> None:
    sandbox.dial(latency_ms=50, force_outcome="delivered")
    dispatch = make_dispatch(whiz.workspace, whiz, people=2000)
    thread = in_background()
    wait_for(lambda: len(accepted(sandbox)) > 30)
    stop_dispatch(dispatch_id=dispatch.pk)
    cancel_stopped([dispatch.pk])
    stopped_at = time.monotonic()
    thread.join(10)
    assert time.monotonic() - stopped_at < 2
    counts = states(dispatch)
    assert set(counts) == {"sent", "cancelled"}
    assert counts["sent"] == len(accepted(sandbox))
    assert sum(counts.values()) == 2000
    assert_counters_equal_ledger(dispatch)


def test_keeps_to_the_rate_of_the_account(acme: Workspace, sandbox: SandboxProcess) -> None:
    account = make_account(acme, "messagewhiz", sandbox.messagewhiz_url, parts_per_second=50)
    dispatch = make_dispatch(acme, account, msisdns=QUIET[:60])
    began = time.monotonic()
    run_engine()
    # 60 parts at 50 a second: the last one starts 1.18 s after the first.
    assert time.monotonic() - began > 1.1
    assert states(dispatch) == {"sent": 60}


def test_never_more_in_flight_than_the_account_allows(acme: Workspace, sandbox: SandboxProcess) -> None:
    account = make_account(acme, "messagewhiz", sandbox.messagewhiz_url, max_in_flight=4)
    sandbox.dial(latency_ms=40)
    make_dispatch(acme, account, msisdns=QUIET[:40])
    began = time.monotonic()
    run_engine()
    # Ten rounds of 40 ms at least: four at a time.
    assert time.monotonic() - began > 0.4


def test_two_engines_share_a_dispatch_without_texting_anybody_twice(
    whiz: ProviderAccount, sandbox: SandboxProcess
) -> None:
    sandbox.dial(latency_ms=5, force_outcome="delivered")
    dispatch = make_dispatch(whiz.workspace, whiz, people=1500)
    threads = [in_background(), in_background()]
    for thread in threads:
        thread.join(40)
    assert states(dispatch) == {"sent": 1500}
    assert Counter(accepted(sandbox).values()) == {1: 1500}
    assert len(set(Message.objects.filter(dispatch=dispatch).values_list("claim", flat=True))) >= 1
    assert_counters_equal_ledger(dispatch)


def test_two_dispatches_of_one_account_both_go_on(whiz: ProviderAccount, sandbox: SandboxProcess) -> None:
    sandbox.dial(force_outcome="delivered")
    first = make_dispatch(whiz.workspace, whiz, people=200, broadcast_id=1, name="One")
    second = make_dispatch(whiz.workspace, whiz, people=200, broadcast_id=2, name="Two")
    run_engine()
    assert states(first) == {"sent": 200}
    assert states(second) == {"sent": 200}


def test_results_survive_a_database_that_is_away_for_a_moment(
    whiz: ProviderAccount, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from messaging import ledger
    from messaging.engine import loop

    failures = iter([OperationalError("gone"), OperationalError("still gone")])

    def sometimes(changes: list[Change]) -> set[int]:
        for error in failures:
            raise error
        return ledger.apply_changes(changes)

    monkeypatch.setattr(loop, "apply_changes", sometimes)
    dispatch = make_dispatch(whiz.workspace, whiz, msisdns=QUIET[:20])
    run_engine()
    assert states(dispatch) == {"sent": 20}
    assert set(accepted(sandbox).values()) == {1}


def test_what_was_claimed_but_not_read_goes_back(
    whiz: ProviderAccount, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from messaging.engine import jobs

    real, failures = jobs.reserve, iter([OperationalError("gone")])

    def sometimes(*args: Any) -> Any:
        for error in failures:
            raise error
        return real(*args)

    monkeypatch.setattr(jobs, "reserve", sometimes)
    dispatch = make_dispatch(whiz.workspace, whiz, msisdns=QUIET[:20])
    run_engine(seconds=5)
    assert states(dispatch) == {"sent": 20}
    assert set(accepted(sandbox).values()) == {1}


def test_our_own_mistake_pauses_and_loses_nobody(
    whiz: ProviderAccount, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from messaging.engine import jobs

    def broken(*_args: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "_parts", broken)
    dispatch = make_dispatch(whiz.workspace, whiz, msisdns=QUIET[:20])
    run_engine(seconds=5)
    assert states(dispatch) == {"queued": 20}
    assert dispatch.state == "paused"
    assert "ZeroDivisionError" in dispatch.state_reason
    assert accepted(sandbox) == {}
