"""Numbers that no price and no pace can be: refused in words, at every door, and never an error of ours."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accounts.models import Workspace
from providers.models import ProviderAccount
from tests.people import ApiClient
from tests.providers.makers import make_account

Api = Callable[..., ApiClient]
HOSTILE = (
    "9" * 26,
    "1e400",
    "9e999999999",
    "1e-9999999",
    f"0.1{'0' * 40}1",
    "NaN",
    "sNaN",
    "-1e-400",
    10**40,
)
FIELDS = ("parts_per_second", "default_price", "media_price", "max_in_flight")


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


@pytest.mark.parametrize("number", HOSTILE, ids=lambda number: str(number)[:12])
def test_the_api_refuses_them(api: Api, account: ProviderAccount, number: str | int) -> None:
    admin, url = api("admin"), f"/api/v1/provider-accounts/{account.pk}/"
    answers = [
        *(admin.patch(url, {field: number}) for field in FIELDS),
        admin.patch(url, {"rates": [{"prefix": "1", "price": number}]}),
        admin.post(f"{url}rates/", {"prefix": "1", "price": number}),
        admin.patch("/api/v1/budget/", {"monthly_budget": number}),
    ]
    assert [answer.status_code for answer in answers] == [400] * 7


def test_a_rate_card_names_the_row(api: Api, account: ProviderAccount) -> None:
    answer = api("admin").post(
        f"/api/v1/provider-accounts/{account.pk}/rates/import/",
        {"csv": f"prefix,price\n1,{'9' * 26}\n44,0.05\n"},
    )
    assert answer.status_code == 200
    assert [row["row"] for row in answer.json()["refused_rows"]] == [2]
    assert answer.json()["added"] == 1


def test_minus_nought_is_nought(api: Api, account: ProviderAccount) -> None:
    url = f"/api/v1/provider-accounts/{account.pk}/rates/"
    assert api("admin").post(url, {"prefix": "1", "price": "-0"}).json()["price"] == "0.00000"
