"""The team page, and the services behind it: roles and who may give them."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client

from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import AuditEntry, Membership, Role, User, Workspace
from accounts.services import change_role, remove_member
from tests.access import assert_access
from tests.people import person


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user)


def test_it_works(alice_client: Client, alice: User, bob: User, victor: User) -> None:
    page = alice_client.get("/settings/team/").content.decode()
    for email in ("alice@example.com", "bob@example.com", "victor@example.com"):
        assert email in page
    response = alice_client.post(f"/settings/team/{membership(victor).pk}/role/", {"role": "marketer"})
    assert response.status_code == 302
    assert membership(victor).role == Role.MARKETER
    entry = AuditEntry.objects.get()
    assert (entry.user, entry.action, entry.details) == (
        alice,
        "changed role",
        {"old": "viewer", "new": "marketer"},
    )


def test_access(acme: Workspace, bob: User) -> None:
    assert_access("/settings/team/", viewer=200, marketer=200)
    assert_access("/settings/team/", "post", viewer=403, marketer=403, admin=422)
    url = f"/settings/team/{membership(bob).pk}"
    assert_access(f"{url}/role/", "post", viewer=403, marketer=403, admin=302, data={"role": "viewer"})
    assert_access(f"{url}/remove/", "post", viewer=403, stranger=404, missing=True)


def test_a_viewer_sees_no_action(victor_client: Client, bob: User) -> None:
    page = victor_client.get("/settings/team/").content.decode()
    assert "bob@example.com" in page
    assert f"/settings/team/{membership(bob).pk}/" not in page
    assert "Send the invitation" not in page


def test_a_marketer_may_leave(bob_client: Client, bob: User) -> None:
    response = bob_client.post(f"/settings/team/{membership(bob).pk}/remove/")
    assert response.status_code == 302
    assert not Membership.objects.filter(user=bob).exists()
    assert bob_client.get("/settings/team/").headers["Location"] == "/workspaces/new/"


def test_an_admin_removes_a_marketer_but_no_owner(adam_client: Client, alice: User, bob: User) -> None:
    person("charlie")
    assert adam_client.post(f"/settings/team/{membership(bob).pk}/remove/").status_code == 302
    response = adam_client.post(f"/settings/team/{membership(alice).pk}/remove/")
    assert response.status_code == 422
    assert "Only an owner may do this with owners." in response.content.decode()
    assert membership(alice).role == Role.OWNER


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_the_last_owner_cannot_be_lowered(alice: User, adam: User, role: Role) -> None:
    with pytest.raises(AccountsError, match="Alice is the last owner of acme"):
        change_role(membership=membership(alice), role=role, actor=Actor(user=alice))
    assert membership(alice).role == Role.OWNER


def test_the_last_owner_cannot_be_removed(alice: User) -> None:
    with pytest.raises(AccountsError, match="make somebody else owner first"):
        remove_member(membership=membership(alice), actor=Actor(user=alice))
    assert Membership.objects.filter(user=alice).exists()


def test_an_owner_who_is_inactive_does_not_count(alice: User, adam: User) -> None:
    change_role(membership=membership(adam), role=Role.OWNER, actor=Actor(user=alice))
    User.objects.filter(pk=adam.pk).update(is_active=False)
    with pytest.raises(AccountsError, match="last owner"):
        remove_member(membership=membership(alice), actor=Actor(user=alice))


def test_only_owners_make_owners(alice: User, adam: User, bob: User) -> None:
    with pytest.raises(AccountsError, match="Only an owner"):
        change_role(membership=membership(bob), role=Role.OWNER, actor=Actor(user=adam))
    change_role(membership=membership(bob), role=Role.OWNER, actor=Actor(user=alice))
    assert membership(bob).role == Role.OWNER


@pytest.mark.parametrize("name", ["bob", "victor", "charlie"])
def test_others_change_no_role(adam: User, name: str) -> None:
    with pytest.raises(AccountsError, match="This needs the role Admin in acme"):
        change_role(membership=membership(adam), role=Role.VIEWER, actor=Actor(user=person(name)))


def test_an_unknown_role(alice_client: Client, bob: User) -> None:
    response = alice_client.post(f"/settings/team/{membership(bob).pk}/role/", {"role": "king"})
    assert response.status_code == 422
    assert "“king” is not a role: use one of owner, admin, marketer, viewer." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_lower_each_other_at_once_leave_one() -> None:
    alice, adam = person("alice"), person("adam")
    Membership.objects.filter(user=adam).update(role=Role.OWNER)
    together = threading.Barrier(2)
    outcomes: list[str] = []

    def lower(whom: User, by: User) -> None:
        try:
            together.wait(timeout=10)
            change_role(membership=membership(whom), role=Role.VIEWER, actor=Actor(user=by))
            outcomes.append("lowered")
        except AccountsError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=lower, args=pair) for pair in ((alice, adam), (adam, alice))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert "lowered" in outcomes
    assert Membership.objects.filter(role=Role.OWNER).count() == 1
