"""The one operation of document 000, the Mx2 Group's API.

- The document names no method ("POSTing" in one of its errors) and no HTTP status: `status` in the body decides.
- `subscriberId` belongs to the campaign and the number together: each text to the same person gives the same one.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from providers.connectors.answers import Answer, as_text
from providers.connectors.operations import Ask, Operation, VendorClient, operation, wrong_shape
from providers.errors import ConnectorError, RequestRefused

if TYPE_CHECKING:
    from providers.connectors.mx2.connector import Mx2

MAX_FIRST_NAME = 50  # characters, as those of an address
MAX_ADDRESS = 512
GUID_FORM = "8-4-4-4-12 of 0 to 9 and A to F, with or without braces"

_CELL = re.compile(r"[0-9]{10}", re.ASCII)
_GUID = re.compile(r"(\{)?[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}(?(1)\})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Submission:
    """`opted_out`: the person is on the vendor's list of opt-outs, and nothing was queued."""

    subscriber_id: str
    opted_out: bool = False
    status_message: str = ""


class Mx2Client(VendorClient):
    """See the module."""

    connector: Mx2

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        if answer.status == 404 and isinstance(answer.data, dict):
            return self.request_refused(operation, answer, answer.status)
        return super().refusal(operation, answer)

    @operation("POST", "/api/send", section="API Endpoint")
    def send(
        self,
        ask: Ask,
        *,
        cell: str,
        first_name: str,
        landing_page_url: str = "",
        campaign_guid: str = "",
    ) -> Submission:
        """Queues the campaign's text to one person. `cell`: 10 digits; the account's campaign unless another is named."""
        self._check(cell, first_name, landing_page_url, campaign_guid)
        body = self.connector.payload(cell, first_name, landing_page_url, campaign_guid)
        data = ask(json=body).data
        status = as_text(data.get("status")).lower() if isinstance(data, dict) else ""
        if status not in ("success", "optout"):
            raise wrong_shape(self.connector, "the status success")
        return Submission(
            as_text(data.get("subscriberId")), status == "optout", as_text(data.get("statusMessage"))
        )

    def _check(self, cell: str, first_name: str, landing_page_url: str, campaign_guid: str) -> None:
        if not _CELL.fullmatch(cell):
            raise RequestRefused(
                f"The cell “{cell[:20]}” is no number of 10 digits: write it as 2015550123, without country code,"
                " blanks or hyphens."
            )
        if not first_name or plain_name(first_name) != first_name:
            raise RequestRefused(
                f"The first name “{first_name[:60]}” cannot be sent: give 1 to {MAX_FIRST_NAME} letters, digits,"
                " blanks, apostrophes and hyphens."
            )
        if landing_page_url and (problem := address_problem(landing_page_url)):
            raise RequestRefused(problem)
        if campaign_guid and not is_guid(campaign_guid):
            raise RequestRefused(f"The campaign “{campaign_guid[:40]}” is no GUID: write {GUID_FORM}.")


def is_guid(text: str) -> bool:
    """36 characters, or the 38 that the document speaks of, with braces."""
    return _GUID.fullmatch(text) is not None


def address_problem(text: str) -> str:
    """What is wrong with the address of a landing page, and the remedy; "" where nothing is."""
    if len(text) > MAX_ADDRESS:
        return (
            f"The landing page's address has {len(text):,} characters, and Mx2 Group takes {MAX_ADDRESS}: give a"
            " shorter one."
        )
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address or re.search(r"\s", text):
        return (
            f"“{text[:60]}” is no address of a landing page: write one that begins with http:// or https://."
        )
    return ""


def plain_name(value: str) -> str:
    """A first name as `fname` takes it, at most 50 characters; "" where no letter or digit is left.

    "Alphanumeric" in the document. Names have accents, blanks, apostrophes and hyphens, too: they stay.
    """
    typed = unicodedata.normalize("NFC", value).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    kept = "".join(char if char in "'-" or unicodedata.category(char)[0] in "LMN" else " " for char in typed)
    name = " ".join(kept.split())[:MAX_FIRST_NAME].strip()
    return name if any(char.isalnum() for char in name) else ""
