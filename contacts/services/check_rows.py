"""The first rows of every count of a check: kept while it goes on, and as pages and programs show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from contacts.files.parsing import Chunk
from contacts.models import Import
from contacts.problems import KEPT_ROWS, describe
from contacts.services.import_writers import Outcome

# Of an Outcome: which rows they are, only the database knows.
COMPARED = ("new", "updated", "unchanged", "skipped", "opted_out")


class Compared(Protocol):
    """What a writer tells of the chunk that it compared last."""

    def first_numbers(self, rooms: Mapping[str, int]) -> dict[str, list[str]]: ...

    def digits_of(self, item: Any) -> str: ...


class FirstRows:
    """KEPT_ROWS of each count at most. The database is asked about a chunk only where rows of a count are wanting
    that the chunk has, and where not all of its rows are such.
    """

    def __init__(self) -> None:
        self._rows: dict[str, list[int]] = {name: [] for name in (*COMPARED, "other_number")}
        self._duplicates: list[tuple[int, str, int | None]] = []

    def look(self, chunk: Chunk, outcome: Outcome, writer: Compared) -> None:
        """Right after `writer` compared the chunk, in the same transaction."""
        rooms = {}
        for name in COMPARED:
            room, count = KEPT_ROWS - len(self._rows[name]), getattr(outcome, name)
            if room and count == len(chunk.items):
                self._rows[name] += chunk.item_rows[:room]
            elif room and count:
                rooms[name] = room
        found = writer.first_numbers(rooms) if rooms else {}
        rows = _rows_of({number for numbers in found.values() for number in numbers}, chunk, writer)
        for name, numbers in found.items():
            self._rows[name] += sorted(rows[number] for number in numbers)
        others = self._rows["other_number"]
        others += chunk.other_number_rows[: KEPT_ROWS - len(others)]
        self._look_at_duplicates(chunk, writer)

    def _look_at_duplicates(self, chunk: Chunk, writer: Compared) -> None:
        """Which row was the first is told where that is in the same chunk; else it would have to be kept of all."""
        more = chunk.duplicates[: KEPT_ROWS - len(self._duplicates)]
        first = _rows_of({digits for _row, digits in more}, chunk, writer)
        self._duplicates += [(row, digits, first.get(digits)) for row, digits in more]

    def as_dict(self) -> dict[str, Any]:
        """For Import.check_rows."""
        return {**self._rows, "duplicate": self._duplicates}


def _rows_of(numbers: set[str], chunk: Chunk, writer: Compared) -> dict[str, int]:
    """number: its row, of those that the chunk has."""
    rows: dict[str, int] = {}
    if not numbers:
        return rows
    for item, row in zip(chunk.items, chunk.item_rows, strict=True):
        digits = writer.digits_of(item)
        if digits in numbers:
            rows[digits] = row
            if len(rows) == len(numbers):
                break
    return rows


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`first_row`: where the number stands first; None where that is far above."""

    row: int
    msisdn: str
    first_row: int | None


@dataclass(frozen=True, slots=True)
class CheckRows:
    """Numbers of the first rows of each count of a check, the header being row 1; at most KEPT_ROWS each."""

    new: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    duplicate: list[Duplicate] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    opted_out: list[int] = field(default_factory=list)
    cut: list[int] = field(default_factory=list)
    other_number: list[int] = field(default_factory=list)
    countries: dict[str, list[int]] = field(default_factory=dict)


def check_rows_of(imported: Import) -> CheckRows:
    kept = imported.check_rows
    told = describe(imported.check_problems)
    return CheckRows(
        **{name: kept.get(name, []) for name in (*COMPARED, "other_number") if name != "skipped"},
        skipped=_first(kept.get("skipped", []), *(one.rows for one in told if one.effect == "skipped")),
        duplicate=[Duplicate(*one) for one in kept.get("duplicate", [])],
        refused=_first(*(one.rows for one in told if one.effect == "refused")),
        cut=_first(*(one.rows for one in told if one.effect == "cut")),
        countries={name: rows for name, (_count, rows) in kept.get("countries", {}).items() if rows},
    )


def numbers_by_country(imported: Import) -> dict[str, int]:
    """Of the check, of the rows that can be imported."""
    return {name: count for name, (count, _rows) in imported.check_rows.get("countries", {}).items()}


def _first(*rows: list[int]) -> list[int]:
    """Of all together. Each has its own first ones, so the first ones of all are among them."""
    return sorted({row for some in rows for row in some})[:KEPT_ROWS]
