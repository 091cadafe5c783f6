"""Large uploads are refused before they are read."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from contacts.services.imports import require_size

# What a form holds besides the file.
REST_OF_FORM = 64 * 1024


def require_length(request: HttpRequest) -> None:
    """Raises FileRefused by the request's Content-Length, before anything touches the body."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    size = int(length) if length.isascii() and length.isdigit() else 0
    if size > settings.IMPORT_MAX_BYTES + REST_OF_FORM:
        require_size(size)
