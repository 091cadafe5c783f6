"""The transport's one promise: what may have left is never called certain, and a POST leaves once."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import json
import logging
import socket
import ssl
import struct
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers import transport as module
from providers.transport import MAX_ANSWER_BYTES, AnswerTooLong, LeanTransport, sync_client
from tests.providers.connectors.scripted import Line, Reply, ScriptedServer, refusing_port

CERTAIN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
OK = Reply(200, {"id": 1})


@pytest.fixture
async def transport() -> AsyncIterator[LeanTransport]:
    transport = LeanTransport()
    yield transport
    await transport.aclose()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server
        server.verify()


def post(url: str, seconds: float = 5.0, connect: float | None = None) -> httpx.Request:
    timeout = httpx.Timeout(seconds, connect=connect or seconds).as_dict()
    return httpx.Request("POST", url, json={"text": "Hi"}, extensions={"timeout": timeout})


async def failure(transport: LeanTransport, request: httpx.Request) -> httpx.HTTPError:
    with pytest.raises(httpx.HTTPError) as caught:
        await transport.handle_async_request(request)
    return caught.value


async def test_it_works(transport: LeanTransport, server: ScriptedServer) -> None:
    server.expect("POST", "/m?a=b%20c&d=%2F", Reply(201, {"id": 1}, {"x-one": "1", "set-cookie": "a=b"}))
    response = await transport.handle_async_request(post(f"{server.url}/m?a=b%20c&d=%2F"))
    assert (response.status_code, response.json(), response.headers["x-one"]) == (201, {"id": 1}, "1")
    [received] = server.received
    assert received.json == {"text": "Hi"}
    assert set(received.headers) == {
        "host",
        "content-type",
        "content-length",
        "user-agent",
        "accept-encoding",
    }
    assert received.headers["user-agent"] == module.USER_AGENT


async def test_it_serves_an_httpx_client(server: ScriptedServer) -> None:
    server.expect("GET", "/", OK)
    async with httpx.AsyncClient(transport=LeanTransport()) as client:
        assert (await client.get(f"{server.url}/")).json() == {"id": 1}


async def test_it_keeps_no_cookies(transport: LeanTransport, server: ScriptedServer) -> None:
    for _ in range(2):
        server.expect("POST", "/m", Reply(200, {}, {"set-cookie": "a=b; Path=/"}))
        await transport.handle_async_request(post(f"{server.url}/m"))
    assert "cookie" not in server.received[1].headers
    assert [request.connection for request in server.received] == [1, 1]


async def test_it_follows_no_redirect(transport: LeanTransport, server: ScriptedServer) -> None:
    server.expect("POST", "/m", Reply(307, b"", {"location": "/elsewhere"}))
    response = await transport.handle_async_request(post(f"{server.url}/m"))
    assert (response.status_code, response.headers["location"]) == (307, "/elsewhere")


async def test_it_asks_no_proxy_of_the_environment(
    transport: LeanTransport, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with refusing_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        server.expect("POST", "/m", OK)
        assert (await transport.handle_async_request(post(f"{server.url}/m"))).status_code == 200


async def test_a_dead_proxy_is_certain(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", "")
        transport = LeanTransport(trust_env=True)
        error = await failure(transport, post(f"{server.url}/m"))
        await transport.aclose()
    assert isinstance(error, httpx.ConnectError)


async def test_it_unpacks_what_is_packed_unasked(transport: LeanTransport, server: ScriptedServer) -> None:
    packed = gzip.compress(json.dumps({"id": 1}).encode())
    server.expect("POST", "/m", Reply(200, packed, {"content-encoding": "gzip"}))
    assert (await transport.handle_async_request(post(f"{server.url}/m"))).json() == {"id": 1}


# --- certain: nothing can have left ---------------------------------------------------------------


async def test_a_refused_connection_is_certain(transport: LeanTransport) -> None:
    with refusing_port() as port:
        assert type(await failure(transport, post(f"http://127.0.0.1:{port}/m"))) is httpx.ConnectError


async def test_an_unknown_name_is_certain(transport: LeanTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    assert type(await failure(transport, post("http://sms.example.com/m"))) is httpx.ConnectError


async def test_a_connect_timeout_is_certain(transport: LeanTransport) -> None:
    """Linux drops the handshake of a connection that finds the backlog full."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/m"
        assert type(await failure(transport, post(url, connect=0.3))) is httpx.ConnectTimeout


