"""Delivery reports that are fetched, where a provider does not push them; and what became of messages in doubt.

A question (ReceiptQuestion) is written with the result of a sending. It is asked 30 s later, then 2 and 10 minutes, 1 and 6
hours after the last time, until the message is settled or RECEIPT_HOURS are over. One worker an account
(ReceiptRound), so many requests a second and a round; what is perhaps sent goes first. The answers take the
way of reports that are pushed (messaging/receipts.py). Whoever dies leaves the questions as they were: to ask twice is no
harm.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
import uvloop
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Exists, OuterRef
from django.utils import timezone

from messaging.engine.jobs import reference_of
from messaging.models import ErasedMessage, Message, ReceiptQuestion
from messaging.receipts import apply_receipts
from providers.connectors.base import Connector, StatusAnswer
from providers.connectors.operations import Exchange
from providers.errors import ConfigError, ConnectorError, MessageRefused, RequestRefused
from providers.models import ProviderAccount, ReceiptRound
from providers.services import begin_round, connector_of, end_round, keep_exchanges
from providers.signals import ReceiptsArrived
from providers.transport import LeanTransport
from sms.states import FINAL, MessageState

log = structlog.get_logger("crier.polling")

# From one question for a message to the next.
WAITS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
# Of one account, and the longest time in which a round still begins a request.
REQUESTS_PER_SECOND = 10
REQUESTS_AT_ONCE = 8
ROUND_SECONDS = 10.0
ROUND_REQUESTS = 100
ROUND_MESSAGES = 1000
# So many questions in a row without an answer, and the round ends.
TROUBLE_MOST = 3


@dataclass(slots=True)
class RoundReport:
    """What came of a round. `is_more_due`: at once, were it not for the account's pace."""

    asked: int = 0
    settled: int = 0
    given_up: int = 0
    is_more_due: bool = False
    trouble: ConnectorError | None = None


@dataclass(slots=True)
class _Asked:
    """Messages with the same id of the provider's: one question for all of them."""

    provider_message_id: str
    questions: list[ReceiptQuestion]
    answer: StatusAnswer | None = None
    was_asked: bool = False


@dataclass(slots=True)
class _Known:
    """Of the messages of a round."""

    msisdns: dict[int, str] = field(default_factory=dict)
    provider_ids: dict[int, str] = field(default_factory=dict)


def accounts_due() -> list[int]:
    """Those with something to ask for, that may be asked now."""
    now = timezone.now()
    rows = ReceiptQuestion.objects.filter(account_id=OuterRef("pk"), due_at__lte=now)
    later = ReceiptRound.objects.filter(account_id=OuterRef("pk"), next_at__gt=now)
    taken = ReceiptRound.objects.filter(account_id=OuterRef("pk"), claimed_until__gte=now)
    due = Exists(rows.filter(is_unknown=True)) | Exists(rows.filter(is_unknown=False))
    accounts = ProviderAccount.objects.filter(due).exclude(Exists(later)).exclude(Exists(taken))
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def ask_for_receipts(account_id: int) -> RoundReport:
    """One round of an account; nothing where another worker is at it."""
    claim = begin_round(account_id)
    report = RoundReport()
    if not claim:
        return report
    answered = 0
    try:
        account = ProviderAccount.objects.get(pk=account_id)
        answered = _ask_round(account, report)
    finally:
        end_round(account_id, claim, answered=answered, given_up=report.given_up, trouble=report.trouble)
    if report.trouble is not None:
        log.warning("delivery reports not fetched", account=account_id, reason=report.trouble.reason)
    return report


def _ask_round(account: ProviderAccount, report: RoundReport) -> int:
    """Returns how many questions were answered."""
    try:
        connector = connector_of(account)
    except ConnectorError as error:
        report.trouble = error
        return 0
    except ImproperlyConfigured as error:
        report.trouble = ConfigError("", str(error))
        return 0
    questions, known = _take(account.pk)
    if not connector.can_be_asked:
        # Its settings were changed since: nobody answers.
        _forget(questions)
        report.is_more_due = bool(questions)
        return 0
    groups = _groups(questions, known)
    exchanges: list[Exchange] = []
    connector.listener = exchanges.append
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report.trouble = runner.run(_Round(connector).ask(groups))
    keep_exchanges(account.pk, exchanges)
    asked = [group for group in groups if group.was_asked]
    _apply(account, asked, known)
    _ask_again(asked, report)
    report.asked = len(asked)
    report.is_more_due = report.trouble is None and len(questions) > 0
    return sum(group.answer is not None for group in asked)


def _take(account_id: int) -> tuple[list[ReceiptQuestion], _Known]:
    """What is due, the doubtful first. What has been settled, erased or has no id meanwhile is forgotten, unasked."""
    while True:
        found = _due(account_id)
        ids = [question.message_id for question in found]
        erased = set(ErasedMessage.objects.filter(message_id__in=ids).values_list("message_id", flat=True))
        known = _Known()
        open_rows = Message.objects.filter(id__in=ids).exclude(state__in=[state.value for state in FINAL])
        rows = open_rows.exclude(provider_message_id="")
        for pk, msisdn, provider_id in rows.values_list("id", "msisdn", "provider_message_id"):
            if pk not in erased:
                known.msisdns[pk], known.provider_ids[pk] = msisdn, provider_id
        kept = [question for question in found if question.message_id in known.msisdns]
        _forget([question for question in found if question.message_id not in known.msisdns])
        if kept or not found:
            return kept, known


