"""Every magic number at both vendors, over real HTTP."""

from typing import Any
from urllib.parse import unquote_plus

import httpx
import pytest

from tests.providers.sandbox.support import (
    CRIER,
    Webhook,
    eventually,
    message_send,
    put_webhook,
    raw_post,
    sms,
)
from tests.sandbox_process import SandboxProcess

RECEIPTS = {
    "12015550123": ["DELIVRD"],
    "12015550190": ["UNDELIV"],
    "12015550191": ["EXPIRED"],
    "12015550192": ["REJECTD"],
    "12015550199": ["DELIVRD", "DELIVRD", "ENROUTE"],
}
STATE_IDS = {"ENROUTE": 1, "DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5, "REJECTD": 8}
SMS = "/messagewhiz/sms"
MESSAGE_SEND = "/bulkvs/api/v1.0/messageSend"
SANDBOX_BASIC = "Authorization: Basic c2FuZGJveDpzYW5kYm94\r\n"


def sms_body(to: str, **fields: Any) -> dict[str, Any]:
    return {"api_key": "sandbox-key", "to": to, "from": "Crier", "text": "Hello"} | fields


def bulkvs_body(to: str) -> dict[str, Any]:
    return {"From": CRIER, "To": [to], "Message": "Hello"}


@pytest.mark.parametrize("msisdn", RECEIPTS)
def test_messagewhiz_receipts(sandbox: SandboxProcess, webhook: Webhook, msisdn: str) -> None:
    words = RECEIPTS[msisdn]
    assert sms(sandbox, msisdn, callback=webhook.url).status_code == 200
    received = webhook.wait_for(len(words))
    assert [(receipt["status"], receipt["state"]) for receipt in received] == [
        (word, STATE_IDS[word]) for word in words
    ]
    assert [receipt["parts"][0]["status"] for receipt in received] == words
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0)
    assert sandbox.stats()["receipts_posted"] == len(words)


@pytest.mark.parametrize("msisdn", RECEIPTS)
def test_bulkvs_receipts(sandbox: SandboxProcess, webhook: Webhook, msisdn: str) -> None:
    words = RECEIPTS[msisdn]
    put_webhook(sandbox, webhook.url)
    assert message_send(sandbox, msisdn).status_code == 200
    received = webhook.wait_for(len(words))
    texts = [unquote_plus(receipt["Message"]) for receipt in received]
    assert [text.partition(" stat:")[2].split(" ")[0] for text in texts] == words
    assert len({text.split(" ")[0] for text in texts}) == 1, "one text has one id"
    dlvrd = ["001" if word == "DELIVRD" else "000" for word in words]
    assert [text.partition(" dlvrd:")[2].split(" ")[0] for text in texts] == dlvrd


@pytest.mark.parametrize(
    ("msisdn", "state"),
    [
        ("12015550123", "delivered"),
        ("12015550190", "undelivered"),
        ("12015550191", "expired"),
        ("12015550192", "rejected"),
    ],
)
def test_the_handset_knows_the_state(sandbox: SandboxProcess, msisdn: str, state: str) -> None:
    sms(sandbox, msisdn)
    thread = eventually(
        lambda: [
            entry
            for entry in sandbox.control("GET", f"handsets/{msisdn}")["thread"]
            if entry["state"] != "enroute"
        ]
    )
    assert [entry["state"] for entry in thread] == [state]


def test_93_is_refused(sandbox: SandboxProcess) -> None:
    assert sms(sandbox, "12015550193").json() == {
        "statusCode": 400,
        "message": [
            "The recipient number entered is invalid. Please ensure that the number is between 10 and 15 "
            "digits in length."
        ],
        "error": "Bad Request",
    }
    response = message_send(sandbox, "12015550193")
    assert response.status_code == 409
    assert response.json() == {
        "Status": "FAILED",
        "Code": "409",
        "Description": "Conflict, see body; a support ticket may be required to resolve",
    }
    stats = sandbox.stats()
    assert (stats["accepted"], stats["refused"], stats["receipts_pending"]) == (0, {"refused": 2}, 0)


@pytest.mark.parametrize("send", [sms, message_send])
def test_94_is_throttled_twice(sandbox: SandboxProcess, send: Any) -> None:
    tries = [send(sandbox, "12015550194") for _ in range(3)]
    assert [response.status_code for response in tries] == [429, 429, 200]
    assert [response.headers.get("retry-after") for response in tries] == ["1", "1", None]
    assert sandbox.stats()["accepted"] == 1
    assert send(sandbox, "12015550194").status_code == 429, "the next text is throttled anew"


@pytest.mark.parametrize(
    ("path", "body", "header"),
    [
        (SMS, sms_body("12015550195"), ""),
        (MESSAGE_SEND, bulkvs_body("12015550195"), SANDBOX_BASIC),
    ],
)
def test_95_is_accepted_and_the_line_is_cut(
    sandbox: SandboxProcess, path: str, body: dict[str, Any], header: str
) -> None:
    assert raw_post(sandbox.url, path, body, header) == b""
    stats = sandbox.stats()
    assert (stats["accepted"], stats["by_outcome"]) == (1, {"cut": 1})
    assert list(stats["answers"].values()) == [{"cut": 1}]


def test_95_gets_its_receipt(sandbox: SandboxProcess, webhook: Webhook) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        sms(sandbox, "12015550195", callback=webhook.url)
    assert webhook.wait_for(1)[0]["status"] == "DELIVRD"


def test_a_cut_line_leaves_the_others_alone(sandbox: SandboxProcess) -> None:
    """The caller's other line is used before and after, and stays the same."""
    with httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        assert client.get("/_sandbox/health").status_code == 200
        line = client.get("/_sandbox/health").extensions["network_stream"]
        for _ in range(5):
            assert raw_post(sandbox.url, SMS, sms_body("12015550195")) == b""
        again = client.get("/_sandbox/health").extensions["network_stream"]
        assert again.get_extra_info("client_addr") == line.get_extra_info("client_addr")


def test_96_is_an_error_of_the_server(sandbox: SandboxProcess) -> None:
    response = sms(sandbox, "12015550196")
    assert (response.status_code, response.json()) == (
        500,
        {"statusCode": 500, "message": "Internal server error"},
    )
    response = message_send(sandbox, "12015550196")
    assert (response.status_code, response.json()) == (
        503,
        {
            "Status": "FAILED",
            "Code": "503",
            "Description": "An error occurred, please try again; a support ticket may be required to resolve",
        },
    )
    assert sandbox.stats()["accepted"] == 0


@pytest.mark.parametrize("send", [sms, message_send])
def test_97_is_accepted_and_answered_in_html(sandbox: SandboxProcess, send: Any) -> None:
    response = send(sandbox, "12015550197")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.startswith("<!doctype html>")
    assert sandbox.stats()["by_outcome"] == {"html": 1}


def test_97_gets_its_receipt(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sms(sandbox, "12015550197", callback=webhook.url)
    assert webhook.wait_for(1)[0]["status"] == "DELIVRD"


@pytest.mark.parametrize("send", [sms, message_send])
def test_98_never_gets_a_receipt(sandbox: SandboxProcess, webhook: Webhook, send: Any) -> None:
    put_webhook(sandbox, webhook.url)
    fields = {"callback": webhook.url} if send is sms else {}
    assert send(sandbox, "12015550198", **fields).status_code == 200
    stats = sandbox.stats()
    assert (stats["accepted"], stats["receipts_pending"], stats["receipts_posted"]) == (1, 0, 0)
