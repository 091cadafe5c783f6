"""When a text may go, by the clock where the person is: also where the clocks are changed, and in many zones at once."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.msisdn import time_zones_of, zones_where
from sms.quiet_hours import QuietHours, Turns, instant, is_zone

NIGHT = QuietHours(time(21), time(8))
NEW_YORK, BERLIN, HONOLULU = "America/New_York", "Europe/Berlin", "Pacific/Honolulu"


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year to minute


def turn(at: datetime, *zones: str, hours: QuietHours = NIGHT) -> tuple[datetime, datetime]:
    found = Turns(hours).turn(zones, at)
    return found.begins, found.ends


def is_quiet(at: datetime, zone: str, hours: QuietHours) -> bool:
    """By the clock on the wall."""
    shown = at.astimezone(ZoneInfo(zone)).time()
    if hours.begins < hours.ends:
        return hours.begins <= shown < hours.ends
    return shown >= hours.begins or shown < hours.ends


@pytest.mark.parametrize(
    "at",
    [
        utc(2026, 11, 22, 2),
        utc(2026, 11, 22, 12, 59),
        utc(2026, 11, 22, 13),
        utc(2026, 11, 23, 1, 59),
    ],
)
def test_it_works(at: datetime) -> None:
    assert turn(at, NEW_YORK) == (utc(2026, 11, 22, 13), utc(2026, 11, 23, 2))


def test_the_last_moment_is_quiet_already() -> None:
    assert turn(utc(2026, 11, 23, 2), NEW_YORK)[0] == utc(2026, 11, 23, 13)


def test_hours_within_a_day() -> None:
    siesta = QuietHours(time(13), time(16))
    assert turn(utc(2026, 11, 22, 12, 30), BERLIN, hours=siesta)[0] == utc(2026, 11, 22, 15)
    assert turn(utc(2026, 11, 22, 15), BERLIN, hours=siesta) == (utc(2026, 11, 22, 15), utc(2026, 11, 23, 12))


def test_several_zones_are_all_awake() -> None:
    """08:00 in Honolulu is 18:00 UTC; 21:00 in New York is 02:00 UTC."""
    assert turn(utc(2026, 11, 22, 14), NEW_YORK, HONOLULU) == (utc(2026, 11, 22, 18), utc(2026, 11, 23, 2))


def test_without_a_common_hour_most_of_them_are() -> None:
    """Two on the same clock, the third on the other side of the earth."""
    day = QuietHours(time(18), time(10))
    zones = ("Europe/Berlin", "Europe/Paris", "Pacific/Auckland")
    assert turn(utc(2026, 11, 22, 20), *zones, hours=day) == (utc(2026, 11, 23, 9), utc(2026, 11, 23, 17))


def test_when_the_clocks_are_put_forward() -> None:
    """On 8 March 2026 New York's clocks go from 02:00 to 03:00."""
    until_half_past_two = QuietHours(time(21), time(2, 30))
    begins, ends = turn(utc(2026, 3, 8, 5), NEW_YORK, hours=until_half_past_two)
    assert (begins, ends) == (utc(2026, 3, 8, 7, 30), utc(2026, 3, 9, 1))
    from_half_past_two = QuietHours(time(2, 30), time(8))
    assert turn(utc(2026, 3, 8, 5), NEW_YORK, hours=from_half_past_two)[1] == utc(2026, 3, 8, 6, 30)


def test_when_the_clocks_are_put_back() -> None:
    """On 1 November 2026 New York has 01:30 twice: at 05:30 and at 06:30 UTC."""
    until_half_past_one = QuietHours(time(21), time(1, 30))
    assert turn(utc(2026, 11, 1, 5, 45), NEW_YORK, hours=until_half_past_one)[0] == utc(2026, 11, 1, 6, 30)
    from_half_past_one = QuietHours(time(1, 30), time(8))
    assert turn(utc(2026, 11, 1, 5), NEW_YORK, hours=from_half_past_one)[1] == utc(2026, 11, 1, 5, 30)


