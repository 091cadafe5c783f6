"""Mappings as people chose them for files with the same column names: offered again for the next one.

The names count, not their order. Where a file has most of the names of one that is remembered, those go where they
went then, and the others are guessed.

A reject file has the names of its file behind two of our own. Those two count for nothing here, so that the mended file
goes where the first one went.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from contacts.fields import UNDONE_AT
from contacts.files.columns import IGNORED, MSISDN, NUMBERS, WHOLE_NAME
from contacts.files.formulas import REJECT_COLUMNS, SEMICOLON_COLUMNS, people_as_exported
from contacts.models import Import, RememberedMapping
from contacts.services.number_forms import choose_form, guessed_forms, take_guess

# The latest ones are looked through for a file that has no names like its own.
LOOKED_AT = 100
# Of the names of both together.
MOST_NAMES = 0.6
_PLACE = re.compile(r"\([0-9]+\)\Z")
_PARTS_OF_A_NAME = frozenset({"first_name", "last_name"})


def remembered_for(imported: Import) -> RememberedMapping | None:
    """What was chosen the last time for these names, or for most of them; None for a file without names."""
    if not imported.has_header:
        return None
    rows = RememberedMapping.objects.filter(workspace=imported.workspace, purpose=imported.purpose)
    names = _names(imported)
    exact = rows.filter(digest=_digest(names)).first()
    if people_as_exported([_whole_name(column) for column in _columns(imported)]) is not None:
        return exact if exact is not None and _keeps_the_number(exact) else None
    if exact is not None:
        return exact
    likeness, found = max(
        ((_likeness(names, _plain_names(one.names)), one) for one in rows.order_by("-used_at")[:LOOKED_AT]),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    return found if likeness >= MOST_NAMES else None


def _keeps_the_number(found: RememberedMapping) -> bool:
    """Of a list of ours that was exported: its first column is the number, whatever a file was taken for before."""
    return people_as_exported(found.names) is not None and found.mapping[0] == MSISDN


def recall(imported: Import) -> None:
    """Gives the import the mapping that was chosen the last time, if any. Does not save it.

    Not where the file tells opt-outs that were undone: without that column it would opt people out who came back.
    """
    if UNDONE_AT in imported.mapping:
        return
    found = remembered_for(imported)
    if found is None:
        return
    imported.mapping = recalled_mapping(imported, found)
    if found.number_form and not _writes_international(imported):
        choose_form(imported, found.number_form)
    take_guess(imported)


def recalled_mapping(imported: Import, found: RememberedMapping) -> list[str]:
    """What `found` means for this file: by name, each of several of one name in its turn. New columns are guessed."""
    waiting: dict[str, list[str]] = {}
    for name, target in zip(_plain_names(found.names), found.mapping, strict=False):
        waiting.setdefault(name, []).append(target)
    names = iter(_names(imported))
    mapping: list[str | None] = []
    for column in imported.columns:
        if _is_ours(imported, column):
            mapping.append(IGNORED)
            continue
        targets = waiting.get(next(names))
        mapping.append(targets.pop(0) if targets else None)
    return _with_guesses(imported, mapping)


def _with_guesses(imported: Import, mapping: Sequence[str | None]) -> list[str]:
    """A guess gives way to what was chosen; a number to the next choice that is free. There is a preferred number in any
    case: of those chosen the next one, where its column is gone, else the one that was guessed.
    """
    chosen_numbers = [number for number in NUMBERS if number in mapping]
    moved = dict(zip(chosen_numbers, NUMBERS, strict=False))
    mapping = [moved.get(target, target) if target else target for target in mapping]
    taken = {target for target in mapping if target}
    if WHOLE_NAME in taken:
        taken |= _PARTS_OF_A_NAME
    elif taken & _PARTS_OF_A_NAME:
        taken.add(WHOLE_NAME)
    filled = []
    for column, chosen in zip(imported.columns, mapping, strict=True):
        target = chosen
        if target is None:
            wanted = NUMBERS if column["guess"] in NUMBERS else (column["guess"],)
            target = next((one for one in wanted if one not in taken), IGNORED)
            taken.add(target)
        filled.append(target)
    if MSISDN not in filled:
        guesses = [column["guess"] for column in imported.columns]
        filled = [
            MSISDN if guess == MSISDN else target for guess, target in zip(guesses, filled, strict=True)
        ]
    return filled


def remember(imported: Import) -> None:
    """The form of the numbers too where it was chosen against what their values show, also in a file before; else the next
    file's own values count, as they may be of the other form.
    """
    if not imported.has_header:
        return
    rows = RememberedMapping.objects.filter(workspace=imported.workspace, purpose=imported.purpose)
    names, chosen = _names(imported), zip(imported.columns, imported.mapping, strict=True)
    before = remembered_for(imported)
    if (
        before is not None
        and before.digest != _digest(names)
        and _likeness(names, _plain_names(before.names)) == 1
    ):
        # Of a time when the order of the names counted.
        rows.filter(pk=before.pk).update(digest=_digest(names))
    rows.update_or_create(
        workspace=imported.workspace,
        purpose=imported.purpose,
        digest=_digest(names),
        defaults={
            "names": [_whole_name(column) for column in _columns(imported)],
            "mapping": [target for column, target in chosen if not _is_ours(imported, column)],
            "number_form": _form_to_remember(imported, before),
            "used_at": timezone.now(),
        },
    )


def _form_to_remember(imported: Import, before: RememberedMapping | None) -> str:
    form = imported.number_form
    was_remembered = before is not None and before.number_form == form
    is_against_guess = any(one != form for one in guessed_forms(imported).values())
    return form if imported.is_form_chosen and (was_remembered or is_against_guess) else ""


def is_recalled(imported: Import) -> bool:
    """Before the run: whether the mapping is the remembered one, and another one than would be guessed."""
    if imported.counts or imported.mapping == [column["guess"] for column in imported.columns]:
        return False
    found = remembered_for(imported)
    return found is not None and imported.mapping == recalled_mapping(imported, found)


def is_recalled_in_part(imported: Import) -> bool:
    """Of one that is recalled: whether the remembered file had other columns too, or not all of these."""
    found = remembered_for(imported)
    return found is not None and _likeness(_names(imported), _plain_names(found.names)) < 1


def _likeness(some: Sequence[str], others: Sequence[str]) -> float:
    """The share of all names of both that both have, each as often as it stands there."""
    one, other = Counter(some), Counter(others)
    return (one & other).total() / max((one | other).total(), 1)


def _columns(imported: Import) -> list[dict[str, Any]]:
    return [column for column in imported.columns if not _is_ours(imported, column)]


def _is_ours(imported: Import, column: dict[str, Any]) -> bool:
    """One of the two columns of a reject file, where the file has both."""
    names = {one["name"] for one in imported.columns}
    return column["name"] in REJECT_COLUMNS and names >= set(REJECT_COLUMNS)


def _writes_international(imported: Import) -> bool:
    """A list that we exported with semicolons."""
    names = tuple(column["name"] for column in _columns(imported))
    return names[: len(SEMICOLON_COLUMNS)] == SEMICOLON_COLUMNS


def _names(imported: Import) -> list[str]:
    return _plain_names([_whole_name(column) for column in _columns(imported)])


def _whole_name(column: dict[str, Any]) -> str:
    """Labels are cut."""
    return str(column.get("uncut") or column["name"])


def _plain_names(names: Sequence[str]) -> list[str]:
    """Of several columns of one name the later ones carry their place ("Note (3)"), which may be another one."""
    plain = [_plain(name) for name in names]
    return [base if (base := _PLACE.sub("", name)) in plain else name for name in plain]


def _plain(name: str) -> str:
    return "".join(name.casefold().split())


def _digest(names: Sequence[str]) -> str:
    """Whatever their order."""
    return hashlib.sha256(json.dumps(sorted(names)).encode()).hexdigest()
