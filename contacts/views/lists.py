"""Lists and the people on them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect, QueryDict
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
from contacts.filter_forms import FilterForm, ids_query, query_of, read_filter
from contacts.forms import NewListForm, PasteForm, PersonForm, RenameForm, ticked_kinds
from contacts.models import ExistingNumbers, Recipient, RecipientList, SavedFilter
from contacts.numbers import Refused, read_number, split_pasted
from contacts.people import (
    Found,
    Sought,
    count_further,
    look,
    look_back,
    look_on,
    look_through_all,
    rule_of_list,
)
from contacts.rules import in_words, rule_of
from contacts.services import list_jobs, lists
from contacts.services.forgetting import REMOVED_PEOPLE
from contacts.views.common import (
    add_refusal,
    address_of,
    address_of_counted,
    count_in,
    counted_in,
    form_page,
    ids_of,
    lists_of,
    may_change,
    number_in,
    refuse,
)
from web.paging import key_page
from web.posted import guarded
from web.toasts import toast

# What one fills in quickly; the rest stands on the person's own page.
QUICK_FIELDS = ("first_name", "last_name")
# Further columns that the table shows; all of them stand on the person's own page and in the export.
SHOWN_COLUMNS = 3
PAGE_SIZE = 50
REFUSED_SHOWN = 20
KEPT_TIMES = ("created_at", "updated_at")


@require_GET
@viewer_page
def list_list(request: WorkspaceRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()
    rows = lists_of(request)
    found = rows.filter(name__icontains=words) if words else rows
    context = {
        "page": key_page(request, found),
        "any": bool(words) or rows.exists(),
        "q": words,
        "may_change": may_change(request),
    }
    return _for_both(
        render(request, "contacts/_lists.html" if request.htmx else "contacts/lists.html", context)
    )


@form_page
@marketer_page
def list_new(request: WorkspaceRequest) -> HttpResponse:
    """An empty list at once. Numbers are checked first; `agreed` says which ones, as the check showed them."""
    form = NewListForm(request.POST or None, initial={"default_country": request.workspace.default_country})
    checked = None
    if form.is_valid():
        try:
            checked = _checked_numbers(request, form)
            if checked is None or checked.digest == request.POST.get("agreed"):
                return _made_list(request, form.cleaned_data["name"], checked)
        except ContactsError as error:
            add_refusal(form, error)
    context = {
        "form": form,
        "checked": checked,
        "refused": _reasons(checked.numbers.refused if checked else []),
    }
    return render(request, "contacts/list_new.html", context, status=422 if form.errors else 200)


def _checked_numbers(request: WorkspaceRequest, form: NewListForm) -> lists.NumbersChecked | None:
    """None where there are none."""
    data = form.cleaned_data
    raws = split_pasted(data["numbers"])
    if not raws:
        return None
    return lists.check_numbers(
        workspace=request.workspace, name=data["name"], raws=raws, country=data["default_country"]
    )


def _made_list(
    request: WorkspaceRequest, name: str, checked: lists.NumbersChecked | None
) -> HttpResponseRedirect:
    msisdns = checked.numbers.msisdns if checked else []
    made = lists.create_list_of_numbers(
        workspace=request.workspace, actor=actor_of(request), name=name, msisdns=msisdns
    )
    if msisdns:
        words = ngettext(
            "%(name)s is ready, with %(n)s person.", "%(name)s is ready, with %(n)s people.", len(msisdns)
        )
        toast(request, words % {"name": made.name, "n": f"{len(msisdns):,}"})
    else:
        toast(request, _("%(name)s is ready. Add people, or import a file.") % {"name": made.name})
    return redirect("recipient-list-detail", made.pk)


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
    try:
        lists.require_own_people(recipient_list)
    except ContactsError as error:
        return refuse(request, error, reverse("recipient-list-detail", args=[recipient_list.pk]))
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
    asked = read_filter(recipient_list, request.GET)
    if asked.error and status == 200:
        status = 422
    context = {
        "list": recipient_list,
        "asked": asked,
        "shown_columns": recipient_list.columns[:SHOWN_COLUMNS],
        "form": form,
        "may_change": may_change(request),
        "rule_words": in_words(rule_of_list(recipient_list)),
        "ticked_kinds": ticked_kinds(recipient_list),
        "all_href": f"{reverse('list-job-new', args=[recipient_list.pk])}?{asked.filter_query}",
        "filters": [] if request.htmx else _filters_of(recipient_list),
        **({} if asked.error else _page_of(request, asked)),
    }
    return _for_both(_rendered(request, context, status))


def _rendered(request: WorkspaceRequest, context: dict[str, Any], status: int) -> HttpResponse:
    """The page; for htmx the people on it, or further rows of them, or word in their place that nobody matches."""
    if not request.htmx or request.method != "GET":
        return render(request, "contacts/list.html", context, status=status)
    if "room" not in request.GET:
        return render(request, "contacts/_people.html", context, status=status)
    if context.get("count") == 0:
        response = render(request, "contacts/_people.html", context, status=status)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#people", "outerHTML"
        return response
    return render(request, "contacts/_people_rows.html", context, status=status)


def _filters_of(recipient_list: RecipientList) -> list[tuple[SavedFilter, str]]:
    """Each with the query of its address."""
    saved = recipient_list.saved_filters.order_by("name")
    return [(one, query_of("", rule_of(one.rule))) for one in saved]


def _page_of(request: WorkspaceRequest, asked: FilterForm) -> dict[str, Any]:
    """The people of one page, or as many of them as one window holds; `go_on`: where to look for the others."""
    room = min(count_in(request.GET, "room") or PAGE_SIZE, PAGE_SIZE)
    before, after = number_in(request.GET, "before"), number_in(request.GET, "after")
    by_index, first_look = not asked.sought.question, "room" not in request.GET
    if before and by_index:
        rows = look_back(asked.sought, before=before, room=room + 1)
        earlier, rows = len(rows) > room, rows[-room:]
        found = Found(rows, 0, rows[-1].msisdn if rows else "")
    else:
        found, earlier = _looked_for(request, asked.sought, after, room), bool(after)
    left, looked = room - len(found.rows), count_in(request.GET, "looked") + found.looked
    # What tells that these are all: the page began with the list, and has come to its end.
    first = request.GET.get("first") == "1" if not first_look else not (after or before)
    count = PAGE_SIZE - left if first and not found.edge else found.count
    whole = {"whole": 1} if first_look and "whole" not in request.GET else {}
    further = {
        "after": found.edge,
        "looked": looked,
        "room": left,
        **({"first": 1} if first else {}),
        **whole,
    }
    is_unfinished = bool(found.edge and left)
    return {
        "people": _shown_people(found.rows, asked.sought.recipient_list),
        "by_index": by_index,
        "count": count,
        "counting": address_of(asked, whole=1) if count is None and not is_unfinished else "",
        "at_least": PAGE_SIZE - left,
        "looked": 0 if whole else looked,
        "previous": address_of(asked, before=found.rows[0].msisdn)
        if by_index and earlier and found.rows
        else "",
        "next": address_of(asked, after=found.edge) if found.edge and not left else "",
        "go_on": address_of(asked, **further) if is_unfinished else "",
        "go_on_by_hand": address_of(asked, after=found.edge, **whole),
        "from_start": address_of(asked) if after and first_look else "",
        "first_look": first_look,
    }


def _looked_for(request: WorkspaceRequest, sought: Sought, after: str, room: int) -> Found:
    """`whole` in the address: out of the whole list. Without it, but looking on: it is too long for that."""
    found = look_through_all(sought, after=after, room=room) if request.GET.get("whole") == "1" else None
    if found is not None:
        return found
    return (look if "room" not in request.GET else look_on)(sought, after=after, room=room)


def _shown_people(
    rows: list[Recipient], recipient_list: RecipientList
) -> list[tuple[Recipient, list[tuple[str, str]]]]:
    """Each with some of its further columns, by name."""
    shown = recipient_list.columns[:SHOWN_COLUMNS]
    return [(person, [(name, person.extra.get(name, "")) for name in shown]) for person in rows]


@require_GET
@viewer_page
def people_count(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """How many match, at once or, where that takes too long, some windows more each time it is asked."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    asked = read_filter(recipient_list, request.GET)
    counted = counted_in(request.GET)
    if not asked.error:
        counted = count_further(asked.sought, counted, whole=request.GET.get("whole") == "1")
    context = {
        "list": recipient_list,
        "error": asked.error,
        "count": None if counted.edge else counted.found,
        "at_least": counted.found,
        "looked": counted.looked,
        "counting": address_of_counted(asked, counted),
    }
    return render(request, "contacts/_people_count.html", context, status=422 if asked.error else 200)


