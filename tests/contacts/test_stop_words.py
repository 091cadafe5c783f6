"""The workspace's languages and own stop words: on the settings page, in the API and in the admin."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Role, User, Workspace
from tests.access import assert_access
from tests.people import api_client

URL = "/api/v1/stop-words/"
SETTINGS = {
    "name": "acme",
    "time_zone": "UTC",
    "default_country": "US",
    "currency": "USD",
    "typed_count_above": "500",
    "failure_limit": "10",
    "failure_sample": "200",
    "frequency_days": "7",
    "quiet_from": "21:00",
    "quiet_to": "08:00",
}


def test_it_works(alice_client: Client, acme: Workspace) -> None:
    sent = SETTINGS | {"opt_out_languages": ["de", "fr"], "opt_out_words": "HALT\n halt sofort \n\nHALT"}
    assert alice_client.post("/settings/", sent).status_code == 302
    acme.refresh_from_db()
    assert acme.opt_out_languages == ["de", "fr"]
    assert acme.opt_out_words == ["HALT", "halt sofort"]
    assert AuditEntry.objects.get().details["new"]["opt_out_words"] == ["HALT", "halt sofort"]
    page = alice_client.get("/settings/").content.decode()
    assert "HALT\nhalt sofort" in page
    assert [code for code in ("de", "es", "fr") if re.search(rf'value="{code}"[^>]* checked', page)] == [
        "de",
        "fr",
    ]


def test_the_page_says_what_is_wrong(alice_client: Client, acme: Workspace) -> None:
    response = alice_client.post("/settings/", SETTINGS | {"opt_out_words": "HALT\nyes"})
    assert response.status_code == 422
    assert "“yes” already asks to be texted again." in response.content.decode()


def test_access(acme: Workspace) -> None:
    assert_access(URL, viewer=200, wrong_method="delete")
    assert_access(URL, "patch", data={"words": ["HALT"]}, viewer=403, marketer=403, admin=200)


def test_the_api_changes_what_is_given(acme: Workspace) -> None:
    client = api_client(Role.ADMIN)
    assert client.patch(URL, {"languages": ["de"]}).json()["languages"] == ["de"]
    answer = client.patch(URL, {"words": ["HALT"]}).json()
    assert (answer["languages"], answer["words"]) == (["de"], ["HALT"])
    assert {"HALT", "STOP", "ABMELDEN"} <= set(answer["understood"])
    assert client.get(URL).json() == answer


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        ({"languages": ["xx"]}, "languages", "no stop words for the language “xx”"),
        ({"words": ["stop it at once or I call my lawyer"]}, "words", "too long for a stop word"),
        ({"words": ["START"]}, "words", "texted again"),
        ({"words": ["!"]}, "words", "no letter or digit"),
        ({"words": [f"w{n}" for n in range(51)]}, "words", "51 stop words are too many"),
        ({"word": ["HALT"]}, "word", "word"),
    ],
)
def test_the_api_refuses_in_words(acme: Workspace, body: dict[str, Any], field: str, says: str) -> None:
    response = api_client(Role.ADMIN).patch(URL, body)
    assert response.status_code == 400
    errors = [error for error in response.json()["errors"] if error["field"] == field]
    assert says in str(errors)


def test_the_admin_asks_the_same(client: Client, acme: Workspace, alice: User) -> None:
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client.force_login(alice)
    url = f"/admin/accounts/workspace/{acme.pk}/change/"
    assert client.get(url).status_code == 200
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    refused = client.post(url, SETTINGS | inline | {"opt_out_words": "HELP"})
    assert "already asks for help" in refused.content.decode()
    client.post(url, SETTINGS | inline | {"opt_out_words": "HALT", "opt_out_languages": ["de"]})
    acme.refresh_from_db()
    assert (acme.opt_out_words, acme.opt_out_languages) == (["HALT"], ["de"])
