"""Reading rows of MessageWhiz's answers. All that have a name of the document raise BadAnswer where it is missing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.connectors.answers import as_amount, as_number, as_text
from providers.connectors.base import Connector
from providers.connectors.operations import wrong_shape

MAX_BODY = 100_000  # characters of a text


def text_of(value: Any) -> str:
    """As it was written, blanks around it included; "" for what is no text."""
    return value[:MAX_BODY] if isinstance(value, str) else as_text(value)


def object_of(connector: Connector, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_shape(connector, "an object")
    return value


def number_of(connector: Connector, row: Mapping[str, Any], name: str) -> int:
    if (number := as_number(row.get(name))) is None:
        raise wrong_shape(connector, f"a number as {name}")
    return number


def amount_of(connector: Connector, row: Mapping[str, Any], name: str) -> Decimal:
    if (amount := as_amount(row.get(name))) is None:
        raise wrong_shape(connector, f"a number as {name}")
    return amount
