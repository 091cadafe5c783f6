"""BulkVS: the conformance suite's data, and what only this vendor has."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest

from providers.connectors import connector_for
from providers.connectors.base import (
    Connector,
    DeliveryReport,
    InboundText,
    OutgoingText,
    SendResult,
    WebhookCall,
    WebhookRejected,
)
from providers.errors import (
    AccountRefused,
    BadAnswer,
    CapabilityError,
    ConnectorError,
    MessageRefused,
    ServerTrouble,
)
from providers.transport import sync_client
from sms.states import MessageState
from tests.providers.connectors.conformance import SECRET, ConformanceSuite, Refusal
from tests.providers.connectors.scripted import Reply, ScriptedServer

REF_ID = "5a66dee6-ff7a-40ee-8218-5805c074dc01"
OUTGOING = OutgoingText(message_id=7, msisdn="12015550123", sender="12025550100", text="Hello")


def answer(*results: tuple[str, str], **more: Any) -> dict[str, Any]:
    """The document's example of a 200."""
    return {
        "RefId": REF_ID,
        "From": "12025550100",
        "MessageType": "SMS",
        "Fragments": 1,
        "Results": [{"To": to, "Status": status} for to, status in results],
        **more,
    }


def failure(status: int, description: Any) -> dict[str, Any]:
    return {"Status": "FAILED", "Code": str(status), "Description": description}


def call(body: Any, remote_address: str = "52.206.134.245", **query: str) -> WebhookCall:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookCall("POST", "/hooks/token/", query, {}, content, remote_address)


def receipt(stat: str, text: str = "Dream Te...", err: str = "000", submitted: str = "2609160247") -> str:
    return (
        f"id:1162999967 sub:001 dlvrd:000 submit date:{submitted} done date:2609160248"
        f" stat:{stat} err:{err} text:{text}"
    )


def inbound(message: str, **more: Any) -> dict[str, Any]:
    return {"From": "12015550123", "To": ["12025550100"], "Message": message, **more}


