"""Asking the database so that one that hangs holds no visitor up.

One that refuses says so at once; one that hangs says nothing, and whoever asks it waits as long as the system does. So it
is asked in threads of their own, and the visitor's waits for a second at most. While there is trouble, whoever has an
older answer does not wait at all.
"""

from __future__ import annotations

import time
from asyncio import _get_running_loop
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

import structlog
from django.db import Error as DatabaseError
from django.db import close_old_connections

log = structlog.get_logger("crier.links")

Value = TypeVar("Value")

MOST_SECONDS = 1.0
# After a question that nobody answered in time, nobody asks for so long.
QUIET_SECONDS = 2.0
# Threads that hang come back by themselves: a connection that is gone, or a lock of SQLite, is given up by the settings.
MOST_THREADS = 4


class MustWait(Exception):
    """On the server's loop nobody waits for the database: to be asked again in a thread."""


class LookupFailed(Exception):
    """The database is away, and nobody has asked for this one lately."""


class Ask(Protocol):
    """Raises LookupFailed. `can_wait`: False where an older answer is at hand."""

    def __call__(self, question: Callable[[], Value], *, can_wait: bool) -> Value: ...


def ask_here(question: Callable[[], Value], *, can_wait: bool) -> Value:
    """In the caller's own thread and connection, however long that takes."""
    try:
        return question()
    except DatabaseError as error:
        log.warning("database away", error=type(error).__name__)
        raise LookupFailed from error


class _Question:
    """`answered` is held until there is an answer."""

    __slots__ = ("answered", "ask", "error", "is_given_up", "value")

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.ask = ask
        self.value: Any = None
        self.error: Exception | None = None
        self.is_given_up = False
        self.answered = Lock()
        self.answered.acquire()


class Asker:
    """Of one process; its threads share it."""

    def __init__(self, *, seconds: float = MOST_SECONDS, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._seconds = seconds
        self._quiet_seconds = quiet_seconds
        self._questions: SimpleQueue[_Question] = SimpleQueue()
        self._lock = Lock()
        self._threads = self._idle = 0
        self._is_troubled = False
        self._quiet_until = 0.0

    def __call__(self, question: Callable[[], Value], *, can_wait: bool) -> Value:
        """Raises MustWait too."""
        if _get_running_loop() is not None:
            raise MustWait
        if time.monotonic() < self._quiet_until:
            raise LookupFailed
        asked = _Question(question)
        with self._lock:
            if self._idle <= self._questions.qsize() and self._threads < MOST_THREADS:
                self._threads += 1
                Thread(target=self._answer, name=f"lookup-{self._threads}", daemon=True).start()
        self._questions.put(asked)
        seconds = self._seconds if can_wait or not self._is_troubled else 0.0
        if not asked.answered.acquire(timeout=seconds):
            asked.is_given_up = bool(seconds)
            self._is_troubled = True
            self._quiet_until = time.monotonic() + self._quiet_seconds
            log.warning("database away", error="no answer", seconds=seconds)
            raise LookupFailed
        if asked.error is not None:
            raise LookupFailed from asked.error
        value: Value = asked.value
        return value

    def _answer(self) -> None:
        while True:
            self._idle += 1
            asked = self._questions.get()
            self._idle -= 1
            # Nobody waits for it any more; but one that nobody waited for finds out whether the trouble is over.
            if asked.is_given_up:
                continue
            try:
                # Outside any request of Django's, which would do it: broken ones are given up.
                close_old_connections()
                asked.value = asked.ask()
            except Exception as error:
                log.warning("database away", error=type(error).__name__)
                self._is_troubled = True
                asked.error = error
            else:
                self._is_troubled, self._quiet_until = False, 0.0
            asked.answered.release()
