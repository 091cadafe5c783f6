"""The pages of a file of opt-outs, step by step as a person sees them: the steps of people, other words."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import Import, ImportState, OptOut, Recipient, UnsubscribeList
from contacts.services import import_runner, imports, opt_outs
from tests.access import assert_access
from tests.contacts.hostile import FILES, Hostile
from tests.contacts.support import NOBODY, checked, checked_opt_outs, number, ran, rows_of, upload

TEXT = (
    f"Mobile;Unsubscribed on;Reason\n+{number(0)};2026-05-03;STOP\n+{number(1)};;\n+{number(2)};03/05/2026;bye\n"
    f"+{number(0)};2026-05-04;again\n"
)
HTMX = {"HX-Request": "true"}
START = f"{reverse('import-new')}?purpose=opt_outs"


@pytest.fixture
def competitors(acme: Workspace) -> UnsubscribeList:
    return opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")


def start_of(unsubscribe_list: UnsubscribeList) -> str:
    return f"{reverse('import-new')}?unsubscribe_list={unsubscribe_list.pk}"


def sent_file(content: str = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile("stops.csv", content.encode())


def columns_data(imported: Import, **changes: Any) -> dict[str, Any]:
    mapping = {f"column-{at}": target for at, target in enumerate(imported.mapping)}
    return mapping | {"default_country": "US", "date_order": ""} | changes


def url_of(name: str, imported: Import) -> str:
    return reverse(name, args=[imported.pk])


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    assert START in bob_client.get(reverse("opt-out-list")).content.decode()
    page = bob_client.get(START).content.decode()
    assert ("Import opt-outs" in page, "texted by no broadcast of this workspace any more" in page) == (
        True,
        True,
    )

    response = bob_client.post(START, {"file": sent_file()})
    imported = Import.objects.get()
    assert (imported.purpose, response.url) == ("opt_outs", url_of("import-columns", imported))
    page = bob_client.get(response.url).content.decode()
    assert "All are dates" in page
    assert "Without a date that can be read the time of the import counts" in page
    assert ("When a number exists" in page, "Add to list" in page) == (False, False)
    assert START in page, "another file for the same"

    response = bob_client.post(response.url, columns_data(imported))
    assert response.url == url_of("import-check", imported)
    page = bob_client.get(response.url).content.decode()
    assert "4 rows read. Whoever is in the file is texted by no broadcast" in page
    assert "Opt out 3 numbers" in page
    assert "The date may be two different days" in page
    assert "an opt-out that is removed later needs a reason of its own" in page
    assert ("New people" in page, "New opt-outs" in page) == (False, True)

    response = bob_client.post(url_of("import-check", imported))
    assert response.url == url_of("import-run", imported)
    page = bob_client.get(response.url).content.decode()
    assert ("Opting the numbers out" in page, "Waiting for a worker" in page) == (True, True)
    import_runner.run_import(imported.pk)
    ended = bob_client.get(response.url, headers=HTMX)
    assert (ended.status_code, ended.headers["HX-Redirect"]) == (286, url_of("import-detail", imported))
    page = bob_client.get(url_of("import-detail", imported)).content.decode()
    assert ("What the import did" in page, "Open the opt-outs" in page) == (True, True)
    assert "Opt-outs are not undone as a whole" in page
    assert url_of("import-undo", imported) not in page
    assert (OptOut.objects.count(), Recipient.objects.count()) == (3, 0)
    assert "stops.csv" in bob_client.get(reverse("opt-out-list")).content.decode(), "as source of the undated"


def test_the_way_to_an_unsubscribe_list(
    bob_client: Client, acme: Workspace, competitors: UnsubscribeList
) -> None:
    other_list = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Staff")
    page = bob_client.get(reverse("unsubscribe-list-detail", args=[competitors.pk])).content.decode()
    assert start_of(competitors) in page
    assert (
        "The numbers go to the unsubscribe list Competitors."
        in bob_client.get(start_of(competitors)).content.decode()
    )
    bob_client.post(start_of(competitors), {"file": sent_file()})
    imported = Import.objects.get()
    assert imported.unsubscribe_list == competitors
    url = url_of("import-columns", imported)
    assert START not in bob_client.get(url).content.decode()
    data = columns_data(imported, unsubscribe_list=other_list.pk, date_order="day_first")
    page = bob_client.post(url, data, follow=True).content.decode()
    assert ("unsubscribe list Staff." in page, "Add 3 numbers" in page) == (True, True)
    bob_client.post(url_of("import-check", imported))
    assert "Adding the numbers to Staff" in bob_client.get(url_of("import-run", imported)).content.decode()
    import_runner.run_import(imported.pk)
    other_list.refresh_from_db()
    assert (other_list.member_count, OptOut.objects.count()) == (3, 0)
    page = bob_client.get(url_of("import-detail", imported)).content.decode()
    assert reverse("unsubscribe-list-detail", args=[other_list.pk]) in page


def test_the_history_says_what_each_was_for(
    victor_client: Client, acme: Workspace, competitors: UnsubscribeList
) -> None:
    ran(checked(upload(acme, f"phone\n+{number(0)}\n", "people.csv")))
    upload(acme, TEXT, "stops.csv", purpose="opt_outs")
    upload(acme, TEXT, "rivals.csv", purpose="unsubscribe", unsubscribe_list=competitors)
    page = victor_client.get(reverse("import-list")).content.decode()
    for words in (
        "People for a list",
        "Opt-outs of the workspace",
        "Numbers for an unsubscribe list",
        "Competitors",
    ):
        assert words in page


def test_access_to_the_start(acme: Workspace, competitors: UnsubscribeList) -> None:
    assert_access(START, viewer=403, marketer=200)
    for name, args in (("opt-out-list", []), ("unsubscribe-list-detail", [competitors.pk])):
        assert_access(reverse(name, args=args))


def test_access_to_the_steps(acme: Workspace) -> None:
    imported = upload(acme, TEXT, purpose="opt_outs")
    assert_access(url_of("import-columns", imported), viewer=403, marketer=200)
    checked_opt_outs(imported)
    assert_access(url_of("import-check", imported), viewer=403, marketer=200)
    imports.start_run(imported=imported, actor=NOBODY)
    assert_access(url_of("import-run", imported), viewer=200, marketer=200, wrong_method="post")
    assert_access(url_of("import-detail", imported), viewer=200, marketer=200)


def test_viewers_are_offered_no_upload(
    victor_client: Client, acme: Workspace, competitors: UnsubscribeList
) -> None:
    for url in (reverse("opt-out-list"), reverse("unsubscribe-list-detail", args=[competitors.pk])):
        assert "Import a file" not in victor_client.get(url).content.decode()


def test_a_target_that_is_not_there_is_not_found(
    bob_client: Client, acme: Workspace, other: Workspace
) -> None:
    """Its numbers must not become a list of people."""
    foreign = opt_outs.create_unsubscribe_list(workspace=other, actor=NOBODY, name="Theirs")
    for query in (
        f"unsubscribe_list={foreign.pk}",
        "unsubscribe_list=x",
        "unsubscribe_list=",
        "purpose=stops",
    ):
        url = f"{reverse('import-new')}?{query}"
        assert bob_client.get(url).status_code == 404
        assert bob_client.post(url, {"file": sent_file()}).status_code == 404
    assert not Import.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"column-2": "first_name"}, "“first_name” cannot be chosen for Goes to: Reason."),
        ({"column-0": ""}, "No column is the phone number."),
        ({"date_order": "backwards"}, "“backwards” cannot be chosen for Dates such as 03/05/2026."),
        ({"column-2": "at"}, "Several columns go to at: Unsubscribed on, Reason."),
    ],
)
def test_choices_that_do_not_fit_are_told(
    bob_client: Client, acme: Workspace, changes: dict[str, str], words: str
) -> None:
    imported = upload(acme, TEXT, purpose="opt_outs")
    response = bob_client.post(url_of("import-columns", imported), columns_data(imported, **changes))
    assert (response.status_code, words in response.content.decode()) == (422, True)
    imported.refresh_from_db()
    assert imported.state == ImportState.UPLOADED


def test_no_file_is_told(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(START, {})
    assert response.status_code == 422
    assert "Choose the file that holds the numbers." in response.content.decode()


def test_nothing_new_is_told(bob_client: Client, acme: Workspace) -> None:
    ran(checked_opt_outs(upload(acme, TEXT, purpose="opt_outs")))
    imported = checked_opt_outs(upload(acme, TEXT, purpose="opt_outs"))
    page = bob_client.get(url_of("import-check", imported)).content.decode()
    assert ("no number of the file is new" in page, "Opt out 0 numbers" in page) == (True, False)


@pytest.mark.parametrize(("column", "words"), [("at", "All are dates"), ("source", "75% filled")])
def test_a_changed_target_checks_its_row_alone(
    bob_client: Client, acme: Workspace, column: str, words: str
) -> None:
    imported = upload(acme, TEXT, purpose="opt_outs")
    at = 1 if column == "at" else 2
    data = {"column": at, f"column-{at}": column}
    assert words in bob_client.get(url_of("import-columns", imported), data, headers=HTMX).content.decode()


def test_undoing_is_refused_with_the_reason(bob_client: Client, acme: Workspace) -> None:
    imported = ran(checked_opt_outs(upload(acme, TEXT, purpose="opt_outs")))
    page = bob_client.post(url_of("import-undo", imported), follow=True).content.decode()
    assert "Opt-outs are not undone as a whole" in page
    assert OptOut.objects.count() == 3


def test_a_cancelled_run_can_go_on(bob_client: Client, acme: Workspace) -> None:
    imported = checked_opt_outs(upload(acme, TEXT, purpose="opt_outs"))
    imports.start_run(imported=imported, actor=NOBODY)
    Import.objects.update(counts=imported.check_counts, done_rows=1)
    page = bob_client.post(url_of("import-cancel", imported), follow=True).content.decode()
    assert "Cancelled after 1 of 4 rows. Who was opted out until then stays opted out." in page
    assert bob_client.post(url_of("import-resume", imported)).url == url_of("import-run", imported)


def test_the_example_can_be_imported(bob_client: Client, acme: Workspace) -> None:
    sample = bob_client.get(f"{reverse('import-sample')}?purpose=opt_outs").content
    imported = ran(checked_opt_outs(upload(acme, sample, purpose="opt_outs")))
    assert (imported.counts["new"], imported.counts["refused"]) == (2, 0)
    assert OptOut.objects.filter(source="Please stop", at__year=2026).count() == 1


def test_names_and_values_of_a_file_are_only_text(bob_client: Client, acme: Workspace) -> None:
    text = f"phone;<script>alert(1)</script>;reason\n+{number(0)};<img src=x>;<img src=y>\n"
    imported = checked_opt_outs(upload(acme, text, "<b>x</b>.csv", purpose="opt_outs"))
    for name in ("import-columns", "import-check"):
        page = bob_client.get(url_of(name, imported)).content.decode()
        assert ("<script>alert" in page, "<img src=" in page, "<b>x</b>" in page) == (False, False, False)


@pytest.mark.parametrize("hostile", FILES, ids=str)
def test_hostile_files_end_in_words_or_come_out_even(
    bob_client: Client, acme: Workspace, hostile: Hostile
) -> None:
    sent = SimpleUploadedFile("x", hostile.make())
    sent._name = hostile.file_name  # type: ignore[attr-defined]  # its setter would mend the name
    response = bob_client.post(START, {"file": sent})
    if response.status_code != 302:
        assert (response.status_code, "data-error-summary" in response.content.decode()) == (422, True)
        assert not Import.objects.exists()
        return
    imported = Import.objects.get()
    rest = ["source", "at", "msisdn:2", *[""] * 200]
    targets = ["msisdn", *rest] if "msisdn" not in imported.mapping[1:] else imported.mapping
    data = columns_data(imported) | {f"column-{at}": targets[at] for at in range(len(imported.columns))}
    assert bob_client.post(url_of("import-columns", imported), data).status_code == 302
    import_runner.check_import(imported.pk)
    imported.refresh_from_db()
    assert imported.state == ImportState.CHECKED, imported.state_reason
    assert rows_of(imported.check_counts) == imported.total_rows
    assert bob_client.get(url_of("import-check", imported)).status_code == 200
    assert bob_client.post(url_of("import-check", imported)).status_code == 302
    import_runner.run_import(imported.pk)
    imported.refresh_from_db()
    assert (imported.state, imported.counts) == (ImportState.FINISHED, imported.check_counts)
    assert OptOut.objects.count() == imported.counts["new"]
    assert bob_client.get(url_of("import-detail", imported)).status_code == 200
