"""A workbook, row by row: the import's reader against openpyxl."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from openpyxl import Workbook, load_workbook

from benchmarks.results import Plan, Result, measure_pairs, rate_of
from contacts.files.formats import Format
from contacts.files.reading import open_records
from contacts.files.workbooks import check_workbook, workbook_to_csv
from sms.examples import example_msisdns

HEADER = ("phone", "first_name", "last_name", "email", "url", "points")


def run(plan: Plan) -> Iterator[Result]:
    rows = plan.size(60_000, 15_000)
    path = Path(os.environ["CRIER_DATA"]) / "people.xlsx"
    write_workbook(path, rows)
    yield measure_pairs(
        "xlsx_vs_openpyxl",
        "rows/s",
        plan.runs,
        lambda: rate_of(lambda: _check(read_as_import(path), rows), rows),
        lambda: rate_of(lambda: _check(read_with_openpyxl(path), rows), rows),
    )


def write_workbook(path: Path, rows: int) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("People")
    sheet.append(HEADER)
    for number, msisdn in enumerate(example_msisdns(rows)):
        address = f"person{number}@example.com"
        sheet.append(
            (int(msisdn), f"Person {number}", "Example", address, f"https://example.com/{msisdn}", number / 4)
        )
    book.save(path)


def read_as_import(path: Path) -> int:
    """All that an import does before it looks at a row: the safety check, the reader's process, its records."""
    check_workbook(path, "xlsx")
    target = path.with_suffix(".csv")
    workbook_to_csv(path, target)
    with open_records(target, Format()) as records:
        return sum(1 for _record in records)


def read_with_openpyxl(path: Path) -> int:
    book = load_workbook(path, read_only=True)
    try:
        return sum(1 for _row in book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _check(read: int, rows: int) -> None:
    if read != rows + 1:
        raise AssertionError(f"{read:,} rows were read; the workbook has {rows + 1:,} with its header.")
