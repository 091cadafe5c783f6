"""From a claimed row to what is handed to the provider: values, text, parts and a place in the account's pace."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import compress
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.instance import advance, fence
from contacts.models import Recipient
from messaging.content import Content, content_of, seed_of
from messaging.daily import DAILY_LIMIT
from messaging.dispatches import (
    group_of,
    pause_dispatch,
    pause_dispatches_of_account,
    pause_over_agreed,
)
from messaging.engine.senders import choose_senders
from messaging.failures import judge_failures
from messaging.ledger import (
    Change,
    Claimed,
    Return,
    StillHolding,
    apply_changes,
    claim_messages,
    has_due,
    hold_waiting,
    lock_rows,
    return_to_queue,
    take_agreed,
)
from messaging.models import Dispatch, Message, OwnUrl
from messaging.quiet import quiet_of
from messaging.sender_use import keep_use
from messaging.tokens import VERIFICATION_CODE
from messaging.verification.codes import UNKNOWN_CODE, WaitingCode, holds_code, masked, waiting_codes
from providers.connectors.base import Connector, OutgoingText, ReceiptKind
from providers.daily import bulk_limit, day_of, give_back, start_of, take, zone_of
from providers.errors import ConnectorError
from providers.health import note_failing
from providers.models import ProviderAccount
from providers.pace import free_at, reserve
from providers.services import PriceTable, connector_of, receipt_url
from sms.states import WAITING, MessageState
from web.money import exact

# What came back into the queue waits no longer than this, though newer messages are due as well.
FROM_THE_FRONT_SECONDS = 5.0
RECOUNT_ROWS = 1000
# Their parts are not written down yet.
UNCOUNTED = [*WAITING, MessageState.SUBMITTING, MessageState.UNKNOWN]
UNDER_WAY = [state for state in MessageState if state not in WAITING]
NOTHING = Decimal(0)
NO_VALUES: Mapping[str, str] = {}
# Nothing is claimed earlier than this before the account's clock lets it go.
EARLY_SECONDS = 0.2
# How far the database is (accounts/instance.py) is noted so often while something is sent.
NOTE_SECONDS = 1.0
_noted_at = -NOTE_SECONDS


class Unprepared(Exception):
    """Claimed, but not made ready: certainly not sent, so all of them go back. `__cause__` says why."""

    def __init__(self, claimed: Sequence[Claimed]) -> None:
        super().__init__(f"{len(claimed)} messages were claimed but not made ready")
        self.claimed = claimed


class NotYet(Exception):
    """Something is due, but the account's clock does not let it go for `seconds` yet: nothing was claimed.

    What is claimed too early waits in a worker's hands, where neither an opt-out nor a pause is seen at once.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"not for {seconds:.1f} s yet")
        self.seconds = seconds


class OverAgreed(Exception):
    """Claimed, but with their texts it would be more than a person agreed to: all of them go back."""

    def __init__(self, claimed: Sequence[Claimed]) -> None:
        super().__init__(f"{len(claimed)} messages are over what was agreed to")
        self.claimed = claimed


class Job(NamedTuple):
    """One message ready to be handed over, not before `start` and not after `deadline` (times of time.monotonic()).

    `taken`, `taken_cost`: counted against what was agreed to, given back with the message. `chosen_sender`: "" where the
    whole dispatch has one.
    """

    outgoing: OutgoingText
    dispatch_id: int
    claim: str
    tries: int
    parts: int
    price: Decimal | None
    start: float
    deadline: float
    claimed_at: float
    taken: int = 0
    taken_cost: Decimal = Decimal(0)
    chosen_sender: str = ""
    # Of a verification: in the text that goes out, and nowhere else.
    code: str = ""
    # From then on it is a quiet hour where the person is (time.monotonic()).
    quiet_from: float = math.inf
    # Of whose limit of the account its parts were taken, as ISO writes it; "" where there is none.
    day: str = ""

    @property
    def day_parts(self) -> int:
        return self.parts if self.day else 0

    @property
    def claim_record(self) -> tuple[int, int] | tuple[int, int, int, str]:
        """For the journal."""
        record = (self.outgoing.message_id, self.taken)
        return (*record, self.parts, self.day) if self.day else record

    def kept(self, words: str) -> str:
        """As the ledger, the journal and the logs may have it."""
        return masked(words, self.code)


