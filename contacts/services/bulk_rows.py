"""Many rows into a table at once, by hand: made by the ORM, a million of them would take minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_BLOCK = 1 << 18


def copy_line(values: list[str]) -> str:
    """Values as COPY's text format wants them, without the end of the line."""
    line = "\t".join(values)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(values):
        line = "\t".join([value.translate(_ESCAPES) for value in values])
    return line


def copy_rows(table: str, columns: Sequence[str], packed: bytes) -> None:
    """PostgreSQL. `packed`: lines of COPY's text format."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    # Django does not wrap the errors of COPY by itself.
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for start in range(0, len(packed), _BLOCK):
            copy.write(packed[start : start + _BLOCK])


def insert_rows(table: str, columns: Sequence[str], packed: Sequence[Sequence[Any]]) -> None:
    """SQLite."""
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608  # our own names
            packed,
        )


def stage_of_postgres(stage: str, table: str, columns: Sequence[str]) -> None:
    """A temporary table like these columns, empty, gone with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {stage}")
        cursor.execute(
            f"CREATE TEMPORARY TABLE {stage} ON COMMIT DROP AS"  # noqa: S608  # our own names only
            f" SELECT {', '.join(columns)} FROM {table} WITH NO DATA"
        )


def stage_of_sqlite(stage: str, columns: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ({', '.join(columns)})")
        cursor.execute(f"DELETE FROM {stage}")  # noqa: S608  # our own name
