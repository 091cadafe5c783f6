"""The Handset page's line to the sandbox: its control door over HTTP, which is all they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from providers.services import vendor_label
from providers.transport import sync_client

# A page waits for it, and it is on this machine.
SECONDS = 3.0
ACCEPTED_SECONDS = 60.0
HANDSETS_MOST = 100
# Where messaging shows them to everybody.
PICTURES = "/m/"
SHORT_CODE_DIGITS = 8

BY_NUMBER = "by_number"
OUTCOMES: tuple[tuple[str, str | Promise], ...] = (
    (BY_NUMBER, _("As the number's last two digits say")),
    ("delivered", _("Delivered")),
    ("undelivered", _("Undelivered")),
    ("expired", _("Expired")),
    ("rejected", _("Rejected by the carrier")),
    ("refused", _("Refused at submission")),
    ("throttled", _("Too fast: try later")),
    ("cut", _("Taken, but the line is cut before the answer")),
    ("server_error", _("The server fails, nothing is taken")),
    ("html", _("Taken, but answered with a web page")),
    ("no_receipt", _("Taken, and no receipt ever")),
    ("repeated", _("Receipts twice and out of order")),
    ("no_credit", _("No credit left")),
    ("sender_off", _("The sender is not enabled")),
)


class SandboxTrouble(Exception):
    """`sentence`: for people. `gone`: it cannot be reached at all."""

    def __init__(self, sentence: str | Promise, *, gone: bool = False) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.gone = gone


@dataclass(frozen=True, slots=True)
class Handset:
    msisdn: str
    last_text: str
    last_at: datetime | None
    count: int
    unread: int


@dataclass(frozen=True, slots=True)
class HandsetText:
    """One text of a thread; `incoming` to the handset, else written by the person who holds it."""

    incoming: bool
    vendor: str
    sender: str
    text: str
    parts: int
    at: datetime | None
    state: str
    media: tuple[str, ...]

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """Address, and path on this installation where it is one of its own pictures: no other is shown, only named."""
        own = f"{settings.PUBLIC_URL}{PICTURES}"
        return [
            (url, url.removeprefix(settings.PUBLIC_URL) if url.startswith(own) else "") for url in self.media
        ]


@dataclass(frozen=True, slots=True)
class Dial:
    """What the sandbox does with the next texts: one of OUTCOMES; `line`: works, down or hang."""

    outcome: str
    delay_ms: tuple[int, int]
    line: str


class SandboxClient:
    """All methods raise SandboxTrouble.

    `accounts`, VENDOR:NAME of a workspace's own: with none of them nothing is seen and nothing written.
    """

    def __init__(self, url: str = "", *, accounts: Sequence[str] = ()) -> None:
        self.url = url or settings.SANDBOX_URL
        self.accounts = list(accounts)

    def handsets(self, search: str = "") -> tuple[list[Handset], int]:
        """The latest HANDSETS_MOST, and the number of all."""
        if not self.accounts:
            # To the sandbox no account means all.
            self.dial()
            return [], 0
        params = {"q": search, "limit": HANDSETS_MOST, "account": self.accounts}
        answer = self._call("GET", "handsets", params=params)
        return [_handset_of(row) for row in answer["handsets"]], int(answer["total"])

    def thread(self, msisdn: str) -> list[HandsetText]:
        """Oldest first."""
        self._require_accounts(msisdn)
        path = f"handsets/{quote(msisdn, safe='')}"
        answer = self._call("GET", path, params={"account": self.accounts})
        return [_text_of(row) for row in answer["thread"]]

    def reply(self, msisdn: str, text: str) -> None:
        """Writes back to the number of the latest text, through that text's vendor and its webhook."""
        self._require_accounts(msisdn)
        body = {"text": text, "accounts": self.accounts}
        self._call("POST", f"handsets/{quote(msisdn, safe='')}/reply", json=body)

    def _require_accounts(self, msisdn: str) -> None:
        if not self.accounts:
            self.dial()
            raise SandboxTrouble(
                _("No text has arrived at %(msisdn)s: this workspace has no sandbox account.")
                % {"msisdn": msisdn}
            )

    def dial(self) -> Dial:
        """The first vendor's: `turn_dial` turns all alike."""
        vendors = [shown for shown in self._call("GET", "dial").values() if isinstance(shown, Mapping)]
        low, high = vendors[0]["receipt_delay_ms"]
        line = "down" if vendors[0]["down"] else "hang" if vendors[0]["hang"] else "works"
        return Dial(vendors[0]["force_outcome"] or BY_NUMBER, (int(low), int(high)), line)

    def turn_dial(self, turned: Dial) -> None:
        vendors_settings = {
            "force_outcome": None if turned.outcome == BY_NUMBER else turned.outcome,
            "receipt_delay_ms": list(turned.delay_ms),
            "down": turned.line == "down",
            "hang": turned.line == "hang",
        }
        self._call("POST", "dial", json=vendors_settings)

    def accepted(self, **filters: str) -> dict[str, int]:
        """Texts taken by number; `filters`: vendor, sender, reference_prefix, text_contains."""
        # A number for each text of a large broadcast: more than sync_client lets an answer have.
        with httpx.Client(trust_env=False, timeout=ACCEPTED_SECONDS) as client:
            answer = self._ask(client, "GET", "accepted", params=filters)
        return {str(msisdn): int(count) for msisdn, count in answer.items()}

    def _call(self, method: str, path: str, **options: Any) -> Any:
        with sync_client() as client:
            return self._ask(client, method, path, timeout=SECONDS, **options)

    def _ask(self, client: httpx.Client, method: str, path: str, **options: Any) -> Any:
        """The JSON object of an answer; its own sentence where it refuses."""
        try:
            response = client.request(method, f"{self.url}/_sandbox/{path}", **options)
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL):
            raise SandboxTrouble(
                _("The sandbox does not answer. Start it, or look at its lines in the log."),
                gone=True,
            ) from None
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise SandboxTrouble(
                _("What answers at the sandbox's address is not the sandbox: check CRIER_SANDBOX_URL."),
                gone=True,
            )
        if not response.is_success:
            sentence = str(answer.get("error") or _("The sandbox refused, without saying why."))
            raise SandboxTrouble(sentence[:500])
        return answer


def shown_sender(sender: str) -> str:
    return f"+{sender}" if len(sender) > SHORT_CODE_DIGITS and sender.isdigit() else sender


def _handset_of(row: Mapping[str, Any]) -> Handset:
    return Handset(
        str(row["msisdn"]),
        str(row["last_text"]),
        parse_datetime(row["last_at"]),
        int(row["count"]),
        int(row["unread"]),
    )


def _text_of(row: Mapping[str, Any]) -> HandsetText:
    return HandsetText(
        row["direction"] == "outbound",
        vendor_label(str(row["vendor"])),
        shown_sender(str(row["sender"])),
        str(row["text"]),
        int(row["parts"]),
        parse_datetime(row["at"]),
        str(row["state"]),
        tuple(map(str, row["media"])),
    )
