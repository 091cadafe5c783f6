"""What the sandbox's tests share: texts to send, a webhook that records, waiting with a deadline."""

import base64
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

import httpx

from tests.sandbox_process import SandboxProcess

T = TypeVar("T")

ALICE = "12015550123"  # any ending that is not magic
BOB = "12015550124"
CRIER = "12015550100"  # a number of ours
BASIC = httpx.BasicAuth("sandbox", "sandbox")


def eventually(found: Callable[[], T], seconds: float = 10.0) -> T:
    """The first true thing that `found` gives; fails after a while."""
    deadline = time.monotonic() + seconds
    while True:
        result = found()
        if result:
            return result
        assert time.monotonic() < deadline, f"still {result!r} after {seconds} seconds"
        time.sleep(0.01)


def sms(sandbox: SandboxProcess, to: str = ALICE, **fields: Any) -> httpx.Response:
    """A text through MessageWhiz; a field given as None is left out."""
    body = {"api_key": "sandbox-key", "to": to, "from": "Crier", "text": "Hello Alice"} | fields
    return sandbox.request(
        "POST", "/messagewhiz/sms", {name: value for name, value in body.items() if value is not None}
    )


def message_send(sandbox: SandboxProcess, to: str | list[str] = ALICE, **fields: Any) -> httpx.Response:
    """A text through BulkVS; a field given as None is left out."""
    numbers = [to] if isinstance(to, str) else to
    body = {"From": CRIER, "To": numbers, "Message": "Hello Alice, hello Bob"} | fields
    return bulkvs(
        sandbox, "POST", "messageSend", {name: value for name, value in body.items() if value is not None}
    )


def bulkvs(
    sandbox: SandboxProcess, method: str, path: str, json: Any = None, user: str = "sandbox", **options: Any
) -> httpx.Response:
    return sandbox.request(
        method, f"/bulkvs/api/v1.0/{path}", json, auth=httpx.BasicAuth(user, "sandbox"), **options
    )


def put_webhook(
    sandbox: SandboxProcess, url: str, name: str = "Default", user: str = "sandbox", **fields: Any
) -> None:
    body = {"Webhook": name, "Description": "Tests", "Url": url, "Dlr": True, "Method": "POST"} | fields
    assert bulkvs(sandbox, "PUT", "webHooks", body, user).status_code == 200


APIKEY = "5A4DB0C5-0000-4000-8000-000000000000"
CGUID = "71349011-E13D-43FC-ADB4-DAE215EA5438"
LANDING_PAGE = "https://example.com?customerid=1234"


def mx2_send(sandbox: SandboxProcess, to: str = ALICE, **fields: Any) -> httpx.Response:
    """A text through Mx2, `to` with its country code; a field given as None is left out."""
    body = {"apikey": APIKEY, "cguid": CGUID, "cell": to[1:], "fname": "Mike", "landingPageUrl": LANDING_PAGE}
    named = {name: value for name, value in (body | fields).items() if value is not None}
    return sandbox.request("POST", "/mx2/api/send", named)


def settings(sandbox: SandboxProcess, vendor: str, **changes: Any) -> Any:
    return sandbox.control("POST", "settings", {"vendor": vendor} | changes)


SUBSCRIPTION = {"ocp-apim-subscription-key": "sandbox"}
TRIGGER = {"api_key": "sandbox-key", "trigger_key": "sandbox-trigger"}


def mobiz(
    sandbox: SandboxProcess,
    path: str,
    body: Any,
    query: dict[str, str],
    headers: dict[str, str] = SUBSCRIPTION,
) -> httpx.Response:
    return sandbox.request("POST", f"/mobiz/{path}?{urlencode(query)}", body, headers=headers)


def mobiz_trigger(sandbox: SandboxProcess, body: Any, **query: str) -> httpx.Response:
    return mobiz(sandbox, "TriggerMessage/manual/paths/invoke", body, TRIGGER | query)


