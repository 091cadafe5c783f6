"""The two HTTP clients: a lean transport for the sending engine, and a plain client for a call now and then.

The engine needs two things of a transport (figures in benchmarks/): speed, since httpcore's pool looks
through all its connections at each request, and the truth about failures. Other transports over aiohttp
report a line that was cut after the POST as "never connected", which invites a second SMS. Here only what
happened before the first byte of a request could leave is ConnectError, ConnectTimeout or
UnsupportedProtocol; everything after that is ReadTimeout, RemoteProtocolError or ReadError, and means:
perhaps sent. That includes a POST written to an idle connection which the server closes at the same moment.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import NoReturn

import aiohttp
import httpx
import yarl

VERSION = "0.1.0"  # tests hold it against pyproject.toml
USER_AGENT = f"Crier/{VERSION}"
MAX_ANSWER_BYTES = 1024 * 1024
# Node servers close idle connections after 5 s, others later: leave before they do.
KEEP_ALIVE_SECONDS = 4.0
DEFAULT_SECONDS = 30.0
# Lists with all their numbers come in one answer: half a million numbers or so.
MAX_LIST_BYTES = 32 * 1024 * 1024
# A call of sync_client() takes no longer than this, however slowly the answer drips.
SYNC_SECONDS = 30.0


class AnswerTooLong(httpx.RemoteProtocolError):
    """More came than is taken; the connection was closed on the rest."""


class WholeResponse(httpx.Response):
    """A response whose body has come: httpx would send it through its decoders first, for a tenth of a request's time."""

    def __init__(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, request: httpx.Request
    ) -> None:
        super().__init__(status, headers=headers, stream=httpx.ByteStream(body), request=request)
        self._body = body

    @property
    def content(self) -> bytes:
        return self._body

    def read(self) -> bytes:
        return self._body

    async def aread(self) -> bytes:
        return self._body


class LeanTransport(httpx.AsyncBaseTransport):
    """httpx requests over aiohttp's connections. Belongs to the event loop of its first request.

    Timeouts come from `request.extensions["timeout"]` as httpx writes them (seconds or None): `connect`
    covers waiting for a free connection, name lookup, TCP and TLS; `read` is the longest pause between two
    pieces of the answer and, added to `connect`, the longest time for the whole request. No redirects, no
    cookies, no proxy (unless `trust_env`), no second attempt for a POST: aiohttp repeats idempotent methods
    only.
    """

    def __init__(self, max_connections: int = 2000, *, trust_env: bool = False) -> None:
        self._max_connections = max_connections
        self._trust_env = trust_env
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        session = self._session or self._open()
        body = await request.aread()
        try:
            async with session.request(
                request.method,
                _url(str(request.url)),
                headers=request.headers.multi_items(),
                data=body or None,
                allow_redirects=False,
                timeout=_timeout(request),
            ) as answer:
                return WholeResponse(answer.status, _headers(answer), await _read(answer), request)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _raise_as_httpx(error)

    async def aclose(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        quiet_http_logs()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
            skip_auto_headers=("Accept", "Content-Type"),
            trust_env=self._trust_env,
        )
        return self._session


def _raise_as_httpx(error: Exception) -> NoReturn:
    """The line between "certainly not sent" and "perhaps sent"; see the module's docstring."""
    match error:
        case httpx.HTTPError():
            raise error
        case aiohttp.ConnectionTimeoutError():
            raise httpx.ConnectTimeout("no connection in time") from error
        # Besides a failed connect: a proxy that does not let us through.
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.ClientConnectorCertificateError()
            | aiohttp.ClientHttpProxyError()
        ):
            raise httpx.ConnectError(str(error)) from error
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            raise httpx.UnsupportedProtocol("not an address that can be called") from error
        case TimeoutError():
            raise httpx.ReadTimeout("no answer in time") from error
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            raise httpx.RemoteProtocolError(
                f"the answer broke off or is no HTTP ({type(error).__name__})"
            ) from error
        case _:
            raise httpx.ReadError(f"the connection broke ({type(error).__name__})") from error


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, unpacked by aiohttp where a server packs it unasked; never more than the cap in memory."""
    pieces, size = [], 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            answer.close()
            raise AnswerTooLong(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _headers(answer: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
    """Without those that describe the body on the wire: it is unpacked and whole by now."""
    wire = (b"content-encoding", b"content-length", b"transfer-encoding")
    return [(name, value) for name, value in answer.raw_headers if name.lower() not in wire]


@lru_cache(maxsize=256)
def _url(url: str) -> yarl.URL:
    return yarl.URL(url, encoded=True)


def _timeout(request: httpx.Request) -> aiohttp.ClientTimeout:
    seconds = request.extensions.get("timeout", {})
    return _client_timeout(seconds.get("connect", DEFAULT_SECONDS), seconds.get("read", DEFAULT_SECONDS))


@lru_cache(maxsize=64)
def _client_timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    # The total can only run out after connecting, whose own limit comes first: so it means "perhaps sent".
    total = None if connect is None or read is None else connect + read
    return aiohttp.ClientTimeout(total=total, connect=connect, sock_read=read, ceil_threshold=float("inf"))


def sync_client(most_bytes: int = MAX_ANSWER_BYTES) -> httpx.Client:
    """For calls at a person's pace (test connection, register a webhook): the same rules, without a loop.

    `most_bytes`: of an answer.
    """
    quiet_http_logs()
    return httpx.Client(
        transport=_CappedTransport(most_bytes),
        timeout=httpx.Timeout(15.0, connect=8.0),
        headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        follow_redirects=False,
        trust_env=False,
    )


def quiet_http_logs() -> None:
    """httpx logs each request's URL at INFO, and some vendors put keys into theirs."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _CappedTransport(httpx.BaseTransport):
    """httpx's own, with a limit on the size and the duration of an answer."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=5)
        self._inner = httpx.HTTPTransport(limits=limits, trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        until = time.monotonic() + SYNC_SECONDS
        answer = self._inner.handle_request(request)
        # A packed answer, which nobody asked for, may grow a thousandfold when httpx unpacks it.
        packed = answer.headers.get("content-encoding", "identity") != "identity"
        most = self._most_bytes // 16 if packed else self._most_bytes
        assert isinstance(answer.stream, httpx.SyncByteStream)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_CappedStream(answer.stream, most, until),
            extensions=answer.extensions,
        )

    def close(self) -> None:
        self._inner.close()


class _CappedStream(httpx.SyncByteStream):
    def __init__(self, stream: httpx.SyncByteStream, most: int, until: float) -> None:
        self._stream = stream
        self._most = most
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for piece in self._stream:
            size += len(piece)
            if size > self._most:
                raise AnswerTooLong(f"the answer is longer than {self._most} bytes")
            if time.monotonic() > self._until:
                raise httpx.ReadTimeout("the answer took too long")
            yield piece

    def close(self) -> None:
        self._stream.close()
