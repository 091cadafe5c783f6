"""The operations of document 004, MessageWhiz API v3, in its order."""

from __future__ import annotations

from providers.connectors.messagewhiz.broadcast_reports import BroadcastReports
from providers.connectors.messagewhiz.broadcasts import Broadcasts
from providers.connectors.messagewhiz.campaigns import Campaigns
from providers.connectors.messagewhiz.link_lists import LinkLists
from providers.connectors.messagewhiz.links import Links
from providers.connectors.messagewhiz.recipient_lists import RecipientLists
from providers.connectors.messagewhiz.sender_lists import SenderLists
from providers.connectors.messagewhiz.senders import Senders
from providers.connectors.messagewhiz.spinners import WordSpinners
from providers.connectors.messagewhiz.templates import Templates
from providers.connectors.messagewhiz.triggers import Triggers
from providers.connectors.messagewhiz.unsubscribe_lists import UnsubscribeLists


class MessageWhizClient(
    Campaigns,
    RecipientLists,
    Senders,
    SenderLists,
    Broadcasts,
    UnsubscribeLists,
    Links,
    LinkLists,
    WordSpinners,
    Templates,
    Triggers,
    BroadcastReports,
):
    """See the module."""
