"""While the database hangs, whoever asks it holds a thread of the web server: the last one is kept for short links.

Pages, the API and health checks ask the database in their own threads, and one that takes the connection and says nothing
is waited for. So who would take the last thread is let in only where the database answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from django.db import connection

from messaging.links.asking import Ask, LookupFailed

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SENTENCE = "The database does not answer just now. Nothing was changed; try again in a moment."


class LastThread:
    """A WSGI application around another. `threads`: of this process; with one there is none to keep."""

    def __init__(self, application: Application, *, threads: int, ask: Ask) -> None:
        self._application = application
        self._threads = threads
        self._ask = ask
        self._lock = Lock()
        self._inside = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._lock:
            self._inside += 1
            is_last = 1 < self._threads <= self._inside
        try:
            if is_last and not self._database_answers():
                return _away(start_response)
            return self._application(environ, start_response)
        finally:
            with self._lock:
                self._inside -= 1

    def _database_answers(self) -> bool:
        try:
            self._ask(_ask_for_nothing, can_wait=True)
        except LookupFailed:
            return False
        return True


def _ask_for_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _away(start_response: Callable[..., Any]) -> Iterable[bytes]:
    problem = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": SENTENCE,
        "code": "database_away",
    }
    body = json.dumps(problem).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Retry-After", "3"),
        ("Cache-Control", "no-store"),
    ]
    start_response("503 Service Unavailable", headers)
    return [body]
