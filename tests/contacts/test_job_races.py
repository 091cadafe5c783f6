"""Jobs of lists against each other, in threads as workers are processes: nobody is lost, and nobody waits for ever."""

import threading

import pytest
from django.db import connection, connections

from accounts.models import Workspace
from contacts.models import ListJob, RecipientList
from contacts.people import Sought
from contacts.services import list_job_runner, list_jobs
from contacts.services.list_jobs import Merge, Wish
from contacts.services.lists import Person
from tests.contacts.support import NOBODY, list_named, number

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]
PEOPLE = 300


@pytest.fixture(autouse=True)
def for_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_job_runner, "WINDOW", 20)
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)


def members_of(acme: Workspace, name: str) -> RecipientList:
    return list_named(acme, name, [Person(f"+{number(n)}") for n in range(PEOPLE)])


def started(of: RecipientList, wish: Wish) -> ListJob:
    of.refresh_from_db()
    return list_jobs.start_job(sought=Sought(of), wish=wish, actor=NOBODY)


def together(*jobs: ListJob) -> None:
    """Each in a thread of its own; they begin at the same moment, and all end well."""
    barrier = threading.Barrier(len(jobs))

    def work(job: ListJob) -> None:
        try:
            barrier.wait()
            list_job_runner.run_job(job.pk)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.state_reason) == ("finished", "")


def numbers_on(*lists: RecipientList) -> set[str]:
    for one in lists:
        one.refresh_from_db()
        assert one.recipient_count == one.recipients.count()
    return {msisdn for one in lists for msisdn in one.recipients.values_list("msisdn", flat=True)}


def test_two_jobs_that_remove_duplicates_of_each_other_lose_nobody(acme: Workspace) -> None:
    north, south = members_of(acme, "North"), members_of(acme, "South")
    together(
        started(north, Wish("deduplicate", others=[south])),
        started(south, Wish("deduplicate", others=[north])),
    )
    assert numbers_on(north, south) == {number(n) for n in range(PEOPLE)}
    assert north.recipient_count + south.recipient_count == PEOPLE


def test_three_in_a_ring_lose_nobody(acme: Workspace) -> None:
    lists = [members_of(acme, name) for name in ("North", "South", "West")]
    together(*(started(one, Wish("deduplicate", others=[lists[at - 1]])) for at, one in enumerate(lists)))
    assert numbers_on(*lists) == {number(n) for n in range(PEOPLE)}


@pytest.mark.parametrize("round", range(3))
def test_jobs_that_lock_several_lists_do_not_wait_for_each_other(acme: Workspace, round: int) -> None:
    """Merging with disabling writes to its lists in the end, in whatever order they were chosen."""
    north, south = members_of(acme, "North"), members_of(acme, "South")

    def merge(lists: list[RecipientList], name: str) -> ListJob:
        return list_jobs.merge_lists(merge=Merge(lists, new_list=name, disable=True), actor=NOBODY)

    together(
        merge([north, south], "One"),
        merge([south, north], "Two"),
        started(south, Wish("deduplicate", others=[north])),
        started(north, Wish("deduplicate", others=[south])),
    )
    assert numbers_on(north, south) == {number(n) for n in range(PEOPLE)}
