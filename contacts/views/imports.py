"""The import, step by step: file, columns, check, run, report. Each step has its own address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, get_row, marketer_page, viewer_page
from accounts.choices import country_label
from contacts.errors import ContactsError, FileRefused
from contacts.exports import refused_rows_csv
from contacts.fields import AT, MAX_EXTRA_COLUMNS
from contacts.files.columns import HALF, MSISDN, NUMBERS, WHOLE_NAME, left_for_want_of_room
from contacts.files.encodings import ENCODINGS, Letters, encoding_named
from contacts.files.formats import DELIMITER_WORDS, WORKBOOKS
from contacts.files.parsing import WORLD
from contacts.forms import ColumnsForm, EncodingForm, FormatForm, SheetForm, UploadForm
from contacts.import_words import goes_to, run_button, stopped_at, target_of, words_of
from contacts.models import (
    EncodingCertainty,
    Import,
    ImportPurpose,
    ImportState,
    NumberForm,
    RecipientList,
    UnsubscribeList,
)
from contacts.preview import preview_of
from contacts.problems import describe
from contacts.services import imports
from contacts.services.check_rows import check_rows_of, numbers_by_country
from contacts.services.import_undo import undoable_among, why_not_undoable
from contacts.services.lists import require_own_people
from contacts.services.number_forms import forms_of, names_by_form
from contacts.services.remembered import is_recalled, is_recalled_in_part
from contacts.services.turns import what_it_waits_for
from contacts.uploads import require_whole_body, watch_body
from contacts.views.common import (
    STOP_POLLING,
    add_refusal,
    form_page,
    imports_of,
    lists_of,
    may_change,
    refuse,
    unsubscribe_lists_of,
)
from web.paging import key_page
from web.posted import guard, number_in, whole_number
from web.toasts import toast
from web.uploads import takes_upload

FILE, COLUMNS, CHECK, RUN = 1, 2, 3, 4


@require_GET
@viewer_page
def import_list(request: WorkspaceRequest) -> HttpResponse:
    page = key_page(request, imports_of(request))
    undoable = undoable_among(page.rows) if may_change(request) else set()
    lines = [
        (imported, _step_url(imported), target_of(imported), imported.pk in undoable)
        for imported in page.rows
    ]
    context = {"page": page, "lines": lines, "may_change": may_change(request)}
    return render(request, "contacts/imports.html", context)


# --- 1, the file ---


@takes_upload(lambda: settings.IMPORT_MAX_BYTES)
@csrf_exempt  # the check reads the body: first its length is looked at, then `_new` is checked
@form_page
@marketer_page
def import_new(request: WorkspaceRequest) -> HttpResponse:
    """`?list=<id>`: the list that the people go to, unless another one is chosen later. `?purpose=opt_outs`: a file of
    opt-outs; `?unsubscribe_list=<id>`: one for that list.
    """
    try:
        if request.method == "POST":
            watch_body(request)
        response: HttpResponse = _new(request)
    except FileRefused as error:
        return _not_read(request, error)
    return response


def _not_read(request: WorkspaceRequest, error: FileRefused) -> HttpResponse:
    """Answered without having read all of the body, so the connection cannot be used again."""
    aim = _aim(request)
    form = UploadForm({}, {}, purpose=aim.purpose)
    form.errors["file"] = form.error_class([str(error.sentence)])
    response = _new_page(request, form, aim, status=422)
    response.headers["Connection"] = "close"
    return response


@csrf_protect
def _new(request: Any) -> HttpResponse:
    aim = _aim(request)
    if request.method != "POST":
        if aim.recipient_list is not None and (refused := _refused_target(request, aim.recipient_list)):
            return refused
        return _new_page(request, UploadForm(purpose=aim.purpose), aim)
    guard(request)
    form = UploadForm(request.POST, request.FILES, purpose=aim.purpose)
    require_whole_body(request)
    if form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            imported = imports.upload_import(
                workspace=request.workspace,
                actor=actor_of(request),
                upload=upload,
                name=upload.name,
                recipient_list=aim.recipient_list,
                purpose=aim.purpose,
                unsubscribe_list=aim.unsubscribe_list,
            )
        except ContactsError as error:
            add_refusal(form, error)
        else:
            return redirect("import-columns", imported.pk)
    return _new_page(request, form, aim, status=422)


@dataclass(frozen=True, slots=True)
class _Aim:
    """Where the file will go, as the address of the first step says."""

    purpose: str = ImportPurpose.RECIPIENTS
    recipient_list: RecipientList | None = None
    unsubscribe_list: UnsubscribeList | None = None

    @property
    def sentence(self) -> str:
        if self.purpose != ImportPurpose.RECIPIENTS:
            return goes_to(self.purpose, self.unsubscribe_list.name if self.unsubscribe_list else "")
        if self.recipient_list is None:
            return ""
        return _("The people go to the list %(name)s.") % {"name": self.recipient_list.name}


def _aim(request: Any) -> _Aim:
    """404 for a purpose or an unsubscribe list that is not there: its numbers must not become a list of people."""
    raw = request.GET.get("unsubscribe_list")
    if raw is not None:
        found = get_row(request, unsubscribe_lists_of(request), pk=whole_number(raw) or 0)
        return _Aim(ImportPurpose.UNSUBSCRIBE_LIST, unsubscribe_list=found)
    purpose = request.GET.get("purpose", ImportPurpose.RECIPIENTS)
    if purpose == ImportPurpose.OPT_OUTS:
        return _Aim(ImportPurpose.OPT_OUTS)
    if purpose != ImportPurpose.RECIPIENTS:
        raise Http404
    pk = number_in(request.GET, "list")
    return _Aim(recipient_list=lists_of(request).filter(pk=pk).first() if pk else None)


def _refused_target(request: Any, recipient_list: RecipientList) -> HttpResponse | None:
    """Before anybody uploads a file for it."""
    try:
        require_own_people(recipient_list)
    except ContactsError as error:
        return refuse(request, error, reverse("recipient-list-detail", args=[recipient_list.pk]))
    return None


def _new_page(request: WorkspaceRequest, form: UploadForm, aim: _Aim, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "aim": aim,
        "words": words_of(aim.purpose),
        "steps": _steps(None, aim.purpose),
        "current": FILE,
    }
    return render(request, "contacts/import_new.html", context, status=status)


@require_GET
@marketer_page
def import_sample(request: WorkspaceRequest) -> HttpResponse:
    """A small CSV to start from, with example numbers. `?purpose=opt_outs`: of opt-outs."""
    of_people = (
        "number,first_name,last_name,email,city\r\n"
        "+1 201-555-0123,Maya,Okafor,maya@example.com,Oakland\r\n"
        "+44 7400 123456,Zoë,Lindqvist,zoe@example.com,Leeds\r\n"
    )
    of_opt_outs = (
        "number,opted_out_at,source\r\n"
        "+1 201-555-0123,2026-05-03 09:30,Please stop\r\n"
        "+44 7400 123456,2026-05-04,letter of 4 May\r\n"
    )
    lines = of_people if request.GET.get("purpose", "recipients") == "recipients" else of_opt_outs
    response = HttpResponse("\ufeff" + lines, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="example.csv"'
    return response


# --- 2, the columns ---


@form_page
@marketer_page
def import_columns(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST keeps the mapping and starts the check. `?column=<n>` through htmx: that row's badge alone."""
    imported = get_row(request, imports_of(request), pk=pk)
    if not imports.is_changeable(imported):
        return HttpResponseRedirect(_step_url(imported))
    if request.method == "POST":
        return _choose(request, imported)
    if request.htmx and "column" in request.GET:
        return _column_check(request, imported)
    return _columns_page(request, imported, ColumnsForm(imported), FormatForm(imported))


