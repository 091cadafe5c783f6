"""Document 000: `api/send`, word for word, and what the webhook of the account is told."""

import re
from typing import Any

import pytest

from tests.providers.sandbox.support import (
    ALICE,
    APIKEY,
    BOB,
    CGUID,
    Webhook,
    eventually,
    mx2_send,
    settings,
    state_of,
)
from tests.sandbox_process import SandboxProcess

OTHER_ACCOUNT = "5A4DB0C5-0000-4000-8000-0000000000AB"
OTHER_CAMPAIGN = "5A4DB0C5-0000-4000-8000-000000000007"


def error(sentence: str) -> dict[str, str]:
    return {"status": "error", "statusMessage": sentence, "subscriberId": ""}


def events(webhook: Webhook, count: int) -> list[tuple[str, str, str]]:
    """Status, its message and the text of each, once there are as many."""
    return [
        (event["status"], event["statusMessage"], event["textMessage"]) for event in webhook.wait_for(count)
    ]


def reply(sandbox: SandboxProcess, text: str, **fields: Any) -> tuple[int, Any]:
    response = sandbox.request("POST", f"/_sandbox/handsets/{ALICE}/reply", {"text": text} | fields)
    return response.status_code, response.json()


def test_it_works(sandbox: SandboxProcess) -> None:
    response = mx2_send(sandbox)
    body = response.json()
    assert response.status_code == 200
    assert re.fullmatch(r"[0-9a-z]{10}", body.pop("subscriberId"))
    assert body == {"status": "success", "statusMessage": ""}
    (entry,) = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert entry["text"] == "Hi Mike, your offer is waiting: https://example.com?customerid=1234"
    assert (entry["vendor"], entry["account"], entry["recipient"]) == ("mx2", APIKEY, ALICE)


def test_the_landing_page_is_optional(sandbox: SandboxProcess) -> None:
    for missing in (None, ""):
        assert mx2_send(sandbox, landingPageUrl=missing).json()["status"] == "success"
    thread = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert [entry["text"] for entry in thread] == ["Hi Mike, your offer is waiting."] * 2


def test_a_subscriber_is_a_campaign_and_a_cell(sandbox: SandboxProcess) -> None:
    """A repeated send gives the same id and is another text."""
    first, again = mx2_send(sandbox).json(), mx2_send(sandbox).json()
    assert first == again
    others = [mx2_send(sandbox, BOB).json(), mx2_send(sandbox, cguid=OTHER_CAMPAIGN).json()]
    ids = {answer["subscriberId"] for answer in (first, *others)}
    assert len(ids) == 3
    assert sandbox.stats()["accepted"] == 4


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"apikey": None}, "Invalid or missing apikey"),
        ({"apikey": "5A4DB0C5"}, "Invalid or missing apikey"),
        ({"apikey": "F05A3EAC-989F-4A9C-99EC-16CA72B88D5A"}, "Invalid or missing apikey"),
        ({"apikey": f"{{{APIKEY}"}, "Invalid or missing apikey"),
        ({"cguid": None}, "Invalid or missing cguid"),
        ({"cguid": "DEAD9011-E13D-43FC-ADB4-DAE215EA5438"}, "Invalid or missing cguid"),
        ({"cguid": "dead9011-e13d-43fc-adb4-dae215ea5438"}, "Invalid or missing cguid"),
        ({"cell": None}, "Invalid or missing cell"),
        ({"cell": "12015550123"}, "Invalid or missing cell"),
        ({"cell": "201-555-01"}, "Invalid or missing cell"),
        ({"cell": 2015550123}, "Invalid or missing cell"),
        ({"cell": "٢٠١٥٥٥٠١٢٣"}, "Invalid or missing cell"),
        ({"fname": None}, "Invalid or missing payload"),
        ({"fname": " "}, "Invalid or missing payload"),
        ({"fname": "M" * 51}, "Invalid or missing payload"),
        ({"fname": "Mike<b>"}, "Invalid or missing payload"),
        ({"landingPageUrl": "example.com"}, "landingPageUrl is not a valid URL"),
        ({"landingPageUrl": "ftp://example.com"}, "landingPageUrl is not a valid URL"),
        ({"landingPageUrl": "https://example.com/a b"}, "landingPageUrl is not a valid URL"),
        ({"landingPageUrl": "https://example.com/" + "x" * 493}, "landingPageUrl is not a valid URL"),
        ({"apikey": None, "cguid": None, "cell": None}, "Invalid or missing apikey"),
        ({"cguid": None, "cell": None, "landingPageUrl": "x"}, "Invalid or missing cguid"),
        ({"cell": None, "fname": None, "landingPageUrl": "x"}, "Invalid or missing cell"),
    ],
)
def test_it_rejects(sandbox: SandboxProcess, fields: dict[str, Any], sentence: str) -> None:
    response = mx2_send(sandbox, **fields)
    assert (response.status_code, response.json()) == (200, error(sentence))
    assert sandbox.stats()["accepted"] == 0


