"""“Send a Broadcast” of document 004: single texts, broadcasts that run at MessageWhiz, and one-time passwords.

- `/sms` has the key in its body, no header and no envelope; the two calls of one-time passwords lie outside of `/api/3`
  and answer bare objects.
- “Required” is `message_body` everywhere, yet a template “may be used instead”: exactly one of them goes out, and likewise
  of recipient lists and a recipient.
- `sender_ids`, `sender_list_ids`, `recipient_list_ids`, `unsubscriber_list_ids` and `template_ids` are ids with commas
  between them, in one text. `sender_id` is an int by its description and a text in all examples, which goes out; sizes are
  ints by theirs, and go out so, though the example has "3".
- Ids of broadcast and segment are spelled `broadcastID` and `broadcastId`.
- A code to verify is a JSON number, in which zeros in front cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from providers.connectors.answers import as_amount, as_flag, as_number, as_text, digits, moment, sentences
from providers.connectors.messagewhiz.broadcast_inputs import (
    NOW,
    Audience,
    Content,
    CtrSegments,
    RecipientValues,
    Schedule,
    SenderChoice,
    SmartCtr,
    SmartManual,
    one_sender,
)
from providers.connectors.messagewhiz.envelope import Enveloped
from providers.connectors.messagewhiz.inputs import given_id, given_name, given_time
from providers.connectors.messagewhiz.outputs import read_id
from providers.connectors.messagewhiz.read import amount_of, number_of, object_of, text_of
from providers.connectors.messagewhiz.written import (
    Id,
    at_most,
    filled,
    id_commas,
    msisdn,
    one_of,
    sender_name,
    shown,
    whole,
)
from providers.connectors.operations import Ask, Operation, Parameters, operation, wrong_shape
from providers.errors import RequestRefused

SMS_PATH = "/sms"
MAX_TEXT = 100_000  # characters
LEAST_DIGITS = 10
MAX_REFERENCE = 160
MAX_CUSTOM_PARAMETER = 40
SINGLE, BASE, SMART = 10, 11, 12
PLACE_OF_CODE = "{{verification_code}}"
# Beyond them a JSON number may be rounded by whoever reads it.
CODE = re.compile(r"[1-9][0-9]{0,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FastSingle:
    """A text that was handed over. `client_ref` is "" where none was given."""

    message_id: str
    client_ref: str = ""


@dataclass(frozen=True, slots=True)
class SentBroadcast:
    """What was created. `custom_parameter` comes with a single message alone, where one was given."""

    broadcast_id: str
    segment_id: str
    custom_parameter: str = ""


@dataclass(frozen=True, slots=True)
class EstimatedRecipient:
    """What a text to this number costs. `mcc_mnc`: the network's code, "" where it is not known."""

    msisdn: str
    rate: Decimal | None
    mcc_mnc: str


@dataclass(frozen=True, slots=True)
class EstimatedToken:
    """A token of the text: how often it stands there and with what it was replaced. `is_approximate`: what replaces it
    may be longer or shorter."""

    name: str
    replacement: str
    count: int
    parameters: tuple[str, ...] = ()
    is_approximate: bool = False
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class EstimatedBatch:
    messages: int | None
    total: Decimal | None
    parts: int | None


