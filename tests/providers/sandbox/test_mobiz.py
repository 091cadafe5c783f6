"""Document 003: TriggerMessage, Schedule Message, data lists and their rows, and the gateway before them."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from providers.sandbox.mobiz import moment_of
from tests.providers.sandbox.support import (
    ALICE,
    BOB,
    SUBSCRIPTION,
    TRIGGER,
    eventually,
    mobiz,
    mobiz_send,
    mobiz_trigger,
    settings,
    state_of,
)
from tests.sandbox_process import SandboxProcess

INVOKE = "TriggerMessage/manual/paths/invoke"
DEFINITION = {
    "Number": "msisdn",
    "Phone": "text",
    "Message": "text",
    "ContactId": "numeric",
    "Contact_Email": "email",
}
ROW = {"Message": "Hello World", "ContactId": "1234", "Contact_Email": "email@mobiz", "Number": ALICE}
HOUR_MS = 3_600_000


def result(code: int, description: str) -> dict[str, Any]:
    return {
        "Message_Status": [],
        "Reference": "",
        "Result_Code": code,
        "Result_Description": description,
    }


INVALID = result(2, "Customer Data not in valid JSON format")
MISSING = result(4, "Missing some of the required parameters")


def texts(sandbox: SandboxProcess, msisdn: str) -> list[str]:
    return [entry["text"] for entry in sandbox.control("GET", f"handsets/{msisdn}")["thread"]]


def create_list(sandbox: SandboxProcess, definition: Any = None, **fields: Any) -> httpx.Response:
    body = {"Customer List Name": "Bulk_Format", "Customer List Definition": definition or DEFINITION}
    query = {"api_key": "sandbox-key", "username": "alice"}
    return mobiz(sandbox, "customers/CustomerList-create", body | fields, query)


def append(sandbox: SandboxProcess, rows: Any, number: str, /, **query: str) -> httpx.Response:
    return mobiz(
        sandbox,
        "customers/CustomerList-append",
        rows,
        {"api_key": "sandbox-key", "list_id": number} | query,
    )


def shown(sandbox: SandboxProcess) -> Any:
    return sandbox.control("GET", "settings?vendor=mobiz")


def in_an_hour(**more: float) -> datetime:
    return datetime.now(UTC) + timedelta(hours=1, **more)


# TriggerMessage


def test_it_works(sandbox: SandboxProcess) -> None:
    response = mobiz_trigger(
        sandbox, {"A": ALICE, "B": "Alice", "C": "Archer", "D": "Female", "E": "Hello Alice"}
    )
    body = response.json()
    assert response.status_code == 200
    assert str(uuid.UUID(body.pop("Reference"))) == response.json()["Reference"]
    (status,) = body.pop("Message_Status")
    assert body == {"Result_Code": 3, "Result_Description": "Accepted"}
    (entry,) = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert status == {"Message_Id": entry["message_id"], "Status": "SUBMITTED"}
    assert (entry["text"], entry["vendor"], entry["account"]) == ("Hello Alice", "mobiz", "sandbox-key")
    assert entry["sender"] == "Mobiz"


def test_a_batch_has_a_status_for_each_row(sandbox: SandboxProcess) -> None:
    """One number twice is two texts."""
    rows = [{"A": ALICE, "E": "One"}, {"A": BOB, "E": "Two"}, {"A": ALICE, "E": "Three"}]
    statuses = mobiz_trigger(sandbox, rows).json()["Message_Status"]
    assert [status["Status"] for status in statuses] == ["SUBMITTED"] * 3
    assert len({status["Message_Id"] for status in statuses}) == 3
    assert (texts(sandbox, ALICE), texts(sandbox, BOB)) == (["One", "Three"], ["Two"])
    assert sandbox.stats()["accepted"] == 3


def test_one_of_several_may_fail(sandbox: SandboxProcess) -> None:
    rows = [{"A": "12015550193", "E": "One"}, {"A": "+12015550123", "E": "Two"}, {"A": BOB, "E": "Three"}]
    body = mobiz_trigger(sandbox, rows).json()
    assert body["Result_Code"] == 3
    assert body["Message_Status"][:2] == [{"Message_Id": "", "Status": "FAILED"}] * 2
    assert body["Message_Status"][2]["Status"] == "SUBMITTED"
    assert (sandbox.stats()["accepted"], sandbox.stats()["refused"]) == (1, {"refused": 2})


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ({"trigger_key": ""}, MISSING),
        ({"api_key": ""}, MISSING),
        ({"api_key": "alice-key"}, result(0, "API access key failed to authenticate")),
        ({"api_key": "sandbox-key" + "x" * 60}, result(0, "API access key failed to authenticate")),
        ({"trigger_key": "sandbox-key"}, result(1, "Engagement not found for the trigger key")),
        ({"send_time": ""}, MISSING),
        ({"send_time": "tomorrow"}, MISSING),
        ({"send_time": "2020-01-31T08:00:00Z"}, MISSING),
    ],
)
def test_the_query_is_checked(sandbox: SandboxProcess, query: dict[str, str], answer: dict[str, Any]) -> None:
    response = mobiz_trigger(sandbox, {"A": ALICE, "E": "Hello"}, **query)
    assert (response.status_code, response.json()) == (200, answer)
    assert sandbox.stats()["accepted"] == 0


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("Hello", INVALID),
        ([], INVALID),
        ([{"A": ALICE, "E": "Hello"}, 5], INVALID),
        ({"A": "+12015550123", "E": "Hello"}, INVALID),
        ({"A": "0612345678", "E": "Hello"}, INVALID),
        ({"E": "Hello"}, MISSING),
        ({"A": ALICE}, MISSING),
        ({"A": ALICE, "E": ""}, MISSING),
        ([{"A": ALICE, "E": "Hello"}, {"A": BOB}], MISSING),
        ({"A": ALICE, "E": ["Hello"]}, MISSING),
    ],
)
def test_the_rows_are_checked(sandbox: SandboxProcess, body: Any, answer: dict[str, Any]) -> None:
    response = mobiz_trigger(sandbox, body)
    assert (response.status_code, response.json()) == (200, answer)
    assert sandbox.stats()["accepted"] == 0


@pytest.mark.parametrize(("content", "kind"), [("{", "application/json"), ("{}", "text/plain")])
def test_the_body_must_be_json_and_called_so(sandbox: SandboxProcess, content: str, kind: str) -> None:
    path = f"/mobiz/{INVOKE}?api_key=sandbox-key&trigger_key=sandbox-trigger"
    headers = SUBSCRIPTION | {"content-type": kind}
    assert sandbox.request("POST", path, content=content, headers=headers).json() == INVALID


def test_columns_are_those_of_the_accounts_template(sandbox: SandboxProcess) -> None:
    settings(sandbox, "mobiz", account="sandbox-key-shop", number_column="Cell", text_column="B")
    row = {"A": BOB, "B": "From the shop", "Cell": ALICE, "E": "Not this"}
    assert mobiz_trigger(sandbox, row, api_key="sandbox-key-shop").json()["Result_Code"] == 3
    assert texts(sandbox, ALICE) == ["From the shop"]
    mobiz_trigger(sandbox, row)
    assert texts(sandbox, BOB) == ["Not this"]


def test_numbers_may_be_json_numbers(sandbox: SandboxProcess) -> None:
    assert mobiz_trigger(sandbox, {"A": int(ALICE), "E": 42}).json()["Result_Code"] == 3
    assert texts(sandbox, ALICE) == ["42"]


@pytest.mark.parametrize(
    ("outcome", "status", "body"),
    [
        (
            "no_credit",
            403,
            {
                "statusCode": 403,
                "message": "Out of call volume quota. Quota will be replenished in 01:00:00.",
            },
        ),
        ("sender_off", 200, result(1, "Engagement not found for the trigger key")),
    ],
)
def test_the_account_may_be_refused(
    sandbox: SandboxProcess, outcome: str, status: int, body: dict[str, Any]
) -> None:
    sandbox.dial(vendor="mobiz", force_outcome=outcome)
    response = mobiz_send(sandbox)
    assert (response.status_code, response.json()) == (status, body)
    assert sandbox.stats()["refused"] == {outcome: 1}


def test_a_batch_of_throttled_numbers_is_throttled_twice(sandbox: SandboxProcess) -> None:
    numbers = ("12015550194", "12025550194", "12015550194")
    rows = [{"A": msisdn, "E": "Hello"} for msisdn in numbers]
    assert [mobiz_trigger(sandbox, rows).status_code for _ in range(3)] == [429, 429, 200]
    assert sandbox.stats()["accepted"] == 3


# Schedule Message


def test_scheduled_rows_wait_for_their_time(sandbox: SandboxProcess) -> None:
    when = in_an_hour()
    rows = [{"A": ALICE, "E": "Later"}, {"A": BOB, "E": "Later too"}, {"A": "12015550193", "E": "Never"}]
    body = mobiz_trigger(sandbox, rows, send_time=when.isoformat()).json()
    statuses = body["Message_Status"]
    assert [status["Status"] for status in statuses] == ["SUBMITTED", "SUBMITTED", "FAILED"]
    assert sandbox.stats()["accepted"] == 0
    (held,) = shown(sandbox)["scheduled"]
    assert (held["reference"], held["rows"]) == (body["Reference"], 2)
    assert held["send_time"] == when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    sandbox.control("POST", "clock", {"advance_ms": HOUR_MS - 60_000})
    assert sandbox.stats()["accepted"] == 0
    sandbox.control("POST", "clock", {"advance_ms": 60_000})
    eventually(lambda: sandbox.stats()["accepted"] == 2)
    assert (texts(sandbox, ALICE), texts(sandbox, BOB)) == (["Later"], ["Later too"])
    (entry,) = sandbox.control("GET", f"handsets/{ALICE}")["thread"]
    assert entry["message_id"] == statuses[0]["Message_Id"]
    assert shown(sandbox)["scheduled"] == []
    eventually(lambda: state_of(sandbox, ALICE) == "delivered")


def test_the_clock_of_the_loop_is_enough(sandbox: SandboxProcess) -> None:
    send_time = str(int(time.time() * 1000) + 300)
    assert mobiz_trigger(sandbox, {"A": ALICE, "E": "Soon"}, send_time=send_time).json()["Result_Code"] == 3
    assert sandbox.stats()["accepted"] == 0
    eventually(lambda: sandbox.stats()["accepted"] == 1)
    assert time.time() * 1000 >= int(send_time)


def test_earlier_rows_go_first(sandbox: SandboxProcess) -> None:
    for text, minutes in (("Third", 3), ("First", 1), ("Second", 2)):
        send_time = in_an_hour(minutes=minutes).isoformat()
        mobiz_trigger(sandbox, {"A": ALICE, "E": text}, send_time=send_time)
    sandbox.control("POST", "clock", {"advance_ms": 2 * HOUR_MS})
    eventually(lambda: sandbox.stats()["accepted"] == 3)
    assert texts(sandbox, ALICE) == ["First", "Second", "Third"]


def test_a_reset_forgets_what_waits_and_the_time(sandbox: SandboxProcess) -> None:
    mobiz_trigger(sandbox, {"A": ALICE, "E": "Never"}, send_time=in_an_hour().isoformat())
    sandbox.control("POST", "clock", {"advance_ms": 10_000})
    sandbox.control("POST", "reset")
    assert shown(sandbox)["scheduled"] == []
    now = sandbox.control("POST", "clock", {"advance_ms": 2 * HOUR_MS})["now"]
    assert abs(now - time.time() - 7200) < 5
    mobiz_trigger(sandbox, {"A": BOB, "E": "Now"})
    assert sandbox.stats()["accepted"] == 1


def test_what_waits_is_bounded() -> None:
    with SandboxProcess(arguments=["--keep", "3"]) as sandbox:
        rows = [{"A": ALICE, "E": "Later"}] * 2
        answers = [mobiz_trigger(sandbox, rows, send_time=in_an_hour().isoformat()) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]


def test_the_line_may_be_cut_when_rows_are_scheduled(sandbox: SandboxProcess) -> None:
    row = {"A": "12015550195", "E": "Later"}
    with pytest.raises(httpx.RemoteProtocolError):
        mobiz_trigger(sandbox, row, send_time=in_an_hour().isoformat())
    sandbox.control("POST", "clock", {"advance_ms": 2 * HOUR_MS})
    eventually(lambda: sandbox.stats()["by_outcome"] == {"cut": 1})


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("2026-01-31T08:00:00.250Z", datetime(2026, 1, 31, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T08:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=2)))),
        ("1769846400", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("1769846400250", datetime(2026, 1, 31, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T08:00:00 02:00", None),
        ("176984640025099", None),
        ("", None),
    ],
)
def test_moments_are_read(text: str, moment: datetime | None) -> None:
    assert moment_of(text) == (moment.timestamp() if moment else None)


# Data lists


def test_a_list_is_created_and_filled(sandbox: SandboxProcess) -> None:
    created = create_list(sandbox)
    assert created.status_code == 200
    list_id = created.json()["list_id"]
    assert re.fullmatch(r"\d{6}", list_id)
    assert created.json() == {"status": 1, "message": "List Created", "list_id": list_id}
    rows = [ROW, {"Number": BOB}]
    assert append(sandbox, rows, list_id).json() == {"status": 1, "message": "Data Appended"}
    assert shown(sandbox)["lists"] == {
        list_id: {"name": "Bulk_Format", "definition": DEFINITION, "rows": 2, "latest": rows}
    }
    assert sandbox.stats()["accepted"] == 0, "a list without an engagement sends nothing"
    assert create_list(sandbox).json()["list_id"] != list_id


def test_the_engagement_of_a_list_sends(sandbox: SandboxProcess) -> None:
    list_id = create_list(sandbox).json()["list_id"]
    settings(sandbox, "mobiz", engagements={list_id: "Message"})
    rows = [ROW, ROW | {"Message": "Hello again"}, ROW | {"Number": "12015550193"}]
    assert append(sandbox, rows, list_id).json()["status"] == 1
    assert texts(sandbox, ALICE) == ["Hello World", "Hello again"]
    assert sandbox.stats()["refused"] == {"refused": 1}
    assert append(sandbox, [{"Number": BOB}], list_id).json() == {
        "status": 0,
        "message": "Row 1: Message is missing",
    }


def test_ten_thousand_rows_are_taken_at_once(sandbox: SandboxProcess) -> None:
    list_id = create_list(sandbox).json()["list_id"]
    rows = [ROW | {"Number": f"2771{number:07d}"} for number in range(10_000)]
    sandbox.dial(force_outcome="no_receipt")
    settings(sandbox, "mobiz", engagements={list_id: "Message"})
    assert append(sandbox, rows, list_id).json() == {"status": 1, "message": "Data Appended"}
    assert sandbox.stats()["accepted"] == 10_000
    assert append(sandbox, [*rows, ROW], list_id).json() == {
        "status": 0,
        "message": "10001 records; a call takes 10 000 at most",
    }
    assert shown(sandbox)["lists"][list_id]["rows"] == 10_000


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Customer List Name": " "}, "Missing some of the required parameters: Customer List Name"),
        (
            {"Customer List Definition": {}},
            "Missing some of the required parameters: Customer List Definition",
        ),
        (
            {"Customer List Definition": {"Number": "phone"}},
            "Column Number: formats are limited to numeric, text, email, msisdn",
        ),
        (
            {"Customer List Definition": {"Number": "text"}},
            "The definition has no column of the format msisdn",
        ),
    ],
)
def test_a_definition_is_checked(sandbox: SandboxProcess, fields: dict[str, Any], message: str) -> None:
    response = create_list(sandbox, **fields)
    assert (response.status_code, response.json()) == (200, {"status": 0, "message": message})
    assert shown(sandbox)["lists"] == {}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"api_key": "alice", "username": "alice"}, "API access key failed to authenticate"),
        ({"api_key": "sandbox-key"}, "Missing some of the required parameters: username"),
    ],
)
def test_who_creates_a_list_is_checked(sandbox: SandboxProcess, query: dict[str, str], message: str) -> None:
    response = mobiz(sandbox, "customers/CustomerList-create", {}, query)
    assert response.json() == {"status": 0, "message": message}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"Number": ALICE}, "Customer Data not in valid JSON format"),
        ([], "Customer Data not in valid JSON format"),
        (["Alice"], "Customer Data not in valid JSON format"),
        ([{"Message": "Hello"}], "Row 1: Number is missing"),
        (
            [ROW, {"Number": "+12015550123"}],
            "Row 2: Number is not a telephone number of digits with its country code",
        ),
        ([ROW | {"ContactId": "12a"}], "Row 1: ContactId is not a number"),
        ([ROW | {"Contact_Email": "alice"}], "Row 1: Contact_Email is not an e-mail address"),
        ([ROW | {"Message": ["Hello"]}], "Row 1: Message is not a text"),
        ([ROW | {"Colour": "red"}], "Row 1: Colour is not a column of the list"),
        ([{"Number": "12015550193"}], "Row 1: Number cannot be reached"),
    ],
)
def test_rows_of_a_list_are_checked(sandbox: SandboxProcess, rows: Any, message: str) -> None:
    list_id = create_list(sandbox).json()["list_id"]
    response = append(sandbox, rows, list_id)
    assert (response.status_code, response.json()) == (200, {"status": 0, "message": message})
    assert shown(sandbox)["lists"][list_id]["rows"] == 0


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"api_key": "alice"}, "API access key failed to authenticate"),
        ({"list_id": ""}, "Missing the list_id"),
        ({"list_id": "7"}, "List 7 not found"),
        ({"api_key": "sandbox-key-shop"}, "List 142874 not found"),
    ],
)
def test_who_appends_is_checked(sandbox: SandboxProcess, query: dict[str, str], message: str) -> None:
    assert create_list(sandbox).json()["list_id"] == "142874"
    response = append(sandbox, [ROW], "142874", **query)
    assert response.json() == {"status": 0, "message": message}


def test_appending_meets_the_magic_numbers_too(sandbox: SandboxProcess) -> None:
    list_id = create_list(sandbox).json()["list_id"]
    tries = [append(sandbox, [{"Number": "12015550194"}], list_id).status_code for _ in range(3)]
    assert tries == [429, 429, 200]
    assert append(sandbox, [{"Number": "12015550196"}], list_id).status_code == 500
    with pytest.raises(httpx.RemoteProtocolError):
        append(sandbox, [{"Number": "12015550195"}], list_id)
    assert shown(sandbox)["lists"][list_id]["rows"] == 2


def test_lists_stay_at_a_reset_unless_told(sandbox: SandboxProcess) -> None:
    create_list(sandbox)
    sandbox.control("POST", "reset")
    assert list(shown(sandbox)["lists"]) == ["142874"]
    sandbox.control("POST", "reset", {"accounts": True})
    assert shown(sandbox)["lists"] == {}


# The gateway


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            {},
            "Access denied due to missing subscription key. Make sure to include subscription key when"
            " making requests to an API.",
        ),
        (
            {"ocp-apim-subscription-key": "canary-of-a-key"},
            "Access denied due to invalid subscription key. Make sure to provide a valid key for an active"
            " subscription.",
        ),
    ],
)
@pytest.mark.parametrize("path", [INVOKE, "customers/CustomerList-create", "customers/CustomerList-append"])
def test_it_requires_a_subscription(
    sandbox: SandboxProcess, path: str, headers: dict[str, str], message: str
) -> None:
    response = mobiz(sandbox, path, {"A": ALICE, "E": "Hello"}, TRIGGER, headers)
    assert (response.status_code, response.json()) == (401, {"statusCode": 401, "message": message})
    assert "canary" not in sandbox.output
    assert sandbox.stats()["accepted"] == 0


def test_unknown_paths_and_methods(sandbox: SandboxProcess) -> None:
    for method, path in (("GET", INVOKE), ("POST", "customers/CustomerList-delete")):
        response = sandbox.request(method, f"/mobiz/{path}", headers=SUBSCRIPTION)
        assert (response.status_code, response.json()) == (
            404,
            {"statusCode": 404, "message": "Resource not found"},
        )
    assert mobiz(sandbox, INVOKE.lower(), {"A": ALICE, "E": "Hello"}, TRIGGER).status_code == 200


def test_a_reply_is_impossible(sandbox: SandboxProcess) -> None:
    mobiz_send(sandbox)
    response = sandbox.request("POST", f"/_sandbox/handsets/{ALICE}/reply", {"text": "STOP"})
    assert response.status_code == 409
    assert response.json()["error"].startswith("mobiz documents no inbound text")
