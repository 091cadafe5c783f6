"""Run as a process of its own: one sheet of a workbook to CSV (UTF-8, commas).

    python sheet_to_csv.py WORKBOOK TARGET MAX_MEMORY_BYTES POSITION whole|rows

A workbook is loaded whole by its fast reader (calamine), and a hostile one may ask for any amount of memory: here that
ends this process, not the web server. A cell in the last corner makes it ask for seventeen thousand million cells:
`rows` reads an XLSX row by row (openpyxl), a tenth as fast and whatever stands far out. POSITION: of the sheet among
those that can be chosen; -1: the first that holds rows of data, else the first that holds anything. Prints {"sheet",
"rows", "sheets"} or {"error": password|broken|empty|too_large}.
"""

from __future__ import annotations

import csv
import datetime
import json
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

# A float of more digits is no longer exact.
EXACT = 10**15
# So many can be chosen from.
MAX_SHEETS = 200
# A sheet of one row holds data if a cell has so many digits; names of columns have less.
DIGITS_OF_NUMBER = 5


def text_of(value: Any) -> str:
    """A cell as people see it: 4915123456789.0 is a whole number, a date is written as ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    return "" if value is None else str(value)


def convert(source: Path, target: Path, position: int, reader: str = "whole") -> dict[str, Any]:
    from python_calamine import CalamineError, PasswordError

    try:
        workbook: Workbook = _RowByRow(source) if reader == "rows" else _Whole(source)
        names = (workbook.visible or workbook.tables)[:MAX_SHEETS]
        name = _first_of_data(workbook, names) if position < 0 else names[position]
        rows = _write(workbook.rows(name), target) if name else 0
    except PasswordError:
        return {"error": "password"}
    except (CalamineError, Broken):
        return {"error": "broken"}
    return {"sheet": name, "rows": rows, "sheets": names} if rows else {"error": "empty"}


class Broken(Exception):
    """What openpyxl cannot make sense of."""


class Workbook(Protocol):
    """Names of its tables, and of those that people see. Charts hold no rows."""

    tables: list[str]
    visible: list[str]

    def rows(self, name: str) -> Iterator[list[Any]]: ...


class _Whole:
    def __init__(self, source: Path) -> None:
        from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

        self._workbook = CalamineWorkbook.from_path(str(source))
        tables = [one for one in self._workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        self.tables = [one.name for one in tables]
        self.visible = [one.name for one in tables if one.visible == SheetVisibleEnum.Visible]

    def rows(self, name: str) -> Iterator[list[Any]]:
        return self._workbook.get_sheet_by_name(name).iter_rows()


class _RowByRow:
    def __init__(self, source: Path) -> None:
        import openpyxl

        warnings.simplefilter("ignore")  # of what it leaves out, such as conditional formats
        with _as_broken():
            self._workbook = openpyxl.load_workbook(source, read_only=True, data_only=True)
        self.tables = [sheet.title for sheet in self._workbook.worksheets]
        self.visible = [sheet.title for sheet in self._workbook.worksheets if sheet.sheet_state == "visible"]

    def rows(self, name: str) -> Iterator[list[Any]]:
        sheet = self._workbook[name]
        # Else each row is as wide as the sheet says that it is.
        sheet.reset_dimensions()
        with _as_broken():
            for cells in sheet.iter_rows(values_only=True):
                yield [_as_whole_reads(value) for value in cells]


def _as_whole_reads(value: Any) -> Any:
    """A day has no time of day."""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date()
    return "" if value is None else value


@contextmanager
def _as_broken() -> Iterator[None]:
    """Its parts raise whatever they meet: of a zip, of XML, of numbers and styles."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        raise Broken from error


def _first_of_data(workbook: Workbook, names: list[str]) -> str:
    """Of sheets that hold a header alone the first one, where no other holds more; "" where all are empty."""
    only_header = ""
    for name in names:
        rows = list(islice(filter(any, _texts(workbook.rows(name))), 2))
        if len(rows) == 2 or any(sum(map(str.isdigit, cell)) >= DIGITS_OF_NUMBER for cell in chain(*rows)):
            return name
        only_header = only_header or (name if rows else "")
    return only_header


def _texts(rows: Iterator[list[Any]]) -> Iterator[list[str]]:
    return ([text_of(value).strip() for value in cells] for cells in rows if not _is_empty(cells))


def _is_empty(cells: list[Any]) -> bool:
    """Quick, for a million rows of hundreds of empty cells."""
    return cells.count("") == len(cells)


def _write(rows_of_sheet: Iterator[list[Any]], target: Path) -> int:
    rows = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        # What is a line end gets quotation marks in a cell; of "\n" as the line end "\r" would not.
        writer = csv.writer(file, lineterminator="\r\n")
        for cells in rows_of_sheet:
            rows += 1
            # An empty row is an empty line, which is passed over quickest: sheets may have a million of them.
            if _is_empty(cells):
                file.write("\r\n")
                continue
            texts = list(map(text_of, cells))
            writer.writerow(texts if any(texts) else ())
    return rows


def main(source: str, target: str, max_memory: str, position: str, reader: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(max_memory), int(max_memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = convert(Path(source), Path(target), int(position), reader)
    except MemoryError:
        answer = {"error": "too_large"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
