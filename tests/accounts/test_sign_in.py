"""Signing in and out, a forgotten password, the second factor's pages; nothing tells who has an account."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.people import PASSWORD


def sign_in(client: Client, email: str, password: str) -> int:
    return client.post("/login/", {"login": email, "password": password}).status_code


def test_it_works(client: Client, alice: User) -> None:
    response = client.post(
        "/login/?next=/settings/team/", {"login": "ALICE@example.com", "password": PASSWORD}
    )
    assert (response.status_code, response.headers["Location"]) == (302, "/settings/team/")
    assert client.get("/settings/").status_code == 200


def test_the_words_are_ours(client: Client, alice: User) -> None:
    page = client.get("/login/").content.decode()
    assert "Keep me signed in" in page
    assert "Remember Me" not in page


def test_signing_out_takes_a_post(alice_client: Client) -> None:
    assert alice_client.get("/logout/").status_code == 200
    assert alice_client.get("/settings/").status_code == 200
    response = alice_client.post("/logout/")
    assert (response.status_code, response.headers["Location"]) == (302, "/login/")
    assert alice_client.get("/settings/").status_code == 302


def test_a_wrong_password_and_an_unknown_address_read_alike(client: Client, alice: User) -> None:
    def words(email: str) -> str:
        page = client.post("/login/", {"login": email, "password": "wrong-password"}).content.decode()
        return re.sub(
            r"(value|href|id|token|nonce|content)=\"[^\"]*\"",
            "",
            page.replace(email, "").replace(
                re.search(r"X-CSRFToken\": \"([^\"]*)", page)[1],
                "",  # type: ignore[index]  # it is there
            ),
        )

    assert "not correct" in words("alice@example.com")
    assert words("alice@example.com") == words("nobody@example.com")


def test_an_inactive_person_stays_out(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)
    sign_in(client, alice.email, PASSWORD)
    assert client.get("/settings/").status_code == 302


def test_guessing_is_slowed_down(client: Client, alice: User) -> None:
    for _attempt in range(5):
        sign_in(client, alice.email, "wrong-password")
    page = client.post("/login/", {"login": alice.email, "password": PASSWORD}).content.decode()
    assert "Too many failed login attempts" in page
    assert client.get("/settings/").status_code == 302


def test_a_stranger_locks_nobody_out(alice: User) -> None:
    stranger, owner = Client(REMOTE_ADDR="192.0.2.7"), Client(REMOTE_ADDR="198.51.100.8")
    for _attempt in range(8):
        assert sign_in(stranger, alice.email, "wrong-password") == 422
    assert sign_in(stranger, alice.email, PASSWORD) == 422, "even the right one, from there"
    assert sign_in(owner, alice.email, PASSWORD) == 302


def test_addresses_of_one_network_count_as_one(alice: User) -> None:
    for last in range(1, 6):
        sign_in(Client(REMOTE_ADDR=f"2001:db8::{last}"), alice.email, "wrong-password")
    assert sign_in(Client(REMOTE_ADDR="2001:db8::9"), alice.email, PASSWORD) == 422
    assert sign_in(Client(REMOTE_ADDR="2001:db8:0:1::9"), alice.email, PASSWORD) == 302


def test_guessing_from_everywhere_is_slowed_down(alice: User, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_anywhere": "6/h/key"}
    for last in range(6):
        sign_in(Client(REMOTE_ADDR=f"192.0.2.{last}"), alice.email, "wrong-password")
    assert sign_in(Client(REMOTE_ADDR="198.51.100.8"), alice.email, PASSWORD) == 422


def test_nobody_signs_up(client: Client, alice: User) -> None:
    for url in ("/signup/", "/accounts/signup/"):
        assert client.get(url).status_code == 404
    assert User.objects.count() == 1


def test_a_forgotten_password(client: Client, alice: User) -> None:
    response = client.post("/password/reset/", {"email": alice.email})
    assert response.headers["Location"] == "/password/reset/done/"
    [message] = mail.outbox
    link = re.search(r"https?://[^/\s]+(/password/reset/key/\S+)", message.body)
    assert link is not None, message.body
    form_page = client.get(link[1], follow=True)
    new = "another-long-password"
    done = client.post(form_page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert done.status_code == 302
    assert sign_in(client, alice.email, new) == 302


def test_a_forgotten_password_of_nobody_reads_alike(client: Client, alice: User) -> None:
    response = client.post("/password/reset/", {"email": "nobody@example.com"})
    assert response.headers["Location"] == "/password/reset/done/"
    assert all("/password/reset/key/" not in message.body for message in mail.outbox)


@pytest.mark.parametrize(
    "url",
    ["/settings/mfa/", "/password/change/", "/reauthenticate/", "/logout/"],
)
def test_pages_of_ones_own_account(alice_client: Client, url: str) -> None:
    assert alice_client.get(url).status_code == 200
    assert Client().get(url).status_code == 302


def test_the_second_factor_asks_for_the_password_first(alice: User) -> None:
    client = Client()
    sign_in(client, alice.email, PASSWORD)
    page = client.get("/settings/mfa/totp/activate/", follow=True)
    assert page.status_code == 200
    assert "otp" in page.content.decode().lower() or "authenticator" in page.content.decode().lower()


# --- refused forms ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"login": "alice@example.com", "password": "wrong-password"},
        {"login": "nobody@example.com", "password": "wrong-password"},
        {"login": "alice@example.com"},
        {},
    ],
)
def test_a_failed_sign_in_is_422(client: Client, alice: User, given: dict[str, str]) -> None:
    response = client.post("/login/", given)
    assert response.status_code == 422
    assert "You are not signed in yet" in response.content.decode()
    assert client.get("/login/").status_code == 200


def test_too_many_sign_ins_are_422_too(client: Client, alice: User) -> None:
    statuses = [sign_in(client, alice.email, "wrong-password") for _attempt in range(7)]
    assert statuses == [422] * 7
    assert sign_in(client, alice.email, PASSWORD) == 422, "even the right one, for now"


@pytest.mark.parametrize(
    ("url", "given"),
    [
        (
            "/password/change/",
            {"oldpassword": "wrong", "password1": "a-new-one-7", "password2": "a-new-one-7"},
        ),
        ("/reauthenticate/", {"password": "wrong"}),
    ],
)
def test_other_refused_forms_are_422(alice: User, url: str, given: dict[str, str]) -> None:
    client = Client()
    sign_in(client, alice.email, PASSWORD)
    assert client.get(url).status_code == 200
    assert client.post(url, given).status_code == 422


def test_a_wrong_code_of_the_second_factor_is_422(alice: User) -> None:
    client = Client()
    sign_in(client, alice.email, PASSWORD)
    client.post("/reauthenticate/", {"password": PASSWORD})
    assert client.post("/settings/mfa/totp/activate/", {"code": "000000"}).status_code == 422


def test_a_flood_of_sign_ins_is_429(client: Client, alice: User) -> None:
    statuses = {sign_in(client, f"nobody{number}@example.com", "wrong") for number in range(31)}
    assert statuses == {422, 429}
    page = client.post("/login/", {"login": alice.email, "password": PASSWORD}).content.decode()
    assert "Too many tries</h1>" in page
