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
from contacts.people import Sought
from contacts.related import register_texted_check
from contacts.rules import rule_of
from contacts.services import import_runner, import_undo, imports
from contacts.services.list_jobs import Wish, start_job
from contacts.services.lists import (
    Person,
    add_recipients,
    create_live_list,
    remove_recipients,
    save_filter,
    update_recipient,
)
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
        {"removed": 25, "restored": 0, "put_back": 0, "kept": 0, "elsewhere": 0},
    )
    assert (imported.list, acme.recipient_lists.count(), imported.undo_kept["list"]) == (None, 0, "deleted")
    assert imported.undone_at is not None


# --- what an import leaves behind ---


NOBODY_STAYS = {"put_back": 0, "kept": 0, "elsewhere": 0}


def told_of(client: Client, imported: Import) -> str:
    return client.get(reverse("import-detail", args=[imported.pk])).content.decode()


def test_a_list_that_it_made_can_be_made_again(acme: Workspace, bob_client: Client) -> None:
    imported = undone(ran(checked(upload(acme, table(3)))))
    name = imported.new_list_name
    page = told_of(bob_client, imported)
    assert (
        f"The list {name}, which this import had made, was empty and nothing had used it: it is deleted."
        in page
    )
    assert "There is nothing left to undo" not in page
    assert list_named(acme, name).enabled


def test_a_list_that_something_refers_to_is_disabled(acme: Workspace, bob_client: Client) -> None:
    imported = ran(checked(upload(acme, table(3))))
    assert imported.list is not None
    save_filter(recipient_list=imported.list, actor=NOBODY, name="Ann", rule=rule_of(ANN))
    imported = undone(imported)
    assert imported.list is not None
    assert (imported.list.enabled, imported.list.recipient_count) == (False, 0)
    assert "is kept and disabled" in told_of(bob_client, imported)


def test_a_list_that_it_made_and_that_holds_others_stays(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, table(3))))
    assert imported.list is not None
    add_recipients(recipient_list=imported.list, people=[Person(f"+{number(9)}")], actor=NOBODY)
    imported = undone(imported)
    assert imported.list is not None
    assert (imported.list.enabled, imported.list.recipient_count) == (True, 1)
    assert "list" not in imported.undo_kept


ANN = {"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]}
OWN = f"phone,town,pet,hue,size\n+{number(1)},Leeds,cat,red,\n+{number(2)},York,dog,blue,L\n"


def test_columns_that_only_it_brought_go(acme: Workspace) -> None:
    members = list_named(acme, people=[Person(f"+{number(0)}", {}, {"town": "Bath"})])
    live = create_live_list(source=members, actor=NOBODY, name="Live", rule=rule_of(ANN))
    imported = ran(checked(upload(acme, OWN), to=members))
    assert imported.new_columns == ["pet", "hue", "size"]
    add_recipients(
        recipient_list=members, people=[Person(f"+{number(9)}", {}, {"pet": "fish"})], actor=NOBODY
    )
    by_hue = {"conditions": [{"field": "extra:hue", "operator": "is", "value": "red"}]}
    save_filter(recipient_list=members, actor=NOBODY, name="Red", rule=rule_of(by_hue))
    undone(imported)
    for one in (members, live):
        one.refresh_from_db()
        assert one.columns == ["town", "pet", "hue"], "what somebody else has, or filters by, stays"


def test_who_stays_is_counted_and_named(acme: Workspace, bob_client: Client) -> None:
    members, elsewhere, known = members_of(acme, 2), list_named(acme, "Elsewhere"), list_named(acme, "Known")
    add_recipients(recipient_list=known, people=[Person(f"+{number(6)}")], actor=NOBODY)
    imported = ran(checked(upload(acme, table(8)), to=members))  # 0 and 1 are updated, 2 to 7 new
    edit = {"actor": NOBODY, "fields": {"first_name": "By hand"}}
    for n in (0, 2):
        update_recipient(recipient=members.recipients.get(msisdn=number(n)), **edit)

    def some(kind: str, *numbers: int) -> None:
        ids = members.recipients.filter(msisdn__in=map(number, numbers)).values_list("pk", flat=True)
        start_job(sought=Sought(members, ids=tuple(ids)), wish=Wish(kind, target=elsewhere), actor=NOBODY)

    some("copy", 3, 4)
    some("move", 5)
    imported = undone(imported)
    assert imported.undo_counts == {"removed": 4, "restored": 1, "put_back": 0, "kept": 2, "elsewhere": 3}
    assert imported.undo_kept["edited"] == [number(2)]
    assert imported.undo_kept["lists"] == {str(elsewhere.pk): 3}
    page = told_of(bob_client, imported)
    assert "Whoever was edited after the import stays as edited." in page
    assert reverse("number-detail", args=[number(2)]) in page
    assert f'{reverse("recipient-list-detail", args=[elsewhere.pk])}">Elsewhere</a> (3)' in page
    assert "Known" not in page


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


def test_whom_it_added_and_who_was_edited_since_stays(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, table(3))))
    assert imported.list is not None
    people = imported.list.recipients.order_by("msisdn")
    update_recipient(recipient=people[0], actor=NOBODY, fields={"first_name": "By hand"})
    pasted = [Person(f"+{number(1)}", {"last_name": "Lee"})]
    add_recipients(recipient_list=imported.list, people=pasted, actor=NOBODY)
    assert undone(imported).undo_counts["removed"] == 1
    assert list(people.values_list("first_name", "last_name")) == [("By hand", ""), ("Ann", "Lee")]
    imported.list.refresh_from_db()
    assert imported.list.recipient_count == 2


