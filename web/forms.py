"""How Django's forms look in Crier: `{{ form.name.as_field_group }}` gives label, hint, error and control.

Only Crier's own pages are touched: the widget templates stay Django's, because the admin draws them too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from web.texts import place_of_no_text

View = TypeVar("View", bound=Callable[..., Any])

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


def tells_no_text(*names: str) -> Callable[[View], View]:
    """Of a page whose form is a TextsForm: what is no text in these of its fields is told there, with all else kept.

    In any other field, and on any other page, web.middleware refuses the request.
    """

    def mark(view: View) -> View:
        view.tells_no_text = frozenset(names)  # type: ignore[attr-defined]  # read by web.middleware
        return view

    return mark


class TextsForm(forms.Form):
    """Its fields say where they hold a NUL character."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.validators = [
                _require_text if isinstance(each, ProhibitNullCharactersValidator) else each
                for each in field.validators
            ]


def _require_text(value: Any) -> None:
    text = str(value).replace("\r\n", "\n")
    if place := place_of_no_text(text):
        raise ValidationError(no_text_sentence(place.line, place.column), code="no_text")


def no_text_sentence(line: int, column: int) -> str:
    return _(
        "The text holds a NUL character in line %(line)d, column %(column)d, which is no text (shown as �). Take it out."
    ) % {"line": line, "column": column}


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
