"""Senders: what people see a message come from, and which accounts may use each."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.models import Sender
from providers.connectors import REGISTRY
from providers.models import ProviderAccount
from sms.senders import sender_error, sender_kind

KIND_LABEL = {
    "alphanumeric": gettext_lazy("name"),
    "number": gettext_lazy("number"),
    "short_code": gettext_lazy("short code"),
}
# What people put between the digits of a number.
NUMBER_DECORATION = str.maketrans("", "", " -.()\N{NO-BREAK SPACE}")


def create_sender(
    *, workspace: Workspace, actor: Actor, value: str, accounts: Iterable[ProviderAccount] = ()
) -> Sender:
    """`accounts`: the only ones that may use it; none named, all may. Raises MessagingError."""
    clean = clean_sender(value)
    allowed = _of_workspace(workspace, accounts)
    try:
        with transaction.atomic():
            sender = Sender.objects.create(workspace=workspace, value=clean)
            sender.accounts.set(allowed)
            record(workspace, actor, "created", sender, accounts=[account.name for account in allowed])
    except IntegrityError:
        raise MessagingError(
            _("The sender “%(sender)s” is there already.") % {"sender": clean},
            field="value",
            code="sender_exists",
        ) from None
    return sender


def allow_accounts(*, sender: Sender, actor: Actor, accounts: Iterable[ProviderAccount]) -> Sender:
    """Replaces the accounts that may use it; none named, all may. Raises MessagingError."""
    allowed = _of_workspace(sender.workspace, accounts)
    with transaction.atomic():
        sender.accounts.set(allowed)
        record(sender.workspace, actor, "changed", sender, accounts=[account.name for account in allowed])
    return sender


def set_sender_enabled(*, sender: Sender, enabled: bool, actor: Actor) -> Sender:
    """A disabled sender is hidden where one chooses; broadcasts that have it say so before they are sent."""
    with transaction.atomic():
        if Sender.objects.filter(pk=sender.pk, enabled=not enabled).update(enabled=enabled):
            record(sender.workspace, actor, "enabled" if enabled else "disabled", sender)
    sender.enabled = enabled
    return sender


def clean_sender(value: str) -> str:
    """`+1 202-555-0100` -> `12025550100`; names as they are. Raises MessagingError."""
    text = str(value).strip()
    digits = text.removeprefix("+").translate(NUMBER_DECORATION)
    if digits.isascii() and digits.isdigit():
        text = digits
    if problem := sender_error(text):
        raise MessagingError(problem, field="value")
    return text


def sender_problem(sender: Sender, account: ProviderAccount) -> str | None:
    """Why the account may not send as this sender, and what to do; None when it may."""
    allowed = list(sender.accounts.values_list("pk", flat=True))
    if allowed and account.pk not in allowed:
        return _(
            "%(account)s may not use the sender %(sender)s. Choose another sender or account, or allow it"
            " under Senders."
        ) % {"account": account, "sender": sender}
    connector = REGISTRY.get(account.vendor)
    if connector is None:
        return _("The vendor of %(account)s is not known here. Choose another account.") % {
            "account": account
        }
    if sender_kind(sender.value) == "alphanumeric" and not connector.capabilities.alphanumeric_senders:
        return _(
            "%(vendor)s sends from numbers only, and “%(sender)s” is a name. Choose a number as the"
            " sender, or an account of another vendor."
        ) % {"vendor": connector.label, "sender": sender}
    return None


def _of_workspace(workspace: Workspace, accounts: Iterable[ProviderAccount]) -> list[ProviderAccount]:
    chosen = list(accounts)
    if any(account.workspace_id != workspace.pk for account in chosen):
        raise MessagingError(_("One of the accounts does not exist in this workspace."), field="accounts")
    return chosen
