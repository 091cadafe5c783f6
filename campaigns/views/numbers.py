"""The page of one number, with opting out and in, and erasure on request."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, marketer_page, viewer_page
from accounts.models import Role, role_allows
from campaigns.services.numbers import KIND_WORDS, KnownNumber, know_number, values_of
from contacts.errors import ContactsError
from contacts.forms import NUMBER_ATTRIBUTES, NamingForm, ReasonForm
from contacts.models import OptOutHow
from contacts.services.opt_outs import opt_in, opt_out
from contacts.views.common import add_refusal, form_page, may_change
from messaging.erasure import erase_number
from sms.msisdn import format_msisdn
from web.toasts import toast

# A message that a provider is being handed keeps its text until it has answered.
REPEAT_AFTER_MINUTES = 10


class SourceForm(NamingForm):
    source = forms.CharField(
        label=gettext_lazy("How you know"),
        help_text=gettext_lazy("Kept as proof, such as “letter of 3 May”."),
        max_length=500,
        required=False,
    )


class EraseForm(NamingForm):
    reason = forms.CharField(
        label=gettext_lazy("Why it is erased"),
        help_text=gettext_lazy(
            "Kept as proof of the opt-out, such as “asked for it on 3 May”: without a name."
        ),
        max_length=500,
    )
    typed = forms.CharField(
        label=gettext_lazy("The number"),
        help_text=gettext_lazy("Type it, so that it is surely the one you mean."),
        max_length=60,
        widget=forms.TextInput(attrs=NUMBER_ATTRIBUTES),
    )

    def __init__(self, msisdn: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.msisdn = msisdn

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if "".join(char for char in typed if char.isdigit()) != self.msisdn:
            raise forms.ValidationError(
                _("“%(typed)s” is another number. Type %(number)s to erase it.")
                % {"typed": typed, "number": format_msisdn(self.msisdn)}
            )
        return typed


def _known(request: WorkspaceRequest, msisdn: str) -> KnownNumber:
    number = know_number(request.workspace, msisdn)
    if not number.is_known:
        raise Http404
    return number


@require_GET
@viewer_page
def number_detail(request: WorkspaceRequest, msisdn: str) -> HttpResponse:
    return _page(request, _known(request, msisdn))


def _page(
    request: WorkspaceRequest, number: KnownNumber, form: NamingForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "number": number,
        "kind": KIND_WORDS.get(number.kind, ""),
        "people": [(person, values_of(person), number.origins[person.pk]) for person in number.people],
        "is_in_thread": number.answered in number.thread,
        "thread": [(text, number.broadcasts.get(text.broadcast_id or 0, "")) for text in number.thread],
        "undone": [(one, OptOutHow(one.how).label if one.how else "") for one in number.undone],
        "form": form or (ReasonForm() if number.opt_out else SourceForm()),
        "may_change": may_change(request),
        "may_erase": role_allows(request.membership.role, Role.ADMIN),
    }
    return render(request, "campaigns/number.html", context, status=status)


@require_POST
@marketer_page
def number_opt_out(request: WorkspaceRequest, msisdn: str) -> HttpResponse:
    number = _known(request, msisdn)
    form = SourceForm(request.POST)
    if not form.is_valid():
        return _page(request, number, form, status=422)
    opt_out(
        workspace=request.workspace,
        msisdn=msisdn,
        how=OptOutHow.PERSON,
        source=form.cleaned_data["source"],
        actor=actor_of(request),
    )
    toast(request, _("%(number)s is not texted any more.") % {"number": format_msisdn(msisdn)})
    return redirect("number-detail", msisdn)


@require_POST
@marketer_page
def number_opt_in(request: WorkspaceRequest, msisdn: str) -> HttpResponse:
    number = _known(request, msisdn)
    form = ReasonForm(request.POST)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            opt_in(workspace=request.workspace, msisdn=msisdn, reason=reason, actor=actor_of(request))
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(number)s may be texted again.") % {"number": format_msisdn(msisdn)})
            return redirect("number-detail", msisdn)
    return _page(request, number, form, status=422)


@form_page
@admin_page
def number_erase(request: WorkspaceRequest, msisdn: str) -> HttpResponse:
    number = _known(request, msisdn)
    form = EraseForm(msisdn, request.POST or None)
    if not form.is_valid():
        context = {"number": number, "form": form}
        return render(request, "campaigns/number_erase.html", context, status=422 if form.is_bound else 200)
    erased = erase_number(
        workspace=request.workspace,
        msisdn=msisdn,
        reason=form.cleaned_data["reason"],
        actor=actor_of(request),
    )
    if erased.on_the_way:
        words = ngettext(
            "%(n)d message is just being sent and keeps its text: erase again in %(minutes)d minutes.",
            "%(n)d messages are just being sent and keep their texts: erase again in %(minutes)d minutes.",
            erased.on_the_way,
        )
        values = {"n": erased.on_the_way, "minutes": REPEAT_AFTER_MINUTES}
        toast(request, words % values, level="warning")
    else:
        toast(request, _("Erased. That the number opted out is kept."))
    return redirect("number-detail", msisdn)
