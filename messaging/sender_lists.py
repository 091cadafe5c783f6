"""Sender lists: one of their senders for each message. Called alike by page, API and admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.copies import make_copy
from messaging.edited import require_unchanged
from messaging.errors import MessagingError
from messaging.models import Sender, SenderChoice, SenderList
from messaging.senders import sender_problem
from providers.models import ProviderAccount
from web.names import name_problem, stripped_name

NAME_MOST = 100
# All of them are kept with each dispatch, and drawn for each message of a list that is sticky.
MEMBERS_MOST = 500


@dataclass(frozen=True, slots=True)
class Usable:
    """`left_out`: each with why the account may not use it."""

    senders: list[Sender]
    left_out: list[tuple[Sender, str]]


def create_sender_list(
    *,
    workspace: Workspace,
    actor: Actor,
    name: str,
    choice: str = SenderChoice.RANDOM,
    senders: Iterable[Sender] = (),
) -> SenderList:
    """Raises MessagingError."""
    members = _members(workspace, senders)
    made = SenderList(workspace=workspace, name=_clean_name(name), choice=_clean_choice(choice))
    with transaction.atomic():
        _save(made)
        made.senders.set(members)
        record(workspace, actor, "created", made, choice=made.choice, senders=_values(members))
    return made


def update_sender_list(
    *,
    sender_list: SenderList,
    actor: Actor,
    name: str | None = None,
    choice: str | None = None,
    senders: Iterable[Sender] | None = None,
    enabled: bool | None = None,
    seen: str = "",
) -> SenderList:
    """What is given, all of it or nothing; `senders` replaces the members. Raises MessagingError.

    `seen`: see messaging.edited.
    """
    with transaction.atomic():
        require_unchanged(sender_list, seen)
        if enabled is not None:
            set_sender_list_enabled(sender_list=sender_list, actor=actor, enabled=enabled)
        changed: dict[str, object] = {}
        if name is not None and (clean := _clean_name(name)) != sender_list.name:
            changed["was"] = sender_list.name
            sender_list.name = clean
        if choice is not None and _clean_choice(choice) != sender_list.choice:
            changed["choice"] = sender_list.choice = choice
        if senders is not None:
            members = _members(sender_list.workspace, senders)
            if {one.pk for one in members} != set(sender_list.senders.values_list("pk", flat=True)):
                sender_list.senders.set(members)
                changed["senders"] = _values(members)
        if changed:
            _save(sender_list)
            record(sender_list.workspace, actor, "changed", sender_list, **changed)
    return sender_list


def add_senders(*, sender_list: SenderList, actor: Actor, senders: Iterable[Sender]) -> int:
    """Returns how many are new on it. Raises MessagingError."""
    with transaction.atomic():
        # Two at once: neither may forget what the other has added.
        SenderList.objects.select_for_update().get(pk=sender_list.pk)
        members = {one.pk: one for one in sender_list.senders.all()}
        before = len(members)
        members |= {one.pk: one for one in senders}
        update_sender_list(sender_list=sender_list, actor=actor, senders=members.values())
    return len(members) - before


def remove_sender(*, sender_list: SenderList, actor: Actor, sender: Sender) -> None:
    with transaction.atomic():
        SenderList.objects.select_for_update().get(pk=sender_list.pk)
        rest = list(sender_list.senders.exclude(pk=sender.pk))
        update_sender_list(sender_list=sender_list, actor=actor, senders=rest)


def set_sender_list_enabled(*, sender_list: SenderList, actor: Actor, enabled: bool) -> SenderList:
    """A disabled list is hidden where one chooses; broadcasts that have it say so before they are sent."""
    rows = SenderList.objects.filter(pk=sender_list.pk, enabled=not enabled)
    with transaction.atomic():
        if rows.update(enabled=enabled, updated_at=timezone.now()):
            record(sender_list.workspace, actor, "enabled" if enabled else "disabled", sender_list)
    sender_list.enabled = enabled
    return sender_list


def duplicate_sender_list(*, sender_list: SenderList, actor: Actor) -> SenderList:
    """Enabled, whatever the other is. Raises MessagingError."""
    return make_copy(
        sender_list.workspace,
        lambda: create_sender_list(
            workspace=sender_list.workspace,
            actor=actor,
            name=_free_name(sender_list),
            choice=sender_list.choice,
            senders=sender_list.senders.all(),
        ),
    )


def usable_senders(sender_list: SenderList, account: ProviderAccount | None) -> Usable:
    """Of its members those that are enabled and that the account may use, by value; without an account all enabled."""
    usable = Usable([], [])
    for sender in sender_list.senders.order_by("value").prefetch_related("accounts"):
        problem = None if sender.enabled else _("The sender %(sender)s is disabled.") % {"sender": sender}
        if not problem and account is not None:
            problem = sender_problem(sender, account)
        if problem:
            usable.left_out.append((sender, problem))
        else:
            usable.senders.append(sender)
    return usable


def _members(workspace: Workspace, senders: Iterable[Sender]) -> list[Sender]:
    members = sorted({one.pk: one for one in senders}.values(), key=lambda one: one.value)
    if any(one.workspace_id != workspace.pk for one in members):
        raise MessagingError(_("One of the senders does not exist in this workspace."), field="senders")
    if len(members) > MEMBERS_MOST:
        raise MessagingError(
            _("A list holds %(most)s senders at most, and these are %(count)s. Take some off.")
            % {"most": MEMBERS_MOST, "count": len(members)},
            field="senders",
        )
    return members


def _values(senders: Iterable[Sender]) -> list[str]:
    return [sender.value for sender in senders]


def _clean_name(value: str) -> str:
    name = " ".join(stripped_name(value).split())
    if problem := name_problem(name):
        raise MessagingError(problem, field="name")
    if not name:
        raise MessagingError(_("The name of the list is empty. Enter one."), field="name")
    if len(name) > NAME_MOST:
        raise MessagingError(
            _("The name has %(n)s characters; at most %(most)s.") % {"n": len(name), "most": NAME_MOST},
            field="name",
        )
    return name


def _clean_choice(value: str) -> str:
    if value not in SenderChoice.values:
        raise MessagingError(
            _("“%(choice)s” is no way to choose: random or sticky.") % {"choice": str(value)[:20]},
            field="choice",
        )
    return value


def _free_name(sender_list: SenderList) -> str:
    """ "Copy of X", "Copy 2 of X", …, whichever is free."""
    names = sender_list.workspace.sender_lists.values_list("name", flat=True)
    taken = {name.casefold() for name in names}
    number = 1
    while True:
        words = _("Copy of %(name)s") if number == 1 else _("Copy %(n)s of %(name)s")
        name = (words % {"name": sender_list.name, "n": number})[:NAME_MOST].strip()
        if name.casefold() not in taken:
            return name
        number += 1


def _save(sender_list: SenderList) -> None:
    try:
        with transaction.atomic():
            sender_list.save()
    except IntegrityError:
        raise MessagingError(
            _("There is a sender list “%(name)s” already. Choose another name.") % {"name": sender_list.name},
            field="name",
            code="name_taken",
        ) from None
