"""News from below, from accounts."""

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import AuditEntry, Workspace
from accounts.signals import InstanceClaimed, WorkspaceCreated, instance_claimed, workspace_created
from providers.services import create_sandbox_accounts, register_sandbox_webhooks
from providers.services.sync import note_changed
from providers.services.sync_runs import stop_after_claim
from providers.sync.registry import entity_of_subject
from providers.tasks import push_soon


@receiver(workspace_created)
def add_sandbox_accounts(payload: WorkspaceCreated, **_kwargs: Any) -> None:
    """Asked for at set-up; the sandbox itself is called once the workspace stands."""
    if not payload.wants_sandbox:
        return
    workspace = Workspace.objects.get(pk=payload.workspace_id)
    create_sandbox_accounts(workspace)
    transaction.on_commit(partial(register_sandbox_webhooks, workspace=workspace), robust=True)


@receiver(instance_claimed)
def stop_sync_runs(payload: InstanceClaimed, **_kwargs: Any) -> None:
    stop_after_claim()


@receiver(post_save, sender=AuditEntry)
def push_what_changed(instance: AuditEntry, created: bool, **_kwargs: Any) -> None:
    """Each change of something that can be kept in step is written there, in the transaction that makes it."""
    entity = entity_of_subject(instance.subject) if created else ""
    if not entity or instance.subject_id is None:
        return
    changed = note_changed(workspace_id=instance.workspace_id, entity=entity, local_id=instance.subject_id)
    if changed:
        transaction.on_commit(push_soon, robust=True)
