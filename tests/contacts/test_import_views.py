"""The import, step by step, as a person sees it."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from contacts.models import Import, ImportState, OptOutHow
from contacts.services import import_runner, imports
from contacts.services.opt_outs import opt_out
from tests.access import assert_access
from tests.contacts.support import NOBODY, checked, list_named, number, ran, shown, upload

TEXT = f"Mobile;Vorname;Stadt\n+{number(0)};Ann;Leeds\n+{number(1)};Bob;\nn/a;Cy;Rome\n"
HTMX = {"HX-Request": "true"}


def sent_file(content: str | bytes = TEXT, name: str = "autumn.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def columns_data(imported: Import, **changes: Any) -> dict[str, Any]:
    mapping = {f"column-{at}": target for at, target in enumerate(imported.mapping)}
    return (
        mapping
        | {"default_country": "US", "existing": "update", "list": "new", "new_list_name": "New"}
        | changes
    )


def url_of(name: str, imported: Import) -> str:
    return reverse(name, args=[imported.pk])


def test_it_works(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(reverse("import-new"), {"file": sent_file()})
    imported = Import.objects.get()
    assert response.url == url_of("import-columns", imported)
    page = bob_client.get(response.url).content.decode()
    assert "3 rows. Parted by semicolon, UTF-8. 3 of 3 columns recognised by name and content." in page
    assert "67% are numbers" in page

    response = bob_client.post(response.url, columns_data(imported))
    assert response.url == url_of("import-check", imported)
    page = bob_client.get(response.url).content.decode()
    assert "3 rows read. They go to the new list New." in page
    assert "Import 2 people" in page
    assert "The number holds letters." in page
    assert url_of("import-rejects", imported) in page

    response = bob_client.post(url_of("import-check", imported))
    assert response.url == url_of("import-run", imported)
    assert "Waiting for a worker" in bob_client.get(response.url).content.decode()
    import_runner.run_import(imported.pk)
    ended = bob_client.get(response.url, headers=HTMX)
    assert (ended.status_code, ended.headers["HX-Redirect"]) == (286, url_of("import-detail", imported))
    page = bob_client.get(url_of("import-detail", imported)).content.decode()
    assert "What the import did" in page
    assert "Open the list" in page


def test_it_is_told_of_itself_in_the_history(victor_client: Client, acme: Workspace) -> None:
    assert "Nothing imported yet" in victor_client.get(reverse("import-list")).content.decode()
    upload(acme, TEXT, "waiting.csv")
    ran(checked(upload(acme, TEXT, "done.csv")))
    page = victor_client.get(reverse("import-list")).content.decode()
    assert ("waiting.csv" in page, "done.csv" in page, "Finished" in page) == (True, True, True)


@pytest.mark.parametrize("name", ["import-list"])
def test_access_to_the_history(acme: Workspace, name: str) -> None:
    assert_access(reverse(name))


@pytest.mark.parametrize("name", ["import-new", "import-sample"])
def test_access_to_the_start(acme: Workspace, name: str) -> None:
    assert_access(reverse(name), viewer=403, marketer=200)


def test_access_to_the_steps(acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    assert_access(url_of("import-columns", imported), viewer=403, marketer=200)
    assert_access(url_of("import-detail", imported), viewer=200, marketer=200)
    checked(imported)
    assert_access(url_of("import-check", imported), viewer=403, marketer=200)
    assert_access(url_of("import-rejects", imported), viewer=200, marketer=200, wrong_method="post")
    imports.start_run(imported=imported, actor=NOBODY)
    assert_access(url_of("import-run", imported), viewer=200, marketer=200, wrong_method="post")


@pytest.mark.parametrize(
    "name", ["import-cancel", "import-country", "import-resume", "import-reread", "import-sheet"]
)
def test_access_to_changes(acme: Workspace, name: str) -> None:
    imported = ran(checked(upload(acme, TEXT)))
    assert_access(url_of(name, imported), "post", viewer=403, marketer=302, wrong_method="get")


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "empty.csv", "The file is empty"),
        (b"MZ\x00\x01" * 100, "list.csv", "The file is a program, not a table"),
        (b"phone,name\n", "header.csv", "a header and no rows below it"),
        (
            ",".join(["x"] * 10_000).encode() + b"\n" + b",".join([b"y"] * 10_000),
            "wide.csv",
            "10,000 columns",
        ),
        (b"PK\x03\x04nothing", "book.xlsx", "The archive or workbook is damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    bob_client: Client, acme: Workspace, content: bytes, name: str, words: str
) -> None:
    response = bob_client.post(reverse("import-new"), {"file": sent_file(content, name)})
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Import.objects.exists()


def test_no_file_is_told(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(reverse("import-new"), {})
    assert response.status_code == 422
    assert "Choose the file that holds the people." in response.content.decode()


def test_a_file_over_the_limit_is_refused_unread(
    bob_client: Client, acme: Workspace, settings: Settings
) -> None:
    """By the length that the request names: nothing of it has been read, nothing is stored."""
    settings.IMPORT_MAX_BYTES = 1024
    response = bob_client.generic(
        "POST",
        reverse("import-new"),
        b"",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(200 * 1024 * 1024),
    )
    assert response.status_code == 422
    assert "at most 1.0\xa0KB can be imported at once" in response.content.decode()
    assert response.headers["Connection"] == "close"


def test_the_upload_is_guarded_against_other_sites(bob: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert client.post(reverse("import-new"), {"file": sent_file()}).status_code == 403
    assert not Import.objects.exists()


def test_the_list_one_comes_from_is_the_target(bob_client: Client, acme: Workspace, other: Workspace) -> None:
    members, foreign = list_named(acme), list_named(other)
    url = f"{reverse('import-new')}?list={members.pk}"
    assert "The people go to the list Members." in bob_client.get(url).content.decode()
    bob_client.post(url, {"file": sent_file()})
    assert Import.objects.get().list == members
    bob_client.post(f"{reverse('import-new')}?list={foreign.pk}", {"file": sent_file()})
    assert Import.objects.first().list is None  # type: ignore[union-attr]  # there are two


def test_a_file_without_numbers_is_told_at_once_and_on_submit(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, "name;city\nAnn;Leeds\n")
    url = url_of("import-columns", imported)
    assert "No column looks like phone numbers" in bob_client.get(url).content.decode()
    response = bob_client.post(url, columns_data(imported))
    assert response.status_code == 422
    assert (
        "No column is the phone number. Choose the column that holds the numbers."
        in response.content.decode()
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"new_list_name": ""}, "Choose the list to add to, or name a new one"),
        ({"new_list_name": "members"}, "There is a list named members already"),
        ({"column-1": "msisdn"}, "Several columns go to msisdn: Mobile, Vorname."),
        ({"column-1": "shoe"}, "“shoe” cannot be chosen for Goes to: Vorname."),
        ({"existing": "merge"}, "“merge” cannot be chosen for When a number exists."),
    ],
)
def test_choices_that_do_not_fit_are_told(
    bob_client: Client, acme: Workspace, changes: dict[str, str], words: str
) -> None:
    list_named(acme, "Members")
    imported = upload(acme, TEXT)
    response = bob_client.post(url_of("import-columns", imported), columns_data(imported, **changes))
    assert response.status_code == 422
    assert words in response.content.decode()
    imported.refresh_from_db()
    assert imported.state == ImportState.UPLOADED


@pytest.mark.parametrize(
    ("column", "target", "words"),
    [
        (0, "msisdn", "67% are numbers"),
        (0, "first_name", "All filled"),
        (1, "", "Left out"),
        (1, "msisdn", "0% are numbers"),
        (2, "extra:stadt", "67% filled"),
    ],
)
def test_a_changed_target_checks_its_row_alone(
    bob_client: Client, acme: Workspace, column: int, target: str, words: str
) -> None:
    imported = upload(acme, TEXT)
    data = {"column": column, f"column-{column}": target}
    page = bob_client.get(url_of("import-columns", imported), data, headers=HTMX).content.decode()
    assert words in page
    assert "<table" not in page


def test_whole_names_that_go_to_the_first_name_are_told(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, f"Name;phone\nMaya Okafor;+{number(0)}\nZoë Lee;+{number(1)}\n")
    assert imported.mapping == ["whole_name", "msisdn"]
    Import.objects.update(mapping=["first_name", "msisdn"])
    page = bob_client.get(url_of("import-columns", imported)).content.decode()
    assert "Whole names: first and last stay together" in page


@pytest.mark.parametrize("column", ["7", "x", "-1"])
def test_a_column_that_is_not_there_is_not_found(bob_client: Client, acme: Workspace, column: str) -> None:
    url = url_of("import-columns", upload(acme, TEXT))
    assert bob_client.get(url, {"column": column}, headers=HTMX).status_code == 404


def test_the_file_can_be_read_in_another_way(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, "Mobile;Ort\n+12015550100;Köln\n".encode("cp1252"))
    url = url_of("import-reread", imported)
    data = {"encoding": "cp1251", "delimiter": ";", "quote": '"'}
    assert bob_client.post(url, data).url == url_of("import-columns", imported)
    imported.refresh_from_db()
    assert (imported.has_header, imported.columns[1]["samples"]) == (False, ["Ort", "Kцln"])
    refused = bob_client.post(url, {**data, "encoding": "utf-16"})
    assert refused.status_code == 422
    assert "not in the encoding utf-16" in refused.content.decode()


def test_each_step_leads_to_where_the_import_is(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    assert bob_client.get(url_of("import-check", imported)).url == url_of("import-columns", imported)
    assert bob_client.get(url_of("import-run", imported)).url == url_of("import-columns", imported)
    ran(checked(imported))
    for name in ("import-columns", "import-check", "import-run"):
        assert bob_client.get(url_of(name, imported)).url == url_of("import-detail", imported)


def test_a_check_by_a_worker_is_shown_while_it_lasts(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    Import.objects.filter(pk=imported.pk).update(state=ImportState.CHECKING, done_rows=1, total_rows=3)
    url = url_of("import-check", imported)
    assert "Checking every row" in bob_client.get(url).content.decode()
    fragment = bob_client.get(url, headers=HTMX).content.decode()
    assert "1 of 3 rows" in fragment
    assert "every 1s" in fragment
    assert bob_client.post(url_of("import-cancel", imported)).url == url_of("import-columns", imported)


def test_a_run_shows_rate_and_time_left(victor_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    imports.start_run(imported=imported, actor=NOBODY)
    Import.objects.update(done_rows=1, rows_per_second=1, total_rows=3)
    page = victor_client.get(url_of("import-run", imported)).content.decode()
    assert "1 rows a second, about 2 seconds left" in page
    assert "Cancel the import" not in page


def test_a_second_press_starts_nothing(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    url = url_of("import-check", imported)
    bob_client.post(url)
    again = bob_client.post(url)
    assert again.url == url_of("import-run", imported)
    # The page says how far it is; by the time it is shown it may have ended.
    assert "This import is running" not in bob_client.get(again.url).content.decode()
    assert Import.objects.get(pk=imported.pk).state == ImportState.RUNNING


def test_a_cancelled_run_can_go_on(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    imports.start_run(imported=imported, actor=NOBODY)
    Import.objects.update(counts=imported.check_counts, done_rows=1)
    page = bob_client.post(url_of("import-cancel", imported), follow=True).content.decode()
    assert "Cancelled after 1 of 3 rows." in page
    assert bob_client.post(url_of("import-resume", imported)).url == url_of("import-run", imported)


def test_the_reason_of_a_failure_is_shown(victor_client: Client, acme: Workspace) -> None:
    imported = upload(acme, TEXT)
    Import.objects.update(state=ImportState.FAILED, state_reason="The uploaded file is gone.")
    assert (
        "The uploaded file is gone." in victor_client.get(url_of("import-detail", imported)).content.decode()
    )


def test_nothing_to_import_is_told(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, "phone\nx1\nx2\n"), mapping=["msisdn"])
    page = bob_client.get(url_of("import-check", imported)).content.decode()
    assert "There is nothing to import" in page
    assert "Import 0 people" not in page


def test_the_reject_file_is_a_download(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    response = bob_client.get(url_of("import-rejects", imported))
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    assert body.splitlines()[1].endswith(";n/a;Cy;Rome")
    assert response.headers["Content-Disposition"] == f'attachment; filename="refused-{imported.pk}.csv"'
    assert bob_client.get(url_of("import-rejects", upload(acme, TEXT))).status_code == 404


def test_the_example_can_be_imported(bob_client: Client, acme: Workspace) -> None:
    sample = bob_client.get(reverse("import-sample")).content
    imported = ran(checked(upload(acme, sample)))
    assert (imported.counts["new"], imported.counts["refused"]) == (2, 0)


def test_names_and_values_of_a_file_are_only_text(bob_client: Client, acme: Workspace) -> None:
    text = f"phone;<script>alert(1)</script>\n+{number(0)};<img src=x>\n"
    imported = upload(acme, text, "<b>x</b>.csv")
    page = bob_client.get(url_of("import-columns", imported)).content.decode()
    assert ("<script>alert" in page, "<img src=x" in page, "<b>x</b>" in page) == (False, False, False)


def test_the_first_people_are_looked_for_in_the_first_lines(bob_client: Client, acme: Workspace) -> None:
    """A million empty lines do not hold up the page."""
    imported = checked(upload(acme, "number,name\n" + "\n" * 2_000 + f"+{number(0)},Ann\n"))
    page = bob_client.get(url_of("import-check", imported)).content.decode()
    assert imported.check_counts["new"] == 1
    assert "The first people as they will be" not in page


GERMAN = "Mobile;Vorname\n01512 3456789;Ann\n01512/3456789;Bea\n+12015550100;Cy\n"


def test_a_country_is_suggested_and_taken_with_one_press(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, GERMAN)
    page = bob_client.get(url_of("import-columns", imported)).content.decode()
    assert "Most numbers without a country code look like numbers of DE (+49)" in page
    assert url_of("import-country", imported) in page
    data = columns_data(imported, **{"column-1": "", "new_list_name": "Kept"}) | {"country": "DE"}
    answer = bob_client.post(url_of("import-country", imported), data)
    assert answer.url == url_of("import-columns", imported)
    imported.refresh_from_db()
    assert (imported.default_country, imported.mapping, imported.new_list_name, imported.state) == (
        "DE",
        ["msisdn", ""],
        "Kept",
        ImportState.UPLOADED,
    )
    page = bob_client.get(answer.url).content.decode()
    assert "look like numbers of" not in page
    assert "2 countries found" in page, "the columns were looked at anew"


def test_a_column_is_found_by_the_country_taken(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, "Who;Where\nAnn;01512 3456789\nBea;01512/3456789\n")
    assert "msisdn" not in imported.mapping
    bob_client.post(url_of("import-country", imported), columns_data(imported) | {"country": "DE"})
    imported.refresh_from_db()
    assert imported.mapping[1] == "msisdn"


def test_a_suggestion_alone_changes_nothing(bob_client: Client, acme: Workspace) -> None:
    imported = upload(acme, GERMAN)
    bob_client.post(url_of("import-columns", imported), columns_data(imported))
    imported.refresh_from_db()
    assert (imported.default_country, imported.check_counts["refused"]) == ("US", 2)


@pytest.mark.parametrize("country", ["XX", ""])
def test_a_country_that_does_not_exist_is_not_taken(
    bob_client: Client, acme: Workspace, country: str
) -> None:
    imported = upload(acme, GERMAN)
    page = bob_client.post(url_of("import-country", imported), {"country": country}, follow=True)
    assert "does not exist" in page.content.decode()
    imported.refresh_from_db()
    assert imported.default_country == "US"


def test_every_count_of_the_check_shows_its_rows(bob_client: Client, acme: Workspace) -> None:
    opt_out(workspace=acme, msisdn=number(1), how=OptOutHow.STOP)
    text = TEXT + f"+{number(0)};Ann;Leeds\n"
    imported = checked(upload(acme, text))
    page = " ".join(bob_client.get(url_of("import-check", imported)).content.decode().split())
    assert f'5, first in 2<span class="sub-line">{shown(0)}</span>' in page
    assert "1 of them has opted out: the number is imported and not texted." in page
    assert page.count("<summary>First rows</summary>") == 4, "new, twice, refused, opted out"
    ran(imported)
    page = bob_client.get(url_of("import-detail", imported)).content.decode()
    assert page.count("<summary>First rows</summary>") == 4
    assert "those that the check found" in page


def test_a_column_may_keep_its_own_name(bob_client: Client, acme: Workspace) -> None:
    """Also one whose content was taken for a field, or that is empty."""
    imported = upload(acme, f"number,Anrede,Leer\n+{number(0)},Frau,\n")
    assert imported.mapping == ["msisdn", "gender", ""]
    url = url_of("import-columns", imported)
    page = bob_client.get(url).content.decode()
    assert page.count('<option value="extra:anrede">') == page.count('<option value="extra:leer">') == 1
    chosen = columns_data(imported, **{"column-1": "extra:anrede", "column-2": "extra:leer"})
    assert bob_client.post(url, chosen).status_code == 302
    imported.refresh_from_db()
    assert imported.mapping == ["msisdn", "extra:anrede", "extra:leer"]


def test_a_dropped_import_names_no_list_that_never_was(bob_client: Client, acme: Workspace) -> None:
    imported = checked(upload(acme, TEXT))
    imports.cancel_import(imported=imported, actor=NOBODY)
    for page in (url_of("import-detail", imported), reverse("import-list")):
        assert imported.new_list_name not in bob_client.get(page).content.decode()
