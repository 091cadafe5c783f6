"""One workspace's slow receivers hold up nobody else's events."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.webhooks import sending
from messaging.webhooks.endpoints import send_test
from messaging.webhooks.ledger import Claimed, claim_due
from messaging.webhooks.sending import Sender, send_due
from messaging.webhooks.shares import PLACES, SLOW_SECONDS, Pace, Paces, Shares
from tests.messaging.webhooks.support import Receiver, make_endpoint, make_event, running_receiver
from tests.people import api_client, workspace_named

pytestmark = pytest.mark.django_db
_names = count(1)


@pytest.fixture
def hanging(settings: Settings) -> Iterator[Receiver]:
    """Takes requests and answers when the test lets it."""
    settings.WEBHOOKS_MAY_BE_PRIVATE = True
    with running_receiver() as receiver:
        receiver.hold = threading.Event()
        yield receiver
        receiver.hold.set()
        if sending._sender is not None:
            sending._sender._pool.shutdown()


def make_busy(
    workspace: Workspace, url: str, *, webhooks: int = 4, events: int = 24
) -> list[WebhookEndpoint]:
    made = [make_endpoint(workspace, f"{url}/{number}").endpoint for number in range(webhooks)]
    for _event in range(events):
        make_event(workspace, f"msg_{next(_names)}")
    return made


def by_workspace(claimed: list[Claimed]) -> Counter[str]:
    return Counter(one.endpoint.workspace.name for one in claimed)


@pytest.mark.django_db(transaction=True)
def test_it_works(acme: Workspace, other: Workspace, hanging: Receiver, receiver: Receiver) -> None:
    make_busy(acme, hanging.url)
    make_endpoint(other, receiver.url)
    make_event(other, "msg_other")
    began = time.monotonic()
    assert send_due(seconds=1).taken == 1
    assert [got.event_id for got in receiver.received] == ["msg_other"]
    assert time.monotonic() - began < 5
    assert 4 <= len(hanging.received) <= 8


@pytest.mark.django_db(transaction=True)
def test_neither_does_the_end_of_a_run(
    acme: Workspace, other: Workspace, hanging: Receiver, receiver: Receiver
) -> None:
    make_busy(acme, hanging.url, webhooks=10)
    make_endpoint(other, receiver.url)
    send_due(seconds=0.3)
    for number in range(3):
        make_event(other, f"msg_other_{number}")
        assert send_due(seconds=0.6).taken == 1
    assert len(hanging.received) <= 8
    assert hanging.hold is not None
    hanging.hold.set()
    assert isinstance(sending._sender, Sender)
    sending._sender._pool.shutdown()
    taken = WebhookDelivery.objects.filter(endpoint__workspace=acme, state="delivered", answer_status=200)
    assert taken.count() == len(hanging.received)


def test_workspaces_have_places_in_turn_and_then_their_webhooks(acme: Workspace, other: Workspace) -> None:
    make_busy(acme, "https://example.com/a", webhooks=3, events=20)
    make_busy(other, "https://example.com/b", webhooks=1, events=20)
    claimed = claim_due(7)
    assert by_workspace(claimed) == {"acme": 4, "other": 3}
    assert sorted(Counter(one.endpoint.pk for one in claimed).values()) == [1, 1, 2, 3]


def test_one_workspace_never_has_all_places(acme: Workspace) -> None:
    make_busy(acme, "https://example.com/a", webhooks=10, events=20)
    assert len(claim_due(PLACES)) == 8
    WebhookDelivery.objects.update(try_at=timezone.now())
    assert len(claim_due(PLACES, Shares(pace_of=lambda _id: Pace.QUICK))) == 16


def test_some_places_are_for_quick_receivers_alone() -> None:
    for number in range(8):
        make_busy(workspace_named(f"w{number}"), f"https://example.com/{number}", webhooks=2, events=8)
    quick = make_busy(workspace_named("quick"), "https://example.com/quick", webhooks=1, events=9)[0]
    shares = Shares(pace_of=lambda pk: Pace.QUICK if pk == quick.pk else Pace.UNKNOWN)
    claimed = by_workspace(claim_due(PLACES, shares))
    assert claimed.pop("quick") == 4
    assert sum(claimed.values()) == 48
    assert set(claimed.values()) == {6}


def test_slow_receivers_have_fewer_places(acme: Workspace) -> None:
    slow, quick = make_busy(acme, "https://example.com/a", webhooks=2, events=9)
    paces = Paces()
    paces.note(slow.pk, 4.0)
    paces.note(quick.pk, 0.1)
    claimed = claim_due(PLACES, Shares(pace_of=paces.pace))
    assert Counter(one.endpoint.pk for one in claimed) == {slow.pk: 2, quick.pk: 4}


def test_a_pace_follows_the_last_answers() -> None:
    paces = Paces()
    assert paces.pace(1) is Pace.UNKNOWN
    paces.note(1, 0.1)
    assert paces.pace(1) is Pace.QUICK
    paces.note_open(1, SLOW_SECONDS - 0.1)
    assert paces.pace(1) is Pace.QUICK
    paces.note_open(1, SLOW_SECONDS + 0.1)
    assert paces.pace(1) is Pace.SLOW
    paces.note(1, 0.1)
    assert paces.pace(1) is Pace.QUICK


def test_what_waits_for_a_disabled_one_takes_no_place(acme: Workspace) -> None:
    endpoint = make_busy(acme, "https://example.com/a", webhooks=1, events=3)[0]
    WebhookEndpoint.objects.update(enabled=False)
    assert claim_due(PLACES) == []
    send_test(endpoint=endpoint, actor=Actor())
    assert [one.event_type for one in claim_due(PLACES)] == ["webhook.test"]


def test_one_test_event_waits_at_a_time_and_six_go_in_a_minute(acme: Workspace) -> None:
    endpoint = make_endpoint(acme).endpoint
    for _test in range(6):
        send_test(endpoint=endpoint, actor=Actor())
        with pytest.raises(MessagingError, match="waits already"):
            send_test(endpoint=endpoint, actor=Actor())
        WebhookDelivery.objects.update(state="delivered")
    with pytest.raises(MessagingError, match="6 test events were sent to this webhook within a minute"):
        send_test(endpoint=endpoint, actor=Actor())
    WebhookDelivery.objects.update(created_at=datetime.now(UTC) - timedelta(minutes=2))
    send_test(endpoint=endpoint, actor=Actor())


def test_page_and_api_say_that_a_test_waits(acme: Workspace, alice_client: Client) -> None:
    endpoint = make_endpoint(acme).endpoint
    api, url = api_client("admin"), f"/api/v1/webhooks/{endpoint.pk}/test/"
    assert api.post(url).status_code == 201
    refused = api.post(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "test_waits")
    page = alice_client.post(f"/settings/webhooks/{endpoint.pk}/test/", follow=True).content.decode()
    assert "A test event of this webhook waits already." in page
    assert WebhookDelivery.objects.count() == 1
