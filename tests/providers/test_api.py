"""`/api/v1/provider-accounts`: problems in words, no secret in any answer, walls between workspaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry, Workspace
from providers.daily import take, use_today
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.conftest import CANARY_SECRET
from tests.people import ApiClient
from tests.providers.makers import make_account, tiny_vendor

URL = "/api/v1/provider-accounts/"
Api = Callable[..., ApiClient]
NEW = {
    "vendor": "bulkvs",
    "name": "Shop",
    "base_url": "https://api.example.com/v1",
    "credentials": {"username": "shop", "password": CANARY_SECRET},
}


def errors(response: Any) -> dict[str, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    return {error["field"]: error["detail"] for error in response.json().get("errors", [])}


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, credentials={"api_key": CANARY_SECRET})


def test_it_works(api: Api, acme: Workspace) -> None:
    response = api("admin").post(
        URL, NEW | {"parts_per_second": "25", "rates": [{"prefix": "1", "price": "0.0079"}], "enabled": False}
    )
    assert response.status_code == 201, response.content
    body, account = response.json(), ProviderAccount.objects.get()
    assert account.workspace == acme
    assert account.credentials["password"] == CANARY_SECRET
    assert body | NEW | {"credentials": None} == body | {"credentials": None}
    assert (body["parts_per_second"], body["enabled"], body["health"]) == ("25.00", False, "untested")
    assert body["rates"] == [{"prefix": "1", "price": "0.00790"}]
    assert body["webhook_url"].endswith(f"/hooks/{account.webhook_token}/")
    assert AuditEntry.objects.get().api_key is not None


def test_access(account: ProviderAccount) -> None:
    one = f"{URL}{account.pk}/"
    assert_access(URL, wrong_method="put")
    assert_access(one)
    assert_access(URL, "post", viewer=403, marketer=403, admin=400, wrong_method=None, data={})
    assert_access(one, "patch", viewer=403, marketer=403, admin=200, wrong_method="put", data={"name": "x"})
    assert_access(f"{one}test/", "post", viewer=403, marketer=200, wrong_method="get")
    assert_access(f"{one}register-webhook/", "post", viewer=403, marketer=403, admin=200, wrong_method="get")


def test_no_answer_holds_a_secret(api: Api, account: ProviderAccount) -> None:
    client = api("owner")
    answers = [
        client.get(URL),
        client.get(f"{URL}{account.pk}/"),
        client.patch(f"{URL}{account.pk}/", {"credentials": {"api_key": CANARY_SECRET}}),
        client.patch(f"{URL}{account.pk}/", {"credentials": {"api_key": CANARY_SECRET + " é"}}),
        client.post(URL, NEW | {"base_url": "nowhere"}),
        client.post(f"{URL}{account.pk}/test/"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 200]
    for answer in answers:
        assert CANARY_SECRET not in answer.content.decode()
        assert "api_key" not in answer.content.decode() or answer.status_code == 400


def test_the_webhook_address_is_for_admins(api: Api, account: ProviderAccount) -> None:
    assert api("marketer").get(f"{URL}{account.pk}/").json()["webhook_url"] is None


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"vendor": "nobody"}, "vendor", "nobody"),
        ({"name": ""}, "name", "1 to 100 characters"),
        ({"credentials": {"username": "shop"}}, "credentials.password", "missing"),
        ({"credentials": {"api_key": "x"}}, "credentials.api_key", "not a setting"),
        ({"credentials": "text"}, "credentials", "an object of names"),
        ({"base_url": "nowhere"}, "base_url", "must be an address"),
        ({"parts_per_second": "0"}, "parts_per_second", "0.01"),
        ({"max_in_flight": 0}, "max_in_flight", "1 to 2000"),
        ({"rates": [{"prefix": "abc", "price": "1"}]}, "prefix", "abc"),
        ({"rates": [{"prefix": "1", "price": "-1"}]}, "rates[0].price", "at least 0"),
    ],
)
def test_rejects_in_words(api: Api, acme: Workspace, change: dict[str, Any], field: str, said: str) -> None:
    response = api("admin").post(URL, NEW | change)
    assert response.status_code == 400
    found = errors(response)
    assert said in found.get(field, ""), found
    assert not ProviderAccount.objects.exists()


def test_a_name_that_is_taken_is_a_conflict(api: Api, acme: Workspace) -> None:
    client = api("admin")
    assert client.post(URL, NEW).status_code == 201
    response = client.post(URL, NEW)
    assert (response.status_code, response.json()["code"]) == (409, "name_taken")


def test_a_new_address_needs_the_credentials_again(api: Api, account: ProviderAccount) -> None:
    response = api("admin").patch(f"{URL}{account.pk}/", {"base_url": "https://evil.example.com"})
    assert errors(response) == {
        "credentials": "Enter the credentials again: those stored are not sent to a new address."
    }


def test_patch_replaces_the_rate_card_and_keeps_the_vendor(api: Api, account: ProviderAccount) -> None:
    url = f"{URL}{account.pk}/"
    api("admin").patch(url, {"rates": [{"prefix": "44", "price": "1"}, {"prefix": "1", "price": "2"}]})
    response = api("admin").patch(url, {"rates": [{"prefix": "49", "price": "3"}]})
    assert response.json()["rates"] == [{"prefix": "49", "price": "3.00000"}]
    assert api("admin").patch(url, {"vendor": "bulkvs"}).json()["errors"][0]["code"] == "read_only"
    account.refresh_from_db()
    assert account.vendor == "messagewhiz"


def test_the_connection_test_says_what_the_vendor_said(api: Api, acme: Workspace) -> None:
    with tiny_vendor(401, b'{"statusCode": 401, "message": "No such key"}') as vendor:
        account = make_account(acme, base_url=vendor.url)
        body = api("marketer").post(f"{URL}{account.pk}/test/").json()
    assert (body["ok"], body["words"]) == (False, "No such key")
    assert body["sentence"]


def test_filters_and_pages(
    api: Api, acme: Workspace, other: Workspace, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        make_account(acme, name=f"Account {number}", rates=[{"prefix": "1", "price": "1"}])
    make_account(acme, "bulkvs")
    make_account(other)
    client = api("viewer")
    with django_assert_max_num_queries(5):
        body = client.get(URL, {"vendor": "messagewhiz", "page_size": "3"}).json()
    assert [row["name"] for row in body["results"]] == ["Account 4", "Account 3", "Account 2"]
    assert len(client.get(body["next"]).json()["results"]) == 2


def test_the_limit_a_day(api: Api, account: ProviderAccount) -> None:
    one = f"{URL}{account.pk}/"
    body = api("viewer").get(one).json()
    assert (body["parts_per_day"], body["parts_today"]) == (None, None)
    assert api("admin").patch(one, {"parts_per_day": 500}).json()["parts_today"] == 0
    account.refresh_from_db()
    take(account.pk, use_today(account).day, [7], 500)
    body = api("viewer").get(one).json()
    assert (body["parts_per_day"], body["parts_today"]) == (500, 7)
    assert api("admin").patch(one, {"parts_per_day": None}).json()["parts_per_day"] is None


@pytest.mark.parametrize("limit", [0, -5, "x", 1.5])
def test_a_limit_that_is_none_is_refused(api: Api, account: ProviderAccount, limit: Any) -> None:
    response = api("admin").patch(f"{URL}{account.pk}/", {"parts_per_day": limit})
    assert response.status_code == 400
    assert list(errors(response)) == ["parts_per_day"]
