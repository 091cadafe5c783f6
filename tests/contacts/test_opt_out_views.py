"""Pages of opt-outs and unsubscribe lists."""

import csv
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, Workspace
from contacts.models import OptOut, OptOutHow, UnsubscribeList
from contacts.services import opt_outs
from tests.access import assert_access
from tests.contacts.support import NOBODY, number, shown

HTMX = {"HX-Request": "true"}


@pytest.fixture
def stopped(acme: Workspace) -> OptOut:
    return opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="=Stop.")


@pytest.fixture
def competitors(acme: Workspace) -> UnsubscribeList:
    made = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    opt_outs.add_members(unsubscribe_list=made, msisdns=[number(1), number(2)], actor=NOBODY)
    return made


def test_it_works(bob_client: Client, bob: User, stopped: OptOut) -> None:
    url = reverse("opt-out-list")
    numbers = f"+{number(3)}, (201) 555-0104\n+{number(0)}"
    page = bob_client.post(
        url, {"numbers": numbers, "source": "letter of 3 May"}, follow=True
    ).content.decode()
    assert "2 numbers opted out." in page
    assert ("by writing STOP" in page, "letter of 3 May" in page) == (True, True)
    assert OptOut.objects.get(msisdn=number(3)).how == OptOutHow.PERSON
    assert AuditEntry.objects.get(action="opted out").user == bob


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("opt-out-list", {}),
        ("opt-out-export", {"wrong_method": "post"}),
    ],
)
def test_access(stopped: OptOut, name: str, options: dict[str, Any]) -> None:
    assert_access(reverse(name), **options)


def test_access_to_removal(stopped: OptOut) -> None:
    assert_access(reverse("opt-out-remove", args=[stopped.pk]), viewer=403, marketer=200)


def test_access_to_lists(competitors: UnsubscribeList) -> None:
    args = [competitors.pk]
    assert_access(reverse("unsubscribe-list-detail", args=args))
    assert_access(reverse("unsubscribe-list-export", args=args), wrong_method="post")
    assert_access(reverse("unsubscribe-list-rename", args=args), viewer=403, marketer=200)
    for name in ("unsubscribe-list-enabled", "unsubscribe-list-remove"):
        assert_access(reverse(name, args=args), "post", viewer=403, marketer=302, wrong_method="get")
    new = reverse("unsubscribe-list-new")
    assert_access(new, "post", viewer=403, marketer=302, wrong_method="get", data={"list-name": "Fresh"})


def test_viewers_cannot_add(victor_client: Client, competitors: UnsubscribeList) -> None:
    for url in (reverse("opt-out-list"), reverse("unsubscribe-list-detail", args=[competitors.pk])):
        assert victor_client.post(url, {"numbers": f"+{number(5)}"}).status_code == 403
        assert "Add" not in victor_client.get(url).content.decode().replace("Address", "")


def test_one_bad_number_stops_all_and_is_named(bob_client: Client, acme: Workspace) -> None:
    bad = "\n".join(f"{n}x" for n in range(7))
    response = bob_client.post(reverse("opt-out-list"), {"numbers": f"+{number(3)}\n{bad}"})
    page = response.content.decode()
    assert response.status_code == 422
    assert ("“0x” holds letters" in page, "2 more numbers cannot be read." in page) == (True, True)
    assert not OptOut.objects.exists()
    assert f"+{number(3)}" in page  # what was entered stays


def test_no_number_is_told(bob_client: Client, acme: Workspace) -> None:
    response = bob_client.post(reverse("opt-out-list"), {"numbers": " , ;"})
    assert "There is no number in the field. Enter at least one." in response.content.decode()


def test_removal_asks_for_a_reason(bob_client: Client, stopped: OptOut) -> None:
    url = reverse("opt-out-remove", args=[stopped.pk])
    assert bob_client.post(url, {"reason": " "}).status_code == 422
    assert OptOut.objects.exists()
    page = bob_client.post(url, {"reason": "asked for it by phone"}, follow=True).content.decode()
    assert f"+{number(0)} may be texted again." in page
    assert AuditEntry.objects.get(action="opted in").details["reason"] == "asked for it by phone"


def test_search_is_by_the_beginning_of_a_number(bob_client: Client, stopped: OptOut) -> None:
    url = reverse("opt-out-list")
    for writing in ("(201) 555", "001201", "2015550"):
        assert stopped.msisdn[-4:] in bob_client.get(url, {"q": writing}, headers=HTMX).content.decode()
    found = bob_client.get(url, {"q": "+1 201"}, headers=HTMX).content.decode()
    assert shown(0) in found
    assert "<html" not in found
    assert "No opt-out matches" in bob_client.get(url, {"q": "44"}, headers=HTMX).content.decode()