def test_the_documents_own_example_is_not_well_formed(sandbox: SandboxProcess) -> None:
    """It lacks a comma after "Mike"."""
    content = f'{{"apikey": "{APIKEY}", "cguid": "{CGUID}", "cell": "6785551234", "fname": "Mike" "x": ""}}'
    for body in (content, "", "[]"):
        response = sandbox.request("POST", "/mx2/api/send", content=body)
        assert (response.status_code, response.json()) == (200, error("Invalid or missing payload"))


@pytest.mark.parametrize(
    "fields",
    [
        {"apikey": f"{{{APIKEY.lower()}}}", "cguid": f"{{{CGUID}}}"},
        {"fname": "Mary-Ann O'Neil"},
        {"fname": "Zoë"},
        {"fname": "अनिल"},
        {"landingPageUrl": "http://example.com/" + "x" * 493},
    ],
)
def test_it_handles_the_forms_of_its_values(sandbox: SandboxProcess, fields: dict[str, Any]) -> None:
    assert mx2_send(sandbox, **fields).json()["status"] == "success"
    (entry,) = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert entry["account"] == APIKEY


def test_unknown_paths_and_methods(sandbox: SandboxProcess) -> None:
    assert sandbox.request("POST", "/mx2/api/receive", {}).status_code == 404
    assert sandbox.request("GET", "/mx2/api/send").status_code == 405


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [("no_credit", "Insufficient credit"), ("sender_off", "Invalid or missing cguid")],
)
def test_the_account_may_be_refused(sandbox: SandboxProcess, outcome: str, sentence: str) -> None:
    sandbox.dial(vendor="mx2", force_outcome=outcome)
    assert mx2_send(sandbox).json() == error(sentence)
    assert sandbox.stats()["refused"] == {outcome: 1}


# The webhook


def test_the_webhook_is_told_as_documented(sandbox: SandboxProcess, webhook: Webhook) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    subscriber = mx2_send(sandbox).json()["subscriberId"]
    sent, delivered = webhook.wait_for(2)
    moment = sent.pop("datetime")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", moment)
    assert sent == {
        "subscriberId": subscriber,
        "cguid": CGUID,
        "status": "sent",
        "statusMessage": "",
        "textMessage": "",
        "messageType": "Initial",
    }
    assert (delivered["status"], delivered["subscriberId"]) == ("delivered", subscriber)
    eventually(lambda: sandbox.stats()["receipts_posted"] == 2)
    assert state_of(sandbox, ALICE) == "delivered"


def test_without_a_webhook_the_handset_still_knows(sandbox: SandboxProcess) -> None:
    mx2_send(sandbox)
    eventually(lambda: state_of(sandbox, ALICE) == "delivered")
    assert sandbox.stats()["receipts_unaddressed"] == 2


def test_a_post_that_is_made_again_is_the_same(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=1100)  # over the turn of a second
    webhook.statuses = [500]
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox)
    first, again, delivered = webhook.wait_for(3)
    assert first == again
    assert delivered["status"] == "delivered"


