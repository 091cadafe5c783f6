"""A measured row, and the arithmetic from pairs of figures to it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.goals import GOALS


@dataclass(frozen=True, slots=True)
class Plan:
    """How thorough: `runs` pairs a row; `quick` takes small amounts, for a look rather than a verdict."""

    runs: int
    quick: bool = False
    # The rows asked for.
    names: frozenset[str] = frozenset(GOALS)

    def wants(self, *names: str) -> bool:
        return not self.names.isdisjoint(names)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass(frozen=True, slots=True)
class Result:
    """One row of results.json.

    `value` and `reference`: the medians of what is measured and of what it is measured against, in `unit`.
    `ratio`: the median of the pairs' ratios, `min` and `max` their spread. `reference` None: a figure by itself.
    """

    name: str
    value: float
    unit: str
    reference: float | None
    ratio: float
    goal: float
    min: float
    max: float
    runs: int

    @property
    def met(self) -> bool:
        return GOALS[self.name].met_by(self.ratio)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def of_pairs(name: str, unit: str, pairs: Sequence[tuple[float, float]]) -> Result:
    """`pairs`: (measured, reference) of each run; the ratio is taken pair by pair, before any median."""
    if not pairs or any(reference <= 0 for _measured, reference in pairs):
        raise ValueError(f"{name}: a ratio needs at least one pair, and references above 0.")
    ratios = [measured / reference for measured, reference in pairs]
    return Result(
        name=name,
        value=_rounded(statistics.median(measured for measured, _ in pairs)),
        unit=unit,
        reference=_rounded(statistics.median(reference for _, reference in pairs)),
        ratio=_rounded(statistics.median(ratios)),
        goal=GOALS[name].goal,
        min=_rounded(min(ratios)),
        max=_rounded(max(ratios)),
        runs=len(pairs),
    )


def of_figures(name: str, unit: str, figures: Sequence[float]) -> Result:
    """A figure that is judged by itself: its goal is absolute, `ratio` is the figure."""
    if not figures:
        raise ValueError(f"{name}: no figure was measured.")
    median = _rounded(statistics.median(figures))
    low, high = _rounded(min(figures)), _rounded(max(figures))
    return Result(name, median, unit, None, median, GOALS[name].goal, low, high, len(figures))


def measure_pairs(
    name: str, unit: str, runs: int, measured: Callable[[], float], reference: Callable[[], float]
) -> Result:
    """A B A B …: what slows the machine down for a while slows both halves of a pair."""
    return of_pairs(name, unit, [(measured(), reference()) for _ in range(runs)])


def rate_of(work: Callable[[], object], count: int) -> float:
    """How many a second, when `work` does `count` of them."""
    return count / seconds_of(work)


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rounded(figure: float) -> float:
    """Four significant digits: more would be noise."""
    return float(f"{figure:.4g}")


def from_dict(row: dict[str, Any]) -> Result:
    return Result(**{name: row[name] for name in Result.__dataclass_fields__})


def read_results(path: Path) -> list[Result]:
    """Rows whose goal is gone, and rows that failed, are left out."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [from_dict(row) for row in rows if row["name"] in GOALS and "error" not in row]


def write_results(path: Path, results: Iterable[Result], failures: dict[str, str]) -> None:
    """Failed rows stand among the others, with `error` in place of figures: a missing row would look like none."""
    measured = {result.name: result.as_dict() for result in results}
    failed = {
        name: {"name": name, "goal": GOALS[name].goal, "error": words} for name, words in failures.items()
    }
    rows = [both[name] for name in GOALS for both in (measured, failed) if name in both]
    path.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
