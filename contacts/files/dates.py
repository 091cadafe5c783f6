"""Moments as files write them, read only where they mean one thing: a date that could be two is never guessed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from contacts.models import DateOrder

LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
# Nobody was texted before; what lies there is a zero in disguise (1900-01-00, 1970-01-01, 0001-01-01).
EARLIEST_YEAR = 1990

# How spreadsheets count days, with a part of one behind the point (the years 1990 to 2173); the day that is 0.
_SERIAL = re.compile(r"(?P<days>3[3-9][0-9]{3}|[4-9][0-9]{4})(?:[.,](?P<part>[0-9]{1,12}))?", re.ASCII)
_SERIAL_ZERO = date(1899, 12, 30)

# By month, as written in English, German, French, Spanish, Italian, Portuguese, Dutch, Danish, Norwegian, Swedish,
# Russian and Ukrainian, without accents. None of them means another month in another of these languages; those of which
# one does ("listopad" is October or November) are left out.
_MONTHS: Mapping[int, str] = {
    1: "jan january januar janvier janv enero ene gennaio gen janeiro januari января январь янв січня січень",
    2: "feb february februar fevrier fevr febrero febbraio fevereiro fev februari февраля февраль фев лютого лютий",
    3: "mar march marz maerz mrz mars marzo marco maart mrt marts марта март мар березня березень",
    4: "apr april avril avr abril abr aprile апреля апрель апр квітня квітень",
    5: "may mai mayo maggio mag maio mei maj мая май травня травень",
    6: "jun june juni juin junio giugno giu junho июня июнь июн червня червень",
    7: "jul july juli juillet juil julio luglio lug julho июля июль июл липня липень",
    8: "aug august aout agosto ago augustus augusti августа август авг серпня серпень",
    9: "sep sept september septembre septiembre settembre set setembro сентября сентябрь сен вересня вересень",
    10: "oct october okt oktober octobre octubre ottobre ott outubro out октября октябрь окт жовтня жовтень",
    11: "nov november novembre noviembre novembro ноября ноябрь ноя листопада листопад",
    12: "dec december dez dezember decembre diciembre dic dicembre dezembro des desember грудня грудень"
    " декабря декабрь дек",
}
_MONTH_OF = {word: number for number, words in _MONTHS.items() for word in words.split()}
_PLAIN = str.maketrans("äéèêûçй", "aeeeucи", "")
_MONTH_OF = {word.translate(_PLAIN): number for word, number in _MONTH_OF.items()}

_CLOCK = (
    r"(?:(?:[T ]|,\s?| at )\s?(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"(?:\s?(?P<half>[ap])\.?m\.?)?(?:\s?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?(?:[0-9]{2})?))?)?"
)
_YEAR_FIRST = re.compile(
    rf"(?P<year>[0-9]{{4}})(?P<sign>[-/.])(?P<month>[0-9]{{1,2}})(?P=sign)(?P<day>[0-9]{{1,2}}){_CLOCK}", re.I
)
_COMPACT = re.compile(rf"(?P<year>[0-9]{{4}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}}){_CLOCK}", re.I)
_YEAR_LAST = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<sign>[-/.])(?P<second_>[0-9]{{1,2}})(?P=sign)(?P<year>[0-9]{{4}}|[0-9]{{2}}){_CLOCK}",
    re.I,
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6},?\s)?"
_DAY_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|\.|er|º)?[\s-](?:de\s)?(?P<word>[^\W\d_]+)\.?,?[\s-](?:de\s|del\s)?"
    rf"(?P<year>[0-9]{{4}}){_CLOCK}",
    re.I,
)
_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}(?P<word>[^\W\d_]+)\.?\s(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?\s(?P<year>[0-9]{{4}}){_CLOCK}",
    re.I,
)


class DateRefused(Exception):
    """`code` of problems.py: date_unreadable, date_ambiguous, date_early, date_future."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_moment(raw: str, *, zone: tzinfo, latest: datetime, order: str = "") -> datetime:
    """In UTC. A date alone is its first moment in `zone`, and so is a time without an offset a time there.

    `order`: of DateOrder, what a person said about the file. Raises DateRefused, also for what lies after `latest`.
    """
    found = _serial(raw.strip(), zone, latest) or _iso(raw) or _usual(" ".join(raw.split()), order)
    try:
        moment = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise DateRefused("date_early" if found.year < EARLIEST_YEAR else "date_future") from None
    if found.year < EARLIEST_YEAR:
        raise DateRefused("date_early")
    if moment > latest:
        raise DateRefused("date_future")
    return moment


