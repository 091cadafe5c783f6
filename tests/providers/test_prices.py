"""What a part costs: the longest prefix of the rate card, else the account's own price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from providers.models import ProviderAccount
from providers.services import PriceTable, ProviderAccountError, price_for, remove_rate, set_rate
from tests.providers.makers import make_account


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(
        acme,
        rates=[
            {"prefix": "44", "price": "0.04"},
            {"prefix": "447", "price": "0.03"},
            {"prefix": "1", "price": "0"},
        ],
    )


def test_it_works(account: ProviderAccount) -> None:
    prices = PriceTable(account)
    assert prices.price("447700900123") == Decimal("0.03")
    assert prices.price("442079460123") == Decimal("0.04")
    assert prices.price("4") == Decimal("0.0079")


def test_a_price_of_zero_is_a_price(account: ProviderAccount) -> None:
    assert PriceTable(account).price("12015550123") == Decimal(0)


def test_unknown_without_a_rate_and_a_price(acme: Workspace) -> None:
    account = make_account(acme, default_price=None)
    assert price_for(account, "12015550123") is None


def test_the_table_asks_the_database_once(
    account: ProviderAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        prices = PriceTable(account)
        assert {prices.price(f"4477009001{tail:02}") for tail in range(100)} == {Decimal("0.03")}


def test_set_rate_adds_and_replaces(account: ProviderAccount, alice: User) -> None:
    before = account.updated_at
    set_rate(account=account, prefix="+44 7700", price=Decimal("0.02"), actor=Actor(user=alice))
    set_rate(account=account, prefix="447700", price="0.01", actor=Actor(user=alice))
    assert price_for(account, "447700900123") == Decimal("0.01")
    # The engine reads prices again when the account's row is newer.
    assert ProviderAccount.objects.get(pk=account.pk).updated_at > before
    assert AuditEntry.objects.filter(action="priced", user=alice).count() == 2


def test_remove_rate_leaves_the_shorter_prefix(account: ProviderAccount) -> None:
    remove_rate(rate=account.rates.select_related("account__workspace").get(prefix="447"), actor=Actor())
    assert price_for(account, "447700900123") == Decimal("0.04")


@pytest.mark.parametrize("prefix", ["", "+", "abc", "044", "1234567890123456", "44x", "４４"])
def test_rejects_prefixes(account: ProviderAccount, prefix: str) -> None:
    with pytest.raises(ProviderAccountError) as caught:
        set_rate(account=account, prefix=prefix, price="0.01", actor=Actor())
    assert caught.value.field == "prefix"
    assert prefix in str(caught.value)


@pytest.mark.parametrize(
    "price",
    [
        "",
        "x",
        "-1",
        "NaN",
        "Infinity",
        "0.000001",
        "100000",
        "1,5",
        "1_0",
        "٥",
        "1e-9999999",
        "9" * 26,
        f"0.1{'0' * 40}1",
    ],
)
def test_rejects_prices(account: ProviderAccount, price: str) -> None:
    with pytest.raises(ProviderAccountError) as caught:
        set_rate(account=account, prefix="44", price=price, actor=Actor())
    assert caught.value.field == "price"
    assert price_for(account, "442079460123") == Decimal("0.04")
