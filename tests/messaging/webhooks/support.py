"""A receiver on this machine that keeps what it was sent, and endpoints that lead to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook

from accounts.access import Actor
from accounts.models import Workspace
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.webhooks.endpoints import WithSecret, create_endpoint
from messaging.webhooks.events import LINK_CLICKED, Event
from messaging.webhooks.ledger import make_events

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: dict[str, str]
    body: str

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """As a receiver reads it; the library raises where signature or time are wrong."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """`answers`: status of each request in turn, the last one for ever. `hold`: an answer waits until it is set."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    # What is written instead of an answer, piece by piece.
    raw: Iterator[bytes] | None = None
    received: list[Received] = field(default_factory=list)
    hold: threading.Event | None = None

    def wait_for(self, count: int, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while len(self.received) < count:
            assert time.monotonic() < deadline, f"{len(self.received)} requests came, not {count}"
            time.sleep(0.01)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            if receiver.hold is not None:
                receiver.hold.wait(60)
            try:
                self._answer()
            except OSError:
                # The sender was killed, or had enough.
                return

        def _answer(self) -> None:
            if receiver.raw is not None:
                for piece in receiver.raw:
                    self.wfile.write(piece)
                return
            status = receiver.answers[min(len(receiver.received), len(receiver.answers)) - 1]
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, *args: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/crier"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hold is not None:
            receiver.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def make_endpoint(workspace: Workspace, url: str = "https://example.com/crier") -> WithSecret:
    return create_endpoint(workspace=workspace, actor=Actor(), url=url, events=[LINK_CLICKED])


def make_event(workspace: Workspace, name: str = "msg_1", **data: Any) -> WebhookDelivery:
    """Of one click, for whoever wants it; returns the last row."""
    event = Event(name, LINK_CLICKED, NOON, {"message_id": 7, **data}, message_id=7)
    assert make_events(workspace.pk, [event])
    return WebhookDelivery.objects.filter(event_id=name).latest("pk")


def body_of(delivery: WebhookDelivery) -> Any:
    return json.loads(delivery.body)


def endpoint_again(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)
