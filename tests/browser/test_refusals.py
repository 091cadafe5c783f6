"""What pages say in a real browser: long values without a blank, NUL characters, and news without script."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast
from campaigns.services.drafts import create_draft
from tests.browser.support import LASTING_OVERFLOW, NARROW, WIDE
from tests.messaging.links.makers import make_link

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OpenPage = Callable[..., Page]
LONG = "x" * 161
FORMS = [
    ("/spinners/new/", {"name": "Long", "words": LONG}),
    ("/links/new/", {"name": "Long", "url": "ftp://" + "x" * 80}),
    ("/links/new/", {"name": "Long", "url": "https://10.0.0.1/" + LONG}),
]


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (NARROW, True)], ids=["wide-light", "narrow-dark"])
def test_a_long_value_that_is_quoted_makes_no_page_wider(
    open_page: OpenPage, site: str, alice: User, size: tuple[int, int], dark: bool
) -> None:
    page = open_page(width=size[0], height=size[1], dark=dark, user=alice, base_url=site)
    for address, values in FORMS:
        page.goto(address)
        for name, value in values.items():
            page.locator(f"main [name={name}]").fill(value)
        page.locator("main form button:visible").last.click()
        expect(page.locator("[data-error-summary]")).to_be_visible()
        assert page.evaluate(LASTING_OVERFLOW) <= 0, (address, values)


def test_without_script_news_stands_in_the_page(
    open_page: OpenPage, site: str, alice: User, acme: Workspace
) -> None:
    link = make_link(acme)
    page = open_page(width=NARROW[0], height=NARROW[1], user=alice, base_url=site, javascript=False)
    page.goto(f"/links/{link.pk}/")
    page.locator("main [name=name]").fill("Renamed")
    page.locator("main form button").filter(has_text="Save").first.click()
    toast = page.locator(".toaster .toast").first.bounding_box()
    assert toast is not None
    entries = page.locator("[data-popover] a:visible, [data-popover] button:visible").all()
    assert entries
    for entry in entries:
        box = entry.bounding_box()
        assert box is not None
        assert box["y"] >= toast["y"] + toast["height"] or box["y"] + box["height"] <= toast["y"]
    assert toast["x"] >= 0
    assert toast["x"] + toast["width"] <= NARROW[0]


def test_the_composer_counts_links_before_anybody_is_chosen(
    open_page: OpenPage, site: str, alice: User, acme: Workspace
) -> None:
    link = make_link(acme)
    draft = create_draft(workspace=acme, actor=Actor(user=alice))
    page = open_page(width=WIDE[0], height=WIDE[1], user=alice, base_url=site)
    page.goto(f"/broadcasts/{draft.pk}/edit/")
    text = "x" * 100 + f" {{{{link:{link.pk}}}}} {{{{unsubscription_link}}}} {{{{first_name}}}}"
    page.locator("#id_text").fill(text)
    for _state in ("typed", "saved"):
        expect(page.locator("#preview")).to_contain_text("/zzzzzzzz ")
        expect(page.locator("#preview")).to_contain_text("/o/zzzzzzzz Alice")
        assert "{{" not in page.locator("#preview").inner_text()
        shown = page.locator("#preview").inner_text()
        expect(page.locator("[data-units]")).to_have_text(f"{len(shown)} characters")
        expect(page.locator("[data-saved-word]")).to_have_text("Saved")


def test_a_nul_in_the_composer_is_named_and_kept(
    open_page: OpenPage, site: str, alice: User, draft: Broadcast
) -> None:
    page = open_page(width=NARROW[0], height=NARROW[1], user=alice, base_url=site)
    page.goto(f"/broadcasts/{draft.pk}/edit/")
    page.locator("#id_text").evaluate(
        "(area) => { area.value = 'Hi\\nab\\0c'; area.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    expect(page.locator("#id_text_wrong")).to_contain_text("NUL character in line 2, column 3")
    expect(page.locator("#token-errors")).to_contain_text("Line 2, column 3: This character is no text.")
    assert page.locator("#save-trouble").inner_text() == ""
    assert page.locator("[data-saved-word]").inner_text() != "Saved"
    assert page.locator("#id_text").input_value() == "Hi\nab\0c"
    assert page.evaluate(LASTING_OVERFLOW) <= 0
    page.locator("#id_text").fill("Hi\nabc")
    expect(page.locator("[data-saved-word]")).to_have_text("Saved")
    expect(page.locator("#id_text_wrong")).to_have_count(0)
