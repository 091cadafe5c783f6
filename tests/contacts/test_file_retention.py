"""contacts.services.file_retention: files go after their time, the history of imports stays and says so."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.errors import WrongState
from contacts.models import Import, ImportState, ListJob, Recipient, RecipientList
from contacts.people import Sought
from contacts.rules import Rule
from contacts.services import file_retention, imports, list_jobs
from contacts.services.import_undo import undo
from contacts.services.list_jobs import Wish
from contacts.tasks import tidy_files
from tests.contacts.books import xlsx
from tests.contacts.support import NOBODY, checked, list_named, number, ran, upload
from tests.people import ApiClient

ROWS = [["number", "name"], [f"+{number(0)}", "Ann"], ["n/a", "Bob"]]
GONE = "An uploaded file is kept for at most 30 days after its import has ended: this one is deleted. Upload it again;"
IMPORTS = "/api/v1/imports/"


@pytest.fixture
def imported(acme: Workspace) -> Import:
    """With an upload, a workbook of two sheets and a file of refused rows; checked."""
    return checked(upload(acme, xlsx({"People": ROWS, "Others": ROWS}), "people.xlsx"))


def stored() -> set[str]:
    root = Path(settings.MEDIA_ROOT)
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def age(imported: Import, days: float, *, ended: bool = True) -> None:
    then = timezone.now() - timedelta(days=days)
    Import.objects.filter(pk=imported.pk).update(created_at=then, **({"finished_at": then} if ended else {}))


def pruned(imported: Import, *, ended: bool = True) -> Import:
    age(imported, 31, ended=ended)
    assert file_retention.prune_import_files() == 1
    imported.refresh_from_db()
    return imported


def exported(members: RecipientList) -> ListJob:
    return list_jobs.start_job(sought=Sought(members, "", Rule()), wish=Wish("export"), actor=NOBODY)


def test_it_works(imported: Import) -> None:
    done = ran(imported)
    assert len(stored()) == 3
    age(done, 29)
    assert (file_retention.prune_import_files(), len(stored())) == (0, 3)
    age(done, 31)
    assert (file_retention.prune_import_files(), stored()) == (1, set())
    assert file_retention.prune_import_files() == 0
    done.refresh_from_db()
    assert (done.is_file_kept, done.state, done.counts["new"], done.file_name) == (
        False,
        ImportState.FINISHED,
        1,
        "people.xlsx",
    )


def test_one_that_never_ran_is_kept_from_its_upload_on(imported: Import) -> None:
    age(imported, 29, ended=False)
    assert file_retention.prune_import_files() == 0
    assert pruned(imported, ended=False).state == ImportState.CHECKED
    assert not stored()


def test_one_that_failed_late_is_kept_from_its_end_on(imported: Import) -> None:
    age(imported, 60, ended=False)
    Import.objects.update(state=ImportState.FAILED, finished_at=timezone.now())
    assert file_retention.prune_import_files() == 0


@pytest.mark.parametrize("state", [ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING])
def test_files_of_one_that_is_worked_on_stay(imported: Import, state: ImportState) -> None:
    age(imported, 90)
    Import.objects.update(state=state)
    assert (file_retention.prune_import_files(), len(stored())) == (0, 3)


def test_the_days_are_a_setting(imported: Import, settings: Settings) -> None:
    settings.IMPORT_FILES_DAYS = 2
    age(imported, 1.9)
    assert file_retention.prune_import_files() == 0
    age(imported, 2.1)
    assert file_retention.prune_import_files() == 1
    imported.refresh_from_db()
    assert "kept for at most 2 days after" in imports.file_gone_words(imported)


def test_a_file_that_cannot_be_deleted_is_left_to_the_sweep(
    imported: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise PermissionError(name)

    with monkeypatch.context() as patched:
        patched.setattr(default_storage, "delete", refuse)
        assert not pruned(imported).is_file_kept
    assert len(stored()) == 3
    make_old(*stored())
    assert (file_retention.sweep_stray_files(), stored()) == (3, set())


# --- what pages and API say ---


@pytest.mark.parametrize("state", [ImportState.UPLOADED, ImportState.CHECKED])
def test_every_step_leads_to_the_report(bob_client: Client, imported: Import, state: ImportState) -> None:
    Import.objects.update(state=state)
    pruned(imported)
    report = reverse("import-detail", args=[imported.pk])
    for step in ("import-columns", "import-check", "import-run"):
        response = bob_client.get(reverse(step, args=[imported.pk]))
        assert (response.status_code, response["Location"]) == (302, report)
    for step, data in (
        ("import-columns", {}),
        ("import-check", {}),
        ("import-reread", {"has_header": "on"}),
        ("import-sheet", {"sheet": "Others"}),
        ("import-encoding", {"encoding": "cp1252"}),
        ("import-rejects", None),
    ):
        url = reverse(step, args=[imported.pk])
        response = bob_client.get(url) if data is None else bob_client.post(url, data)
        assert (response.status_code, response["Location"]) == (302, report), step
    page = unescape(bob_client.get(report).content.decode())
    assert GONE in page
    for gone in ("import-rejects", "import-columns", "import-resume"):
        assert reverse(gone, args=[imported.pk]) not in page
    listed = bob_client.get(reverse("import-list")).content.decode()
    assert (f'href="{report}"' in listed, "people.xlsx" in listed) == (True, True)


def test_one_that_stopped_amid_its_run_cannot_go_on(bob_client: Client, imported: Import) -> None:
    ran(imported)
    Import.objects.update(state=ImportState.FAILED, state_reason="The list was deleted meanwhile.")
    pruned(imported)
    report = reverse("import-detail", args=[imported.pk])
    page = unescape(bob_client.get(report).content.decode())
    assert (GONE in page, "Go on with the import" in page) == (True, False)
    response = bob_client.post(reverse("import-resume", args=[imported.pk]), follow=True)
    assert GONE in unescape(response.content.decode())
    imported.refresh_from_db()
    assert imported.state == ImportState.FAILED


def test_the_api_says_so(api: Callable[..., ApiClient], imported: Import) -> None:
    client, url = api("marketer"), f"{IMPORTS}{imported.pk}/"
    assert client.get(url).json()["is_file_kept"] is True
    pruned(imported)
    assert client.get(url).json()["is_file_kept"] is False
    for answer in (
        client.patch(url, {"has_header": False}),
        client.patch(url, {"sheet": "Others"}),
        client.patch(url, {"truncate": True}),
        client.post(f"{url}check/"),
        client.post(f"{url}run/"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "file_gone"), answer.json()
        assert answer.json()["detail"].startswith(GONE)
    rejects = client.get(f"{url}rejects/")
    assert (rejects.status_code, rejects.json()["detail"].startswith(GONE)) == (404, True)


def test_a_worker_that_meets_it_says_so(imported: Import) -> None:
    """It was deleted in the second in which somebody pressed the button."""
    stale = Import.objects.get(pk=imported.pk)
    Import.objects.update(file="", workbook="", reject_file="")
    assert ran(stale).state_reason == "The uploaded file is gone from the server. Upload it again."


def test_an_import_is_undone_without_its_file(imported: Import) -> None:
    done = ran(imported)
    assert done.list is not None
    Import.objects.update(file="", workbook="", reject_file="")
    done.refresh_from_db()
    imports.undo_import(imported=done, actor=NOBODY)
    undo(done.pk)
    done.refresh_from_db()
    assert (done.state, done.list, Recipient.objects.count()) == (ImportState.UNDONE, None, 0)


@pytest.mark.parametrize("name", ["file", "workbook"])
def test_a_file_that_the_disk_has_lost_is_told(imported: Import, name: str) -> None:
    Path(getattr(imported, name).path).unlink()
    with pytest.raises(WrongState, match="gone from the server") as refused:
        imports.reread_import(
            imported=imported, **({"sheet": "Others"} if name == "workbook" else {"quote": "'"})
        )
    assert refused.value.code == "file_gone"


# --- exports ---


def test_exports_are_kept_for_a_week(acme: Workspace, bob_client: Client) -> None:
    members = list_named(acme)
    job = exported(members)
    assert (file_retention.prune_exports(), len(stored())) == (0, 1)
    ListJob.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert (file_retention.prune_exports(), stored()) == (1, set())
    page, file = (reverse(name, args=[members.pk, job.pk]) for name in ("list-job", "list-job-file"))
    words = "An export is kept for at most 7 days: this one is deleted. Export the list again."
    shown = bob_client.get(page).content.decode()
    assert (words in shown, file in shown) == (True, False)
    response = bob_client.get(file)
    assert (response.status_code, response["Location"]) == (302, page)
    assert words in bob_client.get(page).content.decode()


# --- rows that are deleted ---


@pytest.mark.parametrize("what", ["import", "workspace"])
def test_files_go_with_their_row(
    imported: Import,
    acme: Workspace,
    what: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    exported(list_named(acme))
    assert len(stored()) == 4
    with django_capture_on_commit_callbacks(execute=True):
        imported.delete() if what == "import" else acme.delete()
        assert len(stored()) == 4, "not before it is certain"
    assert len(stored()) == (1 if what == "import" else 0)


def test_the_file_of_an_export_goes_with_its_list(
    acme: Workspace, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    members = list_named(acme)
    exported(members)
    with django_capture_on_commit_callbacks(execute=True):
        members.delete()
    assert not stored()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_is_taken_back_keeps_the_files(imported: Import) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Import.objects.get(pk=imported.pk).delete()
        raise ZeroDivisionError
    assert len(stored()) == 3


# --- strays ---


def make_old(*names: str, hours: float = 25) -> None:
    then = time.time() - hours * 3600
    for name in names:
        os.utime(Path(settings.MEDIA_ROOT) / name, (then, then), follow_symlinks=False)


def put(name: str) -> str:
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("number\n")
    return name


def test_a_choice_of_sheet_that_was_taken_back_leaves_nothing(imported: Import) -> None:
    before = stored()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        imports.reread_import(imported=Import.objects.get(), sheet="Others")
        raise ZeroDivisionError
    (stray,) = stored() - before
    assert file_retention.sweep_stray_files() == 0
    make_old(*stored())
    assert (file_retention.sweep_stray_files(), stored()) == (1, before)
    assert stray.endswith(".csv")
    assert ran(imported).counts["new"] == 1


def test_only_our_own_old_files_are_swept(imported: Import, acme: Workspace) -> None:
    exported(list_named(acme))
    kept = {*stored(), put("logo.png"), put("imports.txt"), put("others/2026/05/a.csv")}
    strays = [put("imports/2026/05/a.csv"), put("imports/b.unpacking"), put("exports/2026/05/c.xlsx")]
    young = put("imports/2026/05/young.csv")
    make_old(*kept, *strays)
    make_old(young, hours=23)
    assert (file_retention.sweep_stray_files(), stored()) == (3, {*kept, young})


def test_links_are_not_followed(acme: Workspace, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    outside = tmp_path / "elsewhere" / "list.csv"
    outside.write_text("number\n")
    put("imports/a.csv")
    folder = Path(settings.MEDIA_ROOT) / "imports"
    (folder / "folder").symlink_to(outside.parent)
    (folder / "link.csv").symlink_to(outside)
    make_old("imports/a.csv", "imports/link.csv")
    os.utime(outside, (0, 0))
    assert file_retention.sweep_stray_files() == 2
    assert outside.exists()


def test_there_may_be_no_folder_yet(db: None) -> None:
    assert file_retention.sweep_stray_files() == 0


def test_the_scheduler_has_it_done_by_a_worker_that_has_the_files(imported: Import) -> None:
    age(imported, 31)
    put("imports/stray.csv")
    make_old("imports/stray.csv")
    tidy_files()
    assert not stored()
    beats: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    assert beats["tidy-files"]["task"] == tidy_files.name
    assert settings.CELERY_TASK_ROUTES["contacts.tasks.*"] == {"queue": "files"}
