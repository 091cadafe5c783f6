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
    response = bob_client.post(reverse("recipient-list-new"), {"name": "Members"})
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
        ("recipient-list-list", {"wrong_method": "post"}),
        ("recipient-list-new", {"viewer": 403, "marketer": 200}),
        ("recipient-list-detail", {}),
        ("recipient-list-export", {"wrong_method": "post"}),
        ("recipient-list-count", {"wrong_method": "post"}),
        ("recipient-list-rename", {"viewer": 403, "marketer": 200}),
    ],
)
def test_access(members: RecipientList, name: str, options: dict[str, Any]) -> None:
    args = [] if name in ("recipient-list-list", "recipient-list-new") else [members.pk]
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
    for url in (reverse("recipient-list-new"), reverse("recipient-list-detail", args=[members.pk])):
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
HTMX = {"HX-Request": "true"}


@pytest.fixture
def many(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> RecipientList:
    """A hundred people, ten of them in a window; every twentieth is Ann."""
    monkeypatch.setattr(people, "WINDOW", 10)
    monkeypatch.setattr(people, "SQLITE_WINDOW", 10)
    rows = [Person(f"+{number(n)}", {"first_name": "" if n % 20 else "Ann"}) for n in range(100)]
    return list_named(acme, "Many", rows)


@pytest.fixture
def slow(many: RecipientList, monkeypatch: pytest.MonkeyPatch) -> RecipientList:
    """Too many to be looked through in one statement, and a window for each answer."""
    monkeypatch.setattr(people, "LIMIT_SECONDS", 0)
    monkeypatch.setattr(people, "LOOK_ON_SECONDS", 0)
    return many


def count_on_page(page: str) -> str:
    """How many match, as the page says."""
    [words] = re.findall(r'<span id="people-count"[^>]*>([^<]*)</span>', page)
    return html.unescape(words)


def looks(client: Client, members: RecipientList, query: str) -> list[str]:
    """What each answer holds, until the page asks for no more."""
    address, pages = f"?{query}", []
    while address:
        pages.append(text_of(client, f"/lists/{members.pk}/{address}", **HTMX))
        more = re.search(r'<tr hx-get="/lists/\d+/([^"]+)"', pages[-1])
        address = html.unescape(more[1]) if more else ""
    return pages


def ticked(pages: list[str]) -> list[int]:
    return [int(pk) for page in pages for pk in re.findall(r'name="selected" value="(\d+)"', page)]


def test_what_one_window_does_not_fill_is_found_in_one_look_more(
    bob_client: Client, many: RecipientList
) -> None:
    first, second = looks(bob_client, many, FILTER)
    assert (count_on_page(first), count_on_page(second)) == ("At least 1 person matches.", "5 people match.")
    assert 'hx-swap-oob="true"' in second
    assert "That is everybody who matches." in second
    anns = many.recipients.filter(first_name="Ann").order_by("msisdn").values_list("pk", flat=True)
    assert ticked([first, second]) == list(anns)


@pytest.mark.parametrize("query", ["q=zzyzx", "match=all&field=first_name&operator=is&value=Zoe"])
def test_nobody_in_a_long_list_is_said_in_the_place_of_the_table(
    bob_client: Client, many: RecipientList, query: str
) -> None:
    first, second = looks(bob_client, many, query)
    assert count_on_page(first) == "Looking through the list."
    assert "Nobody matches" in second
    more = re.search(r'<tr hx-get="([^"]+)"', first)
    assert more
    answer = bob_client.get(html.unescape(more[1]), headers=HTMX)
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#people", "outerHTML")


def test_a_full_page_counts_all_at_once(
    bob_client: Client, many: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.views.lists.PAGE_SIZE", 2)
    first, second = looks(bob_client, many, FILTER)
    assert ticked([first, second]) == ticked(looks(bob_client, many, FILTER))
    assert count_on_page(second) == "5 people match."
    shown = re.search(r'href="(\?[^"]+after=\d+)"', second)
    assert shown
    third, fourth = looks(bob_client, many, html.unescape(shown[1]).removeprefix("?"))
    assert count_on_page(fourth) == "5 people match."
    assert not set(ticked([third, fourth])) & set(ticked([first, second]))
    monkeypatch.setattr(people, "WINDOW", 60)
    monkeypatch.setattr(people, "SQLITE_WINDOW", 60)
    full = text_of(bob_client, f"/lists/{many.pk}/?{FILTER}")
    assert count_on_page(full) == "At least 2 people match."
    asked = re.search(r'id="people-count"[^>]* hx-get="([^"]+)"', full)
    assert asked
    assert count_on_page(text_of(bob_client, html.unescape(asked[1]))) == "5 people match."


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (FILTER, "1 person matches."),
        ("q=nn", "1 person matches."),
        ("q=120", "3 people match."),
        ("match=all&field=first_name&operator=not_empty&value=", "3 people match."),
    ],
)
def test_the_count_of_few(bob_client: Client, members: RecipientList, query: str, words: str) -> None:
    page = text_of(bob_client, f"/lists/{members.pk}/?{query}")
    assert count_on_page(page) == words
    assert 'hx-trigger="load' not in page


def test_a_longer_list_is_looked_through_window_by_window(
    bob_client: Client, slow: RecipientList, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    pages = looks(bob_client, slow, FILTER)
    assert len(pages) == 11
    assert len(set(ticked(pages))) == len(ticked(pages)) == 5
    assert count_on_page(pages[1]) == (
        "At least 1 person matches: one was found among 20, and the others are being looked through."
    )
    assert count_on_page(pages[-1]) == "5 people match."
    assert "That is everybody who matches." in pages[-1]


def test_a_filter_works_without_scripts(bob_client: Client, many: RecipientList) -> None:
    page = text_of(bob_client, f"/lists/{many.pk}/?{FILTER}")
    assert len(ticked([page])) == 1
    link = re.search(r'<noscript><a href="([^"]+)">', page)
    assert link
    further = text_of(bob_client, f"/lists/{many.pk}/{html.unescape(link[1])}")
    assert len(ticked([further])) == 4
    assert count_on_page(further) == "5 people match."
    assert "<html" in further
    assert "First name" in page


def test_matches_of_a_longer_list_are_counted_window_by_window(
    bob_client: Client, slow: RecipientList, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    url, texts = reverse("recipient-list-count", args=[slow.pk]), []
    address = f"?{FILTER}&whole=1"
    while address:
        with django_assert_max_num_queries(8):
            page = text_of(bob_client, url + address)
        texts.append(count_on_page(page))
        more = re.search(r'hx-get="[^"?]+([^"]+)"', page)
        address = html.unescape(more[1]) if more else ""
    assert texts[2] == (
        "At least 2 people match: so many were found among 30, and the others are being looked through."
    )
    assert texts[-1] == "5 people match."


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
