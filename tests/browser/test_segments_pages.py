"""A smart broadcast in a real browser: its composer, its review, its segments and the page of the next one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.services.smart import judge
from messaging.models import Message
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean
from tests.campaigns.makers import send
from tests.campaigns.smart import click, make_smart, send_all

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]


def test_the_next_segment_is_seen_and_sent_once(
    open_page: OpenPage, site: str, acme: Workspace, alice: User, actor: Actor
) -> None:
    broadcast = send(make_smart(acme, actor), actor)
    send_all(broadcast, 1)
    page = open_page(user=alice, base_url=site)
    page.goto(f"/broadcasts/{broadcast.pk}/")
    expect(page.get_by_text("20 people are in reserve: in no segment yet.")).to_be_visible()
    page.get_by_role("link", name="Next segment").click()
    page.get_by_label("People").fill("5")
    page.get_by_label("Text").fill("Last day, {{first_name}}! STOP ends")
    page.get_by_role("button", name="Count and check").click()
    expect(page.get_by_text("Last day, Person 10! STOP ends")).to_be_visible()
    assert_shown_page_is_clean(page)
    page.get_by_role("button", name="Send segment 2 to 5 people for $0.0395").click()
    expect(page.get_by_text("Segment 2 is on its way.")).to_be_visible()
    assert sorted(broadcast.segments.values_list("number", flat=True)) == [0, 1, 2]
    assert Message.objects.filter(broadcast_id=broadcast.pk).count() == 30


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_are_clean(
    open_page: OpenPage,
    site: str,
    acme: Workspace,
    alice: User,
    actor: Actor,
    size: tuple[int, int],
    dark: bool,
) -> None:
    draft = make_smart(acme, actor, kind="smart_ctr", recipient_cap=20)
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    assert_page_is_clean(page, f"/broadcasts/{draft.pk}/edit/")
    expect(page.get_by_label("Clicks of a hundred for the next one")).to_have_value("20")
    assert_page_is_clean(page, f"/broadcasts/{draft.pk}/review/")
    expect(page.get_by_role("button", name="Send to the first 10 people")).to_be_enabled()
    broadcast = send(draft, actor)
    send_all(broadcast, 1)
    click(broadcast, 1, 1)
    judge(broadcast.pk)
    assert_page_is_clean(page, f"/broadcasts/{broadcast.pk}/")
    expect(page.get_by_text("Segment 1: 1 of 10 clicked, 10.00%.")).to_have_count(1)
    assert_page_is_clean(page, f"/broadcasts/{broadcast.pk}/continue/")
    assert_page_is_clean(page, "/broadcasts/new/")
