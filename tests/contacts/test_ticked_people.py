"""What is done with people ticked on a list's page, from the bar below the table to the job's end."""

import html
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Workspace
from contacts.models import ListJob, OptOut, RecipientList
from contacts.people import MAX_TICKED, Sought
from contacts.rules import rule_of
from contacts.services import list_jobs, lists
from contacts.services.list_jobs import Wish
from contacts.services.lists import Person
from tests.access import assert_access
from tests.contacts.support import NOBODY, list_named, number, shown

FILTER = "match=all&field=first_name&operator=is_not&value=Bob"


@pytest.fixture
def members(acme: Workspace) -> RecipientList:
    rows = [Person(f"+{number(n)}", {"first_name": "Bob" if n == 5 else "Ann"}) for n in range(6)]
    return list_named(acme, people=rows)


def ids_of(members: RecipientList, *wanted: int) -> list[int]:
    return [members.recipients.get(msisdn=number(n)).pk for n in wanted]


def tick(client: Client, members: RecipientList, kind: str, ids: list[int]) -> str:
    """Where the bar leads to."""
    url = reverse("recipient-list-ticked", args=[members.pk])
    response = client.post(url, {"kind": kind, "selected": ids, "query": FILTER})
    assert response.status_code == 302
    return str(response.url)


def test_it_works(bob_client: Client, acme: Workspace, members: RecipientList) -> None:
    ids = ids_of(members, 1, 3)
    address = tick(bob_client, members, "copy", ids)
    assert urlsplit(address).path == reverse("list-job-new", args=[members.pk])
    assert parse_qs(urlsplit(address).query)["selected"] == [str(pk) for pk in ids]
    page = bob_client.get(address).content.decode()
    assert "2 people who were ticked" in page
    assert f"{shown(1)}, {shown(3)}" in page
    assert f'action="?{html.escape(FILTER)}&amp;selected={ids[0]}&amp;selected={ids[1]}"' in page
    done = bob_client.post(address, {"kind": "copy", "name": "Two"}, follow=True).content.decode()
    assert "2 copied" in done
    assert "Of Members: 2 people who were ticked" in done
    assert set(acme.recipient_lists.get(name="Two").recipients.values_list("msisdn", flat=True)) == {
        number(1),
        number(3),
    }
    job = ListJob.objects.get()
    assert (job.state, job.options, job.total, job.done) == ("finished", {"ids": ids}, 2, 2)


@pytest.mark.parametrize(
    ("kind", "data", "counts"),
    [
        ("move", {"name": "Two"}, {"moved": 2, "there_already": 0}),
        ("remove", {}, {"removed": 2}),
        ("opt_out", {}, {"opted_out": 2, "opted_out_before": 0}),
        ("set_field", {"field": "last_name", "value": "Lee"}, {"changed": 2}),
        ("export", {"form": "xlsx"}, {"exported": 2}),
    ],
)
def test_each_kind_befalls_those_ticked_alone(
    bob_client: Client,
    acme: Workspace,
    members: RecipientList,
    kind: str,
    data: dict[str, str],
    counts: dict[str, int],
) -> None:
    address = tick(bob_client, members, kind, ids_of(members, 0, 5))
    response = bob_client.post(address, {"kind": kind, **data})
    assert response.status_code == 302
    assert ListJob.objects.get().counts == counts
    members.refresh_from_db()
    assert members.recipient_count == members.recipients.count() == (4 if kind in ("move", "remove") else 6)
    chosen = {number(0), number(5)}
    if kind == "opt_out":
        assert set(OptOut.objects.values_list("msisdn", flat=True)) == chosen
    if kind == "set_field":
        assert set(members.recipients.filter(last_name="Lee").values_list("msisdn", flat=True)) == chosen


def test_the_way_back_keeps_the_filter(bob_client: Client, members: RecipientList) -> None:
    page = bob_client.get(tick(bob_client, members, "copy", ids_of(members, 0))).content.decode()
    assert f'href="/lists/{members.pk}/?{html.escape(FILTER)}"' in page


