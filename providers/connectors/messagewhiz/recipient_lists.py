"""Recipient lists, document 004: numbers with what is known of their owners, from a file or one by one.

- PUT with a file replaces the whole list, PUT with numbers adds to it.
- DELETE disables. The answer to PATCH has no id.
- Phone numbers are JSON numbers among the recipients and texts elsewhere: text here, digits with the country code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_number, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import PAGE_ROWS
from providers.connectors.messagewhiz.inputs import (
    given_changes,
    given_id,
    given_name,
    given_numbers,
    list_query,
)
from providers.connectors.messagewhiz.list_files import (
    ColumnMarkers,
    Downloads,
    Preview,
    given_file,
    given_mapping,
    read_preview,
)
from providers.connectors.messagewhiz.outputs import all_pages, read_id, read_number
from providers.connectors.operations import Ask, Upload, operation, wrong_shape

# Of `custom`, the longest that a recipient may have.
MOST_CHARACTERS = 5000


@dataclass(frozen=True, slots=True)
class RecipientImport:
    """What became of the rows of one import; `count`: all that the list has now. None where it is not told."""

    recipient_list_id: str
    inserted: int | None
    wrong: int | None
    duplicate: int | None
    total: int | None
    count: int | None


@dataclass(frozen=True, slots=True)
class RecipientList:
    """`count` of its recipients; None where it is not told, as `enabled`."""

    id: str
    name: str
    enabled: bool | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a recipient has not is ""."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    url: str = ""
    custom: str = ""


class RecipientLists(Downloads):
    """See the module."""

    @operation("POST", "/api/3/RecipientList", section="Create a Recipient List (import a file)")
    def import_recipient_list(
        self, ask: Ask, *, name: str, mapping: ColumnMarkers, doc: Upload, truncate: bool = False
    ) -> RecipientImport:
        """Names longer than 50 characters, addresses longer than 255 and others longer than 5,000 are cut with
        `truncate`; without it MessageWhiz refuses the file."""
        answer = ask(
            query={"truncate": "true" if truncate else None},
            form={"name": given_name("The recipient list", name), "mapping": given_mapping(mapping)},
            files=given_file(doc),
        )
        return _import(self.connector, self.result(answer))

    @operation("POST", "/api/3/recipientList/numbers", section="Create a Recipient List (manually)")
    def create_recipient_list(self, ask: Ask, *, name: str, numbers: Sequence[str]) -> RecipientImport:
        body = {"name": given_name("The recipient list", name), "numbers": given_numbers(numbers)}
        return _import(self.connector, self.result(ask(json=body)))

    @operation("POST", "/api/3/recipientList/{number}/preview", section="Preview a Recipient List")
    def preview_recipient_list(self, ask: Ask, *, doc: Upload, number: int = 1) -> Preview:
        """Nothing is imported. What `number` means is not documented; 1 is the first example's."""
        answer = ask(path={"number": number}, files=given_file(doc))
        return read_preview(self.connector, self.result(answer))

    @operation("GET", "/api/3/RecipientList", section="Get Recipient Lists")
    def list_recipient_lists(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[RecipientList, ...]:
        """One page: left out, the first 10 that are enabled."""
        answer = ask(query=list_query(limit=limit, start=start, enabled=enabled, name=name))
        return tuple(_recipient_list(read_id(self.connector, row), row) for row in self.rows(answer))

    def all_recipient_lists(self, *, enabled: bool = True) -> tuple[RecipientList, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_recipient_lists(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("GET", "/api/3/recipientList/{id}/recipients", section="Get Recipients from Recipient List")
    def list_recipients(self, ask: Ask, *, list_id: str | int) -> tuple[Recipient, ...]:
        """Raises NotFound."""
        rows = self.rows(ask(path=_path(list_id)))
        return tuple(_recipient(self.connector, row) for row in rows)

    @operation("GET", "/api/3/recipientList/{id}/listNumbers", section="Get Numbers from Recipient List")
    def list_recipient_numbers(self, ask: Ask, *, list_id: str | int) -> tuple[str, ...]:
        """Raises NotFound."""
        numbers = self.result(ask(path=_path(list_id)))
        if not isinstance(numbers, list):
            raise wrong_shape(self.connector, "a list of numbers")
        return tuple(read_number(self.connector, number) for number in numbers)

    @operation(
        "GET",
        "/api/3/recipientList/{id}/download",
        section="Download a Recipient List",
        gives_file=True,
    )
    def download_recipient_list(self, ask: Ask, *, list_id: str | int) -> bytes:
        """A CSV file: semicolons between quoted cells, markers as header. Raises NotFound."""
        return ask(path=_path(list_id)).body

    @operation("PUT", "/api/3/recipientList/{id}/numbers", section="Modify a Recipient List (manually)")
    def add_recipient_numbers(
        self,
        ask: Ask,
        *,
        list_id: str | int,
        numbers: Sequence[str] | None = None,
        name: str | None = None,
    ) -> RecipientImport:
        """`name` renames the list. Raises NotFound."""
        body = given_changes(
            "The recipient list",
            name=None if name is None else given_name("The recipient list", name),
            numbers=None if numbers is None else given_numbers(numbers),
        )
        return _import(self.connector, self.result(ask(path=_path(list_id), json=body)))

    @operation("PATCH", "/api/3/RecipientList/{id}", section="Modify a Recipient List (manually)")
    def patch_recipient_list(self, ask: Ask, *, list_id: str | int, name: str) -> RecipientList:
        """Renames it. Raises NotFound."""
        path = _path(list_id)
        row = self.result(ask(path=path, json={"name": given_name("The recipient list", name)}))
        if not isinstance(row, dict) or not as_text(row.get("name")):
            raise wrong_shape(self.connector, "the list's name")
        return _recipient_list(str(path["id"]), row)

    @operation("PUT", "/api/3/recipientList/{id}", section="Modify a Recipient List (import a file)")
    def replace_recipient_list(
        self, ask: Ask, *, list_id: str | int, name: str, mapping: ColumnMarkers, doc: Upload
    ) -> RecipientImport:
        """All that was in the list goes. Raises NotFound."""
        answer = ask(
            path=_path(list_id),
            form={"name": given_name("The recipient list", name), "mapping": given_mapping(mapping)},
            files=given_file(doc),
        )
        return _import(self.connector, self.result(answer))

    @operation("DELETE", "/api/3/RecipientList/{id}", section="Disable a Recipient List")
    def disable_recipient_list(self, ask: Ask, *, list_id: str | int) -> None:
        """Raises NotFound."""
        self.done(ask(path=_path(list_id)))


def _path(list_id: str | int) -> dict[str, str | int]:
    return {"id": given_id("list_id", list_id)}


def _import(connector: Connector, result: Any) -> RecipientImport:
    row = result if isinstance(result, dict) else {}
    return RecipientImport(
        read_id(connector, row, "recipient_list_id"),
        *(as_number(row.get(name)) for name in ("inserted", "wrong", "duplicate", "total", "count")),
    )


def _recipient_list(list_id: str, row: dict[str, Any]) -> RecipientList:
    return RecipientList(
        list_id, as_text(row.get("name")), as_flag(row.get("enabled")), as_number(row.get("count"))
    )


def _recipient(connector: Connector, row: dict[str, Any]) -> Recipient:
    texts = ("first_name", "last_name", "email", "url", "custom")
    return Recipient(
        read_number(connector, row.get("phone_number")),
        *(as_text(row.get(name), MOST_CHARACTERS) for name in texts),
    )
