"""“Link Lists” of document 004: links that a text names by {{link_list:ID}}, spread evenly over the recipients.

- The heading of creating speaks of an empty list and its text of links: none at all is an empty array here.
- What a PUT with a file answers is not shown: the list, where that is what comes.
- The links of a list come as an array of one list; an object is read, too.
- The variable of a link's removal is `[id]` by name, percent-encoded on the wire.
- `enabled` goes out as JSON's true or false, where the example has 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from providers.connectors.answers import as_flag, as_number, as_rows, as_text
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_id, given_name, list_query
from providers.connectors.messagewhiz.links import MAX_URL, uri
from providers.connectors.messagewhiz.outputs import Switched, all_pages, read_id, read_switched
from providers.connectors.messagewhiz.written import Id, id_texts
from providers.connectors.operations import Ask, Upload, operation, wrong_shape
from providers.errors import RequestRefused

# By the column's place in the file, from 0.
LinkColumns = Mapping[int, Literal["name", "url"]]


@dataclass(frozen=True, slots=True)
class NewLink:
    name: str
    url: str

    def fields(self) -> dict[str, str]:
        """Raises RequestRefused."""
        return {"name": given_name("A new link", self.name), "url": uri("url", self.url)}


@dataclass(frozen=True, slots=True)
class LinkList:
    """What an answer does not tell is None or "". `link_count`, `warning`: of a list just created; `conversion_count`: in
    the list of lists; `user_id`, `company_id`: whose it is, after links were added in bulk."""

    id: str
    name: str
    enabled: bool | None
    link_count: int | None = None
    warning: str = ""
    conversion_count: int | None = None
    user_id: str = ""
    company_id: str = ""


@dataclass(frozen=True, slots=True)
class ListedLink:
    link_id: str
    url: str


class LinkLists(Enveloped):
    """Ten operations."""

    @operation("POST", "/api/3/LinkList", section="Create a Link List")
    def create_link_list(
        self, ask: Ask, *, name: str, link_ids: Sequence[Id] = (), links: Sequence[NewLink] = ()
    ) -> LinkList:
        """Of links that are there, or of new ones; without both it is empty."""
        if link_ids and links:
            raise RequestRefused("link_ids and links are given together: give one of them only.")
        body: dict[str, Any] = {"name": given_name("The link list", name)}
        if links:
            body["links"] = [link.fields() for link in links]
        else:
            body["linkIds"] = id_texts("link_ids", link_ids) if link_ids else []
        return self._link_list(self.one(ask(json=body)))

    @operation("POST", "/api/3/LinkList/{id}/links", section="Create a Link List")
    def add_links_to_list(self, ask: Ask, *, list_id: Id, link_ids: Sequence[Id]) -> tuple[str, ...]:
        """The ids of those that were added: in the document's example one of two."""
        path = {"id": given_id("list_id", list_id)}
        added = self.result(ask(path=path, json={"ids": id_texts("link_ids", link_ids)}))
        ids = tuple(as_text(link_id) for link_id in added) if isinstance(added, list) else ("",)
        if not all(ids):
            raise wrong_shape(self.connector, "a list of ids")
        return ids

    @operation("POST", "/api/3/LinkList", section="Create a Link List (import a file)")
    def import_link_list(self, ask: Ask, *, name: str, doc: Upload, mapping: LinkColumns) -> LinkList:
        return self._link_list(self.one(ask(form=_form(name, mapping), files=_files(doc))))

    @operation("POST", "/api/3/LinkList/{id}/links/bulk", section="Add New Links to a Link List (Bulk)")
    def add_new_links_to_list(self, ask: Ask, *, list_id: Id, links: Sequence[NewLink]) -> LinkList:
        if not links:
            raise RequestRefused("links is empty: give at least one.")
        body = {"links": [link.fields() for link in links]}
        return self._link_list(self.one(ask(path={"id": given_id("list_id", list_id)}, json=body)))

    @operation("GET", "/api/3/LinkList", section="Get Link Lists")
    def list_link_lists(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[LinkList, ...]:
        """One page: left out, the first 10 that are enabled."""
        query = list_query(limit=limit, start=start, enabled=enabled, name=name)
        return tuple(self._link_list(row) for row in self.rows(ask(query=query)))

    def all_link_lists(self, *, enabled: bool = True) -> tuple[LinkList, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector, lambda start: self.list_link_lists(limit=PAGE_ROWS, start=start, enabled=enabled)
        )

    @operation("GET", "/api/3/LinkList/{id}/links", section="Get Links from the List")
    def list_links_in_list(self, ask: Ask, *, list_id: Id) -> tuple[ListedLink, ...]:
        rows = self._rows_of_lists(self.result(ask(path={"id": given_id("list_id", list_id)})))
        return tuple(
            ListedLink(read_id(self.connector, row, "linkId"), as_text(row.get("url"), MAX_URL))
            for row in rows
        )

    @operation("PUT", "/api/3/LinkList/{id}", section="Modify a Link List (import a file)")
    def replace_link_list(
        self, ask: Ask, *, list_id: Id, name: str, doc: Upload, mapping: LinkColumns
    ) -> LinkList | None:
        """The file's links take the place of those that were there. None where the answer does not repeat the list."""
        path = {"id": given_id("list_id", list_id)}
        result = self.result(ask(path=path, form=_form(name, mapping), files=_files(doc)))
        if result is True:
            return None
        if not isinstance(result, dict):
            raise wrong_shape(self.connector, "that it was done")
        return self._link_list(result)

    @operation("PATCH", "/api/3/LinkList/{id}", section="Modify a Link List (import a file)")
    def patch_link_list(self, ask: Ask, *, list_id: Id, enabled: bool) -> Switched:
        row = self.one(ask(path={"id": given_id("list_id", list_id)}, json={"enabled": enabled}))
        return read_switched(self.connector, row)

    @operation("DELETE", "/api/3/LinkList/{id}", section="Disable a Link List")
    def disable_link_list(self, ask: Ask, *, list_id: Id) -> None:
        self.done(ask(path={"id": given_id("list_id", list_id)}))

    @operation("DELETE", "/api/3/LinkList/{listID}/links", section="Disable a Link in the Link List")
    def remove_link_from_list(self, ask: Ask, *, list_id: Id, link_id: Id) -> None:
        """The link itself stays as it is."""
        path = {"listID": given_id("list_id", list_id)}
        self.done(ask(path=path, query={"[id]": given_id("link_id", link_id)}))

    # --- answers ----------------------------------------------------------------------------------

    def _link_list(self, row: dict[str, Any]) -> LinkList:
        return LinkList(
            read_id(self.connector, row),
            as_text(row.get("name")),
            as_flag(row.get("enabled")),
            as_number(row.get("linkListLength")),
            as_text(row.get("warning"), 1000),
            as_number(row.get("conversionCount")),
            as_text(row.get("user_id")),
            as_text(row.get("company_id")),
        )

    def _rows_of_lists(self, result: Any) -> list[dict[str, Any]]:
        """The links of each list, of which there is one."""
        lists = as_rows([result] if isinstance(result, dict) else result)
        found = [None] if lists is None else [as_rows(row.get("links")) for row in lists]
        if None in found:
            raise wrong_shape(self.connector, "the links of a list")
        return [row for links in found for row in links or ()]


def _form(name: str, mapping: LinkColumns) -> dict[str, str]:
    """The mapping as the document writes it: {"0":"name", "1":"url"}."""
    markers = sorted(mapping.values())
    if markers not in (["url"], ["name", "url"]) or min(mapping) < 0:
        raise RequestRefused(
            f"mapping is {dict(mapping)}: name the column, counted from 0, of url, and that of name if there is one."
        )
    columns = {str(column): marker for column, marker in mapping.items()}
    return {"name": given_name("The link list", name), "mapping": json.dumps(columns, separators=(", ", ":"))}


def _files(doc: Upload) -> dict[str, Upload]:
    if not doc.content:
        raise RequestRefused(f"doc is “{doc.filename}”, an empty file: give one with links.")
    return {"doc": doc}
