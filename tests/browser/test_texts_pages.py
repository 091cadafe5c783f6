"""Templates and word spinners in a real browser: full, empty and read-only; what the editor's script does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft
from messaging.models import Template, WordSpinner
from messaging.texts.spinners import create_spinner, token_of
from messaging.texts.templates import create_template
from tests.browser.support import NARROW, WIDE, assert_page_is_clean, assert_shown_page_is_clean

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
LOOKS = pytest.mark.parametrize(
    ("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide", "narrow-dark"]
)


@pytest.fixture
def spinner(acme: Workspace) -> WordSpinner:
    words = [("Hello", 3), ("Good morning to you all", 1), ("Ça va, garçon", 2), ("Hi\u200b", 1)]
    create_spinner(workspace=acme, actor=Actor(), name="Closing", words=[("Bye", 1), ("See you", 1)])
    return create_spinner(workspace=acme, actor=Actor(), name="Greeting", words=words)[0]


@pytest.fixture
def template(acme: Workspace, spinner: WordSpinner) -> Template:
    text = (
        f"{token_of(spinner)} {{{{first_name|there}}}}, your table is ready at eight. "
        + "Bring friends. " * 6
    )
    made = create_template(workspace=acme, actor=Actor(), name="Table ready", text=text)
    wrong = f"Hi {{{{frist_name}}}}, “welcome” {token_of(spinner)}"
    create_template(workspace=acme, actor=Actor(), name="Not yet right", text=wrong)
    create_draft(workspace=acme, actor=Actor(), template=made)
    return made


@LOOKS
def test_it_works(
    open_page: OpenPage,
    site: str,
    bob: User,
    spinner: WordSpinner,
    template: Template,
    size: tuple[int, int],
    dark: bool,
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=bob, base_url=site)
    for address in (
        "/templates/",
        "/templates/?q=nothing",
        "/templates/new/",
        f"/templates/{template.pk}/",
        f"/templates/{template.pk + 1}/",
        "/spinners/",
        "/spinners/new/",
        f"/spinners/{spinner.pk}/",
        f"/spinners/{spinner.pk}/draws/",
        "/broadcasts/new/",
        f"/broadcasts/{Broadcast.objects.get().pk}/template/",
    ):
        assert_page_is_clean(page, site + address)


def test_empty(open_page: OpenPage, site: str, bob: User) -> None:
    page = open_page(user=bob, base_url=site)
    for address in ("/templates/", "/spinners/"):
        assert_page_is_clean(page, site + address)


def test_read_only(
    open_page: OpenPage, site: str, victor: User, spinner: WordSpinner, template: Template
) -> None:
    page = open_page(user=victor, base_url=site)
    for address in (f"/templates/{template.pk}/", f"/spinners/{spinner.pk}/"):
        assert_page_is_clean(page, site + address)


def test_the_editor_counts_inserts_and_marks(
    open_page: OpenPage, site: str, bob: User, spinner: WordSpinner
) -> None:
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/templates/new/")
    text = page.get_by_label("Text", exact=True)
    text.fill("x" * 140 + " ")
    expect(page.locator("#text-count")).to_contain_text("19 left in this part")
    page.get_by_role("button", name="Insert a token").click()
    page.get_by_role("menuitem", name="Greeting").click()
    expect(text).to_have_value("x" * 140 + " " + token_of(spinner))
    expect(page.locator("#effect")).to_contain_text("1 to 3 parts")
    expect(page.locator("#preview")).not_to_contain_text("word_spinner")
    text.fill("Hi {{frist_name}}")
    expect(page.locator("[data-marks] mark")).to_have_text("{{frist_name}}")
    expect(page.locator("#effect")).to_contain_text("Line 1, column 4")
    assert_shown_page_is_clean(page)
    page.get_by_label("Name").fill("Kept")
    page.get_by_role("button", name="Save the template").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kept")


def test_draws_come_in_place(open_page: OpenPage, site: str, bob: User, spinner: WordSpinner) -> None:
    page = open_page(user=bob, base_url=site)
    page.goto(f"{site}/spinners/{spinner.pk}/")
    page.get_by_role("button", name="Draw five").click()
    expect(page.locator("#draws li")).to_have_count(5)
    expect(page).to_have_url(f"{site}/spinners/{spinner.pk}/")
    page.get_by_label("Sample text").fill("no token")
    page.get_by_role("button", name="Five more").click()
    expect(page.locator("#draws")).to_contain_text("does not name this spinner")
    assert_shown_page_is_clean(page)
