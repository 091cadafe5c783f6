"""The first rows of a file as they will be: what becomes of each, and what it changes of whom the list has already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from json.encoder import encode_basestring
from pathlib import Path
from typing import Literal

from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from contacts.fields import AT, SOURCE, label_of
from contacts.files.columns import EXTRA
from contacts.files.parsing import OptOutPlan, Parser, Plan
from contacts.files.reading import open_records
from contacts.models import (
    ExistingNumbers,
    Import,
    ImportPurpose,
    Recipient,
    UnsubscribeMember,
)
from contacts.services.import_runner import format_of_import, plan_of
from contacts.services.opt_outs import opted_out_numbers

LOOKED_AT_ROWS = 50
# Empty ones included: a page does not wait for a million of them.
LOOKED_AT_RECORDS = 1_000
SHOWN_ROWS = 5

Effect = Literal["new", "updated", "unchanged", "skipped"]


@dataclass(frozen=True, slots=True)
class PreviewCell:
    """`name`: as in a mapping; `before`: what the list has now, None where that stays or the person is new."""

    name: str
    value: str
    before: str | None = None

    @property
    def label(self) -> str:
        return _label(self.name)


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """`row`: its number in the file; `kind`: of its number; `effect`: what will happen, as in the check's counts."""

    row: int
    msisdn: str
    country: str
    kind: str
    effect: Effect
    is_opted_out: bool
    cells: list[PreviewCell]

    @property
    def marked_kind(self) -> str:
        return Recipient(kind=self.kind).marked_kind


@dataclass(frozen=True, slots=True)
class Preview:
    """`header`: labels of the rows' cells."""

    header: list[str]
    rows: list[PreviewRow]


@dataclass(frozen=True, slots=True)
class _Read:
    """A row of the file that can be imported: its values by the names of a mapping."""

    row: int
    msisdn: str
    country: str
    kind: str
    values: dict[str, str]


def preview_of(imported: Import, limit: int = SHOWN_ROWS) -> Preview:
    """Of a file that is gone no rows."""
    plan = plan_of(imported)
    read = _first_rows(imported, plan, limit)
    numbers = [one.msisdn for one in read]
    if isinstance(plan, OptOutPlan):
        there = _opted_out_already(imported, numbers)
        rows = [_proof_row(plan, one, one.msisdn in there) for one in read]
        return Preview([_label(AT), _label(SOURCE)], rows)
    header = [_label(name) for name in _names(plan)]
    people = (
        Recipient.objects.filter(list_id=imported.list_id, msisdn__in=numbers) if imported.list_id else []
    )
    known = {person.msisdn: _values_of(person, plan) for person in people}
    silent = opted_out_numbers(workspace_id=imported.workspace_id, msisdns=numbers)
    existing = ExistingNumbers(imported.existing)
    return Preview(header, [_row(one, known.get(one.msisdn), one.msisdn in silent, existing) for one in read])


def _first_rows(imported: Import, plan: Plan, limit: int) -> list[_Read]:
    names = _names(plan)

    def keep(digits: str, country: str, kind: str, values: list[str]) -> tuple[str, str, str, dict[str, str]]:
        if plan.extras:
            extra = json.loads(values[-1])
            values = [*values[:-1], *(extra.get(name, "") for name in plan.extras)]
        return digits, country, kind, dict(zip(names, values, strict=True))

    try:
        with open_records(Path(imported.file.path), format_of_import(imported)) as records:
            chunk = Parser(plan, keep, encode_basestring).take(
                islice(records, LOOKED_AT_RECORDS), LOOKED_AT_ROWS
            )
    except FileNotFoundError:
        return []
    return [_Read(row, *item) for row, item in zip(chunk.item_rows[:limit], chunk.items, strict=False)]


def _opted_out_already(imported: Import, numbers: Sequence[str]) -> set[str]:
    """Those of `numbers` that are where the file would put them."""
    if imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST:
        members = UnsubscribeMember.objects.filter(list_id=imported.unsubscribe_list_id, msisdn__in=numbers)
        return set(members.values_list("msisdn", flat=True))
    return opted_out_numbers(workspace_id=imported.workspace_id, msisdns=numbers)


def _proof_row(plan: OptOutPlan, read: _Read, is_there: bool) -> PreviewRow:
    """The first opt-out of a number stays as it is."""
    at = read.values[AT]
    when = localtime(datetime.fromisoformat(at), plan.zone).strftime("%Y-%m-%d %H:%M %Z") if at else ""
    cells = [
        PreviewCell(AT, when or _("when the import runs")),
        PreviewCell(SOURCE, read.values[SOURCE]),
    ]
    return PreviewRow(
        read.row, read.msisdn, read.country, "", "unchanged" if is_there else "new", is_there, cells
    )


def _names(plan: Plan) -> list[str]:
    if isinstance(plan, OptOutPlan):
        return plan.stored
    return [*plan.fields, *(EXTRA + name for name in plan.extras)]


def _label(name: str) -> str:
    return name.removeprefix(EXTRA) if name.startswith(EXTRA) else capfirst(str(label_of(name)))


def _values_of(person: Recipient, plan: Plan) -> dict[str, str | None]:
    """None where nothing is there that filling would keep."""
    extra = {EXTRA + name: person.extra.get(name) for name in plan.extras}
    return {name: getattr(person, name) or None for name in plan.fields} | extra


def _row(
    read: _Read, known: Mapping[str, str | None] | None, is_opted_out: bool, existing: ExistingNumbers
) -> PreviewRow:
    if known is None:
        effect: Effect = "new"
        cells = [PreviewCell(name, value) for name, value in read.values.items()]
    else:
        cells = [_merged(name, value, known[name], existing) for name, value in read.values.items()]
        effect = _effect(cells, existing)
    return PreviewRow(read.row, read.msisdn, read.country, read.kind, effect, is_opted_out, cells)


def _merged(name: str, value: str, before: str | None, existing: ExistingNumbers) -> PreviewCell:
    """As contacts.services.import_writers merges in SQL: an empty cell never erases."""
    fills_only = existing == ExistingNumbers.FILL and before is not None
    if existing == ExistingNumbers.SKIP or fills_only or not value or value == before:
        return PreviewCell(name, before or "")
    return PreviewCell(name, value, before or "")


def _effect(cells: Sequence[PreviewCell], existing: ExistingNumbers) -> Effect:
    if existing == ExistingNumbers.SKIP:
        return "skipped"
    return "updated" if any(cell.before is not None for cell in cells) else "unchanged"