def test_an_edit_while_the_import_runs_stays(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    """After its rows were written, before its end: of somebody it changed, and of somebody it added."""
    members = members_of(acme, 1)
    imported = checked(upload(acme, table(25)), to=members)
    monkeypatch.setattr(import_runner, "FIRST_CHUNK_ROWS", 10)
    real, edited = import_runner._write, []

    def edit(*args: Any, **more: Any) -> None:
        real(*args, **more)
        if not edited:
            for msisdn in (number(0), number(1)):
                person = members.recipients.get(msisdn=msisdn)
                edited.append(
                    update_recipient(recipient=person, actor=NOBODY, fields={"first_name": "By hand"})
                )

    monkeypatch.setattr(import_runner, "_write", edit)
    assert undone(ran(imported)).undo_counts == {
        "removed": 23,
        "restored": 0,
        "put_back": 0,
        "kept": 2,
        "elsewhere": 0,
    }
    rows = members.recipients.order_by("msisdn").values_list("msisdn", "first_name")
    assert list(rows) == [(number(0), "By hand"), (number(1), "By hand")]


def test_an_import_from_before_that_was_kept_is_judged_by_its_end(acme: Workspace) -> None:
    members = members_of(acme, 2)
    imported = ran(checked(upload(acme, table(2)), to=members))
    for before in ImportBefore.objects.all():
        before.was = {name: value for name, value in before.was.items() if name != "written_at"}
        before.save()
    update_recipient(
        recipient=members.recipients.get(msisdn=number(0)), actor=NOBODY, fields={"first_name": "By hand"}
    )
    assert undone(imported).undo_counts["restored"] == 1
    assert set(members.recipients.values_list("first_name", "custom1")) == {("By hand", "0"), ("", "old")}


def moved(source: RecipientList, target: RecipientList) -> None:
    source.refresh_from_db()
    start_job(sought=Sought(source), wish=Wish("move", target=target), actor=NOBODY)


def test_moved_there_and_back_is_as_if_never_moved(acme: Workspace) -> None:
    members, elsewhere = members_of(acme, 3), list_named(acme, "Elsewhere")
    before = state_of(members)
    imported = ran(checked(upload(acme, table(3, start=1)), to=members))
    moved(members, elsewhere)
    moved(elsewhere, members)
    assert undone(imported).undo_counts == {"removed": 1, "restored": 2} | NOBODY_STAYS
    assert state_of(members) == before
    assert not ImportBefore.objects.exists()


def test_whoever_was_moved_stays_there(acme: Workspace) -> None:
    members, elsewhere = members_of(acme, 1), list_named(acme, "Elsewhere")
    imported = ran(checked(upload(acme, table(3)), to=members))
    moved(members, elsewhere)
    assert undone(imported).undo_counts == {"removed": 0, "restored": 0} | NOBODY_STAYS | {"elsewhere": 2}
    elsewhere.refresh_from_db()
    assert elsewhere.recipient_count == elsewhere.recipients.count() == 3
    assert set(elsewhere.recipients.values_list("first_name", flat=True)) == {"Ann"}


def test_removed_and_put_back_is_as_if_never_removed(bob_client: Client, acme: Workspace) -> None:
    members = members_of(acme, 2)
    before = state_of(members)
    imported = ran(checked(upload(acme, table(3, start=1)), to=members))
    ids = list(members.recipients.values_list("pk", flat=True))
    bob_client.post(reverse("recipient-list-remove", args=[members.pk]), {"selected": ids})
    assert not members.recipients.exists()
    bob_client.post(reverse("recipient-list-restore", args=[members.pk]))
    assert undone(imported).undo_counts == {"removed": 2, "restored": 1} | NOBODY_STAYS
    assert state_of(members) == before


def test_who_left_is_kept_only_as_long_as_it_can_be_undone(acme: Workspace) -> None:
    old, fresh = ran(checked(upload(acme, table(2)))), ran(checked(upload(acme, table(2))))
    Import.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=31))
    for imported in (old, fresh):
        assert imported.list is not None
        ids = list(imported.list.recipients.values_list("pk", flat=True))
        remove_recipients(recipient_list=imported.list, ids=ids, actor=NOBODY)
    assert set(ImportBefore.objects.values_list("imported", "msisdn")) == {
        (fresh.pk, number(0)),
        (fresh.pk, number(1)),
    }
    assert undone(fresh).state == ImportState.UNDONE
    assert not ImportBefore.objects.exists()


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
        {"removed": 10, "restored": 10} | NOBODY_STAYS | {"put_back": 10},
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
    asked: list[tuple[int, set[str]]] = []
    register_texted_check(
        lambda workspace, rows, since: bool(asked.append((workspace, {row.msisdn for row in rows})))
    )
    assert undone(imported).state == ImportState.UNDONE
    added, changed = {number(3), number(4)}, {number(2)}
    assert asked[:2] == [(acme.pk, added), (acme.pk, changed)]
    register_texted_check(lambda *_args: True)
    again = ran(checked(upload(acme, table(3, start=2)), to=members))
    with pytest.raises(WrongState, match="has been texted already"):
        undone(again)


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


