"""The senders: a list with a form to add one, a page for each, and those that a vendor has for an account."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.choices import country_label
from accounts.models import Role, role_allows
from messaging.bodies import passes_sender
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.sender_finding import accounts_words, add_found_senders, find_senders
from messaging.sender_forms import SenderDetailsForm, SenderForm, add_refusal
from messaging.senders import KIND_LABEL, create_sender, set_sender_enabled, update_sender
from providers.models import ProviderAccount
from providers.services import can_list_senders
from sms.senders import sender_kind
from web.paging import key_page
from web.toasts import toast

form_page = require_http_methods(["GET", "HEAD", "POST"])
# Broadcasts named on a sender's page.
USES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _SenderRow:
    sender: Sender
    kind: str | Promise
    accounts: list[str]
    countries: list[tuple[str, str]]


def section_tabs(current: str) -> list[dict[str, object]]:
    pages = (("sender-list", _("Senders")), ("sender-lists", _("Sender lists")))
    return [
        {"label": label, "url": reverse(name), "count": None, "current": name == current}
        for name, label in pages
    ]


@form_page
@viewer_page
def sender_list(request: WorkspaceRequest) -> HttpResponse:
    return (
        _create(request) if request.method == "POST" else _list(request, SenderForm(request.workspace, None))
    )


@marketer_page
def _create(request: WorkspaceRequest) -> HttpResponse:
    form = SenderForm(request.workspace, None, request.POST)
    if _only_countries(request):
        return _list(request, form)
    if form.is_valid():
        try:
            sender = create_sender(workspace=request.workspace, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(sender)s can be chosen in broadcasts now.") % {"sender": sender})
            return redirect("sender-list")
    return _list(request, form, status=422)


def _only_countries(request: WorkspaceRequest) -> bool:
    """Without the script, a button adds a country to a form that is not finished yet, or takes one away."""
    return "add" in request.POST or "remove_countries" in request.POST


def _list(request: WorkspaceRequest, form: SenderForm, status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    senders = _senders(request).prefetch_related("accounts")
    page = key_page(request, senders.filter(value__icontains=words.lstrip("+")) if words else senders)
    accounts = ProviderAccount.objects.filter(workspace=request.workspace, enabled=True).order_by("name")
    context = {
        "rows": [_row(sender) for sender in page.rows],
        "page": page,
        "q": words,
        "form": form,
        "may_change": may_change(request),
        "own_senders": [account.name for account in accounts if not passes_sender(account)],
        "finding": accounts_words(list(accounts)) if may_change(request) else [],
        "tabs": section_tabs("sender-list"),
    }
    return render(request, "messaging/senders.html", context, status=status)


def _row(sender: Sender) -> _SenderRow:
    return _SenderRow(
        sender,
        KIND_LABEL[sender_kind(sender.value)],
        sorted(one.name for one in sender.accounts.all()),
        [(code, country_label(code)) for code in sender.countries],
    )


@form_page
@viewer_page
def sender_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    sender = get_row(request, _senders(request), pk=pk)
    if request.method == "POST":
        return _save(request, sender)
    return _detail(request, sender, SenderDetailsForm(request.workspace, sender))


@marketer_page
def _save(request: WorkspaceRequest, sender: Sender) -> HttpResponse:
    form = SenderDetailsForm(request.workspace, sender, request.POST)
    if form.is_valid():
        try:
            update_sender(sender=sender, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("sender-detail", sender.pk)
    return _detail(request, sender, form, status=422)


@require_POST
@marketer_page
def sender_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    sender, on = get_row(request, _senders(request), pk=pk), request.POST.get("on") == "1"
    set_sender_enabled(sender=sender, enabled=on, actor=actor_of(request))
    words = _("%(sender)s is enabled.") if on else _("%(sender)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"sender": sender})
    return redirect("sender-list")


def _detail(
    request: WorkspaceRequest, sender: Sender, form: SenderDetailsForm, status: int = 200
) -> HttpResponse:
    broadcasts = sender.broadcasts.order_by("-pk")
    context = {
        "sender": sender,
        "row": _row(sender),
        "form": form,
        "lists": sender.sender_lists.order_by("name"),
        "broadcasts": broadcasts[:USES_SHOWN],
        "broadcast_count": broadcasts.count(),
        "may_change": may_change(request),
    }
    return render(request, "messaging/senders_one.html", context, status=status)


@form_page
@marketer_page
def sender_find(request: WorkspaceRequest, account_pk: int) -> HttpResponse:
    """GET asks the vendor; POST adds the ticked ones."""
    account = get_row(
        request, ProviderAccount.objects.filter(enabled=True).select_related("workspace"), pk=account_pk
    )
    if not can_list_senders(account):
        raise Http404
    return _add_found(request, account) if request.method == "POST" else _found(request, account)


def _add_found(request: WorkspaceRequest, account: ProviderAccount) -> HttpResponse:
    try:
        added = add_found_senders(
            account=account, actor=actor_of(request), values=request.POST.getlist("value")
        )
    except MessagingError as error:
        toast(request, error.sentence, level="error")
        return redirect("sender-find", account.pk)
    if not added:
        toast(request, _("Nothing was ticked, so nothing was added."), level="info")
        return redirect("sender-find", account.pk)
    words = ngettext("%(n)s sender is added.", "%(n)s senders are added.", added)
    toast(request, words % {"n": added})
    return redirect("sender-list")


def _found(request: WorkspaceRequest, account: ProviderAccount) -> HttpResponse:
    problem = ""
    try:
        found = find_senders(account)
    except MessagingError as error:
        found, problem = [], str(error.sentence)
    context = {
        "account": account,
        "found": found,
        "problem": problem,
        "any_new": any(one.can_be_added for one in found),
    }
    return render(request, "messaging/sender_find.html", context)


def _senders(request: WorkspaceRequest) -> QuerySet[Sender]:
    return Sender.objects.filter(workspace=request.workspace).select_related("workspace")


def may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
