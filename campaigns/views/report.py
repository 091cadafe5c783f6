"""What became of a broadcast: live while it runs, and everybody accounted for."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from campaigns.errors import CampaignError
from campaigns.models import RESERVE, Broadcast, BroadcastState
from campaigns.pictures import pictures_of
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from campaigns.services.reports import (
    CLICKED,
    TABS,
    Report,
    chart_of,
    csv_rows,
    messages_of,
    report_of,
    timeline_of,
)
from campaigns.services.segment_lines import standing_of
from campaigns.templatetags.broadcasts import money_text, percent_of
from campaigns.views.clicks import clicks_context
from campaigns.views.common import STOP_POLLING, get_broadcast, refuse
from campaigns.views.dashboard import chart_data
from campaigns.views.listing import url_with
from contacts.models import Recipient
from messaging.daily import DAILY_LIMIT, goes_on_at
from messaging.failover import attempts_of
from messaging.links.class_words import hit_words
from messaging.links.counts import Clicks, first_clicks, hits_of_message
from messaging.media.addresses import pictures_at
from messaging.models import Message
from messaging.reasons import reason_of
from providers.connectors.capabilities import ReceiptKind
from providers.services import receipt_kind
from sms.states import MessageState
from web.posted import number_in
from web.templatetags.crier import zone_names
from web.toasts import toast

PAGE_SIZE = 50


@viewer_page
@require_GET
@vary_on_headers("HX-Request")
def broadcast_detail(request: Any, pk: int) -> HttpResponse:
    """The report; for htmx its table of recipients alone. A draft has none: the composer is its page."""
    broadcast = get_broadcast(request, pk)
    if broadcast.state == BroadcastState.DRAFT and not broadcast.segments.exists():
        if role_allows(request.membership.role, Role.MARKETER):
            return redirect("broadcast-edit", pk)
        draft = {"broadcast": broadcast, "pictures": pictures_of(broadcast)}
        return render(request, "campaigns/draft_for_viewers.html", draft)
    report = report_of(broadcast)
    context = recipients_context(request, broadcast, report)
    if request.htmx:
        return render(request, "campaigns/_recipients.html", context)
    context |= head_context(request, broadcast, report)
    chart = chart_of(broadcast)
    context |= {
        "pictures": pictures_of(broadcast),
        "chart": chart_data(chart.labels, chart.series),
        "chart_title": _("%(unit)s, %(zone)s")
        % {"unit": _unit_title(chart.unit_minutes), "zone": zone_names([timezone.now()])},
        "chart_label": _chart_label(chart.series),
    }
    if report.clicks:
        context |= clicks_context(broadcast)
    return render(request, "campaigns/report.html", context)


def head_context(request: Any, broadcast: Broadcast, report: Report) -> dict[str, Any]:
    events = list(broadcast.events.select_related("user").order_by("-at", "-id")[:50])
    return {
        "broadcast": broadcast,
        "report": report,
        "stats": stats_of(report),
        "events": events,
        "events_zone": zone_names(event.at for event in events),
        "may_write": role_allows(request.membership.role, Role.MARKETER),
        "tabs": _tabs(request, report),
        "pace": _pace(report),
        "standing": standing_of(broadcast) if broadcast.is_smart else None,
    }


@viewer_page
@require_GET
def broadcast_head(request: Any, pk: int) -> HttpResponse:
    """The live part. `?state=`: the state that the page shows; badge and buttons follow it."""
    broadcast = get_broadcast(request, pk)
    report = report_of(broadcast)
    context = head_context(request, broadcast, report)
    context |= {"swap": True, "state_changed": request.GET.get("state") != broadcast.state}
    status = 200 if report.may_change else STOP_POLLING
    return render(request, "campaigns/_head.html", context, status=status)


def stats_of(report: Report) -> list[dict[str, str]]:
    expected = money_text(report.expected_cost, report.currency)
    clicked = [_clicked(report, report.clicks)] if report.clicks else []
    return [
        {
            "label": _("Sent"),
            "value": f"{report.sent:,}",
            "sub": _("of %(people)s") % {"people": f"{report.people:,}"},
        },
        {
            "label": _("Delivered"),
            "value": f"{report.delivered:,}",
            "sub": _delivered_words(report),
        },
        {
            "label": _("Failed"),
            "value": f"{report.failed:,}",
            "sub": percent_of(report.failed, report.people),
        },
        {
            "label": _("Unknown"),
            "value": f"{report.unknown:,}",
            "sub": _("perhaps sent") if report.unknown else "",
        },
        *clicked,
        {
            "label": _("Opted out"),
            "value": f"{report.opted_out:,}",
            "sub": _("since the launch"),
        },
        {
            "label": _("Spent"),
            "value": money_text(report.cost, report.currency),
            "sub": _("of %(cost)s") % {"cost": expected} if report.expected_cost is not None else "",
        },
    ]


def _delivered_words(report: Report) -> str:
    if not report.expects_receipts and not report.delivered:
        return _("no receipt expected")
    return (
        _("%(percent)s of sent") % {"percent": percent_of(report.delivered, report.sent)}
        if report.sent
        else ""
    )


def _clicked(report: Report, clicks: Clicks) -> dict[str, str]:
    return {
        "label": _("Clicked"),
        "value": f"{clicks.all.people:,}",
        "sub": _("%(percent)s of sent") % {"percent": percent_of(clicks.all.people, report.sent)}
        if report.sent
        else "",
    }


def _pace(report: Report) -> str:
    if report.per_second is None or report.done_about is None or not report.waiting:
        return ""
    return _("%(rate)s a second") % {
        "rate": f"{report.per_second:,.0f}" if report.per_second >= 10 else f"{report.per_second:.1f}"
    }


def _unit_title(minutes: int) -> str:
    if minutes % 1440 == 0:
        return ngettext("Every day", "Every %(n)s days", minutes // 1440) % {"n": minutes // 1440}
    if minutes % 60 == 0:
        return ngettext("Every hour", "Every %(n)s hours", minutes // 60) % {"n": minutes // 60}
    return ngettext("Every minute", "Every %(n)s minutes", minutes) % {"n": minutes}


def _chart_label(series: list[dict[str, Any]]) -> str:
    """The finding in one sentence, for those who do not see the picture."""
    delivered: list[int] = next((one["values"] for one in series if one["name"] == "delivered"), [])
    failed: list[int] = next((one["values"] for one in series if one["name"] == "failed"), [])
    return _(
        "Messages over time: %(delivered)s delivered, %(failed)s failed; at most %(peak)s delivered at once"
    ) % {
        "delivered": f"{sum(delivered):,}",
        "failed": f"{sum(failed):,}",
        "peak": f"{max(delivered, default=0):,}",
    }


@viewer_page
@require_GET
def broadcast_chart(request: Any, pk: int) -> JsonResponse:
    broadcast = get_broadcast(request, pk)
    chart = chart_of(broadcast)
    return JsonResponse(
        chart_data(chart.labels, chart.series) | {"finished": not report_of(broadcast).may_change}
    )


# --- everybody


def recipients_context(request: Any, broadcast: Broadcast, report: Report) -> dict[str, Any]:
    """One page of the table: keyset, so the last page costs what the first one does."""
    tab = request.GET.get("tab", "all")
    tab = tab if tab in tabs_of(report) else "all"
    search = request.GET.get("q", "").strip()[:60]
    segment = segment_of(request, broadcast)
    after_id = number_in(request.GET, "after") or 0
    rows = messages_of(
        broadcast, tab=tab, search=search, after_id=after_id, limit=PAGE_SIZE + 1, segment=segment
    )
    page, more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    names = names_of(page)
    clicked = first_clicks([row.pk for row in page]) if report.clicks else {}
    return {
        "zone": zone_names(row.changed_at for row in page),
        "broadcast": broadcast,
        "report": report,
        "tab": tab,
        "q": search,
        "segment": segment,
        "segment_tabs": _segment_tabs(request, broadcast, segment),
        "tabs": _tabs(request, report),
        "lines": [
            (row, names.get(row.recipient_id or 0, ""), reason_of(row.reason), clicked.get(row.pk))
            for row in page
        ],
        "first_url": url_with(request, after=None) if after_id else "",
        "next_url": url_with(request, after=page[-1].pk) if more else "",
        "clear_url": reverse("broadcast-detail", args=[broadcast.pk]),
    }


def segment_of(request: Any, broadcast: Broadcast) -> int | None:
    """`?segment=`: of a smart broadcast, 0 is the reserve; None: all of them."""
    return number_in(request.GET, "segment") if broadcast.is_smart else None


def _segment_tabs(request: Any, broadcast: Broadcast, chosen: int | None) -> list[dict[str, Any]]:
    if not broadcast.is_smart:
        return []
    numbers = broadcast.segments.order_by("number").values_list("number", flat=True)
    names: list[tuple[int | None, str]] = [
        (None, _("All segments")),
        *((n, _("Segment %(number)s") % {"number": n}) for n in numbers if n != RESERVE),
        (RESERVE, _("In reserve")),
    ]
    return [
        {"label": name, "url": url_with(request, segment=n, after=None), "current": n == chosen}
        for n, name in names
    ]


def names_of(messages: list[Message]) -> dict[int, str]:
    ids = [message.recipient_id for message in messages if message.recipient_id]
    rows = Recipient.objects.filter(id__in=ids).values_list("id", "first_name", "last_name")
    return {pk: f"{first} {last}".strip() for pk, first, last in rows}


def tabs_of(report: Report) -> dict[str, str | Promise]:
    labels: dict[str, str | Promise] = {name: label for name, (label, _states) in TABS.items()}
    if report.clicks:
        labels[CLICKED] = _("Clicked")
    return labels


def _tabs(request: Any, report: Report) -> list[dict[str, Any]]:
    current = request.GET.get("tab", "all")
    current = current if current in tabs_of(report) else "all"
    return [
        {
            "name": name,
            "label": label,
            "url": url_with(request, tab=name, after=None),
            "count": report.tab_counts.get(name, 0),
            "current": name == current,
        }
        for name, label in tabs_of(report).items()
    ]


@viewer_page
@require_GET
def broadcast_message(request: Any, pk: int, message_pk: int) -> HttpResponse:
    """One recipient: every change with its time, its source and the provider's own words."""
    broadcast = get_broadcast(request, pk)
    rows = Message.objects.filter(broadcast_id=broadcast.pk).select_related("account", "dispatch")
    message = get_row(request, rows, pk=message_pk)
    steps = timeline_of(message)
    hits = hits_of_message(message.pk)
    context = {
        "broadcast": broadcast,
        "message": message,
        "name": names_of([message]).get(message.recipient_id or 0, ""),
        "reason": reason_of(message.reason),
        "steps": steps,
        "attempts": [(one, reason_of(one.reason)) for one in attempts_of(message.pk)],
        "zone": zone_names(step.at for step in steps),
        "hits": [(hit, link, hit_words(hit)) for hit, link in hits],
        "hits_zone": zone_names(hit.at for hit, _link in hits),
        "pictures": pictures_at(message.workspace_id, message.dispatch.media_urls),
        "may_write": role_allows(request.membership.role, Role.MARKETER),
        "goes_on_at": _goes_on_at(message),
        "no_receipt": message.state == MessageState.SENT
        and receipt_kind(message.account) is ReceiptKind.NONE,
    }
    return render(request, "campaigns/message.html", context)


