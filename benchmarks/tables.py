"""Results as a table in the terminal, and as benchmarks/README.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.goals import GOALS
from benchmarks.results import Result

HEAD = ("row", "value", "reference", "unit", "ratio", "min", "max", "goal", "met")


def number(figure: float | None) -> str:
    """1234567 -> "1,234,567", 12.345 -> "12.3", 0.1234 -> "0.123"."""
    if figure is None:
        return "–"
    if abs(figure) >= 1000:
        return f"{figure:,.0f}"
    return f"{figure:.3g}"


def cells(result: Result) -> tuple[str, ...]:
    goal = GOALS[result.name]
    return (
        result.name,
        number(result.value),
        number(result.reference),
        result.unit,
        number(result.ratio),
        number(result.min),
        number(result.max),
        goal.written,
        "yes" if result.met else "no",
    )


def table_rows(results: Iterable[Result], failures: Mapping[str, str]) -> list[tuple[str, ...]]:
    """In the order of the goals; a row that was asked for and not measured says so."""
    by_name = {result.name: result for result in results}
    rows = []
    for name, goal in GOALS.items():
        if name in by_name:
            rows.append(cells(by_name[name]))
        elif name in failures:
            rows.append((name, *["–"] * 6, goal.written, "not measured"))
    return rows


def as_text(results: Iterable[Result], failures: Mapping[str, str]) -> str:
    rows = [HEAD, *table_rows(results, failures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [_aligned(row, widths) for row in rows]
    notes = [f"{name}: {words}" for name, words in failures.items()]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    left = (0, 3, 8)
    padded = [
        cell.ljust(width) if column in left else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def as_readme(
    results: Sequence[Result], failures: Mapping[str, str], machine: Mapping[str, str], measured_on: str
) -> str:
    return "\n".join(
        [
            *_INTRODUCTION,
            "",
            "## Figures",
            "",
            f"Measured on {measured_on}.",
            "",
            *_markdown(("machine", ""), [(name, words) for name, words in machine.items()]),
            "",
            *_markdown(HEAD, table_rows(results, failures)),
            "",
            *_failure_lines(failures),
            "`ratio` is the median of `value ÷ reference`, taken pair by pair; `min` and `max` are its spread over the",
            "runs. Where there is no reference, the goal is an absolute figure and stands under `ratio`.",
            "",
            "## What each row measures",
            "",
            *_markdown(("row", "what"), [(goal.name, goal.measures) for goal in GOALS.values()]),
            "",
        ]
    )


def _failure_lines(failures: Mapping[str, str]) -> list[str]:
    if not failures:
        return []
    return ["Not measured:", "", *[f"- `{name}`: {words}" for name, words in failures.items()], ""]


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return [*lines, *[f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]]


_INTRODUCTION = [
    "# Benchmarks",
    "",
    "How fast Crier is, as ratios: each row sets the real code against something that anybody can judge (the bare",
    "transport, PostgreSQL's own COPY, one Celery task a message), both measured in turns in one run. Written by",
    "`make bench`; do not edit.",
    "",
    "```",
    "make bench                                  # all rows, about 35 minutes",
    'make bench ARGS="--quick"                   # a look in under 4 minutes; writes nothing',
    'make bench ARGS="--only send,plan --runs 3" # some subjects or rows; the other rows stay as they are',
    "make bench ARGS=--list                      # subjects and rows",
    "```",
    "",
    "PostgreSQL is taken from `BENCH_DATABASE_URL` (default `postgres://postgres@127.0.0.1:5432/postgres`); the databases",
    "`crier_bench` and `crier_bench_blank` are made there and dropped again. Without it the rows that need none are",
    "measured. The Celery rows use Redis at `BENCH_BROKER_URL` (default `redis://127.0.0.1:6379/9`) where it answers, else",
    "Celery's filesystem broker. Leave the machine alone meanwhile: the vendor stand-in, the database and the code under",
    "test share its cores.",
]
