"""Senders: what people see a message come from, which accounts may use each, and where each may send to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.audit import record
from accounts.choices import country_choices, country_label
from accounts.models import Workspace
from messaging.edited import require_unchanged
from messaging.errors import MessagingError
from messaging.models import Sender
from providers.connectors import REGISTRY
from providers.errors import ConnectorError
from providers.models import ProviderAccount
from sms.msisdn import country_of
from sms.senders import MAX_SHORT_CODE_DIGITS, sender_error, sender_kind

KIND_LABEL = {
    "alphanumeric": gettext_lazy("name"),
    "number": gettext_lazy("number"),
    "short_code": gettext_lazy("short code"),
}
# What people put between the digits of a number.
NUMBER_DECORATION = str.maketrans("", "", " -.()\N{NO-BREAK SPACE}")


def create_sender(
    *,
    workspace: Workspace,
    actor: Actor,
    value: str,
    accounts: Iterable[ProviderAccount] = (),
    countries: Iterable[str] = (),
    is_default: bool = False,
) -> Sender:
    """`accounts`: the only ones that may use it; `countries`: ISO codes of the only ones it may send to. None named: all.

    Raises MessagingError.
    """
    clean = clean_sender(value)
    allowed = _of_workspace(workspace, accounts)
    codes = clean_countries(countries)
    try:
        with transaction.atomic():
            sender = Sender.objects.create(workspace=workspace, value=clean, countries=codes)
            sender.accounts.set(allowed)
            details = {"countries": codes} if codes else {}
            record(
                workspace, actor, "created", sender, accounts=[account.name for account in allowed], **details
            )
            if is_default:
                set_default_sender(sender=sender, actor=actor)
    except IntegrityError:
        raise MessagingError(
            _("The sender “%(sender)s” is there already.") % {"sender": clean},
            field="value",
            code="sender_exists",
        ) from None
    return sender


def update_sender(
    *,
    sender: Sender,
    actor: Actor,
    accounts: Iterable[ProviderAccount] | None = None,
    countries: Iterable[str] | None = None,
    is_default: bool | None = None,
    enabled: bool | None = None,
    seen: str = "",
) -> Sender:
    """What is given, all of it or nothing. `seen`: see messaging.edited. Raises MessagingError."""
    with transaction.atomic():
        if is_default is not None:
            # First, as in set_default_sender, which then writes other senders: two at once would wait for each other.
            Workspace.objects.select_for_update().get(pk=sender.workspace_id)
        require_unchanged(sender, seen)
        if enabled is not None:
            set_sender_enabled(sender=sender, enabled=enabled, actor=actor)
        if accounts is not None:
            allow_accounts(sender=sender, actor=actor, accounts=accounts)
        if countries is not None:
            allow_countries(sender=sender, actor=actor, countries=countries)
        if is_default is not None:
            set_default_sender(sender=sender, actor=actor, on=is_default)
    return sender


def allow_accounts(*, sender: Sender, actor: Actor, accounts: Iterable[ProviderAccount]) -> Sender:
    """Replaces the accounts that may use it; none named, all may. Raises MessagingError."""
    allowed = _of_workspace(sender.workspace, accounts)
    with transaction.atomic():
        if {account.pk for account in allowed} != set(sender.accounts.values_list("pk", flat=True)):
            sender.accounts.set(allowed)
            names = [account.name for account in allowed]
            record(sender.workspace, actor, "changed", sender, accounts=names)
    return sender


def allow_countries(*, sender: Sender, actor: Actor, countries: Iterable[str]) -> Sender:
    """Replaces the countries that it may send to; none named, all. Raises MessagingError."""
    codes = clean_countries(countries)
    with transaction.atomic():
        if codes != sender.countries:
            Sender.objects.filter(pk=sender.pk).update(countries=codes)
            sender.countries = codes
            record(sender.workspace, actor, "changed", sender, countries=codes)
    return sender


def set_default_sender(*, sender: Sender, actor: Actor, on: bool = True) -> Sender:
    """New drafts take it; a workspace has one at most. Raises MessagingError."""
    if on and not sender.enabled:
        raise MessagingError(
            _("%(sender)s is disabled, so new broadcasts cannot take it. Enable it first.")
            % {"sender": sender},
            field="is_default",
        )
    with transaction.atomic():
        # Two at once: one after the other.
        Workspace.objects.select_for_update().get(pk=sender.workspace_id)
        if on:
            others = Sender.objects.filter(workspace_id=sender.workspace_id, is_default=True)
            others.exclude(pk=sender.pk).update(is_default=False)
        if Sender.objects.filter(pk=sender.pk, is_default=not on).update(is_default=on):
            record(sender.workspace, actor, "changed", sender, is_default=on)
    sender.is_default = on
    return sender


def set_sender_enabled(*, sender: Sender, enabled: bool, actor: Actor) -> Sender:
    """A disabled sender is hidden where one chooses; broadcasts that have it say so before they are sent."""
    changes = {"enabled": enabled} if enabled else {"enabled": False, "is_default": False}
    with transaction.atomic():
        if Sender.objects.filter(pk=sender.pk, enabled=not enabled).update(**changes):
            record(sender.workspace, actor, "enabled" if enabled else "disabled", sender)
    sender.enabled = enabled
    sender.is_default = sender.is_default and enabled
    return sender


def clean_sender(value: str) -> str:
    """`+1 202-555-0100`, `0012025550100` -> `12025550100`; names as they are. Raises MessagingError."""
    text = str(value).strip()
    digits = text.removeprefix("+").translate(NUMBER_DECORATION)
    if digits.isascii() and digits.isdigit():
        # No country code begins with 0; a short code may.
        text = digits[2:] if digits.startswith("00") and len(digits) > MAX_SHORT_CODE_DIGITS else digits
    if problem := sender_error(text):
        raise MessagingError(problem, field="value")
    return text


def clean_countries(values: Iterable[str]) -> list[str]:
    """ISO codes in capitals, each once, sorted. Raises MessagingError."""
    codes = sorted({str(value).strip().upper() for value in values} - {""})
    known = {code for code, _label in country_choices()}
    if unknown := [code for code in codes if code not in known]:
        raise MessagingError(
            _("“%(code)s” is no country. Give ISO 3166 codes of two letters, such as US or GB.")
            % {"code": unknown[0][:20]},
            field="countries",
        )
    return codes


def country_words(codes: Iterable[str]) -> str:
    """ "CA (+1), GB (+44)"."""
    return ", ".join(country_label(code) for code in codes)


def sender_problem(sender: Sender, account: ProviderAccount) -> str | None:
    """Why the account may not send as this sender, and what to do; None when it may."""
    allowed = {each.pk for each in sender.accounts.all()}
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
    try:
        connector.check_sender(sender.value)
    except ConnectorError as error:
        return _("%(problem)s Choose another sender, or an account of another vendor.") % {"problem": error}
    return None


def country_problem(sender: Sender, msisdn: str) -> str | None:
    """Why the sender may not send to the number, and what to do; None when it may."""
    country = country_of(msisdn)
    if not sender.countries or country in sender.countries:
        return None
    return _(
        "The sender %(sender)s sends to %(countries)s only, and +%(number)s is no number of these. Choose another"
        " sender, or add the country under Senders."
    ) % {"sender": sender, "countries": country_words(sender.countries), "number": msisdn}


def pinned(senders: Sequence[Sender]) -> list[tuple[str, list[str]]]:
    """As a dispatch keeps them, see messaging.sender_choice."""
    return sorted((sender.value, list(sender.countries)) for sender in senders)


def _of_workspace(workspace: Workspace, accounts: Iterable[ProviderAccount]) -> list[ProviderAccount]:
    chosen = list(accounts)
    if any(account.workspace_id != workspace.pk for account in chosen):
        raise MessagingError(_("One of the accounts does not exist in this workspace."), field="accounts")
    return chosen
