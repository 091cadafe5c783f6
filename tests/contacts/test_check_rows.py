"""contacts.services.check_rows: the first rows of every count of a check."""

from collections.abc import Mapping
from typing import Any

import pytest

from accounts.models import Workspace
from contacts.models import ExistingNumbers, Import, ImportState, OptOutHow, RecipientList
from contacts.problems import KEPT_ROWS
from contacts.services.check_rows import Duplicate, check_rows_of
from contacts.services.import_writers import Writer
from contacts.services.lists import Person
from contacts.services.opt_outs import opt_out
from tests.contacts.support import checked, list_named, number, upload


def file_of(*rows: str) -> str:
    return "phone,first_name\n" + "".join(f"{row}\n" for row in rows)


def members_of(acme: Workspace, count: int) -> RecipientList:
    return list_named(acme, people=[Person(f"+{number(n)}", {"first_name": "Ann"}) for n in range(count)])


def test_it_works(acme: Workspace) -> None:
    """Row 1 is the header; an empty line has a number too."""
    opt_out(workspace=acme, msisdn=number(1), how=OptOutHow.STOP)
    text = file_of(
        f"+{number(5)},New", f"+{number(0)},Bea", "n/a,Cy", "", f"+{number(1)},Ann", f"+{number(0)},Dee"
    )
    rows = check_rows_of(checked(upload(acme, text), to=members_of(acme, 2)))
    assert (rows.new, rows.updated, rows.unchanged, rows.refused) == ([2], [3], [6], [4])
    assert (rows.opted_out, rows.skipped, rows.cut, rows.other_number) == ([6], [], [], [])
    assert rows.duplicate == [Duplicate(7, number(0), 3)]


def test_known_numbers_that_are_left_are_told(acme: Workspace) -> None:
    text = file_of(f"+{number(5)},New", f"+{number(1)},Bea", f"+{number(0)},")
    imported = checked(upload(acme, text), to=members_of(acme, 2), existing=ExistingNumbers.SKIP)
    rows = check_rows_of(imported)
    assert (rows.new, rows.skipped, rows.updated, rows.unchanged) == ([2], [3, 4], [], [])


def test_of_many_rows_the_first_are_kept(acme: Workspace, small_chunks: int) -> None:
    """Chunks of ten: each third number is new, each third is changed, the others are as they were."""
    members = list_named(
        acme, people=[Person(f"+{number(n)}", {"first_name": "Ann"}) for n in range(120) if n % 3]
    )
    # The greatest numbers come first, so that the order of numbers is not the one of rows.
    names = {0: "New", 1: "Bea", 2: "Ann"}
    text = file_of(*(f"+{number(n)},{names[n % 3]}" for n in reversed(range(120))))
    imported = checked(upload(acme, text), to=members)
    rows = check_rows_of(imported)
    assert [imported.check_counts[name] for name in ("new", "updated", "unchanged")] == [40, 40, 40]
    assert rows.unchanged == [2 + 3 * n for n in range(KEPT_ROWS)]
    assert rows.updated == [3 + 3 * n for n in range(KEPT_ROWS)]
    assert rows.new == [4 + 3 * n for n in range(KEPT_ROWS)]


def test_rows_of_opted_out_numbers_of_a_new_list(acme: Workspace, small_chunks: int) -> None:
    for n in (3, 14, 25, 29):
        opt_out(workspace=acme, msisdn=number(n), how=OptOutHow.STOP)
    rows = check_rows_of(checked(upload(acme, file_of(*(f"+{number(n)},Ann" for n in range(30))))))
    assert (rows.opted_out, rows.new) == ([5, 16, 27, 31], list(range(2, 2 + KEPT_ROWS)))


def test_the_first_row_of_a_duplicate_is_told_where_it_is_near(acme: Workspace, small_chunks: int) -> None:
    numbers = [*range(12), 11, 0]
    rows = check_rows_of(checked(upload(acme, file_of(*(f"+{number(n)},Ann" for n in numbers)))))
    assert rows.duplicate == [Duplicate(14, number(11), 13), Duplicate(15, number(0), None)]


def test_a_file_of_one_number_keeps_no_more_of_it(acme: Workspace, small_chunks: int) -> None:
    imported = checked(upload(acme, file_of(*([f"+{number(0)},Ann"] * 50))))
    assert imported.check_counts["duplicate"] == 49
    assert [one.row for one in check_rows_of(imported).duplicate] == list(range(3, 3 + KEPT_ROWS))


def test_rows_with_another_number_and_cut_values(acme: Workspace) -> None:
    text = (
        "Phone,Phone 2,first_name,last_name\n"
        f"n/a,+{number(0)},Ann,Lee\n"
        f"+{number(1)},,{'x' * 60},{'y' * 60}\n"
        f"n/a,+{number(2)},Ann,{'y' * 60}\n"
    )
    rows = check_rows_of(checked(upload(acme, text), truncate=True))
    assert (rows.other_number, rows.cut) == ([2, 4], [3, 4])
    refused = check_rows_of(checked(upload(acme, text)))
    assert (refused.other_number, refused.refused) == ([2], [3, 4])


def test_first_rows_of_several_reasons_are_told_together(acme: Workspace) -> None:
    text = file_of(*(f"{'n/a' if n % 2 else '4.91E+11'},Ann" for n in range(50)))
    assert check_rows_of(checked(upload(acme, text))).refused == list(range(2, 2 + KEPT_ROWS))


def test_what_all_rows_of_a_chunk_are_is_not_asked(
    acme: Workspace, small_chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, int]] = []
    real = Writer.first_numbers

    def ask(self: Writer, rooms: Mapping[str, int]) -> dict[str, list[str]]:
        asked.append(dict(rooms))
        return real(self, rooms)

    monkeypatch.setattr(Writer, "first_numbers", ask)
    members = members_of(acme, 100)
    checked(upload(acme, file_of(*(f"+{number(n)},Ann" for n in range(100)))), to=members)
    assert asked == []
    checked(
        upload(acme, file_of(*(f"+{number(n)},{'Ann' if n % 2 else 'Bea'}" for n in range(100)))), to=members
    )
    assert asked == [{"updated": room, "unchanged": room} for room in (20, 15, 10, 5)]


def test_a_changed_mapping_forgets_them(acme: Workspace) -> None:
    from contacts.services import imports

    imported = checked(upload(acme, file_of(f"+{number(0)},Ann")))
    assert check_rows_of(imported).new == [2]
    choices: Any = imports.Choices(mapping=imported.mapping, new_list_name="Other")
    imports.choose(imported=imported, choices=choices)
    imported.refresh_from_db()
    assert (imported.state, imported.check_rows) == (ImportState.UPLOADED, {})


def test_an_import_checked_before_they_were_kept_has_none(acme: Workspace) -> None:
    imported = checked(upload(acme, file_of(f"+{number(0)},Ann", "n/a,Bea")))
    Import.objects.update(check_rows={})
    imported.refresh_from_db()
    rows = check_rows_of(imported)
    assert (rows.new, rows.duplicate, rows.refused) == ([], [], [3])
