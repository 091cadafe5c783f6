"""Run as a process of its own: one sheet of a workbook to CSV (UTF-8, commas).

    python sheet_to_csv.py WORKBOOK TARGET MAX_MEMORY_BYTES POSITION

A workbook is loaded whole by its reader, and a hostile one may ask for any amount of memory: here that ends
this process, not the web server. POSITION: of the sheet among those that can be chosen; -1: the first that
holds rows of data, else the first that holds anything. Prints {"sheet", "rows", "sheets"} or
{"error": password|broken|empty|too_large}.
"""

from __future__ import annotations

import csv
import datetime
import json
import resource
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

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


def convert(source: Path, target: Path, position: int) -> dict[str, Any]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        workbook = CalamineWorkbook.from_path(str(source))
        names = _names(workbook)
        name = _first_of_data(workbook, names) if position < 0 else names[position]
        sheet = workbook.get_sheet_by_name(name) if name else None
        if sheet and sheet.height:
            return {"sheet": name, "rows": _write(sheet, target), "sheets": names}
    except PasswordError:
        return {"error": "password"}
    except CalamineError:
        return {"error": "broken"}
    return {"error": "empty"}


def _names(workbook: Any) -> list[str]:
    """Of the tables that people see; of all tables where every one is hidden. Charts hold no rows."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables = [one for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
    visible = [one.name for one in tables if one.visible == SheetVisibleEnum.Visible]
    return (visible or [one.name for one in tables])[:MAX_SHEETS]


def _first_of_data(workbook: Any, names: list[str]) -> str:
    """Of sheets that hold a header alone the first one, where no other holds more; "" where all are empty."""
    only_header = ""
    for name in names:
        rows = list(islice(filter(any, _texts(workbook.get_sheet_by_name(name))), 2))
        if len(rows) == 2 or any(sum(map(str.isdigit, cell)) >= DIGITS_OF_NUMBER for cell in chain(*rows)):
            return name
        only_header = only_header or (name if rows else "")
    return only_header


def _texts(sheet: Any) -> Iterator[list[str]]:
    return (
        [text_of(value).strip() for value in cells] for cells in sheet.iter_rows() if not _is_empty(cells)
    )


def _is_empty(cells: list[Any]) -> bool:
    """Quick, for a million rows of hundreds of empty cells."""
    return cells.count("") == len(cells)


def _write(sheet: Any, target: Path) -> int:
    rows = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        # What is a line end gets quotation marks in a cell; of "\n" as the line end "\r" would not.
        writer = csv.writer(file, lineterminator="\r\n")
        for cells in sheet.iter_rows():
            rows += 1
            # An empty row is an empty line, which is passed over quickest: sheets may have a million of them.
            if _is_empty(cells):
                file.write("\r\n")
                continue
            texts = list(map(text_of, cells))
            writer.writerow(texts if any(texts) else ())
    return rows


def main(source: str, target: str, max_memory: str, position: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(max_memory), int(max_memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = convert(Path(source), Path(target), int(position))
    except MemoryError:
        answer = {"error": "too_large"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
