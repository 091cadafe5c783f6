"""Erasure of texts to one number alone: single texts, test texts, and single broadcasts in every state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.access import Actor
from accounts.audit import record
from accounts.models import AuditEntry, Role, Workspace
from campaigns.errors import CampaignError
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.control import pause_broadcast
from campaigns.services.drafts import create_draft, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch, launch_due_broadcasts, send_single, send_test
from contacts.services.lists import Person
from contacts.services.opt_outs import opt_in
from messaging.erasure import Erased, erase_number
from messaging.ledger import claim_messages
from messaging.models import Dispatch, DispatchState, Message, MessageCount
from tests.campaigns.makers import send
from tests.contacts.support import list_named, number
from tests.contacts.test_forgetting import dump
from tests.engine.makers import make_account, make_sender
from tests.people import api_client

pytestmark = pytest.mark.django_db

MAYA, AHMAD = number(1), number(2)
TEXT = "Dear Maya Quince, your parcel waits. Reply STOP to opt out"


def erase(workspace: Workspace) -> Erased:
    return erase_number(workspace=workspace, msisdn=MAYA, reason="asked", actor=Actor())


def single(workspace: Workspace, actor: Actor, msisdn: str = MAYA, **changes: Any) -> Broadcast:
    account = workspace.provider_accounts.first() or make_account(workspace)
    name = "For Maya Quince" if msisdn == MAYA else "For others"
    draft = create_draft(workspace=workspace, actor=actor, name=name, kind="single")
    given = {
        "msisdn": f"+{msisdn}",
        "text": TEXT,
        "account_id": account.pk,
        "sender_id": make_sender(workspace).pk,
    }
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes=given | changes)


@pytest.fixture(autouse=True)
def maya(acme: Workspace) -> None:
    list_named(acme, "Members", [Person(f"+{MAYA}", {"first_name": "Maya", "last_name": "Quince"})])


def assert_nothing_is_left(*words: str) -> None:
    told = [
        (table, row) for table, row in dump() if any(word in row for word in words or ("Quince", "parcel"))
    ]
    assert told == []


def counted() -> list[tuple[Any, ...]]:
    rows = MessageCount.objects.order_by("dispatch_id", "state").values("dispatch_id", "state")
    return [(one["dispatch_id"], one["state"], one["n"]) for one in rows.annotate(n=Sum("count")) if one["n"]]


def in_ledger() -> list[tuple[Any, ...]]:
    rows = Message.objects.order_by("dispatch_id", "state").values_list("dispatch_id", "state")
    return [(*row, 1) for row in rows]


def test_a_draft_is_emptied_and_cannot_go_out(acme: Workspace, actor: Actor) -> None:
    draft = single(acme, actor)
    others = single(acme, actor, AHMAD, text="Hello Ahmad. Reply STOP to opt out")
    record(acme, actor, "renamed", Broadcast(pk=draft.pk, name="Quince, second try"))
    estimate = estimate_of(draft)
    erase(acme)
    assert_nothing_is_left()
    with pytest.raises(CampaignError):  # what was shown before
        launch(broadcast=draft, actor=actor, launch_token=draft.launch_token, digest=estimate.digest)
    draft.refresh_from_db()
    assert (draft.state, draft.msisdn, draft.text, draft.name) == ("draft", "", "", "For [erased]")
    with pytest.raises(CampaignError):
        send(draft, actor)
    others.refresh_from_db()
    assert (others.msisdn, others.text) == (AHMAD, "Hello Ahmad. Reply STOP to opt out")
    assert not Message.objects.exists()


def test_a_scheduled_one_is_taken_back(acme: Workspace, actor: Actor) -> None:
    at = timezone.now() + timedelta(hours=2)
    scheduled = send(single(acme, actor, send_at=at), actor)
    assert scheduled.state == BroadcastState.SCHEDULED
    erase(acme)
    opt_in(workspace=acme, msisdn=MAYA, reason="came back")
    Broadcast.objects.update(send_at=timezone.now() - timedelta(minutes=1))
    assert launch_due_broadcasts() == 0
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.msisdn, scheduled.text) == ("draft", "", "")
    assert_nothing_is_left()


@pytest.mark.parametrize("paused", [False, True])
def test_a_running_one_is_stopped_and_the_ledger_stays_true(
    acme: Workspace, actor: Actor, paused: bool
) -> None:
    running = send(single(acme, actor), actor)
    if paused:
        pause_broadcast(broadcast=running, actor=actor)
    erase(acme)
    opt_in(workspace=acme, msisdn=MAYA, reason="came back")
    running.refresh_from_db()
    dispatch = Dispatch.objects.get()
    assert (running.state, running.msisdn, running.text, dispatch.text) == ("stopped", "", "", "")
    assert (dispatch.state, Message.objects.get().state) == (DispatchState.STOPPED, "cancelled")
    assert counted() == in_ledger()
    lease = timezone.now() + timedelta(minutes=1)
    assert claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease) == []
    assert_nothing_is_left()


def test_one_that_is_launched_and_not_planned_never_is(acme: Workspace, actor: Actor) -> None:
    running = send(single(acme, actor), actor, plan=False)
    erase(acme)
    running.refresh_from_db()
    assert (running.state, Message.objects.count()) == ("stopped", 0)
    assert_nothing_is_left()


def test_a_finished_one_keeps_its_counts_and_its_report(acme: Workspace, actor: Actor) -> None:
    done = send(single(acme, actor), actor)
    Broadcast.objects.update(state=BroadcastState.FINISHED, finished_at=timezone.now())
    Dispatch.objects.update(state=DispatchState.FINISHED)
    Message.objects.update(state="delivered", text=TEXT, price="0.01", parts=1)
    before = counted()
    erase(acme)
    assert (Message.objects.get().state, counted()) == ("delivered", before)
    done.refresh_from_db()
    assert (done.state, done.text) == ("finished", "")
    assert done.events.filter(kind="erased").count() == 1
    answer = api_client(Role.VIEWER).get(f"/api/v1/broadcasts/{done.pk}/")
    assert (answer.status_code, answer.json()["msisdn"]) == (200, "")
    assert_nothing_is_left()
    erase(acme)
    assert done.events.filter(kind="erased").count() == 1


def test_one_on_its_way_is_emptied_by_a_repetition(acme: Workspace, actor: Actor) -> None:
    running = send(single(acme, actor), actor)
    Message.objects.update(state="submitting")
    assert erase(acme).on_the_way == 1
    running.refresh_from_db()
    assert (running.text, Dispatch.objects.get().text) == (TEXT, TEXT)
    Message.objects.update(state="sent")
    assert erase(acme).on_the_way == 0
    assert_nothing_is_left("parcel")


def test_single_and_test_texts_are_emptied(acme: Workspace, actor: Actor) -> None:
    account, sender = make_account(acme), make_sender(acme)
    of_others = send_single(
        workspace=acme, actor=actor, account=account, sender=sender, msisdn=f"+{AHMAD}", text="Hello Ahmad"
    )
    send_single(workspace=acme, actor=actor, account=account, sender=sender, msisdn=f"+{MAYA}", text=TEXT)
    draft = single(acme, actor, AHMAD, text="To Maya Quince about her parcel")
    send_test(broadcast=draft, actor=actor, msisdn=f"+{MAYA}")
    draft.delete()
    erase(acme)
    opt_in(workspace=acme, msisdn=MAYA, reason="came back")
    assert_nothing_is_left()
    assert Dispatch.objects.get(pk=of_others.message.dispatch_id).text == "Hello Ahmad"
    assert set(Message.objects.filter(msisdn=MAYA).values_list("state", flat=True)) == {"cancelled"}
    assert counted() == in_ledger()
    labels = AuditEntry.objects.filter(subject="message").values_list("label", flat=True)
    assert MAYA not in str(list(labels))


def test_a_number_that_only_a_draft_names_can_be_erased(acme: Workspace, actor: Actor) -> None:
    single(acme, actor, number(7))
    client = api_client(Role.ADMIN)
    assert client.delete(f"/api/v1/numbers/{number(7)}/?reason=asked").status_code == 200
    assert Broadcast.objects.get().msisdn == ""
