"""Texts of people compared as numbers and as days. A text that is neither is none, and fits no comparison."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import CharField, FloatField, Func, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils import timezone

# As a spreadsheet writes them, with a point or a comma; more digits are an id, not an amount.
_NUMBER = r"^[+-]?[0-9]{1,15}([.,][0-9]{1,9})?$"
_IS_NUMBER = re.compile(_NUMBER)
_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"


class NumberIn(Func):
    """NULL where the text is no number."""

    output_field = FloatField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"btrim({text})"
        return (
            f"CASE WHEN {whole} ~ '{_NUMBER}' THEN replace({whole}, ',', '.')::double precision END",
            (*params, *params),
        )

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"TRIM({text})"
        return (
            f"CASE WHEN {whole} REGEXP '{_NUMBER}' THEN CAST(REPLACE({whole}, ',', '.') AS REAL) END",
            (*params, *params),
        )


class DayIn(Func):
    """The day with which the text begins, as in 2026-11-21; NULL where it begins with none."""

    output_field = CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"btrim({text})"
        return f"CASE WHEN {whole} ~ '^{_DAY}' THEN substr({whole}, 1, 10) END", (*params, *params)

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        text, params = compiler.compile(self.source_expressions[0])
        whole = f"TRIM({text})"
        return f"CASE WHEN {whole} GLOB '{_DAY}*' THEN substr({whole}, 1, 10) END", (*params, *params)


def number_of(raw: str) -> float | None:
    return float(raw.replace(",", ".")) if _IS_NUMBER.match(raw) else None


def day_of(raw: str) -> date | None:
    """None where it is none, or so near the ends of time that it has no next one."""
    try:
        day = date.fromisoformat(raw) if len(raw) == 10 else None
    except ValueError:
        return None
    return day if day and 1900 <= day.year <= 9000 else None


def days_back(raw: str) -> int | None:
    """How many; None where it is no whole number of them."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 4 and int(raw) else None


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
