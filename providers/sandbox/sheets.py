"""Rows of texts out of a file of contacts: .csv in its dialects, and the first sheet of an .xlsx.

An .xlsx is a zip of XML (ECMA-376): the first sheet of the workbook, texts inline or shared, numbers as plain
digits. The old binary .xls is not read.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from posixpath import join, normpath
from xml.etree import ElementTree

MOST_ROWS = 500_000
MOST_COLUMNS = 256
MOST_XML = 64 * 2**20  # bytes of one member of the zip

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LINK = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

_quoted = re.compile(r'"[^"]*"')
_column_letters = re.compile(r"[A-Z]{1,3}").match


class SheetError(ValueError):
    """A sentence that says why a file cannot be read."""


def read_sheet(data: bytes) -> list[list[str]]:
    """Rows that hold anything, cells as texts; raises SheetError."""
    if data.startswith(b"PK\x03\x04"):
        return _bounded(_xlsx_rows(data))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise SheetError("doc is an .xls file, which is not read here; save it as .xlsx or .csv")
    return _bounded(_csv_rows(_decoded(data)))


def _bounded(rows: Iterable[list[str]]) -> list[list[str]]:
    found = []
    for row in rows:
        if any(row):
            found.append(row[:MOST_COLUMNS])
        if len(found) > MOST_ROWS:
            raise SheetError(f"doc has more than {MOST_ROWS} rows; send several files")
    return found


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _csv_rows(text: str) -> Iterator[list[str]]:
    """Commas, semicolons or tabs, whichever the first line has most of."""
    first = _quoted.sub("", text.partition("\n")[0])
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise SheetError(f"doc is not a readable .csv file: {error}") from None


def _xlsx_rows(data: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            shared = _shared_texts(archive)
            sheet = _xml(archive, _first_sheet(archive))
    except (zipfile.BadZipFile, KeyError, OSError, ElementTree.ParseError, NotImplementedError, RuntimeError):
        raise SheetError("doc is not a readable .xlsx file") from None
    for row in sheet.iter(f"{MAIN}row"):
        yield _row_texts(row, shared)


def _first_sheet(archive: zipfile.ZipFile) -> str:
    """The path of the first sheet's XML in the archive; raises KeyError."""
    sheet = _xml(archive, "xl/workbook.xml").find(f"{MAIN}sheets/{MAIN}sheet")
    wanted = sheet.get(RELATION) if sheet is not None else None
    for relation in _xml(archive, "xl/_rels/workbook.xml.rels").iter(LINK):
        if relation.get("Id") == wanted:
            return normpath(join("/xl", relation.get("Target", ""))).lstrip("/")
    raise KeyError("sheet")


def _shared_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    return [_joined(entry) for entry in _xml(archive, "xl/sharedStrings.xml").iter(f"{MAIN}si")]


def _xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as member:
        data = member.read(MOST_XML + 1)
    if len(data) > MOST_XML:
        raise SheetError(f"doc holds more than {MOST_XML // 2**20} MiB of XML; send several files")
    if b"<!DOCTYPE" in data:
        raise SheetError("doc declares a document type, which no spreadsheet does")
    return ElementTree.fromstring(data)  # noqa: S314 - no document type, so no entities; expat bounds the rest


def _row_texts(row: ElementTree.Element, shared: list[str]) -> list[str]:
    texts: list[str] = []
    for cell in row.iter(f"{MAIN}c"):
        index = _column(cell.get("r", ""), len(texts))
        if index >= MOST_COLUMNS:
            break
        texts.extend("" for _ in range(index - len(texts)))
        texts.append(_cell_text(cell, shared))
    return texts


def _column(reference: str, following: int) -> int:
    """Index of a cell's column by its reference, such as 27 of AB12; the following one without."""
    letters = _column_letters(reference)
    if letters is None:
        return following
    index = 0
    for letter in letters[0]:
        index = index * 26 + ord(letter) - 64
    return max(index - 1, following)


def _cell_text(cell: ElementTree.Element, shared: list[str]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v", "")
    if kind == "inlineStr":
        return _joined(cell.find(f"{MAIN}is"))
    if kind == "s":
        known = value.isdecimal() and len(value) < 10 and int(value) < len(shared)
        return shared[int(value)] if known else ""
    return _plain_number(value) if kind == "n" else value


def _plain_number(value: str) -> str:
    """Spreadsheets keep a telephone number as 1.2015550123E10."""
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    whole = number.is_finite() and abs(number) < Decimal(10) ** 30 and number == number.to_integral_value()
    return str(int(number)) if whole else value


def _joined(element: ElementTree.Element | None) -> str:
    """The text of its runs, without what is written to read it aloud."""
    if element is None:
        return ""
    runs = [*element.findall(f"{MAIN}t"), *element.findall(f"{MAIN}r/{MAIN}t")]
    return "".join(run.text or "" for run in runs)