def test_accounts_have_webhooks_of_their_own(sandbox: SandboxProcess, webhook: Webhook) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox, apikey=OTHER_ACCOUNT)
    eventually(lambda: sandbox.stats()["receipts_unaddressed"] == 2)
    mx2_send(sandbox, BOB)
    assert events(webhook, 2) == [("sent", "", ""), ("delivered", "", "")]
    sandbox.control("POST", "reset")
    assert sandbox.control("GET", "settings?vendor=mx2")["webhook"] == webhook.url
    sandbox.control("POST", "reset", {"accounts": True})
    assert sandbox.control("GET", "settings?vendor=mx2")["webhook"] == ""


# Replies, opt-outs and clicks


def test_a_reply_is_received(sandbox: SandboxProcess, webhook: Webhook) -> None:
    settings(sandbox, "mx2", webhook=webhook.url)
    subscriber = mx2_send(sandbox, "12015550198", cguid=OTHER_CAMPAIGN).json()["subscriberId"]
    body = {"text": "Who is this?"}
    answer = sandbox.control("POST", "handsets/12015550198/reply", body)
    assert (answer["status"], answer["entry"]["state"]) == (200, "delivered")
    (event,) = webhook.received
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", event.pop("datetime"))
    assert event == {
        "subscriberId": subscriber,
        "cguid": OTHER_CAMPAIGN,
        "status": "received",
        "statusMessage": "",
        "textMessage": "Who is this?",
        "messageType": "Initial",
    }
    thread = sandbox.control("GET", "handsets/12015550198")["thread"]
    assert [(entry["direction"], entry["sender"], entry["recipient"]) for entry in thread] == [
        ("outbound", "Mx2", "12015550198"),
        ("inbound", "12015550198", "Mx2"),
    ]
    assert (sandbox.stats()["replies_posted"], sandbox.stats()["accepted"]) == (1, 1)


@pytest.mark.parametrize("text", ["STOP", " stop. ", "Stop all", "Unsubscribe!", "opt out"])
def test_stop_opts_out(sandbox: SandboxProcess, webhook: Webhook, text: str) -> None:
    sandbox.dial(force_outcome="no_receipt")
    settings(sandbox, "mx2", webhook=webhook.url)
    subscriber = mx2_send(sandbox).json()["subscriberId"]
    assert reply(sandbox, text)[0] == 200
    assert events(webhook, 2) == [("received", "", text), ("optout", "", text)]
    for cguid in (CGUID, OTHER_CAMPAIGN):
        answer = mx2_send(sandbox, cguid=cguid).json()
        assert (answer["status"], answer["statusMessage"]) == ("optout", "")
    assert mx2_send(sandbox).json()["subscriberId"] == subscriber
    stats = sandbox.stats()
    assert (stats["accepted"], stats["refused"]) == (1, {"optout": 3})
    assert mx2_send(sandbox, apikey=OTHER_ACCOUNT).json()["status"] == "success"
    assert mx2_send(sandbox, BOB).json()["status"] == "success"


def test_yes_is_told(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="no_receipt")
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox)
    reply(sandbox, "yes")
    assert events(webhook, 2) == [("received", "", "yes"), ("yes", "", "yes")]
    assert mx2_send(sandbox).json()["status"] == "success"


def test_words_within_a_text_opt_nobody_out(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="no_receipt")
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox)
    reply(sandbox, "We must stop this")
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0)
    assert events(webhook, 1) == [("received", "", "We must stop this")]
    assert mx2_send(sandbox).json()["status"] == "success"


def test_a_reply_that_is_not_taken_comes_again_before_what_follows(
    sandbox: SandboxProcess, webhook: Webhook
) -> None:
    sandbox.dial(retry_ms=5, force_outcome="no_receipt")
    webhook.statuses = [503]
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox)
    status, answer = reply(sandbox, "STOP")
    assert (status, answer["error"]) == (502, "The webhook answered HTTP 503. It will be called again.")
    assert [status for status, _message, _text in events(webhook, 3)] == ["received", "received", "optout"]
    eventually(lambda: sandbox.stats()["replies_posted"] == 2)


