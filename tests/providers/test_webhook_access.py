"""Who may post to an account's webhook: its user and password, its addresses, for every vendor alike."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import Workspace
from providers import services
from providers.connectors import REGISTRY, connector_for
from providers.connectors.base import OutgoingText, WebhookCall, WebhookRejected
from providers.crypto import encrypt_mapping
from providers.errors import ConfigError
from providers.models import ProviderAccount, StoredWebhookCall, TrafficEntry
from providers.services import apply_waiting_calls, receipt_url, shown_webhook_address, webhook_url
from tests.conftest import CANARY_SECRET
from tests.providers.makers import CREDENTIALS, make_account, tiny_vendor, whiz_report

VENDORS = pytest.mark.parametrize("vendor", sorted(set(REGISTRY) & set(CREDENTIALS)))
ASKED = {"webhook_user": "hook", "webhook_password": CANARY_SECRET}
OTHER_KEY = "ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return asking(acme)


def asking(workspace: Workspace, vendor: str = "messagewhiz", **fields: Any) -> ProviderAccount:
    return make_account(workspace, vendor, credentials=CREDENTIALS[vendor] | ASKED, **fields)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def posted(client: Client, account: ProviderAccount, authorization: str | None = None) -> Any:
    headers = {} if authorization is None else {"Authorization": authorization}
    url = f"/hooks/{account.webhook_token}/"
    return client.post(url, b"{}", content_type="application/json", headers=headers)


# --- user and password ----------------------------------------------------------------------------------


@VENDORS
def test_it_works(client: Client, acme: Workspace, vendor: str) -> None:
    account = asking(acme, vendor)
    refused = posted(client, account)
    assert (refused.status_code, StoredWebhookCall.objects.count()) == (401, 0)
    assert refused.headers["WWW-Authenticate"] == 'Basic realm="webhook", charset="UTF-8"'
    assert posted(client, account, basic("hook", CANARY_SECRET)).status_code == 200
    assert StoredWebhookCall.objects.get().headers == {
        "content-type": "application/json",
        "content-length": "2",
    }


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic \xff",
        "Basic !!!",
        basic("hook", ""),
        basic("hook", "wrong"),
        basic("wrong", CANARY_SECRET),
        basic("HOOK", CANARY_SECRET),
        basic("", ""),
        basic("hook", CANARY_SECRET).replace("Basic", "Bearer"),
        basic("hook", CANARY_SECRET) + "x",
        CANARY_SECRET,
    ],
)
def test_rejects(client: Client, account: ProviderAccount, authorization: str) -> None:
    response = posted(client, account, authorization)
    assert response.status_code == 401
    assert CANARY_SECRET not in response.content.decode()
    assert not StoredWebhookCall.objects.exists()


def test_the_scheme_is_read_in_any_case(client: Client, account: ProviderAccount) -> None:
    assert posted(client, account, basic("hook", CANARY_SECRET).replace("Basic", "basic")).status_code == 200


def test_without_a_user_nothing_is_asked_for(client: Client, acme: Workspace) -> None:
    account = make_account(acme)
    for authorization in (None, basic("any", "thing")):
        assert posted(client, account, authorization).status_code == 200


def test_an_unknown_address_is_404_and_not_401(client: Client, account: ProviderAccount) -> None:
    assert client.post(f"/hooks/{'A' * 43}/", b"{}", content_type="application/json").status_code == 404


def test_it_costs_no_further_query(
    client: Client, account: ProviderAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        posted(client, account, basic("hook", CANARY_SECRET))
    with django_assert_num_queries(1):
        posted(client, account)


def test_credentials_of_before_keep_working(client: Client, account: ProviderAccount) -> None:
    ProviderAccount.objects.update(encrypted_credentials=encrypt_mapping({"api_key": "old"}))
    assert posted(client, account).status_code == 200
    account.refresh_from_db()
    assert services.connector_of(account).config.webhook_user == ""


@pytest.mark.parametrize(("asks", "state"), [(True, "rejected"), (False, "new")])
def test_what_comes_while_the_settings_cannot_be_opened_is_kept(
    client: Client, acme: Workspace, settings: Settings, asks: bool, state: str
) -> None:
    """And read once they can be, where nothing had to be brought along: it waits for its message then."""
    account = asking(acme) if asks else make_account(acme)
    keys, url = settings.ENCRYPTION_KEYS, f"/hooks/{account.webhook_token}/"
    settings.ENCRYPTION_KEYS = [OTHER_KEY]
    assert client.post(url, whiz_report("m1"), content_type="application/json").status_code == 200
    settings.ENCRYPTION_KEYS = keys
    apply_waiting_calls()
    call = StoredWebhookCall.objects.get()
    assert call.state == state
    assert ("while the account's settings could not be opened" in call.words) is asks


# --- settings -------------------------------------------------------------------------------------------


@VENDORS
def test_every_vendor_has_the_settings_before_the_address(vendor: str) -> None:
    names = [field.name for field in REGISTRY[vendor].Config.fields()]
    assert names[-4:] == ["webhook_addresses", "webhook_user", "webhook_password", "base_url"]
    assert set(names[:-4]) >= set(CREDENTIALS[vendor])


@VENDORS
def test_secrets_are_those_that_are_set(vendor: str) -> None:
    config = REGISTRY[vendor].Config
    without = config.from_mapping(CREDENTIALS[vendor]).secrets()
    assert "" not in without
    assert config.from_mapping(CREDENTIALS[vendor] | ASKED).secrets() == (*without, CANARY_SECRET)
    assert CANARY_SECRET not in repr(config.from_mapping(CREDENTIALS[vendor] | ASKED))


@VENDORS
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"webhook_user": "hook"}, "webhook_password"),
        ({"webhook_password": "x"}, "webhook_user"),
        ({"webhook_user": "a:b", "webhook_password": "x"}, "webhook_user"),
        ({"webhook_addresses": "example.com"}, "webhook_addresses"),
        ({"webhook_addresses": "192.0.2.1/33"}, "webhook_addresses"),
        ({"webhook_addresses": "192.0.2.1; 192.0.2.2"}, "webhook_addresses"),
    ],
)
def test_rejects_settings(vendor: str, values: dict[str, str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        REGISTRY[vendor].Config.from_mapping(CREDENTIALS[vendor] | values)
    assert caught.value.field == field


# --- addresses ------------------------------------------------------------------------------------------


@VENDORS
@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("192.0.2.1", True),
        ("198.51.100.200", True),
        ("2001:db8::7", True),
        ("::ffff:192.0.2.1", True),
        ("192.0.2.2", False),
        ("198.51.101.1", False),
        ("2001:db9::7", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_only_named_addresses_and_networks_may_call(vendor: str, address: str, is_in: bool) -> None:
    sources = {"webhook_addresses": "192.0.2.1, 198.51.100.7/24 ,2001:db8::/32,"}
    connector = connector_for(vendor, CREDENTIALS[vendor] | sources)
    call = WebhookCall("POST", "/hooks/1/", {}, {}, b"not what any vendor posts", address)
    with pytest.raises(WebhookRejected) as caught:
        connector.parse_webhook(call)
    assert ("no webhook source" in str(caught.value)) is not is_in


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, "198.51.100.9", "127.0.0.1"),
        (True, "203.0.113.1, 198.51.100.9", "198.51.100.9"),
        (True, "", "127.0.0.1"),
        (True, "nonsense", None),
    ],
)
def test_behind_a_proxy_the_caller_counts(
    client: Client,
    acme: Workspace,
    settings: Settings,
    behind_proxy: bool,
    forwarded: str,
    address: str | None,
) -> None:
    """And whoever is not behind one cannot make up an address."""
    settings.BEHIND_PROXY = behind_proxy
    url = f"/hooks/{make_account(acme).webhook_token}/"
    client.post(url, b"{}", content_type="application/json", headers={"X-Forwarded-For": forwarded})
    assert StoredWebhookCall.objects.get().remote_address == address


# --- the address to copy, and to tell -------------------------------------------------------------------


def test_the_vendor_is_told_user_and_password(acme: Workspace, settings: Settings) -> None:
    settings.WEBHOOK_URL = "https://crier.example.com"
    odd = {"webhook_user": "ho/ok", "webhook_password": "p@ss:w/rd%"}
    account = make_account(acme, credentials=CREDENTIALS["messagewhiz"] | odd)
    token = account.webhook_token
    assert receipt_url(account) == f"https://ho%2Fok:p%40ss%3Aw%2Frd%25@crier.example.com/hooks/{token}/"
    assert webhook_url(account) == f"https://crier.example.com/hooks/{token}/"
    sent = httpx.Client().build_request("POST", receipt_url(account))
    assert (sent.url.username, sent.url.password) == ("ho/ok", "p@ss:w/rd%")


def test_a_person_copies_it_without_the_password(account: ProviderAccount, settings: Settings) -> None:
    settings.WEBHOOK_URL = "https://crier.example.com"
    shown = shown_webhook_address(account)
    assert shown.with_user == f"https://hook:PASSWORD@crier.example.com/hooks/{account.webhook_token}/"
    settings.ENCRYPTION_KEYS = [OTHER_KEY]
    assert shown_webhook_address(account).with_user == ""


def test_the_page_shows_how_to_write_it(account: ProviderAccount, adam_client: Client) -> None:
    page = reverse("provider-account-detail", args=[account.pk])
    shown = adam_client.get(page).content.decode()
    assert shown_webhook_address(account).with_user in shown
    assert "in the place of PASSWORD" in shown
    assert CANARY_SECRET not in shown


def test_the_settings_page_keeps_the_user_and_not_the_password(
    account: ProviderAccount, adam_client: Client
) -> None:
    page = reverse("provider-account-settings", args=[account.pk])
    shown = adam_client.get(page).content.decode()
    assert 'name="webhook_user" value="hook"' in shown
    assert CANARY_SECRET not in shown
    posted_again = {"api_key": "new", "webhook_user": "hook", "base_url": account.base_url}
    refused = adam_client.post(reverse("provider-account-connection", args=[account.pk]), posted_again)
    assert refused.status_code == 422
    assert "Webhook password is missing" in refused.content.decode()


def test_it_goes_out_with_each_text_and_not_into_the_log(acme: Workspace) -> None:
    """As MessageWhiz takes it; and the vendor that is told once, by name."""
    account = asking(acme)
    outgoing = OutgoingText(1, "12015550123", "12025550100", "Hello", receipt_url=receipt_url(account))
    request = services.connector_of(account).build_send(outgoing)
    assert json.loads(request.content)["callback"] == receipt_url(account)
    with tiny_vendor(body=b'{"Webhook": "Crier"}') as vendor:
        bulkvs = asking(acme, "bulkvs", base_url=vendor.url)
        assert services.register_webhook(account=bulkvs, actor=Actor()).ok
    assert json.loads(vendor.asked[0][3])["Url"] == receipt_url(bulkvs)
    entry = TrafficEntry.objects.get()
    assert "hook:[redacted]@" in entry.request
    assert CANARY_SECRET not in entry.request + entry.answer


def test_an_account_that_cannot_be_opened_registers_nothing(acme: Workspace, settings: Settings) -> None:
    account = asking(acme, "bulkvs")
    settings.ENCRYPTION_KEYS = [OTHER_KEY]
    result = services.register_webhook(account=account, actor=Actor())
    assert not result.ok
    assert "CRIER_ENCRYPTION_KEYS" in result.sentence


def test_the_api_takes_them_and_shows_none(api: Any, acme: Workspace) -> None:
    body = {"vendor": "messagewhiz", "name": "Shop", "credentials": CREDENTIALS["messagewhiz"] | ASKED}
    made = api("admin").post("/api/v1/provider-accounts/", body)
    assert made.status_code == 201, made.content
    account = ProviderAccount.objects.get()
    assert account.credentials["webhook_password"] == CANARY_SECRET
    assert made.json()["webhook_url"] == webhook_url(account)
    assert CANARY_SECRET not in made.content.decode()
