"""Who did not get it and why, another broadcast to them, and a person's word on what is unknown."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import actor_of, marketer_page, viewer_page
from accounts.models import Role, role_allows
from campaigns.errors import CampaignError
from campaigns.forms import AgainForm, SettleForm
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.missed import (
    Missed,
    draft_for_missed,
    missed_of,
    settle_unknown,
    unknown_groups,
)
from campaigns.services.reports import TABS, report_of
from campaigns.views.common import get_broadcast, refuse
from web.toasts import toast


@viewer_page
@require_GET
def broadcast_missed(request: Any, pk: int) -> HttpResponse:
    return _page(request, get_broadcast(request, pk))


@marketer_page
@require_POST
def broadcast_missed_draft(request: Any, pk: int) -> HttpResponse:
    broadcast = get_broadcast(request, pk)
    form = _form(broadcast, missed_of(broadcast), request.POST)
    if not form.is_valid():
        return _page(request, broadcast, form)
    try:
        draft = draft_for_missed(
            broadcast=broadcast,
            actor=actor_of(request),
            reasons=form.cleaned_data["reasons"],
            account=form.cleaned_data["account"],
        )
    except CampaignError as error:
        form.add_error("reasons", str(error.sentence))
        return _page(request, broadcast, form)
    toast(request, _("A draft to those people. Look it over, then send it."))
    return redirect("broadcast-review", draft.pk)


@marketer_page
@require_POST
def broadcast_settle(request: Any, pk: int) -> HttpResponse:
    """Of a group (reason and account), or of one message."""
    broadcast = get_broadcast(request, pk)
    back = reverse("broadcast-missed", args=[pk])
    form = SettleForm(request.POST)
    if not form.is_valid():
        return refuse(request, CampaignError(_("Say whether they got it or not.")), back)
    asked = form.cleaned_data
    message_id = asked["message"]
    try:
        settled = settle_unknown(
            broadcast=broadcast,
            actor=actor_of(request),
            received=asked["word"] == "received",
            account_id=asked["account"],
            reason=None if message_id else asked["reason"],
            message_id=message_id,
        )
    except CampaignError as error:
        return refuse(request, error, back)
    words = ngettext("%(n)s message settled.", "%(n)s messages settled.", settled)
    toast(request, words % {"n": f"{settled:,}"})
    return redirect("broadcast-message", pk, message_id) if message_id else redirect(back)


def _form(broadcast: Broadcast, missed: list[Missed], data: Any = None) -> AgainForm:
    # The service takes those of them for which another try makes sense.
    keys = [key for one in missed for key in (one.key, one.line.code)]
    return AgainForm(data, broadcast=broadcast, keys=keys)


def _page(request: Any, broadcast: Broadcast, form: AgainForm | None = None) -> HttpResponse:
    missed = missed_of(broadcast)
    report = report_of(broadcast)
    reachable = sum(one.line.count for one in missed if one.reachable)
    context = {
        "broadcast": broadcast,
        "report": report,
        "missed": [(one, _tab_of(one)) for one in missed],
        "form": form or _form(broadcast, missed),
        "reachable": reachable,
        "total": sum(one.line.count for one in missed),
        "over": broadcast.state in (BroadcastState.FINISHED, BroadcastState.STOPPED),
        "verb": ngettext("Write to the %(n)s reachable one", "Write to the %(n)s reachable ones", reachable)
        % {"n": f"{reachable:,}"},
        "groups": unknown_groups(broadcast) if report.unknown else [],
        "again": broadcast.again.order_by("-id")[:20],
        "may_write": role_allows(request.membership.role, Role.MARKETER),
    }
    return render(request, "campaigns/missed.html", context, status=422 if form else 200)


def _tab_of(one: Missed) -> str:
    """The tab of the report on which these people are."""
    for name, (_label, states) in TABS.items():
        if states is not None and one.line.state in {state.value for state in states}:
            return name
    return "all"
