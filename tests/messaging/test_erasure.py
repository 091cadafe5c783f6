"""messaging.erasure: what stands in raw calls, proofs and the database's own files of somebody who is erased."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import AuditEntry, Workspace
from config.settings import SQLITE_OPTIONS
from contacts.models import OptOut, OptOutHow, UnsubscribeMember
from contacts.services.lists import Person, add_recipients
from contacts.services.opt_outs import add_members, create_unsubscribe_list, opt_in, opt_out
from messaging.erasure import Erased, erase_number
from providers.models import StoredWebhookCall, WebhookCallState
from tests.contacts.support import NOBODY, list_named, number
from tests.engine.makers import make_account
from web.database_log import empty_log

pytestmark = pytest.mark.django_db

MAYA, AHMAD = number(1), number(2)
PERSON = Person(f"+{MAYA}", {"first_name": "Maya", "last_name": "Quince", "email": "maya@example.com"})


def erase(workspace: Workspace, msisdn: str = MAYA) -> Erased:
    return erase_number(workspace=workspace, msisdn=msisdn, reason="asked", actor=NOBODY)


def call(workspace: Workspace, body: str | bytes, **more: Any) -> StoredWebhookCall:
    account = workspace.provider_accounts.first() or make_account(workspace)
    raw = body.encode() if isinstance(body, str) else body
    fields = {"method": "POST", "body": raw, "state": WebhookCallState.APPLIED, "received_at": timezone.now()}
    return StoredWebhookCall.objects.create(account=account, **(fields | more))


# --- calls of providers ---


@pytest.mark.parametrize(
    "body",
    [
        f'{{"from": "+{MAYA}"}}',
        '{"from": "+1 201-555-0101"}',
        '{"from": "(201) 555 - 0101"}',
        '{"from": "201.555.0101", "text": "hi"}',
        f'{{"from": {MAYA}}}',
        json.dumps({"from": "201\u2011555\u20110101"}),
        json.dumps({"from": "201\u00a0555 0101"}, ensure_ascii=False),
        "from=%2B1+201-555-0101&text=hi",
        "from=201%20555%2D0101",
        b"\xff\xfe 001 201 555 0101",
    ],
)
def test_calls_that_hold_the_number_in_any_writing_are_emptied(acme: Workspace, body: str | bytes) -> None:
    one = call(acme, body)
    assert erase(acme).calls == 1
    one.refresh_from_db()
    assert bytes(one.body) == b""
    assert erase(acme).calls == 0


@pytest.mark.parametrize(
    "body",
    [
        f'{{"from": "+{AHMAD}"}}',
        '{"a": "201", "b": "555", "c": "0101"}',
        "201,555,0101",
        '{"id": "1201", "n": 5550101}',
        "",
    ],
)
def test_calls_of_others_stay(acme: Workspace, body: str) -> None:
    one = call(acme, body)
    assert erase(acme).calls == 0
    one.refresh_from_db()
    assert bytes(one.body).decode() == body


def test_queries_are_looked_at_and_waiting_calls_and_other_workspaces_left(
    acme: Workspace, other: Workspace
) -> None:
    asked = call(acme, b"", method="GET", query="from=%2B1%20201-555-0101&text=hi")
    waits = call(acme, "201-555-0101", state=WebhookCallState.NEW)
    theirs = call(other, "201-555-0101")
    assert erase(acme).calls == 1
    asked.refresh_from_db()
    assert asked.query == ""
    for one in (waits, theirs):
        one.refresh_from_db()
        assert bytes(one.body) == b"201-555-0101"


# --- proofs ---


def test_proofs_keep_what_happened_and_not_who_it_was(acme: Workspace) -> None:
    list_named(acme, "Members", [PERSON])
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.STOP, source="first")
    opt_in(workspace=acme, msisdn=MAYA, reason="Maya asked from +1 201-555-0101")
    words = "Ms Quince (MAYA@example.com) called from 201-555-0101, not Mayan"
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.PERSON, source=words)
    rivals = create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Rivals")
    add_members(unsubscribe_list=rivals, msisdns=[MAYA, AHMAD], source="letter of Maya Quince")
    erase(acme)
    proof = OptOut.objects.get()
    assert (proof.how, proof.source) == ("person", "Ms [erased] ([erased]) called from [erased], not Mayan")
    sources = dict(UnsubscribeMember.objects.values_list("msisdn", "source"))
    assert sources == {MAYA: "letter of [erased]", AHMAD: "letter of Maya Quince"}
    trail = str(list(AuditEntry.objects.filter(subject="optout").values_list("details", flat=True)))
    assert "[erased] asked from [erased]" in trail
    assert [word for word in ("Maya ", "Quince", "example.com") if word in trail] == []


def test_short_and_regex_like_names_do_no_harm(acme: Workspace) -> None:
    odd = Person(f"+{MAYA}", {"first_name": "A.*", "last_name": "A"})
    list_named(acme, "Members", [odd])
    opt_out(workspace=acme, msisdn=MAYA, how=OptOutHow.PERSON, source="A letter (of 3 May) by A.*")
    erase(acme)
    assert OptOut.objects.get().source == "A letter (of 3 May) by [erased]"


# --- the database's own files ---

sqlite_only = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its files itself")


def held_by_files(words: str) -> bool:
    name = str(connection.settings_dict["NAME"])
    files = [Path(f"{name}{end}") for end in ("", "-wal")]
    return any(words.encode() in path.read_bytes() for path in files if path.exists())


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_the_files_of_sqlite_hold_nothing_of_who_was_erased(acme: Workspace) -> None:
    email, first = "kenyatta.only@example.com", "Kenyattaonly"
    many = [Person(f"+{number(n)}", {"email": f"n{n}@example.com"}) for n in range(5, 400)]
    members = list_named(acme, "Members", many)
    person = Person(
        f"+{MAYA}", {"email": email, "first_name": first, "custom": "x" * 4000 + "longvalueofhers"}
    )
    add_recipients(recipient_list=members, people=[person], actor=NOBODY)
    assert held_by_files(email)
    erase(acme)
    assert [words for words in (email, first, "longvalueofhers") if held_by_files(words)] == []
    assert not Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size


@sqlite_only
def test_every_connection_overwrites_what_it_deletes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA secure_delete")
        assert cursor.fetchone() == (1,)
    assert "secure_delete=ON" in SQLITE_OPTIONS["init_command"]


@sqlite_only
@pytest.mark.django_db(transaction=True)
def test_a_log_in_use_is_left_for_later(acme: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.database_log.WAIT_SECONDS", 0.05)
    reader = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM accounts_workspace").fetchone()
    Workspace.objects.update(name="Acme 2")
    assert empty_log() is False
    reader.close()
    assert empty_log() is True


def test_inside_a_transaction_nothing_is_emptied() -> None:
    assert empty_log() is False