@dataclass(slots=True)
class Lane:
    """All that goes through one account in this worker."""

    account: ProviderAccount
    connector: Connector
    receipt_url: str
    prices: PriceTable
    dispatches: dict[int, Dispatch] = field(default_factory=dict)
    contents: dict[int, Content] = field(default_factory=dict)
    # By dispatch: the last message claimed, from which the next claim goes on, and when one last began in front.
    claimed_to: dict[int, tuple[int, float]] = field(default_factory=dict)
    # When the use of each sender was last kept.
    senders_used: dict[str, datetime] = field(default_factory=dict)
    # Of the dispatches those that are verification codes.
    codes: set[int] = field(default_factory=set)

    def asks(self, state: MessageState) -> bool:
        """Whether its provider is asked what became of a message: always where it tells nothing by itself, else of what
        is in doubt."""
        if self.connector.receipts is ReceiptKind.POLLED:
            return True
        return state is MessageState.UNKNOWN and self.connector.can_be_asked

    @property
    def parts_per_second(self) -> float:
        return max(float(self.account.parts_per_second), 0.01)


def load_lanes(known: Mapping[int, Lane]) -> dict[int, Lane]:
    """The accounts with running dispatches, fresh from the database; unchanged ones keep what is compiled.

    None in a copy of the database that nobody claimed: also where it is put in the place of ours while we send.
    """
    if fence() is not None:
        return {}
    judge_failures()
    running = (
        Dispatch.objects.filter(state="running", diverted_at=None)
        .select_related("account", "lead")
        .order_by("id")
    )
    lanes: dict[int, Lane] = {}
    for dispatch in running:
        account = dispatch.account
        if not account.enabled:
            pause_dispatches_of_account(account_id=account.pk, trouble=_("the account is disabled."))
            continue
        try:
            lane = lanes.get(account.pk) or _lane_of(account, known.get(account.pk))
        except (ConnectorError, ImproperlyConfigured) as error:
            _pause(account, str(error))
            continue
        lanes[account.pk] = lane
        lane.dispatches[dispatch.pk] = dispatch
        if dispatch.broadcast_id is None and holds_code(dispatch.text):
            lane.codes.add(dispatch.pk)
    if lanes:
        _note_progress()
    return lanes


def _note_progress() -> None:
    """Each second of sending: a state of the database from before it is an older one."""
    global _noted_at
    now = time.monotonic()
    if now - _noted_at >= NOTE_SECONDS:
        _noted_at = now
        advance()


def _pause(account: ProviderAccount, sentence: str) -> None:
    """Settings that cannot be used stop their own broadcasts, not the others'."""
    pause_dispatches_of_account(account_id=account.pk, trouble=sentence)
    note_failing(account_id=account.pk, words=sentence)


def _lane_of(account: ProviderAccount, known: Lane | None) -> Lane:
    if known is not None and known.account.updated_at == account.updated_at:
        fresh = Lane(
            account,
            known.connector,
            known.receipt_url,
            known.prices,
            {},
            known.contents,
            known.claimed_to,
            known.senders_used,
        )
    else:
        fresh = Lane(account, connector_of(account), receipt_url(account), PriceTable(account))
    return fresh


def claim_jobs(lane: Lane, dispatch: Dispatch, *, claim: str, limit: int) -> list[Job]:
    """Claims up to `limit` messages and makes them ready. One short transaction, then plain reading. Raises NotYet."""
    free = free_at(lane.account.pk)
    early = (free - timezone.now()).total_seconds() if free else 0.0
    if early > EARLY_SECONDS and has_due(dispatch):
        raise NotYet(early)
    claimed_at = time.monotonic()
    lease_until = timezone.now() + timedelta(seconds=settings.ENGINE_LEASE_SECONDS)
    claimed = _claim_onwards(lane, dispatch, claim, limit, lease_until)
    if not claimed:
        return []
    try:
        return _jobs_of(lane, dispatch, claimed, claim=claim, claimed_at=claimed_at)
    except OverAgreed:
        raise
    except Exception as error:
        raise Unprepared(claimed) from error


