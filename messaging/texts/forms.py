"""What people enter about templates and word spinners. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.forms import NameForm
from messaging.errors import MessagingError
from messaging.texts.names import EditedElsewhere
from messaging.texts.words import WordsError, read_lines


class EditedForm(NameForm):
    """With when the row had been changed last as this person saw it."""

    read_at = forms.CharField(required=False, widget=forms.HiddenInput)


class SpinnerForm(EditedForm):
    words = forms.CharField(
        label=_("Words"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "true"}),
        help_text=_(
            "One a line, or pasted from a spreadsheet. “Hello * 3” comes three times as often as “Hi”; without a number"
            " the weight is 1."
        ),
    )

    @property
    def pairs(self) -> list[tuple[str, Any]]:
        return read_lines(self.cleaned_data["words"])


class TemplateForm(EditedForm):
    text = forms.CharField(
        label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "true"})
    )


def add_refusal(form: forms.Form, error: MessagingError) -> None:
    """The service's sentences at the field they name, else above the form.

    Whoever was told that the row was changed elsewhere, and saves again, knows it.
    """
    if isinstance(error, EditedElsewhere):
        form.data = dict(form.data.items()) | {"read_at": error.read_at}
    sentences = error.sentences if isinstance(error, WordsError) else [str(error.sentence)]
    for sentence in sentences:
        form.add_error(error.field if error.field in form.fields else None, sentence)
