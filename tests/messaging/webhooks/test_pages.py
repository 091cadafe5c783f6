"""Webhooks in the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.webhooks.endpoints import MOST_ENABLED, send_test
from messaging.webhooks.sending import send_due
from tests.access import assert_access
from tests.messaging.webhooks.support import Receiver, endpoint_again, make_endpoint, make_event

pytestmark = pytest.mark.django_db
PAGE = "/settings/webhooks/"
GIVEN = {"kind": "crier", "url": "https://example.com/crier", "events": ["link.clicked"]}


@pytest.fixture
def endpoint(acme: Workspace) -> WebhookEndpoint:
    return make_endpoint(acme, "https://example.com/crier?key=hidden").endpoint


@pytest.fixture
def delivery(acme: Workspace, endpoint: WebhookEndpoint) -> WebhookDelivery:
    return make_event(acme)


def html(response: Any) -> str:
    return str(response.content.decode())


def test_it_works(adam_client: Client, acme: Workspace) -> None:
    assert "No webhook yet" in html(adam_client.get(PAGE))
    made = adam_client.post(f"{PAGE}new/", GIVEN)
    endpoint = WebhookEndpoint.objects.get(workspace=acme)
    (secret,) = endpoint.secrets_at(datetime.now(UTC))
    assert (made.status_code, secret in html(made)) == (200, True)
    assert "no-store" in made.headers["Cache-Control"]
    assert secret not in endpoint.encrypted_secrets
    page = html(adam_client.get(f"{PAGE}{endpoint.pk}/"))
    assert secret not in page
    assert "whsec_" not in page
    assert "https://example.com/crier" in html(adam_client.get(PAGE))


def test_access(delivery: WebhookDelivery) -> None:
    own = f"{PAGE}{delivery.endpoint_id}/"
    assert_access(PAGE)
    assert_access(own, marketer=200, admin=200)
    assert_access(f"{PAGE}deliveries/{delivery.pk}/", marketer=200)
    assert_access(f"{PAGE}new/", viewer=403, marketer=403, admin=200)
    assert_access(f"{own}test/", viewer=286)
    for action in ("test/", "enabled/0/", "enabled/1/", "failed-again/"):
        # The number at the end of the address is no id.
        has_id_last = action.startswith("enabled")
        assert_access(
            own + action,
            "post",
            viewer=403,
            marketer=403,
            admin=302,
            wrong_method="put" if action == "test/" else "get",
            missing=not has_id_last,
        )
    assert_access(f"{own}secret/", "post", viewer=403, marketer=403, admin=200, wrong_method="get")
    assert_access(own, "post", viewer=403, marketer=403, admin=302, data=GIVEN)
    assert_access(
        f"{PAGE}deliveries/{delivery.pk}/again/",
        "post",
        viewer=403,
        marketer=403,
        admin=302,
        wrong_method="get",
    )


def test_readers_see_neither_keys_of_the_address_nor_buttons(
    victor_client: Client, adam_client: Client, delivery: WebhookDelivery
) -> None:
    own = f"{PAGE}{delivery.endpoint_id}/"
    for address in (PAGE, own, f"{PAGE}deliveries/{delivery.pk}/"):
        page = html(victor_client.get(address))
        assert "key=hidden" not in page
        assert "example.com/crier?…" in page
        assert "Disable" not in page
        assert "Send again" not in page
    assert "key=hidden" in html(adam_client.get(own))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "", "events": ["link.clicked"]}, "Address"),
        ({"url": "http://127.0.0.1/", "events": ["link.clicked"]}, "private network"),
        ({"url": "https://example.com/", "events": []}, "Choose at least one event"),
        ({"url": "https://example.com/", "events": ["link.eaten"]}, "link.eaten"),
        ({"url": "https://example.com/crier?key=hidden", "events": ["link.clicked"]}, "already"),
    ],
)
def test_what_is_refused(
    adam_client: Client, endpoint: WebhookEndpoint, given: dict[str, Any], words: str
) -> None:
    response = adam_client.post(f"{PAGE}new/", {"kind": "crier"} | given)
    assert (response.status_code, words in html(response)) == (422, True)
    assert WebhookEndpoint.objects.count() == 1


def test_there_is_a_limit(adam_client: Client, acme: Workspace) -> None:
    for number in range(MOST_ENABLED):
        make_endpoint(acme, f"https://example.com/{number}")
    response = adam_client.post(f"{PAGE}new/", GIVEN)
    assert (response.status_code, "Disable one first" in html(response)) == (422, True)


def test_the_same_address_is_no_change(adam_client: Client, endpoint: WebhookEndpoint) -> None:
    adam_client.post(
        f"{PAGE}{endpoint.pk}/",
        {"url": "https://example.com/crier?key=hidden", "events": ["link.clicked"]},
    )
    assert not AuditEntry.objects.filter(action="changed").exists()
    adam_client.post(f"{PAGE}{endpoint.pk}/", GIVEN)
    entry = AuditEntry.objects.get(action="changed")
    assert "hidden" not in str(entry.details) + entry.label
    assert endpoint_again(endpoint).url == "https://example.com/crier"


def test_a_new_secret_is_shown_once(adam_client: Client, endpoint: WebhookEndpoint) -> None:
    now = datetime.now(UTC)
    (before,) = endpoint.secrets_at(now)
    response = adam_client.post(f"{PAGE}{endpoint.pk}/secret/")
    after, kept = endpoint_again(endpoint).secrets_at(datetime.now(UTC))
    assert kept == before != after
    assert (after in html(response), before in html(response)) == (True, False)
    assert "no-store" in response.headers["Cache-Control"]
    assert after not in html(adam_client.get(f"{PAGE}{endpoint.pk}/"))


def test_disabling_and_its_undo(adam_client: Client, endpoint: WebhookEndpoint) -> None:
    page = html(adam_client.post(f"{PAGE}{endpoint.pk}/enabled/0/", follow=True))
    assert "disabled by a person" in page
    assert f"{PAGE}{endpoint.pk}/enabled/1/" in page
    assert not endpoint_again(endpoint).enabled
    adam_client.post(f"{PAGE}{endpoint.pk}/enabled/1/")
    endpoint = endpoint_again(endpoint)
    assert (endpoint.enabled, endpoint.disabled_because, endpoint.disabled_at) == (True, "", None)


def test_a_test_event_shows_its_answer(adam_client: Client, acme: Workspace, receiver: Receiver) -> None:
    made = make_endpoint(acme, receiver.url)
    address = f"{PAGE}{made.endpoint.pk}/test/"
    assert adam_client.get(address).status_code == 286
    adam_client.post(address)
    waiting = adam_client.get(address)
    assert (waiting.status_code, 'hx-trigger="every 2s"' in html(waiting)) == (200, True)
    send_due()
    done = adam_client.get(address)
    assert (done.status_code, "thanks" in html(done), "Delivered" in html(done)) == (286, True, True)


def test_the_answer_of_a_receiver_is_only_text(
    adam_client: Client, acme: Workspace, receiver: Receiver
) -> None:
    receiver.answers, receiver.body = [500], b"<script>alert(1)</script>"
    made = make_endpoint(acme, receiver.url)
    send_test(endpoint=made.endpoint, actor=Actor())
    send_due()
    page = html(adam_client.get(f"{PAGE}{made.endpoint.pk}/"))
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_sending_again(adam_client: Client, delivery: WebhookDelivery) -> None:
    WebhookDelivery.objects.update(state="failed", attempts=8)
    own = f"{PAGE}{delivery.endpoint_id}/"
    assert "Send the failed again" in html(adam_client.get(own))
    adam_client.post(f"{PAGE}deliveries/{delivery.pk}/again/")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("waiting", 0)
    WebhookDelivery.objects.update(state="failed", attempts=8)
    assert "1 event is sent again." in html(adam_client.post(f"{own}failed-again/", follow=True))
    adam_client.post(f"{own}enabled/0/")
    refused = html(adam_client.post(f"{PAGE}deliveries/{delivery.pk}/again/", follow=True))
    assert "Enable it first" in refused
    assert "Enable it first" in html(adam_client.post(f"{own}failed-again/", follow=True))


def test_deliveries_by_state(adam_client: Client, acme: Workspace, delivery: WebhookDelivery) -> None:
    own = f"{PAGE}{delivery.endpoint_id}/"
    there = f'href="{PAGE}deliveries/{delivery.pk}/"'
    assert there in html(adam_client.get(f"{own}?state=waiting"))
    assert there not in html(adam_client.get(f"{own}?state=failed"))
    assert there in html(adam_client.get(f"{own}?state=nonsense"))


def test_the_list_asks_as_often_however_many_there_are(
    adam_client: Client, acme: Workspace, django_assert_max_num_queries: Any
) -> None:
    for number in range(MOST_ENABLED):
        make_endpoint(acme, f"https://example.com/{number}")
    make_event(acme)
    adam_client.get(PAGE)
    with django_assert_max_num_queries(8):
        adam_client.get(PAGE)


def test_the_tab_is_marked_below_too(adam_client: Client, endpoint: WebhookEndpoint) -> None:
    page = html(adam_client.get(f"{PAGE}{endpoint.pk}/"))
    assert f'href="{PAGE}" aria-current="page"' in page
    assert 'href="/settings/" aria-current="page">General' not in page
