"""What every operation of every vendor is asked, over real HTTP. A vendor's test subclasses OperationSuite, with data
only: the operations as its document lists them, and for each a call, the request that has to go out, an answer of the
document and what it has to mean."""

from __future__ import annotations

import email.parser
import email.policy
import json
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest

from providers.connectors import REGISTRY, connector_for
from providers.connectors.operations import Exchange, VendorClient
from providers.errors import (
    AccountRefused,
    BadAnswer,
    Conflict,
    ConnectorError,
    NoAnswer,
    NotFound,
    RequestRefused,
    ServerTrouble,
    Throttled,
    Unreachable,
)
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.scripted import Line, Received, Reply, ScriptedServer, refusing_port

# method, path with its variables in braces, heading in the document
Documented = tuple[str, str, str]


@dataclass(frozen=True)
class Form:
    """A form-encoded body."""

    fields: dict[str, str]


@dataclass(frozen=True)
class Multipart:
    """A multipart body. `files`: name: (filename, content)."""

    fields: dict[str, str]
    files: dict[str, tuple[str, bytes]]


@dataclass(frozen=True)
class Case:
    """`target`: path and query as on the wire, behind the base URL. `sent`: the JSON of the body, a Form, a Multipart, or
    None for no body. `name` where an operation has several."""

    operation: str
    call: Callable[[Any], Any]
    method: str
    target: str
    sent: Any
    answer: Any
    result: Any
    name: str = ""

    @property
    def id(self) -> str:
        return f"{self.operation} {self.name}".strip()

    @property
    def reply(self) -> Reply:
        return self.answer if isinstance(self.answer, Reply) else Reply(200, self.answer)


@dataclass(frozen=True)
class Fault:
    """An answer that no operation can be content with."""

    reply: Reply
    raises: type[ConnectorError]
    retry_after: float | None = None


# Where an answer's words matter, they hold the secret: some vendors repeat what they were given.
FAULTS: dict[str, Fault] = {
    "throttled": Fault(Reply(429, {"message": SECRET}, {"retry-after": "7"}), Throttled, 7.0),
    "throttled by a page": Fault(Reply(429, b"<html>slow</html>"), Throttled),
    "server error": Fault(Reply(500, f"<h1>Oops {SECRET}</h1>".encode()), ServerTrouble),
    "bad gateway": Fault(Reply(502, b""), ServerTrouble),
    "unavailable": Fault(Reply(503, {}), ServerTrouble),
    "request timeout": Fault(Reply(408, b""), NoAnswer),
    "bad credentials": Fault(Reply(401, {"message": SECRET}), AccountRefused),
    "payment required": Fault(Reply(402, {}), AccountRefused),
    "wrong method": Fault(Reply(405, b""), AccountRefused),
    "page not found": Fault(Reply(404, b"<html>nothing here</html>"), AccountRefused),
    "moved for good": Fault(Reply(301, b"", {"location": "https://example.com/"}), AccountRefused),
    "see other": Fault(Reply(303, b"", {"location": "/done"}), BadAnswer),
    "conflict": Fault(Reply(409, {"message": SECRET}), Conflict),
    "unprocessable": Fault(Reply(422, {"message": SECRET}), RequestRefused),
    "html for data": Fault(
        Reply(200, f"<html><p>Log in {SECRET}</p></html>".encode(), {"content-type": "text/html"}), BadAnswer
    ),
    "nothing for data": Fault(Reply(200, b""), BadAnswer),
    "truncated": Fault(Reply(200, b'{"result": [{"id": 1, "na'), BadAnswer),
    "nested without end": Fault(Reply(200, b"[" * 100_000), BadAnswer),
    "longer than a MiB": Fault(Reply(200, b" " * (1024 * 1024 + 1)), BadAnswer),
    "not utf-8": Fault(Reply(200, b"\xff\xfe\x00{"), BadAnswer),
    "cut before the answer": Fault(Reply(line=Line.CUT_BEFORE), NoAnswer),
    "cut within": Fault(Reply(200, b'{"result": []}', line=Line.CUT_WITHIN), NoAnswer),
}


