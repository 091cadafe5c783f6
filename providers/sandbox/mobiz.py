"""Mobiz, document 003: TriggerMessage, Schedule Message, SendBulkMessages and Creating a Data List.

What the document leaves open, and the reading chosen (vendors/NOTES.md section 4 names the sources):
- an `api_key` that begins with `sandbox-key` is an account, a `trigger_key` that begins with `sandbox-trigger` an
  engagement of any account; the subscription key is `sandbox`;
- a gateway (Azure API Management) stands before all: 401, 403, 404, 429 and 500 come in its envelope
  `{"statusCode", "message"}`; the vendor's own answers are HTTP 200, failures too, and are told apart by
  `Result_Code` or by a `status` other than 1; a failure's description is the table's third column;
- errors win in this order: 4 for a missing key in the query, 0, 1, 4 for the send_time, 2, 4 for a missing column;
- Schedule Message's `trigger_key = {your_api_key}` is a slip: it takes a trigger key;
- column A is the number (digits with country code, no plus) and E the text, as in the example template; the
  settings name others; further columns are merge fields and change nothing;
- each row is a text of its own with its own `Message_Status`, in the order of the rows, the same number twice
  included; a row whose number is none gets `FAILED` and no id among several, Result_Code 2 alone;
- `send_time` is ISO 8601 (UTC without an offset) or seconds or milliseconds since 1970; one that has passed is
  answered with code 4; the rows are checked and answered at once and sent at that time;
- a list only keeps rows; its rows are sent when the settings attach an engagement to it (`engagements`: list id to
  the column of the text); a list has at least one msisdn column; other columns may be left out, unknown ones not;
- numeric is digits, also in a string; an e-mail address is x@y, as the example's has no dot;
- the JSON content type that every page asks for is required; `username` may be anything.
No delivery report and no inbound text is documented: nothing is posted anywhere.
"""

import re
import secrets
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from providers.sandbox import batches, parts
from providers.sandbox.callbacks import Callbacks, no_receipt
from providers.sandbox.dials import Dial, DialError
from providers.sandbox.later import Later
from providers.sandbox.outcomes import Outcome, outcome_of
from providers.sandbox.state import OUTBOUND, Entry, State, iso
from providers.sandbox.wire import LARGE_BODY_CAP, RETRY_SOON, Answer, Call, json_answer, json_value

SLUG = "mobiz"
SENDER = "Mobiz"
DEFAULT_ACCOUNT = "sandbox-key"
TRIGGER_PREFIX = "sandbox-trigger"
SUBSCRIPTION_KEY = "sandbox"
KEY_CAP = 64  # characters
LIST_ROWS = 10_000  # in one call, as documented
ROWS_SHOWN = 10
MOST_ACCOUNTS = 1000
MOST_LISTS = 1000  # of an account
FIRST_LIST_ID = 142874  # the document's

AUTH_FAILED, NOT_FOUND, INVALID_CUSTOMER, ACCEPTED, MISSING_VARS = range(5)
DESCRIPTIONS = {
    AUTH_FAILED: "API access key failed to authenticate",
    NOT_FOUND: "Engagement not found for the trigger key",
    INVALID_CUSTOMER: "Customer Data not in valid JSON format",
    ACCEPTED: "Accepted",
    MISSING_VARS: "Missing some of the required parameters",
}
NO_SUBSCRIPTION = (
    "Access denied due to missing subscription key."
    " Make sure to include subscription key when making requests to an API."
)
BAD_SUBSCRIPTION = (
    "Access denied due to invalid subscription key."
    " Make sure to provide a valid key for an active subscription."
)
TOO_MANY = "Rate limit is exceeded. Try again in 1 seconds."
OUT_OF_QUOTA = "Out of call volume quota. Quota will be replenished in 01:00:00."

_is_msisdn = re.compile(r"[1-9][0-9]{7,14}").fullmatch
_is_email = re.compile(r"[^@\s]+@[^@\s]+").fullmatch
_is_epoch = re.compile(r"[0-9]{9,13}").fullmatch

COLUMN_TYPES: dict[str, tuple[Callable[[str], object], str]] = {
    "numeric": (re.compile(r"[0-9]+").fullmatch, "a number"),
    "text": (lambda _: True, "a text"),
    "email": (_is_email, "an e-mail address"),
    "msisdn": (_is_msisdn, "a telephone number of digits with its country code"),
}


@dataclass(slots=True)
class Customer:
    """One row: a text to a number, and the id under which it was answered."""

    msisdn: str
    text: str
    outcome: Outcome
    message_id: str = ""

    @property
    def is_refused(self) -> bool:
        return self.outcome is Outcome.REFUSED


