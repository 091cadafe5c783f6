"""What the pages of broadcasts share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse

from accounts.access import get_row
from campaigns.errors import CampaignError
from campaigns.models import Broadcast
from web.toasts import toast

# A poll that is answered with it is the last one.
STOP_POLLING = 286


def get_broadcast(request: Any, pk: int) -> Broadcast:
    rows = Broadcast.objects.select_related(
        "workspace", "campaign", "sender", "sender_list", "account", "route", "launched_by"
    )
    return get_row(request, rows, pk=pk)


def url_or_empty(name: str, *args: Any) -> str:
    """ "" where this installation has no such page."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def refuse(request: HttpRequest, error: CampaignError, url: str) -> HttpResponseRedirect:
    """Back to a page, which says in words why nothing happened."""
    toast(request, error.sentence, level="error")
    return HttpResponseRedirect(url)


def to_broadcast(broadcast: Broadcast) -> HttpResponse:
    return redirect("broadcast-detail", broadcast.pk)
