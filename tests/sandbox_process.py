"""The provider sandbox as a process of its own, for tests and benchmarks that need a vendor."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import httpx

ROOT = Path(__file__).resolve().parent.parent
READY = "sandbox: ready on "
START_TIMEOUT = 30.0  # seconds
STOP_TIMEOUT = 10.0


class SandboxError(Exception):
    """The sandbox did not start, or its control door answered with an error."""


class SandboxProcess:
    """`with SandboxProcess() as sandbox:` starts it on a free loopback port and ends it, by its process id.

    `env` adds environment variables, `arguments` command line options. Receipts come after 5 to 20 ms unless
    `receipt_delay_ms` says otherwise.
    """

    def __init__(
        self,
        *,
        receipt_delay_ms: str = "5-20",
        arguments: Sequence[str] = (),
        env: dict[str, str] | None = None,
    ) -> None:
        self.arguments = tuple(arguments)
        self.env = {"CRIER_SANDBOX_RECEIPT_DELAY_MS": receipt_delay_ms} | (env or {})
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._client: httpx.Client | None = None

    @property
    def messagewhiz_url(self) -> str:
        return f"{self.url}/messagewhiz"

    @property
    def bulkvs_url(self) -> str:
        return f"{self.url}/bulkvs/api/v1.0"

    @property
    def mx2_url(self) -> str:
        return f"{self.url}/mx2"

    @property
    def mobiz_url(self) -> str:
        return f"{self.url}/mobiz"

    @property
    def ogangi_url(self) -> str:
        return f"{self.url}/ogangi"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the sandbox is not running"
        return self._process.pid

    @property
    def output(self) -> str:
        """What it has printed so far."""
        if self._output is None:
            return ""
        return Path(self._output.name).read_text(errors="replace")

    def start(self) -> Self:
        # A file, not a pipe: nobody has to read along for the process to go on.
        self._output = tempfile.NamedTemporaryFile(prefix="crier-sandbox-", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "providers.sandbox", "--port", "0", *self.arguments],
            cwd=ROOT,
            env=os.environ | self.env,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        try:
            self.url = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        return self

    def stop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def request(self, method: str, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """Any request to the process; `path` from its root."""
        assert self._client is not None, "the sandbox is not running"
        if json is not None:
            options["json"] = json
        return self._client.request(method, path, **options)

    def control(self, method: str, path: str, json: Any = None) -> Any:
        """The control door's JSON answer, `path` without `/_sandbox/`; SandboxError on an error."""
        response = self.request(method, f"/_sandbox/{path.lstrip('/')}", json)
        if not response.is_success:
            raise SandboxError(f"{method} {path}: {response.status_code} {response.text}")
        return response.json()

    def dial(self, **settings: Any) -> Any:
        return self.control("POST", "dial", settings)

    def stats(self) -> dict[str, Any]:
        stats: dict[str, Any] = self.control("GET", "stats")
        return stats

    def reset(self) -> None:
        """Everything as at the start, the accounts' webhooks and settings too."""
        self.control("POST", "reset", {"accounts": True})

    def _wait_until_ready(self) -> str:
        """Its address, read off the line that it prints when it answers."""
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            _, found, rest = self.output.partition(READY)
            if found and " " in rest:
                return rest.split(" ", 1)[0]
            if self._process.poll() is not None:
                raise SandboxError(f"the sandbox ended with {self._process.returncode}: {self.output}")
            time.sleep(0.02)
        raise SandboxError(f"the sandbox was not ready after {START_TIMEOUT:.0f} s: {self.output}")
