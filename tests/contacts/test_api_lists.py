"""/api/v1/recipient-lists and the recipients under one."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry, Workspace
from campaigns.models import Broadcast, Campaign
from contacts.models import RecipientList
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import list_named, number
from tests.people import ApiClient

LISTS = "/api/v1/recipient-lists/"
Api = Callable[..., ApiClient]


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    people = [
        Person(f"+{number(0)}", {"first_name": "Ann"}, {"city": "Leeds"}),
        Person(f"+{number(1)}", {"first_name": "Bob"}),
    ]
    return list_named(acme, people=people)


def people_url(members: RecipientList, pk: int | None = None) -> str:
    return f"{LISTS}{members.pk}/recipients/" + (f"{pk}/" if pk else "")


def test_it_works(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    made = client.post(LISTS, {"name": "Members"})
    assert made.status_code == 201
    assert made.json()["recipient_count"] == 0
    url = f"{LISTS}{made.json()['id']}/recipients/"
    body = {
        "recipients": [
            {"msisdn": "(201) 555-0100", "first_name": "Ann", "extra": {"city": "Leeds"}},
            {"msisdn": "07400 123456"},
            {"msisdn": "n/a"},
        ]
    }
    added = client.post(url, body)
    assert added.status_code == 200
    assert {name: count for name, count in added.json().items() if name != "refused"} == {
        "new": 1,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "duplicate": 0,
    }
    assert [(one["position"], one["code"]) for one in added.json()["refused"]] == [
        (2, "too_long"),
        (3, "letters"),
    ]
    listed = client.get(url).json()
    assert (listed["next"], len(listed["results"])) == (None, 1)
    assert listed["results"][0]["msisdn"] == number(0)
    assert listed["results"][0]["extra"] == {"city": "Leeds"}
    assert client.get(f"{LISTS}{made.json()['id']}/").json()["columns"] == ["city"]
    assert AuditEntry.objects.filter(action="added people").get().api_key == client.api_key


def test_access(members: RecipientList) -> None:
    person = members.recipients.first()
    assert person is not None
    assert_access(LISTS, wrong_method="put")
    assert_access(f"{LISTS}{members.pk}/", wrong_method="post")
    assert_access(people_url(members), wrong_method="delete", missing=False)
    assert_access(people_url(members, person.pk), wrong_method="post")
    new = {"name": "Other"}
    assert_access(LISTS, "post", viewer=403, marketer=201, wrong_method=None, data=new)
    assert_access(f"{LISTS}{members.pk}/", "patch", viewer=403, marketer=200, wrong_method=None, data={})
    more: dict[str, Any] = {"recipients": []}
    assert_access(
        people_url(members), "post", viewer=403, marketer=200, wrong_method=None, missing=False, data=more
    )


def test_the_people_of_a_foreign_list_are_not_found(
    api: Api, members: RecipientList, other: Workspace
) -> None:
    stranger = api("owner", other)
    own = list_named(other, people=[Person(f"+{number(5)}")])
    person = members.recipients.first()
    assert person is not None
    for method, url in (
        ("get", people_url(members)),
        ("post", people_url(members)),
        ("patch", people_url(members, person.pk)),
        ("delete", people_url(members, person.pk)),
        ("delete", people_url(own, person.pk)),
        ("delete", f"{LISTS}{members.pk}/"),
    ):
        answer = getattr(stranger, method)(url, {})
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json"), url
    assert members.recipients.count() == 2


def test_a_name_that_is_taken_is_a_problem_of_its_field(api: Api, members: RecipientList) -> None:
    answer = api("marketer").post(LISTS, {"name": "MEMBERS"})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "field": "name",
            "detail": "There is a list named MEMBERS already. Choose another name.",
            "code": "invalid",
            "value": '"MEMBERS"',
        }
    ]


def test_lists_are_renamed_disabled_and_deleted(api: Api, members: RecipientList) -> None:
    client, url = api("marketer"), f"{LISTS}{members.pk}/"
    changed = client.patch(url, {"name": "Friends", "enabled": False}).json()
    assert (changed["name"], changed["enabled"]) == ("Friends", False)
    assert [one["id"] for one in client.get(LISTS, {"enabled": "false"}).json()["results"]] == [members.pk]
    campaign = Campaign.objects.create(workspace=members.workspace, name="General")
    broadcast = Broadcast.objects.create(workspace=members.workspace, campaign=campaign, name="Hello")
    broadcast.lists.add(members)
    refused = client.delete(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    broadcast.delete()
    assert client.delete(url).status_code == 204
    assert not RecipientList.objects.exists()


@pytest.mark.parametrize(
    ("existing", "outcome"), [("update", "updated"), ("fill", "unchanged"), ("skip", "skipped")]
)
def test_known_numbers_are_treated_as_asked(
    api: Api, members: RecipientList, existing: str, outcome: str
) -> None:
    body = {"recipients": [{"msisdn": f"+{number(0)}", "first_name": "Anna"}], "existing": existing}
    assert api("marketer").post(people_url(members), body).json()[outcome] == 1


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"recipients": "x"}, "recipients", "a list of objects"),
        ({"recipients": [{}]}, "recipients[0].msisdn", "msisdn is missing"),
        ({"recipients": [{"msisdn": "1"}] * 1001}, "recipients", "holds 1001 items; at most 1000"),
        ({"recipients": [], "existing": "replace"}, "existing", "send one of update, fill, skip"),
        (
            {"recipients": [], "default_country": "XX"},
            "default_country",
            "The default country XX does not exist",
        ),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem(
    api: Api, members: RecipientList, body: dict[str, Any], field: str, words: str
) -> None:
    answer = api("marketer").post(people_url(members), body)
    assert answer.status_code == 400
    errors = answer.json()["errors"]
    assert errors[0]["field"].startswith(field), errors
    assert words in errors[0]["detail"]


def test_the_default_country_may_be_another_one(api: Api, members: RecipientList) -> None:
    body = {"recipients": [{"msisdn": "07400 123456"}], "default_country": "gb"}
    assert api("marketer").post(people_url(members), body).json()["new"] == 1


def test_people_are_found_by_number_and_words(api: Api, members: RecipientList) -> None:
    client = api("viewer")
    for query, found in (
        ({"msisdn": f"+{number(0)}"}, ["Ann"]),
        ({"q": "bo"}, ["Bob"]),
        ({"q": "+1 201 555"}, ["Bob", "Ann"]),
    ):
        results = client.get(people_url(members), query).json()["results"]
        assert [one["first_name"] for one in results] == found


def test_a_person_is_changed_and_removed(api: Api, members: RecipientList) -> None:
    client = api("marketer")
    person = members.recipients.get(msisdn=number(0))
    url = people_url(members, person.pk)
    changed = client.patch(url, {"first_name": "", "extra": {"pet": "cat"}}).json()
    assert (changed["first_name"], changed["extra"], changed["msisdn"]) == (
        "",
        {"city": "Leeds", "pet": "cat"},
        number(0),
    )
    assert client.patch(url, {"msisdn": "1"}).json()["errors"][0]["code"] == "read_only"
    wrong = client.patch(url, {"time_zone": "Mars/Olympus"})
    assert wrong.json()["errors"][0]["field"] == "time_zone"
    assert client.delete(url).status_code == 204
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 1


# By name: what is written in its place.
WRONG_NAMES = {
    "": "column_1",
    " ": "column_1",
    "{{city}}": "city",
    "first_name": "first_name_",
    "link": "link_",
    "Loyalty points": "loyalty_points",
    "c" * 51: "c" * 50,
}


@pytest.mark.parametrize("value", ["x", ""])
@pytest.mark.parametrize(("name", "better"), WRONG_NAMES.items())
def test_a_column_has_a_name_that_can_be_a_token(
    api: Api, members: RecipientList, name: str, better: str, value: str
) -> None:
    client, person = api("marketer"), members.recipients.get(msisdn=number(0))
    words = f"“{name}” cannot be the name of a column. Write it as {better}."
    new = {"recipients": [{"msisdn": f"+{number(7)}", "extra": {name: value}}]}
    [refused] = client.post(people_url(members), new).json()["refused"]
    assert (refused["code"], refused["sentence"]) == ("column_name", words)
    answer = client.patch(people_url(members, person.pk), {"extra": {name: value}})
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["field"].startswith("extra")
    assert error["detail"] == words
    job = {"kind": "set_field", "field": f"extra:{name}", "value": value or "y"}
    assert client.post(f"{LISTS}{members.pk}/jobs/", job).status_code == 400
    members.refresh_from_db()
    assert (members.columns, members.recipient_count) == (["city"], 2)


def test_pages_are_by_cursor(api: Api, members: RecipientList) -> None:
    client = api("viewer")
    first = client.get(people_url(members), {"page_size": 1}).json()
    second = client.get(first["next"]).json()
    assert [one["first_name"] for one in first["results"] + second["results"]] == ["Bob", "Ann"]
    assert second["next"] is None
