"""SQLite whose writers look often whether the file is free.

SQLite itself lets a writer that finds the file locked look again after ever longer pauses of up to 0.1 s: beside a busy
send loop or an import each look finds the next transaction at work, and a page's one write waits while its turn comes
and goes (figures: `sqlite_lock_errors.web_write_p99` in benchmarks/). Looking each millisecond, it gets in between.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base

LOOK_SECONDS = 0.001
READS = ("SELECT", "PRAGMA", "EXPLAIN")


class PatientCursor(base.SQLiteCursorWrapper):
    """Inside a transaction the file is ours already, and what only reads waits for nobody (WAL)."""

    wait_seconds = 5.0

    def execute(self, query: str, params: Any = None) -> Any:
        connection = self.connection
        if connection.in_transaction or query.startswith(READS):
            return super().execute(query, params)
        until = time.monotonic() + self.wait_seconds
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    return super().execute(query, params)
                except sqlite3.OperationalError as error:
                    # A statement that found the file locked has done nothing.
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                        raise
                time.sleep(LOOK_SECONDS)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self.wait_seconds * 1000)}")


class DatabaseWrapper(base.DatabaseWrapper):
    def create_cursor(self, name: str | None = None) -> PatientCursor:
        cursor = self.connection.cursor(factory=PatientCursor)
        cursor.wait_seconds = float(self.settings_dict["OPTIONS"].get("timeout", PatientCursor.wait_seconds))
        return cursor
