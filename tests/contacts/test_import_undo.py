"""contacts.services.import_undo: the list as before, whatever happens on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts.errors import WrongState
from contacts.models import ExistingNumbers, Import, ImportBefore, ImportState, RecipientList
from contacts.related import register_texted_check
from contacts.services import import_undo, imports
from contacts.services.lists import Person, add_recipients, update_recipient
from tests.access import assert_access
from tests.contacts.support import NOBODY, checked, list_named, lose_lease, number, ran, upload
from tests.contacts.test_import_runner import Killed, table

FIELDS = (
    "msisdn",
    "first_name",
    "custom1",
    "extra",
    "country",
    "kind",
    "import_id",
    "created_at",
    "updated_at",
)


def state_of(members: RecipientList) -> list[tuple[Any, ...]]:
    return list(members.recipients.order_by("msisdn").values_list(*FIELDS))


def members_of(acme: Workspace, count: int = 20) -> RecipientList:
    people = [Person(f"+{number(n)}", {"custom1": "old"}, {"town": "é", "pet": "cat"}) for n in range(count)]
    return list_named(acme, people=people)


def undone(imported: Import) -> Import:
    imports.undo_import(imported=imported, actor=NOBODY)
    import_undo.undo(imported.pk)
    imported.refresh_from_db()
    return imported


def test_a_new_list_is_empty_again(acme: Workspace, small_chunks: int) -> None:
    imported = undone(ran(checked(upload(acme, table(25)))))
    assert (imported.state, imported.undo_counts) == (
        ImportState.UNDONE,
        {"removed": 25, "restored": 0, "put_back": 0},
    )
    assert imported.list is not None
    assert (imported.list.recipient_count, imported.list.recipients.count()) == (0, 0)
    assert imported.undone_at is not None


@pytest.mark.parametrize("existing", ExistingNumbers.values)
def test_the_list_is_as_before(acme: Workspace, small_chunks: int, existing: str) -> None:
    members = members_of(acme)
    before = state_of(members)
    imported = ran(checked(upload(acme, table(20, start=10)), to=members, existing=existing))
    assert state_of(members) != before
    counts = undone(imported).undo_counts
    assert state_of(members) == before
    members.refresh_from_db()
    assert members.recipient_count == 20
    assert counts["removed"] == 10
    assert (counts["restored"], counts["put_back"]) == {"skip": (0, 0), "replace": (10, 10)}.get(
        existing, (10, 0)
    )
    assert not ImportBefore.objects.exists()


def test_whoever_was_edited_since_stays_as_edited(acme: Workspace) -> None:
    members = members_of(acme, 2)
    imported = ran(checked(upload(acme, table(2)), to=members))
    update_recipient(
        recipient=members.recipients.get(msisdn=number(0)), actor=NOBODY, fields={"first_name": "By hand"}
    )
    undone(imported)
    assert set(members.recipients.values_list("first_name", "custom1")) == {("By hand", "0"), ("", "old")}


def test_whoever_is_on_the_list_again_stays(acme: Workspace) -> None:
    members = members_of(acme, 3)
    imported = ran(checked(upload(acme, table(1)), to=members, existing=ExistingNumbers.REPLACE))
    add_recipients(
        recipient_list=members, people=[Person(f"+{number(1)}", {"first_name": "Again"})], actor=NOBODY
    )
    assert undone(imported).undo_counts["put_back"] == 1
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 3
    assert members.recipients.get(msisdn=number(1)).first_name == "Again"


@pytest.mark.parametrize("dies_at", range(1, 10, 2))
def test_a_killed_undo_goes_on_where_it_stopped(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int, dies_at: int
) -> None:
    monkeypatch.setattr(import_undo, "BATCH", 4)
    members = members_of(acme)
    before = state_of(members)
    imported = ran(checked(upload(acme, table(20, start=10)), to=members, existing=ExistingNumbers.REPLACE))
    updates = iter(range(1, 100))
    real = import_undo.update_import

    def die(*args: Any, **changes: Any) -> None:
        real(*args, **changes)
        if next(updates) == dies_at:
            raise Killed

    imports.undo_import(imported=imported, actor=NOBODY)
    with monkeypatch.context() as patch:
        patch.setattr(import_undo, "update_import", die)
        with pytest.raises(Killed):
            import_undo.undo(imported.pk)
    lose_lease(imported)
    assert imports.resume_stalled_imports() == 1
    import_undo.undo(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.undo_counts) == (
        ImportState.UNDONE,
        {"removed": 10, "restored": 10, "put_back": 10},
    )
    assert state_of(members) == before
    members.refresh_from_db()
    assert members.recipient_count == 20


def test_a_cancelled_import_can_be_undone_and_not_be_run_on(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, table(5))))
    Import.objects.update(state=ImportState.CANCELLED)
    imported.refresh_from_db()
    assert undone(imported).state == ImportState.UNDONE
    for state in (ImportState.UNDONE, ImportState.FAILED):
        Import.objects.update(state=state)
        imported.refresh_from_db()
        with pytest.raises(WrongState):
            imports.start_run(imported=imported, actor=NOBODY)


def test_only_the_last_import_of_a_list_can_be_undone(acme: Workspace) -> None:
    members = members_of(acme)
    first = ran(checked(upload(acme, table(5)), to=members))
    second = ran(checked(upload(acme, table(5, name="Bea"), "second.csv"), to=members))
    with pytest.raises(WrongState, match=r"second\.csv was imported into the same list after it"):
        undone(first)
    undone(second)
    assert undone(first).state == ImportState.UNDONE


def test_what_is_older_than_a_month_is_tidied_and_said_so(acme: Workspace) -> None:
    members = members_of(acme)
    imported = ran(checked(upload(acme, table(5)), to=members))
    assert (import_undo.tidy_befores(), ImportBefore.objects.count()) == (0, 5)
    Import.objects.update(finished_at=timezone.now() - timedelta(days=31))
    assert (import_undo.tidy_befores(), ImportBefore.objects.count()) == (5, 0)
    imported.refresh_from_db()
    with pytest.raises(WrongState, match="more than 30 days ago"):
        undone(imported)


def test_the_same_file_again_keeps_nothing(acme: Workspace) -> None:
    first = ran(checked(upload(acme, table(5))))
    ran(checked(upload(acme, table(5)), to=first.list))
    assert not ImportBefore.objects.exists()


def test_an_import_of_whom_somebody_was_texted_stays(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contacts import related

    monkeypatch.setattr(related, "_texted_checks", [])
    members = members_of(acme, 3)
    imported = ran(checked(upload(acme, table(3, start=2)), to=members))
    asked: list[set[str]] = []
    register_texted_check(lambda people, since: bool(asked.append({p.msisdn for p in people})) or True)
    with pytest.raises(WrongState, match="has been texted already"):
        undone(imported)
    assert asked == [{number(2), number(3), number(4)}], "who was added, and who was changed"


def test_pages_and_their_access(bob_client: Client, acme: Workspace) -> None:
    imported = ran(checked(upload(acme, table(3))))
    url, detail = reverse("import-undo", args=[imported.pk]), reverse("import-detail", args=[imported.pk])
    assert_access(url, viewer=403)
    assert url in bob_client.get(detail).content.decode()
    assert "becomes as it was before this import" in bob_client.get(url).content.decode()
    assert bob_client.post(url).url == detail
    assert "is being undone" in bob_client.get(detail).content.decode()
    import_undo.undo(imported.pk)
    page = bob_client.get(detail).content.decode()
    assert "What undoing did" in page
    assert url not in page
    assert "nothing that can be undone" in bob_client.get(url).content.decode()
