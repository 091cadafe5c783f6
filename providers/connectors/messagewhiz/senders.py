"""Senders, document 004: numbers or names that recipients see. DELETE disables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_changes, given_id, given_name, list_query
from providers.connectors.messagewhiz.outputs import Switched, all_pages, read_id, read_switched
from providers.connectors.operations import Ask, operation


@dataclass(frozen=True, slots=True)
class Sender:
    """`enabled` None: not told."""

    id: str
    name: str
    enabled: bool | None


class Senders(Enveloped):
    """See the module."""

    @operation("POST", "/api/3/sender", section="Create a Sender")
    def create_sender(self, ask: Ask, *, name: str) -> Sender:
        answer = ask(json={"name": given_name("The sender", name)})
        return _sender(self.connector, self.one(answer))

    @operation("GET", "/api/3/sender", section="Get Senders")
    def list_senders(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[Sender, ...]:
        """One page: left out, the first 10 that are enabled."""
        answer = ask(query=list_query(limit=limit, start=start, enabled=enabled, name=name))
        return tuple(_sender(self.connector, row) for row in self.rows(answer))

    def all_senders(self, *, enabled: bool = True) -> tuple[Sender, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_senders(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("PUT", "/api/3/sender/{id}", section="Modify a Sender")
    def update_sender(
        self, ask: Ask, *, sender_id: str | int, name: str | None = None, enabled: bool | None = None
    ) -> Sender:
        """What is left out stays. Raises NotFound."""
        body = given_changes(
            "The sender", name=None if name is None else given_name("The sender", name), enabled=enabled
        )
        return _sender(self.connector, self.one(ask(path=_path(sender_id), json=body)))

    @operation("PATCH", "/api/3/sender/{id}", section="Modify a Sender")
    def patch_sender(self, ask: Ask, *, sender_id: str | int, enabled: bool) -> Switched:
        """Its answer is not in the document: read as those of the other groups. Raises NotFound."""
        row = self.one(ask(path=_path(sender_id), json={"enabled": enabled}))
        return read_switched(self.connector, row)

    @operation("DELETE", "/api/3/sender/{id}", section="Disable a Sender")
    def disable_sender(self, ask: Ask, *, sender_id: str | int) -> None:
        """Raises NotFound."""
        self.done(ask(path=_path(sender_id)))


def _path(sender_id: str | int) -> dict[str, str | int]:
    return {"id": given_id("sender_id", sender_id)}


def _sender(connector: Connector, row: dict[str, Any]) -> Sender:
    return Sender(read_id(connector, row), as_text(row.get("name")), as_flag(row.get("enabled")))
