"""contacts.services.remembered: the mapping of a file is offered for the next one like it."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import ContactsError
from contacts.models import Import, RememberedMapping
from contacts.services import imports
from tests.access import assert_access
from tests.contacts.support import checked, number, ran, upload

CHOSEN = ["msisdn", "extra:place"]


def file(n: int, header: str = "Phone,Town") -> str:
    return f"{header}\n+{number(n)},Leeds\n"


def first(acme: Workspace) -> Import:
    return ran(checked(upload(acme, file(0)), mapping=CHOSEN))


@pytest.mark.parametrize("header", ["Phone,Town", "phone, TOWN "])
def test_the_next_file_with_these_names_goes_the_same_way(acme: Workspace, header: str) -> None:
    first(acme)
    assert upload(acme, file(1, header)).mapping == CHOSEN


def test_other_files_are_guessed(acme: Workspace, other: Workspace) -> None:
    first(acme)
    assert upload(acme, file(1, "Town,Phone")).mapping != CHOSEN
    assert upload(acme, file(1, "Phone,City")).mapping == ["msisdn", "extra:city"]
    assert upload(other, file(1)).mapping == ["msisdn", "extra:town"]
    assert upload(acme, f"+{number(1)},17\n").mapping[0] == "msisdn"


def test_the_last_choice_counts(acme: Workspace) -> None:
    first(acme)
    ran(checked(upload(acme, file(1)), mapping=["msisdn", "custom"]))
    assert upload(acme, file(2)).mapping == ["msisdn", "custom"]
    assert RememberedMapping.objects.count() == 1


def test_what_was_only_tried_is_not_remembered(acme: Workspace) -> None:
    checked(upload(acme, file(0)), mapping=CHOSEN)
    assert upload(acme, file(1)).mapping == ["msisdn", "extra:town"]


def test_it_can_be_forgotten(acme: Workspace) -> None:
    first(acme)
    again = imports.forget_mapping(imported=upload(acme, file(1)))
    assert again.mapping == ["msisdn", "extra:town"]
    assert upload(acme, file(2)).mapping == ["msisdn", "extra:town"]
    with pytest.raises(ContactsError, match="nothing to forget"):
        imports.forget_mapping(imported=again)


def test_the_page_says_so_and_forgets(bob_client: Client, acme: Workspace) -> None:
    first(acme)
    imported = upload(acme, file(1))
    page, forget = (reverse(name, args=[imported.pk]) for name in ("import-columns", "import-forget"))
    assert_access(forget, "post", viewer=403, wrong_method="get")
    assert "where they went the last time" in bob_client.get(page).content.decode()
    assert bob_client.post(forget).url == page
    assert "where they went the last time" not in bob_client.get(page).content.decode()
