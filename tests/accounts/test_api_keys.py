"""API keys: shown once, kept as a hash, revoked for good; and what they may do at the API's door."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import ApiKey, AuditEntry, Role, User, Workspace, hash_token
from accounts.services import create_api_key, revoke_api_key
from tests.access import assert_access
from tests.people import ApiClient, person


class Echo(APIView):
    """An endpoint with nothing of its own: what is seen is the door."""

    def get(self, request: Request) -> Response:
        return Response({"workspace": request.workspace.name})  # type: ignore[attr-defined]  # set by the key

    post = get


def ask(method: str, **headers: str) -> Response:
    request = getattr(APIRequestFactory(), method)("/api/v1/echo/", headers=headers)
    return Echo.as_view()(request).render()


@pytest.fixture
def made(acme: Workspace, alice: User) -> tuple[ApiKey, str]:
    return create_api_key(workspace=acme, name="shop", role=Role.MARKETER, actor=Actor(user=alice))


def test_it_works(alice_client: Client) -> None:
    page = alice_client.post("/settings/keys/", {"name": "shop", "role": "marketer"})
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    raw = re.search(r'value="(crier_[^"]+)"', page.content.decode())
    assert raw is not None
    key = ApiKey.objects.get()
    assert (key.name, key.role, key.prefix) == ("shop", "marketer", raw[1][:12])
    later = alice_client.get("/settings/keys/").content.decode()
    assert "shop" in later
    assert raw[1] not in later, "shown once"
    assert ask("get", Authorization=f"Bearer {raw[1]}").data == {"workspace": "acme"}


def test_only_the_hash_is_kept(made: tuple[ApiKey, str]) -> None:
    key, raw = made
    kept = ApiKey.objects.values().get(pk=key.pk)
    assert kept["hashed"] == hash_token(raw)
    assert len(raw) >= 48, "32 random bytes"
    assert raw not in str(kept) + str(key) + repr(key)
    assert raw not in str(list(AuditEntry.objects.values()))


def test_page_access(made: tuple[ApiKey, str]) -> None:
    assert_access("/settings/keys/", viewer=403, marketer=403, admin=200)
    assert_access("/settings/keys/", "post", viewer=403, marketer=403, admin=422)
    assert_access(f"/settings/keys/{made[0].pk}/revoke/", "post", viewer=403, marketer=403, admin=302)


def test_revoking(made: tuple[ApiKey, str], alice_client: Client) -> None:
    key, raw = made
    response = alice_client.post(f"/settings/keys/{key.pk}/revoke/")
    assert response.status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert AuditEntry.objects.first().action == "revoked"  # type: ignore[union-attr]  # there is one
    refused = ask("get", Authorization=f"Bearer {raw}")
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert refused.data["code"] == "authentication_failed"
    assert "unknown or revoked" in refused.data["detail"]


def test_revoking_twice_keeps_the_first_time(made: tuple[ApiKey, str], alice: User) -> None:
    first = revoke_api_key(key=made[0], actor=Actor(user=alice)).revoked_at
    assert revoke_api_key(key=made[0], actor=Actor(user=alice)).revoked_at == first
    assert AuditEntry.objects.filter(action="revoked").count() == 1


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}])
def test_no_key_is_401(db: None, headers: dict[str, str]) -> None:
    refused = ask("get", **headers)
    assert (refused.status_code, refused.data["code"]) == (401, "not_authenticated")


def test_an_unknown_key_is_401(db: None) -> None:
    assert ask("get", Authorization="Bearer crier_wrong").status_code == 401


def test_the_apikey_header_works_too(made: tuple[ApiKey, str]) -> None:
    assert ask("get", apikey=made[1]).status_code == 200


def test_a_viewers_key_cannot_write(acme: Workspace, alice: User) -> None:
    _key, raw = create_api_key(workspace=acme, name="wall", role=Role.VIEWER, actor=Actor(user=alice))
    assert ask("get", Authorization=f"Bearer {raw}").status_code == 200
    refused = ask("post", Authorization=f"Bearer {raw}")
    assert (refused.status_code, refused.data["code"]) == (403, "permission_denied")
    assert "has the role viewer; this needs marketer" in refused.data["detail"]


def test_a_session_is_no_key(alice: User) -> None:
    request = RequestFactory().get("/api/v1/echo/")
    request.user = alice
    assert Echo.as_view()(request).status_code == 401


def test_last_use_is_noted_at_most_once_a_minute(made: tuple[ApiKey, str]) -> None:
    key, raw = made
    ask("get", Authorization=f"Bearer {raw}")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first is not None
    ask("get", Authorization=f"Bearer {raw}")
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now() - timedelta(minutes=2))
    ask("get", Authorization=f"Bearer {raw}")
    assert ApiKey.objects.get(pk=key.pk).last_used_at >= first


@pytest.mark.parametrize(
    ("name", "by", "role", "sentence"),
    [
        ("", "alice", "viewer", "Name the key"),
        ("shop", "alice", "king", "“king” is not a role"),
        ("shop", "adam", "owner", "higher role than yours"),
        ("shop", "bob", "viewer", "needs the role Admin"),
        ("shop", "charlie", "viewer", "needs the role Admin"),
    ],
)
def test_rejects(acme: Workspace, name: str, by: str, role: str, sentence: str) -> None:
    with pytest.raises(AccountsError, match=sentence):
        create_api_key(workspace=acme, name=name, role=role, actor=Actor(user=person(by)))
    assert not ApiKey.objects.exists()


# --- manage.py create_api_key ---------------------------------------------------------------------


def test_the_command_prints_the_key_alone(
    acme: Workspace, capsys: pytest.CaptureFixture[str], api: Callable[..., ApiClient]
) -> None:
    call_command("create_api_key", "--workspace", "acme")
    out, err = capsys.readouterr()
    assert re.fullmatch(r"crier_[\w-]{43}\n", out)
    assert err == ""
    key = ApiKey.objects.get()
    assert (key.role, key.name, key.created_by) == ("marketer", "command line", None)
    assert ask("post", Authorization=f"Bearer {out.strip()}").status_code == 200


def test_the_command_takes_role_and_name(acme: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_api_key", "--workspace", "acme", "--role", "owner", "--name", "cron")
    assert ApiKey.objects.filter(role="owner", name="cron").exists()


def test_the_command_names_known_workspaces(acme: Workspace, other: Workspace) -> None:
    with pytest.raises(CommandError, match=r'no workspace named "Nope"\. Known: "acme", "other"\.'):
        call_command("create_api_key", "--workspace", "Nope")


def test_the_command_on_an_empty_system(db: None) -> None:
    with pytest.raises(CommandError, match="set it up first"):
        call_command("create_api_key", "--workspace", "Nope")


def test_the_command_refuses_an_unknown_role(acme: Workspace) -> None:
    with pytest.raises(CommandError, match="invalid choice: 'king'"):
        call_command("create_api_key", "--workspace", "acme", "--role", "king")
