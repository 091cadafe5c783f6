"""A copy of the database: why nothing is sent from it, and claiming it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import actor_of, viewer_page
from accounts.instance import Fence, NotClaimable, claim_instance, fence
from campaigns.services.copies import what_is_held
from web.toasts import toast


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def this_copy(request: Any) -> HttpResponse:
    """Everybody reads it; who may open the admin claims it, for the whole installation."""
    found = fence()
    if request.method == "POST":
        return _claim(request, found)
    return _page(request, found)


def _claim(request: Any, found: Fence | None) -> HttpResponse:
    if not request.user.is_staff:
        raise PermissionDenied
    if not request.POST.get("is_only_one"):
        error = _("Tick that no other Crier sends from another copy of it: else people are texted twice.")
        return _page(request, found, error=error, status=422)
    try:
        claim_instance(actor=actor_of(request))
    except NotClaimable as refused:
        toast(request, refused.sentence, level="error")
    else:
        toast(
            request, _("Claimed. What was under way is paused: look at each broadcast before you resume it.")
        )
    return redirect("this-copy")


def _page(request: Any, found: Fence | None, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "found": found,
        "held": what_is_held() if found else None,
        "may_claim": request.user.is_staff,
        "error": error,
        "errors": [("is_only_one", error)] if error else [],
    }
    return render(request, "campaigns/this_copy.html", context, status=status)
