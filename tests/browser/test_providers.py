"""Providers, senders and the handset in a real browser, with the real sandbox behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.sender_lists import create_sender_list
from messaging.senders import create_sender
from providers.connectors.operations import Exchange
from providers.health import Tally, note_tally
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import (
    create_sandbox_accounts,
    keep_exchanges,
    register_sandbox_webhooks,
    set_rate,
    store_call,
)
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean
from tests.conftest import CANARY_SECRET
from tests.providers.makers import make_account
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
ANN, SENDER = "12015550123", "12025550100"


@pytest.fixture(scope="module")
def process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def site(live_server: Any, settings: Settings, process: SandboxProcess) -> str:
    process.control("POST", "reset", {"accounts": True})
    settings.SANDBOX_URL = process.url
    settings.WEBHOOK_URL = str(live_server.url)
    return str(live_server.url)


@pytest.fixture
def account(acme: Workspace, site: str) -> ProviderAccount:
    """The sandbox's BulkVS account with a rate card and calls in each state."""
    bulkvs = create_sandbox_accounts(acme)[0]
    register_sandbox_webhooks(workspace=acme)
    set_rate(account=bulkvs, prefix="1", price="0.0079", actor=Actor())
    failing = make_account(acme, name="Old contract", credentials={"api_key": CANARY_SECRET})
    ProviderAccount.objects.filter(pk=failing.pk).update(
        health="failing",
        health_words="MessageWhiz does not accept the credentials (401). Enter the key again.",
    )
    body = b'{"From": "12015550123", "To": ["12025550100"], "Message": "Thanks%21"}'
    for state, words in (
        ("applied", ""),
        ("unmatched", ""),
        ("rejected", "The body is not JSON."),
        ("new", ""),
    ):
        call = store_call(
            account_id=bulkvs.pk, method="POST", query="", headers={}, body=body, remote_address="192.0.2.1"
        )
        StoredWebhookCall.objects.filter(pk=call.pk).update(state=state, words=words)
    keep_traffic(bulkvs)
    note_tally(bulkvs.pk, Tally(taken=1204, refused=3, unclear=1, answered=1208, milliseconds=250_000))
    note_tally(bulkvs.pk, Tally(delivered=990, not_delivered=20, reported=1010, report_seconds=9000))
    create_sender(workspace=acme, actor=Actor(), value=SENDER, accounts=[bulkvs])
    name = create_sender(workspace=acme, actor=Actor(), value="Northwind", countries=["GB", "US"])
    create_sender_list(workspace=acme, actor=Actor(), name="Main numbers", senders=[name])
    return bulkvs


def keep_traffic(account: ProviderAccount) -> None:
    """One that went well and one that did not, with words of some length."""
    url = "https://portal.bulkvs.com/api/v1.0/messageSend"
    request = '{"From": "12025550100", "To": ["12015550123"], "Message": "Hello"}'
    for status, trouble in (
        (200, ""),
        (403, "BulkVS says that there is no credit left (403). Top up there, then resume."),
    ):
        answer = '{"RefId": "' + "1" * 90 + '", "Results": [{"To": "12015550123", "Status": "SUCCESS"}]}'
        exchange = Exchange("send", "POST", url, request, status, answer, 0.231, trouble)
        keep_exchanges(account.pk, [exchange])


def text_ann(process: SandboxProcess, account: ProviderAccount, text: str) -> None:
    credentials = account.credentials
    response = process.request(
        "POST",
        "/bulkvs/api/v1.0/messageSend",
        {"From": SENDER, "To": [ANN], "Message": text},
        auth=httpx.BasicAuth(credentials["username"], credentials["password"]),
    )
    assert response.is_success, response.text


def addresses(account: ProviderAccount) -> list[str]:
    return [
        "/providers/",
        "/providers/new/",
        "/providers/new/?vendor=bulkvs",
        f"/providers/{account.pk}/",
        f"/providers/{account.pk}/?hours=168",
        f"/providers/{account.pk}/settings/",
        f"/providers/{account.pk}/rate-card/",
        f"/providers/{account.pk}/calls/",
        f"/providers/{account.pk}/calls/?state=rejected",
        f"/providers/{account.pk}/calls/{account.webhook_calls.earliest('id').pk}/",
        f"/providers/{account.pk}/at-vendor/",
        f"/providers/{account.pk}/at-vendor/webhooks/",
        f"/providers/{account.pk}/traffic/",
        f"/providers/{account.pk}/traffic/{account.traffic.latest('id').pk}/",
        "/senders/",
        f"/senders/{account.senders.get().pk}/",
        "/senders/lists/",
        f"/senders/lists/{account.workspace.sender_lists.get().pk}/",
        f"/handset/{ANN}/",
    ]


@SIZES
@THEMES
def test_pages_are_clean(
    open_page: OpenPage,
    site: str,
    process: SandboxProcess,
    account: ProviderAccount,
    alice: User,
    size: tuple[int, int],
    dark: bool,
) -> None:
    text_ann(
        process,
        account,
        "Hi Ann, our autumn sale opens today.\nhttps://example.com/a-long-address-" + "x" * 60,
    )
    text_ann(process, account, "Reply STOP to opt out")
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    for address in addresses(account):
        assert_page_is_clean(page, site + address)


