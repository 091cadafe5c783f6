"""What people enter about webhooks. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.forms import NamingForm
from messaging.models import WebhookEndpoint, WebhookKind
from messaging.models.webhooks import ADDRESS_LENGTH
from messaging.webhooks.events import EVENT_TYPES
from web.edited import TellsEdited, values_of
from web.forms import CheckList


class EndpointForm(TellsEdited, NamingForm):
    url = forms.CharField(
        label=_("Address"),
        max_length=ADDRESS_LENGTH,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Such as https://example.com/crier: Crier posts there, and expects an answer of 2xx."),
    )
    kind = forms.ChoiceField(
        label=_("What it is told"),
        choices=WebhookKind.choices,
        initial=WebhookKind.CRIER,
        help_text=_("MessageWhiz's way is for programs that read its reports already."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events of Crier"),
        choices=[(name, words) for name, words in EVENT_TYPES.items()],
        initial=list(EVENT_TYPES),
        widget=CheckList,
        required=False,
    )
    first_after = forms.IntegerField(
        label=_("MessageWhiz: minutes until the reports are sent (T1)"),
        required=False,
        help_text=_("After the last text of a broadcast or segment went out; at least 5."),
    )
    second_after = forms.IntegerField(
        label=_("MessageWhiz: minutes until they are sent again (T2)"),
        required=False,
        help_text=_("With what has become known since then. Empty: once is enough."),
    )

    def __init__(self, *args: Any, endpoint: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        """`endpoint`: one that is there keeps its kind, and is asked only for what this has."""
        super().__init__(*args, **kwargs)
        if endpoint is None:
            return
        self.now = values_of(endpoint, ("url", "events", "first_after", "second_after"))
        del self.fields["kind"]
        is_crier = endpoint.kind == WebhookKind.CRIER
        for name in ("first_after", "second_after") if is_crier else ("events",):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """What belongs to the other kind is not looked at: the boxes of events are ticked from the beginning."""
        given = dict(super().clean() or {})
        match given.get("kind"):
            case WebhookKind.CRIER:
                given["first_after"] = given["second_after"] = None
            case WebhookKind.MESSAGEWHIZ:
                given["events"] = []
        return given
