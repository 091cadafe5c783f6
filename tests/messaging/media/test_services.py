"""Pictures kept, found again, renamed and hidden."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from messaging.errors import MessagingError
from messaging.media import services
from messaging.media.services import rename_picture, require_size, set_picture_enabled, upload_picture
from messaging.models import Media
from tests.messaging.media.makers import a_file, encoded, make_picture, noise, phone_photo, plain

pytestmark = pytest.mark.django_db


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


def test_it_works(acme: Workspace, alice: User) -> None:
    uploaded = upload_picture(
        workspace=acme, actor=Actor(user=alice), upload=a_file(plain(), "Autumn sale.PNG")
    )
    media = uploaded.media
    assert (media.name, media.content_type, media.width, media.height) == ("Autumn sale", "image/png", 40, 30)
    assert uploaded.sentence == "Uploaded."
    assert media.size_bytes == media.file.size
    assert len(media.token) == 43
    # A name of our own, and its thumbnail beside it.
    names = sorted(path.name for path in files())
    assert [name.rpartition(".")[2] for name in names] == ["png", "webp"]
    assert not any("Autumn" in name for name in names)
    assert actions() == ["uploaded"]


def test_the_same_file_is_one_row_enabled_again(acme: Workspace) -> None:
    first = make_picture(acme)
    set_picture_enabled(media=first, actor=Actor(), enabled=False)
    again = upload_picture(workspace=acme, actor=Actor(), upload=a_file(plain()), name="Other")
    assert (again.media.pk, again.media.enabled, again.clean) == (first.pk, True, None)
    assert again.sentence == "This picture is here already, as “Sale”."
    assert len(files()) == 2


def test_another_workspace_has_a_row_of_its_own(acme: Workspace, other: Workspace) -> None:
    assert make_picture(acme).pk != make_picture(other).pk


def test_it_says_what_it_made_smaller(acme: Workspace) -> None:
    file = a_file(encoded(Image.new("L", (2000, 1000), 90), "JPEG"))
    sentence = upload_picture(workspace=acme, actor=Actor(), upload=file).sentence
    assert "from 2000 × 1000" in sentence
    assert "1600 × 800" in sentence


def test_it_says_what_became_of_a_png(acme: Workspace) -> None:
    bordered = noise((1000, 1000), "RGBA")
    bordered.putpixel((0, 0), (0, 0, 0, 0))
    words = {
        "It is a JPEG now, so that it can be sent.": noise((800, 800)),
        "It is a JPEG now, so that it can be sent: what was transparent is white.": bordered,
    }
    for sentence, image in words.items():
        upload = a_file(encoded(image, "PNG"))
        assert (
            upload_picture(workspace=acme, actor=Actor(), upload=upload).sentence == f"Uploaded. {sentence}"
        )


def test_one_byte_too_many_is_told_as_such() -> None:
    with pytest.raises(MessagingError, match=r"a little more than 15\.0"):
        require_size(settings.MEDIA_MAX_BYTES + 34_000)


def test_two_uploads_at_once_are_one_row(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_picture(acme)
    monkeypatch.setattr(services, "_known", lambda *_args: None)
    again = upload_picture(workspace=acme, actor=Actor(), upload=a_file(plain()), name="Sale")
    assert (again.media.pk, len(files()), Media.objects.count()) == (first.pk, 2, 1)


def test_it_keeps_nothing_when_the_row_cannot_be_written(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(services, "record", broken)
    with pytest.raises(RuntimeError):
        make_picture(acme)
    assert (files(), Media.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.png", "passwd"),
        ("a\x07b\u202ec.png", "a b c"),
        (".png", ".png"),
        (" .jpg", "Picture"),
        ("x" * 200 + ".png", "x" * 100),
    ],
)
def test_it_makes_a_name_of_the_files(acme: Workspace, name: str, kept: str) -> None:
    file = a_file(plain())
    file._name = name
    assert upload_picture(workspace=acme, actor=Actor(), upload=file).media.name == kept


def test_it_rejects_a_file_too_large_before_reading_it(acme: Workspace) -> None:
    file = a_file(b"\xff" * (20 * 1024**2))
    with pytest.raises(MessagingError) as caught:
        upload_picture(workspace=acme, actor=Actor(), upload=file)
    assert (
        str(caught.value.sentence)
        == "The file has 20.0\xa0MB; at most 15.0\xa0MB can be uploaded. Make the picture smaller."
    )
    assert file.tell() == 0


def test_it_rejects_a_name_too_long(acme: Workspace) -> None:
    with pytest.raises(MessagingError) as caught:
        upload_picture(workspace=acme, actor=Actor(), upload=a_file(plain()), name="x" * 101)
    assert caught.value.field == "name"
    assert files() == []


def test_it_is_renamed_and_hidden_with_a_line_each(acme: Workspace) -> None:
    media = make_picture(acme, content=phone_photo())
    rename_picture(media=media, actor=Actor(), name="Winter")
    rename_picture(media=media, actor=Actor(), name="Winter")
    for enabled in (False, False, True):
        set_picture_enabled(media=media, actor=Actor(), enabled=enabled)
    assert actions() == ["uploaded", "changed", "disabled", "enabled"]
    media.refresh_from_db()
    assert (media.name, media.enabled) == ("Winter", True)
