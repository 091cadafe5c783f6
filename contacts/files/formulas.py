"""Files of ours that are read back: which they are, and their cells as they were before they were made harmless.

Every CSV of ours keeps spreadsheets from running cells as formulas (web/csv_cells.py). See docs/imports.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contacts.fields import PERSON_FIELDS
from web.csv_cells import harmless, restored

# In front of refused rows.
REJECT_COLUMNS = ("Crier row", "Crier reason")
# Of an exported list, at both ends, and names between them that nobody else gives.
EXPORT_FIRST, EXPORT_LAST = "number", "added_at"
# Of exported opt-outs and unsubscribe lists, at the front.
PROOF_COLUMNS = ("number", "at", "how", "source", "message_id")
# Of a list exported with semicolons: these at the front, named and in the order as we write them.
SEMICOLON_COLUMNS = ("phone_number", *PERSON_FIELDS)
_EXPORT_MARKS = frozenset({"first_name", "custom1", "custom4"})


def is_written_by_us(header: Iterable[str]) -> bool:
    """A reject file or an export of ours, by its first row. Only there an apostrophe is known for ours."""
    names = [name.strip() for name in header]
    is_export = len(names) > 1 and (names[0], names[-1]) == (EXPORT_FIRST, EXPORT_LAST)
    if any(tuple(names[: len(ours)]) == ours for ours in (PROOF_COLUMNS, SEMICOLON_COLUMNS)):
        return True
    return set(REJECT_COLUMNS) <= set(names) or (is_export and set(names) >= _EXPORT_MARKS)


def harmless_row(cells: Iterable[object]) -> list[str]:
    return [harmless(str(cell)) for cell in cells]


def restored_row(cells: Sequence[str]) -> list[str]:
    return [restored(cell) for cell in cells]
