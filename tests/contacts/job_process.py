"""`python -m tests.contacts.job_process <id>`: a worker with one job, slow enough to be killed in the middle of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROWS, SECONDS = 20, 0.1


def main(job_id: int) -> None:
    django.setup()
    from contacts.services import list_job_runner as runner  # the apps are loaded only now

    window, said_alive = runner._do_window, runner._said_alive

    def slow_window(*args: Any) -> bool:
        time.sleep(SECONDS)
        return window(*args)

    def slow_rows(*args: Any) -> Iterator[list[str]]:
        for at, row in enumerate(said_alive(*args)):
            if at % ROWS == 0:
                time.sleep(SECONDS)
            yield row

    runner.WINDOW = runner.SQLITE_WINDOW = runner.SAY_ALIVE_ROWS = ROWS
    runner._do_window, runner._said_alive = slow_window, slow_rows
    runner.run_job(job_id)


if __name__ == "__main__":
    main(int(sys.argv[1]))
