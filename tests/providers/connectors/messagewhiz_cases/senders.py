from __future__ import annotations

from providers.connectors.messagewhiz.outputs import Switched
from providers.connectors.messagewhiz.senders import Sender
from tests.providers.connectors.messagewhiz_cases import enveloped
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/sender", "Create a Sender"),
    ("GET", "/api/3/sender", "Get Senders"),
    ("PUT", "/api/3/sender/{id}", "Modify a Sender"),
    ("PATCH", "/api/3/sender/{id}", "Modify a Sender"),
    ("DELETE", "/api/3/sender/{id}", "Disable a Sender"),
]

CASES = [
    Case(
        "create_sender",
        lambda whiz: whiz.create_sender(name="FirstSender"),
        "POST",
        "/api/3/sender",
        {"name": "FirstSender"},
        enveloped({"id": 28938892, "name": "FirstSender", "enabled": True}),
        Sender("28938892", "FirstSender", True),
    ),
    Case(
        "list_senders",
        lambda whiz: whiz.list_senders(),
        "GET",
        "/api/3/sender",
        None,
        enveloped(
            [
                {"enabled": True, "id": 28938892, "name": "FirstSender"},
                {"enabled": True, "id": 28905672, "name": "test"},
            ]
        ),
        (Sender("28938892", "FirstSender", True), Sender("28905672", "test", True)),
    ),
    Case(
        "list_senders",
        lambda whiz: whiz.list_senders(limit=1, start=3, enabled=False, name="12015550123"),
        "GET",
        "/api/3/sender?limit=1&enabled=false&filter=name%3D12015550123&start=3",
        None,
        enveloped([{"enabled": "0", "id": "28938892", "name": 12015550123}]),
        (Sender("28938892", "12015550123", False),),
        name="with all parameters, texts for numbers and numbers for texts",
    ),
    Case(
        "update_sender",
        lambda whiz: whiz.update_sender(sender_id=28905672, name="TestSender"),
        "PUT",
        "/api/3/sender/28905672",
        {"name": "TestSender"},
        enveloped({"id": 28905672, "name": "TestSender", "enabled": True}),
        Sender("28905672", "TestSender", True),
    ),
    Case(
        "update_sender",
        lambda whiz: whiz.update_sender(sender_id="28905672", name="TestSender", enabled=False),
        "PUT",
        "/api/3/sender/28905672",
        {"name": "TestSender", "enabled": False},
        enveloped({"id": 28905672, "name": "TestSender", "enabled": 0}),
        Sender("28905672", "TestSender", False),
        name="and its status",
    ),
    Case(
        "patch_sender",
        lambda whiz: whiz.patch_sender(sender_id=28905672, enabled=False),
        "PATCH",
        "/api/3/sender/28905672",
        {"enabled": False},
        enveloped({"id": 28905672, "enabled": 0}),
        Switched("28905672", False),
    ),
    Case(
        "disable_sender",
        lambda whiz: whiz.disable_sender(sender_id=28938891),
        "DELETE",
        "/api/3/sender/28938891",
        None,
        enveloped(True),
        None,
    ),
]

IMPOSSIBLE = [
    ("sender without a name", lambda whiz: whiz.create_sender(name=""), "The sender has no name"),
    (
        "sender as it is",
        lambda whiz: whiz.update_sender(sender_id=1),
        "The sender would stay as it is: give one of name, enabled",
    ),
    (
        "sender with a name for an id",
        lambda whiz: whiz.patch_sender(sender_id="TestSender", enabled=True),
        "sender_id “TestSender” is no id",
    ),
    ("fewer than no senders", lambda whiz: whiz.list_senders(limit=-5), "limit is -5"),
]
