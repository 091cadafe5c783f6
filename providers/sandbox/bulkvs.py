"""BulkVS messaging, document 001: /messageSend, /webHooks (GET, PUT, DELETE) and /campaigns.

What the document leaves open, and the reading chosen (vendors/NOTES.md section 2 names the sources):
- HTTP Basic; any user name that begins with `sandbox`, with the password `sandbox`, is an account of its own;
- errors are `{"Status", "Code", "Description"}`, the description a string or sentences by property;
- several recipients or media make an MMS of one fragment; a recipient that fails among several has a status
  other than SUCCESS, a single one that fails is a 409;
- a receipt comes to the webhook like an inbound text: `Message` is an SMPP receipt, form-URL-encoded,
  whose id is not the RefId and whose text is cut after eight characters;
- a webhook must answer 200, else it is called again; what 3CX webhooks get is undocumented, they get nothing;
- a number's webhook is the one bound to it (control door), else `Default`, else the only one;
- webhooks named `NoConsent` and `NoFunds` are refused with the documented 412 and 403.
"""

import base64
import binascii
import re
import time
import uuid
import zlib
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus

from providers.sandbox import batches, parts
from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.dials import Dial
from providers.sandbox.doors import Reply
from providers.sandbox.later import Later
from providers.sandbox.outcomes import Outcome, outcome_of
from providers.sandbox.state import INBOUND, OUTBOUND, Entry, State
from providers.sandbox.wire import RETRY_SOON, Answer, Call, is_url, json_answer, json_object

SLUG = "bulkvs"
BASE = "api/v1.0/"
ACCOUNT_PREFIX = PASSWORD = "sandbox"  # noqa: S105 - printed in the manual, opens nothing else
MOST_ACCOUNTS = 1000
MESSAGE_CAP = 1600  # characters
RECEIPT_TEXT = 8  # characters of the message in a receipt

MALFORMED = "Property missing, invalid or malformed"
NO_FUNDS = "Insufficient funds or service not enabled"
NOT_ENABLED = "Telephone Number not enabled for Service"
CONFLICT = "Conflict, see body; a support ticket may be required to resolve"
NO_CONSENT = "Applicable agreement lacks consent, see body for details"
TROUBLE = "An error occurred, please try again; a support ticket may be required to resolve"

CAMPAIGNS = (
    {
        "Tcr": "CSANDBX",
        "Brand": "Sandbox Brand",
        "Count": "49",
        "Approval": "Y",
        "Activation Date": "2021-02-16 16:23:35",
    },
    {
        "Tcr": "CWAITNG",
        "Brand": "Sandbox Brand",
        "Count": "0",
        "Approval": "N",
        "Activation Date": "2021-03-01 09:00:00",
    },
)
# Error codes beside the state: the document of the receipt is SMPP 3.4, the codes are carriers' own.
RECEIPT_ERRORS = {"UNDELIV": "255", "EXPIRED": "027", "REJECTD": "034"}

_is_number = re.compile(r"1[2-9][0-9]{2}[2-9][0-9]{6}").fullmatch


@dataclass(slots=True)
class Webhook:
    name: str
    description: str
    url: str
    dlr: bool
    method: str
    modified: str

    def shown(self, *names: str) -> dict[str, Any]:
        """The named properties as the document spells them; all without names."""
        row = {
            "Webhook": self.name,
            "Description": self.description,
            "Url": self.url,
            "Dlr": self.dlr,
            "Method": self.method,
            "Last Modification": self.modified,
        }
        return {name: row[name] for name in names} if names else row


@dataclass(slots=True)
class Account:
    webhooks: dict[str, Webhook] = field(default_factory=dict)
    bindings: dict[str, str] = field(default_factory=dict)

    def webhook_of(self, number: str) -> Webhook | None:
        bound = self.webhooks.get(self.bindings.get(number, "Default")) or self.webhooks.get("Default")
        if bound is None and len(self.webhooks) == 1:
            return next(iter(self.webhooks.values()))
        return bound


