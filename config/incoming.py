"""A request as the web server hands it over, made into one of WSGI.

Its body is read before a thread is given to it. Only large forms with files are read by whoever takes them, piece by
piece. Who sends nothing for some seconds, or slower than any line, is given up.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from web.uploads import REST_OF_FORM, UploadTooLarge

Receive = Callable[[], Awaitable[dict[str, Any]]]

# A form that is no larger is read like any other body, with the files in it.
SMALL_FORM_BYTES = 1024 * 1024
# Read of a body beyond the file's own limit: a page that looks at it itself refuses it with its own words before.
ROOM = 2 * REST_OF_FORM


@dataclass(frozen=True, slots=True)
class Limits:
    """`most_bytes`: of a body; one more is read, so that the application's own limits refuse what is longer.

    `silent_seconds`: without a byte. In all a body may take `least_seconds`, and a second more for each `bytes_a_second`.
    """

    most_bytes: int
    silent_seconds: float = 15.0
    least_seconds: float = 30.0
    bytes_a_second: int = 4096


class TooSlow(Exception):
    """The body did not come."""


class Gone(Exception):
    """Whoever asked has left before the body was whole."""


class Incoming:
    """The pieces of one body."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self._receive = receive
        self._limits = limits
        self._began = time.monotonic()
        self._size = 0
        self._has_more = True

    async def next_piece(self) -> bytes:
        """b"" at the end. Raises TooSlow, Gone."""
        while self._has_more:
            left = self._limits.least_seconds + self._size / self._limits.bytes_a_second
            left -= time.monotonic() - self._began
            if left <= 0:
                raise TooSlow
            try:
                async with asyncio.timeout(min(self._limits.silent_seconds, left)):
                    message = await self._receive()
            except TimeoutError as error:
                raise TooSlow from error
            if message["type"] == "http.disconnect":
                raise Gone
            self._has_more = bool(message.get("more_body"))
            if piece := message.get("body", b""):
                self._size += len(piece)
                return bytes(piece)
        return b""

    async def whole(self) -> bytes:
        """All of it, or the limit and a byte. Raises TooSlow, Gone."""
        pieces, size = [], 0
        while size <= self._limits.most_bytes and (piece := await self.next_piece()):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)[: self._limits.most_bytes + 1]


class _Upload(io.RawIOBase):
    def __init__(
        self, incoming: Incoming, loop: asyncio.AbstractEventLoop, *, most: int, length: int | None
    ) -> None:
        self._incoming = incoming
        self._loop = loop
        self._most = most
        self._size = length or 0
        self._is_length_known = length is not None
        self._rest = memoryview(b"")
        # Django asks again at the end, which would be waited for each time.
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._size > self._most + ROOM:
            raise UploadTooLarge(self._most)
        if not self._rest and not self._is_over:
            waiting = asyncio.run_coroutine_threadsafe(self._incoming.next_piece(), self._loop)
            try:
                self._rest = memoryview(waiting.result())
            except (TooSlow, Gone):
                self._is_over = True
                return 0
            if not self._is_length_known:
                self._size += len(self._rest)
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def upload_input(
    incoming: Incoming, loop: asyncio.AbstractEventLoop, *, most: int, length: int | None = None
) -> io.BufferedReader:
    """`wsgi.input` of a large form: each read waits for the next piece, in a thread other than the loop's.

    `most`: bytes of a file that the page takes; reading more of the body raises UploadTooLarge, at once where its `length`
    says so. Where no more comes, it ends early: contacts/uploads.py sees that a part is missing.
    """
    return io.BufferedReader(_Upload(incoming, loop, most=most, length=length), 64 * 1024)


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """As PEP 3333 has it: headers and path are bytes, written in Latin-1."""
    host, port = scope.get("server") or ("", 0)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": str(host),
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": str((scope.get("client") or ("",))[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        # The end of a body is seen also where no length was named.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if b"_" in name:
            # It would stand for the header with a dash, such as one that the proxy sets. No program sends such names.
            continue
        key = _key(name)
        # Cookies are the only header that does not hold a list with commas.
        joint = "; " if key == "HTTP_COOKIE" else ","
        written = value.decode("latin-1")
        environ[key] = f"{environ[key]}{joint}{written}" if key in environ else written
    return environ


@lru_cache(maxsize=512)
def _key(name: bytes) -> str:
    key = name.decode("latin-1").upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def has_body(environ: dict[str, Any]) -> bool:
    """By HTTP/2 a body needs neither a length nor chunks."""
    if length := environ.get("CONTENT_LENGTH"):
        return bool(length.strip("0"))
    return "HTTP_TRANSFER_ENCODING" in environ or environ["REQUEST_METHOD"] in (
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
    )


def length_of(environ: dict[str, Any]) -> int | None:
    """None where no length is named that can be read."""
    length = environ.get("CONTENT_LENGTH", "")
    return int(length) if length.isascii() and length.isdigit() else None


def is_form(environ: dict[str, Any]) -> bool:
    return bool(environ.get("CONTENT_TYPE", "").lower().startswith("multipart/"))


def is_large_form(environ: dict[str, Any]) -> bool:
    length = length_of(environ)
    return is_form(environ) and (length is None or length > SMALL_FORM_BYTES)


def with_body(environ: dict[str, Any], body: bytes) -> dict[str, Any]:
    whole = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    whole.pop("HTTP_TRANSFER_ENCODING", None)
    return whole
