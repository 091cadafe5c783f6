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
UNDONE_COLUMNS = ("undone_at", "undone_reason", "undone_by")
# Behind them: what the person answered.
ANSWER_COLUMN = "message"
# Of a list exported with semicolons: these at the front, named and in the order as we write them.
SEMICOLON_COLUMNS = ("phone_number", *PERSON_FIELDS)
_EXPORT_MARKS = frozenset({"first_name", "custom1", "custom4"})


def is_written_by_us(header: Iterable[str]) -> bool:
    """A reject file or an export of ours, by its first row. Only there an apostrophe is known for ours."""
    names = [name.strip() for name in header]
    if is_proof_of_ours(names) or tuple(names[: len(SEMICOLON_COLUMNS)]) == SEMICOLON_COLUMNS:
        return True
    return set(REJECT_COLUMNS) <= set(names) or _is_export(names)


def without_reject_columns(header: Iterable[str]) -> list[str]:
    """Names without the two in front of refused rows."""
    names = [name.strip() for name in header]
    return names[len(REJECT_COLUMNS) :] if tuple(names[: len(REJECT_COLUMNS)]) == REJECT_COLUMNS else names


def people_as_exported(header: Sequence[str]) -> int | None:
    """Where the number stands in a list of ours that was exported, also of one that was refused in part; else None."""
    names = without_reject_columns(header)
    with_semicolons = tuple(names[: len(SEMICOLON_COLUMNS)]) == SEMICOLON_COLUMNS
    return len(header) - len(names) if with_semicolons or _is_export(names) else None


def own_columns(header: Sequence[str]) -> set[int]:
    """Where a file of ours holds what we alone know: when somebody was added, the proof of an opt-out, why a row was
    refused. They are no fields of a person.
    """
    found = {at for at, name in enumerate(header) if name.strip() in REJECT_COLUMNS}
    names = without_reject_columns(header)
    before = len(header) - len(names)
    if _is_export(names):
        found.add(len(header) - 1)
    if is_proof_of_ours(names):
        ours = (*PROOF_COLUMNS[1:], *UNDONE_COLUMNS, ANSWER_COLUMN)
        found |= {before + at for at, name in enumerate(names) if name in ours}
    return found


def _is_export(names: Sequence[str]) -> bool:
    ends = len(names) > 1 and (names[0], names[-1]) == (EXPORT_FIRST, EXPORT_LAST)
    return ends and set(names) >= _EXPORT_MARKS


def is_proof_of_ours(header: Iterable[str]) -> bool:
    """An export of ours of opt-outs or of an unsubscribe list, by its first row; also one that was refused in part."""
    return tuple(without_reject_columns(header)[: len(PROOF_COLUMNS)]) == PROOF_COLUMNS


def harmless_row(cells: Iterable[object]) -> list[str]:
    return [harmless(str(cell)) for cell in cells]


def restored_row(cells: Sequence[str]) -> list[str]:
    return [restored(cell) for cell in cells]
