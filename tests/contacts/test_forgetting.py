"""contacts.services.forgetting, through messaging.erasure: what imports, filters, jobs and sessions keep of a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Role, User, Workspace
from contacts.models import (
    Import,
    ImportState,
    ListJob,
    Recipient,
    RecipientList,
    RememberedMapping,
    SavedFilter,
)
from contacts.people import Sought
from contacts.rules import Rule, rule_of
from contacts.services import imports, lists
from contacts.services.forgetting import NO_NUMBER
from contacts.services.list_jobs import Wish, start_job
from messaging.erasure import Erased, erase_number
from tests.contacts.support import NOBODY, checked, checked_opt_outs, list_named, number, ran, upload
from tests.people import api_client

pytestmark = pytest.mark.django_db

MAYA = number(1)
NATIONAL = MAYA[1:]
# As it stands in files: in many writings.
WRITINGS = [f"+{MAYA}", "(201) 555-0101", "201.555.0101", "001 201 555 0101"]
NAMES = ("Maya", "Quince", "maya@example.com")


def erase(workspace: Workspace, msisdn: str = MAYA) -> Erased:
    return erase_number(workspace=workspace, msisdn=msisdn, reason="asked", actor=NOBODY)


def people(written: str = f"+{MAYA}") -> str:
    rows = [f"+{number(0)},Ahmad,Okoro,ahmad@example.com", f"{written},{','.join(NAMES)}"]
    return "\n".join(["phone,first name,last name,email", *rows, ""])


def imported(workspace: Workspace, text: str | None = None, **more: Any) -> Import:
    return ran(checked(upload(workspace, text or people()), **more))


def fresh(row: Import) -> Import:
    row.refresh_from_db()
    return row


def dump() -> Iterator[tuple[str, str]]:
    """Every row of every table as text. What an import is staged in goes with its transaction."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in (name for name in tables if not name.endswith("_stage")):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # the database's own names
            for row in cursor.fetchall():
                yield table, " | ".join(map(str, row))


def rule(field: str, value: str, operator: str = "is") -> Rule:
    return rule_of({"conditions": [{"field": field, "operator": operator, "value": value}]})


@pytest.mark.parametrize("written", WRITINGS)
def test_samples_of_imports_go(acme: Workspace, written: str) -> None:
    one = imported(acme, people(written))
    assert written in str(one.columns)
    erase(acme)
    assert [column["samples"] for column in fresh(one).columns] == [[], [], [], []]
    assert [column["name"] for column in one.columns] == ["phone", "first name", "last name", "email"]


def test_samples_of_other_imports_stay_but_for_the_name(acme: Workspace) -> None:
    imported(acme)
    other = imported(acme, f"phone,first name\n+{number(5)},Maya\n+{number(6)},Zoe\n")
    erase(acme)
    assert [column["samples"] for column in fresh(other).columns] == [
        [f"+{number(5)}", f"+{number(6)}"],
        ["Zoe"],
    ]


def test_another_workspace_keeps_its_own(acme: Workspace, other: Workspace) -> None:
    theirs = imported(other)
    imported(acme)
    erase(acme)
    assert f"+{MAYA}" in str(fresh(theirs).columns)
    assert theirs.is_file_kept
    assert Recipient.objects.filter(msisdn=MAYA).get().list.workspace == other


def test_problems_and_repeated_rows_go(acme: Workspace) -> None:
    twice = (
        f"phone,name\n+{MAYA},Maya\n+{MAYA},Maya\n+{number(0)},Ahmad\n+{number(0)},Ahmad\nMaya {NATIONAL},x\n"
    )
    one = imported(acme, twice)
    assert MAYA in str(one.check_rows)
    assert NATIONAL in str(one.check_problems)
    assert NATIONAL in str(one.problems)
    erase(acme)
    fresh(one)
    assert one.check_rows["duplicate"] == [[5, number(0), 4]]
    assert [problem["samples"] for problem in (*one.problems, *one.check_problems)] == [[], []]
    assert (one.counts["refused"], one.counts["duplicate"]) == (1, 2)
    told = api_client(Role.VIEWER).get(f"/api/v1/imports/{one.pk}/").content.decode()
    assert [word for word in (NATIONAL, "Maya") if word in told] == []


