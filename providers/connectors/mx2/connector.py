"""Sending through Mx2 Group, its connection test, and the webhook that it calls.

Oddities, and the reading chosen (vendors' notes in docs/providers/mx2.md):
- The text is not in the call: the campaign (`cguid`) has it, with the first name and a link to the landing page where
  the campaign wants them. What is written in Crier is that page's address, or nothing.
- Texts come from a number of the vendor's own: the sender chosen here is not passed on.
- No HTTP status is documented, so `status` and `statusMessage` decide. An error with other words than the documented
  five is judged by its HTTP status, and inside a 2xx as a refusal of this one text.
- "38 character GUID", yet all examples have 36: both are taken, the campaign is sent as it was given.
- Which error wins is not documented. The connection test relies on the table's order: key and campaign before number.
- `subscriberId` is the same for each text to one person, so it is no message id; but reports name nothing else. It is kept
  as such with what was taken, and a report is that of the newest text that has it. What was not queued (`optout`)
  keeps none, so that reports go on finding the text before it.
- The webhook is not in the document but at https://mx2group.com/webhookdocs. It names no number either: replies and
  opt-outs are told by the subscriberId of what they answer. One webhook serves all campaigns of a company.
- `datetime` has no zone: it tells repeats of a reply apart, and is not shown as the time of a report.
- `failed` has its reason in words, of which no list is complete: they are matched loosely and kept.
- The webhook is unsigned: its address is the secret. How it posts is not told: JSON is read, and a form.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import httpx

from providers.connectors.answers import Answer, as_text, moment, read_json
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
from providers.connectors.mx2.client import (
    GUID_FORM,
    MAX_ADDRESS,
    MAX_FIRST_NAME,
    Mx2Client,
    address_problem,
    is_guid,
    plain_name,
)
from providers.errors import CapabilityError, ConnectorError, MessageRefused
from sms.states import MessageState

# "Status Property Possible Values"; `error` is a refusal.
RESULTS: StatusTable = {
    "SUCCESS": (MessageState.SENT, ""),
    "OPTOUT": (MessageState.SUPPRESSED, ""),
}
# "StatusMessage Property Possible Values", by what they name, in the table's order.
PAYLOAD, API_KEY, CAMPAIGN, CELL, LANDING_PAGE = "payload", "apikey", "cguid", "cell", "landingpageurl"
_NAMED = re.compile(rf"\b({PAYLOAD}|{API_KEY}|{CAMPAIGN}|{CELL}|{LANDING_PAGE})\b", re.IGNORECASE)
ACCOUNT_REASONS = {API_KEY: "bad_credentials", CAMPAIGN: "bad_settings"}
MESSAGE_REASONS = {PAYLOAD: "refused", CELL: "bad_number", LANDING_PAGE: "refused"}

# The webhook's `status`, as far as it is about a text.
STATES: StatusTable = {
    "SENT": (MessageState.SENT, ""),
    "DELIVERED": (MessageState.DELIVERED, ""),
    "FAILED": (MessageState.UNDELIVERED, "undelivered"),
}
NO_NEWS = ("YES", "CLICK")
# What a `failed` says in its statusMessage.
FAILURES: tuple[tuple[re.Pattern[str], tuple[MessageState, str]], ...] = (
    (re.compile(r"(?i)\bspam\b|\bblocked\b"), (MessageState.REJECTED, "rejected")),
    (
        re.compile(r"(?i)\broutable\b|\blandline\b|\binvalid\b.*\bnumber\b"),
        (MessageState.UNDELIVERED, "bad_number"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mx2Config(AccountConfig):
    base_url: str = setting(
        label="Base URL",
        help="Change it only when Mx2 Group gave you another address.",
        default="https://api.mx2group.com",
    )
    api_key: str = setting(label="API key", help="In the account settings at Mx2 Group.", secret=True)
    campaign_guid: str = setting(
        label="Campaign GUID",
        help="Mx2 Group gave it to you with the account. The campaign holds the text: one account each.",
    )
    default_first_name: str = setting(
        label="First name where none is known",
        help="Mx2 Group wants one with each text. It stands where the campaign puts the name.",
        default="there",
    )

    def check(self) -> None:
        if not is_guid(self.campaign_guid):
            raise ConfigError(
                "campaign_guid", f"Campaign GUID is none: copy it again ({GUID_FORM}), without spaces."
            )
        if plain_name(self.default_first_name) != self.default_first_name:
            raise ConfigError(
                "default_first_name",
                f"First name where none is known must have 1 to {MAX_FIRST_NAME} letters, digits, blanks, apostrophes"
                " and hyphens.",
            )


class Mx2(Connector):
    slug = "mx2"
    label = "Mx2 Group"
    document = "Web API, api/send"
    capabilities = Capabilities(
        body=False,
        batch=BatchKind.NONE,
        personal_text=False,
        media=False,
        schedule=False,
        receipts=ReceiptKind.PUSHED,
        inbound=True,
        remote_entities=False,
        idempotency=False,
        alphanumeric_senders=True,
        webhook_setup=False,
        passes_sender=False,
        max_text_length=MAX_ADDRESS,
        sends_to=("1",),
        notes={
            "body": "The text is kept in the campaign at Mx2 Group. Leave it empty here, or write the landing page's"
            " address alone.",
            "personal_text": "All get the campaign's text, each with their first name and their own landing page.",
            "alphanumeric_senders": "It sends from numbers of its own: the sender chosen here is not passed on.",
            "sender_list": "It has no call that lists its numbers: any sender may be chosen here, none is passed on.",
            "max_text_length": f"A landing page's address of up to {MAX_ADDRESS} characters.",
            "receipts": "Reports name the person, not the text: each counts for the newest text to them.",
            "webhook_setup": "Enter the webhook's address in the account settings at Mx2 Group, once for all campaigns.",
            "sends_to": "Only numbers of the United States (+1).",
        },
    )
    Config = Mx2Config
    Client = Mx2Client
    config: Mx2Config
    wanted_values = ("first_name",)
    shares_webhook = True
    number = re.compile(r"1[2-9][0-9]{2}[2-9][0-9]{6}", re.ASCII)
    number_words = "numbers of the United States (11 digits, 1NPANXXXXXX)"
    send_path = "/api/send"

    def check_text(self, outgoing: OutgoingText) -> None:
        """An address may be one person's own, so a wrong one is of this message; a text is of the whole broadcast."""
        text = outgoing.text.strip()
        if not text:
            return
        if re.search(r"\s", text):
            raise CapabilityError(
                f"{self.label} takes no text of ours: it lives in the {self.label} campaign. Leave the text empty, or"
                " write the landing page's address alone."
            )
        if problem := address_problem(text):
            raise MessageRefused(
                f"{problem} The text itself lives in the {self.label} campaign.",
                reason="text_too_long" if len(text) > MAX_ADDRESS else "refused",
            )

    @classmethod
    def check_sender(cls, sender: str) -> None:
        """Any will do, as it is not passed on."""

    def send_body(self, outgoing: OutgoingText) -> dict[str, Any]:
        first_name = plain_name(outgoing.values.get("first_name", ""))
        return self.payload(outgoing.msisdn.removeprefix("1"), first_name, outgoing.text.strip())

    def payload(
        self, cell: str, first_name: str, landing_page_url: str = "", campaign_guid: str = ""
    ) -> dict[str, Any]:
        """ "Request Payload" of the document."""
        body = {
            "apikey": self.config.api_key,
            "cguid": campaign_guid or self.config.campaign_guid,
            "cell": cell,
            "fname": first_name or self.config.default_first_name,
        }
        if landing_page_url:
            body["landingPageUrl"] = landing_page_url
        return body

    def refusal(self, answer: Answer) -> ConnectorError | None:
        status = _status(answer)
        if status == "OPTOUT":
            return None
        if status == "SUCCESS" and answer.status >= 300:
            return self.bad_answer(answer)
        if status != "ERROR":
            return self.refusal_by_status(answer)
        named = _NAMED.search(self.explain(answer))
        what = named[1].lower() if named else ""
        if what in ACCOUNT_REASONS:
            return self.account_refused(ACCOUNT_REASONS[what], answer.status, self.explain(answer))
        if what in MESSAGE_REASONS:
            return MessageRefused(
                f"{self.label} refused it ({answer.status}).",
                words=self.explain(answer),
                reason=MESSAGE_REASONS[what],
            )
        return self.refusal_by_status(
            dataclasses.replace(answer, status=400) if answer.status < 300 else answer
        )

    def explain(self, answer: Answer) -> str:
        if isinstance(answer.data, dict) and (said := as_text(answer.data.get("statusMessage"), 2000)):
            return said
        return super().explain(answer)

    def read_send(self, outgoing: OutgoingText, answer: Answer) -> SendResult:
        status = _status(answer)
        if not status:
            raise self.bad_answer(answer)
        state, reason = self.state_of(RESULTS, status)
        said = as_text(answer.data.get("statusMessage"))
        suppressed = state is MessageState.SUPPRESSED
        return SendResult(
            state,
            provider_message_id="" if suppressed else as_text(answer.data.get("subscriberId")),
            reason=reason,
            words=said or ("" if state is MessageState.SENT else status.lower()),
        )

    def build_test(self) -> httpx.Request:
        """No call is documented as harmless. One without a number cannot text anybody."""
        return self.request("POST", self.send_path, data=self.payload("", ""))

    def read_test(self, answer: Answer) -> str:
        error = self.refusal(answer)
        if error is None:
            raise self.bad_answer(answer)
        if error.reason != "bad_number":
            raise error
        return (
            f"{self.label} accepts the API key and the campaign: asked without a number, it misses only that. No text"
            " was sent. It holds as far as Mx2 Group checks key and campaign before the number."
        )

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        """The fields of https://mx2group.com/webhookdocs."""
        item = _posted(call)
        subscriber_id, status = as_text(item.get("subscriberid")), as_text(item.get("status"))
        if not subscriber_id or not status:
            raise WebhookRejected("The call has no subscriberId or no status.")
        match status.upper():
            case "RECEIVED" | "OPTOUT":
                return [_inbound(item, subscriber_id, status)]
            case word if word in NO_NEWS:
                return []
        return [self._report(item, subscriber_id, status)]

    def _report(self, item: Mapping[str, Any], subscriber_id: str, status: str) -> DeliveryReport:
        said = as_text(item.get("statusmessage"), 500)
        state, reason = self.state_of(STATES, status)
        if status.upper() == "FAILED":
            found = (meaning for words, meaning in FAILURES if words.search(said))
            state, reason = next(found, (state, reason))
        words = said or status if status.upper() in STATES else f"{status} {said}".strip()
        return DeliveryReport(state, provider_message_id=subscriber_id, reason=reason, words=words)


def _status(answer: Answer) -> str:
    return as_text(answer.data.get("status")).upper() if isinstance(answer.data, dict) else ""


def _inbound(item: Mapping[str, Any], subscriber_id: str, status: str) -> InboundText:
    opted_out = status.upper() == "OPTOUT"
    raw = item.get("textmessage")
    text = raw if isinstance(raw, str) and raw.strip() else ""
    if not text and not opted_out:
        raise WebhookRejected("The reply has no textMessage.")
    return InboundText(
        "",
        "",
        text or status,
        occurred_at=moment(item.get("datetime")),
        answers_id=subscriber_id,
        opted_out=opted_out,
    )


def _posted(call: WebhookCall) -> dict[str, Any]:
    """With names in lower case."""
    data = read_json(call.body)
    if data is None and call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        data = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    if not isinstance(data, dict):
        raise WebhookRejected("The body is not the JSON of an Mx2 Group status.")
    return {str(name).lower(): value for name, value in data.items()}