def test_a_running_undo_shows_how_far_it_is(
    victor_client: Client, acme: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for its progress every second, until there is nothing more to come."""
    imported = ran(checked(upload(acme, table(10))))
    url = reverse("import-detail", args=[imported.pk])
    imports.undo_import(imported=imported, actor=NOBODY)
    assert "Waiting for a worker" in victor_client.get(url).content.decode()
    monkeypatch.setattr(import_undo, "BATCH", 4)
    real = import_undo.update_import
    seen: list[str] = []

    def look(*args: Any, **changes: Any) -> None:
        real(*args, **changes)
        if "undo_counts" in changes and "state" not in changes:
            seen.append(victor_client.get(url, headers={"HX-Request": "true"}).content.decode())

    monkeypatch.setattr(import_undo, "update_import", look)
    import_undo.undo(imported.pk)
    assert ["4 of 10 people" in seen[0], "8 of 10 people" in seen[1], len(seen)] == [True, True, 3]
    assert "people a second" in seen[0]
    assert "every 1s" in seen[0]
    ended = victor_client.get(url, headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["HX-Redirect"]) == (286, url)


def test_time_left_is_told_by_people(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, table(10)), to=members_of(acme, 4)))
    imports.undo_import(imported=imported, actor=NOBODY)
    assert (imported.rows_per_second, imports.progress_of(imported).seconds_left) == (0, None)
    imported.rows_per_second = 2
    imported.undo_counts = {"removed": 4, "restored": 0, "put_back": 0}
    assert imports.progress_of(imported) == imports.Progress(4, 10, 40, 2, 3)


def test_the_history_offers_it_where_it_can_be_done(
    bob_client: Client, victor_client: Client, acme: Workspace, django_assert_num_queries: Any
) -> None:
    members = members_of(acme)
    first = ran(checked(upload(acme, table(5)), to=members))
    last = ran(checked(upload(acme, table(5, name="Bea")), to=members))
    alone = ran(checked(upload(acme, table(5))))
    old = ran(checked(upload(acme, table(5))))
    Import.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=31))
    waiting = checked(upload(acme, table(5)))
    everything = list(Import.objects.all())
    with django_assert_num_queries(1):
        assert import_undo.undoable_among(everything) == {last.pk, alone.pk}
    offered = {one.pk for one in everything if not import_undo.why_not_undoable(one)}
    assert offered == {last.pk, alone.pk}, "what is offered is what the service does"
    page = bob_client.get(reverse("import-list")).content.decode()
    told = [reverse("import-undo", args=[one.pk]) in page for one in (first, last, alone, old, waiting)]
    assert told == [False, True, True, False, False]
    undone(last)
    assert import_undo.undoable_among(Import.objects.all()) == {first.pk, alone.pk}
    assert "/undo/" not in victor_client.get(reverse("import-list")).content.decode()


def test_while_another_one_begins_it_waits(acme: Workspace) -> None:
    """It has counted nothing yet, but is about to write."""
    members = members_of(acme)
    first = ran(checked(upload(acme, table(5)), to=members))
    imports.start_run(imported=checked(upload(acme, table(5), "next.csv"), to=members), actor=NOBODY)
    assert import_undo.undoable_among([first]) == set()
    with pytest.raises(WrongState, match=r"next\.csv was imported into the same list after it"):
        undone(first)