def test_a_turn_is_found_once() -> None:
    turns = Turns(NIGHT)
    first = turns.turn((NEW_YORK,), utc(2026, 11, 22, 14))
    assert turns.turn((NEW_YORK,), utc(2026, 11, 22, 20)) is first
    assert turns.turn((NEW_YORK,), utc(2026, 11, 24, 20)) is not first
    # The clock was set back.
    assert turns.turn((NEW_YORK,), utc(2026, 11, 22, 20)) == first


ZONES = [
    NEW_YORK,
    BERLIN,
    HONOLULU,
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Pacific/Apia",
]
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    zones=st.lists(st.sampled_from(ZONES), min_size=1, max_size=4),
    begins=TIMES,
    ends=TIMES,
)
def test_no_clock_on_the_wall_shows_a_quiet_hour(
    at: datetime, zones: list[str], begins: time, ends: time
) -> None:
    if begins == ends:
        return
    hours = QuietHours(begins, ends)
    found = Turns(hours).turn(tuple(zones), at)
    assert found.begins < found.ends
    assert found.ends > at
    inside = [found.begins, found.ends - timedelta(seconds=1), found.begins + (found.ends - found.begins) / 2]
    quiet = {sum(is_quiet(moment, zone, hours) for zone in set(zones)) for moment in inside}
    if len(set(zones)) == 1 or 0 in quiet:
        assert quiet == {0}
    # The same for whoever asks while it lasts, and for whoever waits for it.
    assert Turns(hours).turn(tuple(zones), max(at, found.begins)).ends == found.ends


def test_what_a_clock_shows_twice_or_never() -> None:
    november = utc(2026, 11, 1).date()
    assert instant(november, time(1, 30), NEW_YORK) == utc(2026, 11, 1, 5, 30)
    assert instant(november, time(1, 30), NEW_YORK, late=True) == utc(2026, 11, 1, 6, 30)
    march = utc(2026, 3, 8).date()
    assert instant(march, time(2, 30), NEW_YORK) == utc(2026, 3, 8, 6, 30)
    assert instant(march, time(2, 30), NEW_YORK, late=True) == utc(2026, 3, 8, 7, 30)


@pytest.mark.parametrize(
    ("name", "known"), [(NEW_YORK, True), ("Mars/Base", False), ("", False), ("../x", False)]
)
def test_which_zones_there_are(name: str, known: bool) -> None:
    assert is_zone(name) is known


# --- where a number is ----------------------------------------------------------------------------------


def example_digits() -> list[str]:
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for number_type in range(11):
            number = phonenumbers.example_number_for_type(region, number_type)
            if number is not None:
                text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                found.append(text[1:])
    return found


def test_where_a_number_is_agrees_with_libphonenumber() -> None:
    """Or names fewer of the zones, in countries that share their calling code."""
    digits = example_digits()
    shared = [one for one in digits if zones_where(one) != time_zones_of(one)]
    assert len(digits) > 1300
    assert len(shared) < 80
    for one in shared:
        assert zones_where(one), one
        code = phonenumbers.parse(f"+{one}").country_code
        assert len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]) > 1, one


@pytest.mark.parametrize(
    ("digits", "zones"),
    [
        ("12025550123", ("America/New_York",)),
        ("12462501234", ("America/Barbados",)),
        ("4915123456789", ("Europe/Berlin",)),
        ("99955501", ()),
        ("", ()),
    ],
)
def test_where_a_number_is(digits: str, zones: tuple[str, ...]) -> None:
    assert zones_where(digits) == zones


def test_a_mobile_of_a_wide_country_is_anywhere_in_it() -> None:
    zones = zones_where("61412345678")
    assert {"Australia/Sydney", "Australia/Perth"} <= set(zones)


def test_every_zone_of_a_number_is_one() -> None:
    assert all(is_zone(zone) for digits in example_digits() for zone in zones_where(digits))


def test_at_night_all_countries_have_a_common_hour() -> None:
    turns = Turns(NIGHT)
    at = utc(2026, 11, 22, 12)
    for zones in {zones_where(digits) for digits in example_digits()} - {()}:
        begins, ends = turns.turn(zones, at)
        assert not any(is_quiet(begins, zone, NIGHT) for zone in zones)
        assert ends - begins >= timedelta(minutes=30)
