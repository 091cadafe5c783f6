"""A thread is given to a request only once all of it is here; short links have threads of their own."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest

from config.gate import Gate
from config.incoming import ROOM, SMALL_FORM_BYTES, Limits
from messaging.links.asking import Asker
from web.uploads import UploadTooLarge

ROOT = Path(__file__).resolve().parent.parent.parent
FAST = Limits(most_bytes=1000, silent_seconds=0.05)
FORM = (b"content-type", b"multipart/form-data; boundary=x")


class Client:
    """Sends `pieces`, and then nothing more, or goes (`leaves`)."""

    def __init__(self, *pieces: bytes, is_whole: bool = True, leaves: bool = False) -> None:
        self._messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if is_whole:
            self._messages.append({"type": "http.request", "body": b"", "more_body": False})
        self._leaves = leaves
        self.read = 0
        self.said: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            self.read += 1
            return self._messages.pop(0)
        if self._leaves:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: dict[str, Any]) -> None:
        self.said.append(message)

    @property
    def status(self) -> int:
        return int(self.said[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.said)


async def ask(
    gate: Gate,
    client: Client,
    method: str = "GET",
    path: bytes = b"/",
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> Client:
    scope = {
        "type": "http",
        "method": method,
        "path": "",
        "raw_path": path,
        "query_string": b"a=\xc3\xa9",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.1", 4711),
        "headers": [(b"host", b"example.com"), *headers],
    }
    await gate(scope, client.receive, client.send)
    return client


class Pages:
    """Answers with what it got. Under /held each request stays inside until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.entered = threading.Semaphore(0)
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.environ = environ
        if environ["PATH_INFO"] == "/held":
            self.entered.release()
            assert self.go.wait(10)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))]


def make_gate(pages: Callable[..., Iterable[bytes]], *, threads: int = 1, **more: Any) -> Gate:
    options = {"limits": FAST, "seconds_for_a_thread": 0.05, "is_known": lambda environ: True} | more
    options.setdefault("largest_upload", lambda environ: 10**9)
    return Gate(pages, is_visit=lambda environ: environ["PATH_INFO"] == "/visit", threads=threads, **options)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(coroutine)


def length(count: int) -> tuple[bytes, bytes]:
    return b"content-length", str(count).encode()


def test_it_works() -> None:
    pages = Pages()
    answer = run(ask(make_gate(pages), Client(b"ab", b"cd"), "POST", b"/caf%C3%A9", [length(4)]))
    assert (answer.status, answer.body) == (200, b"abcd")
    assert answer.said[0]["headers"] == [(b"content-type", b"text/plain")]
    wanted = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/caf\xc3\xa9",
        "QUERY_STRING": "a=\xc3\xa9",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "192.0.2.1",
        "CONTENT_LENGTH": "4",
        "HTTP_HOST": "example.com",
        "wsgi.url_scheme": "http",
    }
    assert wanted.items() <= pages.environ.items()


