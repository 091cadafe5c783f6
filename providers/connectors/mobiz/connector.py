"""Sending through Mobiz, in batches, and its connection test.

Oddities, and the reading chosen (vendors' notes in docs/providers/mobiz.md):
- A text is a row of the columns that a template in the Mobiz account names: `A` is the number, the others are the
  template's fields in its order. Which column has the text, and which a value of the recipient, is set for the account;
  number and text stand where the document's example has them, and no other value goes out unasked.
- `Result_Code` decides, whatever the HTTP status, which is not documented: 3 is success, and 0 a failure like any other.
  A number that is not in the table is unclear, as nobody knows whether it was taken.
- One `Message_Status` is shown even for a batch. It is read as one a row, in their order. Where there are fewer or more,
  the first get theirs and the rest goes without an id; but then a status other than SUBMITTED cannot be told whose it is,
  and all are unknown.
- The path is that of an Azure Logic App, which may answer 202 without a body: accepted, without ids.
- In front stands Azure API Management, with errors of its own: `{statusCode, message}`.
- Keys travel in the query: no address is shown or logged with them.
- The vendor's schedule is not used: an opt-out between hand-over and that time would come too late.
- No delivery report, reply, opt-out or list of senders is documented.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from providers.connectors.answers import MAX_RETRY_AFTER, Answer, as_number, as_text, sentences
from providers.connectors.base import (
    AccountConfig,
    BatchConnector,
    BatchKind,
    Capabilities,
    ConfigError,
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
from providers.connectors.mobiz.client import (
    TRIGGER_PATH,
    MessageStatus,
    MobizClient,
    payload,
    statuses_of,
)
from providers.connectors.mobiz.remote import SIDES
from providers.connectors.operations import query_string
from providers.errors import ConnectorError, MessageRefused, Throttled
from sms.states import MessageState

# "Result Code": reason of the refusal, and whether it is of the account.
ACCEPTED = 3
RESULT_CODES: dict[int, tuple[str, bool]] = {
    0: ("bad_credentials", True),
    1: ("bad_settings", True),
    2: ("refused", False),
    4: ("refused", False),
}
# What shows that the keys were taken: only the recipients were missing.
NOBODY_TO_TEXT = (2, 4)

# `Message_Status[].Status`. Only SUBMITTED is documented; the others say in plain words that it was not taken.
STATUSES: StatusTable = {
    "SUBMITTED": (MessageState.SENT, ""),
    "FAILED": (MessageState.FAILED, "refused"),
    "ERROR": (MessageState.FAILED, "refused"),
    "INVALID": (MessageState.FAILED, "bad_number"),
    "REJECTED": (MessageState.REJECTED, "rejected"),
}
MAX_TEXT = 1600  # characters; our limit, as none is documented
BATCH_MOST = 500  # recipients of one request; ours, too

_COLUMN = re.compile(r"[A-Z]{1,2}", re.ASCII)
_FILLED = re.compile(r"([A-Za-z]{1,2})\s*=\s*([a-z0-9_]{1,50})", re.ASCII)
_TRY_AGAIN = re.compile(r"(?i)\btry again in ([0-9]{1,4}) seconds?\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class MobizConfig(AccountConfig):
    base_url: str = setting(
        label="Base URL",
        help="Change it only when Mobiz gave you another address.",
        default="https://api.mobiz.co",
    )
    api_key: str = setting(label="API key", help="In your Mobiz account.", secret=True)
    subscription_key: str = setting(
        label="Subscription key",
        help="The Ocp-Apim-Subscription-Key of your profile in Mobiz's developer portal.",
        secret=True,
    )
    trigger_key: str = setting(
        label="Trigger key",
        help="Of the engagement in your Mobiz account through which texts go out.",
        secret=True,
    )
    username: str = setting(
        label="User name", help="Of your Mobiz account. Only creating a list there asks for it.", default=""
    )
    number_column: str = setting(
        label="Column of the number", help="As the engagement's template calls it.", default="A"
    )
    text_column: str = setting(
        label="Column of the text", help="As the engagement's template calls it.", default="E"
    )
    value_columns: str = setting(
        label="Columns of recipients",
        help="What fills the template's other columns, such as B=first_name, C=last_name, D=gender. Empty: nothing.",
        default="",
    )

    def check(self) -> None:
        for name, label in (("number_column", "Column of the number"), ("text_column", "Column of the text")):
            if not _COLUMN.fullmatch(getattr(self, name).upper()):
                raise ConfigError(name, f"{label} must be one or two letters, such as E.")
        taken = [self.number_column.upper(), self.text_column.upper()]
        if taken[0] == taken[1]:
            raise ConfigError(
                "text_column", f"Column of the text is {taken[1]}, which has the number: choose another."
            )
        self._check_values(taken)

    def _check_values(self, taken: list[str]) -> None:
        """`taken`: the columns that are filled already."""
        for part in self._parts():
            if not (found := _FILLED.fullmatch(part)):
                raise ConfigError(
                    "value_columns",
                    "Columns of recipients must be written as B=first_name, C=last_name: letters of the template's"
                    " column, “=”, name of the recipient's column.",
                )
            if found[1].upper() in taken:
                raise ConfigError(
                    "value_columns",
                    f"Columns of recipients fill {found[1].upper()}, which is filled already: name each column once.",
                )
            taken.append(found[1].upper())

    def filled(self) -> dict[str, str]:
        """The template's column: the recipient's."""
        pairs = (part.partition("=") for part in self._parts())
        return {column.strip().upper(): name.strip() for column, _equals, name in pairs}

    def _parts(self) -> list[str]:
        return [part.strip() for part in self.value_columns.split(",") if part.strip()]


class Mobiz(BatchConnector):
    slug = "mobiz"
    label = "Mobiz"
    document = "API, TriggerMessage"
    capabilities = Capabilities(
        body=True,
        batch=BatchKind.PERSONAL,
        batch_most=BATCH_MOST,
        personal_text=True,
        media=False,
        schedule=True,
        receipts=ReceiptKind.NONE,
        inbound=False,
        remote_entities=True,
        idempotency=False,
        alphanumeric_senders=True,
        webhook_setup=False,
        passes_sender=False,
        max_text_length=MAX_TEXT,
        notes={
            "batch": f"Up to {BATCH_MOST} recipients a request, each with a text of their own.",
            "schedule": "Crier keeps the time itself, so that opt-outs count until the last moment. Scripts may use Mobiz's"
            " own schedule.",
            "receipts": "Its document has no delivery reports: messages stay at “sent”.",
            "inbound": "Its document has no replies: put the unsubscribe link into the text.",
            "alphanumeric_senders": "The engagement at Mobiz has its own sender: the one chosen here is not passed on.",
            "sender_list": "It has no call that lists its senders: any may be chosen here, none is passed on.",
            "remote_entities": "Recipient lists are pushed to it, under Sync; it has no call that reads them.",
            "webhook_setup": "Nothing to set: it makes no calls to us.",
        },
    )
    remote_sides = SIDES
    Config = MobizConfig
    Client = MobizClient
    config: MobizConfig
    number = re.compile(r"[1-9][0-9]{7,14}", re.ASCII)
    number_words = "numbers of 8 to 15 digits with the country code"
    send_path = TRIGGER_PATH

    def __init__(self, config: AccountConfig, *, timeout_seconds: float = 30.0) -> None:
        super().__init__(config, timeout_seconds=timeout_seconds)
        self._filled = self.config.filled()
        self.wanted_values = tuple(dict.fromkeys(self._filled.values()))

    def auth_headers(self) -> dict[str, str]:
        return {"ocp-apim-subscription-key": self.config.subscription_key}

    def send_query(self) -> dict[str, str]:
        return {"trigger_key": self.config.trigger_key, "api_key": self.config.api_key}

    @classmethod
    def check_sender(cls, sender: str) -> None:
        """Any will do, as it is not passed on."""

    def build_batch(self, batch: Sequence[OutgoingText]) -> httpx.Request:
        return self.post(payload([self._row(outgoing) for outgoing in batch]))

    def _row(self, outgoing: OutgoingText) -> dict[str, str]:
        """In the order of the columns' letters, as in the document; a value that is not known is empty."""
        row = {column: outgoing.values.get(name, "") for column, name in self._filled.items()}
        row[self.config.number_column.upper()] = outgoing.msisdn
        row[self.config.text_column.upper()] = outgoing.text
        return dict(sorted(row.items(), key=lambda each: (len(each[0]), each[0])))

    def read(self, response: httpx.Response) -> Answer:
        answer = super().read(response)
        if answer.status == 202 and not answer.body.strip():
            return dataclasses.replace(answer, data={"Result_Code": ACCEPTED})
        return answer

    def refusal(self, answer: Answer) -> ConnectorError | None:
        data = answer.data
        if not isinstance(data, dict) or "Result_Code" not in data:
            return self._refused_by_gateway(answer)
        code = as_number(data["Result_Code"])
        if code == ACCEPTED and answer.status < 300:
            return None
        if code not in RESULT_CODES:
            return self.bad_answer(answer)
        reason, is_of_account = RESULT_CODES[code]
        if is_of_account:
            return self.account_refused(reason, answer.status, self.explain(answer))
        return MessageRefused(
            f"{self.label} refused it (Result_Code {code}).", words=self.explain(answer), reason=reason
        )

    def _refused_by_gateway(self, answer: Answer) -> ConnectorError | None:
        inner = as_number(answer.data.get("statusCode")) if isinstance(answer.data, dict) else None
        if inner is not None and 400 <= inner < 600 and answer.status < 400:
            answer = dataclasses.replace(answer, status=inner)
        error = self.refusal_by_status(answer)
        if isinstance(error, Throttled) and error.retry_after is None:
            told = _TRY_AGAIN.search(error.words)
            error.retry_after = min(float(told[1]), MAX_RETRY_AFTER) if told else None
        return error

    def explain(self, answer: Answer) -> str:
        if isinstance(answer.data, dict):
            said = sentences(answer.data.get("Result_Description")) or sentences(answer.data.get("message"))
            if said:
                return "; ".join(said)
        return super().explain(answer)

    def read_batch(self, batch: Sequence[OutgoingText], answer: Answer) -> list[SendResult]:
        statuses = statuses_of(answer.data)
        if statuses is None or "Result_Code" not in answer.data:
            raise self.bad_answer(answer)
        reference = as_text(answer.data.get("Reference"))
        without_id = SendResult(MessageState.SENT, words=f"Reference {reference}" if reference else "")
        if len(statuses) == len(batch):
            return [self._result(status) for status in statuses]
        if all(_is_taken(status) for status in statuses):
            told = [self._result(status) for status in statuses[: len(batch)]]
            return told + [without_id] * (len(batch) - len(told))
        words = "The answer does not say whose status is whose: " + json.dumps(
            [status.status for status in statuses[:20]]
        )
        return [SendResult(MessageState.UNKNOWN, reason="bad_answer", words=words)] * len(batch)

    def _result(self, status: MessageStatus) -> SendResult:
        state, reason = self.state_of(STATUSES, status.status)
        words = "" if state is MessageState.SENT else status.status
        return SendResult(state, provider_message_id=status.message_id, reason=reason, words=words)

    def build_test(self) -> httpx.Request:
        """No call is documented as harmless. An empty list of recipients texts nobody, and needs all three keys."""
        return self.request("POST", TRIGGER_PATH + query_string(self.send_query()), data=[])

    def read_test(self, answer: Answer) -> str:
        error = self.refusal(answer)
        code = as_number(answer.data.get("Result_Code")) if isinstance(answer.data, dict) else None
        if error is not None and code not in NOBODY_TO_TEXT:
            raise error
        if code is None:
            raise self.bad_answer(answer)
        if not answer.body.strip():
            return (
                f"{self.label} accepts the subscription key. It took an empty list of recipients without a word"
                f" ({answer.status}), so only a text to yourself proves the API key and the trigger key."
            )
        return (
            f"{self.label} accepts the subscription key, the API key and the trigger key: asked to text nobody, it answered"
            f" with Result_Code {code}, which is not about them. No text was sent. It holds as far as Mobiz checks the keys"
            " before the recipients."
        )

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        raise WebhookRejected(
            "Mobiz documents no delivery reports and no replies, so nothing that is posted here can be its own."
        )


def _is_taken(status: MessageStatus) -> bool:
    return status.status.upper() == "SUBMITTED"
