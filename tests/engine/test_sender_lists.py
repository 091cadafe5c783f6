"""A broadcast from a sender list: each message carries the sender that was known before, and keeps it at every try."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from contacts.models import Recipient
from messaging.content import seed_of
from messaging.dispatches import create_dispatch, start_dispatch
from messaging.engine.journal import Journal, recover
from messaging.ledger import Change, apply_changes, claim_messages, count_planned, expire_leases
from messaging.models import Dispatch, Message, Sender, SenderList
from messaging.sender_choice import SenderChooser
from messaging.sender_lists import create_sender_list, update_sender_list
from messaging.senders import create_sender
from messaging.tasks import run_engine
from providers.connectors.base import OutgoingText
from providers.connectors.messagewhiz import MessageWhiz
from providers.models import ProviderAccount
from sms.states import MessageState
from tests.campaigns.makers import send
from tests.engine.makers import make_account, make_dispatch, make_list
from tests.engine.test_journal import CLAIM, die
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

NUMBERS = [f"1202555010{digit}" for digit in range(4)]
BRITISH = "447400123456"


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def whiz(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, "messagewhiz", sandbox.messagewhiz_url)


@pytest.fixture
def several(acme: Workspace) -> SenderList:
    senders = [
        create_sender(workspace=acme, actor=Actor(), value=value, countries=["US"]) for value in NUMBERS
    ]
    return create_sender_list(workspace=acme, actor=Actor(), name="Main numbers", senders=senders)


@pytest.fixture
def draft(acme: Workspace, actor: Actor, whiz: ProviderAccount, several: SenderList) -> Broadcast:
    people = make_list(acme, 40)
    Recipient.objects.create(list=people, msisdn=BRITISH, country="GB", first_name="Zoe")
    broadcast = create_draft(workspace=acme, actor=actor, name="Autumn sale")
    changes = {
        "list_ids": [people.pk],
        "account_id": whiz.pk,
        "sender_list_id": several.pk,
        "text": "Hi {{first_name}}. Reply STOP to opt out",
    }
    return save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes)


def senders_of(broadcast: Broadcast) -> dict[str, str]:
    return dict(Message.objects.filter(broadcast_id=broadcast.pk).values_list("msisdn", "sender"))


@pytest.mark.parametrize("choice", ["random", "sticky"])
def test_it_works(
    draft: Broadcast, several: SenderList, actor: Actor, sandbox: SandboxProcess, choice: str
) -> None:
    update_sender_list(sender_list=several, actor=actor, choice=choice)
    draft.refresh_from_db()
    estimate = estimate_of(draft)
    chooser = SenderChooser([(value, ["US"]) for value in NUMBERS], sticky=choice == "sticky")
    launched = send(draft, actor)
    people = list(Message.objects.filter(broadcast_id=launched.pk).values_list("msisdn", flat=True))
    foretold = {msisdn: chooser.choose(msisdn, seed_of(launched.pk, msisdn)) for msisdn in people}
    run_engine()

    assert senders_of(launched) == foretold
    taken = {
        msisdn: value for value in NUMBERS for msisdn in sandbox.control("GET", f"accepted?sender={value}")
    }
    assert taken == {msisdn: sender for msisdn, sender in foretold.items() if sender}
    assert len(set(taken.values())) == len(NUMBERS)
    used = Sender.objects.filter(value__in=NUMBERS, last_used_at__gte=launched.created_at)
    assert used.count() == len(NUMBERS)
    left_out = Message.objects.get(broadcast_id=launched.pk, msisdn=BRITISH)
    assert (left_out.state, left_out.reason, left_out.sender, left_out.submitted_at is not None) == (
        "failed",
        "no_sender_for_country",
        "",
        True,
    )
    assert (estimate.no_sender, estimate.parts) == ({"GB": 1}, 40)
    assert_counters_equal_ledger(launched.segments.get().dispatch)
    assert launched.segments.get().dispatch.state == "finished"


def test_what_is_changed_after_the_launch_changes_nothing(
    draft: Broadcast, several: SenderList, actor: Actor
) -> None:
    launched = send(draft, actor)
    dispatch = launched.segments.get().dispatch
    update_sender_list(sender_list=several, actor=actor, senders=[Sender.objects.get(value=NUMBERS[0])])
    Sender.objects.update(countries=["MX"])
    assert (dispatch.sender, dispatch.sticky_senders) == ("", False)
    assert dispatch.senders == [[value, ["US"]] for value in NUMBERS]
    run_engine()
    assert set(senders_of(launched).values()) == {*NUMBERS, ""}


def test_a_message_keeps_its_sender_at_every_try(
    acme: Workspace, whiz: ProviderAccount, sandbox: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = _senders_tried(monkeypatch)
    dispatch = _dispatch(whiz, [f"120155501{ending:02d}" for ending in (10, 11, 94)])
    deadline = time.monotonic() + 20
    while dispatch.messages.exclude(state="sent").exists() and time.monotonic() < deadline:
        run_engine(seconds=2)
    throttled = dispatch.messages.get(msisdn="12015550194")
    assert (throttled.state, throttled.tries) == ("sent", 3)
    assert tried["12015550194"] == [throttled.sender] * 3
    assert all(set(senders) == {dispatch.messages.get(msisdn=to).sender} for to, senders in tried.items())


def _senders_tried(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    tried: dict[str, list[str]] = defaultdict(list)
    body = MessageWhiz.send_body

    def noted(self: MessageWhiz, outgoing: OutgoingText) -> dict[str, Any]:
        tried[outgoing.msisdn].append(outgoing.sender)
        return body(self, outgoing)

    monkeypatch.setattr(MessageWhiz, "send_body", noted)
    return tried


def _dispatch(account: ProviderAccount, msisdns: list[str], values: list[str] = NUMBERS) -> Dispatch:
    dispatch = create_dispatch(
        workspace=account.workspace,
        broadcast_id=7,
        text="Hello",
        sender="",
        senders=[(value, []) for value in values],
        account=account,
        unsubscribe_list_ids=[],
    )
    for msisdn in msisdns:
        Message.objects.create(
            workspace=account.workspace, dispatch=dispatch, broadcast_id=7, account=account, msisdn=msisdn
        )
    count_planned(dispatch.pk, len(msisdns))
    start_dispatch(dispatch_id=dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def test_a_refused_text_says_which_sender_it_had(whiz: ProviderAccount) -> None:
    dispatch = _dispatch(whiz, ["12015550193"])
    run_engine()
    refused = dispatch.messages.get()
    assert (refused.state, refused.reason) == ("failed", "bad_number")
    assert refused.sender in NUMBERS


def test_a_refused_sender_pauses_and_is_named(acme: Workspace, sandbox: SandboxProcess) -> None:
    account = make_account(acme, "bulkvs", sandbox.bulkvs_url)
    sandbox.dial(force_outcome="sender_off")
    dispatch = _dispatch(account, ["12015550110"], NUMBERS[:1])
    run_engine()
    dispatch.refresh_from_db()
    assert dispatch.state == "paused"
    assert "The sender was 12025550100." in dispatch.state_reason
    assert dispatch.messages.get().state == "queued"


# --- the ledger and the journal ---------------------------------------------------------------------------


def test_the_ledger_keeps_the_sender_that_planning_wrote(acme: Workspace) -> None:
    dispatch = make_dispatch(acme, make_account(acme, "messagewhiz"), people=2)
    first, second = dispatch.messages.order_by("id")
    now = timezone.now()
    changes = [
        Change(first.pk, MessageState.SENT, now, "engine", sender="Northwind"),
        Change(second.pk, MessageState.SENT, now, "engine"),
    ]
    apply_changes(changes)
    apply_changes([Change(first.pk, MessageState.DELIVERED, now, "receipt")])
    assert list(dispatch.messages.order_by("id").values_list("sender", "state")) == [
        ("Northwind", "delivered"),
        (second.sender, "sent"),
    ]


def test_a_killed_engine_leaves_the_sender_in_its_journal(whiz: ProviderAccount) -> None:
    dispatch = _dispatch(whiz, ["12015550110", "12015550111"])
    lease = timezone.now() + timedelta(minutes=1)
    rows = claim_messages(dispatch=dispatch, claim=CLAIM, limit=10, lease_until=lease)
    journal = Journal(CLAIM)
    journal.claimed((row.message_id, 0) for row in rows)
    for row in rows:
        journal.handed(row.message_id)
    now = timezone.now()
    journal.answered(Change(rows[0].message_id, MessageState.SENT, now, "engine", sender=NUMBERS[2]))
    # As a version without the field wrote it.
    journal._answers.append(b'a[%d,"sent","%s","engine"]\n' % (rows[1].message_id, now.isoformat().encode()))
    journal.flush()
    die(journal)
    recover()
    assert list(dispatch.messages.order_by("id").values_list("sender", "state")) == [
        (NUMBERS[2], "sent"),
        ("", "sent"),
    ]


def test_a_lost_worker_leaves_the_sender_that_it_had(whiz: ProviderAccount) -> None:
    dispatch = _dispatch(whiz, ["12015550110", "12015550111"])
    past = timezone.now() - timedelta(minutes=1)
    claim_messages(dispatch=dispatch, claim=CLAIM, limit=10, lease_until=past)
    assert expire_leases() == 2
    chooser = SenderChooser([(value, []) for value in NUMBERS], sticky=False)
    for message in dispatch.messages.all():
        assert (message.state, message.sender) == (
            "unknown",
            chooser.choose(message.msisdn, seed_of(7, message.msisdn)),
        )
