"""Drafts: made, saved piece by piece, copied, deleted. Nothing but a draft can be edited."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from campaigns.errors import CampaignError, EditedElsewhere, NotNow
from campaigns.models import (
    DEFAULT_MINIMUM_SAMPLE,
    DEFAULT_WAIT_MINUTES,
    SMART_KINDS,
    Broadcast,
    BroadcastKind,
    BroadcastState,
)
from campaigns.services.campaigns import default_campaign
from messaging.errors import MessagingError
from messaging.media.services import checked_pictures
from messaging.models import Template
from messaging.singles import checked_parameter
from sms.msisdn import MsisdnError, parse_msisdn
from web.names import name_problem, stripped_name

Setter = Callable[[Broadcast, Any], None]
TEXT_MOST = 100_000
# More than any provider takes.
MEDIA_MOST = 10
# More than any list holds, and what the database's column takes.
SIZE_MOST = 1_000_000_000
WAIT_MOST = 30 * 24 * 60
COPIED_FIELDS = (
    "campaign",
    "kind",
    "msisdn",
    "sender",
    "sender_list",
    "account",
    "route",
    "text",
    "custom_parameter",
    "template",
    "first_segment_size",
    "next_segment_size",
    "conversion_threshold",
    "recipient_cap",
    "minimum_sample",
    "wait_minutes",
    "failure_limit",
)


def create_draft(
    *,
    workspace: Workspace,
    actor: Actor,
    name: str = "",
    kind: str = BroadcastKind.BASE,
    copy_of: Broadcast | None = None,
    template: Template | None = None,
) -> Broadcast:
    """A draft with what can be known: the default campaign and sender, and account or sender if there is just one.

    `template`: whose text it begins with, and whose name where none is given. Raises CampaignError.
    """
    if copy_of is not None:
        return duplicate(broadcast=copy_of, actor=actor, name=name)
    broadcast = Broadcast(workspace=workspace, kind=kind, created_by=actor.user)
    broadcast.name = _checked_name(name)[:150] or _("Untitled broadcast")
    if template is not None:
        _begin_from(broadcast, template, name)
    broadcast.campaign = default_campaign(workspace)
    accounts = list(workspace.provider_accounts.filter(enabled=True).order_by("id")[:2])
    senders = list(workspace.senders.filter(enabled=True).order_by("-is_default", "id")[:2])
    broadcast.account = accounts[0] if len(accounts) == 1 else None
    broadcast.sender = senders[0] if len(senders) == 1 or (senders and senders[0].is_default) else None
    broadcast.save()
    details = {"template": template.name} if template else {}
    record(workspace, actor, "created", broadcast, **details)
    return broadcast


def _begin_from(broadcast: Broadcast, template: Template, name: str) -> None:
    _require_usable(broadcast, template)
    broadcast.template, broadcast.text = template, template.text
    broadcast.name = _checked_name(name)[:150] or template.name


def _require_usable(broadcast: Broadcast, template: Template) -> None:
    if template.workspace_id != broadcast.workspace_id:
        raise CampaignError(
            _("There is no template %(id)s in this workspace. Choose another one.") % {"id": template.pk},
            field="template",
        )
    if not template.enabled:
        raise CampaignError(
            _("The template “%(name)s” is disabled. Enable it, or choose another one.")
            % {"name": template.name},
            field="template",
        )


def duplicate(*, broadcast: Broadcast, actor: Actor, name: str = "") -> Broadcast:
    copy = Broadcast(workspace=broadcast.workspace, created_by=actor.user)
    for field in COPIED_FIELDS:
        setattr(copy, field, getattr(broadcast, field))
    copy.name = (_checked_name(name) or _("Copy of %(name)s") % {"name": broadcast.name})[:150]
    with transaction.atomic():
        copy.save()
        copy.lists.set(broadcast.lists.all())
        copy.unsubscribe_lists.set(broadcast.unsubscribe_lists.all())
        copy.media.set(broadcast.media.all())
    record(broadcast.workspace, actor, "created", copy, copy_of=broadcast.pk)
    return copy


def save_draft(*, broadcast: Broadcast, actor: Actor, version: int, changes: dict[str, Any]) -> Broadcast:
    """Saves the given fields if nobody saved since `version`; all of them or none.

    Keys: name, campaign_id, list_ids, unsubscribe_list_ids, sender_id, sender_list_id, account_id, route_id, template_id,
    text, media_ids, send_at, msisdn; of a smart one first_segment_size, next_segment_size, conversion_threshold,
    recipient_cap, minimum_sample, wait_minutes, exp_date; of all but a single one failure_limit. A template without a text
    gives its own. A sender takes the place of a sender list, and a list that of a sender; so with an account and a route.
    Raises CampaignError (with the field), EditedElsewhere, NotNow.
    """
    unknown = set(changes) - set(SETTERS)
    if unknown:
        raise CampaignError(
            _("Unknown field: %(name)s.") % {"name": sorted(unknown)[0]}, field=sorted(unknown)[0]
        )
    with transaction.atomic():
        fresh = (
            Broadcast.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=broadcast.pk)
        )
        if fresh.state != BroadcastState.DRAFT:
            raise NotNow(
                _("Only a draft can be edited. This broadcast is %(state)s.") % {"state": fresh.state}
            )
        if fresh.version != version:
            raise EditedElsewhere(fresh.version)
        _one_of_both(fresh, changes)
        changes = _with_text_of_template(fresh, changes)
        for field, value in changes.items():
            SETTERS[field](fresh, value)
        fresh.version = version + 1
        fresh.updated_at = timezone.now()
        fresh.save()
    return fresh


def _one_of_both(broadcast: Broadcast, changes: dict[str, Any]) -> None:
    if changes.get("send_at") and changes.get("local_at"):
        raise CampaignError(
            _("It is sent at one moment, or at a time where each recipient is. Leave one of both out."),
            field="local_at",
        )
    if changes.get("sender_id") and changes.get("sender_list_id"):
        raise CampaignError(
            _("A broadcast has a sender or a sender list, not both. Leave one of them out."),
            field="sender_list_id",
        )
    if changes.get("account_id") and changes.get("route_id"):
        raise CampaignError(
            _("A broadcast goes through an account or a route, not both. Leave one of them out."),
            field="route_id",
        )
    if changes.get("account_id"):
        broadcast.route = None
    if changes.get("route_id"):
        broadcast.account = None
    if changes.get("sender_id"):
        broadcast.sender_list = None
    if changes.get("sender_list_id"):
        broadcast.sender = None


def _with_text_of_template(broadcast: Broadcast, changes: dict[str, Any]) -> dict[str, Any]:
    if not changes.get("template_id") or "text" in changes:
        return changes
    SETTERS["template_id"](broadcast, changes["template_id"])
    template = broadcast.template
    assert template is not None  # the setter raises for one that is not there
    _require_usable(broadcast, template)
    return changes | {"text": template.text}


def take_template(
    *, broadcast: Broadcast, actor: Actor, version: int, template: Template, replaces: bool
) -> Broadcast:
    """The template's text in place of the draft's. A text that is there is replaced only where `replaces` says so.

    Raises CampaignError, EditedElsewhere, NotNow.
    """
    if broadcast.text.strip() and not replaces:
        raise CampaignError(
            _("This draft has a text already. Say that it may be replaced, or keep it."),
            field="replaces",
            code="has_text",
        )
    _require_usable(broadcast, template)
    changes = {"text": template.text, "template_id": template.pk}
    return save_draft(broadcast=broadcast, actor=actor, version=version, changes=changes)


def delete_draft(*, broadcast: Broadcast, actor: Actor) -> None:
    """Only what never went out can be deleted; the rest is kept for its recipients' sake."""
    with transaction.atomic():
        deleted = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        if not deleted.exists():
            raise NotNow(_("Only a draft can be deleted."))
        record(broadcast.workspace, actor, "deleted", broadcast)
        deleted.delete()