class TestBulkVs(ConformanceSuite):
    slug = "bulkvs"
    config = {"username": "api-user", "password": SECRET}
    base_path = "/bulkvs/api/v1.0"
    send_target = "/messageSend"
    outgoing = OUTGOING
    accepted = Reply(200, answer(("12015550123", "SUCCESS")))
    result = SendResult(MessageState.SENT, provider_message_id=REF_ID, parts=1)
    refusals = {
        "bad number": Refusal(
            400,
            failure(400, {"To": ["is no telephone number"]}),
            MessageRefused,
            "bad_number",
            words="To: is no",
        ),
        "malformed": Refusal(
            400,
            failure(400, "Property missing, invalid or malformed"),
            MessageRefused,
            "refused",
            words="Property",
        ),
        "text too long": Refusal(
            400, failure(400, {"Message": ["too long"]}), MessageRefused, "text_too_long"
        ),
        "wrong sender": Refusal(400, failure(400, {"From": ["x"]}), MessageRefused, "sender_not_allowed"),
        "sender not allowed": Refusal(
            404,
            failure(404, "Telephone Number not enabled for Service"),
            MessageRefused,
            "sender_not_allowed",
            words="Telephone Number not enabled for Service",
        ),
        "conflict": Refusal(
            409,
            failure(409, {"Valid Type": [f"not {SECRET}"]}),
            MessageRefused,
            "refused",
            words="not [redacted]",
        ),
        "bad credentials": Refusal(401, failure(401, "Unauthorized"), AccountRefused, "bad_credentials"),
        "no credit": Refusal(
            403, failure(403, "Insufficient funds or service not enabled"), AccountRefused, "no_credit"
        ),
        "service off": Refusal(403, failure(403, "Service not enabled"), AccountRefused, "service_off"),
        "documented trouble": Refusal(
            503, failure(503, "An error occurred"), ServerTrouble, "server_trouble"
        ),
        "error inside a 200": Refusal(
            200, failure(403, "Insufficient funds or service not enabled"), AccountRefused, "no_credit"
        ),
        "trouble inside a 200": Refusal(
            200, failure(503, "An error occurred"), ServerTrouble, "server_trouble"
        ),
        "failure without a code": Refusal(200, {"Status": "FAILED"}, BadAnswer, "bad_answer", words="FAILED"),
    }
    opted_out = {
        "a refusal": Reply(400, failure(400, {"To": ["The recipient has opted out"]})),
        "forbidden": Reply(403, failure(403, "Destination number is blacklisted")),
        "inside a 200": Reply(200, failure(403, "Recipient replied STOP")),
        "its own status": Reply(200, answer(("12015550123", "OPTOUT"))),
        "its own words": Reply(200, answer(("12015550123", "Unsubscribed recipient"))),
    }
    variants = {
        "ours failed": (
            Reply(200, answer(("12015550199", "SUCCESS"), ("12015550123", "FAILED"))),
            SendResult(MessageState.FAILED, REF_ID, "refused", "FAILED", 1),
        ),
        "ours went": (
            Reply(200, answer(("12015550199", "FAILED"), ("2015550123", "Success"))),
            SendResult(MessageState.SENT, REF_ID, parts=1),
        ),
        "ours is missing": (
            Reply(200, answer(("12015550199", "SUCCESS"))),
            SendResult(
                MessageState.UNKNOWN,
                REF_ID,
                "bad_answer",
                'The answer does not name this recipient: [{"To": "12015550199", "Status": "SUCCESS"}]',
                1,
            ),
        ),
        "no results": (
            Reply(200, {"RefId": 4551, "Fragments": "3"}),
            SendResult(
                MessageState.UNKNOWN, "4551", "bad_answer", "The answer does not name this recipient: null", 3
            ),
        ),
        "a word nobody knows": (
            Reply(200, answer(("12015550123", f"PENDING {SECRET}"))),
            SendResult(MessageState.UNKNOWN, REF_ID, "unknown_status", "PENDING [redacted]", 1),
        ),
        "rejected": (
            Reply(200, answer(("12015550123", "REJECTED"))),
            SendResult(MessageState.REJECTED, REF_ID, "rejected", "REJECTED", 1),
        ),
    }
    impossible = {
        "name as sender": ({"sender": "Crier"}, CapabilityError, "not_supported"),
        "short code as sender": ({"sender": "12345"}, MessageRefused, "sender_not_allowed"),
        "foreign sender": ({"sender": "447700900123"}, MessageRefused, "sender_not_allowed"),
        "empty": ({"text": ""}, MessageRefused, "empty_text"),
        "too long": ({"text": "x" * 1601}, MessageRefused, "text_too_long"),
        "foreign number": ({"msisdn": "447700900123"}, MessageRefused, "out_of_reach"),
        "ten digits": ({"msisdn": "2015550123"}, MessageRefused, "out_of_reach"),
        "no area code": ({"msisdn": "11015550123"}, MessageRefused, "bad_number"),
    }
    test_target = "/campaigns"
    tested = Reply(
        200,
        [
            {
                "Tcr": "CW1549",
                "Brand": "Brand 1",
                "Count": "49",
                "Approval": "Y",
                "Activation Date": "2021-02-16 16:23:35",
            },
            {"Tcr": "CW1550", "Approval": "N"},
        ],
    )
    test_sentence = "Approved campaigns: 1."
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
        "no password": ({"password": ""}, "password"),
        "password of two lines": ({"password": f"{SECRET}\r\nX: 1"}, "password"),
        "no user": ({"username": None}, "username"),
        "colon in the user": ({"username": f"a:{SECRET}"}, "username"),
        "sources that are none": ({"webhook_addresses": "example.com"}, "webhook_addresses"),
        "a list of sources": ({"webhook_addresses": ["192.0.2.1"]}, "webhook_addresses"),
        "setting of another vendor": ({"api_key": SECRET}, "api_key"),
        "address with a fragment": ({"base_url": "https://example.com/#a"}, "base_url"),
        "address with a blank": ({"base_url": "https://exam ple.com"}, "base_url"),
    }
    wrong_webhooks = {
        "empty": b"",
        "html": b"<html></html>",
        "list": b"[]",
        "no From": json.dumps({"To": ["12025550100"], "Message": "Hi"}).encode(),
        "no text": json.dumps({"From": "12015550123", "To": ["12025550100"]}).encode(),
        "a text of another shape": json.dumps(
            {"From": "12015550123", "To": [], "Message": {"a": 1}}
        ).encode(),
        "binary": b"\x00\xff\xfe",
    }

    def report_call(self, word: str) -> WebhookCall:
        return call(inbound(quote_plus(receipt(word))))

    def media_of(self, body: Any) -> list[str]:
        return list(body["MediaURLs"])

    def text_of(self, body: Any) -> str:
        return str(body["Message"])


