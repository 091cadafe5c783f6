"""The operations of document 004, MessageWhiz API v3."""

from __future__ import annotations

from providers.connectors.messagewhiz.campaigns import Campaigns
from providers.connectors.messagewhiz.recipient_lists import RecipientLists
from providers.connectors.messagewhiz.sender_lists import SenderLists
from providers.connectors.messagewhiz.senders import Senders
from providers.connectors.messagewhiz.unsubscribe_lists import UnsubscribeLists


class MessageWhizClient(Campaigns, RecipientLists, Senders, SenderLists, UnsubscribeLists):
    """See the module."""
