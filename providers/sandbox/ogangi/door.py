"""The eight operations; the readings behind them stand in the package's docstring."""

import re
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from providers.sandbox import batches, parts
from providers.sandbox.callbacks import Callbacks, no_receipt
from providers.sandbox.dials import Dial, DialError
from providers.sandbox.forms import read_form
from providers.sandbox.later import Later
from providers.sandbox.ogangi.accounts import Account, is_code
from providers.sandbox.ogangi.answers import BAD_SIGNATURE, ERROR, INTERNAL, envelope, moment, nest, tag
from providers.sandbox.ogangi.broadcasts import Broadcast, Runner, Status
from providers.sandbox.ogangi.recipients import (
    Recipient,
    RecipientError,
    Row,
    is_msisdn,
    read_phone_list,
    read_recipients,
)
from providers.sandbox.outcomes import Outcome, outcome_of
from providers.sandbox.state import OUTBOUND, Entry, State
from providers.sandbox.wire import LARGE_BODY_CAP, RETRY_SOON, Answer, Call

SLUG = "ogangi"
BASE = "rest/api/"
DEFAULT_ACCOUNT = "sandbox-public"
KEY_CAP = 64  # characters
MOST_ACCOUNTS = 1000
MOST_BROADCASTS = 10_000
LONGEST_NUMBER = 18  # digits of a broadcastId
NEW = "-1"
NULL = "null"

DESCRIPTIONS = {
    "SENT_TO_CARRIER": "Sent to Carrier",
    "UNDELIVERED": "Undelivered",
    "EXPIRED": "Expired",
    "UNREACHABLE": "Unreachable",
    "BAD_TO": "Bad recipient",
    "BAD_FROM": "Bad sender",
    "BAD_ENCODING": "Bad encoding",
    "NOT_SENT": "Not sent",
}
STATUSES = {
    Outcome.UNDELIVERED: "UNDELIVERED",
    Outcome.EXPIRED: "EXPIRED",
    Outcome.REJECTED: "UNREACHABLE",
}

_is_date = re.compile(r"[0-9]{2}-[0-9]{2}-2[0-9]{3} [0-9]{2}:[0-9]{2}").fullmatch


class OperationError(Exception):
    """A sentence for an ERROR envelope."""


@dataclass(slots=True)
class Request:
    """A call whose signature is right; `parameters` by the document's names."""

    operation: "Operation"
    public_key: str
    account: Account
    parameters: dict[str, str]
    call: Call


@dataclass(slots=True)
class Operation:
    """`shown` is what the envelope's input says."""

    method: str
    path: str
    parameters: tuple[str, ...]
    shown: str
    run: Callable[["Ogangi", Request], Answer]


