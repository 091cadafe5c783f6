"""Quiet hours in the engine: nobody is texted in them, nobody is lost, and all go on by themselves afterwards.

Real time: the quiet hours are put around now, in UTC, where no clock is changed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import OptOut, Recipient
from messaging import ledger
from messaging.daily import release_due
from messaging.dispatches import cancel_stopped, pause_dispatch, resume_dispatch, stop_dispatch
from messaging.engine.jobs import NotYet, claim_jobs, load_lanes
from messaging.ledger import StillHolding, claim_messages
from messaging.models import Dispatch, Message
from messaging.quiet import next_due_of, quiet_held_of, quiet_of, release_timed
from messaging.recount import miscounts
from providers.models import ProviderAccount
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_brakes import Vendor, run, states
from tests.engine.test_daily_limit import set_limit, tomorrow
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.05


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "messagewhiz")


def clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M}"


def set_hours(dispatch: Dispatch, begins: timedelta, ends: timedelta) -> None:
    """From now, in UTC; to the minute."""
    now = timezone.now()
    hours = {"begins": clock(now + begins), "ends": clock(now + ends), "zone": "UTC"}
    Dispatch.objects.filter(pk=dispatch.pk).update(quiet_hours=hours)
    dispatch.refresh_from_db()


def asleep(dispatch: Dispatch) -> None:
    set_hours(dispatch, timedelta(hours=-2), timedelta(hours=2))


def awake(dispatch: Dispatch) -> None:
    """The night is over: who is held has had their moment."""
    set_hours(dispatch, timedelta(hours=-4), timedelta(hours=-2))
    past = timezone.now() - timedelta(minutes=1)
    Message.objects.filter(dispatch=dispatch, state="held", reason="quiet_hours").update(due_at=past)
    Dispatch.objects.filter(pk=dispatch.pk, next_due_at__isnull=False).update(next_due_at=past)


@pytest.fixture
def night(account: ProviderAccount) -> Dispatch:
    """Twelve people in UTC, where it is night."""
    dispatch = make_dispatch(account.workspace, account, people=12)
    Recipient.objects.update(time_zone="UTC")
    asleep(dispatch)
    return dispatch


def test_it_works(night: Dispatch) -> None:
    vendor = Vendor()
    run(vendor)
    assert states(night) == {"held": 12}
    assert (vendor.requests, night.state) == ([], "running")
    held = night.messages.filter(state="held")
    [(reason, due_at)] = set(held.values_list("reason", "due_at"))
    assert reason == "quiet_hours"
    assert timedelta(minutes=118) < due_at - timezone.now() <= timedelta(hours=2)
    assert night.next_due_at == due_at == next_due_of([night.pk])
    assert quiet_held_of([night.pk]) == 12
    assert_counters_equal_ledger(night)
    assert release_timed() == 0

    awake(night)
    assert release_timed() == 12
    run(vendor)
    assert states(night) == {"sent": 12}
    assert (len(vendor.requests), night.state, night.next_due_at) == (12, "finished", None)
    assert_counters_equal_ledger(night)
    assert list(miscounts()) == []


def test_only_those_are_held_where_it_is_night(night: Dispatch) -> None:
    """Twelve hours away it is day."""
    there = Recipient.objects.filter(first_name__in=["Person 1", "Person 5", "Person 11"])
    there.update(time_zone="Pacific/Fiji")
    vendor = Vendor()
    run(vendor)
    assert states(night) == {"held": 9, "sent": 3}
    sent = set(night.messages.filter(state="sent").values_list("recipient_id", flat=True))
    assert sent == set(there.values_list("pk", flat=True))
    assert_counters_equal_ledger(night)


def test_without_a_zone_the_number_says_it(night: Dispatch) -> None:
    """New York is four or five hours behind, so that it is not night there; a zone that nobody knows is none."""
    Recipient.objects.filter(first_name="Person 3").update(time_zone="")
    Recipient.objects.filter(first_name="Person 4").update(time_zone="Mars/Base")
    run(Vendor())
    sent = night.messages.filter(state="sent").order_by("recipient_id")
    names = Recipient.objects.filter(pk__in=sent.values("recipient_id")).values_list("first_name", flat=True)
    assert sorted(names) == ["Person 3", "Person 4"]


def test_a_number_without_a_row_is_where_it_says(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, msisdns=["12015550123", "88216550000"], text="Hello")
    asleep(dispatch)
    run(Vendor())
    # The second one is a satellite's: it is where the workspace is.
    assert list(dispatch.messages.order_by("id").values_list("state", flat=True)) == ["sent", "held"]


def test_without_quiet_hours_nothing_is_asked(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=5)
    with CaptureQueriesContext(connection) as plain:
        claim_messages(dispatch=dispatch, claim="a" * 32, limit=2, lease_until=timezone.now())
    assert not any("contacts_recipient" in query["sql"] for query in plain.captured_queries)
    set_hours(dispatch, timedelta(hours=-4), timedelta(hours=-2))
    with CaptureQueriesContext(connection) as with_hours:
        quiet = quiet_of(dispatch)
        claim_messages(dispatch=dispatch, claim="b" * 32, limit=2, lease_until=timezone.now(), quiet=quiet)
    assert len(with_hours) == len(plain)


def test_what_was_claimed_before_the_quiet_hours_is_not_sent_in_them(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pace lets it wait: its turn comes when it is night already."""
    ProviderAccount.objects.update(parts_per_second=2)
    dispatch = make_dispatch(account.workspace, account, people=6)
    Recipient.objects.update(time_zone="UTC")
    set_hours(dispatch, timedelta(hours=-4), timedelta(hours=-2))
    [lane] = load_lanes({}).values()
    jobs = claim_jobs(lane, lane.dispatches[dispatch.pk], claim="c" * 32, limit=2)
    assert len(jobs) == 2
    # The hours begin again on the next day; the lease is over earlier.
    assert all(job.quiet_from > job.deadline for job in jobs)

    begins = timezone.now().replace(microsecond=0) + timedelta(seconds=1)
    quiet = _Evening(begins)
    monkeypatch.setattr("messaging.engine.jobs.quiet_of", lambda dispatch: quiet)
    vendor = Vendor()
    run(vendor, seconds=3)
    found = states(dispatch)
    assert found.get("sent", 0) == len(vendor.requests) < 4
    assert found["held"] == 4 - len(vendor.requests)
    assert max((row.submitted_at for row in dispatch.messages.filter(state="sent")), default=begins) <= begins
    assert_counters_equal_ledger(dispatch)


