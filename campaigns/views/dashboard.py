"""What is happening, what needs me, and how the last days went."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.access import viewer_page
from accounts.models import Role, Workspace, role_allows
from campaigns.models import BroadcastState
from campaigns.services.overview import Need, Totals, first_steps, needs_of, running_rows, totals_of
from campaigns.templatetags.broadcasts import money_text, percent_of
from campaigns.views.common import STOP_POLLING, url_or_empty

RANGES = (7, 30)
COLORS = {"sent": "--chart-4", "delivered": "--chart-1", "failed": "--chart-3"}


@viewer_page
@require_GET
def home(request: Any) -> HttpResponse:
    workspace = request.workspace
    days = 30 if request.GET.get("days") == "30" else 7
    totals = totals_of(workspace, days)
    context = {
        "rows": running_rows(workspace),
        "needs": [(need, _url_of(need)) for need in needs_of(workspace)],
        "steps": [(step, url_or_empty(step.url_name)) for step in first_steps(workspace)],
        "scheduled": workspace.broadcasts.filter(state=BroadcastState.SCHEDULED).order_by("send_at")[:5],
        "recent": workspace.broadcasts.filter(
            state__in=[BroadcastState.FINISHED, BroadcastState.STOPPED]
        ).order_by("-finished_at", "-id")[:5],
        "days": days,
        "ranges": [
            {
                "label": _range_label(n),
                "url": f"{reverse('home')}?days={n}",
                "current": n == days,
                "count": None,
            }
            for n in RANGES
        ],
        "stats": _stats(totals, workspace),
        "chart": chart_data(totals.labels, [one for one in totals.series if one["name"] != "sent"]),
        "quiet": not (totals.sent or totals.delivered or totals.failed),
        "may_write": role_allows(request.membership.role, Role.MARKETER),
    }
    return render(request, "campaigns/home.html", context)


@viewer_page
@require_GET
def running(request: Any) -> HttpResponse:
    """The live part, asked every five seconds; the last answer ends it."""
    rows = running_rows(request.workspace)
    status = 200 if rows else STOP_POLLING
    return render(request, "campaigns/_running.html", {"rows": rows}, status=status)


def _url_of(need: Need) -> str:
    return url_or_empty(need.url_name, *([] if need.pk is None else [need.pk]))


def _range_label(days: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


def _stats(totals: Totals, workspace: Workspace) -> list[dict[str, str]]:
    share = _("%(percent)s of sent")
    return [
        {"label": _("Sent"), "value": f"{totals.sent:,}", "sub": ""},
        {
            "label": _("Delivered"),
            "value": f"{totals.delivered:,}",
            "sub": share % {"percent": percent_of(totals.delivered, totals.sent)} if totals.sent else "",
        },
        {
            "label": _("Failed"),
            "value": f"{totals.failed:,}",
            "sub": percent_of(totals.failed, totals.messages) if totals.messages else "",
        },
        {"label": _("Opted out"), "value": f"{totals.opted_out:,}", "sub": ""},
        {"label": _("Spent"), "value": money_text(totals.cost, workspace.currency), "sub": ""},
    ]


def chart_data(labels: list[str], series: list[dict[str, Any]]) -> dict[str, Any]:
    """As the chart component takes it."""
    return {
        "labels": labels,
        "series": [
            {
                "key": one["name"],
                "label": one["label"],
                "color": COLORS[one["name"]],
                "type": "bar",
                "values": one["values"],
            }
            for one in series
        ],
    }
