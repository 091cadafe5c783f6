"""What people enter about campaigns and broadcasts. The rules are the services'; here it is only read."""

from __future__ import annotations

import re
import zoneinfo
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Broadcast, BroadcastKind, Campaign
from contacts.forms import CountField, mark_one_of_several
from contacts.models import RecipientList, UnsubscribeList
from messaging.models import Media, Template
from messaging.quiet import hours_words, pinned_hours
from providers.models import ProviderAccount, Route
from web.edited import TellsEdited
from web.forms import CheckList, Form, RowsField, SegmentedRadio, TimeInput
from web.posted import whole_number

NOW, AT, LOCAL = "now", "at", "local"
WHEN = [(NOW, _("Now")), (AT, _("At a set time")), (LOCAL, _("At a set time where each recipient is"))]
DEFAULT_TIME = time(9, 0)

# Field of the form -> key of services.drafts.save_draft, where they differ.
SERVICE_KEYS = {
    "campaign": "campaign_id",
    "lists": "list_ids",
    "unsubscribe_lists": "unsubscribe_list_ids",
    "pictures": "media_ids",
    "send_time": "send_at",
    "send_date": "local_at",
}
FORM_FIELDS = {key: name for name, key in SERVICE_KEYS.items()} | {
    "sender_id": "sender",
    "sender_list_id": "sender",
    "account_id": "account",
    "route_id": "account",
}
# Before the id of a sender list, where senders and their lists stand in one control.
OF_LIST = "list-"
# And of a route, where accounts and routes do.
OF_ROUTE = "route-"


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class MomentInput(forms.DateTimeInput):
    """Local to the workspace, to the minute."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


# Groups of three, all set apart by the same sign.
_SIZE = re.compile(
    r"[0-9]{1,10}|[1-9][0-9]{0,2}([ .,'\u2019\u00a0\u202f])[0-9]{3}(?:\1[0-9]{3}){0,2}", re.ASCII
)


class SizeField(forms.Field):
    """A whole number as people write it: 1000, 1,000 or 1 000; what is none is told."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        super().__init__(widget=widget, **kwargs)

    def to_python(self, value: Any) -> Any:
        written = str(value or "").strip()
        if not written:
            return None
        if not _SIZE.fullmatch(written):
            sentence = _("“%(value)s” is no whole number. Write it in digits, such as 1,000.")
            raise forms.ValidationError(sentence % {"value": written[:60]})
        return int(re.sub(r"\D", "", written))


# How a smart broadcast goes on; the first ones of both kinds.
BY_HAND = ("first_segment_size", "exp_date")
BY_CLICKS = (
    "conversion_threshold",
    "next_segment_size",
    "minimum_sample",
    "wait_minutes",
    "recipient_cap",
)


def absent_of(kind: str) -> tuple[str, ...]:
    """Fields of the composer that this kind of broadcast does not have."""
    if kind == BroadcastKind.SINGLE:
        return ("lists", "unsubscribe_lists", "failure_limit", *BY_HAND, *BY_CLICKS)
    if kind == BroadcastKind.SMART_CTR:
        return ("msisdn",)
    return ("msisdn", *BY_CLICKS, *(() if kind == BroadcastKind.SMART_MANUAL else BY_HAND))


def through_choices(broadcast: Broadcast) -> list[tuple[str, Any]]:
    """Accounts and, where there are any, routes: those that are enabled, and the one chosen already."""
    workspace = broadcast.workspace
    accounts = workspace.provider_accounts.filter(Q(enabled=True) | Q(pk=broadcast.account_id or 0))
    routes = workspace.routes.filter(Q(enabled=True) | Q(pk=broadcast.route_id or 0))
    single = [(str(one.pk), _named(one)) for one in accounts.order_by("name")]
    several = [(f"{OF_ROUTE}{one.pk}", _named(one)) for one in routes.order_by("name")]
    if not several:
        return [("", _("Choose an account")), *single]
    groups: list[tuple[Any, Any]] = [(_("Accounts"), single), (_("Routes"), several)]
    return [("", _("Choose an account or a route")), *groups]


def _named(one: ProviderAccount | Route) -> str:
    return one.name if one.enabled else str(_("%(name)s (disabled)")) % {"name": one.name}


