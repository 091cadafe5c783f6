"""What happened to everybody: from kept counters, so that a report of a million costs what one of a hundred costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Broadcast, BroadcastState
from campaigns.services.estimate import numbers_at_launch
from campaigns.services.finish import finish_of_running
from campaigns.services.segment_state import left_in_reserve
from campaigns.services.through import accounts_of
from contacts.models import OptOut, Recipient
from contacts.search import number_contains
from messaging.daily import goes_on_at, held_of
from messaging.dispatches import counts_of, with_branches
from messaging.finish import Finish
from messaging.links.counts import Clicks, clicked_messages, clicks_of, first_clicks
from messaging.models import Dispatch, Message, MessageCount, MessageMinute
from messaging.quiet import next_due_of, quiet_held_of
from messaging.reasons import LOCAL_TIME, reason_of
from providers.connectors.capabilities import ReceiptKind
from providers.models import ProviderAccount
from providers.services import receipt_kind
from sms.states import HANDED_OVER, LABEL, MessageState
from web.csv_cells import harmless, msisdn_cell, time_cell

S = MessageState
NOT_DELIVERED = (S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED)
WAITS = (S.QUEUED, S.HELD)
# After the last change, a finished broadcast is looked at for so long before the page stops asking.
QUIET_AFTER = timedelta(seconds=45)
RATE_WINDOW = timedelta(minutes=2)

# Tabs of the report's table: name, label, the states they show (None: all).
TABS: dict[str, tuple[Promise, tuple[MessageState, ...] | None]] = {
    "all": (gettext_lazy("All"), None),
    "delivered": (gettext_lazy("Delivered"), (S.DELIVERED,)),
    "failed": (gettext_lazy("Failed"), NOT_DELIVERED),
    "on-the-way": (gettext_lazy("On the way"), (S.SUBMITTING, S.SENT)),
    "unknown": (gettext_lazy("Unknown"), (S.UNKNOWN,)),
    "waiting": (gettext_lazy("Waiting"), WAITS),
    "left-out": (gettext_lazy("Left out"), (S.SUPPRESSED, S.CANCELLED)),
}
# Only where the text has links: of any state, so no one of those.
CLICKED = "clicked"


@dataclass(frozen=True, slots=True)
class ReasonLine:
    code: str
    state: str
    sentence: str | Promise
    next_step: str | Promise
    count: int


@dataclass(frozen=True, slots=True)
class ThroughLine:
    """What went through one account of a route."""

    account_id: int
    account: str
    people: int
    sent: int
    delivered: int
    failed: int
    waiting: int
    cost: Decimal
    # Why it is left out for now; "" while it sends.
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of messages by state; they always add up to `people`."""

    people: int
    by_state: dict[str, int]
    cost: Decimal
    expected_cost: Decimal | None
    currency: str
    opted_out: int
    reasons: list[ReasonLine]
    left_out: dict[str, int]
    per_second: float | None
    done_about: datetime | None
    may_change: bool
    state: str
    summary: str
    # None where the text has no links.
    clicks: Clicks | None = None
    tab_counts: dict[str, int] = field(default_factory=dict)
    # Who waits for another day of the account, and when the next of them go on; None: they are being let go.
    held: int = 0
    goes_on_at: datetime | None = None
    # Who waits for the end of quiet hours, and when they end for the next of them.
    quiet_held: int = 0
    quiet_until: datetime | None = None
    # Of one that runs: when it will be through, and on what that rests.
    finish: Finish | None = None
    # Who waits until it is the time to send where they are.
    local_held: int = 0
    # The accounts whose parts of the day are sent.
    held_at: str = ""
    # False where the provider never says what became of a message: "sent" is all there will be.
    expects_receipts: bool = True
    # Through a route: by account, in its order.
    through: list[ThroughLine] = field(default_factory=list)

    def _sum(self, states: Collection[MessageState]) -> int:
        return sum(self.by_state[state.value] for state in states)

    @property
    def sent(self) -> int:
        """Handed over to the provider, whatever became of it."""
        return self._sum(HANDED_OVER)

    @property
    def delivered(self) -> int:
        return self._sum((S.DELIVERED,))

    @property
    def failed(self) -> int:
        return self._sum(NOT_DELIVERED)

    @property
    def on_the_way(self) -> int:
        return self._sum((S.SUBMITTING, S.SENT))

    @property
    def waiting(self) -> int:
        return self._sum(WAITS)

    @property
    def unknown(self) -> int:
        return self._sum((S.UNKNOWN,))

    @property
    def suppressed(self) -> int:
        return self._sum((S.SUPPRESSED,))

    @property
    def cancelled(self) -> int:
        return self._sum((S.CANCELLED,))

    @property
    def click_rate(self) -> float | None:
        """People who followed a link, machines left out, of a hundred messages sent."""
        if self.clicks is None or not self.sent:
            return None
        return round(self.clicks.all.people * 100 / self.sent, 2)


