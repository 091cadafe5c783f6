"""The next segment of a smart broadcast: seen first, exactly, then sent by a person."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.access import actor_of, marketer_page
from campaigns.errors import AlreadyLaunched, CampaignError, EstimateChanged
from campaigns.forms import NEXT, SegmentForm, sender_value
from campaigns.models import Broadcast
from campaigns.services.checks import blocking
from campaigns.services.segment_lines import SegmentLine, segment_lines
from campaigns.services.segment_state import left_in_reserve
from campaigns.services.segments import (
    Next,
    continue_broadcast,
    next_of,
    people_left,
    sample_of_next,
    why_not_now,
)
from campaigns.templatetags.broadcasts import money_text
from campaigns.views.common import get_broadcast, refuse, to_broadcast
from campaigns.views.composer import people_data
from web.toasts import toast

SAMPLES = 3
FIELDS = {"sender_id": "sender", "sender_list_id": "sender"}


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_continue(request: Any, pk: int) -> HttpResponse:
    """GET: its form. POST: counts what is entered and shows it; with the digest of what was shown it is sent."""
    broadcast = get_broadcast(request, pk)
    refused = why_not_now(broadcast)
    if request.method == "GET":
        return _page(request, broadcast, _form(broadcast), refused=refused)
    if refused:
        # A second click, an old page: the report says how it stands.
        return refuse(request, CampaignError(refused), reverse("broadcast-detail", args=[pk]))
    form = _form(broadcast, request.POST)
    if not form.is_valid():
        return _page(request, broadcast, form, status=422)
    try:
        if "send" in request.POST:
            return _send(request, broadcast, form)
        found = next_of(broadcast, size=form.chosen_size, own=form.own())
    except EstimateChanged as error:
        return _counted(request, broadcast, form, error)
    except CampaignError as error:
        field = FIELDS.get(error.field, error.field)
        form.add_error(field if field in form.fields else None, str(error.sentence))
        return _page(request, broadcast, form, status=422)
    return _page(request, broadcast, form, found=found)


def _send(request: Any, broadcast: Broadcast, form: SegmentForm) -> HttpResponse:
    """Raises CampaignError."""
    try:
        segment = continue_broadcast(
            broadcast=broadcast,
            actor=actor_of(request),
            launch_token=request.POST.get("launch_token", ""),
            size=form.chosen_size,
            digest=request.POST.get("digest", ""),
            own=form.own(),
            recipient_cap=form.cleaned_data.get("recipient_cap"),
        )
    except AlreadyLaunched as error:
        toast(request, str(error.sentence), level="info")
        return to_broadcast(broadcast)
    toast(request, _("Segment %(number)s is on its way.") % {"number": segment.number})
    return to_broadcast(broadcast)


def _counted(request: Any, broadcast: Broadcast, form: SegmentForm, error: CampaignError) -> HttpResponse:
    """As it would be now, with why it was not sent."""
    try:
        found = next_of(broadcast, size=form.chosen_size, own=form.own())
    except CampaignError as again:
        return refuse(request, again, reverse("broadcast-detail", args=[broadcast.pk]))
    return _page(request, broadcast, form, found=found, error=str(error.sentence), status=422)


def _form(broadcast: Broadcast, data: Any = None) -> SegmentForm:
    """Begins as the segment before was."""
    lines = segment_lines(broadcast)
    last = lines[-1] if lines else None
    left = people_left(broadcast)
    size = last.size if last else broadcast.first_segment_size or 0
    initial = {
        "who": NEXT,
        "size": f"{min(size, left):,}",
        "text": last.text if last else broadcast.text,
        "sender": sender_value(broadcast),
    }
    return SegmentForm(data, broadcast=broadcast, left=left, initial=initial)


def _page(
    request: Any,
    broadcast: Broadcast,
    form: SegmentForm,
    *,
    found: Next | None = None,
    error: str = "",
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    lines: list[SegmentLine] = segment_lines(broadcast)
    context = {
        "broadcast": broadcast,
        "form": form,
        "found": found,
        "refused": refused,
        "error": error,
        "last": lines[-1] if lines else None,
        "left": left_in_reserve(broadcast),
        "people": people_data(found.broadcast, sample_of_next(found, limit=SAMPLES)) if found else [],
        "blocked": bool(found and blocking(found.checks)),
        "verb": _verb(found) if found else "",
    }
    return render(request, "campaigns/broadcast_continue.html", context, status=status)


def _verb(found: Next) -> str:
    reached = found.estimate.reached
    words = ngettext(
        "Send segment %(number)s to %(people)s person for %(cost)s",
        "Send segment %(number)s to %(people)s people for %(cost)s",
        reached,
    )
    cost = money_text(found.estimate.cost, found.estimate.currency)
    return words % {"number": found.number, "people": f"{reached:,}", "cost": cost}
