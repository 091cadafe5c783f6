"""Pages of smart broadcasts: composer, review, report, and the page of the next segment."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.control import pause_broadcast
from campaigns.services.overview import needs_of
from campaigns.services.segment_lines import standing_of
from campaigns.services.smart import judge
from contacts.models import Recipient
from tests.access import assert_access
from tests.campaigns.makers import send
from tests.campaigns.smart import click, make_smart, messages_in, send_all, send_next
from tests.people import client_of


@pytest.fixture
def client(alice: User) -> Client:
    return client_of(alice)


@pytest.fixture
def through(acme: Workspace, actor: Actor) -> Broadcast:
    broadcast = send(make_smart(acme, actor), actor)
    send_all(broadcast, 1)
    return broadcast


def page_of(broadcast: Broadcast) -> str:
    return reverse("broadcast-continue", args=[broadcast.pk])


def entered(**more: Any) -> dict[str, Any]:
    return {"who": "next", "size": "5", "sender": "", "text": "Last day, {{first_name}}! STOP ends"} | more


def counted(client: Client, broadcast: Broadcast, **more: Any) -> Any:
    return client.post(page_of(broadcast), entered(count="1", **more))


def test_it_works(client: Client, through: Broadcast) -> None:
    """Counted and shown first, then sent, once."""
    page = counted(client, through)
    found = page.context["found"]
    assert (found.number, found.estimate.people, page.context["verb"]) == (
        2,
        5,
        "Send segment 2 to 5 people for $0.0395",
    )
    assert "Last day, Person 10! STOP ends" in page.content.decode()
    assert through.segments.count() == 2
    agreed = entered(send="1", digest=found.estimate.digest, launch_token=through.launch_token)
    for _click in range(2):
        answer = client.post(page_of(through), agreed)
        assert answer.headers["Location"] == reverse("broadcast-detail", args=[through.pk])
    assert through.segments.count() == 3


def test_who_may_send_a_segment(through: Broadcast) -> None:
    assert_access(page_of(through), viewer=403, marketer=200)


def test_a_changed_text_is_counted_again(client: Client, through: Broadcast) -> None:
    digest = counted(client, through).context["found"].estimate.digest
    other = entered(send="1", digest=digest, launch_token=through.launch_token, text="Another one. STOP ends")
    answer = client.post(page_of(through), other)
    assert answer.status_code == 422
    assert "The numbers have changed since you saw them." in answer.content.decode()
    assert through.segments.count() == 2


def test_who_left_the_lists_is_named(client: Client, through: Broadcast) -> None:
    gone = [message.recipient_id for message in messages_in(through, 0)[:3]]
    Recipient.objects.filter(pk__in=gone).delete()
    assert "Everybody who is left (17)" in client.get(page_of(through)).content.decode()
    page = counted(client, through)
    facts = "<dt>Passed over: left the lists since the launch</dt><dd>3</dd>"
    assert facts in page.content.decode()
    assert page.context["verb"] == "Send segment 2 to 5 people for $0.0395"


def test_everybody_who_is_left(client: Client, through: Broadcast) -> None:
    assert counted(client, through, who="rest", size="").context["found"].size == 20


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        ("", "Enter how many people the segment has, or choose everybody who is left."),
        ("ten", "“ten” is no whole number. Write it in digits, such as 1,000."),
        ("1.5", "“1.5” is no whole number. Write it in digits, such as 1,000."),
        ("0", "The segment has 0 people; it has to have from 1 to 20."),
    ],
)
def test_a_size_that_is_none_is_told(client: Client, through: Broadcast, size: str, sentence: str) -> None:
    answer = counted(client, through, size=size)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"size": [sentence]}


def test_a_blocking_check_is_shown(client: Client, through: Broadcast) -> None:
    page = counted(client, through, text="Hi {{nobody_knows}}")
    assert page.context["blocked"] is True


def test_why_not_now_is_said(client: Client, actor: Actor, through: Broadcast) -> None:
    pause_broadcast(broadcast=through, actor=actor)
    page = client.get(page_of(through))
    assert page.context["refused"] == "It is paused. Resume it first."
    assert counted(client, through).status_code == 302


def test_the_report_shows_the_segments_and_decisions(client: Client, acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor, kind="smart_ctr"), actor)
    send_all(broadcast, 1)
    click(broadcast, 1, 1)
    judge(broadcast.pk)
    page = client.get(reverse("broadcast-detail", args=[broadcast.pk])).content.decode()
    assert "20 people are in reserve: in no segment yet." in page
    assert "Segment 1: 1 of 10 clicked, 10.00%. Below the threshold of 20%: it waits for more clicks." in page


def test_a_report_that_asks_offers_the_next_segment_and_no_resuming(
    client: Client, acme: Workspace, actor: Actor
) -> None:
    broadcast = send(make_smart(acme, actor, kind="smart_ctr", recipient_cap=10), actor)
    send_all(broadcast, 1)
    click(broadcast, 1, 5)
    judge(broadcast.pk)
    page = client.get(reverse("broadcast-detail", args=[broadcast.pk])).content.decode()
    assert page_of(broadcast) in page
    assert reverse("broadcast-resume", args=[broadcast.pk]) not in page


def test_a_report_asks_as_much_of_the_database_for_many_segments(acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor), actor)
    send_all(broadcast, 1)
    with CaptureQueriesContext(connection) as one:
        standing_of(broadcast)
    for number in (2, 3, 4):
        send_next(broadcast, actor, 2)
        send_all(broadcast, number)
    with CaptureQueriesContext(connection) as many:
        standing_of(broadcast)
    assert len(many) == len(one)


@pytest.mark.parametrize(("segment", "people"), [("1", 10), ("0", 20), ("", 30), ("x", 30), ("9", 0)])
def test_the_table_shows_one_segment(client: Client, through: Broadcast, segment: str, people: int) -> None:
    address = reverse("broadcast-detail", args=[through.pk])
    page = client.get(address, {"segment": segment})
    assert len(page.context["lines"]) == people


def test_the_composer_saves_how_it_goes_on(client: Client, acme: Workspace, actor: Actor) -> None:
    draft = make_smart(acme, actor, kind="smart_ctr")
    address = reverse("broadcast-edit", args=[draft.pk])
    form = client.get(address).context["form"]
    values = {name: form[name].value() for name in form.fields}
    posted = {name: "" if value is None else value for name, value in values.items()} | {
        "first_segment_size": "1,000",
        "conversion_threshold": "2.5",
        "next_segment_size": "2000",
        "minimum_sample": "",
        "recipient_cap": "5 000",
        "exp_date": "2030-01-01T09:00",
    }
    assert client.post(address, posted).status_code == 302
    draft.refresh_from_db()
    assert (draft.first_segment_size, draft.next_segment_size, draft.recipient_cap) == (1000, 2000, 5000)
    assert (str(draft.conversion_threshold), draft.minimum_sample, draft.wait_minutes) == ("2.500", 100, 0)
    assert draft.exp_date is not None
    assert draft.exp_date.isoformat() == "2030-01-01T14:00:00+00:00"


def test_the_review_says_how_it_goes_on(client: Client, acme: Workspace, actor: Actor) -> None:
    draft = make_smart(acme, actor, kind="smart_ctr", recipient_cap=20)
    page = client.get(reverse("broadcast-review", args=[draft.pk]))
    said = {check.code: check.sentence for check in page.context["checks"]}
    assert said["segments"] == (
        "First 10 of 30 people. The next 10 each time when 20% of a segment have clicked, 0 minutes after it was through at"
        " the earliest and on 5 messages sent at least. After 20 people it asks."
    )
    assert page.context["verb"].startswith("Send to the first 10 people for $")


def test_one_is_made_from_its_card(client: Client, acme: Workspace) -> None:
    client.post(reverse("broadcast-new"), {"kind": "smart_manual"})
    assert Broadcast.objects.get().kind == "smart_manual"


def test_the_dashboard_asks_for_the_next_segment(acme: Workspace, actor: Actor, through: Broadcast) -> None:
    assert [need.sentence for need in needs_of(acme)] == [
        "Autumn sale: its segments so far are through, and others wait in reserve."
    ]
    assert len(messages_in(through, 0)) == 20
