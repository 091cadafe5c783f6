"""Through whom: one module a vendor, one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.connectors.base import Connector
from providers.connectors.bulkvs import BulkVs
from providers.connectors.messagewhiz import MessageWhiz
from providers.connectors.mobiz import Mobiz
from providers.connectors.mx2 import Mx2
from providers.connectors.ogangi import Ogangi
from providers.errors import ConfigError

VENDORS: tuple[type[Connector], ...] = (
    BulkVs,
    MessageWhiz,
    Mobiz,
    Mx2,
    Ogangi,
)
REGISTRY: dict[str, type[Connector]] = {connector.slug: connector for connector in VENDORS}


def connector_for(slug: str, config: Mapping[str, Any], *, timeout_seconds: float = 30.0) -> Connector:
    """`config`: credentials and `base_url` as in `Config.fields()`. Raises ConfigError."""
    vendor = REGISTRY.get(slug)
    if vendor is None:
        raise ConfigError(
            "vendor", f"“{slug}” is no vendor that Crier knows. Known are: {', '.join(REGISTRY)}."
        )
    return vendor(vendor.Config.from_mapping(config), timeout_seconds=timeout_seconds)
