"""`python -m benchmarks.sender`: one send process, as a Celery worker runs it: the real engine over the real database.

Prints "ready", waits for a line on standard input, sends until nothing is due, prints what it did as JSON. With
`--httpx-client` the engine is handed a plain httpx.AsyncClient in place of its own transport; nothing else differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import django
import httpx
import uvloop
from django.urls import is_valid_path

ENOUGH_SECONDS = 300.0


class ClientTransport(httpx.AsyncBaseTransport):
    """Each request through `AsyncClient.send`, whose pool has room for all of them."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.AsyncClient(limits=limits, timeout=30, trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request)

    async def aclose(self) -> None:
        await self._client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--httpx-client", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from messaging.engine import Engine, EngineReport  # the apps are loaded only now
    from messaging.engine.jobs import load_lanes

    async def send() -> EngineReport:
        transport = ClientTransport() if asked.httpx_client else None
        try:
            return await Engine(transport=transport).run(seconds=ENOUGH_SECONDS)
        finally:
            if transport:
                await transport.aclose()

    # A worker is no newcomer: what a process loads at its first look, it has loaded (config/celery.py).
    is_valid_path("/")
    load_lanes({})
    print("ready", flush=True)
    sys.stdin.readline()
    began, worked = time.perf_counter(), time.process_time()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(send())
    done = {
        "sent": report.sent,
        "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - worked,
    }
    print(json.dumps(done), flush=True)


def send_all(messages: int, *, processes: int = 1, options: Sequence[str] = ()) -> float:
    """Messages a second of some send processes on all that is due. AssertionError unless all were sent, once."""
    command = [sys.executable, "-m", "benchmarks.sender", *options]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "A send process did not start; see what it said."
    began = time.perf_counter()
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    said = [process.stdout.read() for process in running if process.stdout]
    seconds = time.perf_counter() - began
    for process in running:
        assert process.wait(30) == 0, "A send process failed; see what it said."
    sent = sum(json.loads(lines)["sent"] for lines in said)
    assert sent == messages, f"{sent:,} messages were sent; {messages:,} were due."
    return messages / seconds


if __name__ == "__main__":
    main()
