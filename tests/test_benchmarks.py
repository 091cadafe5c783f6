"""The benchmarks' harness: arithmetic, choice of rows, tables, files. No time is asserted here."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import results as measured
from benchmarks.databases import hidden_password
from benchmarks.goals import GOALS, SUBJECTS, Subject
from benchmarks.machine import describe_machine
from benchmarks.results import Plan, Result, of_figures, of_pairs
from benchmarks.sqlite import percentile
from benchmarks.tables import as_readme, as_text, number

# The goal tables of the stack's record, and of the audience.
PROMISED = {
    "send_vs_transport",
    "send_vs_ideal",
    "send_vs_raw",
    "send_vs_task_per_message",
    "send_vs_httpx_client",
    "send_two_workers",
    "import_new_vs_copy",
    "import_existing_vs_copy",
    "import_vs_import_export",
    "xlsx_vs_openpyxl",
    "phone_vs_phonenumbers",
    "reach_seconds",
    "plan_vs_bulk_create",
    "render_and_count",
    "receipts_bulk_vs_single",
    "page_flat",
    "sqlite_lock_errors",
    "redirect_vs_ping",
    "audience_answer",
    "audience_flat",
    "audience_slowest",
    "import_check_vs_copy",
    "import_memory",
    "import_sqlite_vs_insert",
}
MACHINE = {"Processor": "Example 1", "Cores": "2", "PostgreSQL": "15.1"}


@pytest.fixture
def transport() -> Result:
    return of_pairs("send_vs_transport", "messages/s", [(800.0, 1000.0), (900.0, 1000.0), (1800.0, 2000.0)])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results and README go here instead of into the source tree."""
    monkeypatch.setattr(command, "ROOT", tmp_path)
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(command, "README", tmp_path / "README.md")
    return tmp_path


def report(*results: Result, **failures: str) -> command.Report:
    return command.Report(list(results), {name.replace("__", "."): words for name, words in failures.items()})


def written(files: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((files / "results.json").read_text())
    return rows


# --- rows and subjects ---


def test_every_promised_row_has_a_goal() -> None:
    assert {name.partition(".")[0] for name in GOALS} == PROMISED


def test_no_row_is_measured_twice() -> None:
    names = [name for subject in SUBJECTS for name in subject.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.module)
def test_every_subject_is_a_module(subject: Subject) -> None:
    assert importlib.util.find_spec(f"benchmarks.{subject.module}") is not None


def test_the_whole_run_is_bounded() -> None:
    assert command.SECONDS <= 40 * 60
    assert all(0 < subject.seconds < command.SECONDS for subject in SUBJECTS)


# --- arithmetic ---


def test_ratios_are_taken_pair_by_pair(transport: Result) -> None:
    assert transport == Result("send_vs_transport", 900.0, "messages/s", 1000.0, 0.9, 0.85, 0.8, 0.9, 3)


def test_a_slow_moment_hits_both_halves_of_a_pair() -> None:
    row = of_pairs("send_vs_transport", "messages/s", [(900.0, 1000.0), (90.0, 100.0), (9.0, 10.0)])
    assert (row.ratio, row.min, row.max) == (0.9, 0.9, 0.9)


def test_rejects_a_ratio_over_nothing() -> None:
    with pytest.raises(ValueError, match="send_vs_transport: a ratio needs"):
        of_pairs("send_vs_transport", "messages/s", [(900.0, 0.0)])
    with pytest.raises(ValueError, match="send_vs_transport: a ratio needs"):
        of_pairs("send_vs_transport", "messages/s", [])


def test_a_figure_is_its_own_ratio() -> None:
    row = of_figures("sqlite_lock_errors", "errors", [0, 2, 1])
    assert (row.value, row.reference, row.ratio, row.min, row.max, row.runs) == (1.0, None, 1.0, 0.0, 2.0, 3)


@pytest.mark.parametrize(
    ("name", "ratio", "met"),
    [
        ("send_vs_transport", 0.85, True),
        ("send_vs_transport", 0.84, False),
        ("reach_seconds", 3.0, True),
        ("reach_seconds", 3.1, False),
        ("sqlite_lock_errors", 0.0, True),
        ("sqlite_lock_errors", 1.0, False),
    ],
)
def test_knows_which_way_is_better(name: str, ratio: float, met: bool) -> None:
    assert GOALS[name].met_by(ratio) is met


@pytest.mark.parametrize(("percent", "figure"), [(50, 5.0), (99, 10.0), (100, 10.0), (1, 1.0)])
def test_percentile(percent: int, figure: float) -> None:
    assert percentile([float(each) for each in range(10, 0, -1)], percent) == figure


def test_measures_in_turns() -> None:
    order: list[str] = []

    def take(letter: str, figure: float) -> float:
        order.append(letter)
        return figure

    measured.measure_pairs("send_vs_raw", "messages/s", 3, lambda: take("A", 1), lambda: take("B", 10))
    assert "".join(order) == "ABABAB"


# --- choice ---


def test_all_rows_unless_some_are_named() -> None:
    assert command.chosen("") == {subject: frozenset(subject.names) for subject in SUBJECTS}


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("reach", {"reach_seconds"}),
        ("send_vs_ideal", {"send_vs_ideal"}),
        (
            "send_vs_task_per_message",
            {"send_vs_task_per_message.reuse_off", "send_vs_task_per_message.reuse_on"},
        ),
        ("plan_vs_bulk_create.sqlite, reach", {"plan_vs_bulk_create.sqlite", "reach_seconds"}),
    ],
)
def test_chooses_by_subject_row_or_variants(only: str, names: set[str]) -> None:
    assert frozenset().union(*command.chosen(only).values()) == names


