"""What the scheduler calls: each entry of the beat is a task that there is, and the hourly ones do what they say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import Workspace
from campaigns import tasks
from config.celery import app
from contacts.models import ListJob
from contacts.people import Sought
from contacts.rules import rule_of
from contacts.services import list_jobs, lists
from contacts.services.file_retention import EXPORTS_KEPT
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from contacts.tasks import tidy_files
from tests.conftest import SentTask
from tests.contacts.support import NOBODY, list_named, number

pytestmark = pytest.mark.django_db

RULE = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]})


def test_the_schedule_names_tasks_that_there_are() -> None:
    app.loader.import_default_modules()
    names = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert names <= app.tasks.keys()
    assert settings.CELERY_BEAT_SCHEDULE["tidy-up"] == {"task": tasks.tidy_up.name, "schedule": 3600.0}


def test_each_hour_live_lists_are_counted_and_old_files_go(acme: Workspace) -> None:
    members = list_named(acme, people=[Person(f"+{number(0)}", {"first_name": "Ann"})])
    live = lists.create_live_list(source=members, actor=NOBODY, name="Anns", rule=RULE)
    job = list_jobs.start_job(sought=Sought(members), wish=Wish("export"), actor=NOBODY)
    path = Path(job.file.path)
    lists.add_recipients(
        recipient_list=members,
        people=[Person(f"+{number(1)}", {"first_name": "Ann"}), Person(f"+{number(2)}")],
        actor=NOBODY,
    )
    live.refresh_from_db()
    assert live.recipient_count == 1
    tasks.tidy_up()
    live.refresh_from_db()
    assert live.recipient_count == 2
    assert path.exists()
    ListJob.objects.update(finished_at=timezone.now() - EXPORTS_KEPT - timedelta(minutes=1))
    tidy_files()
    assert not path.exists()


def test_the_sweep_wakes_a_worker_for_a_job_that_nobody_has(
    acme: Workspace, sent_tasks: list[SentTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", -1)
    job = list_jobs.start_job(sought=Sought(list_named(acme)), wish=Wish("export"), actor=NOBODY)
    sent_tasks.clear()
    tasks.sweep()
    assert "contacts.tasks.run_list_job" not in [task.name for task in sent_tasks]
    ListJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.sweep()
    assert [task.args for task in sent_tasks if task.name == "contacts.tasks.run_list_job"] == [(job.pk,)]
