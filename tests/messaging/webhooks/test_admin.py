"""Webhooks in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEntry, User, Workspace
from messaging.models import WebhookDelivery
from tests.messaging.webhooks.support import endpoint_again, make_endpoint, make_event
from tests.people import client_of

pytestmark = pytest.mark.django_db
BASE = "/admin/messaging"


@pytest.fixture
def staff(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return client_of(User.objects.get(pk=alice.pk))


def test_it_works(staff: Client, acme: Workspace) -> None:
    made = make_endpoint(acme)
    there = f"{BASE}/webhookendpoint/{made.endpoint.pk}/change/"
    assert staff.get(f"{BASE}/webhookendpoint/").status_code == 200
    page = staff.get(there).content.decode()
    assert (made.secret in page, "encrypted" in page) == (False, False)
    given = {"url": "https://example.com/new", "events": ["link.clicked"]}
    assert staff.post(there, given).status_code == 302
    endpoint = endpoint_again(made.endpoint)
    assert (endpoint.url, endpoint.enabled) == ("https://example.com/new", False)
    actions = AuditEntry.objects.filter(subject="webhookendpoint").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["created", "changed", "disabled"]


def test_rejects_what_the_pages_reject(staff: Client, acme: Workspace) -> None:
    endpoint = make_endpoint(acme).endpoint
    make_endpoint(acme, "https://example.com/other")
    for url, said in (("http://10.0.0.1/", "private network"), ("https://example.com/other", "already")):
        answer = staff.post(
            f"{BASE}/webhookendpoint/{endpoint.pk}/change/", {"url": url, "events": ["link.clicked"]}
        )
        assert (answer.status_code, said in answer.content.decode()) == (200, True)
    assert staff.get(f"{BASE}/webhookendpoint/add/").status_code == 403


def test_deliveries_are_looked_at_and_sent_again(staff: Client, acme: Workspace) -> None:
    make_endpoint(acme)
    delivery = make_event(acme)
    WebhookDelivery.objects.update(state="failed")
    assert staff.get(f"{BASE}/webhookdelivery/{delivery.pk}/change/").status_code == 200
    assert staff.get(f"{BASE}/webhookdelivery/add/").status_code == 403
    answer = staff.post(
        f"{BASE}/webhookdelivery/",
        {"action": "send_again", "_selected_action": [delivery.pk]},
        follow=True,
    )
    assert "1 event is sent again." in answer.content.decode()
    delivery.refresh_from_db()
    assert delivery.state == "waiting"
