"""Pages of pictures, their admin, and the address from which everybody fetches them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from accounts.access import Actor
from accounts.models import User, Workspace
from messaging.media.addresses import public_path, public_url
from messaging.media.services import set_picture_enabled
from messaging.models import Media
from tests.access import assert_access
from tests.messaging.media.makers import a_file, make_picture, moving_gif, plain
from tests.people import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sale(acme: Workspace) -> Media:
    return make_picture(acme)


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    answer = bob_client.post(
        reverse("media-new"), {"file": a_file(plain(), "Autumn.png"), "name": ""}, follow=True
    )
    media = Media.objects.get()
    assert answer.redirect_chain == [(reverse("media-detail", args=[media.pk]), 302)]
    assertContains(answer, "Autumn")
    assertContains(answer, public_url(media))
    assertContains(bob_client.get(reverse("media-list")), reverse("media-thumbnail", args=[media.pk]))


def test_access(sale: Media) -> None:
    assert_access(reverse("media-list"))
    assert_access(reverse("media-detail", args=[sale.pk]))
    assert_access(reverse("media-thumbnail", args=[sale.pk]))
    assert_access(reverse("media-new"), viewer=403, marketer=200)
    assert_access(reverse("media-detail", args=[sale.pk]), "post", viewer=403, marketer=422)
    assert_access(
        reverse("media-enabled", args=[sale.pk, 0]), "post", viewer=403, marketer=302, missing=False
    )


def test_a_viewer_sees_no_way_to_change(victor_client: Client, sale: Media) -> None:
    page = victor_client.get(reverse("media-detail", args=[sale.pk]))
    assertNotContains(page, "Rename")
    assertNotContains(victor_client.get(reverse("media-list")), reverse("media-new"))


def test_it_rejects_in_words(bob_client: Client, settings: Settings) -> None:
    for file, words in [
        (a_file(b"<svg><script>alert(1)</script></svg>", "nice.png"), "The file is SVG"),
        (a_file(moving_gif(), "a.gif"), "This picture moves"),
        (a_file(b"", "a.png"), "The file is empty"),
    ]:
        assertContains(bob_client.post(reverse("media-new"), {"file": file}), words, status_code=422)
    settings.MEDIA_MAX_BYTES = 2000
    page = bob_client.post(reverse("media-new"), {"file": a_file(b"x" * 80_000)})
    assertContains(page, "which is all that can be uploaded", status_code=422)
    assert page.headers["Connection"] == "close"
    assert Media.objects.count() == 0


def test_a_picture_that_is_too_large_leaves_the_typed_name(bob_client: Client, settings: Settings) -> None:
    settings.MEDIA_MAX_BYTES = 2000
    given = {"name": "Été <2026>", "file": a_file(b"x" * 200_000)}
    page = bob_client.post(reverse("media-new"), given)
    assertContains(page, "which is all that can be uploaded", status_code=422)
    assert page.context["form"]["name"].value() == "Été <2026>"
    # A body that names no length is read up to the limit.
    body = encode_multipart(BOUNDARY, given | {"file": a_file(b"x" * 200_000)})
    chunked: dict[str, Any] = {
        "CONTENT_TYPE": MULTIPART_CONTENT,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(body),
    }
    page = bob_client.generic("POST", reverse("media-new"), content_type=MULTIPART_CONTENT, **chunked)
    assertContains(page, "which is all that can be uploaded", status_code=422)
    assert page.context["form"]["name"].value() == "Été <2026>"
    form = bob_client.get(reverse("media-new")).content.decode()
    assert form.index('name="name"') < form.index('name="file"')


def test_it_requires_the_token_of_the_form(bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post(reverse("media-new"), {"file": a_file(plain())}).status_code == 403


def test_it_is_renamed(bob_client: Client, sale: Media) -> None:
    address = reverse("media-detail", args=[sale.pk])
    assert bob_client.post(address, {"name": "Winter"}).status_code == 302
    sale.refresh_from_db()
    assert sale.name == "Winter"
    assertContains(bob_client.post(address, {"name": "x" * 101}), "100", status_code=422)


def test_it_is_hidden_with_a_way_back(bob_client: Client, sale: Media) -> None:
    answer = bob_client.post(reverse("media-enabled", args=[sale.pk, 0]), follow=True)
    assertContains(answer, reverse("media-enabled", args=[sale.pk, 1]))
    listed = bob_client.get(reverse("media-list"))
    assertContains(listed, "Nothing is in this state.")
    assertContains(bob_client.get(reverse("media-list") + "?state=disabled"), "Sale")


def test_the_list_is_searched_and_sorted(bob_client: Client, acme: Workspace) -> None:
    for name, colour in (("Banner", "red"), ("Angel", "blue"), ("Sale", "green")):
        make_picture(acme, name, colour=colour)
    page = bob_client.get(reverse("media-list") + "?sort=name&q=an")
    shown = [media.name for media, *_rest in page.context["rows"]]
    assert shown == ["Angel", "Banner"]
    assertContains(bob_client.get(reverse("media-list") + "?q=zzz"), "No picture matches")


def test_the_list_asks_the_same_however_many_there_are(
    bob_client: Client, acme: Workspace, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(20) as asked:
            bob_client.get(reverse("media-list"))
        return len(asked)

    make_picture(acme, colour="red")
    queries()
    few = queries()
    for number in range(5):
        make_picture(acme, colour=(number, 0, 0))
    assert queries() == few


def test_everybody_fetches_it(client: Client, sale: Media, bob: User) -> None:
    for method in ("get", "head"):
        answer = getattr(client, method)(public_path(sale))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
        assert answer.headers["Content-Length"] == str(sale.size_bytes)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert not answer.cookies
        assert "Cookie" not in answer.headers.get("Vary", "")
    answer = client_of(bob).get(public_path(sale))
    assert (len(answer.content), answer.cookies) == (sale.size_bytes, {})


def test_it_is_fetched_before_anybody_signed_up(client: Client, sale: Media) -> None:
    assert not User.objects.exists()
    assert client.get(public_path(sale)).status_code == 200


def test_a_hidden_one_stays_where_it_was(client: Client, sale: Media) -> None:
    set_picture_enabled(media=sale, actor=Actor(), enabled=False)
    assert client.get(public_path(sale)).status_code == 200


def test_nobody_guesses_or_changes_it(client: Client, sale: Media, alice: User) -> None:
    path = public_path(sale)
    assert client.get(path.replace(sale.token, "a" * 43)).status_code == 404
    assert client.get(path.replace(".png", ".jpg")).status_code == 404
    assert client.post(path).status_code == 405
    assert client.get(f"/m/../../secret.key/{sale.token}.png").status_code == 404


def test_the_token_stays_out_of_the_log(
    client: Client, sale: Media, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get(public_path(sale))
    out = capsys.readouterr()
    assert sale.token not in out.out + out.err


def test_a_lost_file_is_told(client: Client, bob_client: Client, sale: Media) -> None:
    sale.file.storage.delete(sale.file.name)
    assert client.get(public_path(sale)).status_code == 404
    assertContains(bob_client.get(reverse("media-detail", args=[sale.pk])), "is gone. Upload it again")


def test_the_admin_uploads_renames_and_hides(acme: Workspace) -> None:
    root = User.objects.create_superuser("root@example.com", "long-enough-for-tests")
    client = client_of(root)
    address = reverse("admin:messaging_media_add")
    refused = client.post(address, {"workspace": acme.pk, "file": a_file(b"nothing"), "name": ""})
    assertContains(refused, "no picture that can be read")
    client.post(address, {"workspace": acme.pk, "file": a_file(plain()), "name": "Sale"})
    media = Media.objects.get()
    change = reverse("admin:messaging_media_change", args=[media.pk])
    assert client.get(change).status_code == 200
    assert client.post(change, {"name": "Winter"}).status_code == 302
    media.refresh_from_db()
    assert (media.name, media.enabled) == ("Winter", False)
    assertContains(client.get(reverse("admin:messaging_media_changelist")), "Winter")
    assert client.get(reverse("admin:messaging_media_delete", args=[media.pk])).status_code == 403


def test_the_address_is_the_installations(sale: Media) -> None:
    assert public_url(sale) == f"{settings.PUBLIC_URL}/m/{sale.token}.png"
