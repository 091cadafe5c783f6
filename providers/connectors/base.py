"""What every connector is: the flow of a send, a test and a webhook call. A vendor fills holes.

    send:     check -> build_send -> HTTP -> (refusal) -> read_send -> SendResult
    test:     build_test -> HTTP -> (refusal) -> read_test -> a sentence
    webhook:  verify_webhook -> read_webhook -> reports and inbound texts
    status:   build_status -> HTTP -> (refusal) -> read_status -> StatusAnswer

Whatever goes wrong leaves as one of providers.errors, with the vendor's words redacted. Nothing that
happens after a request went out can look as if it had not: an answer that our own code trips over is a
BadAnswer.
"""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import json
import logging
import re
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import httpx

from providers.connectors.answers import Answer, plain_words, read_answer, sentences
from providers.connectors.capabilities import (
    BatchKind,
    Capabilities,
    CapabilityLine,
    MediaLimits,
    Picture,
    ReceiptKind,
)
from providers.connectors.config import AccountConfig, ConfigField, setting
from providers.connectors.operations import (
    Listener,
    Operation,
    VendorClient,
    exchange_of,
    operations_of,
    query_string,
)
from providers.errors import (
    MAX_WORDS,
    AccountRefused,
    BadAnswer,
    CapabilityError,
    ConfigError,
    ConnectorError,
    MessageRefused,
    NoAnswer,
    ServerTrouble,
    Throttled,
    Unreachable,
    WebhookPartlyRead,
    WebhookRejected,
)
from providers.sync.remotes import RemoteSide
from providers.transport import USER_AGENT, AnswerTooLong
from sms.opt_out import says_opted_out
from sms.senders import sender_error, sender_kind
from sms.states import MessageState

__all__ = [
    "AccountConfig",
    "Answer",
    "BatchConnector",
    "BatchKind",
    "Capabilities",
    "CapabilityLine",
    "ConfigError",
    "ConfigField",
    "Connector",
    "DeliveryReport",
    "InboundText",
    "MediaLimits",
    "OutgoingText",
    "Picture",
    "ReceiptKind",
    "SendResult",
    "SenderPage",
    "StatusAnswer",
    "StatusTable",
    "WebhookCall",
    "WebhookRejected",
    "setting",
]

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
TEST_SECONDS = 15.0
SENDER_PAGES_MOST = 50
TELL_EVERY_SECONDS = 1.0
REDACTED = "[redacted]"
UNKNOWN_STATUS = "unknown_status"
# The vendor does not text this number, as the person asked it not to: the number is opted out here, too.
OPTED_OUT_AT_VENDOR = "opted_out_at_vendor"
# What a vendor's words can turn into that: it was not taken, or did not arrive.
_REFUSED = (
    MessageState.FAILED,
    MessageState.REJECTED,
    MessageState.UNDELIVERED,
    MessageState.UNKNOWN,
)

# A vendor's word in upper case: our state, and the reason kept with the message ("" where the state says it
# all).
StatusTable = Mapping[str, tuple[MessageState, str]]


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text to one recipient. Numbers are digits with the calling code, no plus.

    `reference` is ours, given to the vendor where it takes one and repeated in its reports; `receipt_url`
    is where those go, where the vendor lets each text name it.
    """

    message_id: int
    msisdn: str
    sender: str
    text: str
    media_urls: tuple[str, ...] = ()
    receipt_url: str = field(default="", repr=False)  # holds the webhook's secret token
    reference: str = ""
    # What nobody may keep of the text, such as a code.
    hidden: str = field(default="", repr=False)
    # What the connector asks for by `wanted_values`, by the names of the recipient's columns.
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the vendor said at once. `state`: sent, or what it documents of this recipient (failed, rejected,
    suppressed), or unknown. `price` is for the whole message, `words` are the vendor's own, redacted."""

    state: MessageState
    provider_message_id: str = ""
    reason: str = ""
    words: str = ""
    parts: int | None = None
    price: Decimal | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A call that a vendor made to us. Header names are in lower case."""

    method: str
    path: str = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote_address: str


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """Names its message by `reference`, else by `provider_message_id`, else (some vendors know neither) by
    numbers, the beginning of the text and the time of submission, whose zone may be unknown."""

    state: MessageState
    provider_message_id: str = ""
    reference: str = ""
    msisdn: str = ""
    sender: str = ""
    text_prefix: str = ""
    submitted_at: datetime | None = None
    occurred_at: datetime | None = None
    words: str = ""
    reason: str = ""
    parts: int | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class InboundText:
    """A text that a person wrote to one of our numbers, word for word.

    A vendor that does not tell the number leaves `msisdn` empty and names by `answers_id` its own id of a text of ours
    to that person. `opted_out`: it has opted the person out itself, whatever the words say.
    """

    msisdn: str
    sender_number: str
    text: str
    media_urls: tuple[str, ...] = ()
    provider_message_id: str = ""
    occurred_at: datetime | None = None
    answers_id: str = ""
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the vendor says of a text when it is asked. `report` None: nothing is known yet. `is_last`: whatever it says
    now, it will not say more."""

    report: DeliveryReport | None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class SenderPage:
    """`senders`: those that may send now. `read`: rows of the answer, the others included; 0 after the last page."""

    senders: tuple[str, ...]
    read: int


