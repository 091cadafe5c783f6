from __future__ import annotations

from providers.connectors.messagewhiz.list_files import Preview
from providers.connectors.messagewhiz.outputs import Switched
from providers.connectors.messagewhiz.unsubscribe_lists import AddedNumbers, UnsubscribeList
from providers.connectors.operations import Upload
from tests.providers.connectors.messagewhiz_cases import enveloped
from tests.providers.connectors.operation_suite import Case, Documented, Multipart
from tests.providers.connectors.scripted import Reply

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/UnsubscribeList", "Create a Unsubscribe List (import a file)"),
    ("POST", "/api/3/unsubscribeList", "Create an Unsubscribe List (manually)"),
    ("POST", "/api/3/unsubscribeList/preview/{number}", "Preview an Unsubscribe List"),
    ("POST", "/api/3/UnsubscribeList/{id}/members", "Add Numbers to Unsubscribe List"),
    ("GET", "/api/3/unsubscribeList", "Get Unsubscribe Lists"),
    ("GET", "/api/3/unsubscribeList/{id}/members", "Get Numbers from Unsubscribe List"),
    ("GET", "/api/3/unsubscribeList/{id}/download", "Download an Unsubscribe List"),
    ("PUT", "/api/3/UnsubscribeList/{id}", "Modify an Unsubscribe List (import a file)"),
    ("PATCH", "/api/3/UnsubscribeList/{id}", "Modify an Unsubscribe List (import a file)"),
    ("DELETE", "/api/3/UnsubscribeList/{id}", "Disable an Unsubscribe List"),
]

CSV = b'"phone_number"\n"12015550111"\n"12015550122"\n"12015550133"\n"12015550144"\n'
NUMBERS = Upload("numbers_9.csv", CSV)
PREVIEW = {
    "data": [["phone_number"], ["12015550111"], ["12015550122"], ["12015550133"], ["12015550144"]],
    "isAllNum": [True, True, True, True],
    "isExceedLength50": [False, False, False, False],
    "isExceedLength255": [False, False, False, False],
    "isExceedLength5000": [False, False, False, False],
}
SEEN = Preview(
    (("phone_number",), ("12015550111",), ("12015550122",), ("12015550133",), ("12015550144",)),
    (True, True, True, True),
    (False, False, False, False),
    (False, False, False, False),
    (False, False, False, False),
)

