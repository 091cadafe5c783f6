"""Files as people really have them: encodings, delimiters, workbooks and archives of every kind, and near misses."""

from __future__ import annotations

import codecs
import datetime
import gzip
import io
import stat
import tarfile
import zipfile

from tests.contacts.books import ods, xls, xlsx
from tests.contacts.hostile import (
    BOOK_PARTS,
    DAMAGED,
    EMPTY,
    IMPORTED,
    LETTERS,
    LONG_LINE,
    NO_TABLE,
    NO_TEXT,
    ONE,
    ONLY_HEADER,
    OPEN_QUOTE,
    SHEET,
    SHEET_HEAD,
    TABLE,
    TWO,
    Hostile,
    archive,
    book,
    raw,
    row,
    text,
)
from tests.contacts.support import number

PACKED_TWICE = "The file is packed twice."
TAR = "The file is a tar archive. Unpack it, and choose the file inside."
ROUNDED = "A spreadsheet rounded the number"
ROWS = [["number", "name"], [ONE, "Ann"], [TWO, "Zoë"]]
CYRILLIC = f"номер,имя,город\n{ONE},Александра,Санкт-Петербург\n{TWO},Владимир,Нижний Новгород\n"


def zipped(name: str, content: bytes, *, mode: int = stat.S_IFREG | 0o644) -> bytes:
    """With that mode, as zip of Unix writes it."""
    part = zipfile.ZipInfo(name)
    part.create_system, part.external_attr = 3, mode << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(part, content)
    return out.getvalue()


