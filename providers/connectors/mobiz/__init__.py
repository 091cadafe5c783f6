"""Mobiz, document 003. `connector` sends, `client` has every operation."""

from __future__ import annotations

import httpx

from providers.connectors.mobiz.client import Accepted, DataList, MessageStatus, MobizClient
from providers.connectors.mobiz.connector import Mobiz, MobizConfig
from providers.connectors.operations import Listener

__all__ = ["Accepted", "DataList", "MessageStatus", "Mobiz", "MobizClient", "MobizConfig", "client"]


def client(
    *,
    api_key: str,
    subscription_key: str,
    trigger_key: str,
    username: str = "",
    base_url: str = "",
    http: httpx.Client | None = None,
    listener: Listener | None = None,
) -> MobizClient:
    """For use by itself; without `base_url` at the vendor's own address. Raises ConfigError."""
    given = {
        "api_key": api_key,
        "subscription_key": subscription_key,
        "trigger_key": trigger_key,
        "username": username,
        "base_url": base_url,
    }
    return MobizClient(Mobiz(MobizConfig.from_mapping(given)), http, listener=listener)