def test_stop_counts_without_a_webhook(sandbox: SandboxProcess) -> None:
    mx2_send(sandbox)
    status, answer = reply(sandbox, "STOP")
    assert (status, answer["error"]) == (
        409,
        f"The mx2 account '{APIKEY}' has no webhook for Mx2, so nobody would hear of the reply;"
        " set one with POST /_sandbox/settings.",
    )
    assert mx2_send(sandbox).json()["status"] == "optout"


def test_the_opt_out_list_can_be_set(sandbox: SandboxProcess) -> None:
    shown = settings(sandbox, "mx2", optouts=[ALICE[1:]])
    assert shown == {"vendor": "mx2", "account": APIKEY, "webhook": "", "optouts": [ALICE[1:]]}
    assert mx2_send(sandbox).json()["status"] == "optout"
    settings(sandbox, "mx2", optouts=[])
    assert mx2_send(sandbox).json()["status"] == "success"


def test_a_reset_takes_all_off_the_opt_out_list(sandbox: SandboxProcess) -> None:
    settings(sandbox, "mx2", optouts=[ALICE[1:]])
    sandbox.control("POST", "reset")
    assert mx2_send(sandbox).json()["status"] == "success"


def test_a_click_is_told(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="no_receipt")
    settings(sandbox, "mx2", webhook=webhook.url)
    subscriber = mx2_send(sandbox).json()["subscriberId"]
    answer = sandbox.control("POST", f"handsets/+{ALICE}/click", {"account": APIKEY.lower()})
    assert answer == {"status": 200, "url": "https://example.com?customerid=1234"}
    assert events(webhook, 1) == [("click", "", "")]
    assert webhook.received[0]["subscriberId"] == subscriber
    thread = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert [entry["direction"] for entry in thread] == ["outbound"]


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        (f"{BOB}/click", {}, 404, f"No text of mx2 with a landing page has arrived at {BOB}"),
        (f"{ALICE}/click", {"account": OTHER_ACCOUNT}, 404, "No text of mx2"),
        (f"{ALICE}/click", {"account": "sandbox"}, 400, "is not an apikey of the sandbox"),
        (f"{ALICE}/click", {"url": "x"}, 400, "'url' is not known here"),
        (f"{ALICE}/click", {}, 409, "nobody would hear of the click"),
        (f"{ALICE}/reply", {"text": "A"}, 409, "nobody would hear of the reply"),
        (f"{ALICE}/reply", {"text": "A", "account": OTHER_ACCOUNT}, 400, "has sent nothing to"),
        (f"{ALICE}/reply", {"text": "A", "media": ["https://example.com/a"]}, 400, "cannot be told to mx2"),
        (f"{BOB}/reply", {"text": "A", "to": "Mx2", "vendor": "mx2"}, 404, "none to reply to"),
        (f"{ALICE}/reply", {"text": "A", "accounts": [f"mx2:{OTHER_ACCOUNT}"]}, 404, "No text has"),
    ],
)
def test_a_reply_or_click_may_be_impossible(
    sandbox: SandboxProcess, path: str, body: dict[str, Any], status: int, part: str
) -> None:
    mx2_send(sandbox)
    response = sandbox.request("POST", f"/_sandbox/handsets/{path}", body)
    assert (response.status_code, part in response.json()["error"]) == (status, True), response.text


def test_a_click_that_is_not_taken_is_told_again(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=5, force_outcome="no_receipt")
    webhook.statuses = [500]
    settings(sandbox, "mx2", webhook=webhook.url)
    mx2_send(sandbox)
    response = sandbox.request("POST", f"/_sandbox/handsets/{ALICE}/click", {})
    assert (response.status_code, response.json()) == (502, {"error": "The webhook answered HTTP 500."})
    assert events(webhook, 2) == [("click", "", "")] * 2


def test_texts_are_shown_by_account_in_any_spelling(sandbox: SandboxProcess) -> None:
    mx2_send(sandbox)
    mx2_send(sandbox, BOB, apikey=OTHER_ACCOUNT)
    listed = sandbox.control("GET", f"handsets?account=mx2:{OTHER_ACCOUNT.lower()}")
    assert [row["msisdn"] for row in listed["handsets"]] == [BOB]
