"""Mobiz: the conformance suite's data, batches, and what only this vendor has."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from providers.connectors import connector_for
from providers.connectors.base import (
    BatchKind,
    Connector,
    OutgoingText,
    SendResult,
    WebhookCall,
    WebhookRejected,
)
from providers.connectors.mobiz import Mobiz
from providers.errors import (
    AccountRefused,
    BadAnswer,
    CapabilityError,
    ConnectorError,
    MessageRefused,
    NoAnswer,
    ServerTrouble,
    Throttled,
)
from providers.transport import LeanTransport, sync_client
from sms.states import MessageState
from tests.providers.connectors.conformance import OWED, SECRET, ConformanceSuite, Refusal
from tests.providers.connectors.scripted import Line, Reply, ScriptedServer

REFERENCE = "unique_message_reference"
SPELLED = "canary-7f3%2Fa%2Bb%3D9"  # SECRET in an address
OUTGOING = OutgoingText(
    message_id=7,
    msisdn="27710000000",
    sender="Crier",
    text="Hello",
    values={"first_name": "Thandi", "last_name": "Nkosi", "gender": "female"},
)
CONFIG = {"api_key": "k-51", "subscription_key": "s-52", "trigger_key": "t-53"}
TARGET = "/TriggerMessage/manual/paths/invoke?trigger_key=t-53&api_key=k-51"
DEFINITIONS = {
    0: "API_Trigger_Engagement_Auth_Failed",
    1: "API_Trigger_Engagement_Not_Found",
    2: "API_Trigger_Invalid_Customer",
    3: "API_Trigger_Accepted",
    4: "API_Trigger_Missing_Vars",
}
# Azure API Management's own answers.
NO_KEY = {
    "statusCode": 401,
    "message": "Access denied due to invalid subscription key. Make sure to provide a valid key for an active"
    " subscription.",
}
TOO_FAST = {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 12 seconds."}


def response(*statuses: tuple[str, str], **more: Any) -> dict[str, Any]:
    """The document's "Response"."""
    return {
        "Message_Status": [{"Message_Id": each, "Status": status} for each, status in statuses],
        "Reference": REFERENCE,
        "Result_Code": 3,
        "Result_Description": "Accepted",
        **more,
    }


def refused(code: int, **more: Any) -> dict[str, Any]:
    return {"Result_Code": code, "Result_Description": DEFINITIONS.get(code, "Unheard of"), **more}


TAKEN = response(("unique_id", "SUBMITTED"))


