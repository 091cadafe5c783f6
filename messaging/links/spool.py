"""Hits between the visitor and the database: a line in a file before the visitor is led on, rows a moment later.

A file belongs to the process that writes it, by a lock which the kernel frees when that dies. What it left behind is
taken by whoever looks next: another process, or the sweep. A line that is applied twice is one hit: it has an id.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import json
import os
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog
from django.conf import settings
from django.db import close_old_connections

log = structlog.get_logger("crier.links")

SUFFIX = ".hits"
APPLY_SECONDS, MOST_SECONDS = 0.5, 20.0
# So many are kept in memory where the disk takes none.
MOST_IN_MEMORY = 100_000
# Another process that looks for what was left behind may take a new file away before it is locked.
TRIES = 5
LINES_AT_ONCE = 1_000
# Visitors wait for this process, nobody for its rows: while so many come during a chunk, so much longer than the chunk's
# own time of the processor is waited before the next one.
BUSY_VISITS, GIVE_WAY = 100, 3
_quoted = json.encoder.encode_basestring_ascii


class RawHit(NamedTuple):
    """As it came. `uid`: 32 hexadecimal digits; `at`: seconds since 1970; `address`: of the visitor, whole; `is_over`: the
    link was over and said so (a line of an older Crier does not tell).
    """

    uid: str
    code: str
    at: float
    method: str
    agent: str
    address: str
    is_prefetch: bool
    is_over: bool = False


class Spool:
    """Of one process. `apply`: writes hits into the database; what it raises leaves them where they are."""

    def __init__(self, apply: Callable[[list[RawHit]], object]) -> None:
        self._apply = apply
        self._name = secrets.token_hex(8)
        self._number = 0
        self._lock = threading.Lock()
        # One applies at a time: the process may end while its thread is at it.
        self._applying = threading.Lock()
        self._file: int | None = None
        self._path: Path | None = None
        self._files = self._size = 0
        self._in_memory: deque[RawHit] = deque(maxlen=MOST_IN_MEMORY)
        # Written, and not applied yet.
        self._waiting: list[Path] = []
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def add(
        self,
        code: str,
        at: float,
        *,
        method: str,
        agent: str,
        address: str,
        is_prefetch: bool,
        is_over: bool = False,
        uid: str = "",
    ) -> None:
        """Returns when the system has the line: it outlives this process, not a power cut of the next second.

        `uid`: where the visit has an id already, see messaging/links/retry.py.
        """
        words = f"{_quoted(method[:10])},{_quoted(agent[:300])},{_quoted(address[:45])}"
        rest = f"{_quoted(code)},{at!r},{words},{_flag(is_prefetch)},{_flag(is_over)}]"
        with self._lock:
            self._number += 1
            uid = uid or f"{self._name}{self._number:016x}"
            try:
                self._write(f'["{uid}",{rest}\n'.encode())
            except OSError as error:
                log.warning("a hit is kept in memory", error=error.strerror)
                hit = RawHit(uid, code, at, method[:10], agent[:300], address[:45], is_prefetch, is_over)
                self._in_memory.append(hit)
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def _write(self, line: bytes) -> None:
        """A whole line or none: half a one would spoil the next, which would be glued to it."""
        if self._file is None:
            self._file, self._path = self._new_file()
            self._size = 0
        written = os.write(self._file, line)
        if written != len(line):
            # The disk is full, or the file as large as this process may make it.
            try:
                os.ftruncate(self._file, self._size)
            except OSError:
                self._end_file()
            raise OSError(errno.ENOSPC, "written in part")
        self._size += written

    def _new_file(self) -> tuple[int, Path]:
        for _try in range(TRIES):
            self._files += 1
            made = _locked_file(f"{self._name}-{self._files}")
            if made is not None:
                return made
        raise OSError(errno.EAGAIN, "no file of its own")

    def _end_file(self) -> None:
        """What was written is applied with the next ones; a new file is begun."""
        if self._file is not None and self._path is not None:
            os.close(self._file)
            self._waiting.append(self._path)
        self._file = self._path = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hits", daemon=True)
                self._thread.start()
                atexit.register(self.flush)

    def _run(self) -> None:
        failures = 0
        while True:
            self._wake.wait()
            self._wake.clear()
            failures = 0 if self.flush(gives_way=True) else failures + 1
            close_old_connections()
            if failures:
                self._wake.set()
            # So that many hits make one transaction; and a database that is away is not asked all the time.
            threading.Event().wait(min(APPLY_SECONDS * 2**failures, MOST_SECONDS))

    def flush(self, *, gives_way: bool = False) -> bool:
        """Applies all that is there; False where it has to be tried again. `gives_way`: to visitors, where many come."""
        with self._applying:
            return self._flush(gives_way)

    def _flush(self, gives_way: bool) -> bool:
        with self._lock:
            self._end_file()
            in_memory, self._in_memory = self._in_memory, deque(maxlen=MOST_IN_MEMORY)
        try:
            if in_memory:
                self._apply_memory(in_memory)
            while self._waiting:
                _apply_file(self._waiting[0], self._apply_gently if gives_way else self._apply)
                self._waiting.pop(0)
        except Exception as error:
            log.warning("hits wait", error=type(error).__name__, files=len(self._waiting))
            return False
        return True

    def _apply_gently(self, hits: list[RawHit]) -> None:
        visits, began = self._number, time.thread_time()
        self._apply(hits)
        if self._number - visits > BUSY_VISITS:
            time.sleep((time.thread_time() - began) * GIVE_WAY)

    def _apply_memory(self, hits: deque[RawHit]) -> None:
        try:
            self._apply(list(hits))
        except Exception:
            with self._lock:
                self._in_memory.extendleft(reversed(hits))
            raise


def apply_left_behind(apply: Callable[[list[RawHit]], object]) -> int:
    """Of processes that died, and of ours while the database was away; returns the number of hits."""
    count = 0
    for path in sorted(_folder().glob(f"*{SUFFIX}")):
        with suppress(FileNotFoundError), path.open("rb") as file, suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            count += _apply_file(path, apply)
    return count


def _apply_file(path: Path, apply: Callable[[list[RawHit]], object]) -> int:
    count = 0
    with suppress(FileNotFoundError):
        for hits in _in_chunks(_read(path)):
            apply(hits)
            count += len(hits)
        path.unlink(missing_ok=True)
    return count


def _read(path: Path) -> Iterator[RawHit]:
    """Whole lines. Of two that are glued together the second is whole; what cannot be read is said in the log."""
    lost = 0
    with path.open("rb") as file:
        for line in file:
            begin = line.rfind(_BEGINNING)
            hit = _hit_of(line[begin:]) if begin >= 0 else None
            lost += hit is None or begin > 0
            if hit is not None:
                yield hit
    if lost:
        log.warning("hits cannot be read", count=lost, file=path.name)


# A quotation mark within a value is written \\": so this stands at the beginning of a hit and nowhere else.
_BEGINNING = b'["'
_UID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_KINDS = (str, str, float | int, str, str, str, bool, bool)
# A line of an older Crier has one value less.
_LENGTHS = (len(_KINDS) - 1, len(_KINDS))


def _hit_of(line: bytes) -> RawHit | None:
    """A line without its end was answered to nobody."""
    try:
        values = json.loads(line) if line.endswith(b"\n") else []
    except ValueError:
        return None
    if len(values) not in _LENGTHS or not all(map(isinstance, values, _KINDS)):
        return None
    return RawHit(*values) if _UID.fullmatch(values[0]) else None


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _in_chunks(hits: Iterable[RawHit]) -> Iterator[list[RawHit]]:
    chunk: list[RawHit] = []
    for hit in hits:
        chunk.append(hit)
        if len(chunk) == LINES_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _locked_file(name: str) -> tuple[int, Path] | None:
    """A new file that nobody else takes; None where somebody did so between its making and its lock."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{SUFFIX}"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = os.fstat(file).st_nlink > 0
    except BlockingIOError:
        is_ours = False
    except OSError:
        os.close(file)
        raise
    if not is_ours:
        os.close(file)
        return None
    return file, path


def _folder() -> Path:
    return Path(settings.HITS_DIR)
