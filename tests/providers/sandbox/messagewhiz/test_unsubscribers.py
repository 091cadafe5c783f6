"""Document 004, section Unsubscribe Lists."""

from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CAROL, Whiz
from tests.providers.sandbox.support import ALICE, BOB

DOC = f"phone_number,first_name\r\n{ALICE},Alice\r\n{BOB},Bob\r\n".encode()


def members(whiz: Whiz, list_id: int) -> list[str]:
    rows = whiz.result("GET", f"unsubscribeList/{list_id}/members")
    assert all(list(row) == ["phone_number"] for row in rows)
    return [row["phone_number"] for row in rows]


def test_numbers_become_a_list(whiz: Whiz) -> None:
    made = whiz.made("unsubscribeList", name="FirstUnsubscribeList", numbers=[int(ALICE), "12"])
    assert made == {
        "enabled": True,
        "id": made["id"],
        "name": "FirstUnsubscribeList",
        "company_id": 3182,
        "unsubscribers_amount": 1,
        "user_id": 3191,
    }
    assert whiz.result("GET", "unsubscribeList") == [
        {"id": made["id"], "name": "FirstUnsubscribeList", "enabled": 1, "unsubscribers_amount": 1}
    ]
    assert members(whiz, made["id"]) == [ALICE]


def test_a_file_becomes_a_list(whiz: Whiz) -> None:
    made = whiz.result("POST", "UnsubscribeList?truncate=true", **whiz.form(DOC, name="File"))
    assert made["unsubscribers_amount"] == 2
    assert members(whiz, made["id"]) == [BOB, ALICE]
    response = whiz.call("GET", f"unsubscribeList/{made['id']}/download")
    assert response.text == f'"phone_number"\n"{ALICE}"\n"{BOB}"\n'
    assert response.headers["content-type"] == "text/csv; charset=utf-8"


def test_numbers_are_added(whiz: Whiz) -> None:
    list_id = whiz.unsubscribe_list(ALICE)
    body = {"numbers": [ALICE, BOB, BOB, CAROL, "none"]}
    assert whiz.result("POST", f"UnsubscribeList/{list_id}/members", body) == {
        "inserted": 2,
        "alreadyExists": 2,
        "notValid": 1,
    }
    assert members(whiz, list_id) == [CAROL, BOB, ALICE]


def test_put_file_replaces(whiz: Whiz) -> None:
    list_id = whiz.unsubscribe_list(CAROL)
    changed = whiz.result("PUT", f"UnsubscribeList/{list_id}", **whiz.form(DOC))
    assert (changed["name"], changed["unsubscribers_amount"]) == ("Opted out", 2)
    assert members(whiz, list_id) == [BOB, ALICE]


def test_a_list_is_switched_and_disabled(whiz: Whiz) -> None:
    list_id = whiz.unsubscribe_list(ALICE)
    assert whiz.result("PATCH", f"UnsubscribeList/{list_id}", {"enabled": False}) == {
        "id": list_id,
        "enabled": False,
    }
    assert whiz.result("GET", "unsubscribeList") == []
    assert whiz.result("PATCH", f"UnsubscribeList/{list_id}", {"enabled": True})["enabled"] is True
    assert whiz.result("DELETE", f"UnsubscribeList/{list_id}") is True
    assert whiz.result("GET", "unsubscribeList?enabled=false")[0]["enabled"] == 0


@pytest.mark.parametrize("path", ["unsubscribeList/preview/4", "unsubscribeList/preview"])
def test_preview_warns_by_row(whiz: Whiz, path: str) -> None:
    assert whiz.result("POST", path, **whiz.form(DOC, "")) == {
        "data": [["phone_number", "first_name"], [ALICE, "Alice"], [BOB, "Bob"]],
        "isAllNum": [False, False],
        "isExceedLength50": [False, False],
        "isExceedLength255": [False, False],
        "isExceedLength5000": [False, False],
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "unsubscribeList", {"numbers": []}, 400),
        ("POST", "unsubscribeList", {"name": "A", "numbers": ALICE}, 400),
        ("POST", "unsubscribeList", {"name": "Opted out", "numbers": []}, 409),
        ("POST", "unsubscribeList/7/members", {"numbers": []}, 404),
        ("GET", "unsubscribeList/7/members", None, 404),
        ("GET", "unsubscribeList/7/download", None, 404),
        ("PATCH", "unsubscribeList/7", {"enabled": 1}, 404),
        ("DELETE", "unsubscribeList/7", None, 404),
    ],
)
def test_it_rejects(whiz: Whiz, method: str, path: str, body: Any, status: int) -> None:
    whiz.unsubscribe_list(ALICE)
    assert whiz.refusal(method, path, body)[0] == status


def test_a_bad_file_leaves_the_list_as_it_was(whiz: Whiz) -> None:
    list_id = whiz.unsubscribe_list(CAROL)
    assert whiz.refusal("PUT", f"unsubscribeList/{list_id}", **whiz.form(DOC, {"0": "email"}))[0] == 400
    assert whiz.refusal("PUT", "unsubscribeList/7", **whiz.form(DOC))[0] == 404
    assert members(whiz, list_id) == [CAROL]


def test_the_unsubscribed_are_left_out(whiz: Whiz) -> None:
    people, out = whiz.recipient_list(ALICE, BOB, CAROL), whiz.unsubscribe_list(BOB)
    more = whiz.unsubscribe_list(CAROL, name="More")
    whiz.send(whiz.base(people, unsubscriber_list_ids=f"{out},{more}"))
    assert whiz.accepted() == {ALICE: 1}


def test_nobody_left_is_refused(whiz: Whiz) -> None:
    people, out = whiz.recipient_list(ALICE), whiz.unsubscribe_list(ALICE)
    status, message = whiz.refusal("POST", "Broadcast", whiz.base(people, unsubscriber_list_ids=str(out)))
    assert (status, "no recipients are left" in message) == (400, True)
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, unsubscriber_list_ids=str(out)))[0] == 400
    assert whiz.refusal("POST", "Broadcast", whiz.base(people, unsubscriber_list_ids="7"))[0] == 404
    assert whiz.accepted() == {}