def looks_like_date(raw: str, *, serial: bool = False) -> bool:
    """Also where it could be two of them. `serial`: a spreadsheet's count of days is one, too."""
    if not serial and _SERIAL.fullmatch(raw.strip()):
        return False
    try:
        read_moment(raw, zone=UTC, latest=LAST_MOMENT)
    except DateRefused as error:
        return error.code == "date_ambiguous"
    return True


def _serial(text: str, zone: tzinfo, latest: datetime) -> datetime | None:
    """To the second. None for a count that lies after `latest`: that is some other number."""
    match = _SERIAL.fullmatch(text)
    if match is None:
        return None
    seconds = round(86_400 * float(f"0.{match['part'] or 0}"))
    midnight = datetime.combine(_SERIAL_ZERO + timedelta(days=int(match["days"])), time())
    moment = (midnight + timedelta(seconds=seconds)).replace(tzinfo=zone)
    return moment if moment.astimezone(UTC) <= latest else None


def _iso(raw: str) -> datetime | None:
    """The usual way of programs, and the fast one. What is odd is for the patterns."""
    if len(raw) < 10 or raw[4] != "-" or raw[7] != "-" or raw[10:11] not in {"", "T", " "}:
        return None
    try:
        return datetime.fromisoformat(raw)
    except ValueError:
        return None


def _usual(text: str, order: str) -> datetime:
    for pattern in (_YEAR_FIRST, _COMPACT, _YEAR_LAST, _DAY_MONTH, _MONTH_DAY):
        match = pattern.fullmatch(text)
        if match:
            return _moment(match, order)
    raise DateRefused("date_unreadable")


def _moment(match: re.Match[str], order: str) -> datetime:
    parts = match.groupdict()
    try:
        day = _date(parts, order)
        if parts["hour"] is None:
            return datetime.combine(day, time())
        return datetime.combine(day, _time(parts), _zone(parts["zone"]))
    except ValueError:
        raise DateRefused("date_unreadable") from None


def _date(parts: dict[str, str | None], order: str) -> date:
    """ValueError where there is no such day."""
    year = int(parts["year"] or 0)
    if "first" in parts:
        if len(parts["year"] or "") == 2:
            raise DateRefused("date_ambiguous")
        return _year_last(int(parts["first"] or 0), int(parts["second_"] or 0), year, order)
    if "word" in parts:
        month = _MONTH_OF.get((parts["word"] or "").lower().translate(_PLAIN), 0)
    else:
        month = int(parts["month"] or 0)
    return date(year, month, int(parts["day"] or 0))


def _year_last(first: int, second: int, year: int, order: str) -> date:
    """13/05/2026 is one day only; 03/05/2026 is two, unless somebody said how the file writes them."""
    if order == DateOrder.DAY_FIRST:
        return date(year, second, first)
    if order == DateOrder.MONTH_FIRST:
        return date(year, first, second)
    if first > 12:
        return date(year, second, first)
    if second > 12 or first == second:
        return date(year, first, second)
    raise DateRefused("date_ambiguous")


def _time(parts: dict[str, str | None]) -> time:
    hour = int(parts["hour"] or 0)
    if parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if parts["half"] in "pP" else 0)
    part = (parts["part"] or "")[:6].ljust(6, "0")
    return time(hour, int(parts["minute"] or 0), int(parts["second"] or 0), int(part))


def _zone(raw: str | None) -> tzinfo | None:
    if raw is None:
        return None
    if raw.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    hours, minutes = int(raw[1:3]), int(raw[3:].lstrip(":") or 0)
    if minutes > 59:
        raise ValueError(raw)
    return timezone((1 if raw[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes))
