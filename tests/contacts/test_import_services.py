"""contacts.services.imports: upload, mapping, states."""

from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from pytest_django.fixtures import Settings

from accounts.models import AuditEntry, Workspace
from contacts.errors import ContactsError, FileRefused, WrongState
from contacts.models import Import, ImportState, RecipientList
from contacts.services import imports
from contacts.services.imports import Choices
from contacts.services.lists import learn_columns
from tests.conftest import SentTask
from tests.contacts.support import NOBODY, checked, list_named, lose_lease, number, ran, upload

PEOPLE = "Mobile;Vorname;Stadt\n(201) 555-0100;Ann;Leeds\n(201) 555-0101;Bob;York\n"


def test_it_works(acme: Workspace) -> None:
    imported = upload(acme, PEOPLE, "autumn.csv")
    assert (imported.state, imported.total_rows, imported.new_list_name) == (
        ImportState.UPLOADED,
        2,
        "autumn",
    )
    assert imported.mapping == ["msisdn", "first_name", "extra:stadt"]
    assert (imported.file_kind, imported.encoding, imported.delimiter) == ("csv", "utf-8", ";")
    checked(imported)
    assert (imported.state, imported.check_counts["new"]) == (ImportState.CHECKED, 2)
    ran(imported)
    assert (imported.state, imported.counts["new"], imported.list and imported.list.columns) == (
        ImportState.FINISHED,
        2,
        ["stadt"],
    )
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["uploaded", "created", "started", "imported"]


def stored_files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_a_file_over_the_limit_is_refused_before_it_is_stored(acme: Workspace, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 2048
    with pytest.raises(FileRefused, match=r"The file has 3\.0.KB; at most 2\.0.KB can be imported at once"):
        upload(acme, "x" * 3072)
    assert not stored_files()


@pytest.mark.parametrize("content", ["", "phone\n", "MZ\x00\x01", "<html>"])
def test_a_file_that_is_refused_leaves_nothing_behind(acme: Workspace, content: str) -> None:
    with pytest.raises(FileRefused):
        upload(acme, content)
    assert not stored_files()
    assert not Import.objects.exists()


def test_the_name_of_the_upload_is_only_a_name(acme: Workspace) -> None:
    imported = upload(acme, PEOPLE, "../../etc/passwd" + "x" * 300)
    assert ("/" in imported.file_name, len(imported.file_name)) == (False, 255)
    assert Path(imported.file.path).is_relative_to(settings.MEDIA_ROOT)


def test_a_new_list_gets_a_name_that_is_free(acme: Workspace) -> None:
    list_named(acme, "Autumn")
    list_named(acme, "autumn 2")
    assert upload(acme, PEOPLE, "autumn.csv").new_list_name == "autumn 3"


def test_reading_in_another_way_guesses_the_mapping_anew(acme: Workspace) -> None:
    imported = upload(acme, "tel;Stadt\n(201) 555-0100;Köln\n".encode("cp1251", "replace"))
    imported = imports.reread_import(imported=imported, has_header=False)
    assert [column["name"] for column in imported.columns] == ["Column 1", "Column 2"]
    imported = imports.reread_import(imported=imported, encoding="cp1252", delimiter=",", has_header=True)
    assert [column["name"] for column in imported.columns] == ["tel;Stadt"]
    with pytest.raises(ContactsError, match="not an encoding that can be read"):
        imports.reread_import(imported=imported, encoding="rot13")
    with pytest.raises(FileRefused, match="not in the encoding utf-16"):
        imports.reread_import(imported=upload(acme, "tel\n123\n1"), encoding="utf-16")


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"mapping": ["", "first_name", ""]}, "mapping", "No column is the phone number"),
        ({"mapping": ["msisdn"]}, "mapping", "1 targets for 3 columns"),
        (
            {"mapping": ["msisdn", "first_name", "first_name"]},
            "mapping",
            "Several columns go to first_name: Vorname, Stadt",
        ),
        ({"mapping": ["msisdn", "shoe_size", ""]}, "mapping", "Use extra:shoe_size"),
        ({"mapping": ["msisdn", "extra:Shoe Size", ""]}, "mapping", "Write it as shoe_size"),
        ({"mapping": ["msisdn", "extra:", ""]}, "mapping", "cannot be the name of a column"),
        ({"default_country": "XX"}, "default_country", "The default country XX does not exist"),
        ({"existing": "merge"}, "existing", "Use one of: update, fill, skip, replace"),
        ({"new_list_name": " "}, "list", "Choose the list to add to, or name a new one"),
        ({"new_list_name": "members"}, "new_list_name", "There is a list named members already"),
        ({"new_list_name": "x" * 101}, "new_list_name", "has 101 characters; at most 100 fit"),
    ],
)
def test_choices_must_fit(acme: Workspace, change: dict[str, object], field: str, words: str) -> None:
    list_named(acme, "Members")
    imported = upload(acme, PEOPLE)
    fine = {"mapping": ["msisdn", "first_name", ""], "default_country": "US", "new_list_name": "New"}
    with pytest.raises(ContactsError, match=words) as caught:
        imports.choose(imported=imported, choices=Choices(**(fine | change)))  # type: ignore[arg-type]  # in a loop
    assert caught.value.field == field


