"""Texts of people compared as numbers and as days. A text that is neither is none, and fits no comparison."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import CharField, FloatField, Func, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils import timezone

from web.posted import whole_number

# As a spreadsheet writes them, with a point or a comma before decimals; more digits are an id, not an amount.
_PLAIN = r"^[+-]?[0-9]{1,15}([.,][0-9]{1,9})?\Z"
# 1,000 and 1.250 may be thousands or decimals: such a one is neither.
_DOUBTFUL = r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}\Z"
# 1,234,567 and 1,234.50; 1.234.567 and 1.234,50.
_BY_COMMAS = r"^[+-]?[1-9][0-9]{0,2}((,[0-9]{3})+[.][0-9]{1,9}|(,[0-9]{3}){2,4})\Z"
_BY_POINTS = r"^[+-]?[1-9][0-9]{0,2}(([.][0-9]{3})+,[0-9]{1,9}|([.][0-9]{3}){2,4})\Z"
_DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"


_IS_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NumberIn(Func):
    """NULL where the text is no number, or may be two."""

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"TRIM({text})"
        like, as_float = _dialect(connection)
        plain = as_float(f"REPLACE({whole}, ',', '.')")
        by_commas = as_float(f"REPLACE({whole}, ',', '')")
        by_points = as_float(f"REPLACE(REPLACE({whole}, '.', ''), ',', '.')")
        return (
            f"CASE WHEN {whole} {like} '{_DOUBTFUL}' THEN NULL WHEN {whole} {like} '{_PLAIN}' THEN {plain}"
            f" WHEN {whole} {like} '{_BY_COMMAS}' THEN {by_commas} WHEN {whole} {like} '{_BY_POINTS}' THEN {by_points} END",
            tuple(params) * 7,
        )

    as_sqlite = as_postgresql


class DayIn(Func):
    """The day with which the text begins, as in 2026-11-21; NULL where it begins with none."""

    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"TRIM({text})"
        like, _as_float = _dialect(connection)
        return f"CASE WHEN {whole} {like} '{_DAY}' THEN SUBSTR({whole}, 1, 10) END", tuple(params) * 2

    as_sqlite = as_postgresql


def _dialect(connection: Any) -> tuple[str, Callable[[str], str]]:
    """How a text is held against a pattern, and made a number."""
    if connection.vendor == "postgresql":
        return "~", "({})::double precision".format
    return "REGEXP", "CAST({} AS REAL)".format


def is_doubtful(raw: str) -> bool:
    """Whether it may be a thousand times as much: 1,000."""
    return bool(re.match(_DOUBTFUL, raw))


def number_of(raw: str) -> float | None:
    """None for what is no number, and for what may be two."""
    if is_doubtful(raw):
        return None
    if re.match(_PLAIN, raw):
        return float(raw.replace(",", "."))
    if re.match(_BY_COMMAS, raw):
        return float(raw.replace(",", ""))
    return float(raw.replace(".", "").replace(",", ".")) if re.match(_BY_POINTS, raw) else None


def day_of(raw: str) -> date | None:
    """None where it is none, or so near the ends of time that it has no next one."""
    try:
        day = date.fromisoformat(raw) if _IS_DAY.fullmatch(raw) else None
    except ValueError:
        return None
    return day if day and 1900 <= day.year <= 9000 else None


def days_back(raw: str) -> int | None:
    """How many; None where it is no whole number of them."""
    return whole_number(raw, 4) or None


def at_least(text: Any, raw: str) -> Q:
    return _compared(GreaterThanOrEqual, text, raw)


def at_most(text: Any, raw: str) -> Q:
    return _compared(LessThanOrEqual, text, raw)


def _compared(lookup: type[GreaterThanOrEqual[Any]] | type[LessThanOrEqual[Any]], text: Any, raw: str) -> Q:
    number = number_of(raw)
    if number is not None:
        return Q(lookup(NumberIn(text), number))
    return Q(lookup(DayIn(text), Value(raw)))


def within_days(text: Any, raw: str, zone: zoneinfo.ZoneInfo) -> Q:
    """From so many days ago until today."""
    today = _today(zone)
    first = today - timedelta(days=days_back(raw) or 0)
    day = DayIn(text)
    return Q(
        GreaterThanOrEqual(day, Value(first.isoformat())), LessThanOrEqual(day, Value(today.isoformat()))
    )


def first_moment(raw: str, zone: zoneinfo.ZoneInfo) -> datetime:
    """Of the day so many days ago."""
    return datetime.combine(_today(zone) - timedelta(days=days_back(raw) or 0), time.min, zone)


def _today(zone: zoneinfo.ZoneInfo) -> date:
    return timezone.localtime(timezone.now(), zone).date()
