"""The pages of checking, replacing and undoing an import, as a browser shows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import ExistingNumbers, Import, OptOutHow
from contacts.services import import_undo
from contacts.services.lists import Person
from contacts.services.opt_outs import opt_out
from tests.browser.support import assert_page_is_clean, assert_shown_page_is_clean
from tests.contacts.support import checked, list_named, number, ran, shown, upload

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_pages_are_clean(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    members = list_named(acme, people=[Person(f"+{number(n)}", {"first_name": "Old"}) for n in range(30)])
    text = (
        f"Full name,Mobile,Phone 2\nJan van der Berg,n/a,+{number(0)}\nAnn Lee,+442079460000,\n"
        f"Bea Ray,+19002345678,\nCy Fox,+{number(40)},\nDee Roe,4.91E+11,\n"
    )
    done = ran(checked(upload(acme, text, "done.csv"), to=members, existing=ExistingNumbers.REPLACE))
    other = list_named(acme, "Others", people=[Person(f"+{number(n)}") for n in range(3)])
    replacing = checked(upload(acme, text, "replace.csv"), to=other, existing=ExistingNumbers.REPLACE)
    guessed = upload(acme, text, "third.csv")
    guessed.mapping = ["first_name", "msisdn", ""]
    ran(checked(guessed, mapping=guessed.mapping))
    recalled = upload(acme, text, "fourth.csv")
    person = members.recipients.get(msisdn="442079460000")
    addresses = [
        reverse("import-columns", args=[recalled.pk]),
        reverse("import-check", args=[replacing.pk]),
        reverse("import-detail", args=[done.pk]),
        reverse("import-undo", args=[done.pk]),
        reverse("recipient-list-detail", args=[members.pk]),
        reverse("recipient-edit", args=[members.pk, person.pk]),
    ]
    page = open_page(width=width, dark=dark, user=bob, base_url=site)
    for address in addresses:
        assert_page_is_clean(page, site + address)


def checked_with_every_count(acme: Workspace) -> Import:
    """New, updated, unchanged, twice, refused, opted out, with another number, cut, removed."""
    members = list_named(
        acme,
        people=[
            Person(f"+{number(n)}", {"first_name": "Old", "email": "old@example.com"}) for n in range(40)
        ],
    )
    for n in (3, 50):
        opt_out(workspace=acme, msisdn=number(n), how=OptOutHow.STOP)
    people = [
        *(f"+{number(n)},,New,new{n}@example.com" for n in range(2)),
        f"+{number(60)},,Maya,",
        *(f"+{number(n)},,Old,old@example.com" for n in range(2, 26)),
        *(f"+{number(n)},,Zoë," for n in range(41, 70)),
        *(f"+{number(n)},,Twice," for n in (41, 60, 2)),
        f"n/a,+{number(80)},Ann,",
        f"+{number(81)},,{'Maximiliana' * 6},",
        "n/a,,Bea,",
        "4.91E+11,,Cy,",
    ]
    text = "Phone,Phone 2,First name,E-mail\n" + "\n".join(people) + "\n"
    return checked(
        upload(acme, text, "every-count.csv"), to=members, existing=ExistingNumbers.REPLACE, truncate=True
    )


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_the_check_shows_every_count_with_its_rows(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    imported = checked_with_every_count(acme)
    counts = imported.check_counts
    assert all(counts[name] for name in counts.keys() - {"skipped"}), counts
    page = open_page(width=width, dark=dark, user=bob, base_url=site)
    assert_page_is_clean(page, site + reverse("import-check", args=[imported.pk]))
    folded = page.locator(".stats details")
    expect(folded).to_have_count(8)
    for at in range(8):
        folded.nth(at).locator("summary").click()
    expect(page.locator(".stats")).to_contain_text("5, 6, 7")
    expect(page.locator(".stats")).to_contain_text(f"58, first in 29{shown(41)}")
    expect(page.locator("table del").first).to_have_text("Old")
    expect(page.locator("table ins").first).to_have_text("New")
    assert_shown_page_is_clean(page)
    ran(imported)
    assert_page_is_clean(page, site + reverse("import-detail", args=[imported.pk]))
    expect(folded).to_have_count(8)


def test_a_running_undo_refreshes_itself(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User
) -> None:
    imported = ran(checked(upload(acme, f"phone\n+{number(0)}\n+{number(1)}\n")))
    page = open_page(user=bob, base_url=site)
    assert_page_is_clean(page, site + reverse("import-list"))
    page.get_by_role("link", name="Undo people.csv").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("0 of 2 people")).to_be_visible()
    assert_shown_page_is_clean(page)
    Import.objects.update(undo_counts={"removed": 1, "restored": 0, "put_back": 0}, rows_per_second=1)
    expect(page.get_by_text("1 people a second, about 1 second left")).to_be_visible()
    import_undo.undo(imported.pk)
    expect(page.get_by_text("What undoing did")).to_be_visible()
    expect(page.locator("progress")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_a_suggested_country_is_one_press_away(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User, width: int, dark: bool
) -> None:
    imported = upload(acme, "Mobile,Vorname\n01512 3456789,Ann\n01512/3456789,Bea\n")
    page = open_page(width=width, dark=dark, user=bob, base_url=site)
    assert_page_is_clean(page, site + reverse("import-columns", args=[imported.pk]))
    page.get_by_label("Goes to: Vorname").select_option("last_name")
    page.get_by_role("button", name="Choose DE (+49)").click()
    expect(page.get_by_label("Country when none is given")).to_have_value("DE")
    expect(page.get_by_label("Goes to: Vorname")).to_have_value("last_name")
    expect(page.get_by_text("look like numbers of")).to_have_count(0)


def test_enter_takes_no_country(
    open_page: Callable[..., Page], site: str, acme: Workspace, bob: User
) -> None:
    """It presses the first button of a form, which is not the one of the suggestion."""
    imported = upload(acme, "Mobile,Vorname\n01512 3456789,Ann\n01512/3456789,Bea\n")
    page = open_page(user=bob, base_url=site)
    page.goto(site + reverse("import-columns", args=[imported.pk]))
    page.get_by_label("Name of the new list").press("Enter")
    page.wait_for_url(f"**{reverse('import-check', args=[imported.pk])}")
    imported.refresh_from_db()
    assert imported.default_country == "US"
