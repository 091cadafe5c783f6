"""Document 002: all eight operations, their signatures, and the life of a broadcast."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.providers.sandbox.support import (
    ALICE,
    BOB,
    CRIER,
    base64url,
    eventually,
    ogangi,
    ogangi_file,
    ogangi_line,
    ogangi_send,
    settings,
    state_of,
    xml_of,
)
from tests.sandbox_process import SandboxProcess

RECIPIENTS = [
    {"mobileNumber": ALICE, "message": "Hello Alice"},
    {"mobileNumber": BOB, "message": "Hello Bob"},
]
# printf 8/peter | openssl dgst -sha256 -hmac sandbox
SIGNATURE_OF_PETER = "359403b6854ae449c3b54e505457cc0c09f5f31a7955dcb8b0391817055eb9d5"
SLOW = 0.001  # messages a second: one at once, the next far away
OPERATIONS: list[tuple[str, str, tuple[str, ...], str]] = [
    ("POST", "tools/sendSMSByFile", ("8",), "sendSMS"),
    ("GET", "getShortcodes", ("8", "peter"), "getShortcodes"),
    (
        "POST",
        "createBroadcastFromJson",
        ("8", "-1", "434", "peter", "true", "null", "null"),
        "createBroadcastFromJson",
    ),
    ("GET", "getBroadcast", ("8", "1"), "getBroadcast"),
    ("GET", "suspendBroadcast", ("8", "1"), "suspendBroadcast"),
    ("GET", "resumeBroadcast", ("8", "1"), "resumeBroadcast"),
    ("GET", "stopBroadcast", ("8", "1"), "stopBroadcast"),
    ("DELETE", "broadcast", ("8", "1"), "deleteBroadcast"),
]


def told(response: httpx.Response) -> tuple[str | None, str | None]:
    """Status and description of an answer, which is HTTP 200."""
    assert (response.status_code, response.headers["content-type"]) == (
        200,
        "application/xml; charset=utf-8",
    )
    answer = xml_of(response)
    return answer.findtext("status"), answer.findtext("description")


def create(
    sandbox: SandboxProcess,
    recipients: Any = RECIPIENTS,
    *,
    number: str = "-1",
    shortcode: str = "434",
    flag: str = "true",
    date: str = "null",
    instance: str = "8",
    **options: Any,
) -> httpx.Response:
    parameters = (instance, number, shortcode, "peter", flag, "testJsonBroadcast", date)
    fields = {"files": {"to": (None, json.dumps(recipients))}} | options
    return ogangi(sandbox, "POST", "createBroadcastFromJson", *parameters, **fields)


def created(sandbox: SandboxProcess, recipients: Any = RECIPIENTS, **options: Any) -> str:
    """The id of a new broadcast."""
    response = create(sandbox, recipients, **options)
    assert told(response) == ("OK", "Completed"), response.text
    return xml_of(response).findtext("result/broadcast/id", "")


def broadcast(sandbox: SandboxProcess, number: str, instance: str = "8") -> dict[str, str | None]:
    """What getBroadcast says, by element."""
    found = xml_of(ogangi(sandbox, "GET", "getBroadcast", instance, number)).find("result/broadcast")
    assert found is not None
    return {element.tag: element.text for element in found}


def wait_for(sandbox: SandboxProcess, number: str, status: str, sent: str) -> dict[str, str | None]:
    def reached() -> dict[str, str | None] | None:
        shown = broadcast(sandbox, number)
        return shown if (shown["status"], shown["sentMessages"]) == (status, sent) else None

    return eventually(reached) or {}


def move(
    sandbox: SandboxProcess, word: str, number: str, instance: str = "8"
) -> tuple[str | None, str | None]:
    method, operation = ("DELETE", "broadcast") if word == "delete" else ("GET", f"{word}Broadcast")
    return told(ogangi(sandbox, method, operation, instance, number))


def texts(sandbox: SandboxProcess, msisdn: str) -> list[tuple[str, str]]:
    thread = sandbox.control("GET", f"handsets/{msisdn}")["thread"]
    return [(entry["sender"], entry["text"]) for entry in thread]


def tomorrow() -> str:
    return (datetime.now(UTC) + timedelta(days=1)).strftime("%d-%m-%Y %H:%M")


DAY_MS = 24 * 3_600_000


# sendSMSByFile


def test_it_works(sandbox: SandboxProcess) -> None:
    response = ogangi_file(sandbox, ogangi_line(ALICE), ogangi_line(BOB, "Hello & <Bob>"))
    assert told(response) == ("OK", "Completed")
    assert response.text.startswith(
        "<input>sendSMS</input> <status>OK</status> <description>Completed</description>"
        " <result> <messages> <message> <id>"
    )
    alice, bob = xml_of(response).findall("result/messages/message")
    values = {element.tag: element.text or "" for element in alice}
    assert -(2**63) <= int(values.pop("id")) < 2**63
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", values.pop("date"))
    assert values == {
        "carrier": "carrierName",
        "from": CRIER,
        "to": ALICE,
        "text": "Hello Alice",
        "status": "SENT_TO_CARRIER",
        "statusDescription": "Sent to Carrier",
        "encoding": "UTF-8",
        "timezone": "America/Caracas",
        "clientId": "sandbox-public",
    }
    assert bob.findtext("text") == "Hello & <Bob>"
    assert texts(sandbox, BOB) == [(CRIER, "Hello & <Bob>")]
    (entry,) = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert (entry["account"], entry["message_id"]) == ("sandbox-public", alice.findtext("id"))
    eventually(lambda: state_of(sandbox, ALICE) == "delivered")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f'"{ALICE}","{CRIER}","carrierName","UTF-8","America/Caracas","Hello"', "Hello"),
        (f'"{ALICE}","{CRIER}","carrierName","Hello","UTF-8","America/Caracas"', "Hello"),
        (f"{ALICE},{CRIER},,utf-8,UTC,Hello", "Hello"),
        (f'"{ALICE}","{CRIER}","c","Hi {{0}}, {{1}}!","ISO-8859-1","UTC","Alice","bye"', "Hi Alice, bye!"),
        (f'"{ALICE}","{CRIER}","c","GSM7","UTC","Hi {{0}}, {{1}}!","Alice"', "Hi Alice, {1}!"),
        (f'"{ALICE}","{CRIER}","c","UTF-8","UTC","Two\r\nlines, ""quoted"""', 'Two\r\nlines, "quoted"'),
        (f'"{ALICE}","{CRIER}","c","UTF-8","UTC","Zoë 你好 🙂"', "Zoë 你好 🙂"),
        ("\ufeff" + ogangi_line(), "Hello Alice"),
    ],
)
def test_both_orders_of_columns_are_read(sandbox: SandboxProcess, line: str, text: str) -> None:
    assert told(ogangi_file(sandbox, line, "")) == ("OK", "Completed")
    assert texts(sandbox, ALICE) == [(CRIER, text)]