def through_value(broadcast: Broadcast) -> str:
    if broadcast.route_id:
        return f"{OF_ROUTE}{broadcast.route_id}"
    return str(broadcast.account_id or "")


def through_changes(value: str) -> dict[str, int | None]:
    """As services.drafts.save_draft takes it."""
    routed = value.startswith(OF_ROUTE)
    pk = int(value.removeprefix(OF_ROUTE)) if value else None
    return {"account_id": None if routed else pk, "route_id": pk if routed else None}


def sender_choices(broadcast: Broadcast) -> list[tuple[str, Any]]:
    """Senders and, where there are any, sender lists: those that are enabled, and the one chosen already."""
    workspace = broadcast.workspace
    senders = workspace.senders.filter(Q(enabled=True) | Q(pk=broadcast.sender_id or 0))
    lists = workspace.sender_lists.filter(Q(enabled=True) | Q(pk=broadcast.sender_list_id or 0))
    single = [(str(pk), value) for pk, value in senders.order_by("value").values_list("pk", "value")]
    several = [(f"{OF_LIST}{pk}", name) for pk, name in lists.order_by("name").values_list("pk", "name")]
    first: list[tuple[str, Any]] = [("", _("Choose a sender"))]
    if not several:
        return [*first, *single]
    groups: list[tuple[Any, Any]] = [(_("Senders"), single), (_("Sender lists"), several)]
    return [*first, *groups]


def sender_value(broadcast: Broadcast) -> str:
    if broadcast.sender_list_id:
        return f"{OF_LIST}{broadcast.sender_list_id}"
    return str(broadcast.sender_id or "")


def sender_changes(value: str) -> dict[str, int | None]:
    """As services.drafts.save_draft takes it."""
    listed = value.startswith(OF_LIST)
    pk = int(value.removeprefix(OF_LIST)) if value else None
    return {"sender_id": None if listed else pk, "sender_list_id": pk if listed else None}


