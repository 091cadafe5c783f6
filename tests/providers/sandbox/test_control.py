"""The sandbox's own door: counters, handsets, writing back, the dial and the reset."""

import time
from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from tests.providers.sandbox.support import (
    ALICE,
    BOB,
    CRIER,
    Webhook,
    eventually,
    message_send,
    open_line,
    put_webhook,
    raw_post,
    read_to_end,
    sms,
)
from tests.sandbox_process import SandboxError, SandboxProcess

SMS_BODY = {"api_key": "sandbox-key", "to": ALICE, "from": "Crier", "text": "Hello"}
BASIC_HEADER = "Authorization: Basic c2FuZGJveDpzYW5kYm94\r\n"


def control(sandbox: SandboxProcess, method: str, path: str, json: Any = None) -> tuple[int, Any]:
    response = sandbox.request(method, f"/_sandbox/{path}", json)
    return response.status_code, response.json()


def test_health(sandbox: SandboxProcess) -> None:
    assert control(sandbox, "GET", "health") == (200, {"status": "ok"})


def test_stats_start_at_nothing(sandbox: SandboxProcess) -> None:
    assert sandbox.stats() == {
        "accepted": 0,
        "unique_texts": 0,
        "most_per_recipient_and_reference": 0,
        "forgotten": 0,
        "by_vendor": {},
        "by_outcome": {},
        "refused": {},
        "answers": {},
        "receipts_posted": 0,
        "receipts_failed": 0,
        "receipts_retried": 0,
        "receipts_unaddressed": 0,
        "receipts_blocked": 0,
        "replies_posted": 0,
        "replies_failed": 0,
        "receipts_pending": 0,
        "handsets": 0,
    }


def test_stats_count_doubles(sandbox: SandboxProcess) -> None:
    sms(sandbox, client_ref="7")
    sms(sandbox, client_ref="7", text="Other words, same message")
    sms(sandbox, client_ref="8")
    message_send(sandbox)
    message_send(sandbox, BOB)
    stats = sandbox.stats()
    assert stats["accepted"] == 5
    assert stats["unique_texts"] == 4
    assert stats["most_per_recipient_and_reference"] == 2
    assert stats["by_vendor"] == {"messagewhiz": 3, "bulkvs": 2}
    assert stats["handsets"] == 2


def test_accepted_counts_by_number(sandbox: SandboxProcess) -> None:
    assert sandbox.control("GET", "accepted") == {}
    sms(sandbox, client_ref="b1-1")
    sms(sandbox, client_ref="b1-1")
    sms(sandbox, BOB, client_ref="b2-1", text="Sale today")
    message_send(sandbox, BOB)
    assert sandbox.control("GET", "accepted") == {ALICE: 2, BOB: 2}
    assert sandbox.control("GET", "accepted?reference_prefix=b1-") == {ALICE: 2}
    assert sandbox.control("GET", "accepted?text_contains=Sale") == {BOB: 1}
    assert sandbox.control("GET", f"accepted?sender={CRIER}") == {BOB: 1}
    assert sandbox.control("GET", "accepted?vendor=messagewhiz") == {ALICE: 2, BOB: 1}
    assert sandbox.control("GET", "accepted?vendor=messagewhiz&sender=Nobody") == {}


def test_accepted_streams_thousands(sandbox: SandboxProcess) -> None:
    sandbox.dial(force_outcome="no_receipt")
    numbers = [f"1201{number:07d}" for number in range(2_500)]
    for number in numbers:
        sms(sandbox, number)
    assert sandbox.control("GET", "accepted") == dict.fromkeys(numbers, 1)


