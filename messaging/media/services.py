"""Pictures: uploaded, renamed, hidden. What was sent keeps its picture for good."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.edited import require_unchanged
from messaging.errors import MessagingError
from messaging.media.addresses import new_token
from messaging.media.reading import ENDINGS, CleanPicture, clean_picture, too_large
from messaging.models import Media
from messaging.texts.names import MOST_CHARACTERS, clean_name
from web.names import seen_name, stripped_name


@dataclass(frozen=True, slots=True)
class Uploaded:
    """`clean`: what was made of the file; None where the very same one was there already."""

    media: Media
    clean: CleanPicture | None

    @property
    def sentence(self) -> str:
        """What became of it, for a person."""
        if self.clean is None:
            return _("This picture is here already, as “%(name)s”.") % {"name": self.media}
        return " ".join([self._of_its_size(self.clean), *self._of_its_kind(self.clean)])

    def _of_its_size(self, clean: CleanPicture) -> str:
        if not clean.is_smaller:
            return _("Uploaded.")
        facts = {
            "was_width": clean.original_width,
            "was_height": clean.original_height,
            "was": filesizeformat(clean.original_bytes),
            "width": clean.width,
            "height": clean.height,
            "now": filesizeformat(len(clean.content)),
        }
        return (
            _(
                "Uploaded, and made smaller so that it can be sent: from %(was_width)d × %(was_height)d, %(was)s, to"
                " %(width)d × %(height)d, %(now)s."
            )
            % facts
        )

    def _of_its_kind(self, clean: CleanPicture) -> list[str]:
        if clean.is_on_white:
            return [_("It is a JPEG now, so that it can be sent: what was transparent is white.")]
        return [_("It is a JPEG now, so that it can be sent.")] if clean.is_recoded else []


def upload_picture(*, workspace: Workspace, actor: Actor, upload: File[bytes], name: str = "") -> Uploaded:
    """Cleaned and kept; the same file again is the row that is there, enabled anew. Without a name it has the file's.

    Raises MessagingError with the field.
    """
    require_size(upload.size)
    name = clean_name(name) if stripped_name(name) else _name_of(str(upload.name or ""))
    content = upload.read()
    sha256 = hashlib.sha256(content).hexdigest()
    if known := _known(workspace, actor, sha256):
        return Uploaded(known, None)
    clean = clean_picture(content)
    media = Media(
        workspace=workspace,
        name=name,
        content_type=clean.kind,
        size_bytes=len(clean.content),
        width=clean.width,
        height=clean.height,
        sha256=sha256,
        token=new_token(),
    )
    if _keep(media, clean, actor):
        return Uploaded(media, clean)
    # Somebody uploaded it at the same time.
    return Uploaded(Media.objects.get(workspace=workspace, sha256=sha256), None)


def require_size(size: int) -> None:
    """Raises MessagingError. Pages and API ask it of the request's length before reading it."""
    if size > settings.MEDIA_MAX_BYTES:
        raise too_large(size, settings.MEDIA_MAX_BYTES)


def _known(workspace: Workspace, actor: Actor, sha256: str) -> Media | None:
    media = Media.objects.filter(workspace=workspace, sha256=sha256).select_related("workspace").first()
    return set_picture_enabled(media=media, actor=actor, enabled=True) if media else None


def _keep(media: Media, clean: CleanPicture, actor: Actor) -> bool:
    """The files and the row, or nothing of them; False where the row is there already."""
    media.file.save(f"{uuid.uuid4().hex}.{ENDINGS[clean.kind]}", ContentFile(clean.content), save=False)
    try:
        media.file.storage.save(thumbnail_name(media), ContentFile(clean.thumbnail))
        with transaction.atomic():
            media.save()
            record(media.workspace, actor, "uploaded", media, bytes=media.size_bytes)
    except BaseException as error:
        _forget_files(media)
        if isinstance(error, IntegrityError):
            return False
        raise
    return True


def _forget_files(media: Media) -> None:
    storage, name = media.file.storage, str(media.file.name)
    storage.delete(thumbnail_name(media))
    storage.delete(name)


def thumbnail_name(media: Media) -> str:
    """In the storage, beside the picture."""
    return str(PurePosixPath(str(media.file.name)).with_suffix(".webp"))


def rename_picture(*, media: Media, actor: Actor, name: str, seen: str = "") -> Media:
    """`seen`: see messaging.edited. Raises MessagingError."""
    name = clean_name(name)
    if name != media.name:
        was, media.name = media.name, name
        with transaction.atomic():
            require_unchanged(media, seen)
            media.save(update_fields=["name"])
            record(media.workspace, actor, "changed", media, was=was)
    return media


def set_picture_enabled(*, media: Media, actor: Actor, enabled: bool) -> Media:
    """A disabled one is kept, no longer offered, and still fetched by whoever was sent it."""
    with transaction.atomic():
        if Media.objects.filter(pk=media.pk, enabled=not enabled).update(enabled=enabled):
            record(media.workspace, actor, "enabled" if enabled else "disabled", media)
    media.enabled = enabled
    return media


def _name_of(file_name: str) -> str:
    return " ".join(seen_name(Path(file_name).stem).split())[:MOST_CHARACTERS].strip() or _("Picture")


def checked_pictures(workspace: Workspace, ids: list[int]) -> list[Media]:
    """Of the workspace, in the order in which they go out. Raises MessagingError at `media`."""
    found = {media.pk: media for media in Media.objects.filter(workspace=workspace, pk__in=ids)}
    missing = next((pk for pk in ids if pk not in found), None)
    if missing is not None:
        sentence = _("There is no picture %(id)s in this workspace. Choose another one.")
        raise MessagingError(sentence % {"id": missing}, field="media")
    return [found[pk] for pk in sorted(found)]
