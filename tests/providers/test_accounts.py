"""Accounts as services see them: made, changed, tested, never giving a secret away."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django.fixtures import Settings

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from providers import services
from providers.connectors import REGISTRY
from providers.errors import ConfigError
from providers.models import Health, Pace, ProviderAccount
from providers.services import ProviderAccountError
from tests.conftest import CANARY_SECRET
from tests.providers.makers import CREDENTIALS, NOBODY, make_account, tiny_vendor


def refused(**fields: Any) -> ProviderAccountError:
    with pytest.raises(ProviderAccountError) as caught:
        make_account(**fields)
    return caught.value


# --- made -----------------------------------------------------------------------------------------


def test_it_works(acme: Workspace, alice: User) -> None:
    account = services.create_account(
        workspace=acme,
        vendor="bulkvs",
        actor=Actor(user=alice),
        name="  Shop   one ",
        base_url="https://api.example.com/v1/",
        credentials={"username": "shop", "password": CANARY_SECRET},
        parts_per_second="12.5",
        max_in_flight=8,
        default_price="0.0079",
        currency="eur",
    )
    account.refresh_from_db()
    assert (account.name, account.base_url) == ("Shop one", "https://api.example.com/v1")
    assert (account.parts_per_second, account.max_in_flight) == (Decimal("12.50"), 8)
    assert (account.default_price, account.currency) == (Decimal("0.00790"), "EUR")
    assert account.credentials["password"] == CANARY_SECRET
    assert account.health == Health.UNTESTED


def test_the_vendors_own_address_is_the_default(acme: Workspace) -> None:
    for vendor in REGISTRY:
        account = make_account(acme, vendor, base_url="")
        default = next(
            field.default for field in REGISTRY[vendor].Config.fields() if field.name == "base_url"
        )
        assert account.base_url == default.rstrip("/") != ""


def test_credentials_are_encrypted_and_the_trail_holds_none(acme: Workspace, alice: User) -> None:
    account = make_account(acme, credentials={"api_key": CANARY_SECRET})
    services.update_account(
        account=account, actor=Actor(user=alice), credentials={"api_key": CANARY_SECRET + "2"}, name="Other"
    )
    assert CANARY_SECRET not in account.encrypted_credentials
    assert CANARY_SECRET not in repr(account.__dict__)
    entries = json.dumps(list(AuditEntry.objects.values_list("action", "label", "details")))
    assert CANARY_SECRET not in entries
    assert '"fields": ["name", "credentials"]' in entries


def test_an_address_among_the_credentials_is_not_dropped_in_silence(acme: Workspace) -> None:
    credentials = CREDENTIALS["messagewhiz"] | {"base_url": "https://gate.example.com"}
    error = refused(workspace=acme, vendor="messagewhiz", credentials=credentials)
    assert error.field == "base_url"
    assert str(error) == "base_url is none of the credentials: give it beside them."
    assert not ProviderAccount.objects.exists()


def test_rejects_an_unknown_vendor(acme: Workspace) -> None:
    with pytest.raises(ProviderAccountError, match="bulkvs, messagewhiz, mobiz, mx2") as caught:
        services.create_account(workspace=acme, vendor="nobody", actor=Actor(), name="x", credentials={})
    assert caught.value.field == "vendor"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"name": "  "}, "name", "Give the account a name"),
        ({"name": "x" * 101}, "name", "101 characters"),
        ({"base_url": "api.example.com"}, "base_url", "https://example.com"),
        ({"base_url": "ftp://example.com"}, "base_url", "https://example.com"),
        ({"base_url": "https://me:pass@example.com"}, "base_url", "user name or password"),
        ({"base_url": "https://example.com/" + "a" * 300}, "base_url", "300 characters"),
        ({"credentials": {}}, "api_key", "missing"),
        ({"credentials": {"api_key": "k", "colour": "red"}}, "colour", "colour"),
        ({"credentials": "text"}, "credentials", "api_key"),
        ({"parts_per_second": "0"}, "parts_per_second", "0.01"),
        ({"parts_per_second": "fast"}, "parts_per_second", "fast"),
        ({"parts_per_second": "NaN"}, "parts_per_second", "NaN"),
        ({"max_in_flight": 0}, "max_in_flight", "1 to 2000"),
        ({"max_in_flight": "many"}, "max_in_flight", "many"),
        ({"default_price": "-1"}, "default_price", "-1"),
        ({"currency": "Dollar"}, "currency", "Dollar"),
        ({"rates": [{"prefix": "x", "price": "1"}]}, "prefix", "x"),
    ],
)
def test_rejects_bad_fields_in_words(acme: Workspace, fields: dict[str, Any], field: str, said: str) -> None:
    error = refused(workspace=acme, **fields)
    assert (error.field, said in str(error)) == (field, True), str(error)
    assert not ProviderAccount.objects.exists()


def test_rejects_a_name_that_is_taken_in_any_case(acme: Workspace, other: Workspace) -> None:
    make_account(acme, name="Shop")
    make_account(other, name="Shop")
    error = refused(workspace=acme, name="SHOP")
    assert (error.field, error.code) == ("name", "name_taken")


# --- changed --------------------------------------------------------------------------------------


def test_update_changes_what_is_given_alone(acme: Workspace, alice: User) -> None:
    account = make_account(acme)
    fresh = services.update_account(account=account, actor=Actor(user=alice), max_in_flight=3, enabled=False)
    assert (fresh.max_in_flight, fresh.enabled, fresh.name) == (3, False, account.name)
    assert fresh.credentials == account.credentials
    assert AuditEntry.objects.get(user=alice).details == {"fields": ["enabled", "max_in_flight"]}


def test_an_update_that_changes_nothing_leaves_no_trail(acme: Workspace, alice: User) -> None:
    account = make_account(acme)
    services.update_account(account=account, actor=Actor(user=alice), name=account.name)
    assert not AuditEntry.objects.filter(user=alice).exists()


def test_stored_credentials_are_not_sent_to_a_new_address(acme: Workspace) -> None:
    account = make_account(acme)
    for url in ("http://127.0.0.1:10/messagewhiz", "https://127.0.0.1:9/messagewhiz", "http://localhost:9/"):
        with pytest.raises(ProviderAccountError, match="Enter the credentials again") as caught:
            services.update_account(account=account, actor=Actor(), base_url=url)
        assert caught.value.field == "credentials"
    account.refresh_from_db()
    assert account.base_url == f"{NOBODY}/messagewhiz"


def test_another_path_of_the_same_server_keeps_them(acme: Workspace) -> None:
    account = make_account(acme)
    fresh = services.update_account(account=account, actor=Actor(), base_url=f"{NOBODY}/v2")
    assert fresh.base_url == f"{NOBODY}/v2"


def test_new_credentials_forget_what_was_known_of_the_old(acme: Workspace) -> None:
    account = make_account(acme)
    ProviderAccount.objects.filter(pk=account.pk).update(health=Health.FAILING, health_words="Bad key")
    fresh = services.update_account(account=account, actor=Actor(), credentials={"api_key": "new"})
    assert (fresh.health, fresh.health_words) == (Health.UNTESTED, "")
    assert services.connector_of(fresh).config.api_key == "new"  # type: ignore[attr-defined]  # MessageWhiz has it


def test_another_speed_counts_at_once(acme: Workspace) -> None:
    account = make_account(acme)
    Pace.objects.create(account=account, next_free_at="2126-01-01T00:00:00Z")
    services.update_account(account=account, actor=Actor(), max_in_flight=9)
    assert Pace.objects.filter(account=account).exists()
    services.update_account(account=account, actor=Actor(), parts_per_second=50)
    assert not Pace.objects.filter(account=account).exists()


def test_all_fields_or_none(acme: Workspace) -> None:
    account = make_account(acme, rates=[{"prefix": "44", "price": "1"}])
    with pytest.raises(ProviderAccountError):
        services.update_account(
            account=account,
            actor=Actor(),
            name="New",
            rates=[{"prefix": "1", "price": "1"}, {"prefix": "", "price": "1"}],
        )
    account.refresh_from_db()
    assert account.name == "messagewhiz account"
    assert list(account.rates.values_list("prefix", flat=True)) == ["44"]


def test_credentials_can_be_replaced_when_their_key_is_lost(acme: Workspace, settings: Settings) -> None:
    account = make_account(acme)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    result = services.test_account(account)
    assert not result.ok
    assert "CRIER_ENCRYPTION_KEYS" in result.sentence
    services.update_account(account=account, actor=Actor(), credentials={"api_key": "new"})
    assert ProviderAccount.objects.get(pk=account.pk).credentials["api_key"] == "new"


def test_set_enabled_is_noted_once(acme: Workspace, alice: User) -> None:
    account = make_account(acme)
    for _ in range(2):
        services.set_enabled(account=account, enabled=False, actor=Actor(user=alice))
    assert not ProviderAccount.objects.get(pk=account.pk).enabled
    assert [entry.action for entry in AuditEntry.objects.filter(user=alice)] == ["disabled"]


# --- used -----------------------------------------------------------------------------------------


def test_the_receipt_url_is_on_the_webhook_address(acme: Workspace, settings: Settings) -> None:
    settings.WEBHOOK_URL = "https://sms.example.com"
    account = make_account(acme)
    assert services.receipt_url(account) == f"https://sms.example.com/hooks/{account.webhook_token}/"


def test_connector_of_refuses_settings_that_do_not_fit_any_more(acme: Workspace) -> None:
    account = make_account(acme)
    account.credentials = {"user": "x"}
    with pytest.raises(ConfigError):
        services.connector_of(account)


# --- test connection ------------------------------------------------------------------------------


def test_a_working_account_is_healthy(acme: Workspace) -> None:
    with tiny_vendor(body=b'{"result": [], "total": 0}') as vendor:
        account = make_account(acme, base_url=vendor.url)
        result = services.test_account(account)
    account.refresh_from_db()
    assert (result.ok, account.health, account.health_words) == (True, Health.OK, ""), result
    assert account.health_at is not None
    (asked,) = vendor.asked
    assert asked[0] == "GET"


def test_a_wrong_key_shows_the_vendors_words_redacted(acme: Workspace) -> None:
    words = json.dumps({"statusCode": 401, "message": f"The key {CANARY_SECRET} is unknown to us"}).encode()
    with tiny_vendor(401, words) as vendor:
        account = make_account(acme, base_url=vendor.url, credentials={"api_key": CANARY_SECRET})
        result = services.test_account(account)
    account.refresh_from_db()
    assert not result.ok
    assert "is unknown to us" in result.words
    assert account.health == Health.FAILING
    assert "is unknown to us" in account.health_words
    assert CANARY_SECRET not in repr(result) + account.health_words


def test_a_provider_that_is_down_is_said_in_words(acme: Workspace) -> None:
    account = make_account(acme)
    result = services.test_account(account)
    account.refresh_from_db()
    assert not result.ok
    assert "127.0.0.1" in result.sentence
    assert account.health_words.startswith(result.sentence)


@pytest.mark.parametrize("vendor_slug", sorted(CREDENTIALS))
def test_html_instead_of_json_is_said_in_words(acme: Workspace, vendor_slug: str) -> None:
    page = b"<html><head><title>Hi</title></head><body><h1>Parking page</h1></body></html>"
    with tiny_vendor(body=page, content_type="text/html") as vendor:
        result = services.test_account(make_account(acme, vendor_slug, base_url=vendor.url))
    assert not result.ok
    assert "<html>" not in result.sentence + result.words


# --- register webhook -----------------------------------------------------------------------------


def test_the_webhook_is_told_to_the_vendor(acme: Workspace, alice: User) -> None:
    with tiny_vendor(body=b'{"Webhook": "Crier", "Url": "x"}') as vendor:
        account = make_account(acme, "bulkvs", base_url=vendor.url)
        result = services.register_webhook(account=account, actor=Actor(user=alice))
    assert result.ok, result
    (method, path, _headers, body) = vendor.asked[0]
    assert (method, path) == ("PUT", "/webHooks")
    assert json.loads(body)["Url"] == services.receipt_url(account)
    assert AuditEntry.objects.get(user=alice).action == "registered the webhook"


def test_a_refused_webhook_is_said_in_words(acme: Workspace, alice: User) -> None:
    with tiny_vendor(412, b'{"Status": "Precondition Failed", "Code": "412"}') as vendor:
        account = make_account(acme, "bulkvs", base_url=vendor.url)
        result = services.register_webhook(account=account, actor=Actor(user=alice))
    assert not result.ok
    assert result.sentence
    assert not AuditEntry.objects.filter(user=alice).exists()


def test_a_vendor_without_such_a_call_says_so(acme: Workspace) -> None:
    account = make_account(acme)
    assert not services.can_register_webhook(account)
    result = services.register_webhook(account=account, actor=Actor())
    assert not result.ok
    assert "MessageWhiz" in result.sentence


@pytest.mark.parametrize(
    ("given", "kept"), [(1, 1), ("200000", 200_000), (2_000_000_000, 2_000_000_000), ("", None), (None, None)]
)
def test_parts_per_day(acme: Workspace, given: Any, kept: int | None) -> None:
    account = make_account(acme, parts_per_day=5)
    assert services.update_account(account=account, actor=Actor(), parts_per_day=given).parts_per_day == kept


@pytest.mark.parametrize("given", [0, -1, "1.5", "many", 2_000_000_001])
def test_parts_per_day_rejects(acme: Workspace, given: Any) -> None:
    account = make_account(acme)
    with pytest.raises(ProviderAccountError, match="parts per day is not possible") as caught:
        services.update_account(account=account, actor=Actor(), parts_per_day=given)
    assert caught.value.field == "parts_per_day"
