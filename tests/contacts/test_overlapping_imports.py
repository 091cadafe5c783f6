"""Undoing imports into one list that overlapped: nobody stays behind, and whoever was edited by hand stays as edited."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Role, Workspace
from contacts.models import ExistingNumbers, Import, ImportBefore, ImportState, RecipientList
from contacts.services import import_heirs, import_runner, import_undo, imports
from contacts.services.lists import update_recipient
from tests.contacts.support import NOBODY, checked, list_named, lose_lease, number, ran, upload
from tests.contacts.test_import_runner import Killed, table
from tests.contacts.test_import_undo import members_of, state_of, undone
from tests.people import api_client

UPDATE, FILL, REPLACE = ExistingNumbers.UPDATE, ExistingNumbers.FILL, ExistingNumbers.REPLACE
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_chunks")]


@pytest.fixture(params=[2, 5_000])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    for module in (import_undo, import_heirs):
        monkeypatch.setattr(module, "BATCH", request.param)
    return int(request.param)


def numbered(rows: Iterator[int] | range | list[int], name: str) -> str:
    lines = "".join(f"+{number(n)},{name},{name}{n},{name} town\n" for n in rows)
    return f"phone,first_name,custom1,town\n{lines}"


def going_on(imported: Import, monkeypatch: pytest.MonkeyPatch, chunks: int) -> bool:
    """So many chunks more, then its worker is killed, unless it has come to the end before. Whether it has ended."""
    real, left = import_runner._write_chunk, iter(range(chunks))

    def write(*args: Any) -> None:
        if next(left, None) is None:
            raise Killed
        real(*args)

    imported.refresh_from_db()
    if imported.state in (ImportState.CHECKED, ImportState.CANCELLED):
        imports.start_run(imported=imported, actor=NOBODY)
    with monkeypatch.context() as patch:
        patch.setattr(import_runner, "_write_chunk", write)
        try:
            import_runner.run_import(imported.pk)
        except Killed:
            lose_lease(imported)
    imported.refresh_from_db()
    return imported.state == ImportState.FINISHED


def edited(members: RecipientList, n: int) -> None:
    person = members.recipients.get(msisdn=number(n))
    update_recipient(recipient=person, actor=NOBODY, fields={"last_name": "By hand"})


def all_undone(*all_of_them: Import) -> list[Import]:
    """As it must be done: who began later goes first."""
    rows = Import.objects.filter(pk__in=[one.pk for one in all_of_them]).order_by("-started_at")
    return [undone(one) for one in rows]


def people(members: RecipientList) -> list[str]:
    members.refresh_from_db()
    found = list(members.recipients.order_by("msisdn").values_list("msisdn", flat=True))
    assert members.recipient_count == len(found)
    return found


@pytest.mark.parametrize("how", ["killed", "cancelled"])
def test_nobody_stays_when_both_are_undone(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, batch: int, how: str
) -> None:
    """The first one is stopped half-way, the second one runs, half of it the same numbers, the first one goes on."""
    members = list_named(acme)
    first = checked(upload(acme, numbered(range(40), "Ann")), to=members)
    assert not going_on(first, monkeypatch, 2)
    if how == "cancelled":
        imports.cancel_import(imported=first, actor=NOBODY)
    second = ran(checked(upload(acme, numbered(range(10, 50), "Bea"), "second.csv"), to=members))
    assert going_on(first, monkeypatch, 99)
    assert len(people(members)) == 50
    second, first = all_undone(second, first)
    assert (second.undo_counts["removed"], second.undo_counts["passed_on"]) == (10, 20)
    assert second.undo_counts["kept"] == first.undo_counts["kept"] == 0
    assert (first.undo_counts["removed"], people(members)) == (40, [])
    assert not ImportBefore.objects.exists()
    members.refresh_from_db()
    assert members.columns == []


def test_who_is_left_to_the_other_import_is_told(
    acme: Workspace, bob_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = list_named(acme)
    first = checked(upload(acme, numbered(range(20), "Ann")), to=members)
    going_on(first, monkeypatch, 1)
    second = ran(checked(upload(acme, numbered(range(20), "Bea")), to=members))
    going_on(first, monkeypatch, 99)
    second = undone(second)
    page = bob_client.get(reverse("import-detail", args=[second.pk])).content.decode()
    assert "Left to another import" in page
    counts = api_client(Role.VIEWER).get(f"/api/v1/imports/{second.pk}/").json()["undo_counts"]
    assert counts == {"removed": 0, "restored": 10, "put_back": 0, "kept": 0, "elsewhere": 0, "passed_on": 10}


def test_whoever_was_edited_by_hand_stays(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Between the two imports, and after both."""
    members = list_named(acme)
    first = checked(upload(acme, numbered(range(40), "Ann")), to=members)
    going_on(first, monkeypatch, 1)
    second = ran(checked(upload(acme, numbered(range(40), "Bea")), to=members))
    edited(members, 15)
    going_on(first, monkeypatch, 99)
    for n in (5, 25):
        edited(members, n)
    all_undone(second, first)
    assert people(members) == [number(5), number(15), number(25)]
    kept = members.recipients.order_by("msisdn").values_list("first_name", "last_name")
    assert list(kept) == [("Bea", "By hand"), ("Bea", "By hand"), ("Ann", "By hand")]


