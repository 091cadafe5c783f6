"""Pages of lists and people."""

import csv
import html
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from contacts import people
from contacts.models import Recipient, RecipientList
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import list_named, number, shown

PEOPLE = [
    Person(f"+{number(0)}", {"first_name": "Ann", "email": "ann@example.com"}, {"city": "Leeds"}),
    Person(f"+{number(1)}", {"first_name": "Bob", "last_name": "=cmd()"}),
    Person(f"+{number(100)}", {"first_name": "Cy"}),
]


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    return list_named(acme, people=PEOPLE)


def text_of(client: Client, url: str, **headers: str) -> str:
    return client.get(url, headers=headers).content.decode()


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(reverse("recipient-list-list"), {"name": "Members"})
    made = RecipientList.objects.get(workspace=acme)
    assert response.url == reverse("recipient-list-detail", args=[made.pk])
    added = bob_client.post(response.url, {"msisdn": "(201) 555-0100", "first_name": "Ann"}, follow=True)
    page = added.content.decode()
    assert f"Added +{number(0)}." in page
    assert "1 person" in page
    assert f"{shown(0)}</a>" in page


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("recipient-list-list", {}),
        ("recipient-list-detail", {}),
        ("recipient-list-export", {"wrong_method": "post"}),
        ("recipient-list-count", {"wrong_method": "post"}),
        ("recipient-list-rename", {"viewer": 403, "marketer": 200}),
    ],
)
def test_access(members: RecipientList, name: str, options: dict[str, Any]) -> None:
    args = [] if name == "recipient-list-list" else [members.pk]
    assert_access(reverse(name, args=args), **options)


@pytest.mark.parametrize(
    "name", ["recipient-list-enabled", "recipient-list-remove", "recipient-list-restore"]
)
def test_access_to_changes(members: RecipientList, name: str) -> None:
    url = reverse(name, args=[members.pk])
    assert_access(url, "post", viewer=403, marketer=302, wrong_method="get", data={"on": "1"})


def test_access_to_a_person(members: RecipientList) -> None:
    person = members.recipients.first()
    assert person is not None
    assert_access(reverse("recipient-edit", args=[members.pk, person.pk]), viewer=403, marketer=200)


def test_viewers_cannot_add(victor_client: Client, members: RecipientList) -> None:
    for url in (reverse("recipient-list-list"), reverse("recipient-list-detail", args=[members.pk])):
        assert victor_client.post(url, {"name": "x", "msisdn": "+12015550150"}).status_code == 403
    page = text_of(victor_client, reverse("recipient-list-detail", args=[members.pk]))
    assert "Add a person" not in page
    assert "Remove from the list" not in page


