"""MessageWhiz (MMDSmart), API v3, document 004: "Fast Single" `POST /sms` and its callbacks.

Oddities, and the reading chosen:
- `/sms` takes the key in the body (`api_key`), everything under `/api/3` in the header `apikey`. `/sms`
  lies at the root; other clients write the base URL with `/api/3`, so that ending is taken off.
- The success status is not stated: any 2xx with a `message_id` is success, a `statusCode` or `errorCode` of
  400 to 599 inside a 2xx is that error.
- Errors of `/sms` are `{statusCode, message, error?}` with `message` a text or a list; which field is meant
  is read from the sentence. Codes outside the document have HTTP's meaning.
- The callback's `timestamp` is the "time of sending message", not of the report: no time of delivery is
  told.
- Both `state` and `status` say how it stands; the number wins, the word is asked when the number is
  missing.
- One receiver in the field saw lists of callbacks (NOTES.md section 5): one object and a list are both
  taken.
- Callbacks carry no signature, and no schedule of repeats is documented. The address itself has to be the
  secret.
- "DLR to webhook" batches tell of broadcasts that run at the vendor; they are read by their own numbers.
- A link click callback is no news here: links are Crier's own. Inbound texts are not documented.
- `from` is documented as letters or digits; whether a name may hold digits is left to the vendor.
- `GET /sms/{id}` is not in document 004 but in the vendor's v4 page (NOTES.md section 5): the key in the header, an object
  with a numeric `status`, whose -1 is pending and 11 no balance. It is read as tolerantly as a report: a `state` counts like
  in those, an object may stand alone, in a list of one, or under `result`. A JSON 404 that speaks of the path ("Cannot GET
  …") means that this MessageWhiz has no such call; any other JSON 404 means the message.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from providers.connectors.answers import (
    Answer,
    as_number,
    digits,
    moment,
    price,
    read_json,
    sentences,
    whole_number,
)
from providers.connectors.base import (
    AccountConfig,
    BatchKind,
    Capabilities,
    Connector,
    DeliveryReport,
    InboundText,
    OutgoingText,
    ReceiptKind,
    SenderPage,
    SendResult,
    StatusAnswer,
    StatusTable,
    WebhookCall,
    setting,
)
from providers.connectors.messagewhiz.client import MessageWhizClient
from providers.connectors.messagewhiz.envelope import inner_status
from providers.connectors.messagewhiz.remote import SIDES
from providers.connectors.operations import filled
from providers.errors import ConnectorError, MessageRefused, NotFound, WebhookPartlyRead, WebhookRejected
from sms.states import FINAL, MessageState

MAX_REFERENCE = 160  # characters of client_ref
# The document names no highest limit; should there be one, pages are shorter.
SENDERS_A_PAGE = 100
# The document's replies write `enabled` in several ways; 0 equals False.
SWITCHED_OFF = (False, "0", "false")

# The table of "Response on DLR callback".
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
WORD_OF_STATE = dict(enumerate(STATES, start=1))
# The table of "DLR to webhook": its numbers are a subset, but 0 is new.
WORD_OF_TASK_STATE = {0: "ENROUTE", 2: "DELIVRD", 3: "EXPIRED", 5: "UNDELIV", 8: "REJECTD", 9: "FAILED"}

# Numbers of `status` in the answer of `GET /sms/{id}`; the others mean what they mean in a report.
PENDING, NO_BALANCE = -1, 11
NO_BALANCE_WORD = "NO BALANCE"
PENDING_WORDS = frozenset({"PENDING", "QUEUED"})

# Sentences of "Validation errors", in the order in which they are looked for.
FIELD_REASONS = (
    (re.compile(r"(?i)\brecipient number\b|^to\b"), "bad_number"),
    (re.compile(r"(?i)^(sender|from)\b"), "sender_not_allowed"),
    (re.compile(r"(?i)^text should not be empty"), "empty_text"),
    (re.compile(r"(?i)^text must be shorter"), "text_too_long"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWhizConfig(AccountConfig):
    base_url: str = setting(
        label="Base URL",
        help="Without /api/3. Change it only when MessageWhiz gave you another address.",
        default="https://sms.messagewhiz.com",
    )
    api_key: str = setting(
        label="API key", help="On the account page of your MessageWhiz account.", secret=True
    )
    reports: str = setting(
        label="Delivery reports",
        help="“pushed”: each text names our webhook address. “polled”: Crier asks for them, where MessageWhiz cannot reach "
        "it from outside.",
        default=ReceiptKind.PUSHED.value,
    )

    def check(self) -> None:
        self.one_of("reports", (ReceiptKind.PUSHED.value, ReceiptKind.POLLED.value))


class MessageWhiz(Connector):
    slug = "messagewhiz"
    label = "MessageWhiz"
    document = "API v3, Fast Single"
    capabilities = Capabilities(
        body=True,
        batch=BatchKind.NONE,
        personal_text=True,
        media=False,
        schedule=False,
        receipts=ReceiptKind.PUSHED,
        inbound=False,
        remote_entities=True,
        idempotency=False,
        alphanumeric_senders=True,
        webhook_setup=False,
        max_text_length=100_000,
        sender_list=True,
        notes={
            "receipts": "Each text names the address for its own reports; price and parts come with them. Where it cannot "
            "be reached from outside, Crier asks for them (a setting).",
            "webhook_setup": "Nothing to set: the address goes out with each text.",
        },
    )
    Config = MessageWhizConfig
    Client = MessageWhizClient
    remote_sides = SIDES
    config: MessageWhizConfig
    number = re.compile(r"[0-9]{10,15}", re.ASCII)
    number_words = "numbers of 10 to 15 digits"
    send_path = "/sms"

    def url(self, path: str) -> httpx.URL:
        return httpx.URL(self.config.base_url.removesuffix("/api/3") + path)

    def check(self, outgoing: OutgoingText) -> None:
        super().check(outgoing)
        if len(outgoing.reference) > MAX_REFERENCE:
            raise MessageRefused(f"The reference is longer than {MAX_REFERENCE} characters.")

    def send_body(self, outgoing: OutgoingText) -> dict[str, Any]:
        body = {
            "api_key": self.config.api_key,
            "to": outgoing.msisdn,
            "from": outgoing.sender,
            "text": outgoing.text,
        }
        if outgoing.reference:
            body["client_ref"] = outgoing.reference
        if outgoing.receipt_url and self.receipts is ReceiptKind.PUSHED:
            body["callback"] = outgoing.receipt_url
        return body

    def refusal(self, answer: Answer) -> ConnectorError | None:
        inner = inner_status(answer.data)
        if inner and answer.status < 400:
            answer = dataclasses.replace(answer, status=inner)
        if answer.status == 400 and isinstance(answer.data, dict):
            return self._wrong_field(answer)
        return self.refusal_by_status(answer)

    def _wrong_field(self, answer: Answer) -> ConnectorError | None:
        said = sentences(answer.data.get("message"))
        # No recipient can help it: the address for reports is the same for all.
        if said and all(sentence.startswith("callback") for sentence in said):
            return self.account_refused("bad_settings", answer.status, self.explain(answer))
        for pattern, reason in FIELD_REASONS:
            if any(pattern.search(sentence) for sentence in said):
                return MessageRefused(
                    f"{self.label} refused it ({answer.status}).", words=self.explain(answer), reason=reason
                )
        return self.refusal_by_status(answer)

    def explain(self, answer: Answer) -> str:
        if isinstance(answer.data, dict):
            said = sentences(answer.data.get("message")) or sentences(answer.data.get("errorMessage"))
            if said:
                return "; ".join(said)
        return super().explain(answer)

    def read_send(self, outgoing: OutgoingText, answer: Answer) -> SendResult:
        message_id = _text(answer.data.get("message_id")) if isinstance(answer.data, dict) else ""
        if not message_id:
            raise self.bad_answer(answer)
        return SendResult(MessageState.SENT, provider_message_id=message_id)

    def build_test(self) -> httpx.Request:
        return self._with_key("/api/3/sender?limit=1")

    def build_sender_list(self, start: int) -> httpx.Request:
        """ "Get Senders". Left out, `enabled` means the active ones alone."""
        return self._with_key(f"/api/3/sender?limit={SENDERS_A_PAGE}&start={start}")

    def _with_key(self, path: str) -> httpx.Request:
        request = self.request("GET", path)
        request.headers["apikey"] = self.config.api_key
        return request

    def read_sender_list(self, answer: Answer) -> SenderPage:
        rows = answer.data.get("result") if isinstance(answer.data, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.bad_answer(answer)
        names = (_text(row.get("name")) for row in rows if row.get("enabled") not in SWITCHED_OFF)
        return SenderPage(tuple(name for name in names if name), len(rows))

    def read_test(self, answer: Answer) -> str:
        """`POST /sms` cannot be tried without a text; the list of senders takes the same key."""
        if error := self.refusal(answer):
            raise error
        if not isinstance(answer.data, dict) or not isinstance(answer.data.get("result"), list):
            raise self.bad_answer(answer)
        return "MessageWhiz accepts the API key."

    # --- asked what became of a text --------------------------------------------------------------

    @property
    def receipts(self) -> ReceiptKind:
        return ReceiptKind(self.config.reports)

    @property
    def can_be_asked(self) -> bool:
        return True

    def build_status(self, provider_message_id: str) -> httpx.Request:
        return self._with_key(filled("/sms/{id}", {"id": provider_message_id}))

    def status_refusal(self, answer: Answer) -> ConnectorError | None:
        words = self.explain(answer)
        if answer.status == 404 and isinstance(answer.data, dict) and not words.startswith("Cannot "):
            return NotFound(f"{self.label} does not know this message (404).", words=words)
        return self.refusal(answer)

    def read_status(self, answer: Answer) -> StatusAnswer:
        item = _status_of(answer.data)
        if item is None:
            raise self.bad_answer(answer)
        word = _status_word(item)
        if word in PENDING_WORDS:
            return StatusAnswer(None)
        state, reason = (
            (MessageState.FAILED, "no_credit") if word == NO_BALANCE_WORD else self.state_of(STATES, word)
        )
        report = DeliveryReport(
            state,
            provider_message_id=_text(item.get("message_id")),
            words=word,
            reason=reason,
            parts=whole_number(item.get("parts_count")) or None,
            price=price(item.get("price")),
        )
        return StatusAnswer(report, is_last=state in FINAL)

    # --- webhook ----------------------------------------------------------------------------------

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        data = read_json(call.body)
        items = data if isinstance(data, list) else [data]
        if not any(isinstance(item, dict) for item in items):
            raise WebhookRejected("The body is not the JSON of a MessageWhiz report.")
        told: list[tuple[Callable[[Any], DeliveryReport], Any]] = []
        for item in items:
            if not isinstance(item, dict):
                told.append((_not_a_report, item))
            elif isinstance(item.get("dlrs"), list):
                told += [(self._batched_report, row) for row in item["dlrs"]]
            elif "link_id" not in item:
                told.append((self._report, item))
        return _all_readable(told)

    def _report(self, item: dict[str, Any]) -> DeliveryReport:
        message_id, reference = _text(item.get("message_id")), _text(item.get("client_ref"))
        if not message_id and not reference:
            raise WebhookRejected("The report has neither a message_id nor a client_ref.")
        word = _word(item, "state", WORD_OF_STATE) or _text(item.get("status"))
        if not word:
            raise WebhookRejected("The report has neither a state nor a status.")
        state, reason = self.state_of(STATES, word)
        return DeliveryReport(
            state,
            provider_message_id=message_id,
            reference=reference,
            msisdn=digits(item.get("recipient")),
            sender=_text(item.get("sender")),
            submitted_at=moment(item.get("timestamp")),
            words=_text(item.get("status")) or word,
            reason=reason,
            parts=whole_number(item.get("parts_count")) or None,
            price=price(item.get("price")),
        )

    def _batched_report(self, row: Any) -> DeliveryReport:
        if not isinstance(row, dict) or not (remote_id := _text(row.get("_id"))):
            raise WebhookRejected("A report of the batch has no _id.")
        word = _word(row, "task_state", WORD_OF_TASK_STATE)
        if not word:
            raise WebhookRejected("A report of the batch has no task_state.")
        state, reason = self.state_of(STATES, word)
        return DeliveryReport(
            state,
            provider_message_id=remote_id,
            msisdn=digits(row.get("recipient")),
            words=word,
            reason=reason,
            price=price(row.get("price")),
        )


def _not_a_report(item: Any) -> DeliveryReport:
    raise WebhookRejected("It is no JSON object.")


def _all_readable(
    told: Sequence[tuple[Callable[[Any], DeliveryReport], Any]],
) -> list[DeliveryReport | InboundText]:
    """One that cannot be read takes no other with it. Raises WebhookRejected, WebhookPartlyRead."""
    reports: list[DeliveryReport | InboundText] = []
    unread: list[WebhookRejected] = []
    for read, item in told:
        try:
            reports.append(read(item))
        except WebhookRejected as error:
            unread.append(error)
    if not unread:
        return reports
    if not reports:
        raise unread[0]
    words = f"{len(unread)} of {len(told)} reports cannot be read. The first of them: {unread[0]}"
    raise WebhookPartlyRead(words, reports)


def _word(item: dict[str, Any], name: str, words: dict[int, str]) -> str:
    """The word for a documented number, `state 12` for another, "" without one."""
    value = item.get(name)
    if value is None:
        return ""
    number = whole_number(value)
    return words.get(-1 if number is None else number) or f"{name} {value}"


def _status_of(data: Any) -> dict[str, Any] | None:
    """What `GET /sms/{id}` says of the message; None where nothing says how it stands."""
    if isinstance(data, dict) and "result" in data:
        data = data["result"]
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    return data if isinstance(data, dict) and _status_word(data) else None


def _status_word(item: dict[str, Any]) -> str:
    """Of `state`, else of `status`, which is a number there and a word in reports; "" without either."""
    for name in ("state", "status"):
        number = as_number(item.get(name))
        if number is None:
            continue
        if number == PENDING:
            return "PENDING"
        return NO_BALANCE_WORD if number == NO_BALANCE else _word(item, name, WORD_OF_STATE)
    return (_text(item.get("state")) or _text(item.get("status"))).upper()


def _text(value: Any) -> str:
    """Ids and references are texts here and there numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()[:255]
