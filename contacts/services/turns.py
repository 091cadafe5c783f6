"""Imports and jobs of lists take turns at the workers of files: who waits, and for whom."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.models import Import, ImportState, ListJob, ListJobState

# So long a worker keeps what it works on without saying that it lives; it says so with each chunk.
LEASE = timedelta(seconds=60)
# What is not heard of for so long stands still, whatever its page last said.
SILENT_AFTER = timedelta(seconds=15)
WORKED_ON = (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)


def does_anybody_wait(*, besides: ListJob) -> bool:
    """For a worker: nobody holds it, or who held it died."""
    free = Q(lease_holder="") | Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    jobs = ListJob.objects.filter(
        Q(state=ListJobState.WAITING) | Q(free, state=ListJobState.RUNNING)
    ).exclude(pk=besides.pk)
    return jobs.exists() or Import.objects.filter(free, state__in=WORKED_ON).exists()


def is_silent(row: Import | ListJob) -> bool:
    """Whether the worker that has it has not been heard of: killed, or cut off."""
    if not row.lease_holder or row.lease_until is None:
        return False
    return row.lease_until - LEASE < timezone.now() - SILENT_AFTER


def what_it_waits_for(row: Import | ListJob) -> str:
    """Of one that should be worked on; "" while it is."""
    if is_silent(row):
        return _("Its worker is not heard of: waiting for another one, which goes on from here.")
    return "" if row.lease_holder else what_is_at_work(row.workspace)


def what_is_at_work(workspace: Workspace) -> str:
    """What somebody of this workspace waits for. The files of another workspace are not named."""
    held = ~Q(lease_holder="") & Q(lease_until__gte=timezone.now())
    imports = Import.objects.filter(held, state__in=WORKED_ON)
    jobs = ListJob.objects.filter(held, state=ListJobState.RUNNING).select_related("list")
    imported, job = imports.filter(workspace=workspace).first(), jobs.filter(workspace=workspace).first()
    if imported:
        return _("Waiting for its turn: the file %(name)s is being imported.") % {"name": imported.file_name}
    if job:
        return _("Waiting for its turn: the job “%(what)s” of the list %(name)s is at work.") % {
            "what": job.what,
            "name": job.list.name,
        }
    if imports.exists() or jobs.exists():
        return _("Waiting for its turn: files of another workspace are worked on.")
    return _("Waiting for a worker")
