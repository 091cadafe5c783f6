"""The traffic log on pages: for admins, found by operation and trouble, without secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Workspace
from providers import services
from providers.connectors.operations import SHOWN_CHARACTERS, Exchange
from providers.models import ProviderAccount, TrafficEntry
from providers.services import keep_exchanges
from tests.access import assert_access
from tests.conftest import CANARY_SECRET
from tests.providers.makers import make_account, tiny_vendor


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def kept(account: ProviderAccount, operation: str = "send", trouble: str = "", **fields: Any) -> TrafficEntry:
    given = {
        "method": "POST",
        "url": "https://api.example.com/sms",
        "request": '{"to":"12015550123"}',
        "status": 200,
        "answer": '{"id":1.10}',
        "seconds": 0.25,
    }
    keep_exchanges(account.pk, [Exchange(operation=operation, trouble=trouble, **given | fields)])
    return TrafficEntry.objects.order_by("-id")[0]


def url(account: ProviderAccount, *entry: int) -> str:
    name = "provider-account-traffic-entry" if entry else "provider-account-traffic"
    return reverse(name, args=[account.pk, *entry])


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_only_admins_see_it(account: ProviderAccount, bob_client: Client) -> None:
    entry = kept(account)
    assert_access(url(account), viewer=403, marketer=403, admin=200, wrong_method="post")
    assert_access(url(account, entry.pk), viewer=403, marketer=403, admin=200, wrong_method="post")
    assert url(account) not in text_of(bob_client, reverse("provider-account-detail", args=[account.pk]))


def test_an_entry_of_another_account_is_404(
    acme: Workspace, account: ProviderAccount, adam_client: Client
) -> None:
    foreign = kept(make_account(acme, "bulkvs"))
    assert adam_client.get(url(account, foreign.pk)).status_code == 404


def test_it_says_what_is_kept(account: ProviderAccount, adam_client: Client) -> None:
    shown = text_of(adam_client, url(account))
    assert "While all goes well one request a second is kept" in shown
    assert "for 7 days." in shown
    assert "Nothing went out in the last days" in shown


def test_filters(account: ProviderAccount, adam_client: Client) -> None:
    kept(account, url="https://api.example.com/one")
    kept(account, "test", "It refused.", status=401, url="https://api.example.com/two")
    kept(account, "test", url="https://api.example.com/three")

    def found(query: str) -> list[str]:
        shown = text_of(adam_client, url(account) + query)
        return [name for name in ("one", "two", "three") if f"example.com/{name}" in shown]

    assert found("") == ["one", "two", "three"]
    assert found("?trouble=1") == ["two"]
    assert found("?operation=test") == ["two", "three"]
    assert found("?operation=send&trouble=1") == []
    assert "No request fits" in text_of(adam_client, url(account) + "?operation=nothing")


def test_every_operation_can_be_chosen(acme: Workspace, adam_client: Client) -> None:
    shown = text_of(adam_client, url(make_account(acme, "bulkvs")))
    for name in ("send", "test", "list_webhooks", "put_webhook", "list_campaigns"):
        assert f'<option value="{name}"' in shown


def test_one_entry_shows_both_ways(account: ProviderAccount, adam_client: Client) -> None:
    shown = text_of(adam_client, url(account, kept(account, trouble="It refused.").pk))
    assert "{\n  &quot;to&quot;: &quot;12015550123&quot;\n}" in shown
    assert "&quot;id&quot;: 1.10" in shown
    assert "It refused." in shown
    assert "250 ms" in shown
    assert "characters were kept" not in shown


def test_what_was_cut_says_so(account: ProviderAccount, adam_client: Client) -> None:
    entry = kept(account, request="", answer="x" * SHOWN_CHARACTERS, status=None)
    shown = text_of(adam_client, url(account, entry.pk))
    assert shown.count("Only the first 8,000 characters were kept.") == 1
    assert "It has no body: all of it is in the address." in shown
    assert "no answer came" in shown


def test_no_secret_is_shown(acme: Workspace, adam_client: Client) -> None:
    words = json.dumps({"statusCode": 401, "message": f"Who is {CANARY_SECRET}?"}).encode()
    with tiny_vendor(401, words) as vendor:
        account = make_account(acme, base_url=vendor.url, credentials={"api_key": CANARY_SECRET})
        services.test_account(account)
    shown = text_of(adam_client, url(account)) + text_of(
        adam_client, url(account, TrafficEntry.objects.get().pk)
    )
    assert "Who is [redacted]?" in shown
    assert CANARY_SECRET not in shown


def test_the_list_costs_the_same_however_long(account: ProviderAccount, adam_client: Client) -> None:
    counts = []
    for _ in range(2):
        for _ in range(30):
            kept(account, trouble="It refused.")
        text_of(adam_client, url(account))
        with CaptureQueriesContext(connection) as queries:
            shown = text_of(adam_client, url(account) + "?trouble=1")
        counts.append(len(queries))
    assert counts[0] == counts[1] < 9
    assert shown.count('data-label="When"') == 50
