"""Contacts in Django's admin."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, Workspace
from contacts import models
from contacts.models import Import, ImportState, OptOut, OptOutHow, Recipient, RecipientList
from contacts.services import opt_outs
from contacts.services.file_retention import ADMIN_UPLOADS, sweep_stray_files
from contacts.services.lists import Person
from messaging.erasure import erase_number
from tests.contacts.support import NOBODY, checked, list_named, number, ran, upload

MODELS = (
    models.RecipientList,
    models.Recipient,
    models.OptOut,
    models.UnsubscribeList,
    models.UnsubscribeMember,
    models.Import,
)


@pytest.fixture
def root(alice: User, alice_client: Client) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return alice_client


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    made = list_named(acme, people=[Person(f"+{number(0)}", {"first_name": "Ann"}), Person(f"+{number(1)}")])
    opt_outs.opt_out(workspace=acme, msisdn=number(2), how=OptOutHow.STOP, source="Stop.")
    unsubscribe = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    opt_outs.add_members(unsubscribe_list=unsubscribe, msisdns=[number(3)], actor=NOBODY)
    upload(acme, "phone\n+12015550100\n")
    return made


@pytest.mark.parametrize("model", MODELS)
def test_every_model_is_shown(root: Client, members: RecipientList, model: type) -> None:
    assert model in admin.site._registry
    name = model._meta.model_name  # type: ignore[attr-defined]  # a model
    row = model.objects.first()  # type: ignore[attr-defined]  # a model
    for url in (
        reverse(f"admin:contacts_{name}_changelist"),
        reverse(f"admin:contacts_{name}_change", args=[row.pk]),
    ):
        assert root.get(url).status_code == 200, url


@pytest.mark.parametrize("model", [models.OptOut, models.UnsubscribeMember, models.Import])
def test_proofs_are_not_changed_here(root: Client, members: RecipientList, model: type) -> None:
    name = model._meta.model_name  # type: ignore[attr-defined]  # a model
    row = model.objects.first()  # type: ignore[attr-defined]  # a model
    assert root.post(reverse(f"admin:contacts_{name}_change", args=[row.pk]), {}).status_code == 403
    assert (
        root.post(reverse(f"admin:contacts_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )


def test_a_list_is_made_and_changed_through_the_service(
    root: Client, alice: User, acme: Workspace, members: RecipientList
) -> None:
    root.post(
        reverse("admin:contacts_recipientlist_add"), {"workspace": acme.pk, "name": "New", "enabled": "on"}
    )
    assert RecipientList.objects.filter(name="New").count() == 1
    root.post(reverse("admin:contacts_recipientlist_change", args=[members.pk]), {"name": "Friends"})
    members.refresh_from_db()
    assert (members.name, members.enabled, members.recipient_count) == ("Friends", False, 2)
    actions = AuditEntry.objects.filter(user=alice).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["created", "renamed", "disabled"]


def test_people_are_changed_and_removed_with_the_count_kept(root: Client, members: RecipientList) -> None:
    person = members.recipients.get(msisdn=number(0))
    url = reverse("admin:contacts_recipient_change", args=[person.pk])
    root.post(url, {"first_name": "Anna"})
    person.refresh_from_db()
    assert person.first_name == "Anna"
    root.post(reverse("admin:contacts_recipient_delete", args=[person.pk]), {"post": "yes"})
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 1
    chosen = [members.recipients.get().pk]
    data = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    root.post(reverse("admin:contacts_recipient_changelist"), data)
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 0


def import_in_admin(root: Client, model: str, text: str) -> str:
    """Through the preview and its confirmation. The text of the last page."""
    file = SimpleUploadedFile("rows.csv", text.encode(), content_type="text/csv")
    preview = root.post(reverse(f"admin:contacts_{model}_import"), {"format": "0", "import_file": file})
    assert preview.status_code == 200
    confirm = preview.context.get("confirm_form")
    if confirm is None:
        return preview.content.decode()
    done = root.post(reverse(f"admin:contacts_{model}_process_import"), confirm.initial, follow=True)
    assert done.status_code == 200
    return done.content.decode()


def test_people_are_imported_with_their_numbers_checked(root: Client, members: RecipientList) -> None:
    text = f"list,msisdn,first_name\n{members.pk},(201) 555-0100,Anna\n{members.pk},(201) 555-0150,Cy\n"
    import_in_admin(root, "recipient", text)
    assert members.recipients.get(msisdn=number(0)).first_name == "Anna"
    assert members.recipients.get(msisdn="12015550150").country == "US"
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 3
    refused = import_in_admin(root, "recipient", f"list,msisdn\n{members.pk},n/a\n")
    assert "holds letters" in refused
    assert members.recipients.count() == 3


def test_opt_outs_are_imported_and_keep_their_first_proof(
    root: Client, acme: Workspace, members: RecipientList
) -> None:
    text = f"workspace,msisdn,source\n{acme.pk},+{number(2)},file\n{acme.pk},+{number(4)},file\n"
    import_in_admin(root, "optout", text)
    rows = dict(OptOut.objects.values_list("msisdn", "source"))
    assert rows == {number(2): "Stop.", number(4): "file"}
    assert OptOut.objects.get(msisdn=number(4)).how == OptOutHow.FILE


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("first_name", "A" * 60, "first name holds 60 characters"),
        ("time_zone", "Mars/X", "Mars/X is not a time zone. Write it as in Europe/London"),
        ("email", '"a\nb"', "e-mail holds a line break"),
    ],
)
def test_people_that_no_page_would_take_are_refused(
    root: Client, members: RecipientList, column: str, value: str, says: str
) -> None:
    text = f"list,msisdn,{column}\n{members.pk},+{number(0)},{value}\n{members.pk},+{number(5)},{value}\n"
    assert says in import_in_admin(root, "recipient", text)
    assert members.recipients.count() == 2
    assert members.recipients.get(msisdn=number(0)).first_name == "Ann"


def test_opt_outs_keep_how_and_when(root: Client, acme: Workspace, members: RecipientList) -> None:
    Workspace.objects.filter(pk=acme.pk).update(time_zone="Europe/Berlin")
    text = (
        "workspace,msisdn,source,how,at,message_id\n"
        f"{acme.name},+{number(4)},by letter,Page,2024-05-03 09:30,77\n"
        f"{acme.pk},+{number(5)},,,,\n"
        f"{acme.name},+{number(2)},later,api,2020-01-01,\n"
    )
    import_in_admin(root, "optout", text)
    rows = {row.msisdn: row for row in OptOut.objects.all()}
    told = rows[number(4)]
    assert (told.how, told.source, told.message_id) == ("page", "by letter", None)
    assert told.at.isoformat() == "2024-05-03T07:30:00+00:00"
    assert (rows[number(5)].how, rows[number(2)].how, rows[number(2)].source) == ("file", "stop", "Stop.")
    before = rows[number(4)].written_at
    import_in_admin(root, "optout", text)
    again = OptOut.objects.get(msisdn=number(4))
    assert (again.at, again.how) == (told.at, "page")
    assert before is not None and again.written_at is not None and again.written_at > before


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            "Nowhere,{n},file,",
            "workspace is “Nowhere”, which is no workspace. Use the name of one, or its id",
        ),
        ("999999,{n},file,", "workspace is “999999”, which is no workspace."),
        ("acme,{n},weird,", "how is “weird”, which is no way to opt out. Use one of: file, page, stop"),
        ("acme,{n},file,03/05/2026", "at is “03/05/2026”, which is no moment that has been, or may be two."),
        ("acme,{n},file,2090-01-01", "at is “2090-01-01”, which is no moment that has been"),
    ],
)
def test_opt_outs_that_cannot_be_understood_are_refused(
    root: Client, members: RecipientList, row: str, says: str
) -> None:
    text = f"workspace,msisdn,how,at\n{row.format(n='+' + number(4))}\n"
    page = import_in_admin(root, "optout", text)
    assert says in page
    assert "Traceback" not in page
    assert not OptOut.objects.filter(msisdn=number(4)).exists()


def test_exported_opt_outs_are_imported_as_they_were(
    root: Client, acme: Workspace, members: RecipientList
) -> None:
    Workspace.objects.filter(pk=acme.pk).update(time_zone="America/New_York")
    url = reverse("admin:contacts_optout_export")
    form = root.get(url).context["form"]
    data = {field.html_name: field.value() for field in form if field.value() is not None}
    exported = root.post(url, {**data, "format": "0"}).content.decode()
    before = OptOut.objects.values("msisdn", "how", "source", "at").get()
    OptOut.objects.all().delete()
    import_in_admin(root, "optout", exported)
    assert OptOut.objects.values("msisdn", "how", "source", "at").get() == before


def admin_uploads() -> list[Path]:
    return [path for path in (Path(settings.MEDIA_ROOT) / ADMIN_UPLOADS).glob("*") if path.is_file()]


def test_an_upload_that_is_not_confirmed_is_swept_and_erased(
    root: Client, acme: Workspace, members: RecipientList
) -> None:
    text = f"list,msisdn,first_name\n{members.pk},+{number(0)},Maya\n"
    url, confirm = (reverse(f"admin:contacts_recipient_{name}") for name in ("import", "process_import"))

    def preview(content: str = text) -> Any:
        file = SimpleUploadedFile("rows.csv", content.encode(), content_type="text/csv")
        return root.post(url, {"format": "0", "import_file": file})

    preview()
    preview(text + "nobody,1,2\n")  # ends in an error
    assert [path.read_text() for path in sorted(admin_uploads(), key=lambda one: one.stat().st_size)] == [
        text,
        text + "nobody,1,2\n",
    ]
    assert sweep_stray_files() == 0
    for path in admin_uploads():
        os.utime(path, (0, 0))
    assert (sweep_stray_files(), admin_uploads()) == (2, [])
    waits = preview()
    erase_number(workspace=acme, msisdn=number(9), reason="asked", actor=NOBODY)
    assert admin_uploads() == []
    late = root.post(confirm, waits.context["confirm_form"].initial)
    assert (late.status_code, members.recipients.get(msisdn=number(0)).first_name) == (404, "Ann")
    assert import_in_admin(root, "recipient", text)
    assert (members.recipients.get(msisdn=number(0)).first_name, admin_uploads()) == ("Maya", [])


def test_tables_are_exported(root: Client, members: RecipientList) -> None:
    for name in ("recipient", "optout", "unsubscribemember", "import"):
        url = reverse(f"admin:contacts_{name}_export")
        page = root.get(url)
        assert page.status_code == 200
        form = page.context["form"]
        data = {field.html_name: field.value() for field in form if field.value() is not None}
        answer = root.post(url, {**data, "format": "0"})
        assert answer.status_code == 200, name
        assert answer.headers["Content-Type"] == "text/csv", name
    assert (Recipient.objects.count(), Import.objects.count()) == (2, 1)


# --- live lists ---

RULE = '{"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]}'


def make_in_admin(root: Client, workspace: Workspace, **data: object) -> str:
    """The page that answers."""
    given = {"workspace": workspace.pk, "name": "Anns", "enabled": "on", **data}
    return root.post(reverse("admin:contacts_recipientlist_add"), given, follow=True).content.decode()


def test_a_live_list_is_made_and_shown_as_such(root: Client, acme: Workspace, members: RecipientList) -> None:
    make_in_admin(root, acme, source=members.pk, rule=RULE)
    live = RecipientList.objects.get(name="Anns")
    assert (live.source, live.recipient_count, live.rule["match"]) == (members, 1, "all")
    page = root.get(reverse("admin:contacts_recipientlist_change", args=[live.pk])).content.decode()
    assert "whoever on Members matches: First name is Ann" in page
    assert 'name="source"' not in page
    assert 'name="rule"' not in page
    rows = root.get(
        reverse("admin:contacts_recipientlist_changelist") + "?source__isempty=0"
    ).content.decode()
    assert ">Anns</a>" in rows
    assert ">Members</a>" not in rows


def test_what_a_live_list_takes_is_not_changed(root: Client, acme: Workspace, members: RecipientList) -> None:
    make_in_admin(root, acme, source=members.pk, rule=RULE)
    live = RecipientList.objects.get(name="Anns")
    rule = live.rule
    url = reverse("admin:contacts_recipientlist_change", args=[live.pk])
    root.post(url, {"name": "Annas", "enabled": "on", "source": "", "rule": "{}"})
    live.refresh_from_db()
    assert (live.name, live.source, live.rule) == ("Annas", members, rule)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{}", "The filter is empty, so everybody on Members matches."),
        ("[1]", "The filter is no object"),
        ('{"conditions": [{"field": "shoe", "operator": "is", "value": "9"}]}', "there is no field “shoe”"),
        ('{"conditions": [{"field": "kind", "operator": "is", "value": "x"}]}', "no kind of number “x”"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(
    root: Client, acme: Workspace, members: RecipientList, rule: str, words: str
) -> None:
    assert words in make_in_admin(root, acme, source=members.pk, rule=rule)
    assert RecipientList.objects.count() == 1


def test_a_source_that_cannot_be_is_refused(
    root: Client, acme: Workspace, other: Workspace, members: RecipientList
) -> None:
    assert "Name that list too." in make_in_admin(root, acme, rule=RULE)
    foreign = list_named(other, "Theirs")
    assert "Theirs belongs to another workspace." in make_in_admin(root, acme, source=foreign.pk, rule=RULE)
    make_in_admin(root, acme, source=members.pk, rule=RULE)
    live = RecipientList.objects.get(name="Anns")
    page = make_in_admin(root, acme, name="More", source=live.pk, rule=RULE)
    assert "Anns is a live list itself. Make the live list of Members." in page
    assert RecipientList.objects.count() == 3


def test_nobody_is_added_to_a_live_list(root: Client, acme: Workspace, members: RecipientList) -> None:
    make_in_admin(root, acme, source=members.pk, rule=RULE)
    live = RecipientList.objects.get(name="Anns")
    refused = import_in_admin(root, "recipient", f"list,msisdn\n{live.pk},+12015550150\n")
    assert "Anns is a live list: its people stand on Members. Change them there." in refused
    assert Recipient.objects.count() == 2


def test_imports_are_undone_or_it_is_said_why(root: Client, alice: User, acme: Workspace) -> None:
    done = ran(checked(upload(acme, f"phone\n+{number(0)}\n", "done.csv")))
    waiting = upload(acme, f"phone\n+{number(1)}\n", "waiting.csv")
    url = reverse("admin:contacts_import_changelist")
    data = {"action": "undo_imports", "_selected_action": [done.pk, waiting.pk]}
    answer = root.post(url, data)
    assert {str(message) for message in get_messages(answer.wsgi_request)} == {
        "“done.csv” is being undone.",
        "“waiting.csv”: This import is uploaded: there is nothing that can be undone.",
    }
    done.refresh_from_db()
    assert (done.state, done.undone_by) == (ImportState.UNDOING, alice)
    assert AuditEntry.objects.filter(user=alice, action="began to undo").count() == 1


def test_who_may_only_look_undoes_nothing(root: Client, alice: User, acme: Workspace) -> None:
    User.objects.filter(pk=alice.pk).update(is_superuser=False)
    alice.user_permissions.add(Permission.objects.get(codename="view_import"))
    done = ran(checked(upload(acme, f"phone\n+{number(0)}\n")))
    url = reverse("admin:contacts_import_changelist")
    assert "undo_imports" not in root.get(url).content.decode()
    root.post(url, {"action": "undo_imports", "_selected_action": [done.pk]})
    done.refresh_from_db()
    assert done.state == ImportState.FINISHED


def test_imports_say_what_they_are_for(root: Client, acme: Workspace) -> None:
    upload(acme, "phone\n+12015550100\n")
    upload(acme, "phone\n+12015550100\n", purpose="opt_outs")
    page = root.get(reverse("admin:contacts_import_changelist"), {"purpose__exact": "opt_outs"})
    assert [row.purpose for row in page.context["cl"].result_list] == ["opt_outs"]
    assert "opt-outs of the workspace" in page.content.decode()