@pytest.mark.parametrize(
    ("line", "status", "description"),
    [
        (ogangi_line("+12015550123"), "BAD_TO", "Bad recipient"),
        (ogangi_line("12015550193"), "BAD_TO", "Bad recipient"),
        (f'"{ALICE}","Crier","c","UTF-8","UTC","Hello"', "BAD_FROM", "Bad sender"),
        (f'"{ALICE}","{CRIER}","c","Klingon","UTC","Hello"', "BAD_ENCODING", "Bad encoding"),
        (f'"{ALICE}","{CRIER}","c","UTF-8","UTC",""', "NOT_SENT", "Not sent"),
    ],
)
def test_a_wrong_row_is_told_in_its_place(
    sandbox: SandboxProcess, line: str, status: str, description: str
) -> None:
    response = ogangi_file(sandbox, line, ogangi_line(BOB))
    assert told(response) == ("OK", "Completed")
    wrong, right = xml_of(response).findall("result/messages/message")
    assert (wrong.findtext("status"), wrong.findtext("statusDescription")) == (status, description)
    assert right.findtext("status") == "SENT_TO_CARRIER"
    assert (sandbox.stats()["accepted"], sandbox.stats()["refused"]) == (1, {"refused": 1})


@pytest.mark.parametrize(
    ("lines", "description"),
    [
        ([""], "The file has no rows"),
        ([ALICE], "A row has 1 columns; an SMSs list has at least 6"),
        ([f"{ALICE};{CRIER};c;UTF-8;UTC;Hello"], "A row has 1 columns; an SMSs list has at least 6"),
        ([b"\xff\xfe"], "The file is not a CSV file in UTF-8"),
        ([ogangi_line() + "x"], "The file is not a CSV file in UTF-8"),
        ([b"PK\x03\x04"], "An Excel file is not read here; send a CSV file"),
    ],
)
def test_a_file_may_be_none(sandbox: SandboxProcess, lines: Sequence[str | bytes], description: str) -> None:
    assert told(ogangi_file(sandbox, *lines)) == ("ERROR", description)
    assert sandbox.stats()["accepted"] == 0


