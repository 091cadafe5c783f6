"""What an account and its provider both have: each kind, each record, and what is linked to what."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, viewer_page
from providers.account_frame import account_of, frame
from providers.models import ProviderAccount, RemoteRecord, SyncRun, SyncState
from providers.services import ProviderAccountError
from providers.services import sync as services
from providers.services.sync_runs import Chosen, busy_run, records_of
from providers.sync_overview import Kind, field_label, kinds_of
from web.badges import badge_of
from web.posted import number_in
from web.toasts import toast

PAGE_SIZE = 50
RECENT_RUNS = 5
# Of those that one can be linked to; more are found by searching.
CANDIDATES = 100
SEARCHED_MOST = 200


@require_GET
@viewer_page
def overview(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = _synced_account(request, pk)
    context = frame(request, account, "sync") | {
        "kinds": [(kind, _cells(account, kind)) for kind in kinds_of(account)],
        "states": [badge_of(state).word for state in SyncState.values],
        "busy": busy_run(account),
        "runs": SyncRun.objects.filter(account=account).order_by("-id")[:RECENT_RUNS],
    }
    return render(request, "providers/sync.html", context)


def _cells(account: ProviderAccount, kind: Kind) -> list[dict[str, Any]]:
    url = reverse("provider-account-sync-kind", args=[account.pk, kind.entity])
    return [
        {"word": badge_of(state).word, "count": count, "url": f"{url}?state={state}"}
        for state, count in kind.counts.items()
    ]


@require_GET
@viewer_page
def kind(request: WorkspaceRequest, pk: int, entity: str) -> HttpResponse:
    """`?state=`: one of SyncState; `?q=`: words of the name; `?page=`."""
    account = _synced_account(request, pk)
    shown = kind_or_404(account, entity)
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()[:SEARCHED_MOST]
    chosen = Chosen((entity,), state=state if state in SyncState.values else "", words=words)
    rows = records_of(account, chosen).order_by("name", "id")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = frame(request, account, "sync") | {
        "kind": shown,
        "rows": [(row, _first_differences(row)) for row in page.object_list],
        "page": page,
        "previous": _page_url(request, page.previous_page_number()) if page.has_previous() else "",
        "next": _page_url(request, page.next_page_number()) if page.has_next() else "",
        "state": chosen.state,
        "q": words,
        "is_filtered": bool(chosen.state or words),
        "state_tabs": _state_tabs(request, shown, chosen.state),
        "busy": busy_run(account),
    }
    template = "providers/_sync_records.html" if request.htmx else "providers/sync_kind.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_GET
@viewer_page
def record(request: WorkspaceRequest, pk: int, entity: str, record: int) -> HttpResponse:
    """`?q=`: words of the name of what it shall be linked to."""
    account = _synced_account(request, pk)
    shown, row = kind_or_404(account, entity), record_or_404(account, entity, record)
    words = request.GET.get("q", "").strip()[:SEARCHED_MOST]
    context = frame(request, account, "sync") | {
        "kind": shown,
        "record": row,
        "differences": [(field_label(name), ours, theirs) for name, ours, theirs in row.differences],
        "q": words,
        "candidates": [] if row.is_linked else _candidates(row, words),
        "busy": busy_run(account),
    }
    return render(request, "providers/sync_record.html", context)


@require_POST
@admin_page
def link(request: WorkspaceRequest, pk: int, entity: str, record: int) -> HttpResponse:
    """`to`: the id of the record that it shall be one with; or `remote_id`, where the provider cannot list its own."""
    account = _synced_account(request, pk)
    row = record_or_404(account, entity, record)
    pair = _pair(request, row)
    if pair is None:
        toast(request, _("Choose what it shall be linked to."), level="error")
        return _to_record(account, row)
    try:
        linked = services.link(
            account=account, entity=entity, local_id=pair[0], remote_id=pair[1], actor=actor_of(request)
        )
    except ProviderAccountError as error:
        toast(request, error.sentence, level="error")
        return _to_record(account, row)
    toast(request, _("%(name)s is linked. Compare to see whether the two differ.") % {"name": linked.name})
    return _to_record(account, linked)


def _pair(request: WorkspaceRequest, row: RemoteRecord) -> tuple[int, str] | None:
    """Our id and theirs; None where none was chosen."""
    remote_id = request.POST.get("remote_id", "").strip()[:64]
    if remote_id and row.local_id is not None:
        return row.local_id, remote_id
    to = number_in(request.POST, "to") or 0
    other = RemoteRecord.objects.filter(account=row.account_id, entity=row.entity, pk=to).first()
    if other is None:
        return None
    here, there = (row, other) if row.local_id is not None else (other, row)
    return here.local_id or 0, there.remote_id


@require_POST
@admin_page
def link_names(request: WorkspaceRequest, pk: int, entity: str) -> HttpResponse:
    account = _synced_account(request, pk)
    kind_or_404(account, entity)
    count = services.link_by_name(account=account, entity=entity, actor=actor_of(request))
    if count:
        words = ngettext(
            "%(n)s pair is linked. Compare to see whether they differ.",
            "%(n)s pairs are linked. Compare to see whether they differ.",
            count,
        )
        toast(request, words % {"n": f"{count:,}"})
    else:
        toast(request, _("No name stands once on each side alone."), level="info")
    return redirect("provider-account-sync-kind", account.pk, entity)


# --- helpers --------------------------------------------------------------------------------------


def _synced_account(request: WorkspaceRequest, pk: int) -> ProviderAccount:
    account = account_of(request, pk)
    if not services.synced_entities(account):
        raise Http404
    return account


def kind_or_404(account: ProviderAccount, entity: str) -> Kind:
    for one in kinds_of(account):
        if one.entity == entity:
            return one
    raise Http404


def record_or_404(account: ProviderAccount, entity: str, pk: int) -> RemoteRecord:
    row: RemoteRecord = get_object_or_404(RemoteRecord, account=account, entity=entity, pk=pk)
    return row


def _to_record(account: ProviderAccount, row: RemoteRecord) -> HttpResponse:
    return redirect("provider-account-sync-record", account.pk, row.entity, row.pk)


def _first_differences(row: RemoteRecord) -> str:
    """The fields that differ, by name."""
    return ", ".join(field_label(name) for name, _ours, _theirs in row.differences)


def _candidates(row: RemoteRecord, words: str) -> list[tuple[int, str]]:
    """What is on the other side alone; of the same name first."""
    others = RemoteRecord.objects.filter(account=row.account_id, entity=row.entity)
    others = others.filter(local_id=None) if row.local_id is not None else others.filter(remote_id="")
    found = others.filter(name__icontains=words) if words else others
    same = list(others.filter(name=row.name)[:5])
    rest = [one for one in found.order_by("name", "id")[:CANDIDATES] if one.name != row.name]
    return [(one.pk, f"{one.name} ({one.remote_id or one.local_id})") for one in (*same, *rest)]


def _page_url(request: WorkspaceRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"{request.path}?{query.urlencode()}"


def _state_tabs(request: WorkspaceRequest, shown: Kind, current: str) -> list[dict[str, Any]]:
    words = {"q": request.GET["q"]} if request.GET.get("q") else {}
    tabs: list[tuple[str, Any, int]] = [("", _("All"), shown.total)]
    tabs += [(state, badge_of(state).word, count) for state, count in shown.counts.items()]
    return [
        {
            "label": label,
            "url": f"{request.path}?{urlencode(words | ({'state': state} if state else {}))}".rstrip("?"),
            "count": count,
            "current": state == current,
        }
        for state, label, count in tabs
    ]
