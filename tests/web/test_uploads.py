"""Which pages take large uploads, and what stops those that are too large."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from accounts.models import User
from web.uploads import ADMIN_UPLOAD_BYTES, UploadTooLarge, largest_upload, largest_upload_of
from web.views import bad_request


def test_pages_that_take_large_uploads(settings: Any) -> None:
    settings.IMPORT_MAX_BYTES, settings.MEDIA_MAX_BYTES = 111, 222
    wanted = {
        "/imports/new/": 111,
        "/api/v1/imports/": 111,
        "/media/new/": 222,
        "/api/v1/media/": 222,
        "/admin/messaging/media/add/": 222,
        "/admin/contacts/recipient/import/": ADMIN_UPLOAD_BYTES,
        "/admin/contacts/optout/import/": ADMIN_UPLOAD_BYTES,
        "/admin/messaging/template/import/": ADMIN_UPLOAD_BYTES,
        "/admin/messaging/wordspinner/import/": ADMIN_UPLOAD_BYTES,
        "/admin/messaging/sender/import/": ADMIN_UPLOAD_BYTES,
        "/admin/providers/rate/import/": ADMIN_UPLOAD_BYTES,
    }
    assert {path: largest_upload(path, "POST") for path in wanted} == wanted


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/settings/", "/o/AbCdEfGh", "/o/AbCdEfGhx", "/nowhere/", "/provider-accounts/1/rates/import/", "/\xff"),
        *("/api/v1/messages/", "/admin/", "/admin/contacts/recipient/", "/imports/1/", "/api/v1/imports/1/"),
    ],
)  # fmt: skip
def test_no_other_does(path: str) -> None:
    assert largest_upload_of({"PATH_INFO": path, "REQUEST_METHOD": "POST"}) is None


def test_every_page_with_an_import_in_the_admin_takes_one() -> None:
    for model, own in admin.site._registry.items():
        if hasattr(own, "import_action"):
            meta = model._meta
            path = f"/admin/{meta.app_label}/{meta.model_name}/import/"
            assert largest_upload(path, "POST") == ADMIN_UPLOAD_BYTES, path


@pytest.mark.parametrize(("accept", "path"), [("text/html", "/imports/new/"), ("", "/api/v1/imports/")])
def test_what_is_too_large_is_told_with_the_pages_own_limit(accept: str, path: str) -> None:
    answer = bad_request(RequestFactory().post(path, HTTP_ACCEPT=accept), UploadTooLarge(50 * 1024**2))
    assert answer.status_code == 413
    assert "more than 50.0" in answer.content.decode().replace("\xa0", " ")


class Growing(io.RawIOBase):
    """The beginning of a form, and then what the server says once it is too much."""

    def __init__(self) -> None:
        self._rest = b'--x\r\nContent-Disposition: form-data; name="import_file"; filename="a.csv"\r\n\r\n'

    def read(self, size: int = -1) -> bytes:
        piece, self._rest = self._rest[:size], self._rest[size:]
        if not piece:
            raise UploadTooLarge(ADMIN_UPLOAD_BYTES)
        return piece


@pytest.mark.parametrize("model", ["contacts/recipient", "providers/rate"])
def test_an_import_in_the_admin_stops_with_a_sentence(client: Client, db: None, model: str) -> None:
    client.force_login(User.objects.create_superuser("root@example.com", "a good long password"))
    kind = "multipart/form-data; boundary=x"
    environ: dict[str, Any] = {"wsgi.input": Growing(), "CONTENT_LENGTH": str(10**8), "CONTENT_TYPE": kind}
    answer = client.generic("POST", f"/admin/{model}/import/", b"", content_type=kind, **environ)
    assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
    assert "The file has more than 50.0\xa0MB, which is all that is taken here." in answer.content.decode()
