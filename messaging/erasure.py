"""Erasure on request, as privacy law gives everybody the right to: docs/privacy.md says what stays, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import AuditEntry, Workspace
from contacts.batches import in_batches
from contacts.models import ImportBefore, OptOutHow, OptOutReview, Recipient
from contacts.services.forgetting import ERASED, forget_person, trail_of
from contacts.services.lists import remove_recipients
from contacts.services.opt_outs import opt_out
from messaging.dispatches import ACTIVE_STATES, cancel_stopped, stop_dispatch
from messaging.links.hits import empty_hits, one_at_a_time
from messaging.models import (
    Attempt,
    Dispatch,
    ErasedMessage,
    InboundText,
    Message,
    OwnUrl,
    Verification,
    WebhookDelivery,
)
from messaging.signals import NumberErased, number_erased
from messaging.webhooks.reports import forget_reports
from providers.models import StoredWebhookCall, TrafficEntry, WebhookCallState
from providers.services import forget_entries
from sms.msisdn import writings_of
from sms.states import MessageState
from web.database_log import empty_log_after_commit

BATCH = 500
# Of JSON.
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")


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
    trail = trail_of(workspace, msisdn)
    _empty_singles(workspace, msisdn)
    number_erased.send(Workspace, news=NumberErased(workspace.pk, trail, actor))
    files = forget_person(workspace=workspace, trail=trail, reason=reason[:500])
    erased = Erased(
        lists=_leave_lists(workspace, msisdn, actor),
        messages=_empty_messages(workspace, msisdn),
        inbound=_empty_inbound(workspace, msisdn),
        calls=_empty_calls(workspace, msisdn),
        files=files,
        on_the_way=_messages(workspace, msisdn).filter(state=MessageState.SUBMITTING).count(),
    )
    _empty_hits(workspace, msisdn)
    _forget_traffic(workspace, msisdn)
    OptOutReview.objects.filter(workspace=workspace, msisdn=msisdn).delete()
    Verification.objects.filter(workspace=workspace, msisdn=msisdn).delete()
    subjects = ["recipient", "verification", "message"]
    AuditEntry.objects.filter(workspace=workspace, subject__in=subjects, label=f"+{msisdn}").update(label="")
    counts = {
        "lists": erased.lists,
        "messages": erased.messages,
        "inbound": erased.inbound,
        "calls": erased.calls,
        "files": erased.files,
    }
    record(workspace, actor, ERASED, workspace, **counts)
    empty_log_after_commit()
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
            Attempt.objects.filter(message_id__in=ids).update(words="")
            count += len(full)
    return count


def _empty_singles(workspace: Workspace, msisdn: str) -> None:
    """Texts to this number alone, outside any broadcast, as they were typed. What waits is cancelled: after a START it
    would go out empty. A text that is on its way stays for a repetition, as its message does.
    """
    for ids in _batches(_messages(workspace, msisdn).filter(broadcast_id=None)):
        messages = Message.objects.filter(pk__in=ids)
        dispatches = Dispatch.objects.filter(pk__in=messages.values("dispatch_id"))
        waiting = [
            pk
            for pk in dispatches.filter(state__in=ACTIVE_STATES).values_list("pk", flat=True)
            if stop_dispatch(dispatch_id=pk, reason=_("Its number was erased."))
        ]
        cancel_stopped(waiting)
        on_the_way = messages.filter(state=MessageState.SUBMITTING).values("dispatch_id")
        dispatches.exclude(pk__in=on_the_way).update(text="", custom_parameter="")


def _empty_hits(workspace: Workspace, msisdn: str) -> None:
    """Of those that are there, and of those that come later: they find the messages marked."""
    for ids in _batches(_messages(workspace, msisdn)):
        ErasedMessage.objects.bulk_create([ErasedMessage(message_id=pk) for pk in ids], ignore_conflicts=True)
        OwnUrl.objects.filter(message_id__in=ids).delete()
        # Whoever classifies tells webhooks: before, or never.
        with one_at_a_time():
            empty_hits(ids)
            # Their bodies name the number; what waits is not told any more.
            WebhookDelivery.objects.filter(message_id__in=ids).delete()
    forget_reports(workspace_id=workspace.pk, msisdn=msisdn)


def _has_words(message: Message) -> bool:
    return any(change[4:] != [""] for change in message.history)


def _empty_inbound(workspace: Workspace, msisdn: str) -> int:
    return InboundText.objects.filter(workspace=workspace, msisdn=msisdn).exclude(text="").update(text="")


def _empty_calls(workspace: Workspace, msisdn: str) -> int:
    """Raw calls of providers that name the number, in any writing; those that wait to be applied are left, and go by a
    repetition. Read through one by one, as no database knows writings: a hundred thousand in some seconds.
    """
    written = writings_of(msisdn)
    calls = StoredWebhookCall.objects.filter(account__workspace=workspace).exclude(body=b"", query="")
    rows = calls.exclude(state=WebhookCallState.NEW).values_list("pk", "body", "query")
    ids = [
        pk
        for pk, body, query in rows.iterator(chunk_size=BATCH)
        if _names(bytes(body).decode(errors="replace"), query, written)
    ]
    return sum(
        StoredWebhookCall.objects.filter(pk__in=some).update(body=b"", query="") for some in in_batches(ids)
    )


def _forget_traffic(workspace: Workspace, msisdn: str) -> int:
    """Requests to providers that name the number, in any writing, and their answers: gone as a whole."""
    written = writings_of(msisdn)
    rows = TrafficEntry.objects.filter(account__workspace=workspace).values_list(
        "pk", "request", "answer", "url"
    )
    ids = [
        pk
        for pk, request, answer, url in rows.iterator(chunk_size=BATCH)
        if _names(request, url, written) or _names(answer, "", written)
    ]
    return sum(forget_entries(some) for some in in_batches(ids))


def _names(body: str, query: str, written: re.Pattern[str]) -> bool:
    """As it stands, and without what JSON and forms make of blanks and signs."""
    if written.search(body) or written.search(unquote_plus(body)) or written.search(unquote_plus(query)):
        return True
    return (
        "\\u" in body and written.search(_UNICODE.sub(lambda mark: chr(int(mark[1], 16)), body)) is not None
    )


def _batches(rows: QuerySet[Any]) -> Iterator[list[int]]:
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]
