"""A writer that finds SQLite's file locked gets in soon after it is free, and is told when it never is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.utils import ConnectionHandler

from config.sqlite.base import PatientCursor

Pair = tuple[Any, Any]


@pytest.fixture
def pair(tmp_path: Path, django_db_blocker: Any) -> Iterator[Pair]:
    """Two connections to one file that has a table `notes`, as two processes have them."""
    options = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 1,
        "check_same_thread": False,
        "init_command": "PRAGMA journal_mode=WAL",
    }
    one = {"ENGINE": "config.sqlite", "NAME": str(tmp_path / "notes.sqlite3"), "OPTIONS": options}
    handler = ConnectionHandler({"default": one, "other": dict(one)})
    pair = handler["default"], handler["other"]
    for each in pair:
        each.inc_thread_sharing()
    with django_db_blocker.unblock():
        with pair[0].cursor() as cursor:
            cursor.execute("CREATE TABLE notes (words TEXT)")
        yield pair
        for each in pair:
            each.close()


def hold(holder: Any, seconds: float) -> threading.Thread:
    """Writes, and keeps the file for a while; returns when it has it."""
    begun = threading.Event()

    def work() -> None:
        with holder.cursor() as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("INSERT INTO notes VALUES ('first')")
            begun.set()
            time.sleep(seconds)
            cursor.execute("COMMIT")

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(5)
    return thread


def notes(of: Any) -> list[str]:
    with of.cursor() as cursor:
        cursor.execute("SELECT words FROM notes ORDER BY rowid")
        return [words for (words,) in cursor.fetchall()]


@pytest.mark.parametrize("begin", [None, "BEGIN IMMEDIATE"])
def test_it_waits_for_its_turn(pair: Pair, begin: str | None) -> None:
    holder, writer = pair
    thread = hold(holder, 0.2)
    assert notes(writer) == [], "reading waits for nobody"
    with writer.cursor() as cursor:
        if begin:
            cursor.execute(begin)
        cursor.execute("INSERT INTO notes VALUES (%s)", ["second"])
        if begin:
            cursor.execute("COMMIT")
    thread.join()
    assert notes(writer) == ["first", "second"]


def test_it_does_not_wait_for_ever(pair: Pair) -> None:
    holder, writer = pair
    thread = hold(holder, 1.6)
    began = time.monotonic()
    with writer.cursor() as cursor, pytest.raises(OperationalError, match="database is locked"):
        cursor.execute("INSERT INTO notes VALUES ('second')")
    assert time.monotonic() - began >= 1
    thread.join()
    assert notes(writer) == ["first"]


def test_other_errors_are_told_at_once(pair: Pair) -> None:
    with pair[0].cursor() as cursor, pytest.raises(OperationalError, match="no such table: nowhere"):
        cursor.execute("INSERT INTO nowhere VALUES (1)")


def test_sqlites_own_patience_is_left_as_it_was(pair: Pair) -> None:
    """What does not come through `execute` of ours (executemany) waits as long."""
    with pair[0].cursor() as cursor:
        cursor.execute("INSERT INTO notes VALUES ('first')")
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (1000,)


@pytest.mark.django_db(transaction=True)
def test_crier_uses_it() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL wakes who waits for a row by itself")
    with transaction.atomic(), connection.cursor() as cursor:
        assert isinstance(cursor.cursor, PatientCursor)
