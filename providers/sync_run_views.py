"""Comparing, pushing and pulling: what was asked for, first as a list of what would happen, then as it is done."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, viewer_page
from providers.account_frame import account_of, frame
from providers.models import (
    ProviderAccount,
    SyncRun,
    SyncRunState,
    SyncRunStep,
    SyncState,
    SyncStepState,
    SyncWhat,
)
from providers.services import ProviderAccountError, sync_runs
from providers.services import sync as services
from providers.services.sync_runs import AGAIN, Chosen
from providers.sync_overview import field_label
from providers.sync_views import SEARCHED_MOST, kind_or_404
from web.badges import badge_of
from web.paging import key_page
from web.posted import whole_number
from web.toasts import toast

PAGE_SIZE = 50
# A poll that is answered with it is the last one.
STOP_POLLING = 286
SELECTED = "selected"


@require_POST
@admin_page
def compare(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`entity`: one kind; without it all."""
    account, entity = account_of(request, pk), request.POST.get("entity", "")
    try:
        run = sync_runs.start_compare(
            account=account, entities=[entity] if entity else [], actor=actor_of(request)
        )
    except ProviderAccountError as error:
        return _refused(request, account, error, reverse("provider-account-sync", args=[account.pk]))
    return _to(run)


@require_POST
@admin_page
def do(request: WorkspaceRequest, pk: int, entity: str) -> HttpResponse:
    """`push`, `pull` or `unlink`: the id of a record; "selected" for those of `selected`; or, but for unlinking, "all"
    for all in that `state` and with the words `q`. A push or pull is planned, and shown to be confirmed."""
    account = account_of(request, pk)
    kind_or_404(account, entity)
    back = reverse("provider-account-sync-kind", args=[account.pk, entity])
    what = next((name for name in (*SyncWhat.values, "unlink") if name in request.POST), "")
    chosen = _chosen(request, entity, request.POST.get(what, ""))
    if what not in (SyncWhat.PUSH, SyncWhat.PULL, "unlink") or chosen is None:
        toast(request, _("Tick what it shall be done with."), level="error")
        return redirect(back)
    if what == "unlink":
        _unlink(request, account, chosen)
        return redirect(back)
    try:
        run = sync_runs.plan_run(account=account, what=what, chosen=chosen, actor=actor_of(request))
    except ProviderAccountError as error:
        return _refused(request, account, error, back)
    return _to(run)