def _goes_on_at(message: Message) -> datetime | None:
    """When one that is held is let go by itself."""
    if message.state != MessageState.HELD:
        return None
    return goes_on_at(message.account) if message.reason == DAILY_LIMIT else message.due_at


class Echo:
    """A file that gives back what is written: csv.writer then makes lines, not a file."""

    def write(self, value: str) -> str:
        return value


@viewer_page
@require_GET
def broadcast_csv(request: Any, pk: int) -> HttpResponse:
    """Every recipient; streamed, so a million rows need no memory."""
    broadcast = get_broadcast(request, pk)
    tab = request.GET.get("tab", "all")
    writer = csv.writer(Echo())

    def lines() -> Iterator[str]:
        # Excel reads UTF-8 only after a byte order mark.
        yield "\ufeff"
        for row in csv_rows(broadcast, tab=tab if tab in (*TABS, CLICKED) else "all"):
            yield writer.writerow(row)

    name = slugify(broadcast.name) or "broadcast"
    return StreamingHttpResponse(  # type: ignore[return-value]  # a view may stream
        lines(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}-{broadcast.pk}.csv"'},
    )


# --- a person's word

Service = Callable[..., Broadcast]


def _control(request: Any, pk: int, service: Service, said: str) -> HttpResponse:
    broadcast = get_broadcast(request, pk)
    try:
        service(broadcast=broadcast, actor=actor_of(request))
    except CampaignError as error:
        return refuse(request, error, _back(request, pk))
    toast(request, said)
    return redirect(_back(request, pk))


def _back(request: Any, pk: int) -> str:
    """To the list when asked from there."""
    return (
        reverse("broadcast-list")
        if request.POST.get("from") == "list"
        else reverse("broadcast-detail", args=[pk])
    )


@marketer_page
@require_POST
def broadcast_pause(request: Any, pk: int) -> HttpResponse:
    return _control(request, pk, pause_broadcast, _("Paused. What is on its way still arrives."))


@marketer_page
@require_POST
def broadcast_resume(request: Any, pk: int) -> HttpResponse:
    return _control(request, pk, resume_broadcast, _("Resumed."))


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_stop(request: Any, pk: int) -> HttpResponse:
    """Asks first, in the page's dialog or here without script: who waits does not get it, for good."""
    if request.method == "GET":
        broadcast = get_broadcast(request, pk)
        context = {"broadcast": broadcast, "report": report_of(broadcast)}
        return render(request, "campaigns/broadcast_stop.html", context)
    return _control(request, pk, stop_broadcast, _("Stopped. Who was still waiting does not get it."))
