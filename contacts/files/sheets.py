"""Workbooks of ours, in pieces: rows are written one a line as they come, and packed at the end.

So an export can stop anywhere and go on, and takes no more memory than a row. Every cell is text.
ECMA-376, part 1: 18.3.1 worksheets, 22.9.2.19 ST_Xstring (a carriage return is written _x000D_, as spreadsheets do, and
so is what XML does not take).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

# Of a sheet, without its header.
SHEET_ROWS = 1_048_575
ALIVE_ROWS = 20_000
# Quick rather than small: packing is the one part of an export that makes others wait.
COMPRESSION = 3
# What XML takes in no form, and so is written as spreadsheets do. Half characters are in no text of a database.
_NO_XML = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NOT_IN_XML = re.compile(f"[{_NO_XML}]")
# Also with a sign behind it whose escape begins as this one would end.
_LIKE_ESCAPE = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}[_\r{_NO_XML}])")
_MARKS = {"\r": "_x000D_", "\n": "&#10;", "\t": "&#9;"}

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def sheet_row(cells: Sequence[str], at: int) -> bytes:
    """One line. `at`: how many rows stand before it in the workbook, headers not counted. Empty cells are left out."""
    return _row(cells, at % SHEET_ROWS + 2)


def pack_workbook(
    path: Path, header: Sequence[str], lines: Path, rows: int, say_alive: Callable[[], None]
) -> None:
    """From a file of so many lines; a further sheet where one is full."""
    sheets = max(1, -(-rows // SHEET_ROWS))
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as book,
        lines.open("rb") as source,
    ):
        for name, text in _frame(sheets).items():
            book.writestr(name, _DECLARATION + text)
        for at in range(1, sheets + 1):
            with book.open(f"xl/worksheets/sheet{at}.xml", "w", force_zip64=True) as sheet:
                sheet.write(f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetData>\n'.encode())
                sheet.write(_row(header, 1))
                _copy(islice(source, SHEET_ROWS), sheet, say_alive)  # type: ignore[arg-type]  # zipfile's own IO
                sheet.write(b"</sheetData></worksheet>")


def _copy(lines: Iterable[bytes], sheet: BinaryIO, say_alive: Callable[[], None]) -> None:
    for at, line in enumerate(lines, start=1):
        sheet.write(line)
        if at % ALIVE_ROWS == 0:
            say_alive()


def _row(cells: Sequence[str], number: int) -> bytes:
    filled = "".join(
        f'<c r="{_column(at)}{number}" t="inlineStr"><is><t xml:space="preserve">{_text(cell)}</t></is></c>'
        for at, cell in enumerate(cells)
        if cell
    )
    return f'<row r="{number}">{filled}</row>\n'.encode()


def _text(cell: str) -> str:
    return escape(_NOT_IN_XML.sub(_as_escape, _LIKE_ESCAPE.sub("_x005F_", cell)), _MARKS)


def _as_escape(char: re.Match[str]) -> str:
    return f"_x{ord(char[0]):04X}_"


def _column(at: int) -> str:
    """0 -> "A", 26 -> "AA"."""
    letters = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _frame(sheets: int) -> dict[str, str]:
    numbers = range(1, sheets + 1)
    override = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{_CONTENT}.worksheet+xml"/>'
        for at in numbers
    )
    named = "".join(f'<sheet name="Sheet{at}" sheetId="{at}" r:id="rId{at}"/>' for at in numbers)
    related = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in numbers
    )
    relationships = f'<Relationships xmlns="{_PACKAGE}/relationships">'
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT}.sheet.main+xml"/>{override}</Types>',
        "_rels/.rels": f'{relationships}<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f"{relationships}{related}</Relationships>",
    }