@pytest.mark.parametrize(
    "options", [{}, {"files": {"list": ("list.csv", ogangi_line())}}, {"content": ogangi_line()}]
)
def test_the_file_is_a_field(sandbox: SandboxProcess, options: dict[str, Any]) -> None:
    response = ogangi(sandbox, "POST", "tools/sendSMSByFile", "8", **options)
    assert told(response) == ("ERROR", "The POST parameter file is missing; send multipart/form-data")


def test_thousands_of_rows_are_taken(sandbox: SandboxProcess) -> None:
    sandbox.dial(force_outcome="no_receipt")
    lines = [ogangi_line(f"2771{number:07d}", "x" * 160) for number in range(8_000)]
    response = ogangi_file(sandbox, *lines)
    assert len(xml_of(response).findall("result/messages/message")) == 8_000
    assert sandbox.stats()["accepted"] == 8_000


def test_what_xml_cannot_hold_is_replaced(sandbox: SandboxProcess) -> None:
    response = ogangi_file(sandbox, ogangi_line(text="Hello\x0b"))
    assert xml_of(response).findtext("result/messages/message/text") == "Hello\ufffd"
    assert texts(sandbox, ALICE) == [(CRIER, "Hello\x0b")]


def test_the_account_may_be_refused(sandbox: SandboxProcess) -> None:
    sandbox.dial(vendor="ogangi", force_outcome="no_credit")
    assert told(ogangi_send(sandbox)) == ("ERROR", "The instance has no credit left")
    assert told(create(sandbox)) == ("ERROR", "The instance has no credit left")
    sandbox.dial(vendor="ogangi", force_outcome="sender_off")
    assert xml_of(ogangi_send(sandbox)).findtext("result/messages/message/status") == "BAD_FROM"
    assert told(create(sandbox)) == ("ERROR", "The shortcode is not enabled")
    stats = sandbox.stats()
    assert (stats["accepted"], stats["refused"]) == (0, {"no_credit": 2, "sender_off": 2})


# Signatures


@pytest.mark.parametrize(("method", "operation", "parameters", "shown"), OPERATIONS)
def test_a_wrong_signature_is_denied(
    sandbox: SandboxProcess, method: str, operation: str, parameters: tuple[str, ...], shown: str
) -> None:
    joined = "/".join(parameters)
    wrong = [
        {"signature": "0" * 64},
        {"signature": hashlib.sha256(joined.encode()).hexdigest()},
        {"signature": base64url(joined)},
        {"public_key": "alice-public"},
    ]
    for options in wrong:
        response = ogangi(sandbox, method, operation, *parameters, **options)
        assert told(response) == ("BAD_SIGNATURE", "Invalid signature, access denied")
        assert xml_of(response).findtext("input") == shown


def test_the_signature_is_of_these_parameters(sandbox: SandboxProcess) -> None:
    for user, signature, status in (
        ("peter", SIGNATURE_OF_PETER, "OK"),
        ("paul", SIGNATURE_OF_PETER, "BAD_SIGNATURE"),
        ("peter", SIGNATURE_OF_PETER.upper(), "BAD_SIGNATURE"),
    ):
        response = ogangi(sandbox, "GET", "getShortcodes", "8", user, signature=signature)
        assert told(response)[0] == status


