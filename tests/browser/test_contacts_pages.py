"""The audience's pages that no other test of this folder walks through, and the filter of a list."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from contacts.models import OptOut, OptOutHow, OptOutReview, RecipientList
from contacts.people import Sought
from contacts.rules import rule_of
from contacts.services.list_jobs import Wish, start_job
from contacts.services.lists import Person, create_live_list, save_filter
from contacts.services.opt_out_reviews import decide_reviews
from contacts.services.opt_outs import add_members, create_unsubscribe_list, opt_out
from messaging.receipts import apply_inbound
from providers.connectors.base import InboundText as InboundNews
from providers.models import ProviderAccount
from providers.signals import InboundArrived
from tests.browser.support import assert_page_is_clean, assert_shown_page_is_clean, overflow, watch_of
from tests.contacts.support import NOBODY, list_named, number, shown
from tests.engine.makers import SENDER, make_account, make_dispatch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
LEEDS = {"conditions": [{"field": "extra:city", "operator": "is", "value": "Leeds"}]}
LONG_NAME = "Customers of the autumn campaign in the north-east"


def wrote(account: ProviderAccount, text: str, n: int) -> None:
    news = InboundNews(msisdn=number(n), sender_number=SENDER, text=text)
    apply_inbound(InboundArrived(account.pk, account.workspace_id, ((n, news),)))


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    """Twelve people with own columns; every second lives in Leeds."""
    rows = [
        Person(
            f"+{number(n)}",
            {"first_name": f"Person {n}", "email": f"a.rather.long.address.of.person{n}@example.com"},
            {"city": "York" if n % 2 else "Leeds", "loyalty_points": "4264", "last_visit": "2026-09-03"},
        )
        for n in range(12)
    ]
    return list_named(acme, people=rows)


@pytest.fixture
def full(acme: Workspace, members: RecipientList, alice: User) -> OptOut:
    """Whatever the pages of the audience can show; the opt-out is that of number(3)."""
    list_named(acme, LONG_NAME, [Person(f"+{number(n)}", {"last_name": "Lee"}) for n in range(5)])
    rule = rule_of(LEEDS)
    save_filter(recipient_list=members, actor=NOBODY, name="Only Leeds", rule=rule)
    create_live_list(source=members, actor=NOBODY, name="Live", rule=rule)
    start_job(sought=Sought(members, rule=rule), wish=Wish("copy", new_list="Copy"), actor=NOBODY)
    account = make_account(acme)
    make_dispatch(acme, account, msisdns=[number(0), number(1)], broadcast_id=None)
    for n, text in enumerate(["please stop this, I said so before", "can it stop on Sunday?", "stop by?"]):
        wrote(account, text, n)
    decided = OptOutReview.objects.get(msisdn=number(2))
    decide_reviews(workspace=acme, ids=[decided.pk], opts_out=False, actor=Actor(user=alice))
    food = create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Not about food")
    add_members(unsubscribe_list=food, msisdns=[number(0), number(1)], actor=NOBODY)
    for n, how in enumerate(OptOutHow.values, start=3):
        opt_out(workspace=acme, msisdn=number(n), how=how, source="a letter of 3 May, second floor " * n)
    return OptOut.objects.get(msisdn=number(3))


@pytest.fixture
def addresses(members: RecipientList, full: OptOut) -> tuple[list[str], list[str]]:
    """Pages that look otherwise on a wide screen, and those that are one column everywhere."""
    food = full.workspace.unsubscribe_lists.get()
    person = members.recipients.get(msisdn=number(0))
    wide = [
        "/lists/",
        "/opt-outs/",
        f"/opt-outs/lists/{food.pk}/",
        "/opt-out-reviews/",
        f"/numbers/{number(0)}/",
        f"/lists/{members.pk}/people/{person.pk}/",
    ]
    narrow = [
        f"/lists/{members.pk}/paste/",
        f"/lists/{members.pk}/jobs/new/?kind=split",
        f"/numbers/{number(0)}/erase/",
        f"/numbers/{number(3)}/",
        f"/opt-outs/{full.pk}/remove/",
        "/opt-out-reviews/?decided=1",
    ]
    return wide, narrow


def test_pages_are_clean_on_a_wide_screen(
    open_page: OpenPage, site: str, alice: User, addresses: tuple[list[str], list[str]]
) -> None:
    page = open_page(user=alice, base_url=site)
    for address in addresses[0]:
        assert_page_is_clean(page, address)


def test_pages_are_clean_on_a_phone_in_the_dark(
    open_page: OpenPage, site: str, alice: User, addresses: tuple[list[str], list[str]]
) -> None:
    page = open_page(width=390, height=844, dark=True, user=alice, base_url=site)
    for address in (*addresses[0], *addresses[1]):
        assert_page_is_clean(page, address)


def test_empty_states_stand_in_the_middle(open_page: OpenPage, site: str, acme: Workspace, bob: User) -> None:
    empty = create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Nobody yet")
    page = open_page(user=bob, base_url=site)
    for address in ("/opt-out-reviews/", f"/opt-outs/lists/{empty.pk}/"):
        page.goto(address)
        card, state = (
            page.locator(one).bounding_box() for one in (".card:has(.empty-state)", ".empty-state")
        )
        assert card and state
        left, right = state["x"] - card["x"], card["x"] + card["width"] - state["x"] - state["width"]
        assert abs(left - right) <= 2


def test_a_phone_says_first_whether_a_number_may_be_texted(
    open_page: OpenPage, site: str, bob: User, full: OptOut
) -> None:
    page = open_page(width=390, height=844, user=bob, base_url=site)
    page.goto(f"/numbers/{number(0)}/")
    expect(page.get_by_role("heading", level=2).first).to_have_text("May it be texted?")
    expect(page.get_by_role("heading", name="On the list Members", exact=True)).to_be_visible()
    expect(page.get_by_role("navigation", name="Breadcrumb")).to_contain_text("Lists")


def test_what_was_pasted_and_read_is_said_to_be_on_the_list(
    open_page: OpenPage, site: str, bob: User, members: RecipientList
) -> None:
    page = open_page(width=390, height=844, user=bob, base_url=site)
    page.goto(f"/lists/{members.pk}/paste/")
    page.get_by_label("Numbers").fill(f"abc\n+{number(30)}")
    page.get_by_role("button", name="Add the numbers").click()
    summary = page.locator("[data-error-summary]")
    expect(summary).to_contain_text("the others are on the list")
    expect(summary).not_to_contain_text("Nothing was saved")
    expect(page.get_by_label("Numbers")).to_have_value("abc")
    assert members.recipients.filter(msisdn=number(30)).exists()
    assert_shown_page_is_clean(page)


class TestFilter:
    def test_each_field_offers_what_fits_it(
        self, open_page: OpenPage, site: str, bob: User, members: RecipientList
    ) -> None:
        page = open_page(width=390, height=844, dark=True, user=bob, base_url=site)
        page.goto(f"/lists/{members.pk}/")
        page.get_by_text("Filter", exact=True).click()
        field, compare, value = (
            page.get_by_label(f"{what} of condition 1", exact=True)
            for what in ("Field", "Comparison", "Value")
        )
        field.select_option("Kind of number")
        offered = ["is", "is not", "is one of", "is empty", "is not empty"]
        assert compare.locator("option").all_inner_texts() == offered
        value.select_option("Landline or mobile")
        compare.select_option("is empty")
        expect(value).to_be_hidden()
        field.select_option("Added")
        offered = ["is", "is before", "is after", "is in the last … days"]
        assert compare.locator("option").all_inner_texts() == offered
        expect(value).to_have_attribute("type", "date")
        compare.select_option("is in the last … days")
        expect(value).to_have_attribute("type", "text")
        field.select_option("Time zone")
        value.select_option("Europe/London")
        compare.select_option("begins with")
        expect(value).to_have_attribute("type", "text")
        field.select_option("city")
        compare.select_option("is")
        value.fill("Leeds")
        page.get_by_role("button", name="Add a condition").click()
        expect(page.get_by_label("Field of condition 2")).to_be_focused()
        page.get_by_label("Field of condition 2").select_option("Opted out")
        page.get_by_label("Value of condition 2").select_option("No")
        page.get_by_role("button", name="Add a condition").click()
        page.get_by_role("button", name="Remove condition 3").click()
        expect(page.get_by_text("Condition 1", exact=True)).to_be_visible()
        # a control half under the bar at the top counts as too small
        page.evaluate("window.scrollTo(0, 0)")
        assert_shown_page_is_clean(page)
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("6 people match")).to_be_visible()
        assert "field=extra%3Acity&operator=is&value=Leeds&field=opted_out&operator=is&value=no" in page.url
        expect(page.get_by_label("Value of condition 2")).to_have_value("no")
        page.get_by_role("button", name="Remove condition 1").click()
        expect(page.get_by_label("Field of condition 1")).to_have_value("opted_out")
        assert watch_of(page).errors == []

    def test_without_scripts(self, open_page: OpenPage, site: str, bob: User, members: RecipientList) -> None:
        page = open_page(javascript=False, user=bob, base_url=site)
        page.goto(f"/lists/{members.pk}/?field=kind&operator=is&value=fixed_line_or_mobile")
        expect(page.get_by_label("Value of condition 1")).to_have_value("fixed_line_or_mobile")
        page.get_by_role("button", name="Add a condition").click()
        page.get_by_label("Field of condition 2").select_option("city")
        page.get_by_label("Value of condition 2").fill("York")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text(shown(1))).to_be_visible()
        expect(page.get_by_text(shown(2))).to_have_count(0)
        page.get_by_role("button", name="Remove condition 2").click()
        expect(page.get_by_text(shown(2))).to_be_visible()
        expect(page.get_by_label("Field of condition 2")).to_have_count(0)
        page.get_by_label("Comparison of condition 1").select_option("is not empty")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("takes no value here")).to_be_visible()

    def test_a_wide_list_shows_every_column(
        self, open_page: OpenPage, site: str, bob: User, members: RecipientList
    ) -> None:
        page = open_page(user=bob, base_url=site)
        page.goto(f"/lists/{members.pk}/")
        edit = page.get_by_role("link", name=f"Edit {shown(0)}")
        box = edit.bounding_box()
        assert box and box["x"] + box["width"] <= 1440 - 24
        assert overflow(page, 1440) <= 0
