"""The operations of a vendor's document: each a typed method of its client, which also works alone.

    from providers.connectors import bulkvs

    with bulkvs.client(username="…", password="…") as portal:
        for webhook in portal.list_webhooks():
            print(webhook.name, webhook.url)

A method's decorator names its operation; the request is built from that very line, and docs/providers.md is
printed from it, so that neither can drift from the other. A method returns what the document promises, as frozen
dataclasses, or raises one of providers.errors: RequestRefused (NotFound, Conflict) where the vendor says no,
AccountRefused and Throttled where it is the account, Unclear where nobody knows whether it was carried out.
Nothing is tried twice by itself.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx

from providers.connectors.answers import Answer
from providers.errors import (
    BadAnswer,
    Conflict,
    ConnectorError,
    MessageRefused,
    NotFound,
    RequestRefused,
)
from providers.transport import MAX_LIST_BYTES, sync_client

if TYPE_CHECKING:
    from providers.connectors.base import Connector

# Some operations work for seconds at the vendor before they answer.
OPERATION_SECONDS = 30.0
# Of a request or an answer, in the traffic log.
SHOWN_CHARACTERS = 8000

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound="VendorClient")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a vendor's document. `section`: its heading there; `path` names its variables in braces."""

    name: str
    method: str
    path: str
    section: str
    # Whether the answer is a file (of any kind) instead of data.
    gives_file: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes out in a multipart body."""

    filename: str
    content: bytes = field(repr=False)
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one call of an operation carries. `json` None: no JSON body. Of `query`, None values are left out."""

    path: Mapping[str, str | int] = field(default_factory=dict)
    query: Mapping[str, str | int | Sequence[str | int] | None] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Upload] = field(default_factory=dict)
    seconds: float = OPERATION_SECONDS


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it, redacted: what the traffic log keeps. `status` is None without an answer."""

    operation: str
    method: str
    url: str
    request: str
    status: int | None
    answer: str
    seconds: float
    # The sentence of the error it ended with, "" where it went well.
    trouble: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


Listener = Callable[[Exchange], None]


class Ask:
    """Handed to a client's method: carries out its operation, and returns the answer if it is no refusal."""

    __slots__ = ("_client", "operation")

    def __init__(self, client: VendorClient, operation: Operation) -> None:
        self._client = client
        self.operation = operation

    def __call__(
        self,
        *,
        path: Mapping[str, str | int] | None = None,
        query: Mapping[str, str | int | Sequence[str | int] | None] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, Upload] | None = None,
        seconds: float = OPERATION_SECONDS,
    ) -> Answer:
        parameters = Parameters(path or {}, query or {}, json, form or {}, files or {}, seconds)
        return self._client.exchange(self.operation, parameters)


