"""What quiet hours mean for a broadcast: said before it is sent, kept when it is, and settled by whom."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import Role, User, Workspace
from accounts.services import create_workspace, update_workspace
from campaigns.models import Broadcast
from campaigns.services.checks import Check, launch_checks, night_of
from campaigns.services.drafts import duplicate, save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch_due_broadcasts, send_single
from campaigns.services.reports import report_of
from contacts.models import Recipient
from messaging.ledger import claim_messages
from messaging.models import Dispatch, Message
from messaging.quiet import quiet_of
from tests.campaigns.makers import make_draft, send
from tests.people import api_client
from tests.sms.test_quiet_hours import BERLIN, HONOLULU

pytestmark = pytest.mark.django_db
# In New York, where the thirty people of the drafts and the workspace are.
NIGHT = datetime(2026, 11, 23, 3, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 13, tzinfo=UTC)


@pytest.fixture(autouse=True)
def now(time_machine: Any) -> Any:
    time_machine.move_to(NIGHT, tick=False)
    return time_machine


@pytest.fixture(autouse=True)
def quiet(acme: Workspace) -> Workspace:
    Workspace.objects.filter(pk=acme.pk).update(has_quiet_hours=True)
    acme.refresh_from_db()
    return acme


@pytest.fixture
def draft(acme: Workspace, actor: Actor) -> Broadcast:
    return make_draft(acme, actor)


def quiet_checks(broadcast: Broadcast) -> list[Check]:
    found = launch_checks(broadcast, estimate_of(broadcast))
    return [check for check in found if check.code.startswith("quiet_hours")]


def changed(broadcast: Broadcast, actor: Actor, **changes: Any) -> Broadcast:
    return save_draft(broadcast=broadcast, actor=actor, version=broadcast.version, changes=changes)


def hold(broadcast: Broadcast) -> Dispatch:
    """What the engine does with its first claim."""
    dispatch = Dispatch.objects.get(segment__broadcast=broadcast)
    claim_messages(dispatch=dispatch, claim="a" * 32, limit=100, lease_until=NIGHT, quiet=quiet_of(dispatch))
    return dispatch


# --- said before ----------------------------------------------------------------------------------------


def test_it_works(draft: Broadcast, actor: Actor) -> None:
    [check] = quiet_checks(draft)
    assert (check.level, check.fix) == ("warn", "schedule")
    assert str(check.sentence) == (
        "30 people of 30 are in quiet hours (21:00–08:00 where they are) when it begins: held until they end, at"
        " 23 November 2026, 08:00 EST."
    )
    hold(send(draft, actor))
    held = Message.objects.filter(state="held", reason="quiet_hours")
    assert (held.count(), set(held.values_list("due_at", flat=True))) == (30, {MORNING})


def test_each_where_they_are(draft: Broadcast, actor: Actor) -> None:
    """Berlin has 04:00, Honolulu 17:00, New York 22:00."""
    people = Recipient.objects.order_by("id")
    for zone, first, last in ((BERLIN, 0, 10), (HONOLULU, 10, 13)):
        ids = list(people.values_list("pk", flat=True)[first:last])
        Recipient.objects.filter(pk__in=ids).update(time_zone=zone)
    estimate = estimate_of(draft)
    night = night_of(draft, estimate)
    assert night is not None
    berlin = datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert (night.held, night.first, night.last) == (27, berlin, MORNING)
    check = quiet_checks(draft)[0]
    assert str(check.sentence) == (
        "27 people of 30 are in quiet hours (21:00–08:00 where they are) when it begins: held until they end there, from"
        " 23 November 2026, 02:00 EST on, the last at 23 November 2026, 08:00 EST."
    )
    hold(send(draft, actor))
    by_state = dict.fromkeys(("held", "submitting"), 0)
    for state in Message.objects.values_list("state", flat=True):
        by_state[state] += 1
    assert by_state == {"held": 27, "submitting": 3}


@pytest.mark.parametrize(("hour", "held"), [(12, 30), (13, 0), (20, 0), (23, 0)])
def test_what_is_scheduled_is_judged_for_its_time(
    draft: Broadcast, actor: Actor, hour: int, held: int
) -> None:
    draft = changed(draft, actor, send_at=datetime(2026, 11, 24, hour, tzinfo=UTC))
    night = night_of(draft, estimate_of(draft))
    assert (night.held if night else 0) == held
    assert [check.level for check in quiet_checks(draft)] == ["warn" if held else "ok"]


def test_what_lasts_into_the_night_is_told(draft: Broadcast, actor: Actor) -> None:
    """Thirty people at one part in ten seconds, two minutes before nine."""
    draft = changed(draft, actor, send_at=datetime(2026, 11, 24, 1, 58, tzinfo=UTC))
    assert draft.account is not None
    draft.account.parts_per_second = 1
    assert [check.code for check in quiet_checks(draft)] == ["quiet_hours"]
    draft.account.parts_per_second = 0.1
    later, _fine = quiet_checks(draft)
    assert later.code == "quiet_hours_later"
    assert "not over by 23 November 2026, 21:00 EST" in str(later.sentence)


def test_the_review_page_says_it(bob_client: Client, draft: Broadcast) -> None:
    html = bob_client.get(f"/broadcasts/{draft.pk}/review/").content.decode()
    assert "30 people of 30 are in quiet hours" in html
    assert "<dt>Held for quiet hours</dt><dd>30</dd>" in html


def test_a_zone_that_is_changed_after_the_review_is_asked_about(draft: Broadcast) -> None:
    seen = estimate_of(draft)
    Recipient.objects.filter(first_name="Person 7").update(time_zone=BERLIN)
    assert estimate_of(draft).digest != seen.digest


def test_without_quiet_hours_nobody_is_looked_up(draft: Broadcast, actor: Actor) -> None:
    Workspace.objects.update(has_quiet_hours=False)
    draft = Broadcast.objects.get(pk=draft.pk)
    estimate = estimate_of(draft)
    assert (quiet_checks(draft), estimate.zones, estimate.quiet_hours) == ([], {}, None)
    assert Dispatch.objects.get(segment__broadcast=send(draft, actor)).quiet_hours is None


# --- kept -----------------------------------------------------------------------------------------------


def test_what_was_launched_keeps_its_hours(draft: Broadcast, actor: Actor, acme: Workspace) -> None:
    launched = send(draft, actor)
    update_workspace(workspace=acme, actor=actor, has_quiet_hours=False)
    dispatch = hold(launched)
    assert dispatch.quiet_hours == {"begins": "21:00", "ends": "08:00", "zone": "America/New_York"}
    assert Message.objects.filter(state="held").count() == 30


def test_a_scheduled_one_asks_where_the_hours_were_changed(
    draft: Broadcast, actor: Actor, acme: Workspace, now: Any
) -> None:
    scheduled = send(changed(draft, actor, send_at=NIGHT + timedelta(hours=1)), actor)
    update_workspace(workspace=acme, actor=actor, quiet_to=time(9))
    now.move_to(NIGHT + timedelta(hours=1, seconds=5), tick=False)
    assert launch_due_broadcasts() == 1
    scheduled.refresh_from_db()
    assert scheduled.state == "draft"
    assert scheduled.state_reason == (
        "Quiet hours when it was agreed to: 21:00–08:00. Now: 21:00–09:00. Review it and send it again."
    )


def test_a_scheduled_one_keeps_them(draft: Broadcast, actor: Actor, now: Any) -> None:
    scheduled = send(changed(draft, actor, send_at=NIGHT + timedelta(hours=1)), actor)
    now.move_to(NIGHT + timedelta(hours=1, seconds=5), tick=False)
    assert launch_due_broadcasts() == 1
    scheduled.refresh_from_db()
    assert scheduled.state == "running"
    assert Dispatch.objects.get(segment__broadcast=scheduled).quiet_hours is not None


def test_the_override_is_told_and_written_down(draft: Broadcast, actor: Actor) -> None:
    draft = changed(draft, actor, ignores_quiet_hours=True)
    [check] = quiet_checks(draft)
    assert (check.code, check.level) == ("quiet_hours_ignored", "warn")
    assert str(check.sentence) == (
        "It goes out in quiet hours (21:00–08:00), too: it begins in them for 30 people of 30."
    )
    launched = send(draft, actor)
    assert hold(launched).quiet_hours is None
    assert Message.objects.filter(state="submitting").count() == 30
    event = launched.events.get(kind="quiet_hours_ignored")
    assert (event.sentence, event.user) == ("It goes out in quiet hours (21:00–08:00), too.", actor.user)


def test_a_copy_does_not_take_the_override_over(draft: Broadcast, actor: Actor) -> None:
    draft = changed(draft, actor, ignores_quiet_hours=True)
    assert not duplicate(broadcast=draft, actor=actor).ignores_quiet_hours


def test_the_composer_offers_it(bob_client: Client, draft: Broadcast) -> None:
    address = f"/broadcasts/{draft.pk}/edit/"
    assert "Send also in quiet hours" in bob_client.get(address).content.decode()
    Workspace.objects.update(has_quiet_hours=False)
    assert "Send also in quiet hours" not in bob_client.get(address).content.decode()


def test_single_texts_go_at_once(draft: Broadcast, actor: Actor, acme: Workspace) -> None:
    assert draft.account is not None
    assert draft.sender is not None
    sent = send_single(
        workspace=acme,
        actor=actor,
        account=draft.account,
        sender=draft.sender,
        msisdn="+12015550123",
        text="Your table is free",
    )
    assert sent.message.dispatch.quiet_hours is None


def test_the_report_says_who_is_held(draft: Broadcast, actor: Actor, bob_client: Client) -> None:
    launched = send(draft, actor)
    hold(launched)
    report = report_of(launched)
    assert (report.quiet_held, report.quiet_until, report.held) == (30, MORNING, 0)
    html = bob_client.get(f"/broadcasts/{launched.pk}/").content.decode()
    assert "30 people are held: it is a quiet hour where they are." in html
    assert "The next go on by themselves at" in html
    assert "It is a quiet hour where the person is" in html
    message = Message.objects.filter(state="held").order_by("id")[0]
    page = bob_client.get(f"/broadcasts/{launched.pk}/messages/{message.pk}/").content.decode()
    assert "Goes on:" in page


# --- settled --------------------------------------------------------------------------------------------


def test_new_workspaces_have_them(alice: User) -> None:
    assert create_workspace(name="New", owner=alice).has_quiet_hours
    assert not create_workspace(name="Trial", owner=alice, wants_sandbox=True).has_quiet_hours


def test_they_need_an_end_of_their_own(acme: Workspace, actor: Actor) -> None:
    with pytest.raises(AccountsError) as refused:
        update_workspace(workspace=acme, actor=actor, quiet_from=time(8))
    assert refused.value.field == "quiet_to"
    assert str(refused.value.sentence) == (
        "The quiet hours begin and end at 08:00. Choose another end, or switch them off."
    )


def test_the_settings_page_changes_them(alice_client: Client, acme: Workspace) -> None:
    page = alice_client.get("/settings/").content.decode()
    assert 'type="time" name="quiet_from" value="21:00"' in page
    values = {
        "name": acme.name,
        "time_zone": acme.time_zone,
        "default_country": "US",
        "currency": "USD",
        "typed_count_above": 10_000,
        "has_quiet_hours": "on",
        "quiet_from": "22:30",
        "quiet_to": "07:00",
    }
    assert alice_client.post("/settings/", values).status_code == 302
    acme.refresh_from_db()
    assert (acme.quiet_from, acme.quiet_to) == (time(22, 30), time(7))
    refused = alice_client.post("/settings/", values | {"quiet_to": "22:30"})
    assert refused.status_code == 422
    assert "The quiet hours begin and end at 22:30." in refused.content.decode()


def test_the_api_shows_and_changes_them(acme: Workspace) -> None:
    admin = api_client(Role.ADMIN)
    address = "/api/v1/quiet-hours/"
    assert admin.get(address).json() == {"enabled": True, "begins": "21:00", "ends": "08:00"}
    answer = admin.patch(address, {"enabled": False, "begins": "20:00"})
    assert answer.json() == {"enabled": False, "begins": "20:00", "ends": "08:00"}
    same = admin.patch(address, {"begins": "08:00"})
    assert (same.status_code, same.json()["errors"][0]["field"]) == (400, "ends")
    assert api_client(Role.MARKETER).patch(address, {"enabled": True}).status_code == 403
    assert api_client(Role.VIEWER).get(address).status_code == 200


def test_the_api_estimates_and_overrides(draft: Broadcast) -> None:
    client = api_client(Role.MARKETER)
    address = f"/api/v1/broadcasts/{draft.pk}/"
    estimate = client.get(f"{address}estimate/").json()
    assert estimate["quiet_hours"] == {"begins": "21:00", "ends": "08:00", "zone": "America/New_York"}
    assert estimate["held"] == {
        "people": 30,
        "first": "2026-11-23T13:00:00Z",
        "last": "2026-11-23T13:00:00Z",
    }
    changed = client.patch(address, {"ignores_quiet_hours": True}).json()
    assert changed["ignores_quiet_hours"] is True
    estimate = client.get(f"{address}estimate/").json()
    assert (estimate["quiet_hours"], estimate["held"]) == (None, None)
