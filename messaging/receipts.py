"""Delivery reports and inbound texts, from every vendor to one place: matched, applied in bulk, never twice, never back."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Case, QuerySet, When
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOutHow
from contacts.services.number_locks import lock_numbers
from contacts.services.opt_out_reviews import ask_for_review
from contacts.services.opt_outs import opt_in, opt_out
from messaging.ledger import Change, apply_changes
from messaging.models import InboundText, Message, Verification
from messaging.verification.codes import begins_masked
from providers.connectors.base import DeliveryReport
from providers.connectors.base import InboundText as InboundNews
from providers.errors import ConnectorError
from providers.health import note_reports
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import connector_of
from providers.signals import InboundArrived, ReceiptsArrived
from sms.opt_out import Keyword, classify
from sms.states import WAITING, MessageState

log = structlog.get_logger("crier.receipts")

# A report that names neither our id nor the vendor's is matched among the messages of this time, zones unknown.
MATCH_WITHIN = timedelta(days=2)
# Enough of a number's end to know it by.
NATIONAL_DIGITS = 8
REPEATED_WITHIN = timedelta(minutes=10)
# What may have left the house: the rest cannot have been delivered.
LEFT = [
    state.value
    for state in MessageState
    if state not in (*WAITING, MessageState.SUPPRESSED, MessageState.CANCELLED)
]
# Whichever of them a number wrote last decides.
LAST_WORDS = (Keyword.STOP, Keyword.START)
REPORTED_AS = (
    MessageState.DELIVERED,
    MessageState.UNDELIVERED,
    MessageState.EXPIRED,
    MessageState.REJECTED,
)
REPORTED = ("submitting", "unknown", "sent", "delivered", "undelivered", "expired", "rejected")


def apply_receipts(news: ReceiptsArrived) -> frozenset[int]:
    """Applies what is news; returns the call ids of reports that belong to no message (yet)."""
    matched = match_receipts(news)
    now = timezone.now()
    changes = []
    unmatched = set()
    for call_id, report in news.reports:
        message_id = matched.get((call_id, report))
        if message_id is None:
            unmatched.add(call_id)
        else:
            changes.append(_change(message_id, report, report.occurred_at or now))
    # Ranks decide, not the order of arrival; but of one batch the highest comes last, so that its words stay.
    changes.sort(key=lambda change: change.message_id)
    if any(change.state == MessageState.UNKNOWN for change in changes) and _can_be_asked(news.account_id):
        changes = [change._replace(asks=change.state == MessageState.UNKNOWN) for change in changes]
    settling = _settling(changes)
    apply_changes(changes)
    _forget_codes(news, matched)
    _note_reports(news.account_id, settling)
    return frozenset(unmatched)


def _can_be_asked(account_id: int) -> bool:
    """Whether the provider says more of a message than its report did."""
    account = ProviderAccount.objects.get(pk=account_id)
    try:
        return connector_of(account).can_be_asked
    except (ConnectorError, ImproperlyConfigured):
        return False


def _settling(changes: Sequence[Change]) -> dict[int, tuple[Change, datetime | None]]:
    """Those that settle a message which is not settled yet, each with the time at which it was handed over."""
    final = {change.message_id: change for change in changes if change.state in REPORTED_AS}
    open_rows = Message.objects.filter(pk__in=final).exclude(state__in=[state.value for state in REPORTED_AS])
    return {pk: (final[pk], at) for pk, at in open_rows.values_list("pk", "submitted_at")}


def _note_reports(account_id: int, settling: dict[int, tuple[Change, datetime | None]]) -> None:
    """For the account's figures."""
    delivered = sum(change.state == MessageState.DELIVERED for change, _at in settling.values())
    seconds = [(change.at - at).total_seconds() for change, at in settling.values() if at is not None]
    note_reports(account_id, delivered=delivered, not_delivered=len(settling) - delivered, seconds=seconds)


