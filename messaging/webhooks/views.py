"""Webhooks in the settings: endpoints, and what was posted to them. Everybody sees them, admins change them."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, get_row, viewer_page
from accounts.models import Role, role_allows
from accounts.settings_views import settings_tabs
from messaging.errors import MessagingError
from messaging.models import WebhookDelivery, WebhookEndpoint, WebhookState
from messaging.texts.forms import add_refusal
from messaging.webhooks.endpoints import (
    WithSecret,
    change_endpoint,
    create_endpoint,
    rotate_secret,
    send_again,
    send_failed_again,
    send_test,
    set_endpoint_enabled,
)
from messaging.webhooks.events import EVENT_TYPES, TEST
from messaging.webhooks.forms import EndpointForm
from web.badges import badge_of
from web.paging import key_page
from web.toasts import toast

STOP_POLLING = 286
form_page = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
@viewer_page
def webhook_list(request: WorkspaceRequest) -> HttpResponse:
    last = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by("-pk")
    rows = WebhookEndpoint.objects.filter(workspace=request.workspace).annotate(
        last_state=Subquery(last.values("state")[:1]), last_at=Subquery(last.values("created_at")[:1])
    )
    return _render(request, "settings_webhooks", {"rows": rows.order_by("-enabled", "pk")})


@form_page
@admin_page
def webhook_new(request: WorkspaceRequest) -> HttpResponse:
    """The secret is shown by the answer to the post, and never again."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            made = create_endpoint(workspace=request.workspace, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            return _with_secret(request, made)
    status = 422 if form.is_bound else 200
    return _render(request, "settings_webhook_new", {"form": form}, status)


@form_page
@viewer_page
def webhook_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    endpoint = get_row(request, _endpoints(request), pk=pk)
    return _save(request, endpoint) if request.method == "POST" else _detail(request, endpoint)


