"""Import of people: rows/s of the real service beside COPY alone of the same clean rows, and django-import-export.

    python -m benchmarks.import_rows --rows 200000 [--runs 5] [--more]

Needs a PostgreSQL server, by default postgres://postgres@127.0.0.1:5432/postgres, else CRIER_BENCH_POSTGRES; its
user must be allowed to create databases. Makes the database `crier_bench` and drops it at the end.

One after the other in each run, on the same table with its indexes and its foreign key:

- copy: the clean rows as ready-made text through one COPY, in one transaction (the reference);
- new: the service's run of the uploaded file into a new list: read, map, check numbers, find repeats, write,
  count, keep progress after each chunk;
- existing: the same file again into the list that has all its rows, so nothing changes;
- check: the same file checked for that list, with its reject file;
- with --more, changed: a file that has another value in every row, into the same list.

Rates are rows of the file per second; a ratio is the service's rate over the reference's of the same run. Memory is the
most that a process of its own held which did nothing but the import, Django included.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from cryptography.fernet import Fernet

from sms.examples import example_msisdns

if TYPE_CHECKING:
    from contacts.models import Import, RecipientList
    from contacts.services.import_writers import Writer

DATABASE = "crier_bench"
DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
PEER_ROWS = 20_000
# The peer's own way takes a minute each time.
PEER_RUNS = 2
GOALS = {
    "import_new_vs_copy": 0.90,
    "import_existing_vs_copy": 0.55,
    "import_changed_vs_copy": 0.30,
    "import_vs_import_export.default": 120,
    "import_vs_import_export.bulk": 30,
    "import_check_vs_copy": 0.55,
    "import_memory.run": 300,
    "import_memory.check": 300,
    "import_sqlite_vs_insert.new": 0.3,
    "import_sqlite_vs_insert.existing": 0.3,
    "import_memory.sqlite": 300,
}
HEADER = ["phone", "first_name", "last_name", "email", "url", "custom"]
FIRST = (
    "Ann",
    "Bob",
    "Carla",
    "Dmitri",
    "Elena",
    "Grace",
    "Hugo",
    "João",
    "Kai",
    "Lucía",
    "Nora",
    "Søren",
    "Tara",
)
LAST = ("Smith", "Müller", "Rossi", "García", "Nguyen", "Okafor", "Silva", "Dubois", "Tanaka", "Larsen")
BAD = ("n/a", "12345", "+1000", "555-CALL", "")
BAD_SHARE, REPEATED_SHARE, ODDLY_WRITTEN_SHARE = 0.03, 0.02, 0.10

Pair = tuple[float, float]


def run(runs: int, rows: int, *, more: bool = False) -> list[dict[str, Any]]:
    """Django is set up on the benchmark's database."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), rows)
        new: list[Pair] = []
        existing: list[Pair] = []
        checked: list[Pair] = []
        changed: list[Pair] = []
        memory = Memory()
        for number in range(runs):
            reference = bench.copy_alone()
            rate, target = bench.import_new()
            new.append((rate, reference))
            existing.append((bench.import_again(target, "people.csv"), reference))
            checked.append((bench.check(target, "people.csv"), reference))
            memory.add(bench, target)
            if more:
                changed.append((bench.import_again(target, "changed.csv"), reference))
            print(
                f"run {number + 1} of {runs}: {reference:,.0f} copied rows/s, {rate:,.0f} new",
                file=sys.stderr,
            )
        results = [row("import_new_vs_copy", new), row("import_existing_vs_copy", existing)]
        results += [row("import_check_vs_copy", checked), *memory.rows()]
        if changed:
            results.append(row("import_changed_vs_copy", changed))
        return results + compare_with_import_export(Path(folder), min(rows, PEER_ROWS), runs)


