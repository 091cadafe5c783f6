"""The body of an upload: its size is limited before it is read, and a part of a picture is never taken for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from contacts.errors import FileRefused
from contacts.uploads import require_whole_body, watch_body
from messaging.errors import MessagingError


def watch_picture(request: HttpRequest) -> None:
    """To be called before anything reads the body."""
    with refusals():
        watch_body(request, settings.MEDIA_MAX_BYTES)


def require_whole_picture(request: HttpRequest) -> None:
    """To be called when the form has been read."""
    with refusals():
        require_whole_body(request)


@contextmanager
def refusals() -> Iterator[None]:
    """Raises MessagingError at `file` for a body that is too large or broke off."""
    try:
        yield
    except FileRefused as error:
        if error.code != "too_large":
            raise MessagingError(error.sentence, field="file", code=error.code) from None
        sentence = _(
            "The file has more than %(most)s, which is all that can be uploaded. Make the picture smaller."
        )
        words = {"most": filesizeformat(settings.MEDIA_MAX_BYTES)}
        raise MessagingError(sentence % words, field="file", code="too_large") from None
