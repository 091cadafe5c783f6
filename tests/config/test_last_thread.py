"""The last thread of the web server is kept for short links while the database hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from config.last_thread import LastThread
from messaging.links.asking import LookupFailed, ask_here


class Pages:
    """Each request stays inside until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.entered.release()
        assert self.go.wait(10)
        start_response("200 OK", [])
        return [b"page"]


class Database:
    def __init__(self) -> None:
        self.answers = True
        self.asked = 0

    def __call__(self, question: Callable[[], Any], *, can_wait: bool) -> Any:
        self.asked += 1
        if not self.answers:
            raise LookupFailed


def ask(application: LastThread) -> str:
    """The status."""
    said: list[str] = []
    list(application({}, lambda status, headers: said.append(status)))
    return said[0]


@contextmanager
def held(application: LastThread, pages: Pages, count: int) -> Iterator[None]:
    threads = [threading.Thread(target=ask, args=(application,)) for _ in range(count)]
    for thread in threads:
        thread.start()
        assert pages.entered.acquire(timeout=10)
    try:
        yield
    finally:
        pages.go.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("inside", "answers", "status"), [(3, False, "503"), (3, True, "200"), (2, False, "200")]
)
def test_who_would_take_the_last_one(inside: int, answers: bool, status: str) -> None:
    pages, database = Pages(), Database()
    application = LastThread(pages, threads=4, ask=database)
    database.answers = answers
    with ExitStack() as stack:
        stack.enter_context(held(application, pages, inside))
        if status == "200":
            pages.go.set()
        assert ask(application).startswith(status)
    assert database.asked == (inside == 3)
    # All have gone out again, the refused one too.
    database.answers = True
    assert ask(application).startswith("200")
    assert database.asked == (inside == 3)


def test_of_one_thread_none_is_kept() -> None:
    pages, database = Pages(), Database()
    database.answers = False
    pages.go.set()
    assert ask(LastThread(pages, threads=1, ask=database)).startswith("200")


@pytest.mark.django_db(transaction=True)
def test_it_asks_the_database() -> None:
    pages = Pages()
    application = LastThread(pages, threads=2, ask=ask_here)
    with held(application, pages, 1):
        pages.go.set()
        assert ask(application).startswith("200")
