"""What vendors post: stored word for word before it is answered, applied in bulk, pruned when it is old.

    new ──▶ applied                    each report and text was handed up
     │ ╰──▶ (again, later and later)   a report without a message: our own send may not be stored yet
     │                ╰──▶ unmatched   still none after UNMATCHED_AFTER
     ╰────▶ rejected                   the connector cannot read it, or not all of it, or it is not from the vendor

A call is claimed by moving `try_at` on, in a transaction of its own, so that no lock is held while it is read
and handed up. A worker that dies leaves its calls to the next one; handing up twice is harmless (signals.py).
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.db.models.functions import Length
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.access import Actor
from accounts.audit import record
from providers.connectors import REGISTRY
from providers.connectors.base import Connector, DeliveryReport, InboundText, WebhookCall
from providers.errors import ConfigError, WebhookPartlyRead, WebhookRejected
from providers.models import ProviderAccount, StoredWebhookCall, WebhookCallState
from providers.services.accounts import connector_of
from providers.services.refusals import ProviderAccountError
from providers.signals import InboundArrived, ReceiptsArrived, inbound_arrived, receipts_arrived

log = structlog.get_logger("crier.webhooks")

# Neither authorization nor cookies are kept; a signature, where a vendor gives one, is checked with what is.
KEPT_HEADERS = (
    "content-type",
    "content-length",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)
HEADER_CHARACTERS = 500
# Beside the kept headers: the account's settings could not be opened when the call came.
UNCHECKED = "crier-unchecked"
QUERY_CHARACTERS = 8000

BATCH_CALLS = 2000
BATCH_BYTES = 16 * 1024 * 1024
LEASE = timedelta(seconds=60)
FIRST_RETRY = timedelta(seconds=1)
LONGEST_RETRY = timedelta(seconds=60)
UNMATCHED_AFTER = timedelta(minutes=10)
KEEP_FOR = timedelta(days=30)
PRUNE_CALLS = 1000
TROUBLE_DAYS = 30
COUNTED_MOST = 1000
AGAIN_MOST = 5000

State = WebhookCallState
News = DeliveryReport | InboundText
# What a person looks at: it belongs to no message, or was not understood.
TROUBLED = (State.UNMATCHED, State.REJECTED)


# E.164; vendors may write a leading plus or zeros.
MSISDN_MOST = 20


@dataclass(slots=True)
class _Outcomes:
    """What became of the calls of one batch."""

    applied: list[int] = field(default_factory=list)
    later: list[StoredWebhookCall] = field(default_factory=list)
    unmatched: list[int] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Read:
    """A call and the news in it."""

    call: StoredWebhookCall
    reports: list[DeliveryReport]
    texts: list[InboundText]
    # Why some of what is in it was not understood; "": all was.
    unread: str = ""


@dataclass(frozen=True, slots=True)
class TroubledCalls:
    """How many belong to no message, and how many were not understood."""

    unmatched: int
    rejected: int


def store_call(
    *,
    account_id: int,
    method: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    remote_address: str | None,
    is_checked: bool = True,
) -> StoredWebhookCall:
    """One INSERT. `headers`: any case; only KEPT_HEADERS are stored. `is_checked`: whether it was looked at if it
    brought along what the account asks for."""
    lowered = {name.lower(): value for name, value in headers.items()}
    kept = {name: lowered[name][:HEADER_CHARACTERS] for name in KEPT_HEADERS if lowered.get(name)}
    return StoredWebhookCall.objects.create(
        account_id=account_id,
        method=method,
        query=query.replace("\x00", "")[:QUERY_CHARACTERS],
        headers=kept if is_checked else kept | {UNCHECKED: "1"},
        body=body,
        remote_address=remote_address,
    )


def apply_waiting_calls(limit: int = BATCH_CALLS) -> int:
    """Hands up all calls that are due, in batches of `limit`; returns how many were looked at."""
    looked_at, began = 0, timezone.now()
    while calls := _claim(limit, began):
        looked_at += len(calls)
        by_account: dict[int, list[StoredWebhookCall]] = defaultdict(list)
        for call in calls:
            by_account[call.account_id].append(call)
        accounts = ProviderAccount.objects.in_bulk(by_account)
        for account_id, group in by_account.items():
            _settle(_apply_group(accounts[account_id], group))
    return looked_at


def troubled_calls(account: ProviderAccount) -> TroubledCalls:
    """Of the last TROUBLE_DAYS, each counted up to COUNTED_MOST."""
    since = timezone.now() - timedelta(days=TROUBLE_DAYS)
    calls = StoredWebhookCall.objects.filter(account=account, received_at__gte=since)
    unmatched, rejected = (calls.filter(state=state)[:COUNTED_MOST].count() for state in TROUBLED)
    return TroubledCalls(unmatched, rejected)


def apply_call_again(*, call: StoredWebhookCall, actor: Actor) -> bool:
    """False for one that waits for its first time anyway."""
    with transaction.atomic():
        is_again = bool(apply_again(call_ids=[call.pk]))
        if is_again:
            record(call.account.workspace, actor, "applied a webhook call again", call.account, call=call.pk)
    return is_again


def apply_state_again(*, account: ProviderAccount, state: str, actor: Actor) -> int:
    """All calls of a state, AGAIN_MOST at most, those first that were looked at longest ago; returns how many. What was
    applied is left out: it is told apart call by call only. Raises ProviderAccountError."""
    if state not in TROUBLED:
        raise ProviderAccountError(
            _("Calls “%(state)s” are not applied again all at once: choose one of %(known)s.")
            % {"state": state[:40], "known": ", ".join(TROUBLED)},
            field="state",
        )
    calls = StoredWebhookCall.objects.filter(account=account, state=state).order_by("applied_at", "id")
    with transaction.atomic():
        count = apply_again(call_ids=list(calls.values_list("pk", flat=True)[:AGAIN_MOST]))
        if count:
            record(account.workspace, actor, "applied webhook calls again", account, state=state, calls=count)
    return count


def apply_again(*, call_ids: Sequence[int]) -> int:
    """For calls that could not be read or matched, once that is mended. What was applied is no news."""
    now = timezone.now()
    again = StoredWebhookCall.objects.filter(id__in=call_ids).exclude(state=State.NEW)
    return again.update(state=State.NEW, words="", tries=0, try_at=now, applied_at=None)


def prune_webhook_calls(older_than: timedelta = KEEP_FOR) -> int:
    """Forgets up to PRUNE_CALLS settled calls. Cheap with nothing to do: the sweep asks every few seconds."""
    before = timezone.now() - older_than
    # In the order of the key, which is that of arrival: no index on `received_at` is needed.
    rows = StoredWebhookCall.objects.order_by("id").values_list("id", "received_at", "state")
    first = rows.first()
    if first is None or first[1] >= before:
        return 0
    old = [pk for pk, received_at, state in rows[:PRUNE_CALLS] if received_at < before and state != State.NEW]
    return StoredWebhookCall.objects.filter(id__in=old).delete()[0]


def _claim(limit: int, began: datetime) -> list[StoredWebhookCall]:
    """Due calls, oldest first, at most BATCH_BYTES of them (but one at least); nobody else takes them now."""
    now = timezone.now()
    with transaction.atomic():
        # What comes in meanwhile is taken along; what was put off meanwhile is left to the next round.
        fresh = Q(tries=0) | Q(try_at__lte=began)
        due = StoredWebhookCall.objects.filter(fresh, state=State.NEW, try_at__lte=now).order_by(
            "try_at", "id"
        )
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True)
        ids: list[int] = []
        total = 0
        for pk, size in due.annotate(size=Length("body")).values_list("id", "size")[:limit]:
            total += size
            if ids and total > BATCH_BYTES:
                break
            ids.append(pk)
        StoredWebhookCall.objects.filter(id__in=ids).update(try_at=now + LEASE)
    return list(StoredWebhookCall.objects.filter(id__in=ids).order_by("id")) if ids else []


def _apply_group(account: ProviderAccount, calls: list[StoredWebhookCall]) -> _Outcomes:
    outcomes = _Outcomes()
    try:
        connector = connector_of(account)
    except (ConfigError, ImproperlyConfigured, KeyError) as error:
        # Mendable: the credentials, a missing key or module. Nothing is lost meanwhile.
        log.error("webhook calls wait", account=account.pk, calls=len(calls), error=type(error).__name__)
        outcomes.later = calls
        return outcomes
    read = [found for call in calls if (found := _read(connector, call, outcomes))]
    _hand_up(account, read, outcomes)
    return outcomes


def _read(connector: Connector, call: StoredWebhookCall, outcomes: _Outcomes) -> _Read | None:
    try:
        if UNCHECKED in call.headers and connector.config.webhook_user:
            raise WebhookRejected(
                "It came while the account's settings could not be opened, so that nobody knows whether it brought the "
                "webhook user and password along."
            )
        news, unread = _news_of(connector, call)
    except WebhookRejected as error:
        outcomes.rejected[call.pk] = connector.redact(str(error))
        return None
    return _Read(
        call,
        [item for item in news if isinstance(item, DeliveryReport)],
        [item for item in news if isinstance(item, InboundText)],
        unread,
    )


def _news_of(connector: Connector, call: StoredWebhookCall) -> tuple[Sequence[News], str]:
    """And why some of it was not understood: what is wrong with one report takes no other with it. Raises
    WebhookRejected where all is wrong."""
    told: Sequence[News]
    try:
        told, unread = connector.parse_webhook(webhook_call_of(call)), ""
    except WebhookPartlyRead as error:
        told, unread = error.news, connector.redact(str(error))
    news: list[News] = []
    wrong: list[WebhookRejected] = []
    for item in told:
        try:
            news.append(storable(item))
        except WebhookRejected as error:
            wrong.append(error)
    if wrong and not news:
        raise wrong[0]
    if wrong and not unread:
        unread = f"{len(wrong)} of {len(told)} reports cannot be read. The first of them: {wrong[0]}"
    return news, unread


def storable(item: News) -> News:
    """Without what no database keeps: NUL characters and halves of surrogate pairs. Raises WebhookRejected for a
    number that is none: nothing of ours could belong to it."""
    if len(item.msisdn) > MSISDN_MOST:
        raise WebhookRejected(f"a number of {len(item.msisdn)} digits is no phone number")
    clean = {
        name: value.replace("\x00", "").encode("utf-8", "replace").decode()
        for name in item.__dataclass_fields__
        # A state is a text, too, and stays what it is.
        if type(value := getattr(item, name)) is str
    }
    return dataclasses.replace(item, **clean)  # type: ignore[arg-type]  # only its text fields


def webhook_call_of(call: StoredWebhookCall) -> WebhookCall:
    return WebhookCall(
        method=call.method,
        path=f"/hooks/{call.account_id}/",
        query=QueryDict(call.query).dict(),
        headers=call.headers,
        body=bytes(call.body),
        remote_address=call.remote_address or "",
    )


def _hand_up(account: ProviderAccount, read: Sequence[_Read], outcomes: _Outcomes) -> None:
    """All at once; when a receiver fails over it, halves, down to the very call that it fails over."""
    if not read:
        return
    try:
        waiting = _send_news(account, read)
    except (OperationalError, InterfaceError):
        raise  # the database is away: the lease brings the calls back
    except Exception:
        if len(read) > 1:
            middle = len(read) // 2
            _hand_up(account, read[:middle], outcomes)
            _hand_up(account, read[middle:], outcomes)
            return
        log.exception("webhook call not applied", call=read[0].call.pk)
        waiting = frozenset({read[0].call.pk})
    for item in read:
        _sort(item, item.call.pk in waiting, outcomes)


def _send_news(account: ProviderAccount, read: Sequence[_Read]) -> frozenset[int]:
    """The ids of calls with a report that no receiver has a message for, or with a text of nobody."""
    reports = tuple((item.call.pk, report) for item in read for report in item.reports)
    texts = tuple((item.call.pk, text) for item in read for text in item.texts)
    siblings = _siblings(account)
    of_nobody: frozenset[int] = frozenset()
    if texts:
        inbound = InboundArrived(account.pk, account.workspace_id, texts, siblings)
        for _receiver, unmatched in inbound_arrived.send(sender=ProviderAccount, news=inbound):
            of_nobody |= cast("frozenset[int]", unmatched)
    if not reports:
        return of_nobody
    receipts = ReceiptsArrived(account.pk, account.workspace_id, reports, siblings)
    unknown_to_all = frozenset(call_id for call_id, _report in reports)
    for _receiver, unmatched in receipts_arrived.send(sender=ProviderAccount, news=receipts):
        unknown_to_all &= cast("frozenset[int]", unmatched)
    return unknown_to_all | of_nobody


def _siblings(account: ProviderAccount) -> tuple[int, ...]:
    """Disabled ones, too: reports of what they sent before still arrive."""
    if not REGISTRY[account.vendor].shares_webhook:
        return ()
    same = ProviderAccount.objects.filter(workspace_id=account.workspace_id, vendor=account.vendor)
    return tuple(same.exclude(pk=account.pk).order_by("pk").values_list("pk", flat=True))


def _sort(item: _Read, is_waiting: bool, outcomes: _Outcomes) -> None:
    call = item.call
    if is_waiting and timezone.now() - call.received_at < UNMATCHED_AFTER:
        outcomes.later.append(call)
    elif item.unread:
        # What could be read of it is applied. A person looks at the rest.
        outcomes.rejected[call.pk] = item.unread
    elif is_waiting:
        outcomes.unmatched.append(call.pk)
    else:
        outcomes.applied.append(call.pk)


def _settle(outcomes: _Outcomes) -> None:
    now = timezone.now()
    calls = StoredWebhookCall.objects.filter(state=State.NEW)
    with transaction.atomic():
        if outcomes.applied:
            calls.filter(id__in=outcomes.applied).update(state=State.APPLIED, applied_at=now)
        if outcomes.unmatched:
            calls.filter(id__in=outcomes.unmatched).update(state=State.UNMATCHED, applied_at=now)
        for pk, words in outcomes.rejected.items():
            calls.filter(pk=pk).update(state=State.REJECTED, words=words[:500], applied_at=now)
        for call in outcomes.later:
            call.tries += 1
            call.try_at = now + min(FIRST_RETRY * 2 ** min(call.tries - 1, 10), LONGEST_RETRY)
        StoredWebhookCall.objects.bulk_update(outcomes.later, ["tries", "try_at"], batch_size=500)
