"""Broadcasts through a route: what the review shows of each account is what the ledger holds and what goes out."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import CampaignError, LaunchRefused
from campaigns.models import Broadcast
from campaigns.services.check import Check
from campaigns.services.checks import launch_checks
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.planning import _plan_lists, plan_segment
from campaigns.services.reports import report_of
from contacts.models import Recipient
from messaging.dispatches import cancel_stopped, finish_dispatch_if_done
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message, MessageCount
from messaging.spreading import spread_some
from providers.models import ProviderAccount, Rate, Route
from providers.services.routes import create_route, update_route
from sms.states import MessageState
from tests.campaigns.makers import PEOPLE, send
from tests.campaigns.smart import make_smart, send_all, send_next
from tests.engine.makers import make_account

BRITISH = ["447400123456", "447400123457", "447400123458"]


def step(account: ProviderAccount, weight: int = 1, only: tuple[str, ...] = ()) -> Any:
    return {"account": account, "weight": weight, "only": only}


@pytest.fixture
def one(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz", name="One", default_price=Decimal("0.01"))


@pytest.fixture
def two(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz", name="Two", default_price=Decimal("0.02"))


def through(
    draft: Broadcast, actor: Actor, steps: list[Any], strategy: str = "order", name: str = "Main"
) -> Broadcast:
    route = create_route(workspace=draft.workspace, actor=actor, name=name, strategy=strategy, steps=steps)
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"route_id": route.pk})


def shares(broadcast: Broadcast) -> list[tuple[str, int, int, Decimal | None]]:
    return [(one.account, one.people, one.parts, one.cost) for one in estimate_of(broadcast).through]


def in_ledger(broadcast: Broadcast) -> Counter[str]:
    rows = Message.objects.filter(broadcast_id=broadcast.pk, state="queued")
    return Counter(rows.values_list("account__name", flat=True))


def assert_counted(broadcast: Broadcast) -> None:
    """The counters of each dispatch are what the ledger holds, and each message has its dispatch's account."""
    for dispatch in Dispatch.objects.filter(broadcast_id=broadcast.pk):
        rows = MessageCount.objects.filter(dispatch=dispatch).exclude(count=0)
        kept = Counter({(row.state, row.reason): row.count for row in rows})
        messages = Message.objects.filter(dispatch=dispatch)
        assert kept == Counter(messages.values_list("state", "reason"))
        assert set(messages.values_list("account_id", flat=True)) <= {dispatch.account_id}


def checked(draft: Broadcast) -> dict[str, Check]:
    return {check.code: check for check in launch_checks(draft, estimate_of(draft))}


@pytest.mark.django_db
def test_it_works(draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount) -> None:
    routed = through(draft, actor, [step(one, 2), step(two, 1)], "weight")
    assert routed.account is None
    assert shares(routed) == [("One", 20, 20, Decimal("0.20")), ("Two", 10, 10, Decimal("0.20"))]
    launched = send(routed, actor)
    assert in_ledger(launched) == {"One": 20, "Two": 10}
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"running"}
    lead = launched.segments.get().dispatch
    assert (lead.agreed_parts, lead.agreed_cost) == (PEOPLE, Decimal("0.40"))
    assert_counted(launched)