def test_a_small_file_is_checked_at_once_and_a_large_one_by_a_worker(
    acme: Workspace, sent_tasks: list[SentTask]
) -> None:
    small = upload(acme, PEOPLE)
    assert imports.start_check(imported=small).state == ImportState.CHECKED
    assert sent_tasks == []
    large = upload(acme, PEOPLE + "(201) 555-0102;Cy;Rome\n" * 13_000)
    assert imports.start_check(imported=large).state == ImportState.CHECKING
    assert [(task.name, task.args) for task in sent_tasks] == [("contacts.tasks.check_import", (large.pk,))]


def test_new_choices_make_a_check_void(acme: Workspace) -> None:
    imported = checked(upload(acme, PEOPLE))
    imports.choose(imported=imported, choices=Choices(imported.mapping, "US", new_list_name="Other"))
    imported.refresh_from_db()
    assert (imported.state, imported.check_counts) == (ImportState.UPLOADED, {})
    with pytest.raises(WrongState, match="Check the file first"):
        imports.start_run(imported=imported, actor=NOBODY)


def test_a_run_is_started_once(acme: Workspace, sent_tasks: list[SentTask]) -> None:
    imported = checked(upload(acme, PEOPLE))
    stale = Import.objects.get(pk=imported.pk)
    imports.start_run(imported=imported, actor=NOBODY)
    with pytest.raises(WrongState, match="Somebody else changed this import meanwhile"):
        imports.start_run(imported=stale, actor=NOBODY)
    assert [task.name for task in sent_tasks] == ["contacts.tasks.run_import"]
    assert RecipientList.objects.count() == 1
    with pytest.raises(WrongState, match="This import is running"):
        imports.choose(imported=imported, choices=Choices(imported.mapping))


def test_what_is_over_stays_as_it_is(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, PEOPLE)))
    for act in (
        lambda: imports.start_run(imported=imported, actor=NOBODY),
        lambda: imports.cancel_import(imported=imported, actor=NOBODY),
        lambda: imports.choose(imported=imported, choices=Choices(imported.mapping)),
        lambda: imports.reread_import(imported=imported, has_header=False),
    ):
        with pytest.raises(WrongState, match="This import is finished: that cannot be done any more"):
            act()


def test_a_cancelled_check_goes_back_to_the_columns(acme: Workspace) -> None:
    imported = upload(acme, PEOPLE)
    Import.objects.filter(pk=imported.pk).update(state=ImportState.CHECKING)
    imported.refresh_from_db()
    imports.cancel_import(imported=imported, actor=NOBODY)
    imported.refresh_from_db()
    assert imported.state == ImportState.UPLOADED


