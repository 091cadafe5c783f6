"""The pages of rate cards and of the budget in a browser: clean wide and light, narrow and dark."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.models import Dispatch
from providers.models import ProviderAccount
from providers.services import import_rates
from tests.browser.support import assert_page_is_clean, assert_shown_page_is_clean
from tests.engine.makers import make_dispatch
from tests.messaging.test_budget import charge, limit
from tests.providers.makers import make_account

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

OpenPage = Callable[..., Page]
SIZES = [(1440, 900, False), (390, 844, True)]
FILE = (
    b"Country;MCC;MNC;Price\nGermany;262;01;0,0671\nGermany;262;02;0,0712\nFR;208;10;0,0524\n"
    b"Atlantis;;;1\nCanada;302;;0,01\nBS;364;;0,09\n"
)


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    account = make_account(acme, name="Shop")
    rates = {str(1200 + number): Decimal(number) / 10_000 for number in range(60)} | {"49": Decimal("0.07")}
    import_rates(account=account, rates=rates, replace=True, actor=Actor())
    return account


@pytest.mark.parametrize(("width", "height", "dark"), SIZES)
def test_a_rate_card_is_looked_through_and_imported(
    open_page: OpenPage, site: str, alice: User, account: ProviderAccount, width: int, height: int, dark: bool
) -> None:
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    card = f"{site}/providers/{account.pk}/rate-card/"
    assert_page_is_clean(page, f"{site}/providers/{account.pk}/")
    assert_page_is_clean(page, card)
    assert_page_is_clean(page, f"{card}?q=4915")
    assert_page_is_clean(page, f"{card}import/")
    page.get_by_label("CSV file").set_input_files(
        {"name": "rates.csv", "mimeType": "text/csv", "buffer": FILE}
    )
    page.get_by_label("Replace all").check()
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check the rate card")
    expect(page.get_by_text("“Atlantis” is no country")).to_be_visible()
    assert_shown_page_is_clean(page)
    page.get_by_role("button", name="Make 62 changes").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    assert {rate.prefix: rate.price for rate in account.rates.all()} == {
        "49": Decimal("0.0712"),
        "33": Decimal("0.0524"),
        "1242": Decimal("0.09"),
    }


@pytest.mark.parametrize(("width", "height", "dark"), SIZES)
def test_the_budget_is_clean(
    open_page: OpenPage, site: str, alice: User, acme: Workspace, account: ProviderAccount,
    width: int, height: int, dark: bool,
) -> None:  # fmt: skip
    page = open_page(width=width, height=height, dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"{site}/settings/budget/")
    limit(acme, "1")
    dispatch = make_dispatch(acme, account, people=10)
    Dispatch.objects.filter(pk=dispatch.pk).update(agreed_cost="0.95")
    charge(dispatch, "0.1", 7)
    assert_page_is_clean(page, f"{site}/settings/budget/")
    expect(page.get_by_text("95% of the budget for")).to_be_visible()
