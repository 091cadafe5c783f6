"""Document 001: /messageSend, /webHooks and /campaigns, body for body, and what its webhooks get."""

import re
import uuid
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import httpx
import pytest

from tests.providers.sandbox.support import (
    ALICE,
    BASIC,
    BOB,
    CRIER,
    Webhook,
    bulkvs,
    eventually,
    message_send,
    put_webhook,
)
from tests.sandbox_process import SandboxProcess

NUMBER_WANTED = "must be a telephone number of 11 digits, 1NPANXXXXXX"


def failed(status: int, description: Any) -> dict[str, Any]:
    return {"Status": "FAILED", "Code": str(status), "Description": description}


def test_it_works(sandbox: SandboxProcess) -> None:
    response = message_send(sandbox)
    body = response.json()
    assert response.status_code == 200
    assert str(uuid.UUID(body.pop("RefId"))) == response.json()["RefId"]
    assert body == {
        "From": CRIER,
        "MessageType": "SMS",
        "Fragments": 1,
        "Results": [{"To": ALICE, "Status": "SUCCESS"}],
    }


def test_fragments_are_counted(sandbox: SandboxProcess) -> None:
    assert message_send(sandbox, Message="x" * 161).json()["Fragments"] == 2


def test_media_make_an_mms(sandbox: SandboxProcess) -> None:
    response = message_send(sandbox, Message="", MediaURLs=["https://example.com/file1.png"])
    assert (response.json()["MessageType"], response.json()["Fragments"]) == ("MMS", 1)
    thread = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert thread[0]["media"] == ["https://example.com/file1.png"]


def test_several_recipients_make_an_mms(sandbox: SandboxProcess) -> None:
    body = message_send(sandbox, [ALICE, BOB]).json()
    assert body["MessageType"] == "MMS"
    assert body["Results"] == [{"To": ALICE, "Status": "SUCCESS"}, {"To": BOB, "Status": "SUCCESS"}]
    assert sandbox.stats()["accepted"] == 2


def test_one_of_several_may_fail(sandbox: SandboxProcess) -> None:
    body = message_send(sandbox, [ALICE, "12015550193"]).json()
    assert body["Results"] == [
        {"To": ALICE, "Status": "SUCCESS"},
        {"To": "12015550193", "Status": "FAILED"},
    ]
    assert sandbox.stats()["by_outcome"] == {"delivered": 1}
    assert sandbox.stats()["refused"] == {"refused": 1}


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"From": None}, {"From": [NUMBER_WANTED]}),
        ({"From": "Crier"}, {"From": [NUMBER_WANTED]}),
        ({"to": []}, {"To": ["must be an array of telephone numbers of 11 digits, 1NPANXXXXXX"]}),
        (
            {"to": ["447700900123"]},
            {"To": ["must be an array of telephone numbers of 11 digits, 1NPANXXXXXX"]},
        ),
        (
            {"to": ["+12015550123"]},
            {"To": ["must be an array of telephone numbers of 11 digits, 1NPANXXXXXX"]},
        ),
        ({"To": ALICE}, {"To": ["must be an array of telephone numbers of 11 digits, 1NPANXXXXXX"]}),
        ({"Message": None}, {"Message": ["must be a text of up to 1600 characters"]}),
        ({"Message": ""}, {"Message": ["must be a text of up to 1600 characters"]}),
        ({"Message": "x" * 1601}, {"Message": ["must be a text of up to 1600 characters"]}),
        ({"MediaURLs": "https://example.com/a.png"}, {"MediaURLs": ["must be an array of URLs"]}),
        ({"MediaURLs": ["file1.png"]}, {"MediaURLs": ["must be an array of URLs"]}),
    ],
)
def test_it_rejects(sandbox: SandboxProcess, fields: dict[str, Any], description: Any) -> None:
    response = message_send(sandbox, **fields)
    assert (response.status_code, response.json()) == (400, failed(400, description))
    assert sandbox.stats()["accepted"] == 0


def test_it_rejects_bodies_that_are_no_object(sandbox: SandboxProcess) -> None:
    response = sandbox.request("POST", "/bulkvs/api/v1.0/messageSend", content=b"{", auth=BASIC)
    assert response.json() == failed(400, "Property missing, invalid or malformed")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer sandbox"},
        {"authorization": "Basic %%%"},
        {"authorization": "Basic c2FuZGJveDp3cm9uZw=="},  # sandbox:wrong
        {"authorization": "Basic YWxpY2U6c2FuZGJveA=="},  # alice:sandbox
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "messageSend"),
        ("GET", "webHooks"),
        ("PUT", "webHooks"),
        ("DELETE", "webHooks"),
        ("GET", "campaigns"),
    ],
)
def test_it_requires_basic(sandbox: SandboxProcess, method: str, path: str, headers: dict[str, str]) -> None:
    response = sandbox.request(method, f"/bulkvs/api/v1.0/{path}", headers=headers)
    assert (response.status_code, response.json()) == (401, failed(401, "Unauthorized"))
    assert response.headers["www-authenticate"] == 'Basic realm="BulkVS"'