async def test_waiting_for_a_free_connection_is_certain(server: ScriptedServer) -> None:
    transport = LeanTransport(max_connections=1)
    server.expect("POST", "/slow", Reply(line=Line.HANG))
    slow = asyncio.create_task(failure(transport, post(f"{server.url}/slow", seconds=0.5)))
    assert await asyncio.to_thread(server.arrived.wait, 5)
    error = await failure(transport, post(f"{server.url}/m", connect=0.1))
    assert isinstance(error, CERTAIN)
    assert isinstance(await slow, httpx.ReadTimeout)
    await transport.aclose()


@pytest.mark.parametrize("url", ["ftp://example.com/m", "http:///m", "wat://x"])
async def test_an_address_that_is_none_is_certain(transport: LeanTransport, url: str) -> None:
    assert type(await failure(transport, post(url))) is httpx.UnsupportedProtocol


async def test_a_server_without_tls_is_certain(transport: LeanTransport, server: ScriptedServer) -> None:
    error = await failure(transport, post(f"https://127.0.0.1:{server.port}/m"))
    assert type(error) is httpx.ConnectError
    assert server.received == []


async def test_a_certificate_that_nobody_signed_is_certain(transport: LeanTransport, tmp_path: Path) -> None:
    with ScriptedServer(tls=self_signed(tmp_path)) as server:
        error = await failure(transport, post(f"{server.url}/m"))
        server.verify()
    assert type(error) is httpx.ConnectError
    assert server.received == []


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


# --- unclear: the request was written --------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (Line.CUT_BEFORE, httpx.RemoteProtocolError),
        (Line.CUT_WITHIN, httpx.RemoteProtocolError),
        (Line.HANG, httpx.ReadTimeout),
        (Line.HANG_WITHIN, httpx.ReadTimeout),
    ],
)
async def test_a_line_that_breaks_after_the_request_is_unclear(
    transport: LeanTransport, server: ScriptedServer, line: Line, error: type[httpx.HTTPError]
) -> None:
    server.expect("POST", "/m", Reply(200, {"id": 12345}, line=line))
    found = await failure(transport, post(f"{server.url}/m", seconds=0.3))
    assert type(found) is error
    assert not isinstance(found, CERTAIN)
    assert len(server.received) == 1


async def test_a_post_on_a_reused_connection_is_never_repeated(
    transport: LeanTransport, server: ScriptedServer
) -> None:
    """aiohttp repeats idempotent requests when a kept connection turns out closed; a POST is not one."""
    for _ in range(5):
        server.expect("POST", "/m", OK)
        await transport.handle_async_request(post(f"{server.url}/m"))
        server.expect("POST", "/m", Reply(line=Line.CUT_BEFORE))
        found = await failure(transport, post(f"{server.url}/m"))
        assert not isinstance(found, CERTAIN)
    assert [request.connection for request in server.received] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


async def test_a_connection_closed_while_idle_costs_no_post(
    transport: LeanTransport, server: ScriptedServer
) -> None:
    """Each POST either arrives once and is answered, or is told as unclear: never sent twice, never lost."""
    answered = unclear = 0
    for number in range(30):
        server.expect("POST", f"/{number}", Reply(200, {}, line=Line.CLOSE_AFTER))
        try:
            await transport.handle_async_request(post(f"{server.url}/{number}"))
            answered += 1
        except httpx.HTTPError as error:
            assert not isinstance(error, CERTAIN)
            unclear += 1
            server._expected = [row for row in server._expected if row[1] != f"/{number}"]
    assert answered + unclear == 30
    targets = [request.target for request in server.received]
    assert len(targets) == len(set(targets))
    assert len(targets) >= answered


