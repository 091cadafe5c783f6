"""Delivery reports and inbound texts: matched, applied once, never backwards; STOP opts out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut
from messaging.ledger import Change, apply_changes, claim_messages, expire_leases
from messaging.models import Dispatch, InboundText, Message
from messaging.receipts import apply_inbound, apply_receipts
from providers.connectors.base import DeliveryReport
from providers.connectors.base import InboundText as InboundNews
from providers.models import ProviderAccount
from providers.signals import InboundArrived, ReceiptsArrived
from sms.states import MessageState
from tests.engine.makers import SENDER, make_account, make_dispatch

S = MessageState
pytestmark = pytest.mark.django_db

MAYA, AHMAD = "12015550101", "12015550102"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.fixture
def dispatch(acme: Workspace, account: ProviderAccount) -> Dispatch:
    return make_dispatch(acme, account, msisdns=[MAYA, AHMAD])


def sent(
    dispatch: Dispatch, msisdn: str, provider_id: str = "", text: str = "Hello Maya, 25% off"
) -> Message:
    """That number's message, handed over."""
    lease = timezone.now() + timedelta(minutes=1)
    claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease)
    message = dispatch.messages.get(msisdn=msisdn)
    change = Change(message.pk, S.SENT, timezone.now(), "engine", provider_message_id=provider_id, text=text)
    apply_changes([change])
    return message


def arrived(account: ProviderAccount, *reports: DeliveryReport) -> frozenset[int]:
    numbered = tuple(enumerate(reports, start=1))
    return apply_receipts(ReceiptsArrived(account.pk, account.workspace_id, numbered))


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return str(message.state)


def test_matches_by_our_reference(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA)
    report = DeliveryReport(
        S.DELIVERED, provider_message_id="v1", reference=f"crier-{message.pk}", words="DELIVRD"
    )
    assert arrived(account, report) == frozenset()
    assert state_of(message) == "delivered"
    assert (message.provider_message_id, message.words) == ("v1", "DELIVRD")
    assert message.history[-1][2] == "receipt"


def test_matches_by_the_vendors_id(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA, provider_id="v1")
    assert arrived(account, DeliveryReport(S.UNDELIVERED, provider_message_id="v1")) == frozenset()
    assert (state_of(message), message.reason) == ("undelivered", "undelivered")


def test_a_report_may_come_before_our_own_send_is_stored(
    dispatch: Dispatch, account: ProviderAccount
) -> None:
    lease = timezone.now() + timedelta(minutes=1)
    claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease)
    message = dispatch.messages.get(msisdn=MAYA)
    arrived(account, DeliveryReport(S.DELIVERED, reference=f"crier-{message.pk}"))
    late = Change(
        message.pk, S.SENT, timezone.now(), "engine", provider_message_id="v1", parts=1, text="Hello"
    )
    apply_changes([late])
    assert state_of(message) == "delivered"
    assert (message.provider_message_id, message.text) == ("v1", "Hello")


@pytest.mark.parametrize(
    "reference", ["crier-999999999", "crier-x", "crier-", "crier-99999999999999999999", "other"]
)
def test_an_unknown_reference_belongs_to_nobody(account: ProviderAccount, reference: str) -> None:
    assert arrived(account, DeliveryReport(S.DELIVERED, reference=reference)) == frozenset({1})


def test_a_report_of_a_text_that_never_left_belongs_to_nobody(
    dispatch: Dispatch, account: ProviderAccount
) -> None:
    message = dispatch.messages.get(msisdn=MAYA)
    report = DeliveryReport(S.DELIVERED, provider_message_id="early", reference=f"crier-{message.pk}")
    assert arrived(account, report) == {1}
    assert state_of(message) == "queued"


@pytest.mark.parametrize(("msisdn", "settles"), [(AHMAD, False), (MAYA, True), (MAYA[1:], True), ("", True)])
def test_a_report_that_names_another_number_settles_nobody(
    dispatch: Dispatch, account: ProviderAccount, msisdn: str, settles: bool
) -> None:
    message = sent(dispatch, MAYA)
    report = DeliveryReport(S.UNDELIVERED, reference=f"crier-{message.pk}", msisdn=msisdn)
    assert arrived(account, report) == (frozenset() if settles else {1})
    assert state_of(message) == ("undelivered" if settles else "sent")


