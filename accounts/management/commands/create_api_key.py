"""Makes an API key and prints nothing else on stdout: `KEY=$(manage.py create_api_key --workspace Acme)`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import Role, Workspace
from accounts.services import create_api_key

NAMED_AT_MOST = 20


class Command(BaseCommand):
    help = "Makes an API key for a workspace and prints it. It is not kept and cannot be shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", required=True, metavar="NAME", help="the workspace's name")
        parser.add_argument(
            "--role",
            default=Role.MARKETER.value,
            choices=Role.values,
            help="what the key may do (%(default)s)",
        )
        parser.add_argument("--name", default="command line", help="what the key is for (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = Workspace.objects.filter(name=options["workspace"]).first()
        if workspace is None:
            raise CommandError(_no_such_workspace(options["workspace"]))
        try:
            _key, raw = create_api_key(
                workspace=workspace, name=options["name"], role=options["role"], actor=Actor()
            )
        except AccountsError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(raw)


def _no_such_workspace(name: str) -> str:
    known = list(Workspace.objects.order_by("name").values_list("name", flat=True)[: NAMED_AT_MOST + 1])
    if not known:
        return "There is no workspace yet: open Crier in the browser and set it up first."
    more = ", …" if len(known) > NAMED_AT_MOST else ""
    listed = ", ".join(f'"{one}"' for one in known[:NAMED_AT_MOST])
    return f'There is no workspace named "{name}". Known: {listed}{more}.'
