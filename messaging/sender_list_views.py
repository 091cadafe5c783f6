"""Sender lists: all of them, and a page for each with its senders."""

from __future__ import annotations

from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from messaging.edited import seen_of
from messaging.errors import MessagingError
from messaging.models import SenderList
from messaging.sender_forms import SenderListForm, add_refusal
from messaging.sender_lists import (
    add_senders,
    create_sender_list,
    duplicate_sender_list,
    remove_sender,
    set_sender_list_enabled,
    update_sender_list,
)
from messaging.sender_views import USES_SHOWN, form_page, may_change, section_tabs
from messaging.senders import KIND_LABEL
from sms.senders import sender_kind
from web.paging import key_page
from web.posted import ids_in
from web.toasts import toast

# Senders that can be ticked at once; the search finds the others.
OFFERED = 50


@form_page
@viewer_page
def sender_lists(request: WorkspaceRequest) -> HttpResponse:
    return _create(request) if request.method == "POST" else _lists(request, SenderListForm())


@marketer_page
def _create(request: WorkspaceRequest) -> HttpResponse:
    form = SenderListForm(request.POST)
    if form.is_valid():
        try:
            made = create_sender_list(workspace=request.workspace, actor=actor_of(request), **form.values)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(name)s is ready. Tick the senders that belong to it.") % {"name": made})
            return redirect("sender-list-detail", made.pk)
    return _lists(request, form, status=422)


def _lists(request: WorkspaceRequest, form: SenderListForm, status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    rows = _rows(request).annotate(sender_count=Count("senders"))
    page = key_page(request, rows.filter(name__icontains=words) if words else rows)
    context = {
        "page": page,
        "q": words,
        "form": form,
        "may_change": may_change(request),
        "tabs": section_tabs("sender-lists"),
    }
    return render(request, "messaging/sender_lists.html", context, status=status)


@form_page
@viewer_page
def sender_list_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST saves name and choice."""
    one = get_row(request, _rows(request), pk=pk)
    if request.method == "POST":
        return _save(request, one)
    initial = {"name": one.name, "choice": one.choice, "seen": seen_of(one)}
    return _detail(request, one, SenderListForm(initial=initial))


@marketer_page
def _save(request: WorkspaceRequest, one: SenderList) -> HttpResponse:
    form = SenderListForm(request.POST)
    if form.is_valid():
        try:
            update_sender_list(sender_list=one, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
            one.refresh_from_db()
        else:
            toast(request, _("Saved."))
            return redirect("sender-list-detail", one.pk)
    return _detail(request, one, form, status=422)


def _detail(
    request: WorkspaceRequest, one: SenderList, form: SenderListForm, status: int = 200
) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    members = list(one.senders.order_by("value"))
    others = request.workspace.senders.filter(enabled=True).exclude(sender_lists=one)
    if words:
        others = others.filter(value__icontains=words.lstrip("+"))
    offered = list(others.order_by("value")[: OFFERED + 1])
    broadcasts = one.broadcasts.order_by("-pk")
    context = {
        "list": one,
        "form": form,
        "members": [(sender, KIND_LABEL[sender_kind(sender.value)]) for sender in members],
        "offered": [(sender, KIND_LABEL[sender_kind(sender.value)]) for sender in offered[:OFFERED]],
        "more_offered": len(offered) > OFFERED,
        "offered_most": OFFERED,
        "q": words,
        "broadcasts": broadcasts[:USES_SHOWN],
        "broadcast_count": broadcasts.count(),
        "may_change": may_change(request),
    }
    return render(request, "messaging/sender_list.html", context, status=status)


@require_POST
@marketer_page
def sender_list_add(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The ticked ones; in the address what is undone."""
    one = get_row(request, _rows(request), pk=pk)
    ids = ids_in(request.POST, "sender") or ids_in(request.GET, "sender")
    chosen = list(request.workspace.senders.filter(pk__in=ids))
    try:
        added = add_senders(sender_list=one, actor=actor_of(request), senders=chosen)
    except MessagingError as error:
        toast(request, error.sentence, level="error")
        return redirect("sender-list-detail", pk)
    if added:
        words = ngettext("%(n)s sender is added.", "%(n)s senders are added.", added)
        toast(request, words % {"n": added})
    else:
        toast(request, _("Nothing was ticked, so nothing was added."), level="info")
    return redirect("sender-list-detail", pk)


@require_POST
@marketer_page
def sender_list_remove(request: WorkspaceRequest, pk: int, sender_pk: int) -> HttpResponse:
    one = get_row(request, _rows(request), pk=pk)
    sender = get_row(request, request.workspace.senders.all(), pk=sender_pk)
    remove_sender(sender_list=one, actor=actor_of(request), sender=sender)
    undo = f"{reverse('sender-list-add', args=[pk])}?sender={sender_pk}"
    toast(request, _("%(sender)s is off this list.") % {"sender": sender}, undo_url=undo)
    return redirect("sender-list-detail", pk)


@require_POST
@marketer_page
def sender_list_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    one, on = get_row(request, _rows(request), pk=pk), request.POST.get("on") == "1"
    set_sender_list_enabled(sender_list=one, actor=actor_of(request), enabled=on)
    words = _("%(list)s is enabled.") if on else _("%(list)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"list": one})
    return redirect("sender-list-detail", pk)


@require_POST
@marketer_page
def sender_list_duplicate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_row(request, _rows(request), pk=pk)
    copy = duplicate_sender_list(sender_list=one, actor=actor_of(request))
    toast(request, _("%(name)s is ready.") % {"name": copy})
    return redirect("sender-list-detail", copy.pk)


def _rows(request: WorkspaceRequest) -> QuerySet[SenderList]:
    return SenderList.objects.filter(workspace=request.workspace).select_related("workspace")
