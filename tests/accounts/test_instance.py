"""Instance fencing: what tells a copy of the database, and claiming it."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import instance
from accounts.access import Actor
from accounts.instance import NotClaimable, advance, claim_instance, fence, place
from accounts.models import AuditEntry, Instance, User, Workspace
from config.health import check_database, check_instance

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(acme: Workspace) -> Instance:
    """Claimed by its first start, a while ago."""
    assert fence() is None
    row = Instance.objects.get()
    row.turned_at = timezone.now() - timedelta(hours=5)
    row.save()
    return row


@pytest.fixture
def copy(home: Instance) -> Instance:
    """As after a restore: the database is elsewhere."""
    home.place = {**home.place, "database": "elsewhere"}
    home.save()
    return home


@pytest.fixture
def fresh_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance._shown, "until", 0.0)


def why() -> str:
    found = fence()
    return found.why if found else ""


def test_it_works(home: Instance) -> None:
    assert fence() is None
    assert Instance.objects.count() == 1
    assert home.place["database"] == place()["database"] != ""


def test_it_tells_a_database_that_is_elsewhere(copy: Instance) -> None:
    found = fence()
    assert found is not None
    assert (found.why, found.last_sent_from) == ("database", copy.turned_at)
    assert found.sentence == "It is not where it was: it was copied, moved, or read back from a backup."


def test_it_tells_another_public_address(home: Instance, settings: Settings) -> None:
    settings.PUBLIC_URL_IS_SET, settings.PUBLIC_URL = True, "https://crier.example.com"
    assert why() == ""
    settings.PUBLIC_URL = "https://staging.example.com"
    assert why() == "address"
    settings.PUBLIC_URL_IS_SET = False
    assert why() == ""


def test_it_tells_an_older_state(home: Instance) -> None:
    for _sweep in range(3):
        advance()
    assert why() == ""
    Instance.objects.update(turn=2)
    assert why() == "older"


def test_it_takes_a_folder_that_cannot_be_written_for_one_that_knows_nothing(
    home: Instance, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    settings.INSTANCES_DIR = tmp_path / "file"
    advance()
    assert why() == ""
    Instance.objects.update(turn=0)
    assert why() == ""


def test_another_database_with_the_same_folder_is_no_older_one(home: Instance) -> None:
    advance()
    assert why() == ""
    Instance.objects.all().delete()
    assert why() == ""
    assert Instance.objects.get().name != home.name


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_a_copied_file_has_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "crier.sqlite3", tmp_path / "copy.sqlite3"
    sqlite3.connect(first).execute("CREATE TABLE one (id)").connection.close()
    shutil.copy2(first, second)

    def place_of(path: Path) -> str:
        monkeypatch.setitem(connection.settings_dict, "NAME", str(path))
        return place()["database"]

    before = place_of(first)
    assert place_of(second) != before
    assert place_of(first.rename(tmp_path / "moved.sqlite3")) == before


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_dump_that_was_read_back_has_another_place(home: Instance) -> None:
    """It makes its tables anew, also in the same database."""
    before = place()["database"]
    table = Instance._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT system_identifier FROM pg_control_system()")
        assert before.startswith(f"{cursor.fetchone()[0]}-")
        cursor.execute(f"ALTER TABLE {table} RENAME TO before")
        cursor.execute(f"CREATE TABLE {table} (LIKE before INCLUDING ALL)")
        cursor.execute(f"INSERT INTO {table} SELECT * FROM before")  # noqa: S608  # our own names
    assert place()["database"] != before
    assert why() == "database"


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_role_that_may_not_ask_for_the_server_still_tells_databases_apart(home: Instance) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE crier_low; GRANT SELECT ON ALL TABLES IN SCHEMA public TO crier_low")
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public")
        cursor.execute("SET LOCAL ROLE crier_low")
        here = place()["database"]
        cursor.execute("RESET ROLE")
    cluster, database, table = here.split(":")
    assert (cluster, database.isdecimal(), table.isdecimal()) == ("", True, True)


# --- claiming -------------------------------------------------------------------------------------------


def test_claiming_makes_it_the_installation(copy: Instance, alice: User) -> None:
    claim_instance(actor=Actor(user=alice))
    assert fence() is None
    row = Instance.objects.get()
    assert (row.claimed_by, row.turn > copy.turn, row.name) == (alice, True, copy.name)
    entry = AuditEntry.objects.get(action="claimed")
    assert (entry.user, entry.details) == (alice, {"why": "database"})


def test_claiming_an_older_state_goes_on_from_the_newest(home: Instance) -> None:
    Instance.objects.update(turn=9)
    assert why() == ""
    Instance.objects.update(turn=4)
    claim_instance(actor=Actor())
    assert (why(), Instance.objects.get().turn) == ("", 10)


def test_what_is_not_fenced_is_not_claimed(home: Instance) -> None:
    with pytest.raises(NotClaimable):
        claim_instance(actor=Actor())


def test_the_command_says_and_claims(copy: Instance) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="Say --claim"):
        call_command("claim_instance", stdout=out)
    assert "Nothing is sent from this copy. It is not where it was" in out.getvalue()
    call_command("claim_instance", "--claim", stdout=out)
    assert fence() is None
    out = StringIO()
    call_command("claim_instance", stdout=out)
    assert out.getvalue().startswith("This database is the installation itself")


# --- the pages ------------------------------------------------------------------------------------------


@pytest.fixture
def staff_client(alice: User, alice_client: Client) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    return alice_client


def test_every_page_says_it(copy: Instance, fresh_pages: None, bob_client: Client) -> None:
    assert "This is a copy of Crier's database" in bob_client.get("/campaigns/").content.decode()


def test_no_page_says_it_at_home(home: Instance, fresh_pages: None, bob_client: Client) -> None:
    assert "This is a copy" not in bob_client.get("/campaigns/").content.decode()


def test_the_page_says_why(copy: Instance, bob_client: Client) -> None:
    page = bob_client.get("/this-copy/").content.decode()
    assert "It is not where it was" in page
    assert "Ask whoever runs Crier" in page
    assert bob_client.post("/this-copy/", {"is_only_one": "yes"}).status_code == 403
    assert why() == "database"


def test_who_may_open_the_admin_claims_it(copy: Instance, staff_client: Client) -> None:
    refused = staff_client.post("/this-copy/")
    assert refused.status_code == 422
    assert "Tick that no other Crier sends" in refused.content.decode()
    assert why() == "database"
    assert staff_client.post("/this-copy/", {"is_only_one": "yes"}).status_code == 302
    assert why() == ""
    assert "There is nothing to claim" in staff_client.get("/this-copy/").content.decode()


def test_claiming_twice_is_told(copy: Instance, staff_client: Client) -> None:
    staff_client.post("/this-copy/", {"is_only_one": "yes"})
    answer = staff_client.post("/this-copy/", {"is_only_one": "yes"}, follow=True)
    assert "this database sends already" in answer.content.decode()


def test_strangers_sign_in_first(copy: Instance, client: Client) -> None:
    assert client.get("/this-copy/").status_code == 302


def test_readiness_names_it(copy: Instance, client: Client) -> None:
    found = check_instance(check_database())
    assert (found.ok, found.name) == (False, "instance")
    assert "claim_instance --claim" in found.remedy
    answer: dict[str, Any] = client.get("/readyz").json()
    assert [one["ok"] for one in answer["checks"] if one["name"] == "instance"] == [False]
