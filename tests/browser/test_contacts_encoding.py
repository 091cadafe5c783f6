"""The step Columns of a file whose encoding is only guessed, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from tests.browser.support import assert_shown_page_is_clean
from tests.contacts.support import number, upload

pytestmark = [pytest.mark.browser]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_another_encoding_is_seen_at_once_and_kept(
    open_page: Callable[..., Page], live_server: object, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    imported = upload(acme, f"number,first_name\n+{number(0)},Łukasz\n".encode("cp1250"))
    base_url = str(live_server)
    page = open_page(width=width, dark=dark, user=bob, base_url=base_url)
    page.goto(f"{base_url}/imports/{imported.pk}/columns/")
    letters = page.locator("#letters")
    expect(letters).to_have_text(f"+{number(0)},£ukasz")
    assert_shown_page_is_clean(page)
    page.get_by_label("Choose the line that reads right").select_option("cp1250")
    expect(letters).to_have_text(f"+{number(0)},Łukasz")
    page.get_by_role("button", name="This is the right encoding").click()
    expect(
        page.get_by_text("The file is read as Windows-1250 (Central European), as was chosen.")
    ).to_be_visible()
    assert_shown_page_is_clean(page)