class BulkVs:
    slug = SLUG
    label = "BulkVS"
    webhook_is_set_by = "PUT /webHooks"
    base = f"{SLUG}/{BASE}".rstrip("/")

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, _later: Later) -> None:
        self.state = state
        self.dial = dial
        self.callbacks = callbacks
        self.accounts: dict[str, Account] = {}

    def answer(self, call: Call) -> Answer:
        username = user_of(call.header(b"authorization"))
        if username is None:
            return _failure(401, "Unauthorized", ((b"www-authenticate", b'Basic realm="BulkVS"'),))
        account = self.account(username)
        if account is None:
            return _failure(403, NO_FUNDS)
        match call.method, call.path.removeprefix(BASE) if call.path.startswith(BASE) else "":
            case "POST", "messageSend":
                return self.send_message(username, call.body)
            case "GET", "webHooks":
                return list_webhooks(account, call.query().get("Webhook", ""))
            case "PUT", "webHooks":
                return put_webhook(account, call.body)
            case "DELETE", "webHooks":
                return delete_webhook(account, call.query().get("Webhook", ""))
            case "GET", "campaigns":
                return list_campaigns(call.query().get("Tcr", ""))
            case _, "messageSend" | "webHooks" | "campaigns":
                return _failure(405, "Method not allowed")
        return _failure(404, "Not found")

    def reset(self, *, accounts: bool) -> None:
        if accounts:
            self.accounts.clear()

    def account(self, username: str) -> Account | None:
        """The account of that name, made at its first use; None beyond `MOST_ACCOUNTS`."""
        account = self.accounts.get(username)
        if account is None and len(self.accounts) < MOST_ACCOUNTS:
            account = self.accounts[username] = Account()
        return account

    def send_message(self, username: str, body: bytes) -> Answer:
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            return _too_many()
        data = json_object(body)
        if data is None:
            return _failure(400, MALFORMED)
        if wrong := validation_errors(data):
            return _failure(400, wrong)
        outcomes = [outcome_of(msisdn, self.dial.force_outcome) for msisdn in data["To"]]
        for msisdn, outcome in zip(data["To"], outcomes, strict=True):
            refusal = self.refusal(msisdn, outcome, alone=len(outcomes) == 1)
            if refusal is not None:
                self.state.refuse(outcome)
                return refusal
        return self.accept(username, data, outcomes)

    def refusal(self, msisdn: str, outcome: Outcome, *, alone: bool) -> Answer | None:
        """The answer to a request that is not accepted as a whole, or None."""
        match outcome:
            case Outcome.REFUSED if alone:
                return _failure(409, CONFLICT)
            case Outcome.THROTTLED if self.state.tries(SLUG, msisdn) <= 2:
                return _too_many()
            case Outcome.SERVER_ERROR:
                return _failure(503, TROUBLE)
            case Outcome.NO_CREDIT:
                return _failure(403, NO_FUNDS)
            case Outcome.SENDER_OFF:
                return _failure(404, NOT_ENABLED)
        return None

    def accept(self, username: str, data: dict[str, Any], outcomes: list[Outcome]) -> Answer:
        media = tuple(data.get("MediaURLs") or ())
        is_mms = bool(media) or len(outcomes) > 1
        text = Entry(
            direction=OUTBOUND,
            vendor=SLUG,
            account=username,
            msisdn="",
            number=data["From"],
            text=data["Message"],
            message_id=str(uuid.uuid4()),
            parts=1 if is_mms else parts.count(data["Message"]),
            media=media,
        )
        results = [
            {"To": msisdn, "Status": "SUCCESS" if self.take(text, msisdn, outcome) else "FAILED"}
            for msisdn, outcome in zip(data["To"], outcomes, strict=True)
        ]
        answer = json_answer(
            200,
            {
                "RefId": text.message_id,
                "From": text.number,
                "MessageType": "MMS" if is_mms else "SMS",
                "Fragments": text.parts,
                "Results": results,
            },
        )
        return batches.spoil(outcomes, answer)

    def take(self, text: Entry, msisdn: str, outcome: Outcome) -> bool:
        """Put a copy of the text on one recipient's handset; whether it was accepted."""
        if outcome is Outcome.REFUSED:
            self.state.refuse(outcome)
            return False
        entry = replace(text, msisdn=msisdn, outcome=outcome)
        self.state.accept(entry)
        self.callbacks.schedule_receipts(entry, self.dial.delay_of(msisdn), self.receipt)
        if outcome is Outcome.THROTTLED:
            self.state.forget_tries(SLUG, msisdn)
        return True

    def receipt(self, entry: Entry, word: str) -> Post | None:
        """An SMPP receipt in the form of an inbound text; None without a webhook that wants it."""
        webhook = self.accounts.get(entry.account, Account()).webhook_of(entry.number)
        if webhook is None or not webhook.dlr or webhook.method != "POST":
            return None
        message = quote_plus(receipt_text(entry, word), errors="replace")
        return Post(
            webhook.url,
            {"From": entry.msisdn, "To": [entry.number], "Message": message},
            only_200=True,
        )

    def heard(self, _entry: Entry) -> tuple[str, ...]:
        return ("",)

    def reply(self, entry: Entry, _word: str) -> Post | None:
        """An inbound text; None without a webhook."""
        webhook = self.accounts.get(entry.account, Account()).webhook_of(entry.number)
        if webhook is None or webhook.method != "POST":
            return None
        body = {
            "From": entry.msisdn,
            "To": [entry.number],
            "Message": quote_plus(entry.text, errors="replace"),
            "MediaURLs": list(entry.media),
        }
        return Post(webhook.url, body, only_200=True)

    def new_reply(self, reply: Reply) -> Entry:
        return Entry(
            direction=INBOUND,
            vendor=SLUG,
            account=reply.account,
            msisdn=reply.msisdn,
            number=reply.number,
            text=reply.text,
            message_id="",
            parts=parts.count(reply.text),
            media=reply.media,
            state="posting",
        )


