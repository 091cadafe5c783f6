"""`/api/v1/webhooks` and `/api/v1/webhook-deliveries`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Workspace
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.webhooks.endpoints import MOST_ENABLED
from messaging.webhooks.sending import send_due
from tests.access import assert_access
from tests.messaging.webhooks.support import Receiver, endpoint_again, make_endpoint, make_event
from tests.people import ApiClient

pytestmark = pytest.mark.django_db
HOOKS, DELIVERIES = "/api/v1/webhooks/", "/api/v1/webhook-deliveries/"
Api = Callable[..., ApiClient]


def test_it_works(api: Api, receiver: Receiver) -> None:
    client = api("admin")
    made = client.post(HOOKS, {"url": receiver.url})
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    hook = made.json()
    assert (hook["events"], hook["enabled"], hook["secret"][:6]) == (
        ["message.reported", "broadcast.paused", "link.clicked"],
        True,
        "whsec_",
    )
    assert "secret" not in client.get(f"{HOOKS}{hook['id']}/").json()
    tested = client.post(f"{HOOKS}{hook['id']}/test/")
    assert (tested.status_code, tested.json()["state"]) == (201, "waiting")
    send_due()
    receiver.received[0].verified(hook["secret"])
    after = client.get(f"{DELIVERIES}{tested.json()['id']}/").json()
    assert (after["state"], after["answer_status"], after["try_at"]) == ("delivered", 200, None)
    assert after["body"]["type"] == "webhook.test"
    rotated = client.post(f"{HOOKS}{hook['id']}/rotate-secret/").json()
    assert rotated["secret"] != hook["secret"]
    disabled = client.patch(f"{HOOKS}{hook['id']}/", {"enabled": False}).json()
    assert (disabled["enabled"], disabled["disabled_because"]) == (False, "person")


def test_access(acme: Workspace) -> None:
    delivery = make_delivery(acme)
    own = f"{HOOKS}{delivery.endpoint_id}/"
    assert_access(HOOKS)
    assert_access(DELIVERIES, wrong_method="post")
    assert_access(own, marketer=200)
    assert_access(f"{DELIVERIES}{delivery.pk}/", marketer=200)
    assert_access(HOOKS, "post", viewer=403, marketer=403, admin=400, data={})
    assert_access(own, "patch", viewer=403, marketer=403, admin=200, data={"enabled": True})
    for action, status in (("rotate-secret/", 200), ("test/", 201), ("send-failed-again/", 200)):
        assert_access(
            own + action, "post", viewer=403, marketer=403, admin=status, stranger=404, wrong_method="get"
        )
    assert_access(
        f"{DELIVERIES}{delivery.pk}/send-again/",
        "post",
        viewer=403,
        marketer=403,
        admin=200,
        wrong_method="get",
    )


def make_delivery(workspace: Workspace) -> WebhookDelivery:
    make_endpoint(workspace, "https://example.com/crier?key=hidden")
    return make_event(workspace)


def test_a_key_that_may_not_change_it_does_not_see_its_keys(api: Api, acme: Workspace) -> None:
    make_delivery(acme)
    (seen,) = api("marketer").get(HOOKS).json()["results"]
    assert seen["url"] == "https://example.com/crier?…"
    (seen,) = api("admin").get(HOOKS).json()["results"]
    assert seen["url"] == "https://example.com/crier?key=hidden"


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({}, "url", "required"),
        ({"url": "http://10.0.0.1/"}, "url", "invalid"),
        ({"url": "https://example.com/crier?key=hidden"}, "url", "taken"),
        ({"url": "https://example.com/", "events": []}, "events", "empty"),
        ({"url": "https://example.com/", "events": ["link.eaten"]}, "events[0]", "invalid_choice"),
        ({"url": "https://example.com/", "secret": "whsec_MTIz"}, "secret", "unknown_field"),
    ],
)
def test_what_is_refused(api: Api, acme: Workspace, given: dict[str, object], field: str, code: str) -> None:
    make_delivery(acme)
    answer = api("admin").post(HOOKS, given)
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert WebhookEndpoint.objects.count() == 1


def test_the_limit(api: Api, acme: Workspace) -> None:
    for number in range(MOST_ENABLED):
        make_endpoint(acme, f"https://example.com/{number}")
    answer = api("admin").post(HOOKS, {"url": "https://example.com/one-more"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many")


def test_made_disabled(api: Api) -> None:
    made = api("admin").post(HOOKS, {"url": "https://example.com/", "enabled": False}).json()
    assert (made["enabled"], "secret" in made) == (False, True)


def test_changing(api: Api, acme: Workspace) -> None:
    delivery = make_delivery(acme)
    answer = api("admin").patch(f"{HOOKS}{delivery.endpoint_id}/", {"url": "https://example.com/new"})
    assert answer.json()["url"] == "https://example.com/new"
    assert endpoint_again(delivery.endpoint).url == "https://example.com/new"


def test_sending_again(api: Api, acme: Workspace) -> None:
    client, delivery = api("admin"), make_delivery(acme)
    WebhookDelivery.objects.update(state="failed", attempts=8)
    again = client.post(f"{DELIVERIES}{delivery.pk}/send-again/").json()
    assert (again["state"], again["attempts"], again["event_id"]) == ("waiting", 0, delivery.event_id)
    WebhookDelivery.objects.update(state="failed")
    own = f"{HOOKS}{delivery.endpoint_id}/"
    assert client.post(f"{own}send-failed-again/").json() == {"events": 1}
    client.patch(own, {"enabled": False})
    refused = client.post(f"{DELIVERIES}{delivery.pk}/send-again/")
    assert (refused.status_code, refused.json()["code"]) == (409, "disabled")


def test_filters(api: Api, acme: Workspace) -> None:
    client, delivery = api("viewer"), make_delivery(acme)
    for query, count in (
        (f"webhook={delivery.endpoint_id}", 1),
        ("webhook=987654", 0),
        ("message=7", 1),
        ("message=8", 0),
        ("state=waiting", 1),
        ("state=failed", 0),
        ("event_type=link.clicked", 1),
        ("event_type=webhook.test", 0),
    ):
        assert len(client.get(f"{DELIVERIES}?{query}").json()["results"]) == count, query
    assert client.get(f"{DELIVERIES}?state=lost").status_code == 400
