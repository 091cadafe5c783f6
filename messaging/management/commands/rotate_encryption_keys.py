"""Encrypts anew, with the newest key, all that is encrypted at rest."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model

from messaging.models import Verification, WebhookEndpoint
from providers.models import ProviderAccount
from providers.services.key_rotation import Rotated, rotate_column

# What to call it, and where it stands.
COLUMNS: tuple[tuple[str, type[Model], str], ...] = (
    ("Provider accounts", ProviderAccount, "encrypted_credentials"),
    ("Webhooks", WebhookEndpoint, "encrypted_secrets"),
    ("Codes that wait to be sent", Verification, "sealed_code"),
)
NAMED_AT_MOST = 20


class Command(BaseCommand):
    help = (
        "Encrypts provider credentials, secrets of webhooks and codes that wait to be sent anew with the first of "
        "CRIER_ENCRYPTION_KEYS. May be run at any time, also again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unopened = []
        for name, model, column in COLUMNS:
            rotated = rotate_column(model, column)
            self.stdout.write(_line(name, rotated))
            if rotated.unopened:
                unopened.append(_named(name, rotated.unopened))
        if unopened:
            raise CommandError(
                "None of CRIER_ENCRYPTION_KEYS opens these: add the key that they were encrypted with and run this again, "
                f"or enter the credentials anew. {' '.join(unopened)}"
            )
        self.stdout.write(
            "All of it has the newest key now. Once every process runs with it, the older ones can go from "
            "CRIER_ENCRYPTION_KEYS."
        )


def _line(name: str, rotated: Rotated) -> str:
    line = f"{name}: {rotated.anew:,} encrypted anew, {rotated.already:,} had the newest key already"
    return f"{line}, {len(rotated.unopened):,} cannot be opened." if rotated.unopened else f"{line}."


def _named(name: str, ids: list[int]) -> str:
    more = ", …" if len(ids) > NAMED_AT_MOST else ""
    return f"{name}: {', '.join(map(str, ids[:NAMED_AT_MOST]))}{more}."