class OperationSuite:
    """`config` has SECRET wherever a secret belongs; `base_path` is the path of the vendor's base URL."""

    slug: ClassVar[str]
    config: ClassVar[dict[str, str]]
    base_path: ClassVar[str] = ""
    # Written from the document, not from the code.
    documented: ClassVar[list[Documented]]
    cases: ClassVar[list[Case]]
    # Operation, call, a part of the sentence: refused before any HTTP.
    impossible: ClassVar[list[tuple[str, Callable[[Any], Any], str]]] = []
    # Operations whose documented answer has no body, and for which faults of the body are none.
    bodiless: ClassVar[frozenset[str]] = frozenset()
    # Answers that a vendor of another format than JSON gives instead, or besides.
    faults: ClassVar[dict[str, Fault]] = {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        cases = getattr(self, "cases", [])
        if "case" in metafunc.fixturenames:
            metafunc.parametrize("case", cases, ids=[case.id for case in cases])
        if "impossible_call" in metafunc.fixturenames:
            impossible = [(call, words) for _name, call, words in self.impossible]
            metafunc.parametrize("impossible_call", impossible, ids=[name for name, *_ in self.impossible])
        if "first_case" in metafunc.fixturenames:
            first = {case.operation: case for case in reversed(cases)}
            metafunc.parametrize("first_case", list(first.values()), ids=list(first))
        if "fault" in metafunc.fixturenames:
            faults = {**FAULTS, **self.faults}
            metafunc.parametrize("fault", list(faults.values()), ids=list(faults))

    @pytest.fixture
    def seen(self, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
        """Whatever a person or a log might get to see; at the end the secret must be in none of it."""
        caplog.set_level("DEBUG")
        seen: list[str] = []
        yield seen
        seen.append(caplog.text)
        spellings = {SECRET, json.dumps(SECRET)[1:-1], "canary-7f3%2Fa%2Bb%3D9", "canary"}
        assert not [text for text in seen for spelling in spellings if spelling in text]

    @pytest.fixture
    def vendor(self, seen: list[str]) -> Iterator[ScriptedServer]:
        with ScriptedServer() as server:
            yield server
            server.verify()

    @pytest.fixture
    def exchanges(self, seen: list[str]) -> Iterator[list[Exchange]]:
        exchanges: list[Exchange] = []
        yield exchanges
        seen += [repr(exchange) for exchange in exchanges]

    def client(self, url: str, exchanges: list[Exchange] | None = None) -> VendorClient:
        connector = connector_for(self.slug, {**self.config, "base_url": url + self.base_path})
        listener = None if exchanges is None else exchanges.append
        return REGISTRY[self.slug].Client(connector, listener=listener)

    def failure(
        self, vendor: ScriptedServer, case: Case, reply: Reply, seen: list[str], exchanges: list[Exchange]
    ) -> ConnectorError:
        vendor.expect(case.method, self.base_path + case.target, reply)
        with self.client(vendor.url, exchanges) as client, pytest.raises(ConnectorError) as caught:
            case.call(client)
        return watched(caught.value, seen)

    def test_it_has_every_operation_of_the_document(self) -> None:
        known = [(known.method, known.path, known.section) for known in REGISTRY[self.slug].operations()]
        assert sorted(known) == sorted(self.documented)

    def test_every_operation_has_a_case(self) -> None:
        names = {known.name for known in REGISTRY[self.slug].operations()}
        assert {case.operation for case in self.cases} == names

    def test_it_asks_and_reads_as_documented(
        self, vendor: ScriptedServer, case: Case, seen: list[str], exchanges: list[Exchange]
    ) -> None:
        vendor.expect(case.method, self.base_path + case.target, case.reply)
        with self.client(vendor.url, exchanges) as client:
            result = case.call(client)
            seen.append(repr(client))
        assert result == case.result
        [received] = vendor.received
        assert sent_body(received, case.sent) == case.sent
        [exchange] = exchanges
        assert (exchange.operation, exchange.status, exchange.trouble) == (
            case.operation,
            case.reply.status,
            "",
        )
        assert received.headers["user-agent"].startswith("Crier/")

    def test_what_cannot_be_is_refused_before_any_http(
        self, vendor: ScriptedServer, impossible_call: tuple[Callable[[Any], Any], str], seen: list[str]
    ) -> None:
        call, words = impossible_call
        with self.client(vendor.url) as client, pytest.raises(ConnectorError) as caught:
            call(client)
        error = watched(caught.value, seen)
        assert (error.certainly_not_sent, vendor.received) == (True, [])
        assert words in str(error)

    def test_a_fault_is_named(
        self,
        vendor: ScriptedServer,
        first_case: Case,
        fault: Fault,
        seen: list[str],
        exchanges: list[Exchange],
    ) -> None:
        if first_case.operation in self.bodiless and fault.reply.status == 200 and fault.raises is BadAnswer:
            pytest.skip("its answer has no body")
        error = self.failure(vendor, first_case, fault.reply, seen, exchanges)
        assert type(error) is fault.raises, error
        assert error.retry_after == fault.retry_after
        assert error.certainly_not_sent is not issubclass(fault.raises, NoAnswer | ServerTrouble | BadAnswer)
        [exchange] = exchanges
        assert exchange.trouble
        assert len(vendor.received) == 1

    def test_a_vendor_that_is_away_is_named(self, first_case: Case, seen: list[str]) -> None:
        with refusing_port() as port:
            with (
                self.client(f"http://127.0.0.1:{port}") as client,
                pytest.raises(Unreachable) as caught,
            ):
                first_case.call(client)
            watched(caught.value, seen)

    def test_what_is_not_there_is_told(
        self, vendor: ScriptedServer, first_case: Case, seen: list[str], exchanges: list[Exchange]
    ) -> None:
        """A 404 in the vendor's own words, not a page."""
        error = self.failure(vendor, first_case, Reply(404, self.not_found(first_case)), seen, exchanges)
        assert type(error) is NotFound

    def not_found(self, case: Case) -> Any:
        """The vendor's own 404."""
        return {"message": "Not found"}


def sent_body(received: Received, expected: Any) -> Any:
    """The body as `expected` writes it."""
    if expected is None:
        assert received.body == b""
        return None
    kind = received.headers.get("content-type", "")
    if isinstance(expected, Form):
        assert kind == "application/x-www-form-urlencoded"
        return Form(dict(parse_qsl(received.body.decode(), keep_blank_values=True)))
    if isinstance(expected, Multipart):
        return _multipart(kind, received.body)
    assert kind == "application/json"
    return received.json


def _multipart(kind: str, body: bytes) -> Multipart:
    assert kind.startswith("multipart/form-data; boundary=")
    head = f"content-type: {kind}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    found = Multipart({}, {})
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if filename := part.get_filename():
            found.files[name] = (filename, content)
        else:
            found.fields[name] = content.decode()
    return found


def watched(error: ConnectorError, seen: list[str]) -> ConnectorError:
    """The error, all of its spellings added to what was seen; it is one of the tree, with a sentence."""
    seen += [str(error), repr(error), error.words, *traceback.format_exception(error)]
    assert str(error).endswith((".", ".”"))
    assert error.reason.replace("_", "").isalpha()
    return error
