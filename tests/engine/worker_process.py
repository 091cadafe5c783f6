"""Real processes for tests: a Celery send worker, and a scheduler, on the test's database and a broker of choice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent.parent
WORKER = [
    *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-Q", "send", "-P", "solo"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
]
SCHEDULER = [sys.executable, "-m", "tests.engine.scheduler"]


class Process:
    """`start()`, `kill()` (SIGKILL, no goodbye), `stop()` (SIGTERM, as at a deployment)."""

    def __init__(
        self, command: list[str], *, broker_url: str, data: Path, env: dict[str, str] | None = None
    ) -> None:
        self.command = command
        self.data = data
        self.env = os.environ | {
            "CELERY_BROKER_URL": broker_url,
            "CRIER_DATA": str(data),
            "TMPDIR": str(data),
            "DATABASE_URL": database_url(),
            "CRIER_SECRET_KEY": settings.SECRET_KEY,
            "CRIER_ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
            **(env or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    @property
    def log_path(self) -> Path:
        return self.data / f"{'scheduler' if self.command is SCHEDULER else 'worker'}.log"

    def start(self) -> None:
        self.starts += 1
        name = ["-n", f"test{os.getpid()}-{self.starts}@%h"] if self.command is WORKER else []
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.command, *name], cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(60)
        self._process = None
        return code


def database_url() -> str:
    """The address of the database that this test run uses."""
    has = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{has['NAME']}"
    password = f":{has['PASSWORD']}" if has["PASSWORD"] else ""
    host, port = has["HOST"] or "127.0.0.1", has["PORT"] or 5432
    return f"postgres://{has['USER']}{password}@{host}:{port}/{has['NAME']}"
