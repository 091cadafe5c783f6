"""Who did not get it, and finishing the job: another broadcast to them, and a person's word on what is unknown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import Actor
from accounts.audit import record
from campaigns.errors import CampaignError
from campaigns.models import Broadcast, BroadcastKind
from campaigns.services.drafts import duplicate
from campaigns.services.events import note
from campaigns.services.reports import WAITS, ReasonLine, reasons_of
from contacts.models import Recipient, RecipientList
from messaging.dispatches import with_branches
from messaging.ledger import Change, apply_changes
from messaging.models import Message, ReceiptQuestion
from messaging.reasons import FREQUENCY_CAP, SAID_NOT_RECEIVED, SAID_RECEIVED, reason_of
from providers.models import ProviderAccount
from sms.states import MessageState

S = MessageState
# Another try makes sense for these; who opted out, or may have got it, is never among them.
WORTH_ANOTHER_TRY = {
    (S.UNDELIVERED.value, "undelivered"),
    (S.UNDELIVERED.value, ""),
    (S.EXPIRED.value, "expired"),
    (S.EXPIRED.value, ""),
    (S.CANCELLED.value, "stopped"),
    (S.CANCELLED.value, "broadcast_expired"),
    (S.CANCELLED.value, FREQUENCY_CAP),
    (S.FAILED.value, "refused"),
    (S.FAILED.value, "sender_not_allowed"),
    (S.FAILED.value, "no_sender_for_country"),
    (S.FAILED.value, "out_of_reach"),
    (S.FAILED.value, "text_too_long"),
    (S.FAILED.value, "empty_text"),
    (S.FAILED.value, SAID_NOT_RECEIVED),
}
COPIED_AT_ONCE = 2000
SETTLED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Missed:
    line: ReasonLine
    reachable: bool

    @property
    def key(self) -> str:
        return f"{self.line.state}:{self.line.code}"


def missed_of(broadcast: Broadcast) -> list[Missed]:
    """Every reason for which somebody did not get it, and whether another try makes sense."""
    ids = with_branches(broadcast.segments.values_list("dispatch_id", flat=True))
    lines = [line for line in reasons_of(ids) if line.state not in {state.value for state in WAITS}]
    return [Missed(line, (line.state, line.code) in WORTH_ANOTHER_TRY) for line in lines]


def draft_for_missed(
    *,
    broadcast: Broadcast,
    actor: Actor,
    reasons: Collection[str],
    account: ProviderAccount | None = None,
) -> Broadcast:
    """A draft to those who missed it for the given reasons, on a list of their own, with the same text and senders,
    through the same account or route, or another account. Whoever gets it from another such draft is left out:
    services/barred.py.

    `reasons`: codes, or "state:code"; only those that are worth another try are taken.
    """
    chosen = [
        missed.line
        for missed in missed_of(broadcast)
        if missed.reachable and (missed.key in reasons or missed.line.code in reasons)
    ]
    rows = _rows_of(broadcast, chosen)
    if not chosen or not _is_anybody(broadcast, rows):
        raise CampaignError(
            _(
                "Nobody among them can be tried again: no reason is chosen for which that makes sense, or they are on no"
                " list any more."
            ),
            field="reasons",
        )
    with transaction.atomic():
        draft = duplicate(
            broadcast=broadcast, actor=actor, name=_("%(name)s, again") % {"name": broadcast.name}
        )
        if broadcast.kind != BroadcastKind.SINGLE:
            draft.kind = BroadcastKind.BASE
            draft.lists.set([_copy_to_list(broadcast, rows)])
        draft.first_segment_size = draft.next_segment_size = None
        draft.conversion_threshold = draft.recipient_cap = None
        if account is not None:
            draft.account, draft.route = account, None
        draft.again_of = broadcast
        draft.again_root_id = broadcast.again_root_id or broadcast.pk
        draft.save()
        record(broadcast.workspace, actor, "created", draft, missed_of=broadcast.pk)
    return draft


def _rows_of(broadcast: Broadcast, lines: Sequence[ReasonLine]) -> QuerySet[Message]:
    of_lines = Q(pk__in=[])
    for line in lines:
        of_lines |= Q(state=line.state, reason=line.code)
    ids = with_branches(broadcast.segments.values_list("dispatch_id", flat=True))
    return Message.objects.filter(of_lines, workspace_id=broadcast.workspace_id, dispatch_id__in=ids)


def _is_anybody(broadcast: Broadcast, rows: QuerySet[Message]) -> bool:
    if broadcast.kind == BroadcastKind.SINGLE:
        return rows.exists()
    return Recipient.objects.filter(id__in=rows.values("recipient_id")).exists()


def _copy_to_list(broadcast: Broadcast, rows: QuerySet[Message]) -> RecipientList:
    number = broadcast.workspace.recipient_lists.filter(name__startswith=broadcast.name[:60]).count() + 1
    name = _("%(name)s, missed %(number)s") % {"name": broadcast.name[:60], "number": number}
    columns = sorted(
        {column for names in broadcast.lists.values_list("columns", flat=True) for column in names}
    )
    people = RecipientList.objects.create(workspace=broadcast.workspace, name=name, columns=columns)
    copies: list[Recipient] = []
    found = Recipient.objects.filter(id__in=rows.values("recipient_id")).order_by("id")
    for row in found.iterator(chunk_size=COPIED_AT_ONCE):
        row.pk = None
        row._state.adding = True
        row.list = people
        copies.append(row)
        if len(copies) == COPIED_AT_ONCE:
            Recipient.objects.bulk_create(copies)
            copies = []
    Recipient.objects.bulk_create(copies)
    people.recipient_count = people.recipients.count()
    people.save(update_fields=["recipient_count"])
    return people


# --- what is unknown --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnknownGroup:
    """Messages of which nobody knows, by account and reason. `asked`: of how many the provider is asked just now;
    `last_at`: when the last of them was handed over."""

    account: ProviderAccount
    reason: str
    count: int
    asked: int
    last_at: datetime | None

    @property
    def sentence(self) -> str | Promise:
        return reason_of(self.reason or "unknown").sentence


def unknown_groups(broadcast: Broadcast) -> list[UnknownGroup]:
    """The largest first."""
    rows = _unknown_rows(broadcast).order_by()
    asked = Exists(ReceiptQuestion.objects.filter(pk=OuterRef("pk")))
    found = rows.values("account_id", "reason").annotate(
        n=Count("id"), asked=Count("id", filter=Q(asked)), last=Max("submitted_at")
    )
    accounts = ProviderAccount.objects.in_bulk([row["account_id"] for row in found])
    groups = [
        UnknownGroup(accounts[row["account_id"]], row["reason"], row["n"], row["asked"], row["last"])
        for row in found
    ]
    return sorted(groups, key=lambda group: (-group.count, group.account.pk, group.reason))


def settle_unknown(
    *,
    broadcast: Broadcast,
    actor: Actor,
    received: bool,
    account_id: int | None = None,
    reason: str | None = None,
    message_id: int | None = None,
) -> int:
    """A person's word: they got it, or they did not and may be sent it again. Of a group, of one message, or of all where
    nothing is given. What has been settled meanwhile stays as it is; returns how many were settled."""
    rows = _unknown_rows(broadcast)
    for name, value in (("account_id", account_id), ("reason", reason), ("pk", message_id)):
        if value is not None:
            rows = rows.filter(**{name: value})
    state, why = (S.DELIVERED, SAID_RECEIVED) if received else (S.FAILED, SAID_NOT_RECEIVED)
    settled, last = 0, 0
    while ids := list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:SETTLED_AT_ONCE]):
        last, now = ids[-1], timezone.now()
        # What a report has settled since is left as it says.
        with transaction.atomic():
            still = list(rows.filter(id__in=ids).select_for_update(of=("self",)).order_by("id"))
            settled += len(apply_changes([Change(row.pk, state, now, "person", why) for row in still]))
    if not settled:
        raise CampaignError(
            _("Nothing is unknown there any more: it has been settled meanwhile."), code="already_settled"
        )
    note(broadcast, "settled", _settled_words(settled, received), actor=actor)
    record(broadcast.workspace, actor, "settled", broadcast, messages=settled, received=received)
    return settled


def _unknown_rows(broadcast: Broadcast) -> QuerySet[Message]:
    ids = with_branches(broadcast.segments.values_list("dispatch_id", flat=True))
    return Message.objects.filter(
        workspace_id=broadcast.workspace_id, dispatch_id__in=ids, state=S.UNKNOWN.value
    )


def _settled_words(settled: int, received: bool) -> str:
    sentence = (
        ngettext(
            "%(n)s unknown message settled: it arrived.",
            "%(n)s unknown messages settled: they arrived.",
            settled,
        )
        if received
        else ngettext(
            "%(n)s unknown message settled: it did not arrive and may be sent again.",
            "%(n)s unknown messages settled: they did not arrive and may be sent again.",
            settled,
        )
    )
    return sentence % {"n": f"{settled:,}"}
