"""The filter's form: what it offers for a field, and rows that come and go without a script."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.filter_forms import FilterForm, FilterRow, read_filter
from contacts.models import RecipientList
from contacts.rules import MAX_CONDITIONS, Condition
from contacts.services.lists import Person
from tests.contacts.support import list_named, number

pytestmark = pytest.mark.django_db
TWO = "field=first_name&operator=is&value=Ann&field=kind&operator=is&value=mobile"


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    return list_named(acme, people=[Person(f"+{number(0)}", {"first_name": "Ann"}, {"city": "Leeds"})])


def asked(members: RecipientList, query: str) -> FilterForm:
    return read_filter(members, QueryDict(query))


def fields_of(form: FilterForm) -> list[str]:
    return [row.condition.field for row in form.rows]


def test_it_works(members: RecipientList) -> None:
    form = asked(members, TWO)
    assert fields_of(form) == ["first_name", "kind"]
    assert [row.control for row in form.rows] == ["text", "kind"]
    assert ("fixed_line", "Landline") in form.rows[1].choices
    assert form.in_words == "First name is Ann, and Kind of number is mobile"


def test_without_a_filter_there_is_a_row_to_begin_with(members: RecipientList) -> None:
    assert fields_of(asked(members, "")) == [""]
    assert not asked(members, "").is_open


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ("more", ["first_name", "kind", ""]),
        ("drop-1", ["kind"]),
        ("drop-2", ["first_name"]),
        ("drop-9", ["first_name", "kind"]),
        ("what", ["first_name", "kind"]),
    ],
)
def test_rows_come_and_go(members: RecipientList, row: str, fields: list[str]) -> None:
    form = asked(members, f"{TWO}&row={row}")
    assert fields_of(form) == fields
    assert "row=" not in form.query


def test_rows_are_dropped_by_where_they_stand_though_some_are_empty(members: RecipientList) -> None:
    assert fields_of(asked(members, f"field=&operator=is&value=&{TWO}&row=drop-2")) == ["kind"]


def test_no_more_rows_than_a_filter_may_have(members: RecipientList) -> None:
    one = "field=first_name&operator=is&value=Ann"
    assert asked(members, "&".join([one] * (MAX_CONDITIONS - 1))).can_have_more
    assert not asked(members, "&".join([one] * MAX_CONDITIONS)).can_have_more


@pytest.mark.parametrize(
    ("condition", "control", "operators"),
    [
        (Condition("kind", "is", "mobile"), "kind", 5),
        (Condition("kind", "one_of", "mobile, voip"), "text", 5),
        (Condition("country", "is_not", "us"), "country", 5),
        (Condition("time_zone", "is", "Europe/London"), "time_zone", 8),
        (Condition("time_zone", "begins_with", "Europe/"), "text", 8),
        (Condition("opted_out", "is", "yes"), "opted_out", 1),
        (Condition("created_at", "after", "2026-01-01"), "date", 4),
        (Condition("created_at", "last_days", "30"), "text", 4),
        (Condition("email", "empty"), "nothing", 8),
        (Condition("extra:city", "contains", "ee"), "text", 11),
        (Condition("", "is"), "text", 13),
    ],
)
def test_each_field_gets_what_fits_it(condition: Condition, control: str, operators: int) -> None:
    row = FilterRow(1, condition)
    assert (row.control, len(row.operators)) == (control, operators)


def test_a_value_that_nobody_offers_is_not_lost() -> None:
    assert FilterRow(1, Condition("kind", "is", "landline")).choices[-1] == ("landline", "landline")
    zones = [value for value, _words in FilterRow(1, Condition("time_zone", "is", "US/Eastern")).choices]
    assert zones[-1] == "US/Eastern"
    assert FilterRow(1, Condition("country", "is", "us")).value == "US"


def test_what_does_not_fit_is_explained_and_kept(bob_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-detail", args=[members.pk])
    response = bob_client.get(f"{url}?field=kind&operator=is&value=landline")
    page = response.content.decode()
    assert response.status_code == 422
    assert "there is no kind of number “landline”" in page
    assert '<option value="landline" selected>landline</option>' in page


def test_the_table_names_its_columns_on_phones(bob_client: Client, members: RecipientList) -> None:
    page = bob_client.get(reverse("recipient-list-detail", args=[members.pk])).content.decode()
    assert 'data-label="city">Leeds</td>' in page