def report_of(broadcast: Broadcast) -> Report:
    dispatches = list(Dispatch.objects.filter(pk__in=_dispatch_ids(broadcast)).select_related("account"))
    ids = [dispatch.pk for dispatch in dispatches]
    by_state = counts_of(ids)
    people = sum(by_state.values())
    if not people and not _is_planned(dispatches):
        people = by_state[S.QUEUED.value] = int(numbers_at_launch(broadcast).get("people") or 0)
    agreed_cost = broadcast.estimate.get("cost")
    per_second, done_about = _pace(broadcast, ids, by_state)
    held = held_of(ids) if by_state[S.HELD.value] else 0
    quiet_held = quiet_held_of(ids) if by_state[S.HELD.value] else 0
    local_held = quiet_held_of(ids, LOCAL_TIME) if by_state[S.HELD.value] else 0
    held_in = [one.account for one in dispatches if held and held_of([one.pk])]
    sent = sum(by_state[state.value] for state in HANDED_OVER)
    clicks = clicks_of(ids)
    accounts = accounts_of(broadcast)
    return Report(
        people=people,
        by_state=by_state,
        cost=_cost(ids),
        expected_cost=None if agreed_cost is None else Decimal(agreed_cost),
        currency=str(broadcast.estimate.get("currency") or broadcast.workspace.currency),
        opted_out=_opted_out(broadcast),
        reasons=reasons_of(ids),
        left_out=_left_out(broadcast),
        per_second=per_second,
        done_about=None if held or quiet_held or local_held else done_about,
        held=held,
        goes_on_at=min((at for one in held_in if (at := goes_on_at(one))), default=None),
        held_at=", ".join(dict.fromkeys(one.name for one in held_in)),
        quiet_held=quiet_held,
        quiet_until=next_due_of(ids) if quiet_held or local_held else None,
        local_held=local_held,
        may_change=_may_change(broadcast, dispatches, by_state),
        state=broadcast.state,
        summary=_("%(sent)s of %(people)s sent") % {"sent": f"{sent:,}", "people": f"{people:,}"},
        clicks=clicks,
        # Whoever is held until morning is not through before; through a route nothing is foretold.
        finish=None if quiet_held or local_held or broadcast.route_id else finish_of_running(broadcast),
        expects_receipts=not accounts
        or any(receipt_kind(account) is not ReceiptKind.NONE for account in accounts),
        through=_through(dispatches),
        tab_counts=_tab_counts(by_state) | ({CLICKED: clicks.all.people} if clicks else {}),
    )


def _through(dispatches: list[Dispatch]) -> list[ThroughLine]:
    routed = [one for one in dispatches if one.strategy]
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    costs: dict[int, Decimal] = defaultdict(Decimal)
    accounts = {one.pk: one.account for one in routed}
    rows = MessageCount.objects.filter(dispatch__in=accounts).values_list("dispatch_id", "state", "count")
    for dispatch_id, state, count in rows:
        counts[accounts[dispatch_id].pk][state] += count
    for one in routed:
        costs[one.account_id] += one.cost
    in_order = {one.account_id: one.account for one in sorted(routed, key=lambda one: one.route_place or 0)}
    trouble = {
        one.account_id: one.diverted_why for one in routed if one.diverted_at and one.finished_at is None
    }
    return [
        _through_line(account, counts[pk], costs[pk], trouble.get(pk, "")) for pk, account in in_order.items()
    ]


