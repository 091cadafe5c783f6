"""XLSX, XLS and ODS workbooks: looked at before they are opened, then turned into CSV by a process with limits."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from contacts.errors import FileRefused
from contacts.files import sheet_to_csv
from contacts.files.formats import Kind
from contacts.files.packing import open_zip

log = structlog.get_logger("crier.imports")

# Measured: 310 MB of XML (a full sheet of Excel's, 1,000,000 rows of 6 columns) take 8 s and 550 MB to read.
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
MAX_PARTS = 2_000
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
TIMEOUT_SECONDS = 120


# Of an XLS, and of any workbook as it is uploaded.
MAX_BYTES = 100 * 1024 * 1024
SHEET_NAME_LIMIT = 100
FIRST = -1


@dataclass(frozen=True, slots=True)
class Sheet:
    """`names`: of all sheets that can be chosen, in the order of the workbook."""

    name: str
    rows: int
    names: tuple[str, ...] = ()


def check_workbook(path: Path, kind: Kind) -> None:
    """Raises FileRefused for what is too large, or would unpack to too much (a zip bomb). Unpacks nothing."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FileRefused(
            _(
                "The workbook has %(size)s; at most %(limit)s can be opened. Save the sheet as CSV and choose that file."
            )
            % {"size": filesizeformat(size), "limit": filesizeformat(MAX_BYTES)},
            code="too_large_workbook",
        )
    if kind == "xls":
        return
    with open_zip(path) as archive:
        parts = archive.infolist()
    if any(part.flag_bits & 0x1 or part.filename == "encrypted-package" for part in parts):
        raise _refusals()["password"]
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise _refusals()["too_large"]


def workbook_to_csv(source: Path, target: Path, position: int = FIRST) -> Sheet:
    """The sheet at that place among those that can be chosen; FIRST: the first that holds rows of data.

    The name of `source` must end as its kind does. Raises FileRefused.
    """
    readers = ["whole", "rows"] if source.suffix == ".xlsx" else ["whole"]
    for reader in readers:
        answer = _read(source, target, position, reader)
        if answer.get("error") != "too_large":
            break
    if "error" in answer:
        raise _refusals()[answer["error"]]
    names = tuple(name[:SHEET_NAME_LIMIT] for name in answer["sheets"])
    return Sheet(answer["sheet"][:SHEET_NAME_LIMIT], answer["rows"], names)


def _read(source: Path, target: Path, position: int, reader: str) -> dict[str, Any]:
    """What sheet_to_csv.py says; too_large too where it was ended."""
    arguments = [str(source), str(target), str(MAX_MEMORY_BYTES), str(position), reader]
    command = [sys.executable, "-I", sheet_to_csv.__file__, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return {"error": "too_large"}
    if done.returncode != 0:
        # The reader aborts when memory is refused to it: no answer, but the limit did its work.
        log.warning(
            "workbook reader ended",
            status=done.returncode,
            error=done.stderr[-500:].decode("utf-8", "replace"),
        )
        return {"error": "too_large"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _refusals() -> dict[str, FileRefused]:
    return {
        "password": FileRefused(
            _("The workbook is protected by a password. Save it without one and choose that file."),
            code="password",
        ),
        "broken": FileRefused(
            _("The workbook is damaged and cannot be opened. Save it anew, or as CSV, and choose that file."),
            code="broken_workbook",
        ),
        "empty": FileRefused(_("The workbook holds no rows. Choose one that holds the list."), code="empty"),
        "too_large": FileRefused(
            _("The workbook is too large to be opened safely. Save the sheet as CSV and choose that file."),
            code="too_large_workbook",
        ),
    }
