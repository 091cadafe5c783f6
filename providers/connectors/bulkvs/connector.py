"""Sending through BulkVS, its connection test, and the webhook that it calls.

Oddities, and the reading chosen (vendors' notes in docs/providers/bulkvs.md):
- HTTP Basic with the API user and password of the portal; 401 is not in the document, Basic implies it.
- Several numbers in `To` make a group MMS: one recipient a request. `Message` has to be there even for pure
  media.
- Numbers are 11 digits, 1NPANXXXXXX; answers and webhooks may have 10: numbers are compared by their last
  ten digits.
- A 200 may hold a recipient's failure in `Results`. Only `SUCCESS` is documented; a recipient that is
  missing there (the document's own example echoes another number) is unknown, and so is a status of which
  nothing is known.
- Errors are `{Status, Code, Description}`, `Description` a text or an object by property. 403 is both "no
  funds" and "service not enabled", 404 means that the sender is not enabled. A 404 without such a body is a
  wrong address.
- 503 says "please try again", yet not that nothing was sent: it is unclear, as any 5xx.
- No rate limit, no length limit and no reference of ours are documented. 1,600 characters are our limit.
- The webhook has no signature and no message id. `Message` in it is form-URL-encoded inside the JSON:
  decoded when it has `+` or `%XX` and no blank, otherwise and on failure left as it is.
- Delivery reports come to the same webhook in the guise of an inbound text: `From` is the recipient, `To`
  our number, `Message` an SMPP receipt whose id is not the RefId, whose text is cut and whose times name no
  zone. They are recognised first, and matched by numbers, text and time. The time of the report is not
  used, as hours may be off.
- A webhook that is not answered 200 is called again: the caller tells repeats apart.
- Media of an inbound text may be a `.smil` (layout, dropped here) and a `.txt` with the text; addresses are
  passed on.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import httpx

from providers.connectors.answers import Answer, digits, read_json, sentences, whole_number
from providers.connectors.base import (
    AccountConfig,
    BatchKind,
    Capabilities,
    ConfigError,
    Connector,
    DeliveryReport,
    InboundText,
    OutgoingText,
    ReceiptKind,
    SendResult,
    StatusTable,
    WebhookCall,
    WebhookRejected,
    setting,
)
from providers.connectors.bulkvs.client import BulkVsClient
from providers.errors import ConnectorError, MessageRefused
from sms.states import MessageState

WEBHOOK_NAME = "Crier"
WEBHOOK_DESCRIPTION = "Delivery reports and replies for Crier"

# `Results[].Status`. Only SUCCESS is documented; the others say in plain words that it was not taken.
RESULTS: StatusTable = {
    "SUCCESS": (MessageState.SENT, ""),
    "FAILED": (MessageState.FAILED, "refused"),
    "FAILURE": (MessageState.FAILED, "refused"),
    "ERROR": (MessageState.FAILED, "refused"),
    "INVALID": (MessageState.FAILED, "bad_number"),
    "REJECTED": (MessageState.REJECTED, "rejected"),
}
# `stat:` of the receipt text, SMPP 3.4 appendix B.
STATES: StatusTable = {
    "ENROUTE": (MessageState.SENT, ""),
    "DELIVRD": (MessageState.DELIVERED, ""),
    "EXPIRED": (MessageState.EXPIRED, "expired"),
    "DELETED": (MessageState.UNDELIVERED, "deleted"),
    "UNDELIV": (MessageState.UNDELIVERED, "undelivered"),
    "ACCEPTD": (MessageState.SENT, ""),
    "UNKNOWN": (MessageState.UNKNOWN, ""),
    "REJECTD": (MessageState.REJECTED, "rejected"),
    "FAILED": (MessageState.FAILED, "failed"),
}
# Properties of the request that a 400 may complain of.
PROPERTY_REASONS = {"To": "bad_number", "From": "sender_not_allowed", "Message": "text_too_long"}

_NUMBER = re.compile(r"1[2-9][0-9]{2}[2-9][0-9]{6}", re.ASCII)
_ENCODED = re.compile(r"\+|%[0-9A-Fa-f]{2}")
# An SMPP short message has 254 octets at most; a receipt is one.
MAX_RECEIPT = 500  # characters
_RECEIPT = re.compile(r"(?is)\A\s*id:\s*\S*\s.*?\bstat:")
_RECEIPT_PART = r"(?is)\b{}:(.*?)(?=\s+(?:sub|dlvrd|submit date|done date|stat|err|text):|\Z)"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkVsConfig(AccountConfig):
    base_url: str = setting(
        label="Base URL",
        help="Change it only when BulkVS gave you another address.",
        default="https://portal.bulkvs.com/api/v1.0",
    )
    username: str = setting(label="API username", help="In the BulkVS portal under API credentials.")
    password: str = setting(
        label="API password or token", help="In the BulkVS portal, beside the API username.", secret=True
    )

    def check(self) -> None:
        if ":" in self.username:
            raise ConfigError(
                "username", "API username holds a colon, which no such name has: copy it again."
            )


class BulkVs(Connector):
    slug = "bulkvs"
    label = "BulkVS"
    document = "Portal API v1.0, messaging"
    capabilities = Capabilities(
        body=True,
        batch=BatchKind.NONE,
        personal_text=True,
        media=True,
        schedule=False,
        receipts=ReceiptKind.PUSHED,
        inbound=True,
        remote_entities=False,
        idempotency=False,
        alphanumeric_senders=False,
        webhook_setup=True,
        max_text_length=1600,
        sends_to=("1",),
        notes={
            "batch": "Several numbers in one request become a group MMS, so each recipient has a request.",
            "media": "JPEG and PNG pictures, fetched from a public address; the text then goes as MMS.",
            "receipts": "Reports name no id of ours or theirs; they are matched by number, text and time.",
            "sends_to": "Only numbers of the North American plan (+1).",
            "sender_list": "Its document has no call that lists your numbers: add them by hand.",
        },
    )
    Config = BulkVsConfig
    Client = BulkVsClient
    config: BulkVsConfig
    number = _NUMBER
    number_words = "numbers of the North American plan (11 digits, 1NPANXXXXXX)"
    send_path = "/messageSend"

    def auth_headers(self) -> dict[str, str]:
        return {"authorization": f"Basic {self._basic()}"}

    def derived_secrets(self) -> tuple[str, ...]:
        return (self._basic(),)

    def _basic(self) -> str:
        return base64.b64encode(f"{self.config.username}:{self.config.password}".encode()).decode()

    @classmethod
    def check_sender(cls, sender: str) -> None:
        super().check_sender(sender)
        if not _NUMBER.fullmatch(_eleven(sender)):
            raise MessageRefused(
                f"{cls.label} sends from numbers of 11 digits (1NPANXXXXXX), not from {sender}.",
                reason="sender_not_allowed",
            )

    def send_body(self, outgoing: OutgoingText) -> dict[str, Any]:
        body: dict[str, Any] = {
            "From": _eleven(outgoing.sender),
            "To": [outgoing.msisdn],
            "Message": outgoing.text,
        }
        if outgoing.media_urls:
            body["MediaURLs"] = list(outgoing.media_urls)
        return body

    def refusal(self, answer: Answer) -> ConnectorError | None:
        data, words = answer.data, self.explain(answer)
        status = _inner_status(answer)
        if not isinstance(data, dict) or status < 400:
            return self.refusal_by_status(answer)
        if status == 403:
            return self.account_refused(
                "service_off" if not _FUNDS.search(words) else "no_credit", status, words
            )
        if status == 404:
            return MessageRefused(
                f"{self.label} has not enabled the sender for messaging.",
                words=words,
                reason="sender_not_allowed",
            )
        if status == 400:
            return MessageRefused(f"{self.label} refused it (400).", words=words, reason=_reason(data))
        return self.refusal_by_status(dataclasses.replace(answer, status=status))

    def explain(self, answer: Answer) -> str:
        if isinstance(answer.data, dict):
            said = sentences(answer.data.get("Description")) or sentences(answer.data.get("Status"))
            if said:
                return "; ".join(said)
        return super().explain(answer)

    def read_send(self, outgoing: OutgoingText, answer: Answer) -> SendResult:
        data = answer.data
        if not isinstance(data, dict) or not ("RefId" in data or "Results" in data):
            raise self.bad_answer(answer)
        status = _status_of(data.get("Results"), outgoing.msisdn)
        if status is None:
            words = "The answer does not name this recipient: " + json.dumps(data.get("Results"), default=str)
            state, reason = MessageState.UNKNOWN, "bad_answer"
        else:
            words = "" if status.upper() == "SUCCESS" else status
            state, reason = self.state_of(RESULTS, status)
        return SendResult(
            state,
            provider_message_id=_text(data.get("RefId")),
            reason=reason,
            words=words,
            parts=whole_number(data.get("Fragments")) or None,
        )

    def build_test(self) -> httpx.Request:
        return self.request("GET", "/campaigns")

    def read_test(self, answer: Answer) -> str:
        """Proves the credentials; without a registered campaign carriers block texts from local numbers."""
        if answer.status == 404 and isinstance(answer.data, dict):
            return _campaigns_sentence(0)
        if error := self.refusal(answer):
            raise error
        if not isinstance(answer.data, list):
            raise self.bad_answer(answer)
        approved = [row for row in answer.data if isinstance(row, dict) and row.get("Approval") == "Y"]
        return _campaigns_sentence(len(approved))

    def build_webhook_registration(self, url: str) -> httpx.Request:
        """Under a name of our own: PUT replaces a webhook of the same name, so `Default` is left alone."""
        return self.request(
            "PUT",
            "/webHooks",
            data={
                "Webhook": WEBHOOK_NAME,
                "Description": WEBHOOK_DESCRIPTION,
                "Url": url,
                "Dlr": True,
                "Method": "POST",
            },
        )

    def read_webhook_registration(self, answer: Answer) -> str:
        if not isinstance(answer.data, dict) or answer.data.get("Webhook") != WEBHOOK_NAME:
            raise self.bad_answer(answer)
        return (
            f"BulkVS has saved the webhook “{WEBHOOK_NAME}”. Choose it for your numbers in the BulkVS "
            "portal, unless it is your only one."
        )

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        # An older client of the vendor was called by GET, with the same names in lower case.
        data = read_json(call.body) if call.body.strip() else dict(call.query)
        if not isinstance(data, dict):
            raise WebhookRejected("The body is not the JSON of a BulkVS message.")
        data = {str(name).lower(): value for name, value in data.items()}
        msisdn, number = _eleven(digits(data.get("from"))), _eleven(_first_number(data.get("to")))
        if not msisdn:
            raise WebhookRejected("The message has no From.")
        raw = data.get("message")
        text = raw if isinstance(raw, str) else ""
        if call.body.strip():
            text = decoded(text)
        if len(text) <= MAX_RECEIPT and _RECEIPT.match(text):
            return [self._report(msisdn, number, text)]
        media = tuple(url for url in _texts(data.get("mediaurls")) if not _path(url).endswith(".smil"))
        if not text and not media:
            raise WebhookRejected("The message has neither a text nor media.")
        return [InboundText(msisdn, number, text, media, provider_message_id=_text(data.get("refid")))]

    def _report(self, msisdn: str, number: str, text: str) -> DeliveryReport:
        stat = receipt_part(text, "stat")
        state, reason = self.state_of(STATES, stat)
        error, shown = receipt_part(text, "err"), receipt_part(text, "text")
        return DeliveryReport(
            state,
            msisdn=msisdn,
            sender=number,
            text_prefix=shown.removesuffix("..."),
            submitted_at=receipt_minute(receipt_part(text, "submit date")),
            words=f"{stat or '(no status)'} err:{error}" if error.strip("0") else stat or "(no status)",
            reason=reason,
        )


_FUNDS = re.compile(r"(?i)\bfunds?\b|\bbalance\b|\bcredits?\b")


def decoded(text: str) -> str:
    """The vendor form-encodes `Message` inside the JSON, yet not everywhere: encoded text has no blank."""
    if re.search(r"\s", text) or not _ENCODED.search(text):
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return text


def receipt_part(text: str, name: str) -> str:
    """The value of one `name:` of an SMPP receipt; "" without it. `text` runs to the end, colons and all."""
    pattern = rf"(?is)\b{name}:(.*)\Z" if name == "text" else _RECEIPT_PART.format(name)
    found = re.search(pattern, text)
    return found[1].strip() if found else ""


def receipt_minute(value: str) -> datetime | None:
    """YYMMDDhhmm, with seconds in some networks. No zone is stated: read as UTC."""
    for form, length in (("%y%m%d%H%M", 10), ("%y%m%d%H%M%S", 12)):
        if len(value) == length and value.isascii() and value.isdigit():
            try:
                return datetime.strptime(value, form).replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


def _status_of(results: Any, msisdn: str) -> str | None:
    """The status of our recipient; None when it is not among the results, or says nothing."""
    for row in results if isinstance(results, list) else []:
        if isinstance(row, dict) and digits(row.get("To"))[-10:] == msisdn[-10:]:
            return _text(row.get("Status")) or None
    return None


def _inner_status(answer: Answer) -> int:
    """The status of the answer, or an error `Code` inside a 2xx that names no recipient."""
    if answer.status < 300 and isinstance(answer.data, dict) and "Results" not in answer.data:
        code = whole_number(answer.data.get("Code"))
        if code is not None and 400 <= code < 600:
            return code
    return answer.status


def _reason(data: dict[str, Any]) -> str:
    description = data.get("Description")
    named = description if isinstance(description, dict) else {}
    return next((reason for name, reason in PROPERTY_REASONS.items() if name in named), "refused")


def _campaigns_sentence(approved: int) -> str:
    if not approved:
        return "BulkVS accepts the credentials. No approved campaign is registered: carriers may block texts."
    return f"BulkVS accepts the credentials. Approved campaigns: {approved}."


def _eleven(number: str) -> str:
    return "1" + number if len(number) == 10 else number


def _first_number(value: Any) -> str:
    return digits(value[0] if isinstance(value, list) and value else value)


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.lower()
    except ValueError:
        return ""


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:255]
