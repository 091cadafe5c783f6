from __future__ import annotations

from providers.connectors.messagewhiz.outputs import Switched
from providers.connectors.messagewhiz.sender_lists import ListedSender, SenderList
from tests.providers.connectors.messagewhiz_cases import enveloped
from tests.providers.connectors.operation_suite import Case, Documented

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/senderList", "Create a Sender List"),
    ("POST", "/api/3/senderList/{listId}/senders", "Add Senders to a Sender List"),
    ("GET", "/api/3/senderList", "Get Sender Lists"),
    ("GET", "/api/3/senderList/{id}/senders", "Get Senders from the List"),
    # Its example prints GET, its address /sendertList/{id}.
    ("PUT", "/api/3/senderList/{id}", "Modify a Sender List"),
    # Its address is printed as /RecipientList/{id}, its example is right.
    ("PATCH", "/api/3/senderList/{id}", "Modify a Sender List"),
    ("DELETE", "/api/3/senderList/{id}", "Disable a Sender List"),
    ("DELETE", "/api/3/senderList/{listID}/senders", "Disable a Sender in the Sender List"),
]

CASES = [
    Case(
        "create_sender_list",
        lambda whiz: whiz.create_sender_list(name="FirstSenderList", sender_ids=["28938892", 28905674]),
        "POST",
        "/api/3/senderList",
        {"name": "FirstSenderList", "senderIds": [28938892, 28905674]},
        enveloped({"id": 5456, "name": "FirstSenderList", "enabled": True, "count": 2}),
        SenderList("5456", "FirstSenderList", True, 2),
    ),
    Case(
        "add_senders_to_list",
        lambda whiz: whiz.add_senders_to_list(list_id=5456, sender_ids=[28899614, 28899615]),
        "POST",
        "/api/3/senderList/5456/senders",
        {"ids": [28899614, 28899615]},
        enveloped([28899614, "28899615"]),
        ("28899614", "28899615"),
    ),
    Case(
        "add_senders_to_list",
        lambda whiz: whiz.add_senders_to_list(list_id=5456, sender_ids=[1]),
        "POST",
        "/api/3/senderList/5456/senders",
        {"ids": [1]},
        enveloped([]),
        (),
        name="none of which is there",
    ),
    Case(
        "list_sender_lists",
        lambda whiz: whiz.list_sender_lists(),
        "GET",
        "/api/3/senderList",
        None,
        enveloped(
            [
                {"enabled": True, "id": 5456, "name": "FirstSenderList", "count": 2},
                {"enabled": "1", "id": 5455, "name": "SenderList", "count": "1"},
            ]
        ),
        (SenderList("5456", "FirstSenderList", True, 2), SenderList("5455", "SenderList", True, 1)),
    ),
    Case(
        "list_sender_lists",
        lambda whiz: whiz.list_sender_lists(limit=100, start=0, enabled=True, name="SenderList"),
        "GET",
        "/api/3/senderList?limit=100&enabled=true&filter=name%3DSenderList&start=0",
        None,
        enveloped([]),
        (),
        name="with all parameters",
    ),
    Case(
        "list_senders_in_list",
        lambda whiz: whiz.list_senders_in_list(list_id=5456),
        "GET",
        "/api/3/senderList/5456/senders",
        None,
        enveloped(
            {
                "id": 5456,
                "senders": [
                    {"senderId": 28905674, "name": "test2"},
                    {"senderId": 28938892, "name": "FirstSender"},
                ],
            }
        ),
        (ListedSender("28905674", "test2"), ListedSender("28938892", "FirstSender")),
    ),
    Case(
        "update_sender_list",
        lambda whiz: whiz.update_sender_list(list_id=5456, name="New", sender_ids=[28938892, 28905674]),
        "PUT",
        "/api/3/senderList/5456",
        {"name": "New", "senderIds": [28938892, 28905674]},
        enveloped({"id": 5456, "name": "New", "enabled": True, "count": 2}),
        SenderList("5456", "New", True, 2),
    ),
    Case(
        "update_sender_list",
        lambda whiz: whiz.update_sender_list(list_id=5456, enabled=False),
        "PUT",
        "/api/3/senderList/5456",
        {"enabled": False},
        enveloped({"id": 5456, "name": "New", "enabled": False, "count": 2}),
        SenderList("5456", "New", False, 2),
        name="only its status",
    ),
    Case(
        "patch_sender_list",
        lambda whiz: whiz.patch_sender_list(list_id=5456, enabled=True),
        "PATCH",
        "/api/3/senderList/5456",
        {"enabled": True},
        enveloped({"id": 5456, "enabled": 1}),
        Switched("5456", True),
    ),
    Case(
        "disable_sender_list",
        lambda whiz: whiz.disable_sender_list(list_id=5457),
        "DELETE",
        "/api/3/senderList/5457",
        None,
        enveloped(True),
        None,
    ),
    Case(
        "remove_sender_from_list",
        lambda whiz: whiz.remove_sender_from_list(list_id=5456, sender_id=28905674),
        "DELETE",
        "/api/3/senderList/5456/senders?id=28905674",
        None,
        enveloped(True),
        None,
    ),
]

IMPOSSIBLE = [
    (
        "sender list without a name",
        lambda whiz: whiz.create_sender_list(name="", sender_ids=[1]),
        "The sender list has no name",
    ),
    (
        "sender list without senders",
        lambda whiz: whiz.create_sender_list(name="x", sender_ids=[]),
        "sender_ids is []: give a list of at least one id",
    ),
    (
        "one text for several ids",
        lambda whiz: whiz.add_senders_to_list(list_id=1, sender_ids="28899614"),
        "sender_ids is '28899614': give a list",
    ),
    (
        "sender by name",
        lambda whiz: whiz.add_senders_to_list(list_id=1, sender_ids=[1, "test"]),
        "sender_ids “test” is no id",
    ),
    (
        "sender list as it is",
        lambda whiz: whiz.update_sender_list(list_id=1),
        "give one of name, senderIds, enabled",
    ),
    (
        "sender list that would be emptied",
        lambda whiz: whiz.update_sender_list(list_id=1, sender_ids=[]),
        "sender_ids is []",
    ),
    (
        "no sender removed",
        lambda whiz: whiz.remove_sender_from_list(list_id=1, sender_id=""),
        "sender_id “” is no id",
    ),
]
