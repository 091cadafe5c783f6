"""What the tests of contacts share: people on lists, files, and an import from upload to end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from contacts.files.inspection import is_filled
from contacts.files.reading import open_records
from contacts.models import ExistingNumbers, Import, RecipientList
from contacts.services import import_runner, imports
from contacts.services.lists import Person, add_recipients, create_list
from sms.examples import example_msisdns
from sms.msisdn import format_msisdn

NOBODY = Actor()
ROW_COUNTS = ("new", "updated", "unchanged", "duplicate", "skipped", "refused")


def number(n: int) -> str:
    """The n-th example number, as digits: 12015550100, 12015550101 ..."""
    return next(example_msisdns(1, n))


def shown(n: int) -> str:
    """The same number as pages show it."""
    return format_msisdn(number(n))


def list_named(workspace: Workspace, name: str = "Members", people: Sequence[Person] = ()) -> RecipientList:
    made = create_list(workspace=workspace, actor=NOBODY, name=name)
    if people:
        add_recipients(recipient_list=made, people=people, actor=NOBODY)
    return made


def upload(workspace: Workspace, content: str | bytes, name: str = "people.csv", **more: Any) -> Import:
    raw = content.encode() if isinstance(content, str) else content
    return imports.upload_import(
        workspace=workspace, actor=NOBODY, upload=ContentFile(raw, name), name=name, **more
    )


def as_written(imported: Import) -> Import:
    """Read as UTF-8 with commas and a header, whatever a generated file looks like."""
    return imports.reread_import(
        imported=imported, encoding="utf-8", delimiter=",", quote='"', has_header=True
    )


def checked(
    imported: Import,
    *,
    to: RecipientList | None = None,
    mapping: Sequence[str] | None = None,
    country: str = "US",
    existing: str = ExistingNumbers.UPDATE,
    truncate: bool = False,
) -> Import:
    """Through the check, whatever its size."""
    choices = imports.Choices(
        mapping=imported.mapping if mapping is None else mapping,
        default_country=country,
        existing=existing,
        truncate=truncate,
        recipient_list=to,
        new_list_name="" if to else f"List of import {imported.pk}",
    )
    imports.choose(imported=imported, choices=choices)
    imports.start_check(imported=imported)
    import_runner.check_import(imported.pk)  # does nothing where start_check did it
    imported.refresh_from_db()
    return imported


def ran(imported: Import) -> Import:
    imports.start_run(imported=imported, actor=NOBODY)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    return imported


def lose_lease(imported: Import) -> None:
    """As if the worker had been killed more than a lease ago."""
    Import.objects.filter(pk=imported.pk).update(lease_until=timezone.now() - import_runner.LEASE)


def records_of(imported: Import) -> int:
    """Rows below the names that hold something, counted by the reader alone."""
    path, file_format = Path(imported.file.path), import_runner.format_of_import(imported)
    with open_records(path, file_format) as records:
        return sum(is_filled(one) for row, one in enumerate(records, 1) if row > (imported.header_row or 0))


def rows_of(counts: dict[str, int]) -> int:
    return sum(counts[name] for name in ROW_COUNTS)


def checked_opt_outs(
    imported: Import, *, mapping: Sequence[str] | None = None, country: str = "US", **choices: Any
) -> Import:
    """As `checked`, of a file of opt-outs or for an unsubscribe list."""
    chosen = imports.Choices(
        mapping=imported.mapping if mapping is None else mapping,
        default_country=country,
        unsubscribe_list=imported.unsubscribe_list,
        **choices,
    )
    imports.choose(imported=imported, choices=chosen)
    imports.start_check(imported=imported)
    import_runner.check_import(imported.pk)  # as above
    imported.refresh_from_db()
    return imported
