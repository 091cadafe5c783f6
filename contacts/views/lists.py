"""Lists and the people on them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from contacts.errors import ContactsError
from contacts.exports import people_csv
from contacts.fields import PERSON_FIELDS
from contacts.forms import NameForm, PersonForm
from contacts.models import ExistingNumbers, Recipient, RecipientList
from contacts.numbers import read_number
from contacts.search import search_people
from contacts.services import lists
from contacts.views.common import add_refusal, form_page, ids_of, lists_of, may_change
from web.paging import key_page
from web.toasts import toast

# What one fills in quickly; the rest stands on the person's own page.
QUICK_FIELDS = ("first_name", "last_name")
# Further columns that the table shows; all of them stand on the person's own page and in the export.
SHOWN_COLUMNS = 3
UNDO_KEY = "removed_people"


@form_page
@viewer_page
def list_list(request: WorkspaceRequest) -> HttpResponse:
    return _create(request) if request.method == "POST" else _lists(request, NameForm())


@marketer_page
def _create(request: WorkspaceRequest) -> HttpResponse:
    form = NameForm(request.POST)
    if form.is_valid():
        try:
            made = lists.create_list(
                workspace=request.workspace, actor=actor_of(request), name=form.cleaned_data["name"]
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(name)s is ready. Add people, or import a file.") % {"name": made.name})
            return redirect("recipient-list-detail", made.pk)
    return _lists(request, form, status=422)


def _lists(request: WorkspaceRequest, form: NameForm, status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    rows = lists_of(request)
    found = rows.filter(name__icontains=words) if words else rows
    context = {
        "page": key_page(request, found),
        "any": bool(words) or rows.exists(),
        "q": words,
        "form": form,
        "may_change": may_change(request),
    }
    template = "contacts/_lists.html" if request.htmx and status == 200 else "contacts/lists.html"
    return _for_both(render(request, template, context, status=status))


@form_page
@viewer_page
def list_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST adds one person."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    if request.method == "POST":
        return _add_person(request, recipient_list)
    return _detail(request, recipient_list, PersonForm(recipient_list, only=QUICK_FIELDS))


@marketer_page
def _add_person(request: WorkspaceRequest, recipient_list: RecipientList) -> HttpResponse:
    form = PersonForm(recipient_list, request.POST, only=QUICK_FIELDS)
    if form.is_valid() and _is_added(request, recipient_list, form):
        return redirect("recipient-list-detail", recipient_list.pk)
    return _detail(request, recipient_list, form, status=422)


def _is_added(request: WorkspaceRequest, recipient_list: RecipientList, form: PersonForm) -> bool:
    raw = form.cleaned_data["msisdn"]
    try:
        msisdn, _country = read_number(raw, request.workspace.default_country)
        added = lists.add_recipients(
            recipient_list=recipient_list,
            people=[lists.Person(msisdn=f"+{msisdn}", fields=form.person_fields)],
            actor=actor_of(request),
            existing=ExistingNumbers.SKIP,
        )
    except ContactsError as error:
        add_refusal(form, error)
        return False
    if added.skipped:
        form.add_error(
            "msisdn", _("+%(msisdn)s is on this list already. Search for it to edit it.") % {"msisdn": msisdn}
        )
        return False
    toast(request, _("Added +%(msisdn)s.") % {"msisdn": msisdn})
    return True


def _detail(
    request: WorkspaceRequest, recipient_list: RecipientList, form: PersonForm, status: int = 200
) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    page = key_page(request, search_people(recipient_list.recipients.all(), words))
    shown = recipient_list.columns[:SHOWN_COLUMNS]
    context = {
        "list": recipient_list,
        "page": page,
        "people": [(person, [person.extra.get(name, "") for name in shown]) for person in page.rows],
        "shown_columns": shown,
        "q": words,
        "form": form,
        "may_change": may_change(request),
    }
    template = "contacts/_people.html" if request.htmx and status == 200 else "contacts/list.html"
    return _for_both(render(request, template, context, status=status))


@form_page
@marketer_page
def list_rename(request: WorkspaceRequest, pk: int) -> HttpResponse:
    recipient_list = get_row(request, lists_of(request), pk=pk)
    form = NameForm(request.POST or None, initial={"name": recipient_list.name})
    if form.is_valid():
        try:
            lists.rename_list(
                recipient_list=recipient_list, actor=actor_of(request), name=form.cleaned_data["name"]
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Renamed."))
            return redirect("recipient-list-detail", pk)
    name = RecipientList.objects.values_list("name", flat=True).get(pk=pk)
    context = {"form": form, "name": name, "back": reverse("recipient-list-detail", args=[pk])}
    return render(request, "contacts/rename.html", context, status=422 if form.is_bound else 200)


@require_POST
@marketer_page
def list_enabled(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    recipient_list, on = get_row(request, lists_of(request), pk=pk), request.POST.get("on") == "1"
    lists.set_list_enabled(recipient_list=recipient_list, actor=actor_of(request), enabled=on)
    words = _("%(name)s is enabled.") if on else _("%(name)s is disabled: it is kept, and reaches nobody.")
    toast(request, words % {"name": recipient_list.name})
    return redirect("recipient-list-detail", pk)


@form_page
@marketer_page
def person_edit(request: WorkspaceRequest, pk: int, person_pk: int) -> HttpResponse:
    recipient_list = get_row(request, lists_of(request), pk=pk)
    person = get_object_or_404(recipient_list.recipients, pk=person_pk)
    person.list = recipient_list
    form = PersonForm(recipient_list, request.POST or None, recipient=person)
    if form.is_valid():
        try:
            lists.update_recipient(
                recipient=person, actor=actor_of(request), fields=form.person_fields, extra=form.extra
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("recipient-list-detail", pk)
    context = {"list": recipient_list, "person": person, "form": form}
    return render(request, "contacts/person.html", context, status=422 if form.is_bound else 200)


@require_POST
@marketer_page
def people_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`selected`: ids of people; with `all`=1 everybody who matches `query`. The former can be undone."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    everybody = request.POST.get("all") == "1"
    ids = ids_of(request)
    if everybody:
        rows = search_people(recipient_list.recipients.all(), request.POST.get("query", ""))
        ids = list(rows.values_list("pk", flat=True))
    removed = lists.remove_recipients(recipient_list=recipient_list, ids=ids, actor=actor_of(request))
    if not removed:
        toast(request, _("Nobody was removed: choose people first."), level="warning")
        return redirect("recipient-list-detail", pk)
    words = ngettext("Removed %(n)d person.", "Removed %(n)d people.", len(removed)) % {"n": len(removed)}
    undo_url = ""
    if not everybody:
        request.session[UNDO_KEY] = {"list": pk, "people": [_kept(person) for person in removed]}
        undo_url = reverse("recipient-list-restore", args=[pk])
    toast(request, words, undo_url=undo_url)
    return redirect("recipient-list-detail", pk)


@require_POST
@marketer_page
def people_restore(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Undoes the last removal of this session."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    kept = request.session.pop(UNDO_KEY, None)
    if not kept or kept["list"] != pk:
        toast(
            request,
            _("There is nothing to put back any more. Add the people again by hand or from a file."),
            level="warning",
        )
        return redirect("recipient-list-detail", pk)
    rows = [_from_kept(one) for one in kept["people"]]
    count = lists.restore_recipients(recipient_list=recipient_list, rows=rows, actor=actor_of(request))
    toast(request, ngettext("Put %(n)d person back.", "Put %(n)d people back.", count) % {"n": count})
    return redirect("recipient-list-detail", pk)


@require_GET
@viewer_page
def list_export(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return people_csv(get_row(request, lists_of(request), pk=pk))  # type: ignore[return-value]  # streamed


def _for_both(response: HttpResponse) -> HttpResponse:
    """The same address answers with a page or with its rows."""
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "HX-Request")))
    return response


def _kept(person: Recipient) -> dict[str, Any]:
    kept = {name: getattr(person, name) for name in ("id", "msisdn", "country", "extra", *PERSON_FIELDS)}
    return kept | {"created_at": person.created_at.isoformat()}


def _from_kept(kept: dict[str, Any]) -> Recipient:
    created_at = parse_datetime(kept["created_at"]) or timezone.now()
    return Recipient(**(kept | {"created_at": created_at}))
