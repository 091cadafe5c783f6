"""What people enter about webhooks. The rules are the services'; here it is only read."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.forms import NamingForm
from messaging.models.webhooks import ADDRESS_LENGTH
from messaging.webhooks.events import EVENT_TYPES
from web.forms import CheckList


class EndpointForm(NamingForm):
    url = forms.CharField(
        label=_("Address"),
        max_length=ADDRESS_LENGTH,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Such as https://example.com/crier: Crier posts there, and expects an answer of 2xx."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(name, words) for name, words in EVENT_TYPES.items()],
        initial=list(EVENT_TYPES),
        widget=CheckList,
        error_messages={"required": _("Choose at least one event.")},
    )
