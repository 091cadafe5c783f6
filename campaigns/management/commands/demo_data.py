from typing import Any

from django.core.management.base import BaseCommand

from campaigns.demo_sign_in import DEMO_EMAIL, DEMO_PASSWORD, DEMO_WORKSPACE
from campaigns.services.demo import make_demo


class Command(BaseCommand):
    help = "On an empty system: makes the demo workspace. Otherwise does nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make_demo(workspace_name=DEMO_WORKSPACE, email=DEMO_EMAIL, password=DEMO_PASSWORD)
        if made and options["verbosity"] > 0:
            self.stdout.write(f"Demo workspace {made} made.")
