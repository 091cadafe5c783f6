"""Runs one process of `make run` and starts it again when it dies: `python -m config.keep COMMAND [ARGUMENT ...]`.

Asked to end (SIGTERM, SIGINT), it passes that on once and ends with the process. It is asked to end as well when
`make run` itself is killed: nobody could reach it any more, and it would go on sending. What dies soon after each of
several starts has a cause that another start does not mend: then this ends as well, and `make run` with it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

# A process that ran longer than this was well; one that did not, several times in a row, will not be.
WELL_SECONDS = 20.0
TRIES = 4
PAUSE_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


class Keeper:
    def __init__(self, command: list[str], *, well_seconds: float = WELL_SECONDS) -> None:
        self._command = command
        self._well_seconds = well_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._is_ending = False

    def run(self) -> int:
        """The exit code of the last process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)
        failures = 0
        while True:
            began = time.monotonic()
            code = self._run_once()
            failures = 1 if time.monotonic() - began > self._well_seconds else failures + 1
            if self._is_ending or failures >= TRIES:
                return code
            print(f"ended unexpectedly ({_words(code)}); starting it again", flush=True)
            time.sleep(PAUSE_SECONDS * failures)
            if self._is_ending:
                return code

    def _run_once(self) -> int:
        # In a group of its own, so that what is sent to ours reaches it once, through us.
        self._child = subprocess.Popen(self._command, start_new_session=True, preexec_fn=_end_with_parent)  # noqa: S603  # our own command; no threads here
        if self._is_ending:
            self._child.send_signal(signal.SIGTERM)
        return self._child.wait()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._is_ending:
            return
        self._is_ending = True
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)


def _end_with_parent() -> None:
    """Linux: should we be killed, the process is not left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def ask_when_it_dies(process: int) -> None:
    """SIGTERM for ourselves when that process is gone; looked at each second, as it is not our parent."""

    def watch() -> None:
        while Path(f"/proc/{process}").exists():
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    if sys.platform == "linux":
        threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    if starter := os.environ.get("CRIER_STARTER"):
        ask_when_it_dies(int(starter))
    code = Keeper(sys.argv[1:]).run()
    sys.exit(code if code >= 0 else 128 - code)