@pytest.fixture
def connector() -> Connector:
    return connector_for("bulkvs", {"username": "user", "password": "pass"})


def test_request_is_the_documents(connector: Connector) -> None:
    request = connector.build_send(OUTGOING)
    assert (request.method, str(request.url)) == ("POST", "https://portal.bulkvs.com/api/v1.0/messageSend")
    assert request.headers["authorization"] == "Basic " + base64.b64encode(b"user:pass").decode()
    assert json.loads(request.content) == {"From": "12025550100", "To": ["12015550123"], "Message": "Hello"}


def test_sender_may_lack_the_country(connector: Connector) -> None:
    request = connector.build_send(OutgoingText(1, "12015550123", "2025550100", "Hi"))
    assert json.loads(request.content)["From"] == "12025550100"


def test_media_go_with_a_message_even_without_text(connector: Connector) -> None:
    outgoing = OutgoingText(1, "12015550123", "12025550100", "", media_urls=("https://example.com/a.png",))
    connector.check(outgoing)
    assert json.loads(connector.build_send(outgoing).content) == {
        "From": "12025550100",
        "To": ["12015550123"],
        "Message": "",
        "MediaURLs": ["https://example.com/a.png"],
    }


def test_connection_test_without_a_campaign_says_so() -> None:
    with ScriptedServer() as vendor, sync_client() as client:
        vendor.expect("GET", "/campaigns", Reply(404, failure(404, "Campaign not found")))
        connector = connector_for("bulkvs", {"username": "user", "password": "pass", "base_url": vendor.url})
        assert "No approved campaign" in connector.test(client)
        vendor.verify()
    assert vendor.received[0].headers["authorization"].startswith("Basic ")


WEBHOOK = {
    "Webhook": "Crier",
    "Description": "Delivery reports and replies for Crier",
    "Url": "https://example.com/hooks/token/",
    "Dlr": True,
    "Method": "POST",
}


def register(reply: Reply) -> tuple[str, ScriptedServer]:
    with ScriptedServer() as vendor, sync_client() as client:
        vendor.expect("PUT", "/webHooks", reply)
        connector = connector_for("bulkvs", {"username": "user", "password": "pass", "base_url": vendor.url})
        sentence = connector.register_webhook(client, "https://example.com/hooks/token/")
        vendor.verify()
    return sentence, vendor


def test_sets_its_webhook() -> None:
    taken = {**WEBHOOK, "Last Modification": "2021-02-16 16:23:35"}
    sentence, vendor = register(Reply(200, taken))
    assert "“Crier”" in sentence
    assert vendor.received[0].json == WEBHOOK


@pytest.mark.parametrize(
    ("reply", "raises"),
    [
        (Reply(412, failure(412, "Applicable agreement lacks consent")), ConnectorError),
        (Reply(403, failure(403, "Insufficient funds or service not enabled")), AccountRefused),
        (Reply(503, failure(503, "An error occurred")), ServerTrouble),
        (Reply(200, {"Webhook": "Another"}), BadAnswer),
        (Reply(200, b"<html></html>"), BadAnswer),
    ],
)
def test_a_webhook_that_is_not_taken_is_explained(reply: Reply, raises: type[ConnectorError]) -> None:
    with pytest.raises(raises):
        register(reply)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("STOP", "STOP"),
        ("Hi%2C+I+got+it%21", "Hi, I got it!"),
        ("C%2B%2B", "C++"),
        ("100%", "100%"),
        ("100%+sure", "100% sure"),
        ("a+b and so on", "a+b and so on"),
        ("one%0Atwo", "one\ntwo"),
        ("one+1\ntwo", "one+1\ntwo"),
        ("%D0%A1%D0%A2%D0%9E%D0%9F", "СТОП"),
        ("%F0%9F%8E%89", "🎉"),
        ("bad%FFbytes", "bad%FFbytes"),
        ("%zz", "%zz"),
    ],
)
def test_reads_inbound_texts(connector: Connector, raw: str, text: str) -> None:
    assert connector.parse_webhook(call(inbound(raw))) == [InboundText("12015550123", "12025550100", text)]


