"""What people enter about links and link lists. The rules are the services'; here it is only read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.forms import NameForm
from messaging.edited import seen_of
from messaging.edited_forms import seen_field
from messaging.models import UTM_FIELDS, Link

# Chosen from in one control; a workspace with more puts the others in by the API or the admin.
MOST_CHOICES = 500
ADDRESS = {"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}


def _address(label: Any, help_text: Any, *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=required, widget=forms.TextInput(attrs=ADDRESS)
    )


def _utm(label: Any, help_text: Any) -> forms.CharField:
    attrs = {"autocomplete": "off", "spellcheck": "false"}
    return forms.CharField(
        label=label, help_text=help_text, required=False, widget=forms.TextInput(attrs=attrs)
    )


class LinkForm(NameForm):
    url = _address(_("Leads to"), _("The whole address, such as https://example.com/sale."), required=True)
    bot_redirect = _address(
        _("Desktops go to"), _("People who open it on a computer. Empty: where everyone goes.")
    )
    preview_url = _address(
        _("Bots and previews go to"),
        _("Programs that draw previews, scan or crawl. Empty: where everyone goes."),
    )
    expires_at = forms.DateTimeField(
        label=_("Ends"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "invalid": _("This is no date with a time: write it as 2026-12-31T18:00, or leave it empty.")
        },
    )
    expired_url = _address(
        _("Afterwards to"), _("When it is over. Empty: a page that says that the link is over.")
    )
    utm_source = _utm(_("Source (utm_source)"), _("Such as sms."))
    utm_medium = _utm(_("Medium (utm_medium)"), _("Such as text."))
    utm_campaign = _utm(_("Campaign (utm_campaign)"), _("Such as summer-sale."))
    utm_term = _utm(_("Term (utm_term)"), "")
    utm_content = _utm(_("Content (utm_content)"), "")
    seen = seen_field()

    def __init__(self, *args: Any, link: Link | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.link = link
        zone = timezone.get_current_timezone_name()
        self.fields["expires_at"].help_text = _("In %(zone)s. Empty: it does not end.") % {"zone": zone}

    @classmethod
    def of(cls, link: Link) -> LinkForm:
        values = {name: getattr(link, name) for name in cls.base_fields if name != "seen"}
        return cls(link=link, initial=values | {"seen": seen_of(link)})

    @property
    def values(self) -> dict[str, Any]:
        """Of the link, as they were entered."""
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    def clean_expires_at(self) -> Any:
        """The control shows minutes: what it shows of a time with seconds is no other time."""
        at = self.cleaned_data["expires_at"]
        kept = self.link.expires_at if self.link else None
        return kept if at and kept and kept.replace(second=0, microsecond=0) == at else at

    @property
    def where_else(self) -> list[forms.BoundField]:
        return [self[name] for name in ("bot_redirect", "preview_url")]

    @property
    def ending(self) -> list[forms.BoundField]:
        return [self[name] for name in ("expires_at", "expired_url")]

    @property
    def utm(self) -> list[forms.BoundField]:
        return [self[name] for name in UTM_FIELDS]

    @property
    def has_further(self) -> bool:
        """Whether anything is filled in, or wrong, beyond name and address: then it is shown open."""
        further = [*self.where_else, *self.ending, *self.utm]
        return any(field.value() or field.errors for field in further)


class LinkListForm(NameForm):
    seen = seen_field()