def test_headers_that_are_not_ascii_arrive_byte_by_byte() -> None:
    pages = Pages()
    headers = [(b"user-agent", "MyApp/Été".encode()), (b"x-a", b"1"), (b"x-a", b"2")]
    headers += [(b"cookie", b"a=1"), (b"cookie", b"b=2")]
    run(ask(make_gate(pages), Client(), headers=headers))
    assert pages.environ["HTTP_USER_AGENT"].encode("latin-1").decode() == "MyApp/Été"
    assert (pages.environ["HTTP_X_A"], pages.environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_bodies_that_do_not_come_hold_no_thread() -> None:
    async def together() -> tuple[list[Client], Client]:
        gate = make_gate(Pages())
        silent = [
            asyncio.create_task(ask(gate, Client(b"x", is_whole=False), "POST", headers=[length(9)]))
            for _ in range(20)
        ]
        await asyncio.sleep(0)
        page = await ask(gate, Client())
        assert not any(task.done() for task in silent)
        return list(await asyncio.gather(*silent)), page

    silent, page = run(together())
    assert page.status == 200
    assert [each.status for each in silent] == [408] * 20
    assert json.loads(silent[0].body)["code"] == "too_slow"
    assert (b"connection", b"close") in silent[0].said[0]["headers"]


def test_who_sends_letter_by_letter_is_given_up_too() -> None:
    limits = Limits(most_bytes=1000, silent_seconds=5.0, least_seconds=0.0, bytes_a_second=1_000_000_000)
    answer = run(ask(make_gate(Pages(), limits=limits), Client(*[b"x"] * 99), "POST", headers=[length(99)]))
    assert answer.status == 408


def test_so_many_bodies_are_waited_for() -> None:
    async def together() -> Client:
        gate = make_gate(Pages(), most_bodies=1)
        waits = asyncio.create_task(ask(gate, Client(is_whole=False), "POST", headers=[length(9)]))
        await asyncio.sleep(0)
        second = await ask(gate, Client(b"x"), "POST", headers=[length(1)])
        await waits
        assert (await ask(gate, Client(b"x"), "POST", headers=[length(1)])).status == 200
        return second

    answer = run(together())
    assert answer.status == 503
    assert (b"retry-after", b"3") in answer.said[0]["headers"]


def test_nobody_asks_for_who_has_left() -> None:
    pages = Pages()
    gone = Client(b"x", is_whole=False, leaves=True)
    assert run(ask(make_gate(pages), gone, "POST", headers=[length(9)])).said == []
    assert pages.environ == {}


def test_short_links_and_others_while_all_pages_hang() -> None:
    async def together() -> tuple[int, int, int]:
        pages = Pages()
        gate = make_gate(pages, threads=2)
        held = [asyncio.create_task(ask(gate, Client(), path=b"/held")) for _ in range(2)]
        for _ in held:
            assert await asyncio.to_thread(pages.entered.acquire, timeout=10)
        visit, page = await ask(gate, Client(), path=b"/visit"), await ask(gate, Client())
        pages.go.set()
        await asyncio.gather(*held)
        return visit.status, page.status, (await ask(gate, Client())).status

    assert run(together()) == (200, 503, 200)


def test_a_visit_that_has_to_wait_gets_a_thread() -> None:
    where: list[str] = []

    def visits(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        where.append(threading.current_thread().name)
        value = Asker()(lambda: b"known", can_wait=True)
        start_response("200 OK", [])
        return [value]

    assert run(ask(make_gate(visits), Client(), path=b"/visit")).body == b"known"
    assert where == [threading.current_thread().name, "links_0"]


def test_a_visit_with_a_body_waits_for_none() -> None:
    answer = run(
        ask(
            make_gate(Pages()), Client(is_whole=False), "GET", b"/visit", [(b"transfer-encoding", b"chunked")]
        )
    )
    assert answer.status == 200


def test_a_body_without_length_gets_one() -> None:
    pages = Pages()
    chunked = [(b"transfer-encoding", b"chunked")]
    assert run(ask(make_gate(pages), Client(b"abc"), "POST", headers=chunked)).body == b"abc"
    assert "HTTP_TRANSFER_ENCODING" not in pages.environ


@pytest.mark.parametrize(("headers", "read"), [([], 1001), ([length(5000)], 0)])
def test_of_what_is_too_long_the_application_sees_that(headers: list[tuple[bytes, bytes]], read: int) -> None:
    pages = Pages()
    answer = run(ask(make_gate(pages), Client(b"x" * 5000), "POST", headers=headers))
    assert len(answer.body) == read
    assert int(pages.environ["CONTENT_LENGTH"]) > FAST.most_bytes


def test_large_forms_are_read_piece_by_piece() -> None:
    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"|".join(environ["wsgi.input"].read(size) for size in (2, 3, 0, -1, 5))]

    form = [FORM, length(SMALL_FORM_BYTES + 1)]
    answer = run(ask(make_gate(pages), Client(b"abcd", b"efgh", b"ij"), "POST", headers=form))
    assert answer.body == b"ab|cde||fghij|"


def test_a_strangers_large_form_is_read_as_any_body_and_holds_no_thread() -> None:
    gate = make_gate(Pages(), is_known=lambda environ: False)
    form = [FORM, (b"transfer-encoding", b"chunked")]
    assert run(ask(gate, Client(b"abcd", is_whole=False), "POST", headers=form)).status == 408
    refused = run(ask(gate, Client(b"x"), "POST", headers=[FORM, length(SMALL_FORM_BYTES + 1)]))
    assert refused.body == b"", "by its length, as what is too long is"


@pytest.mark.parametrize(
    ("accept", "kind", "begins"),
    [
        (b"text/html,*/*;q=0.8", b"text/html; charset=utf-8", b"<!DOCTYPE html>"),
        (b"application/json", b"application/problem+json", b'{"type": "about:blank"'),
    ],
)
def test_browsers_are_answered_with_a_page_and_programs_with_a_problem(
    accept: bytes, kind: bytes, begins: bytes
) -> None:
    gate = make_gate(Pages(), most_bodies=0)
    answer = run(ask(gate, Client(b"x"), "POST", headers=[length(1), (b"accept", accept)]))
    assert (answer.status, dict(answer.said[0]["headers"])[b"content-type"]) == (503, kind)
    assert answer.body.startswith(begins)
    assert b"Nothing was changed; try again in a moment." in answer.body


def test_headers_with_an_underscore_are_nobodys() -> None:
    """They would be taken for those that a proxy sets."""
    pages = Pages()
    sent = [(b"x-forwarded-for", b"192.0.2.7"), (b"x_forwarded_for", b"198.51.100.9")]
    run(ask(make_gate(pages), Client(), headers=sent))
    assert pages.environ["HTTP_X_FORWARDED_FOR"] == "192.0.2.7"


@pytest.mark.parametrize("accept", [b"text/html", b"*/*"])
def test_a_large_form_to_a_page_that_takes_none_is_refused_unread(accept: bytes) -> None:
    pages = Pages()
    gate = make_gate(pages, largest_upload=lambda environ: None)
    client = Client(b"x" * 5000)
    answer = run(ask(gate, client, "POST", headers=[FORM, length(SMALL_FORM_BYTES + 1), (b"accept", accept)]))
    assert (answer.status, pages.environ) == (413, {})
    assert b"takes no form of more than 1 MB. Nothing was changed" in answer.body
    assert (b"connection", b"close") in answer.said[0]["headers"]


def test_in_chunks_it_is_read_up_to_the_limit_of_any_body() -> None:
    pages = Pages()
    gate = make_gate(pages, largest_upload=lambda environ: None)
    chunked = [FORM, (b"transfer-encoding", b"chunked")]
    client = Client(*[b"x" * 400] * 50)
    assert run(ask(gate, client, "POST", headers=chunked)).status == 413
    assert pages.environ == {}
    assert client.read <= 4, "and not all of it"
    fits = run(ask(gate, Client(b"x" * 400, b"x" * 400), "POST", headers=chunked))
    assert (fits.status, len(fits.body)) == (200, 800)


@pytest.mark.parametrize("is_length_named", [True, False])
def test_an_upload_stops_at_the_limit_of_its_page(is_length_named: bool) -> None:
    read: list[int] = []

    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        with pytest.raises(UploadTooLarge) as refused:
            while piece := environ["wsgi.input"].read(64 * 1024):
                read.append(len(piece))
        return [str(refused.value.most).encode()]

    pieces = [b"x" * 100_000] * 30
    gate = make_gate(pages, largest_upload=lambda environ: 1_000_000)
    named = length(3_000_000) if is_length_named else (b"transfer-encoding", b"chunked")
    answer = run(ask(gate, Client(*pieces), "POST", headers=[FORM, named]))
    assert answer.body == b"1000000"
    assert sum(read) <= (0 if is_length_named else 1_000_000 + ROOM + 100_000)


def test_django_reads_a_large_form() -> None:
    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [str(WSGIRequest(environ).FILES["file"].size).encode()]

    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    pieces = [head, *[b"x" * 100_000] * 20, b"\r\n--x--\r\n"]
    form = [FORM, length(sum(map(len, pieces)))]
    assert run(ask(make_gate(pages), Client(*pieces), "POST", headers=form)).body == b"2000000"


def test_a_large_form_that_stops_ends_early() -> None:
    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        body = environ["wsgi.input"].read(100)
        began = time.monotonic()
        rest = environ["wsgi.input"].read(100)
        return [body, rest, b"" if time.monotonic() - began < FAST.silent_seconds else b" after a wait"]

    form = [FORM, (b"transfer-encoding", b"chunked")]
    assert run(ask(make_gate(pages), Client(b"abcd", is_whole=False), "POST", headers=form)).body == b"abcd"


class Download:
    """Of `count` pieces of 100,000 bytes."""

    def __init__(self, count: int) -> None:
        self.made = 0
        self.count = count
        self.is_closed = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return self

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.count):
            self.made += 1
            yield b"x" * 100_000

    def close(self) -> None:
        self.is_closed = True


