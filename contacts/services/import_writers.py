"""How clean rows get into a list, fast: one way for PostgreSQL, one for SQLite.

A chunk goes straight into the table as long as the list holds nothing but what this import put there;
otherwise into a temporary table first: from it one UPDATE changes what differs, one INSERT adds what is new.
Everything runs in the caller's transaction, with the list locked.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from django.db import connection
from django.utils import timezone

from contacts.fields import PERSON_FIELDS
from contacts.files.parsing import Plan
from contacts.models import ExistingNumbers, ImportBefore, OptOut, Recipient
from contacts.services.bulk_rows import copy_line, copy_rows, insert_rows, stage_of_postgres, stage_of_sqlite

TABLE = Recipient._meta.db_table
BEFORE = ImportBefore._meta.db_table
OPT_OUTS = OptOut._meta.db_table
STAGE = "contacts_import_stage"
# Every column of the table but its id, in the order in which rows are packed: what a file fills comes first.
ALL_FIELDS = [
    str(field.column)
    for field in Recipient._meta.concrete_fields
    if field.column not in {"id", "list_id", "msisdn", "country", "kind"}
]
TIMES = ("created_at", "updated_at")
OWN_LIST = "r.list_id = %s"


@dataclass(slots=True)
class Outcome:
    """What became of the rows of a chunk, or would: new + updated + unchanged + skipped = rows."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    opted_out: int = 0


