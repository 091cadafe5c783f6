"""`python -m tests.contacts.job_process <id>`: a worker with one job, slow enough to be killed in the middle of it."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROWS, SECONDS = 20, 0.1


def main(job_id: int) -> None:
    django.setup()
    from contacts.services import list_job_runner as runner  # the apps are loaded only now

    window = runner._do_window

    def slow_window(*args: Any) -> bool:
        time.sleep(SECONDS)
        return window(*args)

    runner.WINDOW = runner.SQLITE_WINDOW = ROWS
    runner._do_window = slow_window
    runner.run_job(job_id)


if __name__ == "__main__":
    main(int(sys.argv[1]))
