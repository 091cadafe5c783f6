"""Mappings as people chose them for files with the same column names: offered again for the next one."""

from __future__ import annotations

import hashlib
import json

from django.utils import timezone

from contacts.models import Import, RememberedMapping


def remembered_for(imported: Import) -> RememberedMapping | None:
    """What was chosen the last time; None for a file without names."""
    if not imported.has_header:
        return None
    return RememberedMapping.objects.filter(
        workspace=imported.workspace, purpose=imported.purpose, digest=_digest(imported)
    ).first()


def recall(imported: Import) -> None:
    """Gives the import the mapping that was chosen the last time, if any. Does not save it."""
    found = remembered_for(imported)
    if found is not None and len(found.mapping) == len(imported.columns):
        imported.mapping = found.mapping


def remember(imported: Import) -> None:
    if not imported.has_header:
        return
    RememberedMapping.objects.update_or_create(
        workspace=imported.workspace,
        purpose=imported.purpose,
        digest=_digest(imported),
        defaults={"names": _names(imported), "mapping": imported.mapping, "used_at": timezone.now()},
    )


def is_recalled(imported: Import) -> bool:
    """Before the run: whether the mapping is the remembered one, and another one than would be guessed."""
    if imported.counts or imported.mapping == [column["guess"] for column in imported.columns]:
        return False
    found = remembered_for(imported)
    return found is not None and imported.mapping == found.mapping


def _names(imported: Import) -> list[str]:
    return [column["name"] for column in imported.columns]


def _digest(imported: Import) -> str:
    names = ["".join(name.casefold().split()) for name in _names(imported)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()
