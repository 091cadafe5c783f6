"""Erasure on request, as privacy law gives everybody the right to: docs/privacy.md says what stays, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import BinaryField, F, Func, IntegerField, Q, QuerySet, Value

from accounts.access import Actor
from accounts.audit import record
from accounts.models import AuditEntry, Workspace
from contacts.models import ImportBefore, OptOutHow, OptOutReview, Recipient
from contacts.services.forgetting import ERASED, forget_person, trail_of
from contacts.services.lists import remove_recipients
from contacts.services.opt_outs import opt_out
from messaging.models import InboundText, Message
from providers.models import StoredWebhookCall, WebhookCallState
from sms.states import MessageState

BATCH = 500
# Vendors write a number with calling code, without it, with plus or without: its end is the same.
END_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows were removed or emptied. `files`: imports and exports whose files were deleted; `on_the_way`:
    messages whose text a provider is just being handed.
    """

    lists: int
    messages: int
    inbound: int
    calls: int
    files: int
    on_the_way: int


def erase_number(*, workspace: Workspace, msisdn: str, reason: str, actor: Actor) -> Erased:
    """What a workspace knows of the person behind a number goes; that they must not be texted stays.

    Each step stands for itself and finds nothing when it is repeated: after a crash, erase again.
    """
    opt_out(workspace=workspace, msisdn=msisdn, how=OptOutHow.PERSON, source=reason)
    files = forget_person(workspace=workspace, trail=trail_of(workspace, msisdn))
    erased = Erased(
        lists=_leave_lists(workspace, msisdn, actor),
        messages=_empty_messages(workspace, msisdn),
        inbound=_empty_inbound(workspace, msisdn),
        calls=_empty_calls(workspace, msisdn),
        files=files,
        on_the_way=_messages(workspace, msisdn).filter(state=MessageState.SUBMITTING).count(),
    )
    OptOutReview.objects.filter(workspace=workspace, msisdn=msisdn).delete()
    AuditEntry.objects.filter(workspace=workspace, subject="recipient", label=f"+{msisdn}").update(label="")
    counts = {
        "lists": erased.lists,
        "messages": erased.messages,
        "inbound": erased.inbound,
        "calls": erased.calls,
        "files": erased.files,
    }
    record(workspace, actor, ERASED, workspace, **counts)
    return erased


def _leave_lists(workspace: Workspace, msisdn: str, actor: Actor) -> int:
    rows = Recipient.objects.filter(msisdn=msisdn, list__workspace=workspace).select_related(
        "list__workspace"
    )
    people = list(rows)
    for person in people:
        remove_recipients(recipient_list=person.list, ids=[person.pk], actor=actor)
    ImportBefore.objects.filter(msisdn=msisdn, imported__workspace=workspace).delete()
    return len(people)


def _messages(workspace: Workspace, msisdn: str) -> QuerySet[Message]:
    return Message.objects.filter(workspace=workspace, msisdn=msisdn)


def _empty_messages(workspace: Workspace, msisdn: str) -> int:
    """State, price, parts and times stay: the report and its counts are about them."""
    count = 0
    for ids in _batches(_messages(workspace, msisdn).exclude(state=MessageState.SUBMITTING)):
        with transaction.atomic():
            rows = list(Message.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
            full = [row for row in rows if row.text or row.words or row.recipient_id or _has_words(row)]
            for row in full:
                row.text, row.words, row.recipient_id = "", "", None
                row.history = [[*change[:4], ""] for change in row.history]
            Message.objects.bulk_update(full, ["text", "words", "recipient_id", "history"])
            count += len(full)
    return count


def _has_words(message: Message) -> bool:
    return any(change[4:] != [""] for change in message.history)


def _empty_inbound(workspace: Workspace, msisdn: str) -> int:
    return InboundText.objects.filter(workspace=workspace, msisdn=msisdn).exclude(text="").update(text="")


class _Position(Func):
    """Where the second bytes stand in the first; 0: nowhere."""

    function = "POSITION"
    template = "%(function)s(%(expressions)s)"
    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        within, wanted = self.get_source_expressions()
        turned = self.copy()
        turned.set_source_expressions([wanted, within])
        return turned.as_sql(compiler, connection, arg_joiner=" IN ", **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="INSTR", **context)


def _empty_calls(workspace: Workspace, msisdn: str) -> int:
    """Raw calls of providers that name the number; those that wait to be applied are left, and go by a repetition."""
    end = msisdn[-END_DIGITS:]
    calls = StoredWebhookCall.objects.filter(account__workspace=workspace)
    found = calls.exclude(state=WebhookCallState.NEW).annotate(
        place=_Position(F("body"), Value(end.encode(), output_field=BinaryField()))
    )
    ids = list(found.filter(Q(place__gt=0) | Q(query__contains=end)).values_list("pk", flat=True))
    return StoredWebhookCall.objects.filter(pk__in=ids).update(body=b"", query="")


def _batches(rows: QuerySet[Any]) -> Iterator[list[int]]:
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]