class Ogangi:
    slug = SLUG
    label = "Ogangi"
    base = SLUG
    default_account = DEFAULT_ACCOUNT

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, later: Later) -> None:
        self.state = state
        self.dial = dial
        self.callbacks = callbacks
        self.later = later
        self.runner = Runner(later, self.send_of_broadcast)
        self.accounts: dict[str, Account] = {}
        self.broadcasts: dict[tuple[str, str, int], Broadcast] = {}  # by publicKey, instanceId and id
        self.last_number = 0

    def body_cap(self, _path: str) -> int:
        return LARGE_BODY_CAP

    def answer(self, call: Call) -> Answer:
        found = operation_of(call.path)
        if found is None:
            return envelope("", ERROR, "There is no such method", http=404)
        operation, values = found
        if call.method != operation.method:
            return envelope(operation.shown, ERROR, f"Use {operation.method}", http=405)
        *parameters, public_key, signature = values
        account = self.account_of(public_key)
        if account is None or not account.signs(parameters, signature):
            return envelope(operation.shown, BAD_SIGNATURE, "Invalid signature, access denied")
        named = dict(zip(operation.parameters, parameters, strict=True))
        try:
            check_parameters(named)
            return operation.run(self, Request(operation, public_key, account, named, call))
        except (OperationError, RecipientError) as error:
            return envelope(operation.shown, ERROR, str(error))

    # Texts by file

    def send_file(self, request: Request) -> Answer:
        content = content_of(request, "file")
        pairs = [(row, self.outcome_of_row(row)) for row in read_phone_list(content)]
        if refusal := self.refusal(
            request, [(row.msisdn, outcome) for row, outcome in pairs if not row.status]
        ):
            return refusal
        messages = [self.take_row(request, row, outcome) for row, outcome in pairs]
        answer = envelope(request.operation.shown, result=nest("messages", *messages))
        return batches.spoil((outcome for row, outcome in pairs if not row.status), answer)

    def outcome_of_row(self, row: Row) -> Outcome:
        """What becomes of a row; one that is refused is given the vendor's word for it."""
        outcome = outcome_of(row.msisdn, self.dial.force_outcome)
        if not row.status and outcome is Outcome.REFUSED:
            row.status = "BAD_TO"
        elif not row.status and outcome is Outcome.SENDER_OFF:
            row.status = "BAD_FROM"
        return outcome

    def take_row(self, request: Request, row: Row, outcome: Outcome) -> str:
        """The row as a message of the answer, put on its handset when nothing is wrong with it."""
        message_id = new_message_id()
        if row.status:
            self.state.refuse(outcome if outcome is Outcome.SENDER_OFF else Outcome.REFUSED)
        else:
            recipient = Recipient(row.msisdn, row.text, row.number, outcome)
            self.deliver(request.public_key, recipient, message_id)
        status = row.status or STATUSES.get(outcome, "SENT_TO_CARRIER")
        return nest(
            "message",
            tag("id", message_id),
            tag("carrier", row.carrier),
            tag("from", row.number),
            tag("to", row.msisdn),
            tag("text", row.text),
            tag("status", status),
            tag("statusDescription", DESCRIPTIONS[status]),
            tag("encoding", row.encoding),
            tag("date", moment(self.later.now(), request.account.zone, "milliseconds")),
            tag("timezone", row.timezone),
            tag("clientId", request.public_key),
        )

    def deliver(self, public_key: str, recipient: Recipient, message_id: str) -> None:
        entry = Entry(
            direction=OUTBOUND,
            vendor=SLUG,
            account=public_key,
            msisdn=recipient.msisdn,
            number=recipient.number,
            text=recipient.text,
            message_id=message_id,
            parts=parts.count(recipient.text),
            outcome=recipient.outcome,
        )
        self.state.accept(entry)
        self.callbacks.schedule_receipts(entry, self.dial.delay_of(entry.msisdn), no_receipt)

    def refusal(self, request: Request, rows: list[tuple[str, Outcome]]) -> Answer | None:
        """The answer to texts of which none is accepted, or None."""
        shown = request.operation.shown
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            return _too_many(shown)
        match batches.refusal_of(self.state, SLUG, rows):
            case Outcome.THROTTLED:
                return _too_many(shown)
            case Outcome.SERVER_ERROR:
                return envelope(shown, ERROR, INTERNAL, http=500)
            case Outcome.NO_CREDIT:
                return envelope(shown, ERROR, "The instance has no credit left")
            case Outcome.SENDER_OFF:
                return envelope(shown, ERROR, "The shortcode is not enabled")
        return None

    # Broadcasts

    def create_broadcast(self, request: Request) -> Answer:
        """Create one, or replace all of a scheduled one."""
        is_new = request.parameters["broadcastId"] == NEW
        old = None if is_new else self.found(request, Status.SCHEDULED)
        broadcast = self.new_broadcast(request)
        rows = [(recipient.msisdn, recipient.outcome) for recipient in broadcast.waiting]
        if len(rows) == 1 and rows[0][1] is Outcome.REFUSED:
            self.state.refuse(Outcome.REFUSED)
            raise OperationError("No recipient can be reached")
        if refusal := self.refusal(request, rows):
            return refusal
        self.keep(request, broadcast, old)
        answer = envelope(request.operation.shown, result=created(broadcast))
        return batches.spoil((outcome for _msisdn, outcome in rows), answer)

    def new_broadcast(self, request: Request) -> Broadcast:
        """As the request describes it, not kept yet; raises OperationError or RecipientError."""
        content = content_of(request, "to")
        recipients = read_recipients(content)
        held = sum(len(broadcast.waiting) for broadcast in self.broadcasts.values())
        if held + len(recipients) > self.state.keep or len(self.broadcasts) >= MOST_BROADCASTS:
            raise OperationError("Too many recipients wait already")
        shortcode, is_chosen = shortcode_of(request.account, request.parameters)
        for recipient in recipients:
            recipient.number = shortcode if is_chosen else recipient.number or shortcode
            recipient.outcome = self.outcome_of(recipient.msisdn)
        return Broadcast(
            number=0,
            public_key=request.public_key,
            account=request.account,
            shortcode=shortcode,
            text=recipients[0].text,
            start_at=self.start_of(request),
            waiting=deque(recipients),
            expected=len(recipients),
        )

    def start_of(self, request: Request) -> float:
        date = request.parameters["date"]
        if date == NULL:
            return self.later.now()
        try:
            if not _is_date(date):
                raise ValueError
            local = datetime.strptime(date, "%d-%m-%Y %H:%M").replace(tzinfo=request.account.zone)
            return max(local.timestamp(), self.later.now())
        except ValueError:
            raise OperationError(f"date {date} is not dd-MM-yyyy HH:mm") from None

    def keep(self, request: Request, broadcast: Broadcast, old: Broadcast | None) -> None:
        """Under a new id, or under that of the `old` one that it takes the place of."""
        if old is None:
            self.last_number += 1
            broadcast.number = self.last_number
        else:
            self.runner.withdraw(old)
            broadcast.number = old.number
        self.broadcasts[_key(request, broadcast.number)] = broadcast
        self.runner.schedule(broadcast)

    def outcome_of(self, msisdn: str) -> Outcome:
        return outcome_of(msisdn, self.dial.force_outcome) if is_msisdn(msisdn) else Outcome.REFUSED

    def send_of_broadcast(self, broadcast: Broadcast, recipient: Recipient) -> bool:
        """The broadcast comes to a recipient; whether it could be reached."""
        if recipient.outcome is Outcome.REFUSED:
            self.state.refuse(recipient.outcome)
            return False
        self.deliver(broadcast.public_key, recipient, new_message_id())
        return True

    def get_broadcast(self, request: Request) -> Answer:
        return envelope(request.operation.shown, result=retrieved(self.found(request)))

    def suspend_broadcast(self, request: Request) -> Answer:
        self.runner.suspend(self.found(request, Status.RUNNING))
        return envelope(request.operation.shown)

    def resume_broadcast(self, request: Request) -> Answer:
        self.runner.resume(self.found(request, Status.SUSPENDED))
        return envelope(request.operation.shown)

    def stop_broadcast(self, request: Request) -> Answer:
        self.runner.stop(self.found(request, Status.SCHEDULED, Status.RUNNING, Status.SUSPENDED))
        return envelope(request.operation.shown)

    def delete_broadcast(self, request: Request) -> Answer:
        broadcast = self.found(request, *(status for status in Status if status is not Status.RUNNING))
        self.runner.withdraw(broadcast)
        del self.broadcasts[_key(request, broadcast.number)]
        return envelope(request.operation.shown)

    def found(self, request: Request, *legal: Status) -> Broadcast:
        """The broadcast of the path, in one of the `legal` states where any is named; raises OperationError."""
        text = request.parameters["broadcastId"]
        is_number = text.isdecimal() and len(text) <= LONGEST_NUMBER
        broadcast = self.broadcasts.get(_key(request, int(text))) if is_number else None
        if broadcast is None:
            raise OperationError(f"Broadcast {text} does not exist")
        if legal and broadcast.status not in legal:
            raise OperationError(
                f"Broadcast {text} is {broadcast.name}; {request.operation.shown} is not legal"
            )
        return broadcast

    def get_shortcodes(self, request: Request) -> Answer:
        codes = [nest("shortcode", tag("sc", code)) for code in request.account.shortcodes]
        return envelope(request.operation.shown, result=nest("shortcodes", *codes))

    # Settings

    def account_of(self, public_key: str) -> Account | None:
        """The account of a key, made at its first use; None for a key that opens none."""
        account = self.accounts.get(public_key)
        known = public_key.startswith(DEFAULT_ACCOUNT) and len(public_key) <= KEY_CAP
        if account is None and known and len(self.accounts) < MOST_ACCOUNTS:
            account = self.accounts[public_key] = Account()
        return account

    def account_name(self, name: str) -> str:
        if self.account_of(name) is None:
            raise DialError(
                f"account {name!r} is not a publicKey of the sandbox; one begins with sandbox-public."
            )
        return name

    def settings(self, name: str) -> dict[str, Any]:
        return self.accounts[name].shown()

    def set(self, name: str, settings: dict[str, Any]) -> None:
        self.accounts[name].set(settings)

    def reset(self, *, accounts: bool) -> None:
        """Broadcasts are traffic; settings stay unless the accounts go too."""
        self.broadcasts.clear()
        self.last_number = 0
        if accounts:
            self.accounts.clear()


