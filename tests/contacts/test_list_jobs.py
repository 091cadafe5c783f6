"""Jobs of lists: what they do to everybody who matches, and that a killed worker costs nothing."""

import csv
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.errors import ContactsError, WrongState
from contacts.models import ListJob, ListJobState, OptOut, Recipient, RecipientList
from contacts.people import Sought
from contacts.rules import rule_of
from contacts.services import list_job_runner, list_jobs, lists
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from tests.contacts.support import NOBODY, list_named, number

ANNS = {"conditions": [{"field": "first_name", "operator": "is", "value": "ann"}]}


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_job_runner, "WINDOW", 10)
    monkeypatch.setattr(list_job_runner, "SQLITE_WINDOW", 10)
    monkeypatch.setattr(list_job_runner, "SQLITE_REST_SECONDS", 0)


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    """35 people; every fifth is Ann."""
    rows = [
        Person(f"+{number(n)}", {"first_name": "" if n % 5 else "Ann"}, {"city": f"City {n}"})
        for n in range(35)
    ]
    return list_named(acme, people=rows)


def do(of: RecipientList, rule: dict[str, Any] | None = None, words: str = "", **wish: Any) -> ListJob:
    of.refresh_from_db()
    return list_jobs.start_job(sought=Sought(of, words, rule_of(rule or {})), wish=Wish(**wish), actor=NOBODY)


def assert_counted(*counted: RecipientList) -> None:
    for one in counted:
        one.refresh_from_db()
        assert one.recipient_count == one.recipients.count()


def test_copy(acme: Workspace, members: RecipientList) -> None:
    other = list_named(acme, "Other", [Person(f"+{number(0)}", {"first_name": "Anna"})])
    job = do(members, ANNS, kind="copy", target=other)
    assert (job.state, job.counts, job.done) == ("finished", {"copied": 6, "there_already": 1}, 35)
    assert_counted(members, other)
    assert (members.recipient_count, other.recipient_count, other.columns) == (35, 7, ["city"])
    assert other.recipients.get(msisdn=number(0)).first_name == "Anna"
    assert other.recipients.get(msisdn=number(5)).extra == {"city": "City 5"}


def test_lists_are_merged_by_copying_all_of_them(acme: Workspace, members: RecipientList) -> None:
    other = list_named(acme, "Other", [Person(f"+{number(n)}") for n in range(30, 40)])
    merged = do(members, kind="copy", new_list="Both").target
    assert merged is not None
    job = do(other, kind="copy", target=merged)
    assert job.counts == {"copied": 5, "there_already": 5}
    assert_counted(merged)
    assert merged.recipient_count == 40


def test_move(acme: Workspace, members: RecipientList) -> None:
    other = list_named(acme, "Other", [Person(f"+{number(0)}")])
    job = do(members, words=number(1)[:-1], kind="move", target=other)
    assert job.counts == {"moved": 9, "there_already": 1}
    assert_counted(members, other)
    assert (members.recipient_count, other.recipient_count) == (25, 10)


def test_who_is_moved_stays_the_same_row(acme: Workspace, members: RecipientList) -> None:
    """Broadcasts under way know it by its id, undoing by its import and times."""
    other = list_named(acme, "Other", [Person(f"+{number(0)}")])
    members.recipients.update(import_id=7)
    names = ("pk", "msisdn", "first_name", "extra", "import_id", "created_at", "updated_at")
    before = list(members.recipients.exclude(msisdn=number(0)).order_by("pk").values(*names))
    stays = other.recipients.get().pk
    assert do(members, kind="move", target=other).counts == {"moved": 34, "there_already": 1}
    assert list(other.recipients.exclude(pk=stays).order_by("pk").values(*names)) == before
    assert not members.recipients.exists()
    assert_counted(members, other)


def test_remove(members: RecipientList) -> None:
    assert do(members, ANNS, kind="remove").counts == {"removed": 7}
    assert_counted(members)
    assert members.recipient_count == 28


@pytest.mark.parametrize("value", ["Leeds", "'\"\\ %s", ""])
def test_set_a_further_column(members: RecipientList, value: str) -> None:
    assert do(members, ANNS, kind="set_field", field="extra:2024", value=value).counts == {"changed": 7}
    assert members.recipients.get(msisdn=number(5)).extra == {"city": "City 5"} | (
        {"2024": value} if value else {}
    )
    assert members.recipients.get(msisdn=number(6)).extra == {"city": "City 6"}
    do(members, kind="set_field", field="extra:city", value="")
    assert "city" not in members.recipients.get(msisdn=number(6)).extra


