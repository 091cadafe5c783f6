"""Who opts a number out or in, or decides about its texts, waits for whoever does just that: the later word wins.

SQLite has one writer at a time anyway. PostgreSQL locks what a number falls into, not its row: that may not be there
yet, or be on its way out. A lock of its own for each number would fill the server's table of locks with one file.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b

from django.db import connection

# So many may write STOP at once to one workspace, roughly, before one waits for another's few milliseconds.
BUCKETS = 64


def lock_numbers(workspace_id: int, msisdns: Iterable[str]) -> None:
    """Until the end of the transaction, which must lock all its numbers at once, before any row that is about them.

    What was read before may be out of date afterwards.
    """
    _lock(workspace_id, {zlib.crc32(msisdn.encode()) % BUCKETS for msisdn in msisdns})


def lock_all_numbers(workspace_id: int) -> None:
    """As `lock_numbers`, for thousands."""
    _lock(workspace_id, range(BUCKETS))


def _lock(workspace_id: int, buckets: Iterable[int]) -> None:
    """In one order for everybody, so that no two wait for each other."""
    if connection.vendor != "postgresql":
        return
    keys = [_key(workspace_id, bucket) for bucket in buckets]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(%s::bigint[]) AS key ORDER BY 1) AS sorted",
            [keys],
        )


@cache
def _key(workspace_id: int, bucket: int) -> int:
    """Of all advisory locks of the database, whoever takes them."""
    name = f"crier opt-outs {workspace_id} {bucket}".encode()
    return int.from_bytes(blake2b(name, digest_size=8).digest(), signed=True)