class Writer(ABC):
    # Rows of one transaction, and seconds to leave the database to others after each.
    chunk_rows: int
    pause_seconds: float
    # A value of a further column as JSON.
    quote: Callable[[str], str]
    _false: str
    # The stage's own column by which its rows stand as they were filled in.
    _stage_order: str

    def __init__(
        self, plan: Plan, *, list_id: int, workspace_id: int, existing: str, import_id: int | None = None
    ) -> None:
        self.plan = plan
        self.list_id = list_id
        self.workspace_id = workspace_id
        self.existing = existing
        self.import_id = import_id
        stored = plan.stored
        left = [name for name in ALL_FIELDS if name not in stored and name not in TIMES]
        self.columns = ["list_id", "msisdn", "country", "kind", *stored, *left, *TIMES]
        fixed = {"extra": "{}", "import_id": self._constant(import_id)}
        self.constants = [fixed.get(name, "") for name in left]

    @abstractmethod
    def _constant(self, value: int | None) -> Any:
        """A number, or none, as the database takes it in a packed row."""

    @abstractmethod
    def emit(self, digits: str, country: str, kind: str, values: list[str]) -> Any:
        """One row as `pack` takes it. Runs in the reading thread, once a row."""

    @abstractmethod
    def digits_of(self, item: Any) -> str:
        """The number of a row that `emit` made."""

    @abstractmethod
    def pack(self, items: list[Any]) -> Any:
        """A chunk as the database takes it. Runs in the reading thread."""

    @abstractmethod
    def _insert(self, table: str, packed: Any) -> None:
        pass

    @abstractmethod
    def _create_stage(self) -> None:
        """The temporary table, empty."""

    @abstractmethod
    def _looked_up(self, table: str, owner: str, left: str = f"{STAGE} AS s", *, outer: bool = False) -> str:
        """SQL: the rows of `left`, whose alias ends it, each with its number's row of `table`, which is `r`.

        `outer`: also those whose number has none. In this order, whatever the statistics say: they know nothing of a
        list that is just being filled, and a plan for a list of one person takes hours for a million.
        """

    @abstractmethod
    def _for_each(self, left: str) -> str:
        """SQL of an UPDATE: FROM and WHERE, so that `r` is the row of the list, the parameter, that `left` looks up."""

    @abstractmethod
    def _as_json(self, names: Sequence[str], **more: str) -> str:
        """SQL: an object of these columns of `r`, and of `more` by its names."""

    @abstractmethod
    def _from_json(self, name: str) -> str:
        """SQL: the value of a column from `b.was`."""

    @abstractmethod
    def _merged_extra(self) -> tuple[str, str]:
        """SQL: the further columns after merging, and whether they differ from those that are there."""

    def write(self, packed: Any, rows: int, *, straight: bool) -> Outcome:
        """`straight`: the list holds nothing but rows of this import. IntegrityError shows that it is not so."""
        if not rows:
            return Outcome()
        if straight:
            self._insert(TABLE, packed)
            return Outcome(new=rows)
        self._fill_stage(packed)
        with connection.cursor() as cursor:
            updated = 0
            if self.existing != ExistingNumbers.SKIP and self.plan.stored:
                cursor.execute(self._keep_sql(), [self.import_id, self.list_id])
                if cursor.rowcount:
                    cursor.execute(self._update_sql(), [self.list_id])
                    updated = cursor.rowcount
            cursor.execute(self._insert_sql(), [self.list_id])
            new = cursor.rowcount
        return self._outcome(rows, rows - new, updated)

    def compare(self, packed: Any, rows: int, *, list_exists: bool) -> Outcome:
        """What `write` would do, and how many of the numbers will not be texted. Changes nothing."""
        if not rows or not (list_exists or self._has_opt_outs()):
            return Outcome(new=rows)
        self._fill_stage(packed)
        with connection.cursor() as cursor:
            there = differ = 0
            if list_exists:
                cursor.execute(self._compare_sql(), [self.list_id])
                there, differ = cursor.fetchone()
            outcome = self._outcome(rows, there, differ if self.existing != ExistingNumbers.SKIP else 0)
            cursor.execute(
                f"SELECT count(*) FROM {self._looked_up(OPT_OUTS, 'r.workspace_id = %s')}",  # noqa: S608  # our own names
                [self.workspace_id],
            )
            outcome.opted_out = cursor.fetchone()[0]
        return outcome

    def first_numbers(self, rooms: Mapping[str, int]) -> dict[str, list[str]]:
        """Of the chunk just compared the first numbers that Outcome's counts tell of, at most so many of each count."""
        rooms = dict(rooms)
        opted_out = rooms.pop("opted_out", 0)
        found: dict[str, list[str]] = {}
        with connection.cursor() as cursor:
            if rooms:
                cursor.execute(self._first_sql(list(rooms)), [self.list_id, *rooms.values()])
                for count, msisdn in cursor.fetchall():
                    found.setdefault(count, []).append(msisdn)
            if opted_out:
                cursor.execute(
                    f"SELECT s.msisdn FROM {self._looked_up(OPT_OUTS, 'r.workspace_id = %s')}"  # noqa: S608  # our own names
                    f" ORDER BY s.{self._stage_order} LIMIT %s",
                    [self.workspace_id, opted_out],
                )
                found["opted_out"] = [msisdn for (msisdn,) in cursor.fetchall()]
        return found

    def _first_sql(self, counts: Sequence[str]) -> str:
        """One join for all counts. Parameters: list, and a limit for each."""
        where = {
            "new": "is_new",
            "skipped": "NOT is_new",
            "updated": "NOT is_new AND differs",
            "unchanged": "NOT is_new AND NOT differs",
        }
        chosen = (
            f"SELECT * FROM (SELECT '{count}' AS count, msisdn FROM compared WHERE {where[count]}"  # noqa: S608  # our own names
            f" ORDER BY at LIMIT %s) AS of_{count}"
            for count in counts
        )
        return (
            f"WITH compared AS (SELECT s.msisdn, s.{self._stage_order} AS at, r.id IS NULL AS is_new,"  # noqa: S608  # our own names
            f" ({self._differs()}) AS differs FROM {self._looked_up(TABLE, OWN_LIST, outer=True)})"
            f" {' UNION ALL '.join(chosen)}"
        )

    def _has_opt_outs(self) -> bool:
        return OptOut.objects.filter(workspace_id=self.workspace_id).exists()

    def _outcome(self, rows: int, there: int, updated: int) -> Outcome:
        if self.existing == ExistingNumbers.SKIP:
            return Outcome(new=rows - there, skipped=there)
        return Outcome(new=rows - there, updated=updated, unchanged=there - updated)

    def _fill_stage(self, packed: Any) -> None:
        self._create_stage()
        self._insert(STAGE, packed)

    # --- SQL; every name in it is one of our own columns ---

    def _update_sql(self) -> str:
        assignments = ", ".join(f"{name} = {value}" for name, value, _differs in self._merges())
        return (
            f"UPDATE {TABLE} AS r SET {assignments}, updated_at = s.updated_at"  # noqa: S608  # our own names
            f" {self._for_each(f'{STAGE} AS s')} AND ({self._differs()})"
        )

    def _keep_sql(self) -> str:
        """Those that will change, as they are: what undoing puts back. A number comes once in an import.

        `written_at` is what `updated_at` becomes: whoever is edited later has another one.
        """
        was = self._as_json([*self.plan.stored, "updated_at"], written_at="s.updated_at")
        return (
            f"INSERT INTO {BEFORE} (imported_id, msisdn, removed, was)"  # noqa: S608  # our own names
            f" SELECT %s, r.msisdn, {self._false}, {was}"
            f" FROM {self._looked_up(TABLE, OWN_LIST)} WHERE ({self._differs()})"
        )

    def put_back_sql(self, *, all_columns: bool = False) -> str:
        """The changed rows as they were; parameters: list, import, last number, when the import ended.

        `all_columns`: also those that only another import changed, which has left them to this one.

        Not those that were edited since the import wrote them; of older imports that is not kept, and their end counts.
        An empty `was` is of somebody whom the import added.
        """
        changed = (*PERSON_FIELDS, "extra") if all_columns else self.plan.stored
        names = [*changed, "updated_at"]
        assignments = ", ".join(f"{name} = coalesce({self._from_json(name)}, r.{name})" for name in names)
        return (
            f"UPDATE {TABLE} AS r SET {assignments} {self._for_each(f'{BEFORE} AS b')}"  # noqa: S608  # our own names
            f" AND b.imported_id = %s AND b.removed = {self._false} AND b.msisdn <= %s AND b.was <> '{{}}'"
            f" AND coalesce(r.updated_at = {self._from_json('written_at')}, r.updated_at <= %s)"
        )

    def _insert_sql(self) -> str:
        names = ", ".join(self.columns)
        return (
            f"INSERT INTO {TABLE} ({names}) SELECT {names} FROM {STAGE} AS s WHERE NOT EXISTS"  # noqa: S608  # our own names
            # The offset makes it a look-up for each row; see _looked_up.
            f" (SELECT 1 FROM {TABLE} AS r WHERE r.list_id = %s AND r.msisdn = s.msisdn LIMIT 1 OFFSET 0)"
            " ON CONFLICT DO NOTHING"
        )

    def _compare_sql(self) -> str:
        return (
            f"SELECT count(*), count(*) FILTER (WHERE {self._differs()})"  # noqa: S608  # our own names
            f" FROM {self._looked_up(TABLE, OWN_LIST)}"
        )

    def _differs(self) -> str:
        return " OR ".join(differs for _name, _value, differs in self._merges()) or "1 = 0"

    def _merges(self) -> Iterator[tuple[str, str, str]]:
        """(column, its value after merging, whether that differs); an empty cell never erases."""
        for name in self.plan.fields:
            if self.existing == ExistingNumbers.FILL:
                value = f"CASE WHEN r.{name} = '' THEN s.{name} ELSE r.{name} END"
                yield name, value, f"(r.{name} = '' AND s.{name} <> '')"
            else:
                value = f"CASE WHEN s.{name} <> '' THEN s.{name} ELSE r.{name} END"
                yield name, value, f"(s.{name} <> '' AND s.{name} <> r.{name})"
        if self.plan.extras:
            yield "extra", *self._merged_extra()