@dataclass(frozen=True, slots=True)
class BroadcastEstimate:
    """`total` and rates are in the account's currency. `values`: of the tokens, by number and name. What the document
    shows empty only (`recipient_id_map`, `replacements`, `links`) is left out."""

    messages: int
    total: Decimal
    parts: int
    first_segment_count: int | None
    recipients: tuple[EstimatedRecipient, ...]
    values: Mapping[str, Mapping[str, str]]
    text: str
    tokens: tuple[EstimatedToken, ...]
    warnings: tuple[str, ...]
    estimate_hash: str
    batch: EstimatedBatch | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A slice of a smart broadcast's recipients. Times are UTC, as far as the document tells; what `state` counts is not
    documented."""

    id: str
    broadcast_id: str
    message_body: str
    template_id: str
    state: int | None
    recipient_count: int | None
    estimated_count: int | None
    real_price: Decimal | None
    estimated_price: Decimal | None
    utc_offset: int | None
    batch_index: int | None
    send_conditions_id: str
    enabled: bool | None
    created_at: datetime | None
    send_time: datetime | None


class Broadcasts(Enveloped):
    """Ten operations; the eleventh of their group, the list, is in broadcast_reports. Numbers are digits with their
    calling code."""

    def build(self, operation: Operation, parameters: Parameters) -> httpx.Request:
        request = super().build(operation, parameters)
        if operation.path == SMS_PATH:
            del request.headers["apikey"]
        return request

    @operation("POST", "/api/3/Broadcast/estimate", section="Estimate Broadcast")
    def estimate_broadcast(
        self,
        ask: Ask,
        *,
        audience: Audience,
        content: Content,
        smart: SmartManual | SmartCtr | None = None,
    ) -> BroadcastEstimate:
        """May take many seconds. Of a CTR broadcast, date and threshold do not matter here."""
        kind = SMART if smart else SINGLE if audience.recipient else BASE
        body = {
            "broadcast_type": kind,
            **audience.fields(),
            **content.fields(several=isinstance(smart, SmartManual)),
            **(smart.estimate_fields() if smart else {}),
        }
        return self._estimate(object_of(self.connector, self.result(ask(json=body))))

    @operation("POST", SMS_PATH, section="Fast Single")
    def send_fast_single(
        self, ask: Ask, *, to: str, sender: str, text: str, client_ref: str = "", callback: str = ""
    ) -> FastSingle:
        """`callback`: the address for reports on this text. `client_ref`, up to 160 characters, comes back in them."""
        body = {
            "api_key": self.connector.config.secrets()[0],
            "to": msisdn("to", to, LEAST_DIGITS),
            "from": sender_name(sender),
            "text": at_most("text", filled("text", text), MAX_TEXT),
        }
        if client_ref:
            body["client_ref"] = at_most("client_ref", client_ref, MAX_REFERENCE)
        if callback:
            body["callback"] = callback
        data = object_of(self.connector, ask(json=body).data)
        return FastSingle(read_id(self.connector, data, "message_id"), as_text(data.get("client_ref")))

    @operation("POST", "/api/3/Broadcast/tiny/", section="Send a Tiny single (OLD)")
    def send_tiny_single(self, ask: Ask, *, recipient: str, sender: str, message_body: str) -> SentBroadcast:
        """ "Can contain only text": a token would go out as it is written."""
        if "{{" in message_body:
            raise RequestRefused(
                f"message_body is {shown(message_body)}, with a token: send a single message for that, or write "
                "plain text."
            )
        body = {
            "recipient": msisdn("recipient", recipient),
            "sender": sender_name(sender),
            "message_body": filled("message_body", message_body),
        }
        return self._sent(self.result(ask(json=body)))

    @operation("POST", "/api/3/Broadcast", section="Send a Single message (OLD)")
    def send_single(
        self,
        ask: Ask,
        *,
        campaign_id: Id,
        sender_id: Id,
        recipient: str,
        content: Content,
        schedule: Schedule = NOW,
        unsubscriber_list_ids: Sequence[Id] = (),
        name: str = "",
        custom_parameter: str = "",
    ) -> SentBroadcast:
        """`custom_parameter`, up to 40 characters, comes back in the answer and in batched reports."""
        body = {
            "campaign_id": given_id("campaign_id", campaign_id),
            "broadcast_type": SINGLE,
            "sender_id": str(given_id("sender_id", sender_id)),
            "recipient": msisdn("recipient", recipient),
            "unsubscriber_list_ids": id_commas("unsubscriber_list_ids", unsubscriber_list_ids),
            **content.fields(),
            **schedule.fields(),
        }
        if name:
            body["name"] = name
        if custom_parameter:
            body["custom_parameter"] = at_most("custom_parameter", custom_parameter, MAX_CUSTOM_PARAMETER)
        return self._sent(self.result(ask(json=body)))

    @operation("POST", "/api/3/Broadcast", section="Send a Base Broadcast")
    def send_base_broadcast(
        self,
        ask: Ask,
        *,
        name: str,
        campaign_id: Id,
        senders: SenderChoice,
        audience: Audience,
        content: Content,
        schedule: Schedule = NOW,
    ) -> SentBroadcast:
        body = _broadcast(BASE, name, campaign_id, senders, audience, schedule)
        return self._sent(self.result(ask(json=body | content.fields())))

    @operation("POST", "/api/3/Broadcast", section="Send a Smart Broadcast")
    def send_smart_broadcast(
        self,
        ask: Ask,
        *,
        name: str,
        campaign_id: Id,
        senders: SenderChoice,
        audience: Audience,
        content: Content,
        smart: SmartManual | SmartCtr,
        schedule: Schedule = NOW,
    ) -> SentBroadcast:
        """By hand or by click-through rate: see `smart`."""
        body = _broadcast(SMART, name, campaign_id, senders, audience, schedule)
        body |= content.fields(several=isinstance(smart, SmartManual)) | smart.fields()
        return self._sent(self.result(ask(json=body)))

    @operation("POST", "/api/3/Segments", section="Continue smart broadcast")
    def continue_smart_broadcast(
        self,
        ask: Ask,
        *,
        broadcast_id: Id,
        segment_size: int,
        senders: SenderChoice,
        content: Content,
        schedule: Schedule = NOW,
        ctr: CtrSegments | None = None,
    ) -> Segment:
        """`segment_size` counts recipients. `ctr`, cap included, is for a CTR broadcast that reached its cap."""
        if ctr is not None and ctr.recipient_cap is None:
            raise RequestRefused("recipient_cap is not given: a CTR broadcast needs one to be continued.")
        body = {
            "broadcast_id": given_id("broadcast_id", broadcast_id),
            "segment_size": whole("segment_size", segment_size, 1),
            **senders.segment_fields(),
            **content.segment_fields(),
            **schedule.flagged("send_now"),
            **(ctr.fields() if ctr else {}),
        }
        return self._segment(self.one(ask(json=body)))

    @operation("POST", "/api/broadcasts/single", section="Send One time password (OTP)")
    def send_one_time_password(
        self,
        ask: Ask,
        *,
        campaign_id: Id,
        recipient: str,
        sender_id: Id | None = None,
        sender: str = "",
        message_body: str = "",
        message_template_id: Id | None = None,
        unsubscriber_list_ids: Sequence[Id] = (),
        schedule: Schedule = NOW,
    ) -> str:
        """The id. The text, or the template's, has {{verification_code}} where the code goes."""
        body = {
            "campaign_id": given_id("campaign_id", campaign_id),
            "recipient": msisdn("recipient", recipient),
            "verification": True,
            **one_sender(sender_id=sender_id, sender=sender),
            **_password_content(message_body, message_template_id),
            **schedule.flagged("is_now"),
        }
        if unsubscriber_list_ids:
            body["unsubscriber_list_ids"] = id_commas("unsubscriber_list_ids", unsubscriber_list_ids)
        data = object_of(self.connector, ask(query={"otp": "true"}, json=body).data)
        return read_id(self.connector, data)

    @operation("POST", "/api/recipients/{phone_number}/verification", section="Verify OTP")
    def verify_one_time_password(self, ask: Ask, *, phone_number: str, verification_code: str) -> bool:
        """Whether it is the code that this number was sent."""
        if not CODE.fullmatch(verification_code):
            # Without the value: whoever has the code can pass for its owner.
            raise RequestRefused(
                "verification_code is no number that MessageWhiz can read: give up to 15 digits that do not begin "
                "with 0."
            )
        path = {"phone_number": msisdn("phone_number", phone_number)}
        data = object_of(
            self.connector, ask(path=path, json={"verification_code": int(verification_code)}).data
        )
        valid = as_flag(data.get("valid"))
        if valid is None:
            raise wrong_shape(self.connector, "whether the code is valid")
        return valid

    @operation("POST", "/api/3/Broadcast/combinedsubmit", section="Single request broadcasts")
    def send_in_one_request(
        self,
        ask: Ask,
        *,
        recipients: Sequence[RecipientValues],
        message_body: str,
        sender_id: Id | None = None,
        sender: str = "",
        name: str = "",
        send_date: datetime | None = None,
    ) -> tuple[SentBroadcast, ...]:
        """Makes a list of the recipients and a base broadcast to it; sends at once, unless `send_date` is given. Answers a
        list where the others answer one."""
        if not recipients:
            raise RequestRefused("recipients is empty: give at least one.")
        body: dict[str, Any] = {
            "message_body": filled("message_body", message_body),
            "recipients": [recipient.fields() for recipient in recipients],
            **one_sender(sender_id=sender_id, sender=sender),
        }
        if name:
            body["name"] = name
        if send_date is not None:
            body["send_date"] = given_time("send_date", send_date)
        rows = self.rows(ask(json=body))
        if not rows:
            raise wrong_shape(self.connector, "a broadcast")
        return tuple(self._sent(row) for row in rows)

    # --- answers ----------------------------------------------------------------------------------

    def _sent(self, result: Any) -> SentBroadcast:
        row = object_of(self.connector, result)
        ending = "Id" if "broadcastId" in row else "ID"
        return SentBroadcast(
            read_id(self.connector, row, f"broadcast{ending}"),
            read_id(self.connector, row, f"segment{ending}"),
            as_text(row.get("custom_parameter")),
        )

    def _segment(self, row: dict[str, Any]) -> Segment:
        return Segment(
            as_text(row.get("id")),
            read_id(self.connector, row, "broadcast_id"),
            text_of(row.get("message_body")),
            as_text(row.get("template_id")),
            as_number(row.get("state")),
            as_number(row.get("recipient_count")),
            as_number(row.get("estimated_count")),
            as_amount(row.get("real_price")),
            as_amount(row.get("estimated_price")),
            as_number(row.get("utc_offset")),
            as_number(row.get("batch_index")),
            as_text(row.get("send_conditions_id")),
            as_flag(row.get("enabled")),
            moment(row.get("created_at")),
            moment(row.get("send_time")),
        )

    def _estimate(self, result: dict[str, Any]) -> BroadcastEstimate:
        expanded = _objects(result.get("messageExpanded"))
        batch = result.get("batchEstimation")
        return BroadcastEstimate(
            number_of(self.connector, result, "messages"),
            amount_of(self.connector, result, "sum"),
            number_of(self.connector, result, "parts"),
            as_number(result.get("firstSegmentCount")),
            tuple(_recipient(number, row) for number, row in _objects(result.get("recipients")).items()),
            _values(result.get("recipient_meta_data_map")),
            text_of(expanded.get("text")),
            tuple(_token(name, row) for name, row in _objects(expanded.get("actions")).items()),
            tuple(sentences(result.get("warnings"))),
            as_text(result.get("estimateHash")),
            _batch(batch) if isinstance(batch, dict) else None,
        )


