"""contacts.files.workbooks: XLSX as CSV, and what is refused before it is opened."""

import csv
import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from contacts.errors import FileRefused
from contacts.files import sheet_to_csv, workbooks
from contacts.files.inspection import inspect_upload

ROWS: list[list[Any]] = [
    ["phone", "name", "joined", "points", "vip"],
    [12015550100, "Zoë", datetime.date(2026, 5, 3), 19.5, True],
    ["+1 201-555-0101", None, datetime.datetime(2026, 5, 3, 9, 30), 44.0, False],
]


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_it_works(tmp_path: Path) -> None:
    path = workbook(tmp_path / "people.csv", {"Empty": [], "People": ROWS})
    found = inspect_upload(path, "US")
    assert (found.kind, found.sheet, found.rows) == ("xlsx", "People", 2)
    assert [column.guess for column in found.columns][:2] == ["msisdn", "first_name"]
    assert list(csv.reader(io.StringIO(path.read_text()))) == [
        ["phone", "name", "joined", "points", "vip"],
        ["12015550100", "Zoë", "2026-05-03", "19.5", "TRUE"],
        ["+1 201-555-0101", "", "2026-05-03 09:30:00", "44", "FALSE"],
    ]
    assert (found.sheets, found.workbook) == (("Empty", "People"), tmp_path / "people.xlsx")


def test_row_numbers_are_the_sheets_own(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for at, value in ((4, "phone"), (5, "+12015550100")):
        sheet.cell(at, 2, value)
    book.save(tmp_path / "low.csv")
    inspect_upload(tmp_path / "low.csv", "US")
    assert (tmp_path / "low.csv").read_text().splitlines() == ["", "", "", "phone", "+12015550100"]


def test_a_workbook_without_rows_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "empty.csv", {"Nothing": []})
    with pytest.raises(FileRefused, match="The workbook holds no rows"):
        inspect_upload(path, "US")


def test_an_office_document_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(FileRefused, match="an Office document, not a workbook"):
        inspect_upload(path, "US")


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "whole.xlsx", {"People": ROWS}).read_bytes()
    (tmp_path / "cut.csv").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileRefused, match="damaged"):
        inspect_upload(tmp_path / "cut.csv", "US")
    with zipfile.ZipFile(tmp_path / "odd.csv", "w") as archive:
        archive.writestr("xl/workbook.xml", "no XML at all")
    with pytest.raises(FileRefused, match="damaged"):
        inspect_upload(tmp_path / "odd.csv", "US")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.csv"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(420):
                sheet.write(bytes(1 << 20))
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(workbooks, "workbook_to_csv", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(FileRefused, match="too large to be opened safely"):
        inspect_upload(path, "US")


def test_a_cell_in_the_last_corner_hides_no_people(tmp_path: Path) -> None:
    """A table of seventeen thousand million cells, nearly all of them empty: its fast reader asks for all of them."""
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["Phone", "Points", "Born", "VIP"],
        ["+12015550100", 7.0, datetime.datetime(1980, 2, 29), True],
        [],
        [12015550101, None, "unknown", False],
    ):
        sheet.append(row)
    hidden = book.create_sheet("Hidden", 0)
    hidden.append(["Phone", "+12015550199"])
    hidden.sheet_state = "hidden"
    sheet["XFD1048576"] = "x"
    book.create_sheet("Also")
    book.save(tmp_path / "far.csv")
    found = inspect_upload(tmp_path / "far.csv", "US")
    assert (found.sheet, found.sheets) == ("Sheet", ("Sheet", "Also"))
    filled = [line for line in (tmp_path / "far.csv").read_text().splitlines() if line]
    assert filled[:3] == [
        "Phone,Points,Born,VIP",
        "+12015550100,7,1980-02-29,TRUE",
        "12015550101,,unknown,FALSE",
    ]
    assert filled[3].strip(",") == "x"


def test_both_readers_read_alike(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        ["Phone", "Points", "Ratio", "When", "Text"],
        ["+12015550100", 7, 0.1, datetime.datetime(2026, 2, 28, 13, 5), "a\r\nb"],
        [4.91512e11, -3.5, 1e20, datetime.datetime(1999, 1, 1), " spaces "],
        [None, None, None, None, "Ünï, “quoted”"],
    ]
    path = workbook(tmp_path / "alike.xlsx", {"People": rows})
    read = []
    for reader in ("whole", "rows"):
        target = tmp_path / f"{reader}.csv"
        answer = sheet_to_csv.convert(path, target, -1, reader)
        assert (answer["sheet"], answer["sheets"]) == ("People", ["People"])
        with target.open(encoding="utf-8", newline="") as file:
            read.append(list(csv.reader(file)))
    assert read[0] == read[1]


@pytest.mark.parametrize("reader", ["whole", "rows"])
def test_a_damaged_workbook_is_called_so(tmp_path: Path, reader: str) -> None:
    path = workbook(tmp_path / "damaged.xlsx", {"People": [["Phone"], ["+12015550100"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    assert sheet_to_csv.convert(path, tmp_path / "out.csv", -1, reader) == {"error": "broken"}


def test_a_sheet_that_asks_for_all_memory_ends_its_reader_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(tmp_path / "wide.xlsx", {"People": [["Phone"], ["+12015550100"]]}).rename(tmp_path / "wide.csv")
    monkeypatch.setattr(workbooks, "MAX_MEMORY_BYTES", 10 * 1024 * 1024)
    with pytest.raises(FileRefused, match="too large to be opened safely"):
        inspect_upload(tmp_path / "wide.csv", "US")
    assert [one.name for one in tmp_path.iterdir()] == ["wide.csv"]


def test_a_row_of_nothing_but_zero_is_no_empty_one(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Phone", "Points"], [None, None], ["", 0], ["+12015550100", 0.0]]
    target = tmp_path / "sheet.csv"
    sheet_to_csv.convert(workbook(tmp_path / "zeros.xlsx", {"People": rows}), target, -1)
    assert target.read_text().splitlines() == ["Phone,Points", "", ",0", "+12015550100,0"]
