"""Document 004, sections Send One time password (OTP) and Verify OTP: both without the envelope."""

import re
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.messagewhiz.support import CRIER_SENDER, DEFAULT_CAMPAIGN, Whiz
from tests.providers.sandbox.support import ALICE, BOB

TEXT = "verification code: {{verification_code}}"


def single(whiz: Whiz, query: str = "?otp=true", **fields: Any) -> httpx.Response:
    body = {
        "campaign_id": DEFAULT_CAMPAIGN,
        "sender_id": str(CRIER_SENDER),
        "message_body": TEXT,
        "recipient": ALICE,
        "verification": True,
    } | fields
    path = f"/messagewhiz/api/broadcasts/single{query}"
    return whiz.sandbox.request("POST", path, body, headers={"apikey": whiz.key})


def verify(whiz: Whiz, code: Any, msisdn: str = ALICE) -> httpx.Response:
    path = f"/messagewhiz/api/recipients/{msisdn}/verification"
    return whiz.sandbox.request("POST", path, {"verification_code": code}, headers={"apikey": whiz.key})


def code_of(whiz: Whiz, msisdn: str = ALICE) -> str:
    found = re.fullmatch(r"verification code: ([1-9][0-9]{3})", whiz.texts(msisdn)[-1]["text"])
    assert found
    return found[1]


def test_it_works(whiz: Whiz) -> None:
    sent = single(whiz)
    assert (sent.status_code, list(sent.json())) == (200, ["id"])
    assert verify(whiz, int(code_of(whiz))).json() == {"valid": True}
    assert verify(whiz, code_of(whiz)).json() == {"valid": False}, "once"


@pytest.mark.parametrize("number", [f"+{ALICE}", ALICE])
def test_a_code_is_compared_as_text(whiz: Whiz, number: str) -> None:
    single(whiz)
    assert verify(whiz, "0000", number).json() == {"valid": False}
    assert verify(whiz, code_of(whiz), number).json() == {"valid": True}


def test_only_the_latest_code_of_a_number_counts(whiz: Whiz) -> None:
    single(whiz)
    first = code_of(whiz)
    while True:
        single(whiz)
        if code_of(whiz) != first:
            break
    assert verify(whiz, first).json() == {"valid": False}
    assert verify(whiz, code_of(whiz)).json() == {"valid": True}


def test_a_code_is_of_its_number_and_key(whiz: Whiz) -> None:
    single(whiz)
    other = Whiz(whiz.sandbox, "sandbox-key-other")
    assert verify(whiz, code_of(whiz), BOB).json() == {"valid": False}
    assert verify(other, code_of(whiz)).json() == {"valid": False}


def test_a_template_a_sender_and_a_trigger_will_do(whiz: Whiz) -> None:
    template_id = whiz.made("template", name="A", body=TEXT)["id"]
    trigger = whiz.made("trigger", name="Go")
    fields = {
        "message_body": None,
        "message_template_id": template_id,
        "sender": "Shop",
        "is_now": False,
        "trigger_id": trigger["id"],
    }
    assert single(whiz, **fields).status_code == 200
    assert whiz.accepted() == {}
    whiz.open(trigger["short_url"])
    assert (whiz.texts(ALICE)[0]["sender"], len(code_of(whiz))) == ("Shop", 4)
    assert whiz.result("GET", "Broadcast/List")[0]["type"] == 0


def test_now_goes_before_a_date(whiz: Whiz) -> None:
    assert single(whiz, is_now=True, send_date="2099-01-01T00:00:00Z").status_code == 200
    assert whiz.accepted() == {ALICE: 1}


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"query": ""}, 400, "otp must be true in the query"),
        ({"verification": False}, 400, "verification must be true"),
        ({"verification": None}, 400, "verification must be true or false"),
        ({"message_body": "No place"}, 400, "message_body must contain {{verification_code}}"),
        ({"message_body": None}, 400, "one of message_body, message_template_id must be given"),
        ({"recipient": "12"}, 400, "recipient must be a phone number"),
        ({"sender_id": None}, 400, "sender_id must be a whole number"),
        ({"sender": "TwelveLetter"}, 400, "Sender must not exceed"),
        ({"campaign_id": 7}, 404, "there is no 7"),
        ({"recipient": "12015550196"}, 500, "Internal server error"),
    ],
)
def test_it_rejects(whiz: Whiz, fields: dict[str, Any], status: int, part: str) -> None:
    response = single(whiz, **fields)
    assert (response.status_code, part in response.json()["errorMessage"]) == (status, True), response.text
    assert whiz.accepted() == {}


@pytest.mark.parametrize("code", [None, "", True, [1]])
def test_a_code_must_be_given(whiz: Whiz, code: Any) -> None:
    assert verify(whiz, code).status_code == 400
