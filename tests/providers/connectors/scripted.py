"""A vendor that says exactly what the test wrote down: real HTTP on loopback, in a thread of its own.

Each expected request is answered once, in order. What comes unexpected, and what was expected and never came,
is held against the test by `verify()`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Self


class Line(Enum):
    """What happens to the connection instead of, or while, answering."""

    FINE = "fine"
    CUT_BEFORE = "cut before the answer"
    CUT_WITHIN = "cut within the body"
    HANG = "no answer, the line stays open"
    HANG_WITHIN = "half the body, then nothing"
    CLOSE_AFTER = "answered, then closed without saying so"


@dataclass(frozen=True)
class Reply:
    """`body`: bytes as they are, anything else as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    line: Line = Line.FINE

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.arrived = threading.Event()
        self._expected: list[tuple[str, str, Reply]] = []
        self._problems: list[str] = []
        self._connections = 0
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-vendor")
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def expect(self, method: str, target: str, reply: Reply) -> None:
        self._expected.append((method, target, reply))

    def verify(self) -> None:
        unused = [f"{method} {target}" for method, target, _reply in self._expected]
        assert not self._problems, f"unexpected requests: {self._problems}"
        assert not unused, f"answers nobody asked for: {unused}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        task = self._loop.create_task(self._serve(reader, writer, self._connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        try:
            while (request := await _read_request(reader, connection)) is not None:
                self.received.append(request)
                self.arrived.set()
                if not await self._reply(self._take(request), reader, writer):
                    return
        except OSError:
            return
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _take(self, request: Received) -> Reply:
        if self._expected and self._expected[0][:2] == (request.method, request.target):
            return self._expected.pop(0)[2]
        self._problems.append(f"{request.method} {request.target}")
        return Reply(599, b"unexpected", line=Line.CLOSE_AFTER)

    async def _reply(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        if reply.line is Line.CUT_BEFORE:
            return False
        if reply.line is Line.HANG:
            await reader.read()  # until the other side gives up
            return False
        content = reply.content()
        headers = {"content-type": "application/json", "content-length": str(len(content)), **reply.headers}
        lines = [
            f"HTTP/1.1 {reply.status} Scripted",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        broken = reply.line in (Line.CUT_WITHIN, Line.HANG_WITHIN)
        writer.write(content[: len(content) // 2] if broken else content)
        await writer.drain()
        if reply.line is Line.HANG_WITHIN:
            await reader.read()
        return reply.line is Line.FINE


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    try:
        first_byte = await reader.readexactly(1)
        if first_byte == b"\x16":  # somebody speaks TLS to us
            return None
        head = (first_byte + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, connection)


@contextlib.contextmanager
def refusing_port() -> Any:
    """A port of loopback that refuses connections for as long as the block lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
