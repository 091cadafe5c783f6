"""Mx2 Group, document 000: `api/send`, and the webhook of the vendor's page webhookdocs.

What the document leaves open, and the reading chosen (vendors/NOTES.md section 1 names the sources):
- POST; every documented answer is HTTP 200, the body's `status` says what happened;
- any apikey whose first block is 5A4DB0C5 is an account of its own; any GUID is a campaign, one that begins with
  DEAD is not; braces (the document's 38 characters) and small letters make no difference;
- errors win in the order of the tables: payload, apikey, cguid, cell, landingPageUrl; `fname` has no error text
  of its own and is answered `Invalid or missing payload` after the cell;
- `fname` is of letters of any script, digits, spaces and `'’-.`; `cell` is a JSON string; an empty landingPageUrl is
  none;
- the text belongs to the campaign: "Hi Mike, your offer is waiting: https://example.com/..." ;
- `subscriberId` is made of campaign and cell, so a repeated send gives the same one and queues another text;
- the opt-out list is the account's; who writes STOP is put there, nobody but the settings takes anyone off;
- the webhook is JSON by POST, unsigned, `datetime` in UTC, `messageType` always `Initial`; a post that is made again
  is the same; `textMessage` holds a reply, else nothing; any 2xx takes it;
- no rate limit and no trouble of the server is documented: 429 and 500 are answered in the shape of an error.
"""

import hashlib
import re
import time
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

from providers.sandbox import batches, parts
from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.dials import Dial, DialError
from providers.sandbox.doors import Problem, Reply
from providers.sandbox.later import Later
from providers.sandbox.outcomes import Outcome, outcome_of, receipts_of
from providers.sandbox.state import INBOUND, OUTBOUND, Entry, State
from providers.sandbox.wire import RETRY_SOON, Answer, Call, is_url, json_answer, json_object

SLUG = "mx2"
SENDER = "Mx2"
ACCOUNT_BLOCK = "5A4DB0C5-"
DEAD = "DEAD"
DEFAULT_ACCOUNT = "5A4DB0C5-0000-4000-8000-000000000000"
FNAME_CAP = 50  # characters
URL_CAP = 512
MOST_ACCOUNTS = 1000
MOST_OPTOUTS = 100_000
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

BAD_PAYLOAD = "Invalid or missing payload"
BAD_APIKEY = "Invalid or missing apikey"
BAD_CGUID = "Invalid or missing cguid"
BAD_CELL = "Invalid or missing cell"
BAD_URL = "landingPageUrl is not a valid URL"

# Words of the network to the webhook's statuses; the reasons are those that the vendor's page lists.
SENT = "ACCEPTD"
STATUSES = {SENT: "sent", "ENROUTE": "sent", "DELIVRD": "delivered"}
FAILURES = {
    "UNDELIV": "Not routable",
    "EXPIRED": "Undeliverable",
    "REJECTD": "Blocked as spam - temporary",
}
RECEIVED, OPTOUT, YES, CLICK = "received", "optout", "yes", "click"
# 47 CFR 64.1200(a)(10) and CTIA, with the spellings that carriers take for one.
STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "STOP ALL", "END", "QUIT", "CANCEL", "UNSUBSCRIBE", "REVOKE", "OPTOUT", "OPT OUT"}
)

_guid = re.compile(r"(\{)?([0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12})(?(1)\})", re.IGNORECASE).fullmatch
_is_cell = re.compile(r"[0-9]{10}").fullmatch


@dataclass(slots=True)
class Account:
    webhook: str = ""
    optouts: set[str] = field(default_factory=set)

    def shown(self) -> dict[str, Any]:
        return {"webhook": self.webhook, "optouts": sorted(self.optouts)}


@dataclass(slots=True, eq=False)
class CampaignText(Entry):
    """A text or reply of a subscriber, whose id is its `message_id`; `told_at` keeps when each word was first told."""

    cguid: str = ""
    landing_page: str = ""
    told_at: dict[str, float] = field(default_factory=dict)


