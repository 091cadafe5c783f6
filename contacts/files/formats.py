"""What an upload is: text or which workbook, encoding, delimiter, quotation mark. Content decides, not its name."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from charset_normalizer import from_bytes
from django.utils.translation import gettext_lazy as _

from contacts.errors import FileRefused
from contacts.files.code_pages import latin_page, other_page
from contacts.files.formulas import REJECT_COLUMNS
from contacts.files.packing import BLOCK, GZIP, ZIP, office_kind, open_zip

SAMPLE_BYTES = 64 * 1024
SAMPLE_RECORDS = 200
DELIMITERS = ",;\t|"
QUOTES = "\"'"

DELIMITER_WORDS = {",": _("comma"), ";": _("semicolon"), "\t": _("tab"), "|": _("bar")}
QUOTE_WORDS = {'"': _("double quotation mark"), "'": _("single quotation mark")}

# Lines beyond ASCII that are looked at to tell their alphabet, and the longest of them in bytes.
LETTERS_LINES = 500
LETTERS_LINE = 2000
# In bytes: of less a detector makes anything.
ENOUGH_LETTERS = 12
_WORD_BEYOND_ASCII = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_ASCII_LETTER = re.compile(rb"[A-Za-z]")
LATIN = "cp1252"
# charset-normalizer's names, and ours (encodings.py); those that hold the letters of another one stand for both.
OTHER_ALPHABETS = {
    "cp1251": "cp1251",
    "koi8_r": "koi8-r",
    "cp1253": "cp1253",
    "cp1255": "cp1255",
    "cp1256": "cp1256",
    "cp874": "cp874",
    "cp932": "cp932",
    "euc_jp": "euc_jp",
    "gb18030": "gb18030",
    "big5": "big5",
    "cp949": "cp949",
}

Kind = Literal["csv", "xlsx", "xls", "ods"]
WORKBOOKS = ("xlsx", "xls", "ods")


@dataclass(frozen=True, slots=True)
class Format:
    """How a text file is read. `encoding`: a codec of Python; a byte order mark is left out when reading.

    `guessed`: nothing in the file proves its encoding. A mark does, and so do bytes that are UTF-8 throughout.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    guessed: bool = False


def kind_of(path: Path) -> Kind:
    """Of a file that is unpacked. Raises FileRefused for what is neither text nor a workbook, with the way out."""
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise FileRefused(
            _("The file is empty. Export the list again and choose the new file."), code="empty"
        )
    if head.startswith(ZIP):
        return _zipped_workbook(path)
    if head.startswith(OLE):
        _require_old_workbook(path)
        return "xls"
    if head.startswith(GZIP):
        raise _packed_twice()
    if head[TAR_AT:].startswith(TAR):
        raise FileRefused(
            _("The file is a tar archive. Unpack it, and choose the file inside."), code="packed_twice"
        )
    for magic, what in _MAGIC:
        if head.startswith(magic) and (magic != PROGRAM or b"\x00" in head):
            raise FileRefused(
                _("The file is %(what)s, not a table. Save the list as CSV or XLSX and choose that file.")
                % {"what": what},
                code="not_a_table",
            )
    return "csv"


def format_of(path: Path) -> Format:
    """Encoding, delimiter and quotation mark of a text file. Raises FileRefused if it is no text."""
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        encoding, guessed = _encoding_by_mark(sample) or _encoding_by_zeros(sample), False
        if encoding is None:
            encoding, guessed = _encoding_by_scan(file)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    _require_text(text)
    delimiter, quote = guess_dialect(text, cut=len(sample) == SAMPLE_BYTES)
    return Format(encoding, delimiter, quote, guessed)


# --- not text ---

# In the head of an archive's first part.
TAR, TAR_AT = b"ustar", 257
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A list may begin so as well, but without NUL bytes.
PROGRAM = b"MZ"
_MAGIC = (
    (PROGRAM, _("a program")),
    (b"\x7fELF", _("a program")),
    (b"%PDF", _("a PDF")),
    (b"\x89PNG", _("a picture")),
    (b"\xff\xd8\xff", _("a picture")),
    (b"GIF8", _("a picture")),
    (b"BZh", _("a bzip2 archive")),
    (b"7z\xbc\xaf\x27\x1c", _("a 7-Zip archive")),
    (b"Rar!", _("a RAR archive")),
    (b"\xfd7zXZ\x00", _("an xz archive")),
    (b"\x28\xb5\x2f\xfd", _("a Zstandard archive")),
    (b"SQLite format 3\x00", _("a database")),
    (b"{\\rtf", _("a text document")),
)
# Control characters that no list holds: all but tab, line ends, form feed and Ctrl-Z.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_JSON = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{])')
_MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)
MOST_CONTROL_SHARE = 0.02
FEW_CONTROLS = 8