def _choose(request: WorkspaceRequest, imported: Import) -> HttpResponse:
    form = ColumnsForm(imported, request.POST)
    if form.is_valid():
        try:
            imports.choose(imported=imported, choices=form.choices)
            imports.start_check(imported=imported)
        except ContactsError as error:
            add_refusal(form, error)
        else:
            return redirect("import-check", imported.pk)
    return _columns_page(request, imported, form, FormatForm(imported), status=422)


def _columns_page(
    request: WorkspaceRequest, imported: Import, form: ColumnsForm, format_form: FormatForm, status: int = 200
) -> HttpResponse:
    rows = []
    for at, column in enumerate(imported.columns):
        field = form[f"column-{at}"]
        field.field.widget.attrs |= {
            "aria-label": field.label,
            "hx-get": f"{reverse('import-columns', args=[imported.pk])}?column={at}",
            "hx-trigger": "change",
            "hx-target": f"#column-check-{at}",
            "hx-swap": "innerHTML",
        }
        rows.append((at, column, field, column_badge(column, str(field.value() or ""))))
    context = {
        "imported": imported,
        "words": words_of(imported.purpose),
        "form": form,
        "format_form": format_form,
        "sheet_form": SheetForm(imported) if len(imported.sheets) > 1 else None,
        "rows": rows,
        "about": _about(imported),
        "recalled": _recalled(imported),
        "no_number": MSISDN not in imported.mapping,
        "no_room": _no_room(imported),
        "new_url": _new_url(imported),
        **_country_context(imported),
        "steps": _steps(imported),
        "current": COLUMNS,
        **_encoding_context(imported),
    }
    return render(request, "contacts/import_columns.html", context, status=status)


