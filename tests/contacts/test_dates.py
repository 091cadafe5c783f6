"""contacts.files.dates: a moment is read where it means one thing, and refused with its reason where it does not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.files.dates import DateRefused, looks_like_date, read_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def read(raw: str, order: str = "") -> str:
    return read_moment(raw, zone=BERLIN, latest=NOW, order=order).isoformat(" ", "seconds")[:19]


def refused(raw: str, order: str = "") -> str:
    with pytest.raises(DateRefused) as told:
        read(raw, order)
    return told.value.code


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026-05-03", "2026-05-02 22:00:00"),
        ("2026-01-03", "2026-01-02 23:00:00"),  # winter
        ("2026-05-03 09:30", "2026-05-03 07:30:00"),
        ("2026-05-03T09:30:15Z", "2026-05-03 09:30:15"),
        ("2026-05-03 09:30:15.123456789+02:00", "2026-05-03 07:30:15"),
        ("2026-05-03T09:30-0400", "2026-05-03 13:30:00"),
        ("2026-05-03 09:30 UTC", "2026-05-03 09:30:00"),
        ("2026/5/3 9:30 pm", "2026-05-03 19:30:00"),
        ("2026.05.03", "2026-05-02 22:00:00"),
        ("20260503", "2026-05-02 22:00:00"),
        ("20260503T0930", ""),
        ("31/12/2025", "2025-12-30 23:00:00"),
        ("12/31/2025", "2025-12-30 23:00:00"),
        ("31.12.2025 00:30", "2025-12-30 23:30:00"),
        ("05-05-2026", "2026-05-04 22:00:00"),
        ("3 May 2026", "2026-05-02 22:00:00"),
        ("May 3, 2026 at 12:15 a.m.", "2026-05-02 22:15:00"),
        ("Sun, 3 May 2026 09:30:00 +0000", "2026-05-03 09:30:00"),
        ("3-Sep-2026", "2026-09-02 22:00:00"),
        ("3. März 2026", "2026-03-02 23:00:00"),
        ("1er août 2026, 10:00", "2026-08-01 08:00:00"),
        ("3 de mayo de 2026", "2026-05-02 22:00:00"),
        ("3 maggio 2026", "2026-05-02 22:00:00"),
        ("3 out 2026", "2026-10-02 22:00:00"),
        ("3 мая 2026", "2026-05-02 22:00:00"),
        ("3 листопада 2025", "2025-11-02 23:00:00"),
        ("1990-01-01", "1989-12-31 23:00:00"),
        ("45000", "2023-03-14 23:00:00"),  # as a spreadsheet counts days
        ("45000.5", "2023-03-15 11:00:00"),
        ("46347,25", "2026-11-21 05:00:00"),
        ("33000", "1990-05-06 22:00:00"),
    ],
)
def test_what_means_one_moment_is_read(raw: str, expected: str) -> None:
    if expected:
        assert read(raw) == expected
        assert looks_like_date(raw, serial=True)
        assert looks_like_date(raw) == (not raw.startswith(("33000", "45000", "46347"))), (
            "a figure like any other"
        )
    else:
        assert refused(raw) == "date_unreadable"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("03/05/2026", "date_ambiguous"),
        ("03.05.2026 09:30", "date_ambiguous"),
        ("3-5-2026", "date_ambiguous"),
        ("13/05/26", "date_ambiguous"),
        ("26-05-03", "date_ambiguous"),
        ("2026-02-30", "date_unreadable"),
        ("31/04/2026", "date_unreadable"),
        ("2026-05-03 24:30", "date_unreadable"),
        ("2026-05-03 13:30 pm", "date_unreadable"),
        ("2026-05-03x09:30", "date_unreadable"),
        ("2026-05-03T09:30+99:00", "date_unreadable"),
        ("3 listopad 2025", "date_unreadable"),  # October or November, by the language
        ("32999", "date_unreadable"),
        ("46348", "date_unreadable"),  # as a spreadsheet counts days it were tomorrow
        ("45000.", "date_unreadable"),
        ("45000 1", "date_unreadable"),
        ("1777800000", "date_unreadable"),
        ("yesterday", "date_unreadable"),
        ("٢٠٢٦-٠٥-٠٣", "date_unreadable"),
        ("1970-01-01", "date_early"),
        ("0001-01-01 00:00:00", "date_early"),
        ("1989-12-31", "date_early"),
        ("2026-11-21T12:00:01Z", "date_future"),
        ("2026-11-22", "date_future"),
        ("9999-12-31 23:59:59-01:00", "date_future"),
    ],
)
def test_what_does_not_is_refused(raw: str, code: str) -> None:
    assert refused(raw) == code


@pytest.mark.parametrize(
    ("order", "expected"), [("day_first", "2026-05-02 22:00:00"), ("month_first", "2026-03-04 23:00:00")]
)
def test_a_person_may_say_how_days_and_months_stand(order: str, expected: str) -> None:
    assert read("03/05/2026", order) == expected
    assert read("2026-05-03", order) == "2026-05-02 22:00:00"
    assert refused("03/05/26", order) == "date_ambiguous"


def test_what_was_said_counts_for_every_date() -> None:
    assert refused("31/12/2025", "month_first") == refused("12/31/2025", "day_first") == "date_unreadable"


@given(
    st.text(max_size=40) | st.from_regex(r"[0-9./: -]{4,24}", fullmatch=True),
    st.sampled_from(["", "day_first"]),
)
def test_any_text_is_read_or_refused(raw: str, order: str) -> None:
    try:
        moment = read_moment(raw, zone=BERLIN, latest=NOW, order=order)
    except DateRefused as error:
        assert error.code in {"date_unreadable", "date_ambiguous", "date_early", "date_future"}
    else:
        assert moment <= NOW
        assert (moment.year >= 1989, moment.utcoffset()) == (True, timedelta(0))


@given(st.datetimes(datetime(1990, 1, 2), datetime(2026, 11, 20)))
def test_what_programs_write_comes_back(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    for written in (aware.isoformat(), aware.isoformat(" "), aware.strftime("%Y-%m-%dT%H:%M:%S.%fZ")):
        assert read_moment(written, zone=BERLIN, latest=NOW) == aware
    day = moment.strftime("%d %B %Y %H:%M:%S UTC")
    assert read_moment(day, zone=BERLIN, latest=NOW) == aware.replace(microsecond=0)
