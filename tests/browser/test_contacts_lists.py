"""Pages of lists in a real browser: filters, people who are ticked, jobs on their way and done, merging."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts import people
from contacts.models import ListJob, RecipientList
from contacts.people import Sought, look_through_all
from contacts.services import list_job_runner, list_jobs
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from tests.browser.support import assert_page_is_clean, assert_shown_page_is_clean, watch_of
from tests.contacts.support import NOBODY, list_named, number, shown

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
SHAPES = pytest.mark.parametrize(
    ("width", "height", "dark"), [(1440, 900, False), (390, 844, True)], ids=["wide-light", "narrow-dark"]
)
PEOPLE = 60
FILTER = "match=all&field=extra%3Acity&operator=is&value=Leeds"


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    """Sixty people; every second lives in Leeds."""
    rows = [
        Person(
            f"+{number(n)}",
            {"first_name": f"Person {n}", "email": f"person{n}@example.com"},
            {"city": "York" if n % 2 else "Leeds"},
        )
        for n in range(PEOPLE)
    ]
    return list_named(acme, people=rows)


@pytest.fixture
def bob_page(open_page: OpenPage, site: str, bob: User) -> Page:
    return open_page(user=bob, base_url=site)


class TestEveryPage:
    @SHAPES
    def test_a_list_with_its_filter_open(
        self,
        open_page: OpenPage,
        site: str,
        bob: User,
        members: RecipientList,
        width: int,
        height: int,
        dark: bool,
    ) -> None:
        page = open_page(width=width, height=height, dark=dark, user=bob, base_url=site)
        assert_page_is_clean(page, f"/lists/{members.pk}/")
        page.get_by_text("Filter", exact=True).click()
        expect(page.get_by_label("Field of condition 1")).to_be_visible()
        page.get_by_label(f"Select {shown(0)}").check()
        expect(page.locator("[data-bulk]")).to_contain_text("1 selected")
        assert_shown_page_is_clean(page)
        assert_page_is_clean(page, f"/lists/{members.pk}/?{FILTER}")

    @SHAPES
    def test_a_new_list_of_pasted_numbers(
        self,
        open_page: OpenPage,
        site: str,
        bob: User,
        acme: Workspace,
        width: int,
        height: int,
        dark: bool,
    ) -> None:
        page = open_page(width=width, height=height, dark=dark, user=bob, base_url=site)
        assert_page_is_clean(page, "/lists/new/")
        page.get_by_label("Name").fill("Pasted")
        page.get_by_label("Numbers").fill("07400 123456, 12")
        page.get_by_label("Country when none is given").select_option(label="United Kingdom (+44)")
        page.get_by_role("button", name="Make the list").click()
        expect(page.get_by_text("1 person would be on the list.")).to_be_visible()
        expect(page.get_by_label("Country when none is given")).to_have_value("GB")
        assert_shown_page_is_clean(page)
        page.get_by_role("button", name="Make the list with 1 person").click()
        expect(page.get_by_text("Pasted is ready, with 1 person.")).to_be_visible()

    @SHAPES
    def test_a_job_on_its_way_and_done(
        self,
        open_page: OpenPage,
        site: str,
        bob: User,
        members: RecipientList,
        monkeypatch: pytest.MonkeyPatch,
        width: int,
        height: int,
        dark: bool,
    ) -> None:
        monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
        wish = Wish("copy", new_list="Copy of all")
        job = list_jobs.start_job(sought=Sought(members), wish=wish, actor=NOBODY)
        ListJob.objects.filter(pk=job.pk).update(done=20, counts={"copied": 18, "there_already": 2})
        page = open_page(width=width, height=height, dark=dark, user=bob, base_url=site)
        page.goto(f"/lists/{members.pk}/jobs/{job.pk}/")
        expect(page.get_by_text("20 of 60 people looked through")).to_be_visible()
        assert_shown_page_is_clean(page)
        ListJob.objects.filter(pk=job.pk).update(done=0, counts={})
        list_job_runner.run_job(job.pk)
        expect(page.get_by_text("60 copied")).to_be_visible()
        expect(page.get_by_role("link", name="To Copy of all")).to_be_visible()
        assert_page_is_clean(page, f"/lists/{members.pk}/jobs/{job.pk}/")

    @SHAPES
    def test_the_form_that_merges(
        self,
        open_page: OpenPage,
        site: str,
        bob: User,
        acme: Workspace,
        members: RecipientList,
        width: int,
        height: int,
        dark: bool,
    ) -> None:
        other = list_named(acme, "Newsletter", [Person(f"+{number(n)}") for n in range(50, 70)])
        page = open_page(width=width, height=height, dark=dark, user=bob, base_url=site)
        page.goto("/lists/")
        for name in ("Members", "Newsletter"):
            page.get_by_label(f"Select {name}").check()
        assert_shown_page_is_clean(page)
        page.get_by_role("button", name="Merge").click()
        page.wait_for_url(f"**/lists/merge/?list={other.pk}&list={members.pk}")
        assert_shown_page_is_clean(page)
        page.get_by_role("link", name="Move up: Members").click()
        page.get_by_role("button", name="Merge").click()
        expect(page.locator("[data-error-summary]")).to_contain_text("Say where they go")
        assert_shown_page_is_clean(page)
        page.get_by_label("Name of the new list").fill("Everybody")
        page.get_by_role("button", name="Merge").click()
        expect(page.get_by_text("70 copied")).to_be_visible()
        expect(page.get_by_text("10 there already, left as they were")).to_be_visible()
        assert_shown_page_is_clean(page)

    @SHAPES
    def test_the_count_that_is_typed(
        self,
        open_page: OpenPage,
        site: str,
        bob: User,
        members: RecipientList,
        monkeypatch: pytest.MonkeyPatch,
        width: int,
        height: int,
        dark: bool,
    ) -> None:
        for module in ("contacts.services.list_jobs", "contacts.forms"):
            monkeypatch.setattr(f"{module}.AGREED_ABOVE", 20)
        for name in ("WINDOW", "SQLITE_WINDOW"):
            monkeypatch.setattr(f"contacts.people.{name}", 25)
        page = open_page(width=width, height=height, dark=dark, user=bob, base_url=site)
        page.goto(f"/lists/{members.pk}/jobs/new/?{FILTER}&kind=remove")
        typed = page.get_by_label("Type 30 to confirm the count")
        expect(typed).to_be_visible()
        assert_shown_page_is_clean(page)
        typed.fill("29")
        page.get_by_role("button", name="Remove them from this list").click()
        expect(page.locator("[data-error-summary]")).to_contain_text("Type 30.")
        assert_shown_page_is_clean(page)
        typed.fill("30")
        page.get_by_role("button", name="Remove them from this list").click()
        expect(page.get_by_text("30 removed")).to_be_visible()
        members.refresh_from_db()
        assert members.recipient_count == members.recipients.count() == 30


def test_ticked_people_are_copied(bob_page: Page, acme: Workspace, members: RecipientList) -> None:
    bob_page.goto(f"/lists/{members.pk}/?{FILTER}")
    every = bob_page.get_by_role("link", name="Select all who match")
    for n in (2, 4):
        bob_page.get_by_label(f"Select {shown(n)}").check()
    expect(every).to_have_count(0)
    bob_page.get_by_label("What to do with those ticked").select_option("Copy to a list")
    bob_page.get_by_role("button", name="Go on").click()
    expect(bob_page.get_by_text("2 people who were ticked")).to_be_visible()
    assert_shown_page_is_clean(bob_page)
    bob_page.get_by_label("Name").fill("Two")
    bob_page.get_by_role("button", name="Copy them to a list").click()
    expect(bob_page.get_by_text("2 copied")).to_be_visible()
    copied = acme.recipient_lists.get(name="Two").recipients.values_list("msisdn", flat=True)
    assert set(copied) == {number(2), number(4)}
    assert watch_of(bob_page).errors == []


def test_all_of_the_page_offer_all_who_match(bob_page: Page, members: RecipientList) -> None:
    bob_page.goto(f"/lists/{members.pk}/")
    bob_page.get_by_label("Select all on this page").check()
    expect(bob_page.locator("[data-bulk]")).to_contain_text("50 selected")
    bob_page.get_by_role("link", name="Select all 60 that match").click()
    expect(bob_page.get_by_role("heading", name="Everybody on the list")).to_be_visible()
    expect(bob_page.get_by_role("link", name="Copy them to a list")).to_be_visible()


def test_ticked_people_without_scripts(
    open_page: OpenPage, site: str, bob: User, acme: Workspace, members: RecipientList
) -> None:
    page = open_page(javascript=False, user=bob, base_url=site)
    page.goto(f"/lists/{members.pk}/")
    expect(page.get_by_role("link", name="Select all 60 that match")).to_be_visible()
    page.get_by_label(f"Select {shown(3)}").check()
    page.get_by_label("What to do with those ticked").select_option("Move to a list")
    page.get_by_role("button", name="Go on").click()
    page.get_by_label("Name").fill("One")
    page.get_by_role("button", name="Move them to a list").click()
    expect(page.get_by_text("1 moved")).to_be_visible()
    assert acme.recipient_lists.get(name="One").recipients.get().msisdn == number(3)
    page.goto(f"/lists/{members.pk}/")
    page.get_by_label(f"Select {shown(5)}").check()
    page.get_by_role("button", name="Remove from the list").click()
    expect(page.get_by_text("Removed 1 person.")).to_be_visible()
    assert members.recipients.count() == PEOPLE - 2


def test_a_search_of_a_long_list_answers_with_rows_and_count(
    bob_page: Page, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the first window; nobody takes the place of the table, so that the next word finds it again."""
    monkeypatch.setattr(people, "WINDOW", 10)
    monkeypatch.setattr(people, "SQLITE_WINDOW", 10)
    bob_page.goto(f"/lists/{members.pk}/")
    field, count = bob_page.get_by_role("searchbox"), bob_page.locator("#people-count")
    for words, found, number_of_rows in (
        ("person5", "11 people match.", 11),
        ("person59", "1 person matches.", 1),
        ("zzyzx", "", 0),
        ("person58", "1 person matches.", 1),
    ):
        field.fill(words)
        if found:
            expect(count).to_have_text(found)
        else:
            expect(bob_page.get_by_text("Nobody matches")).to_be_visible()
        expect(bob_page.locator("#people [name=selected]")).to_have_count(number_of_rows)
    assert not watch_of(bob_page).errors


