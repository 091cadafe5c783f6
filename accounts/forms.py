"""Forms of setting up, joining and the settings. Rules live in services.py; these only read and explain."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator, get_default_password_validators
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.choices import country_choices, time_zone_choices
from accounts.errors import AccountsError
from accounts.models import ApiKey, Invitation, Role, User, Workspace
from accounts.services import SENDING_FIELDS, WORKSPACE_FIELDS, grantable_roles
from accounts.short_domains import clean_short_domain
from accounts.stop_words import language_choices
from web.edited import TellsEdited
from web.forms import CheckList, Form, ModelForm, TimeInput


def _password_hint() -> str:
    """One sentence for what Django's validators say in four."""
    lengths = [
        v.min_length for v in get_default_password_validators() if isinstance(v, MinimumLengthValidator)
    ]
    sentence = gettext(
        "At least %(length)d characters; no common password, nothing close to your name or address."
    )
    return sentence % {"length": max(lengths, default=1)}


password_hint = lazy(_password_hint, str)
# static/js/places.js shows the countries by name.
COUNTRIES = {"data-countries": True}


def add_refusal(form: forms.BaseForm, error: AccountsError) -> None:
    """A service's refusal beside the field it names, else at the top of the form."""
    form.add_error(error.field if error.field in form.fields else None, str(error.sentence))


class PasswordInput(forms.PasswordInput):
    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"})


class WorkspaceForm(Form):
    name = forms.CharField(label=_("Workspace"), max_length=100, help_text=_("Usually the company's name."))
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices, initial="UTC")
    default_country = forms.ChoiceField(
        label=_("Country"),
        choices=country_choices,
        initial="US",
        widget=forms.Select(attrs=COUNTRIES),
        help_text=_("Numbers without a country code are read as numbers of this country."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.fields["time_zone"].widget.attrs["data-guess-zone"] = True


class SetupForm(WorkspaceForm):
    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=User._meta.get_field("email").max_length,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=PasswordInput(), help_text=password_hint()
    )
    wants_sandbox = forms.BooleanField(
        label=_("Add a provider account at the sandbox"),
        required=False,
        initial=True,
        help_text=_("It behaves like a real provider, but the texts only reach the handset page."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.SANDBOX_URL:
            del self.fields["wants_sandbox"]


class LinesField(forms.CharField):
    """Texts, one a line, each once."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]  # a list, as the model keeps it
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(filter(None, lines)))

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


# They stand on a page of their own.
TEXTS_FIELDS = ("short_domain", "swaps_characters")


class TextsForm(TellsEdited, ModelForm):
    """Only reads and checks: saving is update_workspace()."""

    short_domain = forms.CharField(
        label=_("Short domain"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "Such as https://sho.example.com. Each character of it stands in every text with a link."
        ),
    )

    class Meta:
        model = Workspace
        fields = TEXTS_FIELDS
        labels = {"swaps_characters": _("Swap characters that make texts dearer")}

    def clean_short_domain(self) -> str:
        return clean_short_domain(self.cleaned_data["short_domain"])


class SendingForm(TellsEdited, ModelForm):
    """Only reads and checks: saving is update_workspace()."""

    class Meta:
        model = Workspace
        fields = SENDING_FIELDS
        labels = {
            "failure_limit": _("Pause when more than so many of a hundred fail"),
            "failure_sample": _("Of at least so many messages"),
            "frequency_cap": _("Most broadcasts a person gets"),
            "frequency_days": _("Within so many days"),
        }
        help_texts = {
            "failure_limit": _(
                "Of the last ones that were handed over, or of the last ones that were reported on. 100: never. A broadcast"
                " may have a limit of its own."
            ),
            "failure_sample": _("Of fewer nothing is concluded."),
            "frequency_cap": _(
                "Whoever has had as many is left out of further ones, named in the numbers before. Empty: any number."
                " Single texts and verification codes do not count and always go."
            ),
        }


class GeneralForm(TellsEdited, ModelForm):
    """Only reads and checks: saving is update_workspace()."""

    opt_out_languages = forms.MultipleChoiceField(
        label=_("Stop words of these languages, besides English"),
        choices=language_choices,
        required=False,
        widget=CheckList,
        help_text=_("Whoever answers with such a word, and nothing else, is opted out at once."),
    )
    opt_out_words = LinesField(
        label=_("Stop words of your own"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("One a line. Write them in your texts in capitals: “Reply HALT to opt out”."),
    )

    class Meta:
        model = Workspace
        fields = [name for name in WORKSPACE_FIELDS if name not in TEXTS_FIELDS]
        widgets = {
            "default_country": forms.Select(attrs=COUNTRIES),
            "quiet_from": TimeInput(),
            "quiet_to": TimeInput(),
        }
        labels = {
            "name": _("Name"),
            "time_zone": _("Time zone"),
            "default_country": _("Country"),
            "currency": _("Currency"),
            "typed_count_above": _("Type the count above"),
            "has_quiet_hours": _("Quiet hours"),
            "quiet_from": _("Quiet from"),
            "quiet_to": _("Quiet until"),
        }
        help_texts = {
            "time_zone": _("Times on all pages are in this zone."),
            "default_country": _("Numbers without a country code are read as numbers of this country."),
            "currency": _("Three capitals, like USD or EUR. Provider accounts keep their own."),
            "quiet_to": _(
                "By the clock where the recipient is. What was launched keeps the hours it went out with."
            ),
        }

    def validate_unique(self) -> None:
        """The service says it, with the lock held."""


class RoleChoiceMixin(Form):
    role = forms.ChoiceField(label=_("Role"), initial=Role.MARKETER)

    def __init__(self, *args: Any, granted_by: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(role.value, role.label) for role in grantable_roles(granted_by)]


class InviteForm(RoleChoiceMixin):
    email = forms.EmailField(
        label=_("E-mail address"), max_length=Invitation._meta.get_field("email").max_length
    )
    field_order = ("email", "role")


class JoinForm(Form):
    """What a new person says about themselves; their address is the invited one."""

    name = forms.CharField(
        label=_("Your name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Password"), strip=False, widget=PasswordInput(), help_text=password_hint()
    )


class KeyForm(RoleChoiceMixin):
    name = forms.CharField(
        label=_("Name"),
        max_length=ApiKey._meta.get_field("name").max_length,
        help_text=_("After the program that will use it."),
    )
    field_order = ("name", "role")


class PersonForm(ModelForm):
    """For the admin: a new person without a password sets one through “Forgot your password?”."""

    class Meta:
        model = User
        fields = ("email", "name", "is_active", "is_staff")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()
