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
# More than any field takes, so that it is known to be cut.
KEPT_OF_CELL = 10_000
# Of a line that is too long; a file has fewer columns.
MOST_CELLS = 1_000


@dataclass(frozen=True, slots=True)
class Broken:
    """No record. `code`: unclosed_quote, too_long_line, too_long_cell; `cells`: roughly read.

    `cut`: of one that is too long and else in order, its cells, each up to KEPT_OF_CELL characters; () of others.
    """

    code: str
    cells: tuple[str, ...]
    cut: tuple[str, ...] = ()


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
        return Broken(record.code, tuple(restored_row(record.cells)), tuple(restored_row(record.cut)))
    return restored_row(record)


def read_records(stream: TextIO, file_format: Format) -> Iterator[Record]:
    feed = _Feed(stream, file_format)
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
        cut = feed.cut_cells if code == "too_long_line" else ()
        first = feed.first_of_broken()
        if code == "too_long_cell":
            cut = _cut_cells(iter([first]), file_format)
        yield Broken(code, _rough_cells(first, file_format), cut)


class _Runaway(Exception):
    pass


class _LongLine(Exception):
    pass


class _Feed:
    """Lines for the CSV reader. Those of the record in work are kept, to take them back if it breaks."""

    def __init__(self, stream: TextIO, file_format: Format) -> None:
        self._read = partial(stream.readline, MAX_LINE)
        self._format = file_format
        # Of the line that was too long, where it was a record.
        self.cut_cells: tuple[str, ...] = ()
        self._back: deque[str] = deque()
        self.taken: list[str] = []
        self.ended = False
        self._is_at_end = True

    def lines(self) -> Iterator[str]:
        back, taken, read = self._back, self.taken, self._read
        while line := back.popleft() if back else read():
            taken.append(line)
            if len(line) >= MAX_LINE and not line.endswith(("\n", "\r")):
                self.cut_cells = _cut_cells(self._pieces(line), self._format) if len(taken) == 1 else ()
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

    def _pieces(self, first: str) -> Iterator[str]:
        """Of one line, to its end."""
        self._is_at_end = False
        yield first
        while piece := self._read():
            self._is_at_end = piece.endswith(("\n", "\r"))
            yield piece
            if self._is_at_end:
                return
        self._is_at_end = True

    def _skip_line(self) -> None:
        while not self._is_at_end:
            piece = self._read()
            self._is_at_end = not piece or piece.endswith(("\n", "\r"))


def _cut_cells(pieces: Iterator[str], file_format: Format) -> tuple[str, ...]:
    """Of a line, each up to KEPT_OF_CELL characters; () where a quotation mark is not closed in it.

    A quotation mark counts as for the CSV reader: at the beginning of a cell, and twice for one that is meant.
    """
    delimiter, quote = file_format.delimiter, file_format.quote
    cells, cell, is_quoted, is_fresh, was_quote = list[str](), "", False, True, False
    for piece in pieces:
        at = 0
        while at < len(piece):
            if was_quote:  # closes the value, unless it stands twice
                was_quote = False
                if piece[at] == quote:
                    cell, at = _longer(cell, quote), at + 1
                    continue
                is_quoted = False
            if is_fresh and piece[at] == " ":
                at += 1
                continue
            if is_fresh and piece[at] == quote:
                is_quoted, is_fresh, at = True, False, at + 1
                continue
            is_fresh = False
            end = piece.find(quote if is_quoted else delimiter, at)
            cell = _longer(cell, piece[at : end if end >= 0 else len(piece)])
            if end < 0:
                break
            at = end + 1
            if is_quoted:
                was_quote = True
            else:
                cells.append(cell)
                cell, is_fresh = "", True
                if len(cells) > MOST_CELLS:
                    return ()
    if is_quoted and not was_quote:
        return ()
    return (*cells, cell.rstrip("\r\n"))


def _longer(cell: str, more: str) -> str:
    return cell if len(cell) >= KEPT_OF_CELL else (cell + more)[:KEPT_OF_CELL]


def _rough_cells(line: str, file_format: Format) -> tuple[str, ...]:
    pieces = line.rstrip("\r\n").split(file_format.delimiter)
    return tuple(piece.strip(f" {file_format.quote}")[:1000] for piece in pieces[:200])