def test_unknown_paths_and_methods(sandbox: SandboxProcess) -> None:
    assert bulkvs(sandbox, "GET", "messageStatus").status_code == 404
    assert bulkvs(sandbox, "GET", "messageSend").status_code == 405


@pytest.mark.parametrize(
    ("outcome", "status", "description"),
    [
        ("no_credit", 403, "Insufficient funds or service not enabled"),
        ("sender_off", 404, "Telephone Number not enabled for Service"),
    ],
)
def test_the_account_may_be_refused(
    sandbox: SandboxProcess, outcome: str, status: int, description: str
) -> None:
    sandbox.dial(vendor="bulkvs", force_outcome=outcome)
    response = message_send(sandbox)
    assert (response.status_code, response.json()) == (status, failed(status, description))
    assert sandbox.stats()["accepted"] == 0


# Webhooks


def test_a_webhook_is_created_shown_updated_and_deleted(sandbox: SandboxProcess) -> None:
    assert bulkvs(sandbox, "GET", "webHooks").json() == []
    created = bulkvs(
        sandbox,
        "PUT",
        "webHooks",
        {
            "Webhook": "Webhook1",
            "Description": "Customer A inbound messages",
            "Url": "https://example.com/webHook",
            "Dlr": True,
            "Method": "POST",
        },
    )
    assert created.status_code == 200
    modified = created.json()["Last Modification"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", modified)
    assert created.json() == {
        "Webhook": "Webhook1",
        "Description": "Customer A inbound messages",
        "Url": "https://example.com/webHook",
        "Last Modification": modified,
    }
    shown = {
        "Webhook": "Webhook1",
        "Description": "Customer A inbound messages",
        "Url": "https://example.com/webHook",
        "Dlr": True,
        "Method": "POST",
        "Last Modification": modified,
    }
    assert bulkvs(sandbox, "GET", "webHooks").json() == [shown]
    assert bulkvs(sandbox, "GET", "webHooks?Webhook=").json() == [shown]
    assert bulkvs(sandbox, "GET", "webHooks?Webhook=Webhook1").json() == [shown]
    assert bulkvs(sandbox, "PUT", "webHooks", {"Webhook": "Webhook1", "Dlr": False}).status_code == 200
    updated = bulkvs(sandbox, "GET", "webHooks").json()[0]
    assert (updated["Dlr"], updated["Url"]) == (False, "https://example.com/webHook")
    deleted = bulkvs(sandbox, "DELETE", "webHooks?Webhook=Webhook1")
    assert (deleted.status_code, deleted.json()) == (200, {"Status": "Success", "Webhook": "Webhook1"})
    assert bulkvs(sandbox, "GET", "webHooks").json() == []


@pytest.mark.parametrize(
    ("body", "status", "description"),
    [
        ({}, 400, "Property missing, invalid or malformed"),
        ({"Webhook": "A"}, 400, {"Url": ["must be a URL"]}),
        ({"Webhook": "A", "Url": "nowhere"}, 400, {"Url": ["must be a URL"]}),
        ({"Webhook": "A", "Url": "https://example.com", "Dlr": "yes"}, 400, {"Dlr": ["must be a boolean"]}),
        (
            {"Webhook": "A", "Url": "https://example.com", "Method": "GET"},
            400,
            {"Method": ["must be POST or 3CX"]},
        ),
        (
            {"Webhook": "A", "Url": "https://example.com", "Description": 5},
            400,
            {"Description": ["must be a string"]},
        ),
        ({"Webhook": "NoConsent"}, 412, "Applicable agreement lacks consent, see body for details"),
        ({"Webhook": "NoFunds"}, 403, "Insufficient funds or service not enabled"),
    ],
)
def test_webhooks_reject(
    sandbox: SandboxProcess, body: dict[str, Any], status: int, description: Any
) -> None:
    response = bulkvs(sandbox, "PUT", "webHooks", body)
    assert (response.status_code, response.json()) == (status, failed(status, description))


def test_unknown_webhooks_are_not_found(sandbox: SandboxProcess) -> None:
    assert bulkvs(sandbox, "GET", "webHooks?Webhook=None").json() == failed(404, "Webhook not found")
    assert bulkvs(sandbox, "DELETE", "webHooks?Webhook=None").json() == failed(404, "Webhook not found")
    assert bulkvs(sandbox, "DELETE", "webHooks").status_code == 400


def test_accounts_have_webhooks_of_their_own(sandbox: SandboxProcess) -> None:
    put_webhook(sandbox, "https://example.com/bob", user="sandbox2")
    assert bulkvs(sandbox, "GET", "webHooks").json() == []
    assert len(bulkvs(sandbox, "GET", "webHooks", user="sandbox2").json()) == 1


# Campaigns


def test_campaigns_are_listed(sandbox: SandboxProcess) -> None:
    rows = bulkvs(sandbox, "GET", "campaigns").json()
    assert [list(row) for row in rows] == [["Tcr", "Brand", "Count", "Approval", "Activation Date"]] * 2
    assert bulkvs(sandbox, "GET", "campaigns?Tcr=CSANDBX").json() == [
        {
            "Tcr": "CSANDBX",
            "Brand": "Sandbox Brand",
            "Count": "49",
            "Approval": "Y",
            "Activation Date": "2021-02-16 16:23:35",
        }
    ]


def test_unknown_campaigns_are_not_found(sandbox: SandboxProcess) -> None:
    assert bulkvs(sandbox, "GET", "campaigns?Tcr=CNONE").json() == failed(404, "Campaign not found")


# What the webhook gets


def test_receipt_looks_like_an_inbound_text(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url)
    sent = message_send(sandbox, Message="Dream Team & friends").json()
    receipt = webhook.wait_for(1)[0]
    message = receipt.pop("Message")
    assert receipt == {"From": ALICE, "To": [CRIER]}
    assert " " not in message
    assert quote_plus(unquote_plus(message)) == message
    found = re.fullmatch(
        r"id:(\d{10}) sub:001 dlvrd:001 submit date:(\d{10}) done date:(\d{10}) stat:DELIVRD err:000 "
        r"text:Dream Te\.\.\.",
        unquote_plus(message),
    )
    assert found, unquote_plus(message)
    assert found[1] != sent["RefId"]


def test_receipt_of_a_short_text_is_not_cut(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url)
    message_send(sandbox, Message="Hi & bye")
    assert unquote_plus(webhook.wait_for(1)[0]["Message"]).endswith(" text:Hi & bye")


def test_without_dlr_there_is_no_receipt(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url, Dlr=False)
    message_send(sandbox)
    eventually(lambda: sandbox.stats()["receipts_unaddressed"] == 1)
    assert webhook.received == []


def test_3cx_webhooks_get_nothing(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url, Method="3CX")
    message_send(sandbox)
    eventually(lambda: sandbox.stats()["receipts_unaddressed"] == 1)
    assert webhook.received == []


def test_the_bound_webhook_is_called(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, f"{webhook.url}/default")
    put_webhook(sandbox, f"{webhook.url}/shop", name="Shop")
    sandbox.control("POST", "bind", {"number": CRIER, "webhook": "Shop"})
    message_send(sandbox)
    webhook.wait_for(1)
    sandbox.control("POST", "bind", {"number": CRIER, "webhook": ""})
    message_send(sandbox)
    webhook.wait_for(2)
    assert webhook.paths == ["/hooks/alice/shop", "/hooks/alice/default"]


def test_a_binding_to_nothing_falls_back_to_default(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, f"{webhook.url}/default")
    put_webhook(sandbox, f"{webhook.url}/shop", name="Shop")
    sandbox.control("POST", "bind", {"number": CRIER, "webhook": "Gone"})
    message_send(sandbox)
    webhook.wait_for(1)
    assert webhook.paths == ["/hooks/alice/default"]


def test_the_only_webhook_is_called(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url, name="Shop")
    message_send(sandbox)
    webhook.wait_for(1)


def test_none_of_several_is_guessed(sandbox: SandboxProcess, webhook: Webhook) -> None:
    put_webhook(sandbox, webhook.url, name="Shop")
    put_webhook(sandbox, webhook.url, name="Bar")
    message_send(sandbox)
    eventually(lambda: sandbox.stats()["receipts_unaddressed"] == 1)
    assert webhook.received == []


def test_a_webhook_must_answer_200(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=5)
    webhook.statuses = [204, 302, 500]
    put_webhook(sandbox, webhook.url)
    message_send(sandbox)
    received = webhook.wait_for(4)
    eventually(lambda: sandbox.stats()["receipts_posted"] == 1)
    assert received == [received[0]] * 4
    assert sandbox.stats()["receipts_retried"] == 3


def test_the_password_is_never_printed(sandbox: SandboxProcess) -> None:
    auth = httpx.BasicAuth("sandbox", "canary-of-a-password")
    assert sandbox.request("GET", "/bulkvs/api/v1.0/campaigns", auth=auth).status_code == 401
    assert "canary" not in sandbox.output
    assert "Y2FuYXJ5" not in sandbox.output