@asynccontextmanager
async def raw_server(handle: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """The URL of a server that does `handle` with each connection, once a request's head was read."""
    tasks: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await handle(writer)
        finally:
            writer.close()

    server = await asyncio.start_server(
        lambda *pair: tasks.append(asyncio.create_task(serve(*pair))), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/m"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("body", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/9 nonsense\r\n\r\n", b"\x00\xff" * 50])
async def test_an_answer_that_is_no_http_is_unclear(transport: LeanTransport, body: bytes) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(body)

    async with raw_server(answer) as url:
        assert type(await failure(transport, post(url))) is httpx.RemoteProtocolError


async def test_a_line_that_is_reset_is_unclear(transport: LeanTransport) -> None:
    async def reset(writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)  # close sends RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async with raw_server(reset) as url:
        found = await failure(transport, post(url))
    assert isinstance(found, httpx.ReadError | httpx.RemoteProtocolError)


async def test_an_endless_answer_is_dropped(transport: LeanTransport, server: ScriptedServer) -> None:
    server.expect("POST", "/fits", Reply(200, b"x" * MAX_ANSWER_BYTES))
    server.expect("POST", "/m", Reply(200, b"x" * (MAX_ANSWER_BYTES + 1)))
    fits = await transport.handle_async_request(post(f"{server.url}/fits"))
    assert len(fits.content) == MAX_ANSWER_BYTES
    assert type(await failure(transport, post(f"{server.url}/m"))) is AnswerTooLong


async def test_a_packed_bomb_is_dropped(transport: LeanTransport, server: ScriptedServer) -> None:
    bomb = gzip.compress(b"x" * (50 * MAX_ANSWER_BYTES))
    assert len(bomb) < MAX_ANSWER_BYTES
    server.expect("POST", "/m", Reply(200, bomb, {"content-encoding": "gzip"}))
    found = await failure(transport, post(f"{server.url}/m"))
    assert isinstance(found, httpx.RemoteProtocolError)


async def test_a_dripping_answer_ends(transport: LeanTransport) -> None:
    """Each drop is within the read timeout; the whole may last no longer than connect and read together."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.05)

    async with raw_server(drip) as url, asyncio.timeout(10):
        assert type(await failure(transport, post(url, seconds=0.3))) is httpx.ReadTimeout


# --- the plain client -----------------------------------------------------------------------------


def test_sync_client_works(server: ScriptedServer) -> None:
    server.expect("GET", "/", OK)
    with sync_client() as client:
        assert client.get(f"{server.url}/").json() == {"id": 1}
    assert server.received[0].headers["user-agent"] == module.USER_AGENT
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_sync_client_follows_no_redirect(server: ScriptedServer) -> None:
    server.expect("GET", "/", Reply(302, b"", {"location": "/elsewhere"}))
    with sync_client() as client:
        assert client.get(f"{server.url}/").status_code == 302


def test_sync_client_drops_endless_answers(server: ScriptedServer) -> None:
    bomb = gzip.compress(b"x" * (100 * MAX_ANSWER_BYTES))
    server.expect("GET", "/plain", Reply(200, b"x" * (MAX_ANSWER_BYTES + 1)))
    server.expect("GET", "/packed", Reply(200, bomb, {"content-encoding": "gzip"}))
    with sync_client() as client:
        for path in ("/plain", "/packed"):
            with pytest.raises(AnswerTooLong):
                client.get(f"{server.url}{path}")


def test_sync_client_ends_dripping_answers(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SYNC_SECONDS", -1.0)
    server.expect("GET", "/", OK)
    with sync_client() as client, pytest.raises(httpx.ReadTimeout):
        client.get(f"{server.url}/")


def test_urls_stay_out_of_the_log(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").setLevel(logging.INFO)
    server.expect("GET", "/canary", OK)
    with sync_client() as client:
        client.get(f"{server.url}/canary")
    assert "canary" not in caplog.text


def test_version_is_the_projects() -> None:
    pyproject = Path(__file__).parents[2] / "pyproject.toml"
    assert tomllib.loads(pyproject.read_text())["project"]["version"] == module.VERSION
