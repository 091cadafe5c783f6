"""Who gets what: the rows of a phone list and the JSON recipients of a broadcast."""

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from providers.sandbox.ogangi.accounts import is_code
from providers.sandbox.outcomes import Outcome

LIST_COLUMNS = 6  # before the parameters
CHARSETS = frozenset(
    {
        "UTF-8",
        "UTF8",
        "UTF-16",
        "UTF-16BE",
        "UCS-2",
        "UCS2",
        "ISO-8859-1",
        "ISO-8859-15",
        "LATIN1",
        "US-ASCII",
    }
    | {"ASCII", "WINDOWS-1252", "GSM", "GSM7", "GSM-7"}
)
ZIP_MAGIC = b"PK\x03\x04"  # how an Excel workbook begins

_is_msisdn = re.compile(r"[1-9][0-9]{7,14}").fullmatch
_PARAMETER = re.compile(r"\{([0-9]{1,3})\}")


class RecipientError(Exception):
    """A sentence about a file or JSON that cannot be read."""


@dataclass(slots=True)
class Row:
    """One text of a phone list; `status` is the vendor's word for what is wrong with it, empty when nothing is."""

    msisdn: str
    number: str
    carrier: str
    text: str
    encoding: str
    timezone: str
    status: str = ""


@dataclass(slots=True)
class Recipient:
    """One of a broadcast; `number` is the sender that was asked for, or empty."""

    msisdn: str
    text: str
    number: str
    outcome: Outcome = Outcome.DELIVERED


def is_msisdn(text: str) -> bool:
    return _is_msisdn(text) is not None


def read_phone_list(content: bytes) -> list[Row]:
    """Raises RecipientError for what is no list of texts; a wrong cell only gives its row a status."""
    if content.startswith(ZIP_MAGIC):
        raise RecipientError("An Excel file is not read here; send a CSV file")
    try:
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows = [_row(line) for line in lines if line]
    except (UnicodeDecodeError, csv.Error):
        raise RecipientError("The file is not a CSV file in UTF-8") from None
    if not rows:
        raise RecipientError("The file has no rows")
    return rows


def _row(line: list[str]) -> Row:
    if len(line) < LIST_COLUMNS:
        raise RecipientError(f"A row has {len(line)} columns; an SMSs list has at least {LIST_COLUMNS}")
    cells = [cell.strip() for cell in line[:LIST_COLUMNS]]
    number, sender, carrier, encoding, timezone = cells[:5]
    text = line[5]
    if encoding.upper() not in CHARSETS and cells[4].upper() in CHARSETS:
        text, encoding, timezone = line[3], cells[4], cells[5]
    row = Row(number, sender, carrier, _filled(text, line[LIST_COLUMNS:]), encoding, timezone)
    row.status = _status(row)
    return row


def _status(row: Row) -> str:
    if not is_msisdn(row.msisdn):
        return "BAD_TO"
    if not is_code(row.number):
        return "BAD_FROM"
    if row.encoding.upper() not in CHARSETS:
        return "BAD_ENCODING"
    return "" if row.text else "NOT_SENT"


def read_recipients(content: bytes) -> list[Recipient]:
    """The JSON of the field `to`; raises RecipientError."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise RecipientError("`to` is not JSON") from None
    if not isinstance(data, list) or not data:
        raise RecipientError("`to` is not an array of recipients")
    return [_recipient(index, row) for index, row in enumerate(data)]


def _recipient(index: int, row: Any) -> Recipient:
    if not isinstance(row, dict):
        raise RecipientError(f"Recipient {index} is not an object")
    cells = {name: row.get(name, "") for name in ("mobileNumber", "message", "from", "carrier")}
    params = row.get("params", [])
    if wrong := [name for name, cell in cells.items() if not isinstance(cell, str)]:
        raise RecipientError(f"Recipient {index}: {wrong[0]} is not a text")
    if not isinstance(params, list) or not all(isinstance(one, str) for one in params):
        raise RecipientError(f"Recipient {index}: params is not an array of texts")
    if missing := [name for name in ("mobileNumber", "message") if not cells[name]]:
        raise RecipientError(f"Recipient {index}: {missing[0]} is missing")
    if cells["from"] and not is_code(cells["from"]):
        raise RecipientError(f"Recipient {index}: from is not a code of 3 to 15 digits")
    return Recipient(cells["mobileNumber"], _filled(cells["message"], params), cells["from"])


def _filled(text: str, params: list[str]) -> str:
    """`{0}` and so on stand for the parameters; one that is not there stays as it is written."""

    def value(found: re.Match[str]) -> str:
        index = int(found[1])
        return params[index] if index < len(params) else found[0]

    return _PARAMETER.sub(value, text)
