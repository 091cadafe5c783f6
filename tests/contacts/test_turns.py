"""Long jobs of lists give way to others that wait for the worker, and go on where they were."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import tasks
from contacts.files.sheets import sheet_row
from contacts.models import Import, ImportState, ListJob, ListJobState, RecipientList
from contacts.people import Sought
from contacts.services import import_runner, imports, list_job_runner, list_jobs
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person, add_recipients
from contacts.services.turns import LEASE, does_anybody_wait, what_is_at_work
from tests.contacts.support import NOBODY, checked, list_named, number, upload

PEOPLE = 35


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows a turn, and nothing is done at once."""
    for name in ("WINDOW", "SQLITE_WINDOW"):
        monkeypatch.setattr(list_job_runner, name, 10)
    monkeypatch.setattr(list_job_runner, "SQLITE_REST_SECONDS", 0)
    monkeypatch.setattr(list_job_runner, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    return list_named(acme, people=[Person(f"+{number(n)}", {"first_name": "Ann"}) for n in range(PEOPLE)])


def started(of: RecipientList, **wish: Any) -> ListJob:
    of.refresh_from_db()
    return list_jobs.start_job(sought=Sought(of), wish=Wish(**wish), actor=NOBODY)


def waiting_import(acme: Workspace) -> Import:
    return imports.start_run(imported=checked(upload(acme, f"number\n+{number(90)}\n")), actor=NOBODY)


def test_an_import_waits_for_one_turn_of_an_export(acme: Workspace, members: RecipientList) -> None:
    job, imported = started(members, kind="export", form="xlsx"), waiting_import(acme)
    assert list_job_runner.run_job(job.pk) is True
    job.refresh_from_db()
    assert (job.state, job.done, job.lease_holder) == (ListJobState.WAITING, 10, "")
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert imported.state == ImportState.FINISHED
    assert list_job_runner.run_job(job.pk) is False
    job.refresh_from_db()
    assert (job.state, job.counts, job.done) == ("finished", {"exported": PEOPLE}, PEOPLE)


def test_whoever_waits_for_nobody_goes_on(members: RecipientList) -> None:
    job = started(members, kind="export")
    assert not does_anybody_wait(besides=job)
    assert list_job_runner.run_job(job.pk) is False
    job.refresh_from_db()
    assert job.state == "finished"


def test_two_jobs_take_turns(acme: Workspace, members: RecipientList) -> None:
    first, second = (
        started(members, kind="export"),
        started(members, kind="set_field", field="custom", value="x"),
    )
    stands = []
    for job in (first, second, first, second, first, second, first):
        list_job_runner.run_job(job.pk)
        first.refresh_from_db()
        second.refresh_from_db()
        stands.append((first.done, second.done))
    assert stands == [(10, 0), (10, 10), (20, 10), (20, 20), (30, 20), (30, 30), (35, 30)]
    list_job_runner.run_job(second.pk)
    rows = list(csv.DictReader(io.StringIO(Path(first.file.path).read_text("utf-8-sig"))))
    assert [row["number"] for row in rows] == [f"+{number(n)}" for n in range(PEOPLE)]
    assert members.recipients.filter(custom="x").count() == PEOPLE


def test_who_gave_way_is_woken_behind_the_others(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(members, kind="export")
    waiting_import(acme)
    woken: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks, "wake", lambda task, *args, **more: woken.append((task.name, *args)))
    tasks.run_list_job(job.pk)
    assert woken == [("contacts.tasks.run_list_job", job.pk)]
    assert list_jobs.resume_stalled_jobs() == 0
    ListJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert list_jobs.resume_stalled_jobs() == 1


def test_an_agreed_count_is_kept_over_turns(acme: Workspace, members: RecipientList) -> None:
    job = started(members, kind="remove", agreed=PEOPLE)
    waiting_import(acme)
    assert list_job_runner.run_job(job.pk) is True
    late = [Person(f"+{number(n)}") for n in range(60, 70)]
    add_recipients(recipient_list=members, people=late, actor=NOBODY)
    while list_job_runner.run_job(job.pk):
        pass
    job.refresh_from_db()
    assert (job.state, job.counts["removed"] <= PEOPLE) == ("failed", True)


def test_an_export_without_its_half_file_begins_anew(acme: Workspace, members: RecipientList) -> None:
    job = started(members, kind="export", form="xlsx")
    imported = waiting_import(acme)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    (half,) = Path(job.file.storage.location).rglob(Path(job.options["half"]).name)
    half.unlink()
    import_runner.run_import(imported.pk)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.counts) == ("finished", {"exported": PEOPLE})
    assert not Path(half).exists()


