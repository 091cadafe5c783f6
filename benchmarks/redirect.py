"""Short links, as `make run` serves them: the whole server with the hits kept, beside its bare answer to anything.

The server has the first core, the client and the database the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import cast

import uvloop
from django.utils import timezone

from accounts.access import Actor
from benchmarks import ground
from benchmarks.results import Plan, Result, of_figures, of_pairs
from benchmarks.sink import last_core, use_cores
from messaging.dispatches import create_dispatch, start_dispatch
from messaging.ledger import count_planned
from messaging.links.keys import link_coder
from messaging.links.links import create_link
from messaging.models import Dispatch, Hit, Message
from sms.examples import example_msisdns

CONNECTIONS = 16
# More than a lookup keeps: nearly every visit is the first one of its recipient.
MESSAGES = 60_000
AGENT = (
    b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
)
REDIRECT = ("--interface", "asgi", "config.asgi:application")
PING = ("--interface", "asgi", "benchmarks.ping:application")
KEPT_WITHIN_SECONDS = 60.0


def run(plan: Plan) -> Iterator[Result]:
    use_cores(last_core())
    settled, fresh = make_codes(1, MESSAGES, is_settled=True), make_codes(2, MESSAGES // 4, is_settled=False)
    requests = plan.size(40_000, 4_000)
    pairs: list[tuple[float, float]] = []
    in_first_minute: list[tuple[float, float]] = []
    late: list[float] = []
    with server(REDIRECT) as redirects, server(PING) as ping:
        ask(redirects, settled[:100], 100)
        for number in range(plan.runs):
            rate, times = asked_and_kept(redirects, settled, requests, number)
            bare = ask(ping, settled, requests)[0]
            pairs.append((rate, bare))
            late.append(percentile(times))
            in_first_minute.append((asked_and_kept(redirects, fresh, requests // 4, number)[0], bare))
    yield of_pairs("redirect_vs_ping", "requests/s", pairs)
    yield of_pairs("redirect_vs_ping.first_minute", "requests/s", in_first_minute)
    yield of_figures("redirect_vs_ping.p99", "ms", late)


def asked_and_kept(
    port: int, paths: Sequence[bytes], requests: int, number: int
) -> tuple[float, list[float]]:
    """Fails where a hit is missing afterwards."""
    before = wait_for(None)
    begin = number * requests % len(paths)
    asked = ask(port, [*paths[begin:], *paths[:begin]], requests)
    wait_for(before + requests)
    return asked


def make_codes(broadcast_id: int, messages: int, *, is_settled: bool) -> list[bytes]:
    """Of a dispatch that has run for long, or has just begun: then the ledger is asked for each message."""
    workspace = ground.make_workspace(f"bench {broadcast_id}")
    account = ground.make_account(workspace, "https://vendor.example.com", in_flight=64)
    link = create_link(workspace=workspace, actor=Actor(), name="Sale", url="https://example.com/sale")
    dispatch = create_dispatch(
        workspace=workspace,
        broadcast_id=broadcast_id,
        text=f"Sale: {{{{link:{link.pk}}}}}",
        sender=ground.SENDER,
        account=account,
        unsubscribe_list_ids=[],
    )
    Message.objects.bulk_create(
        (
            Message(
                workspace=workspace,
                dispatch=dispatch,
                broadcast_id=broadcast_id,
                account=account,
                msisdn=msisdn,
                sender=ground.SENDER,
            )
            for msisdn in example_msisdns(messages)
        ),
        batch_size=5_000,
    )
    count_planned(dispatch.pk, messages)
    start_dispatch(dispatch_id=dispatch.pk)
    started = timezone.now() + (timedelta(hours=-1) if is_settled else timedelta(hours=1))
    Dispatch.objects.filter(pk=dispatch.pk).update(started_at=started)
    ids = Message.objects.filter(dispatch=dispatch).order_by("id").values_list("id", flat=True)
    encode = link_coder().encode
    return [f"/{encode(pk, 0)}".encode() for pk in ids]


def wait_for(wanted: int | None) -> int:
    """Until so many hits are in the database; None: until no more come."""
    deadline = time.monotonic() + KEPT_WITHIN_SECONDS
    last = -1
    while time.monotonic() < deadline:
        now = Hit.objects.count()
        if now == wanted or (wanted is None and now == last):
            return now
        last = now
        time.sleep(1.2)
    raise AssertionError(f"{last} hits were kept, not {wanted}.")


@contextlib.contextmanager
def server(arguments: Sequence[str]) -> Iterator[int]:
    """The port of one worker of granian's, on the first core."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--no-ws", "--log-level", "warning", *arguments]
    process = subprocess.Popen(command, env=os.environ.copy(), preexec_fn=on_first_core)
    try:
        wait_until_open(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def on_first_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("The server did not start; see what it said above.")


def ask(port: int, paths: Sequence[bytes], requests: int) -> tuple[float, list[float]]:
    """Requests a second, and the milliseconds that each took."""
    times: list[float] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        began = time.perf_counter()
        runner.run(ask_all(port, iter(paths[:requests]), times))
        seconds = time.perf_counter() - began
    return requests / seconds, times


async def ask_all(port: int, paths: Iterator[bytes], times: list[float]) -> None:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Visitor, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    await asyncio.gather(*(visit(visitor, paths, times) for _transport, visitor in made))
    for transport, _visitor in made:
        transport.close()


async def visit(visitor: Visitor, paths: Iterator[bytes], times: list[float]) -> None:
    for path in paths:
        began = time.perf_counter()
        await visitor.get(path)
        times.append((time.perf_counter() - began) * 1000)


class Visitor(asyncio.Protocol):
    """One kept-alive connection; answers without a body."""

    def __init__(self) -> None:
        self._rest = b""
        self._answer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def get(self, path: bytes) -> asyncio.Future[None]:
        self._answer = asyncio.get_running_loop().create_future()
        head = b"GET %s HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: %s\r\n\r\n"
        self._transport.write(head % (path, AGENT))
        return self._answer

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if b"\r\n\r\n" not in data:
            self._rest = data
            return
        self._rest = b""
        assert self._answer is not None
        if data.startswith(b"HTTP/1.1 302"):
            self._answer.set_result(None)
        else:
            self._answer.set_exception(AssertionError(f"Not led on: {data[:60]!r}"))


def percentile(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]
