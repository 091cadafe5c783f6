"""Short news at the edge of the page: Django's messages on a full page, an event after htmx."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django_htmx.http import trigger_client_event

LEVELS = {
    "info": messages.INFO,
    "success": messages.SUCCESS,
    "warning": messages.WARNING,
    "error": messages.ERROR,
}
UNDO = "undo:"


def toast(request: HttpRequest, text: str | Promise, *, level: str = "success", undo_url: str = "") -> None:
    """Shown on the next full page. `undo_url` is an address that takes a POST and sends the person back."""
    messages.add_message(request, LEVELS[level], str(text), extra_tags=UNDO + undo_url if undo_url else "")


def htmx_toast(
    response: HttpResponse, text: str | Promise, *, level: str = "success", undo_url: str = ""
) -> HttpResponse:
    """Shown at once by the page that asked through htmx."""
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, not {level!r}.")
    detail = {"text": str(text), "level": level, "undo_url": undo_url}
    return trigger_client_event(response, "toast", detail)
