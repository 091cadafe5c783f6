"""Example numbers."""

from __future__ import annotations

import itertools

import phonenumbers
import pytest

from sms.examples import AREA_CODES, CAPACITY, example_msisdns
from sms.msisdn import compile_fast


def test_it_works() -> None:
    assert list(example_msisdns(3)) == ["12015550100", "12015550101", "12015550102"]


def test_area_codes_are_the_geographic_ones_of_libphonenumber() -> None:
    def is_geographic(code: int) -> bool:
        number = phonenumbers.PhoneNumber(country_code=1, national_number=code * 10_000_000 + 5_550_100)
        kind = phonenumbers.number_type(number)
        return phonenumbers.is_valid_number_for_region(number, "US") and kind == 2  # FIXED_LINE_OR_MOBILE

    assert tuple(str(code) for code in range(200, 1000) if is_geographic(code)) == AREA_CODES


def test_the_last_two_digits_cycle_within_an_area_code() -> None:
    numbers = list(example_msisdns(250))
    assert [number[-2:] for number in numbers] == [f"{i % 100:02}" for i in range(250)]
    assert [number[:4] for number in numbers[::100]] == ["1201", "1202", "1203"]


def test_reserved_lines_come_first() -> None:
    first = list(example_msisdns(100 * len(AREA_CODES)))
    assert {number[4:9] for number in first} == {"55501"}
    assert next(example_msisdns(1, start=len(first))) == "12015550000"


def test_a_million_are_distinct_and_valid() -> None:
    numbers = list(example_msisdns(1_000_000))
    assert len(set(numbers)) == 1_000_000
    fast = compile_fast(None)
    assert all(fast(f"+{number}") == number for number in numbers[::50])


def test_start_continues_where_another_ended() -> None:
    assert [*example_msisdns(150), *example_msisdns(50, start=150)] == list(example_msisdns(200))


def test_service_lines_are_left_out() -> None:
    hundreds = {number[7:9] for number in itertools.islice(example_msisdns(CAPACITY), 0, None, 100)}
    assert len(hundreds) == 98
    assert not hundreds & {"12", "43"}


@pytest.mark.parametrize(("count", "start"), [(CAPACITY + 1, 0), (1, CAPACITY), (-1, 0), (1, -1)])
def test_refuses_more_than_there_are(count: int, start: int) -> None:
    with pytest.raises(ValueError, match="There are 3,518,200 example numbers"):
        example_msisdns(count, start)