class TestMobiz(ConformanceSuite):
    slug = "mobiz"
    config = {
        "api_key": SECRET,
        "subscription_key": f"{SECRET}-2",
        "trigger_key": f"{SECRET}-3",
        "value_columns": "B=first_name, C=last_name, D=gender",
    }
    base_path = "/mobiz"
    send_target = f"/TriggerMessage/manual/paths/invoke?trigger_key={SPELLED}-3&api_key={SPELLED}"
    secret_in_address = True
    outgoing = OUTGOING
    accepted = Reply(200, TAKEN)
    result = SendResult(MessageState.SENT, provider_message_id="unique_id")
    # It takes no sender of ours, and documents nothing for a wrong number.
    owed = OWED - {"sender not allowed", "bad number"}
    refusals = {
        "bad credentials": Refusal(200, refused(0), AccountRefused, "bad_credentials", words=DEFINITIONS[0]),
        "no engagement": Refusal(200, refused(1), AccountRefused, "bad_settings", words=DEFINITIONS[1]),
        "no JSON": Refusal(200, refused(2), MessageRefused, "refused", words=DEFINITIONS[2]),
        "something missing": Refusal(200, refused(4), MessageRefused, "refused", words=DEFINITIONS[4]),
        "error inside a 200": Refusal(
            200,
            refused(4, Result_Code="4", Result_Description=f"B {SECRET}"),
            MessageRefused,
            "refused",
            words="B [redacted]",
        ),
        "whatever the status": Refusal(500, refused(0), AccountRefused, "bad_credentials"),
        "a code that nobody knows": Refusal(200, refused(7), BadAnswer, "bad_answer", words="Unheard of"),
        "a code that is none": Refusal(200, refused(3, Result_Code="three"), BadAnswer, "bad_answer"),
        "success that is none": Refusal(400, TAKEN, BadAnswer, "bad_answer"),
        "statuses that are none": Refusal(200, response(Message_Status=["a"]), BadAnswer, "bad_answer"),
        "no subscription": Refusal(
            401, NO_KEY, AccountRefused, "bad_credentials", words="invalid subscription key"
        ),
        "no subscription inside a 200": Refusal(200, NO_KEY, AccountRefused, "bad_credentials"),
        "too fast": Refusal(429, TOO_FAST, Throttled, "throttled", {"retry-after": "7"}, 7.0),
        "too fast in words": Refusal(429, TOO_FAST, Throttled, "throttled", retry_after=12.0),
        "too fast for an hour": Refusal(
            429,
            {"message": "Try again in 9999 seconds."},
            Throttled,
            "throttled",
            retry_after=3600.0,
        ),
        "quota": Refusal(
            403,
            {"statusCode": 403, "message": "Out of call volume quota."},
            AccountRefused,
            "service_off",
            words="Out of call",
        ),
        "no credit": Refusal(
            403, {"statusCode": 403, "message": "Insufficient credits"}, AccountRefused, "no_credit"
        ),
        "the lists' answer": Refusal(200, {"status": 1, "message": "x"}, BadAnswer, "bad_answer"),
    }
    opted_out = {
        "a refusal": Reply(200, refused(4, Result_Description="The recipient has opted out")),
        "its own status": Reply(200, response(("a", "OPTOUT"))),
        "its own words": Reply(200, response(("a", "Unsubscribed recipient"))),
        "a rejection": Reply(403, {"message": "Destination number is blacklisted"}),
    }
    variants = {
        "without a word": (Reply(202, b""), SendResult(MessageState.SENT)),
        "without ids": (
            Reply(200, response()),
            SendResult(MessageState.SENT, words=f"Reference {REFERENCE}"),
        ),
        "without a list of them": (
            Reply(200, {"Result_Code": "3"}),
            SendResult(MessageState.SENT),
        ),
        "one status by itself": (
            Reply(200, response(Message_Status={"Message_Id": 5, "Status": "submitted"})),
            SendResult(MessageState.SENT, "5"),
        ),
        "more than were asked": (
            Reply(200, response(("a", "SUBMITTED"), ("b", "SUBMITTED"))),
            SendResult(MessageState.SENT, "a"),
        ),
        "failed": (
            Reply(200, response(("a", "FAILED"))),
            SendResult(MessageState.FAILED, "a", "refused", "FAILED"),
        ),
        "no number": (
            Reply(200, response(("", "Invalid"))),
            SendResult(MessageState.FAILED, "", "bad_number", "Invalid"),
        ),
        "a word nobody knows": (
            Reply(200, response(("a", f"PARKED {SECRET}"))),
            SendResult(MessageState.UNKNOWN, "a", "unknown_status", "PARKED [redacted]"),
        ),
    }
    impossible = {
        "empty": ({"text": ""}, MessageRefused, "empty_text"),
        "too long": ({"text": "x" * 1601}, MessageRefused, "text_too_long"),
        "number with a plus": ({"msisdn": "+27710000000"}, MessageRefused, "bad_number"),
        "number without a country": ({"msisdn": "0710000000"}, MessageRefused, "bad_number"),
        "short number": ({"msisdn": "2771000"}, MessageRefused, "bad_number"),
        "long number": ({"msisdn": "2" * 16}, MessageRefused, "bad_number"),
        "media": ({"media_urls": ("https://example.com/a.png",)}, CapabilityError, "not_supported"),
    }
    test_method = "POST"
    test_target = send_target
    tested = Reply(200, refused(4))
    test_sentence = "accepts the subscription key, the API key and the trigger key"
    statuses = {}
    unknown_word = ""
    wrong_configs = {
        "no API key": ({"api_key": ""}, "api_key"),
        "no subscription key": ({"subscription_key": ...}, "subscription_key"),
        "no trigger key": ({"trigger_key": None}, "trigger_key"),
        "key of two lines": ({"subscription_key": f"{SECRET}\r\nX: 1"}, "subscription_key"),
        "column that is none": ({"number_column": "Number"}, "number_column"),
        "text in the number's column": ({"text_column": "a"}, "text_column"),
        "text in a figure": ({"text_column": "5"}, "text_column"),
        "values without columns": ({"value_columns": "first_name"}, "value_columns"),
        "a column twice": ({"value_columns": "B=first_name, b=last_name"}, "value_columns"),
        "a value in the text's column": ({"value_columns": "E=first_name"}, "value_columns"),
        "a value that is none": ({"value_columns": "B=First name"}, "value_columns"),
        "setting of another vendor": ({"password": SECRET}, "password"),
        "address with a query": ({"base_url": f"https://example.com/?api_key={SECRET}"}, "base_url"),
    }
    wrong_webhooks = {
        "empty": b"",
        "a report": json.dumps({"Message_Id": "unique_id", "Status": "DELIVERED"}).encode(),
    }

    def report_call(self, word: str) -> WebhookCall:
        return WebhookCall("POST", "/hooks/token/", {}, {}, b"{}", "192.0.2.1")

    def text_of(self, body: Any) -> str:
        return str(body["E"])