def test_a_first_row_that_was_taken_for_names_goes(acme: Workspace) -> None:
    text = f"+{MAYA},maya@example.com\n+{number(0)},ahmad@example.com\n"
    one = imports.reread_import(imported=upload(acme, text), has_header=True)
    one = ran(checked(one, mapping=["msisdn", "email"]))
    assert RememberedMapping.objects.count() == 1
    erase(acme)
    assert fresh(one).columns[0]["name"] == "Column 1"
    assert not RememberedMapping.objects.exists()


def test_files_of_ended_imports_go(acme: Workspace) -> None:
    one = imported(acme, f"{people()}bad,Zoe,Bell,\n")
    waits = upload(acme, people())
    others = imported(acme, f"phone\n+{number(7)}\n")
    assert erase(acme).files == 1
    fresh(one)
    assert (one.is_file_kept, bool(one.reject_file)) == (False, False)
    assert (fresh(waits).is_file_kept, fresh(others).is_file_kept) == (True, True)
    assert erase(acme).files == 0


@pytest.mark.django_db(transaction=True)
def test_files_are_gone_from_the_disk(acme: Workspace) -> None:
    one = imported(acme, f"{people()}bad,Zoe,Bell,\n")
    files = [Path(one.file.path), Path(one.reject_file.path)]
    assert [path.exists() for path in files] == [True, True]
    erase(acme)
    assert [path.exists() for path in files] == [False, False]


def test_an_import_that_can_go_on_keeps_its_file(acme: Workspace) -> None:
    one = imported(acme)
    Import.objects.filter(pk=one.pk).update(state=ImportState.FAILED)
    assert erase(acme).files == 0
    assert fresh(one).is_file_kept


def test_exports_of_the_lists_go(acme: Workspace) -> None:
    one = imported(acme)
    elsewhere = list_named(acme, "Elsewhere", [lists.Person(f"+{number(9)}")])
    jobs = []
    for recipient_list in (one.list, elsewhere):
        assert recipient_list is not None
        jobs.append(start_job(sought=Sought(recipient_list), wish=Wish(kind="export"), actor=NOBODY))
    assert erase(acme).files == 2
    assert [bool(ListJob.objects.get(pk=job.pk).file) for job in jobs] == [False, True]


def test_the_pages_say_that_an_erasure_deleted_them(bob_client: Client, acme: Workspace) -> None:
    one = imported(acme)
    assert one.list is not None
    job = start_job(sought=Sought(one.list), wish=Wish(kind="export"), actor=NOBODY)
    erase(acme)
    page = bob_client.get(reverse("list-job", args=[job.list_id, job.pk])).content.decode()
    assert "This export was deleted when a person who was in it was erased." in page
    assert "kept for at most" not in page
    page = bob_client.get(reverse("import-detail", args=[one.pk])).content.decode()
    assert "The uploaded file was deleted when a person who was in it was erased." in page
    ListJob.objects.update(finished_at=timezone.now() - timedelta(days=8))
    page = bob_client.get(reverse("list-job", args=[job.list_id, job.pk])).content.decode()
    assert "An export is kept for at most 7 days" in page


def test_opt_out_files_too(acme: Workspace) -> None:
    first = upload(acme, f"number,source\n+{MAYA},letter\n+{number(0)},call\n", purpose="opt_outs")
    one = ran(checked_opt_outs(first))
    assert erase(acme).files == 1
    assert fresh(one).columns[1]["samples"] == []


