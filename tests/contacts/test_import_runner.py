"""contacts.services.import_runner: every row accounted for, whatever happens on the way."""

import csv
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Workspace
from contacts.errors import ContactsError, FileRefused
from contacts.models import ExistingNumbers, Import, ImportState, OptOutHow, Recipient, RecipientList
from contacts.services import import_runner, import_writers, imports
from contacts.services.lists import Person, add_recipients
from contacts.services.opt_outs import opt_out
from tests.contacts.support import (
    NOBODY,
    as_written,
    checked,
    list_named,
    lose_lease,
    number,
    ran,
    rows_of,
    upload,
)


def table(count: int, start: int = 0, name: str = "Ann") -> str:
    rows = "".join(f"+{number(n)},{name},{n},t{n}\n" for n in range(start, start + count))
    return f"phone,first_name,custom1,town\n{rows}"


def known(acme: Workspace) -> RecipientList:
    """Members 0 and 1: one complete, one without a name."""
    return list_named(
        acme,
        people=[
            Person(f"+{number(0)}", {"first_name": "Ann", "custom1": "0"}, {"town": "t0"}),
            Person(f"+{number(1)}", {"custom1": "old"}, {"pet": "cat"}),
        ],
    )


def test_it_works(acme: Workspace, small_chunks: int) -> None:
    imported = ran(checked(upload(acme, table(25))))
    assert imported.counts == {**dict.fromkeys(import_runner.COUNTS, 0), "new": 25}
    assert (imported.total_rows, imported.done_rows, imported.lease_holder) == (25, 25, "")
    assert imported.list is not None
    imported.list.refresh_from_db()
    assert (imported.list.recipient_count, imported.list.columns) == (25, ["town"])
    person = Recipient.objects.get(msisdn=number(7))
    assert (person.country, person.kind, person.first_name, person.custom1, person.extra) == (
        "US",
        "fixed_line_or_mobile",
        "Ann",
        "7",
        {"town": "t7"},
    )


@pytest.mark.parametrize(
    ("existing", "counts", "expected"),
    [
        (
            ExistingNumbers.UPDATE,
            {"new": 1, "updated": 1, "unchanged": 1},
            ("Bea", "new", {"pet": "cat", "town": "t1"}),
        ),
        (
            ExistingNumbers.FILL,
            {"new": 1, "updated": 1, "unchanged": 1},
            ("Bea", "old", {"pet": "cat", "town": "t1"}),
        ),
        (ExistingNumbers.SKIP, {"new": 1, "skipped": 2}, ("", "old", {"pet": "cat"})),
    ],
)
def test_known_numbers_are_treated_as_asked(
    acme: Workspace, existing: str, counts: dict[str, int], expected: tuple[Any, ...]
) -> None:
    members = known(acme)
    text = (
        f"phone,first_name,custom1,town\n+{number(0)},,0,t0\n+{number(1)},Bea,new,t1\n+{number(2)},Cy,,\n"
        f"+{number(1)},Twice,,\n"
    )
    imported = checked(upload(acme, text), to=members, existing=existing)
    wanted = dict.fromkeys(import_runner.COUNTS, 0) | counts | {"duplicate": 1}
    assert imported.check_counts == wanted
    assert Recipient.objects.count() == 2
    assert ran(imported).counts == wanted
    changed = members.recipients.get(msisdn=number(1))
    assert (changed.first_name, changed.custom1, changed.extra) == expected
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 3


def test_filling_leaves_other_values_as_they_are(acme: Workspace) -> None:
    members = known(acme)
    text = f"phone,first_name,town\n+{number(0)},Anna,elsewhere\n"
    imported = ran(checked(upload(acme, text), to=members, existing=ExistingNumbers.FILL))
    assert (imported.counts["updated"], imported.counts["unchanged"]) == (0, 1)
    person = members.recipients.get(msisdn=number(0))
    assert (person.first_name, person.extra) == ("Ann", {"town": "t0"})


@pytest.mark.parametrize("existing", ExistingNumbers.values)
def test_the_same_file_again_changes_nothing(acme: Workspace, small_chunks: int, existing: str) -> None:
    text = 'phone,custom1,käse\n+12015550100,"a\\b ""c"" \td",Gruyère ‘x’\n+12015550101,\\N,\n'
    first = ran(checked(upload(acme, text)))
    before = list(Recipient.objects.order_by("pk").values())
    assert before[0]["custom1"] == 'a\\b "c" \td'
    assert (before[1]["custom1"], before[1]["extra"]) == ("\\N", {})
    assert before[0]["extra"] == {"käse": "Gruyère ‘x’"}
    again = ran(checked(upload(acme, text), to=first.list, existing=existing))
    kept = "skipped" if existing == ExistingNumbers.SKIP else "unchanged"
    assert (again.counts[kept], rows_of(again.counts)) == (2, 2)
    assert list(Recipient.objects.order_by("pk").values()) == before


