"""The pages of checking, replacing and undoing an import, as a browser shows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from accounts.models import User, Workspace
from contacts.models import ExistingNumbers
from contacts.services.lists import Person
from tests.browser.support import assert_page_is_clean
from tests.contacts.support import checked, list_named, number, ran, upload

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