class _Evening:
    """Everybody may be texted until a moment, and again a day later."""

    def __init__(self, begins: datetime) -> None:
        self.begins = begins

    def turn(self, msisdn: str, time_zone: str, at: datetime) -> Any:
        from sms.quiet_hours import Turn

        day = timedelta(days=1)
        if at < self.begins:
            return Turn(self.begins - day, self.begins)
        return Turn(self.begins + day, self.begins + 2 * day)


def test_many_are_held_in_pieces_and_nobody_waits_for_it(
    night: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "HOLD_SECONDS", 0)
    monkeypatch.setattr(ledger, "HOLD_ROWS", 5)
    take = {"dispatch": night, "claim": "d" * 32, "limit": 1, "lease_until": timezone.now()}
    with pytest.raises(StillHolding):
        claim_messages(**take, quiet=quiet_of(night))
    assert states(night) == {"held": 5, "queued": 7}
    [lane] = load_lanes({}).values()
    with pytest.raises(NotYet):
        claim_jobs(lane, lane.dispatches[night.pk], claim="e" * 32, limit=1)
    run(Vendor())
    assert states(night) == {"held": 12}
    assert_counters_equal_ledger(night)


def test_who_opts_out_at_night_gets_nothing_in_the_morning(night: Dispatch) -> None:
    run(Vendor())
    gone = night.messages.order_by("id")[3]
    OptOut.objects.create(workspace=night.workspace, msisdn=gone.msisdn, source="api")
    awake(night)
    release_timed()
    run(Vendor())
    assert states(night) == {"sent": 11, "suppressed": 1}