def test_inbound_numbers_may_come_in_any_writing(connector: Connector) -> None:
    body = {"From": "+1 201-555-0123", "To": "2025550100", "Message": "Hi", "RefId": "abc"}
    assert connector.parse_webhook(call(body)) == [
        InboundText("12015550123", "12025550100", "Hi", provider_message_id="abc")
    ]


def test_inbound_media_are_passed_on_without_the_layout(connector: Connector) -> None:
    media = [
        "https://example.com/0.smil",
        "https://example.com/1.jpg?x=1",
        "https://example.com/2.txt",
        5,
        "",
    ]
    [text] = connector.parse_webhook(call(inbound("", MediaURLs=media)))
    assert isinstance(text, InboundText)
    assert text.media_urls == ("https://example.com/1.jpg?x=1", "https://example.com/2.txt")


def test_inbound_by_get_is_read_from_the_query(connector: Connector) -> None:
    get = call(b"", **{"from": "12015550123", "to": "12025550100", "message": "1+1"})
    assert connector.parse_webhook(get) == [InboundText("12015550123", "12025550100", "1+1")]


@pytest.mark.parametrize("encode", [str, quote_plus])
def test_reads_receipts_in_the_guise_of_texts(connector: Connector, encode: Any) -> None:
    message = encode(receipt("UNDELIV", err="255"))
    assert connector.parse_webhook(call(inbound(message))) == [
        DeliveryReport(
            MessageState.UNDELIVERED,
            msisdn="12015550123",
            sender="12025550100",
            text_prefix="Dream Te",
            submitted_at=datetime(2026, 9, 16, 2, 47, tzinfo=UTC),
            words="UNDELIV err:255",
            reason="undelivered",
        )
    ]


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("", ""),
        ("Hi", "Hi"),
        ("Sale: 5", "Sale: 5"),
        ("stat:X y", "stat:X y"),
        ("Привет…", "Привет…"),
        ("a\nb", "a\nb"),
    ],
)
def test_receipts_keep_the_beginning_of_the_text(connector: Connector, text: str, prefix: str) -> None:
    [report] = connector.parse_webhook(call(inbound(receipt("DELIVRD", text=text))))
    assert isinstance(report, DeliveryReport)
    assert (report.text_prefix, report.state) == (prefix, MessageState.DELIVERED)


@pytest.mark.parametrize(
    ("submitted", "read"),
    [
        ("2609160247", datetime(2026, 9, 16, 2, 47, tzinfo=UTC)),
        ("260916024733", datetime(2026, 9, 16, 2, 47, 33, tzinfo=UTC)),
        ("2699160247", None),
        ("soon", None),
        ("", None),
    ],
)
def test_receipts_with_strange_times_are_receipts(
    connector: Connector, submitted: str, read: datetime | None
) -> None:
    [report] = connector.parse_webhook(call(inbound(receipt("DELIVRD", submitted=submitted))))
    assert isinstance(report, DeliveryReport)
    assert report.submitted_at == read


@pytest.mark.parametrize("text", ["id: I have none", "my id:5 stat:DELIVRD", "stat:DELIVRD", "STOP id:1"])
def test_people_who_write_like_a_receipt_are_people(connector: Connector, text: str) -> None:
    assert connector.parse_webhook(call(inbound(text))) == [InboundText("12015550123", "12025550100", text)]


def test_a_receipt_without_a_status_is_unknown(connector: Connector) -> None:
    [report] = connector.parse_webhook(call(inbound("id:1 sub:001 dlvrd:000 stat: err:000 text:Hi")))
    assert isinstance(report, DeliveryReport)
    assert (report.state, report.words) == (MessageState.UNKNOWN, "(no status)")


def test_only_named_sources_may_call_when_there_are_some() -> None:
    config = {"username": "user", "password": "pass", "webhook_addresses": "52.206.134.245, 192.9.236.42"}
    connector = connector_for("bulkvs", config)
    assert connector.parse_webhook(call(inbound("Hi"), "192.9.236.42"))
    for other in ("192.0.2.9", "", "unknown"):
        with pytest.raises(WebhookRejected, match="no webhook source"):
            connector.parse_webhook(call(inbound("Hi"), other))
