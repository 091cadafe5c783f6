"""Workbooks of each kind: their sheets, chosen by service, page and API, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import ContactsError, FileRefused
from contacts.files import workbooks
from contacts.models import Import
from contacts.services import imports
from tests.contacts.books import in_container, ods, ods_of, xls, xlsx
from tests.contacts.hostile import archive
from tests.contacts.support import checked, number, ran, upload
from tests.people import ApiClient

KINDS: dict[str, Callable[..., bytes]] = {"xlsx": xlsx, "xls": xls, "ods": ods}
each = pytest.mark.parametrize("kind", KINDS)
PEOPLE = [["number", "name"], [int(number(0)), "Zoë"], [f"+{number(1)}", "Ann"]]
OTHERS = [[f"+{number(2)}", "Bob"], [f"+{number(3)}", "Cyd"], [f"+{number(4)}", "Dan"]]
SHEETS = {"Notes": [], "People": PEOPLE, "Secret": PEOPLE, "Others": OTHERS}


@pytest.fixture
def several(acme: Workspace) -> Import:
    return upload(acme, xls(SHEETS, hidden=["Secret"]), "people.xls")


def stored(imported: Import) -> list[str]:
    """The files that are kept, by their kinds."""
    return sorted(one.suffix for one in Path(imported.file.path).parent.iterdir())


@each
def test_it_works(acme: Workspace, kind: str) -> None:
    imported = upload(acme, KINDS[kind](SHEETS, hidden=["Secret"]), "people.csv")
    assert (imported.file_kind, imported.sheet, imported.total_rows) == (kind, "People", 2)
    assert imported.sheets == ["Notes", "People", "Others"]
    imports.reread_import(imported=imported, sheet="Others")
    imported.refresh_from_db()
    assert (imported.file_kind, imported.sheet, imported.total_rows) == (kind, "Others", 3)
    assert imported.has_header is False
    done = ran(checked(imported))
    assert done.counts["new"] == 3


@each
def test_a_workbook_of_one_sheet_is_not_kept(acme: Workspace, bob_client: Client, kind: str) -> None:
    imported = upload(acme, KINDS[kind]({"People": PEOPLE}), f"people.{kind}")
    assert (imported.sheets, imported.workbook.name) == (["People"], "")
    assert stored(imported).count(f".{kind}") == 0
    page = bob_client.get(reverse("import-columns", args=[imported.pk])).content.decode()
    assert "Which sheet holds the people?" not in page


@pytest.mark.parametrize("kind", ["xls", "ods"])  # openpyxl writes none
def test_where_all_sheets_are_hidden_they_are_read(acme: Workspace, kind: str) -> None:
    imported = upload(acme, KINDS[kind]({"People": PEOPLE}, hidden=["People"]), "people")
    assert imported.total_rows == 2


LOCKED: dict[str, Callable[[], bytes]] = {
    "xlsx": lambda: in_container("EncryptedPackage", b""),
    "xls by XOR": lambda: xls({"People": PEOPLE}, locked=1),
    "xls by RC4": lambda: xls({"People": PEOPLE}, locked=2),
    "ods": lambda: ods({"People": PEOPLE}, locked=True),
}


@pytest.mark.parametrize("kind", LOCKED)
def test_one_with_a_password_is_told(acme: Workspace, kind: str) -> None:
    with pytest.raises(FileRefused, match=r"The workbook is protected by a password\. Save it without one"):
        upload(acme, LOCKED[kind](), "people")


def test_an_ods_that_is_encrypted_as_a_whole_is_told(acme: Workspace) -> None:
    whole = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "encrypted-package": b"x" * 99,
    }
    with pytest.raises(FileRefused, match="protected by a password"):
        upload(acme, archive(whole), "people.ods")


@each
def test_a_damaged_one_is_told_and_nothing_is_kept(acme: Workspace, kind: str) -> None:
    content = KINDS[kind](SHEETS)
    for cut in (200, len(content) // 2, len(content) - 30):
        if kind == "xls" and cut == len(content) - 30:
            continue  # nothing but padding is missing
        with pytest.raises(FileRefused, match=r"is damaged and cannot be opened|an Office document"):
            upload(acme, content[:cut], "people")
    assert not Import.objects.exists()


def test_an_ods_of_endless_repeats_ends_its_reader_only(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row a million times, of one cell sixteen thousand times."""
    monkeypatch.setattr(workbooks, "MAX_MEMORY_BYTES", 300 * 1024 * 1024)
    repeated = 'office:value-type="string" table:number-columns-repeated="16384"'
    cell = f"<table:table-cell {repeated}><text:p>x</text:p></table:table-cell>"
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    with pytest.raises(FileRefused):
        upload(acme, ods_of(f'<table:table table:name="S">{rows}</table:table>'), "people.ods")


