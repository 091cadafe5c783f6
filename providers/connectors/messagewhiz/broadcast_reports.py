"""“Get Broadcasts List” and “Delivery report” of document 004.

- The dates of the list's filter are `MM/DD/YYYY hh:mm AM`, and their zone is not stated: they go out as UTC.
- The filter separates its parts with commas and has no way to write one inside a name.
- `conversion` is a text here. A number of `type` or `state` that is not documented is kept as it is.
- An empty delivery report is of a broadcast whose report is not ready, as clients in the field read it (NOTES: they
  ask again until it is not empty).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, Literal

from providers.connectors.answers import as_amount, as_flag, as_number, as_text, moment
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_id, list_query
from providers.connectors.messagewhiz.outputs import all_pages, read_id
from providers.connectors.messagewhiz.read import number_of, text_of
from providers.connectors.messagewhiz.written import Id, filter_time, in_utc, shown, whole
from providers.connectors.operations import Ask, operation
from providers.errors import RequestRefused

MOST_LISTED = 100


class BroadcastType(IntEnum):
    """Those below 10 are of the previous approach; a child is a part of a smart one."""

    OLD_SINGLE = 0
    OLD_BASIC = 1
    OLD_SMART = 2
    OLD_CHILD = 3
    SINGLE = 10
    BASIC = 11
    SMART = 12


class BroadcastOrder(Enum):
    """The first is what MessageWhiz does unasked."""

    LAST_CREATED_FIRST = "create_date DESC"
    FIRST_CREATED_FIRST = "create_date ASC"
    LAST_SENT_FIRST = "send_date DESC"
    FIRST_SENT_FIRST = "send_date ASC"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """Of broadcasts created or sent then. Dates have a time zone, either may be left out."""

    by: Literal["create_date", "send_date"]
    start: datetime | None = None
    end: datetime | None = None

    def filters(self) -> list[str]:
        if self.start is None and self.end is None:
            raise RequestRefused("None of start_date, end_date is given: give one of them, or both.")
        if self.start and self.end and in_utc("end_date", self.end) < in_utc("start_date", self.start):
            raise RequestRefused(
                f"end_date is {shown(self.end)}, before start_date, {shown(self.start)}: swap both."
            )
        named = (("start_date", self.start), ("end_date", self.end))
        return [f"filterBy={self.by}", *(f"{name}={filter_time(name, at)}" for name, at in named if at)]


@dataclass(frozen=True, slots=True)
class BroadcastConversion:
    """Clicks on the links of a broadcast; `conversion` in per cent."""

    broadcast_id: str
    unique_clicks: int | None
    total_clicks: int | None
    recipient_count: int | None
    conversion: Decimal | None


@dataclass(frozen=True, slots=True)
class ListedBroadcast:
    """`type`: see BroadcastType. Ids are "" and other values None where the answer has null; times are UTC."""

    id: str
    user_id: str
    name: str
    type: int | None
    message_body: str
    enabled: bool | None
    trigger_id: str
    send_date: datetime | None
    state: int | None
    parent_id: str
    real_price: Decimal | None
    estimated_price: Decimal | None
    create_date: datetime | None
    estimated_count: int | None
    utc_offset: int | None
    next_segment_size: int | None
    eb_type: str
    company_name: str
    timezone: str
    send_now: bool | None
    conversion: BroadcastConversion | None


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """How many messages of a broadcast, or of one segment of a smart one, are in which state."""

    broadcast_id: str
    sent: int
    delivered: int
    undelivered: int
    rejected: int
    expired: int
    failed: int


class BroadcastReports(Enveloped):
    """Two operations."""

    @operation("GET", "/api/3/Broadcast/List", section="Get Broadcasts List")
    def list_broadcasts(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        name: str = "",
        types: Sequence[BroadcastType] = (),
        parent_id: Id | None = None,
        dates: DateRange | None = None,
        order: BroadcastOrder | None = None,
    ) -> tuple[ListedBroadcast, ...]:
        """One page, of at most 100. `name`: a part of it; `parent_id`: the parts of this smart one, of type 3."""
        filters = _filters(name, types, parent_id, dates)
        if limit is not None:
            whole("limit", limit, 1, MOST_LISTED)
        query = list_query(limit=limit, start=start, enabled=None, name="")
        query |= {"filter": ",".join(filters) or None, "orderby": order.value if order else None}
        rows = self.rows(ask(query=query))
        return tuple(self._listed(row) for row in rows)

    def all_broadcasts(
        self,
        *,
        name: str = "",
        types: Sequence[BroadcastType] = (),
        parent_id: Id | None = None,
        dates: DateRange | None = None,
        order: BroadcastOrder | None = None,
    ) -> tuple[ListedBroadcast, ...]:
        """All pages."""
        return all_pages(
            self.connector,
            lambda start: self.list_broadcasts(
                limit=PAGE_ROWS,
                start=start,
                name=name,
                types=types,
                parent_id=parent_id,
                dates=dates,
                order=order,
            ),
        )

    @operation("POST", "/api/3/DeliveryReport", section="Get a delivery report")
    def get_delivery_report(self, ask: Ask, *, broadcast_id: Id) -> tuple[SegmentReport, ...]:
        """One, or of a smart broadcast one for each segment. () as long as it is not ready."""
        rows = self.rows(ask(json={"bid": given_id("broadcast_id", broadcast_id)}))
        return tuple(self._report(row) for row in rows)

    # --- answers ----------------------------------------------------------------------------------

    def _listed(self, row: dict[str, Any]) -> ListedBroadcast:
        clicks = row.get("broadcastConversion")
        return ListedBroadcast(
            read_id(self.connector, row),
            as_text(row.get("user_id")),
            as_text(row.get("name")),
            as_number(row.get("type")),
            text_of(row.get("message_body")),
            as_flag(row.get("enabled")),
            as_text(row.get("trigger_id")),
            moment(row.get("send_date")),
            as_number(row.get("state")),
            as_text(row.get("parent_id")),
            as_amount(row.get("real_price")),
            as_amount(row.get("estimated_price")),
            moment(row.get("create_date")),
            as_number(row.get("estimated_count")),
            as_number(row.get("utc_offset")),
            as_number(row.get("next_segment_size")),
            as_text(row.get("eb_type")),
            as_text(row.get("company_name")),
            as_text(row.get("timezone")),
            as_flag(row.get("send_now")),
            _conversion(clicks) if isinstance(clicks, dict) else None,
        )

    def _report(self, row: dict[str, Any]) -> SegmentReport:
        return SegmentReport(
            read_id(self.connector, row, "broadcast_id"),
            *(
                number_of(self.connector, row, name)
                for name in ("sent", "delivered", "undelivered", "rejected", "expired", "failed")
            ),
        )


def _filters(
    name: str, types: Sequence[BroadcastType], parent_id: Id | None, dates: DateRange | None
) -> list[str]:
    if "," in name:
        raise RequestRefused(
            f"name is {shown(name)}: the filter separates its parts with commas. Give a part of the name without "
            "one."
        )
    if parent_id is not None and set(types) - {BroadcastType.OLD_CHILD}:
        raise RequestRefused(
            f"parent_id is {shown(parent_id)}: the parts of a smart broadcast are of type 3. Leave out types."
        )
    return [
        *([f"name={name}"] if name else []),
        *(f"type={int(kind)}" for kind in types),
        *([f"parent_id={given_id('parent_id', parent_id)}"] if parent_id is not None else []),
        *(dates.filters() if dates else []),
    ]


def _conversion(row: dict[str, Any]) -> BroadcastConversion:
    return BroadcastConversion(
        as_text(row.get("broadcastId")),
        as_number(row.get("uniqueClicks")),
        as_number(row.get("totalClicks")),
        as_number(row.get("recipientCount")),
        as_amount(row.get("conversion")),
    )
