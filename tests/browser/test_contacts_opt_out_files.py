"""A file of opt-outs, from the page Opt-outs to the report, as a person does it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Import, OptOut
from contacts.services import import_runner, opt_outs
from tests.browser.support import assert_page_is_clean, assert_shown_page_is_clean
from tests.contacts.support import NOBODY, checked_opt_outs, number, ran, upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_it_works(
    open_page: Callable[..., Page],
    site: str,
    acme: Workspace,
    bob: User,
    tmp_path: Path,
    width: int,
    dark: bool,
) -> None:
    rows = "".join(f"+{number(n)};2026-05-{n + 1:02d} 09:30;Stop please;Ann {n}\n" for n in range(20))
    file = tmp_path / "stops.csv"
    file.write_text(
        f"Mobile;Opted out at;Reason;Name\n{rows}+{number(30)};03/05/2026;bye;Bea\n+{number(0)};;;\nn/a;;;\n"
    )
    page = open_page(width=width, dark=dark, user=bob, base_url=site)
    page.goto(reverse("opt-out-list"))
    page.get_by_role("link", name="Import a file").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Import opt-outs")
    assert_shown_page_is_clean(page)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Upload and look at the columns").click()
    expect(page.get_by_text("All are dates")).to_be_visible()
    expect(page.get_by_label("Goes to: Name")).to_have_value("")
    assert_shown_page_is_clean(page)
    page.get_by_label("Goes to: Name").select_option("source")
    page.get_by_label("Goes to: Reason").select_option("")
    page.get_by_role("button", name="Check all rows").click()
    expect(page.get_by_text("The date may be two different days")).to_be_visible()
    assert_shown_page_is_clean(page)
    page.get_by_role("link", name="Back to the columns").click()
    page.get_by_label("Dates such as 03/05/2026").select_option("day_first")
    page.get_by_role("button", name="Check all rows").click()
    page.get_by_role("button", name="Opt out 21 numbers").click()
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    assert_shown_page_is_clean(page)
    import_runner.run_import(Import.objects.get().pk)
    expect(page.get_by_text("What the import did")).to_be_visible()
    expect(page.get_by_text("Opt-outs are not undone as a whole")).to_be_visible()
    assert_shown_page_is_clean(page)
    page.get_by_role("link", name="Open the opt-outs").click()
    expect(page.get_by_text("Ann 0")).to_be_visible()
    assert OptOut.objects.count() == 21


@pytest.mark.parametrize(("width", "dark"), [(1440, True), (390, False)])
def test_other_pages_are_clean(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    rivals = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    text = f"phone,date\n+{number(0)},2026-05-03\n+{number(1)},03/05/2026\n"
    columns = upload(acme, text, "rivals.csv", purpose="unsubscribe", unsubscribe_list=rivals)
    done = ran(checked_opt_outs(upload(acme, text, purpose="unsubscribe", unsubscribe_list=rivals)))
    page = open_page(width=width, dark=dark, user=bob, base_url=site)
    for address in (
        reverse("unsubscribe-list-detail", args=[rivals.pk]),
        f"{reverse('import-new')}?unsubscribe_list={rivals.pk}",
        reverse("import-columns", args=[columns.pk]),
        reverse("import-detail", args=[done.pk]),
        reverse("import-undo", args=[done.pk]),
        reverse("import-list"),
    ):
        assert_page_is_clean(page, site + address)
