"""How often the pages of the audience ask the database: as often for a hundred and thirty rows as for two."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Workspace
from contacts import people
from contacts.models import Import, ImportState, RecipientList
from contacts.services.lists import Person
from contacts.services.opt_outs import opt_out_many
from tests.contacts.support import NOBODY, list_named, number

# More than two pages of the longest table.
MANY = 130
WINDOW = 60
# Session, person, memberships with their workspaces.
FRAME = 3


@pytest.fixture(params=[2, MANY])
def rows(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def members(acme: Workspace, rows: int, monkeypatch: pytest.MonkeyPatch) -> RecipientList:
    """More people than a window holds; every second one is Ann of Leeds."""
    monkeypatch.setattr(people, "WINDOW", WINDOW)
    monkeypatch.setattr(people, "SQLITE_WINDOW", WINDOW)
    leeds = {"first_name": "Ann", "email": "ann@example.com"}, {"city": "Leeds"}
    others: tuple[dict[str, str], dict[str, str]] = {}, {}
    return list_named(
        acme, people=[Person(f"+{number(n)}", *(others if n % 2 else leeds)) for n in range(WINDOW + rows)]
    )


def filtered(*condition: str) -> str:
    return "match=all&field={}&operator={}&value={}".format(*condition)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", 3),
        ("?q=1201", 3),
        ("?q=ann", 4),
        ("?q=zzyzx", 4),
        (f"?{filtered('first_name', 'is', 'Ann')}", 4),
        (f"?{filtered('extra:city', 'is', 'Leeds')}", 4),
        (f"?{filtered('opted_out', 'is', 'yes')}", 4),
    ],
)
def test_the_page_of_a_list(
    bob_client: Client,
    members: RecipientList,
    query: str,
    asked: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """The list, its saved filters, a page of people; the window's edge where the index does not answer."""
    address = f"/lists/{members.pk}/{query}"
    bob_client.get(address)
    with django_assert_num_queries(FRAME + asked):
        bob_client.get(address)


def in_one_statement() -> int:
    """On SQLite where the rows stand; on PostgreSQL, where it is in a transaction, its time limit and a savepoint."""
    return 2 if connection.vendor == "sqlite" else 4


@pytest.mark.parametrize("query", ["q=ann", filtered("extra:city", "is", "Leeds")])
def test_the_whole_list_is_looked_through_at_once(
    bob_client: Client,
    members: RecipientList,
    rows: int,
    query: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """The list, who matches, and these people."""
    last = members.recipients.order_by("msisdn")[WINDOW - 1].msisdn
    address = f"/lists/{members.pk}/?{query}&room=20&after={last}&whole=1"
    bob_client.get(address, headers={"HX-Request": "true"})
    with django_assert_num_queries(FRAME + 2 + in_one_statement()):
        page = bob_client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert page.count('name="selected"') == min(20, rows // 2)
    assert f"{(WINDOW + rows) // 2} people match." in page


def test_the_count_of_a_filter(
    bob_client: Client, members: RecipientList, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = f"/lists/{members.pk}/people/count/?{filtered('extra:city', 'is', 'Leeds')}&whole=1"
    bob_client.get(address)
    with django_assert_num_queries(FRAME + 1 + in_one_statement()):
        page = bob_client.get(address).content.decode()
    assert f"{(WINDOW + rows) // 2} people match." in page


def test_the_lists(
    bob_client: Client, acme: Workspace, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(rows):
        list_named(acme, f"Members {n}")
    bob_client.get("/lists/")
    with django_assert_num_queries(FRAME + 2):
        page = bob_client.get("/lists/").content.decode()
    assert len(re.findall(r'href="/lists/\d+/"', page)) == min(rows, 50)


@pytest.mark.parametrize("query", ["", "?q=1"])
def test_the_opt_outs(
    bob_client: Client,
    acme: Workspace,
    rows: int,
    query: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    numbers = [number(n) for n in range(rows)]
    opt_out_many(workspace=acme, msisdns=numbers, how="file", actor=NOBODY)
    bob_client.get("/opt-outs/")
    with django_assert_num_queries(FRAME + 2):
        page = bob_client.get(f"/opt-outs/{query}").content.decode()
    assert len(re.findall(r"/numbers/\d+/", page)) == min(rows, 50)


def test_the_imports(
    bob_client: Client, members: RecipientList, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Import.objects.bulk_create(
        Import(
            workspace_id=members.workspace_id,
            list=members,
            file_name=f"people{n}.csv",
            state=ImportState.FINISHED,
            counts={"new": 1},
            finished_at=timezone.now(),
        )
        for n in range(rows)
    )
    bob_client.get("/imports/")
    # The imports of the page, and which of them can be undone.
    with django_assert_num_queries(FRAME + 2):
        page = bob_client.get("/imports/").content.decode()
    assert len(set(re.findall(r"people\d+\.csv", page))) == min(rows, 50)
