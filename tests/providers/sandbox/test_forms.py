"""Forms as clients send them: multipart and URL-encoded."""

import httpx
import pytest

from providers.sandbox.forms import fields_of
from providers.sandbox.wire import Call

NOT_UTF8 = bytes(range(256))


def call(content_type: str, body: bytes) -> Call:
    return Call("POST", "", b"", [(b"content-type", content_type.encode())], body)


def test_an_http_clients_multipart_is_read() -> None:
    files = {"file": ("list.csv", NOT_UTF8, "text/csv"), "to": (None, "Zoë\r\nBob")}
    request = httpx.Request("POST", "https://example.com", files=files)
    fields = fields_of(call(request.headers["content-type"], request.read()))
    assert fields == {"file": NOT_UTF8, "to": "Zoë\r\nBob".encode()}


def test_a_urlencoded_form_is_read() -> None:
    request = httpx.Request("POST", "https://example.com", data={"to": "Zoë & Bob", "empty": ""})
    fields = fields_of(call(request.headers["content-type"], request.read()))
    assert fields == {"to": "Zoë & Bob".encode(), "empty": b""}


def test_the_content_type_is_taken_in_any_case() -> None:
    body = b'--b\r\nContent-Disposition: form-data; name="to"\r\n\r\nHello\r\n--b--\r\n'
    assert fields_of(call("Multipart/Form-Data; boundary=b", body)) == {"to": b"Hello"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"to=Hello"),
        ("application/json", b'{"to": "Hello"}'),
        ("multipart/form-data", b'--b\r\ncontent-disposition: form-data; name="to"\r\n\r\nHello\r\n--b--'),
        ("multipart/form-data; boundary=b", b"to=Hello"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nnameless\r\n--b--"),
    ],
)
def test_anything_else_has_no_fields(content_type: str, body: bytes) -> None:
    assert fields_of(call(content_type, body)) == {}