def test_another_accounts_report_does_not_match(
    dispatch: Dispatch, account: ProviderAccount, other: Workspace
) -> None:
    message = sent(dispatch, MAYA, provider_id="v1")
    foreign = make_account(other)
    reports = (
        DeliveryReport(S.UNDELIVERED, reference=f"crier-{message.pk}"),
        DeliveryReport(S.UNDELIVERED, provider_message_id="v1"),
        DeliveryReport(S.UNDELIVERED, msisdn=MAYA, sender=SENDER, text_prefix="Hello"),
    )
    assert arrived(foreign, *reports) == frozenset({1, 2, 3})
    assert state_of(message) == "sent"


def by_numbers(state: MessageState, **facts: Any) -> DeliveryReport:
    return DeliveryReport(state, msisdn=MAYA, sender=SENDER, **facts)


def test_matches_by_numbers_text_and_time(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA)
    report = by_numbers(S.DELIVERED, text_prefix="Hello Ma", submitted_at=timezone.now())
    assert arrived(account, report) == frozenset()
    assert state_of(message) == "delivered"


def test_another_text_to_the_same_number_does_not_match(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA)
    assert arrived(account, by_numbers(S.DELIVERED, text_prefix="Your code")) == frozenset({1})
    assert state_of(message) == "sent"


def test_settles_what_a_killed_sender_left_though_its_text_is_not_known(
    dispatch: Dispatch, account: ProviderAccount
) -> None:
    message = dispatch.messages.get(msisdn=MAYA)
    Message.objects.filter(pk=message.pk).update(state="submitting", submitted_at=timezone.now())
    report = by_numbers(S.DELIVERED, text_prefix="Hello Ma", submitted_at=timezone.now())
    assert arrived(account, report) == frozenset({1}), "its own worker may still write the text"
    apply_changes([Change(message.pk, S.UNKNOWN, timezone.now(), "sweep", "worker_lost", sender=SENDER)])
    assert arrived(account, report) == frozenset()
    assert state_of(message) == "delivered"


def test_further_reports_of_it_belong_to_it_too(dispatch: Dispatch, account: ProviderAccount) -> None:
    """On its way, delivered, and that again: all three are of the text that nobody knows."""
    lease = timezone.now() - timedelta(seconds=1)
    claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease)
    expire_leases()
    message = dispatch.messages.get(msisdn=MAYA)
    for state, expected in ((S.SENT, "sent"), (S.DELIVERED, "delivered"), (S.DELIVERED, "delivered")):
        report = DeliveryReport(state, msisdn=MAYA, sender=SENDER, text_prefix="Hello Ma")
        assert arrived(account, report) == frozenset()
        assert state_of(message) == expected


def test_prefers_a_text_that_fits_to_one_that_is_not_known(
    acme: Workspace, dispatch: Dispatch, account: ProviderAccount
) -> None:
    lost = dispatch.messages.get(msisdn=MAYA)
    Message.objects.filter(pk=lost.pk).update(state="unknown", submitted_at=timezone.now())
    known = sent(make_dispatch(acme, account, msisdns=[MAYA], broadcast_id=2), MAYA)
    arrived(account, by_numbers(S.DELIVERED, text_prefix="Hello Ma", submitted_at=timezone.now()))
    assert (state_of(known), state_of(lost)) == ("delivered", "unknown")


def test_prefers_the_one_without_a_receipt_and_takes_each_once(
    acme: Workspace, dispatch: Dispatch, account: ProviderAccount
) -> None:
    first = sent(dispatch, MAYA)
    second = sent(make_dispatch(acme, account, msisdns=[MAYA], broadcast_id=2), MAYA)
    report = by_numbers(S.DELIVERED, text_prefix="Hello Ma", submitted_at=timezone.now())
    assert arrived(account, report, by_numbers(S.UNDELIVERED, text_prefix="Hello Ma")) == frozenset()
    assert {state_of(first), state_of(second)} == {"delivered", "undelivered"}


