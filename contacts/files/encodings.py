"""Encodings that a person may choose, by the names in use for them, and what a file says when read in each."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from contacts.files.formats import BLOCK

# Python's names of the codecs, and people's; those that hold the letters of another one stand for both.
ENCODINGS: dict[str, str] = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": "Windows-1252 (Western European)",
    "latin-1": "ISO-8859-1 (Western European)",
    "iso8859-15": "ISO-8859-15 (Western European, with €)",
    "mac-roman": "Mac Roman",
    "cp850": "DOS 850 (Western European)",
    "cp437": "DOS 437 (Western European)",
    "cp1250": "Windows-1250 (Central European)",
    "iso8859-2": "ISO-8859-2 (Central European)",
    "cp852": "DOS 852 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "iso8859-5": "ISO-8859-5 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "koi8-u": "KOI8-U (Cyrillic)",
    "cp866": "DOS 866 (Cyrillic)",
    "mac-cyrillic": "Mac Cyrillic",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "cp1258": "Windows-1258 (Vietnamese)",
    "cp874": "Windows-874 (Thai)",
    "cp932": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB 18030, GBK (Chinese)",
    "big5": "Big5 (Chinese)",
    "cp949": "EUC-KR (Korean)",
}
_WIDER = {
    "ascii": "utf-8",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euc_kr": "cp949",
}
_BY_CODEC = {codecs.lookup(name).name: name for name in ENCODINGS}

# So much of a line is shown, a quarter of it before the first letter beyond ASCII.
SHOWN_BYTES = 160
SHOWN_LENGTH = 80
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_LINE_END = re.compile(rb"[\r\n]")


def encoding_named(raw: str) -> str:
    """The key of ENCODINGS for any usual name ("Windows-1251", "GBK"); "" for one that is not among them."""
    try:
        codec = codecs.lookup(raw.strip()).name
    except (LookupError, ValueError):
        return ""
    return _BY_CODEC.get(_WIDER.get(codec, codec), _WIDER.get(codec, ""))


class Letters:
    """The first line of a file that holds more than ASCII, as it reads in any encoding. False if there is none."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._head = file.read(2 * SHOWN_BYTES)
            file.seek(0)
            self._line = _first_letters(file)

    def __bool__(self) -> bool:
        return bool(self._line)

    def read_as(self, encoding: str) -> str:
        """Fit for a page and any database; U+FFFD stands for what the encoding does not know."""
        return _plain(self._decoded(encoding, "replace"))

    def readings(self) -> dict[str, str]:
        """By encoding, of those that know all its letters."""
        found = {}
        for encoding in ENCODINGS:
            with suppress(UnicodeError):
                found[encoding] = _plain(self._decoded(encoding, "strict"))
        return found

    def _decoded(self, encoding: str, errors: str) -> str:
        # In UTF-16 no byte of a line's end can be told without those before it.
        raw = self._head if encoding.startswith("utf-16") else self._line
        # An incremental decoder does not mind that the last letter is cut.
        return codecs.getincrementaldecoder(encoding)(errors).decode(raw)


def _first_letters(file: BinaryIO) -> bytes:
    before = b""
    while block := file.read(BLOCK):
        if not block.isascii():
            return _around(before + block + file.read(SHOWN_BYTES))
        before = block[-SHOWN_BYTES:]
    return b""


def _around(block: bytes) -> bytes:
    """The line of the first byte beyond ASCII, cut to what is shown."""
    found = _BEYOND_ASCII.search(block)
    if found is None:
        return b""
    at = found.start()
    head, tail = block[max(0, at - SHOWN_BYTES // 4) : at], block[at : at + SHOWN_BYTES]
    return _LINE_END.split(head)[-1] + _LINE_END.split(tail)[0]


def _plain(text: str) -> str:
    """One line without control characters, cut to what is shown."""
    words = " ".join(text.removeprefix("\ufeff").split())
    plain = "".join(char if char.isprintable() else "\ufffd" for char in words)
    return plain if len(plain) <= SHOWN_LENGTH else f"{plain[: SHOWN_LENGTH - 1]}…"