def test_fields_that_both_changed_are_as_before(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Also those that only the one has a column for, which is undone first and wrote first."""
    members = members_of(acme, 20)
    before = state_of(members)
    only_names = "phone,first_name\n" + "".join(f"+{number(n)},Ann\n" for n in range(20))
    first = checked(upload(acme, only_names), to=members)
    going_on(first, monkeypatch, 1)
    second = ran(checked(upload(acme, table(20, name="Bea")), to=members))
    going_on(first, monkeypatch, 99)
    all_undone(second, first)
    assert state_of(members) == before


def test_another_import_that_goes_on_while_one_is_undone(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes to people whom the undoing has looked at already."""
    monkeypatch.setattr(import_undo, "BATCH", 4)
    members = list_named(acme)
    first = checked(upload(acme, numbered(range(40), "Ann")), to=members)
    going_on(first, monkeypatch, 1)
    second = ran(checked(upload(acme, numbered(range(10, 40), "Bea")), to=members))
    real, done = import_undo._remove_added, list[bool]()

    def meanwhile(*args: Any) -> Any:
        if not done:
            done.append(True)
            imports_went_on.append(going_on(first, monkeypatch, 1))
        return real(*args)

    imports_went_on: list[bool] = []
    steps = [meanwhile if step is real else step for step in import_undo.STEPS]
    monkeypatch.setattr(import_undo, "STEPS", tuple(steps))
    second = undone(second)
    assert imports_went_on == [False]
    assert (second.undo_counts["removed"], second.undo_counts["passed_on"]) == (20, 10)
    assert going_on(first, monkeypatch, 99)
    assert len(people(members)) == 40
    undone(first)
    assert people(members) == []


@pytest.mark.parametrize("seed", range(16))
def test_whatever_the_order_of_chunks_and_edits(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Two or three imports, chunk by chunk in any order, edits in between: as before all, but for what was edited."""
    chance = random.Random(seed)
    members = members_of(acme, 12)
    before = {row[0]: row for row in state_of(members)}
    kinds = [UPDATE, UPDATE, FILL, ExistingNumbers.SKIP, REPLACE]
    files = [
        checked(
            upload(acme, numbered(sorted(chance.sample(range(60), 45)), name), f"{name}.csv"),
            to=members,
            existing=chance.choice(kinds),
        )
        for name in ("Ann", "Bea", "Cy")[: chance.randint(2, 3)]
    ]
    by_hand, left = set[str](), list(files)
    while left:
        one = chance.choice(left)
        if going_on(one, monkeypatch, chance.randint(1, 2)) or one.state == ImportState.FAILED:
            left.remove(one)
        if chance.random() < 0.4 and (there := people(members)):
            by_hand.add(chosen := chance.choice(there))
            update_recipient(
                recipient=members.recipients.get(msisdn=chosen),
                actor=NOBODY,
                fields={"last_name": f"By hand {len(by_hand)}"},
            )
    named = dict(members.recipients.filter(msisdn__in=by_hand).values_list("msisdn", "last_name"))
    all_undone(*files)
    after = {row[0]: row for row in state_of(members)}
    assert people(members) == sorted(after)
    assert set(after) - by_hand == set(before) - by_hand
    assert {msisdn: row for msisdn, row in after.items() if msisdn not in by_hand} == {
        msisdn: row for msisdn, row in before.items() if msisdn not in by_hand
    }
    hands = dict(members.recipients.filter(msisdn__in=named).values_list("msisdn", "last_name"))
    assert hands == named, "what was written by hand is as it was written"
