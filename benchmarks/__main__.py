"""`python -m benchmarks`: measures, prints a table, writes results.json and README.md beside this file."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from benchmarks.databases import ROOT, NoDatabase, Server, migrate, server_url
from benchmarks.goals import GOALS, SUBJECTS, Subject
from benchmarks.machine import describe_machine
from benchmarks.results import Result, from_dict, read_results, write_results
from benchmarks.tables import as_readme, as_text

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"
README = FOLDER / "README.md"
# The whole run's bound; what is not reached by then is reported as not measured.
SECONDS = 40 * 60
QUICK_SECONDS = 4 * 60
LINES_OF_TROUBLE = 60
# Settings of the person's own installation have no say here.
OWN_SETTINGS = re.compile(r"CRIER_|CELERY_|DATABASE_URL$|PORT$")


@dataclass(slots=True)
class Report:
    results: list[Result] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def fail(self, names: Sequence[str], words: str) -> None:
        done = {result.name for result in self.results}
        self.failures |= {name: words for name in names if name not in done}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parse(arguments)
    if asked.list:
        print("\n".join(f"{subject.module}: {', '.join(subject.names)}" for subject in SUBJECTS))
        return 0
    try:
        wanted = chosen(asked.only)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    server = find_server()
    report = measure(wanted, asked.runs or (1 if asked.quick else 5), asked.quick, server)
    print("\n" + as_text(report.results, report.failures))
    if asked.quick:
        print("\nA quick look: nothing is written.")
    else:
        keep(report, describe_machine(server.version if server else None), is_whole=not asked.only)
    return 1 if report.failures else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", help="subjects or rows, separated by commas; see --list")
    parser.add_argument(
        "--quick", action="store_true", help="small amounts, in under 4 minutes; writes nothing"
    )
    parser.add_argument("--runs", type=_runs, default=None, help="pairs a row (default 5; with --quick 1)")
    parser.add_argument("--list", action="store_true", help="the subjects and their rows")
    return parser.parse_args(arguments)


def _runs(written: str) -> int:
    if not written.isdecimal() or not 1 <= int(written) <= 100:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 100, not {written!r}")
    return int(written)


def chosen(only: str) -> dict[Subject, frozenset[str]]:
    """Subjects with the rows wanted of each. A name may be a subject's, a row's, or a row's before its dot."""
    words = [word.strip() for word in only.split(",") if word.strip()]
    if not words:
        return {subject: frozenset(subject.names) for subject in SUBJECTS}
    wanted: dict[Subject, frozenset[str]] = {}
    for word in words:
        found = {subject: frozenset(_matching(subject, word)) for subject in SUBJECTS}
        if not any(found.values()):
            raise ValueError(
                f"--only: there is no subject or row {word!r}. `python -m benchmarks --list` names them."
            )
        for subject, names in found.items():
            if names:
                wanted[subject] = wanted.get(subject, frozenset()) | names
    return wanted


def _matching(subject: Subject, word: str) -> list[str]:
    if word == subject.module:
        return list(subject.names)
    return [name for name in subject.names if word in (name, name.partition(".")[0])]


def find_server() -> Server | None:
    try:
        return Server(server_url())
    except NoDatabase as error:
        print(f"{error} Measuring the rows that need none.", file=sys.stderr)
        return None


def measure(wanted: dict[Subject, frozenset[str]], runs: int, quick: bool, server: Server | None) -> Report:
    report = Report()
    until = time.monotonic() + (QUICK_SECONDS if quick else SECONDS)
    try:
        # The short ones first: a run that is out of time has most of its rows.
        for subject, names in sorted(wanted.items(), key=lambda one: one[0].seconds):
            left = until - time.monotonic()
            ordered = [name for name in subject.names if name in names]
            if left <= 0:
                report.fail(
                    ordered, "The time for the whole run was used up before its turn; ask for it with --only."
                )
            else:
                measure_subject(report, subject, ordered, runs, quick, server, min(left, subject.seconds))
    finally:
        if server:
            server.drop_all()
    return report


