"""The reject file: refused rows as they were, row number and reason in front; it can be imported as it is."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contacts.files.formulas import REJECT_COLUMNS, harmless_row
from contacts.files.parsing import OnRefused

_NOT_DECODED = re.compile("[\ud800-\udfff]")


@contextmanager
def reject_file(path: Path, column_names: Sequence[str], delimiter: str) -> Iterator[OnRefused]:
    """Yields what writes one row. UTF-8 with a mark, as spreadsheets want it; no cell of it is run as a formula.

    A byte that could not be read stands as U+FFFD, which an import refuses: it has to be mended by hand.
    """
    # A reject file that was imported again has them already.
    left_out = {at for at, name in enumerate(column_names) if name in REJECT_COLUMNS}

    def kept(cells: Sequence[str]) -> Iterator[str]:
        return (_NOT_DECODED.sub("\ufffd", cell) for at, cell in enumerate(cells) if at not in left_out)

    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow([*REJECT_COLUMNS, *harmless_row(kept(column_names))])

        def refuse(row: int, cells: Sequence[str], sentence: str) -> None:
            reason = _NOT_DECODED.sub("\ufffd", sentence)
            writer.writerow([row, *harmless_row([reason, *kept(cells)])])

        yield refuse
