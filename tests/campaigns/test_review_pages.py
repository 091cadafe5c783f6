"""The last look: exact numbers, every reason to stop, one launch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastState, Segment
from campaigns.services.drafts import save_draft
from campaigns.services.estimate import estimate_of
from campaigns.services.launch import launch_due_broadcasts
from contacts.models import OptOut, Recipient

pytestmark = pytest.mark.django_db

AT_ITS_TIME = "The audience is that of its time. If it grew or would cost more by then, it waits and asks: nothing is sent."


def url_of(broadcast: Broadcast) -> str:
    return f"/broadcasts/{broadcast.pk}/review/"


def agree(broadcast: Broadcast, **changes: Any) -> dict[str, Any]:
    """What the page's button posts."""
    broadcast.refresh_from_db()
    return {"digest": estimate_of(broadcast).digest, "launch_token": broadcast.launch_token} | changes


def test_it_works(bob_client: Client, draft: Broadcast) -> None:
    html = bob_client.get(url_of(draft)).content.decode()
    assert "Send to 30 people for $0.24" in html
    assert html.count("25% off. Reply STOP to opt out") == 5

    answer = bob_client.post(url_of(draft), agree(draft))

    assert answer.headers["Location"] == f"/broadcasts/{draft.pk}/"
    draft.refresh_from_db()
    assert draft.state == BroadcastState.RUNNING


def test_a_double_click_is_one_launch(bob_client: Client, draft: Broadcast) -> None:
    fields = agree(draft)

    first, second = bob_client.post(url_of(draft), fields), bob_client.post(url_of(draft), fields)

    assert [first.status_code, second.status_code] == [302, 302]
    assert second.headers["Location"] == f"/broadcasts/{draft.pk}/"
    assert Segment.objects.count() == 1


def test_a_changed_audience_answers_422_with_the_difference(
    bob_client: Client, draft: Broadcast, acme: Workspace
) -> None:
    bob_client.get(url_of(draft))
    fields = agree(draft)
    OptOut.objects.create(workspace=acme, msisdn=draft.lists.get().recipients.order_by("id")[0].msisdn)

    answer = bob_client.post(url_of(draft), fields)

    assert answer.status_code == 422
    html = answer.content.decode()
    assert "<del>30</del>" in html
    assert "<ins>29</ins>" in html
    draft.refresh_from_db()
    assert draft.state == BroadcastState.DRAFT


def test_after_the_difference_the_new_numbers_can_be_agreed_to(
    bob_client: Client, draft: Broadcast, acme: Workspace
) -> None:
    old = agree(draft)
    OptOut.objects.create(workspace=acme, msisdn=draft.lists.get().recipients.order_by("id")[0].msisdn)
    bob_client.post(url_of(draft), old)

    assert bob_client.post(url_of(draft), agree(draft)).status_code == 302


def test_a_blocking_check_disables_the_button(bob_client: Client, draft: Broadcast, actor: Actor) -> None:
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"sender_id": None})

    html = bob_client.get(url_of(draft)).content.decode()
    assert "No sender is chosen. Choose one." in html
    assert f'href="/broadcasts/{draft.pk}/edit/#sender"' in html
    assert 'class="btn wide" disabled' in html

    assert bob_client.post(url_of(draft), agree(draft)).status_code == 422


def test_many_people_are_counted_by_hand(bob_client: Client, draft: Broadcast, acme: Workspace) -> None:
    acme.typed_count_above = 29
    acme.save()
    assert "Type 30 to confirm the count" in bob_client.get(url_of(draft)).content.decode()

    wrong = bob_client.post(url_of(draft), agree(draft, typed_count="31"))
    assert wrong.status_code == 422
    assert 'id="id_typed_count_error"' in wrong.content.decode()

    assert bob_client.post(url_of(draft), agree(draft, typed_count="30")).status_code == 302


def test_a_count_may_be_typed_as_it_is_shown(bob_client: Client, draft: Broadcast, acme: Workspace) -> None:
    acme.typed_count_above = 29
    acme.save()

    assert bob_client.post(url_of(draft), agree(draft, typed_count=" 30 ")).status_code == 302


def test_a_later_time_is_scheduled_and_can_be_taken_back(
    bob_client: Client, draft: Broadcast, actor: Actor
) -> None:
    later = timezone.now() + timedelta(days=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": later})
    page = bob_client.get(url_of(draft)).content.decode()
    assert "Schedule for 30 people for $0.24" in page
    assert AT_ITS_TIME in page

    bob_client.post(url_of(draft), agree(draft))
    draft.refresh_from_db()
    assert draft.state == BroadcastState.SCHEDULED
    report = bob_client.get(f"/broadcasts/{draft.pk}/")
    assert "It begins at" in report.content.decode()
    assert AT_ITS_TIME in report.content.decode()

    back = bob_client.post(f"/broadcasts/{draft.pk}/unschedule/")
    assert back.headers["Location"] == f"/broadcasts/{draft.pk}/edit/"
    draft.refresh_from_db()
    assert draft.state == BroadcastState.DRAFT


def test_a_broadcast_for_now_says_nothing_of_a_time(bob_client: Client, draft: Broadcast) -> None:
    assert AT_ITS_TIME not in bob_client.get(url_of(draft)).content.decode()


def test_one_that_grew_until_its_time_is_reviewed_again(
    bob_client: Client, draft: Broadcast, actor: Actor, time_machine: Any
) -> None:
    later = timezone.now() + timedelta(days=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": later})
    bob_client.post(url_of(draft), agree(draft))
    Recipient.objects.create(list=draft.lists.get(), msisdn="12015550177")
    time_machine.move_to(later + timedelta(seconds=1))
    launch_due_broadcasts()

    html = bob_client.get(url_of(draft)).content.decode()

    assert "It was not sent: It is more than was agreed to." in html
    assert "people 31, parts 31" in html


def test_a_scheduled_one_is_counted_by_hand_too(
    bob_client: Client, draft: Broadcast, actor: Actor, acme: Workspace
) -> None:
    Workspace.objects.update(typed_count_above=29)
    later = timezone.now() + timedelta(days=2)
    draft = save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"send_at": later})
    assert "Type 30 to confirm the count" in bob_client.get(url_of(draft)).content.decode()

    assert bob_client.post(url_of(draft), agree(draft)).status_code == 422
    assert bob_client.post(url_of(draft), agree(draft, typed_count="30")).status_code == 302


def test_a_launched_one_has_no_review(bob_client: Client, running: Broadcast) -> None:
    assert bob_client.get(url_of(running)).headers["Location"] == f"/broadcasts/{running.pk}/"
