"""The people of the tests: in `acme` Alice owns, Adam administers, Bob markets, Victor only looks;
Charlie is a stranger who owns `other`."""

from __future__ import annotations

from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiKey, Membership, Role, User, Workspace, hash_token

PASSWORD = "long-enough-for-tests"
TEAM = {"alice": Role.OWNER, "adam": Role.ADMIN, "bob": Role.MARKETER, "victor": Role.VIEWER}
STRANGER = "charlie"


class ApiClient(APIClient):
    """Speaks JSON unless told `format="multipart"`."""

    default_format: Any = "json"


def workspace_named(name: str) -> Workspace:
    return Workspace.objects.get_or_create(
        name=name, defaults={"time_zone": "America/New_York", "default_country": "US"}
    )[0]


def person(name: str) -> User:
    """Gets or makes one of the people above, with password PASSWORD."""
    user = User.objects.filter(email=f"{name}@example.com").first()
    if user is None:
        user = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.capitalize())
        role, workspace = (Role.OWNER, "other") if name == STRANGER else (TEAM[name], "acme")
        Membership.objects.create(workspace=workspace_named(workspace), user=user, role=role)
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def api_client(role: str = Role.MARKETER, workspace: Workspace | None = None) -> ApiClient:
    """A client with a fresh key of that role in `acme`, or in the workspace given; `.api_key` is its row."""
    raw = ApiKey.new_key()
    key = ApiKey.objects.create(
        workspace=workspace or workspace_named("acme"),
        name=f"{role} key",
        role=role,
        prefix=raw[:12],
        hashed=hash_token(raw),
    )
    client = ApiClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {raw}")
    client.api_key = key
    return client