T = TypeVar("T")
News = TypeVar("News", SendResult, DeliveryReport)


class Connector(ABC):
    """One account at one vendor. Holds no connection: safe to keep and to share between threads and loops."""

    slug: ClassVar[str]
    label: ClassVar[str]
    document: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    Config: ClassVar[type[AccountConfig]]
    # All operations of its document, as typed methods.
    Client: ClassVar[type[VendorClient]]
    # What it has of the entities that can be kept in step, each kind once.
    remote_sides: ClassVar[tuple[type[RemoteSide[Any, Any]], ...]] = ()
    # Columns of the recipient whose values go out beside the text, as OutgoingText.values; an account may set its own.
    wanted_values: tuple[str, ...] = ()
    # One webhook for all accounts of a company there: its news may be of texts of the workspace's other accounts.
    shares_webhook: ClassVar[bool] = False
    # What a recipient's number has to be (fullmatch), and the same in words.
    number: ClassVar[re.Pattern[str]]
    number_words: ClassVar[str]

    config: AccountConfig
    # Hears of what goes over the line: of all trouble and, while it goes well, of one request a second.
    listener: Listener | None = None

    def __init__(self, config: AccountConfig, *, timeout_seconds: float = 30.0) -> None:
        self.config = config
        self.timeout_seconds = timeout_seconds
        self._sources = config.sources()
        self._secrets = _spellings([*config.secrets(), *self.derived_secrets()])
        self._send_url = self.url(self.send_path + query_string(self.send_query()))
        self._send_headers = httpx.Headers(
            {"content-type": "application/json", **self.base_headers(), **self.auth_headers()}
        )
        # As a Request would complete them, which costs it more than all the rest of it.
        self._whole_headers = [(b"Host", self._send_url.netloc), *self._send_headers.raw]
        self._send_timeout = {"timeout": self.timeout(timeout_seconds)}
        # Until when nothing more is told of what goes well, and of trouble.
        self._quiet_until = [0.0, 0.0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.config.base_url}>"

    @classmethod
    def operations(cls) -> tuple[Operation, ...]:
        return operations_of(cls.Client)

    # --- holes: what a vendor fills ---------------------------------------------------------------

    send_path: ClassVar[str]

    def auth_headers(self) -> dict[str, str]:
        """Sent with every request."""
        return {}

    def send_query(self) -> dict[str, str]:
        """Behind `send_path`, with every text."""
        return {}

    def derived_secrets(self) -> tuple[str, ...]:
        """Secrets made from the config's, such as a Basic header."""
        return ()

    def send_body(self, outgoing: OutgoingText) -> dict[str, Any]:
        """The JSON of one text, exactly as the document has it. Pure. Of all that do not build their own requests."""
        raise NotImplementedError

    @abstractmethod
    def read_send(self, outgoing: OutgoingText, answer: Answer) -> SendResult:
        """From an answer that is JSON and no refusal. Raises ConnectorError."""

    @abstractmethod
    def build_test(self) -> httpx.Request:
        """A request that proves address and credentials and sends no text."""

    @abstractmethod
    def read_test(self, answer: Answer) -> str:
        """A sentence that says what works. Raises ConnectorError."""

    @abstractmethod
    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        """What the vendor tells in this call; [] when it is nothing to us. Raises WebhookRejected; WebhookPartlyRead where
        only some of many reports are what the vendor documents."""

    def read(self, response: httpx.Response) -> Answer:
        """A vendor that does not answer in JSON fills `data` from what it does."""
        return read_answer(response)

    def verify_webhook(self, call: WebhookCall) -> None:  # noqa: B027 - most vendors sign nothing
        """Raises WebhookRejected for a call that is not the vendor's. Before anything in it is read."""

    def refusal(self, answer: Answer) -> ConnectorError | None:
        """What an answer's status means; a vendor looks into the body first, then asks here."""
        return self.refusal_by_status(answer)

    def explain(self, answer: Answer) -> str:
        """The vendor's own words for a refusal."""
        return "; ".join(sentences(answer.data)) if answer.data is not None else plain_words(answer.body)

    def build_webhook_registration(self, url: str) -> httpx.Request:
        raise CapabilityError(
            f"{self.label} has no call that sets a webhook: the address goes out with each text, or is set"
            " there by hand."
        )

    def read_webhook_registration(self, answer: Answer) -> str:
        raise NotImplementedError

    def build_sender_list(self, start: int) -> httpx.Request:
        """For the senders after the first `start` of them. Pure."""
        raise CapabilityError(f"{self.label} has no call that lists its senders: add them by hand.")

    def read_sender_list(self, answer: Answer) -> SenderPage:
        """From an answer that is JSON and no refusal. Raises ConnectorError."""
        raise NotImplementedError

    @property
    def receipts(self) -> ReceiptKind:
        """How this account's reports come; a vendor whose settings decide fills it."""
        return self.capabilities.receipts

    @property
    def can_be_asked(self) -> bool:
        """Whether it says what became of a text, by its own id of it (`build_status`)."""
        return False

    def build_status(self, provider_message_id: str) -> httpx.Request:
        """Asks what became of a text. Pure."""
        raise CapabilityError(f"{self.label} has no call that tells what became of a text.")

    def read_status(self, answer: Answer) -> StatusAnswer:
        """From an answer that is no refusal. Raises ConnectorError."""
        raise NotImplementedError

    def status_refusal(self, answer: Answer) -> ConnectorError | None:
        """Where the vendor refuses a question otherwise than a text: NotFound for a text that it does not know."""
        return self.refusal(answer)

    # --- the flow ---------------------------------------------------------------------------------

    def check(self, outgoing: OutgoingText) -> None:
        """Refuses before any HTTP what the vendor cannot do. Raises CapabilityError or MessageRefused."""
        can = self.capabilities
        pictures = [Picture.at(url) for url in outgoing.media_urls]
        if problem := can.picture_problem(self.label, pictures, outgoing.text):
            raise CapabilityError(problem)
        self.check_text(outgoing)
        self.check_sender(outgoing.sender)
        if not self.reaches(outgoing.msisdn):
            reason = "bad_number" if can.reaches(outgoing.msisdn) else "out_of_reach"
            raise MessageRefused(f"{self.label} takes {self.number_words} only.", reason=reason)

    @classmethod
    def reaches(cls, msisdn: str) -> bool:
        """Whether a text to the number would be handed over at all."""
        return cls.capabilities.reaches(msisdn) and bool(cls.number.fullmatch(msisdn))

    def check_text(self, outgoing: OutgoingText) -> None:
        """Raises MessageRefused; CapabilityError where the text is not written here (`capabilities.body`)."""
        most = self.capabilities.max_text_length
        if not outgoing.text and not outgoing.media_urls:
            raise MessageRefused("The text is empty.", reason="empty_text")
        if len(outgoing.text) > most:
            raise MessageRefused(
                f"The text has {len(outgoing.text):,} characters, {self.label} takes {most:,}: shorten it.",
                reason="text_too_long",
            )

    @classmethod
    def check_sender(cls, sender: str) -> None:
        """Raises CapabilityError for a kind that the vendor has not, MessageRefused for a wrong one."""
        if wrong := sender_error(sender):
            raise MessageRefused(wrong, reason="sender_not_allowed")
        if not cls.capabilities.alphanumeric_senders and sender_kind(sender) == "alphanumeric":
            raise CapabilityError(
                f"{cls.label} sends from numbers only, not from the name “{sender}”: choose a number as "
                "sender."
            )

    def build_send(self, outgoing: OutgoingText) -> httpx.Request:
        return self.post(self.send_body(outgoing))

    def parse_send(self, outgoing: OutgoingText, response: httpx.Response) -> SendResult:
        """From a response whose body was read. Raises ConnectorError."""
        try:
            return self._heard(self._clean(self.read_send(outgoing, self._accepted(self.read(response)))))
        except Exception as error:
            raise self.told(error) from None

    async def send(self, transport: httpx.AsyncBaseTransport, outgoing: OutgoingText) -> SendResult:
        """Hands one text over, once. Raises ConnectorError; see there what may be tried again."""
        self.check(outgoing)
        request, response = self.build_send(outgoing), None
        began = time.monotonic()
        try:
            response = await transport.handle_async_request(request)
            await response.aread()
            result = self.parse_send(outgoing, response)
        except Exception as error:
            told = self.told(error)
            self._tell(request, response, began, [outgoing], str(told))
            raise told from None
        if self.listener is not None:
            self._tell(request, response, began, [outgoing], result.words)
        return result

    def parse_status(self, response: httpx.Response) -> StatusAnswer:
        """From a response whose body was read. Raises ConnectorError."""
        try:
            answer = self.read(response)
            if error := self.status_refusal(answer):
                raise error
            if answer.data is None:
                raise self.bad_answer(answer)
            status = self.read_status(answer)
        except Exception as error:
            raise self.told(error) from None
        if status.report is None:
            return status
        return dataclasses.replace(status, report=_reported(self._clean(status.report)))

    async def ask_status(self, transport: httpx.AsyncBaseTransport, provider_message_id: str) -> StatusAnswer:
        """What became of one text; asking changes nothing at the vendor. Raises ConnectorError."""
        request, response = self.build_status(provider_message_id), None
        began = time.monotonic()
        try:
            response = await transport.handle_async_request(request)
            await response.aread()
            status = self.parse_status(response)
        except Exception as error:
            told = self.told(error)
            self._tell(request, response, began, [], str(told), operation="status")
            raise told from None
        self._tell(request, response, began, [], "", operation="status")
        return status

    def parse_test(self, response: httpx.Response) -> str:
        try:
            return self.redact(self.read_test(self.read(response)))
        except Exception as error:
            raise self.told(error) from None

    def test(self, client: httpx.Client) -> str:
        """Asks the vendor whether address and credentials work; a sentence, or ConnectorError."""
        return self._ask(client, self.build_test(), "test", self.parse_test)

    def register_webhook(self, client: httpx.Client, url: str) -> str:
        """Tells the vendor where to post reports and inbound texts; a sentence, or ConnectorError."""

        def read(response: httpx.Response) -> str:
            return self.redact(self.read_webhook_registration(self._accepted(self.read(response))))

        return self._ask(client, self.build_webhook_registration(url), "register_webhook", read)

    def parse_sender_list(self, response: httpx.Response) -> SenderPage:
        """From a response whose body was read. Raises ConnectorError."""
        try:
            return self.read_sender_list(self._accepted(self.read(response)))
        except Exception as error:
            raise self.told(error) from None

    def list_senders(self, client: httpx.Client) -> list[str]:
        """The senders that the vendor has for this account, as it writes them, each once; or ConnectorError."""
        found: dict[str, None] = {}
        start = 0
        for _page in range(SENDER_PAGES_MOST):
            request = self.build_sender_list(start)
            page = self._ask(client, request, "list_senders", self.parse_sender_list)
            known = len(found)
            found.update(dict.fromkeys(page.senders))
            start += page.read
            # A vendor that does not mind `start` says the same again.
            if not page.read or (page.senders and len(found) == known):
                break
        return list(found)

    def parse_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        """Raises WebhookRejected, WebhookPartlyRead. A repeated call gives the same again; dropping repeats is the
        caller's."""
        self._check_source(call)
        self.verify_webhook(call)
        try:
            news = self.read_webhook(call)
        except WebhookPartlyRead as error:
            raise WebhookPartlyRead(str(error), self._as_reported(error.news)) from None
        except WebhookRejected:
            raise
        except Exception as error:
            log.error("%s: a webhook call could not be read (%s)", self.label, _where(error))
            raise WebhookRejected(f"This is not what {self.label} is documented to post.") from None
        return self._as_reported(news)

    def _as_reported(
        self, news: Sequence[DeliveryReport | InboundText]
    ) -> list[DeliveryReport | InboundText]:
        return [_reported(self._clean(item)) if isinstance(item, DeliveryReport) else item for item in news]

    def redact(self, text: str) -> str:
        """Without this account's secrets, in any usual spelling."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text

    # --- for vendors ------------------------------------------------------------------------------

    def url(self, path: str) -> httpx.URL:
        return httpx.URL(self.config.base_url + path)

    @staticmethod
    def base_headers() -> dict[str, str]:
        return {"accept": "application/json", "user-agent": USER_AGENT}

    @staticmethod
    def timeout(seconds: float) -> dict[str, float]:
        """As httpx's transports want it among a request's extensions."""
        connect = min(CONNECT_SECONDS, seconds)
        return {"connect": connect, "pool": connect, "read": seconds, "write": seconds}

    def post(self, data: Any) -> httpx.Request:
        """To where texts are sent. `data`: what is to be JSON."""
        body = json.dumps(data).encode()
        request = httpx.Request(
            "POST",
            self._send_url,
            headers=[*self._whole_headers, (b"Content-Length", b"%d" % len(body))],
            stream=httpx.ByteStream(body),
            extensions=self._send_timeout,
        )
        request.read()
        return request

    def request(
        self, method: str, path: str, *, data: Any = None, seconds: float = TEST_SECONDS
    ) -> httpx.Request:
        """A call now and then, with the account's credentials."""
        headers = self._send_headers.copy()
        content = None
        if data is None:
            del headers["content-type"]
        else:
            content = json.dumps(data).encode()
        return httpx.Request(
            method,
            self.url(path),
            headers=headers,
            content=content,
            extensions={"timeout": self.timeout(seconds)},
        )

    def state_of(self, table: StatusTable, word: str) -> tuple[MessageState, str]:
        """Our state and reason; `unknown` and a line in the log for a word that is not documented."""
        known = table.get(word.strip().upper())
        if known is None:
            log.warning("%s says %r, a status it does not document", self.label, self.redact(word)[:60])
            return MessageState.UNKNOWN, UNKNOWN_STATUS
        return known

    def refusal_by_status(self, answer: Answer) -> ConnectorError | None:
        """HTTP's own meaning of a status, for vendors that say nothing else; None for success.

        A 4xx was not carried out (RFC 9110, 15.5), except where the server gave up on a request it may have
        had (408). A 307 or 308 was not either, as it has to be repeated elsewhere; after a 302 or 303 it
        may have been.
        """
        status = answer.status
        if 200 <= status < 300:
            return None
        words = self.explain(answer)
        if status == 429:
            return Throttled(
                f"{self.label} asks for fewer texts at a time.", words=words, retry_after=answer.retry_after
            )
        if status in _ACCOUNT_STATUSES or _NO_CREDIT.search(words):
            reason = "no_credit" if _NO_CREDIT.search(words) else _ACCOUNT_STATUSES[status]
            return self.account_refused(reason, status, words)
        if status >= 500:
            return ServerTrouble(
                f"{self.label}'s server failed ({status}). Ask its support if it goes on.", words=words
            )
        if status == 408:
            return NoAnswer(f"{self.label} gave up waiting for the request (408).", words=words)
        if answer.data is None and status in _NOT_OF_A_MESSAGE:
            # A page instead of the vendor's own JSON: a proxy or another server stands at the address.
            return self.account_refused("wrong_address", status, words)
        if status >= 400:
            reason = "text_too_long" if status == 413 else "refused"
            return MessageRefused(f"{self.label} refused it ({status}).", words=words, reason=reason)
        return BadAnswer(
            f"{self.label} answered with status {status}, which it does not document. Check the base URL.",
            words=words,
        )

    def account_refused(self, reason: str, status: int, words: str) -> AccountRefused:
        return AccountRefused(
            _ACCOUNT_SENTENCES[reason].format(self.label, status), words=words, reason=reason
        )

    def bad_answer(self, answer: Answer) -> BadAnswer:
        return BadAnswer(
            f"{self.label}'s answer could not be read ({answer.status}). Check the base URL; if it is right, "
            "ask its "
            "support.",
            words=self.explain(answer),
        )

    # --- inside -----------------------------------------------------------------------------------

    def _check_source(self, call: WebhookCall) -> None:
        if not self._sources:
            return
        try:
            address = ipaddress.ip_address(call.remote_address)
            # A server that listens on IPv6 tells IPv4 callers as ::ffff:192.0.2.1.
            plain = getattr(address, "ipv4_mapped", None) or address
            if any(plain in network for network in self._sources):
                return
        except ValueError:
            pass
        raise WebhookRejected(
            f"The call came from {call.remote_address or 'an unknown address'}, which is no webhook source of "
            "this account."
        )

    def _tell(
        self,
        request: httpx.Request,
        response: httpx.Response | None,
        began: float,
        batch: Sequence[OutgoingText],
        trouble: str,
        operation: str = "send",
    ) -> None:
        """To the listener, of each kind one request in TELL_EVERY_SECONDS: a vendor in trouble would fill the disk."""
        now = time.monotonic()
        if self.listener is None or now < self._quiet_until[bool(trouble)]:
            return
        self._quiet_until[bool(trouble)] = now + TELL_EVERY_SECONDS
        hidden = [outgoing.hidden for outgoing in batch if outgoing.hidden]
        self.listener(exchange_of(self, operation, request, response, now - began, trouble, hidden))

    def _ask(
        self,
        client: httpx.Client,
        request: httpx.Request,
        operation: str,
        read: Callable[[httpx.Response], T],
    ) -> T:
        """A call at a person's pace. Raises ConnectorError."""
        began, response, trouble = time.monotonic(), None, ""
        try:
            response = client.send(request, follow_redirects=False)
            return read(response)
        except Exception as error:
            told = self.told(error)
            trouble = str(told)
            raise told from None
        finally:
            if self.listener is not None:
                seconds = time.monotonic() - began
                self.listener(exchange_of(self, operation, request, response, seconds, trouble))

    def _accepted(self, answer: Answer) -> Answer:
        if error := self.refusal(answer):
            raise error
        if answer.data is None:
            raise self.bad_answer(answer)
        return answer

    def told(self, error: Exception) -> ConnectorError:
        """Whatever was raised, as a ConnectorError whose words hold no secret."""
        match error:
            case ConnectorError():
                error.words = self.redact(error.words)[:MAX_WORDS]
                return self._refused_by_person(error)
            case (
                httpx.ConnectError()
                | httpx.ConnectTimeout()
                | httpx.PoolTimeout()
                | httpx.ProxyError()
                | httpx.UnsupportedProtocol()
            ):
                place = self.redact(urlsplit(self.config.base_url).netloc)
                return Unreachable(
                    f"{self.label} could not be reached at {place}: check the base URL, and whether the network "
                    "lets us out.",
                    words=self.redact(str(error)),
                )
            case AnswerTooLong() | httpx.DecodingError():
                return BadAnswer(
                    f"{self.label}'s answer could not be read. Check the base URL.",
                    words=self.redact(str(error)),
                )
            case httpx.TimeoutException():
                return NoAnswer(f"{self.label} did not answer in time.")
            case httpx.HTTPError():
                return NoAnswer(
                    f"{self.label} cut the line before its answer was there.", words=self.redact(str(error))
                )
        log.error("%s: an answer could not be read (%s)", self.label, _where(error))
        return BadAnswer(f"{self.label}'s answer could not be read.", words=type(error).__name__)

    def _refused_by_person(self, error: ConnectorError) -> ConnectorError:
        """A refusal that names the person's wish is of this recipient alone, whatever status it came with."""
        if type(error) not in (MessageRefused, AccountRefused) or not says_opted_out(error.words):
            return error
        sentence = f"{self.label} does not text this number: the person opted out there."
        return MessageRefused(sentence, words=error.words, reason=OPTED_OUT_AT_VENDOR)

    def _heard(self, result: SendResult) -> SendResult:
        """A result that says so, in its state or in words, was not taken: the person opted out at the vendor."""
        if result.state is MessageState.SUPPRESSED or _says_so(result):
            return dataclasses.replace(result, state=MessageState.SUPPRESSED, reason=OPTED_OUT_AT_VENDOR)
        return result

    def _clean(self, news: News) -> News:
        if not news.words:
            return news
        return dataclasses.replace(news, words=self.redact(news.words)[:MAX_WORDS])


