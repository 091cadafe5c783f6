"""A list that is made in the browser: empty, or of pasted numbers, which are checked before anything is written."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Workspace
from contacts.models import RecipientList
from contacts.services.opt_outs import opt_out_many
from tests.contacts.support import NOBODY, list_named, number

URL = "/lists/new/"


def text(response: object) -> str:
    return html.unescape(response.content.decode())  # type: ignore[attr-defined]  # a test client's response


def agreed_in(page: str) -> str:
    found = re.search(r'name="agreed" value="(\w+)"', page)
    assert found
    return found[1]


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    opt_out_many(workspace=acme, msisdns=[number(1)], how="person", actor=NOBODY)
    assert f'href="{URL}"' in text(bob_client.get("/lists/"))
    given = {
        "name": "Pasted",
        "numbers": f"+{number(0)}\n+{number(1)}; 07400 123456, 12\n+{number(0)}",
        "default_country": "GB",
    }
    checked = text(bob_client.post(URL, given))
    for words in (
        "3 people would be on the list.",
        "Nothing is written yet.",
        "1 is a number that stands there already: it counts once.",
        "1 of them has opted out",
        "1 cannot be read and stays out.",
        "“12” has too few digits for a number in GB",
        "Make the list with 3 people",
    ):
        assert words in checked
    assert not RecipientList.objects.exists()
    done = bob_client.post(URL, {**given, "agreed": agreed_in(checked)}, follow=True)
    made = RecipientList.objects.get(workspace=acme, name="Pasted")
    assert "Pasted is ready, with 3 people." in text(done)
    numbers = set(made.recipients.values_list("msisdn", flat=True))
    assert numbers == {number(0), number(1), "447400123456"}
    assert made.recipient_count == 3
    assert AuditEntry.objects.filter(action="created", workspace=acme).count() == 1


def test_an_empty_list_is_made_at_once(bob_client: Client, acme: Workspace) -> None:
    done = bob_client.post(URL, {"name": "Empty", "numbers": " \n", "default_country": ""}, follow=True)
    assert "Empty is ready. Add people, or import a file." in text(done)
    assert RecipientList.objects.get(workspace=acme).recipient_count == 0


def test_other_numbers_than_were_agreed_to_are_checked_again(bob_client: Client) -> None:
    given = {"name": "Pasted", "numbers": f"+{number(0)}"}
    agreed = agreed_in(text(bob_client.post(URL, given)))
    again = bob_client.post(URL, {"name": "Pasted", "numbers": f"+{number(1)}", "agreed": agreed})
    assert "1 person would be on the list." in text(again)
    assert not RecipientList.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "", "numbers": ""}, "Name is empty. Fill it in."),
        ({"name": "members", "numbers": ""}, "There is a list named members already."),
        ({"name": "MEMBERS", "numbers": "+12015550100"}, "There is a list named MEMBERS already."),
        ({"name": "New", "numbers": "1\n" * 10_001}, "These are 10,001 numbers; at most 10,000 fit here."),
        ({"name": "New", "default_country": "XX"}, "“XX” cannot be chosen"),
    ],
)
def test_it_says_what_is_wrong(
    bob_client: Client, acme: Workspace, given: dict[str, str], words: str
) -> None:
    list_named(acme)
    refused = bob_client.post(URL, given)
    assert refused.status_code == 422
    assert words in text(refused)
    assert RecipientList.objects.count() == 1


def test_numbers_that_all_cannot_be_read_make_no_list(bob_client: Client) -> None:
    page = text(bob_client.post(URL, {"name": "Pasted", "numbers": "12, 13"}))
    assert "0 people would be on the list." in page
    assert "2 cannot be read and stay out." in page
    assert 'name="agreed"' not in page
    assert "12, 13</textarea>" in page


def test_a_list_is_renamed_disabled_and_enabled_from_its_page(bob_client: Client, acme: Workspace) -> None:
    made = list_named(acme)
    page = text(bob_client.get(f"/lists/{made.pk}/"))
    for name in ("recipient-list-rename", "recipient-list-enabled"):
        assert reverse(name, args=[made.pk]) in page
    bob_client.post(f"/lists/{made.pk}/rename/", {"name": "Friends"})
    for on in (False, True):
        bob_client.post(f"/lists/{made.pk}/enabled/", {"on": str(int(on))})
        made.refresh_from_db()
        assert (made.name, made.enabled) == ("Friends", on)
