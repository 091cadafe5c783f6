"""Accounts at the provider sandbox that runs beside this installation: to try everything without a vendor."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import httpx
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
    receipt_url,
    register_webhook,
    update_account,
)
from providers.transport import sync_client

log = structlog.get_logger("crier.providers")

PARTS_PER_SECOND = Decimal(500)
MAX_IN_FLIGHT = 64


@dataclass(frozen=True, slots=True)
class _Door:
    """One vendor's door of the sandbox, and the account that Crier makes for it.

    `credentials`: from the workspace's own word, 32 hexadecimal digits; `named_by`: the one that the sandbox knows it by.
    """

    vendor: str
    name: str
    path: str
    price: Decimal
    credentials: Callable[[str], dict[str, str]]
    named_by: str
    media_price: Decimal | None = None

    def own_credentials(self, workspace_id: int) -> dict[str, str]:
        """The workspace's own, as the sandbox keeps texts and webhooks apart by them. Nobody else can guess them:
        who knew them could add an account with them, and read along at the handset.
        """
        word = salted_hmac("providers.sandbox", str(workspace_id), algorithm="sha256").hexdigest()
        return self.credentials(word[:32])

    def has_old_credentials(self, account: ProviderAccount) -> bool:
        """Made before each workspace had its own: shared by all, or to be guessed."""
        try:
            known = account.credentials
        except ImproperlyConfigured:
            return False
        old = {"username": f"sandbox{account.workspace_id}", "api_key": "sandbox-key"}
        return any(known.get(name) == value for name, value in old.items())


def _guid(first: str, word: str) -> str:
    return f"{first}-{word[:4]}-4{word[4:7]}-8{word[7:10]}-{word[10:22]}".upper()


DOORS = (
    _Door(
        "bulkvs",
        "BulkVS sandbox",
        "/bulkvs/api/v1.0",
        Decimal("0.0079"),
        lambda word: {"username": f"sandbox-{word[:20]}", "password": "sandbox"},
        "username",
        Decimal("0.02"),
    ),
    _Door(
        "messagewhiz",
        "MessageWhiz sandbox",
        "/messagewhiz",
        Decimal("0.01"),
        lambda word: {"api_key": f"sandbox-key-{word[:20]}"},
        "api_key",
    ),
    _Door(
        "mobiz",
        "Mobiz sandbox",
        "/mobiz",
        Decimal("0.012"),
        lambda word: {
            "api_key": f"sandbox-key-{word[:20]}",
            "subscription_key": "sandbox",
            "trigger_key": f"sandbox-trigger-{word[:20]}",
            "username": "sandbox",
            "value_columns": "B=first_name, C=last_name, D=gender",
        },
        "api_key",
    ),
    _Door(
        "mx2",
        "Mx2 Group sandbox",
        "/mx2",
        Decimal("0.015"),
        lambda word: {
            "api_key": _guid("5A4DB0C5", word),
            "campaign_guid": _guid("CA3FA161", word),
        },
        "api_key",
    ),
    _Door(
        "ogangi",
        "Ogangi sandbox",
        "/ogangi",
        Decimal("0.011"),
        lambda word: {
            "instance_id": str(int(word[:6], 16)),
            "user_name": "sandbox",
            "public_key": f"sandbox-public-{word[:20]}",
            "private_key": "sandbox",
        },
        "public_key",
    ),
)
# Those that cannot be told their webhook by a call of the vendor's API: at the sandbox the control door takes it.
SET_BY_HAND = frozenset({"mx2"})


def create_sandbox_accounts(workspace: Workspace, *, actor: Actor | None = None) -> list[ProviderAccount]:
    """One for each vendor, in the order of DOORS; those that are there are left as they are. [] without a sandbox.

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
        credentials=door.own_credentials(workspace.pk),
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
                    credentials=door.own_credentials(account.workspace_id),
                )


def _part_workspaces() -> None:
    """Accounts made above by an earlier version get credentials of their workspace's own."""
    for door in DOORS:
        base_url = settings.SANDBOX_URL + door.path
        for account in ProviderAccount.objects.filter(vendor=door.vendor, name=door.name, base_url=base_url):
            if door.has_old_credentials(account):
                own = door.own_credentials(account.workspace_id)
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
    door = next((door for door in DOORS if door.vendor == account.vendor), None)
    name = credentials.get(door.named_by) if door else None
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
        if account.vendor in SET_BY_HAND:
            problem = _set_by_hand(account)
        elif can_register_webhook(account):
            result = register_webhook(account=account, actor=Actor())
            problem = "" if result.ok else result.sentence
        else:
            continue
        done += not problem
        if problem:
            log.warning("sandbox webhook not set", account=account.pk, error=problem)
    return done


def _set_by_hand(account: ProviderAccount) -> str:
    """What a person does on the vendor's own pages. Why it could not be, or ""."""
    vendor, _colon, name = _sandbox_name(account).partition(":")
    wanted = {"vendor": vendor, "account": name, "webhook": receipt_url(account)}
    try:
        with sync_client() as client:
            answer = client.post(f"{settings.SANDBOX_URL}/_sandbox/settings", json=wanted)
    except httpx.HTTPError as error:
        return f"the sandbox does not answer ({type(error).__name__})"
    return "" if answer.is_success else answer.text[:200]
