"""Document 004, section Recipients."""

import json
from typing import Any

import pytest

from tests.providers.sandbox.messagewhiz.support import CAROL, Whiz
from tests.providers.sandbox.support import ALICE, BOB
from tests.providers.sandbox.test_sheets import xlsx
from tests.sandbox_process import SandboxProcess

DOC = f"phone_number,first_name\r\n{ALICE},Alice\r\n{BOB},Bob\r\n".encode()


def rows(whiz: Whiz, query: str = "") -> Any:
    return whiz.result("GET", f"RecipientList{query}")


def test_a_file_becomes_a_list(whiz: Whiz) -> None:
    made = whiz.result("POST", "RecipientList?truncate=true", **whiz.form(DOC, name="FirstRecipientList"))
    list_id = made["recipient_list_id"]
    assert made == {
        "inserted": 2,
        "total": 2,
        "wrong": 0,
        "duplicate": 0,
        "recipient_list_id": list_id,
    }
    assert rows(whiz) == [{"id": list_id, "name": "FirstRecipientList", "enabled": 1, "count": 2}]
    assert whiz.result("GET", f"recipientList/{list_id}/recipients") == [
        {"phone_number": int(ALICE), "first_name": "Alice"},
        {"phone_number": int(BOB), "first_name": "Bob"},
    ]
    assert whiz.result("GET", f"recipientList/{list_id}/listNumbers") == [ALICE, BOB]


