from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from providers.connectors.messagewhiz.campaigns import Campaign, CampaignUser
from providers.connectors.messagewhiz.outputs import Switched
from tests.providers.connectors.messagewhiz_cases import enveloped
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/campaign", "Create a Campaign"),
    ("GET", "/api/3/campaign", "Get Campaigns"),
    ("PUT", "/api/3/campaign/{id}", "Modify a Campaign"),
    ("PATCH", "/api/3/campaign/{id}", "Modify a Campaign"),
    ("DELETE", "/api/3/campaign/{id}", "Disable a Campaign"),
]

START = datetime(2020, 7, 22, 21, tzinfo=UTC)
END = datetime(2020, 9, 25, 21, tzinfo=UTC)
LATER = datetime(2021, 3, 25, 21, tzinfo=UTC)
NAMED = {
    "id": 46279,
    "is_default": 0,
    "name": "CampaignName",
    "start_date": "2020-07-22T21:00:00.000Z",
    "end_date": "2020-09-25T21:00:00.000Z",
    "enabled": True,
}
DEFAULT = {
    "enabled": True,
    "id": 34641,
    "is_default": 1,
    "name": "Default campaign",
    "start_date": None,
    "end_date": None,
    "userList": [{"campaign_id": 34641, "user_id": 3191, "company_id": None}],
}

CASES = [
    Case(
        "create_campaign",
        lambda whiz: whiz.create_campaign(name="CampaignName", start_date=START, end_date=END),
        "POST",
        "/api/3/campaign",
        {
            "name": "CampaignName",
            "start_date": "2020-07-22T21:00:00.000Z",
            "end_date": "2020-09-25T21:00:00.000Z",
        },
        enveloped(NAMED),
        Campaign("46279", "CampaignName", START, END, True, False),
    ),
    Case(
        "create_campaign",
        lambda whiz: whiz.create_campaign(name="Forever"),
        "POST",
        "/api/3/campaign",
        {"name": "Forever"},
        enveloped({"id": "9007199254740993", "name": "Forever", "end_date": ""}),
        Campaign("9007199254740993", "Forever", None, None, None, None),
        name="without dates, and little told",
    ),
    Case(
        "list_campaigns",
        lambda whiz: whiz.list_campaigns(start=0),
        "GET",
        "/api/3/campaign?start=0",
        None,
        enveloped(
            [
                {**NAMED, "userList": [{"campaign_id": 46279, "user_id": 3191, "company_id": 3182}]},
                DEFAULT,
            ]
        ),
        (
            Campaign(
                "46279",
                "CampaignName",
                START,
                END,
                True,
                False,
                (CampaignUser("46279", "3191", "3182"),),
            ),
            Campaign(
                "34641", "Default campaign", None, None, True, True, (CampaignUser("34641", "3191", ""),)
            ),
        ),
    ),
    Case(
        "list_campaigns",
        lambda whiz: whiz.list_campaigns(limit=2, enabled=False),
        "GET",
        "/api/3/campaign?limit=2&enabled=false",
        None,
        enveloped([{**NAMED, "enabled": "0"}, {**DEFAULT, "enabled": 0, "userList": None}]),
        (
            Campaign("46279", "CampaignName", START, END, False, False),
            Campaign("34641", "Default campaign", None, None, False, True),
        ),
        name="the first two inactive ones",
    ),
    Case(
        "list_campaigns",
        lambda whiz: whiz.list_campaigns(name="CampaignName"),
        "GET",
        "/api/3/campaign?filter=name%3DCampaignName",
        None,
        enveloped([]),
        (),
        name="by the name",
    ),
    Case(
        "update_campaign",
        lambda whiz: whiz.update_campaign(
            campaign_id=46279, end_date=LATER.astimezone(timezone(timedelta(hours=-5)))
        ),
        "PUT",
        "/api/3/campaign/46279",
        {"end_date": "2021-03-25T21:00:00.000Z"},
        enveloped({**NAMED, "end_date": "2021-03-25T21:00:00.000Z"}),
        Campaign("46279", "CampaignName", START, LATER, True, False),
    ),
    Case(
        "patch_campaign",
        lambda whiz: whiz.patch_campaign(campaign_id="46279", enabled=True),
        "PATCH",
        "/api/3/campaign/46279",
        # The document's example has "1" here, true or false elsewhere.
        {"enabled": True},
        enveloped({"id": 46279, "enabled": 1}),
        Switched("46279", True),
    ),
    Case(
        "disable_campaign",
        lambda whiz: whiz.disable_campaign(campaign_id=46317),
        "DELETE",
        "/api/3/campaign/46317",
        None,
        enveloped(True),
        None,
    ),
]

IMPOSSIBLE = [
    ("campaign without a name", lambda whiz: whiz.create_campaign(name=" "), "has no name"),
    (
        "campaign that ends before it starts",
        lambda whiz: whiz.create_campaign(name="x", start_date=END, end_date=START),
        "end_date 2020-07-22T21:00:00.000Z lies before start_date 2020-09-25T21:00:00.000Z",
    ),
    (
        "date without a zone",
        lambda whiz: whiz.create_campaign(name="x", start_date=datetime(2020, 7, 22, 21)),
        "start_date 2020-07-22 21:00:00 has no time zone",
    ),
    ("no campaigns", lambda whiz: whiz.list_campaigns(limit=0), "limit is 0"),
    ("campaigns before the first", lambda whiz: whiz.list_campaigns(start=-1), "start is -1"),
    (
        "campaign as it is",
        lambda whiz: whiz.update_campaign(campaign_id=46279),
        "give one of name, start_date, end_date",
    ),
    (
        "campaign whose name goes",
        lambda whiz: whiz.update_campaign(campaign_id=46279, name=""),
        "has no name",
    ),
    (
        "campaign without an id",
        lambda whiz: whiz.disable_campaign(campaign_id=""),
        "campaign_id “” is no id",
    ),
    (
        "campaign with a path for an id",
        lambda whiz: whiz.patch_campaign(campaign_id="../sender/1", enabled=False),
        "campaign_id “../sender/1” is no id",
    ),
]
