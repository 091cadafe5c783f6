"""Statements that are ended after a time."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from accounts.models import Workspace
from contacts.time_limits import OutOfTime, rows_within

ENDLESS = "WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up) SELECT count(*) FROM up"


def test_it_works(acme: Workspace) -> None:
    assert rows_within(5, "SELECT name, %s FROM accounts_workspace WHERE id = %s", [7, acme.pk]) == [
        (acme.name, 7)
    ]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("seconds", [0, 0.05])
def test_what_takes_too_long_is_ended(seconds: float) -> None:
    with pytest.raises(OutOfTime):
        rows_within(seconds, ENDLESS, [])
    assert rows_within(5, "SELECT 1", []) == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_the_limit_ends_with_its_statement() -> None:
    rows_within(0.05, "SELECT 1", [])
    slow = ENDLESS.replace("FROM up)", "FROM up WHERE n < 400000)")
    with connection.cursor() as cursor:
        assert cursor.execute(slow).fetchone() == (400_000,)


@pytest.mark.django_db(transaction=True)
def test_other_errors_are_told() -> None:
    with pytest.raises(OperationalError if connection.vendor == "sqlite" else Exception, match="nowhere"):
        rows_within(5, "SELECT * FROM nowhere", [])