@pytest.mark.parametrize(
    ("kind", "ticked", "words"),
    [
        ("copy", False, "Tick people first."),
        ("", True, "Choose what to do with them."),
        ("split", True, "Choose what to do with them."),
    ],
)
def test_what_is_missing_is_said(
    bob_client: Client, members: RecipientList, kind: str, ticked: bool, words: str
) -> None:
    address = tick(bob_client, members, kind, ids_of(members, 0) if ticked else [])
    assert address == f"/lists/{members.pk}/?{FILTER}"
    assert words in bob_client.get(address).content.decode()


def test_people_of_other_lists_are_left_alone(bob_client: Client, acme: Workspace, other: Workspace) -> None:
    mine, theirs = list_named(acme), list_named(other, people=[Person(f"+{number(0)}")])
    person = theirs.recipients.get()
    address = reverse("list-job-new", args=[mine.pk]) + f"?selected={person.pk}"
    bob_client.post(address, {"kind": "remove"})
    bob_client.post(address, {"kind": "opt_out"})
    assert [job.counts for job in ListJob.objects.all()] == [{}, {}]
    assert theirs.recipients.count() == 1
    assert OptOut.objects.count() == 0


def test_only_so_many_are_ticked(bob_client: Client, members: RecipientList) -> None:
    many = "&".join(f"selected={pk}" for pk in range(1, MAX_TICKED + 2))
    response = bob_client.post(reverse("list-job-new", args=[members.pk]) + f"?{many}", {"kind": "remove"})
    assert response.status_code == 422
    assert (
        f"These are {MAX_TICKED + 1} people; at most {MAX_TICKED} can be ticked." in response.content.decode()
    )
    assert members.recipients.count() == 6


def test_of_a_live_list_only_who_matches_still(acme: Workspace, members: RecipientList) -> None:
    rule = rule_of({"conditions": [{"field": "first_name", "operator": "is", "value": "Ann"}]})
    live = lists.create_live_list(source=members, actor=NOBODY, name="Anns", rule=rule)
    sought = Sought(live, ids=tuple(ids_of(members, 0, 5)))
    job = list_jobs.start_job(sought=sought, wish=Wish("copy", new_list="Chosen"), actor=NOBODY)
    assert job.counts == {"copied": 1, "there_already": 0}


def test_one_line_of_audit_for_an_opt_out(acme: Workspace, members: RecipientList) -> None:
    OptOut.objects.create(workspace=acme, msisdn=number(0))
    sought = Sought(members, ids=tuple(ids_of(members, 0, 1, 2)))
    job = list_jobs.start_job(sought=sought, wish=Wish("opt_out"), actor=NOBODY)
    entry = AuditEntry.objects.get(action="opted out")
    assert entry.details == {"count": 2, "how": "person", "source": f"List Members, job {job.pk}"}


def test_all_who_match_are_offered(
    bob_client: Client, members: RecipientList, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contacts.views.lists.PAGE_SIZE", 3)
    url = reverse("recipient-list-detail", args=[members.pk])
    page = bob_client.get(url).content.decode()
    assert f'href="{reverse("list-job-new", args=[members.pk])}?">Select all 6 that match</a>' in page
    page = bob_client.get(f"{url}?{FILTER}").content.decode()
    address = f"{reverse('list-job-new', args=[members.pk])}?{html.escape(FILTER)}"
    assert f'href="{address}">Select all who match</a>' in page
    page = bob_client.get(f"{url}?q=12015550101").content.decode()
    assert "data-bulk-all" not in page


def test_a_filter_is_saved_only_where_there_is_one(bob_client: Client, members: RecipientList) -> None:
    url = reverse("list-job-new", args=[members.pk])
    offers = "Save the filter under a name", "Make a live list of whoever matches"
    page = bob_client.get(url).content.decode()
    assert not any(words in page for words in offers)
    page = bob_client.get(f"{url}?{FILTER}").content.decode()
    assert all(words in page for words in offers)
    page = bob_client.get(f"{url}?{FILTER}&q=ann").content.decode()
    assert not any(words in page for words in offers)


def test_access(members: RecipientList) -> None:
    url = reverse("recipient-list-ticked", args=[members.pk])
    assert_access(url, "post", viewer=403, marketer=302, wrong_method="get")
