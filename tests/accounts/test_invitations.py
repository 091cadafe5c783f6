"""An invitation's life: sent, shown once, accepted once, withdrawn, run out."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from accounts.access import Actor
from accounts.errors import AccountsError, InvitationNotValid
from accounts.models import AuditEntry, Invitation, Membership, Role, User, Workspace, hash_token
from accounts.services import accept_invitation, find_invitation, invite_person, withdraw_invitation
from tests.access import assert_access
from tests.people import PASSWORD

NEW = {"name": "Dora Doe", "password": PASSWORD}


@pytest.fixture
def token(acme: Workspace, alice: User) -> str:
    """Of an invitation for Dora, who has no account, to become a marketer."""
    sent = invite_person(
        workspace=acme, email="Dora@example.com", role=Role.MARKETER, actor=Actor(user=alice)
    )
    return urlsplit(sent.link).path.split("/")[2]


def test_it_works(alice_client: Client, client: Client, acme: Workspace) -> None:
    page = alice_client.post("/settings/team/", {"email": "dora@example.com", "role": "marketer"})
    assert page.status_code == 200
    assert "no-store" in page.headers["Cache-Control"]
    link = re.search(r'value="https?://[^/"]+(/join/[^"]+)"', page.content.decode())
    assert link is not None
    [message] = mail.outbox
    assert message.to == ["dora@example.com"]
    assert link[1] in message.body
    assert "Alice invites you to the workspace acme" in message.body
    assert link[1] not in alice_client.get("/settings/team/").content.decode(), "shown once"

    assert client.get(link[1]).status_code == 200
    joined = client.post(link[1], NEW)
    assert (joined.status_code, joined.headers["Location"]) == (302, "/")
    dora = User.objects.get(email="dora@example.com")
    assert (dora.name, dora.check_password(PASSWORD)) == ("Dora Doe", True)
    assert Membership.objects.get(user=dora).role == Role.MARKETER
    assert "acme" in client.get("/settings/").content.decode(), "signed in"
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["invited", "joined"]


def test_only_the_hash_is_kept(token: str) -> None:
    kept = Invitation.objects.values().get()
    assert kept["token_hash"] == hash_token(token)
    assert token not in str(kept)


def test_the_token_is_in_no_log(token: str, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.get(f"/join/{token}/")
    assert "request" in caplog.text
    assert token not in caplog.text


def test_it_works_once(token: str, client: Client) -> None:
    client.post(f"/join/{token}/", NEW)
    again = Client().get(f"/join/{token}/")
    assert again.status_code == 404
    assert "ask for a new one" in again.content.decode()


def test_somebody_signed_in_joins_with_one_press(token: str, charlie: User, charlie_client: Client) -> None:
    page = charlie_client.get(f"/join/{token}/").content.decode()
    assert "You are signed in as charlie@example.com" in page
    assert charlie_client.post(f"/join/{token}/").status_code == 302
    assert set(Membership.objects.filter(user=charlie).values_list("workspace__name", "role")) == {
        ("other", "owner"),
        ("acme", "marketer"),
    }
    assert "acme" in charlie_client.get("/settings/").content.decode(), "the new workspace is chosen"


def test_a_member_cannot_join_again(token: str, bob_client: Client) -> None:
    response = bob_client.post(f"/join/{token}/")
    assert response.status_code == 422
    assert "You are a member of acme already." in response.content.decode()
    assert find_invitation(token).email == "dora@example.com", "the invitation is not spent"


def test_an_address_with_an_account_is_sent_to_sign_in(acme: Workspace, alice: User, charlie: User) -> None:
    sent = invite_person(workspace=acme, email=charlie.email, role=Role.VIEWER, actor=Actor(user=alice))
    path = urlsplit(sent.link).path
    page = Client().get(path).content.decode()
    assert f"/login/?next={path}" in page
    assert 'name="password"' not in page
    refused = Client().post(path, NEW)
    assert refused.status_code == 422
    assert User.objects.filter(email=charlie.email).count() == 1


def test_a_weak_password_is_refused(token: str, client: Client) -> None:
    response = client.post(f"/join/{token}/", {"name": "Dora", "password": "short"})
    assert response.status_code == 422
    assert "too short" in response.content.decode()
    assert not User.objects.filter(email="dora@example.com").exists()
    assert find_invitation(token)


def test_it_runs_out(token: str, client: Client) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(f"/join/{token}/").status_code == 404
    with pytest.raises(InvitationNotValid):
        accept_invitation(token=token, **NEW)


def test_a_new_one_ends_the_old_one(token: str, acme: Workspace, alice: User) -> None:
    invite_person(workspace=acme, email="dora@example.com", role=Role.ADMIN, actor=Actor(user=alice))
    with pytest.raises(InvitationNotValid):
        find_invitation(token)
    assert Invitation.objects.get().role == Role.ADMIN


def test_it_can_be_withdrawn(token: str, alice_client: Client, client: Client) -> None:
    invitation = Invitation.objects.get()
    response = alice_client.post(f"/settings/team/invitations/{invitation.pk}/withdraw/")
    assert response.status_code == 302
    assert client.get(f"/join/{token}/").status_code == 404
    assert AuditEntry.objects.first().action == "withdrew"  # type: ignore[union-attr]  # there is one


def test_withdraw_access(token: str) -> None:
    url = f"/settings/team/invitations/{Invitation.objects.get().pk}/withdraw/"
    assert_access(url, "post", viewer=403, marketer=403, admin=302)


def test_an_admin_invites_no_owner(acme: Workspace, adam: User, adam_client: Client) -> None:
    page = adam_client.get("/settings/team/").content.decode()
    assert '<option value="owner"' not in page
    with pytest.raises(AccountsError, match="Only an owner"):
        invite_person(workspace=acme, email="dora@example.com", role=Role.OWNER, actor=Actor(user=adam))


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("dora", "is not an e-mail address"),
        ("BOB@example.com", "is a member of acme already"),
    ],
)
def test_rejects(acme: Workspace, alice: User, bob: User, email: str, sentence: str) -> None:
    with pytest.raises(AccountsError, match=sentence):
        invite_person(workspace=acme, email=email, role=Role.VIEWER, actor=Actor(user=alice))
    assert not mail.outbox


def test_without_a_mail_server_the_link_is_still_shown(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: EmailMessage, fail_silently: bool = False) -> int:
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(EmailMessage, "send", refuse)
    page = alice_client.post(
        "/settings/team/", {"email": "dora@example.com", "role": "viewer"}
    ).content.decode()
    assert "could not be sent" in page
    assert "/join/" in page
    assert Invitation.objects.count() == 1


def test_an_invitation_can_be_withdrawn_by_the_service_of_an_owner_only(
    acme: Workspace, alice: User, adam: User
) -> None:
    sent = invite_person(workspace=acme, email="dora@example.com", role=Role.OWNER, actor=Actor(user=alice))
    with pytest.raises(AccountsError, match="Only an owner"):
        withdraw_invitation(invitation=sent.invitation, actor=Actor(user=adam))
