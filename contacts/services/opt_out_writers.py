"""How numbers of a file get among the opt-outs of a workspace or onto an unsubscribe list, fast.

A chunk goes into a temporary table; from it one INSERT adds what is new. Who is there already stays as is: the first
opt-out is the proof. Everything runs in the caller's transaction.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, ClassVar

from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from contacts.batches import in_batches
from contacts.fields import AT
from contacts.files.parsing import Plan
from contacts.models import OptOut, OptOutReview, ReviewDecision, UnsubscribeMember
from contacts.services.bulk_rows import copy_line, copy_rows, insert_rows, stage_of_postgres, stage_of_sqlite
from contacts.services.import_writers import Outcome
from contacts.services.number_locks import lock_all_numbers
from contacts.services.opt_outs import settle_reviews
from contacts.signals import OptedOut, opted_out

REVIEWS = OptOutReview._meta.db_table


class ProofWriter(ABC):
    """`unsubscribe_list_id`: None for the opt-outs of the workspace. `at`: of rows that tell none."""

    # Rows of one transaction, and seconds to leave the database to others after each.
    chunk_rows: int
    pause_seconds: float
    # The database's own name for the order in which rows came into the stage.
    _stage_order: str
    # As Writer has it; no row of opt-outs holds JSON.
    quote = staticmethod(encode_basestring)

    def __init__(
        self, plan: Plan, *, workspace: Workspace, unsubscribe_list_id: int | None, at: datetime
    ) -> None:
        model = OptOut if unsubscribe_list_id is None else UnsubscribeMember
        self.table = model._meta.db_table
        # Of its own: SQLite keeps it, with its columns, as long as the connection.
        self.stage = f"{self.table}_stage"
        self.workspace = workspace
        self.unsubscribe_list_id = unsubscribe_list_id
        self.owner = "workspace_id" if unsubscribe_list_id is None else "list_id"
        self.owner_id = workspace.pk if unsubscribe_list_id is None else unsubscribe_list_id
        self.columns = [self.owner, "msisdn", *plan.stored]
        self._at_place = plan.stored.index(AT)
        self._at = str(at.astimezone(UTC))

    def proof_of(self, values: list[str]) -> list[str]:
        """Of one row, its moment filled."""
        values[self._at_place] = values[self._at_place] or self._at
        return values

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
    def _fill_stage(self, packed: Any) -> None:
        pass

    def write(self, packed: Any, rows: int, *, straight: bool = False) -> Outcome:
        """`straight` changes nothing: somebody may write STOP while the file is read."""
        if not rows:
            return Outcome()
        self._fill_stage(packed)
        if self.unsubscribe_list_id is None:
            lock_all_numbers(self.workspace.pk)
            self._write_down()
        with connection.cursor() as cursor:
            cursor.execute(self._insert_sql())
            fresh = [msisdn for (msisdn,) in cursor.fetchall()]
        if self.unsubscribe_list_id is None:
            self._tell(fresh)
        return Outcome(new=len(fresh), unchanged=rows - len(fresh))

    def compare(self, packed: Any, rows: int, *, list_exists: bool = True) -> Outcome:
        """What `write` would do. Changes nothing."""
        if not rows or not self._is_anybody_there():
            return Outcome(new=rows)
        self._fill_stage(packed)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {self.stage} AS s WHERE {self._is_there()}",  # noqa: S608  # our own names
                [self.owner_id],
            )
            there = cursor.fetchone()[0]
        return Outcome(new=rows - there, unchanged=there)

    def first_numbers(self, rooms: Mapping[str, int]) -> dict[str, list[str]]:
        """As Writer has it."""
        found: dict[str, list[str]] = {}
        with connection.cursor() as cursor:
            for count, room in rooms.items():
                cursor.execute(
                    f"SELECT s.msisdn FROM {self.stage} AS s"  # noqa: S608  # our own names
                    f" WHERE {'NOT ' if count == 'new' else ''}{self._is_there()}"
                    f" ORDER BY s.{self._stage_order} LIMIT %s",
                    [self.owner_id, room],
                )
                found[count] = [msisdn for (msisdn,) in cursor.fetchall()]
        return found

    def _is_there(self) -> str:
        """SQL of a row of the stage; its parameter is the owner. The offset makes it a look-up for each row, whatever
        the statistics say: as in import_writers.py.
        """
        match = f"t.{self.owner} = %s AND t.msisdn = s.msisdn"
        return f"EXISTS (SELECT 1 FROM {self.table} AS t WHERE {match} LIMIT 1 OFFSET 0)"  # noqa: S608  # our own names

    def _is_anybody_there(self) -> bool:
        if self.unsubscribe_list_id is None:
            return OptOut.objects.filter(workspace=self.workspace).exists()
        return UnsubscribeMember.objects.filter(list_id=self.unsubscribe_list_id).exists()

    def _insert_sql(self) -> str:
        """In the order of the numbers, so that two who add the same ones wait for each other one way only.

        Without a WHERE, SQLite would take ON CONFLICT for the condition of a join.
        """
        names = ", ".join(self.columns)
        return (
            f"INSERT INTO {self.table} ({names}) SELECT {names} FROM {self.stage} WHERE 1 = 1"  # noqa: S608  # our own names
            " ORDER BY msisdn ON CONFLICT DO NOTHING RETURNING msisdn"
        )

    def _write_down(self) -> None:
        """Of those that are opted out already: a START from before this file does not undo it.

        Looked up for each row, as in `_is_there`.
        """
        match = f"t.{self.owner} = %s AND t.msisdn = s.msisdn"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT (SELECT t.id FROM {self.table} AS t WHERE {match} LIMIT 1 OFFSET 0)"  # noqa: S608  # our own names
                f" FROM {self.stage} AS s",
                [self.owner_id],
            )
            known = [pk for (pk,) in cursor.fetchall() if pk is not None]
        for batch in in_batches(known):
            OptOut.objects.filter(pk__in=batch).update(written_at=timezone.now())

    def _tell(self, fresh: list[str]) -> None:
        """What goes with every opt-out, as `opt_out_many` does it; reviews are settled for known numbers too."""
        with connection.cursor() as cursor:
            # As `confirm_opt_outs` does it; of an hour's presses, however many numbers the file has.
            cursor.execute(
                f"UPDATE {self.table} SET undo_until = NULL WHERE {self.owner} = %s AND undo_until > %s"  # noqa: S608  # our own names
                f" AND msisdn IN (SELECT msisdn FROM {self.stage})",
                [self.owner_id, connection.ops.adapt_datetimefield_value(timezone.now())],
            )
            cursor.execute(
                f"SELECT DISTINCT r.msisdn FROM {REVIEWS} AS r JOIN {self.stage} AS s ON s.msisdn = r.msisdn"  # noqa: S608  # our own names
                " WHERE r.workspace_id = %s AND (r.decision = %s OR r.opt_out_id IS NOT NULL)",
                [self.workspace.pk, ReviewDecision.WAITING],
            )
            reviewed = [msisdn for (msisdn,) in cursor.fetchall()]
        for batch in in_batches(reviewed):
            settle_reviews(self.workspace, batch, ReviewDecision.OPTED_OUT)
        if fresh:
            opted_out.send(OptOut, news=OptedOut(self.workspace.pk, tuple(fresh)))


class PostgresProofWriter(ProofWriter):
    chunk_rows = 50_000
    pause_seconds = 0.0
    _stage_order = "ctid"

    def digits_of(self, item: str) -> str:
        return item.partition("\t")[0]

    def emit(self, digits: str, country: str, kind: str, values: list[str]) -> str:
        return copy_line([digits, *self.proof_of(values)])

    def pack(self, items: list[str]) -> bytes:
        """Lines of COPY's text format."""
        return "".join([f"{self.owner_id}\t{item}\n" for item in items]).encode()

    def _fill_stage(self, packed: bytes) -> None:
        stage_of_postgres(self.stage, self.table, self.columns)
        copy_rows(self.stage, self.columns, packed)


