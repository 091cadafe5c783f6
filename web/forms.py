"""How Django's forms look in Crier: `{{ form.name.as_field_group }}` gives label, hint, error and control.

Only Crier's own pages are touched: the widget templates stay Django's, because the admin draws them too.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from web.api_words import no_text
from web.names import name_problem, stripped_name
from web.plain import is_number, is_within_reach, out_of_reach
from web.posted import Posted, marked, not_texts, whole_number
from web.texts import no_text_in, place_of_no_text, without_halves

# The class of a control by the kind of its widget; the first that fits.
CONTROL_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.CheckboxInput, "checkbox"),
    (forms.RadioSelect, ""),
    (forms.CheckboxSelectMultiple, ""),
    (forms.FileInput, "input file-input"),
    (forms.SelectMultiple, "select select-multiple"),
    (forms.Select, "select"),
    (forms.Textarea, "textarea"),
    (forms.Widget, "input"),
)


class CrierFormRenderer(TemplatesSetting):
    form_template_name = "web/forms/form.html"
    field_template_name = "web/forms/field.html"


class TellsNoText(forms.BaseForm):
    """Tells at its field what is no text, and keeps all that was typed. For every form of a page or of the admin.

    What a posted form holds so, web.middleware has marked; a name that no field has is told above the form.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.no_texts: dict[str, str] = {}
        if args:
            args = (self._readable(args[0]), *args[1:])
        elif "data" in kwargs:
            kwargs["data"] = self._readable(kwargs["data"])
        super().__init__(*args, **kwargs)

    def _readable(self, data: Any) -> Any:
        if not isinstance(data, Posted):
            return data
        self.no_texts = not_texts(data)
        return marked(data)

    def show(self, name: str, value: str) -> None:
        """In the field of that name, instead of what was posted."""
        data: Any = self.data.copy()  # type: ignore[attr-defined]  # of a POST
        data[self.add_prefix(name)] = value
        self.data = data

    def full_clean(self) -> None:
        super().full_clean()
        names = {self.add_prefix(name): name for name in self.fields}
        for posted, text in self.no_texts.items():
            if (name := names.get(posted)) is None:
                self.add_error(None, no_text(without_halves(posted), text))
            else:
                self.errors.pop(name, None)
                self.add_error(name, no_text_sentence(text))
        self._look_at_name()

    def _look_at_name(self) -> None:
        """Where a form names something: see web.names."""
        given = getattr(self, "cleaned_data", {}).get("name")
        if (
            not isinstance(given, str)
            or not given
            or not isinstance(self.fields.get("name"), forms.CharField)
        ):
            return
        self.cleaned_data["name"] = name = stripped_name(given)
        if problem := name_problem(name):
            self.add_error("name", problem)
        elif not name and self.fields["name"].required:
            self.add_error("name", self.fields["name"].error_messages["required"])


class ReadsPlainly(TellsNoText):
    """Numbers and times that Django would read in a way that nobody meant are told at their field."""

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]  # Django's own, without a type
        for name, value in list(self.cleaned_data.items()):
            field = self.fields.get(name)
            if isinstance(field, NUMBERS) and isinstance(written := self[name].data, str) and written.strip():
                if not is_number(written, whole=not isinstance(field, FRACTIONS)):
                    self.add_error(name, field.error_messages["invalid"])
            elif isinstance(field, DATES) and isinstance(value, date) and not is_within_reach(value):
                self.add_error(name, out_of_reach())


# A decimal field is one of whole numbers, to Django.
NUMBERS, FRACTIONS = forms.IntegerField, (forms.DecimalField, forms.FloatField)
DATES = (forms.DateField, forms.DateTimeField)


class Form(ReadsPlainly, forms.Form):
    pass


class ModelForm(ReadsPlainly, forms.ModelForm):
    pass


def no_text_sentence(text: str) -> str:
    """Of a text for which `no_text_in` finds something."""
    place = place_of_no_text(text.replace("\r\n", "\n"))
    assert place is not None
    words = {"line": place.line, "column": place.column, "found": no_text_in(text)}
    if words["found"] == "\\u0000":
        sentence = _(
            "The text holds a NUL character in line %(line)d, column %(column)d, which is no text (shown as �). Take it out."
        )
    else:
        sentence = _(
            "The text holds %(found)s in line %(line)d, column %(column)d, which is half of a character (shown as �)."
            " Take it out, or write the whole character."
        )
    return sentence % words


class RowsField(forms.ModelMultipleChoiceField):
    """Refuses ids that no row can have: SQLite trips over them."""

    def clean(self, value: Any) -> Any:
        for raw in value if isinstance(value, list | tuple) else ():
            if isinstance(raw, str) and raw.isdigit() and whole_number(raw) is None:
                raise ValidationError(
                    self.error_messages["invalid_choice"], code="invalid_choice", params={"value": raw[:40]}
                )
        return super().clean(value)


class SegmentedRadio(forms.RadioSelect):
    """A few choices side by side, as one control; for two to four short ones."""

    template_name = "web/forms/segmented.html"


class ChoiceList(forms.RadioSelect):
    """Choices one below the other, each with room for a sentence."""

    template_name = "web/forms/choices.html"


class CheckList(forms.CheckboxSelectMultiple):
    template_name = "web/forms/choices.html"


def control_class(widget: forms.Widget) -> str:
    return next(name for kind, name in CONTROL_CLASSES if isinstance(widget, kind))


def control(field: BoundField, **attributes: Any) -> SafeString:
    """The field's widget with the class of its kind; `attributes` win, the widget's own class stays."""
    widget = field.field.widget
    own = widget.attrs.get("class", "")
    css_class = " ".join(filter(None, (control_class(widget), own)))
    return field.as_widget(attrs={"class": css_class} | attributes if css_class else attributes)


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")