# --- filters and jobs ---


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("msisdn", MAYA, "is"), 0),
        (("msisdn", MAYA, "is_not"), 1),
        (("msisdn", NATIONAL, "contains"), 0),
        (("msisdn", MAYA, "begins_with"), 0),
        (("email", "Maya@example.com", "is"), 0),
        (("custom1", f"friend of {MAYA}", "is"), 0),
    ],
)
def test_filters_forget_and_find_the_same(acme: Workspace, asked: tuple[str, str, str], found: int) -> None:
    members = imported(acme).list
    assert members is not None
    wanted = rule(*asked)
    lists.save_filter(recipient_list=members, actor=NOBODY, name="One", rule=wanted)
    live = lists.create_live_list(source=members, actor=NOBODY, name="Live", rule=wanted)
    erase(acme)
    for kept in (SavedFilter.objects.get().rule, RecipientList.objects.get(pk=live.pk).rule):
        assert asked[1] not in str(kept)
        assert Sought(members, "", rule_of(kept)).everybody().count() == found


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("msisdn", f"+{number(0)}, {MAYA}; {number(2)}", f"+{number(0)}, {number(2)}"),
        ("email", "ann@example.com, Maya@example.com", "ann@example.com"),
        ("last_name", "Smith, quince, Jones", "Smith, Jones"),
        ("msisdn", MAYA, NO_NUMBER),
    ],
)
def test_of_several_values_one_goes(acme: Workspace, field: str, value: str, kept: str) -> None:
    """The others are about people who are not erased: whoever they find is found."""
    members = imported(acme).list
    assert members is not None
    live = lists.create_live_list(
        source=members, actor=NOBODY, name="Live", rule=rule(field, value, "one_of")
    )
    erase(acme)
    [condition] = RecipientList.objects.get(pk=live.pk).rule["conditions"]
    assert (condition["operator"], condition["value"]) == ("one_of", kept)


def test_filters_about_others_stay(acme: Workspace) -> None:
    members = imported(acme).list
    assert members is not None
    list_named(acme, "Elsewhere", [lists.Person(f"+{number(9)}", {"last_name": "MAYA"})])
    rules = [rule("msisdn", number(0)), rule("first_name", "Maya"), rule("created_at", "2026-05-03", "after")]
    for n, one in enumerate(rules):
        lists.save_filter(recipient_list=members, actor=NOBODY, name=f"Filter {n}", rule=one)
    erase(acme)
    assert [one.rule for one in SavedFilter.objects.order_by("pk")] == [one.as_dict() for one in rules]


@pytest.mark.parametrize(("field", "value"), [("first_name", " maya"), ("last_name", "Quince")])
def test_filters_by_a_name_that_nobody_else_has_forget_it(acme: Workspace, field: str, value: str) -> None:
    members = imported(acme).list
    assert members is not None
    wanted = rule(field, value)
    lists.save_filter(recipient_list=members, actor=NOBODY, name="One", rule=wanted)
    live = lists.create_live_list(source=members, actor=NOBODY, name="Live", rule=wanted)
    start_job(sought=Sought(members, "", wanted), wish=Wish(kind="export"), actor=NOBODY)
    start_job(sought=Sought(members, value), wish=Wish(kind="export"), actor=NOBODY)
    start_job(sought=Sought(members), wish=Wish("set_field", field="custom1", value=value), actor=NOBODY)
    members.recipients.update(custom1="")
    erase(acme)
    kept = [SavedFilter.objects.get().rule, RecipientList.objects.get(pk=live.pk).rule]
    kept += [list(ListJob.objects.values_list("rule", "words", "options"))]
    kept += [list(AuditEntry.objects.exclude(action="created").values_list("details", flat=True))]
    assert value.strip().casefold() not in str(kept).casefold()


def test_a_job_that_may_go_on_keeps_a_name_that_finds_others_too(acme: Workspace) -> None:
    members = imported(acme).list
    assert members is not None
    job = start_job(sought=Sought(members, "Maya"), wish=Wish(kind="export"), actor=NOBODY)
    ListJob.objects.filter(pk=job.pk).update(state="cancelled")
    erase(acme)
    assert ListJob.objects.get().words == "Maya"


