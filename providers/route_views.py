"""Routes: all of them, and a page for each. Everybody sees them, admins change them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, get_row, viewer_page
from providers.account_frame import accounts_of, may_change
from providers.forms import add_refusal
from providers.models import Route
from providers.route_forms import RouteForm, only_words, values_of_route
from providers.services import ProviderAccountError
from providers.services.routes import create_route, update_route
from web.paging import key_page
from web.toasts import toast


def section_tabs(current: str) -> list[dict[str, Any]]:
    """Accounts, and routes over them."""
    pages = (("provider-account-list", _("Accounts")), ("routes", _("Routes")))
    return [
        {"label": label, "url": reverse(name), "count": None, "current": name == current}
        for name, label in pages
    ]


@require_GET
@viewer_page
def routes(request: WorkspaceRequest) -> HttpResponse:
    context = {
        "page": key_page(request, _rows(request).prefetch_related("steps__account")),
        "may_change": may_change(request),
        "tabs": section_tabs("routes"),
    }
    return render(request, "providers/routes.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def route_new(request: WorkspaceRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = RouteForm(posted, accounts=list(accounts_of(request).filter(enabled=True).order_by("name")))
    if form.is_valid():
        try:
            made = create_route(
                workspace=request.workspace,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                strategy=form.cleaned_data["strategy"],
                steps=form.steps(),
            )
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(
                request, _("%(route)s is ready: broadcasts offer it beside the accounts.") % {"route": made}
            )
            return redirect("route-detail", made.pk)
    return render(request, "providers/route_new.html", {"form": form}, status=422 if form.is_bound else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def route_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST saves all of it."""
    route = get_row(request, _rows(request), pk=pk)
    if request.method == "POST":
        return _save(request, route)
    return _detail(request, route, _form_of(request, route))


@admin_page
@transaction.atomic
def _save(request: WorkspaceRequest, route: Route) -> HttpResponse:
    Route.objects.select_for_update().get(pk=route.pk)
    form = _form_of(request, route, request.POST)
    if form.is_valid():
        try:
            update_route(
                route=route,
                actor=actor_of(request),
                name=form.cleaned_data["name"],
                strategy=form.cleaned_data["strategy"],
                steps=form.steps(),
            )
        except ProviderAccountError as error:
            add_refusal(form, error)
            route.refresh_from_db()
        else:
            toast(request, _("Saved. What is launched already goes on as it was."))
            return redirect("route-detail", route.pk)
    return _detail(request, route, form, status=422)


def _form_of(request: WorkspaceRequest, route: Route, posted: Any = None) -> RouteForm:
    rows = accounts_of(request).filter(Q(enabled=True) | Q(route_steps__route=route)).distinct()
    values = values_of_route(route)
    accounts = list(rows.order_by("name"))
    accounts.sort(key=lambda one: values.get(f"place_{one.pk}", len(accounts) + 1000))
    form = RouteForm(posted, accounts=accounts, initial=values)
    form.now = {name: values.get(name) for name in form.fields}
    return form


def _detail(request: WorkspaceRequest, route: Route, form: RouteForm, status: int = 200) -> HttpResponse:
    steps = list(route.steps.select_related("account"))
    context = {
        "route": route,
        "form": form,
        "steps": [(step, ", ".join(only_words(step))) for step in steps],
        "may_change": may_change(request),
    }
    return render(request, "providers/route.html", context, status=status)


@require_POST
@admin_page
def route_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    route, on = get_row(request, _rows(request), pk=pk), request.POST.get("on") == "1"
    update_route(route=route, actor=actor_of(request), enabled=on)
    words = _("%(route)s is enabled.") if on else _("%(route)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"route": route})
    return redirect("route-detail", pk)


def _rows(request: WorkspaceRequest) -> QuerySet[Route]:
    return Route.objects.filter(workspace=request.workspace).select_related("workspace")