class BatchConnector(Connector):
    """Of a vendor that takes many recipients in one request, as many as `capabilities.batch_most`.

    A batch that is refused as a whole is certainly not sent: it is halved until who is to blame stands alone.
    """

    @abstractmethod
    def build_batch(self, batch: Sequence[OutgoingText]) -> httpx.Request:
        """One request for all of them; no number is in it twice. Pure."""

    @abstractmethod
    def read_batch(self, batch: Sequence[OutgoingText], answer: Answer) -> list[SendResult]:
        """One for each, in their order, from an answer that is no refusal; unknown for whom it does not name.
        Raises ConnectorError."""

    def build_send(self, outgoing: OutgoingText) -> httpx.Request:
        return self.build_batch([outgoing])

    def read_send(self, outgoing: OutgoingText, answer: Answer) -> SendResult:
        [result] = self.read_batch([outgoing], answer)
        return result

    async def send_batch(
        self, transport: httpx.AsyncBaseTransport, batch: Sequence[OutgoingText]
    ) -> list[SendResult | ConnectorError]:
        """Hands all of them over, once each. What became of each, in their order; nothing is raised."""
        outcomes: dict[int, SendResult | ConnectorError] = {}
        fit: list[OutgoingText] = []
        for outgoing in batch:
            try:
                self.check(outgoing)
                fit.append(outgoing)
            except ConnectorError as error:
                outcomes[outgoing.message_id] = error
        if fit:
            await self._hand_over(transport, fit, outcomes)
        return [outcomes[outgoing.message_id] for outgoing in batch]

    async def _hand_over(
        self,
        transport: httpx.AsyncBaseTransport,
        batch: Sequence[OutgoingText],
        outcomes: dict[int, SendResult | ConnectorError],
    ) -> None:
        request: httpx.Request | None = None
        response, began = None, time.monotonic()
        try:
            request = self.build_batch(batch)
            response = await transport.handle_async_request(request)
            await response.aread()
            results = self.read_batch(batch, self._accepted(self.read(response)))
            heard = [self._heard(self._clean(result)) for result in results]
            outcomes.update(
                (outgoing.message_id, result) for outgoing, result in zip(batch, heard, strict=True)
            )
            self._tell(request, response, began, batch, "")
        except Exception as error:
            told = self.told(error)
            if request is not None:
                self._tell(request, response, began, batch, str(told))
            if not isinstance(told, MessageRefused) or len(batch) == 1:
                outcomes.update((outgoing.message_id, told) for outgoing in batch)
                return
            middle = len(batch) // 2
            await self._hand_over(transport, batch[:middle], outcomes)
            await self._hand_over(transport, batch[middle:], outcomes)


