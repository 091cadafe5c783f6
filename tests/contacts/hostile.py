"""Files that mean harm, or come from a bad export: what is sent, and the words in which people are told of it."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from openpyxl import Workbook

from contacts.files.formats import OLE
from tests.contacts.support import number

ONE, TWO = f"+{number(0)}", f"+{number(1)}"
TABLE = f"number,name\n{ONE},Ann\n{TWO},Zoë\n"
SHEET = "xl/worksheets/sheet1.xml"
SHEET_HEAD = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK_PARTS = {
    "_rels/.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Target="xl/workbook.xml" Type="{RELATIONS}/officeDocument"/></Relationships>'
    ),
    "[Content_Types].xml": (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/xl/workbook.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
    ),
    "xl/workbook.xml": (
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
        f'xmlns:r="{RELATIONS}">'
        '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Target="worksheets/sheet1.xml" Type="{RELATIONS}/worksheet"/></Relationships>'
    ),
}


@dataclass(frozen=True, slots=True)
class Hostile:
    """`told`: words on the page at which the file's way ends; `new`: people that get onto the list.

    `refused`: rows; `first_name`: of one of the people, as it must have been read. Both only where it matters.
    """

    what: str
    make: Callable[[], bytes]
    told: str
    new: int = 0
    file_name: str = "people.csv"
    refused: int | None = None
    first_name: str = ""

    def __str__(self) -> str:
        return self.what


def text(content: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: content.encode(encoding, "surrogatepass")


def raw(content: bytes) -> Callable[[], bytes]:
    return lambda: content


@cache
def cached_content(make: Callable[[], bytes]) -> bytes:
    """The larger ones take long to make, and are sent by the pages and by the API."""
    return make()


def archive(parts: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return out.getvalue()


def book(sheet: str) -> Callable[[], bytes]:
    """A workbook of this sheet data, put together by hand."""
    return lambda: archive({**BOOK_PARTS, SHEET: f"{SHEET_HEAD}{sheet}</worksheet>"})


def row(at: int, *cells: str) -> str:
    inner = "".join(
        f'<c r="{column}{at}" t="inlineStr"><is><t>{cell}</t></is></c>'
        for column, cell in zip("ABC", cells, strict=False)
    )
    return f'<row r="{at}">{inner}</row>'


PEOPLE_ROWS = row(1, "number", "name") + row(2, ONE, "Ann")


def real_book(*rows: list[object]) -> Callable[[], bytes]:
    def make() -> bytes:
        made = Workbook()
        for cells in rows:
            made.worksheets[0].append(cells)
        out = io.BytesIO()
        made.save(out)
        return out.getvalue()

    return make


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in BOOK_PARTS.items():
            made.writestr(name, content)
        with made.open(SHEET, "w") as sheet:
            for _ in range(420):
                sheet.write(bytes(1 << 20))
    return out.getvalue()


def gzip_bomb() -> bytes:
    return gzip.compress(TABLE.encode() + bytes(1 << 20) * 80)


def locked_zip(content: bytes) -> bytes:
    """The mark of an encrypted part, set by hand: the standard library writes none."""
    locked = bytearray(content)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := locked.find(sign, at + 1)) >= 0:
            locked[at + offset] |= 1
    return bytes(locked)


def million_empty_rows() -> bytes:
    empty = "".join(f'<row r="{at}"/>' for at in range(3, 1_000_003))
    return book(f"<sheetData>{PEOPLE_ROWS}{empty}</sheetData>")()


def billion_laughs() -> bytes:
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    head = f'<?xml version="1.0"?><!DOCTYPE worksheet [{entities}]>'
    xml = f"{head}<worksheet><sheetData>{row(1, '&i;')}</sheetData></worksheet>"
    return archive({**BOOK_PARTS, SHEET: xml})


def outside_entity() -> bytes:
    xml = (
        '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        f"<worksheet><sheetData>{row(1, 'number')}{row(2, '&x;')}</sheetData></worksheet>"
    )
    return archive({**BOOK_PARTS, SHEET: xml})


EMPTY = "The file is empty. Export the list again"
NO_ROWS = "The file holds no rows that can be read."
ONLY_HEADER = "a header and no rows below it"
NO_TABLE = "not a table. Save the list as CSV or XLSX"
NO_TEXT = "The file is not text"
DAMAGED = "is damaged and cannot be opened."
TOO_LARGE = "The workbook is too large to be opened safely."
OFFICE = "The file is an Office document, not a workbook."
IMPORTED = "What the import did"
LETTERS = "letters that cannot be read in the encoding of the file."
LONG_LINE = "The line is longer than a million characters."
OPEN_QUOTE = "A quotation mark is opened and not closed."

FILES = [
    # --- nothing in it
    Hostile("empty", raw(b""), EMPTY),
    Hostile("only a mark", raw(b"\xef\xbb\xbf"), NO_ROWS),
    Hostile("only line ends", raw(b"\r\n" * 5000), NO_ROWS),
    Hostile("only blanks", raw(b" \t \n  \n"), NO_ROWS),
    Hostile("only delimiters", raw(b",,,,\n,,,,\n"), NO_ROWS),
    Hostile("only a header", raw(b"number,name\n"), ONLY_HEADER),
    Hostile("only the line that names the delimiter", raw(b"sep=;\n"), NO_ROWS),
    # --- no table
    Hostile("NUL bytes alone", raw(bytes(5000)), NO_TEXT),
    Hostile("all bytes", raw(bytes(range(256)) * 40), NO_TEXT),
    Hostile("a picture by the name of a list", raw(b"\x89PNG\r\n\x1a\n" + bytes(500)), NO_TABLE),
    Hostile("a JPEG", raw(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9), NO_TABLE),
    Hostile("a PDF", raw(b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n"), NO_TABLE),
    Hostile("a program", raw(b"MZ\x90\x00" + bytes(900)), NO_TABLE),
    Hostile("a web page", raw(b"<!DOCTYPE html>\n<table><tr><td>1</td></tr></table>"), NO_TABLE),
    Hostile("XML", raw(b'<?xml version="1.0"?><a><b>1</b></a>'), NO_TABLE),
    Hostile("gzip with garbage behind it", lambda: gzip.compress(TABLE.encode()) + b"garbage", DAMAGED),
    Hostile("JSON", raw(b'{"people": [{"number": "x"}]}\n'), "The file is JSON, not a table."),
    # --- encodings
    Hostile("UTF-16 without a mark", text(TABLE, "utf-16-le"), IMPORTED, 2),
    Hostile("UTF-16, big end first, without a mark", text(TABLE, "utf-16-be"), IMPORTED, 2),
    Hostile("UTF-16 cut in the middle of a letter", lambda: TABLE.encode("utf-16")[:-1], LETTERS, 1),
    Hostile(
        "UTF-16 of another alphabet without a mark",
        text("номер,имя,город\n" + f"{ONE},{'Александра' * 4},{'Новосибирск' * 4}\n", "utf-16-le"),
        IMPORTED,
        1,
    ),
    Hostile("UTF-32", text(TABLE, "utf-32"), IMPORTED, 2),
    Hostile("two marks", raw(b"\xef\xbb\xbf\xef\xbb\xbf" + TABLE.encode()), IMPORTED, 2),
    Hostile(
        "broken letters in the header",
        lambda: f"number,{'Zoë' * 20}".encode() + f"\udcff\n{ONE},Ann\n".encode("utf-8", "surrogateescape"),
        IMPORTED,
        1,
    ),
    Hostile(
        "a sheet of an endless name",
        lambda: archive(
            {
                **BOOK_PARTS,
                "xl/workbook.xml": BOOK_PARTS["xl/workbook.xml"].replace('name="S"', f'name="{"S" * 5000}"'),
                SHEET: SHEET_HEAD + f"<sheetData>{PEOPLE_ROWS}</sheetData></worksheet>",
            }
        ),
        IMPORTED,
        1,
        "people.xlsx",
    ),
    Hostile("lone surrogates", text(f"number,name\n{ONE},\ud800\n{TWO},Bob\n"), IMPORTED, 2),
    Hostile(
        "broken UTF-8 amid good",
        raw(f"number,name\n{ONE},{'Zoë' * 20}\n{TWO},".encode() + b"\xff\n"),
        LETTERS,
        1,
    ),
    Hostile("Windows-1252", text(TABLE, "cp1252"), IMPORTED, 2),
    Hostile("Shift JIS", text(f"電話,名\n{ONE},山田\n", "cp932"), IMPORTED, 1),
    Hostile(
        "a NUL in a value",
        raw(f"number,name\n{ONE},a\x00b\n{TWO},Bob\n".encode()),
        "The row holds a NUL character, which is no text.",
        1,
    ),
    Hostile("NUL in the header", raw(f"number\x00,name\n{ONE},Ann\n".encode()), IMPORTED, 1),
    # --- lines and quotation marks
    Hostile("ten megabytes in one line", raw(b"x" * 10_000_000), LONG_LINE),
    Hostile("ten megabytes of quotation marks", raw(b'"' * 10_000_000), LONG_LINE),
    Hostile("ten megabytes of delimiters", raw(b"," * 10_000_000), LONG_LINE),
    Hostile(
        "a long line among good ones",
        lambda: f"number,name\n{ONE},{'x' * 2_000_000}\n{TWO},Bob\n".encode(),
        LONG_LINE,
        1,
    ),
    Hostile(
        "a quotation mark that is never closed", text(f'number,name\n{ONE},"Ann\n{TWO},Bob\n'), OPEN_QUOTE, 1
    ),
    Hostile(
        "a quotation mark in the header that is never closed",
        text(f'number,"name\n{ONE},Ann\n'),
        OPEN_QUOTE,
        1,
    ),
    Hostile(
        "mixed delimiters",
        text(f"number;name\n{ONE},Ann\n{TWO};Bob\n"),
        "The number holds a sign that stands in no phone number.",
        1,
    ),
    Hostile("mixed line ends", text(f"number,name\r{ONE},Ann\r\n{TWO},Bob\n\r"), IMPORTED, 2),
    Hostile("Ctrl-Z at the end", raw(TABLE.encode() + b"\x1a"), "The row has no phone number.", 2),
    Hostile(
        "rows of uneven width",
        text(f"number,name\n{ONE}\n{TWO},Bob,x,y\n,,,\n"),
        "The row has more cells than the header.",
        1,
    ),
    # --- columns
    Hostile(
        "5,000 columns",
        lambda: (",".join(["x"] * 5000) + "\n" + ",".join(["1"] * 5000)).encode(),
        "5,000 columns; at most 200",
    ),
    Hostile(
        "10,000 columns",
        lambda: (",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join(["1"] * 10_000)).encode(),
        "10,000 columns; at most 200",
    ),
    Hostile(
        "a cell of ten megabytes",
        lambda: f'number,name\n{ONE},"{"x" * 10_000_000}"\n{TWO},Bob\n'.encode(),
        LONG_LINE,
        1,
    ),
    Hostile(
        "201 columns",
        lambda: ("number" + "," * 200 + f"x\n{ONE}" + "," * 200 + "y\n").encode(),
        "201 columns; at most 200",
    ),
    Hostile(
        "200 columns",
        lambda: (",".join(f"c{n}" for n in range(199)) + f",number\n{'1,' * 199}{ONE}\n").encode(),
        IMPORTED,
        1,
    ),
    Hostile("one name for two columns", text(f"number,name,name\n{ONE},Ann,Lee\n"), IMPORTED, 1),
    Hostile("numbers for names", text(f"2024,17,99\n{ONE},Ann,Lee\n"), "The number has too few digits.", 1),
    Hostile("names longer than any", text(f"number,{'n' * 5000}\n{ONE},Ann\n"), IMPORTED, 1),
    Hostile("a header that is a script", text(f"number,<script>alert(1)</script>\n{ONE},Ann\n"), IMPORTED, 1),
    Hostile(
        "formulas",
        text(f"number,name\n{ONE},=1+1\n@SUM(A1),Bob\n"),
        "The number holds a sign that stands in no phone number.",
        1,
    ),
    Hostile("rounded numbers", text("number,name\n1.2E+10,Ann\n"), "There is nothing to import"),
    Hostile("no number anywhere", text("name,city\nAnn,Leeds\n"), "There is nothing to import"),
    # --- workbooks
    Hostile("a zip bomb", zip_bomb, TOO_LARGE, file_name="people.xlsx"),
    Hostile("a million laughs", billion_laughs, DAMAGED, file_name="people.xlsx"),
    Hostile("an entity from outside", outside_entity, DAMAGED, file_name="people.xlsx"),
    Hostile("a million empty rows", million_empty_rows, IMPORTED, 1, "people.xlsx"),
    Hostile(
        "a cell in the last row",
        book(f"<sheetData>{PEOPLE_ROWS}{row(1_048_576, TWO)}</sheetData>"),
        IMPORTED,
        2,
        "people.xlsx",
    ),
    Hostile(
        "a workbook with a password",
        raw(OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le")),
        "protected by a password",
        file_name="people.xlsx",
    ),
    Hostile(
        "half a workbook of before 2007",
        raw(OLE + bytes(600) + "Workbook\0".encode("utf-16-le") + bytes(600)),
        DAMAGED,
        file_name="people.xls",
    ),
    Hostile(
        "an encrypted workbook",
        lambda: locked_zip(book(f"<sheetData>{PEOPLE_ROWS}</sheetData>")()),
        "The workbook is protected by a password.",
        file_name="people.xlsx",
    ),
    Hostile(
        "an encrypted archive",
        lambda: locked_zip(archive({"people.csv": TABLE})),
        "The archive is protected by a password.",
        file_name="people.zip",
    ),
    Hostile(
        "half a workbook", lambda: real_book(["number"], [ONE])()[:2000], DAMAGED, file_name="people.xlsx"
    ),
    Hostile("the first bytes of a workbook", raw(b"PK\x03\x04"), DAMAGED, file_name="people.xlsx"),
    Hostile(
        "a workbook of no XML",
        lambda: archive({"xl/workbook.xml": "no XML"}),
        DAMAGED,
        file_name="people.xlsx",
    ),
    Hostile(
        "a workbook of too many parts",
        lambda: archive({**BOOK_PARTS, **{f"x{n}": "" for n in range(3000)}}),
        TOO_LARGE,
        file_name="people.xlsx",
    ),
    Hostile(
        "a text document",
        lambda: archive({"[Content_Types].xml": "", "word/document.xml": "<w/>"}),
        OFFICE,
        file_name="people.docx",
    ),
    Hostile("a text document of before 2007", raw(OLE + bytes(600)), OFFICE, file_name="people.doc"),
    # --- packed
    Hostile("a CSV in an archive", lambda: archive({"people.csv": TABLE}), IMPORTED, 2, "people.zip"),
    Hostile("a CSV in gzip", lambda: gzip.compress(TABLE.encode()), IMPORTED, 2, "people.csv.gz"),
    Hostile(
        "a workbook in an archive",
        lambda: archive({"people.xlsx": real_book(["number"], [ONE])()}),
        IMPORTED,
        1,
        "people.zip",
    ),
    Hostile(
        "two files in an archive",
        lambda: archive({"people.csv": TABLE, "more/others.csv": TABLE}),
        "The archive holds 2 files: people.csv, more/others.csv.",
        file_name="people.zip",
    ),
    Hostile("no file in an archive", lambda: archive({"folder/": ""}), "The archive holds no file."),
    Hostile(
        "gzip in gzip", lambda: gzip.compress(gzip.compress(TABLE.encode())), "The file is packed twice."
    ),
    Hostile("half a gzip", lambda: gzip.compress(TABLE.encode())[:-9], DAMAGED),
    Hostile("a gzip bomb", gzip_bomb, "more than 200 times as large", file_name="people.csv.gz"),
    Hostile("a program in an archive", lambda: archive({"people.csv": b"MZ" + bytes(99)}), NO_TABLE),
    Hostile("a workbook without rows", real_book(), "The workbook holds no rows.", file_name="people.xlsx"),
    Hostile("a workbook by the name of a CSV", real_book(["number"], [ONE]), IMPORTED, 1),
    Hostile("a CSV by the name of a workbook", text(TABLE), IMPORTED, 2, "people.xlsx"),
    Hostile(
        "a workbook of errors and dates",
        real_book(["number", "x"], [ONE, "#REF!"], [1e300, -1.5]),
        "A spreadsheet rounded the number",
        1,
        "people.xlsx",
    ),
    # --- names
    Hostile("a name that climbs", text(TABLE), IMPORTED, 2, "../../etc/passwd"),
    Hostile("a name without end", text(TABLE), IMPORTED, 2, "x" * 400 + ".csv"),
    Hostile("a name of controls", text(TABLE), IMPORTED, 2, "a\x07\u202eb.csv"),
]
