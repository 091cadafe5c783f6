"""`python -m tests.providers.sync.run_process <id>`: a worker with one run of sync."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main(run_id: int) -> None:
    django.setup()
    from providers.services import sync_runner  # the apps are loaded only now

    while sync_runner.carry_on(run_id):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
