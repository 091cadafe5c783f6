"""When the engine stops by itself and asks a person: before recipients are wasted, or more is spent than was agreed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import OptOut, Recipient
from messaging.budget import OverBudget
from messaging.dispatches import counts_of, pause_dispatch, resume_dispatch
from messaging.engine import Engine, EngineReport
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from providers.pace import push_back
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_ledger import assert_counters_equal_ledger
from web.money import exact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def whiz(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz")


@pytest.fixture
def bulk(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "bulkvs")


class Vendor(httpx.AsyncBaseTransport):
    """Answers each text as `answer` says and keeps what came, as it would have left the house."""

    def __init__(self, answer: Callable[[int], httpx.Response] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer or (lambda number: httpx.Response(200, json={"message_id": f"v{number}"}))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return self._answer(len(self.requests))


class Nobody(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens")


def run(vendor: httpx.AsyncBaseTransport, seconds: float = 20.0) -> EngineReport:
    return asyncio.run(Engine(transport=vendor).run(seconds=seconds))


def states(dispatch: Dispatch) -> dict[str, int]:
    dispatch.refresh_from_db()
    return {state: count for state, count in counts_of([dispatch.pk]).items() if count}


def limited(account: ProviderAccount, people: int, agreed_parts: int) -> Dispatch:
    dispatch = make_dispatch(account.workspace, account, people=people)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_parts=agreed_parts)
    return dispatch


# --- what was agreed to ---------------------------------------------------------------------------------


def test_longer_values_than_agreed_to_pause_before_they_cost(whiz: ProviderAccount) -> None:
    dispatch = limited(whiz, people=20, agreed_parts=20)
    Recipient.objects.filter(first_name="Person 7").update(first_name="\U0001f600" * 45)
    vendor = Vendor()
    run(vendor)
    assert states(dispatch) == {"queued": 20}
    assert (dispatch.state, dispatch.over_agreed, vendor.requests) == ("paused", True, [])
    assert (
        "Agreed to: parts 20, cost —. Now in all: parts 21, cost $0.17. Resume to agree to that"
        in dispatch.state_reason
    )
    assert_counters_equal_ledger(dispatch)

    resume_dispatch(dispatch_id=dispatch.pk)
    run(vendor)
    assert states(dispatch) == {"sent": 20}
    assert (dispatch.state, dispatch.agreed_parts) == ("finished", 21)


def priced(account: ProviderAccount, people: int, price: str, agreed_cost: str) -> Dispatch:
    """Of a broadcast: a text by itself was priced as it was handed in, and nobody is there to be asked."""
    set_price(account, price)
    dispatch = make_dispatch(account.workspace, account, people=people)
    Dispatch.objects.filter(pk=dispatch.pk).update(
        agreed_parts=people, agreed_cost=agreed_cost, broadcast_id=1_000_000 + dispatch.pk
    )
    return dispatch


def set_price(account: ProviderAccount, price: str) -> None:
    ProviderAccount.objects.filter(pk=account.pk).update(default_price=price, updated_at=timezone.now())


def test_a_price_that_rises_is_asked_about_before_it_is_paid(whiz: ProviderAccount) -> None:
    dispatch = priced(whiz, people=20, price="0.0079", agreed_cost="0.158")
    set_price(whiz, "0.05")
    run(Vendor())
    assert (states(dispatch), dispatch.state, dispatch.cost) == ({"queued": 20}, "paused", 0)
    assert "cost $0.16. Now in all: parts 20, cost $1.00" in dispatch.state_reason
    resume_dispatch(dispatch_id=dispatch.pk)
    # It rises again: what was agreed to is not "any price".
    set_price(whiz, "0.06")
    run(Vendor())
    assert (states(dispatch), dispatch.state) == ({"queued": 20}, "paused")
    resume_dispatch(dispatch_id=dispatch.pk)
    run(Vendor())
    assert (states(dispatch), dispatch.state, dispatch.cost) == ({"sent": 20}, "finished", Decimal("1.2"))
    assert dispatch.claimed_cost == Decimal("1.2")


def test_a_price_that_rises_amid_a_run_stops_the_rest(whiz: ProviderAccount) -> None:
    dispatch = priced(whiz, people=10, price="0.01", agreed_cost="0.1")
    ids = list(dispatch.messages.order_by("id").values_list("pk", flat=True))
    Message.objects.filter(pk__in=ids[4:]).update(due_at=timezone.now() + timedelta(hours=1))
    run(Vendor(), seconds=3)
    assert (states(dispatch), dispatch.cost) == ({"sent": 4, "queued": 6}, Decimal("0.04"))
    Message.objects.filter(pk__in=ids[4:]).update(due_at=None)
    set_price(whiz, "0.02")
    run(Vendor())
    assert (states(dispatch), dispatch.state) == ({"sent": 4, "queued": 6}, "paused")
    assert "parts 10, cost $0.16. Resume" in dispatch.state_reason


def test_the_price_that_was_agreed_to_asks_nobody(whiz: ProviderAccount) -> None:
    """Whatever SQLite makes of sums of a tenth of a cent; and every other text is put back and claimed again."""

    def answer(number: int) -> httpx.Response:
        if number % 2:
            return httpx.Response(429, headers={"retry-after": "0"})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    dispatch, vendor = priced(whiz, people=30, price="0.00719", agreed_cost="0.2157"), Vendor(answer)
    deadline = timezone.now() + timedelta(seconds=40)
    while states(dispatch) != {"sent": 30} and timezone.now() < deadline:
        run(vendor, seconds=1)
    assert (states(dispatch), dispatch.state) == ({"sent": 30}, "finished")
    assert exact(dispatch.claimed_cost) == exact(dispatch.cost) == Decimal("0.2157")


def test_to_resume_beyond_the_budget_is_refused(whiz: ProviderAccount) -> None:
    dispatch = priced(whiz, people=10, price="0.01", agreed_cost="0.1")
    Workspace.objects.filter(pk=whiz.workspace_id).update(monthly_budget="0.15", currency=whiz.currency)
    set_price(whiz, "0.02")
    run(Vendor())
    with pytest.raises(OverBudget, match=r"It costs \$0\.10, and \$0\.05 is left"):
        resume_dispatch(dispatch_id=dispatch.pk)
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.over_agreed, dispatch.agreed_cost) == ("paused", True, Decimal("0.1"))
    Workspace.objects.update(monthly_budget="0.2")
    assert resume_dispatch(dispatch_id=dispatch.pk)


def test_another_pause_lifts_no_limit(whiz: ProviderAccount) -> None:
    dispatch = limited(whiz, people=3, agreed_parts=3)
    pause_dispatch(dispatch_id=dispatch.pk)
    Recipient.objects.filter(first_name="Person 1").update(first_name="\U0001f600" * 45)
    resume_dispatch(dispatch_id=dispatch.pk)
    run(Vendor())
    assert (states(dispatch), dispatch.state) == ({"queued": 3}, "paused")


def test_what_is_put_back_is_not_counted_twice(whiz: ProviderAccount) -> None:
    """Every other text is throttled, and so claimed again."""

    def answer(number: int) -> httpx.Response:
        if number % 2:
            return httpx.Response(429, headers={"retry-after": "0"})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    dispatch, vendor = limited(whiz, people=10, agreed_parts=10), Vendor(answer)
    deadline = timezone.now() + timedelta(seconds=20)
    while states(dispatch) != {"sent": 10} and timezone.now() < deadline:
        run(vendor, seconds=1)
    assert (states(dispatch), dispatch.state) == ({"sent": 10}, "finished")
    assert dispatch.claimed_parts == 10


def test_parts_that_a_killed_worker_left_counted_pause_nobody(whiz: ProviderAccount) -> None:
    """Killed between two steps: its messages went back, their parts are still counted; some of it is unknown."""
    dispatch = limited(whiz, people=10, agreed_parts=10)
    lost = dispatch.messages.order_by("id")[0]
    apply_changes([Change(lost.pk, MessageState.UNKNOWN, timezone.now(), "sweep", "worker_lost")])
    Dispatch.objects.filter(pk=dispatch.pk).update(claimed_parts=7)
    run(Vendor())
    assert (states(dispatch), dispatch.state) == ({"sent": 9, "unknown": 1}, "finished")
    assert dispatch.claimed_parts == 10


# --- who opts out while a text waits for its turn -------------------------------------------------------


def test_nothing_is_claimed_before_the_accounts_clock_lets_it_go(whiz: ProviderAccount) -> None:
    dispatch = make_dispatch(whiz.workspace, whiz, people=5)
    push_back(whiz.pk, timezone.now() + timedelta(minutes=5))
    vendor = Vendor()
    report = run(vendor, seconds=1)
    assert (report.claimed, vendor.requests) == (0, [])
    assert states(dispatch) == {"queued": 5}


def test_a_stop_while_texts_wait_for_a_hand_is_obeyed(
    whiz: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two are claimed, one is at the vendor's for long; meanwhile the other one writes STOP."""
    monkeypatch.setattr("messaging.engine.loop.FRESH_SECONDS", 0.1)
    whiz.max_in_flight = 1
    whiz.save()
    dispatch = make_dispatch(whiz.workspace, whiz, people=2)
    second = dispatch.messages.order_by("id")[1]

    class Slow(Vendor):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.to_thread(self._opt_out)
            await asyncio.sleep(0.3)
            return await super().handle_async_request(request)

        def _opt_out(self) -> None:
            OptOut.objects.get_or_create(workspace=whiz.workspace, msisdn=second.msisdn)
            connections.close_all()

    vendor = Slow()
    run(vendor)
    assert len(vendor.requests) == 1
    assert states(dispatch) == {"sent": 1, "suppressed": 1}
    assert dispatch.messages.get(state="suppressed").msisdn == second.msisdn
    assert dispatch.state == "finished"
    assert_counters_equal_ledger(dispatch)


