"""The import of people: benchmarks/import_rows.py on the database of this run."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import import_rows
from benchmarks.results import Plan, Result, from_dict

# A million rows take half a minute a way, and the peer's own way a minute: three rounds tell enough.
RUNS_MOST = 3


def run(plan: Plan) -> Iterator[Result]:
    runs, rows = min(plan.runs, RUNS_MOST), 1_000_000
    if plan.quick:
        runs, rows = 1, 4000
    for row in import_rows.run(runs, rows):
        if plan.wants(row["name"]):
            yield from_dict(row)