class SqliteProofWriter(ProofWriter):
    # As SqliteWriter has them, for its reasons.
    chunk_rows = 5_000
    pause_seconds = 0.03
    _stage_order = "rowid"
    _UTC: ClassVar[str] = "+00:00"

    def digits_of(self, item: tuple[str, ...]) -> str:
        return item[0]

    def emit(self, digits: str, country: str, kind: str, values: list[str]) -> tuple[str, ...]:
        """Times as Django writes them into SQLite, where they are text."""
        values = self.proof_of(values)
        values[self._at_place] = values[self._at_place].removesuffix(self._UTC)
        return digits, *values

    def pack(self, items: list[tuple[str, ...]]) -> list[tuple[Any, ...]]:
        return [(self.owner_id, *item) for item in items]

    def _fill_stage(self, packed: list[tuple[Any, ...]]) -> None:
        stage_of_sqlite(self.stage, self.columns)
        insert_rows(self.stage, self.columns, packed)


def proof_writer_for(
    plan: Plan, *, workspace: Workspace, unsubscribe_list_id: int | None, at: datetime
) -> ProofWriter:
    kind = PostgresProofWriter if connection.vendor == "postgresql" else SqliteProofWriter
    return kind(plan, workspace=workspace, unsubscribe_list_id=unsubscribe_list_id, at=at)