def tar(content: bytes, mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as made:  # type: ignore[call-overload]  # a Literal
        part = tarfile.TarInfo("people.csv")
        part.size = len(content)
        made.addfile(part, io.BytesIO(content))
    return out.getvalue()


def empty_lines(count: int) -> bytes:
    """Packs to a thousandth."""
    return TABLE.encode() + b"\n" * count


def with_macros() -> bytes:
    """An XLSM: a workbook with one part more, and another name for its kind."""
    types = BOOK_PARTS["[Content_Types].xml"].replace(
        "officedocument.spreadsheetml.sheet.main", "ms-excel.sheet.macroEnabled.main"
    )
    sheet = f"{SHEET_HEAD}<sheetData>{row(1, *ROWS[0])}{row(2, *ROWS[1])}</sheetData></worksheet>"
    parts = {**BOOK_PARTS, "[Content_Types].xml": types, SHEET: sheet}
    return archive({**parts, "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(900)})


def long_cell_book() -> bytes:
    rows = row(1, *ROWS[0]) + row(2, ONE, "x" * 10_000_000) + row(3, TWO, "Bob")
    return book(f"<sheetData>{rows}</sheetData>")()


ODD_FORMATS = [
    # --- encodings
    *(
        Hostile(what, raw(mark + TABLE.encode(encoding)), IMPORTED, 2, refused=0, first_name="Zoë")
        for what, mark, encoding in (
            ("UTF-16 LE with its mark", codecs.BOM_UTF16_LE, "utf-16-le"),
            ("UTF-16 BE with its mark", codecs.BOM_UTF16_BE, "utf-16-be"),
            ("UTF-16 LE alone", b"", "utf-16-le"),
            ("UTF-16 BE alone", b"", "utf-16-be"),
            ("Windows-1252 of a few letters", b"", "cp1252"),
        )
    ),
    Hostile(
        "what Excel saves as Unicode text",
        text(TABLE.replace(",", "\t").replace("\n", "\r\n"), "utf-16"),
        IMPORTED,
        2,
        "people.txt",
        0,
        "Zoë",
    ),
    Hostile(
        "a mark in front of a quoted header",
        raw(codecs.BOM_UTF8 + f'"number","name"\n"{ONE}","Zoë"\n'.encode()),
        IMPORTED,
        1,
        refused=0,
        first_name="Zoë",
    ),
    Hostile("Latin-1", raw(TABLE.encode("latin-1") + b"\x81\n"), IMPORTED, 2, refused=1, first_name="Zoë"),
    Hostile("Windows-1251", text(CYRILLIC, "cp1251"), IMPORTED, 2, refused=0, first_name="Александра"),
    Hostile("KOI8-R", text(CYRILLIC, "koi8-r"), IMPORTED, 2, refused=0, first_name="Владимир"),
    Hostile("Windows-1250", text(f"number,name\n{ONE},Łukasz\n", "cp1250"), IMPORTED, 1, refused=0),
    Hostile(
        "Shift JIS of many names",
        text(f"number,name\n{ONE},山田太郎\n{TWO},鈴木花子\n", "shift_jis"),
        IMPORTED,
        2,
        refused=0,
        first_name="鈴木花子",
    ),
    Hostile(
        "an encoding for each line",
        raw(TABLE.encode() * 20 + f"{number(2)},Zoë\n".encode("cp1252") + f"+{number(3)},Жанна\n".encode()),
        LETTERS,
        3,
        refused=20,  # and 19 headers amid the rows
    ),
    # --- delimiters, quotation marks, line ends
    *(
        Hostile(
            f"parted by {mark!r}", text(TABLE.replace(",", mark)), IMPORTED, 2, refused=0, first_name="Zoë"
        )
        for mark in (";", "\t", "|")
    ),
    Hostile("one column", text(f"number\n{ONE}\n{TWO}\n"), IMPORTED, 2, refused=0),
    Hostile("one column without a header", text(f"{ONE}\r\n{TWO}\r\n"), IMPORTED, 2, refused=0),
    Hostile("a single number", text(ONE), IMPORTED, 1, refused=0),
    Hostile(
        "single quotation marks",
        text(f"'number';'name';'city'\n'{ONE}';'O''Neil';'York; north'\n"),
        IMPORTED,
        1,
        refused=0,
        first_name="O'Neil",
    ),
    Hostile(
        "line ends of old Macs", text(TABLE.replace("\n", "\r")), IMPORTED, 2, refused=0, first_name="Zoë"
    ),
    Hostile("no line end at the end", text(TABLE.rstrip()), IMPORTED, 2, refused=0, first_name="Zoë"),
    Hostile(
        "the file ends within a quoted cell",
        text(f'number,name\n{ONE},Ann\n{TWO},"Zo'),
        OPEN_QUOTE,
        1,
        refused=1,
    ),
    Hostile("lines between lines", text(TABLE.replace("\n", "\n\n \n,\n")), IMPORTED, 2, refused=0),
    Hostile("no header", text(f"{ONE},Ann\n{TWO},Zoë\n"), IMPORTED, 2, refused=0),
    Hostile(
        "one name for all columns", text(f"number,number,number\n{ONE},{TWO},Ann\n"), IMPORTED, 1, refused=0
    ),
    # --- values
    *(
        Hostile(
            f"{value} for a number",
            text(f'number,name\n{ONE},Ann\n"{value}",Bob\n'),
            told,
            1,
            refused=1,
            first_name="Ann",
        )
        for value, told in (
            ("4.91512E+11", ROUNDED),
            ("4,91512E+11", ROUNDED),
            ("2026-05-03", "A date stands where the phone number should."),
            ("03/05/2026 09:30", "A date stands where the phone number should."),
            ("=cmd|' /C calc'!A0", "The number holds letters"),
        )
    ),
    Hostile(
        "dates of a workbook for numbers",
        lambda: xlsx(
            {"S": [*ROWS, [datetime.date(2026, 5, 3), "Bob"], [datetime.datetime(2026, 5, 3, 9, 30)]]}
        ),
        "Refused rows",
        2,
        "people.xlsx",
        2,
    ),
    Hostile("numbers of a workbook", lambda: xlsx({"S": [["number"], [int(number(0))]]}), IMPORTED, 1),
    # --- workbooks
    Hostile("an XLS", lambda: xls({"People": ROWS}), IMPORTED, 2, "people.xls", 0, "Zoë"),
    Hostile("an ODS", lambda: ods({"People": ROWS}), IMPORTED, 2, "people.ods", 0, "Zoë"),
    Hostile("an XLS by the name of a CSV", lambda: xls({"People": ROWS}), IMPORTED, 2, "people.csv", 0),
    Hostile("a workbook with macros", with_macros, IMPORTED, 1, "people.xlsm", 0, "Ann"),
    Hostile(
        "a binary workbook",
        lambda: archive({"[Content_Types].xml": "", "xl/workbook.bin": b"\x83\x01\x00"}),
        "The file is a binary workbook (XLSB). Save it as XLSX",
        file_name="people.xlsb",
    ),
    Hostile("a workbook of a header", lambda: xlsx({"S": ROWS[:1]}), ONLY_HEADER, file_name="people.xlsx"),
    Hostile(
        "a workbook of 10,000 columns",
        lambda: xlsx({"S": [[f"c{n}" for n in range(10_000)], list(range(10_000))]}),
        "10,000 columns; at most 200",
        file_name="people.xlsx",
    ),
    Hostile("a cell of ten megabytes in a workbook", long_cell_book, LONG_LINE, 1, "people.xlsx", 1, "Bob"),
    # --- packed
    Hostile(
        "a file in a folder, and what macOS puts beside it",
        lambda: archive({"May/people.csv": TABLE, "__MACOSX/May/._people.csv": b"\x00\x05\x16\x07"}),
        IMPORTED,
        2,
        "people.zip",
        0,
    ),
    Hostile(
        "an archive whose file climbs",
        lambda: archive({"../../../x.csv": TABLE}),
        IMPORTED,
        2,
        "people.zip",
        0,
    ),
    Hostile(
        "an archive of a rooted name", lambda: archive({"/etc/passwd": TABLE}), IMPORTED, 2, "people.zip", 0
    ),
    Hostile(
        "a link in an archive",
        lambda: zipped("people.csv", b"/etc/passwd", mode=stat.S_IFLNK | 0o777),
        "people.csv in the archive is a link, not a file.",
        file_name="people.zip",
    ),
    Hostile("an archive in an archive", lambda: archive({"a.zip": archive({"b.csv": TABLE})}), PACKED_TWICE),
    Hostile("an archive in gzip", lambda: gzip.compress(archive({"b.csv": TABLE})), PACKED_TWICE),
    Hostile("gzip in an archive", lambda: archive({"b.csv.gz": gzip.compress(TABLE.encode())}), PACKED_TWICE),
    Hostile(
        "a bomb in an archive",
        lambda: archive({"people.csv": empty_lines(70_000_000)}),
        "more than 200 times as large",
        file_name="people.zip",
    ),
    Hostile(
        "a bomb in an archive in an archive",
        lambda: archive({"a.zip": archive({"people.csv": empty_lines(1_000_000)})}),
        PACKED_TWICE,
        file_name="people.zip",
    ),
    Hostile("an empty file in gzip", lambda: gzip.compress(b""), EMPTY, file_name="people.csv.gz"),
    Hostile("an empty file in an archive", lambda: archive({"people.csv": ""}), EMPTY),
    Hostile("a tar archive in gzip", lambda: tar(TABLE.encode()), TAR, file_name="people.tar.gz"),
    Hostile("a long tar archive in gzip", lambda: tar(empty_lines(200_000)), TAR, file_name="people.tgz"),
    Hostile("a tar archive", lambda: tar(TABLE.encode(), "w:"), TAR, file_name="people.tar"),
    Hostile("a tar archive in bzip2", lambda: tar(TABLE.encode(), "w:bz2"), "a bzip2 archive, not a table"),
    Hostile("a tar archive in xz", lambda: tar(TABLE.encode(), "w:xz"), "an xz archive, not a table"),
    Hostile("gzip cut short", lambda: gzip.compress(TABLE.encode() * 99)[:60], DAMAGED),
    # --- programs
    Hostile("a list that begins as a program does", text(f"MZ Ltd,{ONE}\n"), IMPORTED, 1, refused=0),
    Hostile("a program of Linux by the name of a list", raw(b"\x7fELF\x02\x01\x01" + bytes(900)), NO_TABLE),
    Hostile("a program of a Mac", raw(b"\xcf\xfa\xed\xfe" + bytes(range(200)) * 20), NO_TEXT),
]