def test_the_settings_may_ask_for_another_signature(sandbox: SandboxProcess) -> None:
    settings(sandbox, "ogangi", digest="base64url", signed="encoded")
    parameters = ("8", "peter & paul")
    plain = ogangi(sandbox, "GET", "getShortcodes", *parameters)
    assert told(plain)[0] == "BAD_SIGNATURE"
    for signature in (base64url("8/peter%20%26%20paul"), base64url("8/peter%20%26%20paul") + "="):
        response = ogangi(sandbox, "GET", "getShortcodes", *parameters, signature=signature)
        assert told(response)[0] == "OK"


def test_the_private_key_is_never_printed(sandbox: SandboxProcess) -> None:
    ogangi(sandbox, "GET", "getShortcodes", "8", "peter", signature="canary-of-a-signature")
    assert "canary" not in sandbox.output


@pytest.mark.parametrize(("method", "operation", "parameters", "shown"), OPERATIONS)
def test_the_instance_is_a_number(
    sandbox: SandboxProcess, method: str, operation: str, parameters: tuple[str, ...], shown: str
) -> None:
    response = ogangi(sandbox, method, operation, "eight", *parameters[1:])
    assert told(response) == ("ERROR", "instanceId eight is not a number")


def test_unknown_paths_and_methods(sandbox: SandboxProcess) -> None:
    answer = ogangi(sandbox, "GET", "getMessages", "8")
    assert (answer.status_code, xml_of(answer).findtext("status")) == (404, "ERROR")
    assert ogangi(sandbox, "GET", "getShortcodes", "8").status_code == 404
    answer = ogangi(sandbox, "GET", "broadcast", "8", "1")
    assert (answer.status_code, xml_of(answer).findtext("description")) == (405, "Use DELETE")


# getShortcodes


def test_shortcodes_are_listed(sandbox: SandboxProcess) -> None:
    settings(sandbox, "ogangi", shortcodes=["434", CRIER])
    response = ogangi(sandbox, "GET", "getShortcodes", "8", "peter")
    assert response.text == (
        "<input>getShortcodes</input> <status>OK</status> <description>Completed</description>"
        " <result> <shortcodes> <shortcode> <sc>434</sc> </shortcode>"
        f" <shortcode> <sc>{CRIER}</sc> </shortcode> </shortcodes> </result>"
    )


# Broadcasts


def test_a_broadcast_runs_to_its_end(sandbox: SandboxProcess) -> None:
    response = create(sandbox)
    assert told(response) == ("OK", "Completed")
    answer = xml_of(response)
    assert answer.findtext("input") == "createBroadcastFromJson"
    shown = answer.find("result/broadcast")
    assert shown is not None
    values = {element.tag: element.text for element in shown}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", values.pop("startDate") or "")
    assert values == {
        "id": "1",
        "text": "Hello Alice",
        "expectedMessages": "2",
        "statusDescription": "SCHEDULED",
        "shortcode": "434",
    }
    finished = wait_for(sandbox, "1", "2", "2")
    dates = [finished.pop("startDate") or "", finished.pop("endDate") or ""]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", date) for date in dates)
    assert finished == {
        "id": "1",
        "text": "Hello Alice",
        "expectedMessages": "2",
        "sentMessages": "2",
        "status": "2",
        "shortcode": "434",
    }
    assert (texts(sandbox, ALICE), texts(sandbox, BOB)) == ([("434", "Hello Alice")], [("434", "Hello Bob")])
    eventually(lambda: state_of(sandbox, BOB) == "delivered")


def test_a_broadcast_waits_for_its_date(sandbox: SandboxProcess) -> None:
    number = created(sandbox, date=tomorrow())
    waiting = broadcast(sandbox, number)
    assert (waiting["status"], waiting["sentMessages"], "endDate" in waiting) == ("0", "0", False)
    sandbox.control("POST", "clock", {"advance_ms": DAY_MS - 120_000})
    assert broadcast(sandbox, number)["status"] == "0"
    sandbox.control("POST", "clock", {"advance_ms": 120_000})
    wait_for(sandbox, number, "2", "2")


def test_dates_are_local_to_the_settings_zone(sandbox: SandboxProcess) -> None:
    settings(sandbox, "ogangi", timezone="America/Caracas")
    number = created(sandbox, date="31-01-2099 10:00")
    assert broadcast(sandbox, number)["startDate"] == "2099-01-31T10:00:00-04:00"


