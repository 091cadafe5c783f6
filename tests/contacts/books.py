"""Workbooks as bytes: XLS (BIFF8 in its container) and ODS, put together by hand, and XLSX by openpyxl."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from openpyxl import Workbook

from contacts.files.formats import OLE

Rows = Sequence[Sequence[object]]

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
# A stream of less would lie in another part of the container.
SMALLEST_STREAM = 4096
ODS_MIME = "application/vnd.oasis.opendocument.spreadsheet"


def xlsx(sheets: Mapping[str, Rows], hidden: Sequence[str] = ()) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


# --- XLS ---


def xls(sheets: Mapping[str, Rows], hidden: Sequence[str] = (), *, locked: int = 0) -> bytes:
    """`locked`: 1 by XOR, 2 by RC4; only said to be."""
    bodies = [_sheet(rows) for rows in sheets.values()]
    names = [(name.encode("latin-1"), name in hidden) for name in sheets]
    head = _beginning(0x0005) + (_record(0x002F, struct.pack("<H52x", locked - 1)) if locked else b"")
    at = len(head) + sum(12 + len(name) for name, _hidden in names) + 4
    for (name, is_hidden), body in zip(names, bodies, strict=True):
        head += _record(0x0085, struct.pack("<IBBBB", at, is_hidden, 0, len(name), 0) + name)
        at += len(body)
    return in_container("Workbook", head + _record(0x000A, b"") + b"".join(bodies))


def in_container(name: str, stream: bytes) -> bytes:
    """An OLE container of one stream."""
    size = max(len(stream), SMALLEST_STREAM)
    count = -(-size // SECTOR)
    head = (
        OLE
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, END, 0, END, 0, 0)
    )
    fat = [FAT, END, *range(3, count + 2), END]
    directory = (
        _entry("Root Entry", 5, 1, END, 0) + _entry(name, 2, FREE, 2, size) + 2 * _entry("", 0, FREE, 0, 0)
    )
    return (
        head.ljust(SECTOR, b"\xff")
        + struct.pack(f"<{len(fat)}I", *fat).ljust(SECTOR, b"\xff")
        + directory
        + stream.ljust(count * SECTOR, b"\x00")
    )


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = (name + "\0").encode("utf-16-le") if name else b""
    return raw.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIQ", len(raw), kind, 1, FREE, FREE, child, start, size
    )


def _sheet(rows: Rows) -> bytes:
    cells = b"".join(
        _cell(at, column, value) for at, row in enumerate(rows) for column, value in enumerate(row)
    )
    return _beginning(0x0010) + cells + _record(0x000A, b"")


def _cell(row: int, column: int, value: object) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(value, int | float):
        return _record(0x0203, place + struct.pack("<d", value))
    text = str(value)
    return _record(0x0204, place + struct.pack("<HB", len(text), 1) + text.encode("utf-16-le"))


def _beginning(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))


def _record(code: int, body: bytes) -> bytes:
    return struct.pack("<HH", code, len(body)) + body


# --- ODS ---


def ods(sheets: Mapping[str, Rows], hidden: Sequence[str] = (), *, locked: bool = False) -> bytes:
    tables = "".join(_table(name, rows, is_hidden=name in hidden) for name, rows in sheets.items())
    return ods_of(tables, locked=locked)


def ods_of(tables: str, *, locked: bool = False) -> bytes:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    off = '<style:table-properties table:display="false"/>'
    style = f'<style:style style:name="off" style:family="table">{off}</style:style>'
    content = (
        f"<office:document-content {spaces}><office:automatic-styles>{style}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    encryption = '<manifest:encryption-data manifest:checksum="x"/>' if locked else ""
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="content.xml">{encryption}</manifest:file-entry></manifest:manifest>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", ODS_MIME, zipfile.ZIP_STORED)
        made.writestr("content.xml", content)
        made.writestr("META-INF/manifest.xml", manifest)
    return out.getvalue()


def _table(name: str, rows: Rows, *, is_hidden: bool) -> str:
    lines = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    style = ' table:style-name="off"' if is_hidden else ""
    return f"<table:table table:name={quoteattr(name)}{style}>{lines}</table:table>"


def _ods_cell(value: object) -> str:
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>'