def test_the_check_tells_of_opted_out_numbers(acme: Workspace, other: Workspace) -> None:
    opt_out(workspace=acme, msisdn=number(1), how=OptOutHow.STOP)
    opt_out(workspace=other, msisdn=number(2), how=OptOutHow.STOP)
    imported = checked(upload(acme, table(3)))
    assert (imported.check_counts["opted_out"], imported.check_counts["new"]) == (1, 3)
    assert ran(imported).counts["opted_out"] == 1


def test_landlines_are_imported_and_told_of(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, "phone\n+442079460000\n+447400123456\n")))
    assert (imported.counts["new"], imported.counts["refused"]) == (2, 0)
    assert [(one["code"], one["rows"]) for one in imported.check_problems] == [("kind:fixed_line", [2])]
    assert imported.problems == imported.check_problems


def test_refused_rows_can_be_mended_and_imported_again(acme: Workspace) -> None:
    text = f"phone;town\n+{number(0)};Leeds\n(201) 555;York\n4.91E+11;Rome\n+{number(1)};a;b\n"
    imported = ran(checked(upload(acme, text)))
    assert imported.counts["refused"] == 3
    assert {one["code"]: one["rows"] for one in imported.problems} == {
        "too_short": [3],
        "scientific": [4],
        "too_many_cells": [5],
    }
    assert imported.problems == imported.check_problems
    rejects = Path(imported.reject_file.path)
    rows = list(csv.reader(rejects.read_text(encoding="utf-8-sig").splitlines(), delimiter=";"))
    assert rows[0] == ["Crier row", "Crier reason", "phone", "town"]
    assert [(row[0], row[2:]) for row in rows[1:]] == [
        ("3", ["(201) 555", "York"]),
        ("4", ["4.91E+11", "Rome"]),
        ("5", [f"+{number(1)}", "a", "b"]),
    ]
    mended = rejects.read_text(encoding="utf-8-sig").replace("(201) 555", "(201) 555-0150")
    again = upload(acme, mended, "mended.csv")
    assert again.mapping == ["", "", "msisdn", "extra:town"]
    assert ran(checked(again, to=imported.list)).counts["new"] == 1


def test_a_line_break_inside_a_cell_stays_readable(acme: Workspace) -> None:
    imported = checked(upload(acme, f'phone,first_name\n+{number(0)},"multi\r\nline\there"\n'))
    assert imported.check_problems[0]["samples"] == ["multi line here"]
    rejects = Path(imported.reject_file.path).read_bytes().decode("utf-8-sig")
    assert "\ufffd" not in rejects
    assert "“multi line here”" in rejects, "the reason"
    assert '"multi\r\nline\there"' in rejects, "the cell, as it was"


def test_a_file_without_refused_rows_has_no_reject_file(acme: Workspace) -> None:
    assert not checked(upload(acme, table(2))).reject_file


# --- what may happen on the way ---


class Killed(BaseException):
    """Like kill -9: nothing that catches errors sees it."""


def kill_at_chunk(monkeypatch: pytest.MonkeyPatch, chunk: int, error: BaseException | None = None) -> None:
    """Dies in the middle of a chunk's transaction, after its rows are written."""
    writes = iter(range(1, 1000))
    real = import_writers.Writer.write

    def write(self: import_writers.Writer, *args: Any, **kwargs: Any) -> Any:
        outcome = real(self, *args, **kwargs)
        if next(writes) == chunk:
            raise error or Killed
        return outcome

    monkeypatch.setattr(import_writers.Writer, "write", write)


def bad_table(rows: int) -> str:
    """Every 7th row is refused, every 11th is a repeat."""
    lines = [
        "x,bad" if n % 7 == 3 else f"+{number(n - 5 if n % 11 == 10 else n)},Ann{n}" for n in range(rows)
    ]
    return "phone,first_name\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("dies_at", [1, 2, 4])
@pytest.mark.parametrize("into_known", [False, True])
def test_a_killed_run_goes_on_where_it_stopped(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int, dies_at: int, into_known: bool
) -> None:
    expected = ran(checked(upload(acme, bad_table(47)), to=known(acme) if into_known else None))
    rows_expected = list(Recipient.objects.order_by("msisdn").values_list("msisdn", "first_name", "extra"))
    RecipientList.objects.all().delete()

    imported = checked(upload(acme, bad_table(47)), to=known(acme) if into_known else None)
    with monkeypatch.context() as patch:
        kill_at_chunk(patch, dies_at)
        with pytest.raises(Killed):
            ran(imported)
    imported.refresh_from_db()
    assert (imported.state, imported.done_rows) == (ImportState.RUNNING, (dies_at - 1) * small_chunks)
    import_runner.run_import(imported.pk)  # somebody else's turn only after the lease
    imported.refresh_from_db()
    assert imported.state == ImportState.RUNNING
    lose_lease(imported)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.done_rows) == (ImportState.FINISHED, 47)
    assert imported.counts == expected.counts
    assert imported.problems == expected.problems
    rows = list(Recipient.objects.order_by("msisdn").values_list("msisdn", "first_name", "extra"))
    assert rows == rows_expected
    assert imported.list is not None
    assert imported.list.recipients.count() == RecipientList.objects.get(pk=imported.list_id).recipient_count


