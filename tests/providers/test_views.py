"""Pages of provider accounts: who may do what, refusals in place, no secret in any HTML."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from providers.connectors import REGISTRY
from providers.daily import take, use_today
from providers.models import Health, ProviderAccount
from providers.services import receipt_url
from tests.access import assert_access
from tests.conftest import CANARY_SECRET
from tests.providers.makers import NOBODY, make_account, tiny_vendor

HTMX = {"HX-Request": "true"}
NEW_WHIZ = {
    "name": "Shop",
    "api_key": CANARY_SECRET,
    "base_url": "https://api.example.com",
    "parts_per_second": "20",
    "max_in_flight": "32",
    "default_price": "0.0065",
    "currency": "USD",
}


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, name="Shop", credentials={"api_key": CANARY_SECRET})


def page(account: ProviderAccount, name: str = "detail") -> str:
    return reverse(f"provider-account-{name}", args=[account.pk])


def text_of(client: Client, url: str, status: int = 200) -> str:
    response = client.get(url)
    assert response.status_code == status
    return response.content.decode()


# --- who may ----------------------------------------------------------------------------------------


def test_who_sees_the_list(db: None) -> None:
    assert_access("/providers/")


def test_who_adds_an_account(db: None) -> None:
    assert_access("/providers/new/", viewer=403, marketer=403, admin=200)
    assert_access(
        "/providers/new/?vendor=bulkvs", "post", viewer=403, marketer=403, admin=422, data={"name": "x"}
    )


def test_who_sees_an_account(account: ProviderAccount) -> None:
    assert_access(page(account))
    assert_access(page(account, "health"), wrong_method="post")
    assert_access(page(account, "settings"), viewer=403, marketer=403, admin=200, wrong_method="post")


@pytest.mark.parametrize(
    ("name", "status"),
    [("edit", 422), ("connection", 422), ("rates", 422), ("enabled", 302), ("webhook", 404)],
)
def test_who_changes_an_account(account: ProviderAccount, name: str, status: int) -> None:
    assert_access(
        page(account, name), "post", viewer=403, marketer=403, admin=status, wrong_method="get", data={}
    )


def test_who_tests_the_connection(account: ProviderAccount) -> None:
    assert_access(page(account, "test"), "post", viewer=403, marketer=302, wrong_method="get")


def test_who_removes_a_rate(acme: Workspace) -> None:
    account = make_account(acme, rates=[{"prefix": "44", "price": "1"}])
    url = reverse("provider-account-rate-remove", args=[account.pk, account.rates.get().pk])
    assert_access(url, "post", viewer=403, marketer=403, admin=302, wrong_method="get")


def test_a_rate_of_another_account_is_404(
    acme: Workspace, account: ProviderAccount, alice_client: Client
) -> None:
    foreign = make_account(acme, "bulkvs", rates=[{"prefix": "44", "price": "1"}]).rates.get()
    url = reverse("provider-account-rate-remove", args=[account.pk, foreign.pk])
    assert alice_client.post(url).status_code == 404


def test_viewers_see_no_actions_and_no_webhook_address(
    account: ProviderAccount, victor_client: Client, adam_client: Client
) -> None:
    shown, full = text_of(victor_client, page(account)), text_of(adam_client, page(account))
    assert "<form" not in shown.split("<main")[1].split("</main>")[0]
    assert account.webhook_token not in shown
    assert receipt_url(account) in full
    assert "/providers/new/" not in text_of(victor_client, "/providers/")


# --- list -------------------------------------------------------------------------------------------


def test_the_list_is_of_this_workspace(acme: Workspace, other: Workspace, victor_client: Client) -> None:
    make_account(acme, name="Ours", rates=[{"prefix": "44", "price": "1"}])
    make_account(other, name="Theirs")
    shown = text_of(victor_client, "/providers/")
    assert "Ours" in shown
    assert "Theirs" not in shown
    assert "0.0079 USD, 1 prefix" in shown
    assert "MessageWhiz" in shown


def test_an_empty_list_teaches(bob_client: Client, adam_client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    assert "Ask an admin" in text_of(bob_client, "/providers/")
    shown = text_of(adam_client, "/providers/")
    assert reverse("provider-account-new") in shown
    assert reverse("provider-account-sandbox") in shown


def test_the_list_costs_the_same_however_long(acme: Workspace, victor_client: Client) -> None:
    text_of(victor_client, "/providers/")
    counts = []
    for number in range(12):
        make_account(acme, name=f"Account {number}", rates=[{"prefix": "44", "price": "1"}])
        if number in (0, 11):
            with CaptureQueriesContext(connection) as queries:
                text_of(victor_client, "/providers/")
            counts.append(len(queries))
    assert counts[0] == counts[1] < 8


# --- new --------------------------------------------------------------------------------------------


def test_every_vendor_is_offered(alice_client: Client) -> None:
    shown = text_of(alice_client, "/providers/new/")
    for slug, connector in REGISTRY.items():
        assert f"?vendor={slug}" in shown
        assert f'data-label="Provider">{connector.label}</th>' in shown
    assert shown.count('data-label="Replies"') == len(REGISTRY)
    assert "Yes: Replies and STOP come in." in " ".join(shown.replace("</span>", "").split())


def test_the_form_posts_to_its_vendor(alice_client: Client) -> None:
    shown = text_of(alice_client, "/providers/new/?vendor=bulkvs")
    assert 'action="/providers/new/?vendor=bulkvs"' in shown
    assert "New account at BulkVS" in shown
    assert 'type="password" name="password" autocomplete="new-password"' in shown


def test_an_account_is_added(acme: Workspace, alice_client: Client) -> None:
    response = alice_client.post("/providers/new/?vendor=messagewhiz", NEW_WHIZ, follow=True)
    account = ProviderAccount.objects.get(workspace=acme)
    assert response.redirect_chain == [(page(account), 302)]
    assert account.credentials["api_key"] == CANARY_SECRET
    assert (account.max_in_flight, account.default_price) == (32, Decimal("0.0065"))
    assert CANARY_SECRET not in response.content.decode()


def test_a_refused_form_keeps_what_is_no_secret(acme: Workspace, alice_client: Client) -> None:
    response = alice_client.post("/providers/new/?vendor=messagewhiz", NEW_WHIZ | {"base_url": "nowhere"})
    shown = response.content.decode()
    assert response.status_code == 422
    assert 'value="nowhere"' in shown
    assert "must be an address" in shown
    assert CANARY_SECRET not in shown
    assert not ProviderAccount.objects.exists()


def test_a_name_that_is_taken_is_said_at_its_field(account: ProviderAccount, alice_client: Client) -> None:
    response = alice_client.post("/providers/new/?vendor=messagewhiz", NEW_WHIZ)
    assert response.status_code == 422
    assert "There is an account “Shop” already" in response.content.decode()


# --- one account ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["detail", "settings"])
def test_no_secret_is_in_the_page(account: ProviderAccount, alice_client: Client, name: str) -> None:
    shown = text_of(alice_client, page(account, name))
    assert CANARY_SECRET not in shown
    assert account.encrypted_credentials not in shown


def test_secrets_are_asked_for_without_being_shown(account: ProviderAccount, alice_client: Client) -> None:
    shown = text_of(alice_client, page(account, "settings"))
    assert 'type="password"' in shown


def test_the_capabilities_are_said_in_words(account: ProviderAccount, victor_client: Client) -> None:
    shown = text_of(victor_client, page(account))
    assert "A name of up to 11 characters may be the sender." in shown
    assert "Replies do not come in" in shown


def test_edit_saves(account: ProviderAccount, adam_client: Client) -> None:
    fields = {
        "name": "Store",
        "parts_per_second": "5.5",
        "max_in_flight": "7",
        "default_price": "",
        "currency": "EUR",
    }
    assert adam_client.post(page(account, "edit"), fields).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.parts_per_second, account.default_price) == ("Store", Decimal("5.5"), None)
    assert account.credentials["api_key"] == CANARY_SECRET


def test_connection_replaces_address_and_credentials(account: ProviderAccount, adam_client: Client) -> None:
    fields = {"api_key": "another", "base_url": "https://api.example.com/x"}
    assert adam_client.post(page(account, "connection"), fields).status_code == 302
    account.refresh_from_db()
    assert (account.credentials["api_key"], account.base_url) == ("another", "https://api.example.com/x")


def test_a_vendor_that_is_gone_has_no_settings(account: ProviderAccount, adam_client: Client) -> None:
    ProviderAccount.objects.update(vendor="gone")
    assert adam_client.get(page(account, "settings")).status_code == 404
    assert page(account, "settings") not in text_of(adam_client, page(account))


def test_an_empty_secret_is_refused_and_nothing_is_lost(
    account: ProviderAccount, adam_client: Client
) -> None:
    response = adam_client.post(
        page(account, "connection"), {"api_key": "", "base_url": "https://api.example.com"}
    )
    assert response.status_code == 422
    account.refresh_from_db()
    assert account.credentials["api_key"] == CANARY_SECRET


@pytest.mark.parametrize(("on", "enabled"), [("0", False), ("1", True)])
def test_switch(account: ProviderAccount, adam_client: Client, on: str, enabled: bool) -> None:
    ProviderAccount.objects.update(enabled=not enabled)
    adam_client.post(page(account, "enabled"), {"on": on})
    account.refresh_from_db()
    assert account.enabled is enabled


def test_rates_are_set_and_removed(account: ProviderAccount, adam_client: Client) -> None:
    assert (
        adam_client.post(page(account, "rates"), {"prefix": "+44 7700", "price": "0.03"}).status_code == 302
    )
    rate = account.rates.get()
    assert (rate.prefix, rate.price) == ("447700", Decimal("0.03"))
    adam_client.post(reverse("provider-account-rate-remove", args=[account.pk, rate.pk]))
    assert not account.rates.exists()


def test_a_bad_prefix_is_said_at_its_field(account: ProviderAccount, adam_client: Client) -> None:
    response = adam_client.post(page(account, "rates"), {"prefix": "abc", "price": "0.03"})
    assert response.status_code == 422
    assert "The prefix “abc” is not the beginning of a number" in response.content.decode()


# --- test connection and webhook ----------------------------------------------------------------------


def test_a_wrong_key_shows_the_vendors_words_redacted(acme: Workspace, bob_client: Client) -> None:
    words = json.dumps({"statusCode": 401, "message": f"Who is {CANARY_SECRET}?"}).encode()
    with tiny_vendor(401, words) as vendor:
        account = make_account(acme, base_url=vendor.url, credentials={"api_key": CANARY_SECRET})
        response = bob_client.post(page(account, "test"), headers=HTMX)
    shown = response.content.decode()
    assert response.status_code == 200
    assert "Who is [redacted]?" in shown
    assert CANARY_SECRET not in shown
    assert shown.lstrip().startswith('<div id="account-health"')


def test_without_script_the_result_is_on_the_page(account: ProviderAccount, bob_client: Client) -> None:
    response = bob_client.post(page(account, "test"), follow=True)
    account.refresh_from_db()
    assert account.health == Health.FAILING
    assert account.health_words.split(".")[0] in response.content.decode()


def test_the_webhook_is_set_at_the_vendor(acme: Workspace, adam_client: Client) -> None:
    with tiny_vendor(body=b'{"Webhook": "Crier"}') as vendor:
        account = make_account(acme, "bulkvs", base_url=vendor.url)
        response = adam_client.post(page(account, "webhook"), follow=True)
    assert json.loads(vendor.asked[0][3])["Url"] == receipt_url(account)
    assert "BulkVS has saved the webhook" in response.content.decode()


# --- sandbox ----------------------------------------------------------------------------------------


def test_the_sandbox_accounts_are_added(acme: Workspace, adam_client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    for _ in range(2):
        assert adam_client.post("/providers/sandbox/").status_code == 302
    accounts = acme.provider_accounts.order_by("id")
    assert [account.name for account in accounts] == [
        "BulkVS sandbox",
        "MessageWhiz sandbox",
        "Mobiz sandbox",
        "Mx2 Group sandbox",
        "Ogangi sandbox",
    ]
    assert accounts[0].credentials["username"].startswith("sandbox-")
    assert accounts[0].base_url == f"{NOBODY}/bulkvs/api/v1.0"


def test_without_a_sandbox_there_is_no_such_button(adam_client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = ""
    assert adam_client.post("/providers/sandbox/").status_code == 404
    assert reverse("provider-account-sandbox") not in text_of(adam_client, "/providers/")


def test_the_limit_a_day_is_set_and_shown(alice_client: Client, account: ProviderAccount) -> None:
    form = {
        "name": "Shop",
        "parts_per_second": "10",
        "parts_per_day": "1200",
        "max_in_flight": "64",
        "currency": "USD",
    }
    assert "no limit" in text_of(alice_client, page(account))
    assert alice_client.post(page(account, "edit"), form).status_code == 302
    account.refresh_from_db()
    take(account.pk, use_today(account).day, [34], 1200)
    html = text_of(alice_client, page(account))
    assert "1,200" in html
    assert "34 taken today" in html
    assert alice_client.post(page(account, "edit"), form | {"parts_per_day": ""}).status_code == 302
    account.refresh_from_db()
    assert account.parts_per_day is None