def test_a_waiting_import_says_what_it_waits_for(
    bob_client: Client, acme: Workspace, members: RecipientList
) -> None:
    imported = waiting_import(acme)
    url = reverse("import-run", args=[imported.pk])
    assert "Waiting for a worker" in bob_client.get(url).content.decode()
    held = {"lease_holder": "w", "lease_until": timezone.now() + timedelta(seconds=60)}
    ListJob.objects.filter(pk=started(members, kind="export").pk).update(state="running", **held)
    page = bob_client.get(url).content.decode()
    assert "Waiting for its turn: the job “export” of the list Members is at work." in page


def test_a_waiting_job_says_what_it_waits_for(
    bob_client: Client, acme: Workspace, other: Workspace, members: RecipientList
) -> None:
    job = started(members, kind="export")
    url = reverse("list-job", args=[members.pk, job.pk])
    page = bob_client.get(url).content.decode()
    assert "Waiting for a worker" in page
    held = {"lease_holder": "w", "lease_until": timezone.now() + timedelta(seconds=60)}
    stranger = waiting_import(other)
    Import.objects.filter(pk=stranger.pk).update(**held)
    assert (
        "Waiting for its turn: files of another workspace are worked on."
        in bob_client.get(url).content.decode()
    )
    ours = waiting_import(acme)
    Import.objects.filter(pk=ours.pk).update(**held)
    assert (
        "Waiting for its turn: the file people.csv is being imported." in bob_client.get(url).content.decode()
    )
    Import.objects.all().delete()
    ListJob.objects.filter(pk=started(members, kind="export").pk).update(state="running", **held)
    assert what_is_at_work(acme) == "Waiting for its turn: the job “export” of the list Members is at work."


@pytest.mark.parametrize(("seconds", "is_moving"), [(3, True), (20, False), (90, False)])
def test_whose_worker_was_killed_says_so_and_no_time_left(
    bob_client: Client, acme: Workspace, members: RecipientList, seconds: int, is_moving: bool
) -> None:
    """`seconds`: since it was heard of last. It holds its work for a minute."""
    held = {"lease_holder": "gone", "lease_until": timezone.now() + LEASE - timedelta(seconds=seconds)}
    imported, job = waiting_import(acme), started(members, kind="remove", agreed=PEOPLE)
    Import.objects.filter(pk=imported.pk).update(**held, total_rows=100, done_rows=30, rows_per_second=10)
    ListJob.objects.filter(pk=job.pk).update(**held, state=ListJobState.RUNNING, done=10)
    words = "Its worker is not heard of: waiting for another one, which goes on from here."
    page = bob_client.get(reverse("import-run", args=[imported.pk])).content.decode()
    assert ("about 7 seconds left" in page, words in page) == (is_moving, not is_moving)
    page = bob_client.get(reverse("list-job", args=[members.pk, job.pk])).content.decode()
    assert (words in page) is not is_moving


@pytest.mark.parametrize("form", ["csv", "csv_semicolon", "xlsx"])
def test_an_export_imported_again_gives_the_same_values(acme: Workspace, form: str) -> None:
    values = [
        "=1+1",
        "'=1+1",
        "one\r\ntwo",
        "one\ntwo",
        "a\rb",
        "a\tb",
        "_x000D_",
        "_x0041\r_",
        "a\x01b",
        "_x0041\x01",
        "<&>\"'",
        "ä😀",
        "+44 20",
        "-5",
    ]
    people = [
        Person(f"+{number(n)}", {"first_name": f"N{n}", "custom": value}, {"höhe": value})
        for n, value in enumerate(values)
    ]
    before = list_named(acme, "Before", people)
    job = started(before, kind="export", form=form)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    raw = Path(job.file.path).read_bytes()
    imported = upload(acme, raw, f"again.{'xlsx' if form == 'xlsx' else 'csv'}")
    imported = checked(imported)
    imports.start_run(imported=imported, actor=NOBODY)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    kept = ("msisdn", "first_name", "custom")
    assert imported.list is not None
    assert list(imported.list.recipients.order_by("msisdn").values_list(*kept)) == list(
        before.recipients.order_by("msisdn").values_list(*kept)
    )
    heights = {row.msisdn: row.extra.get("höhe") for row in imported.list.recipients.all()}
    assert heights == {row.msisdn: row.extra["höhe"] for row in before.recipients.all()}


def test_what_xml_does_not_take_is_shown_in_a_workbook() -> None:
    assert b">a_xFFFF_b_x0001_c<" in sheet_row(["a\uffffb\x01c"], 0)