@dataclass(slots=True)
class DataList:
    name: str
    definition: dict[str, str]
    total: int = 0
    latest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ROWS_SHOWN))

    @property
    def number_column(self) -> str:
        return next(column for column, kind in self.definition.items() if kind == "msisdn")

    def shown(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "definition": self.definition,
            "rows": self.total,
            "latest": list(self.latest),
        }


@dataclass(slots=True)
class Account:
    """`engagements` maps list ids to the column of the text; `scheduled` references to (moment, rows)."""

    name: str
    number_column: str = "A"
    text_column: str = "E"
    engagements: dict[str, str] = field(default_factory=dict)
    lists: dict[str, DataList] = field(default_factory=dict)
    scheduled: dict[str, tuple[float, int]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        return {
            "number_column": self.number_column,
            "text_column": self.text_column,
            "engagements": self.engagements,
            "lists": {list_id: data_list.shown() for list_id, data_list in self.lists.items()},
            "scheduled": [
                {"reference": reference, "send_time": iso(moment), "rows": rows}
                for reference, (moment, rows) in self.scheduled.items()
            ],
        }


class Mobiz:
    slug = SLUG
    label = "Mobiz"
    base = SLUG
    default_account = DEFAULT_ACCOUNT

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, later: Later) -> None:
        self.state = state
        self.dial = dial
        self.callbacks = callbacks
        self.later = later
        self.accounts: dict[str, Account] = {}
        self.next_list_id = FIRST_LIST_ID
        self.held = 0  # rows that wait for their send_time

    def body_cap(self, _path: str) -> int:
        return LARGE_BODY_CAP

    def answer(self, call: Call) -> Answer:
        """The gateway compares paths in any case."""
        subscription = call.header(b"ocp-apim-subscription-key")
        if subscription != SUBSCRIPTION_KEY:
            return _gateway(401, BAD_SUBSCRIPTION if subscription else NO_SUBSCRIPTION)
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            return _too_many()
        match call.method, call.path.rstrip("/").lower():
            case "POST", "triggermessage/manual/paths/invoke":
                return self.trigger(call)
            case "POST", "customers/customerlist-append":
                return self.append(call)
            case "POST", "customers/customerlist-create":
                return self.create_list(call)
        return _gateway(404, "Resource not found")

    # TriggerMessage and Schedule Message

    def trigger(self, call: Call) -> Answer:
        query = call.query()
        if not (query.get("api_key") and query.get("trigger_key")):
            return _result(MISSING_VARS)
        account = self.account_of(query["api_key"])
        if account is None:
            return _result(AUTH_FAILED)
        if not query["trigger_key"].startswith(TRIGGER_PREFIX):
            return _result(NOT_FOUND)
        if "send_time" not in query:
            return self.invoke(call, account, None)
        moment = moment_of(query["send_time"])
        if moment is None or moment <= self.later.now():
            return _result(MISSING_VARS)
        return self.invoke(call, account, moment)

    def invoke(self, call: Call, account: Account, moment: float | None) -> Answer:
        """Take the rows of the body, to be sent at `moment` or now."""
        customers = self.customers(call, account)
        if isinstance(customers, int):
            return _result(customers)
        if len(customers) == 1 and customers[0].is_refused:
            self.state.refuse(Outcome.REFUSED)
            return _result(INVALID_CUSTOMER)
        return self.refusal(customers, moment) or self.take(account, customers, moment)

    def customers(self, call: Call, account: Account) -> list[Customer] | int:
        """The rows of a body, one or an array, or a Result_Code."""
        rows = _rows(call)
        if rows is None:
            return INVALID_CUSTOMER
        customers = []
        for row in rows:
            number, text = _cell(row.get(account.number_column)), _cell(row.get(account.text_column))
            if not number or not text:
                return MISSING_VARS
            customers.append(self.customer(number, text))
        return customers

    def customer(self, number: str, text: str) -> Customer:
        outcome = outcome_of(number, self.dial.force_outcome) if _is_msisdn(number) else Outcome.REFUSED
        return Customer(number, text, outcome)

    def refusal(self, customers: list[Customer], moment: float | None = None) -> Answer | None:
        """The answer to rows of which nothing is accepted, or None."""
        if moment is not None and self.held + len(customers) > self.state.keep:
            self.state.refuse(Outcome.THROTTLED)
            return _too_many()
        rows = [(customer.msisdn, customer.outcome) for customer in customers]
        match batches.refusal_of(self.state, SLUG, rows):
            case Outcome.THROTTLED:
                return _too_many()
            case Outcome.SERVER_ERROR:
                return _gateway(500, "Internal server error")
            case Outcome.NO_CREDIT:
                return _gateway(403, OUT_OF_QUOTA)
            case Outcome.SENDER_OFF:
                return _result(NOT_FOUND)
        return None

    def take(self, account: Account, customers: list[Customer], moment: float | None) -> Answer:
        """Send now, or hold the rows until `moment`."""
        reference, taken = str(uuid.uuid4()), self.accepted_of(customers)
        if moment is None:
            self.send(account.name, taken)
        else:
            account.scheduled[reference] = (moment, len(taken))
            self.held += len(taken)
            self.later.at(moment, partial(self.release, account, reference, taken))
        statuses = [
            {"Message_Id": customer.message_id, "Status": "FAILED" if customer.is_refused else "SUBMITTED"}
            for customer in customers
        ]
        answer = _result(ACCEPTED, reference, statuses)
        return batches.spoil((customer.outcome for customer in customers), answer)

    def accepted_of(self, customers: list[Customer]) -> list[Customer]:
        """Those that are not refused, each with an id from now on; the others are counted."""
        taken = []
        for customer in customers:
            if customer.is_refused:
                self.state.refuse(customer.outcome)
            else:
                customer.message_id = secrets.token_hex(12)
                taken.append(customer)
        return taken

    def release(self, account: Account, reference: str, customers: list[Customer]) -> None:
        """Send what waited for its time."""
        account.scheduled.pop(reference, None)
        self.held -= len(customers)
        self.send(account.name, customers)

    def send(self, api_key: str, customers: list[Customer]) -> None:
        for customer in customers:
            entry = Entry(
                direction=OUTBOUND,
                vendor=SLUG,
                account=api_key,
                msisdn=customer.msisdn,
                number=SENDER,
                text=customer.text,
                message_id=customer.message_id,
                parts=parts.count(customer.text),
                outcome=customer.outcome,
            )
            self.state.accept(entry)
            self.callbacks.schedule_receipts(entry, self.dial.delay_of(entry.msisdn), no_receipt)

    # Creating a Data List and SendBulkMessages

    def create_list(self, call: Call) -> Answer:
        query, data = call.query(), _json(call)
        account = self.account_of(query.get("api_key", ""))
        if account is None:
            return _list_failure(DESCRIPTIONS[AUTH_FAILED])
        if not query.get("username"):
            return _list_failure(f"{DESCRIPTIONS[MISSING_VARS]}: username")
        if problem := definition_problem(data):
            return _list_failure(problem)
        if len(account.lists) >= MOST_LISTS:
            return _list_failure(f"An account has {MOST_LISTS} lists at most")
        list_id = str(self.next_list_id)
        self.next_list_id += 1
        account.lists[list_id] = DataList(data["Customer List Name"], data["Customer List Definition"])
        return json_answer(200, {"status": 1, "message": "List Created", "list_id": list_id})

    def append(self, call: Call) -> Answer:
        query = call.query()
        account, list_id = self.account_of(query.get("api_key", "")), query.get("list_id", "")
        if account is None:
            return _list_failure(DESCRIPTIONS[AUTH_FAILED])
        data_list = account.lists.get(list_id)
        if data_list is None:
            return _list_failure(f"List {list_id} not found" if list_id else "Missing the list_id")
        rows = _json(call)
        column = account.engagements.get(list_id, "")
        if problem := rows_problem(rows, data_list, column):
            return _list_failure(problem)
        return self.append_rows(account.name, data_list, rows, column)

    def append_rows(
        self, api_key: str, data_list: DataList, rows: list[dict[str, Any]], column: str
    ) -> Answer:
        """Keep the rows; with `column`, the list's engagement sends each the text in it."""
        number = data_list.number_column
        customers = [self.customer(_cell(row[number]), _cell(row.get(column))) for row in rows]
        if len(customers) == 1 and customers[0].is_refused:
            self.state.refuse(Outcome.REFUSED)
            return _list_failure(f"Row 1: {number} cannot be reached")
        if refusal := self.refusal(customers):
            return refusal
        data_list.total += len(rows)
        data_list.latest.extend(rows)
        if column:
            self.send(api_key, self.accepted_of(customers))
        answer = json_answer(200, {"status": 1, "message": "Data Appended"})
        return batches.spoil((customer.outcome for customer in customers), answer)

    # Settings

    def account_of(self, api_key: str) -> Account | None:
        """The account of a key, made at its first use; None for a key that opens none."""
        account = self.accounts.get(api_key)
        known = api_key.startswith(DEFAULT_ACCOUNT) and len(api_key) <= KEY_CAP
        if account is None and known and len(self.accounts) < MOST_ACCOUNTS:
            account = self.accounts[api_key] = Account(api_key)
        return account

    def account_name(self, name: str) -> str:
        if self.account_of(name) is None:
            raise DialError(
                f"account {name!r} is not an api_key of the sandbox; one begins with sandbox-key."
            )
        return name

    def settings(self, name: str) -> dict[str, Any]:
        return self.accounts[name].shown()

    def set(self, name: str, settings: dict[str, Any]) -> None:
        """`number_column`, `text_column` and `engagements`; all or none, raises DialError."""
        account = self.accounts[name]
        for key, value in settings.items():
            _check_setting(account, key, value)
        for key, value in settings.items():
            setattr(account, key, value)

    def reset(self, *, accounts: bool) -> None:
        """What waits is traffic; lists and columns are settings and stay unless the accounts go too."""
        self.held = 0
        for account in self.accounts.values():
            account.scheduled.clear()
        if accounts:
            self.accounts.clear()
            self.next_list_id = FIRST_LIST_ID


