"""The stand-in vendor: takes any POST and answers as MessageWhiz answers `POST /sms`, after a fixed time.

`python -m benchmarks.sink [--latency-ms 100]` prints its port and runs until its standard input is closed. It looks at
no more of a request than where it ends, so that it takes as little of the machine as it can. For what a vendor really
does there is providers/sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import re
import subprocess
import sys
from types import TracebackType
from typing import cast

import uvloop

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BODY = b'{"message_id":"%021d"}'
ANSWER = HEAD % len(BODY % 0) + BODY


class Vendor(asyncio.Protocol):
    """One connection, kept open. `ids` are shared by all: each answer has its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, latency: float, ids: itertools.count[int]) -> None:
        self._loop = loop
        self._latency = latency
        self._ids = ids
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one in all but its base class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        while (end := _end_of_request(data)) > 0:
            data = data[end:]
            answer = ANSWER % next(self._ids)
            if self._latency:
                self._loop.call_later(self._latency, self._transport.write, answer)
            else:
                self._transport.write(answer)
        self._rest = data


def _end_of_request(data: bytes) -> int:
    """Where the first request ends; 0 while it is not all there."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    length = CONTENT_LENGTH.search(data, 0, head)
    end = head + 4 + (int(length[1]) if length else 0)
    return end if end <= len(data) else 0


async def serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    ids = itertools.count(1)
    server = await loop.create_server(lambda: Vendor(loop, latency, ids), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    closed = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), closed.set)
    await closed.wait()


class Sink:
    """Runs the stand-in in a process of its own, on the last core, for the time of a `with`."""

    def __init__(self, latency_ms: int = 0) -> None:
        self._latency_ms = latency_ms

    def __enter__(self) -> Sink:
        command = [sys.executable, "-m", "benchmarks.sink", "--latency-ms", str(self._latency_ms)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ.copy()
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError("The stand-in vendor did not start; see what it said above.")
        self.url = f"http://127.0.0.1:{line}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def use_cores(cores: set[int]) -> None:
    """Keeps this process to some of its cores, where the system lets us and there are several."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, cores & os.sched_getaffinity(0) or os.sched_getaffinity(0))


def last_core() -> set[int]:
    return {max(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else set()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=int, default=0)
    asked = parser.parse_args()
    use_cores(last_core())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(asked.latency_ms / 1000))


if __name__ == "__main__":
    main()
