"""Whose files are read: of people who are signed in, and of programs with a key."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.access import Actor
from accounts.known import is_known
from accounts.models import User, Workspace
from accounts.services import create_api_key, revoke_api_key

pytestmark = pytest.mark.django_db(transaction=True)


def with_cookie(value: str) -> dict[str, Any]:
    return {"HTTP_COOKIE": f"a=b; {settings.SESSION_COOKIE_NAME}={value}"}


def test_who_is_signed_in_is_known(alice_client: Client) -> None:
    key = alice_client.cookies[settings.SESSION_COOKIE_NAME].value
    assert is_known(with_cookie(key))
    alice_client.logout()
    assert not is_known(with_cookie(key))


@pytest.mark.parametrize("environ", [{}, with_cookie("x" * 32), {"HTTP_AUTHORIZATION": "Bearer crier_x"}])
def test_strangers_are_not(environ: dict[str, Any]) -> None:
    assert not is_known(environ)


def test_viewers_send_no_files(acme: Workspace, victor_client: Client) -> None:
    _key, raw = create_api_key(workspace=acme, name="look", role="viewer", actor=Actor())
    assert not is_known({"HTTP_APIKEY": raw})
    assert not is_known(with_cookie(victor_client.cookies[settings.SESSION_COOKIE_NAME].value))


@pytest.mark.parametrize("role", ["is_staff", "is_superuser"])
def test_who_runs_the_admin_needs_no_workspace(client: Client, role: str) -> None:
    person = User.objects.create_user("root@example.com", "a good long password")
    client.force_login(person)
    environ = with_cookie(client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert not is_known(environ)
    User.objects.filter(pk=person.pk).update(**{role: True})
    assert is_known(environ)
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert not is_known(environ)


def test_a_program_with_a_key_is_known_until_it_is_revoked(acme: Workspace) -> None:
    key, raw = create_api_key(workspace=acme, name="import", role="marketer", actor=Actor())
    own = [{"HTTP_AUTHORIZATION": f"Bearer {raw}"}, {"HTTP_APIKEY": raw}]
    assert all(map(is_known, own))
    revoke_api_key(key=key, actor=Actor())
    assert not any(map(is_known, own))
