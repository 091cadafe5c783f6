"""Senders that a vendor has for an account: found there, and added here bound to that account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Actor
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.senders import KIND_LABEL, allow_accounts, clean_sender, create_sender
from providers.connectors import REGISTRY
from providers.models import ProviderAccount
from providers.services import ProviderAccountError, can_list_senders, list_senders, vendor_label
from sms.senders import sender_kind


class FoundState(StrEnum):
    NEW = "new"
    # Here already, but this account may not use it.
    NOT_ALLOWED = "not_allowed"
    KNOWN = "known"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Found:
    """`value`: as it would be kept here; of an unusable one as the vendor writes it, and `problem` says why."""

    value: str
    kind: str
    state: FoundState
    problem: str = ""
    sender: Sender | None = None

    @property
    def can_be_added(self) -> bool:
        return self.state in (FoundState.NEW, FoundState.NOT_ALLOWED)


@dataclass(frozen=True, slots=True)
class AccountWords:
    """Whether senders can be found at the account; where not, why and what to do."""

    account: ProviderAccount
    can: bool
    words: str


def accounts_words(accounts: Sequence[ProviderAccount]) -> list[AccountWords]:
    found = []
    for account in accounts:
        can = can_list_senders(account)
        ask = _("%(vendor)s tells which senders this account has.") % {"vendor": vendor_label(account.vendor)}
        found.append(AccountWords(account, can, ask if can else _words_of(account)))
    return found


def find_senders(account: ProviderAccount) -> list[Found]:
    """Asks the vendor; those that can be added first. Raises MessagingError."""
    if not can_list_senders(account):
        sentence = _("%(account)s cannot list its senders. %(words)s")
        raise MessagingError(
            sentence % {"account": account, "words": _words_of(account)}, field="account", code="not_offered"
        )
    try:
        values = list_senders(account)
    except ProviderAccountError as error:
        raise MessagingError(error.sentence, field="account", code=error.code) from None
    known = {one.value: one for one in account.workspace.senders.prefetch_related("accounts")}
    order = list(FoundState)
    found = {one.value: one for one in (_found(account, value, known) for value in values)}
    return sorted(found.values(), key=lambda one: (order.index(one.state), one.value))


def add_found_senders(*, account: ProviderAccount, actor: Actor, values: Sequence[str]) -> int:
    """Adds those that are new, and allows the account those that it may not use yet; returns how many, all or nothing.

    Raises MessagingError.
    """
    cleaned = dict.fromkeys(clean_sender(value) for value in values)
    known = {one.value: one for one in account.workspace.senders.filter(value__in=cleaned)}
    added = 0
    with transaction.atomic():
        for value in cleaned:
            sender = known.get(value)
            if sender is None:
                create_sender(workspace=account.workspace, actor=actor, value=value, accounts=[account])
                added += 1
            elif not _may_use(account, sender):
                allow_accounts(sender=sender, actor=actor, accounts=[*sender.accounts.all(), account])
                added += 1
    return added


def _found(account: ProviderAccount, raw: str, known: dict[str, Sender]) -> Found:
    try:
        value = clean_sender(raw)
    except MessagingError as error:
        return Found(raw, "", FoundState.UNUSABLE, str(error.sentence))
    sender, kind = known.get(value), str(KIND_LABEL[sender_kind(value)])
    if sender is None:
        return Found(value, kind, FoundState.NEW)
    state = FoundState.KNOWN if _may_use(account, sender) else FoundState.NOT_ALLOWED
    return Found(value, kind, state, sender=sender)


def _may_use(account: ProviderAccount, sender: Sender) -> bool:
    allowed = [each.pk for each in sender.accounts.all()]
    return not allowed or account.pk in allowed


def _words_of(account: ProviderAccount) -> str:
    """What its vendor's connector says of listing senders."""
    connector = REGISTRY.get(account.vendor)
    if connector is None:
        return _("The vendor %(vendor)s is not known here.") % {"vendor": vendor_label(account.vendor)}
    return next(line.words for line in connector.capabilities.lines() if line.name == "sender_list")
