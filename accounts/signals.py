"""News of workspaces for the floors above."""

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class WorkspaceCreated:
    """`user_id`: its owner. `wants_sandbox`: they asked for accounts at the sandbox, to try things out."""

    workspace_id: int
    user_id: int
    wants_sandbox: bool


# Sent with payload=WorkspaceCreated inside the transaction that makes the workspace: a receiver that raises
# undoes it all.
workspace_created = Signal()