def operation(
    method: str, path: str, *, section: str, gives_file: bool = False
) -> Callable[[Callable[Concatenate[C, Ask, P], T]], Callable[Concatenate[C, P], T]]:
    """Makes a method of a VendorClient, whose second argument is its Ask, an operation of the vendor's document."""

    def decorate(function: Callable[Concatenate[C, Ask, P], T]) -> Callable[Concatenate[C, P], T]:
        known = Operation(function.__name__, method, path, section, gives_file)

        @functools.wraps(function)
        def ask_and_read(self: C, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(self, Ask(self, known), *args, **kwargs)
            except Exception as error:
                raise self.connector.told(error) from None

        ask_and_read.operation = known  # type: ignore[attr-defined]  # a function may carry what is known of it
        return ask_and_read

    return decorate


def operations_of(client: type[VendorClient]) -> tuple[Operation, ...]:
    """In the order of the document's groups, as the client's classes hold them."""
    found: dict[str, Operation] = {}
    for kind in client.__mro__:
        for name, member in vars(kind).items():
            if isinstance(known := getattr(member, "operation", None), Operation):
                found.setdefault(name, known)
    return tuple(found.values())


class VendorClient:
    """All operations of one vendor, over one HTTP client of its own unless one is given.

    `listener` hears of each request that went out, whatever came of it.
    """

    def __init__(
        self,
        connector: Connector,
        http: httpx.Client | None = None,
        *,
        listener: Listener | None = None,
    ) -> None:
        self.connector = connector
        self.listener = listener
        self._http = http or sync_client(MAX_LIST_BYTES)
        self._is_own = http is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.connector.config.base_url}>"

    def close(self) -> None:
        if self._is_own:
            self._http.close()

    # --- holes ------------------------------------------------------------------------------------

    def build(self, operation: Operation, parameters: Parameters) -> httpx.Request:
        """The request of one operation, with the account's credentials. Pure."""
        connector = self.connector
        headers = {**connector.base_headers(), **connector.auth_headers()}
        if operation.gives_file:
            headers["accept"] = "*/*"
        if parameters.json is not None and not parameters.files:
            headers["content-type"] = "application/json"
        return httpx.Request(
            operation.method,
            connector.url(filled(operation.path, parameters.path) + query_string(parameters.query)),
            headers=headers,
            **body_of(parameters),
            extensions={"timeout": connector.timeout(parameters.seconds)},
        )

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        """What an answer that is no success means for this operation; None for success."""
        error = self.connector.refusal(answer)
        if error is None or not isinstance(error, MessageRefused):
            return error
        return self.request_refused(operation, answer, answer.status)

    def is_file(self, answer: Answer) -> bool:
        """Whether an answer that is no refusal is the file that its operation gives, and not a page instead."""
        return bool(answer.body) and not answer.body.lstrip().startswith(b"<")

    # --- for vendors ------------------------------------------------------------------------------

    def request_refused(self, operation: Operation, answer: Answer, status: int) -> RequestRefused:
        words = self.connector.explain(answer)
        label, what = self.connector.label, operation.section
        if status == 404:
            return NotFound(f"{label} does not have what “{what}” asks for ({status}).", words=words)
        if status == 409:
            return Conflict(
                f"{label} refuses “{what}”: it stands against what is there ({status}).", words=words
            )
        return RequestRefused(f"{label} refuses “{what}” ({status}).", words=words)

    # --- the flow ---------------------------------------------------------------------------------

    def exchange(self, operation: Operation, parameters: Parameters) -> Answer:
        """Raises ConnectorError. The answer has data, or is a file where the operation gives one."""
        request = self.build(operation, parameters)
        began, response, trouble = time.monotonic(), None, ""
        try:
            response = self._http.send(request, follow_redirects=False)
            return self._read(operation, response)
        except Exception as error:
            told = self.connector.told(error)
            trouble = str(told)
            raise told from None
        finally:
            if self.listener is not None:
                self.listener(self._exchange(operation, request, response, time.monotonic() - began, trouble))

    def _read(self, operation: Operation, response: httpx.Response) -> Answer:
        answer = self.connector.read(response)
        if error := self.refusal(operation, answer):
            raise error
        if not (self.is_file(answer) if operation.gives_file else answer.data is not None):
            raise self.connector.bad_answer(answer)
        return answer

    def _exchange(
        self,
        operation: Operation,
        request: httpx.Request,
        response: httpx.Response | None,
        seconds: float,
        trouble: str,
    ) -> Exchange:
        return exchange_of(self.connector, operation.name, request, response, seconds, trouble)


def filled(path: str, values: Mapping[str, str | int]) -> str:
    """The path with its variables, each percent-encoded whole."""
    return path.format(**{name: quote(str(value), safe="") for name, value in values.items()})


def query_string(query: Mapping[str, str | int | Sequence[str | int] | None]) -> str:
    """With its question mark, or "". A blank is %20, which every server reads as one."""
    pairs = {name: value for name, value in query.items() if value is not None}
    return "?" + urlencode(pairs, doseq=True, quote_via=quote, safe="") if pairs else ""


def body_of(parameters: Parameters) -> dict[str, Any]:
    """As httpx.Request takes it: multipart where there are files, else JSON, else a form, else nothing."""
    if parameters.files:
        uploads = {
            name: (upload.filename, upload.content, upload.content_type)
            for name, upload in parameters.files.items()
        }
        return {"files": uploads, "data": dict(parameters.form)}
    if parameters.json is not None:
        # httpx writes characters as they are, and trips over halves of surrogate pairs.
        return {"content": json.dumps(parameters.json, separators=(",", ":")).encode()}
    return {"data": dict(parameters.form)} if parameters.form else {}


def exchange_of(
    connector: Connector,
    operation: str,
    request: httpx.Request,
    response: httpx.Response | None,
    seconds: float,
    trouble: str = "",
    hidden: Sequence[str] = (),
) -> Exchange:
    """Redacted. `hidden`: what must not be kept besides the account's secrets, such as a code that was sent."""

    def redact(text: str) -> str:
        for word in hidden:
            text = text.replace(word, "*" * len(word))
        return connector.redact(text)

    return Exchange(
        operation,
        request.method,
        redact(str(request.url)),
        shown(redact, request.read()),
        response.status_code if response is not None else None,
        shown(redact, response.content) if response is not None else "",
        seconds,
        redact(trouble),
    )


def shown(redact: Callable[[str], str], body: bytes) -> str:
    """Of a body for the traffic log: as text, without secrets; redacted before it is cut."""
    return redact(body.decode("utf-8", "replace").replace("\x00", "\ufffd"))[:SHOWN_CHARACTERS]


def wrong_shape(connector: Connector, what: str) -> BadAnswer:
    """For an answer whose data is not what the document shows."""
    return BadAnswer(f"{connector.label}'s answer does not hold {what}.")
