"""What an API key has set up: its entities by kind, bounded, and never deleted, only disabled."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from providers.sandbox.messagewhiz.envelope import Failure

if TYPE_CHECKING:
    from providers.sandbox.messagewhiz.sendings import Broadcast

USER_ID, COMPANY_ID = 3191, 3182  # the document's own
MOST_OF_A_KIND = 10_000  # entities of one key
MOST_BROADCASTS = 1_000
MOST_COMBINED_LISTS = 100
LEAST_TIMEOUT, LONGEST_TIMEOUT = 5, 10_080  # minutes; the document says 3 in one place and 5 in two
MOST_CODES = 10_000  # one time passwords that wait to be verified

# As in the document's examples, so that an answer looks like one of its own.
FIRST_IDS = {
    "campaign": 46279,
    "recipient_list": 267628,
    "sender": 28938893,
    "sender_list": 5456,
    "unsubscribe_list": 21534,
    "link": 165655,
    "link_list": 6940,
    "spinner": 10519,
    "template": 46126,
    "trigger": 5677,
    "broadcast": 1174181,
    "segment": 523940,
}

# A recipient's metadata by token name; the same empty mapping for all who have none.
Values = Mapping[str, str]
NO_VALUES: Values = {}


class Ids:
    """Numbers for all keys together: what one key made, another does not find."""

    def __init__(self) -> None:
        self._counts = {kind: itertools.count(first) for kind, first in FIRST_IDS.items()}

    def next(self, kind: str) -> int:
        return next(self._counts[kind])


@dataclass(slots=True)
class Room:
    """How many numbers of telephones all lists, audiences and reports that wait may hold together."""

    most: int
    used: int = 0

    def take(self, count: int) -> None:
        if self.used + count > self.most:
            raise Failure(
                403, f"the sandbox holds {self.most} numbers and has no room for {count} more; reset it"
            )
        self.used += count

    def give_back(self, count: int) -> None:
        self.used = max(0, self.used - count)


@dataclass(slots=True, kw_only=True, eq=False)
class Row:
    id: int
    name: str
    enabled: bool = True


@dataclass(slots=True, kw_only=True, eq=False)
class Campaign(Row):
    """Dates in seconds since 1970, None without a limit."""

    starts_at: float | None = None
    ends_at: float | None = None
    is_default: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class RecipientList(Row):
    """`columns`: the tokens beside the number that its file had, in its order."""

    people: dict[str, Values] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Sender(Row):
    pass


@dataclass(slots=True, kw_only=True, eq=False)
class SenderList(Row):
    senders: dict[int, Sender] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class UnsubscribeList(Row):
    """`numbers`: a set that keeps its order."""

    numbers: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Link(Row):
    """`bot_redirect`: where computers are led; `preview_url`: where those who draw a preview are led."""

    url: str
    bot_redirect: str = ""
    preview_url: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class LinkList(Row):
    links: dict[int, Link] = field(default_factory=dict)
    unique_clicks: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Spinner(Row):
    words: list[str]


@dataclass(slots=True, kw_only=True, eq=False)
class Template(Row):
    body: str


@dataclass(slots=True, kw_only=True, eq=False)
class Trigger(Row):
    """`code`: the last step of its public short URL, `short_url` the whole of it."""

    uuid: str
    code: str
    short_url: str


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """The rows of one kind and one key, by id."""

    def __init__(self, rows: Iterable[R] = ()) -> None:
        self.rows = {row.id: row for row in rows}

    def __iter__(self) -> Iterator[R]:
        """Newest first, as the document lists them."""
        return reversed(self.rows.values())

    def get(self, row_id: int) -> R:
        """Enabled or not; raises Failure 404."""
        row = self.rows.get(row_id)
        if row is None:
            raise Failure(404, f"there is no {row_id}")
        return row

    def active(self, row_id: int) -> R:
        """One that may be used; raises Failure 404."""
        row = self.get(row_id)
        if not row.enabled:
            raise Failure(404, f"{row_id} is disabled")
        return row

    def add(self, row: R) -> R:
        """Raises Failure as `refuse_new`."""
        self.refuse_new(row.name)
        self.rows[row.id] = row
        return row

    def add_all(self, rows: list[R]) -> None:
        """Of names that the caller found free; all or none."""
        self.refuse_full(len(rows))
        self.rows.update((row.id, row) for row in rows)

    def refuse_new(self, name: str) -> None:
        """Raises Failure: 409 for a name that is taken, 403 beyond the bound."""
        self.refuse_taken(name)
        self.refuse_full(1)

    def refuse_full(self, count: int) -> None:
        if len(self.rows) + count > MOST_OF_A_KIND:
            raise Failure(403, f"the sandbox keeps {MOST_OF_A_KIND} of a kind; reset it with its accounts")

    def refuse_taken(self, name: str, but: R | None = None) -> None:
        """Raises Failure 409 when another enabled row has the name."""
        if any(row.name == name and row.enabled and row is not but for row in self.rows.values()):
            raise Failure(409, f"name {name!r} is taken")


def document_senders() -> list[Sender]:
    """The document's examples, and one that is disabled."""
    return [
        Sender(id=28905670, name="OldSender", enabled=False),
        Sender(id=28905671, name="Crier"),
        Sender(id=28905672, name="test"),
        Sender(id=28938892, name="FirstSender"),
    ]


