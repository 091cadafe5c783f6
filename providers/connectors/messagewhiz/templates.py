"""“Templates” of document 004: texts that broadcasts use by their id.

A PUT changes what it names and keeps the rest, as its example does. There is no PATCH: what was disabled stays so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_text
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_changes, given_id, given_name, list_query
from providers.connectors.messagewhiz.outputs import all_pages, read_id
from providers.connectors.messagewhiz.read import text_of
from providers.connectors.messagewhiz.written import Id, filled
from providers.connectors.operations import Ask, operation


@dataclass(frozen=True, slots=True)
class Template:
    """`body`: word for word. `user_id` comes with the list only."""

    id: str
    name: str
    body: str
    enabled: bool | None
    user_id: str = ""


class Templates(Enveloped):
    """Four operations."""

    @operation("POST", "/api/3/template", section="Create a Template")
    def create_template(self, ask: Ask, *, name: str, body: str) -> Template:
        return self._template(
            self.one(ask(json={"name": given_name("The template", name), "body": filled("body", body)}))
        )

    @operation("GET", "/api/3/template", section="Get Templates")
    def list_templates(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[Template, ...]:
        """One page: left out, the first 10 that are enabled."""
        query = list_query(limit=limit, start=start, enabled=enabled, name=name)
        return tuple(self._template(row) for row in self.rows(ask(query=query)))

    def all_templates(self, *, enabled: bool = True) -> tuple[Template, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector, lambda start: self.list_templates(limit=PAGE_ROWS, start=start, enabled=enabled)
        )

    @operation("PUT", "/api/3/template/{id}", section="Modify a Template")
    def update_template(
        self, ask: Ask, *, template_id: Id, name: str | None = None, body: str | None = None
    ) -> Template:
        changed = given_changes(
            "The template",
            name=None if name is None else given_name("The template", name),
            body=None if body is None else filled("body", body),
        )
        return self._template(self.one(ask(path={"id": given_id("template_id", template_id)}, json=changed)))

    @operation("DELETE", "/api/3/template/{id}", section="Disable a Template")
    def disable_template(self, ask: Ask, *, template_id: Id) -> None:
        self.done(ask(path={"id": given_id("template_id", template_id)}))

    # --- answers ----------------------------------------------------------------------------------

    def _template(self, row: dict[str, Any]) -> Template:
        return Template(
            read_id(self.connector, row),
            as_text(row.get("name")),
            text_of(row.get("body")),
            as_flag(row.get("enabled")),
            as_text(row.get("user_id")),
        )
