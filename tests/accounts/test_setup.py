"""The first owner of an empty system: /setup/ and set_up()."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.errors import AccountsError, AlreadySetUp
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from accounts.services import set_up
from accounts.signals import WorkspaceCreated, workspace_created
from tests.people import PASSWORD

ANSWERS = {
    "name": "Acme",
    "time_zone": "Europe/London",
    "default_country": "GB",
    "email": "Alice@example.com",
    "password": PASSWORD,
}


@pytest.fixture
def news() -> Iterator[list[WorkspaceCreated]]:
    heard: list[WorkspaceCreated] = []

    def hear(payload: WorkspaceCreated, **_: object) -> None:
        heard.append(payload)

    others, workspace_created.receivers = workspace_created.receivers, []
    workspace_created.connect(hear)
    yield heard
    workspace_created.receivers = others
    workspace_created.sender_receivers_cache.clear()


def test_it_works(db: None, client: Client, news: list[WorkspaceCreated], settings: Settings) -> None:
    settings.SANDBOX_URL = "http://sandbox.example.com"
    assert client.get("/setup/").status_code == 200
    response = client.post("/setup/", ANSWERS | {"wants_sandbox": "on"})
    assert (response.status_code, response.headers["Location"]) == (302, "/")

    owner, workspace = User.objects.get(), Workspace.objects.get()
    assert owner.email == "alice@example.com"
    assert owner.check_password(PASSWORD)
    assert (workspace.name, workspace.time_zone, workspace.default_country) == ("Acme", "Europe/London", "GB")
    assert Membership.objects.get().role == Role.OWNER
    assert news == [WorkspaceCreated(workspace.pk, owner.pk, wants_sandbox=True)]
    assert AuditEntry.objects.get().action == "created"
    assert client.get("/settings/").status_code == 200, "the new owner is signed in"


def test_without_a_sandbox_none_is_offered(db: None, client: Client, settings: Settings) -> None:
    settings.SANDBOX_URL = ""
    assert b"wants_sandbox" not in client.get("/setup/").content


def test_everything_leads_to_setup_on_an_empty_system(db: None, client: Client) -> None:
    for url in ("/", "/login/", "/settings/team/", "/no-such-page/"):
        response = client.get(url)
        assert (response.status_code, response.headers["Location"]) == (302, "/setup/"), url
    assert client.get("/healthz").status_code == 200


def test_with_a_person_there_is_no_setup(client: Client, alice: User) -> None:
    assert client.get("/setup/").status_code == 404
    assert client.post("/setup/", ANSWERS).status_code == 404
    assert User.objects.count() == 1


def test_wrong_method(db: None, client: Client) -> None:
    assert client.delete("/setup/").status_code == 405


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"email": "alice"}, "Enter a valid email address."),
        ({"password": "short"}, "too short"),
        ({"password": "password1234"}, "too common"),
        ({"name": ""}, "This field is required."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
        ({"default_country": "XX"}, "Select a valid choice"),
    ],
)
def test_rejects(db: None, client: Client, change: dict[str, str], sentence: str) -> None:
    response = client.post("/setup/", ANSWERS | change)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not User.objects.exists()
    assert not Workspace.objects.exists()


def test_a_receiver_that_fails_undoes_all(db: None, news: list[WorkspaceCreated]) -> None:
    def fail(**_: object) -> None:
        raise AccountsError("The sandbox is not there.")

    workspace_created.connect(fail)
    with pytest.raises(AccountsError, match="not there"):
        set_up(workspace_name="Acme", email="alice@example.com", password=PASSWORD)
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_owner() -> None:
    together = threading.Barrier(4)
    outcomes: list[str] = []

    def one(number: int) -> None:
        try:
            together.wait(timeout=10)
            set_up(workspace_name=f"W{number}", email=f"p{number}@example.com", password=PASSWORD)
            outcomes.append("made")
        except AlreadySetUp:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["made", "refused", "refused", "refused"]
    assert User.objects.count() == Workspace.objects.count() == Membership.objects.count() == 1
