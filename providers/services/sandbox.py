"""Accounts at the provider sandbox that runs beside this installation: to try everything without a vendor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac

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
    media_price: Decimal | None = None

    def credentials(self, workspace_id: int) -> dict[str, str]:
        """The workspace's own, as the sandbox keeps texts and webhooks apart by them. Nobody else can guess them:
        who knew them could add an account with them, and read along at the handset.
        """
        own = salted_hmac("providers.sandbox", str(workspace_id), algorithm="sha256").hexdigest()[:20]
        if self.vendor == "bulkvs":
            return {"username": f"sandbox-{own}", "password": "sandbox"}
        return {"api_key": f"sandbox-key-{own}"}

    def has_old_credentials(self, account: ProviderAccount) -> bool:
        """Made before each workspace had its own: shared by all, or to be guessed."""
        try:
            known = account.credentials
        except ImproperlyConfigured:
            return False
        old = {"username": f"sandbox{account.workspace_id}", "api_key": "sandbox-key"}
        return any(known.get(name) == value for name, value in old.items())


DOORS = (
    _Door("bulkvs", "BulkVS sandbox", "/bulkvs/api/v1.0", Decimal("0.0079"), Decimal("0.02")),
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
        media_price=door.media_price,
    )


def tend_sandbox() -> int:
    """What the sandbox forgets whenever it is started, and its address, which changes with the port.

    Returns how many webhooks it took.
    """
    if not settings.SANDBOX_URL:
        return 0
    _follow_address()
    _part_workspaces()
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


def _part_workspaces() -> None:
    """Accounts made above by an earlier version get credentials of their workspace's own."""
    for door in DOORS:
        base_url = settings.SANDBOX_URL + door.path
        for account in ProviderAccount.objects.filter(vendor=door.vendor, name=door.name, base_url=base_url):
            if door.has_old_credentials(account):
                own = door.credentials(account.workspace_id)
                update_account(account=account, actor=Actor(), credentials=own)


@dataclass(frozen=True, slots=True)
class SandboxNames:
    """`own`: what the sandbox calls the workspace's accounts, VENDOR:NAME. `shared`: Crier's names of those whose
    user name or key another workspace has too: whose texts they are cannot be told, so nobody is shown them.
    """

    own: list[str]
    shared: list[str]


def sandbox_names(workspace: Workspace) -> SandboxNames:
    """Of disabled accounts too: what they sent is still on the handsets."""
    mine: dict[str, str] = {}
    theirs: set[str] = set()
    for account in ProviderAccount.objects.filter(base_url__startswith=f"{settings.SANDBOX_URL}/"):
        name = _sandbox_name(account)
        if name and account.workspace_id == workspace.pk:
            mine[name] = account.name
        elif name:
            theirs.add(name)
    return SandboxNames(sorted(mine.keys() - theirs), sorted(mine[name] for name in mine.keys() & theirs))


def _sandbox_name(account: ProviderAccount) -> str:
    try:
        credentials = account.credentials
    except ImproperlyConfigured:
        return ""
    name = credentials.get("username") or credentials.get("api_key")
    return f"{account.vendor}:{name}" if name else ""


def sandbox_accounts(workspace: Workspace | None = None) -> list[ProviderAccount]:
    """All enabled accounts whose address is the sandbox of this installation."""
    if not settings.SANDBOX_URL:
        return []
    rows = ProviderAccount.objects.filter(enabled=True, base_url__startswith=f"{settings.SANDBOX_URL}/")
    if workspace is not None:
        rows = rows.filter(workspace=workspace)
    return list(rows.select_related("workspace").order_by("id"))


def is_sandbox(account: ProviderAccount) -> bool:
    """Whether its texts stay on this machine."""
    return bool(settings.SANDBOX_URL) and account.base_url.startswith(f"{settings.SANDBOX_URL}/")


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