@SIZES
def test_pages_of_a_viewer_are_clean(
    open_page: OpenPage, site: str, account: ProviderAccount, victor: User, size: tuple[int, int]
) -> None:
    page = open_page(width=size[0], height=size[1], user=victor, base_url=site)
    own = f"/providers/{account.pk}/"
    call = account.webhook_calls.earliest("id").pk
    for address in ("/providers/", own, f"{own}calls/", f"{own}calls/{call}/", "/senders/", "/handset/"):
        assert_page_is_clean(page, site + address)


def test_empty_pages_are_clean(open_page: OpenPage, site: str, alice: User, settings: Settings) -> None:
    page = open_page(user=alice, base_url=site)
    for address in ("/providers/", "/senders/", "/senders/lists/", "/handset/"):
        assert_page_is_clean(page, site + address)
    settings.SANDBOX_URL = ""
    assert_page_is_clean(page, site + "/handset/")


def test_testing_the_connection_swaps_its_card_alone(
    open_page: OpenPage, site: str, account: ProviderAccount, bob: User
) -> None:
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/providers/{account.pk}/")
    page.evaluate("document.body.dataset.mark = 'same page'")
    page.get_by_role("button", name="Test the connection").click()
    expect(page.locator("#account-health")).to_contain_text("BulkVS accepts the credentials")
    expect(page.locator("#account-health .badge")).to_have_text("Works")
    assert page.evaluate("document.body.dataset.mark") == "same page"
    assert_shown_page_is_clean(page)


def test_calls_of_a_state_are_applied_again(
    open_page: OpenPage, site: str, account: ProviderAccount, alice: User
) -> None:
    page = open_page(user=alice, base_url=site)
    page.goto(f"{site}/providers/{account.pk}/")
    page.get_by_role("link", name="Look at what was not understood").click()
    page.get_by_role("button", name="Apply all of these again").click()
    expect(page.get_by_role("button", name="Leave them")).to_be_focused()
    assert_shown_page_is_clean(page)
    page.get_by_role("button", name="Apply them again", exact=True).click()
    expect(page.get_by_text("1 call is applied again.")).to_be_visible()
    assert not account.webhook_calls.filter(state="rejected").exists()


def test_a_webhook_is_deleted_at_the_vendor_and_set_again(
    open_page: OpenPage, site: str, account: ProviderAccount, alice: User
) -> None:
    page = open_page(user=alice, base_url=site)
    page.goto(f"{site}/providers/{account.pk}/")
    page.get_by_role("link", name="At BulkVS").click()
    page.get_by_role("link", name="Webhooks", exact=True).click()
    expect(page.get_by_text("This account", exact=True)).to_be_visible()
    page.get_by_role("button", name="Delete Crier").click()
    assert_shown_page_is_clean(page)
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_text("BulkVS has deleted the webhook “Crier”.")).to_be_visible()
    page.get_by_role("button", name="Set ours").click()
    page.get_by_role("button", name="Set it", exact=True).click()
    expect(page.get_by_text("This account", exact=True)).to_be_visible()


def test_a_refused_form_is_said_in_place(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(user=alice, base_url=site)
    page.goto(f"{site}/providers/new/?vendor=messagewhiz")
    page.get_by_label("Name", exact=True).fill("Shop")
    page.locator("#id_api_key").fill(CANARY_SECRET)
    page.locator("#id_base_url").fill("nowhere")
    page.get_by_role("button", name="Save the account").click()
    expect(page.get_by_role("alert")).to_contain_text("must be an address")
    assert page.locator("#id_api_key").input_value() == ""
    assert CANARY_SECRET not in page.content()
    assert_shown_page_is_clean(page)


def test_texts_arrive_by_themselves_and_stop_goes_back(
    open_page: OpenPage, site: str, process: SandboxProcess, account: ProviderAccount, bob: User
) -> None:
    text_ann(process, account, "First text")
    before = StoredWebhookCall.objects.count()
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/handset/{ANN}/")
    page.get_by_label("Write back").fill("ST")
    text_ann(process, account, "Second text")
    expect(page.locator("#handset-thread")).to_contain_text("Second text")
    # The polls neither take the focus nor what was typed.
    expect(page.get_by_label("Write back")).to_be_focused()
    page.keyboard.type("OP")
    page.get_by_role("button", name="Write back").click()
    expect(page.locator(".bubble-own")).to_have_text("STOP")
    expect(page.get_by_label("Write back")).to_have_value("")
    bodies = [bytes(call.body) for call in StoredWebhookCall.objects.order_by("id")[before:]]
    assert any(b'"STOP"' in body for body in bodies), bodies
    assert_shown_page_is_clean(page)


def test_the_list_of_numbers_keeps_the_focus(
    open_page: OpenPage, site: str, process: SandboxProcess, account: ProviderAccount, bob: User
) -> None:
    text_ann(process, account, "First text")
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/handset/")
    page.locator(f"#handset-{ANN}").focus()
    for _ in range(3):
        with page.expect_response(lambda response: "/handset/numbers/" in response.url):
            pass
    expect(page.locator(f"#handset-{ANN}")).to_be_focused()


def test_countries_are_chips_by_name(
    open_page: OpenPage, site: str, account: ProviderAccount, acme: Workspace, bob: User
) -> None:
    sender = acme.senders.get(value="Northwind")
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/senders/{sender.pk}/")
    expect(page.get_by_text("United Kingdom (+44)", exact=True)).to_be_visible()
    page.get_by_label("Countries that it may send to").select_option(label="Canada (+1)")
    page.get_by_role("button", name="Remove United Kingdom (+44)").click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Canada (+1)", exact=True)).to_be_visible()
    sender.refresh_from_db()
    assert sender.countries == ["CA", "US"]
