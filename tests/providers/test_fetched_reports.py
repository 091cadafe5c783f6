"""How an account's delivery reports come, as its page and the API show it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from providers.errors import AccountRefused, Throttled
from providers.models import ProviderAccount, ReceiptRound
from providers.services import begin_round, end_round, receipt_kind
from tests.people import ApiClient
from tests.providers.makers import CREDENTIALS, make_account

pytestmark = pytest.mark.django_db

POLLED = {"messagewhiz": {"reports": "polled"}, "ogangi": {"send_by": "broadcast"}}


def polled(workspace: Workspace, vendor: str = "messagewhiz") -> ProviderAccount:
    return make_account(workspace, vendor, credentials=CREDENTIALS[vendor] | POLLED[vendor])


def page(client: Client, account: ProviderAccount) -> str:
    return client.get(reverse("provider-account-detail", args=[account.pk])).content.decode()


def refused(words: str = "Unauthorized") -> AccountRefused:
    return AccountRefused("It does not accept the credentials.", words=words, reason="bad_credentials")


@pytest.mark.parametrize(
    ("vendor", "kind"),
    [
        ("bulkvs", "pushed"),
        ("messagewhiz", "pushed"),
        ("mobiz", "none"),
        ("mx2", "pushed"),
        ("ogangi", "none"),
    ],
)
def test_how_they_come(acme: Workspace, vendor: str, kind: str) -> None:
    assert receipt_kind(make_account(acme, vendor)).value == kind


@pytest.mark.parametrize("vendor", POLLED)
def test_an_accounts_settings_may_say_otherwise(acme: Workspace, vendor: str) -> None:
    assert receipt_kind(polled(acme, vendor)).value == "polled"


def test_settings_that_cannot_be_opened_say_what_the_provider_usually_does(acme: Workspace) -> None:
    account = polled(acme)
    account.encrypted_credentials = "lost"
    assert receipt_kind(account).value == "pushed"


def test_the_page_says_how_they_come(victor_client: Client, acme: Workspace) -> None:
    assert "pushed to the webhook" in page(victor_client, make_account(acme, "bulkvs"))
    assert "fetched by Crier" in page(victor_client, polled(acme))
    html = page(victor_client, make_account(acme, "mobiz"))
    assert "none to be expected" in html
    assert "Delivery reports that are fetched" not in html


def test_the_page_names_the_trouble_and_when_it_asks_again(victor_client: Client, acme: Workspace) -> None:
    account = polled(acme)
    end_round(account.pk, begin_round(account.pk), answered=0, given_up=2, trouble=refused())
    html = page(victor_client, account)
    assert "It does not accept the credentials. Unauthorized" in html
    assert "Crier asks again at" in html
    end_round_again(account)
    html = page(victor_client, account)
    assert "It does not accept" not in html
    assert "No report in time" in html


def end_round_again(account: ProviderAccount) -> None:
    """One that goes well."""
    ReceiptRound.objects.update(next_at="2026-01-01T00:00:00Z")
    end_round(account.pk, begin_round(account.pk), answered=5, given_up=0, trouble=None)


def test_the_api_tells_it(api: Callable[..., ApiClient], acme: Workspace) -> None:
    account = polled(acme)
    url = f"/api/v1/provider-accounts/{account.pk}/"
    body = api("viewer").get(url).json()
    assert (body["receipts"], body["receipts_at"], body["receipts_trouble"]) == ("polled", None, None)
    end_round(account.pk, begin_round(account.pk), answered=1, given_up=0, trouble=refused())
    body = api("viewer").get(url).json()
    assert body["receipts_trouble"] == "It does not accept the credentials. Unauthorized"
    assert body["receipts_at"] == ReceiptRound.objects.get().answered_at.isoformat().replace("+00:00", "Z")  # type: ignore[union-attr]


@pytest.mark.parametrize(("reports", "says"), [("fetched", "Delivery reports must be “pushed” or “polled”.")])
def test_another_word_is_refused(
    api: Callable[..., ApiClient], acme: Workspace, reports: str, says: str
) -> None:
    account = make_account(acme)
    body = {"credentials": {"api_key": "sandbox-key", "reports": reports}}
    response = api("admin").patch(f"/api/v1/provider-accounts/{account.pk}/", body)
    assert response.status_code == 400
    assert response.json()["errors"][0] == {
        "field": "credentials.reports",
        "detail": says,
        "code": response.json()["errors"][0]["code"],
    }


def test_a_long_retry_after_is_no_more_than_an_hour(acme: Workspace) -> None:
    account = polled(acme)
    trouble = Throttled("It asks for fewer.", retry_after=10_000_000.0)
    end_round(account.pk, begin_round(account.pk), answered=0, given_up=0, trouble=trouble)
    found = ReceiptRound.objects.get()
    assert 3500 < (found.next_at - account.created_at).total_seconds() < 3700