CASES = [
    Case(
        "import_unsubscribe_list",
        lambda whiz: whiz.import_unsubscribe_list(
            name="FirstRecipientList",
            mapping={0: "phone_number", 1: "first_name"},
            doc=NUMBERS,
            truncate=True,
        ),
        "POST",
        "/api/3/UnsubscribeList?truncate=true",
        Multipart(
            {"name": "FirstRecipientList", "mapping": '{"0":"phone_number", "1":"first_name"}'},
            {"doc": ("numbers_9.csv", CSV)},
        ),
        enveloped(
            {
                "enabled": True,
                "id": 123,
                "name": "FirstRecipientList",
                "company_id": 1,
                "unsubscribers_amount": 10,
                "user_id": 1,
            }
        ),
        UnsubscribeList("123", "FirstRecipientList", True, 10, "1", "1"),
    ),
    Case(
        "create_unsubscribe_list",
        lambda whiz: whiz.create_unsubscribe_list(name="FirstUnsubscribeList", numbers=["447700900133"]),
        "POST",
        "/api/3/unsubscribeList",
        {"name": "FirstUnsubscribeList", "numbers": [447700900133]},
        enveloped(
            {
                "enabled": True,
                "id": 21534,
                "name": "FirstUnsubscribeList",
                "company_id": 3182,
                "unsubscribers_amount": 1,
                "user_id": 3191,
            }
        ),
        UnsubscribeList("21534", "FirstUnsubscribeList", True, 1, "3182", "3191"),
    ),
    Case(
        "preview_unsubscribe_list",
        lambda whiz: whiz.preview_unsubscribe_list(doc=NUMBERS, number=4),
        "POST",
        "/api/3/unsubscribeList/preview/4",
        Multipart({}, {"doc": ("numbers_9.csv", CSV)}),
        enveloped(PREVIEW),
        SEEN,
    ),
    Case(
        "preview_unsubscribe_list",
        lambda whiz: whiz.preview_unsubscribe_list(doc=NUMBERS),
        "POST",
        "/api/3/unsubscribeList/preview",
        Multipart({}, {"doc": ("numbers_9.csv", CSV)}),
        enveloped(PREVIEW),
        SEEN,
        name="without a number",
    ),
    Case(
        "add_unsubscribed_numbers",
        lambda whiz: whiz.add_unsubscribed_numbers(list_id=21534, numbers=["447700900133", "447700900122"]),
        "POST",
        "/api/3/UnsubscribeList/21534/members",
        {"numbers": ["447700900133", "447700900122"]},
        enveloped({"inserted": 2, "alreadyExists": 0, "notValid": 0}),
        AddedNumbers(inserted=2, already_exists=0, not_valid=0),
    ),
    Case(
        "list_unsubscribe_lists",
        lambda whiz: whiz.list_unsubscribe_lists(),
        "GET",
        "/api/3/unsubscribeList",
        None,
        enveloped([{"id": 21534, "name": "FirstUnsubscribeList", "enabled": 1, "unsubscribers_amount": 3}]),
        (UnsubscribeList("21534", "FirstUnsubscribeList", True, 3),),
    ),
    Case(
        "list_unsubscribe_lists",
        # The example for this prints /RecipientList.
        lambda whiz: whiz.list_unsubscribe_lists(name="FirstUnsubscribeList"),
        "GET",
        "/api/3/unsubscribeList?filter=name%3DFirstUnsubscribeList",
        None,
        enveloped([{"id": "21534", "name": "FirstUnsubscribeList", "enabled": "1"}]),
        (UnsubscribeList("21534", "FirstUnsubscribeList", True, None),),
        name="by name",
    ),
    Case(
        "list_unsubscribed_numbers",
        lambda whiz: whiz.list_unsubscribed_numbers(list_id=21534),
        "GET",
        "/api/3/unsubscribeList/21534/members",
        None,
        enveloped(
            [
                {"phone_number": "447700900122"},
                {"phone_number": "447700900165"},
                {"phone_number": 447700900133},
            ]
        ),
        ("447700900122", "447700900165", "447700900133"),
    ),
    Case(
        "download_unsubscribe_list",
        lambda whiz: whiz.download_unsubscribe_list(list_id=21534),
        "GET",
        "/api/3/unsubscribeList/21534/download",
        None,
        Reply(200, CSV, {"content-type": "application/octet-stream"}),
        CSV,
    ),
    Case(
        "replace_unsubscribe_list",
        lambda whiz: whiz.replace_unsubscribe_list(
            list_id=21534, mapping={0: "phone_number"}, doc=Upload("UnsubscribeList.csv", CSV)
        ),
        "PUT",
        "/api/3/UnsubscribeList/21534",
        Multipart({"mapping": '{"0":"phone_number"}'}, {"doc": ("UnsubscribeList.csv", CSV)}),
        enveloped(
            {
                "enabled": True,
                "id": 21534,
                "name": "FirstUnsubscribeList",
                "company_id": 3182,
                "unsubscribers_amount": 4,
                "user_id": 3191,
            }
        ),
        UnsubscribeList("21534", "FirstUnsubscribeList", True, 4, "3182", "3191"),
    ),
    Case(
        "patch_unsubscribe_list",
        lambda whiz: whiz.patch_unsubscribe_list(list_id=21534, enabled=False),
        "PATCH",
        "/api/3/UnsubscribeList/21534",
        {"enabled": False},
        enveloped({"id": 21534, "enabled": False}),
        Switched("21534", False),
    ),
    Case(
        "disable_unsubscribe_list",
        lambda whiz: whiz.disable_unsubscribe_list(list_id=21567),
        "DELETE",
        "/api/3/UnsubscribeList/21567",
        None,
        enveloped(True),
        None,
    ),
]

IMPOSSIBLE = [
    (
        "unsubscribe list without a name",
        lambda whiz: whiz.create_unsubscribe_list(name=" ", numbers=["447700900133"]),
        "The unsubscribe list has no name",
    ),
    (
        "unsubscribe list of nobody",
        lambda whiz: whiz.create_unsubscribe_list(name="x", numbers=[]),
        "numbers is []: give a list of at least one number",
    ),
    (
        "unsubscribed number with blanks",
        lambda whiz: whiz.add_unsubscribed_numbers(list_id=1, numbers=["44 7700 900133"]),
        "The number “44 7700 900133” is not in the international format",
    ),
    (
        "unsubscribe list from a file of another kind",
        lambda whiz: whiz.import_unsubscribe_list(
            name="x", mapping={0: "phone_number"}, doc=Upload("x.txt", b"447700900133")
        ),
        "The file “x.txt” is none of",
    ),
    (
        "replacing opt-outs by nothing",
        lambda whiz: whiz.replace_unsubscribe_list(
            list_id=1, mapping={0: "phone_number"}, doc=Upload("x.csv", b"")
        ),
        "The file “x.csv” is empty",
    ),
    (
        "replacing opt-outs without a column of numbers",
        lambda whiz: whiz.replace_unsubscribe_list(list_id=1, mapping={0: "email"}, doc=NUMBERS),
        "phone_number once",
    ),
    (
        "members of no list",
        lambda whiz: whiz.list_unsubscribed_numbers(list_id=" "),
        "list_id “ ” is no id",
    ),
]