class Mx2:
    slug = SLUG
    label = "Mx2"
    base = SLUG
    webhook_is_set_by = "POST /_sandbox/settings"
    default_account = DEFAULT_ACCOUNT

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, _later: Later) -> None:
        self.state = state
        self.dial = dial
        self.callbacks = callbacks
        self.accounts: dict[str, Account] = {}

    def answer(self, call: Call) -> Answer:
        if call.path.rstrip("/").lower() != "api/send":
            return _result("error", "Not found", http=404)
        if call.method != "POST":
            return _result("error", BAD_PAYLOAD, http=405)
        return self.send(call.body)

    def send(self, body: bytes) -> Answer:
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            return _too_many()
        data = json_object(body)
        problem = BAD_PAYLOAD if data is None else problem_of(data)
        if data is None or problem:
            return _result("error", problem)
        apikey, cguid, cell = guid_of(data["apikey"]), guid_of(data["cguid"]), data["cell"]
        subscriber = subscriber_id(cguid, cell)
        if cell in self.accounts.get(apikey, Account()).optouts:
            self.state.counters.refused[OPTOUT] += 1
            return _result("optout", subscriber=subscriber)
        outcome = outcome_of(cell, self.dial.force_outcome)
        return self.refusal(cell, outcome) or self.accept(data, subscriber, outcome)

    def refusal(self, cell: str, outcome: Outcome) -> Answer | None:
        """The answer to a text that is not accepted, or None."""
        if outcome is Outcome.REFUSED:
            self.state.refuse(outcome)
            return _result("error", BAD_CELL)
        match batches.refusal_of(self.state, SLUG, [(cell, outcome)]):
            case Outcome.THROTTLED:
                return _too_many()
            case Outcome.SERVER_ERROR:
                return _result("error", "Internal server error", http=500)
            case Outcome.NO_CREDIT:
                return _result("error", "Insufficient credit")
            case Outcome.SENDER_OFF:
                return _result("error", BAD_CGUID)
        return None

    def accept(self, data: dict[str, Any], subscriber: str, outcome: Outcome) -> Answer:
        landing_page = data.get("landingPageUrl") or ""
        text = campaign_text(data["fname"], landing_page)
        entry = CampaignText(
            direction=OUTBOUND,
            vendor=SLUG,
            account=guid_of(data["apikey"]),
            msisdn=f"1{data['cell']}",
            number=SENDER,
            text=text,
            message_id=subscriber,
            parts=parts.count(text),
            outcome=outcome,
            cguid=guid_of(data["cguid"]),
            landing_page=landing_page,
        )
        self.state.accept(entry)
        words = receipts_of(outcome)
        self.callbacks.schedule_receipts(
            entry, self.dial.delay_of(entry.msisdn), self.event, (SENT, *words) if words else ()
        )
        return batches.spoil([outcome], _result("success", subscriber=subscriber))

    def event(self, entry: Entry, word: str) -> Post | None:
        """What the webhook is told; None when the account's settings name none."""
        webhook = self.accounts.get(entry.account, Account()).webhook
        if not webhook or not isinstance(entry, CampaignText):
            return None
        return Post(
            webhook,
            {
                "subscriberId": entry.message_id,
                "cguid": entry.cguid,
                "status": "failed" if word in FAILURES else STATUSES.get(word, word),
                "statusMessage": FAILURES.get(word, ""),
                "textMessage": entry.text if entry.direction == INBOUND else "",
                "messageType": "Initial",
                "datetime": _moment(entry.told_at.setdefault(word, time.time())),
            },
        )

    # What the person who holds the handset does

    def new_reply(self, reply: Reply) -> CampaignText:
        """To the text that came last; `heard` has it take effect. Raises DialError or Problem."""
        latest = reply.latest
        if not isinstance(latest, CampaignText):
            raise Problem(404, f"No text of mx2 has arrived at {reply.msisdn}, so there is none to reply to.")
        if reply.account != latest.account:
            raise DialError(f"account {reply.account!r} has sent nothing to {latest.msisdn}; leave it out.")
        if reply.media:
            raise DialError(f"media {list(reply.media)!r} cannot be told to mx2, its webhook has text alone.")
        return replace(
            latest,
            direction=INBOUND,
            text=reply.text,
            parts=parts.count(reply.text),
            outcome=Outcome.DELIVERED,
            state="posting",
            at=time.time(),
            told_at={},
        )

    def heard(self, entry: Entry) -> tuple[str, ...]:
        """What the webhook is told of a reply, in this order; a STOP word opts the cell out."""
        word = entry.text.strip().rstrip(".!?,;:").strip().upper()
        if word in STOP_WORDS:
            account = self.account(entry.account)
            if len(account.optouts) < MOST_OPTOUTS:
                account.optouts.add(entry.msisdn[1:])
            return RECEIVED, OPTOUT
        return (RECEIVED, YES) if word == "YES" else (RECEIVED,)

    def reply(self, entry: Entry, word: str) -> Post | None:
        return self.event(entry, word)

    def landing_page(self, entry: Entry) -> str:
        return entry.landing_page if isinstance(entry, CampaignText) else ""

    def new_click(self, entry: Entry) -> Entry:
        """A walk to the landing page of a text; it stands in no thread."""
        assert isinstance(entry, CampaignText)
        return replace(entry, direction=INBOUND, text="", state="posting", at=time.time(), told_at={})

    def click(self, entry: Entry, _word: str) -> Post | None:
        return self.event(entry, CLICK)

    # Settings

    def account(self, name: str) -> Account:
        """The account of that key, made at its first use; raises DialError beyond `MOST_ACCOUNTS`."""
        account = self.accounts.get(name)
        if account is None:
            if len(self.accounts) >= MOST_ACCOUNTS:
                raise DialError(f"account {name!r} is one too many; there are {MOST_ACCOUNTS}, reset them.")
            account = self.accounts[name] = Account()
        return account

    def account_name(self, name: str) -> str:
        """As entries hold it; raises DialError."""
        guid = guid_of(name)
        if not guid.startswith(ACCOUNT_BLOCK):
            raise DialError(
                f"account {name!r} is not an apikey of the sandbox; give a GUID whose first block is 5A4DB0C5."
            )
        return guid

    def spelled(self, name: str) -> str:
        return guid_of(name) or name

    def settings(self, name: str) -> dict[str, Any]:
        return self.accounts.get(name, Account()).shown()

    def set(self, name: str, settings: dict[str, Any]) -> None:
        """`webhook`, an address or nothing, and `optouts`, cells of 10 digits; all or none, raises DialError."""
        checked = {key: _check_setting(key, value) for key, value in settings.items()}
        account = self.account(name)
        for key, value in checked.items():
            setattr(account, key, value)

    def reset(self, *, accounts: bool) -> None:
        """Opt-outs are traffic; the webhook is a setting and stays unless the accounts go too."""
        if accounts:
            self.accounts.clear()
        for account in self.accounts.values():
            account.optouts.clear()


