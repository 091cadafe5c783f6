"""Removing and opting out: never more people than were agreed to, and a large count is typed."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Workspace
from contacts import people
from contacts.errors import ContactsError
from contacts.models import ListJob, OptOut, Recipient, RecipientList
from contacts.people import Sought
from contacts.rules import rule_of
from contacts.services import list_job_runner, list_jobs, lists
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from tests.contacts.support import NOBODY, list_named, number
from tests.people import ApiClient

FILTER = "match=all&field=first_name&operator=is&value=Ann"
ANNS = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than five are agreed to by their count; windows of ten rows."""
    for name in ("contacts.services.list_jobs.AGREED_ABOVE", "contacts.forms.AGREED_ABOVE"):
        monkeypatch.setattr(name, 5)
    for module in (list_job_runner, people):
        monkeypatch.setattr(module, "WINDOW", 10)
        monkeypatch.setattr(module, "SQLITE_WINDOW", 10)
    monkeypatch.setattr(list_job_runner, "SQLITE_REST_SECONDS", 0)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    """35 people; every fifth is Ann."""
    rows = [Person(f"+{number(n)}", {"first_name": "" if n % 5 else "Ann"}) for n in range(35)]
    return list_named(acme, people=rows)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job waits for a worker."""
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)


def start(members: RecipientList, kind: str = "remove", agreed: int | None = None) -> ListJob:
    sought = Sought(members, rule=ANNS)
    return list_jobs.start_job(sought=sought, wish=Wish(kind, agreed=agreed), actor=NOBODY)


def run(job: ListJob) -> ListJob:
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    return job


def join(members: RecipientList, *numbers: int) -> None:
    rows = [Person(f"+{number(n)}", {"first_name": "Ann"}) for n in numbers]
    lists.add_recipients(recipient_list=members, people=rows, actor=NOBODY)


@pytest.mark.parametrize(("kind", "done"), [("remove", "removed"), ("opt_out", "opted_out")])
def test_as_many_as_were_agreed_to(members: RecipientList, kind: str, done: str) -> None:
    job = start(members, kind, agreed=7)
    assert (job.state, job.counts[done], job.options["agreed"]) == ("finished", 7, 7)


@pytest.mark.parametrize("kind", ["remove", "opt_out"])
def test_nobody_where_more_match_by_then(members: RecipientList, waiting: None, kind: str) -> None:
    job = start(members, kind, agreed=7)
    join(members, 40)
    assert run(job).state == "failed"
    assert job.state_reason.startswith("8 people match, but 7 were agreed to.")
    assert (job.counts, members.recipients.count(), OptOut.objects.count()) == ({}, 36, 0)
    entry = AuditEntry.objects.get(action="failed")
    assert entry.details == {"kind": kind, "reason": job.state_reason}


def test_who_joins_in_the_middle_stops_it(
    members: RecipientList, waiting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, real, windows = start(members, agreed=7), list_job_runner._do_window, []

    def joined(*args: Any) -> bool:
        windows.append(args)
        if len(windows) == 2:
            join(members, 40, 41)
        return real(*args)

    monkeypatch.setattr(list_job_runner, "_do_window", joined)
    assert run(job).state == "failed"
    assert job.state_reason.startswith("9 people match, but 7 were agreed to.")
    removed = job.counts["removed"]
    assert 0 < removed <= 7
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 37 - removed
    run(list_jobs.run_job_again(job=job, actor=NOBODY))
    assert (job.state, job.counts["removed"]) == ("failed", removed)


def test_who_names_no_count_agrees_to_few(members: RecipientList) -> None:
    assert start(members).state == "failed"
    assert members.recipients.count() == 35


def test_a_known_count_is_refused_before_a_job_is_made(members: RecipientList) -> None:
    members.refresh_from_db()
    for agreed, words in (
        (None, "This is for everybody on Members, now 35."),
        (5, "35 people match, but 5 were agreed to."),
        (34, "but 34 were agreed to."),
    ):
        with pytest.raises(ContactsError, match=words) as refused:
            list_jobs.start_job(sought=Sought(members), wish=Wish("remove", agreed=agreed), actor=NOBODY)
        assert refused.value.field == "agreed"
    assert ListJob.objects.count() == 0
    job = list_jobs.start_job(sought=Sought(members), wish=Wish("remove", agreed=35), actor=NOBODY)
    assert (job.state, job.counts) == ("finished", {"removed": 35})


@pytest.mark.parametrize("kind", ["remove", "opt_out"])
def test_everybody_of_a_small_list_is_agreed_to_by_count(
    api: Callable[..., ApiClient], members: RecipientList, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(list_jobs, "AGREED_ABOVE", 1000)
    client, url = api("marketer"), f"/api/v1/recipient-lists/{members.pk}/jobs/"
    for body in ({}, {"rule": {}}, {"rule": {"conditions": []}}, {"words": " "}):
        assert client.post(url, {"kind": kind, **body}).status_code == 400
    assert (members.recipients.count(), OptOut.objects.count()) == (35, 0)
    assert client.post(url, {"kind": kind, "agreed": 35}).status_code == 201


def test_an_opt_out_of_many_windows_is_one_line_of_audit(acme: Workspace, members: RecipientList) -> None:
    job = start(members, "opt_out", agreed=7)
    entry = AuditEntry.objects.get(action="opted out")
    assert entry.details == {"count": 7, "how": "person", "source": f"List Members, job {job.pk}"}
    assert set(OptOut.objects.values_list("source", flat=True)) == {f"List Members, job {job.pk}"}


# --- the page ---


@pytest.mark.parametrize("is_slow", [False, True])
def test_the_count_is_found_first_and_typed(
    bob_client: Client,
    members: RecipientList,
    is_slow: bool,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    """In a window and the rest at once; where that takes too long, window by window."""
    if is_slow:
        monkeypatch.setattr(people, "LIMIT_SECONDS", 0)
        monkeypatch.setattr(people, "LOOK_ON_SECONDS", 0)
    url = reverse("list-job-new", args=[members.pk])
    address, seen = f"?{FILTER}&kind=remove", []
    while address:
        with django_assert_max_num_queries(16):
            page = bob_client.get(url + address, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in page
        more = re.search(r'hx-get="([^"]+)"', page)
        address = html.unescape(more[1]) if more else ""
        seen += re.findall(r"[0-9,]+ people so far, among [0-9,]+", page)
    windows = [(2, 10), (4, 20), (6, 30)] if is_slow else [(2, 10)]
    assert seen == [f"{found} people so far, among {looked}" for found, looked in windows]
    assert "7 people match. If more match by then, the job stops." in page
    assert "Type 7 to confirm the count" in page
    action = f"{url}?{FILTER}"
    for typed in ("", "8", "seven"):
        refused = bob_client.post(action, {"kind": "remove", "people": "7", "agreed": typed})
        assert refused.status_code == 422
        words = f"“{typed}” is not how many they are. Type 7." if typed else "The count is not typed. Type 7."
        assert words in html.unescape(refused.content.decode())
    assert members.recipients.count() == 35
    done = bob_client.post(action, {"kind": "remove", "people": "7", "agreed": "7"}, follow=True)
    assert "7 removed" in done.content.decode()
    assert members.recipients.count() == 28


def test_counting_goes_on_without_scripts(bob_client: Client, members: RecipientList) -> None:
    url, address = reverse("list-job-new", args=[members.pk]), f"?{FILTER}&kind=opt_out"
    page = bob_client.get(url + address).content.decode()
    assert 'name="kind"' not in page
    link = re.search(r'<noscript><a [^>]*href="([^"]+)"', page)
    assert link
    address = html.unescape(link[1])
    page = bob_client.get(url + address).content.decode()
    assert "Type 7 to confirm the count" in page


def test_few_need_no_typing(bob_client: Client, members: RecipientList) -> None:
    members.recipients.filter(msisdn__gte=number(19)).delete()
    url = reverse("list-job-new", args=[members.pk]) + f"?{FILTER}"
    page = bob_client.get(f"{url}&kind=opt_out&found=2&looked=10&after={number(9)}").content.decode()
    assert "4 people match." in page
    assert "to confirm the count" not in page
    bob_client.post(url, {"kind": "opt_out", "people": "4"})
    assert ListJob.objects.get().counts == {"opted_out": 4, "opted_out_before": 0}


def test_a_count_that_was_tampered_with_agrees_to_no_more(bob_client: Client, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk]) + f"?{FILTER}"
    for people_sent in ("", "3", "x"):
        bob_client.post(url, {"kind": "remove", "people": people_sent})
    assert set(ListJob.objects.values_list("state", flat=True)) == {"failed"}
    assert members.recipients.count() == 35


def test_the_whole_list_is_known_at_once(bob_client: Client, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk])
    assert "Type 35 to confirm the count" in bob_client.get(f"{url}?kind=remove").content.decode()
    join(members, 40)
    refused = bob_client.post(url, {"kind": "remove", "people": "35", "agreed": "35"})
    assert refused.status_code == 422
    assert "“35” is not how many they are. Type 36." in html.unescape(refused.content.decode())
    assert Recipient.objects.count() == 36
    bob_client.post(url, {"kind": "remove", "people": "36", "agreed": "36"})
    assert Recipient.objects.count() == 0


# --- the API ---


def test_by_api(api: Callable[..., ApiClient], members: RecipientList) -> None:
    client, url = api("marketer"), f"/api/v1/recipient-lists/{members.pk}/jobs/"
    refused = client.post(url, {"kind": "remove"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "agreed"
    assert "This is for everybody on Members, now 35." in refused.content.decode()
    made = client.post(url, {"kind": "remove", "rule": ANNS.as_dict(), "agreed": 7}).json()
    assert (made["state"], made["counts"], made["options"]) == ("finished", {"removed": 7}, {"agreed": 7})
    ids = list(members.recipients.order_by("pk").values_list("pk", flat=True)[:2])
    made = client.post(url, {"kind": "remove", "ids": ids}).json()
    assert (made["state"], made["counts"]) == ("finished", {"removed": 2})
    both = client.post(url, {"kind": "remove", "ids": ids, "words": "1201"})
    assert "Send one of them." in both.content.decode()
    assert client.post(url, {"kind": "remove", "ids": []}).status_code == 400
