"""Links in the admin: edited and imported through the services; hits and counts only looked at."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tablib import Dataset

from accounts.models import AuditEntry, User, Workspace
from messaging.admin.links import LinkListResource, LinkResource
from messaging.models import Link, LinkList
from tests.messaging.links.makers import make_link, make_linked_dispatch
from tests.people import client_of

BASE = "/admin/messaging"


@pytest.fixture
def staff(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return client_of(User.objects.get(pk=alice.pk))


def test_it_works(staff: Client, acme: Workspace) -> None:
    given = {"workspace": acme.pk, "name": "Sale", "url": "https://example.com/s", "enabled": "on"}
    assert staff.post(f"{BASE}/link/add/", given).status_code == 302
    link = Link.objects.get()
    assert (link.name, len(link.code)) == ("Sale", 6)
    assert AuditEntry.objects.filter(subject="link", action="created").count() == 1
    changed = {"name": "Sale", "url": "https://example.com/t"}
    assert staff.post(f"{BASE}/link/{link.pk}/change/", changed).status_code == 302
    link.refresh_from_db()
    assert (link.url, link.enabled) == ("https://example.com/t", False)


def test_rejects_what_the_pages_reject(staff: Client, acme: Workspace) -> None:
    make_link(acme)
    for name, url, said in (
        ("New", "javascript:alert(1)", "no address of a web page"),
        ("SALE", "https://example.com/", "taken"),
    ):
        response = staff.post(f"{BASE}/link/add/", {"workspace": acme.pk, "name": name, "url": url})
        assert (response.status_code, said in response.content.decode()) == (200, True)
    assert Link.objects.count() == 1


def test_lists_by_names(staff: Client, acme: Workspace) -> None:
    make_link(acme, "One", "1")
    make_link(acme, "Two", "2")
    given = {"workspace": acme.pk, "name": "Both", "link_names": "Two\none\n", "enabled": "on"}
    assert staff.post(f"{BASE}/linklist/add/", given).status_code == 302
    made = LinkList.objects.get()
    assert [entry.link.name for entry in made.entries.select_related("link")] == ["Two", "One"]
    refused = staff.post(f"{BASE}/linklist/{made.pk}/change/", {"name": "Both", "link_names": "Three"})
    assert "no link “Three”" in refused.content.decode()
    assert "Two\nOne" in staff.get(f"{BASE}/linklist/{made.pk}/change/").content.decode()


def test_files_go_through_the_services(acme: Workspace, bob: User) -> None:
    make_link(acme, "Sale")
    rows = Dataset(headers=["workspace", "name", "url", "expires_at", "enabled"])
    rows.append([acme.pk, "sale", "https://example.com/new", "", "1"])
    rows.append([acme.pk, "Shop", "https://example.com/shop", "2030-01-01T00:00:00+0000", "0"])
    result = LinkResource().import_data(rows, user=bob)
    assert not result.has_errors(), result.row_errors()
    assert dict(Link.objects.values_list("name", "url")) == {
        "Sale": "https://example.com/new",
        "Shop": "https://example.com/shop",
    }
    assert (Link.objects.get(name="Shop").enabled, Link.objects.get(name="Shop").expires_at is None) == (
        False,
        False,
    )
    assert AuditEntry.objects.filter(user=bob, subject="link").count() == 3
    bad = Dataset([acme.pk, "Bad", "javascript:x"], headers=["workspace", "name", "url"])
    assert "no address of a web page" in str(
        LinkResource().import_data(bad, user=bob).row_errors()[0][1][0].error
    )
    assert not Link.objects.filter(name="Bad").exists()


def test_files_of_lists(acme: Workspace, bob: User) -> None:
    make_link(acme, "One", "1")
    make_link(acme, "Two", "2")
    rows = Dataset([acme.pk, "Both", "Two\nOne", "1"], headers=["workspace", "name", "links", "enabled"])
    assert not LinkListResource().import_data(rows, user=bob).has_errors()
    exported = LinkListResource().export(LinkList.objects.all())
    assert exported.dict[0]["links"] == "Two\nOne"
    rows = Dataset([acme.pk, "both", "One", "1"], headers=["workspace", "name", "links", "enabled"])
    assert not LinkListResource().import_data(rows, user=bob).has_errors()
    assert [entry.link.name for entry in LinkList.objects.get().entries.select_related("link")] == ["One"]


def test_the_rest_is_only_looked_at(staff: Client, acme: Workspace) -> None:
    make_linked_dispatch(acme)
    for name in ("hit", "click", "linkcount"):
        assert staff.get(f"{BASE}/{name}/").status_code == 200
        assert staff.get(f"{BASE}/{name}/add/").status_code == 403
    upload = SimpleUploadedFile("links.csv", b"workspace,name,url\n")
    assert staff.post(f"{BASE}/hit/import/", {"import_file": upload}).status_code in (403, 404, 302)
