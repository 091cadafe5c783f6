"""MessageWhiz: the second half of document 004, from “Send a Broadcast” on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from providers.connectors import messagewhiz
from providers.connectors.messagewhiz import Link, MessageWhizClient
from providers.connectors.messagewhiz.broadcast_reports import BroadcastReports
from providers.connectors.messagewhiz.broadcasts import Broadcasts
from providers.connectors.messagewhiz.link_lists import LinkLists
from providers.connectors.messagewhiz.links import Links
from providers.connectors.messagewhiz.spinners import WordSpinners
from providers.connectors.messagewhiz.templates import Templates
from providers.connectors.messagewhiz.triggers import Triggers
from providers.connectors.operations import Exchange, Operation, VendorClient, operations_of
from providers.errors import AccountRefused, BadAnswer, ConfigError, Conflict, NotFound, RequestRefused
from tests.providers.connectors.conformance import SECRET
from tests.providers.connectors.messagewhiz_sending_cases import (
    broadcasts,
    envelope,
    link_lists,
    links,
    reports,
    spinners,
    templates,
    triggers,
)
from tests.providers.connectors.operation_suite import Case, OperationSuite
from tests.providers.connectors.scripted import Reply, ScriptedServer

GROUPS = (broadcasts, reports, links, link_lists, spinners, templates, triggers)
MIXINS: tuple[type[VendorClient], ...] = (
    Broadcasts,
    BroadcastReports,
    Links,
    LinkLists,
    WordSpinners,
    Templates,
    Triggers,
)
# JSON, but nothing that any operation of this half answers.
MISFITS: list[Any] = [
    {},
    [],
    7,
    None,
    "done",
    {"errorCode": 0},
    {"result": None},
    {"result": False},
    {"result": 7},
    {"result": "done"},
    {"result": [True]},
    {"result": [[]]},
    {"result": {}},
    {"result": {"id": None, "enabled": "perhaps"}},
    {"result": [{"id": "", "links": 7}]},
    {"id": None, "message_id": True, "valid": "perhaps"},
]


def own_operations() -> list[Operation]:
    return [known for mixin in MIXINS for known in operations_of(mixin)]


class TestMessageWhizSending(OperationSuite):
    slug = "messagewhiz"
    config = {"api_key": SECRET}
    base_path = "/messagewhiz"
    documented = [line for group in GROUPS for line in group.DOCUMENTED]
    cases = [case for group in GROUPS for case in group.CASES]
    impossible = [line for group in GROUPS for line in group.IMPOSSIBLE]

    def not_found(self, case: Case) -> Any:
        if case.target == "/sms":
            return {"statusCode": 404, "message": "Not found", "error": "Not Found"}
        return {"errorCode": 404, "errorMessage": "Not found", "errorType": "NotFound", "result": None}

    def test_it_has_every_operation_of_the_document(self) -> None:
        """Of this half: the other one has a suite of its own."""
        known = [(known.method, known.path, known.section) for known in own_operations()]
        assert sorted(known) == sorted(self.documented)
        assert set(MIXINS) <= set(MessageWhizClient.__mro__)

    def test_every_operation_has_a_case(self) -> None:
        assert {case.operation for case in self.cases} == {known.name for known in own_operations()}

    def test_an_answer_of_another_shape_is_named(
        self, vendor: ScriptedServer, first_case: Case, seen: list[str], caplog: Any
    ) -> None:
        for misfit in MISFITS:
            error = self.failure(vendor, first_case, Reply(200, misfit), seen, [])
            assert type(error) is BadAnswer, misfit
            assert "answer does not hold" in str(error) or misfit is None
        # Our own code did not trip over any of them.
        assert "could not be read" not in caplog.text

    def test_the_key_is_in_the_header_but_for_a_fast_single(
        self, vendor: ScriptedServer, first_case: Case
    ) -> None:
        vendor.expect(first_case.method, self.base_path + first_case.target, first_case.reply)
        with self.client(vendor.url) as client:
            first_case.call(client)
        [received] = vendor.received
        expected = None if first_case.operation == "send_fast_single" else SECRET
        assert received.headers.get("apikey") == expected

    def test_the_exchange_of_a_fast_single_holds_no_key(
        self, vendor: ScriptedServer, exchanges: list[Exchange]
    ) -> None:
        vendor.expect("POST", "/messagewhiz/sms", Reply(200, {"message_id": "m-1", "client_ref": SECRET}))
        with self.client(vendor.url, exchanges) as client:
            client.send_fast_single(to="12015550123", sender="sender", text="Hi")  # type: ignore[attr-defined]  # of the vendor's own client, or error
        [exchange] = exchanges
        assert '"api_key":"[redacted]"' in exchange.request
        assert '"text":"Hi"' in exchange.request
        assert SECRET not in exchange.answer


BAD_REQUEST = [
    "The recipient number entered is invalid. Please ensure that the number is between 10 and 15 digits in length."
]


@pytest.fixture
def vendor_and_client() -> Any:
    with ScriptedServer() as server:
        with messagewhiz.client(api_key=SECRET, base_url=server.url + "/api/3") as client:
            yield server, client
        server.verify()


@pytest.mark.parametrize(
    ("reply", "raises", "words"),
    [
        (
            Reply(400, {"statusCode": 400, "message": BAD_REQUEST, "error": "Bad Request"}),
            RequestRefused,
            BAD_REQUEST[0],
        ),
        (Reply(401, {"statusCode": 401, "message": "Unauthorized"}), AccountRefused, "Unauthorized"),
        (
            Reply(200, {"statusCode": 400, "message": ["text should not be empty"]}),
            RequestRefused,
            "text should not be empty",
        ),
    ],
    ids=["a bad number", "a bad key", "an error inside"],
)
def test_a_fast_single_is_refused_in_its_own_words(
    vendor_and_client: Any, reply: Reply, raises: type[Exception], words: str
) -> None:
    vendor, client = vendor_and_client
    vendor.expect("POST", "/sms", reply)
    with pytest.raises(raises) as caught:
        client.send_fast_single(to="12015550123", sender="sender", text="Hi")
    assert type(caught.value) is raises
    assert caught.value.words == words  # type: ignore[attr-defined]  # of the vendor's own client, or error


@pytest.mark.parametrize(
    ("status", "inner", "raises"),
    [
        (400, 400, RequestRefused),
        (200, 400, RequestRefused),
        (200, 404, NotFound),
        (404, 404, NotFound),
        (200, 409, Conflict),
        (409, 0, Conflict),
        (200, 401, AccountRefused),
        (403, 403, AccountRefused),
    ],
)
def test_an_error_of_the_envelope_counts_wherever_it_stands(
    vendor_and_client: Any, status: int, inner: int, raises: type[Exception]
) -> None:
    vendor, client = vendor_and_client
    body = {"errorCode": inner, "errorMessage": "It is so.", "errorType": "Error", "result": None}
    vendor.expect("POST", "/api/3/link", Reply(status, body))
    with pytest.raises(raises) as caught:
        client.create_link(name="Link1", url="https://example.com")
    assert type(caught.value) is raises
    assert caught.value.words == "It is so."  # type: ignore[attr-defined]  # of the vendor's own client, or error


def link_row(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"Link{number}", "url": "https://example.com", "enabled": True}


def link(number: int) -> Link:
    return Link(str(number), f"Link{number}", "https://example.com", True)


def test_all_pages_are_read_until_an_empty_one(vendor_and_client: Any) -> None:
    vendor, client = vendor_and_client
    # Fewer than asked for, as of a vendor with a highest limit; one row has moved on to the next page.
    pages = {0: [1, 2, 3], 3: [3, 4], 5: []}
    for start, numbers in pages.items():
        target = f"/api/3/link?limit=100&enabled=true&start={start}"
        vendor.expect("GET", target, Reply(200, envelope([link_row(number) for number in numbers])))
    assert client.all_links() == (link(1), link(2), link(3), link(4))


def test_a_vendor_that_does_not_mind_start_is_asked_twice(vendor_and_client: Any) -> None:
    vendor, client = vendor_and_client
    for start in (0, 2):
        target = f"/api/3/link?limit=100&enabled=false&start={start}"
        vendor.expect("GET", target, Reply(200, envelope([link_row(1), link_row(2)])))
    assert client.all_links(enabled=False) == (link(1), link(2))


def test_a_refusal_of_a_later_page_is_raised(vendor_and_client: Any) -> None:
    vendor, client = vendor_and_client
    vendor.expect("GET", "/api/3/link?limit=100&enabled=true&start=0", Reply(200, envelope([link_row(1)])))
    vendor.expect("GET", "/api/3/link?limit=100&enabled=true&start=1", Reply(401, {"errorMessage": "No"}))
    with pytest.raises(AccountRefused):
        client.all_links()


def test_a_list_without_end_is_given_up() -> None:
    numbers = iter(range(1_000_000))

    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=envelope([link_row(next(numbers))]))

    http = httpx.Client(transport=httpx.MockTransport(endless))
    with http, pytest.raises(BadAnswer, match="does not hold the end of a list"):
        messagewhiz.client(api_key=SECRET, http=http).all_links()
    assert next(numbers) == 1000


@pytest.mark.parametrize(
    ("walk", "path", "row"),
    [
        (lambda client: client.all_broadcasts(name="sample"), "Broadcast/List", reports.ROW),
        (lambda client: client.all_link_lists(), "LinkList", {"id": 1, "name": "x"}),
        (lambda client: client.all_word_spinners(), "spinner", {"id": 1, "words": ["x"]}),
        (lambda client: client.all_templates(), "template", {"id": 1, "body": "x"}),
        (lambda client: client.all_triggers(), "trigger", {"id": 1, "name": "x"}),
    ],
    ids=["broadcasts", "link lists", "spinners", "templates", "triggers"],
)
def test_every_list_can_be_walked(
    vendor_and_client: Any, walk: Callable[[MessageWhizClient], Any], path: str, row: dict[str, Any]
) -> None:
    vendor, client = vendor_and_client
    more = "filter=name%3Dsample&" if path == "Broadcast/List" else ""
    enabled = "" if more else "enabled=true&"
    for start, rows in ((0, [row]), (1, [])):
        target = f"/api/3/{path}?limit=100&{enabled}{more}start={start}"
        vendor.expect("GET", target, Reply(200, envelope(rows)))
    [found] = walk(client)
    assert found.id == str(row["id"])


def test_the_client_asks_the_vendors_own_address_unless_told_otherwise() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json=envelope([]))

    exchanges: list[Exchange] = []
    http = httpx.Client(transport=httpx.MockTransport(answer))
    with http, messagewhiz.client(api_key=SECRET, http=http, listener=exchanges.append) as client:
        client.list_templates()
        assert not http.is_closed
    assert asked == ["https://sms.messagewhiz.com/api/3/template"]
    assert [exchange.operation for exchange in exchanges] == ["list_templates"]


def test_the_client_needs_a_key() -> None:
    with pytest.raises(ConfigError, match="API key is missing"):
        messagewhiz.client(api_key=" ")


def test_the_answer_of_an_estimate_may_take_half_a_minute() -> None:
    waited: list[float] = []

    def answer(request: httpx.Request) -> httpx.Response:
        waited.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=envelope(broadcasts.ESTIMATED))

    http = httpx.Client(transport=httpx.MockTransport(answer))
    with http, messagewhiz.client(api_key=SECRET, http=http) as client:
        client.estimate_broadcast(audience=broadcasts.LISTS, content=broadcasts.TEXT)
    assert waited == [30.0]


def test_no_repr_holds_the_key() -> None:
    with messagewhiz.client(api_key=SECRET) as client:
        assert SECRET not in repr(client) + repr(client.connector) + repr(client.connector.config)
