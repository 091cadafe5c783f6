"""The ASGI application: finds the door by the path, and lets the vendor's dial have its way."""

import asyncio
from collections.abc import Collection

from providers.sandbox.bulkvs import BulkVs
from providers.sandbox.callbacks import Callbacks
from providers.sandbox.control import Control
from providers.sandbox.dials import DEFAULT_DELAY_MS, Dial
from providers.sandbox.doors import Door, DoorMaker, Roomy
from providers.sandbox.faults import REFUSALS, FaultKind, spoil
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz import MessageWhiz
from providers.sandbox.mobiz import Mobiz
from providers.sandbox.mx2 import Mx2
from providers.sandbox.ogangi import Ogangi
from providers.sandbox.state import DEFAULT_KEEP, State
from providers.sandbox.wire import (
    BODY_CAP,
    Answer,
    Call,
    Receive,
    Scope,
    Send,
    cut_line,
    json_answer,
    read_body,
    send_answer,
)

# A new vendor is one line here.
KINDS: tuple[DoorMaker, ...] = (MessageWhiz, BulkVs, Mx2, Mobiz, Ogangi)
DOORS = {kind.slug: kind for kind in KINDS}
NO_DOOR = json_answer(404, {"error": f"Nothing is here; the doors are /{', /'.join(DOORS)} and /_sandbox."})


class SandboxApp:
    """One process, one event loop: `callbacks.start()` before the first request, `close()` after the last."""

    def __init__(
        self,
        receipt_delay_ms: tuple[int, int] = DEFAULT_DELAY_MS,
        keep: int = DEFAULT_KEEP,
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self.state = State(keep)
        self.callbacks = Callbacks(self.state, allowed_hosts)
        self.dials = {slug: Dial(receipt_delay_ms) for slug in DOORS}
        later = Later()
        self.vendors: dict[str, Door] = {
            slug: make(self.state, self.dials[slug], self.callbacks, later) for slug, make in DOORS.items()
        }
        self.body_caps = {
            slug: door.body_cap for slug, door in self.vendors.items() if isinstance(door, Roomy)
        }
        self.control = Control(self.state, self.vendors, self.callbacks, later)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        door, _, rest = scope["path"][1:].partition("/")
        if vendor := self.vendors.get(door):
            await self.serve_vendor(vendor, rest, scope, receive, send)
        elif door == "_sandbox":
            await self.serve_control(rest, scope, receive, send)
        else:
            await send_answer(send, NO_DOOR)

    async def serve_vendor(self, vendor: Door, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A text counts as accepted before the latency begins: a caller that goes away did send it."""
        dial = vendor.dial
        if dial.down:
            await self.cut(vendor.slug, scope, send)
            return
        cap = self.body_caps[vendor.slug](path) if vendor.slug in self.body_caps else BODY_CAP
        body = await read_body(receive, cap)
        if body is None:
            await send_answer(send, too_large(cap))
            return
        fault = dial.fault_of(scope["method"], path) if dial.faults else None
        if dial.hang or fault is FaultKind.HANG:
            await _wait_for_end(dial, receive)
            await self.cut(vendor.slug, scope, send)
            return
        answer = REFUSALS.get(fault) if fault else None
        if answer is None:
            answer = vendor.answer(_call(path, scope, body))
            answer = spoil(answer, fault) if fault else answer
        if dial.latency_ms:
            await asyncio.sleep(dial.latency_ms / 1000)
        await self.give(vendor.slug, answer, scope, send)

    async def give(self, slug: str, answer: Answer, scope: Scope, send: Send) -> None:
        if not answer.status:
            await self.cut(slug, scope, send)
            return
        self.state.counters.answers[slug, answer.status] += 1
        await send_answer(send, answer)

    async def serve_control(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        answer: Answer | None = too_large(BODY_CAP)
        if body is not None:
            answer = await self.control.answer(_call(path, scope, body), send)
        if answer is not None:
            await send_answer(send, answer)

    async def cut(self, slug: str, scope: Scope, send: Send) -> None:
        self.state.counters.answers[slug, 0] += 1
        await cut_line(scope, send)


def too_large(cap: int) -> Answer:
    return json_answer(413, {"error": f"The body is larger than {cap // 2**20} MiB; send a smaller one."})


def _call(path: str, scope: Scope, body: bytes) -> Call:
    return Call(scope["method"], path, scope["query_string"], scope["headers"], body)


async def _wait_for_end(dial: Dial, receive: Receive) -> None:
    """Until the caller gives up or the dial is turned back."""
    ends = [asyncio.ensure_future(receive()), asyncio.ensure_future(dial.released.wait())]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
