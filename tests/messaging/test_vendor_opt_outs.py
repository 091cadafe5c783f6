"""A provider that refuses a number as opted out: the ledger says so, and the number is opted out with its words."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut
from contacts.services.opt_outs import opt_in
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from messaging.receipts import apply_receipts
from providers.connectors.base import OPTED_OUT_AT_VENDOR, WebhookCall
from providers.models import ProviderAccount
from providers.services import connector_of
from providers.signals import ReceiptsArrived
from sms.opt_out import says_opted_out
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz")


@pytest.fixture
def message(acme: Workspace, account: ProviderAccount) -> Message:
    dispatch: Dispatch = make_dispatch(acme, account, people=2)
    found = dispatch.messages.order_by("id")[0]
    Message.objects.filter(pk=found.pk).update(state="submitting", submitted_at=timezone.now(), text="Hello")
    return found


def refused(message: Message, words: str = "Recipient has opted out") -> Change:
    state = MessageState.SUPPRESSED
    return Change(message.pk, state, timezone.now(), "engine", OPTED_OUT_AT_VENDOR, words)


def test_it_works(acme: Workspace, message: Message) -> None:
    assert apply_changes([refused(message)]) == {message.pk}
    message.refresh_from_db()
    assert (message.state, message.reason, message.words) == (
        "suppressed",
        "opted_out_at_vendor",
        "Recipient has opted out",
    )
    proof = OptOut.objects.get()
    assert (proof.workspace, proof.msisdn, proof.how) == (acme, message.msisdn, "vendor")
    assert (proof.source, proof.message_id) == ("Recipient has opted out", message.pk)


def test_a_repeat_does_not_undo_a_start(acme: Workspace, message: Message) -> None:
    apply_changes([refused(message)])
    opt_in(workspace=acme, msisdn=message.msisdn, reason="START")
    assert apply_changes([refused(message)]) == set()
    assert not OptOut.objects.exists()


def test_a_report_that_says_so_opts_out(acme: Workspace, account: ProviderAccount, message: Message) -> None:
    """As MessageWhiz would post it: rejected, with words of the network."""
    Message.objects.filter(pk=message.pk).update(state="sent", provider_message_id="a")
    body = {"message_id": "a", "state": 8, "status": "Subscriber is blacklisted", "recipient": message.msisdn}
    raw = json.dumps(body).encode()
    (report,) = connector_of(account).parse_webhook(
        WebhookCall("POST", "/hooks/1/", {}, {}, raw, "192.0.2.1")
    )
    assert apply_receipts(ReceiptsArrived(account.pk, acme.pk, ((1, report),))) == frozenset()  # type: ignore[arg-type]  # a report
    message.refresh_from_db()
    assert (message.state, message.reason) == ("rejected", "opted_out_at_vendor")
    proof = OptOut.objects.get()
    assert (proof.how, proof.source, proof.message_id) == ("vendor", "Subscriber is blacklisted", message.pk)


def test_other_refusals_opt_nobody_out(message: Message) -> None:
    apply_changes(
        [Change(message.pk, MessageState.FAILED, timezone.now(), "engine", "bad_number", "is no number")]
    )
    assert not OptOut.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        "optout",
        "OPT-OUT",
        "Recipient has opted out",
        "The number is opted-out of this program",
        "Attempt to send to unsubscribed recipient",
        "User replied STOP",
        "STOP'd",
        "destination number is blacklisted",
        "Blacklisted number",
        "To: The recipient number is on the blacklist",
    ],
)
def test_words_that_say_so(words: str) -> None:
    assert says_opted_out(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "FAILED",
        "Message is missing opt-out language",
        "The text has no opt out instructions: reply STOP to opt out",
        "Sender is blacklisted",
        "Originating number blacklisted",
        "Your account has been unsubscribed from this plan",
        "Blocked as spam - temporary",
        "content blacklisted",
        "Sent to stopover queue",
    ],
)
def test_words_that_do_not(words: str) -> None:
    assert not says_opted_out(words)
