"""What people enter about senders and their lists. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.choices import country_choices
from accounts.models import Workspace
from messaging.edited import seen_of
from messaging.edited_forms import keep_seen, seen_field
from messaging.errors import MessagingError
from messaging.models import Sender, SenderChoice
from messaging.sender_lists import NAME_MOST
from providers.models import ProviderAccount
from web.forms import CheckList, ChoiceList, Form, RowsField

CHOICE_WORDS = (
    (SenderChoice.RANDOM.value, _("Another one for each message, at random")),
    (SenderChoice.STICKY.value, _("Always the same one for a person, in every broadcast")),
)


class AccountChoices(RowsField):
    """Accounts of one workspace; those that are disabled only where they are chosen already."""

    def __init__(self, workspace: Workspace, chosen: Sender | None = None) -> None:
        rows = Q(enabled=True)
        if chosen is not None:
            rows |= Q(senders=chosen)
        super().__init__(
            queryset=ProviderAccount.objects.filter(rows, workspace=workspace).distinct().order_by("name"),
            label=_("Accounts that may use it"),
            help_text=_("None ticked: every account may."),
            widget=CheckList,
            required=False,
        )


class CountryChips(forms.Widget):
    """Chips, and a select that adds one: with static/js/countries.js at once, without it when the form is saved."""

    template_name = "messaging/_countries.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        chosen = [str(code) for code in value or []]
        known = dict(country_choices())
        context["chosen"] = [(code, known.get(code, code)) for code in chosen]
        context["offered"] = [pair for pair in country_choices() if pair[0] not in chosen]
        context["described_by"] = context["widget"]["attrs"].get("aria-describedby", "")
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        codes = [*data.getlist(name), data.get(f"add_{name}", "")]
        removed = data.get(f"remove_{name}", "")
        return sorted({code for code in codes if code and code != removed})


class CountriesField(forms.Field):
    widget = CountryChips

    def __init__(self) -> None:
        super().__init__(
            label=_("Countries that it may send to"),
            help_text=_("None chosen: every country. People elsewhere do not get a text from it."),
            required=False,
        )

    def to_python(self, value: Any) -> list[str]:
        return list(value or [])


class SenderDetailsForm(Form):
    def __init__(self, workspace: Workspace, sender: Sender | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["accounts"] = AccountChoices(workspace, sender)
        self.fields["countries"] = CountriesField()
        self.fields["is_default"] = forms.BooleanField(
            label=_("New broadcasts take it"),
            help_text=_("One sender of the workspace can be the default."),
            required=False,
        )
        if sender is not None:
            self.fields["accounts"].initial = [account.pk for account in sender.accounts.all()]
            self.fields["countries"].initial = sender.countries
            self.fields["is_default"].initial = sender.is_default
            self.fields["seen"] = seen_field()
            self.fields["seen"].initial = seen_of(sender)


class SenderForm(SenderDetailsForm):
    value = forms.CharField(
        label=_("Sender"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("A name of up to 11 letters, or a number with its country code."),
    )


class SenderListForm(Form):
    name = forms.CharField(label=_("Name"), max_length=NAME_MOST)
    choice = forms.ChoiceField(
        label=_("Which sender a message has"),
        choices=CHOICE_WORDS,
        initial=SenderChoice.RANDOM,
        widget=ChoiceList,
    )
    seen = seen_field()

    @property
    def values(self) -> dict[str, Any]:
        """Of the list, as they were entered."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}


def add_refusal(form: forms.Form, error: MessagingError) -> None:
    """The service's sentence at the field it names, else above the form."""
    keep_seen(form, error)
    form.add_error(error.field if error.field in form.fields else None, str(error.sentence))
