"""Several lists merged into one: the service, the page and the API."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Workspace
from contacts.errors import ContactsError, WrongState
from contacts.models import ListJob, RecipientList
from contacts.rules import rule_of
from contacts.services import list_job_runner, list_jobs, lists
from contacts.services.list_jobs import Merge
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import NOBODY, list_named, number
from tests.people import ApiClient

Lists = list[RecipientList]


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_job_runner, "WINDOW", 4)
    monkeypatch.setattr(list_job_runner, "SQLITE_WINDOW", 4)
    monkeypatch.setattr(list_job_runner, "SQLITE_REST_SECONDS", 0)


def people(name: str, start: int, end: int) -> list[Person]:
    return [Person(f"+{number(n)}", {"first_name": name}, {name.lower(): "x"}) for n in range(start, end)]


@pytest.fixture
def three(acme: Workspace) -> Lists:
    """Ten people on each; each shares five numbers with the next one."""
    return [
        list_named(acme, "North", people("North", 0, 10)),
        list_named(acme, "East", people("East", 5, 15)),
        list_named(acme, "South", people("South", 10, 20)),
    ]


def first_names(of: RecipientList) -> dict[str, str]:
    return dict(of.recipients.values_list("msisdn", "first_name"))


def test_the_first_list_wins(acme: Workspace, three: Lists) -> None:
    north, east, south = three
    job = list_jobs.merge_lists(merge=Merge([east, north, south], new_list="All"), actor=NOBODY)
    assert (job.state, job.what, job.list, job.done) == ("finished", "merge", east, 30)
    assert job.counts == {"copied": 20, "there_already": 10}
    target = acme.recipient_lists.get(name="All")
    assert target.recipient_count == target.recipients.count() == 20
    assert target.columns == ["east", "north", "south"]
    names = first_names(target)
    assert [names[number(n)] for n in (0, 4, 5, 14, 15, 19)] == [
        "North",
        "North",
        "East",
        "East",
        "South",
        "South",
    ]
    assert all(one.enabled for one in acme.recipient_lists.all())


def test_into_one_of_them_which_keeps_its_people(acme: Workspace, three: Lists) -> None:
    north, _east, south = three
    job = list_jobs.merge_lists(merge=Merge(three, target=south, disable=True), actor=NOBODY)
    assert job.counts == {"copied": 10, "there_already": 10}
    assert job.options["merge"] == [north.pk, three[1].pk]
    south.refresh_from_db()
    assert south.recipient_count == south.recipients.count() == 20
    assert first_names(south)[number(10)] == "South"
    assert list(acme.recipient_lists.filter(enabled=True)) == [south]
    assert AuditEntry.objects.filter(action="disabled").count() == 2


def test_a_live_list_gives_whoever_matches(acme: Workspace, three: Lists) -> None:
    rule = rule_of({"conditions": [{"field": "msisdn", "operator": "is", "value": number(0)}]})
    live = lists.create_live_list(source=three[0], actor=NOBODY, name="Live", rule=rule)
    job = list_jobs.merge_lists(merge=Merge([live, three[2]], new_list="Both"), actor=NOBODY)
    assert job.counts == {"copied": 11, "there_already": 0}
    with pytest.raises(WrongState, match="Live is a live list"):
        list_jobs.merge_lists(merge=Merge([three[0], live], target=live), actor=NOBODY)


def test_large_ones_are_merged_by_a_worker_and_can_be_cancelled(
    acme: Workspace, three: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 29)
    job = list_jobs.merge_lists(merge=Merge(three, new_list="All", disable=True), actor=NOBODY)
    assert (job.state, job.total) == ("waiting", 30)
    list_jobs.cancel_job(job=job, actor=NOBODY)
    list_job_runner.run_job(job.pk)
    assert acme.recipient_lists.get(name="All").recipients.count() == 0
    list_jobs.run_job_again(job=job, actor=NOBODY)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.counts) == ("finished", {"copied": 20, "there_already": 10})
    assert [one.name for one in acme.recipient_lists.filter(enabled=True)] == ["All"]


def test_a_list_that_is_gone_stops_it(acme: Workspace, three: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
    job = list_jobs.merge_lists(merge=Merge(three, new_list="All"), actor=NOBODY)
    lists.delete_list(recipient_list=three[1], actor=NOBODY)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.state_reason[:49]) == (
        "failed",
        "One of the lists was deleted meanwhile. What was c"[:49],
    )


@pytest.mark.parametrize(
    ("merge", "words"),
    [
        ({"lists": [0]}, "These are 1 lists."),
        ({"lists": [0, 0]}, "These are 1 lists."),
        ({"lists": [0], "target": 0}, "These are 1 lists."),
        ({"lists": [0, 1]}, "Say where they go"),
        ({"lists": [0, 1], "target": 0, "new_list": "All"}, "Say where they go"),
        ({"lists": [0, 1], "new_list": "south"}, "There is a list named south already"),
    ],
)
def test_refused(acme: Workspace, three: Lists, merge: dict[str, Any], words: str) -> None:
    given = merge | {"lists": [three[at] for at in merge["lists"]]}
    if "target" in merge:
        given["target"] = three[merge["target"]]
    with pytest.raises(ContactsError, match=words):
        list_jobs.merge_lists(merge=Merge(**{"new_list": "", **given}), actor=NOBODY)
    assert ListJob.objects.count() == 0
    assert acme.recipient_lists.count() == 3


# --- the page ---


def address(of: Lists) -> str:
    return reverse("recipient-list-merge") + "?" + "&".join(f"list={one.pk}" for one in of)


def test_the_page(bob_client: Client, acme: Workspace, three: Lists) -> None:
    page = bob_client.get(reverse("recipient-list-list")).content.decode()
    assert f'action="{reverse("recipient-list-merge")}"' in page
    assert page.count('name="list"') == 3
    page = bob_client.get(address(three)).content.decode()
    assert "the fields of the first list in this order win" in page
    up = re.search(r'href="(\?[^"]+)"[^>]*aria-label="Move up: East"', page)
    assert up
    moved = reverse("recipient-list-merge") + up[1].replace("&amp;", "&")
    assert moved == address([three[1], three[0], three[2]])
    done = bob_client.post(moved, {"target": "", "name": "All", "disable": "on"}, follow=True)
    text = done.content.decode()
    assert "<h1" in text and "Merge" in text
    assert "East, North, South" in text
    assert "20 copied" in text
    assert "10 there already, left as they were" in text
    assert first_names(acme.recipient_lists.get(name="All"))[number(5)] == "East"


def test_what_is_missing_is_said(bob_client: Client, three: Lists) -> None:
    refused = bob_client.post(address(three), {"target": "", "name": ""})
    assert refused.status_code == 422
    assert "Say where they go" in refused.content.decode()
    taken = bob_client.post(address(three), {"name": "north"}).content.decode()
    assert "There is a list named north already" in taken
    few = bob_client.get(address(three[:1]), follow=True)
    assert few.redirect_chain == [("/lists/", 302)]
    assert "Tick two lists at least to merge them." in few.content.decode()


def test_lists_of_others_cannot_be_chosen(bob_client: Client, three: Lists, other: Workspace) -> None:
    foreign = list_named(other, "Theirs", [Person(f"+{number(50)}")])
    assert bob_client.get(address([three[0], foreign])).status_code == 302
    page = bob_client.get(address([*three, foreign])).content.decode()
    assert "Theirs" not in page


def test_access(client: Client, victor_client: Client, three: Lists) -> None:
    assert "/login/" in client.get(address(three)).headers["Location"]
    assert victor_client.get(address(three)).status_code == 403
    assert 'name="list"' not in victor_client.get(reverse("recipient-list-list")).content.decode()


# --- the API ---

URL = "/api/v1/recipient-lists/merge/"


def test_by_api(api: Callable[..., ApiClient], acme: Workspace, three: Lists) -> None:
    body = {"lists": [one.pk for one in three], "new_list": "All", "disable": True}
    job = api("marketer").post(URL, body).json()
    assert (job["state"], job["list"], job["counts"]) == (
        "finished",
        three[0].pk,
        {"copied": 20, "there_already": 10},
    )
    assert acme.recipient_lists.get(pk=job["target"]).recipient_count == 20
    again = api("marketer").get(f"/api/v1/recipient-lists/{job['list']}/jobs/{job['id']}/").json()
    assert again["options"]["merge"] == body["lists"]


def test_the_api_refuses(api: Callable[..., ApiClient], three: Lists, other: Workspace) -> None:
    foreign = list_named(other, "Theirs")
    client = api("marketer")
    for body, words in (
        ({"lists": [three[0].pk], "new_list": "All"}, "These are 1 lists."),
        (
            {"lists": [three[0].pk, foreign.pk], "new_list": "All"},
            f"There is no recipient list {foreign.pk}.",
        ),
        (
            {"lists": [three[0].pk, three[1].pk], "target": foreign.pk},
            f"There is no recipient list {foreign.pk}.",
        ),
        ({"lists": [three[0].pk, three[1].pk]}, "Say where they go"),
    ):
        response = client.post(URL, body)
        assert response.status_code == 400
        assert words in response.content.decode()
    assert ListJob.objects.count() == 0


def test_access_by_api(three: Lists) -> None:
    data = {"lists": [one.pk for one in three], "target": three[0].pk}
    assert_access(URL, "post", viewer=403, marketer=201, stranger=None, data=data)
