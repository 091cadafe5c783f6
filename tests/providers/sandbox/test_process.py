"""The process: how it starts, what it says, how it ends, and what it does not know."""

import os
import signal
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.providers.sandbox.support import eventually, sms
from tests.sandbox_process import ROOT, SandboxError, SandboxProcess


def test_it_says_that_it_is_ready_in_one_line() -> None:
    with SandboxProcess() as sandbox:
        assert sandbox.output == (
            f"sandbox: ready on {sandbox.url} (MessageWhiz {sandbox.url}/messagewhiz,"
            f" BulkVS {sandbox.url}/bulkvs/api/v1.0, Mx2 {sandbox.url}/mx2, Mobiz {sandbox.url}/mobiz,"
            f" Ogangi {sandbox.url}/ogangi)\n"
        )


def test_it_sums_up_while_busy() -> None:
    with SandboxProcess(receipt_delay_ms="0-0") as sandbox:
        for _ in range(3):
            sms(sandbox)
        eventually(lambda: "sandbox: 3 texts accepted" in sandbox.output)
        assert len(sandbox.output.splitlines()) <= 4, "not a line a text"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_with_lines_open(number: signal.Signals) -> None:
    sandbox = SandboxProcess(receipt_delay_ms="60000-60000").start()
    try:
        assert sms(sandbox).status_code == 200
        process = sandbox._process
        assert process is not None
        process.send_signal(number)
        assert process.wait(10) == 0
        assert "Traceback" not in sandbox.output
    finally:
        sandbox.stop()


def test_a_taken_port_is_named(sandbox: SandboxProcess) -> None:
    port = urlsplit(sandbox.url).port
    ended = subprocess.run(
        [sys.executable, "-m", "providers.sandbox", "--port", str(port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert f"sandbox: cannot listen on 127.0.0.1 port {port}: Address already in use." in ended.stderr


def test_a_bad_delay_is_named() -> None:
    with pytest.raises(SandboxError, match="CRIER_SANDBOX_RECEIPT_DELAY_MS: receipt delay 'soon'"):
        SandboxProcess(receipt_delay_ms="soon").start()


@pytest.mark.parametrize("arguments", [["--port", "99999"], ["--keep", "0"]])
def test_bad_options_are_named(arguments: list[str]) -> None:
    with pytest.raises(SandboxError, match=arguments[1]):
        SandboxProcess(arguments=arguments).start()


def test_it_knows_neither_django_nor_the_project() -> None:
    program = (
        "import sys, providers.sandbox.__main__\n"
        "known = {'django', 'celery', 'httpx', 'sms', 'web', 'accounts', 'contacts', 'messaging',\n"
        "         'campaigns', 'config'}\n"
        "print(sorted(known & {name.split('.')[0] for name in sys.modules}))\n"
        "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('providers.')}))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ended.stdout.splitlines() == ["[]", "['sandbox']"]
