"""All components at once, in a real browser under the real CSP; and what the frame's scripts do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.support import (
    NARROW,
    WIDE,
    assert_page_is_clean,
    assert_shown_page_is_clean,
    sign_in,
    watch_of,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.web.frame_urls"),
]

OpenPage = Callable[..., Page]


@pytest.fixture
def site(live_server: Any, settings: Any, alice: User) -> str:
    settings.DEBUG = True
    return str(live_server.url)


@pytest.fixture
def guide(open_page: OpenPage, site: str, alice: User) -> Page:
    page = open_page(user=alice, base_url=site)
    page.goto("/styleguide/")
    return page


@pytest.fixture
def home(open_page: OpenPage, site: str, alice: User) -> Page:
    page = open_page(user=alice, base_url=site)
    page.goto("/")
    return page


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_it_works(open_page: OpenPage, site: str, alice: User, size: tuple[int, int], dark: bool) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, site + "/styleguide/")
    assert page.evaluate("document.documentElement.classList.contains('dark')") is dark


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("address", ["/login/", "/password/reset/"])
def test_sign_in_pages_are_clean(open_page: OpenPage, site: str, address: str, size: tuple[int, int]) -> None:
    assert_page_is_clean(open_page(width=size[0], height=size[1]), site + address)


@pytest.mark.parametrize(
    "opener", ["#user-menu-trigger", "[commandfor=sample-confirm]", "#sample-list input"]
)
def test_what_opens_is_clean(guide: Page, opener: str) -> None:
    guide.locator(opener).first.click()
    assert_shown_page_is_clean(guide)


def test_pages_ask_only_us(guide: Page) -> None:
    guide.wait_for_load_state("networkidle")
    assert watch_of(guide).outside == []


def test_the_theme_is_kept(home: Page) -> None:
    home.locator("[data-theme-toggle]").click()
    assert home.evaluate("document.documentElement.className").split().count("dark") == 1
    home.reload(wait_until="commit")
    home.wait_for_function("document.body !== null")
    assert home.evaluate("document.documentElement.classList.contains('dark')")


def test_the_chart_is_drawn_again_in_the_other_theme(guide: Page) -> None:
    colour = "document.querySelector('#sample-chart').chart.data.datasets[0].backgroundColor"
    guide.wait_for_function("document.querySelector('#sample-chart').chart")
    assert guide.evaluate(colour) == "rgb(26, 138, 118)"
    guide.locator("[data-theme-toggle]").click()
    guide.wait_for_function(f"{colour} === 'rgb(53, 179, 157)'")
    guide.locator("#sample-chart").hover(position={"x": 200, "y": 150})
    expect(guide.locator(".chart-tooltip")).to_be_visible()
    assert watch_of(guide).errors == []


def test_the_palette_goes_to_a_page_by_keyboard_alone(home: Page) -> None:
    home.keyboard.press("Control+k")
    home.keyboard.type("camp")
    expect(home.locator("#palette [aria-selected=true]")).to_contain_text("Campaigns")
    home.keyboard.press("Enter")
    home.wait_for_url("**/campaigns/")


def test_the_palette_asks_the_server(home: Page) -> None:
    home.locator("[data-opens-palette]").click()
    home.keyboard.type("zebra")
    expect(home.get_by_role("option", name="Found zebra")).to_be_visible()
    home.keyboard.press("Enter")
    home.wait_for_url("**/broadcasts/7/")


def test_single_keys(home: Page) -> None:
    home.keyboard.press("/")
    expect(home.locator("main input[type=search]")).to_be_focused()
    home.keyboard.type("gl?n")
    assert home.locator("main input[type=search]").input_value() == "gl?n"
    home.locator("h1").click()
    home.keyboard.press("g")
    home.keyboard.press("l")
    home.wait_for_url("**/lists/")
    home.keyboard.press("n")
    home.wait_for_url("**/new/")


def test_single_keys_can_be_turned_off(home: Page) -> None:
    home.keyboard.press("?")
    home.locator("[data-keys-switch]").uncheck()
    home.keyboard.press("Escape")
    home.reload()
    home.keyboard.press("?")
    assert not home.locator("#keys-dialog").evaluate("dialog => dialog.open")
    home.keyboard.press("Control+k")
    expect(home.locator("#palette input")).to_be_visible()


def test_news_is_text_and_can_be_undone(home: Page) -> None:
    home.locator("#tell").click()
    news = home.locator(".toast", has_text="Removed <b>3</b> people")
    expect(news).to_be_visible()
    home.locator("#tell").click()
    expect(home.locator(".toast")).to_have_count(1)
    news.get_by_role("button", name="Undo").click()
    expect(home.locator(".toast", has_text="They are back")).to_be_visible()


def test_a_refusal_is_said_in_words(home: Page) -> None:
    home.locator("#forbidden").click()
    expect(home.get_by_role("alert")).to_contain_text("Your role does not allow this")
    expect(home.locator("#refusal")).to_be_empty()
    home.get_by_role("button", name="Close").click()
    expect(home.locator(".toast")).to_have_count(0)


def test_a_refused_form_gets_the_focus(home: Page) -> None:
    home.get_by_role("button", name="Send").click()
    expect(home.locator("[data-error-summary]")).to_be_focused()


def test_being_signed_out_meanwhile_leads_to_sign_in(home: Page, site: str) -> None:
    home.evaluate("document.querySelector('#forbidden').setAttribute('hx-get', '/lists/')")
    home.evaluate("htmx.process(document.body)")
    home.context.clear_cookies()
    home.locator("#forbidden").click()
    home.wait_for_url("**/login/**")
    expect(home.locator("h1")).to_have_text("Sign in to Crier")


def test_the_side_menu_on_a_narrow_screen(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(width=NARROW[0], height=NARROW[1], user=alice, base_url=site)
    page.goto("/")
    side, button = page.locator("#sidebar"), page.locator("[data-sidebar-toggle]")
    expect(side).to_have_attribute("inert", "")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(side.locator("a").first).to_be_focused()
    assert page.locator(".page").evaluate("page => page.inert")
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(side).to_have_attribute("inert", "")
    assert not page.locator(".page").evaluate("page => page.inert")


def test_the_side_menu_stays_closed_on_the_next_page(home: Page) -> None:
    home.locator("[data-sidebar-toggle]").click()
    home.goto("/lists/")
    expect(home.locator("#sidebar")).to_have_attribute("aria-hidden", "true")


def test_rows_are_chosen_by_range_and_all_that_match(guide: Page) -> None:
    boxes, bar = guide.locator("input[name=selected]"), guide.locator("[data-bulk]")
    every = guide.get_by_role("link", name="Select all 12,168 that match")
    boxes.nth(0).click()
    expect(bar).to_contain_text("1 selected")
    expect(every).to_have_count(0)
    boxes.nth(2).click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 selected")
    expect(every).to_be_visible()
    boxes.nth(1).click()
    expect(bar).to_contain_text("2 selected")
    expect(every).to_have_count(0)
    guide.get_by_label("Select all on this page").click()
    expect(every).to_be_visible()
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_the_confirm_dialog_offers_the_safe_way_first(guide: Page) -> None:
    guide.get_by_role("button", name="Stop sending").last.click()
    expect(guide.get_by_role("button", name="Keep sending")).to_be_focused()
    guide.keyboard.press("Enter")
    expect(guide.locator("#sample-confirm")).to_be_hidden()


def test_a_combobox_sends_the_value(guide: Page) -> None:
    field = guide.get_by_role("combobox", name="List")
    field.click()
    field.fill("news")
    guide.keyboard.press("Enter")
    assert guide.locator("input[name=list]").input_value() == "8"


def test_without_script_all_is_there(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(width=NARROW[0], height=NARROW[1], javascript=False)
    sign_in(page.context, alice, site)
    page.goto(site + "/styleguide/")
    expect(page.get_by_role("link", name="Campaigns")).to_be_visible()
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_visible()
    expect(page.locator("select[name=list]")).to_have_value("7")
    expect(page.locator("[data-theme-toggle]")).to_be_hidden()
