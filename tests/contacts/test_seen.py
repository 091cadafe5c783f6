"""contacts.files.seen: exact, whatever the numbers."""

import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.files import parsing, seen
from contacts.files.formats import Format
from contacts.files.parsing import Parser, Plan
from contacts.files.reading import read_records
from contacts.files.seen import ManyNumbers
from tests.contacts.support import number
from tests.contacts.test_parsing import keep

NUMBERS = st.integers(1, 10**15 - 1)


def test_it_works() -> None:
    many = ManyNumbers()
    assert not many
    many.add([12015550100, 12015550101])
    assert many
    assert [many.has(one) for one in (12015550100, 12015550101, 12015550102)] == [True, True, False]


@pytest.fixture(scope="module", autouse=True)
def crowded() -> Iterator[None]:
    """One bucket and one flag: each look-up has to tell a number from many others."""
    patched = pytest.MonkeyPatch()
    patched.setattr(seen, "FLAGS", 1)
    patched.setattr(seen, "KEY_BYTES", 7)
    patched.setattr(seen, "BUCKETS", 1)
    yield
    patched.undo()


@given(st.sets(NUMBERS), st.sets(NUMBERS))
def test_it_knows_what_was_added_and_nothing_else(first: set[int], others: set[int]) -> None:
    many = ManyNumbers()
    many.add(first)
    many.add(others - first)
    known = first | others
    near = {one + step for one in known for step in (-1, 1)}
    assert {one for one in known | near if known and many.has(one)} == known


def test_the_longest_number_fits() -> None:
    many = ManyNumbers()
    many.add([10**15 - 1])
    assert many.has(10**15 - 1)


def test_bytes_across_two_numbers_are_no_number() -> None:
    """The end of one and the beginning of the next, in one bucket, are the bytes of a third."""
    many = ManyNumbers()
    many.add([0x01020304050607, 0x08090A0B0C0D0E])
    assert many.has(0x01020304050607)
    assert not many.has(0x02030405060708)


def test_a_file_is_told_its_repeats_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "RECENT_NUMBERS", 3)
    rows = [number(n) for n in (0, 1, 2, 3, 0, 4, 5, 6, 1, 7, 7, 8)]
    text = io.StringIO("phone\n" + "\n".join(f"+{one}" for one in rows) + "\n", newline="")
    records, parser = read_records(text, Format()), Parser(Plan(("msisdn",), "US"), keep)
    chunks = [parser.take(records, 2) for _ in range(6)]
    assert [chunk.duplicate for chunk in chunks] == [0, 0, 1, 0, 1, 1]
    assert sum(len(chunk.items) for chunk in chunks) == 9