def _through_line(
    account: ProviderAccount, counts: dict[str, int], cost: Decimal, trouble: str
) -> ThroughLine:
    def of(states: Collection[MessageState]) -> int:
        return sum(counts.get(state.value, 0) for state in states)

    return ThroughLine(
        account.pk,
        account.name,
        people=sum(counts.values()),
        sent=of(HANDED_OVER),
        delivered=of((S.DELIVERED,)),
        failed=of(NOT_DELIVERED),
        waiting=of(WAITS),
        cost=cost.quantize(Decimal("0.00001")),
        trouble=trouble,
    )


def _dispatch_ids(broadcast: Broadcast) -> list[int]:
    """Of all its segments, through all accounts."""
    return with_branches(broadcast.segments.values_list("dispatch_id", flat=True))


def states_of(broadcasts: list[Broadcast]) -> dict[int, dict[str, int]]:
    """Counts by state of many broadcasts with one query: for lists of them."""
    totals: dict[int, dict[str, int]] = {row.pk: {state.value: 0 for state in S} for row in broadcasts}
    rows = (
        MessageCount.objects.filter(
            Q(dispatch__segment__broadcast__in=broadcasts)
            | Q(dispatch__lead__segment__broadcast__in=broadcasts)
        )
        .values_list("dispatch__broadcast_id", "state")
        .annotate(total=Sum("count"))
    )
    for broadcast_id, state, count in rows:
        totals[broadcast_id][state] = count
    return totals


def _tab_counts(by_state: dict[str, int]) -> dict[str, int]:
    return {
        name: sum(by_state.values()) if states is None else sum(by_state[state.value] for state in states)
        for name, (_label, states) in TABS.items()
    }


def _cost(dispatch_ids: list[int]) -> Decimal:
    total = Dispatch.objects.filter(id__in=dispatch_ids).aggregate(total=Sum("cost"))["total"]
    # SQLite sums as binary fractions.
    return Decimal(total or 0).quantize(Decimal("0.00001"))


def _opted_out(broadcast: Broadcast) -> int:
    """People of this broadcast who opted out since it was launched."""
    if broadcast.launched_at is None:
        return 0
    numbers = Message.objects.filter(broadcast_id=broadcast.pk).values("msisdn")
    gone = OptOut.objects.filter(workspace_id=broadcast.workspace_id, at__gte=broadcast.launched_at)
    return gone.filter(msisdn__in=numbers).count()


def reasons_of(dispatch_ids: list[int]) -> list[ReasonLine]:
    """Why not delivered: states with a reason, the most frequent first."""
    shown = {state.value for state in (*NOT_DELIVERED, S.UNKNOWN, S.SUPPRESSED, S.CANCELLED, *WAITS)}
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for state, code, count in MessageCount.objects.filter(dispatch_id__in=dispatch_ids).values_list(
        "state", "reason", "count"
    ):
        if state in shown and (code or state not in WAITS) and count:
            counts[(state, code)] += count
    lines = []
    for (state, code), count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        reason = reason_of(code or state)
        lines.append(ReasonLine(code, state, reason.sentence, reason.next_step, count))
    return lines


def _is_planned(dispatches: list[Dispatch]) -> bool:
    """Whether the ledger holds everybody."""
    return any(dispatch.started_at for dispatch in dispatches)


def _left_out(broadcast: Broadcast) -> dict[str, int]:
    """`since_launch`: who had been agreed to, and opted out or unsubscribed before they were planned."""
    reach = numbers_at_launch(broadcast).get("reach") or {}
    counts = {name: reach.get(name) for name in ("duplicates", "opted_out", "unsubscribed")}
    counts["since_launch"] = broadcast.estimate.get("left_out_since")
    return {name: count for name, count in counts.items() if count}


def _pace(
    broadcast: Broadcast, dispatch_ids: list[int], by_state: dict[str, int]
) -> tuple[float | None, datetime | None]:
    """Messages a second of late, and when the rest will be done at that pace."""
    if broadcast.state != BroadcastState.RUNNING:
        return None, None
    started = min(
        (
            at
            for at in Dispatch.objects.filter(id__in=dispatch_ids).values_list("started_at", flat=True)
            if at
        ),
        default=None,
    )
    if started is None:
        return None, None
    now = timezone.now()
    since = max(started, (now - RATE_WINDOW).replace(second=0, microsecond=0))
    counted = MessageMinute.objects.filter(
        dispatch_id__in=dispatch_ids, minute__gte=since.replace(second=0, microsecond=0), state=S.SENT.value
    ).aggregate(total=Sum("count"))["total"]
    seconds = max((now - since).total_seconds(), 1.0)
    rate = (counted or 0) / seconds
    # Who is in reserve waits for a decision, not for the pace.
    waiting = sum(by_state[state.value] for state in WAITS) - left_in_reserve(broadcast)
    return rate, (now + timedelta(seconds=waiting / rate) if rate > 0 else None)


