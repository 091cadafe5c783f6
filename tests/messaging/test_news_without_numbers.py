"""A vendor whose webhook names no number, and whose ids are of the person (Mx2): whose news it is, and what it does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut
from messaging.ledger import Change, apply_changes
from messaging.models import InboundText, Message
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import apply_again, apply_waiting_calls, store_call
from providers.services import webhook_calls as service
from sms.states import MessageState
from tests.engine.makers import make_dispatch
from tests.providers.makers import make_account

pytestmark = pytest.mark.django_db

MAYA, AHMAD = "12015550101", "12015550102"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "mx2")


def sent(
    account: ProviderAccount, subscriber: str = "xct7jy", msisdn: str = MAYA, broadcast_id: int = 1
) -> Message:
    dispatch = make_dispatch(account.workspace, account, msisdns=[msisdn], broadcast_id=broadcast_id)
    message = dispatch.messages.get()
    now = timezone.now()
    apply_changes(
        [Change(message.pk, MessageState.SENT, now, "engine", provider_message_id=subscriber, text="")]
    )
    return message


def told(
    account: ProviderAccount,
    status: str,
    text: str = "",
    *,
    subscriber: str = "xct7jy",
    at: str = "2026-09-16 14:47:33",
) -> StoredWebhookCall:
    """What Mx2 posts, applied."""
    body = {"subscriberId": subscriber, "status": status, "textMessage": text, "datetime": at}
    call = store_call(
        account_id=account.pk,
        method="POST",
        query="",
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
        remote_address="192.0.2.1",
    )
    apply_waiting_calls()
    call.refresh_from_db()
    return call


def state_of(message: Message) -> str:
    message.refresh_from_db()
    return str(message.state)


def test_a_report_is_of_the_newest_text(account: ProviderAccount) -> None:
    old, new = sent(account), sent(account, broadcast_id=2)
    assert told(account, "delivered").state == "applied"
    assert (state_of(old), state_of(new)) == ("sent", "delivered")


def test_a_reply_is_of_whom_we_texted(account: ProviderAccount) -> None:
    message = sent(account)
    assert told(account, "received", "Thanks!").state == "applied"
    stored = InboundText.objects.get()
    assert (stored.msisdn, stored.text, stored.keyword, stored.message_id) == (
        MAYA,
        "Thanks!",
        "none",
        message.pk,
    )


def test_a_stop_opts_out(account: ProviderAccount) -> None:
    message = sent(account)
    told(account, "received", "Stop.")
    proof = OptOut.objects.get()
    assert (proof.msisdn, proof.how, proof.source, proof.message_id) == (MAYA, "stop", "Stop.", message.pk)


@pytest.mark.parametrize(("text", "source"), [("", "optout"), ("no more of this", "no more of this")])
def test_the_vendors_opt_out_counts_whatever_became_of_the_text(
    account: ProviderAccount, text: str, source: str
) -> None:
    message = sent(account)
    told(account, "delivered")
    told(account, "optout", text)
    proof = OptOut.objects.get()
    assert (proof.msisdn, proof.how, proof.source, proof.message_id) == (MAYA, "vendor", source, message.pk)
    assert state_of(message) == "delivered"


def test_an_opt_out_that_is_applied_again_does_not_undo_a_start(account: ProviderAccount) -> None:
    sent(account)
    call = told(account, "optout")
    told(account, "received", "START", at="2026-09-16 15:00:00")
    apply_again(call_ids=[call.pk])
    apply_waiting_calls()
    assert not OptOut.objects.exists()


def test_an_opt_out_after_a_start_counts(account: ProviderAccount) -> None:
    sent(account)
    told(account, "received", "START")
    told(account, "optout", at="2026-09-16 15:00:00")
    assert OptOut.objects.get().how == "vendor"


def test_a_reply_posted_twice_is_one(account: ProviderAccount) -> None:
    sent(account)
    for _ in range(2):
        told(account, "received", "Thanks!")
    told(account, "received", "Thanks!", at="2026-09-16 14:47:34")
    assert InboundText.objects.count() == 2


@pytest.mark.parametrize("status", ["delivered", "received", "optout"])
def test_news_of_nobody_wait_for_our_own_send(account: ProviderAccount, status: str) -> None:
    call = told(account, status, "STOP", subscriber="later")
    assert (call.state, call.tries) == ("new", 1)
    message = sent(account, "later")
    StoredWebhookCall.objects.update(try_at=timezone.now() - timedelta(hours=1))
    apply_waiting_calls()
    call.refresh_from_db()
    assert call.state == "applied"
    assert (state_of(message) == "delivered") is (status == "delivered")
    assert OptOut.objects.exists() is (status != "delivered")


def test_news_of_nobody_belong_to_no_message_in_the_end(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "UNMATCHED_AFTER", timedelta(0))
    assert told(account, "optout", subscriber="nobody").state == "unmatched"
    assert not InboundText.objects.exists()


def test_one_webhook_tells_of_all_campaigns(acme: Workspace, account: ProviderAccount) -> None:
    """Each campaign is an account of its own, and the vendor posts to one address."""
    spring = make_account(acme, "mx2", name="Spring")
    spring.enabled = False
    spring.save()
    message = sent(spring, "abc")
    assert told(account, "delivered", subscriber="abc").state == "applied"
    assert told(account, "optout", subscriber="abc").state == "applied"
    assert (state_of(message), OptOut.objects.get().msisdn) == ("delivered", MAYA)


def test_news_are_never_of_another_workspace_or_vendor(
    acme: Workspace, other: Workspace, account: ProviderAccount
) -> None:
    theirs = sent(make_account(other, "mx2"), "abc", AHMAD)
    of_another_vendor = sent(make_account(acme), "abc", broadcast_id=2)
    for status in ("delivered", "optout"):
        assert told(account, status, subscriber="abc").state == "new"
    assert (state_of(theirs), state_of(of_another_vendor)) == ("sent", "sent")
    assert not OptOut.objects.exists()


def test_other_vendors_hear_of_their_own_account_alone(acme: Workspace) -> None:
    first, second = make_account(acme), make_account(acme, name="Second")
    message = sent(second, "abc")
    body = {"message_id": "abc", "state": 2, "status": "DELIVRD", "recipient": MAYA}
    call = store_call(
        account_id=first.pk,
        method="POST",
        query="",
        headers={},
        body=json.dumps(body).encode(),
        remote_address=None,
    )
    apply_waiting_calls()
    call.refresh_from_db()
    assert (call.state, state_of(message)) == ("new", "sent")


def test_the_vendors_time_without_a_zone_dates_nothing(account: ProviderAccount) -> None:
    message = sent(account)
    before = timezone.now()
    told(account, "delivered", at="2001-01-01 00:00:00")
    told(account, "received", "Thanks!", at="2001-01-01 00:00:00")
    message.refresh_from_db()
    assert isinstance(message.settled_at, datetime)
    assert message.settled_at >= before
    assert InboundText.objects.get().received_at >= before
