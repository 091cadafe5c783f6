"""Forms of the provider pages. Rules live in services/; these only read and explain."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from providers.connectors import REGISTRY
from providers.connectors.config import ConfigField
from providers.models import ProviderAccount
from providers.sandbox_client import OUTCOMES, Dial
from providers.services import ProviderAccountError
from web.edited import TellsEdited, values_of
from web.forms import Form, SegmentedRadio


def add_refusal(form: forms.Form, error: ProviderAccountError) -> None:
    """A service's refusal beside the field it names, else at the top of the form."""
    form.add_error(error.field if error.field in form.fields else None, str(error.sentence))


PRICES = ("default_price", "media_price")


class SecretInput(forms.PasswordInput):
    """Never holds what is stored or was typed before, and no browser offers it one of its own passwords."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password", "spellcheck": "false"}, render_value=False)


def config_field(field: ConfigField) -> forms.CharField:
    plain = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(
        label=field.label,
        help_text=field.help,
        required=field.required,
        initial="" if field.secret else field.default,
        strip=True,
        widget=SecretInput() if field.secret else plain,
    )


class ConnectionForm(Form):
    """Credentials and address of a vendor, all anew; what is no secret is filled in from the account."""

    def __init__(
        self, vendor: str, *args: Any, account: ProviderAccount | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.names = [field.name for field in REGISTRY[vendor].Config.fields()]
        stored = _stored(account)
        for field in REGISTRY[vendor].Config.fields():
            self.fields[field.name] = config_field(field)
            if not field.secret and stored.get(field.name):
                self.fields[field.name].initial = stored[field.name]

    def connection(self) -> dict[str, Any]:
        """`base_url` and `credentials`, as the services take them."""
        values = {name: self.cleaned_data[name] for name in self.names}
        return {"base_url": values.pop("base_url"), "credentials": values}


class AccountForm(TellsEdited, Form):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("As your team calls this account."))
    parts_per_second = forms.DecimalField(
        label=_("Parts per second"),
        initial=10,
        widget=forms.NumberInput(attrs={"min": "0.01", "step": "0.01"}),
        help_text=_("What the vendor allows. Shared by all workers; a long text counts once for each part."),
    )
    parts_per_day = forms.IntegerField(
        label=_("Parts per day"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "1"}),
        help_text=_(
            "What goes beyond it waits for the next day, in the workspace's time zone. A twentieth is kept free for"
            " verification codes. Empty: no limit."
        ),
    )
    max_in_flight = forms.IntegerField(
        label=_("Requests at once"),
        initial=64,
        widget=forms.NumberInput(attrs={"min": "1"}),
        help_text=_("About the parts per second times the seconds that an answer takes."),
    )
    default_price = forms.DecimalField(
        label=_("Price per part"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "0", "step": "0.00001"}),
        help_text=_("Where no row of the rate card fits. Empty: the price is not known."),
    )
    media_price = forms.DecimalField(
        label=_("Price per message with pictures"),
        required=False,
        widget=forms.NumberInput(attrs={"min": "0", "step": "0.00001"}),
        help_text=_("Wherever it goes, whatever its text. Empty: the price is not known."),
    )
    currency = forms.CharField(label=_("Currency"), max_length=3, initial="USD")

    @classmethod
    def of(cls, account: ProviderAccount) -> AccountForm:
        initial = {name: getattr(account, name) for name in cls.base_fields}
        for name in PRICES:
            initial[name] = None if initial[name] is None else plain_price(initial[name])
        return cls(initial=initial, now=values_of(account, cls.base_fields))

    def account_fields(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in AccountForm.base_fields if name in self.fields}


class NewAccountForm(AccountForm, ConnectionForm):
    """Name, the vendor's credentials and address, then how fast and for how much."""

    def __init__(self, vendor: str, *args: Any, currency: str = "USD", **kwargs: Any) -> None:
        super().__init__(vendor, *args, **kwargs)
        self.fields["currency"].initial = currency
        if not REGISTRY[vendor].capabilities.media:
            del self.fields["media_price"]
        self.order_fields(["name", *self.names])


class RateForm(Form):
    prefix = forms.CharField(  # type: ignore[assignment]  # the metaclass takes fields off the class
        label=_("Prefix"), max_length=30, help_text=_("Country code and on, such as 44 or 1 212.")
    )
    price = forms.DecimalField(
        label=_("Price per part"), widget=forms.NumberInput(attrs={"min": "0", "step": "0.00001"})
    )


class RateImportForm(Form):
    """First a file; then, to confirm, what was read of it: `rates` and `digest` come from the page."""

    WAYS = (
        ("merge", _("Merge: prefixes that the file does not have keep their price")),
        ("replace", _("Replace all: prefixes that the file does not have are removed")),
    )

    file = forms.FileField(
        label=_("CSV file"),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
        help_text=_(
            "A column of prefixes, or of countries, and one of prices. Comma, semicolon or tab; decimal point or comma."
        ),
    )
    way = forms.ChoiceField(
        label=_("What happens to the others"), choices=WAYS, initial="merge", widget=forms.RadioSelect
    )
    rates = forms.CharField(required=False, max_length=2 * 1024 * 1024, widget=forms.HiddenInput)
    digest = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Read before, and come back with what was read of it.
        self.fields["file"].required = not self.data.get("rates")

    @property
    def replaces(self) -> bool:
        return bool(self.cleaned_data.get("way") == "replace")


class ReplyForm(Form):
    text = forms.CharField(
        label=_("Write back"),
        max_length=1600,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("As the person with this phone. STOP opts out, START undoes it."),
    )


class DialForm(Form):
    """What the sandbox does with the texts that come next."""

    DELAYS = (
        ("400-2500", _("After 0.4 to 2.5 seconds")),
        ("0-0", _("At once")),
        ("10000-20000", _("After 10 to 20 seconds")),
        ("60000-120000", _("After 1 to 2 minutes")),
    )
    LINES = (("works", _("Works")), ("down", _("Cut")), ("hang", _("Hangs")))

    outcome = forms.ChoiceField(label=_("What becomes of a text"), choices=OUTCOMES)
    delay = forms.ChoiceField(label=_("Delivery reports"), choices=DELAYS)
    line = forms.ChoiceField(label=_("The line to the provider"), choices=LINES, widget=SegmentedRadio)

    def __init__(self, data: Any = None, *, dial: Dial) -> None:
        """`dial`: as it stands; a delay that only the control door could have set stays a choice."""
        delay = f"{dial.delay_ms[0]}-{dial.delay_ms[1]}"
        initial = {"outcome": dial.outcome, "delay": delay, "line": dial.line}
        super().__init__(data, initial=initial)
        if delay not in dict(self.DELAYS):
            words = _("After %(low)s to %(high)s ms") % {"low": dial.delay_ms[0], "high": dial.delay_ms[1]}
            self.fields["delay"] = forms.ChoiceField(
                label=self.fields["delay"].label, choices=[(delay, words), *self.DELAYS]
            )

    def delay_ms(self) -> tuple[int, int]:
        low, _dash, high = self.cleaned_data["delay"].partition("-")
        return int(low), int(high)


def plain_price(price: Any) -> str:
    """`0.00790` -> `0.0079`, never with an exponent."""
    text = f"{price:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _stored(account: ProviderAccount | None) -> dict[str, Any]:
    """Without the credentials when the key they were sealed with is gone: then they can only be replaced."""
    if account is None:
        return {}
    try:
        return {**account.credentials, "base_url": account.base_url}
    except ImproperlyConfigured:
        return {"base_url": account.base_url}
