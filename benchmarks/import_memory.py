"""`python -m benchmarks.import_memory check|run ID`: does that to an import and prints the megabytes it took at most."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import django


def main() -> None:
    work, import_id = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from contacts.services.import_runner import check_import, run_import

    {"check": check_import, "run": run_import}[work](int(import_id))
    print(megabytes_at_most())


def megabytes_at_most() -> float:
    """Of this process alone: getrusage tells of whoever started it, too. Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    main()