class PostgresWriter(Writer):
    chunk_rows = 50_000
    pause_seconds = 0.0
    quote = staticmethod(encode_basestring)
    _false = "false"
    _stage_order = "ctid"

    def _constant(self, value: int | None) -> str:
        return "\\N" if value is None else str(value)

    def emit(self, digits: str, country: str, kind: str, values: list[str]) -> str:
        return f"{digits}\t{country}\t{kind}\t{copy_line(values)}"

    def digits_of(self, item: str) -> str:
        return item.partition("\t")[0]

    def pack(self, items: list[str]) -> bytes:
        """Lines of COPY's text format."""
        if not items:
            return b""
        now = timezone.now().isoformat()
        tail = "\t".join([*self.constants, now, now])
        if not self.plan.stored:
            tail = tail.removeprefix("\t")
        between = f"\t{tail}\n{self.list_id}\t"
        # Encoded before it is copied: with one emoji in a chunk each of its letters takes four bytes.
        lines = between.join(items).encode()
        return b"".join((f"{self.list_id}\t".encode(), lines, f"\t{tail}\n".encode()))

    def _insert(self, table: str, packed: bytes) -> None:
        copy_rows(table, self.columns, packed)

    def _create_stage(self) -> None:
        stage_of_postgres(STAGE, TABLE, self.columns)

    def _looked_up(self, table: str, owner: str, left: str = f"{STAGE} AS s", *, outer: bool = False) -> str:
        """OFFSET 0 keeps the planner from turning the look-ups into another kind of join."""
        match = f"{owner} AND r.msisdn = {left[-1]}.msisdn"
        rows = f"LATERAL (SELECT * FROM {table} AS r WHERE {match} OFFSET 0) AS r"  # noqa: S608  # our own names
        return f"{left} LEFT JOIN {rows} ON true" if outer else f"{left} CROSS JOIN {rows}"

    def _for_each(self, left: str) -> str:
        alias, looked_up = left[-1], self._looked_up(TABLE, OWN_LIST, left)
        rows = f"SELECT {alias}.*, r.id AS there FROM {looked_up}"  # noqa: S608  # our own names
        return f"FROM ({rows}) AS {alias} WHERE r.id = {alias}.there"

    def _as_json(self, names: Sequence[str], **more: str) -> str:
        values = {name: f"r.{name}" for name in names} | more
        return "jsonb_build_object(" + ", ".join(f"'{name}', {value}" for name, value in values.items()) + ")"

    def _from_json(self, name: str) -> str:
        if name == "extra":
            return "b.was -> 'extra'"
        return f"(b.was ->> '{name}')" + ("::timestamptz" if name in ("updated_at", "written_at") else "")

    def _merged_extra(self) -> tuple[str, str]:
        if self.existing == ExistingNumbers.FILL:
            return "s.extra || r.extra", "s.extra || r.extra <> r.extra"
        return "r.extra || s.extra", "r.extra || s.extra <> r.extra"


