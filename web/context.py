"""What every page template gets."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject

from web.navigation import navigation


def page(request: HttpRequest) -> dict[str, Any]:
    """`nav`, `workspace`, `memberships`, `credit`, and the addresses that the frame of a page needs.

    `credit` is for a page's own context to set; None shows nothing. An address that does not exist is "".
    """
    workspace = getattr(request, "workspace", None)
    return {
        "nav": SimpleLazyObject(lambda: navigation(request.path, workspace)),
        "workspace": workspace,
        "memberships": getattr(request, "memberships", []),
        "credit": None,
        "login_url": address(settings.LOGIN_URL),
        "palette_url": SimpleLazyObject(lambda: address("palette")),
    }


def address(url_name: str) -> str:
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""
