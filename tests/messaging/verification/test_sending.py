"""The whole way to the handset, over real HTTP; and that nothing on this side can be read for the code afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.tasks import sweep
from messaging.engine.jobs import claim_jobs, load_lanes
from messaging.engine.journal import Journal
from messaging.models import Message, Verification
from messaging.tasks import run_engine
from messaging.verification.services import (
    cancel_verification,
    check_verification,
    resend_verification,
    tidy_codes,
)
from providers.connectors.base import Connector, OutgoingText
from providers.errors import MessageRefused
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import apply_waiting_calls, store_call
from tests.engine.makers import SENDER, make_account
from tests.messaging.verification.support import MAYA, code_of, message_of, move_back, started
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

THROTTLED_TWICE = "12015550194"


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05
    settings.VERIFICATION_SECONDS_BETWEEN = 0


@pytest.fixture(params=["messagewhiz", "bulkvs"])
def account(request: pytest.FixtureRequest, acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    url = sandbox.messagewhiz_url if request.param == "messagewhiz" else sandbox.bulkvs_url
    return make_account(acme, request.param, url)


@pytest.fixture
def whiz(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, "messagewhiz", sandbox.messagewhiz_url)


@pytest.fixture
def journals(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What each engine's file held when it was closed."""
    found: list[bytes] = []
    close = Journal.close

    def keep(self: Journal) -> None:
        self.flush()
        found.append(self._path.read_bytes())
        close(self)

    monkeypatch.setattr(Journal, "close", keep)
    return found