class SqliteWriter(Writer):
    # Measured: without the pause others wait for the lock for seconds, as SQLite's waiting is unfair.
    chunk_rows = 5_000
    pause_seconds = 0.03
    # As Django writes JSON into SQLite, where it is text: what is equal must look equal.
    quote = staticmethod(encode_basestring_ascii)
    _false = "0"
    _stage_order = "rowid"

    def _constant(self, value: int | None) -> int | None:
        return value

    def emit(self, digits: str, country: str, kind: str, values: list[str]) -> tuple[str, ...]:
        return (digits, country, kind, *values)

    def digits_of(self, item: tuple[str, ...]) -> str:
        return item[0]

    def pack(self, items: list[tuple[str, ...]]) -> list[Sequence[Any]]:
        now = timezone.now().strftime("%Y-%m-%d %H:%M:%S.%f")
        tail = (*self.constants, now, now)
        return [(self.list_id, *item, *tail) for item in items]

    def _insert(self, table: str, packed: list[Sequence[Any]]) -> None:
        insert_rows(table, self.columns, packed)

    def _create_stage(self) -> None:
        stage_of_sqlite(STAGE, self.columns)

    def _looked_up(self, table: str, owner: str, left: str = f"{STAGE} AS s", *, outer: bool = False) -> str:
        """SQLite keeps to the order of a CROSS JOIN."""
        kind = "LEFT" if outer else "CROSS"
        return f"{left} {kind} JOIN {table} AS r ON {owner} AND r.msisdn = {left[-1]}.msisdn"

    def _for_each(self, left: str) -> str:
        """Measured: with the row to be changed joined a second time it went through the whole table for each."""
        return f"FROM {left} WHERE {OWN_LIST} AND r.msisdn = {left[-1]}.msisdn"

    def _as_json(self, names: Sequence[str], **more: str) -> str:
        values = {name: "json(r.extra)" if name == "extra" else f"r.{name}" for name in names} | more
        return "json_object(" + ", ".join(f"'{name}', {value}" for name, value in values.items()) + ")"

    def _from_json(self, name: str) -> str:
        return f"json_extract(b.was, '$.{name}')"

    def _merged_extra(self) -> tuple[str, str]:
        """json_patch keeps the order of its first object, so that equal ones compare equal as text."""
        more = "json_patch(s.extra, r.extra)" if self.existing == ExistingNumbers.FILL else "s.extra"
        merged = f"json_patch(r.extra, {more})"
        return merged, f"{merged} <> json(r.extra)"


def writer_for(
    plan: Plan, *, list_id: int, workspace_id: int, existing: str, import_id: int | None = None
) -> Writer:
    kind = PostgresWriter if connection.vendor == "postgresql" else SqliteWriter
    return kind(plan, list_id=list_id, workspace_id=workspace_id, existing=existing, import_id=import_id)
