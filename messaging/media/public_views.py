"""`/m/<token>.jpg`: what providers, and through them phones, fetch. Nobody is asked who they are; the address is the key."""

from __future__ import annotations

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from messaging.media.reading import ENDINGS
from messaging.models import Media

log = structlog.get_logger("crier.media")
KINDS = {ending: kind for kind, ending in ENDINGS.items()}
YEAR_SECONDS = 365 * 24 * 3600


@require_safe
def picture(request: HttpRequest, token: str, ending: str) -> HttpResponse:
    """The file of an address never changes. Disabled pictures are there for what was sent."""
    media = Media.objects.filter(token=token, content_type=KINDS[ending]).first()
    if media is None:
        raise Http404
    return file_response(
        media, str(media.file.name), media.content_type, f"public, max-age={YEAR_SECONDS}, immutable"
    )


def file_response(media: Media, name: str, kind: str, cache: str) -> HttpResponse:
    """Small by what is kept, so it is read at once."""
    try:
        with media.file.storage.open(name) as file:
            content = file.read()
    except FileNotFoundError:
        log.error("the file of a picture is gone", media=media.pk)
        raise Http404 from None
    headers = {
        "Cache-Control": cache,
        "Content-Type": kind,
        # Opened by itself it is a picture and nothing else.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
    }
    return HttpResponse(content, headers=headers)
