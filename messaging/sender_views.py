"""The senders: a list with a form to add one, and a page for the accounts that may use each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.models import Role, Workspace, role_allows
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.senders import KIND_LABEL, allow_accounts, create_sender, set_sender_enabled
from providers.models import ProviderAccount
from sms.senders import sender_kind
from web.forms import CheckList
from web.toasts import toast


class AccountChoices(forms.ModelMultipleChoiceField):
    """Accounts of one workspace; those that are disabled only where they are chosen already."""

    def __init__(self, workspace: Workspace, chosen: Sender | None = None) -> None:
        rows = Q(enabled=True)
        if chosen is not None:
            rows |= Q(senders=chosen)
        super().__init__(
            queryset=ProviderAccount.objects.filter(rows, workspace=workspace).distinct().order_by("name"),
            label=gettext_lazy("Accounts that may use it"),
            help_text=gettext_lazy("None ticked: every account may."),
            widget=CheckList,
            required=False,
        )


class AccountsForm(forms.Form):
    def __init__(self, workspace: Workspace, sender: Sender | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["accounts"] = AccountChoices(workspace, sender)
        if sender is not None:
            self.fields["accounts"].initial = [account.pk for account in sender.accounts.all()]


class SenderForm(AccountsForm):
    value = forms.CharField(
        label=gettext_lazy("Sender"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("A name of up to 11 letters, or a number with its country code."),
    )


@dataclass(frozen=True, slots=True)
class _SenderRow:
    sender: Sender
    kind: str | Promise
    accounts: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def sender_list(request: WorkspaceRequest) -> HttpResponse:
    return (
        _create(request) if request.method == "POST" else _list(request, SenderForm(request.workspace, None))
    )


@marketer_page
def _create(request: WorkspaceRequest) -> HttpResponse:
    form = SenderForm(request.workspace, None, request.POST)
    if form.is_valid():
        try:
            sender = create_sender(workspace=request.workspace, actor=actor_of(request), **form.cleaned_data)
        except MessagingError as error:
            form.add_error(error.field if error.field in form.fields else None, str(error.sentence))
        else:
            toast(request, _("%(sender)s can be chosen in broadcasts now.") % {"sender": sender})
            return redirect("sender-list")
    return _list(request, form, status=422)


def _list(request: WorkspaceRequest, form: SenderForm, status: int = 200) -> HttpResponse:
    senders = _senders(request).prefetch_related("accounts").order_by("-enabled", "value")
    rows = [
        _SenderRow(
            sender, KIND_LABEL[sender_kind(sender.value)], sorted(one.name for one in sender.accounts.all())
        )
        for sender in senders
    ]
    context = {"rows": rows, "form": form, "may_change": _may_change(request)}
    return render(request, "messaging/senders.html", context, status=status)


@require_GET
@viewer_page
def sender_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    sender = get_row(request, _senders(request), pk=pk)
    return _detail(request, sender, AccountsForm(request.workspace, sender))


@require_POST
@marketer_page
def sender_accounts(request: WorkspaceRequest, pk: int) -> HttpResponse:
    sender = get_row(request, _senders(request), pk=pk)
    form = AccountsForm(request.workspace, sender, request.POST)
    if not form.is_valid():
        return _detail(request, sender, form, status=422)
    allow_accounts(sender=sender, actor=actor_of(request), accounts=form.cleaned_data["accounts"])
    toast(request, _("Saved."))
    return redirect("sender-list")


@require_POST
@marketer_page
def sender_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    sender, on = get_row(request, _senders(request), pk=pk), request.POST.get("on") == "1"
    set_sender_enabled(sender=sender, enabled=on, actor=actor_of(request))
    words = _("%(sender)s is enabled.") if on else _("%(sender)s is disabled: broadcasts no longer offer it.")
    toast(request, words % {"sender": sender})
    return redirect("sender-list")


def _detail(request: WorkspaceRequest, sender: Sender, form: AccountsForm, status: int = 200) -> HttpResponse:
    context = {
        "sender": sender,
        "kind": KIND_LABEL[sender_kind(sender.value)],
        "accounts": [account.name for account in sender.accounts.order_by("name")],
        "form": form,
        "may_change": _may_change(request),
    }
    return render(request, "messaging/senders_one.html", context, status=status)


def _senders(request: WorkspaceRequest) -> QuerySet[Sender]:
    return Sender.objects.filter(workspace=request.workspace).select_related("workspace")


def _may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.MARKETER)
