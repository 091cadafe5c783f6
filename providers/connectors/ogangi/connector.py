"""Sending through Ogangi (Messangi): many personal texts a request, its connection test, its short codes.

Oddities, and the reading chosen (what is not in document 002 is from NOTES.md, section 3; docs/providers/ogangi.md):
- Keys and signature are in the address, and the signature of sendSMSByFile is the same for every send: it is kept out of
  logs and words like a key.
- All answers are XML without a root. The envelope's word decides, not HTTP's status, which is not documented: OK is read
  whatever the status, and what it does not name is unknown.
- BAD_SIGNATURE refuses the account, and certainly nothing was sent.
- ERROR ("Internal error, please report this to support") says that something went wrong, not that nothing was sent: it is
  unclear, even where its words speak of credit, as part of a batch may have gone. Only where HTTP says 4xx, too, both agree
  that it was not carried out; then a batch is halved until who is to blame stands alone. 404 then means the instance.
- Any other word of an envelope cannot be read: unclear.
- sendSMSByFile answers for each message, in any order: matched by number, by the last ten digits where these are one
  recipient's alone. Whoever is missing is unknown. Several messages for one number: sent if one of them was.
- The statuses are those of the wiki's page, whose end is cut off, and SENT_TO_CARRIER, which only the document's example
  has. DELIVERED_TO_CARRIER is sent: the phone has not got it yet.
- An answer repeats each text, and answers end at 1 MiB: so a batch has 100, though a file may hold more.
- By broadcast instead of by file (a setting): one short code a broadcast, so a batch is parted by sender; all of one are
  sent under the broadcast's id, as nothing tells them apart; unknown where it expects none at all.
- Sent by broadcast, getBroadcast is asked until it ended. When it sent to all, whoever was in doubt is sent; when it sent to
  nobody, all are failed; of one that sent to some, nothing tells to whom, so nothing changes. "Delivered" it never says.
- Neither delivery reports nor inbound texts nor a limit on length or rate are documented. 1,600 characters is the limit
  of the vendor's later API.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import httpx

from providers.connectors.answers import Answer, digits, plain_words, read_answer
from providers.connectors.base import (
    REDACTED,
    AccountConfig,
    BatchConnector,
    BatchKind,
    Capabilities,
    ConfigError,
    DeliveryReport,
    InboundText,
    OutgoingText,
    ReceiptKind,
    SenderPage,
    SendResult,
    StatusAnswer,
    StatusTable,
    WebhookCall,
    WebhookRejected,
    setting,
)
from providers.connectors.ogangi.answers import (
    STATES_BY_NUMBER,
    Broadcast,
    BroadcastState,
    SmsMessage,
    broadcast_of,
    messages_of,
    shortcodes_of,
)
from providers.connectors.ogangi.client import (
    BROADCAST,
    CREATE_BROADCAST,
    NOTHING,
    SEND_BY_FILE,
    SHORTCODES,
    OgangiClient,
    broadcast_variables,
)
from providers.connectors.ogangi.envelope import read_envelope
from providers.connectors.ogangi.recipients import (
    BroadcastRecipient,
    SmsRow,
    broadcast_json,
    own_placeholders,
    sms_file,
)
from providers.connectors.ogangi.remote import SIDES
from providers.connectors.ogangi.signing import (
    BASE64URL,
    DECODED,
    ENCODED,
    HEX,
    SHAPES,
    Keys,
    base64_text,
    signed_variables,
)
from providers.connectors.operations import Upload, filled
from providers.errors import AccountRefused, BadAnswer, ConnectorError, ServerTrouble
from sms.states import MessageState

BY_FILE, BY_BROADCAST = "file", "broadcast"
# Variables of a path that later versions of the API want in Base64.
NAMES = ("userName", "campaignName")

# The wiki's "Message's Status", and the document's example.
STATUSES: StatusTable = {
    "SENT": (MessageState.SENT, ""),
    "SENT_TO_CARRIER": (MessageState.SENT, ""),
    "DELIVERED_TO_CARRIER": (MessageState.SENT, ""),
    "SENT_TO_DEVICE": (MessageState.SENT, ""),
    "DELIVERED_TO_DEVICE": (MessageState.DELIVERED, ""),
    "EXPIRED": (MessageState.EXPIRED, "expired"),
    "UNREACHABLE": (MessageState.UNDELIVERED, "undelivered"),
    "UNDELIVERED": (MessageState.UNDELIVERED, "undelivered"),
    "NOT_SENT": (MessageState.FAILED, "refused"),
    "BAD_FROM": (MessageState.FAILED, "sender_not_allowed"),
    "BAD_CARRIER/FROM": (MessageState.FAILED, "sender_not_allowed"),
    "BAD_TO": (MessageState.FAILED, "bad_number"),
    "BAD_ENCODING": (MessageState.FAILED, "refused"),
}
# What a broadcast's state at its creation means for each of its recipients.
BROADCASTS: StatusTable = {
    "SCHEDULED": (MessageState.SENT, ""),
    "RUNNING": (MessageState.SENT, ""),
    "FINISHED": (MessageState.SENT, ""),
    "SUSPENDED": (MessageState.UNKNOWN, "server_trouble"),
    "STOPPED": (MessageState.UNKNOWN, "server_trouble"),
    "ERROR": (MessageState.UNKNOWN, "server_trouble"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OgangiConfig(AccountConfig):
    base_url: str = setting(
        label="Base URL",
        help="Without /rest/api. Ogangi gives some customers their own, such as https://example.com/mmc.",
        default="https://www.messangi.com/messangi_mmc",
    )
    instance_id: str = setting(
        label="Instance id",
        help="The number of your workspace; Ogangi's support tells it, as it does the keys.",
    )
    user_name: str = setting(label="User name", help="The user of the instance, as you sign in there.")
    public_key: str = setting(label="Public key", help="From Ogangi's support.", secret=True)
    private_key: str = setting(
        label="Private key", help="From Ogangi's support. It signs requests and is never sent.", secret=True
    )
    send_by: str = setting(
        label="Send by",
        help="“file”: the answer names each recipient. “broadcast”: all of a batch become one broadcast at Ogangi, "
        "which says of nobody alone whether it was sent.",
        default=BY_FILE,
    )
    carrier: str = setting(
        label="Carrier",
        help="For the file's carrier column, as Ogangi names it. Empty: not told.",
        default="",
    )
    encoding: str = setting(
        label="Encoding", help="For the file's encoding column: the charset of the texts.", default="UTF-8"
    )
    timezone: str = setting(
        label="Time zone",
        help="For the file's column, and in which dates of broadcasts are written, such as America/Caracas.",
        default="UTC",
    )
    signature_form: str = setting(
        label="Form of the signature",
        help="“hex” or “base64url”. Try the other when a connection test with the right keys is not accepted.",
        default=HEX,
    )
    signed_values: str = setting(
        label="What is signed",
        help="“decoded” or “encoded”: the parts of the address before or after percent-encoding. It matters where "
        "they hold blanks and colons, as dates do.",
        default=DECODED,
    )
    base64_names: str = setting(
        label="Names in Base64",
        help="“no” or “yes”: later versions of the API want user and campaign names so in the address.",
        default="no",
    )
    broadcast_states: str = setting(
        label="Numbers of a broadcast's status",
        help="What 0, 1, 2 and on mean, with commas between. Ogangi shows only 2, of a finished broadcast.",
        default=", ".join(STATES_BY_NUMBER),
    )

    def check(self) -> None:
        self.one_of("send_by", (BY_FILE, BY_BROADCAST))
        self.one_of("signature_form", (HEX, BASE64URL))
        self.one_of("signed_values", (DECODED, ENCODED))
        self.one_of("base64_names", ("no", "yes"))
        for name, label in (("instance_id", "Instance id"), ("user_name", "User name")):
            if "/" in getattr(self, name) or "\\" in getattr(self, name):
                raise ConfigError(name, f"{label} holds a slash, which no such value has: copy it again.")
        try:
            self.zone()
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                "timezone", "Time zone must be the name of one, such as UTC or America/Caracas."
            ) from None
        try:
            self.states_by_number()
        except ValueError:
            known = ", ".join(BroadcastState)
            raise ConfigError(
                "broadcast_states", f"Numbers of a broadcast's status may mean {known}, nothing else."
            ) from None

    def states_by_number(self) -> tuple[BroadcastState, ...]:
        return tuple(BroadcastState(word.strip().lower()) for word in self.broadcast_states.split(","))

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def keys(self) -> Keys:
        return Keys(self.public_key, self.private_key, self.signature_form, self.signed_values)


class Ogangi(BatchConnector):
    slug = "ogangi"
    label = "Ogangi"
    document = "Mobile Engagement Campaign Manager (Messangi)"
    capabilities = Capabilities(
        body=True,
        batch=BatchKind.PERSONAL,
        batch_most=100,
        personal_text=True,
        media=False,
        schedule=False,
        receipts=ReceiptKind.NONE,
        inbound=False,
        remote_entities=False,
        idempotency=False,
        alphanumeric_senders=False,
        webhook_setup=False,
        max_text_length=1600,
        sender_list=True,
        notes={
            "batch": "Up to 100 a request, each with a text of their own.",
            "receipts": "Ogangi documents no delivery reports: messages stay at what it said when it took them. Sent by "
            "broadcast (a setting), Crier asks how the broadcast ended.",
            "inbound": "Ogangi documents no replies: offer the unsubscribe link.",
            "webhook_setup": "Nothing to set: Ogangi documents no calls to us.",
            "sender_list": "The short and long codes of the instance can be found and added under Senders.",
            "alphanumeric_senders": "Texts come from the instance's short and long codes.",
        },
    )
    remote_sides = SIDES
    Config = OgangiConfig
    Client = OgangiClient
    config: OgangiConfig
    number = re.compile(r"[1-9][0-9]{7,14}", re.ASCII)
    number_words = "numbers of 8 to 15 digits with the calling code"
    send_path = "/rest/api/tools/sendSMSByFile"

    # --- addresses, keys, words -------------------------------------------------------------------

    def url(self, path: str) -> httpx.URL:
        return httpx.URL(self.config.base_url.removesuffix("/rest/api") + path)

    @staticmethod
    def base_headers() -> dict[str, str]:
        return {**BatchConnector.base_headers(), "accept": "application/xml"}

    def variables(self, path: str, values: Mapping[str, str | int]) -> dict[str, str]:
        """All variables of a path: the instance, `values`, the keys."""
        chosen = {"instanceId": self.config.instance_id, **values}
        if self.config.base64_names == "yes":
            named = {name: str(chosen[name]) for name in NAMES if chosen.get(name, NOTHING) != NOTHING}
            chosen |= {name: base64_text(value) for name, value in named.items()}
        return signed_variables(path, chosen, self.config.keys())

    def signed(self, path: str, values: Mapping[str, str | int]) -> str:
        return filled(path, self.variables(path, values))

    def redact(self, text: str) -> str:
        return SHAPES[self.config.signature_form].sub(REDACTED, super().redact(text))

    # --- sending ----------------------------------------------------------------------------------

    async def send_batch(
        self, transport: httpx.AsyncBaseTransport, batch: Sequence[OutgoingText]
    ) -> list[SendResult | ConnectorError]:
        """A broadcast has one short code: there each sender's texts go out by themselves."""
        if self.config.send_by == BY_FILE:
            return await super().send_batch(transport, batch)
        outcomes: dict[int, SendResult | ConnectorError] = {}
        for sender in dict.fromkeys(outgoing.sender for outgoing in batch):
            own = [outgoing for outgoing in batch if outgoing.sender == sender]
            results = await super().send_batch(transport, own)
            outcomes |= {outgoing.message_id: result for outgoing, result in zip(own, results, strict=True)}
        return [outcomes[outgoing.message_id] for outgoing in batch]

    def build_batch(self, batch: Sequence[OutgoingText]) -> httpx.Request:
        if self.config.send_by == BY_FILE:
            return self._posting(self.signed(SEND_BY_FILE, {}), "file", sms_file(self._rows(batch)))
        variables = broadcast_variables(shortcode=batch[0].sender, user_name=self.config.user_name)
        recipients = [
            BroadcastRecipient(
                outgoing.msisdn,
                outgoing.text,
                outgoing.sender,
                self.config.carrier,
                own_placeholders(outgoing.text),
            )
            for outgoing in batch
        ]
        return self._posting(self.signed(CREATE_BROADCAST, variables), "to", broadcast_json(recipients))

    def _rows(self, batch: Sequence[OutgoingText]) -> list[SmsRow]:
        config = self.config
        return [
            SmsRow(
                outgoing.msisdn,
                outgoing.sender,
                outgoing.text,
                config.carrier,
                config.encoding,
                config.timezone,
                own_placeholders(outgoing.text),
            )
            for outgoing in batch
        ]

    def _posting(self, path: str, name: str, upload: Upload) -> httpx.Request:
        request = httpx.Request(
            "POST",
            self.url(path),
            headers=self.base_headers(),
            files={name: (upload.filename, upload.content, upload.content_type)},
            extensions=self._send_timeout,
        )
        request.read()
        return request

    def read_batch(self, batch: Sequence[OutgoingText], answer: Answer) -> list[SendResult]:
        if self.config.send_by == BY_BROADCAST:
            return self._of_broadcast(batch, answer)
        messages = messages_of(answer.data.result)
        if not messages:
            raise self.bad_answer(answer)
        found = by_recipient([outgoing.msisdn for outgoing in batch], messages)
        return [self._result(found.get(outgoing.msisdn, [])) for outgoing in batch]

    def _result(self, messages: Sequence[SmsMessage]) -> SendResult:
        """Of one recipient's messages that which may have gone out: no other word makes it certain that none did."""
        results = [self._of_message(message) for message in messages]
        if not results:
            words = "The answer does not name this recipient."
            return SendResult(MessageState.UNKNOWN, reason="bad_answer", words=words)
        return min(
            results,
            key=lambda result: (result.state is MessageState.FAILED, result.state is MessageState.UNKNOWN),
        )

    def _of_message(self, message: SmsMessage) -> SendResult:
        state, reason = self.state_of(STATUSES, message.status)
        words = ": ".join(
            part for part in (message.status or "(no status)", message.status_description) if part
        )
        gone = state is MessageState.SENT
        return SendResult(state, message.message_id, reason, "" if gone else words)

    def _of_broadcast(self, batch: Sequence[OutgoingText], answer: Answer) -> list[SendResult]:
        broadcast = self.read_broadcast(answer)
        known = broadcast.state is not BroadcastState.UNKNOWN
        # A broadcast that got an id was taken, even where its status is not told.
        state, reason = self.state_of(
            BROADCASTS, broadcast.state if known else broadcast.status or "SCHEDULED"
        )
        words = "" if state is MessageState.SENT else broadcast.status
        expected = broadcast.expected_messages
        if expected is not None and expected != len(batch):
            words = f"{words} Ogangi expects {expected} of {len(batch)} messages.".strip()
        if state is MessageState.SENT and expected == 0:
            state, reason = MessageState.UNKNOWN, "bad_answer"
        return [SendResult(state, broadcast.broadcast_id, reason, words)] * len(batch)

    # --- a broadcast, read back -------------------------------------------------------------------

    @property
    def receipts(self) -> ReceiptKind:
        return ReceiptKind.POLLED if self.can_be_asked else ReceiptKind.NONE

    @property
    def can_be_asked(self) -> bool:
        """By file no call tells of a message."""
        return self.config.send_by == BY_BROADCAST

    def build_status(self, provider_message_id: str) -> httpx.Request:
        return self.build_broadcast(provider_message_id)

    def read_status(self, answer: Answer) -> StatusAnswer:
        broadcast = self.read_broadcast(answer)
        sent, expected = broadcast.sent_messages, broadcast.expected_messages
        if broadcast.state not in (BroadcastState.FINISHED, BroadcastState.STOPPED):
            return StatusAnswer(None)
        words = f"{broadcast.state.capitalize()}: {sent} of {expected} messages sent."
        if sent == 0:
            report = DeliveryReport(MessageState.FAILED, words=words, reason="failed")
        elif sent is not None and sent == expected:
            report = DeliveryReport(MessageState.SENT, words=words)
        else:
            return StatusAnswer(None, is_last=True)
        return StatusAnswer(report, is_last=True)

    def build_broadcast(self, broadcast_id: str) -> httpx.Request:
        """Asks how a broadcast stands, whose id messages have as `provider_message_id`. Pure."""
        return self.request("GET", self.signed(BROADCAST, {"broadcastId": broadcast_id}))

    def read_broadcast(self, answer: Answer) -> Broadcast:
        """From an answer that is no refusal. Pure. Raises BadAnswer."""
        broadcast = broadcast_of(answer.data.result, self.config.states_by_number())
        if broadcast is None:
            raise self.bad_answer(answer)
        return broadcast

    # --- answers ----------------------------------------------------------------------------------

    def read(self, response: httpx.Response) -> Answer:
        """`data` is the Envelope, or None."""
        return dataclasses.replace(read_answer(response), data=read_envelope(response.content))

    def explain(self, answer: Answer) -> str:
        if answer.data is None:
            return plain_words(answer.body)
        return answer.data.description or str(answer.data.status)

    def refusal(self, answer: Answer) -> ConnectorError | None:
        if answer.data is None:
            return self.refusal_by_status(answer)
        words = self.explain(answer)
        match answer.data.status:
            case "OK":
                return None
            case "BAD_SIGNATURE":
                return AccountRefused(
                    f"{self.label} does not accept the signature: check keys, instance and user, then how requests "
                    "are signed, on the account's page.",
                    words=words,
                    reason="bad_credentials",
                )
            case "ERROR" if answer.status == 404:
                return self.account_refused("bad_settings", answer.status, words)
            case "ERROR" if answer.status >= 400:
                return self.refusal_by_status(answer)
            case "ERROR":
                return ServerTrouble(
                    f"{self.label} failed, and does not say how far it came. Ask its support if it goes on.",
                    words=words,
                )
        return BadAnswer(f"{self.label} answered with a status that it does not document.", words=words)

    # --- test, senders, webhook -------------------------------------------------------------------

    def build_test(self) -> httpx.Request:
        return self.build_sender_list(0)

    def read_test(self, answer: Answer) -> str:
        """The list of short codes proves keys, instance and user, and sends no text."""
        codes = self.read_sender_list(self._accepted(answer)).senders
        if not codes:
            return f"{self.label} accepts the keys. The instance has no short code: ask its support for one."
        return f"{self.label} accepts the keys. Short codes of the instance: {len(codes)}."

    def build_sender_list(self, start: int) -> httpx.Request:
        """All at once: the call knows no pages."""
        return self.request("GET", self.signed(SHORTCODES, {"userName": self.config.user_name}))

    def read_sender_list(self, answer: Answer) -> SenderPage:
        codes = shortcodes_of(answer.data.result)
        if codes is None:
            raise self.bad_answer(answer)
        return SenderPage(codes, read=0)

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        raise WebhookRejected(f"{self.label} documents no calls to us: nothing is known of this one.")


def by_recipient(numbers: Sequence[str], messages: Sequence[SmsMessage]) -> dict[str, list[SmsMessage]]:
    """The messages of each of `numbers`; those of other numbers are left out."""
    endings = Counter(number[-10:] for number in numbers)
    ours = {number[-10:]: number for number in numbers if endings[number[-10:]] == 1}
    whole = frozenset(numbers)
    found: dict[str, list[SmsMessage]] = {}
    for message in messages:
        named = digits(message.msisdn)
        number = named if named in whole else ours.get(named[-10:])
        if number is not None:
            found.setdefault(number, []).append(message)
    return found
