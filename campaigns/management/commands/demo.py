from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.services.demo_run import DemoError, DemoResult, run_demo

BAR_WIDTH = 32
READY_SECONDS = 120


class Command(BaseCommand):
    help = (
        "Imports a generated file of N example numbers, launches a broadcast through the sandbox, and prints the report."
        " Starts Crier for as long as it takes, if it is not running. Exits with 1 if one recipient is unaccounted for"
        " or got two texts."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--recipients", type=int, default=1000, help="how many (default 1000)")
        parser.add_argument(
            "--vendor", default="messagewhiz", help="messagewhiz or bulkvs (default messagewhiz)"
        )
        parser.add_argument(
            "--timeout", type=float, default=900, help="seconds until it gives up (default 900)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        recipients: int = options["recipients"]
        if not 1 <= recipients <= 1_000_000:
            raise CommandError("--recipients must be between 1 and 1,000,000.")
        # `make run` starts its sandbox there; settings know it only inside the processes that it starts.
        settings.SANDBOX_URL = settings.SANDBOX_URL or f"http://127.0.0.1:{settings.SANDBOX_PORT}"
        with running_crier(self.stdout.write):
            try:
                result = run_demo(
                    recipients=recipients,
                    vendor=options["vendor"],
                    progress=self._show_progress,
                    timeout_seconds=options["timeout"],
                )
            except DemoError as error:
                raise CommandError(str(error)) from None
        self._print(result)
        if not result.is_sound:
            sys.exit(1)

    def _show_progress(self, what: str, done: int, of: int) -> None:
        if not self.stdout.isatty():
            return
        filled = BAR_WIDTH * done // max(of, 1)
        self.stdout.write(f"\r{what:<18} [{'#' * filled:<{BAR_WIDTH}}] {done:>9,} of {of:,} ", ending="")
        self.stdout.flush()

    def _print(self, result: DemoResult) -> None:
        report = result.report
        lines = [
            ("recipients", result.recipients),
            ("imported", result.imported),
            ("sent", report.sent),
            ("delivered", report.delivered),
            ("failed", report.failed),
            ("unknown", report.unknown),
            ("accepted by the sandbox", result.accepted),
            ("got two texts", len(result.twice)),
            ("unaccounted for", result.unaccounted),
        ]
        self.stdout.write("")
        for label, value in lines:
            self.stdout.write(f"{label:<26}{value:>12,}")
        for line in report.reasons:
            self.stdout.write(f"  {line.state}: {line.sentence} {line.count:,}")
        self.stdout.write(f"{'messages per second':<26}{result.per_second:>12,.0f}")


@contextmanager
def running_crier(say: Any) -> Iterator[None]:
    """Crier as it runs already, else started for this command and ended after it."""
    if is_ready():
        yield
        return
    log_path = settings.DATA_DIR / "demo.log"
    say(f"Crier is not running: starting it for the demo (its log: {log_path}).")
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # our own arguments
            [sys.executable, "-m", "config.run"], cwd=settings.BASE_DIR, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_until_ready(process)
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def is_ready() -> bool:
    try:
        return (
            httpx.get(f"http://127.0.0.1:{settings.PORT}/readyz", timeout=5, trust_env=False).status_code
            == 200
        )
    except httpx.HTTPError:
        return False


def wait_until_ready(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_ready():
        if process.poll() is not None:
            raise CommandError("Crier did not start; demo.log in the data folder says why.")
        if time.monotonic() > deadline:
            raise CommandError(
                f"Crier was not ready after {READY_SECONDS} s; demo.log in the data folder says why."
            )
        time.sleep(0.5)
