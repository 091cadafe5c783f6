"""A process of `make run` that dies is started again, and ends when it is asked to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# Says who it is and waits; asked to end, it says so and ends.
WAITS = """
import os, signal, sys
def end(*_):
    print("asked", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print(os.getpid(), flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def keep() -> Iterator[Any]:
    """`keep(program)`: the keeper of a Python program, ended with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "config.keep", sys.executable, "-c", program]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_that_is_killed_is_started_again(keep: Any) -> None:
    keeper = keep(WAITS)
    first = int(said(keeper))
    os.kill(first, signal.SIGKILL)
    assert said(keeper) == "ended unexpectedly (signal 9); starting it again"
    second = int(said(keeper))
    assert second != first
    keeper.send_signal(signal.SIGTERM)
    assert said(keeper) == "asked"
    assert (said(keeper), keeper.wait(20)) == ("", 0)
    assert not psutil.pid_exists(second)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_and_starts_nothing(keep: Any, number: signal.Signals) -> None:
    keeper = keep(WAITS)
    said(keeper)
    keeper.send_signal(number)
    assert (said(keeper), said(keeper), keeper.wait(20)) == ("asked", "", 0)


def test_what_dies_at_once_again_and_again_is_given_up(keep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.keep.PAUSE_SECONDS", 0.01)
    from config.keep import TRIES, Keeper

    keeper = Keeper([sys.executable, "-c", "import sys; sys.exit(7)"])
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        assert keeper.run() == 7
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert TRIES > 1


def test_it_leaves_nothing_behind_when_it_is_killed_itself(keep: Any) -> None:
    keeper = keep(WAITS)
    child = psutil.Process(int(said(keeper)))
    keeper.kill()
    keeper.wait()
    assert psutil.wait_procs([child], timeout=20)[1] == []


def test_it_ends_with_the_one_that_started_everything(monkeypatch: pytest.MonkeyPatch, keep: Any) -> None:
    starter = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    monkeypatch.setenv("CRIER_STARTER", str(starter.pid))
    keeper = keep(WAITS)
    said(keeper)
    starter.kill()
    starter.wait()
    assert (said(keeper), keeper.wait(20)) == ("asked", 0)
