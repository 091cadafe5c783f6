"""How large a file may be: rows and bytes, known at upload or found by the check."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.errors import ContactsError, FileRefused
from contacts.files import inspection
from contacts.models import Import, ImportState, Recipient, RecipientList
from contacts.services import imports
from tests.contacts.books import xlsx
from tests.contacts.support import checked, number, ran, rows_of, upload
from tests.people import ApiClient

IMPORTS = "/api/v1/imports/"
TOO_MANY = (
    "The file has more than 3 rows, which is all that can be imported at once. Split it into smaller files."
)


def table(rows: int) -> str:
    return "number,name\n" + "".join(f"+{number(n)},Ann\n\n" for n in range(rows))


@pytest.fixture
def three_rows(settings: Settings) -> None:
    settings.IMPORT_MAX_ROWS = 3


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch, three_rows: None, small_chunks: int) -> None:
    """As a file that is too large to be counted while one waits."""
    monkeypatch.setattr(inspection, "COUNTED_BYTES", 0)


def stored_files(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.usefixtures("three_rows")
def test_as_many_rows_as_the_limit_are_imported(acme: Workspace) -> None:
    done = ran(checked(upload(acme, table(3))))
    assert (done.state, rows_of(done.counts), done.counts["new"]) == (ImportState.FINISHED, 3, 3)


@pytest.mark.usefixtures("three_rows")
@pytest.mark.parametrize(
    "content",
    [table(4).encode(), gzip.compress(table(4).encode()), xlsx({"P": [["number"], *[[number(0)]] * 4]})],
    ids=["text", "packed", "workbook"],
)
def test_more_rows_are_refused_at_upload(acme: Workspace, settings: Settings, content: bytes) -> None:
    with pytest.raises(FileRefused) as refused:
        upload(acme, content)
    assert (str(refused.value.sentence), refused.value.code) == (TOO_MANY, "too_many_rows")
    assert not Import.objects.exists()
    assert not stored_files(settings)


@pytest.mark.usefixtures("three_rows")
def test_the_pages_and_the_api_tell_it(
    bob_client: Client, api: Callable[..., ApiClient], acme: Workspace
) -> None:
    page = bob_client.get(reverse("import-new")).content.decode()
    assert "and 3 rows; a workbook at most 100.0\xa0MB. Delimiter" in page
    response = bob_client.post(
        reverse("import-new"), {"file": SimpleUploadedFile("x.csv", table(4).encode())}
    )
    assert (response.status_code, TOO_MANY in response.content.decode()) == (422, True)
    answer = api("marketer").post(
        IMPORTS, {"file": SimpleUploadedFile("x.csv", table(4).encode())}, format="multipart"
    )
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, "file", "too_many_rows")
    assert error["detail"] == TOO_MANY


@pytest.mark.usefixtures("three_rows")
def test_a_header_that_turns_out_to_be_a_row_counts(acme: Workspace) -> None:
    imported = upload(acme, table(3))
    with pytest.raises(ContactsError, match="more than 3 rows"):
        imports.reread_import(imported=imported, has_header=False)
    imported.refresh_from_db()
    assert imported.has_header


@pytest.mark.usefixtures("uncounted")
def test_the_check_finds_what_was_not_counted(
    bob_client: Client, acme: Workspace, settings: Settings
) -> None:
    imported = checked(upload(acme, table(25)))
    assert (imported.state, imported.state_reason) == (ImportState.FAILED, TOO_MANY)
    assert (imported.counts, imported.check_counts, str(imported.reject_file)) == ({}, {}, "")
    assert len(stored_files(settings)) == 1, "the upload alone"
    assert not Recipient.objects.exists()
    assert not RecipientList.objects.exists()
    page = bob_client.get(reverse("import-detail", args=[imported.pk])).content.decode()
    assert TOO_MANY in page
    assert reverse("import-columns", args=[imported.pk]) in page


@pytest.mark.usefixtures("uncounted")
def test_the_api_tells_it_after_the_check(api: Callable[..., ApiClient], acme: Workspace) -> None:
    client, imported = api("marketer"), upload(acme, table(25))
    answer = client.post(f"{IMPORTS}{imported.pk}/check/").json()
    assert (answer["state"], answer["state_reason"], answer["check_counts"]) == ("failed", TOO_MANY, None)
    assert client.post(f"{IMPORTS}{imported.pk}/run/").status_code == 409


def test_what_unpacks_to_more_bytes_is_refused_while_it_unpacks(
    bob_client: Client, acme: Workspace, settings: Settings
) -> None:
    settings.IMPORT_MAX_BYTES = 4096
    bomb = SimpleUploadedFile("people.csv.gz", gzip.compress(table(2).encode() + b"\n" * 1_000_000))
    page = bob_client.post(reverse("import-new"), {"file": bomb})
    assert (page.status_code, "Unpacked, the file has more than 4.0" in page.content.decode()) == (422, True)
    assert not Import.objects.exists()
    assert not stored_files(settings)


def test_a_check_that_fails_voids_the_one_before(acme: Workspace, settings: Settings) -> None:
    imported = checked(upload(acme, table(4)))
    settings.IMPORT_MAX_ROWS = 3
    imports.start_check(imported=imported)
    assert (imported.state, imported.check_counts, imported.check_problems) == (ImportState.FAILED, {}, [])