def test_a_date_that_has_passed_starts_at_once(sandbox: SandboxProcess) -> None:
    number = created(sandbox, date=datetime.now(UTC).strftime("%d-%m-%Y %H:%M"))
    wait_for(sandbox, number, "2", "2")


def test_a_running_broadcast_is_suspended_resumed_and_stopped(sandbox: SandboxProcess) -> None:
    settings(sandbox, "ogangi", messages_per_second=SLOW)
    number = created(sandbox, RECIPIENTS * 2)
    wait_for(sandbox, number, "1", "1")
    assert move(sandbox, "suspend", number) == ("OK", "Completed")
    assert broadcast(sandbox, number)["status"] == "3"
    sandbox.control("POST", "clock", {"advance_ms": DAY_MS})
    assert broadcast(sandbox, number)["sentMessages"] == "1", "a suspended one sends nothing"
    assert move(sandbox, "resume", number) == ("OK", "Completed")
    wait_for(sandbox, number, "1", "2")
    assert move(sandbox, "stop", number) == ("OK", "Completed")
    stopped = broadcast(sandbox, number)
    assert (stopped["status"], stopped["sentMessages"], stopped["expectedMessages"]) == ("4", "2", "4")
    assert stopped["endDate"]
    sandbox.control("POST", "clock", {"advance_ms": DAY_MS})
    assert sandbox.stats()["accepted"] == 2


def test_suspending_twice_runs_it_once(sandbox: SandboxProcess) -> None:
    """A step that was planned before a suspension does not come back with the resumption."""
    settings(sandbox, "ogangi", messages_per_second=1)
    number = created(sandbox, RECIPIENTS * 2)
    wait_for(sandbox, number, "1", "1")
    move(sandbox, "suspend", number)
    move(sandbox, "resume", number)
    wait_for(sandbox, number, "1", "2")
    sandbox.control("POST", "clock", {"advance_ms": 900_000})
    wait_for(sandbox, number, "1", "3")
    assert sandbox.stats()["accepted"] == 3


MOVES: dict[str, dict[str, str]] = {
    "scheduled": {"suspend": "ERROR", "resume": "ERROR", "stop": "OK", "delete": "OK"},
    "running": {"suspend": "OK", "resume": "ERROR", "stop": "OK", "delete": "ERROR"},
    "suspended": {"suspend": "ERROR", "resume": "OK", "stop": "OK", "delete": "OK"},
    "finished": {"suspend": "ERROR", "resume": "ERROR", "stop": "ERROR", "delete": "OK"},
    "stopped": {"suspend": "ERROR", "resume": "ERROR", "stop": "ERROR", "delete": "OK"},
}


def brought_to(sandbox: SandboxProcess, state: str) -> str:
    """The id of a broadcast in that state."""
    if state == "scheduled":
        return created(sandbox, date=tomorrow())
    if state == "finished":
        number = created(sandbox)
        wait_for(sandbox, number, "2", "2")
        return number
    settings(sandbox, "ogangi", messages_per_second=SLOW)
    number = created(sandbox)
    wait_for(sandbox, number, "1", "1")
    if state != "running":
        assert move(sandbox, {"suspended": "suspend", "stopped": "stop"}[state], number)[0] == "OK"
    return number


@pytest.mark.parametrize("word", ["suspend", "resume", "stop", "delete"])
@pytest.mark.parametrize("state", MOVES)
def test_every_move_in_every_state(sandbox: SandboxProcess, state: str, word: str) -> None:
    number = brought_to(sandbox, state)
    before = broadcast(sandbox, number)
    status, description = move(sandbox, word, number)
    assert status == MOVES[state][word]
    if status == "ERROR":
        assert description == f"Broadcast {number} is {state}; {word}Broadcast is not legal"
        assert broadcast(sandbox, number) == before