def _claim_onwards(
    lane: Lane, dispatch: Dispatch, claim: str, limit: int, lease_until: datetime
) -> list[Claimed]:
    """From the last claim on; now and then, and when nothing is left there, from the beginning.

    Messages come back into the queue behind the last claim; but the way there leads past everything that was claimed
    since the last vacuum: 40 ms a claim after 60,000 messages.
    """
    after, began = lane.claimed_to.get(dispatch.pk, (0, 0.0))
    if time.monotonic() - began > FROM_THE_FRONT_SECONDS:
        after, began = 0, time.monotonic()
    take = partial(
        claim_messages,
        dispatch=dispatch,
        claim=claim,
        limit=limit,
        lease_until=lease_until,
        quiet=quiet_of(dispatch),
    )
    try:
        claimed = take(after=after)
        if not claimed and after:
            began = time.monotonic()
            claimed = take(after=0)
    except StillHolding:
        raise NotYet(0.0) from None
    lane.claimed_to[dispatch.pk] = (claimed[-1].message_id if claimed else 0, began)
    return claimed


def _jobs_of(
    lane: Lane, dispatch: Dispatch, claimed: Sequence[Claimed], *, claim: str, claimed_at: float
) -> list[Job]:
    claimed = _within_reach(lane, claimed)
    senders = {} if dispatch.sender else choose_senders(dispatch, claimed)
    if not dispatch.sender:
        claimed = [row for row in claimed if row.message_id in senders]
    codes = waiting_codes([row.message_id for row in claimed]) if holds_code(dispatch.text) else None
    content = _content(lane, dispatch)
    values = _values_of(claimed, content, lane.connector.wanted_values)
    texts = _texts(lane, dispatch, claimed, values, codes)
    ready = [row for row in claimed if row.message_id in texts]
    parts = [_parts(lane, texts[row.message_id], len(dispatch.media_urls)) for row in ready]
    if not ready:
        return []
    day = _today(lane) if lane.account.parts_per_day is not None else None
    if day is not None:
        fits = _take_of_day(lane, dispatch, claim, day, ready, parts)
        ready, parts = list(compress(ready, fits)), list(compress(parts, fits))
        if not ready:
            return []
    try:
        return _placed(
            lane,
            dispatch,
            ready,
            parts,
            texts=texts,
            values=values,
            senders=senders,
            codes=codes,
            claim=claim,
            claimed_at=claimed_at,
            day=day,
        )
    except BaseException:
        if day is not None:
            give_back(lane.account.pk, day, sum(parts))
        raise


def _today(lane: Lane) -> date:
    return day_of(timezone.now(), zone_of(lane.account))


def _take_of_day(
    lane: Lane, dispatch: Dispatch, claim: str, day: date, ready: Sequence[Claimed], parts: Sequence[int]
) -> list[bool]:
    """Which of these the account's day has room for; the others, and all that still waits, are held until the next.

    Codes may use what is kept free for them.
    """
    whole = lane.account.parts_per_day or 0
    limit = whole if holds_code(dispatch.text) else bulk_limit(whole)
    fits = take(lane.account.pk, day, parts, limit)
    if not all(fits):
        until = start_of(day + timedelta(days=1), zone_of(lane.account))
        return_to_queue(
            [
                Return(row.message_id, claim, DAILY_LIMIT, due_at=until, is_held=True, tries=row.tries)
                for row, does_fit in zip(ready, fits, strict=True)
                if not does_fit
            ]
        )
        hold_waiting(dispatch.pk, reason=DAILY_LIMIT, until=until)
        if max(parts) > limit:
            _pause_too_long(lane, dispatch, max(parts), limit)
    return fits


def _pause_too_long(lane: Lane, dispatch: Dispatch, parts: int, limit: int) -> None:
    """The limit was lowered since the launch: some of its texts would wait for ever."""
    reason = _(
        "A text has %(parts)s parts, more than %(account)s may send on a whole day (%(limit)s): it would never go. Raise the"
        " account's limit of parts a day and resume, or stop it."
    ) % {"parts": f"{parts:,}", "account": lane.account.name, "limit": f"{limit:,}"}
    pause_dispatch(dispatch_id=dispatch.pk, reason=reason, by_engine=True)


