"""A body in chunks arrives whole, through the web server that Crier runs on and into what Django makes of it."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import RequestFactory

from accounts.access import Actor
from accounts.models import Role, User, Workspace
from accounts.services import create_api_key
from config.wsgi import application
from messaging.links.lookup import Lookup
from providers.models import StoredWebhookCall
from tests.engine.makers import make_account

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def no_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would keep connections to a database that is deleted at the end."""
    monkeypatch.setattr(application, "_lookup", Lookup())


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    process = subprocess.Popen([*command, "tests.config.echo_wsgi:application"], cwd=ROOT)
    url = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(20)


@pytest.mark.parametrize(("pieces", "said"), [(0, "0"), (1, "1000"), (150, "150000")])
def test_chunks_arrive_whole(server: str, pieces: int, said: str) -> None:
    answer = httpx.post(server, content=(b"x" * 1000 for _ in range(pieces)), trust_env=False)
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert (answer.status_code, answer.text) == (200, said)


def test_a_body_with_a_length_is_left_alone(server: str) -> None:
    """However long: its limits are Django's."""
    assert httpx.post(server, content=b"x" * 300_000, trust_env=False).text == "300000"


def test_the_application_sees_that_there_is_too_much(server: str) -> None:
    answer = httpx.post(server, content=(b"x" * 50_000 for _ in range(10)), trust_env=False)
    assert answer.text == "200001"


def test_files_are_left_to_those_who_read_them_piece_by_piece(server: str) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = httpx.post(server, content=(b"x" * 1000 for _ in range(2)), headers=kind, trust_env=False)
    assert answer.text == "0"


@pytest.mark.django_db(transaction=True)
def test_json_that_is_too_long_is_413(acme: Workspace, alice: User) -> None:
    _row, key = create_api_key(workspace=acme, name="test", role=Role.MARKETER, actor=Actor(user=alice))
    environ: dict[str, Any] = RequestFactory().post("/api/v1/messages/").environ
    del environ["CONTENT_LENGTH"]
    environ |= {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(b'"' + b"x" * 6_000_000 + b'"'),
    }
    statuses: list[str] = []
    answer = b"".join(application(environ, lambda status, headers, trouble=None: statuses.append(status)))
    assert statuses[0].startswith("413")
    assert json.loads(answer)["code"] == "too_large"


@pytest.mark.django_db(transaction=True)
def test_a_report_in_chunks_is_kept(acme: Workspace) -> None:
    account = make_account(acme, "messagewhiz")
    report = json.dumps({"message_id": "v1", "state": 2, "recipient": "12015550123"}).encode()
    environ: dict[str, Any] = RequestFactory().post(f"/hooks/{account.webhook_token}/").environ
    del environ["CONTENT_LENGTH"]
    environ |= {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "CONTENT_TYPE": "application/json",
        "wsgi.input": io.BytesIO(report),
    }
    statuses: list[str] = []
    b"".join(application(environ, lambda status, headers, trouble=None: statuses.append(status)))
    assert statuses == ["200 OK"]
    assert bytes(StoredWebhookCall.objects.get().body) == report