def _checked_name(value: str) -> str:
    """ "" where none is given. Raises CampaignError."""
    name = stripped_name(value)
    if problem := name_problem(name):
        raise CampaignError(problem, field="name")
    return name


def _set_name(broadcast: Broadcast, value: str) -> None:
    name = _checked_name(value)
    if not name:
        raise CampaignError(_("A broadcast needs a name."), field="name")
    if len(name) > 150:
        raise CampaignError(_("The name has %(n)s characters; at most 150.") % {"n": len(name)}, field="name")
    broadcast.name = name


def _set_custom_parameter(broadcast: Broadcast, value: str) -> None:
    try:
        broadcast.custom_parameter = checked_parameter(value)
    except MessagingError as error:
        raise CampaignError(error.sentence, field=error.field) from None


def _set_text(broadcast: Broadcast, value: str) -> None:
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > TEXT_MOST:
        sentence = _("The text has %(n)s characters; at most %(most)s. Shorten it.")
        raise CampaignError(sentence % {"n": len(text), "most": TEXT_MOST}, field="text")
    if "\x00" in text:
        raise CampaignError(_("The text holds a NUL character. Remove it."), field="text")
    broadcast.text = text


def _set_send_at(broadcast: Broadcast, value: datetime | None) -> None:
    if value is not None and timezone.is_naive(value):
        raise CampaignError(
            _("The time needs a time zone, such as 2026-12-01T09:00:00+01:00."), field="send_at"
        )
    broadcast.send_at = value
    if value is not None:
        broadcast.local_date = broadcast.local_time = None


