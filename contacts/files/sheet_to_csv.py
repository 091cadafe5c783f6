"""Run as a process of its own: one sheet of a workbook to CSV (UTF-8, commas).

    python sheet_to_csv.py WORKBOOK TARGET MAX_MEMORY_BYTES

A workbook is loaded whole by its reader, and a hostile one may ask for any amount of memory: here that ends
this process, not the web server. Prints {"sheet", "rows"} or {"error": password|broken|empty|too_large}.
"""

from __future__ import annotations

import csv
import datetime
import json
import resource
import sys
from pathlib import Path
from typing import Any

# A float of more digits is no longer exact.
EXACT = 10**15


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


def convert(source: Path, target: Path) -> dict[str, Any]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        workbook = CalamineWorkbook.from_path(str(source))
        names = [one.name for one in workbook.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
        for name in names or workbook.sheet_names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.height:
                return {"sheet": name, "rows": _write(sheet, target)}
    except PasswordError:
        return {"error": "password"}
    except CalamineError:
        return {"error": "broken"}
    return {"error": "empty"}


def _write(sheet: Any, target: Path) -> int:
    rows = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for cells in sheet.iter_rows():
            writer.writerow(map(text_of, cells))
            rows += 1
    return rows


def main(source: str, target: str, max_memory: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(max_memory), int(max_memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = convert(Path(source), Path(target))
    except MemoryError:
        answer = {"error": "too_large"}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