def moment_of(text: str) -> float | None:
    """Seconds since 1970 of a send_time, or None when it is none."""
    if _is_epoch(text):
        return int(text) / 1000 if len(text) > 11 else float(text)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        return None


def definition_problem(data: Any) -> str:
    """A sentence about the body of a new list, empty when all is well."""
    if not isinstance(data, dict):
        return DESCRIPTIONS[INVALID_CUSTOMER]
    name, definition = data.get("Customer List Name"), data.get("Customer List Definition")
    if not isinstance(name, str) or not name.strip():
        return f"{DESCRIPTIONS[MISSING_VARS]}: Customer List Name"
    if not isinstance(definition, dict) or not definition:
        return f"{DESCRIPTIONS[MISSING_VARS]}: Customer List Definition"
    for column, kind in definition.items():
        if not isinstance(kind, str) or kind not in COLUMN_TYPES:
            return f"Column {column}: formats are limited to {', '.join(COLUMN_TYPES)}"
    return "" if "msisdn" in definition.values() else "The definition has no column of the format msisdn"


def rows_problem(rows: Any, data_list: DataList, text_column: str) -> str:
    """A sentence about the first wrong row, empty when all is well; `text_column` only with an engagement."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return DESCRIPTIONS[INVALID_CUSTOMER]
    if len(rows) > LIST_ROWS:
        return f"{len(rows)} records; a call takes 10 000 at most"
    required = [column for column in (data_list.number_column, text_column) if column]
    for number, row in enumerate(rows, start=1):
        if missing := [column for column in required if not _cell(row.get(column))]:
            return f"Row {number}: {missing[0]} is missing"
        for column, value in row.items():
            if problem := _cell_problem(value, data_list.definition.get(column)):
                return f"Row {number}: {column} {problem}"
    return ""


def _cell_problem(value: Any, kind: str | None) -> str:
    if kind is None:
        return "is not a column of the list"
    is_right, described = COLUMN_TYPES[kind]
    if value in (None, "") or (_is_plain(value) and is_right(_cell(value))):
        return ""
    return f"is not {described}"


def _check_setting(account: Account, key: str, value: Any) -> None:
    if key in ("number_column", "text_column"):
        if isinstance(value, str) and value:
            return
        raise DialError(f"{key} {value!r} is not the name of a column; give a text such as A.")
    if key != "engagements":
        raise DialError(f"{key!r} is no setting of Mobiz; there are number_column, text_column, engagements.")
    if not isinstance(value, dict):
        raise DialError(f"engagements {value!r} does not map list ids to columns; give an object.")
    for list_id, column in value.items():
        data_list = account.lists.get(list_id)
        if data_list is None or column not in data_list.definition:
            raise DialError(
                f"engagements names list {list_id!r} and column {column!r}; there is no such one."
            )


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    """Its text; empty for what is neither text nor number."""
    return str(value) if _is_plain(value) else ""


def _json(call: Call) -> Any:
    """The body's value, or None when it is no JSON or not called so."""
    kind = call.header(b"content-type").partition(";")[0].strip().lower()
    return json_value(call.body) if kind == "application/json" else None


def _rows(call: Call) -> list[dict[str, Any]] | None:
    """The objects of a body that is one or an array of them, else None."""
    data = _json(call)
    rows = [data] if isinstance(data, dict) else data
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return rows


def _result(code: int, reference: str = "", statuses: list[dict[str, str]] | None = None) -> Answer:
    body = {
        "Message_Status": statuses or [],
        "Reference": reference,
        "Result_Code": code,
        "Result_Description": DESCRIPTIONS[code],
    }
    return json_answer(200, body)


def _list_failure(sentence: str) -> Answer:
    return json_answer(200, {"status": 0, "message": sentence})


def _gateway(status: int, message: str) -> Answer:
    return json_answer(status, {"statusCode": status, "message": message})


def _too_many() -> Answer:
    return json_answer(429, {"statusCode": 429, "message": TOO_MANY}, RETRY_SOON)
