"""Fast Single: `POST /sms`, its DLR callback, and the links in its text. Document 004, section Fast Single.

Readings chosen where the document is silent:
- the success status is 200, and `client_ref` is echoed beside `message_id` when it was given;
- several wrong fields give all their sentences in one array, in the document's order text, to, from;
- `to` is a string of digits, as in the example; a sender of letters holds no digits, as the error text says;
- 403, 429 and 500 have the same shape as the documented 401;
- `GET /sms/{id}`, from the vendor's v4 page (NOTES.md section 5): the key in the header `apikey`, an object with
  `message_id` and the numeric `status`, -1 until there is a report; 404 for a text of another key or of none;
- of the tokens only `{{link:ID}}` and `{{link_list:ID}}` are rendered: "can contain text and links".
No inbound text is documented.
"""

import re
import secrets
from collections.abc import Callable
from typing import Any, TypeGuard

from providers.sandbox import batches, parts
from providers.sandbox.callbacks import Post
from providers.sandbox.messagewhiz.running import SLUG, Runner
from providers.sandbox.messagewhiz.sendings import price_of
from providers.sandbox.outcomes import Outcome, outcome_of
from providers.sandbox.state import OUTBOUND, Entry, iso
from providers.sandbox.wire import RETRY_SOON, Answer, Call, is_url, json_answer, json_object

API_KEY = "sandbox-key"
DISABLED_ENDING = "-disabled"  # a key of a user who is disabled: the document's 403
KEY_CAP = 64  # characters
TEXT_CAP = 100_000  # characters
CLIENT_REF_CAP = 160

BAD_TO = (
    "The recipient number entered is invalid."
    " Please ensure that the number is between 10 and 15 digits in length."
)
BAD_FROM = (
    "Sender must not exceed 11 letters (latin alphabet or special symbols “'._-+&{space}” are allowed)"
    " or 20 numbers."
)
STATE_IDS = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
    "FAILED": 9,
}
# Of the handset's states, in the answer of `GET /sms/{id}`.
PENDING = -1
STATUS_IDS = {"delivered": 2, "expired": 3, "undelivered": 5, "rejected": 8}
_is_number = re.compile(r"[0-9]{10,15}").fullmatch
is_sender = re.compile(r"[A-Za-z'._\-+& ]{1,11}|[0-9]{1,20}").fullmatch


# Renders the link tokens of a text: (key, text, call) to the text and who is told of its entry.
LinkTokens = Callable[[str, str, Call], tuple[str, Callable[[Entry], None]]]


class FastSingle:
    """No account is made or looked up for a text without tokens: this path is the fast one."""

    def __init__(self, runner: Runner, link_tokens: LinkTokens) -> None:
        self.state = runner.state
        self.dial = runner.dial
        self.callbacks = runner.callbacks
        self.link_tokens = link_tokens

    def take_text(self, call: Call) -> Answer:
        data = json_object(call.body)
        if data is None:
            return _failure(400, "The request body is not a JSON object", "Bad Request")
        key = data.get("api_key")
        if not is_key(key):
            return _failure(401, "Unauthorized")
        if key.endswith(DISABLED_ENDING):
            return _failure(403, "Forbidden")
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            return _too_many()
        if sentences := validation_errors(data):
            return _failure(400, sentences, "Bad Request")
        outcome = outcome_of(data["to"], self.dial.force_outcome)
        return self.refusal(data["to"], outcome) or self.accept(key, data, outcome, call)

    def tell_status(self, call: Call, message_id: str) -> Answer:
        key = call.header(b"apikey")
        if not is_key(key):
            return _failure(401, "Unauthorized")
        if key.endswith(DISABLED_ENDING):
            return _failure(403, "Forbidden")
        if not self.dial.lets_through():
            return _too_many()
        entry = self.state.sent(SLUG, message_id)
        if entry is None or entry.account != key:
            return _failure(404, "Message not found", "Not Found")
        told: dict[str, Any] = {
            "message_id": entry.message_id,
            "to": entry.msisdn,
            "from": entry.number,
            "status": STATUS_IDS.get(entry.state, PENDING),
            "parts_count": entry.parts,
            "price": price_of(entry.parts),
        }
        if entry.reference:
            told["client_ref"] = entry.reference
        return json_answer(200, told)

    def refusal(self, msisdn: str, outcome: Outcome) -> Answer | None:
        """The answer to a text that is not accepted, or None."""
        answer: Answer
        match outcome:
            case Outcome.REFUSED:
                answer = _failure(400, [BAD_TO], "Bad Request")
            case Outcome.THROTTLED if self.state.tries(SLUG, msisdn) <= 2:
                answer = _too_many()
            case Outcome.SERVER_ERROR:
                answer = _failure(500, "Internal server error")
            case Outcome.NO_CREDIT | Outcome.SENDER_OFF:
                answer = _failure(403, "Forbidden")
            case _:
                return None
        self.state.refuse(outcome)
        return answer

    def accept(self, key: str, data: dict[str, Any], outcome: Outcome, call: Call) -> Answer:
        text, tell = data["text"], None
        if "{{link" in text:
            text, tell = self.link_tokens(key, text, call)
        entry = Entry(
            direction=OUTBOUND,
            vendor=SLUG,
            account=key,
            msisdn=data["to"],
            number=data["from"],
            text=text,
            message_id=secrets.token_urlsafe(16)[:21],
            parts=parts.count(text),
            reference=data.get("client_ref") or "",
            callback=data.get("callback") or "",
            outcome=outcome,
        )
        if tell:
            tell(entry)
        self.state.accept(entry)
        self.callbacks.schedule_receipts(entry, self.dial.delay_of(entry.msisdn), receipt)
        if outcome is Outcome.THROTTLED:
            self.state.forget_tries(SLUG, entry.msisdn)
        result = {"message_id": entry.message_id}
        if entry.reference:
            result["client_ref"] = entry.reference
        return batches.spoil([outcome], json_answer(200, result))