def _due(account_id: int) -> list[ReceiptQuestion]:
    due = ReceiptQuestion.objects.filter(account_id=account_id, due_at__lte=timezone.now()).order_by("due_at")
    doubtful = list(due.filter(is_unknown=True)[:ROUND_MESSAGES])
    return doubtful + list(due.filter(is_unknown=False)[: ROUND_MESSAGES - len(doubtful)])


def _groups(questions: Sequence[ReceiptQuestion], known: _Known) -> list[_Asked]:
    """As many as a round asks for."""
    groups: dict[str, _Asked] = {}
    for question in questions:
        name = known.provider_ids[question.message_id]
        if name in groups:
            groups[name].questions.append(question)
        elif len(groups) < ROUND_REQUESTS:
            groups[name] = _Asked(name, [question])
    return list(groups.values())


class _Round:
    """The requests of one round, some at once, no more than REQUESTS_PER_SECOND."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._trouble: ConnectorError | None = None
        self._in_a_row = 0
        self._last: ConnectorError | None = None

    async def ask(self, groups: Sequence[_Asked]) -> ConnectorError | None:
        """Fills the answers; returns what ended it early."""
        until = time.monotonic() + ROUND_SECONDS
        transport = LeanTransport()
        hands = asyncio.Semaphore(REQUESTS_AT_ONCE)
        tasks = []
        try:
            for group in groups:
                await hands.acquire()
                if self._trouble is not None or time.monotonic() > until:
                    break
                tasks.append(asyncio.create_task(self._ask_one(transport, group, hands)))
                await asyncio.sleep(1 / REQUESTS_PER_SECOND)
        finally:
            await asyncio.gather(*tasks)
            await transport.aclose()
        # Nobody else would tell of a trouble that met all of them.
        is_any_answered = any(group.answer is not None for group in groups)
        return self._trouble or (None if is_any_answered else self._last)

    async def _ask_one(self, transport: LeanTransport, group: _Asked, hands: asyncio.Semaphore) -> None:
        group.was_asked = True
        try:
            group.answer = await self._connector.ask_status(transport, group.provider_message_id)
            self._in_a_row = 0
        except (MessageRefused, RequestRefused):
            # It does not know this one, or not any more: no news of it, and none of the account.
            group.answer = StatusAnswer(None)
        except ConnectorError as error:
            self._in_a_row += 1
            self._last = error
            # Of the account: this one was no more asked than the others.
            group.was_asked = error.scope != "account"
            if error.scope == "account" or self._in_a_row >= TROUBLE_MOST:
                self._trouble = self._trouble or error
        finally:
            hands.release()


def _apply(account: ProviderAccount, asked: Sequence[_Asked], known: _Known) -> None:
    """By our own reference and number, whatever the provider calls them."""
    reports = tuple(
        (
            0,
            replace(
                group.answer.report,
                reference=reference_of(question.message_id),
                msisdn=known.msisdns[question.message_id],
                provider_message_id=group.provider_message_id,
            ),
        )
        for group in asked
        if group.answer is not None and group.answer.report is not None
        for question in group.questions
    )
    if reports:
        apply_receipts(ReceiptsArrived(account.pk, account.workspace_id, reports))


def _ask_again(asked: Sequence[_Asked], report: RoundReport) -> None:
    """Forgets what is settled or given up; the others are asked again later, the older they are the later."""
    now = timezone.now()
    questions = [question for group in asked for question in group.questions]
    ids = [question.message_id for question in questions]
    rows = Message.objects.filter(id__in=ids).values_list("id", "state", "submitted_at")
    found = {pk: (state, at or now) for pk, state, at in rows}
    last = {question.message_id for group in asked if _is_last(group) for question in group.questions}
    window = timedelta(hours=settings.RECEIPT_HOURS)
    done: list[ReceiptQuestion] = []
    later: dict[tuple[bool, int], list[int]] = defaultdict(list)
    for question in questions:
        state, submitted_at = found.get(question.message_id, (MessageState.FAILED, now))
        if state in FINAL or question.message_id in last:
            report.settled += state in FINAL
            done.append(question)
        elif now - submitted_at > window:
            report.given_up += 1
            done.append(question)
        else:
            later[state == MessageState.UNKNOWN, question.tries + 1].append(question.message_id)
    _forget(done)
    for (is_unknown, tries), some in later.items():
        wait = WAITS[min(tries, len(WAITS) - 1)]
        ReceiptQuestion.objects.filter(pk__in=some).update(
            is_unknown=is_unknown, tries=min(tries, 1000), due_at=now + wait
        )


def _is_last(group: _Asked) -> bool:
    return group.answer is not None and group.answer.is_last


def _forget(questions: Sequence[ReceiptQuestion]) -> None:
    ReceiptQuestion.objects.filter(pk__in=[question.pk for question in questions]).delete()
