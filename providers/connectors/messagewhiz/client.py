"""The operations of document 004, MessageWhiz API v3."""

from __future__ import annotations

from providers.connectors.messagewhiz.envelope import Enveloped


class MessageWhizClient(Enveloped):
    """See the module."""
