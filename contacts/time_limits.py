"""Statements that may take so long and no longer: nobody waits for an answer that was given up."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg.errors
from django.db import OperationalError, connection, transaction

# How often SQLite asks whether to go on: about each millisecond.
STEPS_BETWEEN = 20_000


class OutOfTime(Exception):
    """The statement was ended before its answer; nothing else happened."""


def rows_within(seconds: float, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What a SELECT finds. Raises OutOfTime."""
    if seconds <= 0:
        raise OutOfTime
    limit = _sqlite_limit if connection.vendor == "sqlite" else _postgresql_limit
    try:
        with limit(seconds), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())
    except OperationalError as error:
        if _is_out_of_time(error.__cause__):
            raise OutOfTime from error
        raise


@contextmanager
def _postgresql_limit(seconds: float) -> Iterator[None]:
    """Of this one transaction, so that the connection keeps nothing of it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(round(seconds * 1000))])
        yield


@contextmanager
def _sqlite_limit(seconds: float) -> Iterator[None]:
    """Without a transaction: that would lock all writers out."""
    connection.ensure_connection()
    until = time.monotonic() + seconds
    connection.connection.set_progress_handler(lambda: time.monotonic() > until, STEPS_BETWEEN)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _is_out_of_time(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return cause.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
    return isinstance(cause, psycopg.errors.QueryCanceled)
