"""Cells of the CSV files that people open in spreadsheets and programs read."""

from __future__ import annotations

from datetime import datetime, tzinfo

# A cell that begins so is run as a formula by spreadsheets (OWASP, CSV injection).
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: str) -> str:
    """Text that came from people or vendors: an apostrophe in front keeps a spreadsheet from running it."""
    return f"'{value}" if value.startswith(FORMULA_BEGINNINGS) else value


def msisdn_cell(digits: str) -> str:
    """E.164, as programs read it back: `+12015550123`."""
    return f"+{digits}" if digits else ""


def time_cell(at: datetime | None, zone: tzinfo) -> str:
    """ISO 8601 with the offset, `2026-11-21T09:00:00-05:00`; "" for none.

    The zone is given: when a file is streamed, the page's own zone is over.
    """
    return at.astimezone(zone).isoformat(timespec="seconds") if at else ""