@dataclass(slots=True)
class Reporting:
    """What the vendor's staff sets up: document 004, section DLR to webhook. T1 and T2 in minutes.

    `click_webhook` gets the clicks on `{{callback_link}}`.
    """

    webhook: str = ""
    t1: int = LEAST_TIMEOUT
    t2: int | None = None
    click_webhook: str = ""


class Account:
    """One API key.

    `now` gives seconds since 1970; `combined` are the ids of the lists that combinedsubmit made, the oldest first.
    """

    def __init__(self, key: str, ids: Ids, room: Room, now: Callable[[], float] = time.time) -> None:
        self.key = key
        self.now = now
        self.ids = ids
        self.room = room
        default = Campaign(id=34641, name="Default campaign", is_default=True)
        self.campaigns = Table([default])
        self.recipient_lists: Table[RecipientList] = Table()
        self.senders = Table(document_senders())
        self.sender_lists: Table[SenderList] = Table()
        self.unsubscribe_lists: Table[UnsubscribeList] = Table()
        self.links: Table[Link] = Table()
        self.link_lists: Table[LinkList] = Table()
        self.spinners: Table[Spinner] = Table()
        self.templates: Table[Template] = Table()
        self.triggers: Table[Trigger] = Table()
        self.broadcasts: dict[int, Broadcast] = {}
        self.combined: deque[int] = deque()
        self.one_time_codes: dict[str, str] = {}
        self.reporting = Reporting()

    @property
    def default_campaign(self) -> Campaign:
        return next(iter(self.campaigns.rows.values()))

    def numbers_kept(self) -> int:
        """In lists; those of broadcasts come and go."""
        people = sum(len(row.people) for row in self.recipient_lists)
        return people + sum(len(row.numbers) for row in self.unsubscribe_lists)

    def keep_code(self, msisdn: str, code: str) -> None:
        """The latest one time password of a number; the oldest of all is forgotten beyond the bound."""
        self.one_time_codes.pop(msisdn, None)
        self.one_time_codes[msisdn] = code
        if len(self.one_time_codes) > MOST_CODES:
            del self.one_time_codes[next(iter(self.one_time_codes))]

    def keep_broadcast(self, broadcast: Broadcast) -> None:
        """Forgets the oldest that is over; raises Failure 403 when none is."""
        if len(self.broadcasts) >= MOST_BROADCASTS:
            over = next((row for row in self.broadcasts.values() if row.is_over), None)
            if over is None:
                raise Failure(
                    403, f"the sandbox keeps {MOST_BROADCASTS} broadcasts that are not over; reset it"
                )
            del self.broadcasts[over.id]
        self.broadcasts[broadcast.id] = broadcast

    def campaign_to_send(self, campaign_id: int) -> Campaign:
        """Raises Failure: 404 when there is no such active campaign, 400 outside its dates."""
        campaign = self.campaigns.active(campaign_id)
        now = self.now()
        if not (campaign.starts_at or 0) <= now <= (campaign.ends_at or now):
            raise Failure(400, f"campaign_id {campaign_id} is outside its dates")
        return campaign
