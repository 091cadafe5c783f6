from __future__ import annotations

from providers.connectors.messagewhiz.list_files import Preview
from providers.connectors.messagewhiz.recipient_lists import Recipient, RecipientImport, RecipientList
from providers.connectors.operations import Upload
from tests.providers.connectors.messagewhiz_cases import enveloped
from tests.providers.connectors.operation_suite import Case, Documented, Multipart
from tests.providers.connectors.scripted import Reply

DOCUMENTED: list[Documented] = [
    ("POST", "/api/3/RecipientList", "Create a Recipient List (import a file)"),
    ("POST", "/api/3/recipientList/numbers", "Create a Recipient List (manually)"),
    ("POST", "/api/3/recipientList/{number}/preview", "Preview a Recipient List"),
    ("GET", "/api/3/RecipientList", "Get Recipient Lists"),
    ("GET", "/api/3/recipientList/{id}/recipients", "Get Recipients from Recipient List"),
    ("GET", "/api/3/recipientList/{id}/listNumbers", "Get Numbers from Recipient List"),
    ("GET", "/api/3/recipientList/{id}/download", "Download a Recipient List"),
    ("PUT", "/api/3/recipientList/{id}/numbers", "Modify a Recipient List (manually)"),
    ("PATCH", "/api/3/RecipientList/{id}", "Modify a Recipient List (manually)"),
    ("PUT", "/api/3/recipientList/{id}", "Modify a Recipient List (import a file)"),
    ("DELETE", "/api/3/RecipientList/{id}", "Disable a Recipient List"),
]

CSV = (
    b'"phone_number";"first_name"\n'
    b'"12015550111";"Anthony"\n"12015550122";"Bob"\n"12015550133";"Jonathan"\n"12015550144";"Alex"\n'
)
NUMBERS = Upload("numbers_9.csv", CSV, "text/csv")
PEOPLE = [
    ("12015550111", "Anthony"),
    ("12015550122", "Bob"),
    ("12015550133", "Jonathan"),
    ("12015550144", "Alex"),
]
PREVIEW = {
    "data": [["phone_number", "first_name"], *[list(person) for person in PEOPLE]],
    "isAllNum": [True, False],
    "isExceedLength50": [False, False],
    "isExceedLength255": [False, False],
    "isExceedLength5000": [False, False],
}

