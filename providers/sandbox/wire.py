"""What passes between the ASGI server and the vendors' doors: one call in, one answer out."""

import json
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_CAP = 1024 * 1024  # bytes
LARGE_BODY_CAP = 32 * 1024 * 1024  # where files and lists come
JSON_TYPE = b"application/json; charset=utf-8"
HTML_TYPE = b"text/html; charset=utf-8"


@dataclass(slots=True)
class Call:
    """One request; `path` is what follows the vendor's base URL, without a leading slash."""

    method: str
    path: str
    query_string: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: bytes) -> str:
        """The value, or an empty string; `name` in lower case."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return ""

    def query(self) -> dict[str, str]:
        return dict(self._pairs())

    def values(self, name: str) -> list[str]:
        """Of a name that may be given several times."""
        return [value for key, value in self._pairs() if key == name]

    def _pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)


@dataclass(slots=True)
class Answer:
    """Status 0 means: no answer at all, the line is cut."""

    status: int
    body: bytes
    content_type: bytes = JSON_TYPE
    headers: tuple[tuple[bytes, bytes], ...] = ()


CUT = Answer(0, b"")
HTML = Answer(
    200,
    b"<!doctype html><html><head><title>Welcome</title></head>"
    b"<body><h1>It works!</h1><p>The network gateway is being serviced.</p></body></html>",
    HTML_TYPE,
)
RETRY_SOON = ((b"retry-after", b"1"),)


def json_answer(status: int, data: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, json.dumps(data).encode(), JSON_TYPE, headers)


def page(status: int, title: str, content: str = "") -> Answer:
    """A page of HTML; `content` is HTML already, `title` is not."""
    heading = escape(title)
    text = f"<!doctype html><html><head><title>{heading}</title></head><body><h1>{heading}</h1>{content}</body></html>"
    return Answer(status, text.encode(), HTML_TYPE)


def json_value(body: bytes) -> Any:
    """What the body says in JSON, or None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):  # bad JSON, bad UTF-8, or nested beyond reason
        return None


def json_object(body: bytes) -> dict[str, Any] | None:
    """The body's JSON object, or None when it is anything else."""
    data = json_value(body)
    return data if isinstance(data, dict) else None


def is_url(value: Any) -> bool:
    """Whether it is an http or https address with a host."""
    if not isinstance(value, str):
        return False
    try:
        address = urlsplit(value)
        return address.scheme in ("http", "https") and bool(address.hostname)
    except ValueError:  # a bracket without its pair
        return False


async def read_body(receive: Receive, cap: int = BODY_CAP) -> bytes | None:
    """The request's body, or None as soon as it exceeds `cap` bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= cap else None
    chunks = [body]
    size = len(body)
    while message.get("more_body") and size <= cap:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    return b"".join(chunks) if size <= cap else None


async def send_answer(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class LineCutError(Exception):
    """Raised into the server after a promised body was left short, so that it drops the connection."""


async def cut_line(scope: Scope, send: Send) -> None:
    """Close the caller's connection without an answer.

    ASGI knows no such thing, so the socket is looked up among this process's descriptors and shut down. Where
    the system does not list them, an answer is begun, left short, and the server drops the line half way.
    """
    if shut_socket(scope["client"], scope["server"]):
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"64")]})
    await send({"type": "http.response.body", "body": b" ", "more_body": True})
    raise LineCutError


def shut_socket(client: Any, server: Any) -> bool:
    """Shut down the TCP socket between the two (host, port) pairs; whether there was one.

    granian hands ports over as text.
    """
    if not client or not server:
        return False
    wanted = (str(client[0]), int(client[1]), int(server[1]))
    for directory in ("/proc/self/fd", "/dev/fd"):
        try:
            numbers = os.listdir(directory)  # noqa: PTH208 - names are wanted, and fast
        except OSError:
            continue
        return any(_shut_if(int(number), wanted) for number in numbers)
    return False


def _shut_if(number: int, wanted: tuple[str, int, int]) -> bool:
    try:
        line = socket.socket(fileno=number)
    except OSError:
        return False
    try:
        if line.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        peer, here = line.getpeername(), line.getsockname()
        if (peer[0], peer[1], here[1]) != wanted:
            return False
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # not connected, or gone meanwhile
        return False
    else:
        return True
    finally:
        line.detach()  # the server owns and closes it
