"""Document 004: tiny, single, base, and single request broadcasts, as they reach the handsets."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.messagewhiz.support import (
    CAROL,
    CRIER_SENDER,
    FIRST_SENDER,
    OLD_SENDER,
    TEST_SENDER,
    Whiz,
)
from tests.providers.sandbox.support import ALICE, BOB, eventually


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


# Tiny


def test_a_tiny_single_reaches_the_handset(whiz: Whiz) -> None:
    body = {"recipient": ALICE, "sender": "sender", "message_body": "sample {{first_name}}"}
    sent = whiz.result("POST", "Broadcast/tiny/", body)
    assert sorted(sent) == ["broadcastId", "segmentId"]
    (text,) = whiz.texts(ALICE)
    assert (text["text"], text["sender"], text["account"]) == (
        "sample {{first_name}}",
        "sender",
        "sandbox-key",
    )
    assert text["reference"] == f"broadcast {sent['broadcastId']}"


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"recipient": "12"}, "recipient must be a phone number"),
        ({"sender": "TwelveLetter"}, "Sender must not exceed 11 letters"),
        ({"message_body": ""}, "message_body must be a string"),
        ({"message_body": "x" * 100_001}, "message_body must be a string"),
    ],
)
def test_a_tiny_single_may_be_refused(whiz: Whiz, fields: dict[str, Any], part: str) -> None:
    body = {"recipient": ALICE, "sender": "sender", "message_body": "sample"} | fields
    status, message = whiz.refusal("POST", "Broadcast/tiny/", body)
    assert (status, part in message) == (400, True), message


# Single


def test_a_single_reaches_the_handset(whiz: Whiz) -> None:
    sent = whiz.send(whiz.single(ALICE, "message body", custom_parameter="1234abcd5678efgh", name="Named"))
    assert sent == {
        "broadcastID": sent["broadcastID"],
        "segmentID": sent["segmentID"],
        "custom_parameter": "1234abcd5678efgh",
    }
    (text,) = whiz.texts(ALICE)
    assert (text["text"], text["sender"], text["reference"]) == ("message body", "Crier", "1234abcd5678efgh")
    assert whiz.result("GET", "Broadcast/List")[0]["name"] == "Named"


def test_a_single_without_custom_parameter_shows_none(whiz: Whiz) -> None:
    assert sorted(whiz.send(whiz.single(ALICE))) == ["broadcastID", "segmentID"]


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"recipient": ""}, 400, "recipient must be a phone number"),
        ({"sender_id": ""}, 400, "sender_id must be a whole number"),
        ({"sender_id": "7"}, 404, "there is no 7"),
        ({"sender_id": OLD_SENDER}, 404, "is disabled"),
        ({"message_body": ""}, 400, "one of message_body, template_id must be given"),
        ({"custom_parameter": "x" * 41}, 400, "custom_parameter must be a string of 1 to 40 characters"),
        ({"utc_offset": 721}, 400, "utc_offset must be a whole number from -720 to 720"),
        ({"utc_offset": "--5"}, 400, "utc_offset must be a whole number"),
        ({"send_date": "soon"}, 400, "send_date must be a date"),
        ({"trigger_id": 7}, 404, "there is no 7"),
        ({"delay": -1}, 400, "delay must be a whole number"),
        ({"broadcast_type": 13}, 400, "broadcast_type must be 10, 11 or 12"),
        ({"broadcast_type": None}, 400, "broadcast_type must be a whole number"),
    ],
)
def test_a_single_may_be_refused(whiz: Whiz, fields: dict[str, Any], status: int, part: str) -> None:
    got, message = whiz.refusal("POST", "Broadcast", whiz.single(ALICE) | fields)
    assert (got, part in message) == (status, True), message
    assert whiz.accepted() == {}


@pytest.mark.parametrize(
    ("msisdn", "statuses"),
    [
        ("12015550193", [400]),
        ("12015550194", [429, 429, 200, 429]),
        ("12015550196", [500]),
    ],
)
def test_a_magic_number_refuses_a_single(whiz: Whiz, msisdn: str, statuses: list[int]) -> None:
    answers = [whiz.call("POST", "Broadcast", whiz.single(msisdn)) for _ in statuses]
    assert [answer.status_code for answer in answers] == statuses
    assert answers[0].headers.get("retry-after") == ("1" if statuses[0] == 429 else None)
    assert whiz.accepted() == ({msisdn: 1} if 200 in statuses else {})


def test_a_magic_number_spoils_the_answer(whiz: Whiz) -> None:
    response = whiz.call(
        "POST", "Broadcast/tiny", {"recipient": "12015550197", "sender": "A", "message_body": "B"}
    )
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    with pytest.raises(httpx.RemoteProtocolError):
        whiz.call("POST", "Broadcast", whiz.single("12015550195"))
    assert whiz.accepted() == {"12015550197": 1, "12015550195": 1}


# Base


def test_a_base_broadcast_reaches_all_lists_once(whiz: Whiz) -> None:
    first, second = whiz.recipient_list(ALICE, BOB), whiz.recipient_list(BOB, CAROL, name="More")
    sent = whiz.send(whiz.base(first, recipient_list_ids=f"{first},{second}"))
    assert sorted(sent) == ["broadcastID", "segmentID"]
    assert whiz.accepted() == {ALICE: 1, BOB: 1, CAROL: 1}


def test_tokens_are_rendered_for_each(whiz: Whiz) -> None:
    doc = f"{ALICE},Alice,https://example.com/a,red,she\n{BOB},Bob,,,\n"
    list_id = whiz.import_list(doc, "phone_number", "first_name", "url", "custom2", "gender")
    whiz.send(
        whiz.base(
            list_id, "Hi {{first_name}}{{last_name}}, {{custom2}}/{{gender}}/{{shorten_url}} {{foo}} {url}"
        )
    )
    alice = whiz.text(ALICE)
    assert alice.startswith(f"Hi Alice, red/she/{whiz.sandbox.url}/messagewhiz/l/")
    assert alice.endswith(" {{foo}} {url}")
    assert whiz.text(BOB) == "Hi Bob, // {{foo}} {url}"
    short = alice.removeprefix("Hi Alice, red/she/").removesuffix(" {{foo}} {url}")
    assert whiz.open(short).headers["location"] == "https://example.com/a"


def test_a_random_symbol_is_a_letter(whiz: Whiz) -> None:
    whiz.send(whiz.base(whiz.recipient_list(ALICE), "{{random_symbol}}{{email}}{{verification_code}}"))
    assert whiz.text(ALICE).isalpha()
    assert len(whiz.text(ALICE)) == 1


def test_a_sender_is_chosen_for_each_text(whiz: Whiz) -> None:
    numbers = [f"1201555{number:04d}" for number in range(80)]
    senders = whiz.made("senderList", name="Pool", senderIds=[FIRST_SENDER, OLD_SENDER])["id"]
    body = whiz.base(whiz.recipient_list(*numbers), sender_ids=str(TEST_SENDER), sender_list_ids=str(senders))
    whiz.sandbox.dial(force_outcome="delivered")
    whiz.send(body)
    assert {whiz.texts(number)[0]["sender"] for number in numbers} == {"test", "FirstSender"}


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"name": ""}, 400, "name must be a string"),
        ({"recipient_list_ids": ""}, 400, "recipient_list_ids must be ids separated by commas"),
        ({"recipient_list_ids": "7"}, 404, "there is no 7"),
        ({"recipient_list_ids": [7]}, 400, "recipient_list_ids must be ids separated by commas"),
        ({"recipient_list_ids": "7,x"}, 400, "recipient_list_ids must be ids"),
        ({"sender_ids": ""}, 400, "sender_ids or sender_list_ids must name a sender"),
        ({"sender_ids": "7"}, 404, "there is no 7"),
        ({"sender_list_ids": "7"}, 404, "there is no 7"),
        ({"message_body": ""}, 400, "one of message_body, template_id must be given"),
        ({"message_body": "", "template_ids": "7"}, 400, "one of message_body, template_id must"),
    ],
)
def test_a_base_broadcast_may_be_refused(whiz: Whiz, fields: dict[str, Any], status: int, part: str) -> None:
    got, message = whiz.refusal("POST", "Broadcast", whiz.base(whiz.recipient_list(ALICE), **fields))
    assert (got, part in message) == (status, True), message
    assert whiz.accepted() == {}


def test_an_empty_list_is_refused(whiz: Whiz) -> None:
    assert whiz.refusal("POST", "Broadcast", whiz.base(whiz.recipient_list()))[0] == 400


@pytest.mark.parametrize(
    ("outcome", "status"), [("no_credit", 403), ("sender_off", 403), ("server_error", 500), ("refused", 400)]
)
def test_the_dial_refuses_broadcasts(whiz: Whiz, outcome: str, status: int) -> None:
    list_id = whiz.recipient_list(ALICE)
    whiz.sandbox.dial(force_outcome=outcome)
    assert whiz.refusal("POST", "Broadcast", whiz.base(list_id))[0] == status
    assert (whiz.accepted(), whiz.sandbox.stats()["refused"]) == ({}, {outcome: 1})


def test_the_throttle_counts_what_sends(whiz: Whiz) -> None:
    whiz.sandbox.dial(vendor="messagewhiz", throttle_per_second=0.001)
    assert whiz.call("POST", "Broadcast", whiz.single(ALICE)).status_code == 200
    response = whiz.call("POST", "Broadcast", whiz.single(ALICE))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert whiz.result("GET", "campaign")
    assert whiz.accepted() == {ALICE: 1}


def test_in_a_list_some_numbers_fail(whiz: Whiz) -> None:
    numbers = [f"120155501{ending}" for ending in range(90, 100)]
    sent = whiz.send(whiz.base(whiz.recipient_list(*numbers)))
    assert whiz.accepted() == {number: 1 for number in numbers if number[-2:] not in ("93", "96")}
    (report,) = eventually(
        lambda: [
            row
            for row in whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]})
            if row["sent"] == 1
        ]
    )
    assert report == {
        "broadcast_id": sent["broadcastID"],
        "sent": 1,
        "delivered": 4,
        "undelivered": 1,
        "rejected": 1,
        "expired": 1,
        "failed": 2,
    }


def test_thousands_are_sent_in_slices(whiz: Whiz) -> None:
    whiz.sandbox.dial(force_outcome="no_receipt")
    numbers = [f"1201{number:07d}" for number in range(2_300)]
    sent = whiz.send(whiz.base(whiz.recipient_list(*numbers)))
    eventually(lambda: whiz.sandbox.stats()["accepted"] == 2_300)
    assert whiz.accepted() == dict.fromkeys(numbers, 1)
    assert whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]})[0]["sent"] == 2_300
    assert whiz.result("GET", "Broadcast/List")[0]["state"] == 2


# When


def test_a_date_is_waited_for(whiz: Whiz) -> None:
    began = time.time()
    sent = whiz.send(whiz.base(whiz.recipient_list(ALICE), send_date=soon(1)))
    assert whiz.accepted() == {}
    assert whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]}) == []
    assert whiz.result("GET", "Broadcast/List")[0]["state"] == 0
    assert whiz.text(ALICE) == "Hello"
    assert time.time() - began >= 1


def test_the_clock_may_be_put_forward(whiz: Whiz) -> None:
    whiz.send(whiz.base(whiz.recipient_list(ALICE), send_date=soon(3600)))
    whiz.sandbox.control("POST", "clock", {"advance_ms": 3_500_000})
    assert whiz.accepted() == {}
    whiz.sandbox.control("POST", "clock", {"advance_ms": 100_000})
    assert whiz.text(ALICE) == "Hello"
    whiz.send(whiz.single(BOB, send_date=soon(3500)))
    assert whiz.accepted() == {ALICE: 1, BOB: 1}, "by the same clock this date is past"


def test_a_date_without_a_zone_is_of_the_offset(whiz: Whiz) -> None:
    local = (datetime.now(UTC) + timedelta(minutes=120, seconds=1)).replace(tzinfo=None).isoformat()
    whiz.send(whiz.single(ALICE, send_date=local, utc_offset=120))
    assert whiz.accepted() == {}
    assert whiz.text(ALICE) == "Hello"


def test_a_date_that_is_past_is_now(whiz: Whiz) -> None:
    whiz.send(whiz.single(ALICE, send_date="2021-03-01T12:41:38.837Z", utc_offset="120"))
    assert whiz.accepted() == {ALICE: 1}


def test_who_unsubscribes_meanwhile_is_left_out(whiz: Whiz) -> None:
    out, trigger = whiz.unsubscribe_list(CAROL), whiz.made("trigger", name="Go")
    whiz.send(
        whiz.base(whiz.recipient_list(ALICE, BOB), unsubscriber_list_ids=str(out), trigger_id=trigger["id"])
    )
    whiz.result("POST", f"unsubscribeList/{out}/members", {"numbers": [BOB]})
    whiz.open(trigger["short_url"])
    assert whiz.accepted() == {ALICE: 1}


def test_reset_stops_what_waits(whiz: Whiz) -> None:
    list_id, trigger = whiz.recipient_list(ALICE), whiz.made("trigger", name="Go")
    whiz.send(whiz.base(list_id, send_date=soon(0.5)))
    whiz.send(whiz.base(list_id, trigger_id=trigger["id"]))
    whiz.sandbox.control("POST", "reset")
    assert whiz.result("GET", "Broadcast/List") == []
    whiz.open(trigger["short_url"])
    whiz.send(whiz.single(BOB, send_date=soon(1)))
    whiz.text(BOB)
    assert whiz.accepted() == {BOB: 1}
    assert [row["id"] for row in whiz.result("GET", "recipientList")] == [list_id]


# Single request broadcasts

COMBINED = {
    "message_body": "hello {{first_name}} {{last_name}} here is {{custom2}} click on link {{shorten_url}}!!",
    "sender": "My sender",
    "recipients": [
        {
            "phone_number": int(ALICE),
            "first_name": "John",
            "last_name": "Doe",
            "custom2": "MyCustomToken",
            "url": "https://example.com/1",
        },
        {"phone_number": BOB, "first_name": "Bob", "url": "https://example.com/2", "shoe_size": 44},
        {"phone_number": "12"},
    ],
}


def test_a_single_request_brings_its_recipients(whiz: Whiz) -> None:
    (sent,) = whiz.result("POST", "Broadcast/combinedsubmit", COMBINED)
    assert sorted(sent) == ["broadcastID", "segmentID"]
    start = f"click on link {whiz.sandbox.url}/messagewhiz/l/"
    assert whiz.text(ALICE).startswith(f"hello John Doe here is MyCustomToken {start}")
    assert whiz.text(BOB).startswith(f"hello Bob  here is  {start}")
    assert whiz.texts(ALICE)[0]["sender"] == "My sender"
    (row,) = whiz.result("GET", "Broadcast/List")
    assert (row["name"], row["type"], row["estimated_count"]) == (str(sent["broadcastID"]), 11, 2)
    (kept,) = whiz.result("GET", "recipientList")
    assert (kept["name"], kept["count"]) == (f"combinedsubmit {sent['broadcastID']}", 2)
    people = whiz.result("GET", f"recipientList/{kept['id']}/recipients")
    assert people[1] == {"phone_number": int(BOB), "first_name": "Bob", "url": "https://example.com/2"}


def test_a_single_request_takes_an_id_a_name_and_a_date(whiz: Whiz) -> None:
    body = {
        "message_body": "Hello",
        "sender_id": CRIER_SENDER,
        "name": "Named",
        "send_date": soon(1),
        "recipients": [{"phone_number": ALICE}],
    }
    whiz.result("POST", "Broadcast/combinedsubmit", body)
    assert whiz.accepted() == {}
    whiz.text(ALICE)
    assert whiz.texts(ALICE)[0]["sender"] == "Crier"
    assert whiz.result("GET", "Broadcast/List")[0]["name"] == "Named"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"recipients": None}, 400),
        ({"recipients": ["x"]}, 400),
        ({"recipients": []}, 400),
        ({"recipients": [{"phone_number": "12"}]}, 400),
        ({"recipients": [{"phone_number": ALICE, "first_name": "x" * 51}]}, 400),
        ({"sender": None}, 400),
        ({"sender_id": 7}, 404),
        ({"message_body": None}, 400),
        ({"send_date": "soon"}, 400),
    ],
)
def test_a_single_request_may_be_refused(whiz: Whiz, fields: dict[str, Any], status: int) -> None:
    assert whiz.refusal("POST", "Broadcast/combinedsubmit", COMBINED | fields)[0] == status
    assert (whiz.accepted(), whiz.result("GET", "recipientList")) == ({}, [])


def test_lists_of_single_requests_are_kept_a_hundred(whiz: Whiz) -> None:
    body = {"message_body": "Hello", "sender": "A", "recipients": [{"phone_number": ALICE}]}
    for _ in range(103):
        whiz.result("POST", "Broadcast/combinedsubmit", body)
    assert len(whiz.result("GET", "recipientList?limit=200")) == 100
    assert whiz.accepted() == {ALICE: 103}