@pytest.fixture
def connector() -> Connector:
    return connector_for("mobiz", CONFIG)


def with_columns(**columns: str) -> Connector:
    return connector_for("mobiz", CONFIG | columns)


def test_request_is_the_documents() -> None:
    connector = with_columns(value_columns="B=first_name, C=last_name, D=gender")
    request = connector.build_send(OUTGOING)
    assert (request.method, str(request.url)) == ("POST", f"https://api.mobiz.co{TARGET}")
    assert request.headers["ocp-apim-subscription-key"] == "s-52"
    assert request.headers["content-type"] == "application/json"
    assert request.content == (
        b'{"A": "27710000000", "B": "Thandi", "C": "Nkosi", "D": "female", "E": "Hello"}'
    )


def test_no_value_goes_out_unasked(connector: Connector) -> None:
    assert connector.wanted_values == ()
    assert json.loads(connector.build_send(OUTGOING).content) == {"A": "27710000000", "E": "Hello"}


def test_columns_are_those_of_the_accounts_template() -> None:
    columns = {
        "number_column": "c",
        "text_column": "AA",
        "value_columns": " a = custom1 ,B=custom1,, D=shop ",
    }
    connector = with_columns(**columns)
    assert connector.wanted_values == ("custom1", "shop")
    outgoing = replace(OUTGOING, values={"custom1": "x"})
    assert list(json.loads(connector.build_send(outgoing).content).items()) == [
        ("A", "x"),
        ("B", "x"),
        ("C", "27710000000"),
        ("D", ""),
        ("AA", "Hello"),
    ]


@pytest.mark.parametrize("sender", ["", "Crier", "12345", "not a sender at all"])
def test_any_sender_will_do_and_none_is_passed_on(connector: Connector, sender: str) -> None:
    outgoing = replace(OUTGOING, sender=sender)
    connector.check(outgoing)
    assert connector.build_send(outgoing).content == connector.build_send(OUTGOING).content


def test_it_says_what_it_does_not_hear(connector: Connector) -> None:
    call = TestMobiz().report_call("")
    with pytest.raises(WebhookRejected, match="documents no delivery reports and no replies"):
        connector.parse_webhook(call)
    can = {line.name: line for line in connector.capabilities.lines()}
    assert not any(can[name].has for name in ("receipts", "inbound", "sender_list", "webhook_setup"))
    assert "until the last moment" in can["schedule"].words


