"""`manage.py doctor`: names what is wrong and the remedy. Ends with 1 where something is wrong, otherwise with 0."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import WRONG, Finding, count_again, examine


class Command(BaseCommand):
    help = "Names what is wrong with this installation, and the remedy. Ends with 1 if something is."
    # The doctor itself says what is wrong with the database.
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="findings as JSON, for programs")
        parser.add_argument(
            "--deep",
            action="store_true",
            help="compare all counters with the ledger: minutes for many millions",
        )
        parser.add_argument(
            "--recount", action="store_true", help="put counters right that differ from the ledger"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        mended = count_again() if options["recount"] else 0
        found = examine(deep=options["deep"])
        if options["json"]:
            self.stdout.write(
                json.dumps({"recounted": mended, "findings": [asdict(one) for one in found]}, indent=2)
            )
        else:
            if options["recount"]:
                self.stdout.write(f"Counted again; put right: {mended} dispatches.")
            self._print(found)
        if any(one.level == WRONG for one in found):
            sys.exit(1)

    def _print(self, found: list[Finding]) -> None:
        for one in found:
            style = self.style.ERROR if one.level == WRONG else self.style.WARNING
            self.stdout.write(f"{style(one.level.upper())}  {one.sentence}")
            self.stdout.write(f"       {one.remedy}")
        if not found:
            self.stdout.write(self.style.SUCCESS("Nothing is wrong."))
