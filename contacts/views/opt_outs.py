"""Who must not be texted: the workspace's opt-outs, and its named unsubscribe lists."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from contacts.errors import ContactsError
from contacts.exports import members_csv, opt_outs_csv
from contacts.forms import MembersForm, NameForm, OptOutForm, ReasonForm, RenameForm
from contacts.models import OptOut, OptOutHow, UnsubscribeList, UnsubscribeMember
from contacts.numbers import Numbers, read_numbers, split_pasted
from contacts.search import search_members, search_opt_outs
from contacts.services import opt_outs
from contacts.views.common import add_refusal, form_page, ids_of, may_change, unsubscribe_lists_of
from web.paging import key_page
from web.toasts import toast

SHOWN_REFUSED = 5


@form_page
@viewer_page
def opt_out_list(request: WorkspaceRequest) -> HttpResponse:
    """A POST adds numbers."""
    return _add(request) if request.method == "POST" else _opt_outs(request, OptOutForm())


@marketer_page
def _add(request: WorkspaceRequest) -> HttpResponse:
    form = OptOutForm(request.POST)
    numbers = _numbers_of(request, form)
    if numbers is None:
        return _opt_outs(request, form, status=422)
    added = opt_outs.opt_out_many(
        workspace=request.workspace,
        msisdns=numbers.msisdns,
        how=OptOutHow.PERSON,
        source=form.cleaned_data["source"],
        actor=actor_of(request),
    )
    toast(request, ngettext("%(n)d number opted out.", "%(n)d numbers opted out.", added) % {"n": added})
    return redirect("opt-out-list")


def _numbers_of(request: WorkspaceRequest, form: OptOutForm | MembersForm) -> Numbers | None:
    """With one number that cannot be read nothing is done: all that cannot are shown. `readable`=1: the rest is taken."""
    if not form.is_valid():
        return None
    numbers = read_numbers(split_pasted(form.cleaned_data["numbers"]), request.workspace.default_country)
    if numbers.msisdns and request.POST.get("readable") == "1":
        return numbers
    form.unread = numbers
    for refused in numbers.refused[:SHOWN_REFUSED]:
        form.add_error("numbers", refused.sentence)
    more = len(numbers.refused) - SHOWN_REFUSED
    if more > 0:
        form.add_error(
            "numbers",
            ngettext(
                "%(n)d more number cannot be read. Correct it or take it out.",
                "%(n)d more numbers cannot be read. Correct them or take them out.",
                more,
            )
            % {"n": more},
        )
    if not numbers.msisdns and not numbers.refused:
        form.add_error("numbers", _("There is no number in the field. Enter at least one."))
    return None if form.errors else numbers


def _opt_outs(request: WorkspaceRequest, form: OptOutForm, status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    rows = OptOut.objects.filter(workspace=request.workspace)
    context = {
        "page": key_page(request, search_opt_outs(rows, words, request.workspace.default_country)),
        "q": words,
        "form": form,
        "lists": unsubscribe_lists_of(request).order_by("name"),
        "name_form": NameForm(prefix="list"),
        "may_change": may_change(request),
    }
    template = "contacts/_opt_outs.html" if request.htmx and status == 200 else "contacts/opt_outs.html"
    response = render(request, template, context, status=status)
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "HX-Request")))
    return response


@form_page
@marketer_page
def opt_out_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Asks for the reason, and then lets the number be texted again."""
    row = get_row(request, OptOut, pk=pk)
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        try:
            opt_outs.opt_in(
                workspace=request.workspace,
                msisdn=row.msisdn,
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("+%(msisdn)s may be texted again.") % {"msisdn": row.msisdn})
            return redirect("opt-out-list")
    context = {"row": row, "form": form}
    return render(request, "contacts/opt_out_remove.html", context, status=422 if form.is_bound else 200)


@require_GET
@viewer_page
def opt_out_export(request: WorkspaceRequest) -> HttpResponse:
    return opt_outs_csv(request.workspace)  # type: ignore[return-value]  # streamed


# --- named lists ---


