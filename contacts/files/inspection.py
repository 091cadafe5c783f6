"""The first look at an upload: what it is, what columns it has, whether it can be imported at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext_lazy as _

from contacts.errors import FileRefused
from contacts.files.columns import Column, describe_columns, looks_like_header
from contacts.files.encodings import Letters
from contacts.files.formats import Format, Kind, format_of, kind_of
from contacts.files.packing import Packing, unpack
from contacts.files.reading import Broken, Record, open_records
from contacts.files.workbooks import check_workbook, workbook_to_csv
from contacts.models import ImportPurpose
from contacts.problems import words_for

MAX_COLUMNS = 200
LOOKED_AT_ROWS = 1_000
# Files up to here are counted while one waits (about half a second); larger ones by the check.
COUNTED_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Inspection:
    """`rows`: without header and empty lines; None where the file is too large to be counted at once.

    `letters`: the first line with more than ASCII as it reads, unless the encoding is certain.
    `workbook`: where it lies now, if it has sheets to choose from.
    """

    kind: Kind
    file_format: Format
    has_header: bool
    columns: list[Column]
    rows: int | None
    sheet: str = ""
    letters: str = ""
    packed: Packing = ""
    sheets: tuple[str, ...] = ()
    workbook: Path | None = None


def inspect_upload(path: Path, default_country: str, purpose: str = ImportPurpose.RECIPIENTS) -> Inspection:
    """Raises FileRefused. What is packed is unpacked, and a workbook replaced by a sheet as CSV, in the same place."""
    packed = unpack(path)
    kind = kind_of(path)
    found = (
        inspect_text(path, default_country, purpose=purpose)
        if kind == "csv"
        else _inspect_workbook(path, kind, default_country, purpose)
    )
    return replace(found, packed=packed)


def _inspect_workbook(path: Path, kind: Kind, default_country: str, purpose: str) -> Inspection:
    check_workbook(path, kind)
    workbook = path.with_suffix(f".{kind}")
    path.rename(workbook)
    try:
        sheet = workbook_to_csv(workbook, path)
        found = inspect_text(path, default_country, file_format=Format(), purpose=purpose)
    except BaseException:
        workbook.replace(path)
        raise
    found = replace(found, kind=kind, sheet=sheet.name, sheets=sheet.names)
    if len(sheet.names) > 1:
        return replace(found, workbook=workbook)
    workbook.unlink()
    return found


def inspect_text(
    path: Path,
    default_country: str,
    *,
    file_format: Format | None = None,
    has_header: bool | None = None,
    purpose: str = ImportPurpose.RECIPIENTS,
) -> Inspection:
    """What is not given is found out. Raises FileRefused."""
    file_format = file_format or format_of(path)
    try:
        with open_records(path, file_format) as records:
            filled = (record for record in records if is_filled(record))
            first_rows = list(islice(filled, LOOKED_AT_ROWS))
            rows = len(first_rows) + _count(filled) if path.stat().st_size <= COUNTED_BYTES else None
    except UnicodeError:
        raise FileRefused(
            _("The file is not in the encoding %(encoding)s. Choose another one, or save it as UTF-8.")
            % {"encoding": file_format.encoding},
            code="encoding",
        ) from None
    samples = [record for record in first_rows if not isinstance(record, Broken)]
    if first_rows and not samples:
        _refuse_broken(first_rows[0])
    _require_size(samples)
    if has_header is None:
        has_header = looks_like_header(samples[0], default_country, purpose)
    if has_header and len(first_rows) == 1:
        raise FileRefused(
            _("The file holds a header and no rows below it. Choose the file that holds the numbers."),
            code="only_header",
        )
    if rows is not None:
        require_rows(rows - has_header)
    names = samples[0] if has_header else None
    return Inspection(
        kind="csv",
        file_format=file_format,
        has_header=has_header,
        columns=describe_columns(names, samples[1:] if has_header else samples, default_country, purpose),
        rows=rows - has_header if rows is not None else None,
        letters=Letters(path).read_as(file_format.encoding) if file_format.guessed else "",
    )


def require_rows(rows: int) -> None:
    """Raises FileRefused where there are more than can be imported at once."""
    if rows > settings.IMPORT_MAX_ROWS:
        raise FileRefused(
            _(
                "The file has more than %(limit)s rows, which is all that can be imported at once. Split it into smaller "
                "files."
            )
            % {"limit": intcomma(settings.IMPORT_MAX_ROWS)},
            code="too_many_rows",
        )


def is_filled(record: Record) -> bool:
    return isinstance(record, Broken) or any(map(str.strip, record))


def _count(records: Iterator[Record]) -> int:
    return sum(1 for _record in records)


def _refuse_broken(record: Record) -> None:
    """Where no row can be read, what is wrong with the first one is wrong with the file."""
    if isinstance(record, Broken):
        sentence, remedy = words_for(record.code)
        raise FileRefused(f"{sentence} {remedy}", code=record.code)


def _require_size(samples: list[list[str]]) -> None:
    if not samples:
        raise FileRefused(
            _("The file holds no rows that can be read. Export the list again and choose the new file."),
            code="empty",
        )
    width = max(len(record) for record in samples)
    if width > MAX_COLUMNS:
        raise FileRefused(
            _("The file has %(width)s columns; at most %(limit)d can be read. Leave some out.")
            % {"width": intcomma(width), "limit": MAX_COLUMNS},
            code="too_many_columns",
        )
