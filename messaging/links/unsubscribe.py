"""The unsubscribe link of one message: whose it is, and what pressing its button does."""

from __future__ import annotations

from typing import NamedTuple

from accounts.models import Workspace
from contacts.models import OptOut, OptOutHow
from contacts.services.opt_outs import opt_in, opt_out
from messaging.links.keys import link_coder
from messaging.models import DispatchLink, LinkUse, Message


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
    )


def undo(subscriber: Subscriber) -> bool:
    """Only an opt-out that was made with this very link: a link that is passed on undoes nobody's STOP."""
    made_here = OptOut.objects.filter(
        workspace=subscriber.workspace,
        msisdn=subscriber.msisdn,
        how=OptOutHow.PAGE,
        message_id=subscriber.message_id,
    )
    if not made_here.exists():
        return False
    return opt_in(
        workspace=subscriber.workspace,
        msisdn=subscriber.msisdn,
        reason="The person undid it on the unsubscribe page.",
    )


def hidden(msisdn: str) -> str:
    """`+1 ••••• 0123`: whoever was sent the link knows whose number it is, whoever found it need not."""
    return f"+{msisdn[:2]}•••••{msisdn[-3:]}"
