"""Sender lists, document 004: for each message of a broadcast one sender of the list is picked at random.

- Where the document prints `GET /senderList/5456` for a change, `/sendertList/{id}` and `/RecipientList/{id}`, it means
  PUT, `/senderList/{id}` and PATCH `/senderList/{id}`.
- PUT is said to add the senders it names, and its example answers with a count of just these: they are read as all the
  senders that the list then has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_number, as_rows, as_text
from providers.connectors.base import Connector
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import (
    given_changes,
    given_id,
    given_ids,
    given_name,
    list_query,
)
from providers.connectors.messagewhiz.outputs import Switched, all_pages, read_id, read_switched
from providers.connectors.operations import Ask, operation, wrong_shape


@dataclass(frozen=True, slots=True)
class SenderList:
    """`count` of its senders; None where it is not told, as `enabled`."""

    id: str
    name: str
    enabled: bool | None
    count: int | None


@dataclass(frozen=True, slots=True)
class ListedSender:
    sender_id: str
    name: str


class SenderLists(Enveloped):
    """See the module."""

    @operation("POST", "/api/3/senderList", section="Create a Sender List")
    def create_sender_list(self, ask: Ask, *, name: str, sender_ids: Sequence[str | int]) -> SenderList:
        """Ids that are not there are passed over: the list may come out empty, see `count`."""
        body = {
            "name": given_name("The sender list", name),
            "senderIds": given_ids("sender_ids", sender_ids),
        }
        return _sender_list(self.connector, self.one(ask(json=body)))

    @operation("POST", "/api/3/senderList/{listId}/senders", section="Add Senders to a Sender List")
    def add_senders_to_list(
        self, ask: Ask, *, list_id: str | int, sender_ids: Sequence[str | int]
    ) -> tuple[str, ...]:
        """The ids of those that were added. Raises NotFound."""
        path = {"listId": given_id("list_id", list_id)}
        added = self.result(ask(path=path, json={"ids": given_ids("sender_ids", sender_ids)}))
        ids = tuple(as_text(sender_id) for sender_id in added) if isinstance(added, list) else ("",)
        if not all(ids):
            raise wrong_shape(self.connector, "a list of ids")
        return ids

    @operation("GET", "/api/3/senderList", section="Get Sender Lists")
    def list_sender_lists(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[SenderList, ...]:
        """One page: left out, the first 10 that are enabled."""
        answer = ask(query=list_query(limit=limit, start=start, enabled=enabled, name=name))
        return tuple(_sender_list(self.connector, row) for row in self.rows(answer))

    def all_sender_lists(self, *, enabled: bool = True) -> tuple[SenderList, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_sender_lists(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("GET", "/api/3/senderList/{id}/senders", section="Get Senders from the List")
    def list_senders_in_list(self, ask: Ask, *, list_id: str | int) -> tuple[ListedSender, ...]:
        """Raises NotFound."""
        senders = as_rows(self.one(ask(path=_path(list_id))).get("senders"))
        if senders is None:
            raise wrong_shape(self.connector, "a list of senders")
        return tuple(
            ListedSender(read_id(self.connector, row, "senderId"), as_text(row.get("name")))
            for row in senders
        )

    @operation("PUT", "/api/3/senderList/{id}", section="Modify a Sender List")
    def update_sender_list(
        self,
        ask: Ask,
        *,
        list_id: str | int,
        name: str | None = None,
        sender_ids: Sequence[str | int] | None = None,
        enabled: bool | None = None,
    ) -> SenderList:
        """What is left out stays. `sender_ids`: all that the list shall have. Raises NotFound."""
        body = given_changes(
            "The sender list",
            name=None if name is None else given_name("The sender list", name),
            senderIds=None if sender_ids is None else given_ids("sender_ids", sender_ids),
            enabled=enabled,
        )
        return _sender_list(self.connector, self.one(ask(path=_path(list_id), json=body)))

    @operation("PATCH", "/api/3/senderList/{id}", section="Modify a Sender List")
    def patch_sender_list(self, ask: Ask, *, list_id: str | int, enabled: bool) -> Switched:
        """Raises NotFound."""
        row = self.one(ask(path=_path(list_id), json={"enabled": enabled}))
        return read_switched(self.connector, row)

    @operation("DELETE", "/api/3/senderList/{id}", section="Disable a Sender List")
    def disable_sender_list(self, ask: Ask, *, list_id: str | int) -> None:
        """Raises NotFound."""
        self.done(ask(path=_path(list_id)))

    @operation("DELETE", "/api/3/senderList/{listID}/senders", section="Disable a Sender in the Sender List")
    def remove_sender_from_list(self, ask: Ask, *, list_id: str | int, sender_id: str | int) -> None:
        """The sender itself stays as it is. Raises NotFound."""
        path = {"listID": given_id("list_id", list_id)}
        self.done(ask(path=path, query={"id": given_id("sender_id", sender_id)}))


def _path(list_id: str | int) -> dict[str, str | int]:
    return {"id": given_id("list_id", list_id)}


def _sender_list(connector: Connector, row: dict[str, Any]) -> SenderList:
    return SenderList(
        read_id(connector, row),
        as_text(row.get("name")),
        as_flag(row.get("enabled")),
        as_number(row.get("count")),
    )