def _new_url(imported: Import) -> str:
    """To begin anew with another file."""
    query = {
        ImportPurpose.RECIPIENTS: f"?list={imported.list_id}" if imported.list_id else "",
        ImportPurpose.OPT_OUTS: f"?purpose={imported.purpose}",
        ImportPurpose.UNSUBSCRIBE_LIST: f"?unsubscribe_list={imported.unsubscribe_list_id}",
    }
    if imported.purpose == ImportPurpose.UNSUBSCRIBE_LIST and imported.unsubscribe_list is None:
        return reverse("opt-out-list")
    return reverse("import-new") + query[ImportPurpose(imported.purpose)]


def _recalled(imported: Import) -> str:
    if not is_recalled(imported):
        return ""
    if is_recalled_in_part(imported):
        return _(
            "Columns of the last file that had most of these names go where they went then; others are guessed."
        )
    return _("The columns go where they went the last time for a file with these names.")


def _no_room(imported: Import) -> str:
    left = left_for_want_of_room(imported.columns, imported.mapping)
    return (
        ngettext(
            "A list takes %(limit)d columns of your own: %(n)d column is left out. Leave another one out to make room.",
            "A list takes %(limit)d columns of your own: %(n)d columns are left out. Leave others out to make room.",
            left,
        )
        % {"limit": MAX_EXTRA_COLUMNS, "n": left}
        if left
        else ""
    )


def _country_context(imported: Import) -> dict[str, str]:
    country = imports.suggested_country(imported)
    return {"suggested_country": country, "suggested_label": country_label(country)} if country else {}


def _about(imported: Import) -> str:
    """How the file was read, and how many of its columns were recognised."""
    if imported.file_kind in WORKBOOKS:
        read_as = _("Sheet %(sheet)s.") % {"sheet": imported.sheet}
    else:
        read_as = _("Parted by %(delimiter)s, %(encoding)s.") % {
            "delimiter": DELIMITER_WORDS.get(imported.delimiter, imported.delimiter),
            "encoding": ENCODINGS.get(imported.encoding, imported.encoding.upper()),
        }
    if (imported.header_row or 0) > 1:
        names = _("Names in row %(row)s, the rows above it are left out.")
        read_as = f"{read_as} {names % {'row': intcomma(imported.header_row)}}"
    rows, width = imported.total_rows, len(imported.columns)
    matched = sum(1 for column in imported.columns if column["guess"])
    counted = ngettext("%(n)s row.", "%(n)s rows.", rows) % {"n": intcomma(rows)} if rows is not None else ""
    told = ngettext(
        "%(matched)d of %(n)d column recognised by name and content.",
        "%(matched)d of %(n)d columns recognised by name and content.",
        width,
    ) % {"matched": matched, "n": width}
    return " ".join(filter(None, (counted, read_as, told)))


