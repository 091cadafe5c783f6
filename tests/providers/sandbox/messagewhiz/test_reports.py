"""Document 004, sections Get Broadcasts List and Delivery report."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.providers.sandbox.support import ALICE, BOB, eventually


def names(whiz: Whiz, **query: Any) -> list[str]:
    response = whiz.call("GET", "Broadcast/List", params=query)
    assert response.status_code == 200, response.text
    return [row["name"] for row in response.json()["result"]]


def test_a_broadcast_is_listed(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(ALICE, BOB)
    sent = whiz.send(whiz.base(list_id, send_date="2041-03-07T11:41:55.000Z", utc_offset=-90))
    (row,) = whiz.result("GET", "Broadcast/List")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row.pop("create_date"))
    assert row == {
        "id": sent["broadcastID"],
        "user_id": 3191,
        "name": "Spring",
        "type": 11,
        "message_body": "Hello",
        "enabled": 1,
        "trigger_id": None,
        "send_date": "2041-03-07T11:41:55.000Z",
        "state": 0,
        "parent_id": None,
        "real_price": 0,
        "estimated_price": 0.02,
        "estimated_count": 2,
        "utc_offset": -90,
        "next_segment_size": None,
        "eb_type": None,
        "company_name": "Sandbox",
        "timezone": "GMT -1:30",
        "send_now": False,
        "broadcastConversion": {
            "uniqueClicks": 0,
            "totalClicks": 0,
            "recipientCount": 2,
            "conversion": "0.00",
            "broadcastId": sent["broadcastID"],
        },
    }


def test_clicks_and_prices_are_listed(whiz: Whiz) -> None:
    link_id = whiz.made("link", name="Shop", url="https://example.com/shop")["id"]
    whiz.send(whiz.base(whiz.recipient_list(ALICE, BOB), f"{{{{link:{link_id}}}}}"))
    for _ in range(2):
        whiz.open(whiz.text(ALICE))
    (row,) = whiz.result("GET", "Broadcast/List")
    assert (row["state"], row["real_price"], row["send_now"], row["timezone"]) == (2, 0.02, True, "GMT +0")
    conversion = row["broadcastConversion"]
    assert (conversion["uniqueClicks"], conversion["totalClicks"], conversion["conversion"]) == (
        1,
        2,
        "50.00",
    )


def test_a_smart_broadcast_and_a_trigger_are_listed(whiz: Whiz) -> None:
    trigger = whiz.made("trigger", name="Go")["id"]
    smart = {"broadcast_type": 12, "eb_type": "manual", "first_segment_size": 1, "trigger_id": trigger}
    whiz.send(whiz.base(whiz.recipient_list(ALICE, BOB), **smart))
    (row,) = whiz.result("GET", "Broadcast/List")
    assert (row["type"], row["eb_type"], row["trigger_id"], row["send_date"]) == (12, "manual", trigger, None)


def test_it_is_narrowed_and_ordered(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(ALICE)
    whiz.send(whiz.base(list_id, name="Sample, one"))
    whiz.send(whiz.base(list_id, name="Other", send_date="2041-03-07T00:00:00Z"))
    whiz.send(whiz.single(ALICE, name="Sample two", send_date="2041-01-01T00:00:00Z"))
    everything = ["Sample two", "Other", "Sample, one"]
    assert names(whiz) == everything
    assert names(whiz, limit=1) == ["Sample two"]
    assert names(whiz, start=2, limit=100) == ["Sample, one"]
    assert names(whiz, orderby="create_date ASC") == everything[::-1]
    assert names(whiz, orderby="send_date DESC") == ["Other", "Sample two", "Sample, one"]
    assert names(whiz, filter="name=Sample") == ["Sample two", "Sample, one"]
    assert names(whiz, filter="name=Sample, one,type=11") == ["Sample, one"]
    assert names(whiz, filter="type=10") == ["Sample two"]
    assert names(whiz, filter="type=10,type=11") == everything
    assert names(whiz, filter="type=12,type=2") == []
    assert names(whiz, filter="parent_id=5") == []
    late = "filterBy=send_date,start_date=02/01/2041 12:00 AM"
    assert names(whiz, filter=late) == ["Other"]
    assert names(whiz, filter=f"{late},end_date=03/01/2041 11:59 PM") == []
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%m/%d/%Y %I:%M %p")
    assert names(whiz, filter=f"start_date={tomorrow}") == []
    assert names(whiz, filter=f"end_date={tomorrow}") == everything


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"start": "x"},
        {"orderby": "name ASC"},
        {"orderby": "create_date UP"},
        {"filter": "state=2"},
        {"filter": "name"},
        {"filter": "type=single"},
        {"filter": "filterBy=name"},
        {"filter": "start_date=2021-06-01"},
    ],
)
def test_a_bad_query_is_refused(whiz: Whiz, query: dict[str, Any]) -> None:
    assert whiz.refusal("GET", "Broadcast/List", params=query)[0] == 400


def test_a_report_is_settled_by_receipts(whiz: Whiz) -> None:
    whiz.sandbox.dial(receipt_delay_ms=[300, 300])
    sent = whiz.send(whiz.single(ALICE))
    report = {
        "broadcast_id": sent["broadcastID"],
        "sent": 1,
        "delivered": 0,
        "undelivered": 0,
        "rejected": 0,
        "expired": 0,
        "failed": 0,
    }
    asked = {"bid": str(sent["broadcastID"])}
    assert whiz.result("POST", "DeliveryReport", asked) == [report]
    delivered = [report | {"sent": 0, "delivered": 1}]
    eventually(lambda: whiz.result("POST", "DeliveryReport", asked) == delivered)


def test_repeated_receipts_count_once(whiz: Whiz) -> None:
    sent = whiz.send(whiz.single("12015550199"))
    eventually(lambda: whiz.sandbox.stats()["receipts_unaddressed"] == 1)
    (report,) = whiz.result("POST", "DeliveryReport", {"bid": sent["broadcastID"]})
    assert (report["sent"], report["delivered"]) == (0, 1)


@pytest.mark.parametrize(("body", "status"), [({"bid": 7}, 404), ({}, 400), ({"bid": "x"}, 400)])
def test_an_unknown_broadcast_has_no_report(whiz: Whiz, body: Any, status: int) -> None:
    assert whiz.refusal("POST", "DeliveryReport", body)[0] == status


def test_the_oldest_that_are_over_are_forgotten(whiz: Whiz) -> None:
    first = whiz.send(whiz.single(ALICE, send_date="2041-01-01T00:00:00Z"))["broadcastID"]
    second = whiz.send(whiz.single(ALICE))["broadcastID"]
    tiny = {"recipient": ALICE, "sender": "A", "message_body": "B"}
    for _ in range(999):
        assert whiz.call("POST", "Broadcast/tiny", tiny).status_code == 200
    assert whiz.refusal("POST", "DeliveryReport", {"bid": second})[0] == 404
    assert whiz.result("POST", "DeliveryReport", {"bid": first}) == []