def compare_with_import_export(folder: Path, rows: int, runs: int) -> list[dict[str, Any]]:
    small = Bench(folder / "peer", rows)
    default, bulk = [], []
    for number in range(runs):
        ours, _target = small.import_new()
        bulk.append((ours, small.import_export(bulk=True)))
        if number < PEER_RUNS:
            default.append((ours, small.import_export(bulk=False)))
    return [row("import_vs_import_export.default", default), row("import_vs_import_export.bulk", bulk)]


def row(name: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    """`pairs`: (measured, reference) in rows/s of each run."""
    ratios = [measured / reference for measured, reference in pairs]
    return {
        "name": name,
        "value": round(statistics.median(measured for measured, _ in pairs)),
        "unit": "rows/s",
        "reference": round(statistics.median(reference for _, reference in pairs)),
        "ratio": round(statistics.median(ratios), 3),
        "goal": GOALS[name],
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "runs": len(pairs),
    }


def figures_row(name: str, unit: str, figures: Sequence[float]) -> dict[str, Any]:
    """A figure that is judged by itself."""
    median, runs = round(statistics.median(figures)), len(figures)
    low, high = round(min(figures)), round(max(figures))
    goal = GOALS[name]
    return {
        "name": name,
        "value": median,
        "unit": unit,
        "reference": None,
        "ratio": median,
        "goal": goal,
        "min": low,
        "max": high,
        "runs": runs,
    }


class Memory:
    """Megabytes at most, of a check and of a run, each in a process of its own."""

    def __init__(self, name: str = "import_memory") -> None:
        self._name = name
        self._check: list[float] = []
        self._run: list[float] = []

    def add(self, bench: Bench, target: RecipientList) -> None:
        self._check.append(bench.megabytes("check", target))
        self._run.append(bench.megabytes("run", None))

    def rows(self) -> list[dict[str, Any]]:
        return [
            figures_row(f"{self._name}.run", "MB", self._run),
            figures_row(f"{self._name}.check", "MB", self._check),
        ]


class Bench:
    """A file of `rows`, its clean rows as COPY takes them, and the ways to get them into the table."""

    def __init__(self, folder: Path, rows: int) -> None:
        from accounts.models import Workspace  # Django is set up by whoever calls

        folder.mkdir(exist_ok=True)
        self.folder, self.rows = folder, rows
        self.workspace = Workspace.objects.get_or_create(name="Benchmark")[0]
        write_file(folder / "people.csv", rows, "vip")
        write_file(folder / "changed.csv", rows, "gold")
        self._take_clean_rows()

    def copy_alone(self) -> float:
        from django.db import connection, transaction

        list_id = self._empty_list().pk
        text = self._clean.replace(b"\x01", str(list_id).encode())

        def copy() -> None:
            with transaction.atomic(), connection.cursor() as cursor, cursor.copy(self._statement) as pipe:
                for start in range(0, len(text), 1 << 18):
                    pipe.write(text[start : start + (1 << 18)])

        rate = self._rate(copy)
        self._require(list_id)
        return rate

    def import_new(self) -> tuple[float, RecipientList]:
        target = self._empty_list()
        imported = self._uploaded(target, "people.csv")
        rate = self._run(imported)
        self._require(target.pk)
        return rate, target

    def import_again(self, target: RecipientList, file: str) -> float:
        rate = self._run(self._uploaded(target, file))
        self._require(target.pk)
        return rate

    def check(self, target: RecipientList, file: str) -> float:
        from contacts.services.import_runner import check_import

        imported = self._being_checked(target, file)
        rate = self._rate(lambda: check_import(imported.pk))
        self._require_checked(imported)
        return rate

    def megabytes(self, work: str, target: RecipientList | None) -> float:
        """Of the most memory that a process held which did it. `target` None: into a new list."""
        members = target or self._empty_list()
        upload, require = (
            (self._being_checked, self._require_checked)
            if work == "check"
            else (self._uploaded, self._require_run)
        )
        imported = upload(members, "people.csv")
        command = [sys.executable, "-m", "benchmarks.import_memory", work, str(imported.pk)]
        peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        require(imported)
        return peak

    def import_export(self, *, bulk: bool) -> float:
        """django-import-export as its manual begins; numbers are checked as ours are."""
        from tablib import Dataset

        list_id = self._empty_list().pk
        with (self.folder / "people.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        data = Dataset(
            *([str(list_id), "", *cells] for cells in rows),
            headers=["list", "country", "msisdn", *HEADER[1:]],
        )
        resource = _peer_resource(bulk=bulk)
        rate = self._rate(lambda: resource.import_data(data, raise_errors=True))
        self._require(list_id)
        return rate

    def _run(self, imported: Import) -> float:
        from contacts.services.import_runner import run_import

        rate = self._rate(lambda: run_import(imported.pk))
        self._require_run(imported)
        return rate

    def _require_run(self, imported: Import) -> None:
        from contacts.models import ImportState

        imported.refresh_from_db()
        if imported.state != ImportState.FINISHED or imported.done_rows != self.rows:
            raise AssertionError(f"The import ended as {imported.state}: {imported.state_reason}")

    def _require_checked(self, imported: Import) -> None:
        from contacts.models import ImportState

        imported.refresh_from_db()
        if imported.state != ImportState.CHECKED or imported.total_rows != self.rows:
            raise AssertionError(f"The check ended as {imported.state}: {imported.state_reason}")

    def _uploaded(self, target: RecipientList, name: str) -> Import:
        """Mapped and checked, ready to run."""
        from accounts.access import Actor
        from contacts.models import Import, ImportState
        from contacts.services import imports

        imported = self._upload(target, name)
        # The check is not measured here, so it is left out.
        Import.objects.filter(pk=imported.pk).update(state=ImportState.CHECKED)
        imported.refresh_from_db()
        return imports.start_run(imported=imported, actor=Actor())

    def _being_checked(self, target: RecipientList, name: str) -> Import:
        """As `start_check` leaves one that is for a worker."""
        from contacts.models import Import, ImportState

        imported = self._upload(target, name)
        Import.objects.filter(pk=imported.pk).update(state=ImportState.CHECKING)
        return imported

    def _upload(self, target: RecipientList, name: str) -> Import:
        from django.core.files import File

        from accounts.access import Actor
        from contacts.services import imports

        with (self.folder / name).open("rb") as file:
            return imports.upload_import(
                workspace=self.workspace, actor=Actor(), upload=File(file), name=name, recipient_list=target
            )

    def _rate(self, work: Callable[[], object]) -> float:
        self._settle()
        began = time.perf_counter()
        work()
        return self.rows / (time.perf_counter() - began)

    def _settle(self) -> None:
        """Nobody pays for the writes of the one before."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def _empty_list(self) -> RecipientList:
        from contacts.models import RecipientList

        self._forget_people()
        return RecipientList.objects.create(workspace=self.workspace, name=secrets.token_hex(8))

    def _forget_people(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE contacts_recipient RESTART IDENTITY")

    def _require(self, list_id: int) -> None:
        """What is fast because it loses rows is not fast."""
        from contacts.models import Recipient

        there = Recipient.objects.filter(list_id=list_id).count()
        if there != self._count:
            raise AssertionError(f"{there:,} people are on the list; the file holds {self._count:,}.")

    def _take_clean_rows(self) -> None:
        """The COPY statement, and its text with \x01 for the list's id."""
        writer, items = self._clean_items()
        lines = writer.pack(items).splitlines(keepends=True)
        self._clean = b"".join(b"\x01" + line.removeprefix(b"0") for line in lines)
        self._statement = f"COPY contacts_recipient ({', '.join(writer.columns)}) FROM STDIN"

    def _clean_items(self) -> tuple[Writer, list[Any]]:
        """The rows that the import would write, for list 0, as `pack` takes them."""
        from contacts.files.formats import Format
        from contacts.files.parsing import Parser, Plan
        from contacts.files.reading import open_records
        from contacts.services.import_writers import writer_for

        plan = Plan(("msisdn", *HEADER[1:]), "US")
        writer = writer_for(plan, list_id=0, workspace_id=0, existing="update")
        with open_records(self.folder / "people.csv", Format()) as records:
            items = Parser(plan, writer.emit, writer.quote).take(records, self.rows).items
        self._count = len(items)
        return writer, items


def _peer_resource(*, bulk: bool) -> Any:
    from import_export import resources

    from contacts.models import Recipient
    from sms.msisdn import MsisdnError, parse_msisdn

    class People(resources.ModelResource):
        class Meta:
            model = Recipient
            fields = ("list", "msisdn", "country", *HEADER[1:])
            import_id_fields = ("list", "msisdn")
            use_bulk = bulk
            batch_size = 1000
            skip_diff = bulk
            force_init_instance = bulk
            skip_unchanged = False

        seen: set[str]

        def before_import(self, dataset: Any, **kwargs: Any) -> None:
            self.seen = set()

        def before_import_row(self, row: Any, **kwargs: Any) -> None:
            try:
                found = parse_msisdn(row["msisdn"], "US")
            except MsisdnError:
                row["msisdn"] = ""
                return
            row.update(msisdn=found.digits, country=found.country)

        def skip_row(
            self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None
        ) -> bool:
            is_repeated = row["msisdn"] in self.seen
            self.seen.add(row["msisdn"])
            return not row["msisdn"] or is_repeated

    return People()


def write_file(path: Path, rows: int, level: str) -> None:
    """Example numbers in mixed order and writing; some rows are wrong, some repeat the one before."""
    dice = random.Random(7)
    numbers = list(example_msisdns(rows))
    dice.shuffle(numbers)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(_people(numbers, level, dice))


def _people(numbers: list[str], level: str, dice: random.Random) -> Iterator[list[str]]:
    before = numbers[0]
    for at, number in enumerate(numbers):
        if dice.random() < REPEATED_SHARE:
            number = before
        before = number
        first, last = dice.choice(FIRST), dice.choice(LAST)
        yield [
            _written(number, dice),
            first,
            last,
            f"{first}.{last}{at}@example.com".lower(),
            f"https://example.com/u/{at}",
            level if at % 9 == 0 else f"{level}-std",
        ]


def _written(number: str, dice: random.Random) -> str:
    kind = dice.random()
    if kind < BAD_SHARE:
        return dice.choice(BAD)
    if kind < BAD_SHARE + ODDLY_WRITTEN_SHARE:
        return f"({number[1:4]}) {number[4:7]}-{number[7:]}"
    return f"+{number}"


# --- a database and settings of its own ---


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--more", action="store_true", help="also a file that changes every row")
    asked = parser.parse_args()
    server = os.environ.get("CRIER_BENCH_POSTGRES", DEFAULT_SERVER)
    _on_server(server, f"DROP DATABASE IF EXISTS {DATABASE}", f"CREATE DATABASE {DATABASE}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            _set_up(urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}")), folder)
            try:
                results = run(asked.runs, asked.rows, more=asked.more)
            finally:
                _close()
    finally:
        _on_server(server, f"DROP DATABASE IF EXISTS {DATABASE}")
    print(json.dumps(results, indent=2))


def _on_server(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def _set_up(database_url: str, folder: str) -> None:
    os.environ |= {
        "DATABASE_URL": database_url,
        "CRIER_DATA": folder,
        "CELERY_BROKER_URL": "filesystem://",
        "CRIER_SECRET_KEY": secrets.token_urlsafe(50),
        "CRIER_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "CRIER_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    import django  # only now: the settings read the environment
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _close() -> None:
    from django.db import connections

    connections.close_all()


if __name__ == "__main__":
    main()
