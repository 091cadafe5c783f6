"""/api/v1/imports: from upload to the report."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import Import
from contacts.services import import_runner, import_undo
from tests.access import assert_access
from tests.contacts.support import checked, list_named, number, ran, upload
from tests.people import ApiClient

IMPORTS = "/api/v1/imports/"
TEXT = f"Mobile;Vorname;Stadt\n+{number(0)};Ann;Leeds\n+{number(1)};Bob;\nn/a;Cy;Rome\n"
Api = Callable[..., ApiClient]


def send(client: ApiClient, content: str | bytes = TEXT, name: str = "autumn.csv", **fields: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    return client.post(IMPORTS, {"file": SimpleUploadedFile(name, raw), **fields}, format="multipart")


def test_it_works(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    made = send(client)
    assert made.status_code == 201, made.json()
    assert (made.json()["state"], made.json()["mapping"]) == (
        "uploaded",
        ["msisdn", "first_name", "extra:stadt"],
    )
    assert made.json()["columns"][0]["guess"] == "msisdn"
    url = f"{IMPORTS}{made.json()['id']}/"
    changed = client.patch(
        url, {"mapping": ["msisdn", "first_name", "extra:city"], "new_list_name": "Autumn"}
    )
    assert (changed.status_code, changed.json()["new_list_name"]) == (200, "Autumn")

    told = client.post(f"{url}check/").json()
    assert (told["state"], told["check_counts"]["new"], told["counts"]) == ("checked", 2, None)
    assert told["problems"] == [
        {
            "code": "letters",
            "count": 1,
            "rows": [4],
            "samples": ["n/a"],
            "effect": "refused",
            "sentence": "The number holds letters.",
            "remedy": "Write numbers in digits, without names. Is it the right column?",
        }
    ]
    started = client.post(f"{url}run/")
    assert (started.status_code, started.json()["state"]) == (202, "running")
    import_runner.run_import(made.json()["id"])
    ended = client.get(url).json()
    assert (ended["state"], ended["counts"]["new"], ended["progress"]["percent"]) == ("finished", 2, 100)
    assert client.get("/api/v1/recipient-lists/").json()["results"][0]["name"] == "Autumn"
    rejects = client.get(f"{url}rejects/")
    body = b"".join(rejects.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    assert body.splitlines()[1].endswith(";n/a;Cy;Rome")


def test_access(acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    url = f"{IMPORTS}{imported.pk}/"
    assert_access(IMPORTS, wrong_method="put")
    assert_access(url, wrong_method="post")
    assert_access(url, "patch", viewer=403, marketer=200, wrong_method=None, data={})
    assert_access(f"{url}check/", "post", viewer=403, marketer=200, wrong_method="put")
    assert_access(f"{url}run/", "post", viewer=403, marketer=202, wrong_method="put")
    assert_access(f"{url}cancel/", "post", viewer=403, marketer=200, wrong_method="put")
    assert_access(f"{url}undo/", "post", viewer=403, marketer=409, wrong_method="put")
    assert_access(f"{url}rejects/", wrong_method="put")


def test_a_viewers_key_cannot_upload(api: Api, acme: Workspace) -> None:
    assert send(api("viewer")).status_code == 403
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty", "The file is empty. Export the list again and choose the new file."),
        (b"MZ\x00\x01" * 99, "not_a_table", "The file is a program, not a table."),
        (b"phone\n", "only_header", "no rows below it"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem(
    api: Api, acme: Workspace, content: bytes, code: str, words: str
) -> None:
    answer = send(api("marketer"), content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == ("file", code)
    assert words in error["detail"]
    assert not Import.objects.exists()


def test_a_file_over_the_limit_is_refused_unread(api: Api, acme: Workspace, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 1024
    answer = api("marketer").generic(
        "POST",
        IMPORTS,
        "",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(200 * 1024 * 1024),
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    small = send(api("marketer"), "x" * 2000)
    assert (small.status_code, small.json()["code"]) == (413, "too_large")


def test_no_file_is_a_problem_of_its_field(api: Api, acme: Workspace) -> None:
    answer = api("marketer").post(IMPORTS, {}, format="multipart")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "file")


def test_the_list_must_be_ones_own(api: Api, acme: Workspace, other: Workspace) -> None:
    members, foreign = list_named(acme), list_named(other)
    assert send(api("marketer"), list=members.pk).json()["list"] == members.pk
    answer = send(api("marketer"), list=foreign.pk)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "list")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mapping": ["", "", ""]}, "mapping"),
        ({"mapping": ["msisdn"]}, "mapping"),
        ({"default_country": "XX"}, "default_country"),
        ({"existing": "merge"}, "existing"),
        ({"list": 987654}, "list"),
        ({"new_list_name": "members"}, "new_list_name"),
        ({"encoding": "rot13"}, "encoding"),
        ({"delimiter": "x"}, "delimiter"),
    ],
)
def test_choices_that_do_not_fit_are_problems(
    api: Api, acme: Workspace, body: dict[str, Any], field: str
) -> None:
    list_named(acme, "Members")
    answer = api("marketer").patch(f"{IMPORTS}{upload(acme, TEXT).pk}/", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.json()


def test_naming_one_target_drops_the_other(api: Api, acme: Workspace) -> None:
    members = list_named(acme)
    client, url = api("marketer"), f"{IMPORTS}{upload(acme, TEXT).pk}/"
    assert client.patch(url, {"list": members.pk}).json()["list"] == members.pk
    changed = client.patch(url, {"new_list_name": "Fresh"}).json()
    assert (changed["list"], changed["new_list_name"]) == (None, "Fresh")


def test_reading_in_another_way_guesses_anew(api: Api, acme: Workspace) -> None:
    url = f"{IMPORTS}{upload(acme, TEXT).pk}/"
    changed = api("marketer").patch(url, {"has_header": False}).json()
    assert (changed["columns"][0]["name"], changed["total_rows"]) == ("Column 1", 4)


def test_the_order_of_steps_is_kept(api: Api, acme: Workspace) -> None:
    client, imported = api("marketer"), upload(acme, TEXT)
    url = f"{IMPORTS}{imported.pk}/"
    early = client.post(f"{url}run/")
    assert (early.status_code, early.json()["code"]) == (409, "not_checked")
    checked(imported)
    client.post(f"{url}run/")
    assert client.post(f"{url}run/").status_code == 409
    assert client.patch(url, {"truncate": True}).status_code == 409
    assert client.post(f"{url}cancel/").json()["state"] == "cancelled"


def test_imports_are_found_by_state_and_list(api: Api, acme: Workspace) -> None:
    finished = ran(checked(upload(acme, TEXT)))
    waiting = upload(acme, TEXT)
    client = api("viewer")
    for query, expected in (
        ({"state": "finished"}, [finished.pk]),
        ({"state": "uploaded"}, [waiting.pk]),
        ({"list": finished.list_id}, [finished.pk]),
        ({}, [waiting.pk, finished.pk]),
    ):
        assert [one["id"] for one in client.get(IMPORTS, query).json()["results"]] == expected


def test_an_import_is_undone(acme: Workspace, api: Api) -> None:
    imported = ran(checked(upload(acme, f"phone\n+{number(0)}\n")))
    url = f"/api/v1/imports/{imported.pk}/"
    assert api("marketer").get(url).json()["undo_counts"] is None
    began = api("marketer").post(f"{url}undo/")
    assert (began.status_code, began.json()["state"]) == (202, "undoing")
    import_undo.undo(imported.pk)
    told = api("marketer").get(url).json()
    assert (told["state"], told["undo_counts"]) == (
        "undone",
        {"removed": 1, "restored": 0, "put_back": 0, "kept": 0, "elsewhere": 0, "passed_on": 0},
    )
    again = api("marketer").post(f"{url}undo/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_the_first_rows_of_every_count_are_told(api: Api, acme: Workspace) -> None:
    client, imported = api("marketer"), upload(acme, f"{TEXT}+{number(0)};Dee;Rome\n")
    url = f"{IMPORTS}{imported.pk}/"
    assert client.get(url).json()["check_rows"] is None
    assert client.post(f"{url}check/").json()["check_rows"] == {
        "new": [2, 3],
        "updated": [],
        "unchanged": [],
        "skipped": [],
        "duplicate": [{"row": 5, "msisdn": number(0), "first_row": 2}],
        "refused": [4],
        "opted_out": [],
        "cut": [],
        "other_number": [],
        "countries": {},
    }


def test_a_country_is_suggested(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    made = send(client, "Mobile\n01512 3456789\n01512/3456789\n").json()
    assert (made["suggested_country"], made["default_country"]) == ("DE", "US")
    changed = client.patch(f"{IMPORTS}{made['id']}/", {"default_country": "DE"}).json()
    assert (changed["suggested_country"], changed["default_country"]) == ("", "DE")
    assert client.post(f"{IMPORTS}{made['id']}/check/").json()["check_counts"]["new"] == 1
