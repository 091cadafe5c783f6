"""What a month may cost: spent, agreed to, left; texts refused over it; its page and endpoint."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.errors import CampaignError
from campaigns.services.launch import send_single
from messaging.budget import OverBudget, budget_of, month_of, require_budget
from messaging.dispatches import finish_dispatch_if_done, stop_dispatch
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message, Spend
from providers.models import ProviderAccount
from sms.states import MessageState
from tests.access import assert_access
from tests.engine.makers import make_account, make_dispatch, make_sender
from tests.people import api_client

NUMBER = "+12015550123"


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, default_price=Decimal("0.10"))


def limit(workspace: Workspace, amount: str | None, **fields: object) -> Workspace:
    Workspace.objects.filter(pk=workspace.pk).update(monthly_budget=amount and Decimal(amount), **fields)
    workspace.refresh_from_db()
    return workspace


def charge(dispatch: Dispatch, price: str, count: int = 1) -> None:
    """The first `count` messages that wait are sent for so much each."""
    ids = Message.objects.filter(dispatch=dispatch, state="queued").order_by("id")[:count]
    now = datetime.now(UTC)
    Message.objects.filter(pk__in=[row.pk for row in ids]).update(state="submitting")
    apply_changes(
        [Change(row.pk, MessageState.SENT, now, "engine", price=Decimal(price), parts=1) for row in ids]
    )


def single(workspace: Workspace, account: ProviderAccount, text: str = "Hello") -> None:
    send_single(
        workspace=workspace,
        actor=Actor(),
        account=account,
        sender=make_sender(workspace),
        msisdn=NUMBER,
        text=text,
    )


def test_it_works(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "10")
    dispatch = make_dispatch(acme, account, people=3)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_cost="0.30")
    charge(dispatch, "0.1", 2)
    budget = budget_of(acme)
    assert (budget.spent, budget.agreed, budget.left) == (Decimal("0.2"), Decimal("0.1"), Decimal("9.7"))


def test_a_month_is_that_of_the_workspaces_zone(acme: Workspace) -> None:
    """The clocks of New York go back on 1 November 2026."""
    acme.time_zone = "America/New_York"
    month = month_of(acme, datetime(2026, 11, 15, tzinfo=UTC))
    assert month.begin == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert month.end == datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert month_of(acme, month.begin - timedelta(seconds=1)).end == month.begin
    assert month.name == "November 2026"


def test_what_was_charged_before_midnight_is_of_the_month_before(
    acme: Workspace, account: ProviderAccount
) -> None:
    """Kathmandu is five hours and three quarters ahead."""
    limit(acme, "10", time_zone="Asia/Kathmandu")
    dispatch = make_dispatch(acme, account, people=2)
    begin = datetime(2026, 10, 31, 18, 15, tzinfo=UTC)
    with time_machine.travel(begin - timedelta(seconds=1), tick=False):
        charge(dispatch, "0.25")
        assert budget_of(acme).spent == Decimal("0.25")
    with time_machine.travel(begin, tick=False):
        assert budget_of(acme).spent == 0
        charge(dispatch, "0.5")
        assert budget_of(acme).spent == Decimal("0.5")
    assert Spend.objects.count() == 2


def test_the_counter_is_the_ledgers_sum(acme: Workspace, account: ProviderAccount) -> None:
    """Also after a report that corrects a price, and one that repeats it."""
    dispatch = make_dispatch(acme, account, people=5)
    charge(dispatch, "0.00795", 5)
    first = Message.objects.filter(dispatch=dispatch).order_by("id")[0]
    for _again in range(2):
        report = Change(first.pk, MessageState.DELIVERED, datetime.now(UTC), "receipt", price=Decimal("0.01"))
        apply_changes([report])
    ledger = sum(Message.objects.values_list("price", flat=True))
    assert budget_of(acme).spent == ledger == Decimal("0.0418")
    assert Dispatch.objects.get().cost == ledger


def test_several_workspaces_and_currencies_in_one_batch(
    acme: Workspace, other: Workspace, account: ProviderAccount
) -> None:
    euros = make_account(acme, name="Euros", currency="EUR")
    theirs = make_account(other)
    dispatches = [
        make_dispatch(acme, account, people=1, name="1", broadcast_id=1),
        make_dispatch(acme, account, people=1, name="2", broadcast_id=2),
        make_dispatch(acme, euros, people=1, name="3", broadcast_id=3),
        make_dispatch(other, theirs, people=1, name="4", broadcast_id=4),
    ]
    now = datetime.now(UTC)
    Message.objects.update(state="submitting")
    ids = Message.objects.filter(dispatch__in=dispatches).values_list("pk", flat=True)
    apply_changes([Change(pk, MessageState.SENT, now, "engine", price=Decimal("0.5")) for pk in ids])
    budget = budget_of(acme)
    assert (budget.spent, budget.others) == (Decimal(1), {"EUR": Decimal("0.5")})
    assert budget_of(other).spent == Decimal("0.5")


def test_what_has_ended_keeps_nothing_free(acme: Workspace, account: ProviderAccount) -> None:
    dispatch = make_dispatch(acme, account, people=3)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_cost="3")
    assert budget_of(acme).agreed == 3
    stop_dispatch(dispatch_id=dispatch.pk)
    assert budget_of(acme).agreed == 0


def test_a_single_text_is_refused_over_the_budget(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "0.25")
    single(acme, account)
    single(acme, account)
    with pytest.raises(CampaignError) as caught:
        single(acme, account)
    assert caught.value.code == "over_budget"
    for figure in ("$0.10", "$0.05", "$0.25", "$0.00", "$0.20"):
        assert figure in str(caught.value.sentence)
    assert "raise the budget in the settings" in str(caught.value.sentence)
    assert Message.objects.count() == Dispatch.objects.count() == 2


def test_a_single_text_that_is_sent_counts_once(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "1")
    single(acme, account)
    dispatch = Dispatch.objects.get()
    assert (budget_of(acme).spent, budget_of(acme).agreed) == (0, Decimal("0.1"))
    charge(dispatch, "0.1")
    assert (budget_of(acme).spent, budget_of(acme).agreed) == (Decimal("0.1"), 0)
    finish_dispatch_if_done(dispatch_id=dispatch.pk)
    assert budget_of(acme).used == Decimal("0.1")


def test_a_budget_of_nothing_refuses_all_that_costs(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "0")
    with pytest.raises(CampaignError):
        single(acme, account)
    free = make_account(acme, name="Free", default_price=Decimal(0))
    single(acme, free)


def test_exactly_what_is_left_may_be_spent(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "0.10")
    single(acme, account)
    assert budget_of(acme).left == 0


def test_unknown_prices_and_other_currencies_are_not_held_against_it(acme: Workspace) -> None:
    limit(acme, "0")
    single(acme, make_account(acme, name="Unknown", default_price=None))
    single(acme, make_account(acme, name="Euros", currency="EUR"))
    assert budget_of(acme).agreed == 0


def test_the_api_refuses_and_names_the_figures(acme: Workspace, account: ProviderAccount) -> None:
    limit(acme, "0.05")
    sender = make_sender(acme)
    answer = api_client("marketer").post(
        "/api/v1/messages/",
        {"msisdn": NUMBER, "text": "Hello", "sender": sender.pk, "account": account.pk},
    )
    assert answer.status_code == 409, answer.content
    assert answer.json()["code"] == "over_budget"
    assert "$0.05 is left" in answer.json()["detail"]


def test_without_a_budget_one_query_is_enough(
    acme: Workspace, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        require_budget(acme, Decimal(5), "USD")
    limit(acme, "10")
    with transaction.atomic(), django_assert_num_queries(5):
        require_budget(acme, Decimal(5), "USD")


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_only_those_that_fit_begin(acme: Workspace) -> None:
    account = make_account(acme, default_price=Decimal("0.10"))
    make_sender(acme)
    limit(acme, "0.30")
    refused: list[Exception] = []
    start = threading.Barrier(6)

    def send() -> None:
        try:
            start.wait()
            single(acme, account)
        except Exception as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [getattr(error, "code", repr(error)) for error in refused] == ["over_budget"] * 3
    assert Message.objects.count() == 3


# --- its page and endpoint -----------------------------------------------------------------------------


def test_who_may(db: None) -> None:
    assert_access("/settings/budget/")
    assert_access("/settings/budget/", "post", viewer=403, marketer=403, admin=302, owner=302)
    assert_access("/api/v1/budget/")


def test_the_page_shows_the_months_use(
    acme: Workspace, account: ProviderAccount, victor_client: Client
) -> None:
    limit(acme, "1")
    dispatch = make_dispatch(acme, account, people=10)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_cost="0.90")
    charge(dispatch, "0.1", 5)
    page = victor_client.get("/settings/budget/").content.decode()
    assert "$0.50" in page
    assert "$0.40" in page
    assert "90% of the budget" in page
    assert 'name="monthly_budget"' not in page


def test_an_admin_sets_it(acme: Workspace, alice: User, alice_client: Client) -> None:
    answer = alice_client.post("/settings/budget/", {"monthly_budget": "250.50"})
    assert answer.status_code == 302
    acme.refresh_from_db()
    assert acme.monthly_budget == Decimal("250.50")
    entry = AuditEntry.objects.get(action="changed")
    assert entry.details == {"old": {"monthly_budget": None}, "new": {"monthly_budget": "250.50"}}
    alice_client.post("/settings/budget/", {"monthly_budget": ""})
    acme.refresh_from_db()
    assert acme.monthly_budget is None


@pytest.mark.parametrize("amount", ["-1", "x", "1.234", "1e30"])
def test_rejects_amounts(acme: Workspace, alice_client: Client, amount: str) -> None:
    answer = alice_client.post("/settings/budget/", {"monthly_budget": amount})
    assert answer.status_code == 422
    acme.refresh_from_db()
    assert acme.monthly_budget is None


def test_the_endpoint_shows_and_sets_it(acme: Workspace, account: ProviderAccount) -> None:
    answer = api_client("admin").patch("/api/v1/budget/", {"monthly_budget": "12"})
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["monthly_budget"], body["currency"], body["left"]) == ("12.00", "USD", "12.00000")
    assert Decimal(body["spent"]) == 0
    assert api_client("marketer").patch("/api/v1/budget/", {"monthly_budget": "13"}).status_code == 403


def test_the_dashboard_says_when_it_is_near(
    acme: Workspace, account: ProviderAccount, bob_client: Client
) -> None:
    limit(acme, "1")
    dispatch = make_dispatch(acme, account, people=10)
    charge(dispatch, "0.1", 7)
    assert "of the budget" not in bob_client.get("/").content.decode()
    charge(dispatch, "0.1")
    page = bob_client.get("/").content.decode()
    assert "80% of the budget" in page
    assert 'href="/settings/budget/"' in page


def test_over_budget_is_an_error_of_messaging() -> None:
    assert OverBudget("x").code == "over_budget"


@pytest.mark.django_db(transaction=True)
def test_what_is_charged_meanwhile_is_in_one_of_both_sums(acme: Workspace, account: ProviderAccount) -> None:
    """The engine holds no budget: what it charges moves from agreed to spent between any two statements."""
    if connection.vendor == "sqlite":
        pytest.skip("One writer at a time, and a page reads what was when it began")
    limit(acme, "100")
    dispatch = make_dispatch(acme, account, people=200)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_cost="20")
    done = threading.Event()

    def run() -> None:
        try:
            for _ in range(200):
                charge(dispatch, "0.10")
        finally:
            done.set()
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    used = set()
    while not done.is_set():
        used.add(budget_of(acme).used)
    thread.join()
    assert used == {Decimal(20)}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("-5", "The budget is -5, which is below 0. Enter 0 or more, or leave it empty for no limit."),
        ("five", "The budget is no amount. Enter digits, such as 500 or 499.50"),
        ("1.234", "The budget has more than two decimal places"),
        ("1" * 13, "The budget has more than 12 digits before the decimal point"),
        ("1" * 15, "The budget has more than 14 digits"),
    ],
)
def test_a_wrong_budget_is_told_with_the_remedy(
    alice_client: Client, acme: Workspace, typed: str, said: str
) -> None:
    answer = alice_client.post("/settings/budget/", {"monthly_budget": typed})
    assert answer.status_code == 422
    assert said in answer.content.decode()
