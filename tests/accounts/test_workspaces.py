"""General settings, the switcher, further workspaces, the audit trail's page."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.access import Actor
from accounts.audit import record
from accounts.errors import AccountsError
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from accounts.services import create_workspace, update_workspace
from tests.access import assert_access

SETTINGS = {
    "name": "Acme Ltd",
    "time_zone": "Europe/Berlin",
    "default_country": "DE",
    "currency": "EUR",
    "typed_count_above": "500",
    "quiet_from": "21:00",
    "quiet_to": "08:00",
}


def test_it_works(alice_client: Client, acme: Workspace, alice: User) -> None:
    assert alice_client.post("/settings/", SETTINGS).status_code == 302
    acme.refresh_from_db()
    assert (acme.name, acme.time_zone, acme.default_country, acme.currency, acme.typed_count_above) == (
        "Acme Ltd",
        "Europe/Berlin",
        "DE",
        "EUR",
        500,
    )
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.action) == (alice, "changed")
    assert entry.details["old"]["name"] == "acme"
    assert entry.details["new"]["currency"] == "EUR"


def test_access(acme: Workspace) -> None:
    assert_access("/settings/", viewer=200, marketer=200)
    assert_access("/settings/", "post", viewer=403, marketer=403, admin=302, data=SETTINGS)
    assert_access("/settings/audit/", viewer=403, marketer=403, admin=200, wrong_method="post")


def test_a_viewer_sees_no_button(victor_client: Client) -> None:
    page = victor_client.get("/settings/").content.decode()
    assert "Save the settings" not in page
    assert "/settings/keys/" not in page
    assert "/settings/audit/" not in page


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "other"}, "There is a workspace named “other” already"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
        ({"currency": "euro"}, "at most 3 characters"),
        ({"currency": "eu"}, "three capitals"),
        ({"typed_count_above": "-1"}, "greater than or equal to 0"),
    ],
)
def test_rejects(
    alice_client: Client, acme: Workspace, other: Workspace, change: dict[str, str], sentence: str
) -> None:
    response = alice_client.post("/settings/", SETTINGS | change)
    assert response.status_code == 422
    assert sentence in response.content.decode()
    acme.refresh_from_db()
    assert acme.name == "acme"
    assert not AuditEntry.objects.exists()


def test_the_service_refuses_what_no_form_checked(acme: Workspace, alice: User) -> None:
    with pytest.raises(AccountsError) as refused:
        update_workspace(workspace=acme, actor=Actor(user=alice), default_country="XX")
    assert refused.value.field == "default_country"


def test_nothing_changed_leaves_no_line(acme: Workspace, alice: User) -> None:
    update_workspace(workspace=acme, actor=Actor(user=alice), name="acme")
    assert not AuditEntry.objects.exists()


# --- several workspaces ---------------------------------------------------------------------------


def test_a_second_workspace_is_its_makers(bob_client: Client, bob: User) -> None:
    answers = {"name": "Side", "time_zone": "UTC", "default_country": "GB"}
    assert bob_client.get("/workspaces/new/").status_code == 200
    assert bob_client.post("/workspaces/new/", answers).status_code == 302
    assert Membership.objects.get(workspace__name="Side").user == bob
    page = bob_client.get("/settings/").content.decode()
    assert 'value="Side"' in page, "it is chosen at once"
    assert "Save the settings" in page, "as its owner"


def test_a_taken_name_is_refused(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(
        "/workspaces/new/", {"name": "acme", "time_zone": "UTC", "default_country": "GB"}
    )
    assert response.status_code == 422
    assert "There is a workspace named “acme” already" in response.content.decode()


def test_switching(bob_client: Client, bob: User, acme: Workspace) -> None:
    side = create_workspace(name="Side", owner=bob)
    assert 'value="acme"' in bob_client.get("/settings/").content.decode()
    response = bob_client.post("/workspaces/switch/", {"workspace": side.pk})
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert 'value="Side"' in bob_client.get("/settings/").content.decode()


@pytest.mark.parametrize("value", ["", "abc", "99999999999999999999", "²", "987654321"])
def test_switching_to_nothing_is_404(bob_client: Client, value: str) -> None:
    assert bob_client.post("/workspaces/switch/", {"workspace": value}).status_code == 404


def test_switching_to_a_foreign_workspace_is_404(bob_client: Client, charlie: User, other: Workspace) -> None:
    assert bob_client.post("/workspaces/switch/", {"workspace": other.pk}).status_code == 404
    assert 'value="acme"' in bob_client.get("/settings/").content.decode()


def test_switching_takes_a_post(bob_client: Client, client: Client) -> None:
    assert bob_client.get("/workspaces/switch/").status_code == 405
    assert client.post("/workspaces/switch/").headers["Location"].startswith("/login/")
    assert client.get("/workspaces/new/").headers["Location"].startswith("/login/")


def test_whoever_lost_the_chosen_workspace_gets_another(
    bob_client: Client, bob: User, acme: Workspace
) -> None:
    side = create_workspace(name="Side", owner=bob)
    bob_client.post("/workspaces/switch/", {"workspace": side.pk})
    Membership.objects.filter(user=bob, workspace=side).delete()
    assert 'value="acme"' in bob_client.get("/settings/").content.decode()


# --- audit trail ----------------------------------------------------------------------------------


def test_the_trail_shows_ones_own_workspace_only(
    alice_client: Client, acme: Workspace, other: Workspace, alice: User, charlie: User
) -> None:
    record(acme, Actor(user=alice), "launched", acme, people=3)
    record(other, Actor(user=charlie), "launched", other)
    page = alice_client.get("/settings/audit/").content.decode()
    assert "launched" in page
    assert "people: 3" in page
    assert "Charlie" not in page


def test_the_trail_has_pages(
    alice_client: Client,
    acme: Workspace,
    alice: User,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(120):
        record(acme, Actor(user=alice), f"did{number:03}", acme)
    with django_assert_max_num_queries(5):
        first = alice_client.get("/settings/audit/").content.decode()
    assert "did119" in first and "did070" in first and "did069" not in first
    ids = list(AuditEntry.objects.order_by("-id").values_list("id", flat=True))
    assert f"?before={ids[49]}" in first
    last = alice_client.get(f"/settings/audit/?before={ids[99]}").content.decode()
    assert "did019" in last and "did000" in last and "did020" not in last
    assert 'rel="next"' not in last
    back = alice_client.get(f"/settings/audit/?after={ids[100]}").content.decode()
    assert "did069" in back and "did020" in back
    for odd in ("abc", "-1", "1" * 40):
        assert "did119" in alice_client.get(f"/settings/audit/?before={odd}").content.decode()


def test_roles_of_the_test_team(alice: User, adam: User, bob: User, victor: User) -> None:
    roles = Membership.objects.order_by("id").values_list("role", flat=True)
    assert list(roles) == [Role.OWNER, Role.ADMIN, Role.MARKETER, Role.VIEWER]
