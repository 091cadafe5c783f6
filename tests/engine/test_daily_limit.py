"""An account's limit of parts a day: never over it, nobody lost, the rest the next day by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from contacts.models import OptOut, Recipient
from messaging.daily import forecast, goes_on_at, release_due
from messaging.dispatches import cancel_stopped, pause_dispatch, resume_dispatch, stop_dispatch
from messaging.engine import recover
from messaging.engine.journal import Journal
from messaging.ledger import claim_messages
from messaging.models import Dispatch, Message
from providers.daily import bulk_limit, give_back, take, use_today
from providers.models import AccountDay, ProviderAccount
from providers.services import update_account
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_brakes import Nobody, Vendor, run, states
from tests.engine.test_journal import die
from tests.engine.test_ledger import assert_counters_equal_ledger
from tests.messaging.verification.support import message_of, started

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

TODAY = date(2026, 11, 22)


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz", parts_per_day=10)


def taken(account: ProviderAccount) -> int:
    return use_today(ProviderAccount.objects.select_related("workspace").get(pk=account.pk)).parts


def tomorrow() -> None:
    """What was taken was taken yesterday."""
    for row in AccountDay.objects.order_by("day"):
        AccountDay.objects.filter(pk=row.pk).update(day=row.day - timedelta(days=1))


def set_limit(account: ProviderAccount, limit: int | None) -> None:
    update_account(account=account, actor=Actor(), parts_per_day=limit)


# --- the row ------------------------------------------------------------------------------------------


def test_it_takes_what_has_room(account: ProviderAccount) -> None:
    assert take(account.pk, TODAY, [1, 2, 3], 10) == [True, True, True]
    assert take(account.pk, TODAY, [3, 1, 2], 10) == [True, True, False]
    row = AccountDay.objects.get()
    assert (row.parts, row.wanted) == (10, 2)
    assert take(account.pk, TODAY, [1], 10) == [False]
    assert take(account.pk, TODAY + timedelta(days=1), [10], 10) == [True]
    assert take(account.pk, TODAY + timedelta(days=2), [11, 10], 10) == [False, True]


def test_what_comes_back_makes_room(account: ProviderAccount) -> None:
    take(account.pk, TODAY, [10], 10)
    give_back(account.pk, TODAY, 4)
    assert take(account.pk, TODAY, [4], 10) == [True]
    give_back(account.pk, TODAY, 100)
    assert AccountDay.objects.get().parts == 0


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite's writers wait for the whole file")
def test_many_workers_never_take_more(account: ProviderAccount) -> None:
    results: list[list[bool]] = []

    def work() -> None:
        try:
            results.extend(take(account.pk, TODAY, [1, 1, 1], 50) for _time in range(10))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(map(sum, results)) == AccountDay.objects.get().parts == 50


@pytest.mark.parametrize(("limit", "bulk"), [(1, 1), (19, 19), (20, 19), (100, 95), (200_000, 190_000)])
def test_a_twentieth_is_kept_for_codes(limit: int, bulk: int) -> None:
    assert bulk_limit(limit) == bulk


# --- sending ------------------------------------------------------------------------------------------


def test_it_works(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=25)
    vendor = Vendor()
    run(vendor)
    assert states(dispatch) == {"sent": 10, "held": 15}
    assert (len(vendor.requests), taken(account), dispatch.state) == (10, 10, "running")
    held = dispatch.messages.filter(state="held")
    assert {(row.reason, row.claim, row.due_at) for row in held} == {("daily_limit", "", goes_on_at(account))}
    assert_counters_equal_ledger(dispatch)

    for let_go, sent, waiting in ((10, 20, 5), (5, 25, 0)):
        assert release_due() == 0
        tomorrow()
        assert release_due() == let_go
        run(vendor)
        found = states(dispatch)
        assert (found["sent"], found.get("held", 0)) == (sent, waiting)
        assert_counters_equal_ledger(dispatch)
    assert dispatch.state == "finished"
    numbers = [request.read() for request in vendor.requests]
    assert len(set(numbers)) == len(numbers) == 25


def test_without_a_limit_nothing_is_counted(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz")
    dispatch = make_dispatch(acme, account, people=5)
    run(Vendor())
    assert states(dispatch) == {"sent": 5}
    assert AccountDay.objects.count() == 0


def test_no_more_are_let_go_than_find_room(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=40)
    run(Vendor())
    tomorrow()
    assert (release_due(), release_due()) == (10, 10)
    run(Vendor())
    assert states(dispatch) == {"sent": 20, "held": 20}
    assert_counters_equal_ledger(dispatch)


def test_long_texts_take_their_parts(account: ProviderAccount) -> None:
    """The first of three parts that finds no room is passed over; shorter ones take what is left."""
    dispatch = make_dispatch(account.workspace, account, people=6, text="{{first_name}}" * 8)
    Recipient.objects.filter(first_name__in=["Person 0", "Person 2", "Person 4"]).update(first_name="x" * 50)
    run(Vendor())
    sent = list(dispatch.messages.filter(state="sent").order_by("id").values_list("parts", flat=True))
    assert (sent, taken(account)) == ([3, 1, 3, 1, 1], 9)
    assert states(dispatch) == {"sent": 5, "held": 1}
    # One part is left, and three are wanted: nobody is moved for nothing.
    assert release_due() == 0
    tomorrow()
    assert release_due() == 1
    run(Vendor())
    assert states(dispatch) == {"sent": 6}


def test_what_was_certainly_not_sent_is_given_back(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=12)

    def refuse(number: int) -> httpx.Response:
        if number <= 4:
            return httpx.Response(400, json={"statusCode": 400, "message": ["to is wrong"]})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    run(Vendor(refuse))
    assert states(dispatch) == {"failed": 4, "sent": 6, "held": 2}
    assert taken(account) == 6
    assert release_due() == 2
    run(Vendor())
    assert states(dispatch) == {"failed": 4, "sent": 8}
    assert taken(account) == 8
    assert_counters_equal_ledger(dispatch)


def test_what_went_back_into_the_queue_is_given_back(account: ProviderAccount, settings: Settings) -> None:
    settings.ENGINE_UNREACHABLE_SECONDS = 60
    dispatch = make_dispatch(account.workspace, account, people=5)
    run(Nobody(), seconds=0.5)
    assert (states(dispatch), taken(account)) == ({"queued": 5}, 0)


def test_what_is_unclear_stays_counted(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=3)
    run(Vendor(lambda number: httpx.Response(500, json={})))
    assert (states(dispatch), taken(account)) == ({"unknown": 3}, 3)


def test_what_is_over_the_agreed_parts_is_given_back(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=5)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_parts=4)
    run(Vendor())
    assert (states(dispatch), taken(account), dispatch.state) == ({"queued": 5}, 0, "paused")


def test_what_a_dead_worker_only_claimed_is_given_back(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=2)
    lease = timezone.now() + timedelta(minutes=1)
    claim = "c" * 32
    [first, second] = claim_messages(dispatch=dispatch, claim=claim, limit=2, lease_until=lease)
    day = use_today(account).day
    take(account.pk, day, [3, 2], 10)
    journal = Journal(claim)
    journal.claimed([(first.message_id, 0, 3, day.isoformat()), (second.message_id, 0, 2, day.isoformat())])
    journal.handed(second.message_id)
    die(journal)
    assert recover() == 1
    assert (states(dispatch), taken(account)) == ({"queued": 1, "submitting": 1}, 2)


# --- a person's word ----------------------------------------------------------------------------------


def test_raising_the_limit_lets_them_go_at_once(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=18)
    run(Vendor())
    assert states(dispatch) == {"sent": 10, "held": 8}
    set_limit(account, 15)
    assert states(dispatch) == {"sent": 10, "queued": 5, "held": 3}
    run(Vendor())
    assert states(dispatch) == {"sent": 15, "held": 3}
    set_limit(account, None)
    assert states(dispatch) == {"sent": 15, "queued": 3}
    run(Vendor())
    assert (states(dispatch), dispatch.state) == ({"sent": 18}, "finished")


def test_lowering_it_below_what_was_sent_holds_the_rest(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=12)
    run(Vendor())
    set_limit(account, 5)
    assert release_due() == 0
    assert (states(dispatch), goes_on_at(account) is not None) == ({"sent": 10, "held": 2}, True)


def test_lowering_it_below_one_text_asks_a_person(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=2, text="x" * 400)
    set_limit(account, 2)
    run(Vendor())
    dispatch.refresh_from_db()
    assert (states(dispatch), dispatch.state) == ({"held": 2}, "paused")
    assert dispatch.state_reason.startswith("A text has 3 parts, more than ")
    assert use_today(account).has_room, "shorter ones of others go"
    set_limit(account, 10)
    resume_dispatch(dispatch_id=dispatch.pk)
    release_due()
    run(Vendor())
    assert states(dispatch) == {"sent": 2}


def test_a_paused_dispatch_stays_held_until_it_is_resumed(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=12)
    run(Vendor())
    pause_dispatch(dispatch_id=dispatch.pk)
    tomorrow()
    assert release_due() == 0
    resume_dispatch(dispatch_id=dispatch.pk)
    assert release_due() == 2


def test_stopping_cancels_those_held(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=12)
    run(Vendor())
    stop_dispatch(dispatch_id=dispatch.pk)
    assert cancel_stopped([dispatch.pk]) == 2
    assert states(dispatch) == {"sent": 10, "cancelled": 2}
    assert release_due() == 0
    assert_counters_equal_ledger(dispatch)


def test_who_opts_out_while_held_is_not_texted(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=12)
    run(Vendor())
    gone = dispatch.messages.filter(state="held")[0]
    OptOut.objects.create(workspace=account.workspace, msisdn=gone.msisdn, source="api")
    tomorrow()
    release_due()
    run(Vendor())
    assert states(dispatch) == {"sent": 11, "suppressed": 1}
    assert taken(account) == 1


# --- codes --------------------------------------------------------------------------------------------


@pytest.fixture
def full(account: ProviderAccount) -> Iterator[ProviderAccount]:
    """All that is for broadcasts is sent: 38 of 40."""
    ProviderAccount.objects.filter(pk=account.pk).update(parts_per_day=40)
    account.refresh_from_db()
    dispatch = make_dispatch(account.workspace, account, people=50)
    run(Vendor())
    assert states(dispatch) == {"sent": 38, "held": 12}
    yield account


def test_codes_are_not_held_by_broadcasts(full: ProviderAccount) -> None:
    code = started(full).verification
    run(Vendor())
    assert (message_of(code).state, taken(full)) == ("sent", 39)
    assert Message.objects.filter(state="held").count() == 12


def test_codes_are_held_by_the_whole_limit_alone(full: ProviderAccount) -> None:
    codes = [started(full, f"1201555010{number}").verification for number in (1, 2, 3)]
    run(Vendor())
    assert [message_of(code).state for code in codes] == ["sent", "sent", "held"]
    assert taken(full) == 40


# --- the day ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "starts"),
    [
        ("UTC", "2026-11-22T07:00", "2026-11-23T00:00"),
        ("America/New_York", "2026-11-22T03:00", "2026-11-22T05:00"),
        ("Asia/Tokyo", "2026-11-22T16:00", "2026-11-23T15:00"),
        # The clocks are put forward at midnight: the day begins at one.
        ("America/Santiago", "2026-09-05T12:00", "2026-09-06T04:00"),
    ],
)
def test_a_day_is_one_where_the_workspace_is(
    account: ProviderAccount, time_machine: Any, zone: str, now: str, starts: str
) -> None:
    account.workspace.time_zone = zone
    account.workspace.save()
    time_machine.move_to(datetime.fromisoformat(now).replace(tzinfo=UTC))
    take(account.pk, use_today(account).day, [10], 10)
    assert goes_on_at(account) == datetime.fromisoformat(starts).replace(tzinfo=UTC)
    time_machine.move_to(datetime.fromisoformat(starts).replace(tzinfo=UTC) - timedelta(seconds=1))
    assert use_today(account).left == 0
    time_machine.move_to(datetime.fromisoformat(starts).replace(tzinfo=UTC))
    assert use_today(account).left == 10


# --- told before --------------------------------------------------------------------------------------


def test_a_forecast(account: ProviderAccount, time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 22, 9, tzinfo=UTC))
    now = timezone.now()
    assert forecast(account, people=10, parts=10, at=now) is None
    found = forecast(account, people=25, parts=25, at=now)
    assert found is not None
    assert (found.left, found.held) == (10, 15)
    assert (found.day, found.next_day, found.last_day) == (
        TODAY,
        TODAY + timedelta(days=1),
        TODAY + timedelta(days=2),
    )
    take(account.pk, TODAY, [7], 10)
    found = forecast(account, people=5, parts=6, at=now)
    assert found is not None
    assert (found.left, found.held) == (3, 3)
    assert forecast(account, people=5, parts=6, at=now + timedelta(days=1)) is None


def test_a_forecast_lets_go_first_what_runs(account: ProviderAccount, time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 22, 9, tzinfo=UTC))
    dispatch = make_dispatch(account.workspace, account, people=25)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_parts=25)
    found = forecast(account, people=6, parts=6, at=timezone.now())
    assert found is not None
    assert (found.left, found.held) == (0, 6)
    assert (found.next_day, found.last_day) == (TODAY + timedelta(days=2), TODAY + timedelta(days=3))


# --- several workers ----------------------------------------------------------------------------------


def test_two_workers_together_keep_the_limit(account: ProviderAccount) -> None:
    """Also while one part of them is put back, and taken again."""
    ProviderAccount.objects.filter(pk=account.pk).update(parts_per_day=19, max_in_flight=2)
    dispatch = make_dispatch(account.workspace, account, people=60)

    def throttled_at_first(number: int) -> httpx.Response:
        if number <= 3:
            return httpx.Response(429, json={}, headers={"retry-after": "0"})
        return httpx.Response(200, json={"message_id": f"v{number}"})

    vendors = [Vendor(throttled_at_first), Vendor(throttled_at_first)]

    def work(vendor: Vendor) -> None:
        try:
            run(vendor, seconds=15)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[vendor]) for vendor in vendors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What was put back after the rest was held finds its room again.
    release_due()
    run(Vendor())
    assert (states(dispatch), taken(account)) == ({"sent": 19, "held": 41}, 19)
    assert_counters_equal_ledger(dispatch)
