"""One time of the day, as many moments as there are zones."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from sms.local_time import LocalTime
from tests.sms.test_quiet_hours import BERLIN, HONOLULU, NEW_YORK, utc


@pytest.mark.parametrize(
    ("zones", "moment"),
    [
        ((BERLIN,), utc(2026, 12, 1, 9)),
        ((NEW_YORK,), utc(2026, 12, 1, 15)),
        ((HONOLULU,), utc(2026, 12, 1, 20)),
        # In one of both: not before ten o'clock in either.
        ((NEW_YORK, HONOLULU), utc(2026, 12, 1, 20)),
    ],
)
def test_it_works(zones: tuple[str, ...], moment: datetime) -> None:
    assert LocalTime(date(2026, 12, 1), time(10)).moment(zones) == moment


def test_what_the_clocks_skip_is_as_much_later() -> None:
    """On 8 March 2026 New York's go from 02:00 to 03:00: there is no half past two."""
    local = LocalTime(date(2026, 3, 8), time(2, 30))
    assert local.moment((NEW_YORK,)) == utc(2026, 3, 8, 7, 30)


def test_what_they_show_twice_is_the_first() -> None:
    local = LocalTime(date(2026, 11, 1), time(1, 30))
    assert local.moment((NEW_YORK,)) == utc(2026, 11, 1, 5, 30)
