"""The least that a Python process can do to POST over HTTP: a protocol that writes bytes and looks for the answer's end.

A ceiling, not a client: one host, keep-alive, answers with a Content-Length, no limits, no error has a name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, cast

import httpx

from benchmarks.sink import CONTENT_LENGTH


class RawConnection(asyncio.Protocol):
    def __init__(self) -> None:
        self._rest = b""
        self._answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its base class.
        self._transport = cast(asyncio.Transport, transport)

    def post(self, data: bytes) -> asyncio.Future[bytes]:
        """The answer's body. One request at a time."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._answer

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        head = data.find(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(data, 0, head) if head > 0 else None
        if length is None or len(data) < head + 4 + int(length[1]):
            self._rest = data
            return
        self._rest = b""
        assert self._answer is not None
        if data.startswith(b"HTTP/1.1 200"):
            self._answer.set_result(data[head + 4 :])
        else:
            self._answer.set_exception(RuntimeError(f"The vendor answered {data[:40]!r}."))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("The vendor closed the connection."))

    def close(self) -> None:
        self._transport.close()


async def post_all(requests: Sequence[httpx.Request], in_flight: int) -> None:
    """The same requests as bytes: their heads as they are, their JSON written anew, each answer read as JSON."""
    url = requests[0].url
    waiting = iter([(_head_of(request), json.loads(request.content)) for request in requests])
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(RawConnection, url.host, url.port or 80))[1] for _ in range(in_flight)
    ]
    try:
        await asyncio.gather(*(_post_from(waiting, connection) for connection in connections))
    finally:
        for connection in connections:
            connection.close()


async def _post_from(waiting: Iterator[tuple[bytes, Any]], connection: RawConnection) -> None:
    for head, values in waiting:
        body = json.dumps(values).encode()
        answer = await connection.post(head % len(body) + body)
        assert json.loads(answer)["message_id"]


def _head_of(request: httpx.Request) -> bytes:
    """Request line and headers with a hole for the length."""
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in request.headers.raw if header[0].lower() != b"content-length"]
    return b"\r\n".join(line.replace(b"%", b"%%") for line in lines) + b"\r\ncontent-length: %d\r\n\r\n"


async def in_window(in_flight: int, calls: Iterator[Callable[[], Awaitable[None]]]) -> None:
    """Makes the calls, `in_flight` at once."""

    async def work() -> None:
        for call in calls:
            await call()

    await asyncio.gather(*(work() for _ in range(in_flight)))
