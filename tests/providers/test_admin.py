"""The admin of providers: to look at and to correct, through the same services, without any secret."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEntry, User, Workspace
from messaging.models import Sender
from providers.connectors.operations import Exchange
from providers.health import Tally, note_tally
from providers.models import Pace, ProviderAccount, Rate
from providers.services import keep_exchanges, store_call
from tests.conftest import CANARY_SECRET
from tests.people import client_of
from tests.providers.makers import make_account


@pytest.fixture
def root(alice: User) -> Client:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return client_of(alice)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, credentials={"api_key": CANARY_SECRET}, rates=[{"prefix": "44", "price": "1"}])


def form_of(account: ProviderAccount, **changes: str) -> dict[str, str]:
    fields = {
        "name": account.name,
        "parts_per_second": "10",
        "max_in_flight": "64",
        "default_price": "0.0079",
        "currency": "USD",
        "enabled": "on",
    }
    return fields | changes


def test_it_works(root: Client, account: ProviderAccount, acme: Workspace) -> None:
    Pace.objects.create(account=account, next_free_at="2026-01-01T00:00:00Z")
    Sender.objects.create(workspace=acme, value="Northwind")
    call = store_call(
        account_id=account.pk, method="POST", query="", headers={}, body=b"{}", remote_address=None
    )
    paths = [
        "provideraccount/",
        f"provideraccount/{account.pk}/change/",
        "rate/",
        "pace/",
        "storedwebhookcall/",
        f"storedwebhookcall/{call.pk}/change/",
    ]
    for url in [*(f"/admin/providers/{path}" for path in paths), "/admin/messaging/sender/"]:
        response = root.get(url)
        assert response.status_code == 200, url
        assert CANARY_SECRET not in response.content.decode()
        assert account.encrypted_credentials not in response.content.decode()


def test_the_export_holds_no_secret(root: Client, account: ProviderAccount) -> None:
    url = "/admin/providers/provideraccount/export/"
    fields = {f"accountresource_{name}": "on" for name in ("id", "name", "vendor", "base_url")}
    response = root.post(url, {"format": "0", "resource": "0"} | fields)
    assert response.status_code == 200
    text = response.content.decode()
    assert account.base_url in text
    assert CANARY_SECRET not in text
    assert account.encrypted_credentials not in text


def test_a_change_goes_through_the_service(root: Client, account: ProviderAccount, alice: User) -> None:
    url = f"/admin/providers/provideraccount/{account.pk}/change/"
    assert root.post(url, form_of(account, max_in_flight="5")).status_code == 302
    account.refresh_from_db()
    assert account.max_in_flight == 5
    assert account.credentials["api_key"] == CANARY_SECRET
    assert AuditEntry.objects.get(user=alice).details == {"fields": ["max_in_flight"]}


def test_a_refusal_is_said_and_nothing_is_saved(root: Client, account: ProviderAccount) -> None:
    url = f"/admin/providers/provideraccount/{account.pk}/change/"
    response = root.post(url, form_of(account, parts_per_second="0"), follow=True)
    assert "parts per second is not possible" in response.content.decode()
    account.refresh_from_db()
    assert account.parts_per_second == 10


@pytest.mark.parametrize("model", ["provideraccount", "pace", "storedwebhookcall"])
def test_nothing_is_added_here(root: Client, account: ProviderAccount, model: str) -> None:
    assert root.get(f"/admin/providers/{model}/add/").status_code == 403


def test_a_price_is_set_and_removed_through_the_services(root: Client, account: ProviderAccount) -> None:
    rate = account.rates.get()
    root.post(f"/admin/providers/rate/{rate.pk}/change/", {"price": "2.5"})
    rate.refresh_from_db()
    assert rate.price == Decimal("2.5")
    root.post("/admin/providers/rate/add/", {"account": account.pk, "prefix": "+1 212", "price": "0.01"})
    assert set(account.rates.values_list("prefix", flat=True)) == {"44", "1212"}
    root.post(f"/admin/providers/rate/{rate.pk}/delete/", {"post": "yes"})
    assert list(account.rates.values_list("prefix", flat=True)) == ["1212"]
    assert ProviderAccount.objects.get(pk=account.pk).updated_at > account.updated_at
    actions = AuditEntry.objects.filter(user__isnull=False).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["priced", "priced", "unpriced"]


def test_a_rate_card_is_imported(root: Client, account: ProviderAccount) -> None:
    rows = f"account,prefix,price\n{account.pk},+44,0.04\n{account.pk},1 212,0.0079\n".encode()
    response = root.post(
        "/admin/providers/rate/import/",
        {"format": "0", "resource": "0", "import_file": SimpleUploadedFile("rates.csv", rows)},
    )
    assert response.status_code == 200
    confirm = response.context["confirm_form"].initial
    root.post("/admin/providers/rate/process_import/", confirm | {"format": "0", "resource": "0"})
    # The engine reads prices again when the account's row is newer.
    assert ProviderAccount.objects.get(pk=account.pk).updated_at > account.updated_at
    assert dict(account.rates.values_list("prefix", "price")) == {
        "44": Decimal("0.04"),
        "1212": Decimal("0.0079"),
    }


def test_a_bad_row_of_a_rate_card_is_refused_in_words(root: Client, account: ProviderAccount) -> None:
    rows = f"account,prefix,price\n{account.pk},abc,0.04\n".encode()
    response = root.post(
        "/admin/providers/rate/import/",
        {"format": "0", "resource": "0", "import_file": SimpleUploadedFile("rates.csv", rows)},
    )
    assert "The prefix “abc” is not the beginning of a number" in response.content.decode()
    assert Rate.objects.count() == 1


def test_calls_are_applied_again(root: Client, account: ProviderAccount) -> None:
    call = store_call(
        account_id=account.pk, method="POST", query="", headers={}, body=b"{}", remote_address=None
    )
    type(call).objects.update(state="rejected", words="Odd")
    root.post("/admin/providers/storedwebhookcall/", {"action": "apply_again", "_selected_action": [call.pk]})
    call.refresh_from_db()
    assert (call.state, call.words) == ("new", "")


def test_a_sender_is_disabled_through_the_service(root: Client, acme: Workspace, alice: User) -> None:
    sender = Sender.objects.create(workspace=acme, value="Northwind")
    root.post(f"/admin/messaging/sender/{sender.pk}/change/", {})
    sender.refresh_from_db()
    assert not sender.enabled
    assert AuditEntry.objects.get(user=alice).action == "disabled"


def test_the_admin_shows_traffic_and_hours_to_look_at(root: Client, account: ProviderAccount) -> None:
    exchange = Exchange("send", "POST", "https://api.example.com/", "{}", 200, "[]", 0.1)
    keep_exchanges(account.pk, [exchange])
    note_tally(account.pk, Tally(taken=3))
    for name, pk in (
        ("trafficentry", account.traffic.get().pk),
        ("accounthour", account.hours.get().pk),
    ):
        base = f"/admin/providers/{name}/"
        assert root.get(base).status_code == 200
        shown = root.get(f"{base}{pk}/change/")
        assert shown.status_code == 200
        assert 'name="_save"' not in shown.content.decode()
        assert root.get(f"{base}add/").status_code == 403
        assert root.post(f"{base}{pk}/delete/").status_code == 403
