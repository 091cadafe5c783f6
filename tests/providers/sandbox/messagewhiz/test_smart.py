"""Document 004, sections Send a Smart Broadcast and Continue smart broadcast."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CRIER_SENDER, TEST_SENDER, Whiz
from tests.providers.sandbox.support import ALICE, eventually

NUMBERS = [f"120155501{number:02d}" for number in range(10, 20)]
FOREVER = "2099-09-25 13:55:58"


@pytest.fixture
def people(whiz: Whiz) -> int:
    return whiz.recipient_list(*NUMBERS)


def manual(whiz: Whiz, people: int, **fields: Any) -> dict[str, Any]:
    return whiz.base(people, broadcast_type=12, eb_type="manual", first_segment_size="3") | fields


def ctr(whiz: Whiz, people: int, **fields: Any) -> dict[str, Any]:
    """A link to click; half of a segment must, four go at first, then three at a time, without a cap."""
    links = [{"name": "Shop", "url": "https://example.com/shop"}]
    list_id = whiz.result("GET", "LinkList") or [whiz.made("LinkList", name="Links", links=links)]
    smart = {
        "broadcast_type": 12,
        "eb_type": "CTR",
        "exp_date": FOREVER,
        "conversion_threshold": 50,
        "first_segment_size": 4,
        "next_segment_size": 3,
        "recipeint_cap": "no limit",
        "message_body": f"{{{{link_list:{list_id[0]['id']}}}}}",
    }
    return whiz.base(people) | smart | fields


def segment(broadcast_id: int, **fields: Any) -> dict[str, Any]:
    return {
        "broadcast_id": broadcast_id,
        "message_body": "sample",
        "segment_size": 2,
        "send_now": True,
        "sender_ids": str(TEST_SENDER),
        "utc_offset": 180,
    } | fields


def got(whiz: Whiz) -> int:
    """How many of the ten have a text; in the order of the list."""
    accepted = whiz.accepted()
    count = len(accepted)
    assert accepted == dict.fromkeys(NUMBERS[:count], 1)
    return count


def click(whiz: Whiz, *numbers: str) -> None:
    for number in numbers:
        assert whiz.open(whiz.texts(number)[0]["text"]).status_code == 302


def state(whiz: Whiz) -> int:
    found: int = whiz.result("GET", "Broadcast/List")[0]["state"]
    return found


# Manual


def test_the_first_segment_goes_and_people_continue(whiz: Whiz, people: int) -> None:
    sent = whiz.send(manual(whiz, people))
    assert sorted(sent) == ["broadcastID", "segmentID"]
    assert (got(whiz), state(whiz)) == (3, 3)
    went = whiz.result("POST", "Segments", segment(sent["broadcastID"]))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", went["created_at"])
    assert went == {
        "real_price": 0,
        "id": went["id"],
        "broadcast_id": sent["broadcastID"],
        "utc_offset": 180,
        "message_body": "sample",
        "template_id": None,
        "batch_index": None,
        "state": 0,
        "recipient_count": 2,
        "estimated_price": 0.02,
        "send_conditions_id": went["send_conditions_id"],
        "enabled": True,
        "created_at": went["created_at"],
        "send_time": went["created_at"],
        "estimated_count": 2,
    }
    assert got(whiz) == 5
    (text,) = whiz.texts(NUMBERS[4])
    assert (text["text"], text["sender"]) == ("sample", "test")
    rest = whiz.result("POST", "Segments", segment(sent["broadcastID"], segment_size=100))
    assert (rest["recipient_count"], got(whiz), state(whiz)) == (5, 10, 2)
    status, message = whiz.refusal("POST", "Segments", segment(sent["broadcastID"]))
    assert (status, "nobody left" in message) == (400, True)


def test_each_segment_is_reported(whiz: Whiz, people: int) -> None:
    sent = whiz.send(manual(whiz, people))
    whiz.result("POST", "Segments", segment(sent["broadcastID"]))
    rows = eventually(
        lambda: (
            [
                row
                for row in whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]})
                if row["delivered"] in (2, 3)
            ][1:]
            and whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]})
        )
    )
    assert [(row["sent"], row["delivered"]) for row in rows] == [(0, 3), (0, 2)]
    assert {row["broadcast_id"] for row in rows} == {sent["broadcastID"]}


def test_templates_are_chosen_for_each_text(whiz: Whiz) -> None:
    numbers = [f"1201555{number:04d}" for number in range(60)]
    ids = [whiz.made("template", name=name, body=f"I am {name}")["id"] for name in ("A", "B")]
    body = manual(whiz, whiz.recipient_list(*numbers), first_segment_size=60, message_body="")
    whiz.sandbox.dial(force_outcome="delivered")
    whiz.send(body | {"template_ids": f"{ids[0]},{ids[1]}"})
    assert {whiz.text(number) for number in numbers} == {"I am A", "I am B"}


def test_a_segment_waits_for_its_trigger_or_date(whiz: Whiz, people: int) -> None:
    sent, trigger = whiz.send(manual(whiz, people)), whiz.made("trigger", name="Go")
    template = whiz.made("template", name="A", body="From a template")["id"]
    body = segment(sent["broadcastID"], send_now="", trigger_id=trigger["id"], message_body="")
    waits = whiz.result("POST", "Segments", body | {"template_ids": str(template)})
    assert (waits["template_id"], waits["message_body"], got(whiz)) == (template, None, 3)
    whiz.open(trigger["short_url"])
    assert (got(whiz), whiz.text(NUMBERS[4])) == (5, "From a template")
    at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    whiz.result("POST", "Segments", segment(sent["broadcastID"], send_now=False, send_date=at))
    assert got(whiz) == 5
    eventually(lambda: got(whiz) == 7)


@pytest.mark.parametrize(
    ("fields", "status", "part"),
    [
        ({"broadcast_id": 7}, 404, "no such broadcast"),
        ({"broadcast_id": None}, 400, "broadcast_id must be a whole number"),
        ({"segment_size": 0}, 400, "segment_size must be a whole number from 1"),
        ({"send_now": None}, 400, "send_now must be true, or send_date or trigger_id be given"),
        ({"send_now": False}, 400, "send_now must be true"),
        ({"sender_ids": ""}, 400, "sender_ids or sender_list_ids must name a sender"),
        ({"message_body": ""}, 400, "one of message_body, template_ids must be given"),
    ],
)
def test_a_segment_may_be_refused(
    whiz: Whiz, people: int, fields: dict[str, Any], status: int, part: str
) -> None:
    body = segment(whiz.send(manual(whiz, people))["broadcastID"])
    refused, message = whiz.refusal("POST", "Segments", body | fields)
    assert (refused, part in message) == (status, True), message
    assert got(whiz) == 3


def test_a_base_broadcast_is_not_continued(whiz: Whiz, people: int) -> None:
    sent = whiz.send(whiz.base(people))
    assert whiz.refusal("POST", "Segments", segment(sent["broadcastID"]))[0] == 400


# CTR


def test_clicks_release_the_next_segment(whiz: Whiz, people: int) -> None:
    whiz.send(ctr(whiz, people))
    assert (got(whiz), state(whiz)) == (4, 1)
    click(whiz, NUMBERS[0], NUMBERS[0], NUMBERS[0])
    assert got(whiz) == 4, "one recipient of four is not half of them"
    click(whiz, NUMBERS[1])
    assert got(whiz) == 7
    click(whiz, NUMBERS[2], NUMBERS[3], NUMBERS[4])
    assert got(whiz) == 7, "the clicks of the last segment count"
    click(whiz, NUMBERS[5])
    assert (got(whiz), state(whiz)) == (10, 2)


def test_previews_and_heads_release_nothing(whiz: Whiz, people: int) -> None:
    whiz.send(ctr(whiz, people, conversion_threshold=1))
    url = whiz.texts(NUMBERS[0])[0]["text"]
    whiz.open(url, "HEAD")
    whiz.open(url, agent="facebookexternalhit/1.1")
    assert got(whiz) == 4
    whiz.open(url)
    assert got(whiz) == 7


def test_the_cap_pauses_until_it_is_continued(whiz: Whiz, people: int) -> None:
    sent = whiz.send(ctr(whiz, people, recipeint_cap=5))
    body = segment(sent["broadcastID"], segment_size=2, message_body=ctr(whiz, people)["message_body"])
    resume = {"recipient_cap": 3, "first_segment_size": 2, "next_segment_size": 4}
    status, message = whiz.refusal("POST", "Segments", body | resume)
    assert (status, "is not paused" in message) == (400, True)
    click(whiz, *NUMBERS[:4])
    assert (got(whiz), state(whiz)) == (5, 3)
    click(whiz, NUMBERS[4])
    assert got(whiz) == 5, "paused is paused"
    assert whiz.refusal("POST", "Segments", body)[0] == 400, "the cap must be named again"
    went = whiz.result("POST", "Segments", body | resume)
    assert (went["recipient_count"], went["batch_index"], got(whiz), state(whiz)) == (2, 1, 7, 1)
    click(whiz, NUMBERS[5])
    assert (got(whiz), state(whiz)) == (8, 3), "three a batch"
    whiz.result("POST", "Segments", body | resume | {"recipient_cap": "no limit"})
    click(whiz, NUMBERS[8], NUMBERS[9])
    assert (got(whiz), state(whiz)) == (10, 2)


def test_either_spelling_of_the_cap_is_read(whiz: Whiz, people: int) -> None:
    body = ctr(whiz, people, recipient_cap=4)
    del body["recipeint_cap"]
    whiz.send(body)
    assert state(whiz) == 3


def test_the_rest_expires(whiz: Whiz, people: int) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    sent = whiz.send(ctr(whiz, people, exp_date=at))
    assert got(whiz) == 4
    eventually(lambda: state(whiz) == 4)
    click(whiz, *NUMBERS[:4])
    assert got(whiz) == 4
    assert whiz.refusal("POST", "Segments", segment(sent["broadcastID"], recipient_cap=3))[0] == 400


def test_a_segment_that_waits_expires_too(whiz: Whiz, people: int) -> None:
    trigger = whiz.made("trigger", name="Go")
    at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    whiz.send(ctr(whiz, people, exp_date=at, trigger_id=trigger["id"]))
    eventually(lambda: state(whiz) == 4)
    whiz.open(trigger["short_url"])
    assert whiz.accepted() == {}


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"eb_type": "auto"}, "eb_type must be CTR or manual"),
        ({"exp_date": None}, "exp_date must be a date to come"),
        ({"exp_date": "2021-09-25 13:55:58"}, "exp_date must be a date to come"),
        ({"conversion_threshold": 0}, "conversion_threshold must be a whole number from 1 to 100"),
        ({"conversion_threshold": 101}, "conversion_threshold must be a whole number from 1 to 100"),
        ({"first_segment_size": None}, "first_segment_size must be a whole number"),
        ({"next_segment_size": None}, "next_segment_size must be a whole number"),
        ({"recipeint_cap": 2}, "recipeint_cap must be a whole number from 3"),
        ({"recipeint_cap": None}, "recipient_cap must be a whole number from 3"),
        ({"name": ""}, "name must be a string"),
    ],
)
def test_a_ctr_broadcast_may_be_refused(whiz: Whiz, people: int, fields: dict[str, Any], part: str) -> None:
    status, message = whiz.refusal("POST", "Broadcast", ctr(whiz, people, **fields))
    assert (status, part in message) == (400, True), message
    assert whiz.accepted() == {}


def test_all_unsubscribed_release_the_next(whiz: Whiz, people: int) -> None:
    out, trigger = whiz.unsubscribe_list(ALICE), whiz.made("trigger", name="Go")
    whiz.send(ctr(whiz, people, unsubscriber_list_ids=str(out), trigger_id=trigger["id"]))
    whiz.result("POST", f"unsubscribeList/{out}/members", {"numbers": NUMBERS[:4]})
    whiz.open(trigger["short_url"])
    assert whiz.accepted() == dict.fromkeys(NUMBERS[4:7], 1)


def test_senders_stay_for_the_next_segments(whiz: Whiz, people: int) -> None:
    whiz.send(ctr(whiz, people, sender_ids=str(CRIER_SENDER)))
    click(whiz, *NUMBERS[:2])
    assert {whiz.texts(number)[0]["sender"] for number in NUMBERS[:7]} == {"Crier"}