@pytest.mark.django_db
def test_in_order_the_first_that_takes_the_number_gets_it(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    for msisdn in BRITISH:
        Recipient.objects.create(list=draft.lists.get(), msisdn=msisdn)
    routed = through(draft, actor, [step(one, only=("GB",)), step(two)])
    assert shares(routed) == [("One", 3, 3, Decimal("0.03")), ("Two", 30, 30, Decimal("0.60"))]
    launched = send(routed, actor)
    assert in_ledger(launched) == {"One": 3, "Two": 30}
    british = Message.objects.filter(msisdn__in=BRITISH).values_list("account__name", flat=True)
    assert set(british) == {"One"}


@pytest.mark.django_db
def test_by_the_beginning_of_the_number(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    numbers = list(draft.lists.get().recipients.order_by("id").values_list("msisdn", flat=True))
    beginning = numbers[0][:4]
    expected = sum(number.startswith(beginning) for number in numbers)
    routed = through(draft, actor, [step(one, only=(f"+{beginning}",)), step(two)])
    launched = send(routed, actor)
    assert in_ledger(launched) == Counter(One=expected, Two=PEOPLE - expected) - Counter()
    assert expected > 0


@pytest.mark.django_db
def test_the_cheapest_by_the_rate_card_of_the_number(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    for msisdn in BRITISH:
        Recipient.objects.create(list=draft.lists.get(), msisdn=msisdn)
    Rate.objects.create(account=two, prefix="44", price=Decimal("0.005"))
    routed = through(draft, actor, [step(two), step(one)], "cheapest")
    assert shares(routed) == [("Two", 3, 3, Decimal("0.015")), ("One", 30, 30, Decimal("0.30"))]
    launched = send(routed, actor)
    assert in_ledger(launched) == {"One": 30, "Two": 3}
    assert launched.segments.get().dispatch.agreed_cost == Decimal("0.315")


@pytest.mark.django_db
def test_whom_no_account_takes_is_told_and_fails(
    draft: Broadcast, actor: Actor, one: ProviderAccount
) -> None:
    for msisdn in BRITISH:
        Recipient.objects.create(list=draft.lists.get(), msisdn=msisdn)
    routed = through(draft, actor, [step(one, only=("US",))])
    estimate = estimate_of(routed)
    assert (estimate.reached, estimate.out_of_reach) == (PEOPLE, {"GB": 3})
    assert checked(routed)["out_of_reach"].level == "warn"
    launched = send(routed, actor)
    rows = Message.objects.filter(msisdn__in=BRITISH).values_list("state", "reason")
    assert set(rows) == {("failed", "out_of_reach")}
    assert_counted(launched)


@pytest.mark.django_db
def test_an_account_that_cannot_carry_it_is_left_out_in_words(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    assert draft.sender is not None
    draft.sender.accounts.set([two])
    routed = through(draft, actor, [step(one), step(two)])
    assert shares(routed) == [("Two", 30, 30, Decimal("0.60"))]
    check = checked(routed)["account_left_out"]
    assert check.level == "warn"
    assert str(check.sentence).startswith("Main goes without One: ")
    assert in_ledger(send(routed, actor)) == {"Two": PEOPLE}


@pytest.mark.django_db
def test_without_any_account_nothing_goes_out(draft: Broadcast, actor: Actor, one: ProviderAccount) -> None:
    empty = through(draft, actor, [])
    assert checked(empty)["route_empty"].level == "block"
    one.enabled = False
    one.save()
    route = Route.objects.get()
    update_route(route=route, actor=actor, steps=[step(one)])
    assert checked(empty)["route_useless"].level == "block"
    with pytest.raises(LaunchRefused):
        send(empty, actor)
    update_route(route=route, actor=actor, enabled=False)
    empty.refresh_from_db()
    assert checked(empty)["route_disabled"].level == "block"
    assert not Dispatch.objects.exists()


@pytest.mark.django_db
def test_an_account_and_a_route_are_one_choice(draft: Broadcast, actor: Actor, one: ProviderAccount) -> None:
    routed = through(draft, actor, [step(one)])
    back = save_draft(broadcast=routed, actor=actor, version=routed.version, changes={"account_id": one.pk})
    assert (back.account, back.route) == (one, None)
    with pytest.raises(CampaignError, match="not both"):
        save_draft(
            broadcast=back,
            actor=actor,
            version=back.version,
            changes={"account_id": one.pk, "route_id": Route.objects.get().pk},
        )


@pytest.mark.django_db
def test_whoever_dies_while_spreading_leaves_it_to_the_next(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    routed = through(draft, actor, [step(one, 2), step(two, 1)], "weight")
    launched = send(routed, actor, plan=False)
    segment = launched.segments.get()
    _plan_lists(segment)
    assert spread_some(lead_id=segment.dispatch_id, chunk=7) == 7
    assert in_ledger(launched)["Two"] == 2
    assert_counted(launched)
    plan_segment(segment_id=segment.pk)
    assert in_ledger(launched) == {"One": 20, "Two": 10}
    assert_counted(launched)
    assert spread_some(lead_id=segment.dispatch_id, chunk=7) is None


@pytest.mark.django_db
def test_all_of_a_route_pause_resume_stop_and_finish_together(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    def states() -> set[str]:
        return set(Dispatch.objects.values_list("state", flat=True))

    launched = send(through(draft, actor, [step(one), step(two)], "weight"), actor)
    pause_broadcast(broadcast=launched, actor=actor)
    assert states() == {"paused"}
    resume_broadcast(broadcast=launched, actor=actor)
    assert states() == {"running"}
    lead = launched.segments.get().dispatch
    _sent(Message.objects.filter(dispatch=lead))
    assert not finish_dispatch_if_done(dispatch_id=lead.pk)
    stop_broadcast(broadcast=launched, actor=actor)
    cancel_stopped()
    assert states() == {"stopped"}
    report = report_of(launched)
    assert (report.sent, report.cancelled, report.people) == (15, 15, PEOPLE)
    assert_counted(launched)


@pytest.mark.django_db
def test_it_is_finished_when_all_its_accounts_are_through(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    launched = send(through(draft, actor, [step(one), step(two)], "weight"), actor)
    _sent(Message.objects.filter(broadcast_id=launched.pk))
    branch = Dispatch.objects.exclude(lead=None).get()
    assert finish_dispatch_if_done(dispatch_id=branch.pk)
    launched.refresh_from_db()
    assert launched.state == "finished"
    lines = [(line.account, line.people, line.sent, line.cost) for line in report_of(launched).through]
    assert lines == [("One", 15, 15, Decimal("0.15")), ("Two", 15, 15, Decimal("0.30"))]


@pytest.mark.django_db
def test_a_smart_one_spreads_each_segment(
    acme: Workspace, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    routed = through(make_smart(acme, actor), actor, [step(one, 3), step(two, 2)], "weight")
    launched = send(routed, actor)
    assert in_ledger(launched) == {
        "One": 20 + 6,
        "Two": 4,
    }  # who is in reserve has the first account until its turn
    send_all(launched, 1)
    _sent(Message.objects.filter(account=two, state="queued"))
    finish_dispatch_if_done(dispatch_id=launched.segments.get(number=1).dispatch_id)
    launched.refresh_from_db()
    send_next(launched, actor, 5)
    second = launched.segments.get(number=2).dispatch
    assert Counter(
        Message.objects.filter(dispatch__in=[second, *second.branches.all()]).values_list(
            "account__name", flat=True
        )
    ) == {"One": 3, "Two": 2}
    assert_counted(launched)


@pytest.mark.django_db
def test_accounts_of_a_route_charge_in_one_currency(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    routed = through(draft, actor, [step(one), step(two)])
    ProviderAccount.objects.filter(pk=two.pk).update(currency="EUR")
    assert checked(routed)["route_currencies"].level == "block"


@pytest.mark.django_db
def test_a_change_of_the_route_after_the_launch_changes_nothing_there(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    routed = through(draft, actor, [step(one), step(two)], "weight")
    launched = send(routed, actor, plan=False)
    update_route(route=Route.objects.get(), actor=actor, strategy="order", steps=[step(two)])
    plan_segment(segment_id=launched.segments.get().pk)
    assert in_ledger(launched) == {"One": 15, "Two": 15}


@pytest.mark.django_db
def test_a_change_before_the_launch_is_another_estimate(
    draft: Broadcast, actor: Actor, one: ProviderAccount, two: ProviderAccount
) -> None:
    routed = through(draft, actor, [step(one), step(two)], "weight")
    before = estimate_of(routed).digest
    update_route(route=Route.objects.get(), actor=actor, steps=[step(two), step(one)])
    assert estimate_of(routed).digest != before


def _sent(rows: Any) -> None:
    now = timezone.now()
    apply_changes(
        [
            Change(row.pk, MessageState.SENT, now, "engine", price=row.account.default_price, parts=1)
            for row in rows.select_related("account")
        ]
    )