BROADCAST = ("instanceId", "broadcastId")
OPERATIONS = (
    Operation("POST", "tools/sendSMSByFile", ("instanceId",), "sendSMS", Ogangi.send_file),
    Operation("GET", "getShortcodes", ("instanceId", "userName"), "getShortcodes", Ogangi.get_shortcodes),
    Operation(
        "POST",
        "createBroadcastFromJson",
        (*BROADCAST, "shortcode", "userName", "shortcodeIgnore", "campaignName", "date"),
        "createBroadcastFromJson",
        Ogangi.create_broadcast,
    ),
    Operation("GET", "getBroadcast", BROADCAST, "getBroadcast", Ogangi.get_broadcast),
    Operation("GET", "suspendBroadcast", BROADCAST, "suspendBroadcast", Ogangi.suspend_broadcast),
    Operation("GET", "resumeBroadcast", BROADCAST, "resumeBroadcast", Ogangi.resume_broadcast),
    Operation("GET", "stopBroadcast", BROADCAST, "stopBroadcast", Ogangi.stop_broadcast),
    Operation("DELETE", "broadcast", BROADCAST, "deleteBroadcast", Ogangi.delete_broadcast),
)


def operation_of(path: str) -> tuple[Operation, list[str]] | None:
    """The operation and the values of its path, publicKey and signature last; None when nothing is there."""
    for operation in OPERATIONS:
        start = f"{BASE}{operation.path}/"
        values = path.removeprefix(start).split("/")
        if path.startswith(start) and len(values) == len(operation.parameters) + 2:
            return operation, values
    return None


