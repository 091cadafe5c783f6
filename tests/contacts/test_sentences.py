"""What contacts refuses, it refuses in words: the field, the value, the remedy. Nothing is dropped in silence."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

import contacts
from accounts.models import Workspace
from contacts.models import Import, ImportState
from contacts.problems import _WORDS, reason_for
from contacts.services import imports
from tests.contacts.support import NOBODY, checked, list_named, number, upload
from tests.people import ApiClient

TEXT = f"Mobile;Vorname;Stadt\n+{number(0)};Ann;Leeds\n+{number(1)};Bob;York\n"
Api = Callable[..., ApiClient]


# --- the words themselves ---


def refusals() -> Iterator[tuple[str, str]]:
    """(place, sentence) of each refusal written down in contacts/."""
    root = Path(contacts.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(getattr(node, "func", None), "id", "")
            if (
                isinstance(node, ast.Call)
                and name in {"ContactsError", "WrongState", "FileRefused"}
                and node.args
            ):
                texts = [
                    one.value
                    for one in ast.walk(node.args[0])
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and one.value.count(" ") > 2
                ]
                yield from ((f"{path.relative_to(root)}:{node.lineno}", text) for text in texts)


@pytest.mark.parametrize(("place", "sentence"), list(refusals()))
def test_each_refusal_says_what_is_wrong_and_what_to_do(place: str, sentence: str) -> None:
    assert re.search(r"[.:;,] \w.*\.$", sentence.replace("%(", "x(")), f"{place}: {sentence}"


def test_there_are_refusals_to_look_at() -> None:
    assert len(list(refusals())) > 30


@pytest.mark.parametrize("code", [*_WORDS, "too_long:first_name", "too_long:extra:city"])
def test_the_reason_of_a_row_names_field_value_and_remedy(code: str) -> None:
    reason = reason_for(code, "Mars", "time_zone")
    assert "Its time zone is “Mars”." in reason
    assert len(reason.split(". ")) >= 3


# --- by the form ---


def columns_data(imported: Import, **changes: Any) -> dict[str, Any]:
    mapping = {f"column-{at}": target for at, target in enumerate(imported.mapping)}
    more = {"default_country": "US", "existing": "update", "list": "new", "new_list_name": "New"}
    return {name: value for name, value in (mapping | more | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column-3": "email"}, "The form names 4 columns, but the file has 3. Load the page again"),
        ({"column-2": None}, "The form names 2 columns, but the file has 3."),
        ({"column-1": "shoe"}, "“shoe” cannot be chosen for Goes to: Vorname. Choose one from its list."),
        ({"column-1": "msisdn"}, "Several columns go to msisdn: Mobile, Vorname. Keep one"),
        ({"default_country": "XX"}, "“XX” cannot be chosen for Country when none is given."),
        ({"existing": None}, "When a number exists is empty. Fill it in."),
        (
            {"new_list_name": "x" * 101},
            "Name of the new list has 101 characters; at most 100 fit. Shorten it.",
        ),
        ({"list": "987654"}, "“987654” cannot be chosen for Add to list."),
    ],
)
def test_the_form_accepts_nothing_in_silence(
    bob_client: Client, acme: Workspace, changes: dict[str, Any], words: str
) -> None:
    imported = upload(acme, TEXT)
    response = bob_client.post(
        reverse("import-columns", args=[imported.pk]), columns_data(imported, **changes)
    )
    assert response.status_code == 422
    assert words in response.content.decode()
    imported.refresh_from_db()
    assert imported.state == ImportState.UPLOADED


def test_a_file_sent_as_a_mere_name_is_told(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(reverse("import-new"), {"file": "people.csv"})
    assert (response.status_code, "Choose the file that holds the people." in response.content.decode()) == (
        422,
        True,
    )


# --- by the API ---


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"mapping": {"Mobile": "msisdn"}}, "mapping", "Mobile"),
        (
            {"mapping": ["msisdn", "", "", "email"]},
            "mapping",
            "3 columns (Mobile, Vorname, Stadt). Give each one",
        ),
        ({"mapping": ["msisdn", "msisdn", ""]}, "mapping", "Several columns go to msisdn: Mobile, Vorname."),
        (
            {"mapping": ["msisdn", "shoe_size", ""]},
            "mapping",
            "Use extra:shoe_size for a column of your own.",
        ),
        ({"mappping": ["msisdn", "", ""]}, "mappping", "did you mean mapping?"),
        (
            {"default_country": "XX"},
            "default_country",
            "XX does not exist. Use two letters, such as US or GB.",
        ),
        ({"default_country": "USA"}, "default_country", "USA"),
        ({"existing": "merge"}, "existing", "merge"),
        ({"delimiter": "x"}, "delimiter", "'x' cannot be the delimiter of a file. Use one of: ',' (comma)"),
        ({"quote": "x"}, "quote", "'x' cannot be the quote of a file."),
        (
            {"encoding": "rot13"},
            "encoding",
            "rot13 is not an encoding that can be read. Choose one of: utf-8",
        ),
    ],
)
def test_the_api_accepts_nothing_in_silence(
    api: Api, acme: Workspace, body: dict[str, Any], field: str, words: str
) -> None:
    imported = upload(acme, TEXT)
    answer = api("marketer").patch(f"/api/v1/imports/{imported.pk}/", body)
    assert answer.status_code == 400, answer.json()
    error = answer.json()["errors"][0]
    assert (error["field"], words in error["detail"]) == (field, True), error


def test_two_lists_are_one_too_many(api: Api, acme: Workspace) -> None:
    members = list_named(acme)
    url = f"/api/v1/imports/{upload(acme, TEXT).pk}/"
    answer = api("marketer").patch(url, {"list": members.pk, "new_list_name": "Fresh"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "two_lists")


def test_a_refused_change_changes_nothing(api: Api, acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    answer = api("marketer").patch(
        f"/api/v1/imports/{imported.pk}/", {"has_header": False, "mapping": ["", "", ""]}
    )
    imported.refresh_from_db()
    assert (answer.status_code, imported.has_header) == (400, True)


def test_missing_rejects_say_what_to_do(api: Api, acme: Workspace) -> None:
    answer = api("viewer").get(f"/api/v1/imports/{upload(acme, TEXT).pk}/rejects/")
    assert (answer.status_code, "POST to check/ first." in answer.json()["detail"]) == (404, True)


def test_a_finished_import_says_how_to_go_on(acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    imports.cancel_import(imported=imported, actor=NOBODY)
    with pytest.raises(Exception, match="Upload the file again to begin anew"):
        imports.cancel_import(imported=imported, actor=NOBODY)