@require_GET
@viewer_page
def runs(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    rows = SyncRun.objects.filter(account=account).select_related("created_by", "api_key")
    context = frame(request, account, "sync") | {"page": key_page(request, rows)}
    return render(request, "providers/sync_runs.html", context)


@require_GET
@viewer_page
def run(request: WorkspaceRequest, pk: int, run: int) -> HttpResponse:
    """`?state=`: steps in that state; to htmx its progress alone, as long as it is not over."""
    account = account_of(request, pk)
    row = _run(account, run)
    context = frame(request, account, "sync") | _progress(row)
    if request.htmx:
        response = render(
            request, "providers/_sync_run.html", context, status=200 if row.is_busy else STOP_POLLING
        )
        if not row.is_busy:
            response.headers["HX-Refresh"] = "true"
        return response
    state = request.GET.get("state", "")
    steps = row.steps.filter(state=state) if state in SyncStepState.values else row.steps.all()
    page = Paginator(steps.order_by("position"), PAGE_SIZE).get_page(request.GET.get("page"))
    context |= {
        "page": page,
        "steps": [_shown_step(account, step) for step in page.object_list],
        "previous": _page_url(request, page.previous_page_number()) if page.has_previous() else "",
        "next": _page_url(request, page.next_page_number()) if page.has_next() else "",
        "step_tabs": _step_tabs(request, row, state),
        "actions_found": _actions_in_words(row),
        "may_again": row.state in AGAIN and (row.failed or row.state != SyncRunState.FINISHED),
    }
    return render(request, "providers/sync_run.html", context)


@require_POST
@admin_page
def confirm(request: WorkspaceRequest, pk: int, run: int) -> HttpResponse:
    account = account_of(request, pk)
    return _steered(request, account, run, sync_runs.confirm_run)


@require_POST
@admin_page
def cancel(request: WorkspaceRequest, pk: int, run: int) -> HttpResponse:
    account = account_of(request, pk)
    return _steered(request, account, run, sync_runs.cancel_run)


@require_POST
@admin_page
def again(request: WorkspaceRequest, pk: int, run: int) -> HttpResponse:
    account = account_of(request, pk)
    return _steered(request, account, run, sync_runs.run_again)


# --- helpers --------------------------------------------------------------------------------------


def _run(account: ProviderAccount, pk: int) -> SyncRun:
    rows = SyncRun.objects.select_related("account__workspace", "created_by", "api_key")
    row: SyncRun = get_object_or_404(rows, account=account, pk=pk)
    return row


def _to(run: SyncRun) -> HttpResponse:
    return redirect("provider-account-sync-run", run.account_id, run.pk)


def _steered(request: WorkspaceRequest, account: ProviderAccount, pk: int, service: Any) -> HttpResponse:
    row = _run(account, pk)
    try:
        service(run=row)
    except ProviderAccountError as error:
        return _refused(
            request, account, error, reverse("provider-account-sync-run", args=[account.pk, row.pk])
        )
    return _to(row)


def _refused(
    request: WorkspaceRequest, account: ProviderAccount, error: ProviderAccountError, back: str
) -> HttpResponse:
    """Says why; whoever asked while another run has not ended sees that one."""
    busy = sync_runs.busy_run(account) if error.code == "busy" else None
    toast(request, error.sentence, level="info" if busy else "error")
    return _to(busy) if busy else redirect(back)


def _chosen(request: WorkspaceRequest, entity: str, which: str) -> Chosen | None:
    """None where nothing was chosen."""
    if which == "all":
        state, words = request.POST.get("state", ""), request.POST.get("q", "").strip()[:SEARCHED_MOST]
        return Chosen((entity,), state=state if state in SyncState.values else "", words=words)
    raws = request.POST.getlist(SELECTED) if which == SELECTED else [which]
    ids = tuple(pk for raw in raws if (pk := whole_number(raw)) is not None)
    return Chosen((entity,), ids=ids) if ids else None


def _unlink(request: WorkspaceRequest, account: ProviderAccount, chosen: Chosen) -> None:
    linked = [record for record in sync_runs.records_of(account, chosen) if record.is_linked]
    for record in linked:
        try:
            services.unlink(record=record, actor=actor_of(request))
        except ProviderAccountError:
            continue  # somebody else was quicker
    if not linked:
        toast(request, _("None of them is linked."), level="info")
        return
    words = ngettext(
        "%(n)s is unlinked; both sides stay as they are.",
        "%(n)s are unlinked; both sides stay as they are.",
        len(linked),
    )
    toast(request, words % {"n": f"{len(linked):,}"})


def _progress(run: SyncRun) -> dict[str, Any]:
    settled = run.done + run.failed
    return {
        "run": run,
        "settled": settled,
        "percent": min(100, round(100 * settled / run.total)) if run.total else 0,
        "title": _titles(run),
        "waits_until": run.lease_until
        if run.state == SyncRunState.RUNNING and not run.lease_holder
        else None,
    }


def _titles(run: SyncRun) -> str:
    if run.what == SyncWhat.COMPARE:
        return _("Compare both sides")
    if run.what == SyncWhat.PUSH:
        return _("Push to the provider")
    return _("Pull from the provider")


def _actions_in_words(run: SyncRun) -> list[str]:
    """Of a plan: how many of each action."""
    if run.state != SyncRunState.PLANNED:
        return []
    rows = (
        run.steps.exclude(state=SyncStepState.FAILED).values_list("action").annotate(Count("id")).order_by()
    )
    counts = dict(rows) | {"impossible": run.failed}
    words = {
        "create": _("New: %(n)s"),
        "change": _("Changed: %(n)s"),
        "nothing": _("Left alone: %(n)s"),
        "impossible": _("Not possible: %(n)s"),
    }
    return [words[name] % {"n": f"{counts[name]:,}"} for name in words if counts.get(name)]


def _shown_step(account: ProviderAccount, step: SyncRunStep) -> dict[str, Any]:
    is_kind = step.action == "compare"
    url = ""
    if is_kind:
        url = reverse("provider-account-sync-kind", args=[account.pk, step.entity])
    elif step.record_id:
        url = reverse("provider-account-sync-record", args=[account.pk, step.entity, step.record_id])
    found = ""
    if is_kind:
        found = ", ".join(f"{badge_of(state).word}: {count:,}" for state, count in step.differences)
    rows = [] if is_kind else [(field_label(name), ours, theirs) for name, ours, theirs in step.differences]
    return {"step": step, "url": url, "found": found, "differences": rows, "action": _action(step)}


def _action(step: SyncRunStep) -> str:
    words = {
        "compare": _("Compare"),
        "create": _("New"),
        "change": _("Change"),
        "nothing": _("Leave alone"),
    }
    return words.get(step.action, step.action)


def _page_url(request: WorkspaceRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return f"{request.path}?{query.urlencode()}"


def _step_tabs(request: WorkspaceRequest, run: SyncRun, current: str) -> list[dict[str, Any]]:
    tabs = [("", _("All")), *((state, badge_of(state).word) for state in SyncStepState.values)]
    return [
        {
            "label": label,
            "url": f"{request.path}?{urlencode({'state': state})}" if state else request.path,
            "count": None,
            "current": state == (current if current in SyncStepState.values else ""),
        }
        for state, label in tabs
    ]
