"""Pages of links."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from messaging.content import link_base, link_problem
from messaging.errors import MessagingError
from messaging.links.activity import DEFAULT_PERIOD, MOST_HITS, PERIODS, Activity, activity_of
from messaging.links.again import compute_again, dispatches_of_link, progress_of
from messaging.links.charts import chart_of
from messaging.links.class_words import CLASS_WORDS, DEVICE_WORDS, RULE_WORDS
from messaging.links.counts import Followed, followed_ever
from messaging.links.forms import LinkForm
from messaging.links.links import change_link, create_link, duplicate_link, set_link_enabled
from messaging.links.lookup import with_utm
from messaging.links.qr import qr_png, qr_svg
from messaging.links.reach import Reach, reach_of
from messaging.links.tokens import link_token
from messaging.links.uses import link_users
from messaging.models import UTM_FIELDS, Link
from messaging.tasks import wake_compute_again
from messaging.texts.forms import add_refusal
from messaging.texts.listing import links_found, listing_of, searched, url_with
from messaging.texts.users import broadcast_names
from web.toasts import toast

form_page = require_http_methods(["GET", "HEAD", "POST"])
# What the list says of each link.
RECENT = timedelta(days=30)
BROADCASTS_SHOWN = 25
# htmx ends a poll when it is answered so.
STOP_POLLING = 286
PERIOD_LABELS: dict[str, str | Promise] = {
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "all": gettext_lazy("All"),
}


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def link_list(request: WorkspaceRequest) -> HttpResponse:
    """The page; for htmx its table alone."""
    rows = _links(request)
    listing = listing_of(request, rows, links_found(rows, searched(request)))
    reach = reach_of([link.pk for link in listing.rows], timezone.now() - RECENT) if listing.rows else {}
    context = {
        "listing": listing,
        "rows": [(link, reach.get(link.pk, Reach()), _is_over(link)) for link in listing.rows],
        "may_change": may_change(request),
    }
    return render(request, "messaging/_links.html" if request.htmx else "messaging/links.html", context)


def _is_over(link: Link) -> bool:
    return link.expires_at is not None and link.expires_at <= timezone.now()


@form_page
@marketer_page
def link_new(request: WorkspaceRequest) -> HttpResponse:
    form = LinkForm(request.POST or None)
    if form.is_valid():
        try:
            link = create_link(workspace=request.workspace, actor=actor_of(request), **form.values)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Write %(token)s where the link should stand.") % {"token": link_token(link)})
            return redirect("link-detail", link.pk)
    return render(request, "messaging/link_new.html", {"form": form}, status=422 if form.is_bound else 200)


@form_page
@viewer_page
def link_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    link = get_row(request, _links(request), pk=pk)
    return _change(request, link) if request.method == "POST" else _detail(request, link)


@marketer_page
def _change(request: WorkspaceRequest, link: Link) -> HttpResponse:
    form = LinkForm(request.POST, link=link)
    if form.is_valid():
        try:
            change_link(link=link, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved. Whoever was sent it already is led there too, within seconds."))
            return redirect("link-detail", link.pk)
    return _detail(request, get_row(request, _links(request), pk=link.pk), form, status=422)


def _detail(
    request: WorkspaceRequest, link: Link, form: LinkForm | None = None, status: int = 200
) -> HttpResponse:
    period = request.GET.get("period", DEFAULT_PERIOD)
    period = period if period in PERIODS else DEFAULT_PERIOD
    activity = activity_of(link, period)
    chart = chart_of(activity, period)
    context = {
        "link": link,
        "form": form or LinkForm.of(link),
        "token": link_token(link),
        "address": address_of(link),
        "target": with_utm(link),
        "utm": [(name, getattr(link, name)) for name in UTM_FIELDS if getattr(link, name)],
        "is_over": _is_over(link),
        "problem": link_problem(link),
        "users": link_users(link),
        "activity": activity,
        "most_hits": MOST_HITS,
        "chart": chart,
        "stats": _stats(activity, reach_of([link.pk]).get(link.pk, Reach()), followed_ever(link)),
        "broadcasts": _broadcasts(request, activity),
        "more_broadcasts": max(0, len(activity.by_broadcast) - BROADCASTS_SHOWN),
        "devices": [
            (DEVICE_WORDS[device], classes) for device, classes in sorted(activity.by_device.items())
        ],
        "rules": [
            (
                CLASS_WORDS[line.hit_class],
                RULE_WORDS.get(line.rule, _("nothing spoke against it")),
                line.count,
            )
            for line in activity.rules
        ],
        "period_tabs": _period_tabs(request, period),
        "zone": timezone.get_current_timezone_name(),
        "may_change": may_change(request),
        **again_context(
            reverse("link-again", args=[link.pk]), dispatches_of_link(link), request.get_full_path()
        ),
    }
    return render(request, "messaging/link.html", context, status=status)


def _stats(activity: Activity, reach: Reach, ever: Followed) -> list[dict[str, str]]:
    """Of the period and, below, of all time."""
    classes = activity.classes
    followed = reach.people * 100 / reach.recipients if reach.recipients else 0
    return [
        {"label": _("People"), "value": f"{activity.people:,}", "sub": _of_all_time(reach.people)},
        {"label": _("Clicks by people"), "value": f"{classes.human:,}", "sub": _of_all_time(ever.human)},
        {
            "label": _("Clicks by machines"),
            "value": f"{classes.bot:,}",
            "sub": _of_all_time(ever.bot),
        },
        {"label": _("Unsure"), "value": f"{classes.unsure:,}", "sub": _of_all_time(ever.unsure)},
        {
            "label": _("Followed it, of all time"),
            "value": f"{followed:.1f} %",
            "sub": _("%(people)s of %(count)s people who were sent it")
            % {"people": f"{reach.people:,}", "count": f"{reach.recipients:,}"},
        },
    ]


def _of_all_time(count: int) -> str:
    return _("%(count)s of all time") % {"count": f"{count:,}"}


def _broadcasts(request: WorkspaceRequest, activity: Activity) -> list[dict[str, Any]]:
    lines = activity.by_broadcast[:BROADCASTS_SHOWN]
    ids = [line.broadcast_id for line in lines if line.broadcast_id is not None]
    names = broadcast_names(request.workspace.pk, ids) if ids else {}
    return [
        {
            "name": names.get(line.broadcast_id or 0, "") or _("Single texts"),
            "url": reverse("broadcast-detail", args=[line.broadcast_id])
            if line.broadcast_id in names
            else "",
            "line": line,
        }
        for line in lines
    ]


def _period_tabs(request: WorkspaceRequest, period: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": url_with(request, period=name), "current": name == period, "count": None}
        for name, label in PERIOD_LABELS.items()
    ]


@require_POST
@marketer_page
def link_duplicate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    link = get_row(request, _links(request), pk=pk)
    copy = duplicate_link(link=link, actor=actor_of(request))
    toast(request, _("Copied. This is the copy, with an address of its own."))
    return redirect("link-detail", copy.pk)


@require_POST
@marketer_page
def link_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    link = get_row(request, _links(request), pk=pk)
    set_link_enabled(link=link, actor=actor_of(request), enabled=bool(on))
    undo = reverse("link-enabled", args=[pk, 0 if on else 1])
    words = (
        _("%(name)s is enabled.")
        if on
        else _("%(name)s is disabled: texts no longer offer it, and its own address leads nowhere.")
    )
    toast(request, words % {"name": link}, undo_url=undo)
    return redirect("link-detail", pk)


@require_GET
@viewer_page
def link_qr(request: WorkspaceRequest, pk: int, kind: str) -> HttpResponse:
    """The picture of its own address; with `?download` as a file."""
    link = get_row(request, _links(request), pk=pk)
    address = address_of(link)
    is_svg = kind == "svg"
    picture = qr_svg(address) if is_svg else qr_png(address)
    response = HttpResponse(picture, content_type="image/svg+xml" if is_svg else "image/png")
    response["Cache-Control"] = "private, no-cache"
    if "download" in request.GET:
        name = slugify(link.name) or "link"
        response["Content-Disposition"] = f'attachment; filename="{name}-{link.pk}.{kind}"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def link_again(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """How far computing its clicks again is; a POST asks for it."""
    link = get_row(request, _links(request), pk=pk)
    if request.method == "POST":
        return _ask_again(request, link)
    back = reverse("link-detail", args=[pk])
    return again_answer(request, again_context(request.path, dispatches_of_link(link), back))


@marketer_page
def _ask_again(request: WorkspaceRequest, link: Link) -> HttpResponse:
    ids = dispatches_of_link(link)
    try:
        compute_again(
            workspace=request.workspace,
            actor=actor_of(request),
            subject=link,
            dispatch_ids=ids,
            wake=wake_compute_again,
        )
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    else:
        toast(request, _("The clicks are computed again from what was kept of each request."))
    return redirect(f"{reverse('link-detail', args=[link.pk])}#again")


def again_context(url: str, dispatch_ids: list[int], back: str) -> dict[str, Any]:
    """Of _clicks_again.html: `url` starts it and tells how far it is, `back` is the page with the new figures."""
    progress = progress_of(dispatch_ids) if dispatch_ids else None
    return {
        "again_url": url,
        "again_back": back,
        "again_progress": progress,
        "may_compute_again": bool(dispatch_ids) and (progress is None or progress.is_over),
    }


def again_answer(request: WorkspaceRequest, context: dict[str, Any]) -> HttpResponse:
    progress = context["again_progress"]
    is_over = progress is None or progress.is_over
    context |= {"may_change": may_change(request), "polled": True}
    if not request.htmx:
        return redirect(context["again_back"])
    return render(request, "messaging/_clicks_again.html", context, status=STOP_POLLING if is_over else 200)


def address_of(link: Link) -> str:
    """Its own short address."""
    return f"{link_base(link.workspace)}{link.code}"


def may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)


def _links(request: WorkspaceRequest) -> QuerySet[Link]:
    return Link.objects.filter(workspace=request.workspace).select_related("workspace")
