"""What people enter about templates and word spinners. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.forms import NameForm
from messaging.edited_forms import keep_seen, seen_field
from messaging.errors import MessagingError, SeveralErrors
from messaging.texts.words import WordsError, read_lines


class EditedForm(NameForm):
    seen = seen_field()


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
    """The service's sentences at the field they name, else above the form."""
    keep_seen(form, error)
    for each in error.errors if isinstance(error, SeveralErrors) else [error]:
        for sentence in each.sentences if isinstance(each, WordsError) else [str(each.sentence)]:
            form.add_error(each.field if each.field in form.fields else None, sentence)