# Names of streams in the container of Excel's files of before 2007; it puts encrypted workbooks there too.
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# The beginning of a workbook (after it, perhaps that it is write-protected), and the record that it is encrypted.
_ENCRYPTED_OLD = re.compile(rb"\x09\x08\x10\x00\x00\x06\x05\x00.{12}(?:\x86\x00\x00\x00)?\x2f\x00", re.DOTALL)
_OLD_WORKBOOKS = ("Workbook\0".encode("utf-16-le"), "Book\0".encode("utf-16-le"))


def _zipped_workbook(path: Path) -> Literal["xlsx", "ods"]:
    with open_zip(path) as archive:
        kind = office_kind(archive)
    if kind == "":
        raise _packed_twice()
    if kind == "xlsb":
        raise FileRefused(
            _(
                "The file is a binary workbook (XLSB). Save it as XLSX, or the sheet as CSV, and choose that file."
            ),
            code="not_a_table",
        )
    if kind == "other":
        raise FileRefused(
            _("The file is an Office document, not a workbook. Save the list as CSV, XLSX or ODS."),
            code="not_a_table",
        )
    return kind


def _packed_twice() -> FileRefused:
    return FileRefused(
        _("The file is packed twice. Unpack it, and choose the file inside."), code="packed_twice"
    )


def _require_old_workbook(path: Path) -> None:
    """Of a file in that container; Word and Outlook use it as well."""
    is_workbook = False
    with path.open("rb") as file:
        for block in _overlapping(file, len(_ENCRYPTED)):
            if _ENCRYPTED in block or _ENCRYPTED_OLD.search(block):
                raise FileRefused(
                    _("The workbook is protected by a password. Save it without one and choose that file."),
                    code="password",
                )
            is_workbook = is_workbook or any(name in block for name in _OLD_WORKBOOKS)
    if not is_workbook:
        raise FileRefused(
            _("The file is an Office document, not a workbook. Save the list as CSV, XLSX or ODS."),
            code="not_a_table",
        )


def _overlapping(file: BinaryIO, overlap: int) -> Iterator[bytes]:
    tail = b""
    while block := file.read(BLOCK):
        yield tail + block
        tail = block[-overlap:]


def _require_text(text: str) -> None:
    if len(_CONTROL.findall(text)) > max(len(text) * MOST_CONTROL_SHARE, FEW_CONTROLS):
        raise FileRefused(
            _("The file is not text: it looks like a program or a picture. Save the list as CSV or XLSX."),
            code="binary",
        )
    if _JSON.match(text):
        raise FileRefused(
            _("The file is JSON, not a table. Save the list as CSV or XLSX, or send it to the API."),
            code="not_a_table",
        )
    if _MARKUP.match(text):
        raise FileRefused(
            _("The file is a web page or XML, not a table. Save the list as CSV or XLSX."), code="not_a_table"
        )


# --- encoding ---

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")
# cp1252 leaves these five bytes undefined.
_NOT_CP1252 = b"\x81\x8d\x8f\x90\x9d"
# All but the first byte of each letter beyond ASCII in UTF-8.
_NO_FIRST_BYTES = bytes(range(0xC0))
ENOUGH_UTF8 = 10
LEAST_ZEROS = 0.1


def _encoding_by_mark(sample: bytes) -> str | None:
    return next((encoding for mark, encoding in _MARKS if sample.startswith(mark)), None)


