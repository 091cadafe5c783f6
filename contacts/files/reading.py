"""A text file as records, one after the other, in little memory, whatever its quotation marks do."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from contacts.files.formats import Format, sep_line
from contacts.files.formulas import is_written_by_us, restored_row

# A record of more lines has a quotation mark that was never closed.
MAX_LINES_OF_RECORD = 100
MAX_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Broken:
    """No record. `code`: unclosed_quote, too_long_line, too_long_cell; `cells`: roughly read."""

    code: str
    cells: tuple[str, ...]


Record = list[str] | Broken


@contextmanager
def open_records(path: Path, file_format: Format) -> Iterator[Iterator[Record]]:
    """Each line or quoted group of lines once; empty lines are []. The n-th record is row n of the file.

    Of a file that we wrote ourselves the cells are as they were before they were made harmless.
    """
    # Bytes that are no UTF-8 come as lone surrogates, so that only their rows are refused.
    errors = "surrogateescape" if file_format.encoding == "utf-8" else "replace"
    encoding = "utf-8-sig" if file_format.encoding == "utf-8" else file_format.encoding
    with path.open(encoding=encoding, errors=errors, newline="") as stream:
        yield _as_meant(read_records(stream, file_format))


def _as_meant(records: Iterator[Record]) -> Iterator[Record]:
    start: list[Record] = []
    for record in islice(records, MAX_LINES_OF_RECORD):
        start.append(record)
        if not isinstance(record, list) or any(map(str.strip, record)):
            break
    header = start[-1] if start else []
    all_records = chain(start, records)
    if isinstance(header, list) and is_written_by_us(header):
        return map(_restored, all_records)
    return all_records


def _restored(record: Record) -> Record:
    if isinstance(record, Broken):
        return Broken(record.code, tuple(restored_row(record.cells)))
    return restored_row(record)


def read_records(stream: TextIO, file_format: Format) -> Iterator[Record]:
    feed = _Feed(stream)
    taken, is_first = feed.taken, True
    while True:
        reader = csv.reader(
            feed.lines(), delimiter=file_format.delimiter, quotechar=file_format.quote, skipinitialspace=True
        )
        try:
            for cells in reader:
                if feed.ended:  # the reader met the end of the file inside a quoted value
                    raise _Runaway
                if is_first:
                    is_first = False
                    cells = [] if sep_line(taken[0]) else cells
                taken.clear()
                yield cells
            return
        except _Runaway:
            code = "unclosed_quote"
        except _LongLine:
            code = "too_long_line"
        except csv.Error:
            code = "unclosed_quote" if len(feed.taken) > 1 else "too_long_cell"
        yield Broken(code, _rough_cells(feed.first_of_broken(), file_format))


class _Runaway(Exception):
    pass


class _LongLine(Exception):
    pass


class _Feed:
    """Lines for the CSV reader. Those of the record in work are kept, to take them back if it breaks."""

    def __init__(self, stream: TextIO) -> None:
        self._read = partial(stream.readline, MAX_LINE)
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.ended = False

    def lines(self) -> Iterator[str]:
        back, taken, read = self._back, self.taken, self._read
        while line := back.popleft() if back else read():
            taken.append(line)
            if len(line) >= MAX_LINE and not line.endswith(("\n", "\r")):
                self._skip_line()
                raise _LongLine
            if len(taken) > MAX_LINES_OF_RECORD:
                raise _Runaway
            yield line
        self.ended = True

    def first_of_broken(self) -> str:
        """The line at which the broken record began; the ones after it will be read again."""
        first, *rest = self.taken
        self._back.extendleft(reversed(rest))
        self.ended = False
        self.taken.clear()
        return first

    def _skip_line(self) -> None:
        while (piece := self._read()) and not piece.endswith(("\n", "\r")):
            pass


def _rough_cells(line: str, file_format: Format) -> tuple[str, ...]:
    pieces = line.rstrip("\r\n").split(file_format.delimiter)
    return tuple(piece.strip(f" {file_format.quote}")[:1000] for piece in pieces[:200])
