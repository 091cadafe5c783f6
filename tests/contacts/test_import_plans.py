"""How the database looks for a file's numbers in a list of which its statistics know nothing."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction

from accounts.models import Workspace
from contacts.files.parsing import Plan
from contacts.models import ExistingNumbers, Import, Recipient, RecipientList
from contacts.services.import_writers import TABLE, Writer, writer_for
from contacts.services.lists import Person
from tests.contacts.support import list_named, number

PEOPLE = 300


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    """Filled after the statistics were taken, as a list is while it is imported."""
    list_named(acme, "Another", [Person(f"+{number(n)}") for n in range(PEOPLE)])
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")
    return list_named(acme, people=[Person(f"+{number(n)}") for n in range(PEOPLE)])


@pytest.fixture
def writer(members: RecipientList) -> Writer:
    return writer_for(
        Plan(("msisdn", "first_name"), "US"),
        list_id=members.pk,
        workspace_id=members.workspace_id,
        existing=ExistingNumbers.UPDATE,
        import_id=Import.objects.create(workspace_id=members.workspace_id, list=members).pk,
    )


def plan_of(query: str, parameters: list[int | None]) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {query}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def test_each_number_is_looked_up(writer: Writer, members: RecipientList) -> None:
    """By list and number together: any other way goes through the whole list, once for each row of the file."""
    rows = [writer.emit(number(n), "US", "mobile", ["Ann"]) for n in range(2 * PEOPLE)]
    with transaction.atomic():
        writer._fill_stage(writer.pack(rows))
        plans = [
            plan_of(writer._compare_sql(), [members.pk]),
            plan_of(writer._update_sql(), [members.pk]),
            plan_of(writer._keep_sql(), [writer.import_id, members.pk]),
            plan_of(writer._insert_sql(), [members.pk]),
            plan_of(writer._first_sql(["new", "updated"]), [members.pk, 20, 20]),
        ]
    for plan in plans:
        assert re.search(r"list_id = \d+\) AND \(\(?msisdn|list_id=\? AND msisdn=\?", plan)
    assert Recipient.objects.filter(list=members).count() == PEOPLE