def guid_of(value: Any) -> str:
    """In capitals and without braces; empty when it is none."""
    found = _guid(value) if isinstance(value, str) else None
    return found[2].upper() if found else ""


def problem_of(data: dict[str, Any]) -> str:
    """The document's first error text that fits, empty when all is well."""
    landing_page = data.get("landingPageUrl")
    checks = (
        (guid_of(data.get("apikey")).startswith(ACCOUNT_BLOCK), BAD_APIKEY),
        (_is_campaign(data.get("cguid")), BAD_CGUID),
        (isinstance(data.get("cell"), str) and _is_cell(data["cell"]), BAD_CELL),
        (_is_name(data.get("fname")), BAD_PAYLOAD),
        (landing_page in (None, "") or _is_landing_page(landing_page), BAD_URL),
    )
    return next((sentence for is_right, sentence in checks if not is_right), "")


def campaign_text(fname: str, landing_page: str) -> str:
    return f"Hi {fname}, your offer is waiting" + (f": {landing_page}" if landing_page else ".")


def subscriber_id(cguid: str, cell: str) -> str:
    """Ten characters like the document's xct7jy, the same for the same campaign and cell."""
    number = int.from_bytes(hashlib.sha256(f"{cguid} {cell}".encode()).digest()[:8])
    letters = ""
    for _ in range(10):
        number, index = divmod(number, 36)
        letters += BASE36[index]
    return letters


def _is_campaign(value: Any) -> bool:
    guid = guid_of(value)
    return bool(guid) and not guid.startswith(DEAD)


def _is_name(value: Any) -> bool:
    if not isinstance(value, str) or not value.strip() or len(value) > FNAME_CAP:
        return False
    return all(
        letter.isalnum() or letter in " '’-." or unicodedata.category(letter)[0] == "M" for letter in value
    )


def _is_landing_page(value: Any) -> bool:
    return is_url(value) and len(value) <= URL_CAP and not any(letter.isspace() for letter in value)


def _check_setting(key: str, value: Any) -> Any:
    if key == "webhook":
        if value == "" or is_url(value):
            return value
        raise DialError(f"webhook {value!r} is not an http or https address; give one, or nothing for none.")
    if key == "optouts":
        if isinstance(value, list) and all(isinstance(cell, str) and _is_cell(cell) for cell in value):
            return set(value)
        raise DialError(f"optouts {value!r} is not a list of cells; give texts of 10 digits each.")
    raise DialError(f"{key!r} is no setting of Mx2; there are webhook and optouts.")


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def _result(status: str, message: str = "", subscriber: str = "", http: int = 200) -> Answer:
    return json_answer(http, {"status": status, "statusMessage": message, "subscriberId": subscriber})


def _too_many() -> Answer:
    return json_answer(
        429, {"status": "error", "statusMessage": "Too many requests", "subscriberId": ""}, RETRY_SOON
    )
