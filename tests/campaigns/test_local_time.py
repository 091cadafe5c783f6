"""Sending at one time of the day where each recipient is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Role, Workspace
from campaigns.errors import CampaignError, LaunchRefused
from campaigns.models import Broadcast
from campaigns.services.checks import Check, launch_checks
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch_due_broadcasts, unschedule
from campaigns.services.planning import plan_segment
from campaigns.services.reports import report_of
from contacts.models import Recipient
from messaging.dispatches import group_of
from messaging.models import Dispatch, Message
from messaging.quiet import release_timed
from messaging.recount import miscounts
from providers.services.routes import create_route
from tests.campaigns.makers import make_draft, send
from tests.campaigns.smart import make_smart
from tests.engine.makers import make_account
from tests.people import api_client
from tests.sms.test_quiet_hours import BERLIN, HONOLULU

pytestmark = pytest.mark.django_db
TEN = datetime(2026, 12, 1, 10)
# Ten o'clock in Berlin, New York and Honolulu.
THERE = [datetime(2026, 12, 1, hour, tzinfo=UTC) for hour in (9, 15, 20)]


@pytest.fixture(autouse=True)
def now(time_machine: Any) -> Any:
    time_machine.move_to(datetime(2026, 11, 30, 12, tzinfo=UTC), tick=False)
    return time_machine


@pytest.fixture
def draft(acme: Workspace, actor: Actor) -> Broadcast:
    """At ten where each is: ten people in Berlin, five in Honolulu, fifteen in New York."""
    draft = make_draft(acme, actor)
    ids = list(Recipient.objects.order_by("id").values_list("pk", flat=True))
    Recipient.objects.filter(pk__in=ids[:10]).update(time_zone=BERLIN)
    Recipient.objects.filter(pk__in=ids[10:15]).update(time_zone=HONOLULU)
    return changed(draft, actor, local_at=TEN)


def changed(broadcast: Broadcast, actor: Actor, **changes: Any) -> Broadcast:
    return save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes)


def checks_of(broadcast: Broadcast) -> list[Check]:
    codes = ("local_time", "local_time_passed", "in_the_past")
    return [check for check in launch_checks(broadcast, estimate_of(broadcast)) if check.code in codes]


def waiting() -> dict[Any, int]:
    """People by the moment for which they are held; by their state where they are not."""
    counts: dict[Any, int] = {}
    for state, due_at in Message.objects.values_list("state", "due_at"):
        key = due_at if state == "held" else state
        counts[key] = counts.get(key, 0) + 1
    return counts


def plan(broadcast: Broadcast) -> Dispatch:
    segment = broadcast.segments.get()
    plan_segment(segment_id=segment.pk)
    return Dispatch.objects.get(pk=segment.dispatch_id)


def test_it_works(draft: Broadcast, actor: Actor, now: Any) -> None:
    scheduled = send(draft, actor)
    assert (scheduled.state, scheduled.send_at) == ("scheduled", THERE[0])
    now.move_to(THERE[0] + timedelta(seconds=4), tick=False)
    assert launch_due_broadcasts() == 1
    dispatch = plan(scheduled)
    # Whose time was four seconds ago goes at once.
    assert waiting() == {"queued": 10, THERE[1]: 15, THERE[2]: 5}
    assert (dispatch.state, dispatch.next_due_at) == ("running", THERE[1])
    assert release_timed() == 0
    now.move_to(THERE[1], tick=False)
    assert release_timed() == 15
    now.move_to(THERE[2], tick=False)
    assert release_timed() == 5
    dispatch.refresh_from_db()
    assert (waiting(), dispatch.next_due_at) == ({"queued": 30}, None)
    assert list(miscounts()) == []


def test_the_review_says_first_and_last(draft: Broadcast, bob_client: Client) -> None:
    [check] = checks_of(draft)
    assert check.level == "ok"
    assert str(check.sentence) == (
        "Sent at 10:00 on 1 December 2026 where each recipient is: from 1 December 2026, 04:00 EST to 1 December 2026,"
        " 15:00 EST"
    )
    html = bob_client.get(f"/broadcasts/{draft.pk}/review/").content.decode()
    assert "Schedule for 30 people" in html
    assert "<dt>Where it is that time last</dt>" in html


def test_where_it_has_passed_they_get_it_at_once(draft: Broadcast, actor: Actor, now: Any) -> None:
    now.move_to(THERE[0] + timedelta(hours=2), tick=False)
    passed, fine = checks_of(draft)
    assert str(passed.sentence) == (
        "10 people get it at once: 10:00 on 1 December 2026 has passed where they are."
    )
    assert fine.code == "local_time"
    launched = send(draft, actor)
    assert (launched.state, launched.send_at) == ("running", None)
    assert waiting() == {"queued": 10, THERE[1]: 15, THERE[2]: 5}


def test_where_it_has_passed_they_may_be_left_out(draft: Broadcast, actor: Actor, now: Any) -> None:
    draft = changed(draft, actor, sends_passed=False)
    now.move_to(THERE[0] + timedelta(hours=2), tick=False)
    estimate = estimate_of(draft)
    assert (estimate.people, estimate.passed, estimate.reached, estimate.parts) == (30, 10, 20, 20)
    assert str(checks_of(draft)[0].sentence) == (
        "10 people do not get it: 10:00 on 1 December 2026 has passed where they are."
    )
    scheduled = send(draft, actor)
    assert (scheduled.state, scheduled.send_at) == ("scheduled", THERE[1])
    now.move_to(THERE[1], tick=False)
    launch_due_broadcasts()
    dispatch = plan(scheduled)
    assert waiting() == {"cancelled": 10, "queued": 15, THERE[2]: 5}
    assert set(Message.objects.filter(state="cancelled").values_list("reason", flat=True)) == {
        "local_time_passed"
    }
    assert dispatch.state == "running"
    assert list(miscounts()) == []


def test_where_it_has_passed_everywhere_it_is_refused(draft: Broadcast, actor: Actor, now: Any) -> None:
    now.move_to(THERE[2] + timedelta(minutes=1), tick=False)
    [check] = checks_of(draft)
    assert (check.code, check.level) == ("in_the_past", "block")
    with pytest.raises(LaunchRefused):
        send(draft, actor)


def test_what_is_found_an_hour_late_asks(draft: Broadcast, actor: Actor, now: Any) -> None:
    scheduled = send(draft, actor)
    now.move_to(THERE[0] + timedelta(hours=1, minutes=1), tick=False)
    launch_due_broadcasts()
    scheduled.refresh_from_db()
    assert (scheduled.state, scheduled.send_at, scheduled.local_time) == ("draft", None, TEN.time())
    assert "more than an hour ago" in scheduled.state_reason


def test_taken_back_it_keeps_its_time(draft: Broadcast, actor: Actor) -> None:
    taken = unschedule(broadcast=send(draft, actor), actor=actor)
    assert (taken.state, taken.send_at, taken.local_date) == ("draft", None, TEN.date())


def test_quiet_hours_hold_them_longer(draft: Broadcast, actor: Actor) -> None:
    """At half past nine in the evening, where each is."""
    Workspace.objects.update(has_quiet_hours=True)
    draft = Broadcast.objects.get(pk=draft.pk)
    draft = changed(draft, actor, local_at=datetime(2026, 12, 1, 21, 30))
    found = launch_checks(draft, estimate_of(draft))
    [check] = [check for check in found if check.code == "quiet_hours"]
    assert "30 people of 30 are in quiet hours" in str(check.sentence)
    assert "from 2 December 2026, 02:00 EST on, the last at 2 December 2026, 13:00 EST." in str(
        check.sentence
    )


def test_pause_resume_and_stop(draft: Broadcast, actor: Actor, now: Any) -> None:
    now.move_to(THERE[0] + timedelta(hours=2), tick=False)
    launched = send(draft, actor)
    launched = pause_broadcast(broadcast=launched, actor=actor)
    now.move_to(THERE[1], tick=False)
    assert release_timed() == 0
    launched = resume_broadcast(broadcast=launched, actor=actor)
    assert release_timed() == 15
    stop_broadcast(broadcast=launched, actor=actor)
    assert waiting() == {"cancelled": 30}
    assert list(miscounts()) == []


def test_planning_that_was_cut_off_goes_on(
    draft: Broadcast, actor: Actor, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now.move_to(THERE[0] + timedelta(hours=2), tick=False)
    launched = send(draft, actor, plan=False)
    with monkeypatch.context() as patch:
        patch.setattr("campaigns.services.planning._finish_planning", lambda segment: None)
        assert plan(launched).state == "planning"
    assert plan(launched).state == "running"
    assert waiting() == {"queued": 10, THERE[1]: 15, THERE[2]: 5}


def test_the_report_says_who_waits(draft: Broadcast, actor: Actor, now: Any, bob_client: Client) -> None:
    now.move_to(THERE[0] + timedelta(hours=2), tick=False)
    launched = send(draft, actor)
    report = report_of(launched)
    assert (report.local_held, report.quiet_held, report.quiet_until) == (20, 0, THERE[1])
    html = bob_client.get(f"/broadcasts/{launched.pk}/").content.decode()
    assert "20 people wait until it is 10:00 on 1 December 2026 where they are." in html


def test_of_a_smart_one_it_is_refused(acme: Workspace, actor: Actor) -> None:
    with pytest.raises(CampaignError) as refused:
        changed(make_smart(acme, actor), actor, local_at=TEN)
    assert refused.value.field == "local_at"


def test_one_moment_takes_the_place_of_the_other(draft: Broadcast, actor: Actor) -> None:
    draft = changed(draft, actor, send_at=THERE[1])
    assert (draft.local_date, draft.send_at) == (None, THERE[1])
    draft = changed(draft, actor, local_at=TEN)
    assert (draft.local_date, draft.send_at) == (TEN.date(), None)
    with pytest.raises(CampaignError):
        changed(draft, actor, local_at=TEN, send_at=THERE[1])


def test_the_composer_takes_it(draft: Broadcast, bob_client: Client) -> None:
    address = f"/broadcasts/{draft.pk}/edit/"
    html = bob_client.get(address).content.decode()
    assert 'value="local" ' in html
    values = {
        "version": draft.version,
        "name": draft.name,
        "campaign": draft.campaign_id,
        "lists": [row.pk for row in draft.lists.all()],
        "text": draft.text,
        "when": "local",
        "send_date": "2026-12-02",
        "send_time": "11:30",
        "sends_passed": "no",
        "save": "1",
    }
    assert bob_client.post(address, values).status_code == 302
    draft.refresh_from_db()
    assert (f"{draft.local_date} {draft.local_time:%H:%M}", draft.sends_passed) == ("2026-12-02 11:30", False)
    bob_client.post(address, values | {"version": draft.version, "when": "now"})
    draft.refresh_from_db()
    assert (draft.local_date, draft.send_at) == (None, None)


def test_the_api_takes_it(draft: Broadcast) -> None:
    client = api_client(Role.MARKETER)
    address = f"/api/v1/broadcasts/{draft.pk}/"
    assert client.get(address).json()["local_send_at"] == "2026-12-01T10:00"
    estimate = client.get(f"{address}estimate/").json()
    assert estimate["local"] == {"first": "2026-12-01T09:00:00Z", "last": "2026-12-01T20:00:00Z", "passed": 0}
    answer = client.patch(address, {"local_send_at": "2026-12-02T11:30", "sends_passed": False}).json()
    assert (answer["local_send_at"], answer["sends_passed"]) == ("2026-12-02T11:30", False)
    for wrong in ("2026-12-02T11:30:00Z", "2026-13-02T11:30", "tomorrow", 5, "2026-12-02T25:00"):
        refused = client.patch(address, {"local_send_at": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "local_send_at"), wrong


def test_through_a_route_everybody_waits(draft: Broadcast, actor: Actor, now: Any) -> None:
    accounts = [make_account(draft.workspace, "messagewhiz", name=name) for name in ("One", "Two")]
    steps: Any = [{"account": account, "weight": 1, "only": ()} for account in accounts]
    route = create_route(workspace=draft.workspace, actor=actor, name="Main", strategy="weight", steps=steps)
    draft = changed(draft, actor, route_id=route.pk)
    scheduled = send(draft, actor)
    now.move_to(THERE[0], tick=False)
    assert launch_due_broadcasts() == 1
    lead = plan(scheduled)
    assert waiting() == {"queued": 10, THERE[1]: 15, THERE[2]: 5}
    rows = Message.objects.filter(broadcast_id=draft.pk, state="held")
    assert set(rows.values_list("account__name", flat=True)) == {"One", "Two"}
    assert len(group_of(lead.pk)) == 2
    assert Dispatch.objects.filter(broadcast_id=draft.pk, next_due_at__isnull=False).count() == 2
    for moment, people in zip(THERE[1:], (15, 5), strict=True):
        now.move_to(moment, tick=False)
        assert release_timed() == people
