"""Document 004, sections Word Spinners and Templates."""

from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.providers.sandbox.support import ALICE

WORDS = ["wo", "three", "spinner"]


def test_a_spinner_is_made_changed_and_disabled(whiz: Whiz) -> None:
    made = whiz.made("spinner", name="Fit32", words=WORDS)
    assert made == {"name": "Fit32", "words": WORDS, "enabled": True, "id": made["id"]}
    path = f"spinner/{made['id']}"
    assert whiz.result("PUT", path, {"name": "FirstSpinner"}) == made | {"name": "FirstSpinner"}
    assert whiz.result("PUT", path, {"words": ["one"]})["words"] == ["one"]
    assert whiz.result("GET", "spinner") == [
        {"words": ["one"], "enabled": True, "id": made["id"], "name": "FirstSpinner"}
    ]
    assert whiz.result("PATCH", path, {"enabled": "0"}) == {"enabled": 0}
    assert whiz.result("PATCH", path, {"enabled": "1"}) == {"enabled": 1}
    assert whiz.result("DELETE", path) is True
    assert whiz.result("GET", "spinner") == []


def test_a_word_is_chosen_for_each_text(whiz: Whiz) -> None:
    spinner_id = whiz.made("spinner", name="Greeting", words=["Hello", "Hi"])["id"]
    numbers = [f"1201555{number:04d}" for number in range(60)]
    whiz.send(whiz.base(whiz.recipient_list(*numbers), f"{{{{word_spinner:{spinner_id}}}}} you"))
    assert whiz.accepted() == dict.fromkeys(numbers, 1)
    assert {whiz.text(number) for number in numbers} == {"Hello you", "Hi you"}


def test_a_template_is_made_changed_and_disabled(whiz: Whiz) -> None:
    made = whiz.made("template", name="FirstTemplate", body="HI!")
    assert made == {"id": made["id"], "name": "FirstTemplate", "body": "HI!", "enabled": True}
    path = f"template/{made['id']}"
    assert whiz.result("PUT", path, {"name": "Another"}) == made | {"name": "Another"}
    assert whiz.result("PUT", path, {"body": "Test {shorten_url}"})["body"] == "Test {shorten_url}"
    assert whiz.result("GET", "template") == [
        {
            "enabled": True,
            "id": made["id"],
            "user_id": 3191,
            "name": "Another",
            "body": "Test {shorten_url}",
        }
    ]
    assert whiz.result("DELETE", path) is True
    assert whiz.result("GET", "template") == []


def test_a_template_is_the_text(whiz: Whiz) -> None:
    template_id = whiz.made("template", name="Greeting", body="Hi from a template")["id"]
    whiz.send(whiz.single(ALICE, "", template_id=template_id))
    assert whiz.text(ALICE) == "Hi from a template"
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, "Both", template_id=template_id))[0] == 400
    whiz.result("DELETE", f"template/{template_id}")
    assert whiz.refusal("POST", "Broadcast", whiz.single(ALICE, "", template_id=template_id))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "spinner", {"words": WORDS}, 400),
        ("POST", "spinner", {"name": "A"}, 400),
        ("POST", "spinner", {"name": "A", "words": []}, 400),
        ("POST", "spinner", {"name": "A", "words": ["one", 2]}, 400),
        ("POST", "spinner", {"name": "Taken", "words": WORDS}, 409),
        ("PUT", "spinner/7", {"name": "A"}, 404),
        ("PATCH", "spinner/7", {"enabled": "0"}, 404),
        ("DELETE", "spinner/7", None, 404),
        ("POST", "template", {"name": "A"}, 400),
        ("POST", "template", {"body": "A"}, 400),
        ("POST", "template", {"name": "A", "body": "x" * 100_001}, 400),
        ("POST", "template", {"name": "Taken", "body": "B"}, 409),
        ("PUT", "template/7", {"name": "A"}, 404),
        ("DELETE", "template/7", None, 404),
    ],
)
def test_it_rejects(whiz: Whiz, method: str, path: str, body: Any, status: int) -> None:
    whiz.made("spinner", name="Taken", words=WORDS)
    whiz.made("template", name="Taken", body="A")
    assert whiz.refusal(method, path, body)[0] == status
    assert len(whiz.result("GET", "spinner")) == len(whiz.result("GET", "template")) == 1
