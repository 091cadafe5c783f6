"""How Django's forms look in Crier: `{{ form.name.as_field_group }}` gives label, hint, error and control.

Only Crier's own pages are touched: the widget templates stay Django's, because the admin draws them too.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.renderers import TemplatesSetting
from django.utils.safestring import SafeString

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
