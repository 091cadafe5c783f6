"""Document 004, sections Senders and Sender Lists."""

from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CRIER_SENDER, FIRST_SENDER, OLD_SENDER, Whiz

BAD_NAME = (
    "Bad Request -- Invalid parameters specified: Sender must not exceed 11 letters (latin alphabet or special"
    " symbols “'._-+&{space}” are allowed) or 20 numbers."
)


def test_a_sender_is_made_changed_and_disabled(whiz: Whiz) -> None:
    made = whiz.made("sender", name="Shop")
    assert made == {"id": made["id"], "name": "Shop", "enabled": True}
    assert whiz.result("GET", "sender?limit=1") == [{"enabled": True, "id": made["id"], "name": "Shop"}]
    path = f"sender/{made['id']}"
    changed = {"id": made["id"], "name": "Kiosk", "enabled": False}
    assert whiz.result("PUT", path, {"name": "Kiosk", "enabled": 0}) == changed
    assert whiz.result("PUT", path, {"enabled": True}) == changed | {"enabled": True}
    assert whiz.result("PATCH", path, {"enabled": 0}) == {"id": made["id"], "enabled": 0}
    assert whiz.result("PATCH", path, {"enabled": 1}) == {"id": made["id"], "enabled": 1}
    assert whiz.result("DELETE", path) is True
    assert whiz.result("GET", "sender?filter=name=Kiosk") == []


@pytest.mark.parametrize("name", [None, "", "TwelveLetter", "Çrier", "Shop24", "1" * 21, 7])
def test_a_bad_name_is_refused(whiz: Whiz, name: Any) -> None:
    assert whiz.refusal("POST", "sender", {"name": name}) == (400, BAD_NAME)
    if name:
        assert whiz.refusal("PUT", f"sender/{FIRST_SENDER}", {"name": name}) == (400, BAD_NAME)


def test_a_name_is_taken_once(whiz: Whiz) -> None:
    assert whiz.refusal("POST", "sender", {"name": "Crier"})[0] == 409
    assert whiz.made("sender", name="OldSender")["id"] != OLD_SENDER
    assert whiz.refusal("PATCH", f"sender/{OLD_SENDER}", {"enabled": 1})[0] == 409


def test_keys_do_not_see_each_other(whiz: Whiz) -> None:
    made = whiz.made("sender", name="Shop")
    other = Whiz(whiz.sandbox, "sandbox-key-other")
    assert other.refusal("DELETE", f"sender/{made['id']}")[0] == 404
    assert [row["name"] for row in other.result("GET", "sender")] == ["FirstSender", "test", "Crier"]


# Sender lists


def names_of(whiz: Whiz, list_id: int) -> list[str]:
    return [row["name"] for row in whiz.result("GET", f"senderList/{list_id}/senders")["senders"]]


def test_a_list_is_made_and_read(whiz: Whiz) -> None:
    made = whiz.made("senderList", name="FirstSenderList", senderIds=[FIRST_SENDER, str(CRIER_SENDER), 7])
    assert made == {"id": made["id"], "name": "FirstSenderList", "enabled": True, "count": 2}
    assert whiz.result("GET", "senderList") == [made]
    assert whiz.result("GET", f"senderList/{made['id']}/senders") == {
        "id": made["id"],
        "senders": [
            {"senderId": FIRST_SENDER, "name": "FirstSender"},
            {"senderId": CRIER_SENDER, "name": "Crier"},
        ],
    }


def test_a_list_of_unknown_senders_is_empty(whiz: Whiz) -> None:
    assert whiz.made("senderList", name="Empty", senderIds=[7, "x"])["count"] == 0


def test_senders_are_added_and_removed(whiz: Whiz) -> None:
    list_id = whiz.made("senderList", name="A", senderIds=[FIRST_SENDER])["id"]
    assert whiz.result("POST", f"senderList/{list_id}/senders", {"ids": [CRIER_SENDER, 7]}) == [CRIER_SENDER]
    assert names_of(whiz, list_id) == ["FirstSender", "Crier"]
    assert whiz.result("DELETE", f"senderList/{list_id}/senders?id={FIRST_SENDER}") is True
    assert names_of(whiz, list_id) == ["Crier"]
    assert whiz.refusal("DELETE", f"senderList/{list_id}/senders?id={FIRST_SENDER}")[0] == 404
    assert whiz.refusal("DELETE", f"senderList/{list_id}/senders")[0] == 400


def test_put_sets_the_list(whiz: Whiz) -> None:
    list_id = whiz.made("senderList", name="A", senderIds=[FIRST_SENDER])["id"]
    body = {"name": "New", "senderIds": [CRIER_SENDER], "enabled": True}
    assert whiz.result("PUT", f"senderList/{list_id}", body) == {
        "id": list_id,
        "name": "New",
        "enabled": True,
        "count": 1,
    }
    assert names_of(whiz, list_id) == ["Crier"]
    assert whiz.result("PUT", f"senderList/{list_id}", {"name": "Newer"})["count"] == 1


def test_a_list_is_switched_and_disabled(whiz: Whiz) -> None:
    list_id = whiz.made("senderList", name="A", senderIds=[])["id"]
    assert whiz.result("PATCH", f"senderList/{list_id}", {"enabled": False}) == {"id": list_id, "enabled": 0}
    assert whiz.result("PATCH", f"senderList/{list_id}", {"enabled": True}) == {"id": list_id, "enabled": 1}
    assert whiz.result("DELETE", f"senderList/{list_id}") is True
    assert whiz.result("GET", "senderList") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "senderList", {"senderIds": []}, 400),
        ("POST", "senderList", {"name": "A", "senderIds": "7"}, 400),
        ("POST", "senderList/7/senders", {"ids": []}, 404),
        ("GET", "senderList/7/senders", None, 404),
        ("PUT", "senderList/7", {"name": "A"}, 404),
        ("PATCH", "senderList/7", {"enabled": 1}, 404),
        ("DELETE", "senderList/7", None, 404),
        ("DELETE", "senderList/7/senders?id=7", None, 404),
        ("PUT", "sender/7", {"name": "A"}, 404),
        ("PATCH", f"sender/{FIRST_SENDER}", {"enabled": "maybe"}, 400),
        ("PATCH", f"sender/{FIRST_SENDER}", {"enabled": 2}, 400),
    ],
)
def test_it_rejects(whiz: Whiz, method: str, path: str, body: Any, status: int) -> None:
    assert whiz.refusal(method, path, body)[0] == status