# --- test connection --------------------------------------------------------------------------------------


def answer_to_a_test(reply: Reply) -> tuple[str, bytes]:
    with ScriptedServer() as vendor, sync_client() as client:
        vendor.expect("POST", TARGET, reply)
        sentence = connector_for("mobiz", CONFIG | {"base_url": vendor.url}).test(client)
        vendor.verify()
    assert vendor.received[0].headers["ocp-apim-subscription-key"] == "s-52"
    return sentence, vendor.received[0].body


@pytest.mark.parametrize("reply", [refused(2), refused(4), response()])
def test_connection_test_texts_nobody(reply: Any) -> None:
    sentence, asked = answer_to_a_test(Reply(400, reply) if "Reference" not in reply else Reply(200, reply))
    assert asked == b"[]"
    assert f"Result_Code {reply['Result_Code']}" in sentence
    assert "No text was sent." in sentence


def test_an_answer_without_a_word_proves_the_subscription_alone() -> None:
    sentence, _asked = answer_to_a_test(Reply(202, b""))
    assert "accepts the subscription key." in sentence
    assert "only a text to yourself proves" in sentence


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(refused(0), "bad_credentials"), (refused(1), "bad_settings"), (NO_KEY, "bad_credentials")],
)
def test_connection_test_names_the_wrong_key(reply: Any, reason: str) -> None:
    with pytest.raises(AccountRefused) as caught:
        answer_to_a_test(Reply(200, reply))
    assert caught.value.reason == reason


# --- batches ----------------------------------------------------------------------------------------------

NUMBERS = [f"2771000000{n}" for n in range(5)]


def batch_of(count: int, **changes: Any) -> list[OutgoingText]:
    """Each with a text of their own."""
    return [
        replace(OUTGOING, message_id=n, msisdn=NUMBERS[n], text=f"Hello {n}", **changes) for n in range(count)
    ]


def handed_over(
    batch: Sequence[OutgoingText], *replies: Reply, seconds: float = 5.0
) -> tuple[list[SendResult | ConnectorError], list[Any]]:
    """What became of each, and the JSON of each request."""

    async def go(connector: Mobiz) -> list[SendResult | ConnectorError]:
        transport = LeanTransport()
        try:
            return await connector.send_batch(transport, batch)
        finally:
            await transport.aclose()

    with ScriptedServer() as vendor:
        for reply in replies:
            vendor.expect("POST", TARGET, reply)
        connector = connector_for("mobiz", CONFIG | {"base_url": vendor.url}, timeout_seconds=seconds)
        assert isinstance(connector, Mobiz)
        outcomes = asyncio.run(go(connector))
        vendor.verify()
    return outcomes, [request.json for request in vendor.received]


def sent(message_id: str) -> SendResult:
    return SendResult(MessageState.SENT, provider_message_id=message_id)


def test_a_batch_is_one_request_with_a_text_each() -> None:
    outcomes, [body] = handed_over(
        batch_of(3), Reply(200, response(("a", "SUBMITTED"), ("b", "SUBMITTED"), ("c", "SUBMITTED")))
    )
    assert body == [{"A": NUMBERS[n], "E": f"Hello {n}"} for n in range(3)]
    assert outcomes == [sent("a"), sent("b"), sent("c")]


def test_a_batch_of_one_is_the_documents_single_payload() -> None:
    outcomes, [body] = handed_over(batch_of(1), Reply(200, response(("a", "SUBMITTED"))))
    assert body == {"A": NUMBERS[0], "E": "Hello 0"}
    assert outcomes == [sent("a")]


