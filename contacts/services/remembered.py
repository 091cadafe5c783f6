"""Mappings as people chose them for files with the same column names: offered again for the next one.

A reject file has the names of its file behind two of our own. Those two count for nothing here, so that the mended file
goes where the first one went.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils import timezone

from contacts.files.columns import IGNORED
from contacts.files.formulas import REJECT_COLUMNS
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
    mapping = recalled_mapping(imported, found) if found is not None else []
    if mapping and len(mapping) == len(imported.columns):
        imported.mapping = mapping


def recalled_mapping(imported: Import, found: RememberedMapping) -> list[str]:
    """What `found` means for this file."""
    targets = iter(found.mapping)
    return [IGNORED if _is_ours(imported, one) else next(targets, IGNORED) for one in imported.columns]


def remember(imported: Import) -> None:
    if not imported.has_header:
        return
    chosen = zip(imported.columns, imported.mapping, strict=True)
    RememberedMapping.objects.update_or_create(
        workspace=imported.workspace,
        purpose=imported.purpose,
        digest=_digest(imported),
        defaults={
            "names": [column["name"] for column in _columns(imported)],
            "mapping": [target for column, target in chosen if not _is_ours(imported, column)],
            "used_at": timezone.now(),
        },
    )


def is_recalled(imported: Import) -> bool:
    """Before the run: whether the mapping is the remembered one, and another one than would be guessed."""
    if imported.counts or imported.mapping == [column["guess"] for column in imported.columns]:
        return False
    found = remembered_for(imported)
    return found is not None and imported.mapping == recalled_mapping(imported, found)


def _columns(imported: Import) -> list[dict[str, Any]]:
    return [column for column in imported.columns if not _is_ours(imported, column)]


def _is_ours(imported: Import, column: dict[str, Any]) -> bool:
    """One of the two columns of a reject file, where the file has both."""
    names = {one["name"] for one in imported.columns}
    return column["name"] in REJECT_COLUMNS and names >= set(REJECT_COLUMNS)


def _digest(imported: Import) -> str:
    """Of whole names: labels are cut."""
    names = [column.get("uncut") or column["name"] for column in _columns(imported)]
    plain = ["".join(name.casefold().split()) for name in names]
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()