def _set_local_at(broadcast: Broadcast, value: datetime | None) -> None:
    """`value`: without a zone, to the minute."""
    if value is None:
        broadcast.local_date = broadcast.local_time = None
        return
    if broadcast.is_smart:
        sentence = _("A broadcast in segments takes no local_send_at. Leave it out, or make a base one.")
        raise CampaignError(sentence, field="local_at")
    broadcast.local_date, broadcast.local_time = value.date(), value.time()
    broadcast.send_at = None


def _set_sends_passed(broadcast: Broadcast, value: bool) -> None:
    broadcast.sends_passed = bool(value)


def _set_exp_date(broadcast: Broadcast, value: datetime | None) -> None:
    _require_smart(broadcast, "exp_date", value)
    if value is not None and timezone.is_naive(value):
        raise CampaignError(
            _("The time needs a time zone, such as 2026-12-01T09:00:00+01:00."), field="exp_date"
        )
    broadcast.exp_date = value


def _require_smart(broadcast: Broadcast, field: str, value: Any) -> None:
    """By clicks, for what is of no use to one that a person continues."""
    if value is None:
        return
    if field in TO_LISTS:
        wanted: tuple[BroadcastKind, ...] = (BroadcastKind.BASE, *SMART_KINDS)
    else:
        wanted = SMART_KINDS if field in BY_HAND_TOO else (BroadcastKind.SMART_CTR,)
    if broadcast.kind not in wanted:
        sentence = _("A broadcast of the kind %(kind)s takes no %(field)s. Leave it out.")
        raise CampaignError(sentence % {"kind": broadcast.kind, "field": field}, field=field)


def _size_setter(field: str, *, least: int, most: int, default: int | None = None) -> Setter:
    """A whole number; None puts the default there."""

    def set_size(broadcast: Broadcast, value: Any) -> None:
        _require_smart(broadcast, field, value)
        if value is None:
            setattr(broadcast, field, default)
            return
        number = int(value)
        if not least <= number <= most:
            sentence = _("%(field)s is %(value)s; it has to be from %(least)s to %(most)s.")
            values = {"field": field, "value": f"{number:,}", "least": f"{least:,}", "most": f"{most:,}"}
            raise CampaignError(sentence % values, field=field)
        setattr(broadcast, field, number)

    return set_size


def _set_threshold(broadcast: Broadcast, value: Any) -> None:
    _require_smart(broadcast, "conversion_threshold", value)
    threshold = None if value is None else Decimal(str(value))
    if threshold is not None and not (
        threshold.is_finite() and 0 < threshold <= 100 and threshold == round(threshold, 3)
    ):
        sentence = _(
            "conversion_threshold is %(value)s; it has to be above 0, at most 100, with at most three decimals."
        )
        raise CampaignError(sentence % {"value": value}, field="conversion_threshold")
    broadcast.conversion_threshold = threshold


