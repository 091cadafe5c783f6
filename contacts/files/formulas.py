"""Cells that a spreadsheet would run as formulas: made harmless in every CSV of ours, and restored on import.

An apostrophe in front keeps a cell from being run. It goes in front of what begins like a formula, after
any apostrophes of its own; so what is read back can be told from a value that began with one. Numbers
stay bare: +12015550123 is run to itself. See docs/imports.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# In front of refused rows.
REJECT_COLUMNS = ("Crier row", "Crier reason")
# Of an exported list, at both ends, and names between them that nobody else gives.
EXPORT_FIRST, EXPORT_LAST = "number", "added_at"
_EXPORT_MARKS = frozenset({"first_name", "custom1", "custom4"})

# OWASP, "CSV Injection": = + - @ tab and line ends; the wide signs are what East Asian keyboards write.
_FORMULA = re.compile(r"[\s']*[=+\-@＝＋－＠]|[ ']*[\t\r\n]")
_NUMBER = re.compile(r" *[+-]?\d[\d., ]*")


def harmless(value: str) -> str:
    if _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def restored(value: str) -> str:
    """What `harmless` was given."""
    return value[1:] if value.startswith("'") and _FORMULA.match(value) else value


def is_written_by_us(header: Iterable[str]) -> bool:
    """A reject file or the export of a list, by its first row. Only there an apostrophe is known for ours."""
    names = [name.strip() for name in header]
    is_export = len(names) > 1 and (names[0], names[-1]) == (EXPORT_FIRST, EXPORT_LAST)
    return set(REJECT_COLUMNS) <= set(names) or (is_export and set(names) >= _EXPORT_MARKS)


def harmless_row(cells: Iterable[object]) -> list[str]:
    return [harmless(str(cell)) for cell in cells]


def restored_row(cells: Sequence[str]) -> list[str]:
    return [restored(cell) for cell in cells]
