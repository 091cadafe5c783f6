"""All eight operations of document 002, Ogangi Mobile Engagement Campaign Manager (Messangi).

- The document has no headings: an operation's is its first sentence.
- It names a method for three of them (POST for what is posted, DELETE). The vendor's examples of other calls use GET, so
  the five others are GET.
- The instance is the account's; the user is, too, unless a call names another.
- `shortcodeIgnore`: "if false the shortcode parameter will be ignored", the opposite of its name. The vendor's own example
  pairs a short code with `true`, so the sentence is followed, and the input is called `use_shortcode`.
- Unused variables of a path are the word `null`. A broadcast's date is `dd-MM-yyyy HH:mm` without a zone: it is written in
  the account's.
- ERROR may come after the work was done ("Internal error"), so what posts texts is unclear then. The other operations can
  be asked twice without harm: an ERROR that gives another reason is taken for a refusal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import httpx

from providers.connectors.answers import Answer
from providers.connectors.ogangi.answers import (
    Broadcast,
    SmsMessage,
    broadcast_of,
    messages_of,
    shortcodes_of,
)
from providers.connectors.ogangi.recipients import BroadcastRecipient, SmsRow, broadcast_json, sms_file
from providers.connectors.operations import (
    Ask,
    Operation,
    Parameters,
    Upload,
    VendorClient,
    operation,
    wrong_shape,
)
from providers.errors import ConnectorError, RequestRefused, ServerTrouble

if TYPE_CHECKING:
    from providers.connectors.ogangi.connector import Ogangi

_KEYS = "{publicKey}/{signature}"
SEND_BY_FILE = f"/rest/api/tools/sendSMSByFile/{{instanceId}}/{_KEYS}"
SHORTCODES = f"/rest/api/getShortcodes/{{instanceId}}/{{userName}}/{_KEYS}"
CREATE_BROADCAST = (
    "/rest/api/createBroadcastFromJson/{instanceId}/{broadcastId}/{shortcode}/{userName}/{shortcodeIgnore}"
    f"/{{campaignName}}/{{date}}/{_KEYS}"
)
BROADCAST = f"/rest/api/getBroadcast/{{instanceId}}/{{broadcastId}}/{_KEYS}"

NEW, NOTHING = "-1", "null"


class OgangiClient(VendorClient):
    """See the module. Numbers are digits with the calling code; ids are texts."""

    connector: Ogangi

    def build(self, operation: Operation, parameters: Parameters) -> httpx.Request:
        variables = self.connector.variables(operation.path, parameters.path)
        return super().build(operation, dataclasses.replace(parameters, path=variables))

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        error = super().refusal(operation, answer)
        if error is None or answer.data is None:
            return error
        if answer.status in (404, 409):
            return self.request_refused(operation, answer, answer.status)
        if type(error) is ServerTrouble and operation.method != "POST" and _gives_reason(answer):
            what = f"{self.connector.label} refuses “{operation.section}”: read its words."
            return RequestRefused(what, words=self.connector.explain(answer))
        return error

    @operation(
        "POST", SEND_BY_FILE, section="Send SMSs massively using as recipient a list of mobile numbers"
    )
    def send_sms_by_file(
        self, ask: Ask, *, rows: Sequence[SmsRow] = (), file: Upload | None = None
    ) -> tuple[SmsMessage, ...]:
        """Either `rows` or a `file` (text or Excel) as the vendor wants it. What became of each message so far."""
        if rows and file is not None:
            raise RequestRefused("There are rows and a file: give one of them.")
        if file is None and not rows:
            raise RequestRefused("There are neither rows nor a file: give one of them.")
        answer = ask(files={"file": file or sms_file(rows)})
        messages = messages_of(answer.data.result)
        if not messages:
            raise wrong_shape(self.connector, "any message")
        return messages

    @operation("GET", SHORTCODES, section="List all short/long codes for a given instance")
    def list_shortcodes(self, ask: Ask, *, user_name: str = "") -> tuple[str, ...]:
        answer = ask(path={"userName": self._user(user_name)})
        codes = shortcodes_of(answer.data.result)
        if codes is None:
            raise wrong_shape(self.connector, "a list of short codes")
        return codes

    @operation("POST", CREATE_BROADCAST, section="Create or edit a broadcast by file using JSON")
    def save_broadcast(
        self,
        ask: Ask,
        *,
        recipients: Sequence[BroadcastRecipient],
        shortcode: str = "",
        use_shortcode: bool = True,
        campaign_name: str = "",
        starts_at: datetime | None = None,
        broadcast_id: str = NEW,
        user_name: str = "",
    ) -> Broadcast:
        """A new one, or with `broadcast_id` another content of that one. `starts_at` to the minute, None: at once."""
        if not recipients:
            raise RequestRefused("The broadcast has no recipients: give at least one.")
        if use_shortcode and not shortcode:
            raise RequestRefused("The short code is empty: give one, or set use_shortcode to False.")
        variables = broadcast_variables(
            broadcast_id=broadcast_id if broadcast_id == NEW else _broadcast_id(broadcast_id),
            shortcode=_named("short code", shortcode),
            user_name=self._user(user_name),
            use_shortcode=use_shortcode,
            campaign_name=_named("campaign name", campaign_name.strip()),
            date=self._date(starts_at),
        )
        return self._broadcast(ask(path=variables, files={"to": broadcast_json(recipients)}))

    @operation("GET", BROADCAST, section="Retrieve the broadcast information")
    def get_broadcast(self, ask: Ask, *, broadcast_id: str) -> Broadcast:
        return self._broadcast(ask(path={"broadcastId": _broadcast_id(broadcast_id)}))

    @operation(
        "GET",
        f"/rest/api/suspendBroadcast/{{instanceId}}/{{broadcastId}}/{_KEYS}",
        section="Suspend a broadcast currently in progress",
    )
    def suspend_broadcast(self, ask: Ask, *, broadcast_id: str) -> None:
        ask(path={"broadcastId": _broadcast_id(broadcast_id)})

    @operation(
        "GET",
        f"/rest/api/resumeBroadcast/{{instanceId}}/{{broadcastId}}/{_KEYS}",
        section="Resume a broadcast that was previously suspended",
    )
    def resume_broadcast(self, ask: Ask, *, broadcast_id: str) -> None:
        ask(path={"broadcastId": _broadcast_id(broadcast_id)})

    @operation(
        "GET",
        f"/rest/api/stopBroadcast/{{instanceId}}/{{broadcastId}}/{_KEYS}",
        section="Stop a broadcast currently in progress",
    )
    def stop_broadcast(self, ask: Ask, *, broadcast_id: str) -> None:
        ask(path={"broadcastId": _broadcast_id(broadcast_id)})

    @operation(
        "DELETE",
        f"/rest/api/broadcast/{{instanceId}}/{{broadcastId}}/{_KEYS}",
        section="Delete a broadcast",
    )
    def delete_broadcast(self, ask: Ask, *, broadcast_id: str) -> None:
        ask(path={"broadcastId": _broadcast_id(broadcast_id)})

    def _broadcast(self, answer: Answer) -> Broadcast:
        broadcast = broadcast_of(answer.data.result, self.connector.config.states_by_number())
        if broadcast is None:
            raise wrong_shape(self.connector, "a broadcast with an id")
        return broadcast

    def _user(self, user_name: str) -> str:
        return _named("user name", user_name) or self.connector.config.user_name

    def _date(self, starts_at: datetime | None) -> str:
        if starts_at is None:
            return NOTHING
        if starts_at.tzinfo is None:
            raise RequestRefused(
                f"The start {starts_at:%Y-%m-%d %H:%M} has no zone: give a datetime that has one."
            )
        return f"{starts_at.astimezone(self.connector.config.zone()):%d-%m-%Y %H:%M}"


def broadcast_variables(
    *,
    broadcast_id: str = NEW,
    shortcode: str,
    user_name: str,
    use_shortcode: bool = True,
    campaign_name: str = "",
    date: str = NOTHING,
) -> dict[str, str]:
    """Of CREATE_BROADCAST. What is empty is left to the vendor."""
    return {
        "broadcastId": broadcast_id,
        "shortcode": shortcode or NOTHING,
        "userName": user_name,
        "shortcodeIgnore": "true" if use_shortcode else "false",
        "campaignName": campaign_name or NOTHING,
        "date": date,
    }


def _broadcast_id(value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        raise RequestRefused(f"“{value}” is no broadcast's id: give the digits that Ogangi answered with.")
    return value


def _named(what: str, value: str) -> str:
    """A slash would begin another variable of the path, and so would what a server takes for one."""
    if "/" in value or "\\" in value or value in (".", ".."):
        raise RequestRefused(f"The {what} “{value}” cannot be part of an address: write it without slashes.")
    if not value.isprintable():
        raise RequestRefused(f"The {what} {value!a} holds an invisible character: write it without.")
    return value


def _gives_reason(answer: Answer) -> bool:
    words = answer.data.description
    return answer.status < 400 and bool(words) and not words.lower().startswith("internal error")
