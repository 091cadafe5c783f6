"""The web server's side of Crier: an ASGI application around the WSGI one.

A thread is given to a request only once all of it is here, so that whoever sends slowly, or not at all, holds none:

visits of short links     at once where the database need not be asked, else threads of their own; no body is read
large forms with files    to pages that take them, of people and programs that we know: threads of their own, which read
                          them piece by piece
everything else           the body first (incoming.py), then one of `threads`

Where no thread comes free in time, the answer is 503. A form that is larger than any body, to a page that takes none
such: 413.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from config.incoming import (
    Gone,
    Incoming,
    Limits,
    Receive,
    TooSlow,
    environ_of,
    has_body,
    is_large_form,
    length_of,
    upload_input,
    with_body,
)
from messaging.links.asking import MustWait

log = structlog.get_logger("crier.web")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

LINK_THREADS = 4
UPLOAD_THREADS = 4
# A page that hangs in the database holds its thread: who comes after it is not left waiting for as long.
MOST_SECONDS_FOR_A_THREAD = 10.0
# Waited for at once, each in memory.
MOST_BODIES = 200

PIECE_BYTES = 128 * 1024
PIECE_SECONDS = 1.0

SLOW = "The body of the request came too slowly, or not at all. Nothing was changed; send it again."
BUSY = "Crier has its hands full just now, or its database does not answer. Nothing was changed; try again in a moment."
TOO_LARGE = "This page takes no form of more than {} MB. Nothing was changed; lists and pictures have pages for uploads."


class NoThread(Exception):
    """None came free in time."""


class Gate:
    """Of one process. `is_visit`: whether a request asks where a short link leads, and never gets to the pages;
    such a one raises MustWait on the loop where it would have to, before it has done anything. `largest_upload`: bytes of
    a file that a page takes, None for a page that takes no large ones. `is_known`: whether a request is of somebody who may
    send them; it may ask the database."""

    def __init__(
        self,
        application: Application,
        *,
        is_visit: Callable[[dict[str, Any]], bool],
        is_known: Callable[[dict[str, Any]], bool],
        largest_upload: Callable[[dict[str, Any]], int | None],
        threads: int,
        limits: Limits,
        most_bodies: int = MOST_BODIES,
        seconds_for_a_thread: float = MOST_SECONDS_FOR_A_THREAD,
    ) -> None:
        self._application = application
        self._is_visit = is_visit
        self._is_known = is_known
        self._largest_upload = largest_upload
        self._limits = limits
        self._most_bodies = most_bodies
        self._seconds_for_a_thread = seconds_for_a_thread
        self._bodies = 0
        self._links = _Threads("links", LINK_THREADS)
        self._uploads = _Threads("uploads", UPLOAD_THREADS)
        self._asking = ThreadPoolExecutor(1, "asking")
        self._pages = _Threads("pages", threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        if self._is_visit(environ):
            await self._visit(environ, receive, send)
        elif not has_body(environ):
            await self._run(self._pages, environ, receive, send)
        elif is_large_form(environ):
            await self._take_form(environ, receive, send)
        else:
            await self._take_body(environ, receive, send)

    async def _take_form(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        most = self._largest_upload(environ)
        if most is None:
            if (length_of(environ) or 0) > self._limits.most_bytes:
                await _say(send, environ, 413, "too_large", self._too_large)
            else:
                await self._take_body(environ, receive, send, can_be_cut=False)
        elif await self._knows(environ):
            incoming, loop = Incoming(receive, self._limits), asyncio.get_running_loop()
            upload = upload_input(incoming, loop, most=most, length=length_of(environ))
            await self._run(self._uploads, {**environ, "wsgi.input": upload}, receive, send)
        else:
            await self._take_body(environ, receive, send)

    async def _take_body(
        self, environ: dict[str, Any], receive: Receive, send: Send, *, can_be_cut: bool = True
    ) -> None:
        """`can_be_cut`: the application refuses by its length what is too long, and does not read it."""
        if (length_of(environ) or 0) > self._limits.most_bytes:
            await self._run(self._pages, environ, receive, send)
        elif (body := await self._body(environ, receive, send)) is None:
            return
        elif len(body) > self._limits.most_bytes and not can_be_cut:
            await _say(send, environ, 413, "too_large", self._too_large)
        else:
            await self._run(self._pages, with_body(environ, body), receive, send)

    @property
    def _too_large(self) -> str:
        return TOO_LARGE.format(self._limits.most_bytes // 1024**2 or 1)

    async def _knows(self, environ: dict[str, Any]) -> bool:
        """False as well where the database does not say so in time: the form is read as any other body then."""
        asked = asyncio.get_running_loop().run_in_executor(self._asking, self._is_known, environ)
        try:
            return await asyncio.wait_for(asyncio.shield(asked), self._seconds_for_a_thread)
        except TimeoutError:
            return False

    async def _visit(self, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        answer = _Answer(asyncio.get_running_loop(), receive, send)
        try:
            body = answer.make(self._application, environ)
        except MustWait:
            await self._run(self._links, environ, receive, send)
        else:
            await answer.send_piece(body, has_more=False)

    async def _body(self, environ: dict[str, Any], receive: Receive, send: Send) -> bytes | None:
        """None where the request was answered, or there is nobody left to answer."""
        if self._bodies >= self._most_bodies:
            await _say(send, environ, 503, "busy", BUSY)
            return None
        self._bodies += 1
        try:
            return await Incoming(receive, self._limits).whole()
        except TooSlow:
            await _say(send, environ, 408, "too_slow", SLOW)
        except Gone:
            pass
        finally:
            self._bodies -= 1
        return None

    async def _run(self, threads: _Threads, environ: dict[str, Any], receive: Receive, send: Send) -> None:
        answer = _Answer(asyncio.get_running_loop(), receive, send)
        try:
            last = await threads.run(answer.make, self._application, environ, self._seconds_for_a_thread)
        except NoThread:
            log.warning("no thread came free", threads=threads.name, seconds=self._seconds_for_a_thread)
            await _say(send, environ, 503, "busy", BUSY)
            return
        finally:
            answer.end()
        await answer.send_piece(last, has_more=False)


class _Threads:
    """So many at most, and nobody waits for one for ever."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(count, name)
        self._free = asyncio.Semaphore(count)

    async def run(
        self,
        make: Callable[[Application, dict[str, Any]], bytes],
        application: Application,
        environ: dict[str, Any],
        seconds: float,
    ) -> bytes:
        """Raises NoThread where none came free within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise NoThread from error
        running = asyncio.get_running_loop().run_in_executor(self._pool, make, application, environ)
        # A request that is given up leaves its thread only once that is done.
        running.add_done_callback(lambda _done: self._free.release())
        return await asyncio.shield(running)


class _Answer:
    """What the WSGI application says, brought from its thread to the server's loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self._loop = loop
        self._receive = receive
        self._send = send
        self._start: dict[str, Any] = {}
        self._is_started = False
        self._watch: asyncio.Task[None] | None = None
        self._is_gone = False

    def make(self, application: Application, environ: dict[str, Any]) -> bytes:
        """In a thread, but for visits. Returns the last piece of the body, mostly all of it; those before it are sent."""
        try:
            pieces = application(environ, self._start_response)
            try:
                return self._last_of(pieces)
            finally:
                if close := getattr(pieces, "close", None):
                    close()
        except MustWait:
            raise
        except Exception:
            log.exception("no answer was made", path=environ["PATH_INFO"])
            self._start_response("500 Internal Server Error", [("Content-Length", "0")])
            return b""

    def _last_of(self, pieces: Iterable[bytes]) -> bytes:
        """Lines of a file go together: handing one over costs more than making it."""
        waiting: list[bytes] = []
        size, since = 0, time.monotonic()
        for piece in pieces:
            if size >= PIECE_BYTES or (waiting and time.monotonic() - since > PIECE_SECONDS):
                joined = self.send_piece(b"".join(waiting), has_more=True)
                asyncio.run_coroutine_threadsafe(joined, self._loop).result()
                if self._is_gone:
                    return b""
                waiting, size, since = [], 0, time.monotonic()
            waiting.append(piece)
            size += len(piece)
        return b"".join(waiting)

    def _start_response(self, status: str, headers: list[tuple[str, str]], _trouble: Any = None) -> None:
        written = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._start = {"type": "http.response.start", "status": int(status[:3]), "headers": written}

    async def send_piece(self, piece: bytes, *, has_more: bool) -> None:
        if self._is_gone:
            return
        if not self._is_started:
            self._is_started = True
            await self._send(self._start)
        if has_more and self._watch is None:
            self._watch = self._loop.create_task(self._notice_who_leaves())
        await self._send({"type": "http.response.body", "body": piece, "more_body": has_more})

    async def _notice_who_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True

    def end(self) -> None:
        if self._watch is not None:
            self._watch.cancel()


async def _live(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


async def _say(send: Send, environ: dict[str, Any], status: int, code: str, sentence: str) -> None:
    """To a browser as a page, to programs as a problem."""
    if "text/html" in environ.get("HTTP_ACCEPT", ""):
        kind, body = b"text/html; charset=utf-8", _PAGE.format(_TITLES[status], sentence).encode()
    else:
        problem = {
            "type": "about:blank",
            "title": _TITLES[status],
            "status": status,
            "detail": sentence,
            "code": code,
        }
        kind, body = b"application/problem+json", json.dumps(problem).encode()
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        # What is left of the body is not waited for.
        (b"connection", b"close"),
    ]
    if status == 503:
        headers.append((b"retry-after", b"3"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# Of the application's templates nothing can be had without a thread.
_PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{0}</title></head>'
    "<body><h1>{0}</h1><p>{1}</p></body></html>"
)
_TITLES = {408: "Request Timeout", 413: "Content Too Large", 503: "Service Unavailable"}
