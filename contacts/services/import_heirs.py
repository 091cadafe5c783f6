"""Whom an import that is undone leaves to another one that stands: people whom that one wrote after it.

Imports into one list may overlap: the one that began first may have written last, of one person or of all. Each change
of a person knows the moment of the one before (ImportBefore.was: "updated_at", as it was, and "written_at"); so they
are a chain, and an import is taken out of it where it stands:

- who was added by it and changed by a later one belongs to that one now, as if that had added them;
- what it changed before a later one did is put back by that one, when it is undone;
- who was removed from the list by a later one (it replaced the list) is put back without it, or not at all.

An edit by hand breaks the chain: whoever was edited stays, and stays as edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from contacts.batches import BATCH
from contacts.models import Import, ImportBefore, ImportState, Recipient, RecipientList


def possible_heirs(imported: Import) -> list[int]:
    """Ids of imports into its list that stand and may have written after it had begun; mostly there is none."""
    rows = Import.objects.filter(list_id=imported.list_id).exclude(pk=imported.pk).exclude(counts={})
    rows = rows.exclude(state=ImportState.UNDONE)
    began = imported.started_at or imported.created_at
    return list(rows.filter(Q(finished_at=None) | Q(finished_at__gte=began)).values_list("pk", flat=True))


def has_left_changes(imported: Import) -> bool:
    """Whether another import may have left it columns to put back that its own file has not."""
    others = Import.objects.filter(list_id=imported.list_id).exclude(pk=imported.pk)
    return others.filter(state__in=(ImportState.UNDOING, ImportState.UNDONE)).exists()


def pass_on_added(imported: Import, recipient_list: RecipientList, after: str) -> list[str]:
    """Of people whom it added and a later one changed, some thousand numbers behind `after`; empty at the end."""
    heirs = possible_heirs(imported)
    people = recipient_list.recipients.filter(import_id=imported.pk).order_by("msisdn") if heirs else None
    while people is not None and (rows := list(people.filter(msisdn__gt=after)[:BATCH])):
        next_ones = _next_ones(heirs, {row.msisdn: row.created_at for row in rows}, removed=False)
        passed = [row for row in rows if row.msisdn in next_ones]
        if passed:
            for row in passed:
                heir = next_ones[row.msisdn]
                row.import_id, row.created_at = heir.imported_id, _written_at(heir)
            Recipient.objects.bulk_update(passed, ["import_id", "created_at"], batch_size=1_000)
            _delete(next_ones.values())
            return [row.msisdn for row in passed]
        after = rows[-1].msisdn
    return []


def pass_on_changes(imported: Import, befores: QuerySet[ImportBefore]) -> int:
    """Of its `befores`, some thousand, those of people whom a later one changed or removed; how many."""
    heirs = possible_heirs(imported)
    rows = [row for row in befores if row.was.get("written_at")] if heirs else []
    next_ones = _next_ones(heirs, {row.msisdn: _written_at(row) for row in rows})
    passed = [row for row in rows if row.msisdn in next_ones]
    for row in passed:
        heir = next_ones[row.msisdn]
        was = {name: value for name, value in row.was.items() if name != "written_at"}
        if heir.removed:
            was["updated_at"] = _moment(row.was["updated_at"]).isoformat()
        heir.was |= was
    ImportBefore.objects.bulk_update(next_ones.values(), ["was"], batch_size=1_000)
    _delete(passed)
    return len(passed)


def pass_on_removed(imported: Import, after: str) -> list[str]:
    """As `pass_on_added`, of people whom it added and a later one removed from the list."""
    heirs = possible_heirs(imported)
    kept = ImportBefore.objects.filter(imported__in=heirs, removed=True, was__import_id=imported.pk)
    while heirs and (rows := list(kept.filter(msisdn__gt=after).order_by("msisdn", "pk")[:BATCH])):
        unedited = [row for row in rows if row.was["updated_at"] == row.was["created_at"]]
        moments = {row.msisdn: _moment(row.was["created_at"]) for row in rows}
        next_ones = _next_ones(heirs, moments, removed=False)
        changed = [row for row in rows if row.msisdn in next_ones]
        for row in changed:
            heir = next_ones[row.msisdn]
            row.was |= {"import_id": heir.imported_id, "created_at": _written_at(heir).isoformat()}
        if unedited or changed:
            ImportBefore.objects.bulk_update(changed, ["was"], batch_size=1_000)
            _delete([*unedited, *next_ones.values()])
            return [row.msisdn for row in (*unedited, *changed)]
        after = rows[-1].msisdn
    return []


def pass_on_columns(imported: Import, recipient_list: RecipientList) -> None:
    """Further columns that only it brought and that are still there go with those who have them now."""
    left = [name for name in imported.new_columns if name in recipient_list.columns]
    for heir in Import.objects.filter(pk__in=possible_heirs(imported)).only("pk", "new_columns"):
        more = [name for name in left if name not in heir.new_columns]
        if more:
            Import.objects.filter(pk=heir.pk).update(new_columns=[*heir.new_columns, *more])


def _next_ones(
    heirs: Sequence[int], written: Mapping[str, datetime], **kinds: bool
) -> dict[str, ImportBefore]:
    """By number what a later import wrote upon just that moment, with nobody between them."""
    rows = (
        ImportBefore.objects.filter(imported__in=heirs, msisdn__in=list(written), **kinds) if written else []
    )
    return {
        row.msisdn: row
        for row in rows
        if row.was.get("updated_at")
        and (row.removed or row.was.get("written_at"))
        and _moment(row.was["updated_at"]) == written[row.msisdn]
    }


def _written_at(before: ImportBefore) -> datetime:
    return _moment(before.was["written_at"])


def _moment(raw: str) -> datetime:
    """As each database writes it: SQLite without an offset."""
    moment = datetime.fromisoformat(raw)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _delete(befores: Any) -> None:
    ImportBefore.objects.filter(pk__in=[before.pk for before in befores]).delete()