def user_of(authorization: str) -> str | None:
    """The user name of good Basic credentials, else None."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    good = colon and password == PASSWORD and username.startswith(ACCOUNT_PREFIX) and len(username) <= 64
    return username if good else None


def validation_errors(data: dict[str, Any]) -> dict[str, list[str]]:
    """Sentences by property, empty when all is well."""
    wrong: dict[str, list[str]] = {}
    media = data.get("MediaURLs")
    if not _is_telephone(data.get("From")):
        wrong["From"] = ["must be a telephone number of 11 digits, 1NPANXXXXXX"]
    to = data.get("To")
    if not isinstance(to, list) or not to or not all(_is_telephone(number) for number in to):
        wrong["To"] = ["must be an array of telephone numbers of 11 digits, 1NPANXXXXXX"]
    if media is not None and not (isinstance(media, list) and all(is_url(url) for url in media)):
        wrong["MediaURLs"] = ["must be an array of URLs"]
    message = data.get("Message")
    if not isinstance(message, str) or len(message) > MESSAGE_CAP or not (message or media):
        wrong["Message"] = [f"must be a text of up to {MESSAGE_CAP} characters"]
    return wrong


def receipt_text(entry: Entry, word: str) -> str:
    """SMPP 3.4 appendix B, times in UTC; the id is the carrier's, the same at each receipt of a text."""
    delivered = int(word == "DELIVRD")
    cut = entry.text[:RECEIPT_TEXT] + ("..." if len(entry.text) > RECEIPT_TEXT else "")
    carrier_id = 1_000_000_000 + zlib.crc32(f"{entry.message_id}{entry.msisdn}".encode())
    submitted, done = _minute(entry.at), _minute(time.time())
    return (
        f"id:{carrier_id} sub:001 dlvrd:{delivered:03d} submit date:{submitted} done date:{done}"
        f" stat:{word} err:{RECEIPT_ERRORS.get(word, '000')} text:{cut}"
    )


def list_webhooks(account: Account, name: str) -> Answer:
    if not name:
        return json_answer(200, [webhook.shown() for webhook in account.webhooks.values()])
    webhook = account.webhooks.get(name)
    return json_answer(200, [webhook.shown()]) if webhook else _failure(404, "Webhook not found")


def put_webhook(account: Account, body: bytes) -> Answer:
    """Create or update: properties that are left out keep their value, or take the default."""
    data = json_object(body)
    name = data.get("Webhook") if data else None
    if data is None or not isinstance(name, str) or not 0 < len(name) <= 64:
        return _failure(400, MALFORMED)
    if name in ("NoConsent", "NoFunds"):
        return _failure(412, NO_CONSENT) if name == "NoConsent" else _failure(403, NO_FUNDS)
    old = account.webhooks.get(name) or Webhook(name, "", "", False, "POST", "")
    new = Webhook(
        name=name,
        description=data.get("Description", old.description),
        url=data.get("Url", old.url),
        dlr=data.get("Dlr", old.dlr),
        method=data.get("Method", old.method),
        modified=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
    )
    if wrong := _webhook_errors(new):
        return _failure(400, wrong)
    account.webhooks[name] = new
    return json_answer(200, new.shown("Webhook", "Description", "Url", "Last Modification"))


def delete_webhook(account: Account, name: str) -> Answer:
    if not name:
        return _failure(400, MALFORMED)
    if account.webhooks.pop(name, None) is None:
        return _failure(404, "Webhook not found")
    return json_answer(200, {"Status": "Success", "Webhook": name})


def list_campaigns(tcr: str) -> Answer:
    rows = [row for row in CAMPAIGNS if tcr in ("", row["Tcr"])]
    return json_answer(200, rows) if rows else _failure(404, "Campaign not found")


def _webhook_errors(webhook: Webhook) -> dict[str, list[str]]:
    wrong = {}
    if not isinstance(webhook.description, str):
        wrong["Description"] = ["must be a string"]
    if not is_url(webhook.url):
        wrong["Url"] = ["must be a URL"]
    if not isinstance(webhook.dlr, bool):
        wrong["Dlr"] = ["must be a boolean"]
    if webhook.method not in ("POST", "3CX"):
        wrong["Method"] = ["must be POST or 3CX"]
    return wrong


def _is_telephone(value: Any) -> bool:
    return isinstance(value, str) and _is_number(value) is not None


def _minute(at: float) -> str:
    return time.strftime("%y%m%d%H%M", time.gmtime(at))


def _failure(
    status: int, description: str | dict[str, list[str]], headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Answer:
    return json_answer(status, {"Status": "FAILED", "Code": str(status), "Description": description}, headers)


def _too_many() -> Answer:
    return _failure(429, "Too many requests", RETRY_SOON)
