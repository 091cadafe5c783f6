"""The step Columns of a workbook of several sheets, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from tests.browser.support import assert_shown_page_is_clean
from tests.contacts.books import xlsx
from tests.contacts.support import number, upload

pytestmark = [pytest.mark.browser]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_another_sheet_is_chosen(
    open_page: Callable[..., Page], live_server: object, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    people = [["number", "first_name"], [f"+{number(0)}", "Ann"]]
    others = [["phone", "city"], [f"+{number(1)}", "Leeds"]]
    imported = upload(acme, xlsx({"People": people, "Others": others}), "people.xlsx")
    base_url = str(live_server)
    page = open_page(width=width, dark=dark, user=bob, base_url=base_url)
    page.goto(f"{base_url}/imports/{imported.pk}/columns/")
    assert_shown_page_is_clean(page)
    page.get_by_label("Sheet").select_option("Others")
    page.get_by_role("button", name="Read this sheet").click()
    expect(page.get_by_text("Leeds", exact=True)).to_be_visible()
    expect(page.get_by_label("Sheet")).to_have_value("Others")
    assert_shown_page_is_clean(page)