def _column_check(request: WorkspaceRequest, imported: Import) -> HttpResponse:
    at = number_in(request.GET, "column")
    if at is None or at >= len(imported.columns):
        raise Http404
    tone, words = column_badge(imported.columns[at], request.GET.get(f"column-{at}", ""))
    return render(request, "contacts/_column_check.html", {"tone": tone, "words": words})


def column_badge(column: dict[str, Any], target: str) -> tuple[str, str]:
    """(tone, words) about a column that goes to `target`, from the rows looked at."""
    if not target:
        return "mute", _("Left out")
    if target in NUMBERS:
        dates = column.get("dates", 0)
        return ("warn", _("Looks like dates")) if dates >= HALF else _number_badge(column)
    if target == AT and column["filled"]:
        return _date_badge(column)
    filled = round(100 * column["filled"])
    if not filled:
        return "warn", _("Empty")
    is_whole = column.get("whole_names", 0) >= HALF
    if target == "first_name" and is_whole:
        return "info", _("Whole names: first and last stay together")
    if target == WHOLE_NAME and not is_whole:
        return "info", _("Mostly single words: they become first names")
    return "ok", _("All filled") if filled == 100 else _("%(percent)d%% filled") % {"percent": filled}


def _date_badge(column: dict[str, Any]) -> tuple[str, str]:
    dates = round(100 * column.get("dates", 0))
    if dates == 100:
        return "ok", _("All are dates")
    return "warn" if dates >= 50 else "bad", _("%(percent)d%% are dates") % {"percent": dates}


def _number_badge(column: dict[str, Any]) -> tuple[str, str]:
    readable = round(100 * column["numbers"])
    if readable < 50:
        return "bad", _("%(percent)d%% are numbers") % {"percent": readable}
    if readable < 100:
        return "warn", _("%(percent)d%% are numbers") % {"percent": readable}
    if len(column["countries"]) > 1:
        return "info", _("%(count)d countries found") % {"count": len(column["countries"])}
    return "ok", _("All are numbers")


