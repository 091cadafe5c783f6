"""A broadcast through a route as the engine sends it: each message once, through its account, within what was agreed."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.control import resume_broadcast
from campaigns.services.drafts import save_draft
from contacts.models import Recipient
from messaging.budget import budget_of
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from providers.services.routes import create_route
from sms.states import MessageState
from tests.campaigns.makers import PEOPLE, make_draft, send
from tests.engine.makers import make_account, make_list
from tests.engine.test_brakes import Vendor, run
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def one(acme: Workspace) -> ProviderAccount:
    return _account(acme, "one", "0.01")


@pytest.fixture
def two(acme: Workspace) -> ProviderAccount:
    return _account(acme, "two", "0.02")


def _account(workspace: Workspace, name: str, price: str) -> ProviderAccount:
    address = f"http://127.0.0.1:9/{name}"
    return make_account(workspace, "messagewhiz", address, name=name, default_price=Decimal(price))


def routed(workspace: Workspace, actor: Actor, strategy: str, *accounts: ProviderAccount) -> Broadcast:
    """Launched and planned, to thirty people."""
    steps: list[Any] = [{"account": account} for account in accounts]
    route = create_route(workspace=workspace, actor=actor, name="Main", strategy=strategy, steps=steps)
    draft = make_draft(workspace, actor, make_list(workspace, PEOPLE))
    changes = {"route_id": route.pk}
    return send(save_draft(broadcast=draft, actor=actor, version=draft.version, changes=changes), actor)


def by_account(vendor: Vendor) -> Counter[str]:
    return Counter(request.url.path.split("/")[1] for request in vendor.requests)


def assert_counted(broadcast: Broadcast) -> None:
    for dispatch in Dispatch.objects.filter(broadcast_id=broadcast.pk):
        assert_counters_equal_ledger(dispatch)


def test_it_works(acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount) -> None:
    launched = routed(acme, actor, "weight", one, two)
    vendor = Vendor()
    run(vendor)
    assert by_account(vendor) == {"one": 15, "two": 15}
    launched.refresh_from_db()
    assert launched.state == "finished"
    lead = launched.segments.get().dispatch
    assert (lead.claimed_parts, lead.claimed_cost) == (PEOPLE, Decimal("0.45"))
    assert set(Message.objects.values_list("state", flat=True)) == {"sent"}
    assert_counted(launched)


def test_what_was_agreed_to_holds_for_all_its_accounts_together(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, "weight", one, two)
    Recipient.objects.filter(first_name="Person 7").update(first_name="\U0001f600" * 45)
    vendor = Vendor()
    run(vendor)
    launched.refresh_from_db()
    assert launched.state == "paused"
    assert "Agreed to: parts 30, cost $0.45. Now in all: parts 31, cost $0.47" in launched.state_reason
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"paused"}
    handed = len(vendor.requests)
    assert handed < PEOPLE
    assert_counted(launched)
    resume_broadcast(broadcast=launched, actor=actor)
    run(vendor)
    launched.refresh_from_db()
    assert (launched.state, len(vendor.requests)) == ("finished", PEOPLE)
    assert_counted(launched)


def test_shorter_texts_of_one_account_make_room_for_longer_ones_of_the_other(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    long = "\U0001f600" * 45
    draft_people = make_list(acme, PEOPLE, name="Own")
    first, second = draft_people.recipients.order_by("id")[:2]
    Recipient.objects.filter(pk=first.pk).update(first_name=long)
    route = create_route(
        workspace=acme,
        actor=actor,
        name="Own",
        strategy="weight",
        steps=[{"account": one}, {"account": two}],
    )
    draft = make_draft(acme, actor, draft_people)
    one.default_price = two.default_price = Decimal("0.01")
    one.save()
    two.save()
    launched = send(
        save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"route_id": route.pk}), actor
    )
    # As many parts in all, but one more through the second account, and one less through the first.
    Recipient.objects.filter(pk=first.pk).update(first_name="Short")
    Recipient.objects.filter(pk=second.pk).update(first_name=long)
    run(Vendor())
    launched.refresh_from_db()
    assert launched.state == "finished"


def test_the_budget_counts_what_all_its_accounts_have_spent(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = routed(acme, actor, "weight", one, two)
    assert budget_of(acme).agreed == Decimal("0.45")
    half = Dispatch.objects.exclude(lead=None).get()
    rows = Message.objects.filter(dispatch=half)
    now = timezone.now()
    apply_changes(
        [Change(row.pk, MessageState.SENT, now, "engine", price=Decimal("0.02"), parts=1) for row in rows]
    )
    budget = budget_of(acme)
    assert (budget.spent, budget.agreed) == (Decimal("0.30"), Decimal("0.15"))
    assert launched.state == "running"
