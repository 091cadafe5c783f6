"""Rows of hits, written by hand: of all that is done for a visit, making models of them and taking these apart again took
longest, in the very process that leads visitors on."""

from __future__ import annotations

import json
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
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_INSERT, [_as_json(rows)])
            return
        as_time = connection.ops.adapt_datetimefield_value
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            values = [value for row in some for value in (*row[:_AT], as_time(row.at), *row[_AT + 1 :])]
            cursor.execute(_INSERT + "VALUES " + ", ".join([_HOLES] * len(some)) + _ONCE, values)


def _as_json(rows: Sequence[HitRow]) -> str:
    """As one value: the driver takes many times as long for one of each column of each row."""
    return json.dumps(
        [dict(zip(HitRow._fields, row, strict=True)) for row in rows], default=datetime.isoformat
    )


_AT = HitRow._fields.index("at")
_NAMES = ", ".join(HitRow._fields)
_HOLES = f"({', '.join(['%s'] * len(HitRow._fields))})"
_INSERT = f"INSERT INTO messaging_hit ({_NAMES}) "
_ONCE = " ON CONFLICT (uid) DO NOTHING"
_POSTGRESQL_INSERT = (
    _INSERT + f"SELECT {_NAMES} FROM json_populate_recordset(NULL::messaging_hit, %s::json)" + _ONCE  # noqa: S608
)
