"""The history of imports says who: a person, or a program by the name of its key."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.access import Actor
from accounts.models import ApiKey, AuditEntry, User, Workspace
from contacts.models import Import
from contacts.services import import_runner, imports
from tests.contacts.support import checked, number, upload
from tests.people import ApiClient

IMPORTS = "/api/v1/imports/"


def test_it_works(acme: Workspace, bob: User, victor_client: Client, api: Callable[..., ApiClient]) -> None:
    upload(acme, f"phone\n+{number(0)}\n", "by-hand.csv")
    Import.objects.update(created_by=bob)
    client = api("marketer")
    key = ApiKey.objects.latest("pk")
    sent = {"file": SimpleUploadedFile("by-shop.csv", f"phone\n+{number(1)}\n".encode())}
    made = client.post(IMPORTS, sent, format="multipart").json()
    assert made["by"] == str(key)
    page = victor_client.get(reverse("import-list")).content.decode()
    assert '<th scope="col">By</th>' in page
    assert (f'data-label="By">{bob}<' in page, f'data-label="By">{key}<' in page) == (True, True)
    assert str(key) in victor_client.get(reverse("import-detail", args=[made["id"]])).content.decode()
    told = client.get(IMPORTS).json()["results"]
    assert [one["by"] for one in told] == [str(key), str(bob)]


def test_a_second_tab_is_not_told_off(acme: Workspace, bob_client: Client) -> None:
    """It showed the check when the first one pressed the button."""
    imported = checked(upload(acme, f"phone\n+{number(1)}\n"))
    url = reverse("import-check", args=[imported.pk])
    assert bob_client.post(url).url == reverse("import-run", args=[imported.pk])
    import_runner.run_import(imported.pk)
    told: Any = bob_client.post(url, follow=True)
    news = [(one.level_tag, str(one)) for one in told.context["messages"]]
    assert [level for level, _words in news] == ["info"]
    assert news[0][1].startswith("The import had been started already, perhaps in another tab.")
    assert imported.file_name in told.content.decode()


def test_what_a_keys_import_did_stands_under_the_key(acme: Workspace, api: Callable[..., ApiClient]) -> None:
    api("marketer")
    key = ApiKey.objects.latest("pk")
    imported = checked(upload(acme, f"phone\n+{number(1)}\n"))
    Import.objects.update(api_key=key)
    imports.start_run(imported=imported, actor=Actor(api_key=key))
    import_runner.run_import(imported.pk)
    assert AuditEntry.objects.get(action="imported").api_key == key
