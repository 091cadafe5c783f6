"""The segments of a broadcast in figures, for the report page and the API; the counters are the ledger's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from campaigns.models import RESERVE, Broadcast, Segment, SmartStep
from campaigns.services.segment_state import is_asking, last_segment, left_in_reserve
from campaigns.services.segments import why_not_now
from messaging.links.classes import HitClass
from messaging.models import ANY_ENTRY, Dispatch, LinkCount, MessageCount
from sms.states import HANDED_OVER, WAITING, MessageState

S = MessageState
FAILED = (S.UNDELIVERED, S.EXPIRED, S.REJECTED, S.FAILED)
Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class SegmentLine:
    segment: Segment
    counts: Counts
    clicked: int
    # Through all accounts.
    charged: Decimal

    def _sum(self, states: Collection[MessageState]) -> int:
        return sum(self.counts.get(state.value, 0) for state in states)

    @property
    def number(self) -> int:
        return self.segment.number

    @property
    def state(self) -> str:
        return self.segment.dispatch.state

    @property
    def size(self) -> int:
        return self.segment.size or 0

    @property
    def people(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        return self._sum(HANDED_OVER)

    @property
    def delivered(self) -> int:
        return self._sum((S.DELIVERED,))

    @property
    def failed(self) -> int:
        return self._sum(FAILED)

    @property
    def waiting(self) -> int:
        return self._sum(list(WAITING))

    @property
    def click_rate(self) -> Decimal | None:
        return cut_rate(self.clicked, self.sent)

    @property
    def cost(self) -> Decimal:
        return self.charged.quantize(Decimal("0.00001"))

    @property
    def text(self) -> str:
        return self.segment.dispatch.text

    @property
    def sender(self) -> str:
        return self.segment.dispatch.sender

    @property
    def started_at(self) -> datetime | None:
        return self.segment.dispatch.started_at

    @property
    def finished_at(self) -> datetime | None:
        return self.segment.dispatch.finished_at


@dataclass(frozen=True, slots=True)
class Standing:
    """`left`: who is in no segment yet; `asks`: it is paused until a person decides about the next segment."""

    lines: list[SegmentLine]
    left: int
    next_number: int
    why_not_now: str
    steps: list[SmartStep]
    asks: bool


def cut_rate(clicked: int, sent: int) -> Decimal | None:
    """Of a hundred; cut off and not rounded, so that what is shown as 2 has reached 2. None where nothing was sent."""
    if not sent:
        return None
    return (Decimal(clicked) * 100 / sent).quantize(Decimal("0.001"), ROUND_DOWN)


def standing_of(broadcast: Broadcast) -> Standing:
    last = last_segment(broadcast)
    steps = broadcast.steps.select_related("user").order_by("at", "id")
    return Standing(
        lines=segment_lines(broadcast),
        left=left_in_reserve(broadcast),
        next_number=last.number + 1 if last else 1,
        why_not_now=why_not_now(broadcast),
        steps=list(steps),
        asks=is_asking(broadcast, last),
    )


def segment_lines(broadcast: Broadcast) -> list[SegmentLine]:
    """Without the reserve; four queries, however many there are."""
    segments = list(
        broadcast.segments.exclude(number=RESERVE).select_related("dispatch", "started_by").order_by("number")
    )
    leads = {segment.dispatch_id: segment.dispatch_id for segment in segments}
    beside = list(Dispatch.objects.filter(lead__in=leads).values_list("pk", "lead_id", "cost"))
    leads |= {pk: lead_id or pk for pk, lead_id, _cost in beside}
    counts: dict[int, Counts] = defaultdict(dict)
    rows = MessageCount.objects.filter(dispatch_id__in=leads).values_list("dispatch_id", "state", "count")
    for dispatch_id, state, count in rows:
        of_segment = counts[leads[dispatch_id]]
        of_segment[state] = of_segment.get(state, 0) + count
    clicked: Counter[int] = Counter()
    for dispatch_id, people in clicked_in(leads).items():
        clicked[leads[dispatch_id]] += people
    costs: dict[int, Decimal] = {segment.dispatch_id: segment.dispatch.cost for segment in segments}
    for _pk, lead_id, cost in beside:
        costs[lead_id or 0] += cost
    return [
        SegmentLine(one, counts[one.dispatch_id], clicked[one.dispatch_id], costs[one.dispatch_id])
        for one in segments
    ]


def clicked_in(dispatch_ids: Collection[int]) -> dict[int, int]:
    """By dispatch: people who followed any link of it, machines left out."""
    rows = LinkCount.objects.filter(
        dispatch_id__in=dispatch_ids, entry=ANY_ENTRY, hit_class=HitClass.HUMAN.value
    )
    return dict(rows.values_list("dispatch_id", "people"))
