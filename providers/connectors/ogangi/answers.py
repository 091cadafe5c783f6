"""What the results of Ogangi's answers hold, as dataclasses: tolerant of the document's own slips.

- The table of sendSMSByFile calls a message's carrier `carrierName`, its example `carrier`: both are read.
- Dates are `yyyy-MM-dd'T'HH:mm:ss.SSSZZ`; examples lack the milliseconds or end in `-04:002`: they are kept as they are,
  and read up to where they make sense.
- A broadcast's status is a word (`statusDescription`) after createBroadcastFromJson and a number (`status`) in
  getBroadcast. Of the numbers only 2 is shown, with an end and all messages sent; the rest is a guess and a setting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from providers.connectors.answers import as_number, moment
from providers.connectors.ogangi.envelope import Element

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:?[0-9]{2})")


class BroadcastState(StrEnum):
    SCHEDULED = "scheduled"
    RUNNING = "running"
    FINISHED = "finished"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    ERROR = "error"
    UNKNOWN = "unknown"


# By the number in getBroadcast: 0, 1, 2 and on. Only 2 has evidence (NOTES.md, section 3).
STATES_BY_NUMBER = tuple(state for state in BroadcastState if state is not BroadcastState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class When:
    """`raw` as Ogangi wrote it, "" where it wrote nothing; `at` in UTC, None where it cannot be read."""

    raw: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SmsMessage:
    """`status` is the vendor's word. `message_id` is a number of 64 bits, mostly negative."""

    message_id: str
    carrier: str
    sender: str
    msisdn: str
    text: str
    status: str
    status_description: str
    encoding: str
    date: When
    timezone: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Broadcast:
    """`status` is the vendor's own word or number, `state` what we make of it. Counts None: not told."""

    broadcast_id: str
    text: str
    starts: When
    ends: When
    expected_messages: int | None
    sent_messages: int | None
    state: BroadcastState
    status: str
    shortcode: str


def messages_of(result: Element) -> tuple[SmsMessage, ...]:
    """Those of `messages/message`."""
    return tuple(_message(row) for group in result.all("messages") for row in group.all("message"))


def shortcodes_of(result: Element) -> tuple[str, ...] | None:
    """Those of `shortcodes/shortcode/sc`; None where there is no such list."""
    group = result.first("shortcodes")
    if group is None:
        return None
    return tuple(code for row in group.all("shortcode") if (code := row.value("sc")))


def broadcast_of(result: Element, states: Sequence[BroadcastState] = STATES_BY_NUMBER) -> Broadcast | None:
    """That of `broadcast`, from createBroadcastFromJson and getBroadcast alike; None where there is none with an id.
    `states`: what the numbers 0, 1, 2 and on mean."""
    row = result.first("broadcast")
    if row is None or not (broadcast_id := row.value("id")):
        return None
    status = row.value("statusDescription") or row.value("status")
    return Broadcast(
        broadcast_id,
        _raw(row, "text"),
        when(row.value("startDate")),
        when(row.value("endDate")),
        as_number(row.value("expectedMessages")),
        as_number(row.value("sentMessages")),
        _state(status, states),
        status,
        row.value("shortcode"),
    )


def when(raw: str) -> When:
    found = _DATE.match(raw)
    return When(raw, moment(found[0]) if found else None)


def _message(row: Element) -> SmsMessage:
    return SmsMessage(
        row.value("id"),
        row.value("carrier", "carrierName"),
        row.value("from"),
        row.value("to"),
        _raw(row, "text"),
        row.value("status"),
        row.value("statusDescription"),
        row.value("encoding"),
        when(row.value("date")),
        row.value("timezone"),
        row.value("clientId"),
    )


def _state(status: str, states: Sequence[BroadcastState]) -> BroadcastState:
    number = as_number(status)
    if number is not None:
        return states[number] if 0 <= number < len(states) else BroadcastState.UNKNOWN
    known = status.lower()
    return BroadcastState(known) if known in STATES_BY_NUMBER else BroadcastState.UNKNOWN


def _raw(row: Element, name: str) -> str:
    found = row.first(name)
    return found.text if found is not None else ""
