"""Whom and what: the file of sendSMSByFile, and the JSON of createBroadcastFromJson.

Neither form is in the document. The file is the "SMSs list" of the vendor's wiki (NOTES.md, section 3): no header,
commas, every field in double quotes, six columns and then the values of `{0}`, `{1}` and on. The wiki lists the columns as
number, from, carrier, text, encoding, timezone, but both of its samples have the text last: the samples are followed.
The JSON is a guess (same place).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from providers.connectors.operations import Upload

_PLACEHOLDER = re.compile(r"\{([0-9])\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SmsRow:
    """One text to one number. `carrier` may be empty; `parameters` take the places of `{0}`, `{1}` and on in the text."""

    msisdn: str
    sender: str
    text: str
    carrier: str = ""
    encoding: str = "UTF-8"
    timezone: str = "UTC"
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BroadcastRecipient:
    """One text to one number; without `sender` it comes from the broadcast's short code."""

    msisdn: str
    text: str
    sender: str = ""
    carrier: str = ""
    parameters: tuple[str, ...] = ()


def sms_file(rows: Sequence[SmsRow]) -> Upload:
    """Always in UTF-8; `encoding` tells Ogangi how to send the text on."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        fixed = (row.msisdn, row.sender, row.carrier, row.encoding, row.timezone, row.text)
        writer.writerow([*fixed, *row.parameters])
    return Upload("recipients.csv", whole(written.getvalue()).encode(), "text/csv; charset=UTF-8")


def broadcast_json(recipients: Sequence[BroadcastRecipient]) -> Upload:
    """As the part `to` of a multipart body: without a file name it is a field."""
    content = json.dumps([_entry(recipient) for recipient in recipients]).encode()
    return Upload("", content, "application/json")


def own_placeholders(text: str) -> tuple[str, ...]:
    """Parameters with which a text that has `{0}` or `{1}` of its own comes out as it is: each stands for itself."""
    numbers = [int(number) for number in _PLACEHOLDER.findall(text)]
    return tuple(f"{{{number}}}" for number in range(max(numbers, default=-1) + 1))


def whole(text: str) -> str:
    """UTF-8 has no half of a surrogate pair: it becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _entry(recipient: BroadcastRecipient) -> dict[str, Any]:
    entry: dict[str, Any] = {"mobileNumber": recipient.msisdn, "message": recipient.text}
    if recipient.sender:
        entry["from"] = recipient.sender
    if recipient.carrier:
        entry["carrier"] = recipient.carrier
    if recipient.parameters:
        entry["params"] = list(recipient.parameters)
    return entry