def test_set_a_field(members: RecipientList) -> None:
    do(members, ANNS, kind="set_field", field="last_name", value="Lee")
    assert members.recipients.filter(last_name="Lee").count() == 7


def test_a_value_is_set_as_a_person_s_own_page_would(members: RecipientList) -> None:
    do(members, ANNS, kind="set_field", field="first_name", value="  Anna ")
    assert set(members.recipients.values_list("first_name", flat=True)) == {"Anna", ""}
    do(members, kind="set_field", field="first_name", value="  ")
    do(members, kind="set_field", field="extra:city", value="\t")
    assert list(members.recipients.exclude(first_name="", extra={})) == []
    do(members, kind="set_field", field="custom", value="one\ntwo")
    assert members.recipients.filter(custom="one\ntwo").count() == 35
    with pytest.raises(
        ContactsError, match=r"first name holds a line break \(“one two”\)\. Write it in one line"
    ):
        do(members, kind="set_field", field="first_name", value="one\r\ntwo")
    with pytest.raises(ContactsError, match="first name holds a line break"):
        lists.update_recipient(
            recipient=members.recipients.all()[0], actor=NOBODY, fields={"first_name": "one\ntwo"}
        )


@pytest.mark.parametrize("name", ["höhe", "имя", "名前_2"])
def test_a_column_of_other_letters(members: RecipientList, name: str) -> None:
    empty = {"conditions": [{"field": f"extra:{name}", "operator": "empty"}]}
    lists.add_recipients(
        recipient_list=members, people=[Person(f"+{number(0)}", {}, {name: "XL"})], actor=NOBODY
    )
    assert do(members, empty, kind="set_field", field=f"extra:{name}", value="Ä").counts == {"changed": 34}
    assert members.recipients.get(msisdn=number(0)).extra == {"city": "City 0", name: "XL"}
    assert members.recipients.get(msisdn=number(1)).extra == {"city": "City 1", name: "Ä"}
    again = lists.add_recipients(
        recipient_list=members, people=[Person(f"+{number(1)}", {}, {name: "Ä"})], actor=NOBODY
    )
    assert again.unchanged == 1
    do(members, kind="set_field", field=f"extra:{name}", value="")
    assert members.recipients.get(msisdn=number(1)).extra == {"city": "City 1"}


@pytest.mark.parametrize("wish", [{"kind": "copy", "new_list": "Copy"}, {"kind": "split", "parts": 2}])
def test_a_column_learned_meanwhile_goes_along(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch, wish: dict[str, Any]
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
    job = do(members, **wish)
    lists.add_recipients(
        recipient_list=members, people=[Person(f"+{number(50)}", {}, {"town": "x"})], actor=NOBODY
    )
    list_job_runner.run_job(job.pk)
    for made in acme.recipient_lists.exclude(pk=members.pk):
        assert set().union(*made.recipients.values_list("extra", flat=True)) <= set(made.columns)
        assert made.columns == ["city", "town"]


def test_a_column_that_the_list_does_not_know_is_no_filter(members: RecipientList) -> None:
    typo = {"conditions": [{"field": "extra:ctiy", "operator": "is_not", "value": "Leeds"}]}
    refused = r"Condition 1: the list has no column “ctiy”\. It has city\."
    with pytest.raises(ContactsError, match=refused):
        do(members, typo, kind="remove")
    with pytest.raises(ContactsError, match=refused):
        lists.save_filter(recipient_list=members, actor=NOBODY, name="Typo", rule=rule_of(typo))
    with pytest.raises(ContactsError, match=refused):
        lists.create_live_list(source=members, actor=NOBODY, name="Typo", rule=rule_of(typo))
    with pytest.raises(ContactsError, match="“match” is any, but there is no condition"):
        do(members, {"match": "any", "conditions": []}, kind="remove")
    assert_counted(members)
    assert members.recipient_count == 35


def test_opt_out(acme: Workspace, members: RecipientList) -> None:
    OptOut.objects.create(workspace=acme, msisdn=number(0))
    assert do(members, ANNS, kind="opt_out").counts == {"opted_out": 6, "opted_out_before": 1}
    assert OptOut.objects.filter(workspace=acme).count() == 7


def test_split_into_parts(acme: Workspace, members: RecipientList) -> None:
    job = do(members, kind="split", parts=3)
    parts = list(acme.recipient_lists.filter(name__startswith="Members ").order_by("name"))
    assert [part.name for part in parts] == ["Members 1/3", "Members 2/3", "Members 3/3"]
    assert_counted(*parts)
    assert [part.recipient_count for part in parts] == [12, 12, 11]
    numbers = [set(part.recipients.values_list("msisdn", flat=True)) for part in parts]
    assert set.union(*numbers) == {number(n) for n in range(35)}
    assert job.counts == {"copied": 35}
    assert numbers[0] != {number(n) for n in range(12)}


def test_split_by_size(acme: Workspace, members: RecipientList) -> None:
    do(members, ANNS, kind="split", size=3)
    parts = acme.recipient_lists.filter(name__startswith="Members ").order_by("name")
    assert [part.recipient_count for part in parts] == [3, 3, 1]


def test_a_split_counts_nobody_in_the_request(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 10)
    with CaptureQueriesContext(connection) as asked:
        job = do(members, ANNS, kind="split", size=3)
    assert not [one["sql"] for one in asked if "COUNT(" in one["sql"]]
    assert acme.recipient_lists.count() == 1
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.counts, job.options["people"]) == ("finished", {"copied": 7}, 7)
    assert [one.recipient_count for one in acme.recipient_lists.order_by("pk")[1:]] == [3, 3, 1]