def _encoding_by_zeros(sample: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of digits, delimiters and Latin letters is zero.

    Of other alphabets these may be few, so the text must make sense as well.
    """
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) // 2 * LEAST_ZEROS or min(even, odd) * 10 > max(even, odd):
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    text = codecs.getincrementaldecoder(encoding)("replace").decode(sample)
    strange = text.count("\ufffd") + len(_CONTROL.findall(text))
    return encoding if strange <= len(text) * MOST_CONTROL_SHARE else None


def _encoding_by_scan(file: BinaryIO) -> tuple[str, bool]:
    """Reads all of it: UTF-8 if it is (a few broken rows are told apart later), else what its letters look like.

    With it, whether that is a guess: all but UTF-8 without a broken letter.
    """
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    undefined = False
    letters: list[bytes] = []
    while block := file.read(BLOCK):
        text = decoder.decode(block)
        if text.isascii():
            continue
        undefined = undefined or len(block.translate(None, _NOT_CP1252)) < len(block)
        if _is_sound(text):
            good += len(block.translate(None, _NO_FIRST_BYTES))
        else:
            bad += len(_ESCAPED.findall(text))
            good += len(_BEYOND_ASCII.findall(text))
        if len(letters) < LETTERS_LINES:
            letters += _lines_with_letters(block, whole=len(block) < BLOCK)
    bad += len(decoder.decode(b"", final=True))
    if not bad or good >= bad * ENOUGH_UTF8:
        return "utf-8", bad > 0
    sample = b"\n".join(letters[:LETTERS_LINES])
    found = _other_alphabet(sample) or latin_page(sample)
    return found or ("latin-1" if undefined else LATIN), True


def _is_sound(text: str) -> bool:
    """No byte of it was left undecoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines_with_letters(block: bytes, *, whole: bool) -> list[bytes]:
    """Those beyond ASCII, not too long; without the last one where the block may end amid it."""
    lines = block.splitlines()
    return [
        line for line in (lines if whole else lines[:-1]) if len(line) < LETTERS_LINE and not line.isascii()
    ]


def _other_alphabet(letters: bytes) -> str:
    """The encoding in which they make words of another alphabet than the Latin one; "" if there is none.

    Among the Latin ones and the older Cyrillic ones a detector throws dice; code_pages.py knows their letters.
    """
    words = b"".join(_WORD_BEYOND_ASCII.findall(letters))
    if len(words) < ENOUGH_LETTERS or 2 * len(_ASCII_LETTER.findall(words)) >= len(words):
        return ""
    best = from_bytes(letters, cp_isolation=[LATIN, *OTHER_ALPHABETS]).best()
    return other_page(letters, OTHER_ALPHABETS.get(best.encoding, "") if best else "")


# --- delimiter and quotation mark ---

# The first line of a reject file, whatever a spreadsheet made of its delimiter.
_REJECT_LINE = re.compile('\ufeff?("?){}\\1([,;\t|])\\1{}'.format(*REJECT_COLUMNS))
_SEP_LINE = re.compile(r"\ufeff?sep=(.)\r?\n?", re.IGNORECASE)


def guess_dialect(text: str, *, cut: bool = False) -> tuple[str, str]:
    """(delimiter, quotation mark) that make the sample the most even table. `cut`: it ends amid a row."""
    ours = _REJECT_LINE.match(text)
    named = ours[2] if ours else sep_line(text)
    if named:
        return named, '"'
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)[:SAMPLE_RECORDS]
    if cut and len(lines) > 1:
        lines.pop()
    quote = _guess_quote(lines)
    scores = [(_evenness(lines, delimiter, quote), delimiter) for delimiter in DELIMITERS]
    best, delimiter = max(scores, key=lambda pair: pair[0])
    return (delimiter if best else ","), quote


def sep_line(line: str) -> str:
    """The delimiter that Excel's first line `sep=;` names; "" for any other line."""
    found = _SEP_LINE.match(line)
    return found[1] if found and found[1] in DELIMITERS else ""


def _guess_quote(lines: list[str]) -> str:
    """Single quotes only where they wrap values and double ones do not: O'Neil is a name."""
    wrapped = Counter(
        quote
        for line in lines
        for quote in QUOTES
        for piece in re.split(r"[,;\t|]", line.strip())
        if len(piece) > 1 and piece[0] == quote == piece[-1]
    )
    return "'" if wrapped["'"] >= len(lines) and not wrapped['"'] else '"'


def _evenness(lines: list[str], delimiter: str, quote: str) -> float:
    """0 for one column; else the share of rows that have the commonest width, and a little for width."""
    try:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, quotechar=quote) if row]
    except csv.Error:
        return 0.0
    if not widths:
        return 0.0
    width, rows = Counter(widths).most_common(1)[0]
    if width < 2:
        return 0.0
    return rows / len(widths) + min(width, 50) / 1000
