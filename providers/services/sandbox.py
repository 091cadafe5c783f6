"""Accounts at the provider sandbox that runs beside this installation: to try everything without a vendor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings

from accounts.access import Actor
from accounts.models import Workspace
from providers.models import ProviderAccount
from providers.services.accounts import (
    can_register_webhook,
    create_account,
    register_webhook,
    update_account,
)

log = structlog.get_logger("crier.providers")

PARTS_PER_SECOND = Decimal(500)
MAX_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class _Door:
    """One vendor's door of the sandbox, and the account that Crier makes for it."""

    vendor: str
    name: str
    path: str
    price: Decimal

    def credentials(self, workspace_id: int) -> dict[str, str]:
        if self.vendor == "bulkvs":
            # It keeps webhooks by user name, so each workspace has its own.
            return {"username": f"sandbox{workspace_id}", "password": "sandbox"}
        return {"api_key": "sandbox-key"}


DOORS = (
    _Door("bulkvs", "BulkVS sandbox", "/bulkvs/api/v1.0", Decimal("0.0079")),
    _Door("messagewhiz", "MessageWhiz sandbox", "/messagewhiz", Decimal("0.01")),
)


def create_sandbox_accounts(workspace: Workspace, *, actor: Actor | None = None) -> list[ProviderAccount]:
    """BulkVS first, then MessageWhiz; those that are there are left as they are. [] without a sandbox.

    `register_sandbox_webhooks` tells the sandbox where to post.
    """
    if not settings.SANDBOX_URL:
        return []
    known = {account.name: account for account in workspace.provider_accounts.all()}
    return [known.get(door.name) or _create(workspace, door, actor or Actor()) for door in DOORS]


def _create(workspace: Workspace, door: _Door, actor: Actor) -> ProviderAccount:
    return create_account(
        workspace=workspace,
        vendor=door.vendor,
        actor=actor,
        name=door.name,
        base_url=settings.SANDBOX_URL + door.path,
        credentials=door.credentials(workspace.pk),
        parts_per_second=PARTS_PER_SECOND,
        max_in_flight=MAX_IN_FLIGHT,
        default_price=door.price,
    )


def tend_sandbox() -> int:
    """What the sandbox forgets whenever it is started, and its address, which changes with the port.

    Returns how many webhooks it took.
    """
    if not settings.SANDBOX_URL:
        return 0
    _follow_address()
    return register_sandbox_webhooks()


def _follow_address() -> None:
    """Accounts made above whose sandbox was at another port of this machine; all else is left alone."""
    for door in DOORS:
        moved = re.compile(r"http://127\.0\.0\.1:\d+" + re.escape(door.path))
        for account in ProviderAccount.objects.filter(vendor=door.vendor, name=door.name):
            wanted = settings.SANDBOX_URL + door.path
            if account.base_url != wanted and moved.fullmatch(account.base_url):
                update_account(
                    account=account,
                    actor=Actor(),
                    base_url=wanted,
                    credentials=door.credentials(account.workspace_id),
                )


def sandbox_accounts(workspace: Workspace | None = None) -> list[ProviderAccount]:
    """All enabled accounts whose address is the sandbox of this installation."""
    if not settings.SANDBOX_URL:
        return []
    rows = ProviderAccount.objects.filter(enabled=True, base_url__startswith=f"{settings.SANDBOX_URL}/")
    if workspace is not None:
        rows = rows.filter(workspace=workspace)
    return list(rows.select_related("workspace").order_by("id"))


def register_sandbox_webhooks(*, workspace: Workspace | None = None) -> int:
    """Sets the webhooks that the sandbox forgets whenever it is started; returns how many it took."""
    done = 0
    for account in sandbox_accounts(workspace):
        if not can_register_webhook(account):
            continue
        result = register_webhook(account=account, actor=Actor())
        done += result.ok
        if not result.ok:
            log.warning("sandbox webhook not set", account=account.pk, error=result.sentence)
    return done
