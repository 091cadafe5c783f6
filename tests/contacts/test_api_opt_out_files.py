"""/api/v1/imports with `purpose`: files of opt-outs and for unsubscribe lists."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Workspace
from contacts.models import Import, OptOut, UnsubscribeList
from contacts.services import import_runner, opt_outs
from tests.access import assert_access
from tests.contacts.support import NOBODY, checked_opt_outs, list_named, number, ran, upload
from tests.people import ApiClient

IMPORTS = "/api/v1/imports/"
TEXT = f"Mobile;Date;Reason\n+{number(0)};2026-05-03;STOP\n+{number(1)};03/05/2026;bye\n"
Api = Callable[..., ApiClient]


@pytest.fixture
def competitors(acme: Workspace) -> UnsubscribeList:
    return opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")


def send(client: ApiClient, **fields: Any) -> Any:
    data = {"file": SimpleUploadedFile("stops.csv", TEXT.encode()), **fields}
    return client.post(IMPORTS, data, format="multipart")


def test_it_works(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    made = send(client, purpose="opt_outs")
    assert made.status_code == 201, made.json()
    told = made.json()
    assert (told["purpose"], told["mapping"], told["list"], told["unsubscribe_list"]) == (
        "opt_outs",
        ["msisdn", "at", "source"],
        None,
        None,
    )
    assert [column["dates"] for column in told["columns"]] == [0.0, 1.0, 0.0]
    url = f"{IMPORTS}{told['id']}/"
    checked = client.post(f"{url}check/").json()
    assert (checked["check_counts"]["new"], checked["check_counts"]["refused"]) == (2, 0)
    told_of = checked["problems"][0]
    assert (told_of["code"], told_of["effect"]) == ("noticed:date_ambiguous", "noticed")
    changed = client.patch(url, {"date_order": "month_first"})
    assert (changed.status_code, changed.json()["date_order"], changed.json()["state"]) == (
        200,
        "month_first",
        "uploaded",
    )
    assert client.post(f"{url}check/").json()["problems"] == []
    assert client.post(f"{url}run/").status_code == 202
    import_runner.run_import(told["id"])
    ended = client.get(url).json()
    assert (ended["state"], ended["counts"]["new"]) == ("finished", 2)
    undone = client.post(f"{url}undo/")
    assert (undone.status_code, undone.json()["code"]) == (409, "opt_outs_stay")
    listed = client.get("/api/v1/opt-outs/").json()["results"]
    assert {(one["how"], one["source"]) for one in listed} == {("file", "STOP"), ("file", "bye")}


def test_numbers_for_an_unsubscribe_list(api: Api, acme: Workspace, competitors: UnsubscribeList) -> None:
    client = api("marketer")
    made = send(client, purpose="unsubscribe", unsubscribe_list=competitors.pk)
    assert (made.status_code, made.json()["unsubscribe_list"]) == (201, competitors.pk)
    url = f"{IMPORTS}{made.json()['id']}/"
    client.post(f"{url}check/")
    client.post(f"{url}run/")
    import_runner.run_import(made.json()["id"])
    competitors.refresh_from_db()
    assert (competitors.member_count, OptOut.objects.count()) == (2, 0)


def test_the_unsubscribe_list_must_be_ones_own(api: Api, acme: Workspace, other: Workspace) -> None:
    foreign = opt_outs.create_unsubscribe_list(workspace=other, actor=NOBODY, name="Theirs")
    answer = send(api("marketer"), purpose="unsubscribe", unsubscribe_list=foreign.pk)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "unsubscribe_list")


def test_what_does_not_fit_the_purpose_is_refused_by_name(
    api: Api, acme: Workspace, competitors: UnsubscribeList
) -> None:
    client, members = api("marketer"), list_named(acme)
    for fields, field in (
        ({"purpose": "stops"}, "purpose"),
        ({"purpose": "unsubscribe"}, "unsubscribe_list"),
        ({"purpose": "opt_outs", "list": members.pk}, "list"),
        ({"purpose": "opt_outs", "unsubscribe_list": competitors.pk}, "unsubscribe_list"),
        ({"unsubscribe_list": competitors.pk}, "unsubscribe_list"),
    ):
        answer = send(client, **fields)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.json()
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("purpose", "body", "field"),
    [
        ("opt_outs", {"existing": "skip"}, "existing"),
        ("opt_outs", {"new_list_name": "New"}, "new_list_name"),
        ("opt_outs", {"truncate": False}, "truncate"),
        ("opt_outs", {"date_order": "backwards"}, "date_order"),
        ("opt_outs", {"mapping": ["msisdn", "first_name", ""]}, "mapping"),
        ("opt_outs", {"purpose": "recipients"}, "purpose"),
        ("unsubscribe", {"unsubscribe_list": None}, "unsubscribe_list"),
        ("unsubscribe", {"unsubscribe_list": 987654}, "unsubscribe_list"),
        ("recipients", {"date_order": "day_first"}, "date_order"),
    ],
)
def test_changes_that_nobody_would_read_are_refused(
    api: Api, acme: Workspace, competitors: UnsubscribeList, purpose: str, body: dict[str, Any], field: str
) -> None:
    to = competitors if purpose == "unsubscribe" else None
    imported = upload(acme, TEXT, purpose=purpose, unsubscribe_list=to)
    answer = api("marketer").patch(f"{IMPORTS}{imported.pk}/", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.json()


def test_imports_are_found_by_purpose(api: Api, acme: Workspace, competitors: UnsubscribeList) -> None:
    people = upload(acme, TEXT)
    stops = upload(acme, TEXT, purpose="opt_outs")
    rivals = upload(acme, TEXT, purpose="unsubscribe", unsubscribe_list=competitors)
    client = api("viewer")
    for query, expected in (
        ({"purpose": "opt_outs"}, [stops.pk]),
        ({"purpose": "recipients"}, [people.pk]),
        ({"unsubscribe_list": competitors.pk}, [rivals.pk]),
        ({}, [rivals.pk, stops.pk, people.pk]),
    ):
        assert [one["id"] for one in client.get(IMPORTS, query).json()["results"]] == expected


def test_access(api: Api, acme: Workspace) -> None:
    imported = ran(checked_opt_outs(upload(acme, TEXT, purpose="opt_outs")))
    url = f"{IMPORTS}{imported.pk}/"
    assert_access(url, wrong_method="post")
    assert_access(f"{url}undo/", "post", viewer=403, marketer=409, wrong_method="put")
    assert send(api("viewer"), purpose="opt_outs").status_code == 403