def is_key(value: Any) -> TypeGuard[str]:
    if not isinstance(value, str) or len(value) > KEY_CAP:
        return False
    return value == API_KEY or value.startswith(f"{API_KEY}-")


def validation_errors(data: dict[str, Any]) -> list[str]:
    """The document's sentences for each wrong field, empty when all is well."""
    sentences = _text_errors(data.get("text"))
    checks: tuple[tuple[str, Callable[[str], object], str], ...] = (
        ("to", _is_number, BAD_TO),
        ("from", is_sender, BAD_FROM),
    )
    for name, is_right, sentence in checks:
        value = data.get(name)
        if not isinstance(value, str) or not is_right(value):
            sentences.append(sentence)
    client_ref, callback = data.get("client_ref"), data.get("callback")
    if client_ref is not None and not (isinstance(client_ref, str) and len(client_ref) <= CLIENT_REF_CAP):
        sentences.append(f"client_ref must be shorter than or equal to {CLIENT_REF_CAP} characters")
    if callback is not None and not is_url(callback):
        sentences.append("callback must be a URL address")
    return sentences


def _text_errors(text: Any) -> list[str]:
    too_long = f"text must be shorter than or equal to {TEXT_CAP} characters"
    empty = ["text must be longer than or equal to 1 characters", "text should not be empty"]
    if not isinstance(text, str):
        return [too_long, *empty]
    if not text:
        return empty
    return [too_long] if len(text) > TEXT_CAP else []


def receipt(entry: Entry, word: str) -> Post | None:
    """The document's "Example DLR Callback"; None when the text named no callback."""
    if not entry.callback:
        return None
    encoding, texts = parts.split(entry.text)
    body: dict[str, Any] = {
        "message_id": entry.message_id,
        "sender": entry.number,
        "recipient": entry.msisdn,
        "content": entry.text,
        "state": STATE_IDS[word],
        "status": word,
    }
    if entry.reference:
        body["client_ref"] = entry.reference
    body["timestamp"] = iso(entry.at)
    body["parts_count"] = len(texts)
    body["price"] = price_of(len(texts))
    body["parts"] = [
        {"pdu_id": _pdu_id(entry, index), "encoding": encoding, "content": text, "status": word}
        for index, text in enumerate(texts)
    ]
    return Post(entry.callback, body)


def _pdu_id(entry: Entry, index: int) -> str:
    """The same at each receipt of a text."""
    return f"{entry.message_id[2:]}{index:02d}"


def _failure(status: int, message: str | list[str], error: str = "") -> Answer:
    body: dict[str, Any] = {"statusCode": status, "message": message}
    if error:
        body["error"] = error
    return json_answer(status, body)


def _too_many() -> Answer:
    return json_answer(429, {"statusCode": 429, "message": "Too Many Requests"}, RETRY_SOON)
