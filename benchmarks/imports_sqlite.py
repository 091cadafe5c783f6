"""The import of people on SQLite, beside executemany of the clean rows in one transaction.

The service leaves the file to others after every few thousand rows, and waits: that is part of its rate.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.import_rows import Bench, Pair, figures_row, row
from benchmarks.results import Plan, Result, from_dict

# A run takes four minutes.
RUNS_MOST = 2


def run(plan: Plan) -> Iterator[Result]:
    runs, rows = min(plan.runs, RUNS_MOST), plan.size(1_000_000, 4000)
    new: list[Pair] = []
    existing: list[Pair] = []
    memory: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = SqliteBench(Path(folder), rows)
        for _ in range(runs):
            reference = bench.copy_alone()
            rate, target = bench.import_new()
            new.append((rate, reference))
            existing.append((bench.import_again(target, "people.csv"), reference))
            memory.append(bench.megabytes("run", None))
    measured = [
        row("import_sqlite_vs_insert.new", new),
        row("import_sqlite_vs_insert.existing", existing),
        figures_row("import_memory.sqlite", "MB", memory),
    ]
    for one in measured:
        if plan.wants(one["name"]):
            yield from_dict(one)


class SqliteBench(Bench):
    def copy_alone(self) -> float:
        from django.db import connection, transaction

        list_id = self._empty_list().pk
        rows = [(list_id, *values[1:]) for values in self._rows]

        def insert() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.executemany(self._insert, rows)

        rate = self._rate(insert)
        self._require(list_id)
        return rate

    def _take_clean_rows(self) -> None:
        writer, items = self._clean_items()
        self._rows = writer.pack(items)
        marks = ", ".join(["%s"] * len(writer.columns))
        self._insert = f"INSERT INTO contacts_recipient ({', '.join(writer.columns)}) VALUES ({marks})"

    def _settle(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _forget_people(self) -> None:
        from contacts.models import Recipient

        Recipient.objects.all().delete()
