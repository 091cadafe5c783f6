"""Forms of lists, imports and opt-outs. Rules live in the services; these only read and explain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms.utils import flatatt
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.choices import country_choices
from accounts.models import Workspace
from contacts.exports import EXPORT_FORMS
from contacts.fields import (
    AT,
    CONSENT_LABELS,
    EXTRA_LIMIT,
    HOW,
    LABELS,
    LIMITS,
    PERSON_FIELDS,
    SOURCE,
    UNDONE_AT,
    column_name,
)
from contacts.files.columns import EXTRA, IGNORED, MSISDN, NUMBERS, WHOLE_NAME
from contacts.files.encodings import ENCODINGS
from contacts.files.formats import DELIMITER_WORDS, QUOTES, WORKBOOKS
from contacts.files.workbooks import MAX_BYTES
from contacts.filter_forms import FilterForm
from contacts.import_words import words_of
from contacts.models import (
    DateOrder,
    ExistingNumbers,
    Import,
    ImportPurpose,
    ListJobKind,
    NumberForm,
    Recipient,
    RecipientList,
)
from contacts.numbers import Numbers, Refused
from contacts.services.imports import Choices
from contacts.services.list_jobs import AGREED_ABOVE, CHANGING, TICKED_KINDS
from contacts.services.number_forms import GUESSED, forms_of, guessed_forms, names_by_form, shown_form
from web.edited import TellsEdited
from web.forms import Form
from web.posted import whole_number

NEW_LIST = "new"
# Of pasted numbers that cannot be read.
MOST_REFUSALS = 100
NUMBER_ATTRIBUTES = {"type": "tel", "autocomplete": "off", "inputmode": "tel"}


class NamingForm(Form):
    """Its errors name the field, the value and the remedy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name_errors()

    def name_errors(self) -> None:
        """To be called again by whoever adds fields."""
        for field in self.fields.values():
            field.error_messages |= _error_words(str(field.label)) | _own_words(field)


def _own_words(field: forms.Field) -> dict[str, Any]:
    """Those that the field was declared with."""
    stock: dict[str, Any] = {}
    for kind in reversed(type(field).__mro__):
        stock |= vars(kind).get("default_error_messages", {})
    return {code: words for code, words in field.error_messages.items() if stock.get(code) != words}


def _error_words(label: str) -> dict[str, str]:
    """By code. What stands in doubled per cent signs is filled in by Django, which knows the value."""
    plain, doubled = {"field": label}, {"field": label.replace("%", "%%")}
    return {
        "required": _("%(field)s is empty. Fill it in.") % plain,
        "invalid_choice": _("“%%(value)s” cannot be chosen for %(field)s. Choose one from its list.")
        % doubled,
        "max_length": _("%(field)s has %%(show_value)d characters; at most %%(limit_value)d fit. Shorten it.")
        % doubled,
    }


class CountField(forms.CharField):
    """A count as people write it: 12168, 12,168 or 12 168. None when it is no number."""

    def to_python(self, value: Any) -> Any:
        digits = re.sub(r"[\s.,'\u2019\u00a0\u202f]", "", str(value or ""))
        return whole_number(digits, 11)


class NameForm(NamingForm):
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class RenameForm(TellsEdited, NameForm):
    pass