def test_refuses_a_name_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "sned"]) == 2
    assert "no subject or row 'sned'" in capsys.readouterr().err


@pytest.mark.parametrize("runs", ["0", "-1", "many", "101"])
def test_refuses_a_wrong_number_of_runs(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["--runs", runs])
    assert f"must be a whole number from 1 to 100, not '{runs}'" in capsys.readouterr().err


def test_a_plan_knows_what_is_wanted() -> None:
    plan = Plan(5, names=frozenset({"send_vs_ideal"}))
    assert plan.wants("send_vs_ideal", "send_vs_raw")
    assert not plan.wants("send_vs_raw")


# --- without PostgreSQL, and in trouble ---


def test_says_what_is_missing_and_measures_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BENCH_DATABASE_URL", "postgres://me:secret-word@127.0.0.1:9/none")
    assert command.find_server() is None
    said = capsys.readouterr().err
    assert "Start one, or set BENCH_DATABASE_URL" in said
    assert "postgres://me:***@127.0.0.1:9/none" in said
    assert "secret-word" not in said
    assert len(said.splitlines()) == 1


def test_hides_no_address_without_a_password() -> None:
    assert hidden_password("postgres://postgres@127.0.0.1/x") == "postgres://postgres@127.0.0.1/x"


def test_a_row_that_needs_postgresql_is_reported_without_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = command.measure(command.chosen("reach"), 1, True, None)
    assert found.failures == {"reach_seconds": "Needs PostgreSQL; see BENCH_DATABASE_URL."}


def test_a_subject_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Subject("no_such_module", SUBJECTS[0].goals[:1], 30)
    found = command.measure({broken: frozenset(broken.names)}, 1, True, None)
    assert found.results == []
    assert found.failures == {
        "send_vs_transport": "ModuleNotFoundError: No module named 'benchmarks.no_such_module'"
    }


def test_a_subject_that_hangs_is_ended_with_all_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    script = (
        "import pathlib, subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(child.pid));"
        "child.wait()"
    )
    monkeypatch.setattr(command, "command_of", lambda *_asked: [sys.executable, "-c", script])
    environment = command.child_environment(tmp_path)
    subject = SUBJECTS[0]
    said = command.run_subject(subject, subject.names, 1, True, tmp_path / "out.jsonl", environment, 2.0)
    assert said == "Not done after 2 seconds; ended."
    until = time.monotonic() + 10
    while _runs(int(pid_file.read_text())) and time.monotonic() < until:
        time.sleep(0.01)
    assert not _runs(int(pid_file.read_text()))


