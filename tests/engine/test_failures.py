"""A dispatch of which too many fail is paused before the rest is wasted; who resumes it agrees to what was named."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging import failures
from messaging.dispatches import pause_dispatch, resume_dispatch
from messaging.engine import Engine
from messaging.failures import judge_failures
from messaging.ledger import Change, apply_changes
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_brakes import Vendor, run, states
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]
S = MessageState


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz")


def watched(account: ProviderAccount, people: int = 400, limit: int = 10, sample: int = 50) -> Dispatch:
    dispatch = make_dispatch(account.workspace, account, people=people)
    Dispatch.objects.filter(pk=dispatch.pk).update(failure_limit=limit, failure_sample=sample)
    dispatch.refresh_from_db()
    return dispatch


def settle(
    dispatch: Dispatch, number: int, state: MessageState, reason: str = "", of: str = "queued"
) -> None:
    """So many of those in a state come to another one."""
    rows = Message.objects.filter(dispatch=dispatch, state=of).order_by("id")
    now = datetime.now(UTC)
    ids = list(rows.values_list("id", flat=True)[:number])
    assert len(ids) == number
    steps = [S.SUBMITTING, state] if of == "queued" else [state]
    for step in steps:
        word = reason if step is state else ""
        assert len(apply_changes([Change(pk, step, now, "receipt", word) for pk in ids])) == number


def state_of(dispatch: Dispatch) -> str:
    dispatch.refresh_from_db()
    return dispatch.state


# --- while it is sent ---------------------------------------------------------------------------------


def refusing(share: int) -> Vendor:
    """Refuses the number of each so-many-th text."""

    def answer(number: int) -> httpx.Response:
        if number % share == 0:
            return httpx.Response(400, json={"message": "Invalid phone number", "error": "invalid_number"})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    return Vendor(answer)


class Slow(httpx.AsyncBaseTransport):
    def __init__(self, vendor: Vendor, seconds: float) -> None:
        self.vendor, self.seconds = vendor, seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self.seconds)
        return await self.vendor.handle_async_request(request)


def test_the_engine_stops_before_the_rest_is_wasted(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz", max_in_flight=4)
    dispatch = watched(account, people=1500, sample=20)
    vendor = refusing(2)
    asyncio.run(Engine(transport=Slow(vendor, 0.005)).run(seconds=30))
    assert state_of(dispatch) == "paused"
    found = states(dispatch)
    assert found["failed"] > 2
    assert found["queued"] > 500
    assert dispatch.state_reason.startswith("Paused by Crier: of the last ")
    assert "were refused, more than 10 of a hundred" in dispatch.state_reason
    assert "Most often: The provider refused to take it" in dispatch.state_reason
    assert "Read the provider's words." in dispatch.state_reason
    assert_counters_equal_ledger(dispatch)


def test_few_failures_stop_nothing(account: ProviderAccount) -> None:
    dispatch = watched(account, people=300)
    run(refusing(20))
    assert (state_of(dispatch), states(dispatch)) == ("finished", {"sent": 285, "failed": 15})


# --- what is counted ------------------------------------------------------------------------------------


def test_it_is_paused_with_figures_reasons_and_remedy(account: ProviderAccount) -> None:
    dispatch = watched(account)
    settle(dispatch, 200, S.SENT)
    settle(dispatch, 86, S.DELIVERED, of="sent")
    settle(dispatch, 9, S.UNDELIVERED, "undelivered", of="sent")
    assert judge_failures() == 0
    settle(dispatch, 3, S.REJECTED, "rejected", of="sent")
    assert judge_failures() == 1
    assert state_of(dispatch) == "paused"
    assert dispatch.state_reason == (
        "Paused by Crier: of the last 98 messages reported on 12 were not delivered, more than 10 of a hundred. Most often:"
        " The network could not deliver it (9), The network rejected it (3). Try again later. Mend it and resume; it is"
        " paused again beyond 23 of a hundred. Or stop it."
    )
    assert judge_failures() == 0


@pytest.mark.parametrize(("failed", "paused"), [(5, False), (6, True)])
def test_the_limit_itself_is_not_beyond_it(account: ProviderAccount, failed: int, paused: bool) -> None:
    dispatch = watched(account)
    settle(dispatch, 50 - failed, S.SENT)
    settle(dispatch, failed, S.FAILED, "bad_number")
    judge_failures()
    assert (state_of(dispatch) == "paused") is paused


def test_of_too_few_nothing_is_concluded(account: ProviderAccount) -> None:
    dispatch = watched(account, people=60)
    settle(dispatch, 49, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "running"
    settle(dispatch, 1, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "paused"
    assert "it is not paused for that again" in dispatch.state_reason


@pytest.mark.parametrize(
    "reason", ["out_of_reach", "no_sender_for_country", "recipient_removed", "said_not_received"]
)
def test_what_was_told_before_the_launch_is_no_failure(account: ProviderAccount, reason: str) -> None:
    dispatch = watched(account)
    settle(dispatch, 200, S.FAILED, reason)
    judge_failures()
    assert state_of(dispatch) == "running"


def test_refusals_are_not_weighed_against_reports_that_have_not_come(account: ProviderAccount) -> None:
    """Refusals are known at once, deliveries later: of those reported on, all would have failed."""
    dispatch = watched(account)
    settle(dispatch, 200, S.SENT)
    settle(dispatch, 8, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "running"


def test_unknown_suppressed_and_cancelled_are_no_failures(account: ProviderAccount) -> None:
    dispatch = watched(account)
    settle(dispatch, 100, S.UNKNOWN, "no_answer")
    rows = Message.objects.filter(dispatch=dispatch, state="queued")[:100]
    apply_changes([Change(row.pk, S.SUPPRESSED, datetime.now(UTC), "engine", "opted_out") for row in rows])
    judge_failures()
    assert state_of(dispatch) == "running"


@pytest.mark.parametrize("limit", [None, 100])
def test_without_a_limit_nothing_is_paused(account: ProviderAccount, limit: int | None) -> None:
    dispatch = watched(account)
    Dispatch.objects.filter(pk=dispatch.pk).update(failure_limit=limit)
    settle(dispatch, 300, S.FAILED, "bad_number")
    assert (judge_failures(), state_of(dispatch)) == (0, "running")


def test_the_last_ones_count_not_all_of_them(account: ProviderAccount) -> None:
    """A thousand that arrived do not hide the hundred after them that did not."""
    dispatch = watched(account, people=2000, sample=20)
    for _round in range(10):
        settle(dispatch, 100, S.SENT)
        judge_failures()
    settle(dispatch, 30, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "paused"
    assert "of the last 130 messages handed over 30 were refused" in dispatch.state_reason


def test_it_costs_two_queries(
    account: ProviderAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        dispatch = make_dispatch(
            account.workspace, account, people=3, broadcast_id=number + 1, name=f"List {number}"
        )
        Dispatch.objects.filter(pk=dispatch.pk).update(failure_limit=10, failure_sample=50)
    with django_assert_num_queries(2):
        judge_failures()


# --- resumed --------------------------------------------------------------------------------------------


def test_who_resumes_agrees_and_it_is_not_paused_for_the_same(account: ProviderAccount) -> None:
    dispatch = watched(account, people=1000)
    settle(dispatch, 80, S.SENT)
    settle(dispatch, 20, S.FAILED, "bad_number")
    judge_failures()
    assert (state_of(dispatch), dispatch.failure_asked) == ("paused", 30)

    resume_dispatch(dispatch_id=dispatch.pk)
    judge_failures()
    assert (state_of(dispatch), dispatch.failure_limit, dispatch.failure_asked) == ("running", 30, None)
    # As many again of those that follow are within what was agreed to.
    settle(dispatch, 70, S.SENT)
    settle(dispatch, 30, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "running"
    settle(dispatch, 10, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "paused"
    assert "more than 30 of a hundred" in dispatch.state_reason


def test_resuming_after_a_pause_by_hand_agrees_to_nothing(account: ProviderAccount) -> None:
    dispatch = watched(account)
    settle(dispatch, 100, S.SENT)
    settle(dispatch, 8, S.FAILED, "bad_number")
    judge_failures()
    pause_dispatch(dispatch_id=dispatch.pk)
    resume_dispatch(dispatch_id=dispatch.pk)
    dispatch.refresh_from_db()
    assert dispatch.failure_limit == 10
    settle(dispatch, 10, S.FAILED, "bad_number")
    judge_failures()
    assert state_of(dispatch) == "paused"


def test_a_sentence_always_fits(account: ProviderAccount) -> None:
    dispatch = watched(account)
    for reason in ("x" * 40, "y" * 40, "z" * 40, "out_of_reach_of_all"):
        settle(dispatch, 60, S.FAILED, reason)
    judge_failures()
    assert state_of(dispatch) == "paused"
    assert len(dispatch.state_reason) < 500
    assert dispatch.state_reason.endswith("Or stop it.")


def test_marks_of_a_worker_that_looked_before_the_resume_are_not_kept(
    account: ProviderAccount,
) -> None:
    dispatch = watched(account, people=1000)
    settle(dispatch, 80, S.SENT)
    settle(dispatch, 20, S.FAILED, "bad_number")
    stale = Dispatch.objects.get(pk=dispatch.pk)
    judge_failures()
    resume_dispatch(dispatch_id=dispatch.pk)
    now = failures.tallies_of(failures._counts_of([dispatch.pk])[dispatch.pk])
    failures._keep_marks(stale, failures._moved_on(failures._marks_of(stale, now), now, 1))
    dispatch.refresh_from_db()
    assert dispatch.failure_marks == {"from_now_on": True}
