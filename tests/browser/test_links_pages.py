"""Links, link lists and their setting in a real browser: full, empty, read-only; order without script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.links.hits import apply_hits, classify_new_hits
from messaging.links.links import create_link_list
from messaging.models import Link, LinkList
from tests.browser.support import NARROW, WIDE, assert_page_is_clean
from tests.messaging.links.makers import (
    IPHONE,
    WHATSAPP,
    WINDOWS,
    code_of,
    make_link,
    make_linked_dispatch,
    messages_of,
    raw_hit,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]


@pytest.fixture
def shops(acme: Workspace) -> LinkList:
    """Its links went out, and were followed by people, machines and from a poster."""
    ann, ben, cleo = messages_of(make_linked_dispatch(acme))
    sale, shop = Link.objects.get(name="Sale"), Link.objects.get(name="Shop")
    now = timezone.now()
    apply_hits(
        [
            raw_hit(code_of(ann), now - timedelta(days=3)),
            raw_hit(code_of(ben), now - timedelta(days=1), agent=WINDOWS),
            raw_hit(code_of(cleo), now, agent=WHATSAPP),
            raw_hit(sale.code, now, agent=f"{IPHONE} 2"),
        ]
    )
    classify_new_hits()
    long = make_link(acme, "Long", "a" * 300, bot_redirect="https://example.com/b", utm_source="sms")
    make_link(acme, "Spare", "spare")
    return create_link_list(workspace=acme, actor=Actor(), name="Shops", links=[sale, shop, long])


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide-light", "narrow-dark"])
def test_it_works(
    open_page: OpenPage, site: str, alice: User, shops: LinkList, size: tuple[int, int], dark: bool
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    for address in (
        "/links/",
        "/links/?q=nothing",
        "/links/new/",
        f"/links/{Link.objects.get(name='Sale').pk}/",
        f"/links/{Link.objects.get(name='Long').pk}/?period=all",
        "/links/lists/",
        "/links/lists/new/",
        f"/links/lists/{shops.pk}/",
        "/settings/texts/",
    ):
        assert_page_is_clean(page, site + address)


def test_empty(open_page: OpenPage, site: str, bob: User) -> None:
    page = open_page(user=bob, base_url=site)
    for address in ("/links/", "/links/lists/"):
        assert_page_is_clean(page, site + address)


def test_read_only(open_page: OpenPage, site: str, victor: User, shops: LinkList) -> None:
    page = open_page(user=victor, base_url=site)
    for address in (
        f"/links/{Link.objects.get(name='Long').pk}/",
        f"/links/lists/{shops.pk}/",
        "/settings/texts/",
    ):
        assert_page_is_clean(page, site + address)


def test_the_order_changes_by_its_buttons(open_page: OpenPage, site: str, bob: User, shops: LinkList) -> None:
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/links/lists/{shops.pk}/")
    page.get_by_role("button", name="Long: up").click()
    names = page.get_by_role("region", name="Links of the list").locator("tbody tr td:first-child a")
    expect(names).to_have_text(["Sale", "Long", "Shop"])
    page.get_by_label("Link to add").select_option(label="Spare")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(names).to_have_text(["Sale", "Long", "Shop", "Spare"])
