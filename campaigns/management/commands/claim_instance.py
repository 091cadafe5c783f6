"""Claims a copy of the database from the command line, as the page “This copy” does."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.access import Actor
from accounts.instance import claim_instance, fence
from campaigns.services.copies import what_is_held


class Command(BaseCommand):
    help = "Says whether this database may send, and claims a restored copy of it with --claim."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--claim",
            action="store_true",
            help="claim it: no other Crier sends from the original or from another copy of it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = fence()
        if found is None:
            self.stdout.write(
                "This database is the installation itself: it sends, and there is nothing to claim."
            )
            return
        held = what_is_held()
        self.stdout.write(f"Nothing is sent from this copy. {found.sentence}")
        self.stdout.write(f"Last at work: {found.last_sent_from:%Y-%m-%d %H:%M %Z}.")
        self.stdout.write(
            f"If it is claimed: broadcasts paused {held.running} (messages that wait: {held.waiting}), schedules"
            f" taken back {held.late}, single texts cancelled {held.singles}."
        )
        if not options["claim"]:
            raise CommandError("Not claimed. Say --claim if no other Crier sends from it.")
        claim_instance(actor=Actor())
        self.stdout.write("Claimed. Look at each paused broadcast before you resume it.")