def test_the_sweep_wakes_what_nobody_works_on(acme: Workspace, sent_tasks: list[SentTask]) -> None:
    imported = checked(upload(acme, PEOPLE))
    imports.start_run(imported=imported, actor=NOBODY)
    sent_tasks.clear()
    assert imports.resume_stalled_imports() == 0  # the task that was sent may still be taken
    lose_lease(imported)
    assert imports.resume_stalled_imports() == 1
    assert [(task.name, task.args) for task in sent_tasks] == [("contacts.tasks.run_import", (imported.pk,))]
    ran_again = Import.objects.get(pk=imported.pk)
    assert ran_again.state == ImportState.RUNNING


def test_a_broker_that_is_away_fails_nobody(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OSError("no route to broker")

    imported = checked(upload(acme, PEOPLE))
    monkeypatch.setattr("contacts.tasks.run_import.apply_async", away)
    assert imports.start_run(imported=imported, actor=NOBODY).state == ImportState.RUNNING


def test_progress_tells_rate_and_time_left(acme: Workspace) -> None:
    imported = Import(state=ImportState.RUNNING, total_rows=1000, done_rows=250, rows_per_second=50)
    told = imports.progress_of(imported)
    assert (told.done, told.total, told.percent, told.rows_per_second, told.seconds_left) == (
        250,
        1000,
        25,
        50,
        15,
    )
    assert imports.progress_of(Import(state=ImportState.CHECKING)).seconds_left is None


def test_an_upload_may_name_its_list(acme: Workspace) -> None:
    members = list_named(acme)
    imported = imports.upload_import(
        workspace=acme,
        actor=NOBODY,
        upload=ContentFile(PEOPLE.encode(), "p.csv"),
        name="p.csv",
        recipient_list=members,
    )
    assert (imported.list, imported.new_list_name) == (members, "")


# --- columns that the list has no room for ---


def wide(columns: int) -> str:
    names = ",".join(f"new_{n}" for n in range(columns))
    return f"phone,{names}\n+{number(0)},{','.join('x' * columns)}\n"


WIDE = ["msisdn", *(f"extra:new_{n}" for n in range(10))]


def nearly_full(workspace: Workspace, columns: int = 48) -> RecipientList:
    members = list_named(workspace)
    learn_columns(members, [f"own_{n}" for n in range(columns)])
    return members


def test_columns_and_check_refuse_what_the_run_would(acme: Workspace) -> None:
    members = nearly_full(acme)
    imported = upload(acme, wide(10))
    with pytest.raises(ContactsError) as refused:
        checked(imported, to=members, mapping=WIDE)
    assert (refused.value.field, refused.value.code) == ("mapping", "too_many_columns")
    assert str(refused.value.sentence) == (
        "Members has 48 columns of its own and takes 50: of the 10 that the file would add (new_0, new_1, new_2, new_3, "
        "new_4, new_5, new_6, new_7, new_8, new_9) 2 fit. Choose “Do not import” for the others, or take columns that the "
        "list has."
    )
    Import.objects.filter(pk=imported.pk).update(list=members, mapping=WIDE)
    imported.refresh_from_db()
    with pytest.raises(ContactsError, match="of the 10 that the file would add"):
        imports.start_check(imported=imported)
    imported.refresh_from_db()
    assert imported.state == ImportState.UPLOADED


def test_as_many_columns_as_fit_are_taken(acme: Workspace) -> None:
    members = nearly_full(acme)
    mapping = ["msisdn", "extra:new_0", "extra:new_1", "extra:own_5", *[""] * 7]
    imported = ran(checked(upload(acme, wide(10)), to=members, mapping=mapping))
    members.refresh_from_db()
    assert (len(members.columns), imported.new_columns) == (50, ["new_0", "new_1"])


def test_columns_that_the_list_got_after_the_check_are_told_by_the_run(acme: Workspace) -> None:
    members = nearly_full(acme, 40)
    imported = checked(upload(acme, wide(10)), to=members, mapping=WIDE)
    learn_columns(members, ["late"])
    with pytest.raises(ContactsError, match="Members has 41 columns of its own"):
        imports.start_run(imported=imported, actor=NOBODY)
    imported.refresh_from_db()
    assert imported.state == ImportState.CHECKED
