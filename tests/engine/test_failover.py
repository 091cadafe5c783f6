"""An account in trouble: who certainly was not sent goes on through the others of the route, everybody else stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db.models import Count
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import save_draft
from campaigns.services.reports import report_of
from messaging import failover
from messaging.dispatches import cancel_stopped, divert_dispatch, pause_dispatches_of_account
from messaging.failover import attempts_of, fail_over
from messaging.ledger import Change, apply_changes, claim_messages
from messaging.models import Attempt, Dispatch, Message
from providers.health import note_working
from providers.models import ProviderAccount
from providers.services.routes import create_route
from sms.states import MessageState
from tests.campaigns.makers import PEOPLE, make_draft, send
from tests.engine.makers import make_account, make_list
from tests.engine.test_brakes import Vendor, run
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.people import ApiClient

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

KEY = "One's key is wrong. Enter it anew."


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def one(acme: Workspace) -> ProviderAccount:
    return account_named(acme, "one", "0.02", max_in_flight=1)


@pytest.fixture
def two(acme: Workspace) -> ProviderAccount:
    return account_named(acme, "two", "0.02")


def account_named(workspace: Workspace, name: str, price: str, **fields: Any) -> ProviderAccount:
    address = f"http://127.0.0.1:9/{name}"
    return make_account(workspace, "messagewhiz", address, name=name, default_price=Decimal(price), **fields)


def routed(
    workspace: Workspace, actor: Actor, *accounts: ProviderAccount, only: dict[int, list[str]] | None = None
) -> Broadcast:
    """Launched and planned, to thirty people, in the order of the accounts."""
    steps: Any = [
        {"account": account, "only": (only or {}).get(number, [])} for number, account in enumerate(accounts)
    ]
    route = create_route(workspace=workspace, actor=actor, name="Main", steps=steps)
    draft = make_draft(workspace, actor, make_list(workspace, PEOPLE))
    changes = {"route_id": route.pk}
    return send(save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes), actor)


class FirstRefuses(Vendor):
    """The account "one" takes `taken` texts, then its key is wrong; the others take all."""

    def __init__(self, taken: int = 0) -> None:
        super().__init__()
        self._left = taken

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if not request.url.path.startswith("/one/"):
            return answer
        self._left -= 1
        return answer if self._left >= 0 else httpx.Response(401, json={"message": "Unauthorized"})


def by_account(vendor: Vendor) -> Counter[str]:
    return Counter(request.url.path.split("/")[1] for request in vendor.requests)


def states(broadcast: Broadcast) -> Counter[tuple[str, str]]:
    rows = Message.objects.filter(broadcast_id=broadcast.pk)
    return Counter(rows.values_list("account__name", "state"))


def assert_accounted_for(broadcast: Broadcast) -> None:
    rows = Message.objects.filter(broadcast_id=broadcast.pk)
    assert rows.count() == PEOPLE
    assert not rows.values("msisdn").annotate(n=Count("pk")).filter(n__gt=1).exists()
    for dispatch in Dispatch.objects.filter(broadcast_id=broadcast.pk):
        assert_counters_equal_ledger(dispatch)
        assert set(dispatch.messages.values_list("account_id", flat=True)) <= {dispatch.account_id}


def divert(broadcast: Broadcast) -> Dispatch:
    """Its first account."""
    lead = broadcast.segments.get().dispatch
    assert divert_dispatch(dispatch_id=lead.pk, trouble=KEY)
    return lead


def test_it_works(acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount) -> None:
    launched = routed(acme, actor, one, two)
    vendor = FirstRefuses(taken=3)
    run(vendor)
    launched.refresh_from_db()
    assert launched.state == "running"
    assert states(launched)["one", "sent"] == 3
    fail_over()
    assert states(launched) == {("one", "sent"): 3, ("two", "queued"): PEOPLE - 3}
    run(vendor)
    launched.refresh_from_db()
    assert launched.state == "finished"
    assert states(launched) == {("one", "sent"): 3, ("two", "sent"): PEOPLE - 3}
    accepted = Counter(request.content for request in vendor.requests if request.url.path.startswith("/two/"))
    assert len(accepted) == PEOPLE - 3
    assert_accounted_for(launched)
    sentences = " ".join(launched.events.values_list("sentence", flat=True))
    assert "one is left out for now: " in sentences
    assert "Who waits there goes on through two" in sentences


def test_each_try_is_kept_and_shown(
    acme: Workspace,
    actor: Actor,
    one: ProviderAccount,
    two: ProviderAccount,
    bob_client: Client,
    api: Callable[..., ApiClient],
) -> None:
    launched = routed(acme, actor, one, two)
    vendor = FirstRefuses()
    run(vendor)
    fail_over()
    run(vendor)
    tried = Attempt.objects.get()
    assert (tried.account, tried.reason) == (one, "bad_credentials")
    message = Message.objects.get(pk=tried.message_id)
    assert (message.account, message.state) == (two, "sent")
    assert [attempt.pk for attempt in attempts_of(message.pk)] == [tried.pk]
    page = bob_client.get(f"/broadcasts/{launched.pk}/messages/{message.pk}/").content.decode()
    assert "Tries through other accounts" in page
    shown = api("viewer").get(f"/api/v1/messages/{message.pk}/").json()["attempts"]
    assert [(each["account"], each["reason"]) for each in shown] == [(one.pk, "bad_credentials")]


def test_what_may_have_left_the_house_never_moves(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, one, two)
    lead = launched.segments.get().dispatch
    lease = timezone.now() + timedelta(minutes=5)
    claimed = claim_messages(dispatch=lead, claim="c", limit=6, lease_until=lease)
    now = timezone.now()
    apply_changes([Change(row.message_id, MessageState.UNKNOWN, now, "engine") for row in claimed[:2]])
    divert(launched)
    assert fail_over() == PEOPLE - 6
    expected = {("one", "submitting"): 4, ("one", "unknown"): 2, ("two", "queued"): PEOPLE - 6}
    assert states(launched) == expected
    assert claim_messages(dispatch=lead, claim="d", limit=6, lease_until=lease) == []
    assert_accounted_for(launched)


def test_who_dies_between_two_chunks_leaves_the_rest_to_the_next(
    acme: Workspace,
    actor: Actor,
    one: ProviderAccount,
    two: ProviderAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launched = routed(acme, actor, one, two)
    lead = divert(launched)
    monkeypatch.setattr(failover, "CHUNK", 7)
    moved = failover.move_to_account

    def die_in_the_second(source_id: int, target: Dispatch, rows: Any) -> None:
        moved(source_id, target, rows)
        if Message.objects.filter(dispatch=target).count() > 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(failover, "move_to_account", die_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        fail_over()
    assert states(launched) == {("one", "queued"): PEOPLE - 7, ("two", "queued"): 7}
    assert_accounted_for(launched)
    monkeypatch.setattr(failover, "move_to_account", moved)
    assert fail_over() == PEOPLE - 7
    assert not Message.objects.filter(dispatch=lead).exists()
    assert_accounted_for(launched)


def test_whom_no_other_account_takes_waits_and_a_person_is_asked(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, one, two, only={1: ["GB"]})
    divert(launched)
    assert fail_over() == 0
    launched.refresh_from_db()
    assert (launched.state, states(launched)) == ("paused", {("one", "queued"): PEOPLE})
    assert KEY in launched.state_reason
    resume_broadcast(broadcast=launched, actor=actor)
    run(Vendor())
    launched.refresh_from_db()
    assert launched.state == "finished"
    assert_accounted_for(launched)


def test_when_the_last_account_fails_a_person_is_asked(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, one, two)
    pause_dispatches_of_account(account_id=one.pk, trouble=KEY)
    launched.refresh_from_db()
    assert launched.state == "running"
    fail_over()
    pause_dispatches_of_account(account_id=two.pk, trouble="No credit.")
    launched.refresh_from_db()
    assert launched.state == "paused"
    assert "two: No credit." in launched.state_reason
    resume_broadcast(broadcast=launched, actor=actor)
    assert not Dispatch.objects.filter(diverted_at__isnull=False).exists()
    assert_accounted_for(launched)


def test_a_dearer_account_sends_no_more_than_was_agreed_to(
    acme: Workspace, actor: Actor, one: ProviderAccount
) -> None:
    dear = account_named(acme, "dear", "0.05", max_in_flight=1)
    launched = routed(acme, actor, one, dear)
    divert(launched)
    fail_over()
    vendor = Vendor()
    run(vendor)
    launched.refresh_from_db()
    assert launched.state == "paused"
    assert "Agreed to: parts 30, cost $0.60. Now in all: parts 30, cost $1.50" in launched.state_reason
    spent = sum(Message.objects.exclude(price=None).values_list("price", flat=True), Decimal(0))
    assert spent <= Decimal("0.60")
    resume_broadcast(broadcast=launched, actor=actor)
    run(vendor)
    launched.refresh_from_db()
    assert (launched.state, len(vendor.requests)) == ("finished", PEOPLE)
    assert_accounted_for(launched)


def test_an_account_that_works_again_takes_part_again(
    acme: Workspace,
    actor: Actor,
    one: ProviderAccount,
    two: ProviderAccount,
) -> None:
    launched = routed(acme, actor, one, two, only={1: ["GB"]})
    lead = divert(launched)
    note_working(account_id=one.pk)
    failover._end_diversions()
    lead.refresh_from_db()
    assert lead.diverted_at is not None  # an answer that was on its way
    Dispatch.objects.filter(pk=lead.pk).update(diverted_at=timezone.now() - timedelta(minutes=2))
    failover._end_diversions()
    lead.refresh_from_db()
    assert lead.diverted_at is None
    assert launched.events.filter(kind="mended").exists()
    run(Vendor())
    launched.refresh_from_db()
    assert launched.state == "finished"


def test_paused_and_stopped_ones_move_nobody(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, one, two)
    divert(launched)
    pause_broadcast(broadcast=launched, actor=actor)
    assert fail_over() == 0
    stop_broadcast(broadcast=launched, actor=actor)
    cancel_stopped()
    assert fail_over() == 0
    assert states(launched) == {("one", "cancelled"): PEOPLE}
    assert_accounted_for(launched)


def test_the_report_says_which_account_is_left_out(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount, bob_client: Client
) -> None:
    launched = routed(acme, actor, one, two)
    divert(launched)
    assert [line.trouble for line in report_of(launched).through] == [KEY, ""]
    assert "Left out for now" in bob_client.get(f"/broadcasts/{launched.pk}/").content.decode()


def test_without_a_route_a_person_is_asked_as_before(
    acme: Workspace, actor: Actor, one: ProviderAccount
) -> None:
    draft = make_draft(acme, actor, make_list(acme, PEOPLE))
    launched = send(
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"account_id": one.pk}), actor
    )
    run(FirstRefuses())
    launched.refresh_from_db()
    assert launched.state == "paused"
    assert fail_over() == 0
