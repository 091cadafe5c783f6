"""One call to `/api` as its operation sees it: whose it is, the numbers of its path, its fields checked.

A value that is null or "" counts as not given: the document's own examples send `"unsubscriber_list_ids": ""`.
Whole numbers may come as strings of digits, as in its `"first_segment_size": "3"`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from providers.sandbox.forms import Form, read_form
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Row, Table
from providers.sandbox.messagewhiz.running import Runner
from providers.sandbox.wire import Call, json_object

R = TypeVar("R", bound=Row)

NAME_CAP = 255  # characters
TEXT_CAP = 100_000  # characters, as of POST /sms
MOST_IDS = 1000
LARGEST = 10**15
SWITCHES = {True: True, False: False, "1": True, "0": False, "true": True, "false": False}

_is_host = re.compile(r"[A-Za-z0-9.\-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?").fullmatch
_is_number = re.compile(r"[0-9]{10,15}").fullmatch


def as_msisdn(value: Any) -> str | None:
    """10 to 15 digits, as of POST /sms; a plus sign before them is allowed, and a JSON number."""
    text = str(value).strip().removeprefix("+") if isinstance(value, str | int) else ""
    return text if _is_number(text) else None


class Fields:
    """A JSON object whose values are asked for by name and kind; raises Failure 400 with the field's name."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def __contains__(self, name: str) -> bool:
        return self.data.get(name) not in (None, "")

    def text(self, name: str, most: int = NAME_CAP) -> str:
        value = self.data.get(name)
        if isinstance(value, str) and 1 <= len(value) <= most:
            return value
        raise Failure(400, f"{name} must be a string of 1 to {most} characters")

    def text_or(self, name: str, default: str, most: int = NAME_CAP) -> str:
        return self.text(name, most) if name in self else default

    def whole(self, name: str, least: int = 0, most: int = LARGEST) -> int:
        value = self.data.get(name)
        if (
            isinstance(value, str)
            and len(value) < 20
            and value.lstrip("-").isdecimal()
            and value.count("-") < 2
        ):
            value = int(value)
        if type(value) is int and least <= value <= most:
            return value
        raise Failure(400, f"{name} must be a whole number from {least} to {most}")

    def whole_or(self, name: str, default: int, least: int = 0, most: int = LARGEST) -> int:
        return self.whole(name, least, most) if name in self else default

    def switch(self, name: str) -> bool:
        """true and false in any of the document's spellings: 1, 0, "1", "0"."""
        value = self.data.get(name)
        found = SWITCHES.get(value) if isinstance(value, str | int) else None
        if found is None:
            raise Failure(400, f"{name} must be true or false")
        return found

    def array(self, name: str, most: int = LARGEST) -> list[Any]:
        value = self.data.get(name)
        if isinstance(value, list) and len(value) <= most:
            return value
        raise Failure(400, f"{name} must be an array")

    def ids(self, name: str) -> list[int]:
        """ "23,24" or 23; an empty list when it is not given."""
        if name not in self:
            return []
        value = self.data[name]
        steps = str(value).split(",") if isinstance(value, str) or type(value) is int else [""]
        if len(steps) > MOST_IDS or not all(_is_id(step.strip()) for step in steps):
            raise Failure(400, f"{name} must be ids separated by commas")
        return [int(step) for step in steps]

    def id_array(self, name: str) -> list[int]:
        """What of an array may be an id; the document skips what is none."""
        return [int(value) for value in self.array(name, MOST_IDS) if _is_id(str(value))]

    def msisdn(self, name: str) -> str:
        number = as_msisdn(self.data.get(name))
        if number is None:
            raise Failure(400, f"{name} must be a phone number of 10 to 15 digits")
        return number

    def moment(self, name: str, utc_offset: int = 0) -> float | None:
        """Seconds since 1970 of an ISO 8601 date; without a zone of its own it is `utc_offset` minutes ahead."""
        if name not in self:
            return None
        value = self.data[name]
        try:
            moment = datetime.fromisoformat(value)
            zone = timezone(timedelta(minutes=utc_offset))
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        except (TypeError, ValueError, OverflowError):
            raise Failure(
                400, f"{name} must be a date as of ISO 8601, such as 2020-07-22T21:00:00.000Z"
            ) from None


@dataclass(slots=True)
class Request:
    """`numbers`: the steps of the path that are digits, in order."""

    call: Call
    account: Account
    runner: Runner
    numbers: tuple[str, ...]

    @property
    def row_id(self) -> int:
        return int(self.numbers[0])

    @property
    def base_url(self) -> str:
        return base_url(self.call)

    @property
    def is_form(self) -> bool:
        return self.call.header(b"content-type").lower().startswith("multipart/")

    def fields(self) -> Fields:
        data = json_object(self.call.body)
        if data is None:
            raise Failure(400, "the request body is not a JSON object")
        return Fields(data)

    def form(self) -> Form:
        form = read_form(self.call)
        if form is None:
            raise Failure(400, "the request body is not multipart/form-data")
        return form

    def asked(self, name: str) -> bool:
        """A switch of the query, false by default."""
        return self.call.query().get(name, "false").lower() in ("true", "1")


Handler = Callable[[Request], Any]


def base_url(call: Call) -> str:
    """Where short URLs lead back to: the sandbox under the name that it was asked by."""
    host = call.header(b"host")
    return f"http://{host if _is_host(host) else '127.0.0.1:8001'}/messagewhiz"


def page_of(request: Request, table: Table[R], filters: Mapping[str, Callable[[R], str]]) -> list[R]:
    """Document 004, Query Parameters: `limit` (10), `start` (0), `enabled` (true), `filter=name=X`, exact."""
    query = request.call.query()
    limit, start = query.get("limit", "10"), query.get("start", "0")
    if not (_is_id(limit) and _is_id(start)):
        raise Failure(400, "limit and start must be whole numbers")
    enabled = SWITCHES.get(query.get("enabled", "true").lower())
    if enabled is None:
        raise Failure(400, "enabled must be true or false")
    name, _, wanted = query.get("filter", "").partition("=")
    if name and name not in filters:
        raise Failure(400, f"filter must be {' or '.join(f'{known}=...' for known in filters)}")
    rows = [row for row in table if row.enabled is enabled and (not name or filters[name](row) == wanted)]
    return rows[int(start) : int(start) + int(limit)]


def by_name(row: Row) -> str:
    return row.name


def apply_name_and_switch(fields: Fields, table: Table[R], row: R) -> None:
    """What PUT and PATCH of every kind may bring; raises Failure 409 for a name that is taken."""
    name = fields.text_or("name", row.name)
    enabled = fields.switch("enabled") if "enabled" in fields else row.enabled
    if enabled:
        table.refuse_taken(name, but=row)
    row.name, row.enabled = name, enabled


def listing(
    table: Callable[[Account], Table[R]],
    shown: Callable[[Account, R], dict[str, Any]],
    filters: Mapping[str, Callable[[R], str]] | None = None,
) -> Handler:
    """GET of a kind."""

    def list_rows(request: Request) -> list[dict[str, Any]]:
        rows = page_of(request, table(request.account), filters or {"name": by_name})
        return [shown(request.account, row) for row in rows]

    return list_rows


def disabling(table: Callable[[Account], Table[R]]) -> Handler:
    """DELETE of a kind: headed "Disable", so the row stays and can be enabled again."""

    def disable(request: Request) -> bool:
        table(request.account).get(request.row_id).enabled = False
        return True

    return disable


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 15
