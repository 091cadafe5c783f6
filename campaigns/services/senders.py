"""From which senders a broadcast goes out: one, or those of its list that the account may use."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.models import Broadcast
from messaging.content import seed_of
from messaging.models import Sender, SenderChoice
from messaging.sender_choice import Pinned, SenderChooser
from messaging.sender_lists import usable_senders
from messaging.senders import pinned
from providers.models import ProviderAccount


@dataclass(frozen=True, slots=True)
class SendingFrom:
    """`sender`: of all its messages; else "", and `senders` are those to choose from for each."""

    sender: str
    senders: Pinned
    is_sticky: bool
    left_out: tuple[tuple[Sender, str], ...] = ()

    @property
    def is_nobody(self) -> bool:
        return not self.sender and not self.senders

    def chooser(self) -> SenderChooser:
        senders = [(self.sender, [])] if self.sender else self.senders
        return SenderChooser(senders, sticky=self.is_sticky)


def sending_from(broadcast: Broadcast, account: ProviderAccount | None = None) -> SendingFrom:
    """As of now: the launch keeps it with the dispatch. One sender of some countries is a list of one.

    `account`: of its route, else the broadcast's own.
    """
    sender_list = broadcast.sender_list
    if sender_list is None:
        sender = broadcast.sender
        if sender is None:
            return SendingFrom("", (), is_sticky=False)
        return (
            SendingFrom("", pinned([sender]), is_sticky=False)
            if sender.countries
            else SendingFrom(sender.value, (), is_sticky=False)
        )
    usable = usable_senders(sender_list, account or broadcast.account)
    is_sticky = sender_list.choice == SenderChoice.STICKY
    return SendingFrom("", pinned(usable.senders), is_sticky, tuple(usable.left_out))


def sender_for(broadcast: Broadcast, msisdn: str, account: ProviderAccount | None = None) -> str:
    """What the message to the number would carry; "" where none of its senders may send there. `account`: of its route."""
    return sending_from(broadcast, account).chooser().choose(msisdn, seed_of(broadcast.pk, msisdn))
