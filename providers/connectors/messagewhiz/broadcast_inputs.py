"""What a broadcast is made of. Each knows how the document writes it; what the document forbids is refused.

All `fields` raise RequestRefused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from providers.connectors.messagewhiz.inputs import given_id, given_time
from providers.connectors.messagewhiz.written import (
    Id,
    given,
    id_commas,
    msisdn,
    one_of,
    plain_time,
    sender_name,
    whole,
)
from providers.errors import RequestRefused

MAX_OFFSET = 720  # minutes
NO_LIMIT = "no limit"
LEAST_CAP = 3  # "should be greater than 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The text: exactly one of them. Several templates are for manual smart broadcasts alone."""

    message_body: str = ""
    template_id: Id | None = None
    template_ids: Sequence[Id] = ()

    def fields(self, *, several: bool = False) -> dict[str, Any]:
        """`several`: whether it may be several templates."""
        name = self._name()
        if name == "message_body":
            return {name: self.message_body}
        if name == "template_id" and self.template_id is not None:
            return {name: given_id(name, self.template_id)}
        if not several:
            raise RequestRefused(
                f"template_ids is “{id_commas(name, self.template_ids)}”: several templates are for manual smart "
                "broadcasts only. Give one template_id."
            )
        return {name: id_commas(name, self.template_ids)}

    def segment_fields(self) -> dict[str, Any]:
        """ "Continue smart broadcast" has `template_ids` for one template, too."""
        if self._name() == "template_id" and self.template_id is not None:
            return {"template_ids": str(given_id("template_id", self.template_id))}
        return self.fields(several=True)

    def _name(self) -> str:
        return one_of(
            message_body=self.message_body, template_id=self.template_id, template_ids=self.template_ids
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderChoice:
    """Of which one sends each message: senders, lists of them, or both."""

    sender_ids: Sequence[Id] = ()
    sender_list_ids: Sequence[Id] = ()

    def fields(self) -> dict[str, str]:
        named = {
            "sender_ids": id_commas("sender_ids", self.sender_ids),
            "sender_list_ids": id_commas("sender_list_ids", self.sender_list_ids),
        }
        if not given(named):
            raise RequestRefused("None of sender_ids, sender_list_ids is given: give a sender.")
        return given(named)

    def segment_fields(self) -> dict[str, str]:
        """Of "Continue smart broadcast": there one is "instead of" the other."""
        one_of(sender_ids=self.sender_ids, sender_list_ids=self.sender_list_ids)
        return self.fields()


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who gets it: all numbers of the recipient lists that are in none of the unsubscribe lists. An estimate may have
    one `recipient` instead of lists."""

    recipient_list_ids: Sequence[Id] = ()
    recipient: str = ""
    unsubscriber_list_ids: Sequence[Id] = ()

    def fields(self) -> dict[str, Any]:
        """ "" for no unsubscribe list, as in all of the document's examples."""
        return self._to() | {
            "unsubscriber_list_ids": id_commas("unsubscriber_list_ids", self.unsubscriber_list_ids)
        }

    def list_fields(self) -> dict[str, Any]:
        if self.recipient:
            raise RequestRefused(
                f"recipient is “{self.recipient}”: a broadcast goes to recipient_list_ids. Send a single message "
                "to one number."
            )
        return self.fields()

    def _to(self) -> dict[str, Any]:
        name = one_of(recipient_list_ids=self.recipient_list_ids, recipient=self.recipient)
        if name == "recipient":
            return {name: int(msisdn(name, self.recipient))}
        return {name: id_commas(name, self.recipient_list_ids)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When it goes: at once, at `send_date` (with a time zone), or when the trigger's short URL is opened and `delay`
    minutes are over.

    `utc_offset`: minutes; 0 goes out beside a date without one. MessageWhiz knows none beyond ±720, but as dates go out
    as UTC none is needed.
    """

    send_date: datetime | None = None
    trigger_id: Id | None = None
    delay: int | None = None
    utc_offset: int | None = None

    def fields(self) -> dict[str, Any]:
        """{} for at once."""
        if self.delay is None:
            return self._condition() | self._offset()
        if self.trigger_id is None:
            raise RequestRefused(
                f"delay is {self.delay}: it counts from a trigger. Give a trigger_id, or a later send_date."
            )
        return self._condition() | self._offset() | {"delay": whole("delay", self.delay, 0)}

    def flagged(self, flag: str) -> dict[str, Any]:
        """With the condition that "Continue smart broadcast" (`send_now`) and "Send One time password" (`is_now`) have,
        and without the delay that they have not."""
        if self.delay is not None:
            raise RequestRefused(f"delay is {self.delay}: this cannot be delayed. Leave it out.")
        at_once = self.send_date is None and self.trigger_id is None
        return {flag: at_once} | self.fields()

    def _condition(self) -> dict[str, Any]:
        if self.send_date is not None and self.trigger_id is not None:
            raise RequestRefused("send_date and trigger_id are given together: give one of them only.")
        if self.send_date is not None:
            return {"send_date": given_time("send_date", self.send_date)}
        return {} if self.trigger_id is None else {"trigger_id": given_id("trigger_id", self.trigger_id)}

    def _offset(self) -> dict[str, int]:
        minutes = 0 if self.utc_offset is None and self.send_date is not None else self.utc_offset
        return (
            {} if minutes is None else {"utc_offset": whole("utc_offset", minutes, -MAX_OFFSET, MAX_OFFSET)}
        )


NOW = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartManual:
    """Stops after each segment until a person continues it. Sizes count recipients."""

    eb_type: ClassVar[str] = "manual"
    first_segment_size: int

    def fields(self) -> dict[str, Any]:
        return {
            "eb_type": self.eb_type,
            "first_segment_size": whole("first_segment_size", self.first_segment_size, 1),
        }

    def estimate_fields(self) -> dict[str, Any]:
        return self.fields()


@dataclass(frozen=True, slots=True, kw_only=True)
class CtrSegments:
    """Of a CTR broadcast: sizes, in recipients, and how many it may reach until a person decides (None: all of them)."""

    first_segment_size: int
    next_segment_size: int
    recipient_cap: int | None = None

    def fields(self) -> dict[str, Any]:
        sizes = {
            "first_segment_size": whole("first_segment_size", self.first_segment_size, 1),
            "next_segment_size": whole("next_segment_size", self.next_segment_size, 1),
        }
        if self.recipient_cap is None:
            return sizes
        return sizes | {"recipient_cap": whole("recipient_cap", self.recipient_cap, LEAST_CAP)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmartCtr:
    """The next segment goes when `conversion_threshold` per cent of a segment's recipients clicked; at `exp_date` (with a
    time zone) the rest is not sent."""

    eb_type: ClassVar[str] = "CTR"
    exp_date: datetime
    conversion_threshold: int
    segments: CtrSegments

    def fields(self) -> dict[str, Any]:
        cap = self.segments.fields().get("recipient_cap", NO_LIMIT)
        return self.estimate_fields() | {
            "exp_date": plain_time("exp_date", self.exp_date),
            "conversion_threshold": whole("conversion_threshold", self.conversion_threshold, 1, 100),
            # "Send a Smart Broadcast" misspells it; estimates and segments do not. Who reads one finds it.
            "recipeint_cap": cap,
            "recipient_cap": cap,
        }

    def estimate_fields(self) -> dict[str, Any]:
        return {"eb_type": self.eb_type} | self.segments.fields()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientValues:
    """One recipient of "Single request broadcasts" with the values of its tokens. Empty ones do not go out."""

    phone_number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    url: str = ""
    gender: str = ""
    custom: str = ""
    custom1: str = ""
    custom2: str = ""
    custom3: str = ""
    custom4: str = ""

    def fields(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return given(values) | {"phone_number": int(msisdn("phone_number", self.phone_number))}


def one_sender(*, sender_id: Id | None, sender: str) -> dict[str, str]:
    """By id or by name."""
    if one_of(sender_id=sender_id, sender=sender) == "sender" or sender_id is None:
        return {"sender": sender_name(sender)}
    return {"sender_id": str(given_id("sender_id", sender_id))}
