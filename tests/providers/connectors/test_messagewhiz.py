"""MessageWhiz: the conformance suite's data, and what only this vendor has."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from providers.connectors import connector_for
from providers.connectors.base import (
    Connector,
    DeliveryReport,
    OutgoingText,
    ReceiptKind,
    SendResult,
    StatusAnswer,
    WebhookCall,
    WebhookRejected,
)
from providers.errors import (
    AccountRefused,
    BadAnswer,
    CapabilityError,
    MessageRefused,
    NotFound,
    ServerTrouble,
    WebhookPartlyRead,
)
from providers.transport import LeanTransport, sync_client
from sms.states import MessageState
from tests.providers.connectors.conformance import SECRET, ConformanceSuite, Refusal
from tests.providers.connectors.scripted import Reply, ScriptedServer

OUTGOING = OutgoingText(
    message_id=7,
    msisdn="447700900123",
    sender="Crier",
    text="Hello",
    receipt_url="https://example.com/hooks/token/",
    reference="crier-7",
)
# The document's "Example DLR Callback", with numbers that belong to nobody.
CALLBACK: dict[str, Any] = {
    "message_id": "rbzAV2NXxJ_u5bDL35Hop",
    "sender": "sender",
    "recipient": "447700900123",
    "content": "Message Text",
    "state": 2,
    "status": "DELIVRD",
    "client_ref": "Custom param",
    "timestamp": "2023-03-28T15:52:31.279Z",
    "parts_count": 1,
    "price": 2,
    "parts": [
        {"pdu_id": "SVV7oRyvMLX1OIzLwta2p", "encoding": 0, "content": "Message Text", "status": "DELIVRD"}
    ],
}
NUMBERS = {
    "ENROUTE": 1,
    "DELIVRD": 2,
    "EXPIRED": 3,
    "DELETED": 4,
    "UNDELIV": 5,
    "ACCEPTD": 6,
    "UNKNOWN": 7,
    "REJECTD": 8,
    "FAILED": 9,
}


def failure(status: int, message: Any, **more: Any) -> dict[str, Any]:
    return {"statusCode": status, "message": message, **more}


def told(
    state: MessageState, words: str, reason: str = "", *, is_last: bool = True, **facts: Any
) -> StatusAnswer:
    """Of the message `rbz/V2`."""
    report = DeliveryReport(state, provider_message_id="rbz/V2", words=words, reason=reason, **facts)
    return StatusAnswer(report, is_last)


def call(body: Any) -> WebhookCall:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookCall(
        "POST", "/hooks/token/", {}, {"content-type": "application/json"}, content, "192.0.2.1"
    )


BAD_NUMBER = (
    "The recipient number entered is invalid."
    " Please ensure that the number is between 10 and 15 digits in length."
)
BAD_SENDER = (
    "Sender must not exceed 11 letters"
    " (latin alphabet or special symbols “'._-+&{space}” are allowed) or 20 numbers."
)
TEXT_ERRORS = [
    "text must be shorter than or equal to 100000 characters",
    "text must be longer than or equal to 1 characters",
    "text should not be empty",
]


class TestMessageWhiz(ConformanceSuite):
    slug = "messagewhiz"
    config = {"api_key": SECRET}
    base_path = "/messagewhiz"
    send_target = "/sms"
    outgoing = OUTGOING
    accepted = Reply(200, {"message_id": "rbzAV2NXxJ_u5bDL35Hop"})
    result = SendResult(MessageState.SENT, provider_message_id="rbzAV2NXxJ_u5bDL35Hop")
    refusals = {
        "bad number": Refusal(
            400,
            failure(400, [BAD_NUMBER], error="Bad Request"),
            MessageRefused,
            "bad_number",
            words=BAD_NUMBER,
        ),
        "sender not allowed": Refusal(
            400, failure(400, [BAD_SENDER], error="Bad Request"), MessageRefused, "sender_not_allowed"
        ),
        "empty text": Refusal(400, failure(400, TEXT_ERRORS), MessageRefused, "empty_text"),
        "text too long": Refusal(400, failure(400, TEXT_ERRORS[:1]), MessageRefused, "text_too_long"),
        "another sentence": Refusal(
            400, failure(400, "Something else"), MessageRefused, "refused", words="Something else"
        ),
        "callback not taken": Refusal(
            400, failure(400, ["callback must be a URL address"]), AccountRefused, "bad_settings"
        ),
        "bad credentials": Refusal(
            401, failure(401, "Unauthorized"), AccountRefused, "bad_credentials", words="Unauthorized"
        ),
        "no credit": Refusal(403, failure(403, "Insufficient balance"), AccountRefused, "no_credit"),
        "company disabled": Refusal(403, failure(403, "Forbidden"), AccountRefused, "service_off"),
        "server error as json": Refusal(
            500, failure(500, f"key {SECRET}"), ServerTrouble, "server_trouble", words="key [redacted]"
        ),
        "error inside a 200": Refusal(200, failure(401, "Unauthorized"), AccountRefused, "bad_credentials"),
        "refusal inside a 201": Refusal(201, failure(400, [BAD_NUMBER]), MessageRefused, "bad_number"),
        "envelope inside a 200": Refusal(
            200,
            {"errorCode": 403, "errorMessage": f"{SECRET} is off", "errorType": "Forbidden", "result": None},
            AccountRefused,
            "service_off",
            words="[redacted] is off",
        ),
        "trouble inside a 200": Refusal(200, failure(500, "Oops"), ServerTrouble, "server_trouble"),
        "no id": Refusal(200, {"message_id": ""}, BadAnswer, "bad_answer"),
        "an id that is none": Refusal(200, {"message_id": {"a": 1}}, BadAnswer, "bad_answer"),
    }
    asking = {"reports": "polled"}
    asked_id = "rbz/V2"
    asked_target = "/sms/rbz%2FV2"
    asked = {
        "delivered": (
            Reply(200, {"message_id": "rbz/V2", "status": 2, "parts_count": 2, "price": "0.02"}),
            told(MessageState.DELIVERED, "DELIVRD", parts=2, price=Decimal("0.02")),
        ),
        "pending": (Reply(200, {"message_id": "rbz/V2", "status": -1}), StatusAnswer(None)),
        "on its way": (
            Reply(200, {"message_id": "rbz/V2", "status": 1}),
            told(MessageState.SENT, "ENROUTE", is_last=False),
        ),
        "undelivered": (
            Reply(200, {"message_id": "rbz/V2", "status": "5"}),
            told(MessageState.UNDELIVERED, "UNDELIV", "undelivered"),
        ),
        "failed": (
            Reply(200, {"message_id": "rbz/V2", "status": 9}),
            told(MessageState.FAILED, "FAILED", "failed"),
        ),
        "no balance": (
            Reply(200, {"message_id": "rbz/V2", "status": 11}),
            told(MessageState.FAILED, "NO BALANCE", "no_credit"),
        ),
        "a state as in reports": (
            Reply(200, {"message_id": "rbz/V2", "state": 8, "status": "REJECTD"}),
            told(MessageState.REJECTED, "REJECTD", "rejected"),
        ),
        "a word": (
            Reply(200, {"message_id": "rbz/V2", "status": "delivrd"}),
            told(MessageState.DELIVERED, "DELIVRD"),
        ),
        "in an envelope": (
            Reply(200, {"errorCode": 0, "result": [{"message_id": "rbz/V2", "status": 2}]}),
            told(MessageState.DELIVERED, "DELIVRD"),
        ),
        "a number that is not documented": (
            Reply(200, {"message_id": "rbz/V2", "status": 77}),
            told(MessageState.UNKNOWN, "status 77", "unknown_status", is_last=False),
        ),
    }
    opted_out = {
        "a refusal": Reply(400, failure(400, ["The recipient number is unsubscribed"])),
        "forbidden": Reply(403, failure(403, "Recipient is on the blacklist")),
        "an envelope": Reply(
            200,
            {
                "errorCode": 400,
                "errorMessage": "recipient has opted out",
                "errorType": "OptOut",
                "result": None,
            },
        ),
    }
    variants = {
        "created": (Reply(201, {"message_id": "a"}), SendResult(MessageState.SENT, "a")),
        "a number for an id": (Reply(200, {"message_id": 5}), SendResult(MessageState.SENT, "5")),
        "with our reference": (
            Reply(200, {"message_id": "a", "client_ref": "crier-7"}),
            SendResult(MessageState.SENT, "a"),
        ),
        "with a good status inside": (
            Reply(200, {"statusCode": 200, "errorCode": 0, "message_id": "a"}),
            SendResult(MessageState.SENT, "a"),
        ),
    }
    impossible = {
        "media": ({"media_urls": ("https://example.com/a.png",)}, CapabilityError, "not_supported"),
        "empty": ({"text": ""}, MessageRefused, "empty_text"),
        "too long": ({"text": "x" * 100_001}, MessageRefused, "text_too_long"),
        "short number": ({"msisdn": "123456789"}, MessageRefused, "bad_number"),
        "long number": ({"msisdn": "1" * 16}, MessageRefused, "bad_number"),
        "number with a plus": ({"msisdn": "+447700900123"}, MessageRefused, "bad_number"),
        "other digits": ({"msisdn": "٤٤٧٧٠٠٩٠٠١٢٣"}, MessageRefused, "bad_number"),
        "long sender": ({"sender": "TwelveLetter"}, MessageRefused, "sender_not_allowed"),
        "long reference": ({"reference": "r" * 161}, MessageRefused, "refused"),
    }
    test_target = "/api/3/sender?limit=1"
    tested = Reply(
        200, {"errorCode": 0, "errorMessage": "", "errorType": "", "executionTime": 0.1, "result": []}
    )
    test_sentence = "accepts the API key"
    statuses = {
        "ENROUTE": (MessageState.SENT, ""),
        "DELIVRD": (MessageState.DELIVERED, ""),
        "EXPIRED": (MessageState.EXPIRED, "expired"),
        "DELETED": (MessageState.UNDELIVERED, "deleted"),
        "UNDELIV": (MessageState.UNDELIVERED, "undelivered"),
        "ACCEPTD": (MessageState.SENT, ""),
        "UNKNOWN": (MessageState.UNKNOWN, ""),
        "REJECTD": (MessageState.REJECTED, "rejected"),
        "FAILED": (MessageState.FAILED, "failed"),
    }
    unknown_word = "SKIPPED"
    wrong_configs = {
        "no key": ({"api_key": "  "}, "api_key"),
        "key left out": ({"api_key": ...}, "api_key"),
        "key is a number": ({"api_key": 12}, "api_key"),
        "key of two lines": ({"api_key": f"{SECRET}\nX-Other: 1"}, "api_key"),
        "key with an accent": ({"api_key": f"{SECRET}é"}, "api_key"),
        "endless key": ({"api_key": SECRET * 100}, "api_key"),
        "setting of another vendor": ({"password": SECRET}, "password"),
        "address without scheme": ({"base_url": "example.com"}, "base_url"),
        "address of a file": ({"base_url": "file:///etc/hostname"}, "base_url"),
        "address with a key": ({"base_url": f"https://x:{SECRET}@example.com"}, "base_url"),
        "address with a query": ({"base_url": "https://example.com/?a=1"}, "base_url"),
        "address with a bad port": ({"base_url": "https://example.com:99999"}, "base_url"),
    }
    wrong_webhooks = {
        "empty": b"",
        "html": b"<html></html>",
        "text": b'"DELIVRD"',
        "empty list": b"[]",
        "list of texts": b'["a"]',
        "no id": json.dumps({"state": 2}).encode(),
        "no state": json.dumps({"message_id": "a"}).encode(),
        "batch without ids": json.dumps({"dlrs": [{"task_state": 2}]}).encode(),
        "batch without states": json.dumps({"dlrs": [{"_id": "a"}]}).encode(),
        "batch of texts": json.dumps({"dlrs": ["a"]}).encode(),
        "nested without end": b"[" * 100_000,
    }

    def report_call(self, word: str) -> WebhookCall:
        known = {"state": NUMBERS[word]} if word in NUMBERS else {"state": None}
        return call({**CALLBACK, **known, "status": word})

    def text_of(self, body: Any) -> str:
        return str(body["text"])


@pytest.fixture
def connector() -> Connector:
    return connector_for("messagewhiz", {"api_key": "key"})


def test_request_is_the_documents(connector: Connector) -> None:
    request = connector.build_send(OUTGOING)
    assert (request.method, str(request.url)) == ("POST", "https://sms.messagewhiz.com/sms")
    assert "apikey" not in request.headers
    assert json.loads(request.content) == {
        "api_key": "key",
        "to": "447700900123",
        "from": "Crier",
        "text": "Hello",
        "client_ref": "crier-7",
        "callback": "https://example.com/hooks/token/",
    }


def test_request_leaves_out_what_is_empty(connector: Connector) -> None:
    body = json.loads(connector.build_send(OutgoingText(1, "12015550123", "Crier", "Hi")).content)
    assert body == {"api_key": "key", "to": "12015550123", "from": "Crier", "text": "Hi"}


@pytest.mark.parametrize(
    "base_url", ["https://example.com/api/3", "https://example.com/api/3/", "https://example.com"]
)
def test_base_url_may_name_the_api(base_url: str) -> None:
    connector = connector_for("messagewhiz", {"api_key": "key", "base_url": base_url})
    assert str(connector.build_send(OUTGOING).url) == "https://example.com/sms"
    assert str(connector.build_test().url) == "https://example.com/api/3/sender?limit=1"


def test_connection_test_puts_the_key_into_the_header() -> None:
    with ScriptedServer() as vendor, sync_client() as client:
        vendor.expect("GET", "/api/3/sender?limit=1", TestMessageWhiz.tested)
        connector_for("messagewhiz", {"api_key": "key", "base_url": vendor.url}).test(client)
        vendor.verify()
    assert vendor.received[0].headers["apikey"] == "key"
    assert vendor.received[0].body == b""


# The document's "Get Senders".
SENDERS = [
    {"enabled": True, "id": 28938892, "name": "FirstSender"},
    {"enabled": True, "id": 28905672, "name": "test"},
]


def envelope(rows: Any) -> dict[str, Any]:
    return {"errorCode": 0, "errorMessage": "", "errorType": "", "executionTime": 0.01, "result": rows}


def senders_from(*pages: Any) -> list[str]:
    """What a vendor that answers so has."""
    with ScriptedServer() as vendor, sync_client() as client:
        connector = connector_for("messagewhiz", {"api_key": SECRET, "base_url": vendor.url})
        start = 0
        for rows in pages:
            reply = rows if isinstance(rows, Reply) else Reply(200, envelope(rows))
            vendor.expect("GET", f"/api/3/sender?limit=100&start={start}", reply)
            start += len(rows) if isinstance(rows, list) else 0
        try:
            return connector.list_senders(client)
        finally:
            vendor.verify()
            assert vendor.received[0].headers["apikey"] == SECRET


def test_lists_the_documents_senders() -> None:
    assert senders_from(SENDERS, []) == ["FirstSender", "test"]


def test_lists_page_after_page_whatever_the_vendors_limit() -> None:
    more = [{"enabled": 1, "id": 1, "name": "Third"}, {"enabled": "0", "id": 2, "name": "Off"}]
    assert senders_from(SENDERS, more, []) == ["FirstSender", "test", "Third"]


def test_a_vendor_that_does_not_mind_the_start_is_asked_twice() -> None:
    assert senders_from(SENDERS, SENDERS) == ["FirstSender", "test"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(200, {"errorCode": 401, "errorMessage": f"no key {SECRET}", "result": None}), AccountRefused),
        (Reply(500, {"errorCode": 500, "errorMessage": "Oops"}), ServerTrouble),
        (Reply(200, envelope({"senders": []})), BadAnswer),
        (Reply(200, envelope(["FirstSender"])), BadAnswer),
    ],
)
def test_a_list_that_cannot_be_had_is_an_error(reply: Reply, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        senders_from(reply)
    assert SECRET not in f"{caught.value} {getattr(caught.value, 'words', '')}"


def test_reads_the_documents_callback(connector: Connector) -> None:
    assert connector.parse_webhook(call(CALLBACK)) == [
        DeliveryReport(
            MessageState.DELIVERED,
            provider_message_id="rbzAV2NXxJ_u5bDL35Hop",
            reference="Custom param",
            msisdn="447700900123",
            sender="sender",
            submitted_at=datetime(2023, 3, 28, 15, 52, 31, 279000, tzinfo=UTC),
            words="DELIVRD",
            parts=1,
            price=Decimal(2),
        )
    ]


@pytest.mark.parametrize(("word", "number"), list(NUMBERS.items()))
def test_reads_a_state_without_its_word(connector: Connector, word: str, number: int) -> None:
    item = {key: value for key, value in CALLBACK.items() if key != "status"}
    [report] = connector.parse_webhook(call({**item, "state": number}))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.words) == (TestMessageWhiz.statuses[word][0], word)


def test_the_number_wins_over_the_word(connector: Connector) -> None:
    [report] = connector.parse_webhook(call({**CALLBACK, "state": "5", "status": "DELIVRD"}))
    assert isinstance(report, DeliveryReport)
    assert report.state is MessageState.UNDELIVERED


@pytest.mark.parametrize("state", [0, 10, -1, 2.5, True, "two", [2]])
def test_an_undocumented_number_is_unknown(connector: Connector, state: Any) -> None:
    [report] = connector.parse_webhook(call({**CALLBACK, "state": state}))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.reason) == (MessageState.UNKNOWN, "unknown_status")


@pytest.mark.parametrize(
    ("price", "read"),
    [
        (0.0065, Decimal("0.0065")),
        ("1.5", Decimal("1.5")),
        (0, Decimal(0)),
        (-1, None),
        ("free", None),
        (True, None),
        (1e300, None),
        (None, None),
        ("NaN", None),
        ([1], None),
    ],
)
def test_price_is_exact_or_none(connector: Connector, price: Any, read: Decimal | None) -> None:
    [report] = connector.parse_webhook(call({**CALLBACK, "price": price}))
    assert isinstance(report, DeliveryReport)
    assert report.price == read


@pytest.mark.parametrize(
    ("count", "read"), [(3, 3), ("3", 3), (0, None), (-1, None), (10**9, None), (None, None)]
)
def test_parts_are_a_count_or_none(connector: Connector, count: Any, read: int | None) -> None:
    [report] = connector.parse_webhook(call({**CALLBACK, "parts_count": count}))
    assert isinstance(report, DeliveryReport)
    assert report.parts == read


@pytest.mark.parametrize("timestamp", [None, "yesterday", 1629461739834, "0001-01-01T00:00:00+14:00"])
def test_a_strange_time_is_left_out(connector: Connector, timestamp: Any) -> None:
    [report] = connector.parse_webhook(call({**CALLBACK, "timestamp": timestamp}))
    assert isinstance(report, DeliveryReport)
    assert report.submitted_at is None


def test_takes_a_list_of_callbacks(connector: Connector) -> None:
    second = {**CALLBACK, "message_id": "another", "state": 8}
    reports = connector.parse_webhook(call([CALLBACK, second]))
    assert [report.provider_message_id for report in reports] == ["rbzAV2NXxJ_u5bDL35Hop", "another"]


def test_a_link_click_is_no_news(connector: Connector) -> None:
    click = {
        "message_id": "4iE_yS65Vn8iXCqaW5L2N",
        "link_id": "example.com/ZPFuT5",
        "time": "2023-05-01T13:46:37.921Z",
        "unique_click": True,
    }
    assert connector.parse_webhook(call(click)) == []


@pytest.mark.parametrize(
    ("task_state", "state"),
    [
        (0, MessageState.SENT),
        (2, MessageState.DELIVERED),
        (3, MessageState.EXPIRED),
        (5, MessageState.UNDELIVERED),
        (8, MessageState.REJECTED),
        (9, MessageState.FAILED),
        (7, MessageState.UNKNOWN),
    ],
)
def test_reads_batches_of_the_vendors_own_broadcasts(
    connector: Connector, task_state: int, state: MessageState
) -> None:
    row = {
        "segment_id": 100001,
        "_id": "611f9cdf8d0a4976d8d8462aaaac",
        "broadcast_id": 1100001,
        "recipient": "447700900123",
        "price": 11.8,
        "task_state": task_state,
        "updated": 1629461739834,
    }
    [report] = connector.parse_webhook(call({"dlrs": [row], "custom_parameter": "1234abcd5678efgh"}))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.provider_message_id) == (state, "611f9cdf8d0a4976d8d8462aaaac")
    assert (report.msisdn, report.price, report.reference) == ("447700900123", Decimal("11.8"), "")


def test_sets_no_webhook(connector: Connector) -> None:
    with sync_client() as client, pytest.raises(CapabilityError, match="goes out with each text"):
        connector.register_webhook(client, "https://example.com/hooks/token/")


def test_a_rejected_call_is_not_quoted(connector: Connector) -> None:
    with pytest.raises(WebhookRejected) as caught:
        connector.parse_webhook(call({"message": "private words"}))
    assert "private" not in str(caught.value)


def test_a_report_that_cannot_be_read_takes_no_other_with_it(connector: Connector) -> None:
    with pytest.raises(WebhookPartlyRead, match=r"^2 of 3 reports cannot be read\.") as caught:
        connector.parse_webhook(call([{"message": "private words"}, CALLBACK, 5]))
    assert list(caught.value.news) == connector.parse_webhook(call(CALLBACK))


# --- asked what became of a text --------------------------------------------------------------------------


async def asked(status: int, body: Any) -> StatusAnswer:
    with ScriptedServer() as vendor:
        vendor.expect("GET", "/sms/abc", Reply(status, body))
        transport = LeanTransport()
        try:
            made = connector_for("messagewhiz", {"api_key": SECRET, "base_url": vendor.url})
            return await made.ask_status(transport, "abc")
        finally:
            assert vendor.received[0].headers["apikey"] == SECRET
            await transport.aclose()


async def test_a_message_it_does_not_know_is_not_found() -> None:
    with pytest.raises(NotFound, match="does not know this message"):
        await asked(404, failure(404, "Message not found", error="Not Found"))


async def test_a_vendor_without_the_call_is_a_wrong_address() -> None:
    with pytest.raises(AccountRefused) as caught:
        await asked(404, failure(404, "Cannot GET /sms/abc", error="Not Found"))
    assert (caught.value.reason, caught.value.words) == ("wrong_address", "Cannot GET /sms/abc")


async def test_the_key_that_is_refused_is_the_accounts() -> None:
    with pytest.raises(AccountRefused) as caught:
        await asked(401, failure(401, "Unauthorized"))
    assert caught.value.reason == "bad_credentials"


@pytest.mark.parametrize(
    "body", [{"message_id": "abc"}, {"status": None}, {"result": []}, [], {"status": True}]
)
async def test_an_answer_without_a_status_cannot_be_read(body: Any) -> None:
    with pytest.raises(BadAnswer):
        await asked(200, body)


def test_polled_the_text_names_no_address_for_reports() -> None:
    pushed = connector_for("messagewhiz", {"api_key": SECRET})
    polled = connector_for("messagewhiz", {"api_key": SECRET, "reports": "polled"})
    assert json.loads(pushed.build_send(OUTGOING).content)["callback"] == OUTGOING.receipt_url
    assert "callback" not in json.loads(polled.build_send(OUTGOING).content)
    assert (pushed.receipts, polled.receipts) == (ReceiptKind.PUSHED, ReceiptKind.POLLED)
