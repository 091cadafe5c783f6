"""contacts.ahead: the next item is made while one is worked on."""

import sys
import threading
from collections.abc import Iterator

import pytest

from contacts.ahead import one_ahead


def test_it_works() -> None:
    assert list(one_ahead(iter([1, None, 3]))) == [1, None, 3]
    assert list(one_ahead(iter(()))) == []


def test_the_next_item_is_made_meanwhile() -> None:
    made = [threading.Event() for _ in range(3)]

    def make() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    items = one_ahead(make())
    assert next(items) == 0
    assert made[1].wait(timeout=10)
    assert not made[2].is_set()
    assert list(items) == [1, 2]


def test_errors_come_out_and_the_interpreter_is_left_as_it_was() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    before = sys.getswitchinterval()
    items = one_ahead(fail())
    assert next(items) == 1
    with pytest.raises(ValueError, match="no more"):
        next(items)
    assert sys.getswitchinterval() == before
