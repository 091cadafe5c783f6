"""`/api/v1/media`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.media.addresses import public_url
from messaging.models import Media
from tests.access import assert_access
from tests.messaging.media.makers import a_file, make_picture, moving_gif, plain
from tests.people import ApiClient

pytestmark = pytest.mark.django_db
MEDIA = "/api/v1/media/"
Api = Callable[..., ApiClient]


def upload(client: ApiClient, content: bytes, **fields: Any) -> Any:
    return client.post(MEDIA, {"file": a_file(content), **fields}, format="multipart")


def test_it_works(api: Api) -> None:
    client = api("marketer")
    made = upload(client, plain(), name="Sale")
    media = Media.objects.get()
    assert (made.status_code, made.json()["notice"]) == (201, "Uploaded.")
    assert made.json()["url"] == public_url(media)
    assert (made.json()["name"], made.json()["width"], made.json()["used_by"]) == ("Sale", 40, [])
    again = upload(client, plain())
    assert (again.status_code, again.json()["id"]) == (200, media.pk)
    assert [row["id"] for row in client.get(MEDIA).json()["results"]] == [media.pk]
    changed = client.patch(f"{MEDIA}{media.pk}/", {"name": "Winter", "enabled": False})
    assert (changed.status_code, changed.json()["name"], changed.json()["enabled"]) == (200, "Winter", False)


def test_access(acme: Workspace) -> None:
    media = make_picture(acme)
    assert_access(MEDIA)
    assert_access(f"{MEDIA}{media.pk}/")
    assert_access(f"{MEDIA}{media.pk}/", "patch", viewer=403, marketer=200, data={"name": "Winter"})


def test_a_viewer_uploads_nothing(api: Api) -> None:
    assert upload(api("viewer"), plain()).status_code == 403


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"GIF89a", "file"),
        (moving_gif(), "moves"),
        (b"<svg/>", "SVG"),
        (plain("TIFF"), "TIFF"),
    ],
    ids=["empty", "stump", "moving", "svg", "tiff"],
)
def test_it_rejects_at_the_field(api: Api, content: bytes, words: str) -> None:
    refused = upload(api("marketer"), content)
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert error["field"] == "file"
    assert words in error["detail"]


def test_it_rejects_what_is_too_large_with_413(api: Api, settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 2000
    refused = upload(api("marketer"), b"x" * 80_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    just_over = upload(api("marketer"), b"x" * 2001)
    assert (just_over.status_code, just_over.json()["code"]) == (413, "too_large")


def test_it_requires_a_file(api: Api) -> None:
    refused = api("marketer").post(MEDIA, {"name": "x"}, format="multipart")
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["file"]
