"""Hits between the visitor and the database: a line in a file before the visitor is led on, rows a moment later.

A file belongs to the process that writes it, by a lock which the kernel frees when that dies. What it left behind is
taken by whoever looks next: another process, or the sweep. A line that is applied twice is one hit: it has an id.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import secrets
import threading
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
LINES_AT_ONCE = 5_000
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


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
        self._file: int | None = None
        self._path: Path | None = None
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
    ) -> None:
        """Returns when the system has the line: it outlives this process, not a power cut of the next second."""
        with self._lock:
            self._number += 1
            uid = f"{self._name}{self._number:016x}"
            hit = RawHit(uid, code, at, method[:10], agent[:300], address[:45], is_prefetch, is_over)
            try:
                self._write(_encode(hit).encode() + b"\n")
            except OSError as error:
                log.warning("a hit is kept in memory", error=error.strerror)
                self._in_memory.append(hit)
        if self._thread is None:
            self._start()
        self._wake.set()

    def _write(self, line: bytes) -> None:
        if self._file is None:
            self._file, self._path = _new_file(f"{self._name}-{self._number}")
        if os.write(self._file, line) != len(line):
            raise OSError(0, "written in part")

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
            failures = 0 if self.flush() else failures + 1
            close_old_connections()
            if failures:
                self._wake.set()
            # So that many hits make one transaction; and a database that is away is not asked all the time.
            threading.Event().wait(min(APPLY_SECONDS * 2**failures, MOST_SECONDS))

    def flush(self) -> bool:
        """Applies all that is there; False where it has to be tried again."""
        with self._lock:
            file, path, in_memory = self._file, self._path, list(self._in_memory)
            self._file = self._path = None
        if file is not None and path is not None:
            os.close(file)
            self._waiting.append(path)
        try:
            if in_memory:
                self._apply(in_memory)
                with self._lock:
                    for _hit in in_memory:
                        self._in_memory.popleft()
            while self._waiting:
                _apply_file(self._waiting[0], self._apply)
                self._waiting.pop(0)
        except Exception as error:
            log.warning("hits wait", error=type(error).__name__, files=len(self._waiting))
            return False
        return True


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
    """Whole lines; what a process was cut off in was answered to nobody."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                with suppress(ValueError, TypeError):
                    yield RawHit(*json.loads(line))


def _in_chunks(hits: Iterable[RawHit]) -> Iterator[list[RawHit]]:
    chunk: list[RawHit] = []
    for hit in hits:
        chunk.append(hit)
        if len(chunk) == LINES_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _new_file(name: str) -> tuple[int, Path]:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}{SUFFIX}"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file, path


def _folder() -> Path:
    return Path(settings.HITS_DIR)
