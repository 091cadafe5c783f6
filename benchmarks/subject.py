"""`python -m benchmarks.subject NAME OUT`: one subject in a process of its own; a JSON line for each row it measured.

Started by `python -m benchmarks`, which has set DATABASE_URL and CRIER_DATA to what this subject may spoil.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from pathlib import Path

import django

from benchmarks.results import Plan


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--names", required=True)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    plan = Plan(asked.runs, asked.quick, frozenset(asked.names.split(",")))
    with asked.out.open("a", encoding="utf-8") as out:
        for result in importlib.import_module(f"benchmarks.{asked.module}").run(plan):
            out.write(json.dumps(result.as_dict()) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
