"""Broadcasts, their segments and texts: what is being sent, and what became of it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

from providers.sandbox import parts
from providers.sandbox.messagewhiz.records import Account, Campaign, Trigger, UnsubscribeList, Values
from providers.sandbox.messagewhiz.tokens import Body
from providers.sandbox.state import Entry

PRICE_OF_PART = 0.01


class Kind(IntEnum):
    """Document 004, Get Broadcasts List; OLD_SINGLE is what the older path of one time passwords makes."""

    OLD_SINGLE = 0
    SINGLE = 10
    BASE = 11
    SMART = 12


class Task(IntEnum):
    """Document 004, DLR to webhook: `task_state`."""

    SENT = 0
    DELIVERED = 2
    EXPIRED = 3
    UNDELIVERED = 5
    REJECTED = 8
    FAILED = 9


# By the words of receipts.
TASKS = {
    "DELIVRD": Task.DELIVERED,
    "EXPIRED": Task.EXPIRED,
    "UNDELIV": Task.UNDELIVERED,
    "REJECTD": Task.REJECTED,
}


class Life(IntEnum):
    """`state` of a segment and of a broadcast. The document shows 0 and 2 and explains neither."""

    WAITING = 0
    SENDING = 1
    SENT = 2
    PAUSED = 3
    EXPIRED = 4


@dataclass(slots=True)
class When:
    """`at` in seconds since 1970; a trigger goes before it, `delay` being minutes after the trigger."""

    at: float | None = None
    trigger: Trigger | None = None
    delay: int = 0
    utc_offset: int = 0


@dataclass(slots=True)
class Words:
    """What a segment says and as whom: one body and one sender at random for each text."""

    bodies: list[Body]
    senders: list[str]
    template_id: int | None = None


@dataclass(slots=True)
class Smart:
    """`kind`: manual or CTR. The rest is of CTR; `cap` None means no limit, `taken` counts up to it."""

    kind: str
    next_size: int = 0
    threshold: int = 0
    cap: int | None = None
    expires_at: float | None = None
    taken: int = 0
    batch: int = 0
    is_paused: bool = False
    is_expired: bool = False

    @property
    def is_ctr(self) -> bool:
        return self.kind == "CTR"


@dataclass(slots=True, eq=False)
class Broadcast:
    """`waiting` is the audience that no segment has yet.

    `clickers` are texts clicked at least once, `clicks` all clicks of people; `turns` spreads links evenly.
    """

    id: int
    account: Account
    kind: Kind
    name: str
    campaign: Campaign
    when: When
    base_url: str
    waiting: deque[tuple[str, Values]]
    unsubscribe_lists: list[UnsubscribeList]
    smart: Smart | None = None
    custom_parameter: str = ""
    is_one_time: bool = False
    created_at: float = field(default_factory=time.time)
    segments: list[Segment] = field(default_factory=list)
    audience_size: int = 0
    clickers: int = 0
    clicks: int = 0
    turns: Counter[int] = field(default_factory=Counter)

    @property
    def is_single(self) -> bool:
        return self.kind in (Kind.OLD_SINGLE, Kind.SINGLE)

    @property
    def reference(self) -> str:
        """Of its texts on the handsets: the same text to the same number twice in it would be a double."""
        return self.custom_parameter or f"broadcast {self.id}"

    @property
    def state(self) -> Life:
        if self.smart and self.smart.is_expired:
            return Life.EXPIRED
        states = {segment.state for segment in self.segments}
        for life in (Life.SENDING, Life.WAITING):
            if life in states:
                return life
        if not self.waiting:
            return Life.SENT
        return Life.SENDING if self.smart and self.smart.is_ctr and not self.smart.is_paused else Life.PAUSED

    @property
    def is_over(self) -> bool:
        return self.state in (Life.SENT, Life.EXPIRED)

    def is_unsubscribed(self, msisdn: str) -> bool:
        return any(msisdn in row.numbers for row in self.unsubscribe_lists)


@dataclass(slots=True, eq=False)
class Segment:
    """`tasks` counts its texts by Task; `recipients` are those whose texts are not sent yet."""

    id: int
    broadcast: Broadcast
    words: Words
    when: When
    recipients: deque[tuple[str, Values]]
    batch: int = 0
    state: Life = Life.WAITING
    created_at: float = field(default_factory=time.time)
    recipient_count: int = 0
    estimated_price: float = 0.0
    real_price: float = 0.0
    sent: int = 0
    clickers: int = 0
    tasks: Counter[Task] = field(default_factory=Counter)
    watched: list[Text] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Text(Entry):
    """A text of a broadcast. `updated`: when its task last changed, seconds since 1970."""

    segment: Segment | None = None
    task: Task = Task.SENT
    updated: float = 0.0
    was_clicked: bool = False

    @property
    def price(self) -> float:
        return price_of(self.parts)

    def settle(self, task: Task) -> None:
        """The first receipt that says how it ended counts; later ones change nothing."""
        if self.segment is None or self.task is not Task.SENT:
            return
        self.segment.tasks[Task.SENT] -= 1
        self.segment.tasks[task] += 1
        self.task, self.updated = task, time.time()


def price_of(part_count: int) -> float:
    return round(PRICE_OF_PART * part_count, 2)


def guess_price(words: Words, recipients: Iterable[object]) -> float:
    """As if every text were the first body with its tokens written out."""
    return price_of(parts.count(words.bodies[0].text) * sum(1 for _ in recipients))