class DraftForm(Form):
    """The composer. Whatever is valid of it can be saved, whatever else is wrong: see `changes`."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=150)
    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), empty_label=None)
    lists = RowsField(label=_("Send to"), queryset=RecipientList.objects.none(), required=False)
    unsubscribe_lists = RowsField(
        label=_("Leave out the members of"),
        queryset=UnsubscribeList.objects.none(),
        required=False,
        widget=CheckList,
    )
    msisdn = forms.CharField(
        label=_("Number"),
        max_length=60,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    sender = forms.ChoiceField(label=_("Sender"), required=False)
    account = forms.ChoiceField(label=_("Through"), required=False)
    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 7, "spellcheck": "true"}),
    )
    pictures = RowsField(label=_("Pictures"), queryset=Media.objects.none(), required=False)
    when = forms.ChoiceField(
        label=_("When"),
        choices=WHEN,
        widget=SegmentedRadio,
        required=False,
    )
    send_date = forms.DateField(label=_("Date"), required=False, widget=DateInput())
    send_time = forms.TimeField(label=_("Time"), required=False, widget=TimeInput())
    failure_limit = SizeField(label=_("Pause when more than so many of a hundred fail"), required=False)
    sends_passed = forms.ChoiceField(
        label=_("Where that time has passed already"),
        choices=[("yes", _("Send at once")), ("no", _("Leave them out"))],
        required=False,
    )
    ignores_quiet_hours = forms.BooleanField(label=_("Send also in quiet hours"), required=False)
    first_segment_size = SizeField(label=_("People of the first segment"), required=False)
    conversion_threshold = forms.DecimalField(
        label=_("Clicks of a hundred for the next one"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("People who followed a link, machines left out, of a hundred messages sent."),
    )
    next_segment_size = SizeField(label=_("People of each next segment"), required=False)
    minimum_sample = SizeField(
        label=_("Messages sent at least"),
        required=False,
        help_text=_("On fewer than these nothing is decided."),
    )
    wait_minutes = SizeField(
        label=_("Minutes to wait for clicks"),
        required=False,
        help_text=_("After a segment was through, before it is decided."),
    )
    recipient_cap = SizeField(
        label=_("Ask after so many people"),
        required=False,
        help_text=_("It is paused then, and a person decides whether it goes on."),
    )
    exp_date = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=MomentInput(),
        help_text=_("Who has not got it by then does not get it."),
    )

    def __init__(self, *args: Any, broadcast: Broadcast, **kwargs: Any) -> None:
        self.broadcast = broadcast
        self.zone = zoneinfo.ZoneInfo(broadcast.workspace.time_zone)
        kwargs["initial"] = initial_of(broadcast, self.zone)
        super().__init__(*args, **kwargs)
        self._offer(broadcast.workspace)
        self.fields["send_time"].label = _("Time (%(zone)s)") % {
            "zone": broadcast.workspace.time_zone.rpartition("/")[2].replace("_", " ")
        }
        self.fields["failure_limit"].help_text = _(
            "Empty: as in the settings, %(limit)s. 100: never. It is paused and says why; what is on its way still arrives."
        ) % {"limit": broadcast.workspace.failure_limit}
        for name in absent_of(broadcast.kind):
            del self.fields[name]
        if broadcast.is_smart:
            self._field("when").choices = [choice for choice in WHEN if choice[0] != LOCAL]
            del self.fields["sends_passed"]
        self._explain_quiet_hours(broadcast.workspace)

    def _explain_quiet_hours(self, workspace: Workspace) -> None:
        hours = pinned_hours(workspace)
        if hours is None:
            del self.fields["ignores_quiet_hours"]
            return
        sentence = _(
            "%(hours)s where each person is. Without this, who would get it then is held until they end."
        )
        self.fields["ignores_quiet_hours"].help_text = sentence % {"hours": hours_words(hours)}

    def _offer(self, workspace: Workspace) -> None:
        """Rows of this workspace: those that are enabled, and those chosen already."""
        chosen = self.broadcast
        self._field("campaign").queryset = workspace.campaigns.filter(
            Q(enabled=True) | Q(pk=chosen.campaign_id)
        ).order_by("name")
        self._field("sender").choices = sender_choices(chosen)
        self._field("account").choices = through_choices(chosen)
        self._field("pictures").queryset = workspace.media
        self._field("lists").queryset = workspace.recipient_lists.order_by("name")
        self._field("unsubscribe_lists").queryset = workspace.unsubscribe_lists.order_by("name")

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("when") in (AT, LOCAL) and "send_date" in cleaned and "send_time" in cleaned:
            day, at = cleaned["send_date"], cleaned["send_time"]
            if day is None or at is None:
                self.add_error("send_date" if day is None else "send_time", _("Choose a date and a time."))
            elif cleaned["when"] == LOCAL:
                self.cleaned_data["local_at"] = datetime.combine(day, at)
            else:
                self._clean_moment(day, at)
        return cleaned

    def _clean_moment(self, day: date, at: time) -> None:
        """Local to the workspace; an hour that happens twice is its first, one that is skipped is refused."""
        moment = datetime.combine(day, at, self.zone)
        if moment.astimezone(zoneinfo.ZoneInfo("UTC")).astimezone(self.zone).replace(
            tzinfo=None
        ) != moment.replace(tzinfo=None):
            sentence = _("The clocks skip %(time)s on that day. Choose another time.")
            self.add_error("send_time", sentence % {"time": at.strftime("%H:%M")})
            return
        self.cleaned_data["send_at"] = moment

    def changes(self) -> dict[str, Any]:
        """What is valid, as services.drafts.save_draft takes it."""
        found: dict[str, Any] = {}
        for name in self.fields:
            if name in ("version", "when", "send_date", "send_time") or name not in self.cleaned_data:
                continue
            value = self.cleaned_data[name]
            if name == "sender":
                found |= sender_changes(value)
                continue
            if name == "sends_passed":
                found[name] = value != "no"
                continue
            if name == "account":
                found |= through_changes(value)
                continue
            key = SERVICE_KEYS.get(name, name)
            if key.endswith("_ids"):
                found[key] = [row.pk for row in value]
            elif key.endswith("_id"):
                found[key] = value.pk if value else None
            else:
                found[key] = value
        if self.cleaned_data.get("when") == NOW:
            found |= {"send_at": None, "local_at": None}
        elif "local_at" in self.cleaned_data:
            found["local_at"] = self.cleaned_data["local_at"]
        elif "send_at" in self.cleaned_data and not self.has_error("send_time"):
            found["send_at"] = self.cleaned_data["send_at"]
        return found

    @property
    def chosen_lists(self) -> list[RecipientList]:
        """As posted, else as saved: the chips."""
        if self.is_bound:
            ids = {whole_number(str(value)) for value in self["lists"].data or []}
        else:
            ids = set(self.initial["lists"])
        return [row for row in self._field("lists").queryset if row.pk in ids]

    @property
    def offered_lists(self) -> list[RecipientList]:
        return [row for row in self._field("lists").queryset if row.enabled]

    def picture_choices(self, newest: int) -> list[tuple[Media, bool]]:
        """The newest enabled ones and, before them, those that are chosen: as posted, else as saved."""
        ids = {whole_number(str(pk)) for pk in self["pictures"].value() or []}
        chosen_ids = [pk for pk in ids if pk is not None]
        rows = self.broadcast.workspace.media
        chosen = list(rows.filter(pk__in=chosen_ids).order_by("id"))
        others = rows.filter(enabled=True).exclude(pk__in=chosen_ids).order_by("-id")[:newest]
        return [(media, True) for media in chosen] + [(media, False) for media in others]


def initial_of(broadcast: Broadcast, zone: zoneinfo.ZoneInfo) -> dict[str, Any]:
    """A draft without a time offers tomorrow at nine."""
    moment = timezone.localtime(broadcast.send_at, zone) if broadcast.send_at else None
    threshold = broadcast.conversion_threshold
    tomorrow = timezone.localtime(timezone.now(), zone).date() + timedelta(days=1)
    return {
        "version": broadcast.version,
        "name": broadcast.name,
        "campaign": broadcast.campaign_id,
        "lists": list(broadcast.lists.values_list("id", flat=True)),
        "unsubscribe_lists": list(broadcast.unsubscribe_lists.values_list("id", flat=True)),
        "msisdn": f"+{broadcast.msisdn}" if broadcast.msisdn else "",
        "sender": sender_value(broadcast),
        "account": through_value(broadcast),
        "text": broadcast.text,
        "pictures": list(broadcast.media.values_list("id", flat=True)),
        **{name: getattr(broadcast, name) for name in BY_CLICKS},
        "conversion_threshold": None if threshold is None else f"{threshold.normalize():f}",
        "first_segment_size": broadcast.first_segment_size,
        "failure_limit": broadcast.failure_limit,
        "exp_date": broadcast.exp_date,
        "ignores_quiet_hours": broadcast.ignores_quiet_hours,
        "when": LOCAL if broadcast.local_date else AT if moment else NOW,
        "send_date": broadcast.local_date or (moment.date() if moment else tomorrow),
        "send_time": broadcast.local_time or (moment.time() if moment else DEFAULT_TIME),
        "sends_passed": "yes" if broadcast.sends_passed else "no",
    }


class TemplateChoice(forms.ModelChoiceField):
    """Of the enabled ones of a workspace, which the form knows."""

    default_error_messages = {  # as Django declares it
        "invalid_choice": _("This template is disabled or does not exist. Choose another one.")
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Template"), queryset=Template.objects.none(), empty_label=None, **kwargs)

    def offer(self, workspace: Workspace) -> None:
        self.queryset = workspace.templates.filter(enabled=True).order_by("name")


class TakeTemplateForm(Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    template = TemplateChoice()
    replaces = forms.BooleanField(label=_("Replace the text that is there"), required=False)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["template"]
        assert isinstance(field, TemplateChoice)
        field.offer(workspace)


class NewBroadcastForm(Form):
    kind = forms.ChoiceField(choices=BroadcastKind.choices, required=False)
    copy_of = forms.ModelChoiceField(
        label=_("Copy of"), queryset=Broadcast.objects.none(), required=False, empty_label=None
    )
    template = TemplateChoice(required=False)

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        copy_of, template = self.fields["copy_of"], self.fields["template"]
        assert isinstance(copy_of, forms.ModelChoiceField)
        assert isinstance(template, TemplateChoice)
        copy_of.queryset = workspace.broadcasts.order_by("-id")
        template.offer(workspace)

    def clean_kind(self) -> str:
        return self.cleaned_data["kind"] or BroadcastKind.BASE.value


NEXT, REST = "next", "rest"


class SegmentForm(Form):
    """The next segment of a smart broadcast: seen first, then sent."""

    who = forms.ChoiceField(label=_("To"), choices=[], widget=SegmentedRadio)
    size = SizeField(label=_("People"), required=False)
    sender = forms.ChoiceField(label=_("Sender"), required=False)
    text = forms.CharField(
        label=_("Text"), strip=False, widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "true"})
    )
    recipient_cap = SizeField(label=_("Ask again after so many people"), required=False)

    def __init__(self, *args: Any, broadcast: Broadcast, left: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        who, sender = self.fields["who"], self.fields["sender"]
        assert isinstance(who, forms.ChoiceField)
        assert isinstance(sender, forms.ChoiceField)
        rest = str(_("Everybody who is left (%(n)s)")) % {"n": f"{left:,}"}
        who.choices = [(NEXT, _("The next ones")), (REST, rest)]
        sender.choices = sender_choices(broadcast)
        if broadcast.kind != BroadcastKind.SMART_CTR:
            del self.fields["recipient_cap"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("who") == NEXT and cleaned.get("size") is None and not self.has_error("size"):
            self.add_error(
                "size", _("Enter how many people the segment has, or choose everybody who is left.")
            )
        return cleaned

    @property
    def chosen_size(self) -> int | None:
        return None if self.cleaned_data["who"] == REST else self.cleaned_data["size"]

    def own(self) -> dict[str, Any]:
        """As services.segments takes it."""
        text = self.cleaned_data["text"].replace("\r\n", "\n")
        return {"text": text, **sender_changes(self.cleaned_data["sender"])}


class LaunchForm(Form):
    digest = forms.CharField(max_length=64)
    launch_token = forms.CharField(max_length=64)
    typed_count = CountField(required=False)


class SendTestForm(Form):
    msisdn = forms.CharField(
        label=_("Send to"),
        max_length=60,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
        help_text=_("Your own number, for example. It is remembered for the next test."),
    )
    recipient_id = forms.TypedChoiceField(
        label=_("With the values of"), coerce=int, empty_value=None, required=False
    )

    def __init__(self, *args: Any, people: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["recipient_id"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [("", _("Nobody: tokens show their defaults")), *people]


class CampaignForm(Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=DateInput(), help_text=_("Nothing is sent before it.")
    )
    ends_on = forms.DateField(
        label=_("Last day"), required=False, widget=DateInput(), help_text=_("Nothing is sent after it.")
    )


class EditCampaignForm(TellsEdited, CampaignForm):
    enabled = forms.BooleanField(
        label=_("Enabled"),
        required=False,
        help_text=_("Broadcasts of a disabled campaign cannot be launched."),
    )


class AccountChoice(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return _named(obj)


class AgainForm(Form):
    """To those who missed it: for which reasons, and through which account."""

    account = AccountChoice(label=_("Through"), queryset=ProviderAccount.objects.none(), empty_label=None)
    reasons = forms.MultipleChoiceField(
        label=_("Reasons"),
        required=False,
        error_messages={"invalid_choice": _("“%(value)s” is none of the reasons. Choose among them.")},
    )

    def __init__(self, *args: Any, broadcast: Broadcast, keys: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account, reasons = self.fields["account"], self.fields["reasons"]
        assert isinstance(account, forms.ModelChoiceField)
        assert isinstance(reasons, forms.MultipleChoiceField)
        account.queryset = broadcast.workspace.provider_accounts.filter(
            Q(enabled=True) | Q(pk=broadcast.account_id or 0)
        ).order_by("name")
        account.initial = broadcast.account_id
        if broadcast.route is not None:
            account.empty_label = _named(broadcast.route)
        account.required = False
        # Without one it is the same account: no word of that.
        mark_one_of_several(self, ("account",))
        reasons.choices = [(key, key) for key in keys]


class SettleForm(Form):
    """A person's word on what is unknown, of a group or of one message."""

    word = forms.ChoiceField(choices=[("received", ""), ("not_received", "")])
    account = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    reason = forms.CharField(required=False, max_length=40)
    message = forms.IntegerField(required=False, min_value=1, max_value=2**62)
