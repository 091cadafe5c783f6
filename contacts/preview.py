"""The first rows of a file as they would be imported."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring
from pathlib import Path

from django.utils.text import capfirst

from contacts.fields import LABELS
from contacts.files.parsing import Parser
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
    header = [*(capfirst(str(LABELS[name])) for name in plan.fields), *plan.extras]

    def keep(digits: str, country: str, kind: str, values: list[str]) -> tuple[str, str, str, list[str]]:
        mark = Recipient(kind=kind).marked_kind
        if not plan.extras:
            return digits, country, mark, values
        extra = json.loads(values[-1])
        return digits, country, mark, [*values[:-1], *(extra.get(name, "") for name in plan.extras)]

    try:
        with open_records(Path(imported.file.path), format_of_import(imported)) as records:
            chunk = Parser(plan, keep, encode_basestring).take(
                islice(records, LOOKED_AT_RECORDS), LOOKED_AT_ROWS
            )
    except FileNotFoundError:
        return Preview(header, [])
    return Preview(header, chunk.items[:limit])