def measure_subject(
    report: Report,
    subject: Subject,
    names: Sequence[str],
    runs: int,
    quick: bool,
    server: Server | None,
    seconds: float,
) -> None:
    if subject.database == "postgresql" and server is None:
        report.fail(names, "Needs PostgreSQL; see BENCH_DATABASE_URL.")
        return
    print(f"{subject.module} … ", end="", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crier-bench-") as folder:
        environment = child_environment(Path(folder))
        try:
            prepare_database(subject, server, environment)
            out = Path(folder) / "results.jsonl"
            trouble = run_subject(subject, names, runs, quick, out, environment, seconds)
            if out.exists():
                lines = out.read_text(encoding="utf-8").splitlines()
                report.results += [from_dict(json.loads(line)) for line in lines]
            report.fail(names, trouble or "The subject ended without measuring it.")
        except NoDatabase as error:
            report.fail(names, str(error))
    failed = sorted(report.failures.keys() & set(names))
    print(
        f"{time.monotonic() - began:.0f} s" + (f", FAILED: {', '.join(failed)}" if failed else ""), flush=True
    )


def child_environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not OWN_SETTINGS.match(name)}
    return kept | {
        "CRIER_DATA": str(folder),
        "CRIER_SECRET_KEY": secrets.token_urlsafe(50),
        "CRIER_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "CRIER_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TMPDIR": str(folder),
    }


def prepare_database(subject: Subject, server: Server | None, environment: dict[str, str]) -> None:
    if subject.database == "sqlite":
        migrate(environment)
    elif subject.database == "postgresql" and server:
        server.make_fresh(environment)
        environment["DATABASE_URL"] = server.url


def run_subject(
    subject: Subject,
    names: Sequence[str],
    runs: int,
    quick: bool,
    out: Path,
    environment: dict[str, str],
    seconds: float,
) -> str:
    """Why it failed, in one line; "" when it did not. What it printed goes to the terminal."""
    command = command_of(subject, names, runs, quick, out)
    errors = out.with_suffix(".err")
    with errors.open("wb") as stderr:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=stderr, start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"Not done after {seconds:.0f} seconds; ended."
        finally:
            _end(child)
    if code == 0:
        return ""
    said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    print("\n".join(said[-LINES_OF_TROUBLE:]), file=sys.stderr)
    return said[-1] if said else f"Ended with code {code} and no word."


def command_of(subject: Subject, names: Sequence[str], runs: int, quick: bool, out: Path) -> list[str]:
    command = [sys.executable, "-m", "benchmarks.subject", subject.module, str(out)]
    return [*command, "--runs", str(runs), "--names", ",".join(names), *(["--quick"] if quick else [])]


def _end(child: subprocess.Popen[bytes]) -> None:
    """The child and all it started (vendor, workers): they share its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def keep(report: Report, machine: dict[str, str], *, is_whole: bool) -> None:
    """A part replaces its own rows; the others stay, unless another machine measured them."""
    kept: list[Result] = []
    if not is_whole and RESULTS.exists():
        if README.exists() and not _is_same_machine(README.read_text(encoding="utf-8"), machine):
            print("\nNot written: the other rows were measured on another machine. Run all of them.")
            return
        new = {result.name for result in report.results} | set(report.failures)
        kept = [result for result in read_results(RESULTS) if result.name not in new]
    both = {result.name: result for result in [*kept, *report.results]}
    results = [both[name] for name in GOALS if name in both]
    write_results(RESULTS, results, report.failures)
    measured_on = datetime.now(UTC).strftime("%Y-%m-%d")
    README.write_text(as_readme(results, report.failures, machine, measured_on), encoding="utf-8")
    print(f"\nWritten: {RESULTS.relative_to(ROOT)}, {README.relative_to(ROOT)}")


def _is_same_machine(readme: str, machine: dict[str, str]) -> bool:
    return all(f"| {name} | {words} |" in readme for name, words in machine.items() if name != "PostgreSQL")


if __name__ == "__main__":
    sys.exit(main())
