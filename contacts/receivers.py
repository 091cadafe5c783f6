"""What goes with rows of contacts."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from contacts.models import Import, ListJob
from contacts.services.file_retention import delete_files_after


@receiver(post_delete, sender=Import)
@receiver(post_delete, sender=ListJob)
def delete_files_with_row(instance: Import | ListJob, **_: Any) -> None:
    """Whatever deleted it: the list or workspace that it belonged to, too."""
    delete_files_after(instance)
