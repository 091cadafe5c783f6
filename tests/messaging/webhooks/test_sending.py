"""From the ledger to a receiver: signed, tried again, given up."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings
from standardwebhooks import WebhookVerificationError

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from campaigns.tasks import sweep
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.tasks import send_webhooks
from messaging.webhooks import ledger
from messaging.webhooks.endpoints import (
    change_endpoint,
    rotate_secret,
    send_again,
    send_failed_again,
    send_test,
    set_endpoint_enabled,
)
from messaging.webhooks.ledger import LEASE, RETRIES, Answer, claim_due, prune_deliveries, write_answer
from messaging.webhooks.sending import send_due
from messaging.webhooks.shares import Shares
from tests.conftest import SentTask
from tests.messaging.webhooks.support import Receiver, body_of, endpoint_again, make_endpoint, make_event

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "JITTER", 0)


def state_of(delivery: WebhookDelivery) -> tuple[str, int, int | None]:
    delivery.refresh_from_db()
    return delivery.state, delivery.attempts, delivery.answer_status


def test_it_works(acme: Workspace, receiver: Receiver) -> None:
    made = make_endpoint(acme, receiver.url)
    delivery = make_event(acme, name="msg_click", city="Málaga")
    assert send_due().taken == 1
    assert state_of(delivery) == ("delivered", 1, 200)
    assert delivery.answer_words == "thanks"
    (got,) = receiver.received
    assert got.event_id == "msg_click"
    assert got.headers["content-type"] == "application/json"
    assert got.verified(made.secret) == {
        "type": "link.clicked",
        "timestamp": "2026-05-04T12:00:00.000Z",
        "data": {"message_id": 7, "city": "Málaga"},
    }
    assert send_due().taken == 0


def test_a_strangers_secret_does_not_verify(acme: Workspace, other: Workspace, receiver: Receiver) -> None:
    make_endpoint(acme, receiver.url)
    stranger = make_endpoint(other, receiver.url)
    make_event(acme)
    send_due()
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified(stranger.secret)


def test_for_a_day_both_secrets_sign(acme: Workspace, receiver: Receiver, time_machine: Any) -> None:
    old = make_endpoint(acme, receiver.url)
    new = rotate_secret(endpoint=old.endpoint, actor=Actor())
    make_event(acme, "msg_1")
    send_due()
    assert receiver.received[0].verified(old.secret) == receiver.received[0].verified(new.secret)
    time_machine.move_to(datetime.now(UTC) + DAY, tick=False)
    make_event(acme, "msg_2")
    send_due()
    receiver.received[1].verified(new.secret)
    with pytest.raises(WebhookVerificationError):
        receiver.received[1].verified(old.secret)


def test_an_event_of_one_id_is_there_once(acme: Workspace, receiver: Receiver) -> None:
    make_endpoint(acme, receiver.url)
    make_event(acme, "msg_1")
    make_event(acme, "msg_1")
    send_due()
    assert [got.event_id for got in receiver.received] == ["msg_1"]


def test_nobody_is_told_what_they_do_not_want(acme: Workspace, other: Workspace, receiver: Receiver) -> None:
    make_endpoint(other, receiver.url)
    wants_nothing_yet = make_endpoint(acme, receiver.url).endpoint
    WebhookEndpoint.objects.filter(pk=wants_nothing_yet.pk).update(events=["message.delivered"])
    disabled = make_endpoint(acme, f"{receiver.url}/2").endpoint
    set_endpoint_enabled(endpoint=disabled, actor=Actor(), enabled=False)
    make_endpoint(acme, f"{receiver.url}/3")
    make_event(acme)
    send_due()
    assert [got.path for got in receiver.received] == ["/crier/3"]


def test_it_is_tried_again_as_the_standard_proposes(
    acme: Workspace, receiver: Receiver, time_machine: Any
) -> None:
    begin = datetime(2026, 11, 21, 9, tzinfo=UTC)
    time_machine.move_to(begin, tick=False)
    receiver.answers = [500]
    endpoint = make_endpoint(acme, receiver.url).endpoint
    delivery = make_event(acme)
    now = begin
    for number, pause in enumerate(RETRIES, start=1):
        send_due()
        assert state_of(delivery) == ("waiting", number, 500)
        assert delivery.try_at == now + pause
        time_machine.move_to(now + pause - timedelta(seconds=1), tick=False)
        assert send_due().failed == 0
        now += pause
        time_machine.move_to(now, tick=False)
    send_due()
    assert state_of(delivery) == ("failed", 8, 500)
    assert len(receiver.received) == 8
    assert {got.event_id for got in receiver.received} == {"msg_1"}
    assert len({got.headers["webhook-timestamp"] for got in receiver.received}) == 8
    endpoint = endpoint_again(endpoint)
    assert (endpoint.enabled, endpoint.disabled_because) == (False, "failing")
    assert AuditEntry.objects.get(subject="webhookendpoint", action="disabled").details == {
        "because": "failing"
    }


def test_where_others_get_through_it_stays_enabled(
    acme: Workspace, receiver: Receiver, time_machine: Any
) -> None:
    begin = datetime(2026, 11, 21, 9, tzinfo=UTC)
    time_machine.move_to(begin, tick=False)
    endpoint = make_endpoint(acme, receiver.url).endpoint
    receiver.answers = [500]
    refused = make_event(acme, "msg_refused")
    now = begin
    for pause in RETRIES:
        send_due()
        now += pause
        time_machine.move_to(now, tick=False)
    receiver.answers = [*[500] * 7, 200, 500]
    make_event(acme, "msg_taken")
    WebhookDelivery.objects.filter(event_id="msg_taken").update(try_at=begin)
    send_due()
    assert state_of(refused)[0] == "failed"
    assert endpoint_again(endpoint).enabled


@pytest.mark.parametrize("status", [201, 204, 299])
def test_any_2xx_is_taken(acme: Workspace, receiver: Receiver, status: int) -> None:
    receiver.answers, receiver.body = [status], b""
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("delivered", 1, status)


def test_redirects_are_not_followed(acme: Workspace, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [302], {"location": "/elsewhere"}
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("waiting", 1, 302)
    assert "not followed" in delivery.answer_words
    assert [got.path for got in receiver.received] == ["/crier"]


def test_410_disables_at_once(acme: Workspace, receiver: Receiver) -> None:
    receiver.answers = [410]
    endpoint = make_endpoint(acme, receiver.url).endpoint
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("failed", 1, 410)
    endpoint = endpoint_again(endpoint)
    assert (endpoint.enabled, endpoint.get_disabled_because_display()) == (
        False,
        "the endpoint answered 410: it is gone for good",
    )


def test_what_waits_for_a_disabled_one_goes_out_when_it_is_enabled(
    acme: Workspace, receiver: Receiver
) -> None:
    endpoint = make_endpoint(acme, receiver.url).endpoint
    delivery = make_event(acme)
    set_endpoint_enabled(endpoint=endpoint, actor=Actor(), enabled=False)
    send_due()
    assert state_of(delivery) == ("waiting", 0, None)
    set_endpoint_enabled(endpoint=endpoint, actor=Actor(), enabled=True)
    send_due()
    assert state_of(delivery) == ("delivered", 1, 200)


@pytest.mark.parametrize(
    ("asked", "pause"), [("3600", 3600), ("1", 5), ("999999999", 86_400), ("Tomorrow", 5), ("-1", 5)]
)
def test_a_receiver_may_ask_for_patience(
    acme: Workspace, receiver: Receiver, time_machine: Any, asked: str, pause: int
) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    receiver.answers, receiver.headers = [429], {"retry-after": asked}
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    delivery.refresh_from_db()
    assert delivery.try_at == now + timedelta(seconds=pause)


def test_nothing_listens_there(acme: Workspace, settings: Settings) -> None:
    settings.WEBHOOKS_MAY_BE_PRIVATE = True
    make_endpoint(acme, "http://127.0.0.1:9/crier?key=canary-5c1e77-must-not-be-seen")
    delivery = make_event(acme)
    assert send_due().failed == 1
    assert state_of(delivery) == ("waiting", 1, None)
    assert delivery.answer_words.startswith("No connection came about")


def test_a_silent_receiver_is_given_up(acme: Workspace, receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.3
    receiver.hold = threading.Event()
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("waiting", 1, None)
    assert delivery.answer_words == "No answer within 0.3 seconds."


def drip() -> Iterator[bytes]:
    """A header that never ends, a byte at a time: no single pause is long."""
    yield b"HTTP/1.1 200 OK\r\nx: "
    while True:
        time.sleep(0.05)
        yield b"x"


def test_an_answer_that_drips_is_given_up(acme: Workspace, receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.4
    receiver.raw = drip()
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("waiting", 1, None)


def test_of_an_endless_answer_only_the_beginning_is_read(acme: Workspace, receiver: Receiver) -> None:
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b"<b>\x00no</b> " * 1000))
    receiver.raw = endless
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert state_of(delivery) == ("delivered", 1, 200)
    assert len(delivery.answer_words) <= 200
    assert "\x00" not in delivery.answer_words


def test_what_is_no_http_is_told_so(acme: Workspace, receiver: Receiver) -> None:
    receiver.raw = iter([b"220 mail ready\r\n"])
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    send_due()
    assert delivery.__class__.objects.get().answer_words == "The answer broke off or is no HTTP."


def test_one_that_fails_keeps_one_place(acme: Workspace, receiver: Receiver) -> None:
    slow = make_endpoint(acme, receiver.url).endpoint
    WebhookEndpoint.objects.filter(pk=slow.pk).update(failing_since=datetime.now(UTC))
    for number in range(8):
        make_event(acme, f"msg_{number}")
    good = make_endpoint(acme, f"{receiver.url}/good").endpoint
    for number in range(8, 16):
        make_event(acme, f"msg_{number}")
    claimed = claim_due(16)
    assert sorted(one.endpoint.pk for one in claimed) == sorted([slow.pk] + [good.pk] * 4)
    assert claim_due(16, Shares(one.endpoint for one in claimed)) == []


def test_what_a_dead_sender_had_in_hand_is_due_again(
    acme: Workspace, receiver: Receiver, time_machine: Any
) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    time_machine.move_to(now, tick=False)
    make_endpoint(acme, receiver.url)
    delivery = make_event(acme)
    (lost,) = claim_due(10)
    assert claim_due(10) == []
    time_machine.move_to(now + LEASE, tick=False)
    assert send_due().taken == 1
    assert state_of(delivery) == ("delivered", 2, 200)
    assert write_answer(lost, Answer(500)) is False
    assert state_of(delivery) == ("delivered", 2, 200)


def test_a_secret_that_cannot_be_opened_holds_up_nobody(
    acme: Workspace, other: Workspace, receiver: Receiver
) -> None:
    broken = make_endpoint(acme, receiver.url).endpoint
    WebhookEndpoint.objects.filter(pk=broken.pk).update(encrypted_secrets="nonsense")
    delivery = make_event(acme, "msg_broken")
    make_endpoint(other, receiver.url)
    make_event(other, "msg_good")
    send_due()
    assert [got.event_id for got in receiver.received] == ["msg_good"]
    assert state_of(delivery) == ("waiting", 1, None)
    assert "cannot be opened" in delivery.answer_words


def test_sent_again_has_the_same_id(acme: Workspace, receiver: Receiver) -> None:
    endpoint = make_endpoint(acme, receiver.url).endpoint
    delivery = make_event(acme)
    send_due()
    send_again(delivery=WebhookDelivery.objects.get(), actor=Actor())
    send_due()
    assert [got.event_id for got in receiver.received] == ["msg_1", "msg_1"]
    assert state_of(delivery) == ("delivered", 1, 200)
    WebhookDelivery.objects.update(state="failed")
    assert send_failed_again(endpoint=endpoint, actor=Actor()) == 1
    send_due()
    assert len(receiver.received) == 3


def test_a_test_event_is_tried_once_and_harms_nobody(acme: Workspace, receiver: Receiver) -> None:
    made = make_endpoint(acme, receiver.url)
    set_endpoint_enabled(endpoint=made.endpoint, actor=Actor(), enabled=False)
    receiver.answers = [200, 410]
    assert send_test(endpoint=made.endpoint, actor=Actor()).state == "waiting"
    send_due()
    assert receiver.received[0].verified(made.secret)["type"] == "webhook.test"
    assert body_of(WebhookDelivery.objects.get())["data"]["webhook_id"] == made.endpoint.pk
    set_endpoint_enabled(endpoint=made.endpoint, actor=Actor(), enabled=True)
    failed = send_test(endpoint=made.endpoint, actor=Actor())
    send_due()
    assert state_of(failed) == ("failed", 1, 410)
    assert endpoint_again(made.endpoint).enabled


def test_what_waits_goes_to_the_new_address(acme: Workspace, receiver: Receiver) -> None:
    endpoint = make_endpoint(acme, receiver.url).endpoint
    make_event(acme)
    change_endpoint(endpoint=endpoint, actor=Actor(), url=f"{receiver.url}/new")
    send_due()
    assert receiver.received[0].path == "/crier/new"


def test_the_task_wakes_itself_up_only_where_something_is_due(
    acme: Workspace, receiver: Receiver, sent_tasks: list[SentTask]
) -> None:
    make_endpoint(acme, receiver.url)
    make_event(acme)
    send_webhooks()
    assert (len(receiver.received), sent_tasks) == (1, [])


def test_the_sweep_wakes_a_sender_of_its_own_queue(
    acme: Workspace, settings: Settings, sent_tasks: list[SentTask]
) -> None:
    make_endpoint(acme)
    make_event(acme)
    sweep()
    name = "messaging.tasks.send_webhooks"
    assert [task.name for task in sent_tasks].count(name) >= 1
    assert settings.CELERY_TASK_ROUTES[name] == {"queue": "webhooks"}


def test_the_dashboard_says_which_was_disabled_by_itself(
    acme: Workspace, receiver: Receiver, alice_client: Client
) -> None:
    receiver.answers = [410]
    make_endpoint(acme, receiver.url)
    make_event(acme)
    send_due()
    page = alice_client.get("/").content.decode()
    assert "is disabled: the endpoint answered 410" in page
    assert f'href="/settings/webhooks/{WebhookEndpoint.objects.get().pk}/"' in page


def test_what_is_old_is_forgotten(acme: Workspace, settings: Settings, time_machine: Any) -> None:
    now = datetime(2026, 11, 21, 9, tzinfo=UTC)
    settings.WEBHOOK_DAYS = 30
    time_machine.move_to(now, tick=False)
    make_endpoint(acme)
    make_event(acme, "msg_old")
    time_machine.move_to(now + 30 * DAY, tick=False)
    make_event(acme, "msg_new")
    assert prune_deliveries() == 0
    time_machine.move_to(now + 31 * DAY, tick=False)
    assert prune_deliveries() == 1
    assert WebhookDelivery.objects.get().event_id == "msg_new"