@pytest.mark.parametrize(
    ("method", "path", "json", "status", "part"),
    [
        ("GET", "accepted?sender_id=7", None, 400, "'sender_id' is not known here"),
        ("GET", "handsets?limit=0", None, 400, "limit '0' is not a whole number from 1 to 1000"),
        ("GET", "handsets/12015550111", None, 404, "No text has arrived at 12015550111"),
        ("GET", "nothing", None, 404, "GET /_sandbox/nothing does not exist"),
        ("POST", "dial", {"speed": 3}, 400, "'speed' is not on the dial"),
        ("POST", "dial", {"vendor": "nobody"}, 400, "vendor 'nobody' is not here"),
        ("POST", "dial", {"latency_ms": -1}, 400, "latency_ms -1 is not"),
        ("POST", "dial", {"latency_ms": True}, 400, "latency_ms True is not"),
        ("POST", "dial", {"receipt_delay_ms": [9, 1]}, 400, "receipt_delay_ms [9, 1] is not a range"),
        ("POST", "dial", {"force_outcome": "lost"}, 400, "force_outcome 'lost' is not known"),
        ("POST", "dial", {"throttle_per_second": 0}, 400, "throttle_per_second 0 is not a rate"),
        ("POST", "dial", {"down": "yes"}, 400, "down 'yes' is not a switch"),
        ("POST", "dial", {"retry_ms": "5"}, 400, "retry_ms '5' is not"),
        ("POST", "dial", [], 400, "not a JSON object"),
        ("POST", "reset", {"all": True}, 400, "'all' is not known here"),
        ("POST", "bind", {"number": "Crier"}, 400, "number 'Crier'"),
    ],
)
def test_it_rejects(
    sandbox: SandboxProcess, method: str, path: str, json: Any, status: int, part: str
) -> None:
    got, body = control(sandbox, method, path, json)
    assert got == status
    assert part in body["error"]


def test_a_bad_dial_turns_nothing(sandbox: SandboxProcess) -> None:
    control(sandbox, "POST", "dial", {"latency_ms": 500, "down": "yes", "retry_ms": 1})
    dials = sandbox.control("GET", "dial")
    assert dials["messagewhiz"]["latency_ms"] == 0
    assert dials["retry_ms"] == 500


def test_other_doors_are_not_there(sandbox: SandboxProcess) -> None:
    response = sandbox.request("GET", "/")
    assert response.status_code == 404
    assert "/messagewhiz" in response.json()["error"]


# Handsets


def test_handsets_come_latest_first(sandbox: SandboxProcess) -> None:
    sms(sandbox, ALICE, text="First")
    message_send(sandbox, BOB, Message="Second")
    sms(sandbox, ALICE, text="Third")
    listed = sandbox.control("GET", "handsets")
    assert listed["total"] == 2
    assert [row["msisdn"] for row in listed["handsets"]] == [ALICE, BOB]
    alice = listed["handsets"][0]
    assert alice.pop("last_at").endswith("Z")
    assert alice == {
        "msisdn": ALICE,
        "last_text": "Third",
        "last_direction": "outbound",
        "vendor": "messagewhiz",
        "sender": "Crier",
        "count": 2,
        "unread": 2,
    }
    assert len(sandbox.control("GET", "handsets?limit=1")["handsets"]) == 1
    assert [row["msisdn"] for row in sandbox.control("GET", "handsets?q=0124")["handsets"]] == [BOB]
    assert [row["msisdn"] for row in sandbox.control("GET", "handsets?q=SECOND")["handsets"]] == [BOB]


def test_a_thread_shows_all_and_is_read(sandbox: SandboxProcess) -> None:
    sandbox.dial(receipt_delay_ms=[60_000, 60_000])
    sent = sms(sandbox, ALICE, text="First", client_ref="7").json()
    thread = sandbox.control("GET", f"handsets/+{ALICE}")["thread"]
    assert thread[0].pop("at").endswith("Z")
    assert thread == [
        {
            "direction": "outbound",
            "vendor": "messagewhiz",
            "account": "sandbox-key",
            "sender": "Crier",
            "recipient": ALICE,
            "text": "First",
            "parts": 1,
            "media": [],
            "state": "enroute",
            "outcome": "delivered",
            "reference": "7",
            "message_id": sent["message_id"],
        }
    ]
    assert sandbox.control("GET", "handsets")["handsets"][0]["unread"] == 0


