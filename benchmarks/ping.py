"""The least that a server can answer: what a redirect is measured against."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

ANSWER = [(b"content-length", b"0"), (b"location", b"https://example.com/sale")]


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 302, "headers": ANSWER})
    await send({"type": "http.response.body", "body": b""})