class PersonForm(NamingForm):
    """A number with its fields and the list's further columns; `own_fields`: what Recipient holds itself."""

    msisdn = forms.CharField(
        label=gettext_lazy("Number"), max_length=60, widget=forms.TextInput(attrs=NUMBER_ATTRIBUTES)
    )

    def __init__(
        self,
        recipient_list: RecipientList,
        *args: Any,
        recipient: Recipient | None = None,
        only: tuple[str, ...] = PERSON_FIELDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.own_fields = only
        for name in only:
            self.fields[name] = _text_field(capfirst(str(LABELS[name])), LIMITS[name])
        self.columns = recipient_list.columns if only == PERSON_FIELDS else []
        for name in self.columns:
            self.fields[EXTRA + name] = _text_field(name, EXTRA_LIMIT)
        self.name_errors()
        if recipient is not None:
            del self.fields["msisdn"]
            self._show(recipient)

    def _show(self, recipient: Recipient) -> None:
        for name in self.own_fields:
            self.fields[name].initial = getattr(recipient, name)
        for name in self.columns:
            self.fields[EXTRA + name].initial = recipient.extra.get(name, "")

    @property
    def person_fields(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in self.own_fields}

    @property
    def extra(self) -> dict[str, str]:
        return {name: self.cleaned_data[EXTRA + name] for name in self.columns}


def _text_field(label: str, limit: int) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2}) if limit >= EXTRA_LIMIT else forms.TextInput()
    widget.attrs["autocomplete"] = "off"
    return forms.CharField(label=label, max_length=limit, required=False, widget=widget)


class UploadForm(NamingForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        widget=forms.FileInput(
            attrs={
                "accept": ".csv,.txt,.tsv,.xlsx,.xls,.ods,.gz,.zip,text/csv,text/plain",
                "data-import-file": "",
            }
        ),
        error_messages={
            "empty": gettext_lazy("The file is empty. Export the list again and choose the new file."),
            "missing": gettext_lazy("No file arrived. Choose it again."),
            "invalid": gettext_lazy("No file arrived, only its name. Choose it again."),
        },
    )

    def __init__(self, *args: Any, purpose: str = ImportPurpose.RECIPIENTS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].error_messages["required"] = str(words_of(purpose).choose_file)
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        self.fields["file"].help_text = _(
            "CSV, XLSX, XLS or ODS, zip or gzip of one, at most %(limit)s and %(rows)s rows; a workbook at most "
            "%(workbook)s. Delimiter, encoding and columns are recognised."
        ) % {
            "limit": limit,
            "rows": intcomma(settings.IMPORT_MAX_ROWS),
            "workbook": filesizeformat(MAX_BYTES),
        }
        self.fields["file"].widget.attrs["data-limit"] = settings.IMPORT_MAX_BYTES
        self.fields["file"].widget.attrs["data-too-large"] = _(
            "The file has more than %(limit)s. Split it in two, or leave out columns you do not need."
        ) % {"limit": limit}