@admin_page
@transaction.atomic
def _save(request: WorkspaceRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    form = EndpointForm(request.POST, endpoint=endpoint)
    if form.is_valid():
        try:
            change_endpoint(endpoint=endpoint, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("settings-webhook", endpoint.pk)
    return _detail(request, get_row(request, _endpoints(request), pk=endpoint.pk), form=form, status=422)


def _detail(
    request: WorkspaceRequest,
    endpoint: WebhookEndpoint,
    *,
    form: EndpointForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    state = request.GET.get("state", "")
    rows = WebhookDelivery.objects.filter(endpoint=endpoint)
    page = key_page(request, rows.filter(state=state) if state in WebhookState.values else rows)
    now = timezone.now()
    context = {
        "endpoint": endpoint,
        "event_names": [EVENT_TYPES[name] for name in endpoint.events if name in EVENT_TYPES],
        "told": endpoint.told_words,
        "form": form or _form_of(endpoint),
        "secret": secret,
        "both_until": endpoint.previous_until if len(endpoint.secrets_at(now)) > 1 else None,
        "page": page,
        "state_tabs": _state_tabs(endpoint, state),
        "state": state,
        "has_failed": rows.filter(state=WebhookState.FAILED).exclude(event_type=TEST).exists(),
        **_test_context(endpoint),
    }
    return _render(request, "settings_webhook", context, status)


def _form_of(endpoint: WebhookEndpoint) -> EndpointForm:
    names = ("url", "events", "first_after", "second_after")
    return EndpointForm(initial={name: getattr(endpoint, name) for name in names}, endpoint=endpoint)


def _state_tabs(endpoint: WebhookEndpoint, state: str) -> list[dict[str, Any]]:
    url = reverse("settings-webhook", args=[endpoint.pk])
    tabs = [("", _("All")), *((each.value, badge_of(each).word) for each in WebhookState)]
    return [
        {
            "url": f"{url}?state={name}" if name else url,
            "label": label,
            "count": None,
            "current": name == state,
        }
        for name, label in tabs
    ]


@require_POST
@admin_page
def webhook_enabled(request: WorkspaceRequest, pk: int, on: int) -> HttpResponse:
    """`on`: 1 enables, 0 disables."""
    endpoint = get_row(request, _endpoints(request), pk=pk)
    try:
        set_endpoint_enabled(endpoint=endpoint, actor=actor_of(request), enabled=bool(on))
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    else:
        undo = reverse("settings-webhook-enabled", args=[pk, 0 if on else 1])
        words = _("Enabled: it is told from now on.") if on else _("Disabled: nothing is posted there.")
        toast(request, words, undo_url=undo)
    return redirect("settings-webhook", pk)


@require_POST
@admin_page
def webhook_secret(request: WorkspaceRequest, pk: int) -> HttpResponse:
    endpoint = get_row(request, _endpoints(request), pk=pk)
    return _with_secret(request, rotate_secret(endpoint=endpoint, actor=actor_of(request)))


def _with_secret(request: WorkspaceRequest, made: WithSecret) -> HttpResponse:
    """For the one answer that shows a secret: no cache between here and the eye may hold it."""
    response = _detail(request, made.endpoint, secret=made.secret)
    add_never_cache_headers(response)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def webhook_test(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST sends a test event; else what became of the last one, as a fragment."""
    endpoint = get_row(request, _endpoints(request), pk=pk)
    if request.method == "POST":
        return _send_test(request, endpoint)
    context = _test_context(endpoint)
    is_over = context["test"] is None or context["test"].state != WebhookState.WAITING
    template = "messaging/_webhook_test.html"
    return render(request, template, context, status=STOP_POLLING if is_over else 200)


@admin_page
def _send_test(request: WorkspaceRequest, endpoint: WebhookEndpoint) -> HttpResponse:
    try:
        send_test(endpoint=endpoint, actor=actor_of(request))
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    return redirect("settings-webhook", endpoint.pk)


def _test_context(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Of _webhook_test.html."""
    tests = WebhookDelivery.objects.filter(endpoint=endpoint, event_type=TEST).order_by("-pk")
    return {"test": tests.first(), "test_url": reverse("settings-webhook-test", args=[endpoint.pk])}


@require_POST
@admin_page
def webhook_failed_again(request: WorkspaceRequest, pk: int) -> HttpResponse:
    endpoint = get_row(request, _endpoints(request), pk=pk)
    try:
        count = send_failed_again(endpoint=endpoint, actor=actor_of(request))
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    else:
        words = ngettext("%(n)s event is sent again.", "%(n)s events are sent again.", count)
        toast(request, words % {"n": f"{count:,}"})
    return redirect("settings-webhook", pk)


@require_GET
@viewer_page
def delivery_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    delivery = _delivery(request, pk)
    body = json.dumps(json.loads(delivery.body), indent=2, ensure_ascii=False)
    context = {"delivery": delivery, "endpoint": delivery.endpoint, "body": body}
    return _render(request, "settings_webhook_delivery", context)


@require_POST
@admin_page
def delivery_again(request: WorkspaceRequest, pk: int) -> HttpResponse:
    try:
        send_again(delivery=_delivery(request, pk), actor=actor_of(request))
    except MessagingError as error:
        toast(request, error.sentence, level="error")
    else:
        toast(request, _("It is sent again, under the same id."))
    return redirect("settings-webhook-delivery", pk)


def _delivery(request: WorkspaceRequest, pk: int) -> WebhookDelivery:
    """Of an endpoint of the workspace, else 404."""
    row = WebhookDelivery.objects.filter(pk=pk).values_list("endpoint_id", flat=True).first()
    endpoint = get_row(request, _endpoints(request), pk=row or 0)
    found: WebhookDelivery = endpoint.deliveries.select_related("endpoint__workspace").get(pk=pk)
    return found


def _endpoints(request: WorkspaceRequest) -> QuerySet[WebhookEndpoint]:
    return WebhookEndpoint.objects.filter(workspace=request.workspace).select_related("workspace")


def _render(request: WorkspaceRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    frame = {
        "tabs": settings_tabs(request),
        "may_change": role_allows(request.membership.role, Role.ADMIN),
    }
    return render(request, f"messaging/{name}.html", frame | context, status=status)
