"""What a database keeps of rows that are gone, beside its tables."""

from __future__ import annotations

import structlog
from django.db import connection, transaction

log = structlog.get_logger("crier.database")

# Longer than any read of ours; a page waits for it.
WAIT_SECONDS = 2.0


def empty_log_after_commit() -> None:
    """SQLite's write-ahead log holds pages as they were: it is written back and cut off once the changes are in."""
    transaction.on_commit(empty_log)


def empty_log() -> bool:
    """Whether nothing is left of it. Somebody who reads just now keeps it: then the hourly task does it.

    PostgreSQL's log is its own: docs/privacy.md.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        (before,) = cursor.fetchone()
        cursor.execute(f"PRAGMA busy_timeout = {round(WAIT_SECONDS * 1000)}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, _frames, _done = cursor.fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {before}")
    if is_busy:
        log.info("write-ahead log is in use and stays for now")
    return not is_busy