def _forget_codes(news: ReceiptsArrived, matched: dict[tuple[int, DeliveryReport], int]) -> None:
    """A report that quotes a verification's text quotes its code: what the vendor posted is emptied."""
    quoting = {
        matched[call_id, report]: call_id
        for call_id, report in news.reports
        if report.text_prefix and (call_id, report) in matched
    }
    if quoting:
        codes = Verification.objects.filter(message_id__in=quoting).values_list("message_id", flat=True)
        calls = [quoting[message_id] for message_id in codes if message_id is not None]
        StoredWebhookCall.objects.filter(pk__in=calls).update(body=b"", query="")


def _change(message_id: int, report: DeliveryReport, at: Any) -> Change:
    now = timezone.now()
    return Change(
        message_id,
        report.state,
        min(at, now),
        "receipt",
        report.reason or _default_reason(report.state),
        report.words,
        report.provider_message_id,
        report.parts,
        report.price,
    )


def _default_reason(state: MessageState) -> str:
    return (
        state.value
        if state in (MessageState.UNDELIVERED, MessageState.EXPIRED, MessageState.REJECTED)
        else ""
    )


def match_receipts(news: ReceiptsArrived) -> dict[tuple[int, DeliveryReport], int]:
    """Each report's message id: by our reference, else by the vendor's id, else by numbers, text and time."""
    reports = list(news.reports)
    by_reference = _by_reference(news.account_id, [report for _call, report in reports])
    by_provider_id = _by_provider_id((news.account_id, *news.siblings), [report for _call, report in reports])
    by_numbers = _Numbers(news, [report for _call, report in reports if _needs_numbers(report)])
    matched: dict[tuple[int, DeliveryReport], int] = {}
    for call_id, report in reports:
        found = by_reference.get((report.reference, report.msisdn)) or by_provider_id.get(
            report.provider_message_id
        )
        if found is None and _needs_numbers(report):
            found = by_numbers.match(report)
        if found is not None:
            matched[(call_id, report)] = found
    return matched


def _needs_numbers(report: DeliveryReport) -> bool:
    return not report.reference and not report.provider_message_id and bool(report.msisdn)


def _by_reference(account_id: int, reports: Sequence[DeliveryReport]) -> dict[tuple[str, str], int]:
    """By reference and number. A report of a text that never left, or to another number, is nobody's: the vendor's
    slip, or ids that were given anew after a backup was restored."""
    wanted = {}
    for report in reports:
        number = report.reference.removeprefix("crier-")
        if report.reference and number.isascii() and number.isdigit() and len(number) < 19:
            wanted[int(number)] = report.reference
    rows = Message.objects.filter(id__in=wanted, account_id=account_id, state__in=LEFT)
    msisdns = {wanted[row_id]: (row_id, msisdn) for row_id, msisdn in rows.values_list("id", "msisdn")}
    return {
        (report.reference, report.msisdn): msisdns[report.reference][0]
        for report in reports
        if report.reference in msisdns and _is_same_number(report.msisdn, msisdns[report.reference][1])
    }


def _is_same_number(reported: str, ours: str) -> bool:
    """Some reports leave the calling code out, or the number as a whole."""
    return not reported or reported[-NATIONAL_DIGITS:] == ours[-NATIONAL_DIGITS:]


def _by_provider_id(account_ids: Sequence[int], reports: Iterable[DeliveryReport]) -> dict[str, int]:
    """The newest message of each: Mx2 gives all texts to one person the same id."""
    wanted = {report.provider_message_id for report in reports if report.provider_message_id}
    return dict(_messages_named(account_ids, wanted).values_list("provider_message_id", "id"))


def _messages_named(account_ids: Sequence[int], wanted: Collection[str]) -> QuerySet[Message]:
    """By the vendor's ids, the newest last."""
    found = Message.objects.filter(account_id__in=account_ids, provider_message_id__in=wanted)
    return found.exclude(provider_message_id="").order_by("id")


