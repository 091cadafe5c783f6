"""`python -m providers.sandbox`: one process, as the handsets live in its memory."""

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence

import aiohttp
from granian.constants import Interfaces
from granian.server.embed import Server

from providers.sandbox.app import DOORS, SandboxApp
from providers.sandbox.dials import DEFAULT_DELAY_MS, DialError, parse_delay
from providers.sandbox.state import DEFAULT_KEEP

DELAY_VARIABLE = "CRIER_SANDBOX_RECEIPT_DELAY_MS"
SUMMARY_EVERY = 1.0  # seconds
BACKLOG = 2048  # connections


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        delay = os.environ.get(DELAY_VARIABLE, "")
        app = SandboxApp(
            receipt_delay_ms=parse_delay(delay) if delay else DEFAULT_DELAY_MS,
            keep=options.keep,
            allowed_hosts=options.allow_callbacks_to,
        )
        port = reserve_port(options.host, options.port)
    except DialError as error:
        return complain(f"{DELAY_VARIABLE}: {error}")
    except OSError as error:
        return complain(
            f"cannot listen on {options.host} port {options.port}: {error.strerror}. Choose another --port."
        )
    run(serve(app, options.host, port))
    return 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="python -m providers.sandbox", description=__doc__)
    options.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    options.add_argument("--port", type=port_number, default=8001, help="0 picks a free one (default: 8001)")
    options.add_argument(
        "--keep", type=positive, default=DEFAULT_KEEP, help="texts remembered before the oldest are forgotten"
    )
    options.add_argument(
        "--allow-callbacks-to",
        metavar="HOST",
        action="append",
        default=[],
        help="a host besides loopback that receipts may be posted to; may be repeated",
    )
    return options


def port_number(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"port {text!r} is not a number from 0 to 65535")


def positive(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")


def reserve_port(host: str, port: int) -> int:
    """The port to listen on; raises OSError when it is taken.

    The server would share a taken port in silence (SO_REUSEPORT), so it is tried here first without that.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        chosen: int = probe.getsockname()[1]
        return chosen


def complain(sentence: str) -> int:
    print(f"sandbox: {sentence}", file=sys.stderr, flush=True)
    return 2


def run(main_task: Coroutine[None, None, None]) -> None:
    """On uvloop where it is installed."""
    try:
        import uvloop  # optional: without it the sandbox is slower
    except ImportError:
        asyncio.run(main_task)
    else:
        uvloop.run(main_task)


async def serve(app: SandboxApp, host: str, port: int) -> None:
    """Until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await app.callbacks.start()
    gc.freeze()  # what is loaded now stays: no need to look at it again
    server = Server(
        app,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        websockets=False,
        backlog=BACKLOG,
        log_enabled=False,
    )
    serving = loop.create_task(server.serve())
    summary = loop.create_task(report(app))
    await announce(host, port)
    await stop.wait()
    summary.cancel()
    server.stop()
    await asyncio.wait([serving], timeout=3)
    await app.callbacks.close()


async def announce(host: str, port: int) -> None:
    """Say that the sandbox is ready once it answers."""
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{address}/_sandbox/health") as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
    doors = ", ".join(f"{kind.label} {address}/{kind.base}" for kind in DOORS.values())
    print(f"sandbox: ready on {address} ({doors})", flush=True)


async def report(app: SandboxApp) -> None:
    """One line a second while something happens."""
    before = (0, 0, 0, 0)
    while True:
        await asyncio.sleep(SUMMARY_EVERY)
        counters = app.state.counters
        now = (
            counters.accepted,
            sum(counters.refused.values()),
            counters.receipts_posted,
            counters.receipts_failed,
        )
        if now != before and any(now):
            print(
                f"sandbox: {now[0]} texts accepted (+{max(0, now[0] - before[0])}), {now[1]} refused,"
                f" receipts: {now[2]} posted, {app.callbacks.pending} waiting, {now[3]} failed",
                flush=True,
            )
        before = now


if __name__ == "__main__":
    sys.exit(main())
