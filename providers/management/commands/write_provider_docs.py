"""Writes docs/providers.md from what the connectors declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from providers.documents import provider_docs

PAGE = Path(settings.BASE_DIR) / "docs" / "providers.md"


class Command(BaseCommand):
    help = "Writes docs/providers.md, the table of all operations and capabilities, from the connectors."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(provider_docs(), encoding="utf-8")
        self.stdout.write(f"Wrote {PAGE.relative_to(settings.BASE_DIR)}.")
