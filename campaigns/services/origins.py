"""How a person came onto a list, and on what consent: what imports, jobs and the audit trail tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import Literal

from django.db.models import Q

from accounts.models import AuditEntry, Workspace
from contacts.fields import CONSENT_AT, CONSENT_SOURCE
from contacts.models import Import, ListJob, ListJobKind, Recipient

# The line of the audit trail is written with the rows it tells of, right after them.
WRITTEN_WITHIN = timedelta(seconds=60)
BROUGHT = (ListJobKind.COPY, ListJobKind.MOVE, ListJobKind.SPLIT)
How = Literal["import", "person", "api", "job", "unknown"]


@dataclass(frozen=True, slots=True)
class Origin:
    """`by`: who, "" where nobody knows; `imported`, `job`: what brought the person. `consent`: in the words of the person's
    own columns, else of the import; `consent_at` as the file wrote it.
    """

    how: How
    by: str = ""
    imported: Import | None = None
    job: ListJob | None = None
    consent: str = ""
    consent_at: str = ""


def origins_of(workspace: Workspace, people: Sequence[Recipient]) -> dict[int, Origin]:
    """By the id of each, in three queries at most."""
    ids = {person.import_id for person in people if person.import_id}
    rows = Import.objects.filter(workspace=workspace, pk__in=ids).select_related("created_by", "api_key")
    imports = rows.in_bulk() if ids else {}
    others = [person for person in people if person.import_id not in imports]
    jobs, entries = _jobs(workspace, others), _entries(workspace, others)
    return {
        person.pk: _origin(person, imports.get(person.import_id or 0), jobs, entries) for person in people
    }


def _origin(
    person: Recipient, imported: Import | None, jobs: Sequence[ListJob], entries: Sequence[AuditEntry]
) -> Origin:
    own = str(person.extra.get(CONSENT_SOURCE, ""))
    return replace(
        _way(person, imported, jobs, entries),
        consent=own or (imported.consent if imported else ""),
        consent_at=str(person.extra.get(CONSENT_AT, "")),
    )


def _way(
    person: Recipient, imported: Import | None, jobs: Sequence[ListJob], entries: Sequence[AuditEntry]
) -> Origin:
    if imported is not None:
        return Origin("import", imported.by, imported=imported)
    for entry in entries:
        if entry.subject_id == person.list_id and _tells(entry, person):
            return Origin("api" if entry.api_key_id else "person", str(entry.user or entry.api_key or ""))
    for job in jobs:
        if job.target_id == person.list_id and _was_running(job, person):
            return Origin("job", str(job.created_by or ""), job=job)
    return Origin("unknown")


def _was_running(job: ListJob, person: Recipient) -> bool:
    ended = job.finished_at is not None and job.finished_at < person.created_at
    return job.created_at <= person.created_at and not ended


def _tells(entry: AuditEntry, person: Recipient) -> bool:
    return person.created_at <= entry.at < person.created_at + WRITTEN_WITHIN


def _entries(workspace: Workspace, people: Sequence[Recipient]) -> list[AuditEntry]:
    """The earliest first: that of the very transaction."""
    if not people:
        return []
    near = reduce(
        or_,
        (
            Q(subject_id=one.list_id, at__gte=one.created_at, at__lt=one.created_at + WRITTEN_WITHIN)
            for one in people
        ),
    )
    rows = AuditEntry.objects.filter(
        near, workspace=workspace, subject="recipientlist", action="added people"
    )
    return list(rows.select_related("user", "api_key").order_by("at", "pk"))


def _jobs(workspace: Workspace, people: Sequence[Recipient]) -> list[ListJob]:
    """The latest first."""
    if not people:
        return []
    first = min(person.created_at for person in people)
    ended = Q(finished_at=None) | Q(finished_at__gte=first)
    rows = ListJob.objects.filter(
        ended, workspace=workspace, kind__in=BROUGHT, target__in={person.list_id for person in people}
    )
    return list(rows.select_related("list", "created_by").order_by("-created_at"))
