"""Short and long codes of an Ogangi instance, which are senders here: document 002 lists them, and has no other call."""

from __future__ import annotations

from typing import Any

from providers.connectors.ogangi.client import OgangiClient
from providers.sync.payloads import SenderPayload
from providers.sync.remotes import RemoteRow, RemoteSide


class SenderSide(RemoteSide[OgangiClient, SenderPayload]):
    entity = "sender"
    push_refusal = (
        "Ogangi has no call that adds or changes a short code: its support does. They are pulled alone."
    )

    def rows(self) -> list[RemoteRow[SenderPayload]]:
        return [RemoteRow(code, SenderPayload(name=code)) for code in self.client.list_shortcodes()]


SIDES: tuple[type[RemoteSide[Any, Any]], ...] = (SenderSide,)