class _Numbers:
    """Matching for vendors whose receipts carry no id of ours nor theirs (BulkVS: see its connector's docstring).

    Candidates: our messages to that number from that sender through that account of the last two days. The text's
    beginning must fit, where it is known; the one nearest in time wins, an unreceipted one before a receipted one, and
    each is taken once.
    """

    def __init__(self, news: ReceiptsArrived, reports: Sequence[DeliveryReport]) -> None:
        self._candidates: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._taken: set[int] = set()
        if not reports:
            return
        rows = Message.objects.filter(
            workspace_id=news.workspace_id,
            account_id=news.account_id,
            msisdn__in={report.msisdn for report in reports},
            state__in=REPORTED,
            submitted_at__gte=timezone.now() - MATCH_WITHIN,
        ).order_by("id")
        for row in rows.values("id", "msisdn", "sender", "text", "state", "submitted_at"):
            self._candidates[row["msisdn"]].append(dict(row))

    def match(self, report: DeliveryReport) -> int | None:
        fitting = [row for row in self._candidates[report.msisdn] if self._fits(row, report)]
        if not fitting:
            return None
        best = min(fitting, key=lambda row: self._distance(row, report))
        self._taken.add(best["id"])
        return int(best["id"])

    @staticmethod
    def _fits(row: dict[str, Any], report: DeliveryReport) -> bool:
        same_sender = not report.sender or row["sender"][-10:] == report.sender[-10:]
        if not row["text"]:
            # Of a sender that was killed no text is known, and none will be, whatever other reports have told since. Is it
            # still in hands, our own send is not stored yet, and the report waits for its next try.
            return same_sender and row["state"] != MessageState.SUBMITTING
        return same_sender and begins_masked(row["text"].strip(), report.text_prefix.strip())

    def _distance(self, row: dict[str, Any], report: DeliveryReport) -> tuple[bool, bool, bool, float]:
        settled = row["state"] not in ("submitting", "unknown", "sent")
        apart = 0.0
        if report.submitted_at is not None:
            apart = abs((row["submitted_at"] - report.submitted_at).total_seconds())
            # The vendor's zone is not stated: whole hours do not count, the minutes within the hour do.
            apart = min(apart % 3600, 3600 - apart % 3600)
        return row["id"] in self._taken, settled, not row["text"], round(apart / 60)


# --- inbound --------------------------------------------------------------------------------------------


def apply_inbound(news: InboundArrived) -> frozenset[int]:
    """Stores each text once; STOP opts out at once, START undoes what is older. Returns the call ids of texts whose vendor
    names the number only by a message that is not known (yet)."""
    numbers = _numbers_answered(news)
    unmatched = set()
    call_ids = [call_id for call_id, _text in news.texts]
    received = dict(StoredWebhookCall.objects.filter(id__in=call_ids).values_list("id", "received_at"))
    workspace = Workspace.objects.get(pk=news.workspace_id)
    for call_id, text in news.texts:
        msisdn = text.msisdn or numbers.get(text.answers_id, "")
        if msisdn:
            known = replace(text, msisdn=msisdn)
            _receive(news, workspace, known, received.get(call_id) or timezone.now())
        else:
            unmatched.add(call_id)
    return frozenset(unmatched)


def _numbers_answered(news: InboundArrived) -> dict[str, str]:
    """The number by the vendor's id of a text to it, for texts that come without one."""
    wanted = {text.answers_id for _call, text in news.texts if not text.msisdn and text.answers_id}
    if not wanted:
        return {}
    named = _messages_named((news.account_id, *news.siblings), wanted)
    return dict(named.values_list("provider_message_id", "msisdn"))


def _receive(news: InboundArrived, workspace: Workspace, text: InboundNews, received_at: datetime) -> None:
    keyword = (
        Keyword.STOP
        if text.opted_out
        else classify(text.text, workspace.opt_out_words, languages=workspace.opt_out_languages)
    )
    latest = (
        Message.objects.filter(workspace_id=news.workspace_id, msisdn=text.msisdn)
        .order_by("-id")
        .values_list("id", flat=True)
        .first()
    )
    with transaction.atomic():
        # Two workers may have texts of one number at once: what it said before is looked up one after the other.
        lock_numbers(workspace.pk, [text.msisdn])
        stored, new = InboundText.objects.get_or_create(
            account_id=news.account_id,
            digest=_digest(news.account_id, text, received_at),
            defaults={
                "workspace_id": news.workspace_id,
                "msisdn": text.msisdn,
                "sender_number": text.sender_number[:20],
                "text": text.text,
                "keyword": keyword.value,
                "message_id": latest,
                "received_at": received_at,
            },
        )
        if new or _is_of_another_moment(stored, keyword, text, received_at):
            _obey(stored, keyword, is_new=new, how=OptOutHow.VENDOR if text.opted_out else OptOutHow.STOP)


