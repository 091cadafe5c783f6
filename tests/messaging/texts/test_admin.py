"""Templates and word spinners in the admin: through the services, with import and export."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tablib import Dataset

from accounts.models import AuditEntry, User, Workspace
from messaging.admin.texts import TemplateResource, WordSpinnerResource
from messaging.models import Template, WordSpinner
from tests.people import client_of


@pytest.fixture
def staff(alice: User) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    alice.refresh_from_db()
    return client_of(alice)


def imported(
    resource: Any, headers: list[str], *rows: list[Any], user: User | None = None, dry_run: bool = False
) -> Any:
    return resource().import_data(Dataset(*rows, headers=headers), dry_run=dry_run, user=user)


def problems_of(result: Any) -> str:
    errors = [str(error.error) for _number, row in result.row_errors() for error in row]
    return " ".join(errors + [str(row.error) for row in result.invalid_rows])


def test_it_works(acme: Workspace, greeting: WordSpinner, welcome: Template, staff: Client) -> None:
    for model, row in (("wordspinner", greeting), ("template", welcome)):
        for url in ("", "add/", f"{row.pk}/change/", "import/", "export/"):
            assert staff.get(f"/admin/messaging/{model}/{url}").status_code == 200, (model, url)
        assert staff.get(f"/admin/messaging/{model}/{row.pk}/delete/").status_code == 403


def test_a_spinner_is_made_and_changed_by_form(acme: Workspace, staff: Client, alice: User) -> None:
    data = {"workspace": acme.pk, "name": "Bye", "words": "Bye * 2\nCiao", "enabled": "on"}
    assert staff.post("/admin/messaging/wordspinner/add/", data).status_code == 302
    made = WordSpinner.objects.get()
    assert made.words == [["Bye", 2], ["Ciao", 1]]
    url = f"/admin/messaging/wordspinner/{made.pk}/change/"
    assert "Bye * 2\nCiao" in staff.get(url).content.decode()
    assert staff.post(url, {"name": "Bye", "words": "Ciao"}).status_code == 302
    made.refresh_from_db()
    assert (made.words, made.enabled) == ([["Ciao", 1]], False)
    actions = AuditEntry.objects.filter(user=alice).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "changed", "disabled"]
    page = staff.post(url, {"name": "Bye", "words": "Ciao * 0"}).content.decode()
    assert "has the weight 0" in page


def test_a_template_is_made_and_changed_by_form(acme: Workspace, welcome: Template, staff: Client) -> None:
    url = f"/admin/messaging/template/{welcome.pk}/change/"
    assert staff.post(url, {"name": "Hail", "text": "Ave", "enabled": "on"}).status_code == 302
    welcome.refresh_from_db()
    assert (welcome.name, welcome.text, welcome.enabled) == ("Hail", "Ave", True)
    data = {"workspace": acme.pk, "name": "hail", "text": "x", "enabled": "on"}
    page = staff.post("/admin/messaging/template/add/", data)
    assert page.status_code == 200
    assert Template.objects.count() == 1
    staff.post("/admin/messaging/template/add/", data | {"name": "Other"})
    page = staff.post(url, {"name": "OTHER", "text": "Ave", "enabled": "on"})
    assert "This name is taken" in page.content.decode()


def test_spinners_are_imported_as_they_are_exported(
    acme: Workspace, greeting: WordSpinner, alice: User
) -> None:
    exported = WordSpinnerResource().export()
    assert exported.dict[0]["words"] == "Hello * 3\nHi"
    headers = ["workspace", "name", "words", "enabled"]
    rows = [[acme.pk, "GREETING", "Hello", 1], [acme.pk, "Bye", "Bye\nCiao * 2", 0]]
    result = imported(WordSpinnerResource, headers, *rows, user=alice)
    assert not problems_of(result)
    assert list(WordSpinner.objects.order_by("id").values_list("name", "words", "enabled")) == [
        ("Greeting", [["Hello", 1]], True),
        ("Bye", [["Bye", 1], ["Ciao", 2]], False),
    ]
    actions = AuditEntry.objects.filter(user=alice).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["changed", "created", "disabled"]


def test_templates_are_imported(acme: Workspace, welcome: Template, alice: User) -> None:
    headers = ["workspace", "name", "text", "enabled"]
    rows = [[acme.pk, "Welcome", "Changed", 1], [acme.pk, "New", "Hi\nthere", 1]]
    assert not problems_of(imported(TemplateResource, headers, *rows, user=alice))
    assert dict(Template.objects.values_list("name", "text")) == {"Welcome": "Changed", "New": "Hi\nthere"}


def test_a_dry_run_leaves_nothing(acme: Workspace, alice: User) -> None:
    headers = ["workspace", "name", "text", "enabled"]
    imported(TemplateResource, headers, [acme.pk, "New", "Hi", 1], user=alice, dry_run=True)
    assert not Template.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("resource", "headers", "row", "said"),
    [
        (TemplateResource, ["workspace", "name", "text"], ["1", "x", ""], "text is empty"),
        (TemplateResource, ["workspace", "name"], ["1", "x"], "no column text"),
        (
            TemplateResource,
            ["workspace", "name", "text"],
            ["abc", "x", "y"],
            "workspace is “abc”, which is none",
        ),
        (WordSpinnerResource, ["workspace", "name", "words"], ["1", "x", "Hi * 0"], "has the weight 0"),
        (WordSpinnerResource, ["workspace", "name", "words"], ["1", "", "Hi"], "name is empty"),
    ],
)
def test_a_row_is_refused_in_words(
    acme: Workspace, resource: Any, headers: list[str], row: list[Any], said: str
) -> None:
    row = [acme.pk if value == "1" else value for value in row]
    result = imported(resource, headers, row)
    assert said in problems_of(result)
    assert not Template.objects.exists()
    assert not WordSpinner.objects.exists()
