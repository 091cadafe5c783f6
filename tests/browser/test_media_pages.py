"""Pictures in a real browser: the pages are clean, and what is chosen in the composer shows in the phone at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from campaigns.models import Broadcast
from messaging.models import Media
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean
from tests.messaging.media.makers import make_picture, phone_photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]


@pytest.fixture
def sale(acme: Workspace) -> Media:
    make_picture(acme, "Logo of a very long name that has to be wrapped somewhere on a phone")
    return make_picture(acme, "Sale", content=phone_photo())


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide", "narrow-dark"])
def test_it_works(
    open_page: OpenPage,
    site: str,
    bob: User,
    draft: Broadcast,
    sale: Media,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=bob, base_url=site)
    for address in ("/media/", "/media/?q=nothing", "/media/new/", f"/media/{sale.pk}/"):
        assert_page_is_clean(page, site + address)
    page.goto(f"{site}/broadcasts/{draft.pk}/edit/")
    page.locator("#picture-choices summary").click()
    page.get_by_label("Sale").check()
    expect(page.locator("#pictures img")).to_have_count(1)
    assert_shown_page_is_clean(page)
    page.reload()
    expect(page.get_by_label("Sale")).to_be_checked()
    expect(page.locator("#pictures img")).to_have_count(1)
