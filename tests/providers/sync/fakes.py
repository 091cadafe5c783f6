"""A vendor whose entities are kept in memory, for what sync promises whatever the vendor is."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any, ClassVar

from providers.connectors.operations import VendorClient
from providers.errors import ConnectorError, NoAnswer, NotFound
from providers.sync.payloads import LinkListPayload, LinkPayload, Payload, SenderPayload
from providers.sync.remotes import RemoteRow, RemoteSide
from tests.engine.test_batches import Coach


class Store:
    """What is there, by kind and id, and what shall go wrong."""

    def __init__(self) -> None:
        self.ids = itertools.count(900)
        self.rows: dict[str, dict[str, Payload]] = {"sender": {}, "link": {}, "link_list": {}}
        self.calls: list[tuple[str, str, str]] = []
        # Raised by the next change or creation, before or after it was carried out.
        self.fails_before: ConnectorError | None = None
        self.fails_after: ConnectorError | None = None

    def put(self, kind: str, payload: Payload) -> str:
        remote_id = str(next(self.ids))
        self.rows[kind][remote_id] = payload
        return remote_id

    def fail(self, *, after: bool) -> None:
        error, name = (self.fails_after, "fails_after") if after else (self.fails_before, "fails_before")
        setattr(self, name, None)
        if error is not None:
            raise error


STORE = Store()


class _FakeSide(RemoteSide[VendorClient, Payload]):
    entity: ClassVar[str]

    def rows(self) -> list[RemoteRow[Payload]]:
        STORE.calls.append((self.entity, "rows", ""))
        return [RemoteRow(remote_id, payload) for remote_id, payload in STORE.rows[self.entity].items()]

    def create(self, payload: Payload) -> str:
        STORE.calls.append((self.entity, "create", payload.name))
        STORE.fail(after=False)
        remote_id = STORE.put(self.entity, payload)
        STORE.fail(after=True)
        return remote_id

    def change(self, remote_id: str, payload: Payload) -> None:
        STORE.calls.append((self.entity, "change", payload.name))
        STORE.fail(after=False)
        if remote_id not in STORE.rows[self.entity]:
            raise NotFound("It is not there.", words="no such thing")
        STORE.rows[self.entity][remote_id] = payload
        STORE.fail(after=True)


class SenderSide(_FakeSide):
    entity = "sender"


class LinkSide(_FakeSide):
    entity = "link"


class LinkListSide(_FakeSide):
    entity = "link_list"


class Keeper(Coach):
    """A vendor that has senders, links and link lists."""

    slug = "keeper"
    label = "Keeper"
    remote_sides: ClassVar[tuple[type[RemoteSide[Any, Any]], ...]] = (LinkListSide, SenderSide, LinkSide)


def there(kind: str) -> dict[str, Payload]:
    """By name."""
    return {payload.name: payload for payload in STORE.rows[kind].values()}


def lost() -> ConnectorError:
    return NoAnswer("Keeper cut the line before its answer was there.")


__all__ = [
    "STORE",
    "Keeper",
    "LinkListPayload",
    "LinkPayload",
    "SenderPayload",
    "Store",
    "lost",
    "replace",
    "there",
]