def test_texts_are_shown_by_account(sandbox: SandboxProcess) -> None:
    sms(sandbox, ALICE, text="Of all")
    sms(sandbox, ALICE, text="Of the shop", api_key="sandbox-key-shop")
    sms(sandbox, BOB, text="Of all again")
    shop = "account=messagewhiz:sandbox-key-shop"
    listed = sandbox.control("GET", f"handsets?{shop}")
    assert listed["total"] == 1
    (alice,) = listed["handsets"]
    assert (alice["last_text"], alice["count"], alice["unread"]) == ("Of the shop", 1, 1)
    thread = sandbox.control("GET", f"handsets/{ALICE}?{shop}")["thread"]
    assert [entry["text"] for entry in thread] == ["Of the shop"]
    unread = {row["msisdn"]: row["unread"] for row in sandbox.control("GET", "handsets")["handsets"]}
    assert unread == {ALICE: 1, BOB: 1}
    assert sandbox.control("GET", f"handsets?{shop}&account=messagewhiz:sandbox-key")["total"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("GET", "handsets?account=shop", None, 400, "is not of the form VENDOR:NAME"),
        ("GET", f"handsets/{ALICE}?account=bulkvs:sandbox2", None, 404, "No text has arrived"),
        (
            "POST",
            f"handsets/{ALICE}/reply",
            {"text": "A", "accounts": ["bulkvs:sandbox2"]},
            404,
            "No text has",
        ),
        ("POST", f"handsets/{ALICE}/reply", {"text": "A", "accounts": "bulkvs:sandbox"}, 400, "not a list"),
        (
            "POST",
            f"handsets/{ALICE}/reply",
            {"text": "A", "accounts": ["bulkvs:sandbox"], "account": "sandbox2"},
            400,
            "is none of `accounts`",
        ),
        (
            "POST",
            f"handsets/{ALICE}/reply",
            {"text": "A", "accounts": ["bulkvs:sandbox2"], "to": CRIER, "vendor": "bulkvs"},
            404,
            "No text has",
        ),
    ],
)
def test_foreign_texts_are_neither_shown_nor_answered(
    sandbox: SandboxProcess, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    message_send(sandbox)
    answered, told = control(sandbox, method, path, body)
    assert (answered, sentence in told["error"]) == (status, True), told


def test_a_reply_is_posted_as_documented(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="no_receipt")
    put_webhook(sandbox, webhook.url, Dlr=False)
    message_send(sandbox)
    reply = sandbox.control("POST", f"handsets/{ALICE}/reply", {"text": "Hi, I + you & STOP"})
    assert reply["status"] == 200
    assert reply["entry"]["state"] == "delivered"
    assert webhook.received == [
        {"From": ALICE, "To": [CRIER], "Message": "Hi%2C+I+%2B+you+%26+STOP", "MediaURLs": []}
    ]
    assert unquote_plus(webhook.received[0]["Message"]) == "Hi, I + you & STOP"
    thread = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert [(entry["direction"], entry["sender"], entry["recipient"]) for entry in thread] == [
        ("outbound", CRIER, ALICE),
        ("inbound", ALICE, CRIER),
    ]
    assert sandbox.stats()["replies_posted"] == 1
    assert sandbox.stats()["accepted"] == 1


def test_a_reply_may_carry_media(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url)
    body = {"text": "", "to": CRIER, "vendor": "bulkvs", "media": ["https://example.com/a.png"]}
    sandbox.control("POST", f"handsets/{ALICE}/reply", body)
    assert webhook.received[0]["MediaURLs"] == ["https://example.com/a.png"]


def test_a_reply_goes_to_the_account_that_wrote(sandbox: SandboxProcess) -> None:
    with Webhook() as first, Webhook() as second:
        put_webhook(sandbox, first.url, Dlr=False)
        put_webhook(sandbox, second.url, user="sandbox2", Dlr=False)
        body = {"From": CRIER, "To": [ALICE], "Message": "Hello"}
        auth = httpx.BasicAuth("sandbox2", "sandbox")
        assert sandbox.request("POST", "/bulkvs/api/v1.0/messageSend", body, auth=auth).status_code == 200
        sandbox.control("POST", f"handsets/{ALICE}/reply", {"text": "STOP"})
        assert (len(first.received), len(second.received)) == (0, 1)


def test_a_reply_answers_the_latest_text_or_the_named_one(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url, Dlr=False)
    message_send(sandbox, From="12015550101")
    message_send(sandbox, From="12015550102")
    sms(sandbox)
    sandbox.control("POST", f"handsets/{ALICE}/reply", {"text": "A", "vendor": "bulkvs"})
    sandbox.control("POST", f"handsets/{ALICE}/reply", {"text": "B", "to": "12015550101"})
    assert [received["To"] for received in webhook.received] == [["12015550102"], ["12015550101"]]


def test_a_reply_that_is_not_taken_is_posted_again(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=5)
    webhook.statuses = [500]
    put_webhook(sandbox, webhook.url, Dlr=False)
    body = {"text": "STOP", "to": CRIER, "vendor": "bulkvs"}
    status, answer = control(sandbox, "POST", f"handsets/{ALICE}/reply", body)
    assert (status, answer["status"]) == (502, 500)
    assert answer["error"] == "The webhook answered HTTP 500. It will be called again."
    webhook.wait_for(2)
    eventually(lambda: sandbox.stats()["replies_posted"] == 1)
    thread = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert [entry["state"] for entry in thread] == ["delivered"]


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        ({"text": "STOP"}, 404, "No text has arrived"),
        ({"text": ""}, 400, "text '' is not a text"),
        ({"text": 5}, 400, "text '5' is not a text"),
        ({"text": "x" * 1601}, 400, "1 to 1600"),
        ({"text": "STOP", "media": "a.png"}, 400, "media 'a.png' is not a list"),
        ({"text": "STOP", "to": CRIER, "vendor": "nobody"}, 400, "vendor 'nobody' is not here"),
        ({"text": "STOP", "to": CRIER, "vendor": "bulkvs"}, 409, "has no webhook for 12015550100"),
        ({"text": "STOP", "to": "Crier", "vendor": "messagewhiz"}, 409, "documents no inbound text"),
        ({"words": "STOP"}, 400, "'words' is not known here"),
    ],
)
def test_a_reply_may_be_impossible(
    sandbox: SandboxProcess, body: dict[str, Any], status: int, part: str
) -> None:
    got, answer = control(sandbox, "POST", f"handsets/{ALICE}/reply", body)
    assert got == status
    assert part in answer["error"]


