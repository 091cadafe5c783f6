"""Pages of jobs, saved filters, live lists and pasted numbers."""

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.errors import WrongState
from contacts.models import ListJob, RecipientList
from contacts.rules import rule_of
from contacts.services import imports, list_jobs, lists
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import NOBODY, checked, list_named, number, upload
from tests.people import ApiClient

FILTER = "match=all&field=first_name&operator=is&value=Ann"
RULE = {"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]}


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    rows = [Person(f"+{number(n)}", {"first_name": "" if n % 2 else "Ann"}) for n in range(4)]
    return list_named(acme, people=rows)


@pytest.fixture
def live(members: RecipientList) -> RecipientList:
    return lists.create_live_list(source=members, actor=NOBODY, name="Anns", rule=rule_of(RULE))


@pytest.fixture
def waiting(members: RecipientList, monkeypatch: pytest.MonkeyPatch) -> ListJob:
    monkeypatch.setattr(list_jobs, "DONE_AT_ONCE", 0)
    return list_jobs.start_job(
        sought=list_jobs.Sought(members), wish=list_jobs.Wish(kind="export"), actor=NOBODY
    )


def test_copy_all_who_match(bob_client: Client, acme: Workspace, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk]) + f"?{FILTER}"
    assert "First name is Ann." in bob_client.get(url).content.decode()
    page = bob_client.post(url, {"kind": "copy", "name": "Anns"}, follow=True).content.decode()
    assert "2 copied" in page
    assert "Finished" in page
    assert acme.recipient_lists.get(name="Anns").recipient_count == 2


def test_the_service_says_what_is_missing(bob_client: Client, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk])
    for kind, words in (
        ("copy", "Say where they go"),
        ("split", "one of the two"),
        ("x", "cannot be chosen"),
    ):
        response = bob_client.post(url, {"kind": kind})
        assert response.status_code == 422
        assert words in response.content.decode()
    assert bob_client.post(f"{url}?field=x", {"kind": "remove"}).status_code == 422
    assert ListJob.objects.count() == 0


def test_a_filter_is_saved_used_and_deleted(
    bob_client: Client, victor_client: Client, members: RecipientList
) -> None:
    url = reverse("list-job-new", args=[members.pk]) + f"?{FILTER}"
    page = bob_client.post(url, {"kind": "save_filter", "name": "Only Ann"}, follow=True).content.decode()
    assert f'href="/lists/{members.pk}/?{html.escape(FILTER)}">Only Ann</a>' in page
    saved = members.saved_filters.get()
    assert "Only Ann" in victor_client.get(f"/lists/{members.pk}/").content.decode()
    delete = reverse("saved-filter-delete", args=[members.pk, saved.pk])
    assert_access(delete, "post", viewer=403, wrong_method="get")
    bob_client.post(delete)
    assert members.saved_filters.count() == 0


def test_a_live_list_shows_who_matches(bob_client: Client, acme: Workspace, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk]) + f"?{FILTER}"
    page = bob_client.post(url, {"kind": "live_list", "name": "Anns"}, follow=True).content.decode()
    assert "A live list: whoever on Members matches just now (First name is Ann)." in page
    assert page.count(">Ann</td>") == 2
    assert "Add a person" not in page
    assert (
        f'formaction="{reverse("recipient-list-remove", args=[acme.recipient_lists.get(name="Anns").pk])}"'
        not in page
    )
    for kind in ("copy", "export", "opt_out"):
        assert f'<option value="{kind}">' in page
    for kind in ("move", "set_field"):
        assert f'<option value="{kind}">' not in page
    assert "Live" in bob_client.get(reverse("recipient-list-list")).content.decode()


def test_a_live_list_takes_nobody(bob_client: Client, acme: Workspace, live: RecipientList) -> None:
    refused = "Anns is a live list: its people stand on Members."
    url = reverse("recipient-list-detail", args=[live.pk])
    assert refused in bob_client.post(url, {"msisdn": "+12015550150"}, follow=True).content.decode()
    paste = reverse("recipient-list-paste", args=[live.pk])
    assert refused in bob_client.post(paste, {"numbers": "+12015550150"}).content.decode()
    offered = bob_client.get(reverse("import-columns", args=[upload(acme, "number\n+12015550150").pk]))
    assert ">Members</option>" in offered.content.decode()
    assert ">Anns</option>" not in offered.content.decode()


