"""News of workspaces for the floors above."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class ShortDomainWanted:
    """`domain` as it would be kept; `host`: its name alone."""

    workspace_id: int
    domain: str
    host: str


# Sent with payload=ShortDomainWanted before a workspace gets another short domain: a receiver that raises AccountsError
# refuses it.
short_domain_wanted = Signal()


@dataclass(frozen=True, slots=True)
class InstanceClaimed:
    """`last_sent_from`: until then, at least, the original was at work; since then it may have sent what waits here."""

    last_sent_from: datetime


# Sent with payload=InstanceClaimed inside the transaction that claims a copy of the database: who receives it holds back
# what the original may have sent meanwhile.
instance_claimed = Signal()