def test_a_partly_taken_batch_is_told_apart() -> None:
    statuses = (("a", "SUBMITTED"), ("", "INVALID"), ("c", "Recipient has opted out"))
    outcomes, _bodies = handed_over(batch_of(3), Reply(200, response(*statuses)))
    assert outcomes == [
        sent("a"),
        SendResult(MessageState.FAILED, "", "bad_number", "INVALID"),
        SendResult(MessageState.SUPPRESSED, "c", "opted_out_at_vendor", "Recipient has opted out"),
    ]


def test_whom_it_does_not_name_is_sent_without_an_id() -> None:
    outcomes, _bodies = handed_over(batch_of(3), Reply(200, response(("a", "SUBMITTED"))))
    without_id = SendResult(MessageState.SENT, words=f"Reference {REFERENCE}")
    assert outcomes == [sent("a"), without_id, without_id]


@pytest.mark.parametrize(
    "statuses",
    [[("a", "SUBMITTED"), ("b", "FAILED")], [("a", "SUBMITTED")] * 3 + [("b", "FAILED")]],
)
def test_a_failure_that_could_be_anybodys_is_nobodys(statuses: list[tuple[str, str]]) -> None:
    """Else a person who got the text could be texted again."""
    outcomes, _bodies = handed_over(batch_of(3), Reply(200, response(*statuses)))
    assert [each.state for each in outcomes if isinstance(each, SendResult)] == [MessageState.UNKNOWN] * 3
    assert all(isinstance(each, SendResult) and "FAILED" in each.words for each in outcomes)


def test_an_accepted_batch_without_a_word_is_sent() -> None:
    outcomes, _bodies = handed_over(batch_of(2), Reply(202, b""))
    assert outcomes == [SendResult(MessageState.SENT)] * 2


def test_a_refused_batch_is_halved_until_who_is_to_blame_stands_alone() -> None:
    taken = ("x", "SUBMITTED")
    outcomes, bodies = handed_over(
        batch_of(4),
        Reply(200, refused(2)),
        Reply(200, response(taken, taken)),
        Reply(200, refused(2)),
        Reply(200, refused(2)),
        Reply(200, response(taken)),
    )
    assert [len(body) if isinstance(body, list) else 1 for body in bodies] == [4, 2, 2, 1, 1]
    assert [isinstance(each, MessageRefused) for each in outcomes] == [False, False, True, False]


def test_who_cannot_be_texted_is_left_out_before_any_http() -> None:
    batch = batch_of(3)
    batch[1] = replace(batch[1], msisdn="0710000000")
    outcomes, [body] = handed_over(batch, Reply(200, response(("a", "SUBMITTED"), ("c", "SUBMITTED"))))
    assert [row["A"] for row in body] == [NUMBERS[0], NUMBERS[2]]
    assert (outcomes[0], outcomes[2]) == (sent("a"), sent("c"))
    assert isinstance(outcomes[1], MessageRefused)


@pytest.mark.parametrize(
    ("reply", "raises", "certain"),
    [
        (Reply(200, refused(0)), AccountRefused, True),
        (Reply(429, TOO_FAST), Throttled, True),
        (Reply(500, b"oops"), ServerTrouble, False),
        (Reply(200, b"<html></html>"), BadAnswer, False),
        (Reply(line=Line.CUT_BEFORE), NoAnswer, False),
        (Reply(200, TAKEN, line=Line.HANG_WITHIN), NoAnswer, False),
    ],
)
def test_what_is_of_all_is_of_each_and_asked_once(
    reply: Reply, raises: type[ConnectorError], certain: bool
) -> None:
    outcomes, bodies = handed_over(batch_of(3), reply, seconds=0.25)
    assert [type(each) for each in outcomes] == [raises] * 3
    assert all(isinstance(each, ConnectorError) and each.certainly_not_sent is certain for each in outcomes)
    assert len(bodies) == 1


def test_its_capabilities_say_how_large_a_batch_is(connector: Connector) -> None:
    can = connector.capabilities
    assert (can.batch, can.batch_most, can.personal_text) == (BatchKind.PERSONAL, 500, True)
