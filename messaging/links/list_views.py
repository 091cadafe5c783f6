"""Pages of link lists. Each button saves at once, and works without script."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from contacts.forms import NameForm
from messaging.content import link_list_problem
from messaging.edited import seen_of
from messaging.errors import MessagingError
from messaging.links.forms import MOST_CHOICES, LinkListForm
from messaging.links.links import (
    MAX_LINKS,
    change_link_list,
    create_link_list,
    duplicate_link_list,
    set_link_list_enabled,
)
from messaging.links.reach import spread_of
from messaging.links.tokens import link_list_token
from messaging.links.uses import link_list_users
from messaging.links.views import may_change
from messaging.models import Link, LinkList
from messaging.texts.forms import add_refusal
from messaging.texts.listing import link_lists_found, listing_of, searched
from web.posted import number_in
from web.toasts import toast

form_page = require_http_methods(["GET", "HEAD", "POST"])
UP, DOWN, OUT = "up", "down", "out"


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def link_list_list(request: WorkspaceRequest) -> HttpResponse:
    """The page; for htmx its table alone."""
    rows = _lists(request)
    listing = listing_of(request, rows, link_lists_found(rows, searched(request)))
    counts = dict(
        LinkList.objects.filter(pk__in=[row.pk for row in listing.rows])
        .annotate(size=Count("entries"))
        .values_list("pk", "size")
    )
    context = {
        "listing": listing,
        "rows": [(row, counts.get(row.pk, 0)) for row in listing.rows],
        "may_change": may_change(request),
    }
    template = "messaging/_link_lists.html" if request.htmx else "messaging/link_lists.html"
    return render(request, template, context)


@form_page
@marketer_page
def link_list_new(request: WorkspaceRequest) -> HttpResponse:
    form = NameForm(request.POST or None)
    if form.is_valid():
        try:
            made = create_link_list(
                workspace=request.workspace,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                links=[],
            )
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Made. Add its links."))
            return redirect("link-list-detail", made.pk)
    status = 422 if form.is_bound else 200
    return render(request, "messaging/link_list_new.html", {"form": form}, status=status)


@form_page
@viewer_page
def link_list_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST gives it another name."""
    link_list = get_row(request, _lists(request), pk=pk)
    return _rename(request, link_list) if request.method == "POST" else _detail(request, link_list)


@marketer_page
def _rename(request: WorkspaceRequest, link_list: LinkList) -> HttpResponse:
    form = LinkListForm(request.POST)
    if form.is_valid():
        try:
            change_link_list(link_list=link_list, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("link-list-detail", link_list.pk)
    return _detail(request, get_row(request, _lists(request), pk=link_list.pk), form, status=422)


def _detail(
    request: WorkspaceRequest,
    link_list: LinkList,
    form: NameForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    spread = spread_of(link_list)
    own = [one.link for one in spread.given if one.is_in_list]
    choices = _choices(request, own)
    context = {
        "link_list": link_list,
        "form": form or LinkListForm(initial={"name": link_list.name, "seen": seen_of(link_list)}),
        "token": link_list_token(link_list),
        "spread": spread,
        "links": own,
        "choices": [(link.pk, link.name) for link in choices[:MOST_CHOICES]],
        "more_choices": len(choices) > MOST_CHOICES,
        "is_full": len(own) >= MAX_LINKS,
        "most_links": MAX_LINKS,
        "problem": link_list_problem(link_list, own),
        "refusal": refusal,
        "users": link_list_users(link_list),
        "may_change": may_change(request),
    }
    return render(request, "messaging/link_list.html", context, status=status)


def _choices(request: WorkspaceRequest, own: list[Link]) -> list[Link]:
    rows = Link.objects.filter(workspace=request.workspace, enabled=True)
    return list(rows.exclude(pk__in=[link.pk for link in own]).order_by("name")[: MOST_CHOICES + 1])


@require_POST
@marketer_page
def link_list_links(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`add`: the link that is put at the end; `up`, `down`, `out`: the link that moves, or leaves."""
    link_list = get_row(request, _lists(request), pk=pk)
    try:
        with transaction.atomic():
            # Two at once: neither may forget what the other has done.
            LinkList.objects.select_for_update().get(pk=pk)
            links = [entry.link for entry in link_list.entries.select_related("link")]
            wanted = _moved(request, links)
            change_link_list(link_list=link_list, actor=actor_of(request), links=wanted)
    except MessagingError as error:
        return _detail(request, link_list, refusal=str(error.sentence), status=422)
    return redirect(f"{reverse('link-list-detail', args=[pk])}#links")


def _moved(request: WorkspaceRequest, links: list[Link]) -> list[Link]:
    """Raises MessagingError."""
    given = {name: request.POST[name] for name in (UP, DOWN, OUT) if name in request.POST}
    if not given:
        return [*links, _chosen(request)]
    what, raw = next(iter(given.items()))
    place = next((place for place, link in enumerate(links) if str(link.pk) == raw), None)
    if place is None:
        raise MessagingError(_("This link is not in the list any more. Look at the list as it is now."))
    link = links.pop(place)
    if what == OUT:
        return links
    links.insert(max(0, place - 1) if what == UP else place + 1, link)
    return links


def _chosen(request: WorkspaceRequest) -> Link:
    rows = Link.objects.filter(workspace=request.workspace)
    link = rows.filter(pk=number_in(request.POST, "add") or 0).first()
    if link is None:
        raise MessagingError(_("No link was chosen. Choose one, then add it."), field="add")
    return link


@require_POST
@marketer_page
def link_list_duplicate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    link_list = get_row(request, _lists(request), pk=pk)
    copy = duplicate_link_list(link_list=link_list, actor=actor_of(request))
    toast(request, _("Copied. This is the copy."))
    return redirect("link-list-detail", copy.pk)


@require_POST
@marketer_page
def link_list_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    link_list = get_row(request, _lists(request), pk=pk)
    set_link_list_enabled(link_list=link_list, actor=actor_of(request), enabled=bool(on))
    undo = reverse("link-list-enabled", args=[pk, 0 if on else 1])
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: texts no longer offer it.")
    toast(request, words % {"name": link_list}, undo_url=undo)
    return redirect("link-list-detail", pk)


def _lists(request: WorkspaceRequest) -> QuerySet[LinkList]:
    return LinkList.objects.filter(workspace=request.workspace).select_related("workspace")
