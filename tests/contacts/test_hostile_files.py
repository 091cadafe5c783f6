"""Hostile and broken files, from upload to report: none ends in an error of ours, each is told of in words."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import Import, ImportState, Recipient
from contacts.services import import_runner
from tests.contacts.hostile import FILES, Hostile, cached_content
from tests.contacts.odd_formats import ODD_FORMATS
from tests.contacts.support import records_of, rows_of
from tests.people import ApiClient

ALL = [*FILES, *ODD_FORMATS]
each = pytest.mark.parametrize("hostile", ALL, ids=str)


def page_of(response: Any) -> str:
    assert response.status_code < 500
    return unescape(response.content.decode())


def columns_data(imported: Import) -> dict[str, Any]:
    mapping = imported.mapping if "msisdn" in imported.mapping else ["msisdn", *imported.mapping[1:]]
    more = {"default_country": "US", "existing": "update", "list": "new", "new_list_name": "New"}
    return {f"column-{at}": target for at, target in enumerate(mapping)} | more


def walk(client: Client, hostile: Hostile) -> str:
    """The page at which the file's way ends; on it, what the person is told."""
    upload = SimpleUploadedFile("x", cached_content(hostile.make))
    upload._name = hostile.file_name  # type: ignore[attr-defined]  # its setter would mend the name
    response = client.post(reverse("import-new"), {"file": upload})
    if response.status_code != 302:
        assert "data-error-summary" in page_of(response)
        assert not Import.objects.exists()
        return page_of(response)
    imported = Import.objects.get()
    columns, check = (
        reverse("import-columns", args=[imported.pk]),
        reverse("import-check", args=[imported.pk]),
    )
    page_of(client.get(columns))
    response = client.post(columns, columns_data(imported))
    if response.status_code != 302:
        assert "data-error-summary" in page_of(response)
        return page_of(response)
    import_runner.check_import(imported.pk)
    imported.refresh_from_db()
    assert imported.state == ImportState.CHECKED, imported.state_reason
    assert rows_of(imported.check_counts) == imported.total_rows == records_of(imported)
    page = page_of(client.get(check))
    if "There is nothing to import" in page:
        return page
    page_of(client.post(check))
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.counts) == (ImportState.FINISHED, imported.check_counts)
    return page_of(client.get(reverse("import-detail", args=[imported.pk])))


@each
def test_by_the_pages(bob_client: Client, acme: Workspace, hostile: Hostile) -> None:
    page = walk(bob_client, hostile)
    imported = Import.objects.first()
    counts = imported.counts if imported else {}
    assert (hostile.told in page, counts.get("new", 0)) == (True, hostile.new)
    if hostile.refused is not None:
        assert counts.get("refused", 0) == hostile.refused
    if hostile.first_name:
        assert hostile.first_name in Recipient.objects.values_list("first_name", flat=True)


@each
def test_by_the_api(api: Callable[..., ApiClient], acme: Workspace, hostile: Hostile) -> None:
    upload = SimpleUploadedFile("x", cached_content(hostile.make))
    upload._name = hostile.file_name  # type: ignore[attr-defined]  # as above
    answer = api("marketer").post("/api/v1/imports/", {"file": upload}, format="multipart")
    assert answer.status_code in {201, 400}, answer.json()
    if answer.status_code == 400:
        error = answer.json()["errors"][0]
        assert (error["field"], hostile.told in error["detail"]) == ("file", True), error


def test_there_are_enough_of_them() -> None:
    assert len({hostile.what for hostile in ALL}) == len(ALL) >= 40
