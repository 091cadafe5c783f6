"""The reject file: refused rows as they were, row number and reason in front; it can be imported as it is."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contacts.files.columns import OWN_COLUMNS
from contacts.files.parsing import OnRefused


@contextmanager
def reject_file(path: Path, column_names: Sequence[str], delimiter: str) -> Iterator[OnRefused]:
    """Yields what writes one row. UTF-8 with a mark, as spreadsheets want it."""
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow([*OWN_COLUMNS, *column_names])

        def refuse(row: int, cells: Sequence[str], sentence: str) -> None:
            writer.writerow([row, sentence, *cells])

        yield refuse