def test_progress(bob_client: Client, waiting: ListJob) -> None:
    url = reverse("list-job", args=[waiting.list_id, waiting.pk])
    assert "0 of 4 people looked through" in bob_client.get(url).content.decode()
    running = bob_client.get(url, headers={"HX-Request": "true"})
    assert (running.status_code, "<html" in running.content.decode()) == (200, False)
    list_jobs.list_job_runner.run_job(waiting.pk)
    ended = bob_client.get(url, headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (286, "true")
    response = bob_client.get(reverse("list-job-file", args=[waiting.list_id, waiting.pk]))
    assert response.headers["Content-Disposition"] == 'attachment; filename="members.csv"'
    assert b"".join(response.streaming_content).count(b"\n") == 5  # type: ignore[attr-defined]  # streamed


def test_cancel_and_go_on(bob_client: Client, waiting: ListJob) -> None:
    args = [waiting.list_id, waiting.pk]
    page = bob_client.post(reverse("list-job-cancel", args=args), follow=True).content.decode()
    assert "Go on where it stopped" in page
    assert bob_client.get(reverse("list-job-file", args=args)).status_code == 404
    bob_client.post(reverse("list-job-again", args=args))
    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_access(members: RecipientList, waiting: ListJob) -> None:
    args = [members.pk, waiting.pk]
    assert_access(reverse("list-job", args=args), wrong_method="post")
    assert_access(reverse("list-job-new", args=[members.pk]), viewer=403, marketer=200)
    assert_access(reverse("recipient-list-paste", args=[members.pk]), viewer=403, marketer=200)
    for name in ("list-job-cancel", "list-job-again"):
        assert_access(reverse(name, args=args), "post", viewer=403, marketer=302, wrong_method="get")
    assert_access(reverse("list-job-file", args=args), viewer=404, wrong_method="post")


def test_pasted_numbers(bob_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-paste", args=[members.pk])
    text = f"+{number(0)}, (201) 555-0190\n+12015550191;+12015550191"
    page = bob_client.post(url, {"numbers": text}, follow=True).content.decode()
    assert "2 added; 1 were there already; 1 came twice." in page
    response = bob_client.post(url, {"numbers": "+12015550192\n12"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "“12” has too few digits" in page
    assert re.search(r"<textarea[^>]*>\s*12</textarea>", page)
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == 7


def test_the_export_follows_the_filter(victor_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-export", args=[members.pk]) + f"?{FILTER}&form=csv_semicolon"
    body = b"".join(victor_client.get(url).streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    assert [line.split(";")[0] for line in body.splitlines()] == [
        '"phone_number"',
        f'"{number(0)}"',
        f'"{number(2)}"',
    ]


def test_a_filter_that_cannot_be_exports_nobody(victor_client: Client, members: RecipientList) -> None:
    query = "?match=all&field=created_at&operator=is&value=2026-02-30"
    for name in ("recipient-list-export", "recipient-list-count", "recipient-list-detail"):
        response = victor_client.get(reverse(name, args=[members.pk]) + query)
        assert response.status_code == 422, name
        assert "“2026-02-30” is no day" in response.content.decode()
    unknown = reverse("recipient-list-export", args=[members.pk]) + "?field=extra:x&operator=is_not&value=1"
    assert "the list has no column “x”" in html.unescape(victor_client.get(unknown).content.decode())


def test_removing_ticked_people_takes_nobody_else(bob_client: Client, members: RecipientList) -> None:
    url = reverse("recipient-list-remove", args=[members.pk])
    bob_client.post(f"{url}?{FILTER}", {"all": "1", "query": FILTER})
    assert members.recipients.count() == 4


def test_the_parts_of_a_split_are_a_click_away(
    bob_client: Client, acme: Workspace, members: RecipientList
) -> None:
    url = reverse("list-job-new", args=[members.pk])
    page = bob_client.post(url, {"kind": "split", "parts": 2}, follow=True).content.decode()
    lately = bob_client.get(url).content.decode()
    for part in acme.recipient_lists.filter(name__startswith="Members "):
        link = f'<a href="{reverse("recipient-list-detail", args=[part.pk])}">{part.name}</a>'
        assert link in page
        assert link in lately


def test_nothing_is_imported_into_a_live_list(
    bob_client: Client, acme: Workspace, live: RecipientList, api: Callable[..., ApiClient]
) -> None:
    refused = "Anns is a live list: its people stand on Members. Change them there."
    page = bob_client.get(reverse("import-new") + f"?list={live.pk}", follow=True).content.decode()
    assert refused in html.unescape(page)
    with pytest.raises(WrongState, match=refused):
        upload(acme, "number\n+12015550150", recipient_list=live)
    imported = upload(acme, "number\n+12015550150")
    with pytest.raises(WrongState, match=refused):
        checked(imported, to=live)
    answer = api("marketer").patch(f"/api/v1/imports/{imported.pk}/", {"list": live.pk})
    assert (answer.status_code, answer.json()["detail"]) == (409, refused)
    imported.list = live
    imported.save()
    with pytest.raises(WrongState, match=refused):
        imports.start_check(imported=imported)
