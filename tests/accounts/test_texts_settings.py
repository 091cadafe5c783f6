"""Settings of texts and links: the short domain and the swap of characters."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from accounts import services
from accounts.access import Actor
from accounts.errors import AccountsError
from accounts.models import AuditEntry, Workspace
from accounts.short_domains import clean_short_domain
from tests.access import assert_access

URL = "/settings/texts/"


def test_it_works(alice_client: Client, acme: Workspace) -> None:
    response = alice_client.post(URL, {"short_domain": "Sho.Example.com/", "swaps_characters": "on"})
    assert response.status_code == 302
    acme.refresh_from_db()
    assert (acme.short_domain, acme.swaps_characters) == ("https://sho.example.com", True)
    details = AuditEntry.objects.get(action="changed", subject="workspace").details
    assert details["new"] == {"short_domain": "https://sho.example.com", "swaps_characters": True}
    page = alice_client.get(URL).content.decode()
    assert 'href="https://sho.example.com/o/test"' in page
    assert "CNAME" in page
    alice_client.post(URL, {"short_domain": ""})
    acme.refresh_from_db()
    assert (acme.short_domain, acme.swaps_characters) == ("", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://sho.example.com/links", "more than a domain"),
        ("javascript:alert(1)", "is no domain"),
        ("ftp://sho.example.com", "more than a domain"),
        ("user:password@sho.example.com", "is no domain"),
        ("localhost", "is no domain"),
        ("https://sho.example.com:99999", "is no domain"),
        ("https://sho.example.com:00", "is no domain"),
        ("https://10.0.0.1", "is no domain"),
        ("https://0x7f.0.0.1", "is no domain"),
        ("https://sho.0x7f", "is no domain"),
        ("sho example.com", "is no domain"),
        ("https://[x", "is no domain"),
        ("[x", "is no domain"),
        ("sho\uff0f.example.com", "is no domain"),
        ("sho.example\u2100", "is no domain"),
        ("sho.e\u212aample.com", "is no domain"),
        ("sho.exam\tple.com", "is no domain"),
        ("sho.example.com#", "is no domain"),
        ("https://taken.example.com", "belongs to another workspace"),
        ("http://TAKEN.example.com", "belongs to another workspace"),
        ("https://taken.example.com:443", "belongs to another workspace"),
        ("https://taken.example.com:8443", "belongs to another workspace"),
        ("https://crier.example.com", "where Crier&#x27;s own pages are"),
        ("https://crier.example.com:8163", "where Crier&#x27;s own pages are"),
        ("https://go.example.com", "where Crier&#x27;s own pages are"),
    ],
)
def test_rejects(
    alice_client: Client,
    acme: Workspace,
    other: Workspace,
    settings: Settings,
    text: str,
    said: str,
) -> None:
    settings.PUBLIC_URL, settings.LINK_URL = "https://crier.example.com", "https://go.example.com"
    Workspace.objects.filter(pk=other.pk).update(short_domain="https://taken.example.com")
    response = alice_client.post(URL, {"short_domain": text})
    assert response.status_code == 422
    assert said in response.content.decode()
    acme.refresh_from_db()
    assert acme.short_domain == ""
    assert not AuditEntry.objects.filter(subject="workspace", action="changed").exists()


def test_the_service_refuses_it_too(acme: Workspace) -> None:
    with pytest.raises(AccountsError, match="more than a domain") as caught:
        services.update_workspace(workspace=acme, actor=Actor(), short_domain="https://x.example.com/y")
    assert caught.value.field == "short_domain"


def test_a_domain_whose_end_is_anothers_is_free(acme: Workspace, other: Workspace) -> None:
    Workspace.objects.filter(pk=other.pk).update(short_domain="https://my.sho.example.com")
    saved = services.update_workspace(workspace=acme, actor=Actor(), short_domain="sho.example.com")
    assert saved.short_domain == "https://sho.example.com"


def test_the_page_of_the_test_link(client: Client, acme: Workspace) -> None:
    for address in ("/o/test", "/o/test/"):
        response = client.get(address)
        assert (response.status_code, "leads to Crier" in response.content.decode()) == (200, True)
    assert client.post("/o/test").status_code == 405


def test_access(acme: Workspace) -> None:
    assert_access(URL, viewer=200)
    assert_access(URL, "post", viewer=403, marketer=403, admin=302, data={"short_domain": ""})


def test_viewers_see_it_and_change_nothing(victor_client: Client, acme: Workspace) -> None:
    page = victor_client.get(URL).content.decode()
    assert "Owners and admins change these." in page
    assert "Save the settings" not in page


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://sho.example.com:443", "https://sho.example.com"),
        ("http://sho.example.com:80", "http://sho.example.com"),
        ("http://sho.example.com:08163", "http://sho.example.com:8163"),
        ("https://sho.example.com:8443", "https://sho.example.com:8443"),
    ],
)
def test_a_port_is_kept_where_it_says_something(text: str, kept: str) -> None:
    assert clean_short_domain(text) == kept


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="One writer at a time: there is no race")
@pytest.mark.django_db(transaction=True)
def test_two_workspaces_that_want_one_domain_at_once(acme: Workspace, other: Workspace) -> None:
    told: list[str] = []
    both = threading.Barrier(2)

    def take(workspace: Workspace) -> None:
        try:
            both.wait(10)
            services.update_workspace(workspace=workspace, actor=Actor(), short_domain="sho.example.com")
        except AccountsError as error:
            told.append(str(error))
        finally:
            connection.close()

    for _round in range(5):
        threads = [threading.Thread(target=take, args=[workspace]) for workspace in (acme, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        owners = Workspace.objects.filter(short_domain="https://sho.example.com")
        assert owners.count() == 1
        assert len(told) == 1
        assert "belongs to another workspace" in told.pop()
        owners.update(short_domain="")
