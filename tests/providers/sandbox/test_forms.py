"""Forms as curl and httpx send them: multipart and URL-encoded."""

import httpx
import pytest

from providers.sandbox.forms import Form, Upload, read_form
from providers.sandbox.wire import Call

TYPE = "multipart/form-data; boundary=xyz"
NOT_UTF8 = bytes(range(256))


def read(content_type: str, body: bytes) -> Form | None:
    return read_form(Call("POST", "", b"", [(b"content-type", content_type.encode())], body))


def test_it_works() -> None:
    request = httpx.Request(
        "POST",
        "http://127.0.0.1/",
        data={"name": "Größe", "mapping": '{"0":"phone_number"}'},
        files={"doc": ("a.csv", NOT_UTF8 + b"\r\n2\r\n--\r\n", "text/csv")},
    )
    form = read(request.headers["content-type"], request.read())
    assert form is not None
    assert form.texts == {"name": "Größe", "mapping": '{"0":"phone_number"}'}
    assert form.files == {"doc": Upload("a.csv", NOT_UTF8 + b"\r\n2\r\n--\r\n")}


def test_content_is_of_a_file_or_of_a_field() -> None:
    files = {"file": ("list.csv", NOT_UTF8, "text/csv"), "to": (None, "Zoë\r\nBob")}
    request = httpx.Request("POST", "https://example.com", files=files)
    form = read(request.headers["content-type"], request.read())
    assert form is not None
    assert form.content("file") == NOT_UTF8
    assert form.content("to") == "Zoë\r\nBob".encode()
    assert form.content("from") is None


def test_a_urlencoded_form_is_read() -> None:
    request = httpx.Request("POST", "https://example.com", data={"to": "Zoë & Bob", "größe": ""})
    form = read(request.headers["content-type"], request.read())
    assert form is not None
    assert (form.texts, form.files) == ({"to": "Zoë & Bob", "größe": ""}, {})


def test_urlencoded_bytes_stay_as_they_are() -> None:
    form = read("application/x-www-form-urlencoded; charset=latin-1", b"to=%FF%00")
    assert form is not None
    assert (form.content("to"), form.texts) == (b"\xff\x00", {"to": "\ufffd\x00"})


def test_curl_writes_it_so() -> None:
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="name"\r\n\r\nFirst\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="doc"; filename="numbers 9.csv"\r\n'
        b"Content-Type: text/csv\r\n\r\n\x00\xff\r\n--xyz--\r\n"
    )
    form = read('Multipart/Form-Data; boundary="xyz"', body)
    assert form is not None
    assert (form.texts, form.files) == ({"name": "First"}, {"doc": Upload("numbers 9.csv", b"\x00\xff")})


def test_the_later_of_one_name_counts() -> None:
    part = b"--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n%d\r\n"
    form = read(TYPE, part % 1 + part % 2 + b"--xyz--")
    assert form is not None
    assert form.fields == {"a": b"2"}


def test_a_form_may_be_empty() -> None:
    form = read(TYPE, b"--xyz--\r\n")
    assert form is not None
    assert (form.fields, form.files) == ({}, {})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"to=Hello"),
        ("application/json", b"{}"),
        ("multipart/form-data", b"--xyz--"),
        (TYPE, b""),
        (TYPE, b"nothing"),
        (TYPE, b"--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\nnever ends"),
        (TYPE, b"--xyz\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--xyz--"),
        (TYPE, b"--xyz\r\nno blank line\r\n--xyz--"),
        (TYPE, b"--xyz\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" * 60 + b"--xyz--"),
        ("application/x-www-form-urlencoded", b"a=1&" * 60),
    ],
)
def test_it_rejects(content_type: str, body: bytes) -> None:
    assert read(content_type, body) is None