CASES = [
    Case(
        "import_recipient_list",
        lambda whiz: whiz.import_recipient_list(
            name="FirstRecipientList",
            mapping={0: "phone_number", 1: "first_name"},
            doc=NUMBERS,
            truncate=True,
        ),
        "POST",
        "/api/3/RecipientList?truncate=true",
        Multipart(
            {"name": "FirstRecipientList", "mapping": '{"0":"phone_number", "1":"first_name"}'},
            {"doc": ("numbers_9.csv", CSV)},
        ),
        enveloped({"inserted": 4, "total": 4, "wrong": 0, "duplicate": 0, "recipient_list_id": 267628}),
        RecipientImport("267628", inserted=4, wrong=0, duplicate=0, total=4, count=None),
    ),
    Case(
        "import_recipient_list",
        lambda whiz: whiz.import_recipient_list(
            name="Kunden, März", mapping={1: "phone_number"}, doc=Upload("März.XLSX", b"PK\x03\x04")
        ),
        "POST",
        "/api/3/RecipientList",
        Multipart(
            {"name": "Kunden, März", "mapping": '{"1":"phone_number"}'},
            {"doc": ("März.XLSX", b"PK\x03\x04")},
        ),
        enveloped({"recipient_list_id": "9007199254740993", "inserted": "4"}),
        RecipientImport("9007199254740993", inserted=4, wrong=None, duplicate=None, total=None, count=None),
        name="nothing is cut, and little told",
    ),
    Case(
        "create_recipient_list",
        lambda whiz: whiz.create_recipient_list(
            name="ManuallyAddedList", numbers=["447700900123", "12015550123"]
        ),
        "POST",
        "/api/3/recipientList/numbers",
        {"name": "ManuallyAddedList", "numbers": ["447700900123", "12015550123"]},
        enveloped(
            {
                "inserted": 2,
                "wrong": 0,
                "duplicate": 0,
                "total": 2,
                "recipient_list_id": 267888,
                "count": 2,
            }
        ),
        RecipientImport("267888", inserted=2, wrong=0, duplicate=0, total=2, count=2),
    ),
    Case(
        "preview_recipient_list",
        lambda whiz: whiz.preview_recipient_list(doc=NUMBERS),
        "POST",
        "/api/3/recipientList/1/preview",
        Multipart({}, {"doc": ("numbers_9.csv", CSV)}),
        enveloped(PREVIEW),
        Preview(
            (("phone_number", "first_name"), *PEOPLE),
            (True, False),
            (False, False),
            (False, False),
            (False, False),
        ),
    ),
    Case(
        "preview_recipient_list",
        lambda whiz: whiz.preview_recipient_list(doc=NUMBERS, number=6),
        "POST",
        "/api/3/recipientList/6/preview",
        Multipart({}, {"doc": ("numbers_9.csv", CSV)}),
        enveloped({"data": [[12015550111, None, " x "], []], "isAllNum": ["1", 0, "false"]}),
        Preview((("12015550111", "", " x "), ()), (True, False, False), (), (), ()),
        name="with another number, cells of other kinds and flags of other lengths",
    ),
    Case(
        "list_recipient_lists",
        lambda whiz: whiz.list_recipient_lists(),
        "GET",
        "/api/3/RecipientList",
        None,
        enveloped(
            [
                {"id": 267891, "name": "SecondRecipientList", "enabled": 1, "count": 4},
                {"id": 267888, "name": "ManuallyAddedList", "enabled": 1, "count": 2},
                {"id": 267628, "name": "FirstRecipientList", "enabled": 1, "count": 4},
                {"id": 222345, "name": "ev", "enabled": 1, "count": 1},
            ]
        ),
        (
            RecipientList("267891", "SecondRecipientList", True, 4),
            RecipientList("267888", "ManuallyAddedList", True, 2),
            RecipientList("267628", "FirstRecipientList", True, 4),
            RecipientList("222345", "ev", True, 1),
        ),
    ),
    Case(
        "list_recipient_lists",
        lambda whiz: whiz.list_recipient_lists(name="SecondRecipientList"),
        "GET",
        "/api/3/RecipientList?filter=name%3DSecondRecipientList",
        None,
        enveloped([{"id": 267891, "name": "SecondRecipientList", "enabled": 1, "count": 4}]),
        (RecipientList("267891", "SecondRecipientList", True, 4),),
        name="by name",
    ),
    Case(
        "list_recipient_lists",
        lambda whiz: whiz.list_recipient_lists(limit=5, start=10, enabled=True, name="Tea & cake"),
        "GET",
        "/api/3/RecipientList?limit=5&enabled=true&filter=name%3DTea%20%26%20cake&start=10",
        None,
        enveloped([{"id": "1"}]),
        (RecipientList("1", "", None, None),),
        name="with all parameters, and little told",
    ),
    Case(
        "list_recipients",
        lambda whiz: whiz.list_recipients(list_id=267628),
        "GET",
        "/api/3/recipientList/267628/recipients",
        None,
        enveloped(
            [{"phone_number": int(number), "first_name": name} for number, name in PEOPLE]
            + [
                {
                    "phone_number": "+12015550155",
                    "last_name": "Ärmel",
                    "email": "eve@example.com",
                    "url": "https://example.com/?a=b",
                    "custom": "x" * 5000,
                    "first_name": None,
                }
            ]
        ),
        (
            *(Recipient(number, name) for number, name in PEOPLE),
            Recipient(
                "12015550155",
                "",
                "Ärmel",
                "eve@example.com",
                "https://example.com/?a=b",
                "x" * 5000,
            ),
        ),
    ),
    Case(
        "list_recipient_numbers",
        lambda whiz: whiz.list_recipient_numbers(list_id=267628),
        "GET",
        "/api/3/recipientList/267628/listNumbers",
        None,
        enveloped(["12015550111", "12015550122", "12015550133", 12015550144]),
        ("12015550111", "12015550122", "12015550133", "12015550144"),
    ),
    Case(
        "download_recipient_list",
        lambda whiz: whiz.download_recipient_list(list_id=267628),
        "GET",
        "/api/3/recipientList/267628/download",
        None,
        Reply(200, CSV, {"content-type": "text/csv"}),
        CSV,
    ),
    Case(
        "add_recipient_numbers",
        lambda whiz: whiz.add_recipient_numbers(list_id=267891, name="Mw-manual", numbers=["447700900127"]),
        "PUT",
        "/api/3/recipientList/267891/numbers",
        {"name": "Mw-manual", "numbers": ["447700900127"]},
        enveloped(
            {
                "inserted": 1,
                "wrong": 0,
                "duplicate": 0,
                "total": 1,
                "recipient_list_id": 267891,
                "count": 5,
            }
        ),
        RecipientImport("267891", inserted=1, wrong=0, duplicate=0, total=1, count=5),
    ),
    Case(
        "patch_recipient_list",
        lambda whiz: whiz.patch_recipient_list(list_id=267891, name="EditingList"),
        "PATCH",
        "/api/3/RecipientList/267891",
        {"name": "EditingList"},
        enveloped({"name": "EditingList", "enabled": True, "count": 5}),
        RecipientList("267891", "EditingList", True, 5),
    ),
    Case(
        "replace_recipient_list",
        lambda whiz: whiz.replace_recipient_list(
            list_id=267891,
            name="NewList",
            mapping={0: "phone_number", 1: "first_name", 2: "last_name"},
            doc=Upload("RecipientList.csv", b"12015550111;Anthony;Hope\n"),
        ),
        "PUT",
        "/api/3/recipientList/267891",
        Multipart(
            {
                "name": "NewList",
                "mapping": '{"0":"phone_number", "1":"first_name", "2":"last_name"}',
            },
            {"doc": ("RecipientList.csv", b"12015550111;Anthony;Hope\n")},
        ),
        enveloped({"inserted": 4, "total": 4, "wrong": 0, "duplicate": 0, "recipient_list_id": 267891}),
        RecipientImport("267891", inserted=4, wrong=0, duplicate=0, total=4, count=None),
    ),
    Case(
        "disable_recipient_list",
        lambda whiz: whiz.disable_recipient_list(list_id=267891),
        "DELETE",
        "/api/3/RecipientList/267891",
        None,
        enveloped(True),
        None,
    ),
]