def _may_change(broadcast: Broadcast, dispatches: list[Dispatch], by_state: dict[str, int]) -> bool:
    """False when a page need not ask again by itself: nothing waits, and receipts have been quiet for a while."""
    if broadcast.state in (BroadcastState.RUNNING, BroadcastState.SCHEDULED):
        return True
    if broadcast.state == BroadcastState.DRAFT:
        return False
    under_way = by_state[S.SUBMITTING.value] + by_state[S.SENT.value] + by_state[S.UNKNOWN.value]
    if broadcast.state == BroadcastState.STOPPED:
        under_way += by_state[S.QUEUED.value]
    last = max((dispatch.changed_at for dispatch in dispatches), default=None)
    return bool(under_way and last and timezone.now() - last < QUIET_AFTER)


# --- the chart ------------------------------------------------------------------------------------------

SERIES: tuple[tuple[str, Promise, tuple[MessageState, ...]], ...] = (
    ("sent", gettext_lazy("Sent"), (S.SENT,)),
    ("delivered", gettext_lazy("Delivered"), (S.DELIVERED,)),
    ("failed", gettext_lazy("Failed"), NOT_DELIVERED),
)
BARS_MOST = 40


@dataclass(frozen=True, slots=True)
class Chart:
    """`labels`: local times; each of `series` has "name", "label" and one count a label."""

    labels: list[str]
    series: list[dict[str, Any]]
    unit_minutes: int


