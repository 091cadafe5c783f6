"""`kill -9` of the worker in the middle of a job: another one goes on, and the counts at the end are exact."""

import csv
import io
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import ListJob, ListJobState, RecipientList
from contacts.people import Sought
from contacts.services import list_job_runner, list_jobs
from contacts.services.list_jobs import Merge, Wish
from contacts.services.lists import Person
from tests.contacts.support import NOBODY, list_named, number
from tests.engine.worker_process import Process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

PEOPLE = 400


@pytest.fixture(autouse=True)
def for_a_worker(monkeypatch: pytest.MonkeyPatch, settings: object, tmp_path: Path) -> None:
    """No job is done at once, and files are written where the other process writes them."""
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
    settings.MEDIA_ROOT = tmp_path / "uploads"  # type: ignore[attr-defined]  # a pytest-django fixture


def members_of(acme: Workspace, name: str, start: int) -> RecipientList:
    return list_named(
        acme, name, [Person(f"+{number(n)}", {"first_name": name}) for n in range(start, start + PEOPLE)]
    )


def killed_in(job: ListJob, data: Path, is_in_it: Callable[[ListJob], bool]) -> ListJob:
    """The job as a worker leaves it that is killed as soon as it is where it should be."""
    worker = Process(
        [sys.executable, "-m", "tests.contacts.job_process", str(job.pk)],
        broker_url="filesystem://",
        data=data,
    )
    worker.start()
    deadline = time.monotonic() + 90
    try:
        while not is_in_it(job):
            assert time.monotonic() < deadline, worker.log_path.read_text()
            time.sleep(0.02)
            job.refresh_from_db()
    finally:
        worker.kill()
    job.refresh_from_db()
    assert job.state == ListJobState.RUNNING, "killed too late to mean anything"
    return job


def taken_over(job: ListJob) -> ListJob:
    """By the sweep, when the dead worker's lease has passed."""
    assert list_jobs.resume_stalled_jobs() == 0
    ListJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert list_jobs.resume_stalled_jobs() == 1
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    return job


def test_in_a_merge(acme: Workspace, tmp_path: Path) -> None:
    """In its second list, so that both what it counted and whose turn it is are kept."""
    north, south = members_of(acme, "North", 0), members_of(acme, "South", PEOPLE // 2)
    merge = Merge([north, south], new_list="All", disable=True)
    job = list_jobs.merge_lists(merge=merge, actor=NOBODY)
    killed_in(job, tmp_path, lambda job: job.options["at"] == 1 and job.counts.get("there_already", 0) > 0)
    target = acme.recipient_lists.get(name="All")
    assert job.counts["copied"] == target.recipients.count() == target.recipient_count
    assert acme.recipient_lists.filter(enabled=False).count() == 0
    taken_over(job)
    assert (job.state, job.done) == ("finished", 2 * PEOPLE)
    assert job.counts == {"copied": PEOPLE * 3 // 2, "there_already": PEOPLE // 2}
    target.refresh_from_db()
    assert target.recipient_count == target.recipients.count() == PEOPLE * 3 // 2
    assert target.recipients.filter(first_name="North").count() == PEOPLE
    assert acme.recipient_lists.filter(enabled=False).count() == 2


def test_in_an_export(acme: Workspace, tmp_path: Path) -> None:
    """The next worker adds to the half file, and nobody stands in it twice."""
    job = list_jobs.start_job(sought=Sought(members_of(acme, "North", 0)), wish=Wish("export"), actor=NOBODY)
    killed_in(job, tmp_path, lambda job: job.done >= PEOPLE // 4)
    assert not job.file
    folder = tmp_path / "uploads" / "exports"
    half = job.options["half"]
    with (tmp_path / "uploads" / half).open("ab") as file:
        file.write(b"what was written, but not committed")
    taken_over(job)
    assert (job.state, job.counts, job.file.name) == ("finished", {"exported": PEOPLE}, half)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files == [Path(job.file.path)]
    rows = list(csv.DictReader(io.StringIO(files[0].read_text("utf-8-sig"))))
    assert [row["number"] for row in rows] == [f"+{number(n)}" for n in range(PEOPLE)]