@require_POST
@marketer_page
def import_country(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Takes the country that was suggested; what else was chosen on the page is kept, where all of it fits."""
    imported = get_row(request, imports_of(request), pk=pk)
    if not imports.is_changeable(imported):
        return HttpResponseRedirect(_step_url(imported))
    country = request.POST.get("country", "") or "?"
    form = ColumnsForm(imported, request.POST)
    try:
        if form.is_valid():
            with suppress(ContactsError):
                imports.choose(imported=imported, choices=form.choices)
        imports.use_country(imported=imported, country=country)
    except ContactsError as error:
        return refuse(request, error, reverse("import-columns", args=[pk]))
    toast(
        request,
        _("Numbers without a country code are read as of %(country)s.") % {"country": country_label(country)},
    )
    return redirect("import-columns", pk)


@require_POST
@marketer_page
def import_reread(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Reads the file in another way; the columns are guessed anew."""
    imported = get_row(request, imports_of(request), pk=pk)
    if not imports.is_changeable(imported):
        return HttpResponseRedirect(_step_url(imported))
    form = FormatForm(imported, request.POST)
    if form.is_valid():
        try:
            imports.reread_import(imported=imported, **form.changes)
        except ContactsError as error:
            add_refusal(form, error)
            imported.refresh_from_db()
        else:
            return redirect("import-columns", pk)
    return _columns_page(request, imported, ColumnsForm(imported), form, status=422)


@require_POST
@marketer_page
def import_sheet(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Reads another sheet of the workbook; the columns are guessed anew."""
    imported = get_row(request, imports_of(request), pk=pk)
    if not imports.is_changeable(imported):
        return HttpResponseRedirect(_step_url(imported))
    back = reverse("import-columns", args=[pk])
    try:
        imports.reread_import(imported=imported, sheet=request.POST.get("sheet", "") or "?")
    except ContactsError as error:
        return refuse(request, error, back)
    toast(request, _("The sheet %(sheet)s was read. Look at its columns.") % {"sheet": imported.sheet})
    return HttpResponseRedirect(back)


@require_POST
@marketer_page
def import_forget(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Forgets the mapping that was remembered for these column names; the columns are guessed again."""
    imported = get_row(request, imports_of(request), pk=pk)
    try:
        imports.forget_mapping(imported=imported)
    except ContactsError as error:
        return refuse(request, error, _step_url(imported))
    toast(request, _("Forgotten. The columns are guessed again."))
    return HttpResponseRedirect(_step_url(imported))


@form_page
@marketer_page
def import_encoding(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A POST reads the file in another encoding. `?encoding=` through htmx: how its letters would read then."""
    imported = get_row(request, imports_of(request), pk=pk)
    if not imports.is_changeable(imported):
        return HttpResponseRedirect(_step_url(imported))
    if request.method != "POST":
        return _letters_read_as(request, imported)
    back = reverse("import-columns", args=[pk])
    try:
        imports.reread_import(imported=imported, encoding=request.POST.get("encoding", "") or "?")
    except ContactsError as error:
        return refuse(request, error, back)
    words = _("Read as %(encoding)s. Look at the columns once more.")
    toast(request, words % {"encoding": ENCODINGS.get(imported.encoding, imported.encoding)})
    return HttpResponseRedirect(back)


def _letters_read_as(request: WorkspaceRequest, imported: Import) -> HttpResponse:
    encoding, letters = encoding_named(request.GET.get("encoding", "")), _letters(imported)
    if not request.htmx or not encoding or letters is None:
        raise Http404
    return render(request, "contacts/_letters.html", {"reading": letters.read_as(encoding)})


def _letters(imported: Import) -> Letters | None:
    """None where the file is gone."""
    try:
        return Letters(Path(imported.file.path))
    except FileNotFoundError:
        return None


def _encoding_context(imported: Import) -> dict[str, Any]:
    """What `_encoding.html` shows: nothing where the file itself says its encoding, or nobody can see it."""
    if imported.encoding_certainty == EncodingCertainty.CERTAIN or not imported.letters:
        return {}
    letters = _letters(imported)
    form = EncodingForm(imported, readings=letters.readings() if letters else {}, auto_id="reading_%s")
    form.fields["encoding"].widget.attrs |= {
        "hx-get": reverse("import-encoding", args=[imported.pk]),
        "hx-trigger": "change",
        "hx-target": "#letters",
        "hx-swap": "innerHTML",
    }
    return {
        "encoding_form": form,
        "encoding_name": ENCODINGS.get(imported.encoding, imported.encoding.upper()),
        "encoding_guessed": imported.encoding_certainty == EncodingCertainty.GUESSED,
    }


# --- 3, the check ---


@form_page
@marketer_page
def import_check(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What a run would do. A POST starts it."""
    imported = get_row(request, imports_of(request), pk=pk)
    if request.method == "POST":
        return _start(request, imported)
    if imported.state not in {ImportState.CHECKING, ImportState.CHECKED} or not imported.is_file_kept:
        return HttpResponseRedirect(_step_url(imported))
    if request.htmx and imported.state == ImportState.CHECKING:
        return _progress(request, imported)
    if request.htmx:
        return _to_page("import-check", imported)
    context = _report(imported) | {
        "steps": _steps(imported),
        "current": CHECK,
        "goes_to": goes_to(imported.purpose, imports.target_name(imported), is_new=imported.list is None),
    }
    if imported.state == ImportState.CHECKED:
        context["preview"] = preview_of(imported)
        counts = imported.check_counts
        context["to_write"] = counts["new"] + counts["updated"]
        context["to_remove"] = counts.get("removed", 0)
        context["run_button"] = run_button(imported, context["to_write"])
        context["read_as"] = _form_sentence(imported)
        context |= _encoding_context(imported)
    return render(request, "contacts/import_check.html", context)


def _form_sentence(imported: Import) -> str:
    """How numbers without plus are read, unless all are national."""
    names = names_by_form(imported, forms_of(imported))
    if len(names) > 1:
        return (
            _(
                "Numbers without + are read as international ones, calling code first, in %(international)s, and as "
                "national ones in %(national)s."
            )
            % names
        )
    if NumberForm.INTERNATIONAL in names:
        return _("Numbers without + are read as international ones, calling code first.")
    return ""


def _start(request: WorkspaceRequest, imported: Import) -> HttpResponse:
    """Who pressed it in another tab before is not told off: what was asked for has happened."""
    try:
        imports.start_run(imported=imported, actor=actor_of(request))
    except ContactsError as error:
        imported.refresh_from_db()
        if imported.state not in {ImportState.RUNNING, ImportState.FINISHED}:
            return refuse(request, error, _step_url(imported))
        toast(
            request,
            _("The import had been started already, perhaps in another tab. Nobody is imported twice."),
            level="info",
        )
        return HttpResponseRedirect(_step_url(imported))
    return redirect("import-run", imported.pk)


# --- 4, the run, and the report ---


@require_GET
@viewer_page
def import_run(request: WorkspaceRequest, pk: int) -> HttpResponse:
    imported = get_row(request, imports_of(request), pk=pk)
    if request.htmx and imported.state == ImportState.RUNNING:
        return _progress(request, imported)
    if request.htmx:
        return _to_page("import-detail", imported)
    if imported.state != ImportState.RUNNING:
        return HttpResponseRedirect(_step_url(imported))
    words = words_of(imported.purpose)
    context = _report(imported) | {
        "steps": _steps(imported),
        "running": words.running % {"name": imports.target_name(imported)},
        "current": RUN,
        "may_change": may_change(request),
    }
    return render(request, "contacts/import_run.html", context)


@require_GET
@viewer_page
def import_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The report. While the import is being undone, htmx asks for its progress."""
    imported = get_row(request, imports_of(request), pk=pk)
    if request.htmx and imported.state == ImportState.UNDOING:
        return _progress(request, imported)
    if request.htmx:
        return _to_page("import-detail", imported)
    context = _report(imported) | {
        "may_change": may_change(request),
        "next_url": _step_url(imported),
        "stopped_at": stopped_at(imported, imports.progress_of(imported).total),
        "can_go_on": imports.can_go_on(imported),
        "file_gone": "" if imported.is_file_kept else imports.file_gone_words(imported),
        "why_not_undoable": why_not_undoable(imported),
        "stayed": _stayed(imported),
        "can_change": imported.state in imports.AGAIN and imports.is_changeable(imported),
    }
    return render(request, "contacts/import_detail.html", context)


def _stayed(imported: Import) -> dict[str, Any]:
    """Of an import that was undone: who stays, and where; and what became of a list that it had made."""
    kept = imported.undo_kept
    counts: dict[str, int] = kept.get("lists", {})
    lists = imported.workspace.recipient_lists.in_bulk([int(pk) for pk in counts])
    fate = {"deleted": _LIST_DELETED, "disabled": _LIST_DISABLED}.get(kept.get("list", ""))
    return {
        "edited": kept.get("edited", []),
        "lists": [(lists[int(pk)], count) for pk, count in counts.items() if int(pk) in lists],
        "list": fate % {"name": imported.new_list_name} if fate else "",
    }


_LIST_DELETED = gettext_lazy(
    "The list %(name)s, which this import had made, was empty and nothing had used it: it is deleted."
)
_LIST_DISABLED = gettext_lazy(
    "The list %(name)s, which this import had made, is empty. Something refers to it, so it is kept and disabled."
)


@require_POST
@marketer_page
def import_resume(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Goes on with one that failed or was cancelled."""
    imported = get_row(request, imports_of(request), pk=pk)
    try:
        imports.start_run(imported=imported, actor=actor_of(request))
    except ContactsError as error:
        return refuse(request, error, reverse("import-detail", args=[pk]))
    return redirect("import-run", pk)


@form_page
@marketer_page
def import_undo(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Says what will happen; a POST does it."""
    imported = get_row(request, imports_of(request), pk=pk)
    back = reverse("import-detail", args=[pk])
    if request.method == "POST":
        try:
            imports.undo_import(imported=imported, actor=actor_of(request))
        except ContactsError as error:
            return refuse(request, error, back)
        return HttpResponseRedirect(back)
    context = {"imported": imported, "why_not_undoable": why_not_undoable(imported)}
    return render(request, "contacts/import_undo.html", context)


@require_POST
@marketer_page
def import_cancel(request: WorkspaceRequest, pk: int) -> HttpResponse:
    imported = get_row(request, imports_of(request), pk=pk)
    try:
        imports.cancel_import(imported=imported, actor=actor_of(request))
    except ContactsError as error:
        return refuse(request, error, reverse("import-detail", args=[pk]))
    toast(request, words_of(imported.purpose).cancelled)
    return HttpResponseRedirect(_step_url(imported))


@require_GET
@viewer_page
def import_rejects(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The refused rows with row number and reason, to mend and import again."""
    imported = get_row(request, imports_of(request), pk=pk)
    response = refused_rows_csv(imported)
    if response is None and not imported.is_file_kept:
        gone = ContactsError(imports.file_gone_words(imported))
        return refuse(request, gone, reverse("import-detail", args=[pk]))
    if response is None:
        raise Http404
    return response  # type: ignore[return-value]  # streamed


# --- shared by the steps ---


def _step_url(imported: Import) -> str:
    """Where an import goes on, by its state; what has lost its file goes nowhere."""
    if not imported.is_file_kept:
        return reverse("import-detail", args=[imported.pk])
    names = {
        ImportState.UPLOADED: "import-columns",
        ImportState.CHECKING: "import-check",
        ImportState.CHECKED: "import-check",
        ImportState.RUNNING: "import-run",
    }
    return reverse(names.get(ImportState(imported.state), "import-detail"), args=[imported.pk])


def _steps(imported: Import | None, purpose: str = ImportPurpose.RECIPIENTS) -> list[tuple[str, str]]:
    """(word, address); a step that can be gone back to has one of its own."""
    columns = ""
    if imported is not None and imports.is_changeable(imported):
        columns = reverse("import-columns", args=[imported.pk])
    last = str(words_of(imported.purpose if imported else purpose).last_step)
    return [(_("File"), ""), (_("Columns"), columns), (_("Check"), ""), (last, "")]


def _report(imported: Import) -> dict[str, Any]:
    """Counts and reasons of the run, or of the check while there was none."""
    ran = bool(imported.counts)
    told = describe(imported.problems if ran else imported.check_problems)
    return {
        "imported": imported,
        "words": words_of(imported.purpose),
        "is_of_people": imported.purpose == ImportPurpose.RECIPIENTS,
        "target": target_of(imported),
        "ran": ran,
        "counts": imported.counts if ran else imported.check_counts,
        "first": check_rows_of(imported),
        "countries": _other_countries(imported),
        "countries_hint": _("Other countries than %(home)s. Do these rows belong to the file?")
        % {"home": country_label(imported.default_country)}
        if imported.default_country
        else "",
        "refused": [one for one in told if one.effect == "refused"],
        "cut": [one for one in told if one.effect == "cut"],
        "noticed": [one for one in told if one.effect == "noticed"],
        "left_out": [one for one in told if one.effect == "skipped"],
        "progress": imports.progress_of(imported),
        "waits": what_it_waits_for(imported) if imported.state in imports.BUSY else "",
    }


def _other_countries(imported: Import) -> list[tuple[str, int, list[int]]]:
    """(name, count, first rows) of each that is not the default one, the most first; [] where all are of one."""
    counts, rows = numbers_by_country(imported), check_rows_of(imported).countries
    others = {name: count for name, count in counts.items() if name != imported.default_country}
    if len(counts) < 2 and not (imported.default_country and others):
        return []
    ordered = sorted(others, key=lambda name: (-others[name], name))
    return [(_country_name(name), others[name], rows.get(name, [])) for name in ordered]


def _country_name(country: str) -> str:
    return _("of no country") if country == WORLD else country_label(country)


def _progress(request: WorkspaceRequest, imported: Import) -> HttpResponse:
    return render(request, "contacts/_progress.html", _report(imported))


def _to_page(name: str, imported: Import) -> HttpResponse:
    """The last answer of a poll: it ends there and shows the page of what came out."""
    response = HttpResponse(status=STOP_POLLING)
    response.headers["HX-Redirect"] = reverse(name, args=[imported.pk])
    return response
