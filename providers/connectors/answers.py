"""Reading what vendors answer: tolerant of the form, never guessing at the meaning."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import httpx

MAX_RETRY_AFTER = 3600.0  # seconds
# Of an error page; its words are cut later, when secrets are out.
MAX_PAGE_BYTES = 65_536
# Made once: `json.loads` makes one for each call that names how to read numbers.
DECODER = json.JSONDecoder(parse_float=Decimal)
# Whatever is larger is no price of a text.
MAX_PRICE = Decimal(100)


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is the parsed JSON (numbers with a point as Decimal), or None when the body is none.

    `status` may be replaced by the one that a vendor put inside a 200; `retry_after` counts seconds.
    """

    status: int
    data: Any
    body: bytes
    retry_after: float | None = None


def read_answer(response: httpx.Response) -> Answer:
    body = response.content
    wait = response.headers.get("retry-after")
    return Answer(
        response.status_code,
        read_json(body),
        body,
        retry_after_seconds(wait, datetime.now(UTC)) if wait else None,
    )


def read_json(body: bytes) -> Any:
    """None for anything that is not JSON, and for nesting or numbers that no vendor's answer has."""
    try:
        return DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError, ArithmeticError):
        return None


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date. None when absent or unreadable, at most MAX_RETRY_AFTER."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:9])
    else:
        try:
            at = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def plain_words(body: bytes) -> str:
    """An error page as a person reads it: without its tags, on one line."""
    text = body[:MAX_PAGE_BYTES].decode("utf-8", "replace")
    # The patterns take time in proportion to the length, whatever a page holds.
    if "<" in text:
        text = re.sub(r"(?is)<(script|style|head)\b.*?(</\1>|\Z)", " ", text)
        text = unescape(re.sub(r"<[^<>]*>", " ", text))
    return " ".join(text.split())


def sentences(value: Any) -> list[str]:
    """The texts inside a value of any shape, with their properties' names: {"To": ["x"]} is ["To: x"]."""
    match value:
        case str():
            return [value.strip()] if value.strip() else []
        case list():
            return [words for item in value for words in sentences(item)]
        case dict():
            return [f"{name}: {words}" for name, item in value.items() for words in sentences(item)]
        case None:
            return []
    return [str(value)]


def whole_number(value: Any) -> int | None:
    """1 and "1" are 1; true, 1.5 and "one" are None, and so is what no count of parts can be."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 32768 else None


def price(value: Any) -> Decimal | None:
    """None for what is no price: negative, endless, or not a number."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return None
    return amount if amount.is_finite() and 0 <= amount < MAX_PRICE else None


def digits(value: Any) -> str:
    """Digits of a number that came as text or as a number, with or without plus and blanks."""
    return "".join(re.findall(r"[0-9]", str(value))) if isinstance(value, str | int) else ""


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time as UTC, which is also assumed without a zone. None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not 2000 <= at.year < 2100:
        return None
    return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)


def as_text(value: Any, most: int = 255) -> str:
    """Ids and names are texts here and numbers there; "" for what is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return ""
    return str(value).strip()[:most]


def as_flag(value: Any) -> bool | None:
    """true, 1, "1" and "true" are True; false, 0, "0" and "false" are False; None for anything else."""
    word = str(value).strip().lower() if isinstance(value, bool | int | str) else ""
    return {"true": True, "1": True, "false": False, "0": False}.get(word)


def as_number(value: Any) -> int | None:
    """Of any size, as counts and ids may be: 7 and "7" are 7; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,25}", value.strip(), re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_amount(value: Any) -> Decimal | None:
    """Sums, rates and shares: 1, 1.5, "1.50"; None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value)
    except ArithmeticError:
        return None
    return amount if amount.is_finite() else None


def as_rows(value: Any) -> list[dict[str, Any]] | None:
    """A list of objects; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        return None
    return value
