"""Rows for the tests of providers, and a vendor of a few lines for what no sandbox does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from accounts.access import Actor
from accounts.models import Workspace
from providers.models import ProviderAccount
from providers.services import create_account

NOBODY = "http://127.0.0.1:9"
CREDENTIALS = {
    "bulkvs": {"username": "sandbox", "password": "sandbox"},
    "messagewhiz": {"api_key": "sandbox-key"},
    "mobiz": {"api_key": "sandbox-key", "subscription_key": "sandbox-sub", "trigger_key": "sandbox-trigger"},
    "mx2": {"api_key": "sandbox-key", "campaign_guid": "71349011-E13D-43FC-ADB4-DAE215EA5438"},
    "ogangi": {
        "instance_id": "8",
        "user_name": "sandbox",
        "public_key": "sandbox-public",
        "private_key": "sandbox-private",
    },
}


def make_account(workspace: Workspace, vendor: str = "messagewhiz", **fields: Any) -> ProviderAccount:
    given: dict[str, Any] = {
        "name": f"{vendor} account",
        "base_url": f"{NOBODY}/{vendor}",
        "credentials": CREDENTIALS[vendor],
        "default_price": Decimal("0.0079"),
    }
    return create_account(workspace=workspace, vendor=vendor, actor=Actor(), **given | fields)


def whiz_report(provider_message_id: str, state: int = 2, reference: str = "") -> bytes:
    """A MessageWhiz DLR callback (document 004) with the fields that a receiver needs."""
    words = {1: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 5: "UNDELIV", 8: "REJECTD"}
    report = {
        "message_id": provider_message_id,
        "sender": "12025550100",
        "recipient": "12015550123",
        "content": "Hello",
        "state": state,
        "status": words[state],
        "client_ref": reference,
        "timestamp": "2026-11-21T09:00:00.000Z",
        "parts_count": 1,
        "price": "0.0065",
    }
    return json.dumps(report).encode()


@dataclass
class TinyVendor:
    """Answers every request alike and keeps what it was asked."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    url: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def tiny_vendor(
    status: int = 200, body: bytes = b"{}", content_type: str = "application/json"
) -> Iterator[TinyVendor]:
    vendor = TinyVendor(status, body, {"Content-Type": content_type})

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            lowered = {name.lower(): value for name, value in self.headers.items()}
            vendor.asked.append((self.command, self.path, lowered, self.rfile.read(length)))
            self.send_response(vendor.status)
            for name, value in vendor.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(vendor.body)))
            self.end_headers()
            self.wfile.write(vendor.body)

        do_GET = do_POST = do_PUT = do_DELETE = answer  # the names of http.server

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        vendor.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield vendor
        finally:
            server.shutdown()
            thread.join()