def test_a_late_and_a_repeated_report_change_nothing(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA, provider_id="v1")
    delivered = DeliveryReport(S.DELIVERED, provider_message_id="v1")
    arrived(account, delivered)
    arrived(account, delivered, DeliveryReport(S.SENT, provider_message_id="v1"))
    assert state_of(message) == "delivered"
    assert [entry[0] for entry in message.history] == ["sent", "delivered"]


def test_a_report_from_the_future_is_dated_now(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA, provider_id="v1")
    ahead = timezone.now() + timedelta(days=3)
    arrived(account, DeliveryReport(S.DELIVERED, provider_message_id="v1", occurred_at=ahead))
    message.refresh_from_db()
    assert message.settled_at is not None
    assert message.settled_at <= timezone.now()


def wrote(account: ProviderAccount, text: str, **facts: Any) -> None:
    news = InboundNews(msisdn=MAYA, sender_number=SENDER, text=text, **facts)
    apply_inbound(InboundArrived(account.pk, account.workspace_id, ((1, news),)))


def test_stop_opts_out_with_its_proof(dispatch: Dispatch, account: ProviderAccount) -> None:
    message = sent(dispatch, MAYA)
    wrote(account, " Stop. ")
    opted = OptOut.objects.get(workspace=account.workspace)
    assert (opted.msisdn, opted.how, opted.source, opted.message_id) == (MAYA, "stop", " Stop. ", message.pk)


def test_start_undoes_it(account: ProviderAccount) -> None:
    wrote(account, "STOP")
    wrote(account, "start")
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(("text", "keyword"), [("we must stop this", "maybe_stop"), ("Thanks!", "none")])
def test_other_words_opt_nobody_out(account: ProviderAccount, text: str, keyword: str) -> None:
    wrote(account, text)
    assert not OptOut.objects.exists()
    assert InboundText.objects.get().keyword == keyword


def test_words_of_the_workspace_opt_out(account: ProviderAccount) -> None:
    Workspace.objects.filter(pk=account.workspace_id).update(
        opt_out_languages=["de"], opt_out_words=["Halt sofort"]
    )
    for text, keyword in [
        ("Halt sofort!", "stop"),
        ("Abmelden", "stop"),
        ("anmelden", "start"),
        ("baja", "maybe_stop"),
    ]:
        wrote(account, text)
        assert InboundText.objects.latest("pk").keyword == keyword


def test_the_same_posting_twice_is_one_text(account: ProviderAccount) -> None:
    wrote(account, "STOP", provider_message_id="in-1")
    OptOut.objects.all().delete()
    wrote(account, "STOP", provider_message_id="in-1")
    assert InboundText.objects.count() == 1
    assert not OptOut.objects.exists(), "the repeat of an old STOP does not undo a later START"


def test_the_last_stop_wins(account: ProviderAccount) -> None:
    """Without an id or time of the vendor's, the same words may be a repeat or a second text."""
    for text, opted_out in [
        ("STOP", True),
        ("START", False),
        ("STOP", True),
        ("START", False),
        ("STOP", True),
    ]:
        wrote(account, text)
        assert OptOut.objects.exists() is opted_out
    assert InboundText.objects.count() == 5
    wrote(account, "STOP")
    assert InboundText.objects.count() == 5, "nothing stands between: one posting repeated"


def test_a_stop_after_a_person_took_the_opt_out_back_counts(account: ProviderAccount) -> None:
    wrote(account, "STOP")
    OptOut.objects.all().delete()
    wrote(account, "STOP")
    assert OptOut.objects.exists()


def test_stop_reaches_a_running_broadcast(dispatch: Dispatch, account: ProviderAccount) -> None:
    wrote(account, "STOP")
    lease = timezone.now() + timedelta(minutes=1)
    claimed = claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease)
    assert [row.msisdn for row in claimed] == [AHMAD]
    assert dispatch.messages.get(msisdn=MAYA).state == "suppressed"
