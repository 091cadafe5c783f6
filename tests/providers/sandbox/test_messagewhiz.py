"""Document 004, section Fast Single, body for body."""

import re
from typing import Any

import pytest

from tests.providers.sandbox.support import ALICE, Webhook, eventually, raw_post, sms
from tests.sandbox_process import SandboxProcess

BAD_TO = (
    "The recipient number entered is invalid. Please ensure that the number is between 10 and 15 digits "
    "in length."
)
BAD_FROM = (
    "Sender must not exceed 11 letters (latin alphabet or special symbols “'._-+&{space}” are allowed) or "
    "20 numbers."
)
TOO_LONG = "text must be shorter than or equal to 100000 characters"
TOO_SHORT = "text must be longer than or equal to 1 characters"
EMPTY = "text should not be empty"


def bad_request(*sentences: str) -> dict[str, Any]:
    return {"statusCode": 400, "message": list(sentences), "error": "Bad Request"}


def test_it_works(sandbox: SandboxProcess) -> None:
    response = sms(sandbox)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert list(response.json()) == ["message_id"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{21}", response.json()["message_id"])


def test_it_echoes_client_ref(sandbox: SandboxProcess) -> None:
    response = sms(sandbox, client_ref="Custom param")
    assert response.json() == {
        "message_id": response.json()["message_id"],
        "client_ref": "Custom param",
    }


def test_message_ids_differ(sandbox: SandboxProcess) -> None:
    assert len({sms(sandbox).json()["message_id"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        ({"text": None}, [TOO_LONG, TOO_SHORT, EMPTY]),
        ({"text": 7}, [TOO_LONG, TOO_SHORT, EMPTY]),
        ({"text": ""}, [TOO_SHORT, EMPTY]),
        ({"text": "x" * 100_001}, [TOO_LONG]),
        ({"to": None}, [BAD_TO]),
        ({"to": "120155501"}, [BAD_TO]),
        ({"to": "1201555012345678"}, [BAD_TO]),
        ({"to": "+12015550123"}, [BAD_TO]),
        ({"to": 12015550123}, [BAD_TO]),
        ({"from": None}, [BAD_FROM]),
        ({"from": ""}, [BAD_FROM]),
        ({"from": "TwelveLetter"}, [BAD_FROM]),
        ({"from": "Çrier"}, [BAD_FROM]),
        ({"from": "1" * 21}, [BAD_FROM]),
        ({"client_ref": "x" * 161}, ["client_ref must be shorter than or equal to 160 characters"]),
        ({"callback": "nowhere"}, ["callback must be a URL address"]),
        ({"callback": "http://[::1"}, ["callback must be a URL address"]),
        ({"to": None, "from": None, "text": ""}, [TOO_SHORT, EMPTY, BAD_TO, BAD_FROM]),
    ],
)
def test_it_rejects(sandbox: SandboxProcess, fields: dict[str, Any], sentences: list[str]) -> None:
    response = sms(sandbox, **({"to": ALICE} | fields))
    assert (response.status_code, response.json()) == (400, bad_request(*sentences))
    assert sandbox.stats()["accepted"] == 0


@pytest.mark.parametrize("sender", ["a'._-+& b", "ElevenChars", "1" * 20, "7"])
def test_it_takes_senders(sandbox: SandboxProcess, sender: str) -> None:
    assert sms(sandbox, **{"from": sender}).status_code == 200


def test_it_takes_the_longest_text(sandbox: SandboxProcess) -> None:
    assert sms(sandbox, text="x" * 100_000).status_code == 200


@pytest.mark.parametrize("key", ["sandbox-key", "sandbox-key-shop"])
def test_keys_are_accounts(sandbox: SandboxProcess, key: str) -> None:
    assert sms(sandbox, api_key=key).status_code == 200
    assert get_senders(sandbox, key=key).status_code == 200
    assert sandbox.control("GET", f"handsets/{ALICE}")["thread"][0]["account"] == key


@pytest.mark.parametrize("key", [None, "", "wrong", 5, "sandbox-keys", "sandbox-key-" + "x" * 60])
def test_it_requires_api_key(sandbox: SandboxProcess, key: Any) -> None:
    response = sms(sandbox, api_key=key, text="")
    assert (response.status_code, response.json()) == (401, {"statusCode": 401, "message": "Unauthorized"})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_it_rejects_bodies_that_are_no_object(sandbox: SandboxProcess, body: bytes) -> None:
    response = sandbox.request("POST", "/messagewhiz/sms", content=body)
    assert response.status_code == 400
    assert response.json()["error"] == "Bad Request"


def test_it_rejects_bodies_over_a_mebibyte(sandbox: SandboxProcess) -> None:
    response = sandbox.request("POST", "/messagewhiz/sms", content=b" " * (1024 * 1024 + 1))
    assert response.status_code == 413
    assert "1 MiB" in response.json()["error"]


def test_it_handles_half_a_surrogate_pair(sandbox: SandboxProcess, webhook: Webhook) -> None:
    body = '{"api_key":"sandbox-key","to":"%s","from":"Crier","text":"\\ud83d","callback":"%s"}'
    response = sandbox.request("POST", "/messagewhiz/sms", content=body % (ALICE, webhook.url))
    assert response.status_code == 200
    assert webhook.wait_for(1)[0]["content"] == "\ud83d"


def test_other_paths_are_not_found(sandbox: SandboxProcess) -> None:
    response = sandbox.request("GET", "/messagewhiz/sms")
    assert response.status_code == 404
    assert response.json() == {"statusCode": 404, "message": "Cannot GET /sms", "error": "Not Found"}


def test_receipt_has_the_documented_body(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sent = sms(sandbox, text="Message Text", client_ref="Custom param", callback=webhook.url)
    receipt = webhook.wait_for(1)[0]
    assert list(receipt) == [
        "message_id",
        "sender",
        "recipient",
        "content",
        "state",
        "status",
        "client_ref",
        "timestamp",
        "parts_count",
        "price",
        "parts",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", receipt.pop("timestamp"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{21}", receipt["parts"][0].pop("pdu_id"))
    assert receipt == {
        "message_id": sent.json()["message_id"],
        "sender": "Crier",
        "recipient": ALICE,
        "content": "Message Text",
        "state": 2,
        "status": "DELIVRD",
        "client_ref": "Custom param",
        "parts_count": 1,
        "price": 0.01,
        "parts": [{"encoding": 0, "content": "Message Text", "status": "DELIVRD"}],
    }
    assert webhook.paths == ["/hooks/alice"]
    assert webhook.content_types == ["application/json"]


def test_receipt_without_client_ref_has_none(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sms(sandbox, callback=webhook.url)
    assert "client_ref" not in webhook.wait_for(1)[0]


def test_receipt_names_every_part(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sms(sandbox, text="ж" * 100, callback=webhook.url)
    receipt = webhook.wait_for(1)[0]
    assert receipt["parts_count"] == 2
    assert receipt["price"] == 0.02
    assert [(part["encoding"], len(part["content"])) for part in receipt["parts"]] == [(8, 67), (8, 33)]
    assert len({part["pdu_id"] for part in receipt["parts"]}) == 2


def get_senders(sandbox: SandboxProcess, query: str = "", key: str = "sandbox-key") -> Any:
    return sandbox.request("GET", f"/messagewhiz/api/3/Sender{query}", headers={"apikey": key})


def test_senders_come_in_the_envelope(sandbox: SandboxProcess) -> None:
    response = get_senders(sandbox, "?limit=1")
    body = response.json()
    assert response.status_code == 200
    assert isinstance(body.pop("executionTime"), float)
    assert body == {
        "errorCode": 0,
        "errorMessage": "",
        "errorType": "",
        "result": [{"enabled": True, "id": 28938892, "name": "FirstSender"}],
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["FirstSender", "test", "Crier"]),
        ("?start=2", ["Crier"]),
        ("?enabled=false", ["OldSender"]),
        ("?filter=name=test", ["test"]),
        ("?filter=name=nobody", []),
    ],
)
def test_senders_can_be_narrowed(sandbox: SandboxProcess, query: str, names: list[str]) -> None:
    assert [row["name"] for row in get_senders(sandbox, query).json()["result"]] == names


def test_senders_require_the_key(sandbox: SandboxProcess) -> None:
    response = get_senders(sandbox, key="wrong")
    assert response.status_code == 401
    assert response.json()["errorCode"] == 401
    assert response.json()["errorMessage"] == "Unauthorized -- API key is missing or invalid"
    assert response.json()["result"] is None


def test_senders_reject_a_bad_limit(sandbox: SandboxProcess) -> None:
    response = get_senders(sandbox, "?limit=many")
    assert (response.status_code, response.json()["errorCode"]) == (400, 400)


def test_the_key_is_never_printed(sandbox: SandboxProcess) -> None:
    body = {"api_key": "canary-of-a-key", "to": ALICE, "from": "Crier", "text": "Hello"}
    assert raw_post(sandbox.url, "/messagewhiz/sms", body, "Connection: close\r\n").startswith(
        b"HTTP/1.1 401"
    )
    assert "canary" not in sandbox.output


# --- GET /sms/{id} ------------------------------------------------------------------------------------


def status_of(sandbox: SandboxProcess, message_id: str, key: str = "sandbox-key") -> Any:
    return sandbox.request("GET", f"/messagewhiz/sms/{message_id}", headers={"apikey": key})


@pytest.mark.parametrize(
    ("ending", "status"), [("23", 2), ("90", 5), ("91", 3), ("92", 8), ("98", -1), ("99", 2)]
)
def test_it_tells_what_became_of_a_text(sandbox: SandboxProcess, ending: str, status: int) -> None:
    """Whether or not anybody is posted a report."""
    message_id = sms(sandbox, to=f"120155501{ending}", client_ref="r").json()["message_id"]
    told = eventually(lambda: (body := status_of(sandbox, message_id).json())["status"] == status and body)
    assert told == {
        "message_id": message_id,
        "to": f"120155501{ending}",
        "from": "Crier",
        "status": status,
        "parts_count": 1,
        "price": told["price"],
        "client_ref": "r",
    }


@pytest.mark.parametrize(
    ("key", "answer"),
    [("wrong", 401), ("sandbox-key-disabled", 403), ("sandbox-key-other", 404), ("sandbox-key", 200)],
)
def test_it_tells_only_whose_text_it_is(sandbox: SandboxProcess, key: str, answer: int) -> None:
    message_id = sms(sandbox).json()["message_id"]
    assert status_of(sandbox, message_id, key).status_code == answer


def test_it_does_not_know_every_id(sandbox: SandboxProcess) -> None:
    answer = status_of(sandbox, "nobody")
    assert (answer.status_code, answer.json()["message"]) == (404, "Message not found")