def test_a_reply_to_messagewhiz_is_impossible(sandbox: SandboxProcess) -> None:
    sms(sandbox)
    status, answer = control(sandbox, "POST", f"handsets/{ALICE}/reply", {"text": "STOP"})
    assert status == 409
    assert answer["error"].startswith("messagewhiz documents no inbound text")


def test_a_reply_leaves_loopback_never(sandbox: SandboxProcess) -> None:
    put_webhook(sandbox, "https://example.com/hook")
    body = {"text": "STOP", "to": CRIER, "vendor": "bulkvs"}
    status, answer = control(sandbox, "POST", f"handsets/{ALICE}/reply", body)
    assert status == 502
    assert "--allow-callbacks-to example.com" in answer["error"]
    assert sandbox.stats()["receipts_pending"] == 0


# The dial


def test_latency_delays_the_answer(sandbox: SandboxProcess) -> None:
    sandbox.dial(vendor="messagewhiz", latency_ms=200)
    began = time.monotonic()
    assert sms(sandbox).status_code == 200
    assert time.monotonic() - began >= 0.2


def test_a_caller_that_goes_away_has_sent(sandbox: SandboxProcess) -> None:
    sandbox.dial(latency_ms=5_000)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.request("POST", "/messagewhiz/sms", SMS_BODY, timeout=0.2)
    assert sandbox.stats()["accepted"] == 1


def test_an_outcome_can_be_forced(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="expired")
    sms(sandbox, "12015550192", callback=webhook.url)
    assert webhook.wait_for(1)[0]["status"] == "EXPIRED"


def test_messagewhiz_account_can_be_refused(sandbox: SandboxProcess) -> None:
    sandbox.dial(force_outcome="no_credit")
    response = sms(sandbox)
    assert (response.status_code, response.json()) == (403, {"statusCode": 403, "message": "Forbidden"})


def test_a_throttle_that_is_set_again_begins_anew(sandbox: SandboxProcess) -> None:
    for _ in range(2):
        sandbox.dial(vendor="messagewhiz", throttle_per_second=0.001)
        assert [sms(sandbox).status_code for _ in range(2)] == [200, 429]


def test_the_throttle_counts_requests(sandbox: SandboxProcess) -> None:
    sandbox.dial(vendor="messagewhiz", throttle_per_second=0.001)
    answers = [sms(sandbox) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 429, 429]
    assert answers[1].headers["retry-after"] == "1"
    assert message_send(sandbox).status_code == 200, "the other vendor is not throttled"
    assert sandbox.stats()["refused"] == {"throttled": 2}