def imported(whiz, **changed):  # type: ignore[no-untyped-def]  # a test's fixtures
    return whiz.import_recipient_list(
        **{"name": "x", "mapping": {0: "phone_number"}, "doc": NUMBERS, **changed}
    )


IMPOSSIBLE = [
    ("file without a name", lambda whiz: imported(whiz, name=""), "has no name"),
    ("file of another kind", lambda whiz: imported(whiz, doc=Upload("list.pdf", b"x")), "“list.pdf”"),
    ("file with nothing in it", lambda whiz: imported(whiz, doc=Upload("x.csv", b"")), "is empty"),
    ("no column", lambda whiz: imported(whiz, mapping={}), "phone_number once"),
    (
        "no column of numbers",
        lambda whiz: imported(whiz, mapping={0: "first_name"}),
        "phone_number once",
    ),
    (
        "two columns of numbers",
        lambda whiz: imported(whiz, mapping={0: "phone_number", 1: "phone_number"}),
        "phone_number once",
    ),
    (
        "unknown marker",
        lambda whiz: imported(whiz, mapping={0: "phone_number", 1: "gender"}),
        "“gender”: choose from phone_number, first_name, last_name, email, url, custom",
    ),
    ("column before the first", lambda whiz: imported(whiz, mapping={-1: "phone_number"}), "column -1"),
    (
        "list of nobody",
        lambda whiz: whiz.create_recipient_list(name="x", numbers=[]),
        "at least one number",
    ),
    (
        "text for a list of numbers",
        lambda whiz: whiz.create_recipient_list(name="x", numbers="12015550123"),
        "numbers is '12015550123': give a list",
    ),
    (
        "number with a plus",
        lambda whiz: whiz.create_recipient_list(name="x", numbers=["12015550123", "+447700900123"]),
        "The number “+447700900123” is not in the international format",
    ),
    (
        "number without a country code",
        lambda whiz: whiz.add_recipient_numbers(list_id=1, numbers=["07700900123"]),
        "“07700900123”",
    ),
    (
        "number that is too long",
        lambda whiz: whiz.add_recipient_numbers(list_id=1, numbers=["1" * 16]),
        "“1111111111111111”",
    ),
    (
        "nothing to add",
        lambda whiz: whiz.add_recipient_numbers(list_id=1),
        "give one of name, numbers",
    ),
    (
        "recipient list renamed to nothing",
        lambda whiz: whiz.patch_recipient_list(list_id=1, name=" "),
        "name",
    ),
    (
        "replacing with a file of another kind",
        lambda whiz: whiz.replace_recipient_list(
            list_id=1, name="x", mapping={0: "phone_number"}, doc=Upload("csv", b"x")
        ),
        "is none of .csv, .xls, .xlsx",
    ),
    (
        "replacing without a column of numbers",
        lambda whiz: whiz.replace_recipient_list(list_id=1, name="x", mapping={}, doc=NUMBERS),
        "phone_number once",
    ),
    (
        "preview of nothing",
        lambda whiz: whiz.preview_recipient_list(doc=Upload("x.csv", b"")),
        "is empty",
    ),
    (
        "recipients of no list",
        lambda whiz: whiz.list_recipients(list_id=0),
        "list_id “0” is no id",
    ),
]