def content_of(request: Request, name: str) -> bytes:
    """Of a POST parameter; raises OperationError without it."""
    form = read_form(request.call)
    content = form.content(name) if form else None
    if content is None:
        raise OperationError(f"The POST parameter {name} is missing; send multipart/form-data")
    return content


def check_parameters(parameters: dict[str, str]) -> None:
    """None may be empty, and an instance is a number; raises OperationError."""
    if missing := [name for name, value in parameters.items() if not value.strip()]:
        raise OperationError(f"{missing[0]} is missing")
    if not parameters["instanceId"].isdecimal():
        raise OperationError(f"instanceId {parameters['instanceId']} is not a number")


def shortcode_of(account: Account, parameters: dict[str, str]) -> tuple[str, bool]:
    """The broadcast's shortcode, and whether the caller chose it: "if false the parameter will be ignored"."""
    shortcode, flag = parameters["shortcode"], parameters["shortcodeIgnore"].lower()
    if flag not in ("true", "false"):
        raise OperationError(f"shortcodeIgnore {flag} is neither true nor false")
    if flag == "false":
        return account.shortcodes[0], False
    if not is_code(shortcode):
        raise OperationError(f"shortcode {shortcode} is not a code of 3 to 15 digits")
    return shortcode, True


def created(broadcast: Broadcast) -> str:
    """As createBroadcastFromJson shows it."""
    return nest(
        "broadcast",
        tag("id", broadcast.number),
        tag("text", broadcast.text),
        tag("startDate", moment(broadcast.start_at, broadcast.account.zone, "milliseconds")),
        tag("expectedMessages", broadcast.expected),
        tag("statusDescription", broadcast.status.name),
        tag("shortcode", broadcast.shortcode),
    )


def retrieved(broadcast: Broadcast) -> str:
    """As getBroadcast shows it; it has an endDate once it ended."""
    zone = broadcast.account.zone
    ends = [] if broadcast.end_at is None else [tag("endDate", moment(broadcast.end_at, zone, "seconds"))]
    return nest(
        "broadcast",
        tag("id", broadcast.number),
        tag("text", broadcast.text),
        tag("startDate", moment(broadcast.start_at, zone, "seconds")),
        *ends,
        tag("expectedMessages", broadcast.expected),
        tag("sentMessages", broadcast.sent),
        tag("status", broadcast.status.value),
        tag("shortcode", broadcast.shortcode),
    )


def new_message_id() -> str:
    """A signed number of 64 bits, as in the document."""
    return str(int.from_bytes(secrets.token_bytes(8), signed=True))


def _key(request: Request, number: int) -> tuple[str, str, int]:
    return request.public_key, request.parameters["instanceId"], number


def _too_many(shown: str) -> Answer:
    return envelope(shown, ERROR, "Too many requests", http=429, headers=RETRY_SOON)