def test_a_paused_one_stays_held_until_it_is_resumed(night: Dispatch) -> None:
    run(Vendor())
    pause_dispatch(dispatch_id=night.pk)
    awake(night)
    assert release_timed() == 0
    resume_dispatch(dispatch_id=night.pk)
    assert release_timed() == 12


def test_stopping_cancels_those_held(night: Dispatch) -> None:
    run(Vendor())
    stop_dispatch(dispatch_id=night.pk)
    assert cancel_stopped([night.pk]) == 12
    awake(night)
    assert release_timed() == 0
    assert states(night) == {"cancelled": 12}
    assert_counters_equal_ledger(night)


def test_each_goes_on_in_their_own_morning(night: Dispatch) -> None:
    run(Vendor())
    now = timezone.now()
    early = list(night.messages.order_by("id").values_list("pk", flat=True)[:4])
    Message.objects.filter(pk__in=early).update(due_at=now - timedelta(seconds=1))
    later = now + timedelta(hours=1)
    Message.objects.filter(dispatch=night).exclude(pk__in=early).update(due_at=later)
    Dispatch.objects.filter(pk=night.pk).update(next_due_at=now - timedelta(seconds=1))
    assert release_timed() == 4
    assert states(night) == {"held": 8, "queued": 4}
    assert night.next_due_at == later
    assert_counters_equal_ledger(night)


def test_no_more_are_let_go_at_a_time_than_asked(night: Dispatch) -> None:
    run(Vendor())
    awake(night)
    assert (release_timed(most=5), release_timed(most=5), release_timed(most=5)) == (5, 5, 2)
    assert release_timed() == 0
    assert states(night) == {"queued": 12}


def test_with_a_limit_of_parts_a_day_nobody_is_moved_to_and_fro(account: ProviderAccount) -> None:
    """At midnight the day's share is let go, and waits for the morning; not one share after the other."""
    set_limit(account, 5)
    dispatch = make_dispatch(account.workspace, account, people=12)
    Recipient.objects.update(time_zone="UTC")
    run(Vendor())
    assert states(dispatch) == {"sent": 5, "held": 7}
    tomorrow()
    asleep(dispatch)
    assert release_due() == 5
    run(Vendor())
    assert (states(dispatch), quiet_held_of([dispatch.pk])) == ({"sent": 5, "held": 7}, 5)
    assert release_due() == 0
    awake(dispatch)
    assert release_timed() == 5
    run(Vendor())
    assert states(dispatch) == {"sent": 10, "held": 2}
    assert_counters_equal_ledger(dispatch)


# --- too late -------------------------------------------------------------------------------------------


def missed(dispatch: Dispatch, by: timedelta) -> None:
    """The moment of those who are held passed so long ago, and nobody was there to let them go on."""
    run(Vendor())
    awake(dispatch)
    now = timezone.now()
    Message.objects.filter(dispatch=dispatch, state="held").update(due_at=now - by)
    changes = {"next_due_at": now - by, "started_at": now - by - timedelta(hours=9)}
    Dispatch.objects.filter(pk=dispatch.pk).update(**changes)


def test_whose_morning_was_missed_is_asked_about(night: Dispatch) -> None:
    missed(night, timedelta(hours=3))
    assert release_timed() == 0
    assert states(night) == {"held": 12}
    assert night.state == "paused"
    assert night.state_reason.startswith("12 people were to get it at ")
    assert night.state_reason.endswith(
        "more than an hour ago, while Crier was not running. Resume to send it now, or stop it."
    )
    assert resume_dispatch(dispatch_id=night.pk)
    assert release_timed() == 12
    run(Vendor())
    assert (states(night), night.state) == ({"sent": 12}, "finished")
    assert_counters_equal_ledger(night)


def test_less_than_an_hour_is_made_up_for(night: Dispatch) -> None:
    missed(night, timedelta(minutes=59))
    assert release_timed() == 12


def test_what_a_pause_let_wait_is_not_asked_about(night: Dispatch) -> None:
    missed(night, timedelta(hours=3))
    pause_dispatch(dispatch_id=night.pk)
    resume_dispatch(dispatch_id=night.pk)
    assert release_timed() == 12
