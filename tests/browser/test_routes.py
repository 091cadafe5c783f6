"""Routes in a real browser: made, chosen in the composer, and what the review and the report show of each account."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import save_draft
from providers.models import ProviderAccount, Route
from providers.services.routes import create_route
from tests.browser.support import NARROW, WIDE, assert_page_is_clean
from tests.campaigns.makers import send
from tests.engine.makers import make_account

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture
def accounts(acme: Workspace) -> list[ProviderAccount]:
    return [
        make_account(acme, "messagewhiz", name=name, default_price=Decimal(price))
        for name, price in (("One", "0.01"), ("Two", "0.02"))
    ]


@pytest.fixture
def route(acme: Workspace, actor: Actor, accounts: list[ProviderAccount]) -> Route:
    one, two = accounts
    steps: Any = [{"account": one, "weight": 2, "only": ["US", "+4477"]}, {"account": two}]
    return create_route(workspace=acme, actor=actor, name="Main", strategy="weight", steps=steps)


@pytest.fixture
def routed(draft: Broadcast, actor: Actor, route: Route) -> Broadcast:
    return save_draft(broadcast=draft, actor=actor, version=draft.version, changes={"route_id": route.pk})


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@SIZES
@THEMES
def test_pages_are_clean(
    routed: Broadcast,
    route: Route,
    alice: User,
    site: str,
    open_page: OpenPage,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page = open_page(user=alice, base_url=site, dark=dark, width=size[0], height=size[1])
    pages = ("/providers/", "/providers/routes/", "/providers/routes/new/", f"/providers/routes/{route.pk}/")
    for number, path in enumerate(
        (*pages, f"/broadcasts/{routed.pk}/edit/", f"/broadcasts/{routed.pk}/review/")
    ):
        assert_page_is_clean(page, path)
        shot(page, f"{number}-{size[0]}-{'dark' if dark else 'light'}")


def test_it_is_made_chosen_and_reported(
    draft: Broadcast,
    accounts: list[ProviderAccount],
    actor: Actor,
    alice: User,
    site: str,
    open_page: OpenPage,
) -> None:
    page = open_page(user=alice, base_url=site)
    page.goto("/providers/routes/new/")
    page.get_by_label("Name").fill("Main")
    page.get_by_label("Spread over all that take the number").check()
    for number, account in enumerate(accounts, 1):
        row = page.get_by_role("group", name=account.name, exact=True)
        row.get_by_label("Place").fill(str(number))
        row.get_by_label("Weight").fill(str(3 - number))
    page.get_by_role("button", name="Make the route").click()
    expect(page.get_by_role("heading", name="Main")).to_be_visible()
    page.goto(f"/broadcasts/{draft.pk}/edit/")
    page.get_by_label("Through").select_option(label="Main")
    expect(page.get_by_text("Through Main, people by account: One: 20, Two: 10")).to_be_visible()
    page.goto(f"/broadcasts/{draft.pk}/review/")
    expect(page.get_by_text("20 people, parts 20, $0.20")).to_be_visible()
    draft.refresh_from_db()
    send(draft, actor)
    page.goto(f"/broadcasts/{draft.pk}/")
    rows = page.locator("#report-through tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("20")
    assert_page_is_clean(page, f"/broadcasts/{draft.pk}/")
    shot(page, "report")
