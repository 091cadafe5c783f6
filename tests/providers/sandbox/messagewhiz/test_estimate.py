"""Document 004, section Estimate Broadcast."""

import re
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CAROL, Whiz
from tests.providers.sandbox.support import ALICE, BOB

ACTIONS = [
    "callback",
    "first_name",
    "last_name",
    "url",
    "random_symbol",
    "verification_code",
    "custom",
    "custom1",
    "custom2",
    "custom3",
    "custom4",
    "gender",
    "word_spinner",
    "link",
    "link_list",
    "unsubscription_link",
    "shorten_url",
    "callback_link",
]


def estimate(whiz: Whiz, list_id: int | str, body: str = "sample", **fields: Any) -> Any:
    given = {"recipient_list_ids": str(list_id), "message_body": body, "unsubscriber_list_ids": ""}
    return whiz.result("POST", "Broadcast/estimate", given | fields)


def test_it_works(whiz: Whiz) -> None:
    list_id = whiz.import_list(f"{ALICE},Doe", "phone_number", "last_name")
    estimated = estimate(whiz, list_id, broadcast_type=11)
    expanded = estimated.pop("messageExpanded")
    assert re.fullmatch(r"[0-9a-f]{128}", estimated.pop("estimateHash"))
    assert estimated == {
        "messages": 1,
        "sum": 0.01,
        "parts": 1,
        "recipient_id_map": [],
        "replacements": {},
        "firstSegmentCount": 1,
        "recipient_meta_data_map": [[int(ALICE), {"phone_number": int(ALICE), "last_name": "Doe"}]],
        "recipients": {ALICE: {"rate": 0.01, "mccMnc": 310410}},
        "links": {},
        "warnings": [],
        "batchEstimation": {"messages": 1, "sum": 0.01, "parts": 1},
    }
    assert expanded["text"] == "sample"
    assert list(expanded["actions"]) == ACTIONS
    assert expanded["actions"]["callback"] == {"replacement": "", "uuid": "", "count": 0}
    assert expanded["actions"]["first_name"] == {"replacement": "", "count": 0}
    assert expanded["actions"]["custom4"] == {"replacement": "", "count": 0, "parameters": []}
    assert expanded["actions"]["word_spinner"] == {
        "replacement": "",
        "count": 0,
        "parameters": [],
        "isApproximate": True,
    }
    assert whiz.accepted() == {}


def test_each_text_is_priced_by_its_own_parts(whiz: Whiz) -> None:
    doc = f"{ALICE},{'x' * 200}\n{BOB},ж\n{CAROL},\n"
    list_id = whiz.import_list(doc, "phone_number", "custom")
    estimated = estimate(whiz, list_id, "Hi {{custom}}")
    assert (estimated["messages"], estimated["parts"], estimated["sum"]) == (3, 4, 0.04)
    assert {number: row["rate"] for number, row in estimated["recipients"].items()} == {
        ALICE: 0.02,
        BOB: 0.01,
        CAROL: 0.01,
    }
    assert estimated["warnings"] == ["1 recipients have no custom"]


def test_tokens_are_expanded_for_the_first(whiz: Whiz) -> None:
    link_id = whiz.made("link", name="Shop", url="https://example.com/shop")["id"]
    list_id = whiz.import_list(f"{ALICE},Alice\n{BOB},Bob\n", "phone_number", "first_name")
    estimated = estimate(whiz, list_id, f"{{{{first_name}}}} {{{{first_name}}}} {{{{link:{link_id}}}}}")
    actions, text = estimated["messageExpanded"]["actions"], estimated["messageExpanded"]["text"]
    short = f"{whiz.sandbox.url}/messagewhiz/l/xxxxxxx"
    assert text == f"Alice Alice {short}"
    assert actions["first_name"] == {"replacement": "Alice", "count": 2}
    assert actions["link"] == {"replacement": short, "count": 1, "parameters": [link_id]}
    assert estimated["links"] == {str(link_id): "https://example.com/shop"}
    sent = whiz.send(whiz.base(list_id, f"{{{{first_name}}}} {{{{link:{link_id}}}}}"))
    assert len(whiz.text(ALICE)) == len(f"Alice {short}"), sent


def test_the_unsubscribed_cost_nothing(whiz: Whiz) -> None:
    people, out = whiz.recipient_list(ALICE, BOB), whiz.unsubscribe_list(BOB)
    assert list(estimate(whiz, people, unsubscriber_list_ids=str(out))["recipients"]) == [ALICE]


@pytest.mark.parametrize(
    ("fields", "first", "batch"),
    [
        ({"eb_type": "manual", "first_segment_size": 2}, 2, 2),
        ({"eb_type": "CTR", "first_segment_size": "2", "next_segment_size": 1, "recipient_cap": 3}, 2, 3),
        ({"eb_type": "CTR", "first_segment_size": 2, "recipient_cap": "no limit"}, 2, 4),
        ({"eb_type": "CTR", "first_segment_size": 9, "recipient_cap": 9}, 4, 4),
        ({}, 4, 4),
    ],
)
def test_smart_broadcasts_go_in_batches(whiz: Whiz, fields: dict[str, Any], first: int, batch: int) -> None:
    estimated = estimate(whiz, whiz.recipient_list(ALICE, BOB, CAROL, "447700900123"), **fields)
    assert (estimated["messages"], estimated["firstSegmentCount"]) == (4, first)
    assert estimated["batchEstimation"]["messages"] == batch
    assert estimated["recipients"]["447700900123"]["mccMnc"] == 23430


def test_a_recipient_or_a_template_will_do(whiz: Whiz) -> None:
    template_id = whiz.made("template", name="A", body="x" * 161)["id"]
    estimated = estimate(whiz, "", "", recipient=int(ALICE), template_id=template_id)
    assert (estimated["messages"], estimated["parts"]) == (1, 2)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"message_body": ""}, 400),
        ({"recipient_list_ids": ""}, 400),
        ({"recipient": ALICE}, 400),
        ({"recipient_list_ids": "7"}, 404),
        ({"unsubscriber_list_ids": "7"}, 404),
        ({"message_body": "", "template_id": 7}, 404),
        ({"message_body": "{{link:7}}"}, 404),
        ({"eb_type": "auto"}, 400),
        ({"eb_type": "CTR", "recipient_cap": "none"}, 400),
    ],
)
def test_it_rejects(whiz: Whiz, fields: dict[str, Any], status: int) -> None:
    body = {"recipient_list_ids": str(whiz.recipient_list(ALICE)), "message_body": "sample"} | fields
    assert whiz.refusal("POST", "Broadcast/estimate", body)[0] == status
