"""All broadcasts, a new one, a copy, a draft thrown away."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import actor_of, marketer_page, viewer_page
from accounts.models import Role, role_allows
from campaigns.errors import CampaignError, NotNow
from campaigns.forms import NewBroadcastForm, TakeTemplateForm
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.drafts import create_draft, delete_draft, duplicate, take_template
from campaigns.services.overview import LIST_TABS, LIVE, of_tab, rows_of, tab_counts
from campaigns.views.common import STOP_POLLING, get_broadcast, refuse
from web.posted import whole_number
from web.toasts import toast

PAGE_SIZE = 25
# To begin from; all others can be taken from their own pages.
OFFERED = 200


@viewer_page
@require_GET
@vary_on_headers("HX-Request")
def broadcast_list(request: Any) -> HttpResponse:
    """The page; for htmx its table alone."""
    context = list_context(request)
    template = "campaigns/_broadcasts.html" if request.htmx else "campaigns/broadcast_list.html"
    return render(request, template, context)


def list_context(request: Any) -> dict[str, Any]:
    workspace = request.workspace
    query = {name: request.GET.get(name, "").strip() for name in ("tab", "q", "campaign", "sender")}
    tab = query["tab"] if query["tab"] in LIST_TABS else "all"
    found = _filtered(workspace.broadcasts.select_related("campaign", "sender", "sender_list"), query)
    page = Paginator(of_tab(found, tab).order_by("-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "rows": rows_of(list(page.object_list)),
        "page": page,
        "pager": _pager(request, page),
        "tabs": _tabs(request, found, tab),
        "q": query["q"],
        "tab": tab,
        "campaign": query["campaign"],
        "sender": query["sender"],
        "campaigns": [(row.pk, row.name) for row in workspace.campaigns.order_by("name")],
        "senders": [(row.pk, row.value) for row in workspace.senders.order_by("value")],
        "filtered": bool(query["q"] or query["campaign"] or query["sender"]),
        "any": page.paginator.count or workspace.broadcasts.exists(),
        "may_write": role_allows(request.membership.role, Role.MARKETER),
    }


def _filtered(rows: QuerySet[Broadcast], query: dict[str, str]) -> QuerySet[Broadcast]:
    if query["q"]:
        rows = rows.filter(name__icontains=query["q"])
    for name in ("campaign", "sender"):
        if (pk := whole_number(query[name])) is not None:
            rows = rows.filter(**{f"{name}_id": pk})
    return rows


def _tabs(request: Any, found: QuerySet[Broadcast], tab: str) -> list[dict[str, Any]]:
    counts = tab_counts(found)
    return [
        {
            "label": label,
            "url": url_with(request, tab=name, page=None),
            "count": counts[name],
            "current": name == tab,
        }
        for name, (label, _states) in LIST_TABS.items()
    ]


def _pager(request: Any, page: Page[Broadcast]) -> dict[str, Any]:
    return {
        "first": page.start_index(),
        "last": page.end_index(),
        "total": page.paginator.count,
        "previous": url_with(request, page=page.previous_page_number()) if page.has_previous() else "",
        "next": url_with(request, page=page.next_page_number()) if page.has_next() else "",
    }


def url_with(request: Any, **changes: Any) -> str:
    """The page's own address with other parameters; None takes one away."""
    params = request.GET.copy()
    for name, value in changes.items():
        if value is None:
            params.pop(name, None)
        else:
            params[name] = value
    query = params.urlencode()
    return f"{request.path}?{query}" if query else str(request.path)


@viewer_page
@require_GET
def broadcast_bar(request: Any, pk: int) -> HttpResponse:
    """How far one broadcast of the list is; asked while it runs."""
    row = rows_of([get_broadcast(request, pk)])[0]
    status = 200 if row.live else STOP_POLLING
    return render(request, "campaigns/_bar.html", {"row": row}, status=status)


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_new(request: Any) -> HttpResponse:
    workspace = request.workspace
    form = NewBroadcastForm(request.POST or None, workspace=workspace)
    if request.method == "POST" and form.is_valid():
        broadcast = create_draft(
            workspace=workspace,
            actor=actor_of(request),
            kind=form.cleaned_data["kind"],
            copy_of=form.cleaned_data["copy_of"],
            template=form.cleaned_data["template"],
        )
        return redirect("broadcast-edit", broadcast.pk)
    copies = [(row.pk, row.name) for row in workspace.broadcasts.order_by("-id")[:OFFERED]]
    templates = [
        (row.pk, row.name) for row in workspace.templates.filter(enabled=True).order_by("name")[:OFFERED]
    ]
    context = {"form": form, "copies": copies, "templates": templates}
    return render(request, "campaigns/broadcast_new.html", context, status=422 if form.is_bound else 200)


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_template(request: Any, pk: int) -> HttpResponse:
    """Puts a template's text into a draft; asks before it replaces one."""
    broadcast = get_broadcast(request, pk)
    if not is_editable(broadcast):
        return refuse(
            request, NotNow(_("Only a draft can be edited.")), reverse("broadcast-detail", args=[pk])
        )
    form = TakeTemplateForm(
        request.POST or None, workspace=request.workspace, initial={"version": broadcast.version}
    )
    if form.is_valid():
        try:
            take_template(broadcast=broadcast, actor=actor_of(request), **form.cleaned_data)
        except CampaignError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error.sentence))
        else:
            toast(request, _("The text is that of the template now."))
            return redirect("broadcast-edit", pk)
    context = {
        "broadcast": broadcast,
        "form": form,
        "any": request.workspace.templates.filter(enabled=True).exists(),
    }
    return render(request, "campaigns/broadcast_template.html", context, status=422 if form.is_bound else 200)


@marketer_page
@require_POST
def broadcast_duplicate(request: Any, pk: int) -> HttpResponse:
    copy = duplicate(broadcast=get_broadcast(request, pk), actor=actor_of(request))
    toast(request, _("Copied. This is the copy."))
    return redirect("broadcast-edit", copy.pk)


@marketer_page
@require_http_methods(["GET", "POST"])
def broadcast_delete(request: Any, pk: int) -> HttpResponse:
    """Asks first: a draft is not kept anywhere else."""
    broadcast = get_broadcast(request, pk)
    if request.method == "GET":
        return render(request, "campaigns/broadcast_delete.html", {"broadcast": broadcast})
    try:
        delete_draft(broadcast=broadcast, actor=actor_of(request))
    except CampaignError as error:
        return refuse(request, error, reverse("broadcast-detail", args=[pk]))
    toast(request, _("Deleted the draft %(name)s.") % {"name": broadcast.name})
    return redirect("broadcast-list")


def is_editable(broadcast: Broadcast) -> bool:
    return broadcast.state == BroadcastState.DRAFT


def is_live(broadcast: Broadcast) -> bool:
    return broadcast.state in LIVE