@require_POST
@marketer_page
def unsubscribe_list_new(request: WorkspaceRequest) -> HttpResponse:
    form = NameForm(request.POST, prefix="list")
    if form.is_valid():
        try:
            made = opt_outs.create_unsubscribe_list(
                workspace=request.workspace, actor=actor_of(request), name=form.cleaned_data["name"]
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            return redirect("unsubscribe-list-detail", made.pk)
    context = {"form": form, "name": "", "back": reverse("opt-out-list")}
    return render(request, "contacts/unsubscribe_new.html", context, status=422)


@form_page
@viewer_page
def unsubscribe_list_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST adds numbers."""
    unsubscribe_list = get_row(request, unsubscribe_lists_of(request), pk=pk)
    if request.method == "POST":
        return _add_members(request, unsubscribe_list)
    return _members(request, unsubscribe_list, MembersForm())


@marketer_page
def _add_members(request: WorkspaceRequest, unsubscribe_list: UnsubscribeList) -> HttpResponse:
    form = MembersForm(request.POST)
    numbers = _numbers_of(request, form)
    if numbers is None:
        return _members(request, unsubscribe_list, form, status=422)
    added = opt_outs.add_members(
        unsubscribe_list=unsubscribe_list,
        msisdns=numbers.msisdns,
        source=form.cleaned_data["source"],
        actor=actor_of(request),
    )
    toast(request, ngettext("Added %(n)d number.", "Added %(n)d numbers.", added) % {"n": added})
    return redirect("unsubscribe-list-detail", unsubscribe_list.pk)


def _members(
    request: WorkspaceRequest, unsubscribe_list: UnsubscribeList, form: MembersForm, status: int = 200
) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    rows = UnsubscribeMember.objects.filter(list=unsubscribe_list)
    context = {
        "list": unsubscribe_list,
        "page": key_page(request, search_members(rows, words, request.workspace.default_country)),
        "q": words,
        "form": form,
        "may_change": may_change(request),
    }
    template = (
        "contacts/_members.html" if request.htmx and status == 200 else "contacts/unsubscribe_list.html"
    )
    response = render(request, template, context, status=status)
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "HX-Request")))
    return response


@form_page
@marketer_page
@transaction.atomic
def unsubscribe_list_rename(request: WorkspaceRequest, pk: int) -> HttpResponse:
    unsubscribe_list = get_row(request, unsubscribe_lists_of(request).select_for_update(of=("self",)), pk=pk)
    name = unsubscribe_list.name
    form = RenameForm(request.POST or None, initial={"name": name}, now={"name": name})
    if form.is_valid():
        try:
            opt_outs.update_unsubscribe_list(
                unsubscribe_list=unsubscribe_list, actor=actor_of(request), name=form.cleaned_data["name"]
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Renamed."))
            return redirect("unsubscribe-list-detail", pk)
    context = {"form": form, "name": name, "back": reverse("unsubscribe-list-detail", args=[pk])}
    return render(request, "contacts/rename.html", context, status=422 if form.is_bound else 200)


@require_POST
@marketer_page
def unsubscribe_list_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    unsubscribe_list, on = (
        get_row(request, unsubscribe_lists_of(request), pk=pk),
        request.POST.get("on") == "1",
    )
    opt_outs.update_unsubscribe_list(unsubscribe_list=unsubscribe_list, actor=actor_of(request), enabled=on)
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: it is kept, and leaves nobody out.")
    toast(request, words % {"name": unsubscribe_list.name})
    return redirect("unsubscribe-list-detail", pk)


@require_POST
@marketer_page
def members_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`selected`: ids of members."""
    unsubscribe_list = get_row(request, unsubscribe_lists_of(request), pk=pk)
    rows = UnsubscribeMember.objects.filter(list=unsubscribe_list, pk__in=ids_of(request)[:1000])
    msisdns = list(rows.values_list("msisdn", flat=True))
    removed = opt_outs.remove_members(
        unsubscribe_list=unsubscribe_list, msisdns=msisdns, actor=actor_of(request)
    )
    toast(request, ngettext("Removed %(n)d number.", "Removed %(n)d numbers.", removed) % {"n": removed})
    return redirect("unsubscribe-list-detail", pk)


@require_GET
@viewer_page
def members_export(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return members_csv(get_row(request, unsubscribe_lists_of(request), pk=pk))  # type: ignore[return-value]  # streamed