def test_an_error_is_told_and_the_run_can_be_taken_up(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    imported = checked(upload(acme, table(30)))
    with monkeypatch.context() as patch:
        kill_at_chunk(patch, 2, RuntimeError("a bug"))
        ran(imported)
    assert (imported.state, imported.done_rows) == (ImportState.FAILED, 10)
    assert "it goes on where it stopped" in imported.state_reason
    assert "bug" not in imported.state_reason
    assert ran(imported).counts["new"] == 30


def test_a_database_that_is_away_leaves_it_to_the_sweep(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    imported = checked(upload(acme, table(30)))
    with monkeypatch.context() as patch:
        kill_at_chunk(patch, 2, OperationalError("server closed the connection"))
        ran(imported)
    assert (imported.state, imported.done_rows) == (ImportState.RUNNING, 10)
    lose_lease(imported)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert imported.counts["new"] == 30


def test_a_cancelled_run_stops_at_the_next_chunk_and_can_go_on(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    imported = checked(upload(acme, table(30)))
    real = import_runner._write_chunk

    def write_then_cancel(taken: Import, *args: Any) -> None:
        real(taken, *args)
        imports.cancel_import(imported=Import.objects.get(pk=taken.pk), actor=NOBODY)

    with monkeypatch.context() as patch:
        patch.setattr(import_runner, "_write_chunk", write_then_cancel)
        ran(imported)
    assert (imported.state, imported.done_rows, imported.counts["new"]) == (ImportState.CANCELLED, 10, 10)
    assert Recipient.objects.count() == 10
    assert ran(imported).counts["new"] == 30


def test_a_worker_that_lost_its_lease_writes_nothing(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    """It was only slow; meanwhile another one finished the import."""
    imported = checked(upload(acme, table(30)))
    real = import_runner._write_chunk

    def slow(taken: Import, *args: Any) -> None:
        monkeypatch.setattr(import_runner, "_write_chunk", real)
        lose_lease(taken)
        import_runner.run_import(taken.pk)
        real(taken, *args)

    monkeypatch.setattr(import_runner, "_write_chunk", slow)
    ran(imported)
    assert (imported.state, imported.counts["new"], Recipient.objects.count()) == (
        ImportState.FINISHED,
        30,
        30,
    )


def test_somebody_may_add_a_number_by_hand_meanwhile(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int
) -> None:
    """Even where the counts agree by chance, the straight way notices and the other one is taken."""
    imported = checked(upload(acme, table(30)))
    real = import_runner._write_chunk

    def write_then_meddle(taken: Import, *args: Any) -> None:
        real(taken, *args)
        monkeypatch.setattr(import_runner, "_write_chunk", real)
        assert taken.list is not None
        taken.list.recipients.filter(msisdn=number(0)).delete()
        add_recipients(recipient_list=taken.list, people=[Person(f"+{number(25)}")], actor=NOBODY)
        RecipientList.objects.update(recipient_count=10)

    monkeypatch.setattr(import_runner, "_write_chunk", write_then_meddle)
    ran(imported)
    assert (imported.counts["new"], imported.counts["updated"]) == (29, 1)
    assert Recipient.objects.filter(msisdn=number(25)).count() == 1


def test_a_list_that_was_deleted_is_told(acme: Workspace) -> None:
    members = known(acme)
    imported = checked(upload(acme, table(3)), to=members)
    imports.start_run(imported=imported, actor=NOBODY)
    members.delete()
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert imported.state == ImportState.FAILED
    assert imported.state_reason.startswith("The list was deleted meanwhile")
    assert ran(checked(imported)).counts["new"] == 3


def test_a_file_that_is_gone_is_told(acme: Workspace) -> None:
    imported = checked(upload(acme, table(3)))
    Path(imported.file.path).unlink()
    assert "gone from the server" in ran(imported).state_reason


def test_a_second_check_leaves_nothing_of_the_first(acme: Workspace) -> None:
    imported = upload(acme, table(3) + "bad,x,y,z\n")
    folder = Path(imported.file.path).parent
    checked(imported)
    checked(imported)
    assert sorted(path.suffix for path in folder.iterdir()) == [".csv", ".csv"]


def test_refused_rows_go_where_the_next_check_refuses_none(acme: Workspace) -> None:
    imported = checked(upload(acme, f"number,name\n+{number(0)},{'x' * 60}\n"))
    assert (imported.check_counts["refused"], bool(imported.reject_file)) == (1, True)
    rejects = Path(imported.reject_file.path)
    checked(imported, truncate=True)
    assert (imported.check_counts["refused"], bool(imported.reject_file), rejects.exists()) == (
        0,
        False,
        False,
    )


cells = st.one_of(
    st.sampled_from([f"+{number(n)}" for n in range(6)]),
    st.sampled_from(
        ["4.91512E+11", "n/a", "", "2024-05-01", "=cmd|' /C calc'!A0", "\x00", '"', "a\tb", "\\."]
    ),
    st.text(max_size=20),
)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(cells, min_size=1, max_size=4), min_size=1, max_size=30),
    st.sampled_from(ExistingNumbers.values),
    st.booleans(),
)
def test_any_file_comes_out_even(
    acme: Workspace, small_chunks: int, rows: list[list[str]], existing: str, truncate: bool
) -> None:
    """new + updated + unchanged + duplicate + skipped + refused = rows read; the check foretells the run."""
    RecipientList.objects.all().delete()
    Import.objects.all().delete()
    members = known(acme)
    body = "\n".join(",".join(row) for row in rows)
    raw = f"phone,first_name,town\n+{number(3)},Ann,x\n{body}\n".encode("utf-8", "surrogatepass")
    try:
        imported = as_written(upload(acme, raw))
    except FileRefused as error:
        assert error.code == "binary"  # mostly control characters
        return
    mapping = ["msisdn", "first_name", "extra:town", *[""] * (len(imported.columns) - 3)]
    imported = checked(imported, to=members, mapping=mapping, existing=existing, truncate=truncate)
    assert imported.state == ImportState.CHECKED, imported.state_reason
    assert rows_of(imported.check_counts) == imported.total_rows
    if imported.check_counts["new"] + imported.check_counts["updated"]:
        ran(imported)
        assert imported.counts == imported.check_counts
    members.refresh_from_db()
    assert (
        members.recipient_count
        == members.recipients.count()
        == 2 + imported.counts.get("new", 0) - imported.counts.get("removed", 0)
    )


# --- replacing the whole list ---


def many(acme: Workspace, count: int = 40) -> RecipientList:
    return list_named(acme, people=[Person(f"+{number(n)}", {"first_name": "Old"}) for n in range(count)])


def test_replacing_leaves_nobody_but_who_is_in_the_file(acme: Workspace, small_chunks: int) -> None:
    members = many(acme)
    text = table(12, start=30) + f"+{number(3)},{'x' * 60},1,refused\nn/a,,,\n"
    imported = checked(upload(acme, text), to=members, existing=ExistingNumbers.REPLACE)
    counts = (
        imported.check_counts["new"],
        imported.check_counts["updated"],
        imported.check_counts["removed"],
    )
    assert counts == (2, 10, 29)
    assert ran(imported).counts == imported.check_counts
    there = set(members.recipients.values_list("msisdn", flat=True))
    assert there == {number(n) for n in [3, *range(30, 42)]}, "a refused row keeps its number on the list"
    members.refresh_from_db()
    assert members.recipient_count == 13


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_killed_replacement_ends_the_same(
    acme: Workspace, monkeypatch: pytest.MonkeyPatch, small_chunks: int, dies_at: int
) -> None:
    members = many(acme)
    monkeypatch.setattr(import_runner, "BATCH", 7)
    imported = checked(upload(acme, table(5)), to=members, existing=ExistingNumbers.REPLACE)
    removals = iter(range(1, 100))
    real = import_runner.change_count

    def die(recipient_list: RecipientList, by: int) -> None:
        real(recipient_list, by)
        if by < 0 and next(removals) == dies_at:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(import_runner, "change_count", die)
        with pytest.raises(Killed):
            ran(imported)
    lose_lease(imported)
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.counts) == (ImportState.FINISHED, imported.check_counts)
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 5


def test_replacing_removes_never_more_than_the_check_said(acme: Workspace) -> None:
    members = many(acme)
    imported = checked(upload(acme, table(5)), to=members, existing=ExistingNumbers.REPLACE)
    add_recipients(recipient_list=members, people=[Person(f"+{number(50)}")], actor=NOBODY)
    assert ran(imported).state == ImportState.FAILED
    assert "36 people would be removed from the list, but the check said 35" in imported.state_reason
    assert members.recipients.count() == 41


def test_a_file_without_people_never_empties_a_list(acme: Workspace) -> None:
    members = many(acme)
    imported = checked(upload(acme, "phone\nn/a\n"), to=members, existing=ExistingNumbers.REPLACE)
    with pytest.raises(ContactsError, match="replacing would empty the list"):
        imports.start_run(imported=imported, actor=NOBODY)
