"""What goes into the calls of `/api/3`, looked at before any of it leaves. All raise RequestRefused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from providers.errors import RequestRefused

ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
# "The international format, including the country code"; E.164 has at most 15 digits.
NUMBER = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


def given_id(what: str, value: str | int) -> int:
    """All ids of this half of the document are numbers. An empty one would ask about the whole collection."""
    if not ID.fullmatch(str(value).strip()):
        raise RequestRefused(f"{what} “{value}” is no id: give the number that MessageWhiz lists for it.")
    return int(value)


def given_ids(what: str, values: Sequence[str | int]) -> list[int]:
    if not values or isinstance(values, str):
        raise RequestRefused(f"{what} is {values!r}: give a list of at least one id.")
    return [given_id(what, value) for value in values]


def given_name(what: str, name: str) -> str:
    if not name.strip():
        raise RequestRefused(f"{what} has no name: give it one.")
    return name


def given_numbers(numbers: Sequence[str]) -> list[str]:
    """As digits with the country code, without a plus."""
    if not numbers or isinstance(numbers, str):
        raise RequestRefused(f"numbers is {numbers!r}: give a list of at least one number.")
    for number in numbers:
        if not NUMBER.fullmatch(number):
            raise RequestRefused(
                f"The number “{number}” is not in the international format: write digits only, with the country code, "
                "such as 12015550123."
            )
    return list(numbers)


def given_time(what: str, at: datetime | None) -> str | None:
    """ISO 8601 as the document writes it: 2020-07-22T21:00:00.000Z."""
    if at is None:
        return None
    if at.utcoffset() is None:
        raise RequestRefused(f"{what} {at} has no time zone: give it one, such as UTC.")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def given_changes(what: str, **values: Any) -> dict[str, Any]:
    """Those that are not None: MessageWhiz leaves alone what a JSON body does not name."""
    changes = {name: value for name, value in values.items() if value is not None}
    if not changes:
        raise RequestRefused(f"{what} would stay as it is: give one of {', '.join(values)}.")
    return changes


def list_query(
    *, limit: int | None, start: int | None, enabled: bool | None, name: str
) -> dict[str, str | int | None]:
    """The parameters that all lists share. Of None MessageWhiz takes its default: 10 items, from 0, active ones."""
    if limit is not None and limit < 1:
        raise RequestRefused(f"limit is {limit}: ask for 1 or more items, or leave it out for 10.")
    if start is not None and start < 0:
        raise RequestRefused(f"start is {start}: it counts the items to skip, from 0.")
    return {
        "limit": limit,
        "enabled": None if enabled is None else str(enabled).lower(),
        "filter": f"name={name}" if name else None,
        "start": start,
    }
