"""Titles above the names of a file are left out; people and programs may say which row holds the names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import ContactsError
from contacts.files.columns import describe_columns
from contacts.services import imports
from contacts.services.lists import Person
from contacts.views.imports import _no_room
from tests.contacts.books import xlsx
from tests.contacts.support import checked, list_named, number, ran, upload
from tests.people import ApiClient

Api = Callable[[str], ApiClient]
ROWS = f"Phone,Name,Town\n+{number(0)},Ann,Leeds\n+{number(1)},Bob,York\n"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (ROWS, 1),
        (f"Customer list 2026\n{ROWS}", 2),
        (f"Customer list 2026,,\n{ROWS}", 2),
        (f"Customer list 2026\n\nas of 21.11.2026\n\n{ROWS}", 5),
        (f"\n\n{ROWS}", 3),
        (f"Export vom 21.11.2026;;\n{ROWS.replace(',', ';')}", 2),
        (f'"A title, with a comma",,\n{ROWS}', 2),
        (f"Customers\nPhone\n+{number(0)}\n+{number(1)}\n", 2),
        (f"Exported,21.11.2026,,\n{ROWS.replace(chr(10), f',Note{chr(10)}')}", 2),
        (f"21.11.2026\n{ROWS}", 2),
        (f"2026-11-21\nPhone\n+{number(0)}\n+{number(1)}\n", 2),
        (f"Phone,,\n+{number(0)},Ann,Leeds\n+{number(1)},Bob,York\n", 1),
        (f"sep=;\n{ROWS.replace(',', ';')}", 2),
        (f"Phone\n+{number(0)}\n", 1),
    ],
)
def test_names_are_found_below_titles(acme: Workspace, text: str, row: int) -> None:
    imported = upload(acme, text)
    rows = text.count(number(0)[:7])
    assert (imported.has_header, imported.header_row, imported.total_rows) == (True, row, rows)
    assert imported.mapping[0] == "msisdn"
    done = ran(checked(imported))
    assert (done.counts["new"], done.counts["refused"]) == (rows, 0)


@pytest.mark.parametrize(
    "text",
    [
        f"+{number(0)}\n+{number(1)},Bob,York\n+{number(2)},Bob,York\n",
        f"+{number(0)},Ann\n+{number(1)},Bob\n",
    ],
)
def test_data_is_no_title(acme: Workspace, text: str) -> None:
    imported = upload(acme, text)
    assert (imported.has_header, imported.header_row) == (False, None)


def test_reports_count_rows_as_the_file_does(acme: Workspace) -> None:
    imported = checked(upload(acme, f"Customer list 2026\n\n{ROWS}bad,Cid,Hull\n"))
    assert imported.check_problems[0]["rows"] == [6]
    assert imported.check_rows["new"] == [4, 5]
    text = Path(imported.reject_file.path).read_text(encoding="utf-8-sig")
    assert text.splitlines()[0] == "Crier row,Crier reason,Phone,Name,Town"
    again = checked(upload(acme, text.replace("bad", f"+{number(5)}"), "rejected.csv"))
    assert (again.mapping[2:], again.check_counts["new"]) == (imported.mapping, 1)


def test_so_it_is_in_workbooks(acme: Workspace) -> None:
    rows = [["Customer list 2026"], [], ["Phone", "Name"], [f"+{number(0)}", "Ann"], ["bad", "Bob"]]
    imported = checked(upload(acme, xlsx({"People": rows}), "people.xlsx"))
    assert (imported.header_row, imported.check_counts["new"]) == (3, 1)
    assert imported.check_problems[0]["rows"] == [5]


def test_a_killed_run_goes_on_at_the_right_row(acme: Workspace, small_chunks: int) -> None:
    rows = "".join(f"+{number(n)},Ann\n" for n in range(35))
    imported = checked(upload(acme, f"Customers\nPhone,Name\n{rows}"))
    done = ran(imported)
    assert (done.counts["new"], done.done_rows) == (35, 35)


def test_another_row_can_be_chosen(acme: Workspace) -> None:
    imported = upload(acme, f"Number,Who,Where\n{ROWS}")
    assert imported.header_row == 1
    imported = imports.reread_import(imported=imported, header_row=2)
    assert [column["name"] for column in imported.columns] == ["Phone", "Name", "Town"]
    assert (imported.total_rows, imported.header_row) == (2, 2)
    imported = imports.reread_import(imported=imported, delimiter=",")
    assert imported.header_row == 2
    imported = imports.reread_import(imported=imported, has_header=False)
    assert (imported.header_row, imported.total_rows) == (None, 4)
    with pytest.raises(ContactsError, match="Row 9 holds no names"):
        imports.reread_import(imported=imported, header_row=9)
    with pytest.raises(ContactsError, match="no rows below it"):
        imports.reread_import(imported=imported, header_row=4)
    with pytest.raises(ContactsError, match="Leave one of both out"):
        imports.reread_import(imported=imported, header_row=1, has_header=False)


def test_with_another_delimiter_the_names_are_looked_for_anew(acme: Workspace) -> None:
    text = f"{ROWS}a\tb\n+{number(2)}\tc\n"
    imported = imports.reread_import(imported=upload(acme, text), delimiter="\t", header_row=4)
    assert [column["name"] for column in imported.columns] == ["a", "b"]
    imported = imports.reread_import(imported=imported, delimiter=",", has_header=True)
    assert (imported.header_row, [column["name"] for column in imported.columns]) == (
        1,
        ["Phone", "Name", "Town"],
    )


def test_the_page_names_the_row_and_takes_another(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, f"Customer list 2026\nNumber,Who,Where\n{ROWS}")
    page = reverse("import-columns", args=[imported.pk])
    assert "Names in row 2, the rows above it are left out." in bob_client.get(page).content.decode()
    sent = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "has_header": "on", "header_row": "3"}
    reread = reverse("import-reread", args=[imported.pk])
    assert bob_client.post(reread, sent).status_code == 302
    imported.refresh_from_db()
    assert imported.header_row == 3
    shown = bob_client.post(reread, sent | {"header_row": "77"}).content.decode()
    assert "Row 77 holds no names" in shown
    bob_client.post(reread, {**sent, "has_header": ""})
    imported.refresh_from_db()
    assert (imported.has_header, imported.header_row) == (False, None)


def test_the_api_takes_another(api: Api, acme: Workspace) -> None:
    client, imported = api("marketer"), upload(acme, f"Customer list 2026\nNumber,Who,Where\n{ROWS}")
    url = f"/api/v1/imports/{imported.pk}/"
    assert client.get(url).json()["header_row"] == 2
    changed = client.patch(url, {"header_row": 3}, format="json").json()
    assert (changed["header_row"], changed["columns"][0]["name"]) == (3, "Phone")
    refused = client.patch(url, {"header_row": 77}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "header_row")


# --- more columns than a list takes ---


def test_the_guess_takes_as_many_columns_as_a_list(acme: Workspace) -> None:
    names = [f"c{n}" for n in range(198)]
    text = f"Phone,{','.join(names)}\n+{number(0)},{','.join('q' for _ in names)}\n"
    imported = upload(acme, text)
    assert imported.mapping == ["msisdn", *(f"extra:c{n}" for n in range(50)), *[""] * 148]
    assert _no_room(imported) == (
        "A list takes 50 columns of your own: 148 columns are left out. Leave others out to make room."
    )
    assert checked(imported).check_counts["new"] == 1


def test_those_that_the_list_has_go_first(acme: Workspace) -> None:
    members = list_named(acme, people=[Person("+12015550199", {}, {"c60": "x", "old": "y"})])
    names = [f"c{n}" for n in range(70)]
    rows = [["12015550100", *("q" for _ in names)]]
    taken = [
        one.guess for one in describe_columns(["phone", *names], rows, "US", known_columns=members.columns)
    ]
    assert [at for at, guess in enumerate(taken) if guess] == [0, *range(1, 49), 61]
    text = f"Phone,{','.join(names)}\n+{number(0)},{','.join('q' for _ in names)}\n"
    assert ran(checked(upload(acme, text, recipient_list=members), to=members)).counts["new"] == 1


def test_what_fits_is_not_told(acme: Workspace) -> None:
    assert _no_room(upload(acme, ROWS)) == ""
