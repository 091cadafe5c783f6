"""Imports and jobs of lists take turns at the workers of files: who waits, and for whom."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.models import Import, ImportState, ListJob, ListJobState

WORKED_ON = (ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING)


def does_anybody_wait(*, besides: ListJob) -> bool:
    """For a worker: nobody holds it, or who held it died."""
    free = Q(lease_holder="") | Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    jobs = ListJob.objects.filter(
        Q(state=ListJobState.WAITING) | Q(free, state=ListJobState.RUNNING)
    ).exclude(pk=besides.pk)
    return jobs.exists() or Import.objects.filter(free, state__in=WORKED_ON).exists()


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
