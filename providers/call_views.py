"""What the vendor posted to an account's webhook: everybody sees that it came, admins what it was."""

from __future__ import annotations

from typing import Any

from django.db.models import BinaryField
from django.db.models.functions import Substr
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, viewer_page
from providers import services
from providers.account_frame import account_of, frame, may_change
from providers.models import ProviderAccount, StoredWebhookCall, WebhookCallState
from providers.services import ProviderAccountError
from providers.services.webhook_calls import AGAIN_MOST, TROUBLED
from providers.spread_out import spread_out
from providers.tasks import wake_applier
from web.paging import key_page
from web.toasts import toast

BEGINNING = 120  # bytes of a body in the list
BODY_SHOWN = 100_000  # bytes


@require_GET
@viewer_page
def calls(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`?state=`: one of WebhookCallState; anything else shows all."""
    account, state = account_of(request, pk), request.GET.get("state", "")
    rows = StoredWebhookCall.objects.filter(account=account).defer("body", "headers")
    if may_change(request):
        rows = rows.annotate(beginning=Substr("body", 1, BEGINNING, output_field=BinaryField()))
    if state in WebhookCallState.values:
        rows = rows.filter(state=state)
    page = key_page(request, rows)
    context = frame(request, account, "calls") | {
        "page": page,
        "rows": [(call, _beginning(call)) for call in page.rows],
        "state": state,
        "state_tabs": _state_tabs(account, state),
        "may_apply_all": may_change(request) and state in TROUBLED and bool(page.rows),
        "again_most": AGAIN_MOST,
    }
    return render(request, "providers/calls.html", context)


@require_GET
@viewer_page
def call(request: WorkspaceRequest, pk: int, call: int) -> HttpResponse:
    account = account_of(request, pk)
    row = _call(account, call)
    context = frame(request, account, "calls") | {"call": row}
    if may_change(request):
        body = bytes(row.body)
        context |= {
            "headers": sorted(row.headers.items()),
            "body": spread_out(body[:BODY_SHOWN].decode("utf-8", "replace")),
            "is_cut": len(body) > BODY_SHOWN,
            "size": len(body),
        }
    return render(request, "providers/call.html", context)


@require_POST
@admin_page
def call_again(request: WorkspaceRequest, pk: int, call: int) -> HttpResponse:
    account = account_of(request, pk)
    if services.apply_call_again(call=_call(account, call), actor=actor_of(request)):
        wake_applier()
        toast(request, _("The call is applied again: load this page anew in some seconds."))
    else:
        toast(request, _("The call waits for its first time: nothing has to be done."), level="info")
    return redirect("provider-account-call", account.pk, call)


@require_POST
@admin_page
def calls_again(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """All of the `state` posted."""
    account, state = account_of(request, pk), request.POST.get("state", "")
    try:
        count = services.apply_state_again(account=account, state=state, actor=actor_of(request))
    except ProviderAccountError as error:
        toast(request, error.sentence, level="error")
    else:
        wake_applier()
        words = ngettext("%(n)s call is applied again.", "%(n)s calls are applied again.", count)
        toast(request, words % {"n": f"{count:,}"})
    return redirect("provider-account-calls", account.pk)


def _call(account: ProviderAccount, pk: int) -> StoredWebhookCall:
    calls = StoredWebhookCall.objects.select_related("account__workspace")
    return get_object_or_404(calls, account=account, pk=pk)


def _beginning(call: StoredWebhookCall) -> str:
    """Of the body, or of the query where there is none. "" for those who may not see it: whoever knows what a vendor
    posts could post it, too."""
    found = getattr(call, "beginning", None)
    if found is None:
        return ""
    return bytes(found).decode("utf-8", "replace") or call.query[:BEGINNING]


def _state_tabs(account: ProviderAccount, current: str) -> list[dict[str, Any]]:
    url = reverse("provider-account-calls", args=[account.pk])
    tabs = [("", _("All")), *((state.value, capfirst(state.label)) for state in WebhookCallState)]
    return [
        {
            "label": label,
            "url": f"{url}?state={state}" if state else url,
            "count": None,
            "current": state == (current if current in WebhookCallState.values else ""),
        }
        for state, label in tabs
    ]
