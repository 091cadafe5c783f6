"""What the answers of `/api/3` have in common beside their envelope. All readers raise BadAnswer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from providers.connectors.answers import as_flag, as_text, digits, moment
from providers.connectors.base import Connector
from providers.connectors.operations import wrong_shape

# Of PAGE_ROWS each: no account has so many lists.
MOST_PAGES = 1000


class HasId(Protocol):
    @property
    def id(self) -> str: ...


Entity = TypeVar("Entity", bound=HasId)


@dataclass(frozen=True, slots=True)
class Switched:
    """What was enabled or disabled, and which of both it is now."""

    id: str
    enabled: bool


def read_switched(connector: Connector, row: dict[str, Any]) -> Switched:
    enabled = as_flag(row.get("enabled"))
    if enabled is None:
        raise wrong_shape(connector, "whether it is enabled")
    return Switched(read_id(connector, row), enabled)


def read_id(connector: Connector, row: dict[str, Any], name: str = "id") -> str:
    """Ids are kept as text: they are numbers here and texts there, of any size."""
    if not (found := as_text(row.get(name))):
        raise wrong_shape(connector, f"an {name}" if name == "id" else f"a {name}")
    return found


def read_number(connector: Connector, value: Any) -> str:
    """Phone numbers are numbers here and texts there."""
    if not (found := digits(value)):
        raise wrong_shape(connector, "a phone number where one belongs")
    return found


def read_time(connector: Connector, row: dict[str, Any], name: str) -> datetime | None:
    """None where there is none, as of the default campaign."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if (at := moment(value)) is None:
        raise wrong_shape(connector, f"a {name} in ISO 8601")
    return at


def all_pages(connector: Connector, page: Callable[[int], Sequence[Entity]]) -> tuple[Entity, ...]:
    """Of a list, each once. `page` reads what comes after so many. A short page is not taken for the last one, as the
    vendor's highest `limit` is unknown; one that tells nothing new is: so ends a vendor who does not mind `start`."""
    found: dict[str, Entity] = {}
    start = 0
    for _page in range(MOST_PAGES):
        entities, known = page(start), len(found)
        for entity in entities:
            found.setdefault(entity.id, entity)
        start += len(entities)
        if len(found) == known:
            return tuple(found.values())
    raise wrong_shape(connector, "the end of a list")