def everything() -> Iterator[tuple[str, str]]:
    """Each table with all that stands in it."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # Django's own names
            for row in cursor.fetchall():
                values = [bytes(value) if isinstance(value, memoryview) else value for value in row]
                yield table, str(values)


def tables_with(code: str) -> set[str]:
    return {table for table, row in everything() if code in row}


def handset(sandbox: SandboxProcess, msisdn: str = MAYA) -> list[str]:
    return [entry["text"] for entry in sandbox.control("GET", f"handsets/{msisdn}")["thread"]]


def test_it_works(
    account: ProviderAccount,
    sandbox: SandboxProcess,
    journals: list[bytes],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    made = started(account).verification
    code = code_of(made)
    assert tables_with(code) == set()
    assert run_engine().sent == 1
    assert handset(sandbox) == [f"Your code is {code}."]
    assert tables_with(code) == set()
    made.refresh_from_db()
    message = message_of(made)
    assert (message.state, message.text, message.parts) == ("sent", "Your code is ••••••.", 1)
    assert message.dispatch.state == "finished"
    assert (made.state, made.sealed_code) == ("pending", "")
    (journal,) = journals
    assert b'"sent"' in journal
    assert code.encode() not in journal
    told = capfd.readouterr()
    assert code not in caplog.text + told.out + told.err
    assert check_verification(verification=made, code=code).valid


def test_a_report_that_quotes_the_text_is_matched_and_emptied(
    acme: Workspace, sandbox: SandboxProcess
) -> None:
    account = make_account(acme, "bulkvs", sandbox.bulkvs_url)
    made = started(account).verification
    code = code_of(made)
    run_engine()
    now = timezone.now().strftime("%y%m%d%H%M")
    quote = (
        f"id:1162999967 sub:001 dlvrd:001 submit date:{now} done date:{now} stat:DELIVRD err:000"
        f" text:Your code is {code[:5]}..."
    )
    body = json.dumps({"From": MAYA, "To": [SENDER], "Message": quote}).encode()
    store_call(
        account_id=account.pk, method="POST", query="", headers={}, body=body, remote_address="127.0.0.1"
    )
    apply_waiting_calls()
    assert message_of(made).state == "delivered"
    call = StoredWebhookCall.objects.get()
    assert (call.state, bytes(call.body)) == ("applied", b"")
    assert tables_with(code[:5]) == set()


def test_what_is_tried_again_holds_the_same_code(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    made = started(account, THROTTLED_TWICE).verification
    code = code_of(made)
    deadline = time.monotonic() + 20
    while message_of(made).state != "sent" and time.monotonic() < deadline:
        run_engine(seconds=2)
    assert handset(sandbox, THROTTLED_TWICE) == [f"Your code is {code}."]
    assert message_of(made).tries == 3
    made.refresh_from_db()
    assert made.sealed_code == ""


def test_a_vendor_that_repeats_the_text_gives_nothing_away(
    whiz: ProviderAccount, monkeypatch: pytest.MonkeyPatch, journals: list[bytes]
) -> None:
    async def refuse(self: Connector, transport: Any, outgoing: OutgoingText) -> Any:
        raise MessageRefused(f"Not this: {outgoing.text}", words=f"text: {outgoing.text}")

    monkeypatch.setattr(Connector, "send", refuse)
    made = started(whiz).verification
    code = code_of(made)
    run_engine()
    message = message_of(made)
    assert (message.state, message.words) == ("failed", "text: Your code is ••••••.")
    assert tables_with(code) == set()
    assert code.encode() not in journals[0]


def test_our_own_failure_gives_nothing_away(
    whiz: ProviderAccount, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(self: Connector, transport: Any, outgoing: OutgoingText) -> Any:
        raise RuntimeError(outgoing.text)

    monkeypatch.setattr(Connector, "send", fail)
    made = started(whiz).verification
    code = code_of(made)
    run_engine()
    assert message_of(made).state == "unknown"
    assert tables_with(code) == set()
    assert code not in caplog.text
    made.refresh_from_db()
    assert made.sealed_code == ""


Deed = Callable[[Verification], object]


def expire(made: Verification) -> None:
    move_back(made, timedelta(minutes=10))


def cancel(made: Verification) -> None:
    cancel_verification(verification=made, actor=Actor())


def end_unseen(state: str) -> Deed:
    """As if it had happened between the claim and the look at the code."""
    return lambda made: Verification.objects.filter(pk=made.pk).update(state=state)


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (expire, "code_expired"),
        (cancel, "code_cancelled"),
        (end_unseen("replaced"), "code_replaced"),
        (end_unseen("cancelled"), "code_cancelled"),
        (lambda made: Verification.objects.filter(pk=made.pk).update(sealed_code=""), "code_over"),
        (
            lambda made: Verification.objects.filter(pk=made.pk).update(sealed_code="of another key"),
            "code_over",
        ),
        (lambda made: Verification.objects.filter(pk=made.pk).delete(), "code_over"),
    ],
)
def test_what_is_over_before_its_turn_is_not_sent(
    whiz: ProviderAccount,
    sandbox: SandboxProcess,
    deed: Deed,
    reason: str,
) -> None:
    made = started(whiz).verification
    message = message_of(made)
    deed(made)
    assert run_engine().sent == 0
    message.refresh_from_db()
    assert (message.state, message.reason) == ("cancelled", reason)
    assert sandbox.control("GET", "accepted") == {}
    message.dispatch.refresh_from_db()
    assert message.dispatch.state in ("finished", "stopped")


def test_only_the_new_code_goes_out(whiz: ProviderAccount, sandbox: SandboxProcess) -> None:
    first = started(whiz).verification
    second = resend_verification(verification=first, actor=Actor()).verification
    code = code_of(second)
    run_engine()
    assert handset(sandbox) == [f"Your code is {code}."]


def test_one_that_waits_in_hands_is_not_handed_over_after_its_end(
    acme: Workspace, settings: Settings
) -> None:
    settings.ENGINE_LEASE_SECONDS = 600
    account = make_account(acme)
    made = started(account, lifetime=timedelta(minutes=2)).verification
    dispatch = message_of(made).dispatch
    (job,) = claim_jobs(load_lanes({})[account.pk], dispatch, claim="c" * 32, limit=1)
    assert 60 < job.deadline - time.monotonic() <= 120
    assert job.outgoing.text == f"Your code is {job.code}."


def test_a_worker_that_dies_after_handing_over_leaves_no_code(whiz: ProviderAccount) -> None:
    made = started(whiz).verification
    code = code_of(made)
    Message.objects.filter(pk=made.message_id).update(
        state="submitting", claim="dead", lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert tidy_codes() == 0
    sweep()
    made.refresh_from_db()
    assert (message_of(made).state, made.sealed_code) == ("unknown", "")
    assert check_verification(verification=made, code=code).valid


def together(*deeds: Callable[[], object]) -> list[object]:
    """What each returned or raised, begun at once in threads of their own."""
    barrier = threading.Barrier(len(deeds))
    results: list[object] = [None] * len(deeds)

    def work(place: int) -> None:
        try:
            barrier.wait(10)
            results[place] = deeds[place]()
        except Exception as error:
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[place]) for place in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def test_of_two_right_checks_at_once_one_is_valid(acme: Workspace) -> None:
    made = started(make_account(acme)).verification
    code = code_of(made)
    results = together(*[lambda: check_verification(verification=made, code=code)] * 4)
    assert sorted(result.valid for result in results) == [False, False, False, True]  # type: ignore[attr-defined]  # of threads
    made.refresh_from_db()
    assert (made.state, made.tries) == ("verified", 1)


def test_wrong_checks_at_once_are_all_counted(acme: Workspace) -> None:
    made = started(make_account(acme), max_tries=3).verification
    results = together(*[lambda: check_verification(verification=made, code="000000")] * 5)
    assert [result.valid for result in results] == [False] * 5  # type: ignore[attr-defined]  # of threads
    made.refresh_from_db()
    assert (made.state, made.tries) == ("exhausted", 3)


@pytest.mark.parametrize("before", [0, 1])
def test_of_two_starts_at_once_one_is_pending(acme: Workspace, before: int) -> None:
    account = make_account(acme)
    for _ in range(before):
        started(account)
    results = together(*[lambda: started(account)] * 3)
    assert [result for result in results if isinstance(result, Exception)] == []
    states = sorted(Verification.objects.values_list("state", flat=True))
    assert states == ["pending"] + ["replaced"] * (before + 2)
    waiting = Message.objects.filter(state="queued").values_list("pk", flat=True)
    assert list(waiting) == [Verification.objects.get(state="pending").message_id]


def test_starts_at_once_do_not_pass_the_limit(acme: Workspace, settings: Settings) -> None:
    settings.VERIFICATION_STARTS_PER_HOUR = 2
    account = make_account(acme)
    results = together(*[lambda: started(account)] * 4)
    assert sorted(type(result).__name__ for result in results) == ["Started"] * 2 + ["TooMuch"] * 2
    assert Verification.objects.count() == 2
