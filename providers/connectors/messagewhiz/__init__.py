"""MessageWhiz (MMDSmart), API v3, document 004. `connector` sends and hears, `client` has every operation."""

from __future__ import annotations

import httpx

from providers.connectors.messagewhiz.broadcast_inputs import (
    NOW,
    Audience,
    Content,
    CtrSegments,
    RecipientValues,
    Schedule,
    SenderChoice,
    SmartCtr,
    SmartManual,
)
from providers.connectors.messagewhiz.broadcast_reports import (
    BroadcastConversion,
    BroadcastOrder,
    BroadcastType,
    DateRange,
    ListedBroadcast,
    SegmentReport,
)
from providers.connectors.messagewhiz.broadcasts import (
    BroadcastEstimate,
    EstimatedBatch,
    EstimatedRecipient,
    EstimatedToken,
    FastSingle,
    Segment,
    SentBroadcast,
)
from providers.connectors.messagewhiz.client import MessageWhizClient
from providers.connectors.messagewhiz.connector import MessageWhiz, MessageWhizConfig
from providers.connectors.messagewhiz.link_lists import LinkList, ListedLink, NewLink
from providers.connectors.messagewhiz.links import Link, LinkConversion
from providers.connectors.messagewhiz.outputs import Switched
from providers.connectors.messagewhiz.spinners import WordSpinner
from providers.connectors.messagewhiz.templates import Template
from providers.connectors.messagewhiz.triggers import Trigger
from providers.connectors.operations import Listener, Upload

__all__ = [
    "NOW",
    "Audience",
    "BroadcastConversion",
    "BroadcastEstimate",
    "BroadcastOrder",
    "BroadcastType",
    "Content",
    "CtrSegments",
    "DateRange",
    "EstimatedBatch",
    "EstimatedRecipient",
    "EstimatedToken",
    "FastSingle",
    "Link",
    "LinkConversion",
    "LinkList",
    "ListedBroadcast",
    "ListedLink",
    "MessageWhiz",
    "MessageWhizClient",
    "MessageWhizConfig",
    "NewLink",
    "RecipientValues",
    "Schedule",
    "Segment",
    "SegmentReport",
    "SenderChoice",
    "SentBroadcast",
    "SmartCtr",
    "SmartManual",
    "Switched",
    "Template",
    "Trigger",
    "Upload",
    "WordSpinner",
    "client",
]


def client(
    *,
    api_key: str,
    base_url: str = "",
    http: httpx.Client | None = None,
    listener: Listener | None = None,
) -> MessageWhizClient:
    """For use by itself; without `base_url` at the vendor's own address. Raises ConfigError."""
    config = MessageWhizConfig.from_mapping({"api_key": api_key, "base_url": base_url})
    return MessageWhizClient(MessageWhiz(config), http, listener=listener)