def test_a_workbook_has_a_limit_of_its_own(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_BYTES", 4000)
    with pytest.raises(FileRefused, match=r"The workbook has .*; at most 3.9.KB can be opened"):
        upload(acme, xls(SHEETS), "people.xls")


def test_the_file_of_the_sheet_before_goes(several: Import, django_capture_on_commit_callbacks: Any) -> None:
    before = Path(several.file.path)
    with django_capture_on_commit_callbacks(execute=True):
        imports.reread_import(imported=several, sheet="Others")
    assert not before.exists()
    assert Path(several.file.path).exists()
    assert Path(several.workbook.path).exists()


def test_another_sheet_can_be_taken_back(several: Import) -> None:
    """With the transaction; the file is then still that of the sheet before."""
    with pytest.raises(RuntimeError), transaction.atomic():
        imports.reread_import(imported=several, sheet="Others")
        raise RuntimeError
    several.refresh_from_db()
    assert "Zoë" in Path(several.file.path).read_text()


def test_a_sheet_that_cannot_be_read_changes_nothing(several: Import) -> None:
    before = several.file.name
    for sheet, words in (("Notes", "holds no rows"), ("None", "no sheet None. Choose one of: Notes, People")):
        with pytest.raises(ContactsError, match=words) as refused:
            imports.reread_import(imported=several, sheet=sheet)
        assert refused.value.field == "sheet"
    several.refresh_from_db()
    assert (several.sheet, several.file.name) == ("People", before)
    assert Path(several.file.path).exists()


def test_a_text_has_no_sheets(acme: Workspace) -> None:
    with pytest.raises(ContactsError, match="no workbook, so it has no sheet People"):
        imports.reread_import(imported=upload(acme, "number\n+12015550100\n"), sheet="People")


def test_it_is_chosen_on_the_page(bob_client: Client, several: Import) -> None:
    columns = reverse("import-columns", args=[several.pk])
    assert "Which sheet holds the people?" in bob_client.get(columns).content.decode()
    answer = bob_client.post(reverse("import-sheet", args=[several.pk]), {"sheet": "Others"}, follow=True)
    assert answer.redirect_chain == [(columns, 302)]
    assert "Sheet Others." in answer.content.decode()
    answer = bob_client.post(reverse("import-sheet", args=[several.pk]), {"sheet": "Notes"}, follow=True)
    assert "holds no rows" in answer.content.decode()


def test_it_is_chosen_at_the_api(api: Callable[..., ApiClient], acme: Workspace) -> None:
    client = api("marketer")
    packed = archive({"people.ods": ods(SHEETS)})
    file = SimpleUploadedFile("people.zip", packed)
    answer = client.post("/api/v1/imports/", {"file": file}, format="multipart").json()
    assert (answer["packed"], answer["file_kind"], answer["sheet"]) == ("zip", "ods", "People")
    assert answer["sheets"] == ["Notes", "People", "Secret", "Others"]
    url = f"/api/v1/imports/{answer['id']}/"
    changed = client.patch(url, {"sheet": "Others", "has_header": False}, format="json").json()
    assert (changed["sheet"], changed["total_rows"], changed["state"]) == ("Others", 3, "uploaded")
    refused = client.patch(url, {"sheet": "Nobody"}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "sheet")


HEADER = ["number", "name"]


@each
@pytest.mark.parametrize(
    "first",
    [[HEADER], [], [["", " "]], [[" ", ""], HEADER], [["People of May 2026"]]],
    ids=["header", "nothing", "blanks", "header below blanks", "title"],
)
def test_a_sheet_without_rows_of_data_is_passed_over(
    acme: Workspace, kind: str, first: list[list[str]]
) -> None:
    imported = upload(acme, KINDS[kind]({"First": first, "People": PEOPLE, "Others": OTHERS}), "people")
    assert (imported.sheet, imported.total_rows) == ("People", 2)
    assert imported.sheets == ["First", "People", "Others"]
    with pytest.raises(ContactsError, match=r"holds a header and no rows below it|holds no rows") as refused:
        imports.reread_import(imported=imported, sheet="First")
    assert refused.value.field == "sheet"
    assert ran(checked(imported)).counts["new"] == 2


def test_a_single_row_of_data_is_no_header(acme: Workspace) -> None:
    imported = upload(acme, xlsx({"One": [[f"+{number(0)}", "Ann"]], "People": PEOPLE}), "people.xlsx")
    assert (imported.sheet, imported.total_rows, imported.has_header) == ("One", 1, False)


@each
def test_one_of_headers_alone_is_refused(acme: Workspace, kind: str) -> None:
    with pytest.raises(FileRefused, match="a header and no rows below it") as refused:
        upload(acme, KINDS[kind]({"Nothing": [], "People": [HEADER], "Others": [["mobile"]]}), "people")
    assert refused.value.code == "only_header"
    assert not Import.objects.exists()
