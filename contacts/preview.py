"""The first rows of a file as they would be imported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from contacts.fields import AT, LABELS, SOURCE, label_of
from contacts.files.parsing import Emit, OptOutPlan, Parser, Plan
from contacts.files.reading import open_records
from contacts.models import Import, Recipient
from contacts.services.import_runner import format_of_import, plan_of

LOOKED_AT_ROWS = 50
# Empty ones included: a page does not wait for a million of them.
LOOKED_AT_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class Preview:
    """`header`: labels after the number; `rows`: (digits, country, kind where it is no mobile, values)."""

    header: list[str]
    rows: list[tuple[str, str, str, list[str]]]


def preview_of(imported: Import, limit: int = 5) -> Preview:
    plan = plan_of(imported)
    if isinstance(plan, OptOutPlan):
        return _preview_of_proofs(imported, plan, limit)
    header = [*(capfirst(str(LABELS[name])) for name in plan.fields), *plan.extras]

    def keep(digits: str, country: str, kind: str, values: list[str]) -> tuple[str, str, str, list[str]]:
        mark = Recipient(kind=kind).marked_kind
        if not plan.extras:
            return digits, country, mark, values
        extra = json.loads(values[-1])
        return digits, country, mark, [*values[:-1], *(extra.get(name, "") for name in plan.extras)]

    return Preview(header, _first(imported, plan, keep, limit))


def _preview_of_proofs(imported: Import, plan: OptOutPlan, limit: int) -> Preview:
    def keep(digits: str, country: str, _kind: str, values: list[str]) -> tuple[str, str, str, list[str]]:
        filled = dict(zip(plan.fields, values, strict=True))
        at = filled.get(AT, "")
        when = localtime(datetime.fromisoformat(at), plan.zone).strftime("%Y-%m-%d %H:%M %Z") if at else ""
        return (
            digits,
            country,
            "",
            [when or _("when the import runs"), filled.get(SOURCE) or imported.file_name],
        )

    return Preview(
        [capfirst(str(label_of(AT))), capfirst(str(label_of(SOURCE)))], _first(imported, plan, keep, limit)
    )


def _first(imported: Import, plan: Plan, keep: Emit, limit: int) -> list[Any]:
    """None where the file is gone."""
    try:
        with open_records(Path(imported.file.path), format_of_import(imported)) as records:
            chunk = Parser(plan, keep, encode_basestring).take(
                islice(records, LOOKED_AT_RECORDS), LOOKED_AT_ROWS
            )
    except FileNotFoundError:
        return []
    return chunk.items[:limit]
