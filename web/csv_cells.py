"""Cells of the CSV files that people open in spreadsheets and programs read."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

# OWASP, "CSV Injection": = + - @ tab and line ends; the wide signs are what East Asian keyboards write.
_FORMULA = re.compile(r"[\s']*[=+\-@＝＋－＠]|[ ']*[\t\r\n]")
_NUMBER = re.compile(r" *[+-]?\d[\d., ]*")


def harmless(value: str) -> str:
    """Text that came from people or vendors: an apostrophe in front keeps a spreadsheet from running it.

    It goes in front of what begins like a formula, after any apostrophes of its own; so what is read back can be told
    from a value that began with one. Numbers stay bare: +12015550123 is run to itself.
    """
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def restored(value: str) -> str:
    """What `harmless` was given."""
    return value[1:] if value.startswith("'") and _FORMULA.match(value) else value


def msisdn_cell(digits: str) -> str:
    """E.164, as programs read it back: `+12015550123`."""
    return f"+{digits}" if digits else ""


def time_cell(at: datetime | None, zone: tzinfo) -> str:
    """ISO 8601 with the offset, `2026-11-21T09:00:00-05:00`; "" for none.

    The zone is given: when a file is streamed, the page's own zone is over.
    """
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""