def test_a_download_goes_in_pieces() -> None:
    download = Download(5)
    answer = run(ask(make_gate(download), Client()))
    assert [len(message["body"]) for message in answer.said[1:]] == [200_000, 200_000, 100_000]
    assert [message["more_body"] for message in answer.said[1:]] == [True, True, False]
    assert download.is_closed


def test_a_download_ends_where_nobody_is_left() -> None:
    download = Download(1_000_000)
    run(ask(make_gate(download), Client(leaves=True)))
    assert download.made < 1_000_000
    assert download.is_closed


def test_what_goes_wrong_is_500(caplog: pytest.LogCaptureFixture) -> None:
    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raise RuntimeError("broken")

    gate = make_gate(pages)
    assert run(ask(gate, Client())).status == 500


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--port", str(port)]
    process = subprocess.Popen([*command, "tests.config.gated_echo:application"], cwd=ROOT)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(20)


def answer_to(connection: socket.socket) -> bytes:
    """Until the other side closes."""
    said = b""
    while piece := connection.recv(65536):
        said += piece
    return said


def open_request(port: int, head: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(f"{head}\r\nHost: 127.0.0.1\r\n".encode())
    return connection


def test_idle_connections_at_the_real_server_stop_nobody_and_are_closed(port: int) -> None:
    idle = [open_request(port, "POST /login/ HTTP/1.1\r\nContent-Length: 9") for _ in range(12)]
    for connection in idle:
        connection.sendall(b"\r\nx")
    for path in ("/visit", "/"):
        with open_request(port, f"GET {path} HTTP/1.1\r\nConnection: close") as asking:
            asking.sendall(b"\r\n")
            assert answer_to(asking).startswith(b"HTTP/1.1 200 OK")
    for connection in idle:
        assert answer_to(connection).startswith(b"HTTP/1.1 408 ")
        connection.close()
