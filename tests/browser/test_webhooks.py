"""Webhooks in a real browser: clean wide and narrow, light and dark; set up, tried, and disabled by clicks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.webhooks.sending import send_due
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean
from tests.messaging.webhooks.support import make_endpoint, make_event, running_receiver

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
LOOKS = [(WIDE, False), (WIDE, True), (NARROW, False), (NARROW, True)]


@pytest.fixture
def failing(acme: Workspace) -> WebhookEndpoint:
    """With deliveries in each state, and a second one that was disabled."""
    endpoint = make_endpoint(acme, f"https://hooks.example.com/{'long' * 40}?key=hidden").endpoint
    for name, state, status, words in (
        ("msg_1", "delivered", 200, "ok"),
        ("msg_2", "failed", 500, "x" * 200),
        (
            "msg_3",
            "waiting",
            None,
            "No connection came about: nothing listens there, or a firewall is between.",
        ),
        ("msg_4", "waiting", None, ""),
    ):
        made = make_event(acme, name, msisdn="12015550123", unique_click=True)
        WebhookDelivery.objects.filter(pk=made.pk).update(
            state=state, answer_status=status, answer_words=words, attempts=2, took_ms=31
        )
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=datetime.now(UTC))
    gone = make_endpoint(acme, "https://gone.example.com/").endpoint
    WebhookEndpoint.objects.filter(pk=gone.pk).update(
        enabled=False, disabled_because="gone", disabled_at=datetime.now(UTC)
    )
    return endpoint


@pytest.mark.parametrize(("size", "dark"), LOOKS)
def test_it_works(
    open_page: OpenPage,
    site: str,
    alice: User,
    acme: Workspace,
    failing: WebhookEndpoint,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    settings = f"{site}/settings/webhooks/"
    gone = WebhookEndpoint.objects.get(enabled=False)
    delivery = WebhookDelivery.objects.get(event_id="msg_2")
    for address in ("", "new/", f"{failing.pk}/", f"{gone.pk}/", f"deliveries/{delivery.pk}/"):
        assert_page_is_clean(page, settings + address)
    page.goto(f"{settings}{failing.pk}/")
    page.get_by_role("button", name="Make a new secret").click()
    assert_shown_page_is_clean(page)
    page.get_by_role("button", name="Make a new one").click()
    expect(page.get_by_label("Signing secret")).to_have_value(
        WebhookEndpoint.objects.get(pk=failing.pk).secrets_at(datetime.now(UTC))[0]
    )
    assert_shown_page_is_clean(page)


def test_a_viewer_only_looks(open_page: OpenPage, site: str, victor: User, failing: WebhookEndpoint) -> None:
    page = open_page(user=victor, base_url=site)
    for address in ("", f"{failing.pk}/"):
        assert_page_is_clean(page, f"{site}/settings/webhooks/{address}")
    assert page.locator("main button:visible").count() == 0


def test_set_up_and_tried(open_page: OpenPage, site: str, alice: User, settings: object) -> None:
    settings.WEBHOOKS_MAY_BE_PRIVATE = True  # type: ignore[attr-defined]  # a pytest-django fixture
    with running_receiver() as receiver:
        page = open_page(width=390, height=844, user=alice, base_url=site)
        assert_page_is_clean(page, f"{site}/settings/webhooks/")
        page.get_by_role("link", name="Set up the first one").click()
        page.get_by_label("Address").fill("ftp://example.com/")
        page.get_by_role("button", name="Make the webhook").click()
        expect(page.get_by_role("alert")).to_contain_text("must begin with https://")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("button", name="Make the webhook").click()
        secret = page.get_by_label("Signing secret").input_value()
        page.get_by_role("button", name="Send a test event").click()
        expect(page.locator("#webhook-test")).to_contain_text("Waiting")
        send_due()
        expect(page.locator("#webhook-test")).to_contain_text("Delivered")
        assert receiver.received[0].verified(secret)["type"] == "webhook.test"
        page.get_by_role("button", name="Disable", exact=True).click()
        expect(page.get_by_text("disabled by a person")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("disabled by a person")).to_have_count(0)
