"""MessageWhiz (MMDSmart), API v3, document 004. `connector` sends and hears, `client` has every operation."""

from providers.connectors.messagewhiz.client import MessageWhizClient
from providers.connectors.messagewhiz.connector import MessageWhiz, MessageWhizConfig

__all__ = ["MessageWhiz", "MessageWhizClient", "MessageWhizConfig"]