def _set_msisdn(broadcast: Broadcast, value: str) -> None:
    if not str(value).strip():
        broadcast.msisdn = ""
        return
    if broadcast.kind != BroadcastKind.SINGLE:
        raise CampaignError(
            _("A broadcast to lists takes no number of its own. Leave it out, or make a single one."),
            field="msisdn",
        )
    try:
        broadcast.msisdn = parse_msisdn(str(value), broadcast.workspace.default_country).digits
    except MsisdnError as error:
        raise CampaignError(error.sentence, field="msisdn") from None


def _row_setter(attribute: str, relation: str, field: str) -> Setter:
    """Sets a foreign key to a row of the same workspace; None empties it where that is allowed."""

    def set_row(broadcast: Broadcast, value: Any) -> None:
        if value in (None, "") and attribute != "campaign":
            setattr(broadcast, attribute, None)
            return
        row = getattr(broadcast.workspace, relation).filter(pk=value or 0).first()
        if row is None:
            raise CampaignError(
                _("There is no %(what)s %(id)s in this workspace. Choose another one.")
                % {"what": attribute.replace("_", " "), "id": value},
                field=field,
            )
        setattr(broadcast, attribute, row)

    return set_row


def _rows_setter(attribute: str, relation: str, field: str) -> Setter:
    def set_rows(broadcast: Broadcast, value: Any) -> None:
        wanted = {int(pk) for pk in value}
        rows = list(getattr(broadcast.workspace, relation).filter(pk__in=wanted))
        missing = wanted - {row.pk for row in rows}
        if missing:
            raise CampaignError(
                _("There is no list %(id)s in this workspace. Choose another one.") % {"id": min(missing)},
                field=field,
            )
        getattr(broadcast, attribute).set(rows)

    return set_rows


def _set_media(broadcast: Broadcast, value: Collection[Any]) -> None:
    ids = sorted({int(pk) for pk in value})
    if len(ids) > MEDIA_MOST:
        sentence = _("These are %(n)s pictures; at most %(most)s go with a message. Choose fewer.")
        raise CampaignError(sentence % {"n": len(ids), "most": MEDIA_MOST}, field="media_ids")
    try:
        broadcast.media.set(checked_pictures(broadcast.workspace, ids))
    except MessagingError as error:
        raise CampaignError(error.sentence, field="media_ids") from None


def _set_ignores_quiet_hours(broadcast: Broadcast, value: bool) -> None:
    broadcast.ignores_quiet_hours = bool(value)


# Of both kinds of smart broadcasts.
BY_HAND_TOO = ("first_segment_size", "exp_date")
# Of all that go to lists.
TO_LISTS = ("failure_limit",)
SETTERS: dict[str, Setter] = {
    "first_segment_size": _size_setter("first_segment_size", least=1, most=SIZE_MOST),
    "next_segment_size": _size_setter("next_segment_size", least=1, most=SIZE_MOST),
    "recipient_cap": _size_setter("recipient_cap", least=1, most=SIZE_MOST),
    "minimum_sample": _size_setter("minimum_sample", least=1, most=SIZE_MOST, default=DEFAULT_MINIMUM_SAMPLE),
    "wait_minutes": _size_setter("wait_minutes", least=0, most=WAIT_MOST, default=DEFAULT_WAIT_MINUTES),
    "failure_limit": _size_setter("failure_limit", least=1, most=100),
    "conversion_threshold": _set_threshold,
    "exp_date": _set_exp_date,
    "name": _set_name,
    "text": _set_text,
    "custom_parameter": _set_custom_parameter,
    "send_at": _set_send_at,
    "local_at": _set_local_at,
    "sends_passed": _set_sends_passed,
    "ignores_quiet_hours": _set_ignores_quiet_hours,
    "msisdn": _set_msisdn,
    "campaign_id": _row_setter("campaign", "campaigns", "campaign_id"),
    "sender_id": _row_setter("sender", "senders", "sender_id"),
    "sender_list_id": _row_setter("sender_list", "sender_lists", "sender_list_id"),
    "account_id": _row_setter("account", "provider_accounts", "account_id"),
    "route_id": _row_setter("route", "routes", "route_id"),
    "template_id": _row_setter("template", "templates", "template_id"),
    "media_ids": _set_media,
    "list_ids": _rows_setter("lists", "recipient_lists", "list_ids"),
    "unsubscribe_list_ids": _rows_setter("unsubscribe_lists", "unsubscribe_lists", "unsubscribe_list_ids"),
}
