"""contacts.files.formulas: no CSV of ours runs a formula, and what is read back is what was written."""

import csv
import io
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from contacts.files.formats import format_of, guess_dialect
from contacts.files.formulas import is_written_by_us
from contacts.files.reading import open_records
from contacts.files.rejects import reject_file
from contacts.models import OptOut, Recipient
from contacts.services.lists import Person
from tests.contacts.support import checked, list_named, number, ran, upload
from web.csv_cells import harmless, restored

FORMULA = "=HYPERLINK(A1)"
signs = st.text("'=+-@\t\r\n ＝a1\"", max_size=6)
values = st.one_of(
    signs,
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12),
    st.builds("{}{}".format, signs, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)),
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        (" =1", "' =1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("+12015550123", "+12015550123"),
        ("+1 201 555 0123", "+1 201 555 0123"),
        ("-5", "-5"),
        ("-1,234.50", "-1,234.50"),
        ("+1 201-555-0123", "'+1 201-555-0123"),
        ("O'Neil", "O'Neil"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_it_works(value: str, written: str) -> None:
    assert (harmless(value), restored(written)) == (written, value)


@given(values)
def test_every_value_comes_back(value: str) -> None:
    assert restored(harmless(value)) == value


def is_run(cell: str) -> bool:
    """By a spreadsheet, to anything but the number that it is."""
    text = cell.strip(" ")
    if not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")):
        return False
    return bool(text.strip("+-0123456789., ") or "-" in text[1:] or "+" in text[1:])


@given(st.lists(st.lists(values, min_size=1, max_size=5), min_size=1, max_size=8), st.sampled_from(",;\t|"))
def test_a_reject_file_runs_nothing_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str
) -> None:
    path = tmp_path_factory.mktemp("rejects") / "refused.csv"
    names = ["phone", "=name", *(f"column {at}" for at in range(3))]
    with reject_file(path, names, delimiter) as refuse:
        for at, cells in enumerate(rows, start=2):
            refuse(at, cells, f"“{cells[0]}” is no number.")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for written in csv.reader(stream, delimiter=delimiter):
            assert not any(map(is_run, written))
    assert (format_of(path).encoding, format_of(path).delimiter) == ("utf-8", delimiter)
    with open_records(path, format_of(path)) as records:
        header, *found = records
    assert header == ["Crier row", "Crier reason", *names]
    assert [[cell.strip() for cell in record[2:]] for record in found] == [  # type: ignore[index]  # none is broken
        [cell.strip() for cell in cells] for cells in rows
    ]


@pytest.mark.parametrize(
    "line", ['Crier row;Crier reason;"a,b,c"', '"Crier row";"Crier reason"', "\ufeffCrier row;Crier reason"]
)
def test_a_reject_file_is_read_by_its_own_delimiter(line: str) -> None:
    assert guess_dialect(f"{line}\n2;x,y,z;1,2,3\n") == (";", '"')


def test_an_apostrophe_in_the_file_of_somebody_else_is_theirs(acme: Workspace) -> None:
    imported = ran(checked(upload(acme, f"number,first_name\n+{number(0)},'=x\n")))
    assert imported.list is not None
    assert imported.list.recipients.get().first_name == "'=x"


def test_only_our_own_files_are_taken_for_ours() -> None:
    assert is_written_by_us(["Crier row", "Crier reason", "phone"])
    assert not is_written_by_us(["Crier row", "phone"])
    assert not is_written_by_us(["number", "first_name"])
    assert not is_written_by_us([])


NAMES = [FORMULA, "'=x", "+1-1", "@home", "O'Neil", "-5", "+12"]


def test_mended_rows_are_imported_as_if_they_had_never_been_refused(acme: Workspace) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["phone", "first name", "time zone", "=note"])
    for at, name in enumerate(NAMES):
        writer.writerow([f"+{number(at)}", name, "Mars/Olympus", name])
    imported = checked(upload(acme, out.getvalue()))
    assert imported.check_counts["refused"] == len(NAMES)
    rejects = Path(imported.reject_file.path).read_text(encoding="utf-8-sig")
    assert f"+{number(0)},'{FORMULA},Mars/Olympus,'{FORMULA}" in rejects
    again = ran(checked(upload(acme, rejects.replace("Mars/Olympus", "Europe/London"), "mended.csv")))
    assert (again.counts["new"], again.counts["refused"]) == (len(NAMES), 0)
    people = Recipient.objects.order_by("msisdn")
    assert [person.first_name for person in people] == NAMES
    assert [person.extra for person in people] == [{"note": name} for name in NAMES]


def test_rows_that_are_refused_twice_keep_one_reason(acme: Workspace) -> None:
    first = checked(upload(acme, "phone,first_name\nn/a,=1\n"))
    rejects = Path(first.reject_file.path).read_bytes()
    again = checked(upload(acme, rejects))
    assert Path(again.reject_file.path).read_bytes() == rejects


def test_letters_that_were_lost_stay_refused_until_they_are_mended(acme: Workspace) -> None:
    good = "".join(f"+{number(at)},Zoë\n" for at in range(20))
    raw = f"phone,first_name\n{good}".encode() + f"+{number(30)},Z".encode() + b"\xff\n"
    imported = checked(upload(acme, raw))
    rejects = Path(imported.reject_file.path).read_text(encoding="utf-8-sig")
    assert f"+{number(30)},Z\ufffd" in rejects
    assert checked(upload(acme, rejects)).check_problems[0]["code"] == "encoding"
    assert checked(upload(acme, rejects.replace("\ufffd", "ö"))).check_counts["new"] == 1


def test_an_exported_list_is_harmless_and_imported_as_it_was(bob_client: Client, acme: Workspace) -> None:
    people = [Person(f"+{number(at)}", {"first_name": name}, {"note": name}) for at, name in enumerate(NAMES)]
    members = list_named(acme, "Members", people)
    response = bob_client.get(reverse("recipient-list-export", args=[members.pk]))
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    assert not any(map(is_run, (cell for row in csv.reader(io.StringIO(body)) for cell in row)))
    again = ran(checked(upload(acme, body, "export.csv")))
    assert again.list is not None
    found = again.list.recipients.order_by("msisdn")
    assert [(person.first_name, person.extra["note"]) for person in found] == [(name, name) for name in NAMES]


def test_the_proof_of_an_opt_out_is_exported_harmless(bob_client: Client, acme: Workspace) -> None:
    OptOut.objects.create(workspace=acme, msisdn=number(0), source=FORMULA)
    response = bob_client.get(reverse("opt-out-export"))
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    assert f"+{number(0)}," in body
    assert f",'{FORMULA}," in body