def test_a_list_is_downloaded_with_semicolons(whiz: Whiz) -> None:
    doc = f'{ALICE};"Al ""the"" ice";\n{BOB};;https://example.com\n'
    list_id = whiz.import_list(doc, "phone_number", "first_name", "url")
    response = whiz.call("GET", f"recipientList/{list_id}/download")
    assert (response.status_code, response.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert response.text == (
        '"phone_number";"first_name";"url"\n'
        f'"{ALICE}";"Al ""the"" ice";""\n'
        f'"{BOB}";"";"https://example.com"\n'
    )


def test_a_spreadsheet_becomes_a_list(whiz: Whiz) -> None:
    doc = xlsx(
        '<row><c t="inlineStr"><is><t>Name</t></is></c><c t="inlineStr"><is><t>Number</t></is></c></row>'
        f'<row><c t="inlineStr"><is><t>Alice</t></is></c><c><v>{ALICE}</v></c></row>'
    )
    made = whiz.result(
        "POST", "RecipientList", **whiz.form(doc, {"1": "phone_number", "0": "first_name"}, "Sheet")
    )
    assert made["inserted"] == 1
    assert whiz.result("GET", f"recipientList/{made['recipient_list_id']}/recipients") == [
        {"phone_number": int(ALICE), "first_name": "Alice"}
    ]


def test_rows_are_counted(whiz: Whiz) -> None:
    doc = f"{ALICE}\n+{BOB}\n{ALICE}\n123\nAlice\n".encode()
    made = whiz.result("POST", "RecipientList", **whiz.form(doc, {"0": "phone_number"}, "Counted"))
    del made["recipient_list_id"]
    assert made == {"inserted": 2, "total": 5, "wrong": 2, "duplicate": 1}


@pytest.mark.parametrize(
    ("column", "longest"),
    [("first_name", 50), ("last_name", 50), ("email", 255), ("url", 255), ("custom", 5000)],
)
def test_long_values_are_refused_or_cut(whiz: Whiz, column: str, longest: int) -> None:
    form = whiz.form(f"{ALICE},{'x' * (longest + 1)}".encode(), {"0": "phone_number", "1": column}, "Long")
    status, message = whiz.refusal("POST", "RecipientList", **form)
    assert (status, f"{column} must not be longer than {longest} symbols" in message) == (400, True)
    made = whiz.result("POST", "RecipientList?truncate=true", **form)
    (alice,) = whiz.result("GET", f"recipientList/{made['recipient_list_id']}/recipients")
    assert alice[column] == "x" * longest


@pytest.mark.parametrize(
    ("doc", "mapping", "name", "sentence"),
    [
        (DOC, None, None, "name must be a string"),
        (None, None, "A", "doc must be a file"),
        (DOC, {"1": "first_name"}, "A", "mapping must name the column of phone_number"),
        (
            DOC,
            "not json",
            "A",
            "mapping must be a JSON object of column numbers and, once each, phone_number,",
        ),
        (DOC, {"0": "phone_number", "1": "shoe_size"}, "A", "mapping must be a JSON object"),
        (DOC, {"0": "phone_number", "1": "phone_number"}, "A", "mapping must be a JSON object"),
        (DOC, {"first": "phone_number"}, "A", "mapping must be a JSON object"),
        (DOC, ["phone_number"], "A", "mapping must be a JSON object"),
        (b"PK\x03\x04", None, "A", "doc is not a readable .xlsx file"),
        (b"\xd0\xcf\x11\xe0", None, "A", "doc is an .xls file, which is not read here"),
    ],
)
def test_a_file_may_be_refused(
    whiz: Whiz, doc: bytes | None, mapping: Any, name: str | None, sentence: str
) -> None:
    status, message = whiz.refusal("POST", "RecipientList", **whiz.form(doc, mapping, name))
    assert (status, sentence in message) == (400, True), message
    assert rows(whiz) == []


def test_a_body_that_is_no_form_is_refused(whiz: Whiz) -> None:
    status, message = whiz.refusal("POST", "RecipientList", {"name": "A"})
    assert (status, "not multipart/form-data" in message) == (400, True)


def test_numbers_become_a_list(whiz: Whiz) -> None:
    body = {"name": "ManuallyAddedList", "numbers": [ALICE, f"+{BOB}", int(CAROL), "123", None, ALICE]}
    made = whiz.result("POST", "recipientList/numbers", body)
    list_id = made["recipient_list_id"]
    assert made == {
        "inserted": 3,
        "wrong": 2,
        "duplicate": 1,
        "total": 6,
        "recipient_list_id": list_id,
        "count": 3,
    }
    assert whiz.result("GET", f"recipientList/{list_id}/recipients") == [
        {"phone_number": int(number)} for number in (ALICE, BOB, CAROL)
    ]


def test_put_numbers_adds_and_renames(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(ALICE)
    changed = whiz.result(
        "PUT", f"recipientList/{list_id}/numbers", {"name": "Mw-manual", "numbers": [ALICE, BOB]}
    )
    assert changed == {
        "inserted": 1,
        "wrong": 0,
        "duplicate": 1,
        "total": 2,
        "recipient_list_id": list_id,
        "count": 2,
    }
    assert rows(whiz)[0]["name"] == "Mw-manual"
    assert whiz.result("GET", f"recipientList/{list_id}/listNumbers") == [ALICE, BOB]


def test_put_file_replaces(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(CAROL)
    changed = whiz.result("PUT", f"recipientList/{list_id}", **whiz.form(DOC, name="NewList"))
    assert changed["inserted"] == 2
    assert whiz.result("GET", f"recipientList/{list_id}/listNumbers") == [ALICE, BOB]
    whiz.result("PUT", f"recipientList/{list_id}", **whiz.form(CAROL.encode(), {"0": "phone_number"}))
    assert rows(whiz) == [{"id": list_id, "name": "NewList", "enabled": 1, "count": 1}]


def test_patch_renames(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(ALICE, BOB)
    assert whiz.result("PATCH", f"RecipientList/{list_id}", {"name": "EditingList"}) == {
        "name": "EditingList",
        "enabled": True,
        "count": 2,
    }


def test_delete_disables_and_patch_brings_back(whiz: Whiz) -> None:
    list_id = whiz.recipient_list(ALICE)
    assert whiz.result("DELETE", f"RecipientList/{list_id}") is True
    assert rows(whiz) == []
    assert rows(whiz, "?enabled=0")[0]["enabled"] == 0
    assert whiz.refusal("POST", "Broadcast", whiz.base(list_id))[0] == 404
    whiz.result("PATCH", f"RecipientList/{list_id}", {"enabled": True})
    assert rows(whiz)[0]["count"] == 1


def test_preview_shows_and_warns_by_column(whiz: Whiz) -> None:
    doc = DOC + f"{CAROL},{'x' * 51}".encode()
    assert whiz.result("POST", "recipientList/6/preview", **whiz.form(doc, "")) == {
        "data": [["phone_number", "first_name"], [ALICE, "Alice"], [BOB, "Bob"], [CAROL, "x" * 51]],
        "isAllNum": [True, False],
        "isExceedLength50": [False, True],
        "isExceedLength255": [False, False],
        "isExceedLength5000": [False, False],
    }
    assert rows(whiz) == []


def test_preview_shows_ten_rows(whiz: Whiz) -> None:
    doc = "\n".join(f"120155501{number:02d}" for number in range(30)).encode()
    shown = whiz.result("POST", "recipientList/1/preview", **whiz.form(doc, ""))
    assert (len(shown["data"]), shown["isAllNum"]) == (10, [True])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", [f"List {number}" for number in range(11, 1, -1)]),
        ("?limit=2", ["List 11", "List 10"]),
        ("?limit=2&start=10", ["List 1", "List 0"]),
        ("?limit=100&start=20", []),
        ("?filter=name=List 3", ["List 3"]),
        ("?filter=name=List", []),
    ],
)
def test_lists_are_narrowed(whiz: Whiz, query: str, names: list[str]) -> None:
    for number in range(12):
        whiz.recipient_list(ALICE, name=f"List {number}")
    assert [row["name"] for row in rows(whiz, query)] == names


@pytest.mark.parametrize(
    "query", ["?limit=many", "?limit=-1", "?start=x", "?enabled=maybe", "?filter=count=2"]
)
def test_a_bad_query_is_refused(whiz: Whiz, query: str) -> None:
    assert whiz.refusal("GET", f"RecipientList{query}")[0] == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "7/recipients", None),
        ("GET", "7/listNumbers", None),
        ("GET", "7/download", None),
        ("PUT", "7/numbers", {"numbers": []}),
        ("PATCH", "7", {"name": "A"}),
        ("DELETE", "7", None),
    ],
)
def test_an_unknown_list_is_not_found(whiz: Whiz, method: str, path: str, body: Any) -> None:
    assert whiz.refusal(method, f"recipientList/{path}", body)[0] == 404