@pytest.mark.parametrize("path", ["/messagewhiz/sms", "/messagewhiz/api/3/sender"])
def test_down_cuts_every_line_at_once(sandbox: SandboxProcess, path: str) -> None:
    sandbox.dial(vendor="messagewhiz", down=True)
    assert raw_post(sandbox.url, path, SMS_BODY) == b""
    assert message_send(sandbox).status_code == 200, "the other vendor is up"
    sandbox.dial(vendor="messagewhiz", down=False)
    assert sms(sandbox).status_code == 200
    assert sandbox.stats()["by_vendor"] == {"messagewhiz": 1, "bulkvs": 1}


def test_hang_never_answers(sandbox: SandboxProcess) -> None:
    sandbox.dial(vendor="bulkvs", hang=True)
    body = {"From": CRIER, "To": [ALICE], "Message": "Hello"}
    with open_line(sandbox.url, "/bulkvs/api/v1.0/messageSend", body, BASIC_HEADER) as line:
        line.settimeout(0.2)
        with pytest.raises(TimeoutError):
            line.recv(1)
        assert sms(sandbox).status_code == 200, "the other vendor answers"
        sandbox.dial(vendor="bulkvs", hang=False)
        line.settimeout(10)
        assert read_to_end(line) == b""
    assert sandbox.stats()["by_vendor"] == {"messagewhiz": 1}
    assert message_send(sandbox).status_code == 200


def test_hang_ends_when_the_caller_goes_away(sandbox: SandboxProcess) -> None:
    sandbox.dial(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.request("POST", "/messagewhiz/sms", SMS_BODY, timeout=0.2)
    eventually(lambda: sandbox.stats()["answers"] == {"messagewhiz": {"cut": 1}})
    assert sandbox.stats()["accepted"] == 0


def test_the_receipt_delay_is_kept(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(receipt_delay_ms=[300, 300])
    began = time.monotonic()
    sms(sandbox, callback=webhook.url)
    webhook.wait_for(1)
    assert time.monotonic() - began >= 0.3


# Reset


def test_reset_forgets_all_but_the_process(sandbox: SandboxProcess, webhook: Webhook) -> None:
    first_dials = sandbox.control("GET", "dial")
    pid = sandbox.pid
    put_webhook(sandbox, webhook.url)
    sandbox.dial(latency_ms=1, receipt_delay_ms=[60_000, 60_000], throttle_per_second=50, retry_ms=1)
    sms(sandbox, callback=webhook.url)
    message_send(sandbox, "12015550194")
    assert sandbox.stats()["receipts_pending"] == 1
    stats = sandbox.control("POST", "reset")
    assert (stats["accepted"], stats["receipts_pending"], stats["handsets"], stats["answers"]) == (
        0,
        0,
        0,
        {},
    )
    assert sandbox.control("GET", "dial") == first_dials
    assert sandbox.control("GET", "handsets") == {"handsets": [], "total": 0}
    assert sandbox.pid == pid
    assert webhook.received == []


def test_reset_leaves_out_what_is_being_posted(sandbox: SandboxProcess, webhook: Webhook) -> None:
    webhook.open.clear()
    sms(sandbox, callback=webhook.url)
    webhook.wait_for(1)
    assert sandbox.stats()["receipts_pending"] == 1
    assert sandbox.control("POST", "reset")["receipts_pending"] == 0
    webhook.open.set()
    sandbox.dial(receipt_delay_ms=[0, 0])
    sms(sandbox, callback=webhook.url)
    webhook.wait_for(2)
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0)
    assert sandbox.stats()["receipts_posted"] == 1


def test_reset_keeps_webhooks_unless_told(sandbox: SandboxProcess) -> None:
    def names() -> list[str]:
        auth = httpx.BasicAuth("sandbox", "sandbox")
        response = sandbox.request("GET", "/bulkvs/api/v1.0/webHooks", auth=auth)
        return [row["Webhook"] for row in response.json()]

    put_webhook(sandbox, "https://example.com/hook")
    sandbox.control("POST", "reset")
    assert names() == ["Default"]
    sandbox.control("POST", "reset", {"accounts": True})
    assert names() == []


def test_the_helper_raises_on_errors(sandbox: SandboxProcess) -> None:
    with pytest.raises(SandboxError, match="GET handsets/1: 404"):
        sandbox.control("GET", "handsets/1")
