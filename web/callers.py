"""Who calls, as far as the network tells."""

from __future__ import annotations

from typing import Any

from django.conf import settings


def address_of(environ: dict[str, Any]) -> str:
    """Of the visitor: behind a proxy, what the last one wrote down."""
    if settings.BEHIND_PROXY:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        if forwarded:
            return str(forwarded.rpartition(",")[2]).strip()
    return str(environ.get("REMOTE_ADDR", ""))