@pytest.mark.parametrize("state", [state for state in MOVES if MOVES[state]["delete"] == "OK"])
def test_a_deleted_broadcast_is_no_more(sandbox: SandboxProcess, state: str) -> None:
    number = brought_to(sandbox, state)
    accepted = sandbox.stats()["accepted"]
    response = ogangi(sandbox, "DELETE", "broadcast", "8", number)
    assert response.text == (
        "<input>deleteBroadcast</input> <status>OK</status> <description>Completed</description>"
    )
    for word in ("get", "suspend", "resume", "stop", "delete"):
        assert move(sandbox, word, number) == ("ERROR", f"Broadcast {number} does not exist")
    sandbox.control("POST", "clock", {"advance_ms": 2 * DAY_MS})
    assert sandbox.stats()["accepted"] == accepted


def test_a_scheduled_broadcast_is_edited(sandbox: SandboxProcess) -> None:
    number = created(sandbox, date=tomorrow())
    edited = create(sandbox, [{"mobileNumber": BOB, "message": "Changed"}], number=number, shortcode="435")
    shown = xml_of(edited).find("result/broadcast")
    assert shown is not None
    assert (shown.findtext("id"), shown.findtext("text"), shown.findtext("expectedMessages")) == (
        number,
        "Changed",
        "1",
    )
    wait_for(sandbox, number, "2", "1")
    sandbox.control("POST", "clock", {"advance_ms": 2 * DAY_MS})
    assert texts(sandbox, BOB) == [("435", "Changed")]
    assert sandbox.stats()["accepted"] == 1, "what was scheduled before is not sent"
    assert told(create(sandbox, number=number)) == (
        "ERROR",
        f"Broadcast {number} is finished; createBroadcastFromJson is not legal",
    )


@pytest.mark.parametrize("number", ["7", "0", "-2", "one", "9" * 5000])
def test_unknown_broadcasts_are_errors(sandbox: SandboxProcess, number: str) -> None:
    expected = ("ERROR", f"Broadcast {number} does not exist")
    assert move(sandbox, "get", number) == expected
    assert told(create(sandbox, number=number)) == expected


def test_a_broadcast_belongs_to_its_instance_and_account(sandbox: SandboxProcess) -> None:
    number = created(sandbox, date=tomorrow())
    assert move(sandbox, "stop", number, instance="9")[0] == "ERROR"
    other = ogangi(sandbox, "GET", "getBroadcast", "8", number, public_key="sandbox-public-shop")
    assert told(other)[0] == "ERROR"
    assert broadcast(sandbox, number)["status"] == "0"


@pytest.mark.parametrize(
    ("flag", "shortcode", "recipient", "sender"),
    [
        ("true", "434", {}, "434"),
        ("true", "434", {"from": "555"}, "434"),
        ("false", "434", {}, "12015550100"),
        ("false", "null", {"from": "555"}, "555"),
    ],
)
def test_the_shortcode_counts_when_the_flag_is_true(
    sandbox: SandboxProcess, flag: str, shortcode: str, recipient: dict[str, str], sender: str
) -> None:
    row = {"mobileNumber": ALICE, "message": "Hello"} | recipient
    number = created(sandbox, [row], flag=flag, shortcode=shortcode)
    wait_for(sandbox, number, "2", "1")
    assert texts(sandbox, ALICE) == [(sender, "Hello")]


def test_a_message_has_parameters(sandbox: SandboxProcess) -> None:
    row = {"mobileNumber": ALICE, "message": "Hi {0}: {1} {2}", "params": ["Zoë", "now"], "carrier": "c"}
    wait_for(sandbox, created(sandbox, [row]), "2", "1")
    assert texts(sandbox, ALICE) == [("434", "Hi Zoë: now {2}")]


def test_who_cannot_be_reached_is_left_out(sandbox: SandboxProcess) -> None:
    """The same number twice is two texts."""
    rows = [*RECIPIENTS, RECIPIENTS[0]]
    rows += [{"mobileNumber": number, "message": "Hello"} for number in ("12015550193", "+12015550123")]
    finished = wait_for(sandbox, created(sandbox, rows), "2", "3")
    assert finished["expectedMessages"] == "5"
    assert (sandbox.stats()["accepted"], sandbox.stats()["refused"]) == (3, {"refused": 2})


def test_a_broadcast_to_nobody_is_an_error(sandbox: SandboxProcess) -> None:
    row = {"mobileNumber": "12015550193", "message": "Hello"}
    assert told(create(sandbox, [row])) == ("ERROR", "No recipient can be reached")
    assert told(ogangi(sandbox, "GET", "getBroadcast", "8", "1"))[0] == "ERROR"