def _says_so(news: SendResult | DeliveryReport) -> bool:
    """An unknown word is looked at, too; an answer that could not be read is not."""
    if news.state is MessageState.UNKNOWN and news.reason != UNKNOWN_STATUS:
        return False
    return news.state in _REFUSED and says_opted_out(news.words)


def _reported(report: DeliveryReport) -> DeliveryReport:
    """It may have left, so it is rejected and not suppressed; what became of it otherwise stays."""
    if not _says_so(report):
        return report
    state = MessageState.REJECTED if report.state is MessageState.UNKNOWN else report.state
    return dataclasses.replace(report, state=state, reason=OPTED_OUT_AT_VENDOR)


_NO_CREDIT = re.compile(r"(?i)\b(insufficient|not enough|no)\s+(balance|credits?|funds?)\b")
_ACCOUNT_STATUSES = {
    301: "wrong_address",
    307: "wrong_address",
    308: "wrong_address",
    401: "bad_credentials",
    402: "no_credit",
    403: "service_off",
    404: "wrong_address",
    405: "wrong_address",
}
_NOT_OF_A_MESSAGE = frozenset({400, 406, 407, 410, 411, 415, 421, 426})
_ACCOUNT_SENTENCES = {
    "bad_credentials": "{} does not accept the credentials ({}). Correct them on the account's page.",
    "no_credit": "{} says that there is no credit left ({}). Top up there, then resume.",
    "service_off": "{} has switched the service off for this account ({}). Ask its support.",
    "wrong_address": "{} does not "
    "take texts at this address ({}). Correct the base URL on the account's page.",
    "bad_settings": "{} does not accept a setting of this account ({}). Read its words, then correct it.",
}


def _spellings(secrets: list[str]) -> tuple[str, ...]:
    """Each secret as it may turn up in text, longest first, so that no part of one stays behind."""
    found = set()
    for secret in secrets:
        plain = secret.encode()
        found |= {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        found.add(base64.b64encode(plain).decode())
    found.discard("")
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _where(error: Exception) -> str:
    """Kind and line, without the message: that may hold what the vendor sent, secrets included."""
    frames = traceback.extract_tb(error.__traceback__)
    return (
        f"{type(error).__name__} in {frames[-1].name}, line {frames[-1].lineno}"
        if frames
        else type(error).__name__
    )
