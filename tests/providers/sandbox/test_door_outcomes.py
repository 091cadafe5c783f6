"""Every magic number at Mx2, Mobiz and Ogangi, each in its own words, over real HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.support import (
    ALICE,
    Webhook,
    eventually,
    mobiz_send,
    mx2_send,
    ogangi_send,
    settings,
    state_of,
    xml_of,
)
from tests.sandbox_process import SandboxProcess

Sender = Callable[[SandboxProcess, str], httpx.Response]
SENDERS: list[Sender] = [mx2_send, mobiz_send, ogangi_send]

EVENTS = {
    "12015550123": [("sent", ""), ("delivered", "")],
    "12015550190": [("sent", ""), ("failed", "Not routable")],
    "12015550191": [("sent", ""), ("failed", "Undeliverable")],
    "12015550192": [("sent", ""), ("failed", "Blocked as spam - temporary")],
    "12015550199": [("sent", ""), ("delivered", ""), ("delivered", ""), ("sent", "")],
}
STATES = {
    "12015550123": "delivered",
    "12015550190": "undelivered",
    "12015550191": "expired",
    "12015550192": "rejected",
    "12015550199": "delivered",
}


@pytest.mark.parametrize("msisdn", EVENTS)
def test_mx2_tells_its_webhook(sandbox: SandboxProcess, webhook: Webhook, msisdn: str) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    assert mx2_send(sandbox, msisdn).json()["status"] == "success"
    events = webhook.wait_for(len(EVENTS[msisdn]))
    assert [(event["status"], event["statusMessage"]) for event in events] == EVENTS[msisdn]
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0)
    assert sandbox.stats()["receipts_posted"] == len(EVENTS[msisdn])


@pytest.mark.parametrize("send", SENDERS)
@pytest.mark.parametrize("msisdn", STATES)
def test_the_handset_knows_the_state(sandbox: SandboxProcess, send: Sender, msisdn: str) -> None:
    assert send(sandbox, msisdn).status_code == 200
    assert state_of(sandbox, msisdn) == "enroute"
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0)
    assert state_of(sandbox, msisdn) == STATES[msisdn]


@pytest.mark.parametrize(
    ("msisdn", "word"),
    [
        ("12015550123", "SENT_TO_CARRIER"),
        ("12015550190", "UNDELIVERED"),
        ("12015550191", "EXPIRED"),
        ("12015550192", "UNREACHABLE"),
        ("12015550193", "BAD_TO"),
        ("12015550198", "SENT_TO_CARRIER"),
        ("12015550199", "SENT_TO_CARRIER"),
    ],
)
def test_ogangi_tells_in_its_answer(sandbox: SandboxProcess, msisdn: str, word: str) -> None:
    answer = xml_of(ogangi_send(sandbox, msisdn))
    assert (answer.findtext("status"), answer.findtext("result/messages/message/status")) == ("OK", word)


def test_93_is_refused(sandbox: SandboxProcess) -> None:
    assert mx2_send(sandbox, "12015550193").json() == {
        "status": "error",
        "statusMessage": "Invalid or missing cell",
        "subscriberId": "",
    }
    assert mobiz_send(sandbox, "12015550193").json() == {
        "Message_Status": [],
        "Reference": "",
        "Result_Code": 2,
        "Result_Description": "Customer Data not in valid JSON format",
    }
    ogangi_send(sandbox, "12015550193")
    stats = sandbox.stats()
    assert (stats["accepted"], stats["refused"], stats["receipts_pending"]) == (0, {"refused": 3}, 0)


THROTTLED: dict[Sender, Any] = {
    mx2_send: {"status": "error", "statusMessage": "Too many requests", "subscriberId": ""},
    mobiz_send: {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 1 seconds."},
}


@pytest.mark.parametrize("send", SENDERS)
def test_94_is_throttled_twice(sandbox: SandboxProcess, send: Sender) -> None:
    tries = [send(sandbox, "12015550194") for _ in range(3)]
    assert [response.status_code for response in tries] == [429, 429, 200]
    assert [response.headers.get("retry-after") for response in tries] == ["1", "1", None]
    if send is ogangi_send:
        assert xml_of(tries[0]).findtext("status") == "ERROR"
    else:
        assert tries[0].json() == THROTTLED[send]
    assert sandbox.stats()["accepted"] == 1
    assert send(sandbox, "12015550194").status_code == 429, "the next text is throttled anew"


@pytest.mark.parametrize("send", SENDERS)
def test_the_dial_throttles_too(sandbox: SandboxProcess, send: Sender) -> None:
    sandbox.dial(throttle_per_second=0.001)
    answers = [send(sandbox, ALICE) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].headers["retry-after"] == "1"
    assert sandbox.stats()["refused"] == {"throttled": 1}


@pytest.mark.parametrize("send", SENDERS)
def test_95_is_accepted_and_the_line_is_cut(sandbox: SandboxProcess, send: Sender) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        send(sandbox, "12015550195")
    stats = sandbox.stats()
    assert (stats["accepted"], stats["by_outcome"]) == (1, {"cut": 1})
    assert list(stats["answers"].values()) == [{"cut": 1}]
    eventually(lambda: state_of(sandbox, "12015550195") == "delivered")


def test_95_is_told_to_the_webhook(sandbox: SandboxProcess, webhook: Webhook) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    with pytest.raises(httpx.RemoteProtocolError):
        mx2_send(sandbox, "12015550195")
    assert [event["status"] for event in webhook.wait_for(2)] == ["sent", "delivered"]


def test_96_is_an_error_of_the_server(sandbox: SandboxProcess) -> None:
    response = mx2_send(sandbox, "12015550196")
    assert (response.status_code, response.json()["statusMessage"]) == (500, "Internal server error")
    response = mobiz_send(sandbox, "12015550196")
    assert (response.status_code, response.json()) == (
        500,
        {"statusCode": 500, "message": "Internal server error"},
    )
    response = ogangi_send(sandbox, "12015550196")
    assert (response.status_code, xml_of(response).findtext("status")) == (500, "ERROR")
    assert xml_of(response).findtext("description", "").startswith("Internal error, please report this to")
    assert (sandbox.stats()["accepted"], sandbox.stats()["refused"]) == (0, {"server_error": 3})


@pytest.mark.parametrize("send", SENDERS)
def test_97_is_accepted_and_answered_in_html(sandbox: SandboxProcess, send: Sender) -> None:
    response = send(sandbox, "12015550197")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert response.text.startswith("<!doctype html>")
    assert sandbox.stats()["by_outcome"] == {"html": 1}
    eventually(lambda: state_of(sandbox, "12015550197") == "delivered")


@pytest.mark.parametrize("send", SENDERS)
def test_98_never_gets_a_receipt(sandbox: SandboxProcess, webhook: Webhook, send: Sender) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    assert send(sandbox, "12015550198").status_code == 200
    stats = sandbox.stats()
    assert (stats["accepted"], stats["receipts_pending"], stats["receipts_posted"]) == (1, 0, 0)
    assert state_of(sandbox, "12015550198") == "enroute"
    assert webhook.received == []


@pytest.mark.parametrize("send", SENDERS)
def test_a_vendor_that_is_down_takes_nothing(sandbox: SandboxProcess, send: Sender) -> None:
    sandbox.dial(vendor=send.__name__.removesuffix("_send"), down=True)
    with pytest.raises(httpx.RemoteProtocolError):
        send(sandbox, ALICE)
    others = [other for other in SENDERS if other is not send]
    assert [other(sandbox, ALICE).status_code for other in others] == [200, 200]
    assert sandbox.stats()["accepted"] == 2
