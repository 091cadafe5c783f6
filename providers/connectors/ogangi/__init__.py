"""Ogangi Mobile Engagement Campaign Manager (Messangi), document 002. `connector` sends, `client` has every operation."""

from __future__ import annotations

import httpx

from providers.connectors.ogangi.answers import Broadcast, BroadcastState, SmsMessage, When
from providers.connectors.ogangi.client import OgangiClient
from providers.connectors.ogangi.connector import Ogangi, OgangiConfig
from providers.connectors.ogangi.recipients import BroadcastRecipient, SmsRow
from providers.connectors.operations import Listener

__all__ = [
    "Broadcast",
    "BroadcastRecipient",
    "BroadcastState",
    "Ogangi",
    "OgangiClient",
    "OgangiConfig",
    "SmsMessage",
    "SmsRow",
    "When",
    "client",
]


def client(
    *,
    instance_id: str,
    user_name: str,
    public_key: str,
    private_key: str,
    base_url: str = "",
    http: httpx.Client | None = None,
    listener: Listener | None = None,
    **settings: str,
) -> OgangiClient:
    """For use by itself; without `base_url` at the vendor's own address. `settings`: the others of OgangiConfig.
    Raises ConfigError."""
    values = {
        "instance_id": instance_id,
        "user_name": user_name,
        "public_key": public_key,
        "private_key": private_key,
        "base_url": base_url,
        **settings,
    }
    return OgangiClient(Ogangi(OgangiConfig.from_mapping(values)), http, listener=listener)
