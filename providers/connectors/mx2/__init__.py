"""Mx2 Group, document 000. `connector` sends and hears, `client` has every operation."""

from __future__ import annotations

import httpx

from providers.connectors.mx2.client import Mx2Client, Submission
from providers.connectors.mx2.connector import Mx2, Mx2Config
from providers.connectors.operations import Listener

__all__ = ["Mx2", "Mx2Client", "Mx2Config", "Submission", "client"]


def client(
    *,
    api_key: str,
    campaign_guid: str,
    base_url: str = "",
    http: httpx.Client | None = None,
    listener: Listener | None = None,
) -> Mx2Client:
    """For use by itself; without `base_url` at the vendor's own address. Raises ConfigError."""
    config = Mx2Config.from_mapping(
        {"api_key": api_key, "campaign_guid": campaign_guid, "base_url": base_url}
    )
    return Mx2Client(Mx2(config), http, listener=listener)
