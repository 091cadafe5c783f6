"""Cutting a line, on systems that list their descriptors and on those that do not; reading bodies."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox import wire
from providers.sandbox.wire import BODY_CAP, LineCutError, cut_line, is_url, read_body, shut_socket


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A caller's end and the server's end of one TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        caller = socket.create_connection(server.getsockname(), timeout=5)
        served, _ = server.accept()
        with caller, served:
            yield caller, served


def test_the_callers_socket_is_shut(line: tuple[socket.socket, socket.socket]) -> None:
    caller, served = line
    assert shut_socket(caller.getsockname(), served.getsockname()) is True
    assert caller.recv(1) == b""
    assert served.fileno() >= 0, "it stays the server's to close"


def test_no_other_socket_is_shut(line: tuple[socket.socket, socket.socket]) -> None:
    caller, served = line
    host, port = caller.getsockname()
    assert shut_socket((host, port), (host, 1)) is False
    assert shut_socket(None, served.getsockname()) is False
    served.sendall(b"x")
    assert caller.recv(1) == b"x"


async def test_without_a_list_of_sockets_the_answer_is_left_short(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, served = line
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    def no_list(_: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(wire.os, "listdir", no_list)
    with pytest.raises(LineCutError):
        await cut_line({"client": caller.getsockname(), "server": served.getsockname()}, send)
    promised = int(dict(sent[0]["headers"])[b"content-length"])
    assert len(sent[1]["body"]) < promised
    assert sent[1]["more_body"] is True
    assert len(sent) == 2


@pytest.mark.parametrize(
    ("sizes", "size"),
    [
        ([0], 0),
        ([5], 5),
        ([2, 3], 5),
        ([BODY_CAP], BODY_CAP),
        ([BODY_CAP + 1], None),
        ([BODY_CAP, 1, 1], None),
    ],
)
async def test_bodies_are_read_up_to_the_cap(sizes: list[int], size: int | None) -> None:
    messages = [
        {"type": "http.request", "body": bytes(count), "more_body": index < len(sizes) - 1}
        for index, count in enumerate(sizes)
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    body = await read_body(receive)
    assert (None if body is None else len(body)) == size


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("https://example.com/a", True),
        ("http://127.0.0.1:8000/dlr/x", True),
        ("ftp://example.com", False),
        ("http://", False),
        ("http://[::1", False),
        ("example.com", False),
        (None, False),
    ],
)
def test_urls_are_told_apart(value: Any, right: bool) -> None:
    assert is_url(value) is right