class QuickSelect(forms.Select):
    """For pages with hundreds of them: Django's own renders a template for each option, and takes seconds."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((key, _SELECTED if key == chosen else "", label) for key, label in self.choices),
        )
        attributes = flatatt(self.build_attrs(self.attrs, {"name": name} | (attrs or {})))
        return format_html("<select{}>{}</select>", attributes, options)


_SELECTED = mark_safe(" selected")


# Fields of ColumnsForm that are not asked for every purpose.
CONSENT_LIMIT = 200  # of Import.consent
OPTIONS_ASKED: dict[str, tuple[str, ...]] = {
    "existing": (ImportPurpose.RECIPIENTS,),
    # Of opt-outs whatever is too long is cut: it is no reason to text somebody.
    "truncate": (ImportPurpose.RECIPIENTS,),
    "consent": (ImportPurpose.RECIPIENTS,),
    "list": (ImportPurpose.RECIPIENTS,),
    "new_list_name": (ImportPurpose.RECIPIENTS,),
    "date_order": (ImportPurpose.OPT_OUTS, ImportPurpose.UNSUBSCRIBE_LIST),
    "unsubscribe_list": (ImportPurpose.UNSUBSCRIBE_LIST,),
}


class ColumnsForm(NamingForm):
    """Where each column goes (fields column-0, column-1 …), and what to do with the numbers."""

    default_country = forms.ChoiceField(
        label=gettext_lazy("Country when none is given"),
        required=False,
        choices=lambda: [("", _("None: every number carries its own")), *country_choices()],
        widget=forms.Select(attrs={"data-countries": True}),
    )
    number_form = forms.ChoiceField(
        label=gettext_lazy("Numbers without +"), choices=NumberForm.choices, required=False
    )
    existing = forms.ChoiceField(label=gettext_lazy("When a number exists"), choices=ExistingNumbers.choices)
    date_order = forms.ChoiceField(
        label=gettext_lazy("Dates such as 03/05/2026"), choices=DateOrder.choices, required=False
    )
    list = forms.ChoiceField(label=gettext_lazy("Add to list"))
    unsubscribe_list = forms.ChoiceField(label=gettext_lazy("Add to the unsubscribe list"))
    new_list_name = forms.CharField(
        label=gettext_lazy("Name of the new list"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    consent = forms.CharField(
        label=gettext_lazy("How they agreed to be texted"),
        help_text=gettext_lazy("Kept with the import as proof, such as “Web form, double opt-in”."),
        max_length=CONSENT_LIMIT,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    truncate = forms.BooleanField(
        label=gettext_lazy("Cut values that are too long instead of refusing their rows"), required=False
    )

    def __init__(self, imported: Import, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.imported = imported
        self._offer_lists()
        self._offer_forms()
        self._option_names = list(self.fields)
        offered = targets(imported.workspace, imported)
        for at, column in enumerate(imported.columns):
            self.fields[f"column-{at}"] = forms.ChoiceField(
                label=_("Goes to: %(column)s") % {"column": column["name"]},
                choices=with_own_name(offered, imported, column["name"]),
                required=False,
                widget=QuickSelect,
            )
        self.name_errors()
        for name, value in self._initial_values().items():
            self.fields[name].initial = value

    def _offer_lists(self) -> None:
        """And leaves out what is not asked for this purpose."""
        workspace, purpose = self.imported.workspace, self.imported.purpose
        own = workspace.recipient_lists.filter(source=None).order_by("name")
        self._lists = {str(one.pk): one for one in own} if purpose == ImportPurpose.RECIPIENTS else {}
        self._unsubscribe_lists = (
            {str(one.pk): one for one in workspace.unsubscribe_lists.order_by("name")}
            if purpose == ImportPurpose.UNSUBSCRIBE_LIST
            else {}
        )
        offered = {
            "list": [(NEW_LIST, _("A new list")), *((pk, one.name) for pk, one in self._lists.items())],
            "unsubscribe_list": [(pk, one.name) for pk, one in self._unsubscribe_lists.items()],
        }
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField, see above
        for name in OPTIONS_ASKED.keys() - {
            one for one, purposes in OPTIONS_ASKED.items() if purpose in purposes
        }:
            del self.fields[name]

    @property
    def options(self) -> Sequence[forms.BoundField]:
        """What is asked besides the columns, but for the last, which is shown below the others."""
        return [self[name] for name in self._option_names if name != "truncate"]

    def _offer_forms(self) -> None:
        """Also each column's own, where they differ."""
        field = self.fields["number_form"]
        field.help_text = form_words(self.imported)
        if len(set(guessed_forms(self.imported).values())) > 1:
            choices = [(GUESSED, _("Each column as its values show")), *NumberForm.choices]
            field.choices = choices  # type: ignore[attr-defined]  # a ChoiceField, see above

    def _initial_values(self) -> dict[str, Any]:
        imported = self.imported
        is_guessed_by_column = len(set(forms_of(imported).values())) > 1
        mapping = {f"column-{at}": target for at, target in enumerate(imported.mapping)}
        options = {
            "default_country": imported.default_country,
            "number_form": GUESSED if is_guessed_by_column else imported.number_form,
            "existing": imported.existing,
            "date_order": imported.date_order,
            "list": imported.list_id or NEW_LIST,
            "unsubscribe_list": imported.unsubscribe_list_id,
            "new_list_name": imported.new_list_name,
            "truncate": imported.truncate,
            "consent": imported.consent,
        }
        return mapping | {name: value for name, value in options.items() if name in self.fields}

    def clean(self) -> dict[str, Any]:
        """The form must be about the columns that the file has now: somebody may have read it anew meanwhile."""
        sent = {name for name in self.data if name.startswith("column-")}
        width = len(self.imported.columns)
        if sent != {f"column-{at}" for at in range(width)}:
            raise forms.ValidationError(
                _(
                    "The form names %(sent)d columns, but the file has %(width)d. Load the page again and choose anew."
                )
                % {"sent": len(sent), "width": width},
                code="other_columns",
            )
        return self.cleaned_data

    @property
    def choices(self) -> Choices:
        data = self.cleaned_data
        return Choices(
            mapping=[data[f"column-{at}"] for at in range(len(self.imported.columns))],
            default_country=data["default_country"],
            existing=data.get("existing", ExistingNumbers.UPDATE),
            truncate=data.get("truncate", False),
            consent=data.get("consent", ""),
            recipient_list=self._lists.get(data.get("list", "")),
            new_list_name=data.get("new_list_name", ""),
            unsubscribe_list=self._unsubscribe_lists.get(data.get("unsubscribe_list", "")),
            date_order=data.get("date_order", DateOrder.NONE),
            number_form=data["number_form"] if "number_form" in self.changed_data else "",
        )