def test_a_person_of_another_list_is_not_found(
    bob_client: Client, members: RecipientList, other: Workspace
) -> None:
    foreign = list_named(other, people=[Person(f"+{number(5)}")]).recipients.get()
    assert bob_client.get(reverse("recipient-edit", args=[members.pk, foreign.pk])).status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"msisdn": "12"}, "“12” has too few digits for a number in US: add the missing ones."),
        ({"msisdn": "(201) 555-0100"}, f"+{number(0)} is on this list already. Search for it to edit it."),
        ({"msisdn": ""}, "Number is empty. Fill it in."),
        ({"msisdn": "+12015550150", "first_name": "x" * 51}, "at most 50 fit. Shorten it."),
    ],
)
def test_adding_says_what_is_wrong(
    bob_client: Client, members: RecipientList, data: dict[str, str], words: str
) -> None:
    response = bob_client.post(reverse("recipient-list-detail", args=[members.pk]), data)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert members.recipients.count() == 3


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["Ann", "Bob", "Cy"]),
        ("+1 (201) 555-010", ["Ann", "Bob"]),
        ("1202", ["Cy"]),
        ("(201) 555-010", ["Ann", "Bob"]),
        ("001 202", ["Cy"]),
        ("202", ["Cy"]),
        ("ANN", ["Ann"]),
        ("example.com", ["Ann"]),
        ("nobody", []),
        ("+", []),
    ],
)
def test_search(bob_client: Client, members: RecipientList, words: str, found: list[str]) -> None:
    url = reverse("recipient-list-detail", args=[members.pk])
    response = bob_client.get(url, {"q": words}, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert [name for name in ("Ann", "Bob", "Cy") if f">{name}</td>" in page] == found
    assert "<html" not in page
    assert "HX-Request" in response.headers["Vary"]
    assert ("Nobody matches" in page) is (not found)


def test_pages_are_by_number(
    bob_client: Client, acme: Workspace, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    members = list_named(acme, people=[Person(f"+{number(n)}") for n in range(120)])
    url = reverse("recipient-list-detail", args=[members.pk])
    with django_assert_max_num_queries(7):
        page = text_of(bob_client, url)
    assert page.count('name="selected"') == 50
    assert f"{shown(0)}</a>" in page
    assert f"?after={number(49)}" in page
    second = text_of(bob_client, f"{url}?after={number(49)}")
    assert f"{shown(50)}</a>" in second
    assert f"?before={number(50)}" in second
    back = text_of(bob_client, f"{url}?before={number(50)}")
    assert back.count('name="selected"') == 50
    assert f"{shown(0)}</a>" in back
    assert "?before=" not in back


FILTER = "match=all&field=first_name&operator=is&value=Ann"


@pytest.fixture
def many(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> RecipientList:
    """A hundred people looked through by tens; every twentieth is Ann."""
    monkeypatch.setattr(people, "WINDOW", 10)
    monkeypatch.setattr(people, "SQLITE_WINDOW", 10)
    rows = [Person(f"+{number(n)}", {"first_name": "" if n % 20 else "Ann"}) for n in range(100)]
    return list_named(acme, "Many", rows)


def test_a_filter_looks_on_window_by_window(
    bob_client: Client, many: RecipientList, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    address, found, looks = f"?{FILTER}", [], 0
    while address:
        with django_assert_max_num_queries(7):
            page = text_of(bob_client, f"/lists/{many.pk}/{address}", **{"HX-Request": "true"})
        found += re.findall(r'name="selected" value="(\d+)"', page)
        more = re.search(r'<tr hx-get="/lists/\d+/([^"]+)"', page)
        address, looks = (html.unescape(more[1]) if more else ""), looks + 1
    assert looks == 11
    assert len(found) == len(set(found)) == 5
    assert "That is everybody who matches." in page


def test_a_filter_works_without_scripts(bob_client: Client, many: RecipientList) -> None:
    page = text_of(bob_client, f"/lists/{many.pk}/?{FILTER}")
    assert page.count('name="selected"') == 1
    assert "10 people looked through so far." in page
    assert f'<noscript><a href="?{html.escape(FILTER)}&amp;after={number(9)}">' in page
    assert "First name" in page


def test_matches_are_counted_window_by_window(
    bob_client: Client, many: RecipientList, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    url, texts = reverse("recipient-list-count", args=[many.pk]), []
    address = f"?{FILTER}"
    while address:
        with django_assert_max_num_queries(7):
            page = text_of(bob_client, url + address)
        texts.append(re.sub("<[^>]+>", "", page).strip())
        more = re.search(r'hx-get="[^"?]+([^"]+)"', page)
        address = html.unescape(more[1]) if more else ""
    assert texts[2] == "2 so far, of 30 looked through"
    assert texts[-1] == "5 match"


def test_a_filter_that_cannot_be_is_refused_in_words(bob_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-detail", args=[members.pk])
    response = bob_client.get(f"{url}?field=created_at&operator=is&value=soon")
    assert response.status_code == 422
    assert "Condition 1: “soon” is no day." in response.content.decode()
    assert 'value="soon"' in response.content.decode()


def test_nobody_matches_a_filter(bob_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-detail", args=[members.pk])
    page = text_of(bob_client, f"{url}?field=extra:city&operator=is&value=Bath")
    assert "Nobody on this list is such that: city is Bath." in page


def test_an_edit_keeps_what_was_entered_when_it_is_refused(
    bob_client: Client, members: RecipientList
) -> None:
    person = members.recipients.get(msisdn=number(0))
    url = reverse("recipient-edit", args=[members.pk, person.pk])
    refused = bob_client.post(url, {"first_name": "Anna", "time_zone": "Mars/Olympus"})
    assert refused.status_code == 422
    assert "Mars/Olympus is not a time zone" in refused.content.decode()
    assert 'value="Anna"' in refused.content.decode()
    assert bob_client.post(url, {"first_name": "Anna", "extra:city": "York"}).status_code == 302
    person.refresh_from_db()
    assert (person.first_name, person.email, person.extra) == ("Anna", "", {"city": "York"})


def test_removal_can_be_undone_once(bob_client: Client, members: RecipientList) -> None:
    ids = list(members.recipients.order_by("pk").values_list("pk", flat=True))[:2]
    remove = reverse("recipient-list-remove", args=[members.pk])
    restore = reverse("recipient-list-restore", args=[members.pk])
    page = bob_client.post(remove, {"selected": [*ids, "x"]}, follow=True).content.decode()
    assert "Removed 2 people." in page
    assert restore in page
    assert members.recipients.count() == 1
    assert "Put 2 people back." in bob_client.post(restore, follow=True).content.decode()
    assert members.recipients.get(pk=ids[0]).extra == {"city": "Leeds"}
    assert "nothing to put back" in bob_client.post(restore, follow=True).content.decode()


def test_nobody_is_removed_unless_chosen(bob_client: Client, members: RecipientList) -> None:
    remove = reverse("recipient-list-remove", args=[members.pk])
    page = bob_client.post(remove, {"query": "q=1201"}, follow=True)
    assert "Nobody was removed" in page.content.decode()
    assert page.redirect_chain[-1][0] == f"/lists/{members.pk}/?q=1201"
    assert members.recipients.count() == 3


def test_renaming_and_disabling(bob_client: Client, acme: Workspace, members: RecipientList) -> None:
    list_named(acme, "Taken")
    url = reverse("recipient-list-rename", args=[members.pk])
    refused = bob_client.post(url, {"name": "taken"})
    assert refused.status_code == 422
    assert "There is a list named taken already" in refused.content.decode()
    bob_client.post(url, {"name": "Friends"})
    bob_client.post(reverse("recipient-list-enabled", args=[members.pk]), {"on": "0"})
    members.refresh_from_db()
    assert (members.name, members.enabled) == ("Friends", False)


def test_the_export_can_be_opened_without_harm_and_imported_again(
    victor_client: Client, members: RecipientList
) -> None:
    response = victor_client.get(reverse("recipient-list-export", args=[members.pk]))
    assert response.headers["Content-Disposition"] == 'attachment; filename="members.csv"'
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    rows = list(csv.DictReader(io.StringIO(body)))
    assert [row["number"] for row in rows] == [f"+{number(n)}" for n in (0, 1, 100)]
    assert (rows[0]["first_name"], rows[0]["city"]) == ("Ann", "Leeds")
    assert rows[1]["last_name"] == "'=cmd()"


def test_the_pages_of_an_empty_workspace_teach(bob_client: Client, acme: Workspace) -> None:
    assert "No list yet" in text_of(bob_client, reverse("recipient-list-list"))
    made = list_named(acme)
    assert "Nobody on this list yet" in text_of(bob_client, reverse("recipient-list-detail", args=[made.pk]))
    assert "No list matches" in text_of(bob_client, reverse("recipient-list-list") + "?q=zzz")


def test_lists_of_others_are_not_shown(charlie_client: Client, charlie: User, members: RecipientList) -> None:
    assert "Members" not in text_of(charlie_client, reverse("recipient-list-list"))
    assert Recipient.objects.count() == 3