def test_looking_for_what_was_typed_before_is_given_up(
    bob_page: Page, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "WINDOW", 10)
    monkeypatch.setattr(people, "SQLITE_WINDOW", 10)
    asked, answered = threading.Event(), threading.Event()

    def slowly(sought: Sought, **more: Any) -> Any:
        if sought.words == "zzyzx":
            asked.set()
            answered.wait(10)
        return look_through_all(sought, **more)

    monkeypatch.setattr("contacts.views.lists.look_through_all", slowly)
    ended: list[str] = []
    bob_page.on("requestfailed", lambda request: ended.append(request.url))
    bob_page.goto(f"/lists/{members.pk}/")
    field, count = bob_page.get_by_role("searchbox"), bob_page.locator("#people-count")
    field.fill("zzyzx")
    expect(count).to_have_text("Looking through the list.")
    assert asked.wait(10)
    field.fill("person59")
    expect(count).to_have_text("1 person matches.")
    answered.set()
    expect(bob_page.locator("#people [name=selected]")).to_have_count(1)
    [given_up] = [url for url in ended if "room=" in url]
    assert "q=zzyzx" in given_up


def test_countries_of_a_filter_stand_by_name(bob_page: Page, members: RecipientList) -> None:
    bob_page.goto(f"/lists/{members.pk}/")
    bob_page.get_by_text("Filter", exact=True).click()
    bob_page.get_by_label("Field of condition 1").select_option("country")
    value = bob_page.get_by_label("Value of condition 1")
    expect(value.locator("option").nth(1)).to_have_text("Afghanistan (+93)")
    value.select_option(label="United States (+1)")
    bob_page.get_by_role("button", name="Apply").click()
    expect(
        bob_page.get_by_text("At least 50 people match.").or_(bob_page.get_by_text("60 people match."))
    ).to_be_visible()
    expect(bob_page.get_by_label("Value of condition 1").locator("option:checked")).to_have_text(
        "United States (+1)"
    )
