"""Document 004, section Campaigns."""

from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import DEFAULT_CAMPAIGN, Whiz

START, END = "2020-07-22T21:00:00.000Z", "2020-09-25T21:00:00.000Z"


def test_it_works(whiz: Whiz) -> None:
    made = whiz.made("campaign", name="CampaignName", start_date=START, end_date=END)
    assert made == {
        "id": made["id"],
        "is_default": 0,
        "name": "CampaignName",
        "start_date": START,
        "end_date": END,
        "enabled": True,
    }
    listed = whiz.result("GET", "campaign?start=0")
    assert listed == [
        {
            "enabled": True,
            "id": made["id"],
            "is_default": 0,
            "name": "CampaignName",
            "start_date": START,
            "end_date": END,
            "userList": [{"campaign_id": made["id"], "user_id": 3191, "company_id": 3182}],
        },
        {
            "enabled": True,
            "id": DEFAULT_CAMPAIGN,
            "is_default": 1,
            "name": "Default campaign",
            "start_date": None,
            "end_date": None,
            "userList": [{"campaign_id": DEFAULT_CAMPAIGN, "user_id": 3191, "company_id": None}],
        },
    ]


def test_put_keeps_what_is_not_named(whiz: Whiz) -> None:
    made = whiz.made("campaign", name="CampaignName", start_date=START, end_date=END)
    later = "2021-03-25T21:00:00.000Z"
    assert whiz.result("PUT", f"campaign/{made['id']}", {"end_date": later}) == made | {"end_date": later}


def test_dates_are_told_in_utc(whiz: Whiz) -> None:
    made = whiz.made("campaign", name="Zones", start_date="2020-07-22T21:00:00+02:00")
    assert made["start_date"] == "2020-07-22T19:00:00.000Z"


@pytest.mark.parametrize(("given", "enabled"), [("0", 0), (0, 0), (False, 0), ("1", 1), (True, 1)])
def test_patch_switches_in_every_spelling(whiz: Whiz, given: Any, enabled: int) -> None:
    made = whiz.made("campaign", name="CampaignName")
    assert whiz.result("PATCH", f"campaign/{made['id']}", {"enabled": given}) == {
        "id": made["id"],
        "enabled": enabled,
    }
    names = [row["name"] for row in whiz.result("GET", "campaign?enabled=false")]
    assert names == ([] if enabled else ["CampaignName"])


def test_delete_disables(whiz: Whiz) -> None:
    made = whiz.made("campaign", name="CampaignName")
    assert whiz.result("DELETE", f"campaign/{made['id']}") is True
    assert [row["name"] for row in whiz.result("GET", "campaign")] == ["Default campaign"]
    assert [row["id"] for row in whiz.result("GET", "campaign?enabled=false")] == [made["id"]]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "name must be a string of 1 to 255 characters"),
        ({"name": 5}, "name must be a string"),
        ({"name": "x" * 256}, "name must be a string"),
        ({"name": "A", "start_date": "tomorrow"}, "start_date must be a date as of ISO 8601"),
        ({"name": "A", "start_date": 5}, "start_date must be a date"),
        ({"name": "A", "start_date": END, "end_date": START}, "end_date must not be before start_date"),
    ],
)
def test_it_rejects(whiz: Whiz, fields: dict[str, Any], sentence: str) -> None:
    status, message = whiz.refusal("POST", "campaign", fields)
    assert (status, message.partition(": ")[0]) == (400, "Bad Request -- Invalid parameters specified")
    assert sentence in message
    assert len(whiz.result("GET", "campaign")) == 1


def test_a_name_is_taken_once(whiz: Whiz) -> None:
    first, second = whiz.made("campaign", name="A"), whiz.made("campaign", name="B")
    assert whiz.refusal("POST", "campaign", {"name": "A"}) == (409, "Duplicate entry: name 'A' is taken")
    assert whiz.refusal("PUT", f"campaign/{second['id']}", {"name": "A", "end_date": END})[0] == 409
    assert whiz.result("GET", "campaign?filter=name=B")[0]["end_date"] is None
    whiz.result("DELETE", f"campaign/{first['id']}")
    assert whiz.made("campaign", name="A")["id"] != first["id"]
    assert whiz.refusal("PATCH", f"campaign/{first['id']}", {"enabled": True})[0] == 409


@pytest.mark.parametrize(
    ("method", "json"), [("PUT", {"name": "A"}), ("PATCH", {"enabled": 1}), ("DELETE", None)]
)
def test_an_unknown_one_is_not_found(whiz: Whiz, method: str, json: Any) -> None:
    assert whiz.refusal(method, "campaign/7", json) == (
        404,
        "Not found -- An entity is not found: there is no 7",
    )


def test_sending_needs_an_active_campaign_within_its_dates(whiz: Whiz) -> None:
    over = whiz.made("campaign", name="Over", start_date=START, end_date=END)["id"]
    later = whiz.made("campaign", name="Later", start_date="2099-01-01T00:00:00Z")["id"]
    gone = whiz.made("campaign", name="Gone")["id"]
    whiz.result("DELETE", f"campaign/{gone}")
    for campaign_id, status, part in [
        (over, 400, f"campaign_id {over} is outside its dates"),
        (later, 400, f"campaign_id {later} is outside its dates"),
        (gone, 404, f"{gone} is disabled"),
        (7, 404, "there is no 7"),
        ("", 400, "campaign_id must be a whole number"),
    ]:
        got, message = whiz.refusal("POST", "Broadcast", whiz.single("12015550123", campaign_id=campaign_id))
        assert (got, part in message) == (status, True), message
    assert whiz.accepted() == {}