@form_page
@marketer_page
def list_paste(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Numbers alone, from wherever one copied them. What cannot be read stays in the field, with reasons."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    form = PasteForm(request.POST or None)
    refused: list[Refused] = []
    if form.is_valid():
        try:
            refused = _paste(request, recipient_list, split_pasted(form.cleaned_data["numbers"]))
        except ContactsError as error:
            add_refusal(form, error)
        else:
            if not refused:
                return redirect("recipient-list-detail", pk)
            form = PasteForm({"numbers": "\n".join(one.raw for one in refused)})
            form.add_error("numbers", _("These could not be read. Correct them and add them again."))
    context = {"list": recipient_list, "form": form, "refused": refused, "reasons": _reasons(refused)}
    return render(request, "contacts/paste.html", context, status=422 if form.is_bound else 200)


def _reasons(refused: list[Refused]) -> list[tuple[str, str]]:
    """The first ones for the error summary, and how many more there are."""
    shown = [("", str(one.sentence)) for one in refused[:REFUSED_SHOWN]]
    more = len(refused) - len(shown)
    words = ngettext("%(n)d more number.", "%(n)d more numbers.", more)
    return [*shown, ("", words % {"n": more})] if more else shown


def _paste(request: WorkspaceRequest, recipient_list: RecipientList, numbers: list[str]) -> list[Refused]:
    if len(numbers) > lists.PASTED_AT_ONCE:
        raise ContactsError(
            _("These are %(count)s numbers; at most %(limit)s fit here. Import them as a file.")
            % {"count": f"{len(numbers):,}", "limit": f"{lists.PASTED_AT_ONCE:,}"},
            field="numbers",
        )
    added = lists.add_recipients(
        recipient_list=recipient_list,
        people=[lists.Person(msisdn=raw) for raw in numbers],
        actor=actor_of(request),
        existing=ExistingNumbers.SKIP,
    )
    toast(
        request,
        _("%(new)s added; %(there)s were there already; %(twice)s came twice.")
        % {"new": f"{added.new:,}", "there": f"{added.skipped:,}", "twice": f"{added.duplicate:,}"},
    )
    return added.refused


@form_page
@marketer_page
@transaction.atomic
def list_rename(request: WorkspaceRequest, pk: int) -> HttpResponse:
    recipient_list = get_row(request, lists_of(request).select_for_update(of=("self",)), pk=pk)
    now = {"name": recipient_list.name}
    form = RenameForm(request.POST or None, initial=now, now=now)
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
def people_ticked(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`selected`: ids of people; `kind`: what to do with them, which its own page asks the rest of."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    asked, ids, kind = _shown(request, recipient_list), ids_of(request), request.POST.get("kind", "")
    if not ids or kind not in list_jobs.TICKED_KINDS:
        words = _("Tick people first.") if not ids else _("Choose what to do with them.")
        toast(request, words, level="warning")
        return redirect(_list_address(asked))
    address = address_of(asked, kind=kind) + f"&{ids_query(ids)}"
    return redirect(reverse("list-job-new", args=[pk]) + address)


def _shown(request: WorkspaceRequest, recipient_list: RecipientList) -> FilterForm:
    """What the page showed, as its form says in `query`."""
    return read_filter(recipient_list, guarded(QueryDict(request.POST.get("query", ""))))


def _list_address(asked: FilterForm) -> str:
    return reverse("recipient-list-detail", args=[asked.sought.recipient_list.pk]) + address_of(asked).rstrip(
        "?"
    )


@require_POST
@marketer_page
def people_remove(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`selected`: ids of people. It can be undone."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    back, began_at = _list_address(_shown(request, recipient_list)), timezone.now()
    try:
        removed = lists.remove_recipients(
            recipient_list=recipient_list, ids=ids_of(request), actor=actor_of(request)
        )
    except ContactsError as error:
        return refuse(request, error, back)
    if not removed:
        toast(request, _("Nobody was removed: choose people first."), level="warning")
        return redirect(back)
    words = ngettext("Removed %(n)d person.", "Removed %(n)d people.", len(removed)) % {"n": len(removed)}
    request.session[REMOVED_PEOPLE] = {
        "list": pk,
        "people": [_kept(person) for person in removed],
        "at": began_at.isoformat(),
    }
    toast(request, words, undo_url=reverse("recipient-list-restore", args=[pk]))
    return redirect(back)


@require_POST
@marketer_page
def people_restore(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Undoes the last removal of this session."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    kept = request.session.pop(REMOVED_PEOPLE, None)
    if not kept or kept["list"] != pk:
        toast(
            request,
            _("There is nothing to put back any more. Add the people again by hand or from a file."),
            level="warning",
        )
        return redirect("recipient-list-detail", pk)
    rows = [_from_kept(one) for one in kept["people"]]
    count = lists.restore_recipients(
        recipient_list=recipient_list,
        rows=rows,
        actor=actor_of(request),
        removed_at=parse_datetime(kept.get("at", "")),
    )
    toast(request, ngettext("Put %(n)d person back.", "Put %(n)d people back.", count) % {"n": count})
    return redirect("recipient-list-detail", pk)


@require_GET
@viewer_page
def list_export(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Everybody, or who matches the filter in the address, as CSV while it is read. Other files are jobs."""
    recipient_list = get_row(request, lists_of(request), pk=pk)
    asked = read_filter(recipient_list, request.GET)
    if asked.error:
        return _detail(request, recipient_list, PersonForm(recipient_list, only=QUICK_FIELDS))
    form = "csv_semicolon" if request.GET.get("form") == "csv_semicolon" else "csv"
    return people_csv(recipient_list, asked.sought.everybody(), form)  # type: ignore[return-value]  # streamed


def _for_both(response: HttpResponse) -> HttpResponse:
    """The same address answers with a page or with its rows."""
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "HX-Request")))
    return response


def _kept(person: Recipient) -> dict[str, Any]:
    kept = {
        name: getattr(person, name)
        for name in ("id", "msisdn", "country", "kind", "extra", "import_id", *PERSON_FIELDS)
    }
    return kept | {name: getattr(person, name).isoformat() for name in KEPT_TIMES}


def _from_kept(kept: dict[str, Any]) -> Recipient:
    times = {name: parse_datetime(kept.get(name, "")) or timezone.now() for name in KEPT_TIMES}
    return Recipient(**(kept | times))
