"""The audit trail: one line for each change that a person or a key makes."""

from typing import Any

from django.db.models import Model

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace


def record(workspace: Workspace, actor: Actor, action: str, row: Model, **details: Any) -> AuditEntry:
    """`action` is a verb in the past: "launched", "created". `details` must hold no secret."""
    return AuditEntry.objects.create(
        workspace=workspace,
        user=actor.user,
        api_key=actor.api_key,
        action=action,
        subject=row._meta.model_name or "",
        subject_id=row.pk,
        label=str(row)[:200],
        details=details,
    )
