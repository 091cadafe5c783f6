"""Setting up, inviting, joining and keys in a real browser; and all these pages under the eyes of axe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Role, User, Workspace
from accounts.services import create_api_key, invite_person
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SIZES = pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
PAGES = [
    "/settings/",
    "/settings/team/",
    "/settings/keys/",
    "/settings/audit/",
    "/settings/mfa/",
    "/workspaces/new/",
    "/password/change/",
    "/logout/",
    "/api/v1/",
]


@pytest.fixture
def full(acme: Workspace, alice: User, bob: User, victor: User) -> User:
    """Alice, whose pages have something on them."""
    actor = Actor(user=alice)
    create_api_key(workspace=acme, name='shop "A & B"', role=Role.MARKETER, actor=actor)
    invite_person(workspace=acme, email="dora@example.com", role=Role.VIEWER, actor=actor)
    record(acme, actor, "changed", acme, old={"name": "<Acme>"}, new={"name": "acme"})
    return alice


@SIZES
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_clean(
    open_page: OpenPage, site: str, full: User, size: tuple[int, int], dark: bool
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=full, base_url=site)
    for address in PAGES:
        assert_page_is_clean(page, site + address)


def test_pages_of_a_viewer_are_clean(open_page: OpenPage, site: str, full: User, victor: User) -> None:
    page = open_page(user=victor, base_url=site)
    for address in ("/settings/", "/settings/team/"):
        assert_page_is_clean(page, site + address)
    assert_page_is_clean(page, site + "/settings/keys/", status=403)
    assert_page_is_clean(page, site + "/no-such-page/", status=404)


@SIZES
def test_from_an_empty_system_to_a_team_of_two(open_page: OpenPage, site: str, size: tuple[int, int]) -> None:
    page = open_page(width=size[0], height=size[1], base_url=site, timezone_id="Europe/Paris")
    page.goto("/setup/")
    assert_shown_page_is_clean(page)
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Paris")
    expect(page.get_by_label("Country").locator("option[value=FR]")).to_have_text("France (+33)")
    page.get_by_label("Workspace").fill("Northwind")
    page.get_by_label("Your e-mail address").fill("alice@example.com")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Create the workspace").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert_shown_page_is_clean(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the workspace").click()

    page.goto("/settings/team/")
    page.get_by_label("E-mail address").fill("dora@example.com")
    page.get_by_role("button", name="Send the invitation").click()
    link = page.get_by_label("Link, works once").input_value()
    assert_shown_page_is_clean(page)

    dora = open_page(width=size[0], height=size[1], base_url=site)
    dora.goto(site + link[link.index("/join/") :])
    assert_shown_page_is_clean(dora)
    dora.get_by_label("Your name").fill("Dora")
    dora.get_by_label("Password").fill(PASSWORD)
    dora.get_by_role("button", name="Join the workspace").click()
    dora.goto("/settings/team/")
    expect(dora.get_by_role("button", name="Change")).to_have_count(0)

    page.goto("/settings/team/")
    page.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name="Remove Dora from Northwind?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    assert_shown_page_is_clean(page)
    dialog.get_by_role("button", name="Remove the person").click()
    expect(page.get_by_text("Removed Dora.")).to_be_visible()


def test_a_key_is_shown_once_and_revoked(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(user=alice, base_url=site)
    page.goto("/settings/keys/")
    page.get_by_label("Name").fill('shop "A & B"')
    page.get_by_role("button", name="Make the key").click()
    raw = page.get_by_label("API key", exact=True).input_value()
    assert raw.startswith("crier_")
    assert_shown_page_is_clean(page)
    page.goto("/settings/keys/")
    assert raw not in page.content()
    page.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog", name='Revoke the key shop "A & B"?')
    dialog.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("cell", name="revoked")).to_be_visible()


def test_settings_work_without_scripts(open_page: OpenPage, site: str, alice: User) -> None:
    page = open_page(user=alice, base_url=site, javascript=False)
    page.goto("/settings/")
    page.get_by_label("Currency").fill("EUR")
    page.get_by_role("button", name="Save the settings").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert Workspace.objects.get().currency == "EUR"
