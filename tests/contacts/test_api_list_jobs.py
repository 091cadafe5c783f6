"""/api/v1/recipient-lists/<id>/filters/ and …/jobs/, and live lists."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.models import ListJob, RecipientList
from contacts.services import list_jobs
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import list_named, number
from tests.people import ApiClient

LISTS = "/api/v1/recipient-lists/"
Api = Callable[..., ApiClient]
RULE: dict[str, Any] = {
    "match": "all",
    "conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}],
}


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    rows = [Person(f"+{number(n)}", {"first_name": "" if n % 2 else "Ann"}) for n in range(4)]
    return list_named(acme, people=rows)


def test_it_works(api: Api, members: RecipientList) -> None:
    client, url = api("marketer"), f"{LISTS}{members.pk}/jobs/"
    made = client.post(url, {"kind": "copy", "new_list": "Anns", "rule": RULE})
    assert made.status_code == 201
    job = made.json()
    assert (job["state"], job["counts"], job["rule"]) == (
        "finished",
        {"copied": 2, "there_already": 0},
        RULE,
    )
    assert client.get(f"{LISTS}{job['target']}/").json()["recipient_count"] == 2
    assert client.get(f"{url}{job['id']}/").json()["done"] == 4
    assert client.get(url).json()["results"][0]["id"] == job["id"]


def test_export(api: Api, members: RecipientList) -> None:
    client, url = api("marketer"), f"{LISTS}{members.pk}/jobs/"
    job = client.post(url, {"kind": "export", "form": "csv_semicolon", "words": number(0)}).json()
    assert job["file"] is True
    response = client.get(f"{url}{job['id']}/file/")
    assert b"".join(response.streaming_content).count(b"\n") == 2
    other = client.post(url, {"kind": "remove", "agreed": 1000}).json()
    assert client.get(f"{url}{other['id']}/file/").status_code == 404


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"kind": "copy"}, "target", "Say where they go"),
        ({"kind": "copy", "target": 98765}, "target", "There is no recipient list 98765."),
        ({"kind": "deduplicate", "others": [98765]}, "others", "There is no recipient list 98765."),
        ({"kind": "split", "parts": 2, "size": 2}, "parts", "one of the two"),
        ({"kind": "remove", "rules": {}}, "rules", "rules"),
        (
            {"kind": "remove", "rule": {"conditions": [{"field": "x", "operator": "is", "value": "y"}]}},
            "rule",
            "Condition 1: there is no field “x”.",
        ),
        ({"kind": "remove", "rule": {"condition": []}}, "rule", "condition"),
    ],
)
def test_refused(api: Api, members: RecipientList, body: dict[str, Any], field: str, words: str) -> None:
    response = api("marketer").post(f"{LISTS}{members.pk}/jobs/", body)
    assert response.status_code == 400
    assert words in response.content.decode()
    assert field in response.content.decode()
    assert ListJob.objects.count() == 0
    assert members.recipients.count() == 4


def test_lists_of_others_are_no_targets(api: Api, members: RecipientList, other: Workspace) -> None:
    foreign = list_named(other, "Theirs")
    response = api("marketer").post(f"{LISTS}{members.pk}/jobs/", {"kind": "copy", "target": foreign.pk})
    assert response.status_code == 400


def test_cancel_and_again(api: Api, members: RecipientList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
    client, url = api("marketer"), f"{LISTS}{members.pk}/jobs/"
    job = client.post(url, {"kind": "remove", "agreed": 1000}).json()
    assert job["state"] == "waiting"
    one = f"{url}{job['id']}/"
    assert client.post(f"{one}cancel/").json()["state"] == "cancelled"
    assert client.post(f"{one}cancel/").status_code == 409
    assert client.post(f"{one}again/").json()["state"] == "waiting"


def test_saved_filters(api: Api, members: RecipientList) -> None:
    client, url = api("marketer"), f"{LISTS}{members.pk}/filters/"
    made = client.post(url, {"name": "Anns", "rule": RULE})
    assert made.status_code == 201
    again = client.post(url, {"name": "anns", "rule": RULE | {"match": "any"}})
    assert again.json()["id"] == made.json()["id"]
    assert [one["rule"]["match"] for one in client.get(url).json()["results"]] == ["any"]
    assert client.post(url, {"name": "None", "rule": {}}).status_code == 400
    assert client.delete(f"{url}{made.json()['id']}/").status_code == 204


def test_live_lists(api: Api, members: RecipientList) -> None:
    client = api("marketer")
    made = client.post(LISTS, {"name": "Anns", "source_list": members.pk, "rule": RULE})
    assert made.status_code == 201
    live = made.json()
    assert (live["source_list"], live["rule"], live["recipient_count"]) == (members.pk, RULE, 2)
    people = client.get(f"{LISTS}{live['id']}/recipients/").json()["results"]
    assert {one["first_name"] for one in people} == {"Ann"}
    one = f"{LISTS}{live['id']}/recipients/{people[0]['id']}/"
    for response in (
        client.patch(one, {"first_name": "Anna"}),
        client.delete(one),
        client.post(f"{LISTS}{live['id']}/recipients/", {"recipients": [{"msisdn": "+12015550150"}]}),
    ):
        assert response.status_code == 409
        assert "Anns is a live list" in response.json()["detail"]
    assert client.patch(f"{LISTS}{live['id']}/", {"rule": RULE}).status_code == 400
    assert client.post(LISTS, {"name": "X", "rule": RULE}).status_code == 400
    assert client.post(LISTS, {"name": "X", "source_list": members.pk}).status_code == 400
    assert client.post(LISTS, {"name": "X", "source_list": 98765, "rule": RULE}).status_code == 400


def test_access(members: RecipientList) -> None:
    for name in ("filters", "jobs"):
        assert_access(f"{LISTS}{members.pk}/{name}/")
    assert_access(
        f"{LISTS}{members.pk}/jobs/",
        "post",
        viewer=403,
        marketer=201,
        data={"kind": "set_field", "field": "custom"},
    )
