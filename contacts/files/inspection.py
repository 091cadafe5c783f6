"""The first look at an upload: what it is, what columns it has, whether it can be imported at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext_lazy as _

from contacts.errors import ContactsError, FileRefused
from contacts.files.columns import Column, count_titles, describe_columns, looks_like_header
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
    """`rows`: without header, what stands above it, and empty lines; None where the file is too large to be counted at once.

    `header_row`: where the names stand, as rows are counted in the file; 0 without names.

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
    header_row: int = 0


def inspect_upload(
    path: Path,
    default_country: str,
    purpose: str = ImportPurpose.RECIPIENTS,
    known_columns: Sequence[str] = (),
) -> Inspection:
    """Raises FileRefused. What is packed is unpacked, and a workbook replaced by a sheet as CSV, in the same place."""
    packed = unpack(path)
    kind = kind_of(path)
    found = (
        inspect_text(path, default_country, purpose=purpose, known_columns=known_columns)
        if kind == "csv"
        else _inspect_workbook(path, kind, default_country, purpose, known_columns)
    )
    return replace(found, packed=packed)


def _inspect_workbook(
    path: Path, kind: Kind, default_country: str, purpose: str, known_columns: Sequence[str]
) -> Inspection:
    check_workbook(path, kind)
    workbook = path.with_suffix(f".{kind}")
    path.rename(workbook)
    try:
        sheet = workbook_to_csv(workbook, path)
        found = inspect_text(
            path, default_country, file_format=Format(), purpose=purpose, known_columns=known_columns
        )
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
    header_row: int | None = None,
    purpose: str = ImportPurpose.RECIPIENTS,
    known_columns: Sequence[str] = (),
) -> Inspection:
    """What is not given is found out. `known_columns`: further ones that the list has. Raises FileRefused."""
    file_format = file_format or format_of(path)
    try:
        with open_records(path, file_format) as records:
            filled = ((row, record) for row, record in enumerate(records, start=1) if is_filled(record))
            numbered = list(islice(filled, LOOKED_AT_ROWS))
            rows = len(numbered) + _count(filled) if path.stat().st_size <= COUNTED_BYTES else None
    except UnicodeError:
        raise FileRefused(
            _("The file is not in the encoding %(encoding)s. Choose another one, or save it as UTF-8.")
            % {"encoding": file_format.encoding},
            code="encoding",
        ) from None
    readable = [(row, record) for row, record in numbered if not isinstance(record, Broken)]
    if numbered and not readable:
        _refuse_broken(numbered[0][1])
    readable = _without_far_cells(readable)
    samples = [record for _row, record in readable]
    _require_size(samples)
    if header_row is None:
        titles = count_titles(samples, default_country, purpose)
        if has_header is None:
            has_header = looks_like_header(samples[titles], default_country, purpose)
        header_row = readable[titles][0]
    elif has_header is None:
        has_header = True
    names = None
    above = 0
    if has_header:
        names, samples = _parted(readable, header_row)
        above = sum(row <= header_row for row, _record in numbered)
        rows = rows - above if rows is not None else None
    if len(numbered) == above:
        raise FileRefused(
            _("The file holds a header and no rows below it. Choose the file that holds the numbers."),
            code="only_header",
        )
    if rows is not None:
        require_rows(rows)
    return Inspection(
        kind="csv",
        file_format=file_format,
        has_header=has_header,
        columns=describe_columns(names, samples, default_country, purpose, known_columns),
        rows=rows,
        header_row=header_row if has_header else 0,
        letters=Letters(path).read_as(file_format.encoding) if file_format.guessed else "",
    )


def _parted(readable: Sequence[tuple[int, list[str]]], header_row: int) -> tuple[list[str], list[list[str]]]:
    """The names, and the rows below them. Raises ContactsError where no names stand there."""
    names = next((record for row, record in readable if row == header_row), None)
    if names is None:
        raise ContactsError(
            _(
                "Row %(row)s holds no names: it is empty, or not among the first %(limit)s. Choose another one."
            )
            % {"row": intcomma(header_row), "limit": intcomma(LOOKED_AT_ROWS)},
            field="header_row",
            code="no_names",
        )
    return names, [record for row, record in readable if row > header_row]


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


def _count(records: Iterator[tuple[int, Record]]) -> int:
    return sum(1 for _record in records)


def _refuse_broken(record: Record) -> None:
    """Where no row can be read, what is wrong with the first one is wrong with the file."""
    if isinstance(record, Broken):
        sentence, remedy = words_for(record.code)
        raise FileRefused(f"{sentence} {remedy}", code=record.code)


def _without_far_cells(readable: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """A stray cell far to the right makes no columns: its row is refused when it is read, not the file."""
    near = [(row, record) for row, record in readable if _filled_width(record) <= MAX_COLUMNS]
    return near if near and near[0][0] == readable[0][0] else readable


def _filled_width(record: list[str]) -> int:
    """Without the empty cells at its end, which spreadsheets write by the hundred."""
    return next((at for at in range(len(record), 0, -1) if record[at - 1].strip()), 0)


def _require_size(samples: list[list[str]]) -> None:
    if not samples:
        raise FileRefused(
            _("The file holds no rows that can be read. Export the list again and choose the new file."),
            code="empty",
        )
    width = max(map(_filled_width, samples))
    if width > MAX_COLUMNS:
        raise FileRefused(
            _("The file has %(width)s columns; at most %(limit)d can be read. Leave some out.")
            % {"width": intcomma(width), "limit": MAX_COLUMNS},
            code="too_many_columns",
        )