def _placed(
    lane: Lane,
    dispatch: Dispatch,
    ready: Sequence[Claimed],
    parts: Sequence[int],
    *,
    texts: Mapping[int, str],
    values: Mapping[int, Mapping[str, Any]],
    senders: Mapping[int, str],
    codes: Mapping[int, WaitingCode] | None,
    claim: str,
    claimed_at: float,
    day: date | None,
) -> list[Job]:
    """Each with its place in the account's pace. Raises OverAgreed."""
    pictures = tuple(dispatch.media_urls)
    costs = [_cost(lane, row.msisdn, count, len(pictures)) for row, count in zip(ready, parts, strict=True)]
    now = timezone.now()
    begin = reserve(lane.account.pk, sum(parts), lane.parts_per_second, now)
    limited = is_limited(dispatch)
    if limited and not _take(lane, dispatch, sum(parts), costs):
        raise OverAgreed(ready)
    start = time.monotonic() + max((begin - now).total_seconds(), 0.0)
    # A message whose turn comes so late that its answer could outlast the lease is not handed over any more.
    lease = settings.ENGINE_LEASE_SECONDS
    deadline = claimed_at + lease - settings.ENGINE_REQUEST_TIMEOUT_SECONDS * min(1.0, lease / 90)
    if dispatch.not_after is not None:
        deadline = min(deadline, _monotonic(dispatch.not_after))
    seconds_a_part = 1 / lane.parts_per_second
    jobs: list[Job] = []
    for row, count, cost in zip(ready, parts, costs, strict=True):
        outgoing = OutgoingText(
            message_id=row.message_id,
            msisdn=row.msisdn,
            sender=dispatch.sender or senders[row.message_id],
            text=texts[row.message_id],
            media_urls=pictures,
            receipt_url=lane.receipt_url,
            reference=reference_of(row.message_id),
            hidden=_hidden(codes, row.message_id),
            values=_wanted(lane, values.get(row.recipient_id or 0, {})),
        )
        code = codes[row.message_id] if codes is not None else None
        quiet_from = math.inf if row.quiet_from is None else _monotonic(row.quiet_from)
        latest = min(deadline, quiet_from)
        jobs.append(
            Job(
                outgoing,
                dispatch.pk,
                claim,
                row.tries,
                count,
                cost,
                start=start,
                deadline=min(latest, _monotonic(code.expires_at)) if code else latest,
                claimed_at=claimed_at,
                taken=count if limited else 0,
                taken_cost=(cost or NOTHING) if limited else NOTHING,
                code=code.code if code else "",
                chosen_sender="" if dispatch.sender else outgoing.sender,
                quiet_from=quiet_from,
                day=day.isoformat() if day else "",
            )
        )
        start += count * seconds_a_part
    if lane.connector.capabilities.passes_sender:
        used = {job.outgoing.sender for job in jobs}
        keep_use(lane.senders_used, workspace_id=dispatch.workspace_id, senders=used, now=now)
    return jobs


