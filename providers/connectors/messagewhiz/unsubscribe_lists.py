"""Unsubscribe lists, document 004: numbers that are left out of broadcasts which name the list.

- One path creates a list in two ways: from a file as multipart, from numbers as JSON. PUT with a file replaces the whole
  list.
- The example for a list of a certain name asks `/RecipientList?filter=…`, which is a slip for `/unsubscribeList`.
- DELETE disables, as does PATCH with `enabled` false.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from providers.connectors.answers import as_flag, as_number, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import PAGE_ROWS
from providers.connectors.messagewhiz.inputs import given_id, given_name, given_numbers, list_query
from providers.connectors.messagewhiz.list_files import (
    ColumnMarkers,
    Downloads,
    Preview,
    given_file,
    given_mapping,
    read_preview,
)
from providers.connectors.messagewhiz.outputs import (
    Switched,
    all_pages,
    read_id,
    read_number,
    read_switched,
)
from providers.connectors.operations import (
    Ask,
    Operation,
    Parameters,
    Upload,
    operation,
    wrong_shape,
)


@dataclass(frozen=True, slots=True)
class UnsubscribeList:
    """`unsubscribers_amount`: how many numbers it has. None or "" where something is not told: lists of lists lack the
    company and the user."""

    id: str
    name: str
    enabled: bool | None
    unsubscribers_amount: int | None
    company_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class AddedNumbers:
    """What became of numbers that were to be added."""

    inserted: int
    already_exists: int | None
    not_valid: int | None


class UnsubscribeLists(Downloads):
    """See the module."""

    def build(self, operation: Operation, parameters: Parameters) -> httpx.Request:
        """The path of a preview ends before the number that it has not."""
        if parameters.path.get("number") == "":
            operation = dataclasses.replace(operation, path=operation.path.removesuffix("/{number}"))
        return super().build(operation, parameters)

    @operation("POST", "/api/3/UnsubscribeList", section="Create a Unsubscribe List (import a file)")
    def import_unsubscribe_list(
        self, ask: Ask, *, name: str, mapping: ColumnMarkers, doc: Upload, truncate: bool = False
    ) -> UnsubscribeList:
        """Names longer than 50 characters, addresses longer than 255 and others longer than 5,000 are cut with
        `truncate`; without it MessageWhiz refuses the file."""
        answer = ask(
            query={"truncate": "true" if truncate else None},
            form={"name": given_name("The unsubscribe list", name), "mapping": given_mapping(mapping)},
            files=given_file(doc),
        )
        return _unsubscribe_list(self.connector, self.one(answer))

    @operation("POST", "/api/3/unsubscribeList", section="Create an Unsubscribe List (manually)")
    def create_unsubscribe_list(self, ask: Ask, *, name: str, numbers: Sequence[str]) -> UnsubscribeList:
        # Here the example has JSON numbers, for members texts.
        body = {
            "name": given_name("The unsubscribe list", name),
            "numbers": [int(number) for number in given_numbers(numbers)],
        }
        return _unsubscribe_list(self.connector, self.one(ask(json=body)))

    @operation("POST", "/api/3/unsubscribeList/preview/{number}", section="Preview an Unsubscribe List")
    def preview_unsubscribe_list(self, ask: Ask, *, doc: Upload, number: int | None = None) -> Preview:
        """Nothing is imported. The document has the path with and without `number`, which it does not explain."""
        path = {"number": "" if number is None else number}
        return read_preview(self.connector, self.result(ask(path=path, files=given_file(doc))))

    @operation("POST", "/api/3/UnsubscribeList/{id}/members", section="Add Numbers to Unsubscribe List")
    def add_unsubscribed_numbers(
        self, ask: Ask, *, list_id: str | int, numbers: Sequence[str]
    ) -> AddedNumbers:
        """Raises NotFound."""
        row = self.result(ask(path=_path(list_id), json={"numbers": given_numbers(numbers)}))
        inserted = as_number(row.get("inserted")) if isinstance(row, dict) else None
        if inserted is None:
            raise wrong_shape(self.connector, "how many numbers were added")
        return AddedNumbers(inserted, as_number(row.get("alreadyExists")), as_number(row.get("notValid")))

    @operation("GET", "/api/3/unsubscribeList", section="Get Unsubscribe Lists")
    def list_unsubscribe_lists(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[UnsubscribeList, ...]:
        """One page: left out, the first 10 that are enabled."""
        answer = ask(query=list_query(limit=limit, start=start, enabled=enabled, name=name))
        return tuple(_unsubscribe_list(self.connector, row) for row in self.rows(answer))

    def all_unsubscribe_lists(self, *, enabled: bool = True) -> tuple[UnsubscribeList, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_unsubscribe_lists(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("GET", "/api/3/unsubscribeList/{id}/members", section="Get Numbers from Unsubscribe List")
    def list_unsubscribed_numbers(self, ask: Ask, *, list_id: str | int) -> tuple[str, ...]:
        """Raises NotFound."""
        rows = self.rows(ask(path=_path(list_id)))
        return tuple(read_number(self.connector, row.get("phone_number")) for row in rows)

    @operation(
        "GET",
        "/api/3/unsubscribeList/{id}/download",
        section="Download an Unsubscribe List",
        gives_file=True,
    )
    def download_unsubscribe_list(self, ask: Ask, *, list_id: str | int) -> bytes:
        """A CSV file: semicolons between quoted cells, markers as header. Raises NotFound."""
        return ask(path=_path(list_id)).body

    @operation("PUT", "/api/3/UnsubscribeList/{id}", section="Modify an Unsubscribe List (import a file)")
    def replace_unsubscribe_list(
        self, ask: Ask, *, list_id: str | int, mapping: ColumnMarkers, doc: Upload
    ) -> UnsubscribeList:
        """All that was in the list goes: whoever is not in the file may get texts again. Raises NotFound."""
        answer = ask(path=_path(list_id), form={"mapping": given_mapping(mapping)}, files=given_file(doc))
        return _unsubscribe_list(self.connector, self.one(answer))

    @operation("PATCH", "/api/3/UnsubscribeList/{id}", section="Modify an Unsubscribe List (import a file)")
    def patch_unsubscribe_list(self, ask: Ask, *, list_id: str | int, enabled: bool) -> Switched:
        """Raises NotFound."""
        row = self.one(ask(path=_path(list_id), json={"enabled": enabled}))
        return read_switched(self.connector, row)

    @operation("DELETE", "/api/3/UnsubscribeList/{id}", section="Disable an Unsubscribe List")
    def disable_unsubscribe_list(self, ask: Ask, *, list_id: str | int) -> None:
        """Raises NotFound."""
        self.done(ask(path=_path(list_id)))


def _path(list_id: str | int) -> dict[str, str | int]:
    return {"id": given_id("list_id", list_id)}


def _unsubscribe_list(connector: Connector, row: dict[str, Any]) -> UnsubscribeList:
    return UnsubscribeList(
        read_id(connector, row),
        as_text(row.get("name")),
        as_flag(row.get("enabled")),
        as_number(row.get("unsubscribers_amount")),
        as_text(row.get("company_id")),
        as_text(row.get("user_id")),
    )
