"""A pipeline of two: while one item is worked on, a thread makes the next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


# Of the interpreter's default 5 ms, the thread that talks to the database waits after each of its answers while
# the other one computes: some fifty milliseconds a chunk.
SWITCH_SECONDS = 0.0005


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items. `items` runs in a thread and must not touch the database; its errors come out here."""
    with quick_switching(), ThreadPoolExecutor(max_workers=1, thread_name_prefix="one-ahead") as pool:
        waiting = pool.submit(_next_of, items)
        while (found := waiting.result()) is not None:
            waiting = pool.submit(_next_of, items)
            yield found[0]


@contextmanager
def quick_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(SWITCH_SECONDS, before))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _next_of(items: Iterator[Item]) -> tuple[Item] | None:
    """Wrapped, as an item may be anything and StopIteration does not pass through a future."""
    for item in items:
        return (item,)
    return None