def test_a_split_that_cannot_be_says_so_and_leaves_no_lists(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 10)
    job = do(members, ANNS, kind="split", size=10)
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.state_reason) == (
        "failed",
        "That makes 1 parts of 7 people. Choose so that there are 2 to 100.",
    )
    assert list(acme.recipient_lists.all()) == [members]


def test_a_list_is_split_again_under_names_that_are_free(acme: Workspace, members: RecipientList) -> None:
    list_named(acme, "members 2/2")
    first, second = do(members, kind="split", parts=2), do(members, kind="split", parts=2)
    names = acme.recipient_lists.in_bulk([*first.options["lists"], *second.options["lists"]])
    assert [names[pk].name for pk in first.options["lists"]] == ["Members 1/2 (2)", "Members 2/2 (2)"]
    assert [names[pk].name for pk in second.options["lists"]] == ["Members 1/2 (3)", "Members 2/2 (3)"]
    members.name = "x" * 100
    members.save()
    do(members, kind="split", parts=2)
    assert do(members, kind="split", parts=2).state == "finished"


def test_deduplicate(acme: Workspace, members: RecipientList) -> None:
    other = list_named(acme, "Other", [Person(f"+{number(n)}") for n in range(30, 40)])
    assert do(members, kind="deduplicate", others=[other]).counts == {"removed": 5}
    assert_counted(members, other)
    assert (members.recipient_count, other.recipient_count) == (30, 10)


@pytest.mark.parametrize("wish", [{"kind": "split", "parts": 3}, {"kind": "copy", "new_list": "Copy"}])
def test_a_killed_worker_costs_nothing(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch, wish: dict[str, Any]
) -> None:
    real, windows = list_job_runner._do_window, iter(range(2))
    with monkeypatch.context() as patched:
        patched.setattr(
            list_job_runner,
            "_do_window",
            lambda *args: real(*args) if next(windows, None) is not None else _killed(),
        )
        with pytest.raises(SystemExit):
            do(members, **wish)
    job = ListJob.objects.get()
    assert (job.state, job.done, job.counts["copied"]) == (ListJobState.RUNNING, 20, 20)
    assert list_jobs.resume_stalled_jobs() == 0
    ListJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert list_jobs.resume_stalled_jobs() == 1
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done, job.counts["copied"]) == (ListJobState.FINISHED, 35, 35)
    made = acme.recipient_lists.exclude(pk=members.pk)
    assert_counted(*made)
    assert Recipient.objects.filter(list__in=made).values("msisdn").distinct().count() == 35


@pytest.mark.parametrize("wish", [{"kind": "split", "parts": 3}, {"kind": "copy", "new_list": "Copy"}])
def test_killed_behind_the_last_window_nobody_is_counted_twice(
    acme: Workspace, members: RecipientList, monkeypatch: pytest.MonkeyPatch, wish: dict[str, Any]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(list_job_runner, "_end", lambda *args, **more: _killed())
        with pytest.raises(SystemExit):
            do(members, **wish)
    job = ListJob.objects.get()
    before = job.counts
    ListJob.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    list_job_runner.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.counts, job.done) == (ListJobState.FINISHED, before, 35)
    made = acme.recipient_lists.exclude(pk=members.pk)
    assert_counted(*made)
    assert sum(one.recipient_count for one in made) == 35