def chart_of(broadcast: Broadcast) -> Chart:
    rows = list(
        MessageMinute.objects.filter(dispatch__in=_dispatch_ids(broadcast))
        .values_list("minute", "state")
        .annotate(total=Sum("count"))
        .order_by("minute")
    )
    if not rows:
        return Chart([], [], 1)
    first, last = rows[0][0], rows[-1][0]
    unit = _unit(int((last - first).total_seconds() // 60) + 1)
    bars = int((last - first).total_seconds() // 60) // unit + 1
    counts = {name: [0] * bars for name, _label, _states in SERIES}
    for minute, state, total in rows:
        place = int((minute - first).total_seconds() // 60) // unit
        for name, _label, states in SERIES:
            if state in states:
                counts[name][place] += total
    times = [timezone.localtime(first + timedelta(minutes=unit * place)) for place in range(bars)]
    day = "%d %b %H:%M" if (last - first) > timedelta(days=1) else "%H:%M"
    series = [{"name": name, "label": str(label), "values": counts[name]} for name, label, _states in SERIES]
    return Chart([at.strftime(day) for at in times], series, unit)


def _unit(minutes: int) -> int:
    for unit in (1, 5, 15, 60, 180, 720, 1440):
        if minutes / unit <= BARS_MOST:
            return unit
    return 10_080


# --- everybody ------------------------------------------------------------------------------------------


def messages_of(
    broadcast: Broadcast,
    *,
    tab: str = "all",
    search: str = "",
    after_id: int = 0,
    limit: int = 50,
    segment: int | None = None,
) -> list[Message]:
    """One page in the order of planning, from after `after_id` on (keyset: page 20,000 costs what page 1 costs)."""
    rows = tab_rows(broadcast, tab, segment)
    if search.strip():
        rows = _searched(broadcast, rows, search.strip())
    return list(rows.filter(id__gt=after_id).order_by("id")[:limit])


def tab_rows(broadcast: Broadcast, tab: str, segment: int | None = None) -> QuerySet[Message]:
    segments = broadcast.segments.all() if segment is None else broadcast.segments.filter(number=segment)
    dispatch_ids = with_branches(segments.values_list("dispatch_id", flat=True))
    rows = Message.objects.filter(workspace_id=broadcast.workspace_id, dispatch_id__in=dispatch_ids)
    if tab == CLICKED:
        return rows.filter(clicked_messages(dispatch_ids))
    states = TABS.get(tab, TABS["all"])[1]
    return rows if states is None else rows.filter(state__in=[state.value for state in states])


def _searched(broadcast: Broadcast, rows: QuerySet[Message], search: str) -> QuerySet[Message]:
    """A piece of the number in any writing, or the beginning of a name on the broadcast's lists."""
    digits = "".join(char for char in search if char.isdigit())
    if digits and len(digits) >= len(search) / 2:
        return rows.filter(number_contains(search, broadcast.workspace.default_country))
    list_ids = broadcast.lists.values_list("id", flat=True)
    named = Recipient.objects.filter(list_id__in=list(list_ids))
    people = named.filter(first_name__istartswith=search) | named.filter(last_name__istartswith=search)
    return rows.filter(recipient_id__in=people.values("id"))


@dataclass(frozen=True, slots=True)
class Step:
    at: datetime
    state: str
    sentence: str
    words: str


def timeline_of(message: Message) -> list[Step]:
    """Every change of one message with its time, source and the provider's words."""
    steps = [Step(message.created_at, S.QUEUED.value, _("Planned"), "")]
    if message.submitted_at:
        steps.append(Step(message.submitted_at, S.SUBMITTING.value, _("Handed to the provider"), ""))
    sources = {
        "engine": _("the provider's answer"),
        "receipt": _("a delivery report"),
        "sweep": _("Crier's sweep"),
        "planning": _("Crier's planning"),
        "person": _("a person"),
    }
    for state, at, source, code, words in message.history:
        reason = str(reason_of(code).sentence) if code else str(LABEL[S(state)])
        sentence = _("%(what)s (%(source)s)") % {"what": reason, "source": sources.get(source, source)}
        steps.append(Step(datetime.fromisoformat(at), state, sentence, words))
    return sorted(steps, key=lambda step: step.at)


# Stable, and documented in docs/report-csv.md: programs read it.
CSV_HEADER = (
    "msisdn",
    "first_name",
    "last_name",
    "state",
    "reason_code",
    "reason",
    "parts",
    "cost",
    "currency",
    "queued_at",
    "sent_at",
    "delivered_at",
    "settled_at",
    "provider_message_id",
    "provider_words",
    "sender",
    "text",
    "clicked_at",
)
CSV_CHUNK = 2000  # rows


def csv_rows(broadcast: Broadcast, *, tab: str = "all") -> Iterator[list[str]]:
    """A header and one row per recipient; streamed. Times in the workspace's zone."""
    yield list(CSV_HEADER)
    zone = ZoneInfo(broadcast.workspace.time_zone)
    currencies = dict(broadcast.workspace.provider_accounts.values_list("id", "currency"))
    rows = tab_rows(broadcast, tab).order_by("id").iterator(chunk_size=CSV_CHUNK)
    while chunk := list(islice(rows, CSV_CHUNK)):
        names = _names(chunk)
        clicked = first_clicks([row.pk for row in chunk])
        for row in chunk:
            first_name, last_name = names.get(row.recipient_id or 0, ("", ""))
            yield [
                msisdn_cell(row.msisdn),
                harmless(first_name),
                harmless(last_name),
                row.state,
                row.reason,
                str(reason_of(row.reason).sentence),
                "" if row.parts is None else str(row.parts),
                "" if row.price is None else str(row.price),
                "" if row.price is None else currencies.get(row.account_id, ""),
                *(time_cell(at, zone) for at in _csv_times(row)),
                harmless(row.provider_message_id),
                harmless(row.words),
                harmless(row.sender),
                harmless(row.text),
                time_cell(clicked.get(row.pk), zone),
            ]


def _names(messages: list[Message]) -> dict[int, tuple[str, str]]:
    ids = {message.recipient_id for message in messages if message.recipient_id}
    rows = Recipient.objects.filter(id__in=ids).values_list("id", "first_name", "last_name")
    return {pk: (first, last) for pk, first, last in rows}


def _csv_times(message: Message) -> tuple[datetime | None, ...]:
    """Queued, taken by the provider, delivered, settled."""
    first: dict[str, datetime] = {}
    for state, at, *_rest in message.history:
        first.setdefault(state, datetime.fromisoformat(at))
    sent = first.get(S.SENT.value)
    if sent is None and message.state in {state.value for state in HANDED_OVER}:
        sent = message.submitted_at
    delivered = message.settled_at if message.state == S.DELIVERED.value else None
    return message.created_at, sent, delivered, message.settled_at
