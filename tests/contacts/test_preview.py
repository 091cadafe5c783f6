"""contacts.preview: what it foretells is what the run does."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import ExistingNumbers, OptOutHow, Recipient, RecipientList
from contacts.preview import PreviewCell, PreviewRow, preview_of
from contacts.services.lists import Person
from contacts.services.opt_outs import opt_out
from tests.contacts.support import checked, list_named, number, ran, upload
from tests.people import api_client

TEXT = (
    "phone,first_name,custom1,town,note\n"
    f"+{number(0)},Bea,new,Leeds,\n"
    f"n/a,No,,,\n"
    f"+{number(1)},,,,\n"
    f"+{number(2)},Cy,,York,x\n"
    f"+{number(0)},Twice,,,\n"
    f"+{number(9)},Dee,d,Rome,\n"
    f"+{number(3)},Ann,same,Bath,y\n"
)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    return list_named(
        acme,
        people=[
            Person(f"+{number(0)}", {"first_name": "Ann", "custom1": ""}, {"town": "Hull", "pet": "cat"}),
            Person(f"+{number(1)}", {"first_name": "Bob", "custom1": "b"}, {"town": "Hull"}),
            Person(f"+{number(2)}", {"first_name": "", "custom1": "old"}, {}),
            Person(f"+{number(3)}", {"first_name": "Ann", "custom1": "same"}, {"town": "Bath", "note": "y"}),
        ],
    )


def previewed(acme: Workspace, members: RecipientList | None, existing: str = "update") -> list[PreviewRow]:
    return preview_of(checked(upload(acme, TEXT), to=members, existing=existing)).rows


def test_it_works(acme: Workspace, members: RecipientList) -> None:
    opt_out(workspace=acme, msisdn=number(9), how=OptOutHow.STOP)
    rows = previewed(acme, members)
    assert [(row.row, row.msisdn, row.effect, row.is_opted_out) for row in rows] == [
        (2, number(0), "updated", False),
        (4, number(1), "unchanged", False),
        (5, number(2), "updated", False),
        (7, number(9), "new", True),
        (8, number(3), "unchanged", False),
    ]
    assert rows[0].cells == [
        PreviewCell("first_name", "Bea", "Ann"),
        PreviewCell("custom1", "new", ""),
        PreviewCell("extra:town", "Leeds", "Hull"),
        PreviewCell("extra:note", ""),
    ]
    assert rows[1].cells[0] == PreviewCell("first_name", "Bob"), "an empty cell never erases"
    assert rows[3].cells[0] == PreviewCell("first_name", "Dee")


@pytest.mark.parametrize("existing", ExistingNumbers.values)
def test_it_is_what_the_run_does(acme: Workspace, members: RecipientList, existing: str) -> None:
    imported = checked(upload(acme, TEXT), to=members, existing=existing)
    rows = preview_of(imported).rows
    before = {person.msisdn: _shown(person) for person in members.recipients.all()}
    counts = ran(imported).counts
    for row in rows:
        person = _shown(members.recipients.get(msisdn=row.msisdn))
        assert {cell.name: cell.value for cell in row.cells} == person
        if row.msisdn in before:
            was = {cell.name: cell.value if cell.before is None else cell.before for cell in row.cells}
            assert was == before[row.msisdn]
    effects = [row.effect for row in rows]
    told = {name: effects.count(name) for name in ("new", "updated", "unchanged", "skipped")}  # type: ignore[arg-type]  # literals
    assert told == {name: counts[name] for name in told}, "all rows of the file are in the preview"


def _shown(person: Recipient) -> dict[str, str]:
    return {
        "first_name": person.first_name,
        "custom1": person.custom1,
        "extra:town": person.extra.get("town", ""),
        "extra:note": person.extra.get("note", ""),
    }


def test_filling_keeps_what_is_there(acme: Workspace, members: RecipientList) -> None:
    first, second, third, *_rest = previewed(acme, members, ExistingNumbers.FILL)
    assert first.cells[:3] == [
        PreviewCell("first_name", "Ann"),
        PreviewCell("custom1", "new", ""),
        PreviewCell("extra:town", "Hull"),
    ]
    assert (second.effect, third.effect) == ("unchanged", "updated")


def test_whoever_is_left_is_shown_as_now(acme: Workspace, members: RecipientList) -> None:
    first = previewed(acme, members, ExistingNumbers.SKIP)[0]
    assert (first.effect, first.cells[0]) == ("skipped", PreviewCell("first_name", "Ann"))


def test_everybody_is_new_to_a_new_list(acme: Workspace, members: RecipientList) -> None:
    rows = previewed(acme, None)
    assert {row.effect for row in rows} == {"new"}
    assert all(cell.before is None for row in rows for cell in row.cells)


def test_the_page_marks_what_changes(bob_client: Client, acme: Workspace, members: RecipientList) -> None:
    imported = checked(upload(acme, TEXT), to=members)
    page = bob_client.get(reverse("import-check", args=[imported.pk])).content.decode()
    assert "<del>Ann</del>" in page
    assert "<ins>Bea</ins>" in page
    assert page.count("<del>") == 2, "a name and a town; York fills an empty one"
    assert "empty</span>" in page


def test_the_api_tells_it_of_a_checked_import(acme: Workspace, members: RecipientList) -> None:
    imported = upload(acme, TEXT)
    client, url = api_client("viewer"), f"/api/v1/imports/{imported.pk}/preview/"
    early = client.get(url)
    assert (early.status_code, early.json()["code"]) == (409, "not_checked")
    checked(imported, to=members)
    told: list[dict[str, Any]] = client.get(url).json()
    assert [(row["row"], row["effect"]) for row in told][:2] == [(2, "updated"), (4, "unchanged")]
    assert told[0]["cells"][0] == {"name": "first_name", "value": "Bea", "before": "Ann"}
    assert told[3]["cells"][0] == {"name": "first_name", "value": "Dee", "before": None}
    ran(imported)
    assert client.get(url).status_code == 409
