"""One number everywhere: what a workspace knows of it, and what was written to and fro."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEntry, Workspace
from campaigns.models import Broadcast
from campaigns.services.origins import Origin, origins_of
from contacts.fields import CONSENT_LABELS, LABELS, PERSON_FIELDS
from contacts.models import OptOut, OptOutReview, Recipient, ReviewDecision, UnsubscribeMember
from messaging.threads import ThreadText, message_of, thread_of
from sms.msisdn import MsisdnError, parse_msisdn, time_zones_of

SHOWN_TEXTS = 50
# Undone opt-outs that are shown; the export has all.
SHOWN_UNDONE = 10
KIND_WORDS: dict[str, str | Promise] = {
    "mobile": _("mobile"),
    "fixed_line": _("landline"),
    "fixed_line_or_mobile": _("landline or mobile"),
    "toll_free": _("toll-free"),
    "premium_rate": _("premium rate"),
    "shared_cost": _("shared cost"),
    "voip": _("internet telephony"),
    "personal_number": _("personal number"),
    "pager": _("pager"),
    "uan": _("company-wide number"),
    "voicemail": _("voicemail"),
}


@dataclass(frozen=True, slots=True)
class Undone:
    """An opt-out that is not in force any more."""

    entry: AuditEntry
    how: str
    source: str


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """`country`, `kind`: "" for a number that is not in use. `time_zones`: all that are possible."""

    workspace_id: int
    msisdn: str
    country: str
    kind: str
    time_zones: tuple[str, ...]
    people: list[Recipient]
    opt_out: OptOut | None
    undone: list[Undone]
    unsubscribed: list[UnsubscribeMember]
    reviews: list[OptOutReview]
    thread: list[ThreadText]
    broadcasts: dict[int, str] = field(default_factory=dict)
    # By the id of a person on a list.
    origins: dict[int, Origin] = field(default_factory=dict)
    # What the opt-out answered; None where it is not known any more.
    answered: ThreadText | None = None

    @property
    def is_known(self) -> bool:
        """Also where nothing but a single broadcast names it, which may be a draft."""
        known = self.people or self.opt_out or self.undone or self.unsubscribed or self.thread
        singles = Broadcast.objects.filter(workspace_id=self.workspace_id, msisdn=self.msisdn)
        return bool(known) or singles.exists()


def know_number(workspace: Workspace, msisdn: str) -> KnownNumber:
    country, kind = _plan(msisdn)
    thread = thread_of(workspace.pk, msisdn, SHOWN_TEXTS)
    reviews = OptOutReview.objects.filter(workspace=workspace, msisdn=msisdn)
    on_lists = Recipient.objects.filter(msisdn=msisdn, list__workspace=workspace).select_related("list")
    people = list(on_lists.order_by("list__name"))
    opt_out = OptOut.objects.filter(workspace=workspace, msisdn=msisdn).first()
    members = UnsubscribeMember.objects.filter(msisdn=msisdn, list__workspace=workspace)
    return KnownNumber(
        workspace_id=workspace.pk,
        msisdn=msisdn,
        country=country,
        kind=kind,
        time_zones=time_zones_of(msisdn),
        people=people,
        opt_out=opt_out,
        undone=_undone(workspace, msisdn),
        unsubscribed=list(members.select_related("list").order_by("list__name")),
        reviews=list(reviews.filter(decision=ReviewDecision.WAITING).order_by("-pk")[:SHOWN_UNDONE]),
        thread=thread,
        broadcasts=_broadcasts(workspace, thread),
        origins=origins_of(workspace, people),
        answered=_answered(workspace, opt_out, thread),
    )


def _plan(msisdn: str) -> tuple[str, str]:
    try:
        found = parse_msisdn(f"+{msisdn}", None)
    except MsisdnError:
        return "", ""
    return found.country, found.kind


def _undone(workspace: Workspace, msisdn: str) -> list[Undone]:
    rows = AuditEntry.objects.filter(
        workspace=workspace, subject="optout", label=f"+{msisdn}", action="opted in"
    ).select_related("user", "api_key")
    was: list[tuple[AuditEntry, dict[str, Any]]] = [
        (entry, entry.details.get("was", {})) for entry in rows.order_by("-pk")[:SHOWN_UNDONE]
    ]
    return [Undone(entry, proof.get("how", ""), proof.get("source", "")) for entry, proof in was]


def _answered(workspace: Workspace, opt_out: OptOut | None, thread: list[ThreadText]) -> ThreadText | None:
    """A message of the same number alone: ids of a file may be of another installation."""
    if opt_out is None or not opt_out.message_id:
        return None
    shown = next((text for text in thread if text.is_ours and text.pk == opt_out.message_id), None)
    return shown or message_of(workspace.pk, opt_out.msisdn, opt_out.message_id)


def _broadcasts(workspace: Workspace, thread: list[ThreadText]) -> dict[int, str]:
    ids = {text.broadcast_id for text in thread if text.broadcast_id}
    rows = Broadcast.objects.filter(workspace=workspace, pk__in=ids) if ids else Broadcast.objects.none()
    return dict(rows.values_list("pk", "name"))


def values_of(person: Recipient) -> list[tuple[str, str]]:
    """What is filled in, by the words for it; consent is told by itself (origins.py)."""
    own = [(capfirst(str(LABELS[name])), getattr(person, name)) for name in PERSON_FIELDS]
    further = [(name, str(value)) for name, value in person.extra.items() if name not in CONSENT_LABELS]
    return [(label, value) for label, value in (*own, *further) if value]