def mobiz_send(sandbox: SandboxProcess, to: str = ALICE) -> httpx.Response:
    """A text through Mobiz."""
    return mobiz_trigger(sandbox, {"A": to, "B": "Alice", "E": "Hello Alice"})


def ogangi(
    sandbox: SandboxProcess,
    method: str,
    operation: str,
    *parameters: str,
    public_key: str = "sandbox-public",
    signature: str | None = None,
    **options: Any,
) -> httpx.Response:
    """A signed call of Ogangi's; `options` are httpx's."""
    seal = hmac.digest(b"sandbox", "/".join(parameters).encode(), "sha256").hex()
    segments = [*parameters, public_key, seal if signature is None else signature]
    path = "/".join(quote(segment, safe="") for segment in segments)
    return sandbox.request(method, f"/ogangi/rest/api/{operation}/{path}", **options)


def ogangi_file(sandbox: SandboxProcess, *lines: str | bytes, **options: Any) -> httpx.Response:
    """Texts through Ogangi, each a line of the phone list."""
    content = b"\r\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    files = {"file": ("list.csv", content, "text/csv")}
    return ogangi(sandbox, "POST", "tools/sendSMSByFile", "8", files=files, **options)


def ogangi_line(to: str = ALICE, text: str = "Hello Alice") -> str:
    return f'"{to}","{CRIER}","carrierName","UTF-8","America/Caracas","{text}"'


def ogangi_send(sandbox: SandboxProcess, to: str = ALICE) -> httpx.Response:
    """A text through Ogangi."""
    return ogangi_file(sandbox, ogangi_line(to))


def base64url(parameters: str) -> str:
    seal = hmac.digest(b"sandbox", parameters.encode(), "sha256")
    return base64.urlsafe_b64encode(seal).decode().rstrip("=")


def xml_of(response: httpx.Response) -> ElementTree.Element:
    """The answer's elements, which have no root, under one."""
    return ElementTree.fromstring(f"<answer>{response.text}</answer>")  # noqa: S314 - the sandbox's own


def state_of(sandbox: SandboxProcess, msisdn: str) -> str:
    """What became of the latest text on a handset."""
    state: str = sandbox.control("GET", f"handsets/{msisdn}")["thread"][-1]["state"]
    return state


def raw_post(url: str, path: str, body: Any, header: str = "") -> bytes:
    """Everything that the server sends on a line of its own until it ends the line."""
    with open_line(url, path, body, header) as line:
        return read_to_end(line)


def open_line(url: str, path: str, body: Any, header: str = "") -> socket.socket:
    """A line on which one request was written, nothing read yet."""
    data = json.dumps(body).encode()
    address = urlsplit(url)
    assert address.hostname and address.port
    line = socket.create_connection((address.hostname, address.port), timeout=10)
    line.sendall(
        f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/json\r\n{header}"
        f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    return line


def read_to_end(line: socket.socket) -> bytes:
    received = b""
    while chunk := line.recv(4096):
        received += chunk
    return received


class _PatientServer(ThreadingHTTPServer):
    """Python's own lets 5 lines wait to be accepted and the sandbox opens up to 64 at once.

    Lines beyond are dropped and tried again by the system after 1, 3 and 7 seconds: on a busy machine a burst would
    take longer than tests wait, or than the sandbox does, which then posts again what had come.
    """

    request_queue_size = 128


class Webhook:
    """A loopback server that records what is posted to it; `statuses` are answered first, then 200.

    A redirect leads to /elsewhere, which is recorded too. While `open` is cleared, answers wait.
    """

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.content_types: list[str] = []
        self.statuses: list[int] = []
        self.open = threading.Event()
        self.open.set()
        self._server = _PatientServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks/alice"

    def wait_for(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        eventually(lambda: len(self.received) >= count, seconds)
        return self.received

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                webhook.paths.append(self.path)
                webhook.content_types.append(self.headers["content-type"])
                webhook.received.append(json.loads(body))
                webhook.open.wait(10)
                status = webhook.statuses.pop(0) if webhook.statuses else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                webhook.paths.append(self.path)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        return Handler
