"""“Triggers”."""

from __future__ import annotations

from providers.connectors.messagewhiz import Trigger
from tests.providers.connectors.messagewhiz_sending_cases import Impossible, envelope
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/trigger", "Create a Trigger"),
    ("GET", "/api/3/trigger", "Get a Trigger"),
    ("PUT", "/api/3/trigger/{id}", "Modify a Trigger"),
    ("DELETE", "/api/3/trigger/{id}", "Disable a Trigger"),
]

UUID = "1fbea646-7d1e-4475-9f50-26aec1bf3482"
SHORT_URL = "https://example.com/jBR4d"
ROW = {"id": 5677, "name": "newTrigger", "uuid": UUID, "enabled": 1, "short_url": SHORT_URL}

CASES = [
    Case(
        "create_trigger",
        lambda vendor: vendor.create_trigger(name="newTrigger"),
        "POST",
        "/api/3/trigger",
        {"name": "newTrigger"},
        envelope({**ROW, "trigger_type_id": 1}),
        Trigger("5677", "newTrigger", UUID, True, SHORT_URL, 1),
    ),
    Case(
        "list_triggers",
        lambda vendor: vendor.list_triggers(),
        "GET",
        "/api/3/trigger",
        None,
        envelope(
            [
                {
                    **ROW,
                    "trigger_type_id": 1,
                    "details": None,
                    "date": None,
                    "flight_details.flight_number": None,
                    "flight_details.arrival_date": None,
                }
            ]
        ),
        (Trigger("5677", "newTrigger", UUID, True, SHORT_URL, 1),),
    ),
    Case(
        "list_triggers",
        lambda vendor: vendor.list_triggers(limit=2, start=4, enabled=False, name="new trigger"),
        "GET",
        "/api/3/trigger?limit=2&enabled=false&filter=name%3Dnew%20trigger&start=4",
        None,
        envelope(
            [
                {
                    **ROW,
                    "id": "5678",
                    "enabled": "0",
                    "trigger_type_id": "2",
                    "details": "gate 7",
                    "date": "2021-03-01",
                    "flight_details.flight_number": "CR 12",
                    "flight_details.arrival_date": "2021-03-02",
                }
            ]
        ),
        (
            Trigger(
                "5678",
                "newTrigger",
                UUID,
                False,
                SHORT_URL,
                2,
                "gate 7",
                "2021-03-01",
                "CR 12",
                "2021-03-02",
            ),
        ),
        name="with all parameters",
    ),
    Case(
        "update_trigger",
        lambda vendor: vendor.update_trigger(trigger_id=5677, name="#"),
        "PUT",
        "/api/3/trigger/5677",
        {"name": "#"},
        envelope({**ROW, "name": "#"}),
        Trigger("5677", "#", UUID, True, SHORT_URL),
    ),
    Case(
        "disable_trigger",
        lambda vendor: vendor.disable_trigger(trigger_id="5677"),
        "DELETE",
        "/api/3/trigger/5677",
        None,
        envelope(True),
        None,
    ),
]

IMPOSSIBLE: list[Impossible] = [
    ("no name", lambda vendor: vendor.create_trigger(name=" "), "The trigger has no name: give it one."),
    (
        "no new name",
        lambda vendor: vendor.update_trigger(trigger_id=5677, name=""),
        "The trigger has no name",
    ),
    (
        "no id",
        lambda vendor: vendor.disable_trigger(trigger_id=""),
        "trigger_id “” is no id: give the number",
    ),
    (
        "an id that is a path",
        lambda vendor: vendor.disable_trigger(trigger_id="../link/1"),
        "trigger_id “../link/1” is no id",
    ),
    (
        "limit 0",
        lambda vendor: vendor.list_triggers(limit=0),
        "limit is 0: ask for 1 or more items",
    ),
    (
        "start before the first",
        lambda vendor: vendor.list_triggers(start=-1),
        "start is -1: it counts the items to skip",
    ),
]
