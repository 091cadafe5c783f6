"""One file packed by gzip or zip, unpacked block by block and within limits. Content decides, not its name."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from contacts.errors import FileRefused

Packing = Literal["", "gzip", "zip"]

BLOCK = 1 << 20
GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")

# A list packs to a fifth or a twentieth, a bomb to a thousandth. Nobody asks of what is small anyway.
MOST_RATIO = 200
SMALL_BYTES = 64 * 1024 * 1024
# The list of an archive's parts is read at once; this is about ten thousand of them.
MAX_DIRECTORY_BYTES = 1 << 20
SHOWN_NAMES = 5
SHOWN_NAME_LENGTH = 60
# What systems put beside the file.
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")
# What zipfile raises of it: for places before the beginning of the file OSError, for unknown versions the last one.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError)
_READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def unpack(path: Path) -> Packing:
    """Puts the file that is packed in `path` into its place. Raises FileRefused. A workbook is left as it is."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(GZIP):
        _replace(path, _gunzipped(path))
        return "gzip"
    if not head.startswith(ZIP):
        return ""
    with open_zip(path) as archive:
        if office_kind(archive):
            return ""
        _replace(path, _unzipped(archive))
    return "zip"


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Raises FileRefused for one that is damaged, or has so many parts that listing them takes too much memory."""
    with _Careful(path) as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            raise _damaged() from None
        with archive:
            yield archive


class _Careful(io.FileIO):
    """zipfile believes the length of the list of parts that an archive names, and reads it whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise FileRefused(
                _(
                    "The archive has too many parts to be opened safely. Pack the one file that holds the list."
                ),
                code="too_large_archive",
            )
        return super().read(-1 if size is None else size)


def office_kind(archive: zipfile.ZipFile) -> Literal["", "xlsx", "ods", "xlsb", "other"]:
    """Office documents are zip archives too; `other`: one that is no workbook we read."""
    names = set(archive.namelist())
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        return "xlsb"
    if "mimetype" in names:
        part = archive.getinfo("mimetype")
        if part.file_size < 100 and part.compress_type in _READABLE and not part.flag_bits & 1:
            kind = _read_small(archive, part)
            return "ods" if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet") else "other"
    return "other" if "[Content_Types].xml" in names else ""


def _read_small(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(part)
    except _DAMAGE:
        raise _damaged() from None


# --- unpacking ---


def _replace(path: Path, pieces: Iterator[bytes]) -> None:
    packed, unpacked = path.stat().st_size, 0
    target = path.with_suffix(".unpacking")
    try:
        with target.open("wb") as file:
            for piece in pieces:
                unpacked += len(piece)
                _require_size(packed, unpacked)
                file.write(piece)
        target.replace(path)
    finally:
        target.unlink(missing_ok=True)


def _require_size(packed: int, unpacked: int) -> None:
    if unpacked > settings.IMPORT_MAX_BYTES:
        raise FileRefused(
            _(
                "Unpacked, the file has more than %(limit)s, which is all that can be imported at once. Split it in two."
            )
            % {"limit": filesizeformat(settings.IMPORT_MAX_BYTES)},
            code="too_large",
        )
    if unpacked > SMALL_BYTES and unpacked > packed * MOST_RATIO:
        raise FileRefused(
            _(
                "Unpacked, the file is more than %(ratio)d times as large, as no list is. Choose the file that was packed."
            )
            % {"ratio": MOST_RATIO},
            code="zip_bomb",
        )


def _gunzipped(path: Path) -> Iterator[bytes]:
    """Of all members, as gzip itself does; what follows the last one must be zeros."""
    with path.open("rb") as file:
        member, rest = zlib.decompressobj(wbits=31), b""
        while block := rest or file.read(BLOCK):
            if member.eof:
                if not block.strip(b"\x00"):
                    rest = b""
                    continue
                member = zlib.decompressobj(wbits=31)
            try:
                yield member.decompress(block, BLOCK)
            except zlib.error:
                raise _damaged() from None
            rest = member.unused_data if member.eof else member.unconsumed_tail
        if not member.eof:
            raise _damaged()


def _unzipped(archive: zipfile.ZipFile) -> Iterator[bytes]:
    part = _only_part(archive)
    try:
        with archive.open(part) as file:
            while piece := file.read(BLOCK):
                yield piece
    except _DAMAGE:
        raise _damaged() from None


def _only_part(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    parts = [part for part in archive.infolist() if not part.is_dir() and not _is_litter(part.filename)]
    if not parts:
        raise FileRefused(
            _("The archive holds no file. Pack the file that holds the list, or choose it unpacked."),
            code="empty_archive",
        )
    if len(parts) > 1:
        raise FileRefused(
            _(
                "The archive holds %(count)d files: %(names)s. Choose the one that holds the list, or pack it alone."
            )
            % {"count": len(parts), "names": _shown(parts)},
            code="several_files",
        )
    part = parts[0]
    if stat.S_ISLNK(part.external_attr >> 16):
        raise FileRefused(
            _("%(name)s in the archive is a link, not a file. Pack the file that it leads to.")
            % {"name": _shown(parts)},
            code="link",
        )
    if part.flag_bits & 1:
        raise FileRefused(
            _("The archive is protected by a password. Unpack it and choose the file inside."),
            code="password",
        )
    if part.compress_type not in _READABLE:
        raise FileRefused(
            _(
                "The archive is packed in a way that cannot be read here. Unpack it and choose the file inside."
            ),
            code="packing",
        )
    return part


def _is_litter(name: str) -> bool:
    return name.startswith(_LITTER[0]) or PurePosixPath(name).name in _LITTER


def _shown(parts: list[zipfile.ZipInfo]) -> str:
    names = [
        "".join(char if char.isprintable() else "\ufffd" for char in part.filename[:SHOWN_NAME_LENGTH])
        for part in parts[:SHOWN_NAMES]
    ]
    return ", ".join(names) + (" …" if len(parts) > SHOWN_NAMES else "")


def _damaged() -> FileRefused:
    return FileRefused(
        _("The archive or workbook is damaged and cannot be opened. Save it anew and choose that file."),
        code="damaged",
    )
