"""Django admin: only staff come in, through the one sign-in page; services decide, secrets stay hidden."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from accounts.access import Actor
from accounts.models import ApiKey, AuditEntry, Membership, Role, User, Workspace
from accounts.services import create_api_key, invite_person
from tests.people import client_of


@pytest.fixture
def staff_client(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return client_of(User.objects.get(pk=alice.pk))


def test_it_works(staff_client: Client) -> None:
    page = staff_client.get("/admin/")
    assert page.status_code == 200
    assert "Crier" in page.content.decode()


@pytest.mark.parametrize("model", list(apps.get_app_config("accounts").get_models()))
def test_every_list_opens(staff_client: Client, acme: Workspace, alice: User, model: type) -> None:
    assert admin.site.is_registered(model)
    actor = Actor(user=alice)
    _key, raw = create_api_key(workspace=acme, name="shop", role=Role.VIEWER, actor=actor)
    sent = invite_person(workspace=acme, email="dora@example.com", role=Role.VIEWER, actor=actor)
    base = f"/admin/accounts/{model._meta.model_name}/"  # type: ignore[attr-defined]  # a model
    page = staff_client.get(base)
    assert page.status_code == 200
    row = model._default_manager.first()  # type: ignore[attr-defined]  # a model
    if row is not None:
        page = staff_client.get(f"{base}{row.pk}/change/")
        assert page.status_code == 200
        text = page.content.decode()
        for secret in (raw, sent.link.split("/")[-2], ApiKey.objects.get().hashed, "md5$"):
            assert secret not in text


def test_an_owner_who_is_no_staff_stays_out(alice_client: Client) -> None:
    response = alice_client.get("/admin/", follow=True)
    assert response.status_code == 403


def test_the_admin_has_no_sign_in_of_its_own(client: Client, alice: User) -> None:
    response = client.get("/admin/login/?next=/admin/")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/")


def test_the_last_owner_is_protected_here_too(staff_client: Client, alice: User) -> None:
    membership = Membership.objects.get(user=alice)
    page = staff_client.post(f"/admin/accounts/membership/{membership.pk}/change/", {"role": "viewer"})
    assert page.status_code == 200
    assert "is the last owner of acme" in page.content.decode()
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_a_role_changes_with_an_audit_line(staff_client: Client, bob: User) -> None:
    membership = Membership.objects.get(user=bob)
    response = staff_client.post(f"/admin/accounts/membership/{membership.pk}/change/", {"role": "viewer"})
    assert response.status_code == 302
    membership.refresh_from_db()
    assert membership.role == Role.VIEWER
    assert AuditEntry.objects.get().action == "changed role"


def test_a_workspace_changes_with_an_audit_line(staff_client: Client, acme: Workspace) -> None:
    values = {"name": "Acme", "time_zone": "UTC", "default_country": "US", "currency": "USD"}
    quiet = {"quiet_from": "21:00", "quiet_to": "08:00"}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    numbers = {
        "typed_count_above": "9",
        "failure_limit": "10",
        "failure_sample": "200",
        "frequency_days": "7",
    }
    response = staff_client.post(
        f"/admin/accounts/workspace/{acme.pk}/change/", values | inline | quiet | numbers
    )
    assert response.status_code == 302
    acme.refresh_from_db()
    assert (acme.name, acme.typed_count_above) == ("Acme", 9)
    assert AuditEntry.objects.get().action == "changed"


def test_keys_are_revoked_here(staff_client: Client, acme: Workspace) -> None:
    key, _raw = create_api_key(workspace=acme, name="shop", role=Role.VIEWER, actor=Actor())
    staff_client.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_new_person_cannot_sign_in_before_choosing_a_password(staff_client: Client) -> None:
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    response = staff_client.post(
        "/admin/accounts/user/add/", {"email": "Dora@example.com", "name": "Dora", "is_active": "on"} | inline
    )
    assert response.status_code == 302
    dora = User.objects.get(email="dora@example.com")
    assert not dora.has_usable_password()


def test_nobody_adds_or_deletes_what_services_own(staff_client: Client, acme: Workspace, bob: User) -> None:
    for url in (
        "/admin/accounts/workspace/add/",
        f"/admin/accounts/workspace/{acme.pk}/delete/",
        f"/admin/accounts/user/{bob.pk}/delete/",
        "/admin/accounts/membership/add/",
        "/admin/accounts/apikey/add/",
        "/admin/accounts/auditentry/add/",
    ):
        assert staff_client.get(url).status_code == 403, url
