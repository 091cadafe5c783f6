"""“Triggers” of document 004: a broadcast that waits for one is sent once its short URL is opened.

What `date`, `details` and the names with a dot hold is null in the document: they are kept as text. `enabled` is 1 here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_number, as_text
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_id, given_name, list_query
from providers.connectors.messagewhiz.outputs import all_pages, read_id
from providers.connectors.messagewhiz.written import Id
from providers.connectors.operations import Ask, operation


@dataclass(frozen=True, slots=True)
class Trigger:
    """`trigger_type_id` 1: by its short URL. What follows it comes with the list only, "" for null."""

    id: str
    name: str
    uuid: str
    enabled: bool | None
    short_url: str
    trigger_type_id: int | None = None
    details: str = ""
    date: str = ""
    flight_number: str = ""
    arrival_date: str = ""


class Triggers(Enveloped):
    """Four operations."""

    @operation("POST", "/api/3/trigger", section="Create a Trigger")
    def create_trigger(self, ask: Ask, *, name: str) -> Trigger:
        return self._trigger(self.one(ask(json={"name": given_name("The trigger", name)})))

    @operation("GET", "/api/3/trigger", section="Get a Trigger")
    def list_triggers(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[Trigger, ...]:
        """One page: left out, the first 10 that are enabled."""
        query = list_query(limit=limit, start=start, enabled=enabled, name=name)
        return tuple(self._trigger(row) for row in self.rows(ask(query=query)))

    def all_triggers(self, *, enabled: bool = True) -> tuple[Trigger, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector, lambda start: self.list_triggers(limit=PAGE_ROWS, start=start, enabled=enabled)
        )

    @operation("PUT", "/api/3/trigger/{id}", section="Modify a Trigger")
    def update_trigger(self, ask: Ask, *, trigger_id: Id, name: str) -> Trigger:
        path = {"id": given_id("trigger_id", trigger_id)}
        return self._trigger(self.one(ask(path=path, json={"name": given_name("The trigger", name)})))

    @operation("DELETE", "/api/3/trigger/{id}", section="Disable a Trigger")
    def disable_trigger(self, ask: Ask, *, trigger_id: Id) -> None:
        self.done(ask(path={"id": given_id("trigger_id", trigger_id)}))

    # --- answers ----------------------------------------------------------------------------------

    def _trigger(self, row: dict[str, Any]) -> Trigger:
        return Trigger(
            read_id(self.connector, row),
            as_text(row.get("name")),
            as_text(row.get("uuid")),
            as_flag(row.get("enabled")),
            as_text(row.get("short_url")),
            as_number(row.get("trigger_type_id")),
            as_text(row.get("details")),
            as_text(row.get("date")),
            as_text(row.get("flight_details.flight_number")),
            as_text(row.get("flight_details.arrival_date")),
        )