def _is_of_another_moment(
    stored: InboundText, keyword: Keyword, text: InboundNews, received_at: datetime
) -> bool:
    """Whether a repeated posting shows that STOP or START was said at another moment than was known; that is kept.

    What is surely one posting was said when it first came; else a person may have said it again, and the last time counts.
    A second STOP must not be taken for a repeat of the first one: that it has the vendor's time of the first is not enough.
    """
    if keyword not in LAST_WORDS:
        return False
    is_one = text.provider_message_id or (text.occurred_at and keyword is Keyword.START)
    moment = min(received_at, stored.received_at) if is_one else max(received_at, stored.received_at)
    if moment == stored.received_at:
        return False
    stored.received_at, stored.keyword = moment, keyword.value
    stored.save(update_fields=["received_at", "keyword"])
    return True


def _obey(stored: InboundText, keyword: Keyword, *, is_new: bool, how: str) -> None:
    """Of STOP and START the last one counts, by when they came: they may be applied in any order, and again."""
    if keyword is Keyword.MAYBE_STOP:
        _ask(stored)
    elif keyword in LAST_WORDS:
        last = _last_word(stored)
        if last == stored or not is_new:
            _obey_last(last, how if last == stored else OptOutHow.STOP)


def _last_word(text: InboundText) -> InboundText | None:
    """The last STOP or START of its number; of the same moment it is STOP."""
    said = InboundText.objects.filter(workspace=text.workspace_id, msisdn=text.msisdn, keyword__in=LAST_WORDS)
    is_stop = Case(When(keyword=Keyword.STOP.value, then=1), default=0)
    return said.order_by("-received_at", is_stop.desc(), "-pk").first()


def _obey_last(last: InboundText | None, how: str) -> None:
    if last is None:
        return
    if last.keyword == Keyword.STOP:
        opt_out(
            workspace=last.workspace,
            msisdn=last.msisdn,
            how=how,
            source=last.text[:500],
            message_id=last.message_id,
            said_at=last.received_at,
        )
    else:
        reason = last.text[:200] or "START"
        opt_in(workspace=last.workspace, msisdn=last.msisdn, reason=reason, said_at=last.received_at)


def _ask(stored: InboundText) -> None:
    last = _last_word(stored)
    if last is not None and last.keyword == Keyword.START and last.received_at > stored.received_at:
        return
    ask_for_review(
        workspace=stored.workspace,
        msisdn=stored.msisdn,
        text=stored.text,
        inbound_id=stored.pk,
        message_id=stored.message_id,
        at=stored.received_at,
    )


def _digest(account_id: int, text: InboundNews, received_at: datetime) -> str:
    """One posting repeated is one text: told by the vendor's id or time, where it gives one.

    Else by when it was stored, as a call that is applied again; and by what stands before it in the thread: the same
    words within ten minutes, with nothing between, are one posting repeated; STOP, START, STOP are three texts.
    """
    when = text.provider_message_id or (text.occurred_at.isoformat() if text.occurred_at else "")
    if not when:
        thread = InboundText.objects.filter(account_id=account_id, msisdn=text.msisdn).order_by("-id")
        same_call = thread.filter(received_at=received_at, text=text.text).first()
        if same_call is not None:
            return same_call.digest
        before = thread.first()
        if (
            before is not None
            and before.text == text.text
            and before.sender_number == text.sender_number[:20]
            and abs(received_at - before.received_at) < REPEATED_WITHIN
        ):
            return before.digest
        when = f"after {before.pk}" if before else "first"
    parts = (text.msisdn, text.sender_number, text.text, when)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
