"""What the command palette finds besides pages: broadcasts, lists and numbers of the workspace."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import viewer_page
from contacts.models import Recipient
from contacts.search import is_number, with_number
from sms.msisdn import format_msisdn

RESULTS_EACH = 5
DIGITS_LEAST = 4

Result = dict[str, str]


@require_GET
@viewer_page
def palette(request: Any) -> JsonResponse:
    """{"results": [{"label", "detail", "url"}]} for `?q=`."""
    words = request.GET.get("q", "").strip()
    results = (
        [*_broadcasts(request, words), *_lists(request, words), *_numbers(request, words)] if words else []
    )
    return JsonResponse({"results": results})


def _broadcasts(request: Any, words: str) -> list[Result]:
    rows = request.workspace.broadcasts.filter(name__icontains=words).order_by("-id")[:RESULTS_EACH]
    return [
        {
            "label": row.name,
            "detail": _("Broadcast, %(state)s") % {"state": row.get_state_display()},
            "url": reverse("broadcast-edit" if row.state == "draft" else "broadcast-detail", args=[row.pk]),
        }
        for row in rows
    ]


def _lists(request: Any, words: str) -> list[Result]:
    rows = request.workspace.recipient_lists.filter(name__icontains=words).order_by("-id")[:RESULTS_EACH]
    return [
        {"label": row.name, "detail": _("List"), "url": reverse("recipient-list-detail", args=[row.pk])}
        for row in rows
    ]


def _numbers(request: HttpRequest, words: str) -> list[Result]:
    """By the beginning of the number: the index answers that at any size."""
    digits = "".join(char for char in words if char.isdigit())
    if len(digits) < DIGITS_LEAST:
        return []
    # A number on several lists is one result: of a few more rows than are shown.
    workspace = request.workspace  # type: ignore[attr-defined]  # set by our middleware
    rows = Recipient.objects.filter(list__workspace=workspace).select_related("list")
    rows = with_number(rows, words if is_number(words) else digits, workspace.default_country)
    rows = rows[: RESULTS_EACH * 4]
    lists: dict[str, list[str]] = {}
    for row in rows:
        lists.setdefault(row.msisdn, []).append(row.list.name)
    return [
        {
            "label": format_msisdn(msisdn),
            "detail": _("On the list %(name)s") % {"name": names[0]}
            if len(names) == 1
            else _("On %(n)d lists") % {"n": len(names)},
            "url": reverse("number-detail", args=[msisdn]),
        }
        for msisdn, names in list(lists.items())[:RESULTS_EACH]
    ]