def _broadcast(
    kind: int, name: str, campaign_id: Id, senders: SenderChoice, audience: Audience, schedule: Schedule
) -> dict[str, Any]:
    """What base and smart broadcasts share."""
    return {
        "name": given_name("The broadcast", name),
        "campaign_id": given_id("campaign_id", campaign_id),
        "broadcast_type": kind,
        **senders.fields(),
        **audience.list_fields(),
        **schedule.fields(),
    }


def _password_content(message_body: str, message_template_id: Id | None) -> dict[str, Any]:
    one_of(message_body=message_body, message_template_id=message_template_id)
    if message_template_id is not None:
        return {"message_template_id": given_id("message_template_id", message_template_id)}
    if PLACE_OF_CODE not in message_body:
        raise RequestRefused(
            f"message_body is {shown(message_body)}, without a place for the code: write {PLACE_OF_CODE} into it."
        )
    return {"message_body": message_body}


def _objects(value: Any) -> dict[str, Any]:
    """{} for what is none: of an estimate, only its sums are sure to be there."""
    return value if isinstance(value, dict) else {}


def _recipient(number: str, row: Any) -> EstimatedRecipient:
    row = _objects(row)
    return EstimatedRecipient(digits(number), as_amount(row.get("rate")), as_text(row.get("mccMnc")))


def _values(pairs: Any) -> dict[str, dict[str, str]]:
    """From [[number, {name: value}], …]."""
    rows = (
        [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2]
        if isinstance(pairs, list)
        else []
    )
    return {
        digits(number): {name: text_of(value) for name, value in _objects(values).items()}
        for number, values in rows
    }


def _token(name: str, row: Any) -> EstimatedToken:
    row = _objects(row)
    parameters = row.get("parameters")
    return EstimatedToken(
        name,
        text_of(row.get("replacement")),
        as_number(row.get("count")) or 0,
        tuple(text_of(value) for value in parameters) if isinstance(parameters, list) else (),
        as_flag(row.get("isApproximate")) is True,
        as_text(row.get("uuid")),
    )


def _batch(row: dict[str, Any]) -> EstimatedBatch:
    return EstimatedBatch(
        as_number(row.get("messages")), as_amount(row.get("sum")), as_number(row.get("parts"))
    )