def test_a_broadcast_meets_the_magic_numbers(sandbox: SandboxProcess) -> None:
    def to(ending: str) -> httpx.Response:
        return create(sandbox, [*RECIPIENTS, {"mobileNumber": f"120155501{ending}", "message": "Hello"}])

    assert [to("94").status_code for _ in range(3)] == [429, 429, 200]
    assert to("96").status_code == 500
    assert to("97").text.startswith("<!doctype html>")
    with pytest.raises(httpx.RemoteProtocolError):
        to("95")
    for number in "123":
        wait_for(sandbox, number, "2", "3")
    assert told(ogangi(sandbox, "GET", "getBroadcast", "8", "4"))[0] == "ERROR"


@pytest.mark.parametrize(
    ("options", "description"),
    [
        ({"flag": "yes"}, "shortcodeIgnore yes is neither true nor false"),
        ({"shortcode": "Crier"}, "shortcode Crier is not a code of 3 to 15 digits"),
        ({"date": "2026-01-31 10:00"}, "date 2026-01-31 10:00 is not dd-MM-yyyy HH:mm"),
        ({"date": "31-02-2026 10:00"}, "date 31-02-2026 10:00 is not dd-MM-yyyy HH:mm"),
        ({"date": "31-01-2026+10:00"}, "date 31-01-2026+10:00 is not dd-MM-yyyy HH:mm"),
        ({"date": " "}, "date is missing"),
        ({"files": {}}, "The POST parameter to is missing; send multipart/form-data"),
        ({"files": {"to": (None, "{")}}, "`to` is not JSON"),
        ({"recipients": {}}, "`to` is not an array of recipients"),
        ({"recipients": []}, "`to` is not an array of recipients"),
        ({"recipients": [ALICE]}, "Recipient 0 is not an object"),
        ({"recipients": [{"mobileNumber": ALICE}]}, "Recipient 0: message is missing"),
        ({"recipients": [{"message": "Hello"}]}, "Recipient 0: mobileNumber is missing"),
        ({"recipients": [{"mobileNumber": 5, "message": "A"}]}, "Recipient 0: mobileNumber is not a text"),
        (
            {"recipients": [*RECIPIENTS, RECIPIENTS[0] | {"params": "A"}]},
            "Recipient 2: params is not an array of texts",
        ),
        (
            {"recipients": [RECIPIENTS[0] | {"from": "Crier"}]},
            "Recipient 0: from is not a code of 3 to 15 digits",
        ),
    ],
)
def test_a_broadcast_is_checked(sandbox: SandboxProcess, options: dict[str, Any], description: str) -> None:
    assert told(create(sandbox, **options)) == ("ERROR", description)
    assert sandbox.stats()["accepted"] == 0


def test_the_recipients_may_be_urlencoded(sandbox: SandboxProcess) -> None:
    number = created(sandbox, files=None, data={"to": json.dumps(RECIPIENTS)})
    wait_for(sandbox, number, "2", "2")


def test_what_waits_is_bounded() -> None:
    with SandboxProcess(arguments=["--keep", "3"]) as sandbox:
        created(sandbox, date=tomorrow())
        assert told(create(sandbox)) == ("ERROR", "Too many recipients wait already")


def test_a_reset_forgets_broadcasts(sandbox: SandboxProcess) -> None:
    settings(sandbox, "ogangi", shortcodes=["434"])
    number = created(sandbox, date=tomorrow())
    sandbox.control("POST", "reset")
    assert move(sandbox, "get", number)[0] == "ERROR"
    sandbox.control("POST", "clock", {"advance_ms": 2 * DAY_MS})
    assert sandbox.control("GET", "settings?vendor=ogangi")["shortcodes"] == ["434"]
    assert sandbox.stats()["accepted"] == 0


def test_a_reply_is_impossible(sandbox: SandboxProcess) -> None:
    ogangi_send(sandbox)
    response = sandbox.request("POST", f"/_sandbox/handsets/{ALICE}/reply", {"text": "STOP"})
    assert response.status_code == 409
    assert response.json()["error"].startswith("ogangi documents no inbound text")
