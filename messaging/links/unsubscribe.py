"""The unsubscribe link of one message: whose it is, and what pressing its button does."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut, OptOutHow
from contacts.services.number_locks import lock_numbers
from contacts.services.opt_outs import opt_in, opt_out, opted_out_numbers
from messaging.links.keys import link_coder
from messaging.models import DispatchLink, LinkUse, Message

# A press by mistake is noticed at once. Who finds the link later, or is sent it, takes nothing back.
UNDO_WITHIN = timedelta(hours=1)


class Subscriber(NamedTuple):
    workspace: Workspace
    msisdn: str
    message_id: int


def subscriber_of(code: str) -> Subscriber | None:
    """None where no text of ours ever held this link."""
    coded = link_coder().decode(code)
    if coded is None:
        return None
    message = Message.objects.filter(pk=coded.message_id).select_related("workspace").first()
    if message is None:
        return None
    entries = DispatchLink.objects.filter(
        dispatch_id=message.dispatch_id, entry=coded.entry, use=LinkUse.UNSUBSCRIBE
    )
    return Subscriber(message.workspace, message.msisdn, message.pk) if entries.exists() else None


def unsubscribe(subscriber: Subscriber) -> None:
    """Safe to repeat."""
    opt_out(
        workspace=subscriber.workspace,
        msisdn=subscriber.msisdn,
        how=OptOutHow.PAGE,
        message_id=subscriber.message_id,
        undo_until=timezone.now() + UNDO_WITHIN,
    )


def is_unsubscribed(subscriber: Subscriber) -> bool:
    return bool(opted_out_numbers(workspace_id=subscriber.workspace.pk, msisdns=[subscriber.msisdn]))


def may_undo(subscriber: Subscriber) -> bool:
    """Only an opt-out that was made with this very link, lately, and that nothing has confirmed since: a link that is
    passed on undoes nobody's STOP.
    """
    return OptOut.objects.filter(
        workspace=subscriber.workspace,
        msisdn=subscriber.msisdn,
        how=OptOutHow.PAGE,
        message_id=subscriber.message_id,
        undo_until__gt=timezone.now(),
    ).exists()


def undo(subscriber: Subscriber) -> None:
    """Where it may be undone; safe to repeat."""
    with transaction.atomic():
        # A STOP that comes at this moment comes before, and stays, or after it.
        lock_numbers(subscriber.workspace.pk, [subscriber.msisdn])
        if may_undo(subscriber):
            opt_in(
                workspace=subscriber.workspace,
                msisdn=subscriber.msisdn,
                reason="The person undid it on the unsubscribe page.",
            )


def hidden(msisdn: str) -> str:
    """`+1 ••••• 0123`: whoever was sent the link knows whose number it is, whoever found it need not."""
    return f"+{msisdn[:2]}•••••{msisdn[-3:]}"