def _runs(pid: int) -> bool:
    """A process that nobody has buried yet does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_a_child_has_no_settings_of_the_installation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somewhere/real")
    monkeypatch.setenv("CRIER_METRICS_TOKEN", "real")
    monkeypatch.setenv("CELERY_BROKER_URL", "amqp://real")
    environment = command.child_environment(tmp_path)
    assert not {"DATABASE_URL", "CRIER_METRICS_TOKEN", "CELERY_BROKER_URL"} & set(environment)
    assert environment["CRIER_DATA"] == str(tmp_path)


# --- what is shown and kept ---


@pytest.mark.parametrize(
    ("figure", "shown"),
    [(None, "–"), (0.0, "0"), (1234567.0, "1,234,567"), (12.345, "12.3"), (0.12345, "0.123"), (999.4, "999")],
)
def test_numbers_as_people_read_them(figure: float | None, shown: str) -> None:
    assert number(figure) == shown


def test_table_shows_goal_and_verdict(transport: Result) -> None:
    lines = as_text([transport], {"reach_seconds": "Needs PostgreSQL."}).splitlines()
    assert lines[1].split() == [
        *("send_vs_transport", "900", "1,000", "messages/s", "0.9", "0.8", "0.9", "≥", "0.85", "yes")
    ]
    assert lines[2].split()[-2:] == ["not", "measured"]
    assert lines[-1] == "reach_seconds: Needs PostgreSQL."


def test_readme_names_machine_rows_and_way(transport: Result) -> None:
    readme = as_readme([transport], {"reach_seconds": "Needs | PostgreSQL."}, MACHINE, "2026-01-02")
    assert "| Processor | Example 1 |" in readme
    assert "Measured on 2026-01-02." in readme
    assert "| send_vs_transport | 900 | 1,000 | messages/s | 0.9 | 0.8 | 0.9 | ≥ 0.85 | yes |" in readme
    assert "- `reach_seconds`: Needs | PostgreSQL." in readme
    assert "make bench" in readme
    assert all(f"| {name} |" in readme for name in GOALS)


def test_describes_this_machine() -> None:
    machine = describe_machine(None)
    assert machine["PostgreSQL"] == "none"
    assert all(machine.values())


def test_a_whole_run_replaces_everything(files: Path, transport: Result) -> None:
    command.keep(report(of_figures("sqlite_lock_errors", "errors", [0])), MACHINE, is_whole=True)
    command.keep(report(transport, reach_seconds="Ended."), MACHINE, is_whole=True)
    assert written(files) == [
        transport.as_dict(),
        {"name": "reach_seconds", "goal": 3, "error": "Ended."},
    ]
    assert list(written(files)[0]) == [
        *("name", "value", "unit", "reference", "ratio", "goal", "min", "max", "runs")
    ]


def test_a_part_replaces_its_own_rows(files: Path, transport: Result) -> None:
    errors = of_figures("sqlite_lock_errors", "errors", [0])
    command.keep(report(transport, errors), MACHINE, is_whole=True)
    worse = of_figures("sqlite_lock_errors", "errors", [3])
    command.keep(report(worse), MACHINE, is_whole=False)
    assert written(files) == [transport.as_dict(), worse.as_dict()]
    assert "| sqlite_lock_errors | 3 |" in (files / "README.md").read_text()


def test_a_part_does_not_mix_machines(
    files: Path, transport: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    command.keep(report(transport), MACHINE, is_whole=True)
    command.keep(report(transport), MACHINE | {"Processor": "Another"}, is_whole=False)
    assert "Not written" in capsys.readouterr().out
    assert "Example 1" in (files / "README.md").read_text()
