"""Delivery reports that are fetched: each asked for at its time, by one worker at a time, and applied as if pushed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.tasks import sweep
from messaging.engine import polling
from messaging.engine.polling import WAITS, RoundReport, accounts_due, ask_for_receipts
from messaging.erasure import erase_number
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message, ReceiptQuestion
from messaging.receipts import apply_receipts
from messaging.tasks import run_engine
from providers.connectors.base import DeliveryReport
from providers.models import ProviderAccount, ReceiptRound
from providers.services import begin_round, end_round, round_of
from providers.signals import ReceiptsArrived
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.sandbox_process import SandboxProcess

S = MessageState
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

DELIVERED, UNDELIVERED, EXPIRED, REJECTED, SILENT = (
    f"12015550{ending}" for ending in (101, 190, 191, 192, 198)
)
OGANGI_KEYS = {"instance_id": "8", "user_name": "peter", "public_key": "sandbox-public"}


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05
    monkeypatch.setattr(polling, "REQUESTS_PER_SECOND", 200)


@pytest.fixture
def account(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    made = make_account(acme, "messagewhiz", sandbox.messagewhiz_url)
    made.credentials = {"api_key": "sandbox-key", "reports": "polled"}
    made.save()
    return made


@pytest.fixture
def pushed(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, "messagewhiz", sandbox.messagewhiz_url)


def send(account: ProviderAccount, *msisdns: str) -> Dispatch:
    dispatch = make_dispatch(account.workspace, account, msisdns=list(msisdns))
    run_engine(seconds=20)
    return dispatch


def handset_says(sandbox: SandboxProcess, msisdn: str, state: str) -> None:
    """Waits until the sandbox knows what becomes of the text: it takes some milliseconds."""
    until = time.monotonic() + 10
    while sandbox.control("GET", f"handsets/{msisdn}")["thread"][-1]["state"] != state:
        assert time.monotonic() < until
        time.sleep(0.01)


def ask(account: ProviderAccount) -> RoundReport:
    """As if the time had come for all that waits."""
    ReceiptQuestion.objects.update(due_at=timezone.now())
    ReceiptRound.objects.update(next_at=timezone.now())
    return ask_for_receipts(account.pk)


def state_of(dispatch: Dispatch, msisdn: str) -> str:
    return str(dispatch.messages.get(msisdn=msisdn).state)


def test_it_works(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = send(account, DELIVERED, UNDELIVERED, EXPIRED, REJECTED, SILENT)
    for msisdn, state in ((UNDELIVERED, "undelivered"), (EXPIRED, "expired"), (REJECTED, "rejected")):
        handset_says(sandbox, msisdn, state)
    handset_says(sandbox, DELIVERED, "delivered")
    assert sandbox.stats()["receipts_unaddressed"] == 4
    report = ask(account)
    assert (report.asked, report.settled, report.trouble) == (5, 4, None)
    found = dict(dispatch.messages.values_list("msisdn", "state"))
    assert found == {
        DELIVERED: "delivered",
        UNDELIVERED: "undelivered",
        EXPIRED: "expired",
        REJECTED: "rejected",
        SILENT: "sent",
    }
    assert [question.message_id for question in ReceiptQuestion.objects.all()] == [
        dispatch.messages.get(msisdn=SILENT).pk
    ]
    assert dispatch.messages.get(msisdn=DELIVERED).history[-1][2] == "receipt"
    assert_counters_equal_ledger(dispatch)


def test_the_figures_of_the_account_count_them(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    send(account, DELIVERED, UNDELIVERED)
    handset_says(sandbox, DELIVERED, "delivered")
    handset_says(sandbox, UNDELIVERED, "undelivered")
    ask(account)
    hours = list(account.hours.all())
    assert (sum(hour.delivered for hour in hours), sum(hour.not_delivered for hour in hours)) == (1, 1)


def test_a_question_is_written_with_the_result(account: ProviderAccount) -> None:
    began = timezone.now()
    dispatch = send(account, DELIVERED)
    [question] = ReceiptQuestion.objects.all()
    assert (question.message_id, question.account_id) == (dispatch.messages.get().pk, account.pk)
    assert (question.is_unknown, question.tries) == (False, 0)
    assert WAITS[0] <= question.due_at - began < WAITS[0] + timedelta(seconds=20)
    assert accounts_due() == []


def test_accounts_whose_reports_are_pushed_ask_nothing(pushed: ProviderAccount) -> None:
    send(pushed, DELIVERED, SILENT)
    assert ReceiptQuestion.objects.count() == 0


def test_what_is_due_is_found_once_a_worker(account: ProviderAccount) -> None:
    send(account, DELIVERED)
    ReceiptQuestion.objects.update(due_at=timezone.now())
    assert accounts_due() == [account.pk]
    claim = begin_round(account.pk)
    assert claim and accounts_due() == []
    assert ask_for_receipts(account.pk).asked == 0
    assert begin_round(account.pk) == ""
    end_round(account.pk, claim, answered=0, given_up=0, trouble=None)
    assert accounts_due() == [account.pk]


def test_a_dead_workers_round_is_free_again_after_its_time(account: ProviderAccount) -> None:
    assert begin_round(account.pk)
    ReceiptRound.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert begin_round(account.pk)


def test_a_late_worker_leaves_the_next_ones_marks_alone(account: ProviderAccount) -> None:
    late = begin_round(account.pk)
    ReceiptRound.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    next_one = begin_round(account.pk)
    end_round(account.pk, late, answered=1, given_up=0, trouble=None)
    assert ReceiptRound.objects.get().claim == next_one
    assert begin_round(account.pk) == ""


def test_questions_widen_with_age(account: ProviderAccount) -> None:
    send(account, SILENT)
    for wait in (*WAITS[1:], WAITS[-1]):
        before = timezone.now()
        ask(account)
        question = ReceiptQuestion.objects.get()
        assert wait <= question.due_at - before < wait + timedelta(seconds=10)
    assert question.tries == len(WAITS)


def test_it_gives_up_after_the_window(account: ProviderAccount, settings: Settings) -> None:
    dispatch = send(account, SILENT)
    ask(account)
    dispatch.messages.update(submitted_at=timezone.now() - timedelta(hours=settings.RECEIPT_HOURS, minutes=1))
    report = ask(account)
    assert (report.asked, report.given_up, ReceiptQuestion.objects.count()) == (1, 1, 0)
    assert (state_of(dispatch, SILENT), ReceiptRound.objects.get().given_up) == ("sent", 1)


def test_what_is_settled_meanwhile_is_not_asked_for(account: ProviderAccount) -> None:
    dispatch = send(account, DELIVERED)
    message = dispatch.messages.get()
    apply_changes([Change(message.pk, S.DELIVERED, timezone.now(), "receipt")])
    assert ask(account).asked == 0
    assert ReceiptQuestion.objects.count() == 0
    assert account.traffic.filter(operation="status").count() == 0


def test_an_erased_number_is_not_asked_for(account: ProviderAccount) -> None:
    dispatch = send(account, SILENT)
    erase_number(workspace=account.workspace, msisdn=SILENT, reason="asked for it", actor=Actor())
    assert ask(account).asked == 0
    assert (ReceiptQuestion.objects.count(), state_of(dispatch, SILENT)) == (0, "sent")


def test_who_is_in_doubt_is_asked_for_first_and_settled(
    account: ProviderAccount, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = send(account, DELIVERED, SILENT)
    doubtful = dispatch.messages.get(msisdn=DELIVERED)
    handset_says(sandbox, DELIVERED, "delivered")
    ReceiptQuestion.objects.filter(pk=doubtful.pk).update(is_unknown=True)
    Message.objects.filter(pk=doubtful.pk).update(state="unknown", reason="no_answer")
    monkeypatch.setattr(polling, "ROUND_REQUESTS", 1)
    report = ask(account)
    assert (report.asked, report.settled) == (1, 1)
    assert (state_of(dispatch, DELIVERED), state_of(dispatch, SILENT)) == ("delivered", "sent")


def test_an_unknown_with_an_id_is_asked_for_though_reports_are_pushed(
    pushed: ProviderAccount, sandbox: SandboxProcess
) -> None:
    """A result that is unclear and names its id, as a report of “UNKNOWN” does."""
    dispatch = send(pushed, DELIVERED)
    message = dispatch.messages.get()
    handset_says(sandbox, DELIVERED, "delivered")
    Message.objects.filter(pk=message.pk).update(state="submitting")
    report = DeliveryReport(S.UNKNOWN, reference=f"crier-{message.pk}", words="UNKNOWN")
    apply_receipts(ReceiptsArrived(pushed.pk, pushed.workspace_id, ((1, report),)))
    assert state_of(dispatch, DELIVERED) == "unknown"
    assert ReceiptQuestion.objects.get().is_unknown
    assert accounts_due() == [pushed.pk]
    assert ask(pushed).settled == 1
    assert state_of(dispatch, DELIVERED) == "delivered"


@pytest.mark.parametrize(
    "fault", ["server_error", "unavailable", "cut_before", "cut_after", "html", "truncated"]
)
def test_trouble_is_named_and_nothing_is_lost(
    account: ProviderAccount, sandbox: SandboxProcess, fault: str
) -> None:
    dispatch = send(account, DELIVERED)
    handset_says(sandbox, DELIVERED, "delivered")
    # A line that is cut is tried once more, as asking changes nothing.
    times = 2 if fault.startswith("cut") else 1
    faults = [{"path": "sms", "method": "GET", "fault": fault, "times": times}]
    sandbox.dial(vendor="messagewhiz", faults=faults)
    assert ask(account).trouble is not None
    found = round_of(account.pk)
    assert found is not None and found.words and found.failures == 1
    assert (state_of(dispatch, DELIVERED), ReceiptQuestion.objects.count()) == ("sent", 1)
    assert found.next_at > timezone.now() + timedelta(seconds=25)
    assert ask(account).settled == 1
    found = round_of(account.pk)
    assert found is not None and (found.words, found.failures) == ("", 0)
    assert found.answered_at is not None
    assert state_of(dispatch, DELIVERED) == "delivered"


def test_retry_after_is_obeyed(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    send(account, DELIVERED)
    sandbox.dial(vendor="messagewhiz", faults=[{"path": "sms", "method": "GET", "fault": "throttled"}])
    due = ReceiptQuestion.objects.get().due_at
    ReceiptQuestion.objects.update(due_at=timezone.now())
    before = timezone.now()
    report = ask_for_receipts(account.pk)
    assert report.trouble is not None and report.trouble.reason == "throttled"
    found = round_of(account.pk)
    assert found is not None
    assert timedelta(seconds=1) <= found.next_at - before < timedelta(seconds=10)
    question = ReceiptQuestion.objects.get()
    assert (question.tries, question.due_at < due) == (0, True)
    assert ask_for_receipts(account.pk).asked == 0


def test_trouble_ends_a_round_early_and_widens(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    numbers = [f"12015550{number}" for number in range(100, 150)]
    send(account, *numbers)
    sandbox.dial(vendor="messagewhiz", faults=[{"path": "sms", "method": "GET", "fault": "server_error"}])
    waits = []
    for _round in range(3):
        before = timezone.now()
        report = ask(account)
        assert 3 <= report.asked <= 3 + polling.REQUESTS_AT_ONCE
        waits.append(round((ReceiptRound.objects.get().next_at - before).total_seconds() / 30))
    assert waits == [1, 2, 4]


def test_wrong_credentials_are_named(account: ProviderAccount, sandbox: SandboxProcess) -> None:
    dispatch = send(account, DELIVERED)
    account.credentials = {"api_key": "wrong", "reports": "polled"}
    account.save()
    report = ask(account)
    assert report.trouble is not None and report.trouble.reason == "bad_credentials"
    found = round_of(account.pk)
    assert found is not None and "does not accept the credentials" in found.words
    assert "wrong" not in found.words
    assert (state_of(dispatch, DELIVERED), ReceiptQuestion.objects.get().tries) == ("sent", 0)


def test_a_message_that_the_provider_does_not_know_is_no_trouble(account: ProviderAccount) -> None:
    dispatch = send(account, DELIVERED)
    Message.objects.update(provider_message_id="nobody")
    report = ask(account)
    assert (report.asked, report.settled, report.trouble) == (1, 0, None)
    assert (state_of(dispatch, DELIVERED), ReceiptQuestion.objects.get().tries) == ("sent", 1)


def test_a_round_asks_no_more_than_its_share(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(account, *(f"12015550{number}" for number in range(100, 112)))
    monkeypatch.setattr(polling, "ROUND_REQUESTS", 5)
    report = ask(account)
    assert (report.asked, report.is_more_due) == (5, True)
    assert ReceiptQuestion.objects.filter(due_at__lte=timezone.now()).count() == 7


def test_so_many_a_second(account: ProviderAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    send(account, *(f"12015550{number}" for number in range(100, 106)))
    monkeypatch.setattr(polling, "REQUESTS_PER_SECOND", 20)
    began = time.monotonic()
    assert ask(account).asked == 6
    assert time.monotonic() - began >= 6 / 20


def test_what_was_asked_is_in_the_traffic_without_the_key(
    account: ProviderAccount, sandbox: SandboxProcess
) -> None:
    send(account, DELIVERED)
    ask(account)
    [entry] = account.traffic.filter(operation="status")
    assert (entry.method, entry.status) == ("GET", 200)
    assert "sandbox-key" not in f"{entry.url} {entry.request} {entry.answer}"


def test_an_account_that_is_pushed_again_forgets_its_questions(account: ProviderAccount) -> None:
    """MessageWhiz can always be asked; Ogangi by file cannot."""
    send(account, SILENT)
    account.vendor = "bulkvs"
    account.credentials = {"username": "sandbox", "password": "sandbox"}
    account.save()
    assert ask(account).asked == 0
    assert ReceiptQuestion.objects.count() == 0


def test_the_sweep_wakes_a_worker(account: ProviderAccount, sandbox: SandboxProcess, eager: None) -> None:
    dispatch = send(account, DELIVERED)
    handset_says(sandbox, DELIVERED, "delivered")
    ReceiptQuestion.objects.update(due_at=timezone.now())
    sweep()
    assert state_of(dispatch, DELIVERED) == "delivered"


@pytest.fixture
def eager(settings: Settings) -> Iterator[None]:
    from config.celery import app

    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


# --- Ogangi: one question for all messages of a broadcast ------------------------------------------------


@pytest.fixture
def ogangi(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    made = make_account(acme, "ogangi", sandbox.ogangi_url, default_price=Decimal("0.01"))
    made.credentials = {**OGANGI_KEYS, "private_key": "sandbox", "send_by": "broadcast"}
    made.save()
    return made


def test_a_broadcast_is_asked_for_once_for_all_its_messages(ogangi: ProviderAccount) -> None:
    dispatch = send(ogangi, DELIVERED, SILENT)
    assert ReceiptQuestion.objects.count() == 2
    Message.objects.update(state="unknown", reason="server_trouble")
    until = time.monotonic() + 10
    while ReceiptQuestion.objects.exists() and time.monotonic() < until:
        report = ask(ogangi)
        assert (report.asked, report.trouble) == (1, None)
    assert dict(dispatch.messages.values_list("msisdn", "state")) == {DELIVERED: "sent", SILENT: "sent"}
    assert dispatch.messages.first().words == "Finished: 2 of 2 messages sent."  # type: ignore[union-attr]


def test_sent_by_file_nothing_is_asked(ogangi: ProviderAccount) -> None:
    ogangi.credentials = {**OGANGI_KEYS, "private_key": "sandbox"}
    ogangi.save()
    send(ogangi, DELIVERED, SILENT)
    assert ReceiptQuestion.objects.count() == 0