def form_words(imported: Import) -> str:
    """What the values of the number columns show about numbers without plus, with one of them."""
    names = names_by_form(imported, guessed_forms(imported))
    if len(names) > 1:
        return (
            _("Guessed for each column: international in %(international)s; national in %(national)s.")
            % names
        )
    guess = shown_form(imported)
    columns = zip(imported.columns, imported.mapping, strict=True)
    sample = next((one["samples"][0] for one, target in columns if target == MSISDN and one["samples"]), "")
    if guess == NumberForm.INTERNATIONAL:
        return _("Guessed: they look international, such as %(sample)s.") % {"sample": sample}
    if guess == NumberForm.NATIONAL:
        return _("Guessed: they look national, such as %(sample)s.") % {"sample": sample}
    return _("What begins with + or 00 is international in any case.")


def targets(workspace: Workspace, imported: Import) -> list[Any]:
    """What a column may go to: number, fields, own columns of the workspace or guessed from this file."""
    number_words = (
        _("Phone number"),
        _("Phone number, second choice"),
        _("Phone number, third choice"),
    )
    numbers = [(IGNORED, _("Do not import")), *zip(NUMBERS, number_words, strict=True)]
    if imported.purpose != ImportPurpose.RECIPIENTS:
        return [
            *numbers,
            (AT, _("Opted out at")),
            (SOURCE, _("Source (proof)")),
            (HOW, _("How: file, page, stop, vendor, api or person")),
            (UNDONE_AT, _("Undone at: rows that have it are left out")),
        ]
    known = [
        name for columns in workspace.recipient_lists.values_list("columns", flat=True) for name in columns
    ]
    guessed = [one["guess"] for one in imported.columns] + imported.mapping
    consent = [(EXTRA + name, capfirst(str(words))) for name, words in CONSENT_LABELS.items()]
    own = sorted(
        ({EXTRA + name for name in known} | {target for target in guessed if target.startswith(EXTRA)})
        - {target for target, _words in consent}
    )
    return [
        *numbers,
        (WHOLE_NAME, _("Whole name, split in first and last")),
        *((name, capfirst(str(LABELS[name]))) for name in PERSON_FIELDS),
        *consent,
        *((target, _("Own column: %(name)s") % {"name": target.removeprefix(EXTRA)}) for target in own),
    ]


def with_own_name(offered: list[Any], imported: Import, header: str) -> list[Any]:
    """A column may always be kept under its own name, whatever its content was taken for."""
    name = column_name(header)
    target = EXTRA + name
    if (
        imported.purpose != ImportPurpose.RECIPIENTS
        or not name
        or any(target == one for one, _words in offered)
    ):
        return offered
    return [*offered, (target, _("Own column: %(name)s") % {"name": name})]