def test_the_export_is_a_proof(victor_client: Client, stopped: OptOut) -> None:
    response = victor_client.get(reverse("opt-out-export"))
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    assert body.splitlines()[0] == "number,at,how,source,message_id,undone_at,undone_reason,undone_by,message"
    assert body.splitlines()[1].startswith(f"+{number(0)},20")
    assert body.splitlines()[1].endswith(",stop,'=Stop.,,,,,")


def test_the_export_knows_what_was_undone(bob_client: Client, acme: Workspace) -> None:
    Workspace.objects.filter(pk=acme.pk).update(time_zone="Asia/Tokyo")
    at = datetime(2026, 3, 8, 12, tzinfo=UTC)
    OptOut.objects.create(
        workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="Stop.", message_id=7, at=at
    )
    opt_outs.opt_in(workspace=acme, msisdn=number(0), reason="START")
    response = bob_client.get(reverse("opt-out-export"))
    body = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]  # streamed
    (row,) = csv.DictReader(body.splitlines())
    assert (row["number"], row["how"], row["source"]) == (f"+{number(0)}", "stop", "Stop.")
    assert (row["at"], row["message_id"]) == ("2026-03-08T21:00:00+09:00", "7")
    assert (row["undone_reason"], row["undone_by"]) == ("START", "Crier")
    assert row["undone_at"].endswith("+09:00")


def test_what_can_be_read_may_be_taken(bob_client: Client, competitors: UnsubscribeList) -> None:
    pasted = {"numbers": f"+{number(3)}\n+{number(3)}\n12x\n+{number(4)}", "source": "letter of 3 May"}
    for url, rows in [
        (reverse("opt-out-list"), OptOut.objects.all()),
        (
            reverse("unsubscribe-list-detail", args=[competitors.pk]),
            competitors.members.filter(source__gt=""),
        ),
    ]:
        page = bob_client.post(url, pasted).content.decode()
        assert '<li value="3">“12x” holds letters' in page
        assert ("2 numbers can be read." in page, "1 stands there twice." in page) == (True, True)
        assert not rows.exists()
        assert bob_client.post(url, pasted | {"readable": "1"}).status_code == 302
        assert set(rows.values_list("msisdn", "source")) == {
            (number(3), "letter of 3 May"),
            (number(4), "letter of 3 May"),
        }


def test_an_unsubscribe_list_is_kept_by_people(bob_client: Client, competitors: UnsubscribeList) -> None:
    url = reverse("unsubscribe-list-detail", args=[competitors.pk])
    page = bob_client.post(url, {"numbers": f"+{number(2)}\n+{number(3)}"}, follow=True).content.decode()
    assert ("Added 1 number." in page, "3 numbers" in page) == (True, True)
    member = competitors.members.get(msisdn=number(1))
    remove = reverse("unsubscribe-list-remove", args=[competitors.pk])
    assert (
        "Removed 1 number."
        in bob_client.post(remove, {"selected": [member.pk]}, follow=True).content.decode()
    )
    competitors.refresh_from_db()
    assert competitors.member_count == 2
    assert "No number matches" in bob_client.get(url, {"q": "44"}, headers=HTMX).content.decode()
    response = bob_client.get(reverse("unsubscribe-list-export", args=[competitors.pk]))
    assert len(b"".join(response.streaming_content).splitlines()) == 3  # type: ignore[attr-defined]  # streamed


def test_unsubscribe_lists_are_made_renamed_and_disabled(
    bob_client: Client, competitors: UnsubscribeList
) -> None:
    refused = bob_client.post(reverse("unsubscribe-list-new"), {"list-name": "competitors"})
    assert refused.status_code == 422
    assert "already. Choose another name." in refused.content.decode()
    made = bob_client.post(reverse("unsubscribe-list-new"), {"list-name": "Press"})
    assert made.url == reverse("unsubscribe-list-detail", args=[UnsubscribeList.objects.get(name="Press").pk])
    bob_client.post(reverse("unsubscribe-list-rename", args=[competitors.pk]), {"name": "Rivals"})
    bob_client.post(reverse("unsubscribe-list-enabled", args=[competitors.pk]), {"on": "0"})
    competitors.refresh_from_db()
    assert (competitors.name, competitors.enabled) == ("Rivals", False)
