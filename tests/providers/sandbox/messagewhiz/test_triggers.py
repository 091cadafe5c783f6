"""Document 004, section Triggers: made, and what waits for them is sent when their URL is opened."""

import re
import time
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.providers.sandbox.support import ALICE, BOB


def test_a_trigger_is_made_changed_and_disabled(whiz: Whiz) -> None:
    made = whiz.made("trigger", name="newTrigger")
    assert made == {
        "id": made["id"],
        "name": "newTrigger",
        "uuid": made["uuid"],
        "enabled": 1,
        "short_url": made["short_url"],
        "trigger_type_id": 1,
    }
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["uuid"])
    assert re.fullmatch(rf"{whiz.sandbox.url}/messagewhiz/t/[A-Za-z0-9_-]{{7}}", made["short_url"])
    renamed = {name: value for name, value in made.items() if name != "trigger_type_id"} | {"name": "#"}
    assert whiz.result("PUT", f"trigger/{made['id']}", {"name": "#"}) == renamed
    assert whiz.result("GET", "trigger") == [
        renamed
        | {
            "trigger_type_id": 1,
            "details": None,
            "date": None,
            "flight_details.flight_number": None,
            "flight_details.arrival_date": None,
        }
    ]
    assert whiz.result("DELETE", f"trigger/{made['id']}") is True
    assert whiz.result("GET", "trigger") == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_opening_it_sends_what_waits(whiz: Whiz, method: str) -> None:
    trigger = whiz.made("trigger", name="Go")
    whiz.send(whiz.single(ALICE, trigger_id=trigger["id"]))
    whiz.send(whiz.base(whiz.recipient_list(BOB), trigger_id=str(trigger["id"])))
    whiz.open(trigger["short_url"], "HEAD")
    assert whiz.accepted() == {}
    assert whiz.open(trigger["short_url"], method).status_code == 200
    assert whiz.accepted() == {ALICE: 1, BOB: 1}
    whiz.open(trigger["short_url"], method)
    assert whiz.accepted() == {ALICE: 1, BOB: 1}, "what was sent is not sent again"


def test_another_trigger_sends_nothing(whiz: Whiz) -> None:
    trigger, other = whiz.made("trigger", name="Go"), whiz.made("trigger", name="Other")
    whiz.send(whiz.single(ALICE, trigger_id=trigger["id"]))
    whiz.open(other["short_url"])
    assert whiz.accepted() == {}


def test_the_delay_begins_with_the_opening(whiz: Whiz) -> None:
    whiz.sandbox.dial(minute_ms=150)
    trigger = whiz.made("trigger", name="Go")
    whiz.send(whiz.single(ALICE, trigger_id=trigger["id"], delay=2))
    opened = time.monotonic()
    whiz.open(trigger["short_url"])
    assert whiz.accepted() == {}
    assert whiz.text(ALICE) == "Hello"
    assert time.monotonic() - opened >= 0.3


def test_a_disabled_trigger_sends_nothing(whiz: Whiz) -> None:
    trigger = whiz.made("trigger", name="Go")
    whiz.send(whiz.single(ALICE, trigger_id=trigger["id"]))
    whiz.result("DELETE", f"trigger/{trigger['id']}")
    assert whiz.open(trigger["short_url"]).status_code == 404
    assert whiz.accepted() == {}
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, trigger_id=trigger["id"]))[0] == 404


def test_an_unknown_url_leads_nowhere(whiz: Whiz) -> None:
    response = whiz.open(f"{whiz.sandbox.url}/messagewhiz/t/abcdefg")
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "trigger", {}, 400),
        ("POST", "trigger", {"name": "Taken"}, 409),
        ("PUT", "trigger/7", {"name": "A"}, 404),
        ("DELETE", "trigger/7", None, 404),
    ],
)
def test_it_rejects(whiz: Whiz, method: str, path: str, body: Any, status: int) -> None:
    whiz.made("trigger", name="Taken")
    assert whiz.refusal(method, path, body)[0] == status
