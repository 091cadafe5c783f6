"""The requests that went to an account's vendor and what came back. For admins: they hold numbers and texts."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import WorkspaceRequest, admin_page
from providers.account_frame import account_of, frame
from providers.connectors import REGISTRY
from providers.connectors.operations import SHOWN_CHARACTERS
from providers.models import ProviderAccount, TrafficEntry
from providers.services.traffic import KEEP_FOR
from providers.spread_out import spread_out
from web.paging import key_page

# Beside those of a vendor's document: what all connectors do.
OWN_OPERATIONS = ("send", "test", "register_webhook", "list_senders")


@require_GET
@admin_page
def traffic(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`?operation=` one of them; `?trouble=1` those alone that ended badly."""
    account = account_of(request, pk)
    operation, trouble = request.GET.get("operation", ""), request.GET.get("trouble") == "1"
    rows = TrafficEntry.objects.filter(account=account).defer("request", "answer")
    if operation:
        rows = rows.filter(operation=operation)
    if trouble:
        rows = rows.filter(trouble__gt="")
    context = frame(request, account, "traffic") | {
        "page": key_page(request, rows),
        "operation": operation,
        "operations": [("", _("All operations")), *((name, name) for name in _operations(account))],
        "trouble": trouble,
        "is_filtered": bool(operation) or trouble,
        "trouble_tabs": _trouble_tabs(request, trouble),
        "days": KEEP_FOR.days,
    }
    return render(request, "providers/traffic.html", context)


@require_GET
@admin_page
def traffic_entry(request: WorkspaceRequest, pk: int, entry: int) -> HttpResponse:
    account = account_of(request, pk)
    row = get_object_or_404(TrafficEntry, account=account, pk=entry)
    context = frame(request, account, "traffic") | {
        "entry": row,
        "request_body": spread_out(row.request),
        "answer_body": spread_out(row.answer),
        "most": SHOWN_CHARACTERS,
        "request_is_cut": len(row.request) >= SHOWN_CHARACTERS,
        "answer_is_cut": len(row.answer) >= SHOWN_CHARACTERS,
    }
    return render(request, "providers/traffic_entry.html", context)


def _operations(account: ProviderAccount) -> list[str]:
    connector = REGISTRY.get(account.vendor)
    documented = [operation.name for operation in connector.operations()] if connector else []
    return list(dict.fromkeys((*OWN_OPERATIONS, *sorted(documented))))


def _trouble_tabs(request: WorkspaceRequest, trouble: bool) -> list[dict[str, Any]]:
    kept = request.GET.copy()
    for name in ("trouble", "before", "after"):
        kept.pop(name, None)
    tabs = []
    for label, on in ((_("All"), False), (_("With trouble"), True)):
        query = kept.copy()
        if on:
            query["trouble"] = "1"
        tabs.append(
            {
                "label": label,
                "url": f"{request.path}?{query.urlencode()}" if query else request.path,
                "count": None,
                "current": on == trouble,
            }
        )
    return tabs