def test_jobs_and_their_audit_lines_forget(acme: Workspace) -> None:
    members = imported(acme).list
    assert members is not None
    wish = Wish(kind="set_field", field="custom1", value=f"friend of {MAYA}")
    start_job(sought=Sought(members, "", rule("msisdn", MAYA)), wish=wish, actor=NOBODY)
    for words in (MAYA[:11], "maya@example.com", "Maya Quince"):
        start_job(sought=Sought(members, words), wish=Wish(kind="export"), actor=NOBODY)
    start_job(sought=Sought(members, "Ahmad"), wish=Wish(kind="export"), actor=NOBODY)
    erase(acme)
    kept = str(list(ListJob.objects.values_list("rule", "words", "options")))
    trail = str(list(AuditEntry.objects.exclude(action="opted out").values_list("label", "details")))
    assert [word for word in (NATIONAL, *NAMES[1:]) if word in kept + trail] == []
    assert "Ahmad" in kept
    assert "Ahmad" in trail


# --- putting people back ---


def removed_by(client: Client, members: RecipientList) -> None:
    ids = members.recipients.values_list("pk", flat=True)
    client.post(reverse("recipient-list-remove", args=[members.pk]), {"selected": list(ids)})
    assert not members.recipients.exists()


def test_who_was_erased_is_not_put_back(bob_client: Client, acme: Workspace) -> None:
    members = imported(acme).list
    assert members is not None
    removed_by(bob_client, members)
    erase(acme)
    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert ([word for word in (MAYA, *NAMES) if word in kept], number(0) in kept) == ([], True)
    bob_client.post(reverse("recipient-list-restore", args=[members.pk]))
    assert list(members.recipients.values_list("msisdn", "first_name")) == [(number(0), "Ahmad")]


def test_nor_from_a_session_that_was_written_meanwhile(bob_client: Client, acme: Workspace) -> None:
    """As when the removal's request ended after the erasure had looked at sessions."""
    members = imported(acme).list
    assert members is not None
    removed_by(bob_client, members)
    before = list(Session.objects.all())
    erase(acme)
    for session in before:
        session.save()
    bob_client.post(reverse("recipient-list-restore", args=[members.pk]))
    assert list(members.recipients.values_list("msisdn", flat=True)) == [number(0)]


def test_who_opted_out_is_put_back_where_nobody_was_erased(bob_client: Client, acme: Workspace) -> None:
    members = imported(acme).list
    assert members is not None
    erase(acme, number(8))
    imported(acme, f"number\n+{MAYA}\n", to=members)
    ran(checked_opt_outs(upload(acme, f"number\n+{MAYA}\n", purpose="opt_outs")))
    removed_by(bob_client, members)
    bob_client.post(reverse("recipient-list-restore", args=[members.pk]))
    assert members.recipients.filter(msisdn=MAYA).exists()


# --- all of it ---


def test_the_database_holds_nothing_but_what_the_docs_name(
    bob_client: Client, acme: Workspace, alice: User
) -> None:
    one = imported(acme, f"{people()}{NATIONAL}9,Maya,Quince,\n")
    members = one.list
    assert members is not None
    imported(acme, people().replace("Quince", "Lime"), to=members)
    lists.save_filter(recipient_list=members, actor=NOBODY, name="One", rule=rule("msisdn", MAYA))
    start_job(sought=Sought(members, "maya@example.com"), wish=Wish(kind="export"), actor=NOBODY)
    person = members.recipients.get(msisdn=MAYA)
    LogEntry.objects.log_actions(alice.pk, [person], CHANGE, "Changed", single_object=True)
    lists.update_recipient(recipient=person, actor=NOBODY, fields={"first_name": "Mayra"})
    removed_by(bob_client, members)
    lists.add_recipients(
        recipient_list=members, people=[lists.Person(f"+{MAYA}", {"last_name": "Quince"})], actor=NOBODY
    )
    erase(acme)
    # Another person's number begins like hers.
    words = re.compile(rf"{NATIONAL}(?!\d)|Quince|Lime|maya@")
    assert [table for table, row in dump() if words.search(row)] == ["contacts_optout"]
