"""Mx2 Group: the conformance suite's data, and what only this vendor has."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from providers.connectors import connector_for
from providers.connectors.base import (
    Connector,
    DeliveryReport,
    InboundText,
    OutgoingText,
    SendResult,
    WebhookCall,
)
from providers.errors import AccountRefused, BadAnswer, CapabilityError, MessageRefused, ServerTrouble
from providers.transport import sync_client
from sms.states import MessageState
from tests.providers.connectors.conformance import OWED, SECRET, ConformanceSuite, Refusal
from tests.providers.connectors.scripted import Reply, ScriptedServer

# The document's own example.
CAMPAIGN = "71349011-E13D-43FC-ADB4-DAE215EA5438"
SUBSCRIBER = "xct7jy"
ADDRESS = "https://example.com?customerid=1234"
OUTGOING = OutgoingText(
    message_id=7, msisdn="12015550123", sender="12025550100", text=ADDRESS, values={"first_name": "Mike"}
)
CONFIG = {"api_key": "key", "campaign_guid": CAMPAIGN}


def answer(status: str, message: str = "", subscriber: str = SUBSCRIBER) -> dict[str, str]:
    """ "Response Payload"."""
    return {"status": status, "statusMessage": message, "subscriberId": subscriber}


def error(message: str) -> dict[str, str]:
    return answer("error", message, "")


def told(status: str, message: str = "", text: str = "", **more: Any) -> dict[str, Any]:
    """What the webhook is posted."""
    return {
        "subscriberId": SUBSCRIBER,
        "cguid": CAMPAIGN,
        "status": status,
        "statusMessage": message,
        "textMessage": text,
        "messageType": "Initial",
        "datetime": "2026-09-16 14:47:33",
        **more,
    }


def call(body: Any, content_type: str = "application/json") -> WebhookCall:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return WebhookCall("POST", "/hooks/token/", {}, {"content-type": content_type}, content, "192.0.2.1")


class TestMx2(ConformanceSuite):
    slug = "mx2"
    config = {"api_key": SECRET, "campaign_guid": CAMPAIGN}
    base_path = "/mx2"
    send_target = "/api/send"
    outgoing = OUTGOING
    accepted = Reply(200, answer("success"))
    result = SendResult(MessageState.SENT, provider_message_id=SUBSCRIBER)
    # It takes no sender of ours.
    owed = OWED - {"sender not allowed"}
    texts = {
        "none": "",
        "address": "https://example.com/a?b=c&d=%20#e",
        "of the other scheme": "http://example.com",
        "in capitals": "HTTPS://EXAMPLE.COM/A",
        "of another alphabet": "https://bücher.example.com/größe",
        "long": "https://example.com/" + "x" * 492,
    }
    refusals = {
        "bad number": Refusal(
            200,
            error("Invalid or missing cell"),
            MessageRefused,
            "bad_number",
            words="Invalid or missing cell",
        ),
        "bad credentials": Refusal(
            200, error("Invalid or missing apikey"), AccountRefused, "bad_credentials"
        ),
        "another campaign": Refusal(200, error("Invalid or missing cguid"), AccountRefused, "bad_settings"),
        "no JSON": Refusal(200, error("Invalid or missing payload"), MessageRefused, "refused"),
        "landing page": Refusal(
            200,
            error("landingPageUrl is not a valid URL"),
            MessageRefused,
            "refused",
            words="landingPageUrl is not",
        ),
        "whatever the status": Refusal(
            500, error("Invalid or missing apikey"), AccountRefused, "bad_credentials"
        ),
        "in other words": Refusal(
            400, error(f"The APIKEY {SECRET} is off"), AccountRefused, "bad_credentials", words="[redacted]"
        ),
        "no credit": Refusal(200, error("Insufficient credits"), AccountRefused, "no_credit"),
        "error inside a 200": Refusal(
            200, error("Carrier is closed"), MessageRefused, "refused", words="Carrier is closed"
        ),
        "error inside a 403": Refusal(403, error("Account is off"), AccountRefused, "service_off"),
        "error inside a 500": Refusal(500, error("Out of order"), ServerTrouble, "server_trouble"),
        "error without words": Refusal(200, error(""), MessageRefused, "refused"),
        "success that is none": Refusal(400, answer("success"), BadAnswer, "bad_answer"),
        "no status": Refusal(200, {"subscriberId": SUBSCRIBER}, BadAnswer, "bad_answer"),
    }
    opted_out = {
        "its own status": Reply(200, answer("optout")),
        "with words": Reply(200, answer("OptOut", "On the optout list")),
        "whatever the status": Reply(403, answer("optout", "", "")),
        "an error's words": Reply(200, error("The recipient has opted out")),
    }
    variants = {
        "in capitals": (Reply(201, answer("SUCCESS")), SendResult(MessageState.SENT, SUBSCRIBER)),
        "without an id": (Reply(200, {"status": "success"}), SendResult(MessageState.SENT)),
        "with words": (
            Reply(200, answer("success", "Queued")),
            SendResult(MessageState.SENT, SUBSCRIBER, words="Queued"),
        ),
        "opted out": (
            Reply(200, answer("optout")),
            SendResult(MessageState.SUPPRESSED, "", "opted_out_at_vendor", "optout"),
        ),
        "a word nobody knows": (
            Reply(200, answer("parked", f"for {SECRET}")),
            SendResult(MessageState.UNKNOWN, SUBSCRIBER, "unknown_status", "for [redacted]"),
        ),
    }
    impossible = {
        "a text": ({"text": "Hello Mike"}, CapabilityError, "not_supported"),
        "a text with an address": ({"text": f"See {ADDRESS}"}, CapabilityError, "not_supported"),
        "two addresses": ({"text": f"{ADDRESS}\n{ADDRESS}"}, CapabilityError, "not_supported"),
        "a long text": ({"text": "Hello " * 200}, CapabilityError, "not_supported"),
        "an address without scheme": ({"text": "example.com/a"}, MessageRefused, "refused"),
        "an address of another kind": ({"text": "ftp://example.com"}, MessageRefused, "refused"),
        "an address without host": ({"text": "https://"}, MessageRefused, "refused"),
        "a broken address": ({"text": "https://[::1"}, MessageRefused, "refused"),
        "a long address": ({"text": "https://example.com/" + "x" * 493}, MessageRefused, "text_too_long"),
        "foreign number": ({"msisdn": "447700900123"}, MessageRefused, "out_of_reach"),
        "ten digits": ({"msisdn": "2015550123"}, MessageRefused, "out_of_reach"),
        "no area code": ({"msisdn": "11015550123"}, MessageRefused, "bad_number"),
    }
    test_method = "POST"
    test_target = "/api/send"
    tested = Reply(200, error("Invalid or missing cell"))
    test_sentence = "accepts the API key and the campaign"
    statuses = {
        "sent": (MessageState.SENT, ""),
        "delivered": (MessageState.DELIVERED, ""),
        "failed": (MessageState.UNDELIVERED, "undelivered"),
        "FAILED": (MessageState.UNDELIVERED, "undelivered"),
    }
    unknown_word = "parked"
    sent_word, delivered_word, owed_statuses = "sent", "delivered", frozenset({"failed"})
    wrong_configs = {
        "no key": ({"api_key": " "}, "api_key"),
        "key of two lines": ({"api_key": f"{SECRET}\nX: 1"}, "api_key"),
        "no campaign": ({"campaign_guid": ...}, "campaign_guid"),
        "campaign that is none": ({"campaign_guid": "Spring"}, "campaign_guid"),
        "campaign with half its braces": ({"campaign_guid": "{" + CAMPAIGN}, "campaign_guid"),
        "campaign that is cut": ({"campaign_guid": CAMPAIGN[:-1]}, "campaign_guid"),
        "a name that is none": ({"default_first_name": "{name}"}, "default_first_name"),
        "a long name": ({"default_first_name": "x" * 51}, "default_first_name"),
        "setting of another vendor": ({"password": SECRET}, "password"),
        "address without scheme": ({"base_url": "api.mx2group.com"}, "base_url"),
    }
    wrong_webhooks = {
        "empty": b"",
        "html": b"<html></html>",
        "list": b"[]",
        "text": b'"delivered"',
        "form as JSON": urlencode(told("delivered")).encode(),
        "nobody": json.dumps(told("delivered", subscriberId="")).encode(),
        "no status": json.dumps(told("")).encode(),
        "status that is none": json.dumps({**told("delivered"), "status": {"a": 1}}).encode(),
        "reply without words": json.dumps(told("received")).encode(),
        "binary": b"\x00\xff\xfe",
    }

    def report_call(self, word: str) -> WebhookCall:
        return call(told(word))

    def text_of(self, body: Any) -> str:
        return str(body.get("landingPageUrl", ""))


@pytest.fixture
def connector() -> Connector:
    return connector_for("mx2", CONFIG)


def test_request_is_the_documents(connector: Connector) -> None:
    request = connector.build_send(OUTGOING)
    assert (request.method, str(request.url)) == ("POST", "https://api.mx2group.com/api/send")
    assert "authorization" not in request.headers
    assert json.loads(request.content) == {
        "apikey": "key",
        "cguid": CAMPAIGN,
        "cell": "2015550123",
        "fname": "Mike",
        "landingPageUrl": ADDRESS,
    }


def test_without_a_landing_page_its_property_is_left_out(connector: Connector) -> None:
    outgoing = replace(OUTGOING, text=" \n ")
    connector.check(outgoing)
    assert "landingPageUrl" not in json.loads(connector.build_send(outgoing).content)


@pytest.mark.parametrize("sender", ["", "Crier", "12345", "447700900123", "not a sender at all"])
def test_any_sender_will_do_and_none_is_passed_on(connector: Connector, sender: str) -> None:
    outgoing = replace(OUTGOING, sender=sender)
    connector.check(outgoing)
    assert connector.build_send(outgoing).content == connector.build_send(OUTGOING).content


@pytest.mark.parametrize("text", ["Hello Mike", "example.com"])
def test_who_writes_a_text_is_told_where_it_lives(connector: Connector, text: str) -> None:
    with pytest.raises((CapabilityError, MessageRefused), match="lives in the Mx2 Group campaign"):
        connector.check(replace(OUTGOING, text=text))


@pytest.mark.parametrize(
    ("first_name", "fname"),
    [
        ("Mary-Ann O'Neil", "Mary-Ann O'Neil"),
        ("D’Arcy", "D'Arcy"),
        ("Zoë", "Zoë"),
        ("Zoe\u0308", "Zoë"),
        ("Анна", "Анна"),
        ("प्रिया", "प्रिया"),
        ("R2", "R2"),
        ("  J.R.\t", "J R"),
        ("Ann 🎉 <b>", "Ann b"),
        ("x" * 60, "x" * 50),
        ("x" * 49 + " y", "x" * 49),
        ("", "there"),
        ("🎉", "there"),
        ("--", "there"),
    ],
)
def test_first_names_as_it_takes_them(connector: Connector, first_name: str, fname: str) -> None:
    request = connector.build_send(replace(OUTGOING, values={"first_name": first_name}))
    assert json.loads(request.content)["fname"] == fname


def test_first_name_where_none_is_known() -> None:
    connector = connector_for("mx2", CONFIG | {"default_first_name": "Friend"})
    assert connector.wanted_values == ("first_name",)
    assert json.loads(connector.build_send(replace(OUTGOING, values={})).content)["fname"] == "Friend"


@pytest.mark.parametrize("guid", [CAMPAIGN, CAMPAIGN.lower(), "{" + CAMPAIGN + "}"])
def test_the_campaign_goes_out_as_it_was_given(guid: str) -> None:
    connector = connector_for("mx2", CONFIG | {"campaign_guid": guid})
    assert json.loads(connector.build_send(OUTGOING).content)["cguid"] == guid


def answer_to_a_test(reply: Reply) -> tuple[str, Any]:
    with ScriptedServer() as vendor, sync_client() as client:
        vendor.expect("POST", "/api/send", reply)
        sentence = connector_for("mx2", CONFIG | {"base_url": vendor.url}).test(client)
        vendor.verify()
    return sentence, vendor.received[0].json


def test_connection_test_names_no_number() -> None:
    sentence, asked = answer_to_a_test(Reply(400, error("Invalid or missing cell")))
    assert asked == {"apikey": "key", "cguid": CAMPAIGN, "cell": "", "fname": "there"}
    assert "No text was sent." in sentence


@pytest.mark.parametrize(
    ("reply", "raises", "reason"),
    [
        (error("Invalid or missing apikey"), AccountRefused, "bad_credentials"),
        (error("Invalid or missing cguid"), AccountRefused, "bad_settings"),
        (error("Invalid or missing payload"), MessageRefused, "refused"),
        (answer("success"), BadAnswer, "bad_answer"),
        (answer("optout"), BadAnswer, "bad_answer"),
    ],
)
def test_connection_test_proves_nothing_by_another_answer(
    reply: Any, raises: type[Exception], reason: str
) -> None:
    with pytest.raises(raises) as caught:
        answer_to_a_test(Reply(200, reply))
    assert caught.value.reason == reason  # type: ignore[attr-defined]  # of the vendor's own client, or error


@pytest.mark.parametrize(
    ("message", "state", "reason"),
    [
        ("Blocked as spam - temporary", MessageState.REJECTED, "rejected"),
        ("Not routable", MessageState.UNDELIVERED, "bad_number"),
        ("Invalid messaging destination number", MessageState.UNDELIVERED, "bad_number"),
        (
            "The destination number is either a landline or a non-routable wireless number.",
            MessageState.UNDELIVERED,
            "bad_number",
        ),
        ("Undeliverable", MessageState.UNDELIVERED, "undelivered"),
        ("The handset is away", MessageState.UNDELIVERED, "undelivered"),
        ("Recipient has opted out", MessageState.UNDELIVERED, "opted_out_at_vendor"),
    ],
)
def test_failures_are_read_loosely_and_kept(
    connector: Connector, message: str, state: MessageState, reason: str
) -> None:
    assert connector.parse_webhook(call(told("failed", message))) == [
        DeliveryReport(state, provider_message_id=SUBSCRIBER, words=message, reason=reason)
    ]


def test_reads_a_reply(connector: Connector) -> None:
    assert connector.parse_webhook(call(told("received", text=" Yes, please "))) == [
        InboundText(
            "",
            "",
            " Yes, please ",
            occurred_at=datetime(2026, 9, 16, 14, 47, 33, tzinfo=UTC),
            answers_id=SUBSCRIBER,
        )
    ]


@pytest.mark.parametrize(("text", "kept"), [("no more of this", "no more of this"), ("", "optout")])
def test_an_opt_out_is_one_whatever_the_words(connector: Connector, text: str, kept: str) -> None:
    [heard] = connector.parse_webhook(call(told("optout", text=text)))
    assert isinstance(heard, InboundText)
    assert (heard.answers_id, heard.text, heard.opted_out) == (SUBSCRIBER, kept, True)


@pytest.mark.parametrize("status", ["yes", "click", "Click"])
def test_what_is_no_news(connector: Connector, status: str) -> None:
    assert connector.parse_webhook(call(told(status))) == []


def test_a_form_is_read_as_well(connector: Connector) -> None:
    form = urlencode(told("delivered")).encode()
    assert connector.parse_webhook(call(form, "application/x-www-form-urlencoded; charset=utf-8")) == [
        DeliveryReport(MessageState.DELIVERED, provider_message_id=SUBSCRIBER, words="delivered")
    ]


def test_a_time_that_cannot_be_read_is_none(connector: Connector) -> None:
    [heard] = connector.parse_webhook(call(told("received", text="Hi", datetime="yesterday")))
    assert isinstance(heard, InboundText)
    assert heard.occurred_at is None