def _within_reach(lane: Lane, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
    """The others, whose numbers the provider does not take, are settled here: their parts were in no estimate."""
    reaches = lane.connector.capabilities.reaches
    beyond = [row for row in claimed if not reaches(row.msisdn)]
    if not beyond:
        return claimed
    now = timezone.now()
    words = lane.connector.number_words
    apply_changes(
        [
            Change(
                row.message_id, MessageState.FAILED, now, "engine", "out_of_reach", f"It takes {words} only."
            )
            for row in beyond
        ]
    )
    return [row for row in claimed if reaches(row.msisdn)]


def is_limited(dispatch: Dispatch) -> bool:
    """Whether somebody agreed to a number of parts or a cost. A text by itself was priced as it was handed in: there
    its parts count alone, and nobody waits at a page to be asked."""
    lead = dispatch.lead or dispatch
    return lead.agreed_parts is not None or lead.agreed_cost is not None


def _take(lane: Lane, dispatch: Dispatch, parts: int, costs: Sequence[Decimal | None]) -> bool:
    cost = sum((cost for cost in costs if cost), NOTHING) if dispatch.broadcast_id else NOTHING
    return take_agreed(dispatch.lead_pk, parts, cost) or _recount(lane, dispatch)


def _recount(lane: Lane, dispatch: Dispatch) -> bool:
    """Whether all that is not waiting any more, this claim with it, is within what was agreed to; counted anew.

    A worker that is killed between two steps leaves parts counted that went back: before a person is asked for
    nothing, the ledger itself is. What has no parts yet is rendered for it.
    """
    with transaction.atomic():
        row = lock_rows(Dispatch.objects.filter(pk=dispatch.lead_pk)).get()
        parts, cost = _counted_in_all(lane, dispatch, UNDER_WAY)
        if row.agreed_parts is not None and parts > row.agreed_parts:
            return False
        if dispatch.broadcast_id and row.agreed_cost is not None and cost > row.agreed_cost:
            return False
        Dispatch.objects.filter(pk=row.pk).update(claimed_parts=parts, claimed_cost=cost)
    return True


def ask_for_more(lane: Lane, dispatch: Dispatch) -> None:
    """Pauses it, with how much all of it would be now: whoever resumes it agrees to that."""
    parts, cost = _counted_in_all(lane, dispatch, list(MessageState))
    known = (dispatch.lead or dispatch).agreed_cost is not None or cost
    pause_over_agreed(dispatch_id=dispatch.pk, parts=parts, cost=cost if known else None)


def _counted_in_all(lane: Lane, dispatch: Dispatch, states: Sequence[MessageState]) -> tuple[int, Decimal]:
    """Of those in these states: of this one and, through a route, of all that go out beside it."""
    parts, cost, seen = 0, NOTHING, set[int]()
    group = Dispatch.objects.filter(pk__in=group_of(dispatch.pk)) if dispatch.strategy else [dispatch]
    for one in group:
        of_account = lane
        if one.pk != dispatch.pk:
            account = one.account
            of_account = Lane(account, connector_of(account), "", PriceTable(account))
        messages = Message.objects.filter(dispatch_id=one.pk, state__in=states)
        found = _counted(of_account, one, messages, seen)
        parts, cost = parts + found[0], cost + found[1]
    return parts, cost


def _counted(
    lane: Lane, dispatch: Dispatch, messages: QuerySet[Message], seen: set[int]
) -> tuple[int, Decimal]:
    """Parts and cost of these, handed over or not; what is handed over with its own, the others as they are now.

    `seen`: ids of those others, of which some are handed over while we count. The sum of what is handed over comes last, in
    one statement and without them, so that each counts once.
    """
    parts, cost = 0, NOTHING
    content, pictures = _content(lane, dispatch), len(dispatch.media_urls)
    rows = messages.filter(parts=None, state__in=UNCOUNTED).order_by("id")
    last = 0
    while True:
        columns = rows.filter(id__gt=last).values_list("id", "msisdn", "recipient_id", "tries", "place")
        claims = [Claimed(*row[:4], row[4] or 0) for row in columns[:RECOUNT_ROWS]]
        values = _values_of(claims, content)
        for each in claims:
            if each.message_id in seen or not lane.connector.capabilities.reaches(each.msisdn):
                continue
            seen.add(each.message_id)
            count = _parts(lane, _text(dispatch, content, each, values), pictures)
            parts += count
            cost += _cost(lane, each.msisdn, count, pictures) or NOTHING
        if len(claims) < RECOUNT_ROWS:
            break
        last = claims[-1].message_id
    handed = _but(messages, seen).aggregate(parts=Sum("parts"), cost=Sum("price"))
    return parts + (handed["parts"] or 0), cost + exact(handed["cost"])


def _but(messages: QuerySet[Message], ids: Collection[int]) -> QuerySet[Message]:
    """Without these, however many they are."""
    if not ids:
        return messages
    if connection.vendor == "postgresql":
        listed = "{" + ",".join(map(str, ids)) + "}"
        return messages.extra(where=["messaging_message.id <> ALL(%s::bigint[])"], params=[listed])
    among = "messaging_message.id NOT IN (SELECT value FROM json_each(%s))"
    return messages.extra(where=[among], params=[json.dumps(list(ids))])  # noqa: S610  # of constants


def _cost(lane: Lane, msisdn: str, parts: int, pictures: int) -> Decimal | None:
    price = lane.prices.price(msisdn, pictures=pictures)
    return None if price is None else price * parts


def _parts(lane: Lane, text: str, pictures: int) -> int:
    """As many as the provider bills."""
    return lane.connector.capabilities.parts_of(text, pictures)


def reference_of(message_id: int) -> str:
    """Our id as the vendor keeps it, where it keeps one: `crier-<id>`."""
    return f"crier-{message_id}"


def _monotonic(moment: datetime) -> float:
    """As time.monotonic() will have it."""
    return time.monotonic() + (moment - timezone.now()).total_seconds()


def _texts(
    lane: Lane,
    dispatch: Dispatch,
    claimed: Sequence[Claimed],
    values: Mapping[int, Mapping[str, Any]],
    codes: Mapping[int, WaitingCode] | None,
) -> dict[int, str]:
    """The text of each claimed message; those that have none are settled here, each with its reason."""
    content = _content(lane, dispatch)
    may_be_empty = bool(dispatch.media_urls) or not lane.connector.capabilities.body
    texts: dict[int, str] = {}
    failed: list[Change] = []
    now = timezone.now()
    for row in claimed:
        if row.recipient_id is not None and content.personal and row.recipient_id not in values:
            failed.append(Change(row.message_id, MessageState.FAILED, now, "engine", "recipient_removed"))
            continue
        code = codes.get(row.message_id, UNKNOWN_CODE) if codes is not None else None
        if code and code.over:
            failed.append(Change(row.message_id, MessageState.CANCELLED, now, "engine", code.over))
            continue
        text = _text(dispatch, content, row, values, code.code if code else "")
        if text.strip() or may_be_empty:
            texts[row.message_id] = text
        else:
            failed.append(Change(row.message_id, MessageState.FAILED, now, "engine", "empty_text"))
    apply_changes(failed)
    if content.shortens_own_url:
        own = {row.message_id: values.get(row.recipient_id or 0, {}) for row in claimed}
        _keep_own_urls({message_id: content.own_url(own[message_id]) for message_id in texts})
    return texts


def _content(lane: Lane, dispatch: Dispatch) -> Content:
    content = lane.contents.get(dispatch.pk)
    if content is None or content.source != dispatch.text:
        content = lane.contents[dispatch.pk] = content_of(dispatch)
    return content


def _hidden(codes: Mapping[int, WaitingCode] | None, message_id: int) -> str:
    code = codes.get(message_id) if codes is not None else None
    return code.code if code else ""


def _wanted(lane: Lane, values: Mapping[str, Any]) -> Mapping[str, str]:
    """What the connector sends beside the text."""
    names = lane.connector.wanted_values
    return {name: str(values.get(name) or "") for name in names} if names else NO_VALUES


def _text(
    dispatch: Dispatch,
    content: Content,
    row: Claimed,
    values: Mapping[int, Mapping[str, Any]],
    code: str = "",
) -> str:
    seed = seed_of(dispatch.broadcast_id, row.msisdn, row.message_id)
    own = {VERIFICATION_CODE: code} if code else values.get(row.recipient_id or 0, {})
    return content.render(own, seed=seed, message_id=row.message_id, place=row.place)


def _keep_own_urls(urls: Mapping[int, str]) -> None:
    """Before the texts are handed over: a code never goes out that leads nowhere."""
    OwnUrl.objects.bulk_create(
        (OwnUrl(message_id=message_id, url=url) for message_id, url in urls.items() if url),
        update_conflicts=True,
        unique_fields=["message_id"],
        update_fields=["url"],
    )


def _values_of(
    claimed: Sequence[Claimed], content: Content, wanted: Sequence[str] = ()
) -> dict[int, dict[str, Any]]:
    """By recipient id: what the text uses, and what the connector asks for beside it. {} where neither asks."""
    if not content.personal and not wanted:
        return {}
    ids = [row.recipient_id for row in claimed if row.recipient_id is not None]
    return recipient_values(ids, {*content.uses, *wanted})


def recipient_values(ids: Sequence[int], names: Collection[str]) -> dict[int, dict[str, Any]]:
    """Token values by recipient id; only the columns that are named are read.

    By hand: for a hundred ids the ORM takes longer to write the query than the database to answer it.
    """
    fields = [name for name in Recipient.TOKEN_FIELDS if name in names]
    further = [name for name in names if name not in Recipient.TOKEN_FIELDS]
    columns = ", ".join(["id", *fields, *(["extra"] if further else [])])
    query = f"SELECT {columns} FROM contacts_recipient WHERE id "  # noqa: S608  # columns of the model
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(query + "= ANY(%s)", [list(ids)])
        else:
            among = "IN (SELECT value FROM json_each(%s))"
            cursor.execute(query + among, [json.dumps(list(ids))])
        rows = cursor.fetchall()
    if not further:
        return {row[0]: dict(zip(fields, row[1:], strict=True)) for row in rows}
    return {row[0]: _with_extra(fields, further, row) for row in rows}


def _with_extra(fields: list[str], further: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    extra = json.loads(row[-1])
    return dict(zip(fields, row[1:-1], strict=True)) | {name: extra.get(name, "") for name in further}
