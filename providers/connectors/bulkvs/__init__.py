"""BulkVS, portal API v1.0, document 001. `connector` sends and hears, `client` has every operation."""

from __future__ import annotations

import httpx

from providers.connectors.bulkvs.client import BulkVsClient, SentMessage, SentTo, TenDlcCampaign, Webhook
from providers.connectors.bulkvs.connector import BulkVs, BulkVsConfig
from providers.connectors.operations import Listener

__all__ = [
    "BulkVs",
    "BulkVsClient",
    "BulkVsConfig",
    "SentMessage",
    "SentTo",
    "TenDlcCampaign",
    "Webhook",
    "client",
]


def client(
    *,
    username: str,
    password: str,
    base_url: str = "",
    http: httpx.Client | None = None,
    listener: Listener | None = None,
) -> BulkVsClient:
    """For use by itself; without `base_url` at the vendor's own address. Raises ConfigError."""
    config = BulkVsConfig.from_mapping({"username": username, "password": password, "base_url": base_url})
    return BulkVsClient(BulkVs(config), http, listener=listener)
