"""Rows of hits, written by hand: of all that is done for a visit, making models of them and taking these apart again took
longest, in the very process that leads visitors on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

# At once: so many rows of a statement, below what SQLite takes as values.
ROWS = 500


class HitRow(NamedTuple):
    """Columns of Hit, in this order. `uid`: 32 hexadecimal digits."""

    uid: str
    workspace_id: int
    message_id: int | None
    dispatch_id: int | None
    entry: int
    link_id: int | None
    at: datetime
    method: str
    agent: str
    network: str
    visitor: str
    is_prefetch: bool
    is_over: bool
    since_sent_seconds: float | None
    hit_class: str
    rule: str
    device: str


def keep_hits(rows: Sequence[HitRow]) -> None:
    """All or none; those that are there already are left as they are."""
    if not rows:
        return
    as_time = connection.ops.adapt_datetimefield_value
    with transaction.atomic(), connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            values = [value for row in some for value in (*row[:_AT], as_time(row.at), *row[_AT + 1 :])]
            cursor.execute(_INSERT + ", ".join([_HOLES] * len(some)) + _ONCE, values)


_AT = HitRow._fields.index("at")
_HOLES = f"({', '.join(['%s'] * len(HitRow._fields))})"
_INSERT = f"INSERT INTO messaging_hit ({', '.join(HitRow._fields)}) VALUES "  # noqa: S608  # names of our own
_ONCE = " ON CONFLICT (uid) DO NOTHING"