def _killed() -> bool:
    raise SystemExit


def test_large_lists_are_for_a_worker_and_can_be_cancelled(
    members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 10)
    job = do(members, kind="remove", agreed=35)
    assert job.state == ListJobState.WAITING
    list_jobs.cancel_job(job=job, actor=NOBODY)
    list_job_runner.run_job(job.pk)
    assert members.recipients.count() == 35
    with pytest.raises(WrongState, match="This job is cancelled"):
        list_jobs.cancel_job(job=job, actor=NOBODY)
    list_jobs.run_job_again(job=job, actor=NOBODY)
    list_job_runner.run_job(job.pk)
    assert members.recipients.count() == 0


def test_csv_and_xlsx_are_safe_to_open(members: RecipientList) -> None:
    members.recipients.filter(msisdn=number(0)).update(last_name="=1+1", custom="a\x01b")
    path = Path(do(members, ANNS, kind="export", form="csv").file.path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    assert [row["number"] for row in rows] == [f"+{number(n)}" for n in range(0, 35, 5)]
    assert (rows[0]["last_name"], rows[1]["city"]) == ("'=1+1", "City 5")
    job = do(members, ANNS, kind="export", form="xlsx")
    assert job.counts == {"exported": 7}
    cells = list(openpyxl.load_workbook(job.file.path).active.values)
    assert (cells[0][0], cells[1][0], cells[1][2], len(cells)) == ("number", f"+{number(0)}", "'=1+1", 8)


def test_the_vendors_form_has_semicolons(members: RecipientList) -> None:
    path = Path(do(members, ANNS, kind="export", form="csv_semicolon").file.path)
    lines = path.read_text().splitlines()
    assert lines[0].startswith('"phone_number";"first_name";"last_name"')
    assert lines[1].startswith(f'"{number(0)}";"Ann";""')


def test_live_lists(acme: Workspace, alice: User, members: RecipientList) -> None:
    live = lists.create_live_list(source=members, actor=NOBODY, name="Anns", rule=rule_of(ANNS))
    assert live.recipient_count == 7
    do(members, ANNS, words=number(0), kind="remove")
    assert lists.recount_live_lists() == 1
    live.refresh_from_db()
    assert live.recipient_count == 6
    other = list_named(acme, "Other")
    assert do(live, kind="copy", target=other).counts == {"copied": 6, "there_already": 0}
    refused = "Anns is a live list: its people stand on Members. Change them there."
    for kind in ("remove", "move", "set_field", "deduplicate"):
        with pytest.raises(WrongState, match=refused):
            do(live, kind=kind, target=other, field="custom", others=[other])
    with pytest.raises(WrongState, match=refused):
        do(other, kind="copy", target=live)
    with pytest.raises(WrongState, match=refused):
        lists.add_recipients(recipient_list=live, people=[Person(f"+{number(50)}")], actor=NOBODY)
    with pytest.raises(ContactsError, match="is a live list itself"):
        lists.create_live_list(source=live, actor=NOBODY, name="More", rule=rule_of(ANNS))
    lists.add_recipients(
        recipient_list=members, people=[Person(f"+{number(50)}", {}, {"vip": "1"})], actor=NOBODY
    )
    live.refresh_from_db()
    assert live.columns == ["city", "vip"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"kind": "explode"}, "There is no job “explode”."),
        ({"kind": "copy"}, "Say where they go"),
        ({"kind": "move", "new_list": "members"}, "There is a list named members already"),
        ({"kind": "set_field", "field": "msisdn"}, "There is no field “msisdn” to be set."),
        ({"kind": "set_field", "field": "time_zone", "value": "Mars"}, "Mars is not a time zone"),
        ({"kind": "set_field", "field": "extra:a b"}, "There is no field “extra:a b” to be set."),
        ({"kind": "split"}, "one of the two"),
        ({"kind": "split", "parts": 2, "size": 3}, "one of the two"),
        ({"kind": "split", "parts": 101}, "101 parts cannot be made. Choose 2 to 100."),
        ({"kind": "split", "size": 50}, "That makes 1 parts"),
        ({"kind": "deduplicate"}, "Choose the lists"),
        ({"kind": "export", "form": "pdf"}, "There is no file of the form “pdf”."),
    ],
)
def test_refused(members: RecipientList, wish: dict[str, Any], words: str) -> None:
    with pytest.raises(ContactsError) as refused:
        do(members, **wish)
    assert words in str(refused.value.sentence)
    assert ListJob.objects.count() == 0
    assert RecipientList.objects.count() == 1