class FormatForm(NamingForm):
    """How the file is read, where the guess was wrong."""

    encoding = forms.ChoiceField(label=gettext_lazy("Encoding"), choices=list(ENCODINGS.items()))
    delimiter = forms.ChoiceField(
        label=gettext_lazy("Values are parted by"), choices=list(DELIMITER_WORDS.items())
    )
    quote = forms.ChoiceField(label=gettext_lazy("Quotation mark"), choices=[(mark, mark) for mark in QUOTES])
    has_header = forms.BooleanField(label=gettext_lazy("A row holds names"), required=False)
    header_row = forms.IntegerField(
        label=gettext_lazy("Which row holds the names"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy("As rows are counted in the file. Rows above it are left out."),
    )

    def __init__(self, imported: Import, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_present_encoding(self.fields["encoding"], imported)
        if imported.file_kind in WORKBOOKS:
            for name in ("encoding", "delimiter", "quote"):
                del self.fields[name]
        for name in self.fields:
            self.fields[name].initial = getattr(imported, name)

    @property
    def changes(self) -> dict[str, Any]:
        """What `reread_import` takes. An encoding that was left as it stood is not confirmed by that."""
        given = dict(self.cleaned_data)
        if "encoding" not in self.changed_data:
            given.pop("encoding", None)
        if not given["has_header"] or given["header_row"] is None:
            given.pop("header_row", None)
        return given


class SheetForm(NamingForm):
    sheet = forms.ChoiceField(label=gettext_lazy("Sheet"))

    def __init__(self, imported: Import, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sheet"].choices = [(name, name) for name in imported.sheets]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["sheet"].initial = imported.sheet


class EncodingForm(NamingForm):
    """The encoding alone, each choice with what the file says when read so."""

    encoding = forms.ChoiceField(label=gettext_lazy("Choose the line that reads right"))

    def __init__(
        self, imported: Import, *args: Any, readings: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        readings = readings or {}
        field = self.fields["encoding"]
        field.choices = [  # type: ignore[attr-defined]  # a ChoiceField, see above
            (name, f"{label}: {readings[name]}" if name in readings else label)
            for name, label in ENCODINGS.items()
        ]
        _offer_present_encoding(field, imported)
        field.initial = imported.encoding


def _offer_present_encoding(field: Any, imported: Import) -> None:
    if imported.encoding not in ENCODINGS:
        field.choices = [(imported.encoding, imported.encoding.upper()), *field.choices]


class PastedForm(NamingForm):
    # What was pasted, where some of it could not be read.
    unread: Numbers | None = None

    @property
    def shown_refusals(self) -> list[Refused]:
        return self.unread.refused[:MOST_REFUSALS] if self.unread else []


class OptOutForm(PastedForm):
    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        help_text=gettext_lazy("One a line, or parted by commas."),
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )
    source = forms.CharField(
        label=gettext_lazy("How you know"),
        help_text=gettext_lazy("Kept as proof, such as “letter of 3 May”."),
        max_length=500,
        required=False,
    )


class MembersForm(PastedForm):
    numbers = OptOutForm.base_fields["numbers"]
    source = OptOutForm.base_fields["source"]


class ReasonForm(NamingForm):
    reason = forms.CharField(
        label=gettext_lazy("Why this number may be texted again"),
        help_text=gettext_lazy("Kept in the audit trail, such as “asked for it by phone on 3 May”."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PasteForm(NamingForm):
    numbers = OptOutForm.base_fields["numbers"]


class NewListForm(PastedForm):
    """An empty list, or one of pasted numbers."""

    name = NameForm.base_fields["name"]
    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        help_text=gettext_lazy("None for an empty list. One a line, or parted by commas."),
        max_length=2_000_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
    )
    default_country = forms.ChoiceField(
        label=gettext_lazy("Country when none is given"),
        required=False,
        choices=lambda: [("", _("None: every number carries its own")), *country_choices()],
        widget=forms.Select(attrs={"data-countries": True}),
    )


SAVE_FILTER, LIVE_LIST = "save_filter", "live_list"
JOB_WORDS: dict[str, Any] = {
    SAVE_FILTER: gettext_lazy("Save the filter under a name"),
    LIVE_LIST: gettext_lazy("Make a live list of whoever matches"),
    ListJobKind.COPY: gettext_lazy("Copy them to a list"),
    ListJobKind.MOVE: gettext_lazy("Move them to a list"),
    ListJobKind.REMOVE: gettext_lazy("Remove them from this list"),
    ListJobKind.SET_FIELD: gettext_lazy("Set a field"),
    ListJobKind.OPT_OUT: gettext_lazy("Opt them out of the workspace"),
    ListJobKind.SPLIT: gettext_lazy("Split them into new lists, at random"),
    ListJobKind.DEDUPLICATE: gettext_lazy("Remove those who are on other lists"),
    ListJobKind.EXPORT: gettext_lazy("Export them as a file"),
}
# The same of people who were ticked one by one, as the bar under their table says it.
TICKED_WORDS: dict[str, Any] = {
    ListJobKind.COPY: gettext_lazy("Copy to a list"),
    ListJobKind.MOVE: gettext_lazy("Move to a list"),
    ListJobKind.SET_FIELD: gettext_lazy("Set a field"),
    ListJobKind.EXPORT: gettext_lazy("Export as a file"),
    ListJobKind.OPT_OUT: gettext_lazy("Opt out"),
}


def ticked_kinds(recipient_list: RecipientList) -> list[tuple[str, Any]]:
    """Choices of a select. Removing has a button of its own."""
    is_live = recipient_list.source_id is not None
    kinds = [kind for kind in TICKED_WORDS if not (is_live and kind in CHANGING)]
    return [("", _("With those ticked…")), *((kind, TICKED_WORDS[kind]) for kind in kinds)]


def job_kinds(asked: FilterForm) -> dict[str, Any]:
    """What can be done with whom the address names, in words."""
    recipient_list = asked.sought.recipient_list
    kinds = dict(JOB_WORDS)
    if asked.ids:
        kinds = {kind: JOB_WORDS[kind] for kind in TICKED_KINDS}
    elif not asked.sought.rule or asked.words:
        del kinds[SAVE_FILTER], kinds[LIVE_LIST]
    if recipient_list.source_id is not None:
        kinds = {kind: words for kind, words in kinds.items() if kind not in {*CHANGING, LIVE_LIST}}
    return kinds


def mark_one_of_several(form: forms.Form, names: Sequence[str]) -> None:
    """One of these fields is needed: "optional" beside each of them would be wrong."""
    for name in names:
        if name in form.fields:
            form.fields[name].one_of_several = True  # type: ignore[attr-defined]  # read by web/forms/field.html


JOB_NEEDS: dict[str, tuple[str, ...]] = {
    SAVE_FILTER: ("name",),
    LIVE_LIST: ("name",),
    ListJobKind.COPY: ("target", "name"),
    ListJobKind.MOVE: ("target", "name"),
    ListJobKind.SET_FIELD: ("field", "value"),
    ListJobKind.SPLIT: ("parts", "size"),
    ListJobKind.DEDUPLICATE: ("others",),
    ListJobKind.EXPORT: ("form",),
}


class JobForm(NamingForm):
    """What to do with everybody who matches, with the fields that its kind needs."""

    kind = forms.ChoiceField(
        label=gettext_lazy("What to do"), choices=list(JOB_WORDS.items()), widget=forms.HiddenInput
    )
    target = forms.ChoiceField(
        label=gettext_lazy("To the list"),
        required=False,
        help_text=gettext_lazy("Or enter the name of a new one."),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    field = forms.ChoiceField(
        label=gettext_lazy("Field"), required=False, help_text=gettext_lazy("It is set for all of them.")
    )
    value = forms.CharField(
        label=gettext_lazy("Value"),
        max_length=EXTRA_LIMIT,
        required=False,
        help_text=gettext_lazy("Leave it out to empty the field."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    parts = forms.IntegerField(
        label=gettext_lazy("Parts"),
        required=False,
        min_value=2,
        help_text=gettext_lazy("Into how many lists they go. Or say below how many people a list takes."),
    )
    size = forms.IntegerField(
        label=gettext_lazy("People in a part"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Instead of the number of parts."),
    )
    others = forms.MultipleChoiceField(
        label=gettext_lazy("Other lists"),
        required=False,
        help_text=gettext_lazy("Whoever is on one of them goes from this list."),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("File"), required=False, choices=lambda: list(EXPORT_FORMS.items())
    )
    agreed = CountField(
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    def __init__(
        self,
        recipient_list: RecipientList,
        kind: str,
        *args: Any,
        people: int | None = None,
        **kwargs: Any,
    ) -> None:
        """`people`: how many it would befall, where that has to be agreed to."""
        super().__init__(*args, initial={"kind": kind}, **kwargs)
        self.people = people
        own = recipient_list.workspace.recipient_lists.filter(source=None).exclude(pk=recipient_list.pk)
        self.lists = {str(one.pk): one for one in own.order_by("name")}
        named = [(pk, one.name) for pk, one in self.lists.items()]
        fields = [(name, capfirst(str(LABELS[name]))) for name in PERSON_FIELDS]
        further = [(EXTRA + name, name) for name in recipient_list.columns]
        offered = {
            "target": [("", _("A new one")), *named],
            "others": named,
            "field": [("", _("Choose a field")), *fields, *further],
        }
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField, see above
        asked = {"agreed"} if people is not None and people > AGREED_ABOVE else set()
        for name in self.fields.keys() - {"kind", *JOB_NEEDS.get(kind, ()), *asked}:
            del self.fields[name]
        mark_one_of_several(self, ("name", "target", "parts", "size", "others", "field"))
        if "target" in self.fields:
            self.fields["name"].label = _("Name of the new list")
            self.fields["name"].help_text = _("Of the new list, where none is chosen.")
        self.name_errors()
        if asked:
            self._ask_for_count()

    def _ask_for_count(self) -> None:
        field = self.fields["agreed"]
        field.label = _("Type %(people)s to confirm the count") % {"people": f"{self.people:,}"}
        field.required = True
        # What is no number counts as nothing typed, too.
        field.error_messages["required"] = self._count_refusal()

    def clean_agreed(self) -> int:
        agreed: int = self.cleaned_data["agreed"]
        if agreed != self.people:
            raise forms.ValidationError(self._count_refusal())
        return agreed

    def _count_refusal(self) -> str:
        shown = {"typed": self.data.get("agreed", "")[:40], "people": f"{self.people:,}"}
        if not shown["typed"].strip():
            return _("The count is not typed. Type %(people)s.") % shown
        return _("“%(typed)s” is not how many they are. Type %(people)s.") % shown


class MergeForm(NamingForm):
    """Where several lists go to: one of them that holds its own people, or a new one."""

    target = forms.ChoiceField(
        label=gettext_lazy("Into"),
        required=False,
        help_text=gettext_lazy(
            "Where it is one of them, people on it stay as they are: it comes before the first."
        ),
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the new list"),
        max_length=100,
        required=False,
        help_text=gettext_lazy("Only where a new one is made."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    disable = forms.BooleanField(
        label=gettext_lazy("Disable the others when it is done"),
        required=False,
        help_text=gettext_lazy("They are kept, and broadcasts to them reach nobody."),
    )

    def __init__(self, chosen: Sequence[RecipientList], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lists = {str(one.pk): one for one in chosen if one.source_id is None}
        named = [(pk, one.name) for pk, one in self.lists.items()]
        self.fields["target"].choices = [("", _("A new one")), *named]  # type: ignore[attr-defined]  # a ChoiceField
        mark_one_of_several(self, ("target", "name"))
