"""What became of broadcasts: document 004, sections Get Broadcasts List and Delivery report."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import USER_ID
from providers.sandbox.messagewhiz.request import Fields, Handler, Request
from providers.sandbox.messagewhiz.sendings import Broadcast, Life, Task
from providers.sandbox.state import iso

MOST = 100
OLD_CHILD = 3
FILTERS = ("name", "type", "parent_id", "start_date", "end_date", "filterBy")
ORDERS: dict[str, Callable[[Broadcast], float]] = {
    "create_date": lambda row: row.created_at,
    "send_date": lambda row: send_date_of(row),
}
TASK_NAMES = {
    Task.SENT: "sent",
    Task.DELIVERED: "delivered",
    Task.UNDELIVERED: "undelivered",
    Task.REJECTED: "rejected",
    Task.EXPIRED: "expired",
    Task.FAILED: "failed",
}

# A value may hold a comma that no known name follows.
_split = re.compile(rf",(?=(?:{'|'.join(FILTERS)})=)").split


def list_broadcasts(request: Request) -> list[dict[str, Any]]:
    query = Fields(request.call.query())
    limit, start = query.whole_or("limit", 10, 1, MOST), query.whole_or("start", 0)
    column, _, direction = query.text_or("orderby", "create_date DESC").partition(" ")
    if column not in ORDERS or direction.upper() not in ("ASC", "DESC"):
        raise Failure(400, "orderby must be create_date or send_date, and ASC or DESC")
    wanted = filter_of(query.text_or("filter", "", 2000))
    rows = [row for row in reversed(request.account.broadcasts.values()) if wanted(row)]
    rows.sort(key=ORDERS[column], reverse=direction.upper() == "DESC")
    return [shown(row) for row in rows[start : start + limit]]


def filter_of(text: str) -> Callable[[Broadcast], bool]:
    """`name=sample,type=11,type=12,start_date=06/01/2021 12:00 AM`; raises Failure 400."""
    given: dict[str, list[str]] = {}
    for step in _split(text) if text else []:
        name, equals, value = step.partition("=")
        if not equals or name not in FILTERS:
            raise Failure(400, f"filter must be {', '.join(FILTERS)}, each as name=value")
        given.setdefault(name, []).append(value)
    types = {Fields({"type": value}).whole("type") for value in given.get("type", [])}
    if "parent_id" in given:
        types = {OLD_CHILD}
    column = given.get("filterBy", ["create_date"])[-1]
    if column not in ORDERS:
        raise Failure(400, "filterBy must be create_date or send_date")
    earliest, latest = (
        moment(name, given[name][-1]) if name in given else None for name in ("start_date", "end_date")
    )
    part = given.get("name", [""])[-1]

    def wanted(row: Broadcast) -> bool:
        at = ORDERS[column](row)
        in_range = (earliest is None or at >= earliest) and (latest is None or at <= latest)
        return in_range and part in row.name and (not types or row.kind in types)

    return wanted


def moment(name: str, text: str) -> float:
    """Seconds since 1970 of a UTC date like 06/01/2021 12:00 AM."""
    try:
        return datetime.strptime(text, "%m/%d/%Y %I:%M %p").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Failure(400, f"{name} must be a date like 06/01/2021 12:00 AM") from None


def send_date_of(row: Broadcast) -> float:
    return row.when.at or row.created_at


def shown(row: Broadcast) -> dict[str, Any]:
    smart, words = row.smart, row.segments[0].words
    real = sum(segment.real_price for segment in row.segments)
    estimated = sum(segment.estimated_price for segment in row.segments)
    return {
        "id": row.id,
        "user_id": USER_ID,
        "name": row.name,
        "type": int(row.kind),
        "message_body": words.bodies[0].text,
        "enabled": 1,
        "trigger_id": row.when.trigger.id if row.when.trigger else None,
        "send_date": None if row.when.trigger else iso(send_date_of(row)),
        "state": int(row.state),
        "parent_id": None,
        "real_price": round(real, 2),
        "estimated_price": round(estimated, 2),
        "create_date": iso(row.created_at),
        "estimated_count": row.audience_size,
        "utc_offset": row.when.utc_offset,
        "next_segment_size": smart.next_size if smart and smart.is_ctr else None,
        "eb_type": smart.kind if smart else None,
        "company_name": "Sandbox",
        "timezone": zone_name(row.when.utc_offset),
        "send_now": row.when.at is None and row.when.trigger is None,
        "broadcastConversion": conversion(row),
    }


def zone_name(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT {'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")


def conversion(row: Broadcast) -> dict[str, Any]:
    """The rate as a text of two decimals, unlike in linkConversion."""
    sent = sum(segment.sent for segment in row.segments)
    return {
        "uniqueClicks": row.clickers,
        "totalClicks": row.clicks,
        "recipientCount": row.audience_size,
        "conversion": f"{row.clickers * 100 / sent if sent else 0:.2f}",
        "broadcastId": row.id,
    }


def report(request: Request) -> list[dict[str, int]]:
    """One row for each segment that has begun; none means that there is nothing to report yet."""
    row = request.account.broadcasts.get(request.fields().whole("bid"))
    if row is None:
        raise Failure(404, "there is no such broadcast")
    return [
        {"broadcast_id": row.id} | {name: segment.tasks[task] for task, name in TASK_NAMES.items()}
        for segment in row.segments
        if segment.state in (Life.SENDING, Life.SENT)
    ]


ROUTES: dict[tuple[str, str], Handler] = {
    ("GET", "broadcast/list"): list_broadcasts,
    ("POST", "deliveryreport"): report,
}