def test_numbers_are_bounded() -> None:
    with SandboxProcess(arguments=["--keep", "2"]) as sandbox:
        whiz = Whiz(sandbox)
        numbers = [f"120155501{number:02d}" for number in range(11)]
        list_id = whiz.recipient_list(*numbers[:9])
        status, message = whiz.refusal("POST", "recipientList/numbers", {"name": "B", "numbers": numbers[:2]})
        assert (status, "holds 10 numbers and has no room for 2 more" in message) == (403, True)
        assert len(rows(whiz)) == 1
        assert whiz.refusal("PUT", f"recipientList/{list_id}/numbers", {"numbers": numbers})[0] == 403
        doc = "\n".join(numbers[:10]).encode()
        whiz.result("PUT", f"recipientList/{list_id}", **whiz.form(doc, {"0": "phone_number"}))
        other = Whiz(sandbox, "sandbox-key-other")
        assert other.refusal("POST", "recipientList/numbers", {"name": "B", "numbers": numbers[:1]})[0] == 403
        sandbox.reset()
        assert json.loads(whiz.call("GET", "RecipientList").text)["result"] == []
        whiz.recipient_list(*numbers[:10])


def test_large_files_are_taken(whiz: Whiz) -> None:
    doc = "\n".join(f"1201{number:07d},{'x' * 20}" for number in range(60_000)).encode()
    assert len(doc) > 2**20
    made = whiz.result("POST", "RecipientList", **whiz.form(doc, name="Large"))
    assert (made["inserted"], made["wrong"]) == (60_000, 0)
