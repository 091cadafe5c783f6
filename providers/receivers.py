"""News from below, from accounts."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.models import Workspace
from accounts.signals import WorkspaceCreated, workspace_created
from providers.services import create_sandbox_accounts, register_sandbox_webhooks


@receiver(workspace_created)
def add_sandbox_accounts(payload: WorkspaceCreated, **_kwargs: Any) -> None:
    """Asked for at set-up; the sandbox itself is called once the workspace stands."""
    if not payload.wants_sandbox:
        return
    workspace = Workspace.objects.get(pk=payload.workspace_id)
    create_sandbox_accounts(workspace)
    transaction.on_commit(partial(register_sandbox_webhooks, workspace=workspace), robust=True)
