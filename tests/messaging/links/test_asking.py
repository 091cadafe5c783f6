"""A database that hangs: nobody waits for it longer than agreed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Event

import pytest
from django.db import OperationalError

from messaging.links import asking as asking_module
from messaging.links.asking import Asker, LookupFailed
from messaging.links.lookup import _Kept

LONG = 5.0


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_module, "close_old_connections", lambda: None)


class Database:
    """Answers 7, unless it hangs."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.may_answer.set()
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        assert self.may_answer.wait(30)
        return 7


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database()
    yield made
    made.may_answer.set()


def test_it_works(database: Database) -> None:
    assert Asker()(database, can_wait=True) == 7


def test_one_that_hangs_is_given_up(database: Database) -> None:
    ask = Asker(seconds=0.05, quiet_seconds=LONG)
    database.may_answer.clear()
    began = time.monotonic()
    with pytest.raises(LookupFailed):
        ask(database, can_wait=True)
    for _visitor in range(50):
        with pytest.raises(LookupFailed):
            ask(database, can_wait=True)
    assert time.monotonic() - began < LONG / 2
    assert database.asked == 1


def test_who_has_an_older_answer_does_not_wait_again(database: Database) -> None:
    ask = Asker(seconds=LONG, quiet_seconds=0)
    ask._is_troubled = True
    database.may_answer.clear()
    began = time.monotonic()
    with pytest.raises(LookupFailed):
        ask(database, can_wait=False)
    assert time.monotonic() - began < LONG / 2


def test_the_question_that_nobody_waited_for_ends_the_trouble(database: Database) -> None:
    ask = Asker(seconds=LONG, quiet_seconds=LONG)
    ask._is_troubled = True
    with pytest.raises(LookupFailed):
        while True:
            ask(database, can_wait=False)
    deadline = time.monotonic() + LONG
    while ask._is_troubled and time.monotonic() < deadline:
        Event().wait(0.01)
    assert ask(database, can_wait=True) == 7


def test_a_refusal_is_told_at_once() -> None:
    def refuse() -> int:
        raise OperationalError("away")

    with pytest.raises(LookupFailed):
        Asker(seconds=LONG)(refuse, can_wait=True)


def test_a_kept_answer_is_used_while_it_hangs(database: Database) -> None:
    kept: _Kept[int] = _Kept(Asker(seconds=0.05, quiet_seconds=LONG))
    assert kept.get("a", database, seconds=0) == 7
    database.may_answer.clear()
    assert kept.get("a", database, seconds=0) == 7
    with pytest.raises(LookupFailed):
        kept.get("b", database)


def test_that_there_was_none_is_not_used_while_it_is_away() -> None:
    kept: _Kept[int | None] = _Kept(Asker(seconds=LONG))
    assert kept.get("a", lambda: None, seconds=0) is None

    def refuse() -> int:
        raise OperationalError("away")

    with pytest.raises(LookupFailed):
        kept.get("a", refuse)


def test_several_are_answered_though_one_hangs(database: Database) -> None:
    ask = Asker(seconds=0.05, quiet_seconds=0)
    database.may_answer.clear()
    with pytest.raises(LookupFailed):
        ask(database, can_wait=True)
    assert ask(lambda: 8, can_wait=True) == 8