def test_what_waits_for_a_hand_when_its_time_is_over_is_not_sent(whiz: ProviderAccount) -> None:
    """Claimed in time, and one is at the vendor's when the time is over: nobody has to cancel the others for that."""
    whiz.max_in_flight = 1
    whiz.save()
    dispatch = make_dispatch(whiz.workspace, whiz, people=5)

    class Slow(Vendor):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(1.2)
            return await super().handle_async_request(request)

    Dispatch.objects.filter(pk=dispatch.pk).update(not_after=timezone.now() + timedelta(seconds=1))
    vendor = Slow()
    report = run(vendor)
    assert len(vendor.requests) == 1
    assert (report.claimed, report.returned) == (5, 4)
    assert states(dispatch) == {"sent": 1, "queued": 4}
    assert set(dispatch.messages.filter(state="queued").values_list("reason", flat=True)) == {
        "broadcast_expired"
    }
    assert dispatch.state == "running"
    assert_counters_equal_ledger(dispatch)
    assert run(vendor).claimed == 0


def test_who_goes_out_at_once_is_not_looked_up_again(
    whiz: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("messaging.engine.loop.has_opted_out", lambda _dispatch, msisdn: asked.append(msisdn))
    dispatch = make_dispatch(whiz.workspace, whiz, people=20)
    run(Vendor())
    assert (states(dispatch), asked) == ({"sent": 20}, [])


@pytest.mark.parametrize("vendor", ["messagewhiz", "bulkvs"])
def test_one_who_opted_out_at_the_provider_stops_nobody_else(acme: Workspace, vendor: str) -> None:
    account = make_account(acme, vendor)
    dispatch = make_dispatch(acme, account, people=5)

    def answer(number: int) -> httpx.Response:
        if number == 2:
            return httpx.Response(
                403, json={"message": "Recipient has opted out", "Description": "Recipient has opted out"}
            )
        results = [{"To": msisdn, "Status": "SUCCESS"} for msisdn in known]
        return httpx.Response(
            200, json={"message_id": f"v{number}", "RefId": f"v{number}", "Results": results}
        )

    known = list(dispatch.messages.values_list("msisdn", flat=True))
    run(Vendor(answer))
    assert (states(dispatch), dispatch.state) == ({"sent": 4, "suppressed": 1}, "finished")
    gone = dispatch.messages.get(state="suppressed")
    proof = OptOut.objects.get()
    assert (gone.reason, proof.msisdn, proof.how) == ("opted_out_at_vendor", gone.msisdn, "vendor")
    assert (proof.source, proof.message_id) == ("Recipient has opted out", gone.pk)


# --- a provider in trouble ------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"RefId": ["x"], "Results": "yes"}, {"Results": [{"Status": "MAYBE"}]}])
def test_answers_that_say_nothing_of_the_recipient_pause(bulk: ProviderAccount, body: dict[str, Any]) -> None:
    dispatch = make_dispatch(bulk.workspace, bulk, people=200)
    run(Vendor(lambda _number: httpx.Response(200, json=body)))
    counts = states(dispatch)
    assert dispatch.state == "paused"
    assert counts["unknown"] < 100, counts
    assert counts["unknown"] + counts["queued"] == 200
    bulk.refresh_from_db()
    assert bulk.health == "failing"


@pytest.mark.parametrize("vendor", ["messagewhiz", "bulkvs"])
@pytest.mark.parametrize("status", [400, 407, 421])
def test_a_page_in_place_of_an_answer_pauses_and_wastes_nobody(
    acme: Workspace, vendor: str, status: int
) -> None:
    """nginx answers so to HTTP on its HTTPS port: the address is wrong, not each of the recipients."""
    account = make_account(acme, vendor)
    dispatch = make_dispatch(acme, account, people=50)
    run(Vendor(lambda _number: httpx.Response(status, html="<html><body>Bad Request</body></html>")))
    assert states(dispatch) == {"queued": 50}
    assert dispatch.state == "paused"
    assert "base URL" in dispatch.state_reason


def test_patience_with_a_provider_that_is_down_outlasts_one_run(
    whiz: ProviderAccount, settings: Settings
) -> None:
    settings.ENGINE_UNREACHABLE_SECONDS = 60.0
    dispatch = make_dispatch(whiz.workspace, whiz, people=3)
    run(Nobody(), seconds=0.5)
    whiz.refresh_from_db()
    assert (states(dispatch), dispatch.state, whiz.health) == ({"queued": 3}, "running", "failing")
    assert whiz.unreachable_since is not None

    ago = timezone.now() - timedelta(seconds=61)
    ProviderAccount.objects.filter(pk=whiz.pk).update(unreachable_since=ago)
    dispatch.messages.update(due_at=None)
    run(Nobody(), seconds=5)
    assert (states(dispatch), dispatch.state) == ({"queued": 3}, "paused")
    assert "could not be reached" in dispatch.state_reason
    whiz.refresh_from_db()
    assert whiz.unreachable_since is None, "after the resume the patience begins anew"


def test_one_connection_ends_the_count(whiz: ProviderAccount) -> None:
    ago = timezone.now() - timedelta(seconds=61)
    ProviderAccount.objects.filter(pk=whiz.pk).update(unreachable_since=ago)
    dispatch = make_dispatch(whiz.workspace, whiz, people=1)
    run(Vendor())
    whiz.refresh_from_db()
    assert (states(dispatch), whiz.unreachable_since, whiz.health) == ({"sent": 1}, None, "ok")


def test_an_absurd_price_is_no_price(whiz: ProviderAccount) -> None:
    from providers.connectors.answers import price

    assert price("0.0079") == Decimal("0.0079")
    assert price("99999.99999") is None
