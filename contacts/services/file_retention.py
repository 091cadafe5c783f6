"""How long files are kept: uploads with their workbooks and refused rows, exports; and what belongs to no row.

The row forgets the file first, then the file goes: what a crash leaves between the two is swept a day later.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import FileField, Model, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from contacts.models import Import, ImportState, ListJob

log = structlog.get_logger("crier.files")

EXPORTS_KEPT = timedelta(days=7)
# Older than any request or task that may still want to write down whose file it is.
STRAY_AFTER_SECONDS = 24 * 3600
# Below MEDIA_ROOT, as in `upload_to` of the models.
FOLDERS = ("imports", "exports")
# Of Django admin's imports (admin_uploads.py); within the folders above, so that they are swept.
ADMIN_UPLOADS = "imports/admin"
IMPORT_FILES = ("file", "workbook", "reject_file")
WORKED_ON = (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)


def prune_import_files() -> int:
    """Of imports that ended, or were uploaded and never ran, more than IMPORT_FILES_DAYS ago; how many imports."""
    before = timezone.now() - timedelta(days=settings.IMPORT_FILES_DAYS)
    due = Import.objects.annotate(ended_at=Coalesce("finished_at", "created_at")).filter(ended_at__lt=before)
    due = due.exclude(state__in=WORKED_ON).exclude(file="", workbook="", reject_file="")
    return _prune(due.only("pk", *IMPORT_FILES), IMPORT_FILES)


def prune_exports() -> int:
    """Of jobs that ended a week ago; how many."""
    old = ListJob.objects.exclude(file="").filter(finished_at__lt=timezone.now() - EXPORTS_KEPT)
    return _prune(old.only("pk", "file"), ("file",))


def _prune(due: QuerySet[Any], fields: tuple[str, ...]) -> int:
    """Asks once more for each row: somebody may have begun to work on it."""
    pruned = 0
    for row in list(due):
        names = file_names(row)
        if due.filter(pk=row.pk).update(**dict.fromkeys(fields, "")):
            delete_files(names)
            pruned += 1
    return pruned


def sweep_stray_files() -> int:
    """Deletes files of ours that no row names any more; how many."""
    old = [name for folder in FOLDERS for name in _old_files(Path(settings.MEDIA_ROOT), folder)]
    strays = set(old) - _known_names() if old else set()
    if strays:
        log.info("files of no row deleted", files=len(strays))
    delete_files(strays)
    return len(strays)


def delete_admin_uploads() -> int:
    """All that wait to be confirmed, or never were; how many. Whose people they hold nobody knows."""
    folder = Path(settings.MEDIA_ROOT) / ADMIN_UPLOADS
    names = [f"{ADMIN_UPLOADS}/{file.name}" for file in folder.iterdir()] if folder.is_dir() else []
    delete_files(names)
    return len(names)


def delete_files_after(row: Model) -> None:
    """Of a row that is deleted, once that is certain."""
    names = file_names(row)
    transaction.on_commit(lambda: delete_files(names))


def file_names(row: Model) -> list[str]:
    names = (str(getattr(row, field.name)) for field in row._meta.fields if isinstance(field, FileField))
    return [name for name in names if name]


def delete_files(names: Iterable[str]) -> None:
    """What is gone already is no error, and what cannot be deleted now is tried again by the sweep."""
    for name in names:
        try:
            default_storage.delete(name)
        except OSError:
            log.warning("file not deleted", name=name, exc_info=True)


def _old_files(root: Path, folder: str) -> Iterator[str]:
    """Names as rows hold them. Links are not followed."""
    latest = time.time() - STRAY_AFTER_SECONDS
    for path, _folders, files in os.walk(root / folder):
        for file in (Path(path, name) for name in files):
            try:
                is_old = file.lstat().st_mtime < latest
            except FileNotFoundError:  # deleted meanwhile
                continue
            if is_old:
                yield file.relative_to(root).as_posix()


def _known_names() -> set[str]:
    """Of every file that any row names."""
    names: set[str] = set()
    for model in apps.get_models():
        for field in model._meta.fields:
            if isinstance(field, FileField):
                rows = model._default_manager.exclude(**{field.name: ""})
                names.update(rows.values_list(field.name, flat=True).iterator())
    return names
