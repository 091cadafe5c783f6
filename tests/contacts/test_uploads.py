"""contacts.uploads: bodies without a length, or with a wrong one, by page and API."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import Import
from tests.contacts.support import number
from tests.people import ApiClient

API = "/api/v1/imports/"
FILE = f"number,name\n+{number(0)},Ann\n+{number(1)},Bob\n".encode()
BROKE_OFF = "The upload broke off before the end of the file. Check the connection and send the file again."


def body_of(file: bytes = FILE) -> bytes:
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
    return head.encode() + file + b"\r\n--x--\r\n"


def sent(client: Client, url: str, body: bytes, **environ: Any) -> Any:
    """As a WSGI server hands it on: a stream that ends where the body does."""
    kind = "multipart/form-data; boundary=x"
    more: dict[str, Any] = {
        "wsgi.input": io.BytesIO(body),
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body)),
    }
    return client.generic("POST", url, b"", content_type=kind, **(more | environ))


def in_chunks(client: Client, url: str, body: bytes) -> Any:
    return sent(client, url, body, CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")


def test_it_works_in_chunks_at_the_page(bob_client: Client, acme: Workspace) -> None:
    assert in_chunks(bob_client, reverse("import-new"), body_of()).status_code == 302
    assert (Import.objects.get().total_rows, Import.objects.get().file_size) == (2, len(FILE))


def test_it_works_in_chunks_at_the_api(api: Callable[..., ApiClient], acme: Workspace) -> None:
    answer = in_chunks(api("marketer"), API, body_of())
    assert (answer.status_code, answer.json().get("total_rows")) == (201, 2), answer.json()


def test_it_works_without_a_length_by_http_2(api: Callable[..., ApiClient], acme: Workspace) -> None:
    answer = sent(api("marketer"), API, body_of(), CONTENT_LENGTH="", **{"wsgi.input_terminated": True})
    assert answer.status_code == 201, answer.json()


def test_a_form_of_another_kind_in_chunks_is_told(bob_client: Client, acme: Workspace) -> None:
    kind = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = sent(bob_client, reverse("import-new"), b"file=people.csv", CONTENT_LENGTH="", **kind)
    assert (answer.status_code, "Choose the file that holds the people." in answer.content.decode()) == (
        422,
        True,
    )


def test_too_much_in_chunks_is_refused(
    api: Callable[..., ApiClient], bob_client: Client, acme: Workspace, settings: Settings
) -> None:
    settings.IMPORT_MAX_BYTES = 1024
    body = body_of(b"x" * 200_000)
    answer = in_chunks(api("marketer"), API, body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    page = in_chunks(bob_client, reverse("import-new"), body)
    assert (page.status_code, page.headers["Connection"]) == (422, "close")
    assert (
        "The file has more than 1.0\xa0KB, which is all that can be imported at once."
        in page.content.decode()
    )
    assert not Import.objects.exists()


@pytest.mark.parametrize("missing", [1, 8, 30, len(FILE) + 20])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_part_of_a_file_is_not_taken_for_all_of_it(
    api: Callable[..., ApiClient], bob_client: Client, acme: Workspace, missing: int, chunked: bool
) -> None:
    """A connection that ends early looks to the application like the end of the body."""
    whole = body_of().removesuffix(b"\r\n")
    part = whole[:-missing]
    length = {"CONTENT_LENGTH": str(len(whole))}
    if chunked:
        length = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    answer = sent(api("marketer"), API, part, **length)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "incomplete")
    page = sent(bob_client, reverse("import-new"), part, **length)
    assert (page.status_code, BROKE_OFF in page.content.decode()) == (422, True)
    assert not Import.objects.exists()


def test_a_length_that_is_too_small_cuts_nothing_off_in_silence(
    api: Callable[..., ApiClient], acme: Workspace
) -> None:
    answer = sent(api("marketer"), API, body_of(), CONTENT_LENGTH=str(len(body_of()) - 40))
    assert answer.json()["errors"][0]["detail"] == BROKE_OFF


def test_no_body_at_all_asks_for_the_file(api: Callable[..., ApiClient], acme: Workspace) -> None:
    answer = sent(api("marketer"), API, b"", CONTENT_LENGTH="")
    assert answer.status_code == 400
    assert not Import.objects.exists()
