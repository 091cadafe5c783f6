"""/api/v1/opt-outs, /api/v1/unsubscribe-lists and their members."""

from collections.abc import Callable

import pytest

from accounts.models import AuditEntry, Workspace
from contacts.api.common import MAX_AT_ONCE
from contacts.models import OptOut, OptOutHow, UnsubscribeList
from contacts.services import opt_outs
from tests.access import assert_access
from tests.contacts.support import NOBODY, number
from tests.people import ApiClient

OPT_OUTS = "/api/v1/opt-outs/"
LISTS = "/api/v1/unsubscribe-lists/"
Api = Callable[..., ApiClient]


@pytest.fixture
def stopped(acme: Workspace) -> OptOut:
    return opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="Stop.")


@pytest.fixture
def competitors(acme: Workspace) -> UnsubscribeList:
    made = opt_outs.create_unsubscribe_list(workspace=acme, actor=NOBODY, name="Competitors")
    opt_outs.add_members(unsubscribe_list=made, msisdns=[number(1)], actor=NOBODY)
    return made


def test_it_works(api: Api, acme: Workspace) -> None:
    client = api("marketer")
    made = client.post(OPT_OUTS, {"msisdn": "(201) 555-0100", "source": "our CRM"})
    assert made.status_code == 201
    assert (made.json()["msisdn"], made.json()["how"], made.json()["source"]) == (number(0), "api", "our CRM")
    again = client.post(OPT_OUTS, {"msisdn": f"+{number(0)}", "source": "once more"})
    assert (again.status_code, again.json()["source"]) == (200, "our CRM")
    assert len(client.get(OPT_OUTS, {"msisdn": f"+{number(0)}"}).json()["results"]) == 1
    assert AuditEntry.objects.get(action="opted out").api_key == client.api_key


def test_access(stopped: OptOut, competitors: UnsubscribeList) -> None:
    assert_access(OPT_OUTS, wrong_method="put")
    assert_access(f"{OPT_OUTS}{stopped.pk}/", wrong_method="patch")
    data = {"msisdn": f"+{number(7)}"}
    assert_access(OPT_OUTS, "post", viewer=403, marketer=201, wrong_method=None, data=data)
    url = f"{LISTS}{competitors.pk}/"
    assert_access(LISTS, wrong_method="put")
    assert_access(url, wrong_method="post")
    assert_access(url, "patch", viewer=403, marketer=200, wrong_method=None, data={})
    assert_access(f"{url}members/", wrong_method="put", missing=False)
    member = competitors.members.get()
    assert_access(f"{url}members/{member.pk}/", wrong_method="patch")
    assert_access(f"{url}members/{member.pk}/", "delete", viewer=403, marketer=204, wrong_method=None)


def test_removal_needs_a_reason(api: Api, stopped: OptOut) -> None:
    client, url = api("marketer"), f"{OPT_OUTS}{stopped.pk}/"
    refused = client.delete(url)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "reason")
    assert client.delete(f"{url}?reason=asked+by+mail").status_code == 204
    assert AuditEntry.objects.get(action="opted in").details["was"]["source"] == "Stop."


def test_a_bad_number_is_a_problem_of_its_field(api: Api, acme: Workspace) -> None:
    answer = api("marketer").post(OPT_OUTS, {"msisdn": "4.91512E+11"})
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["field"], error["code"]) == ("msisdn", "scientific")
    assert "rounded by a spreadsheet" in error["detail"]


def test_unsubscribe_lists(api: Api, competitors: UnsubscribeList) -> None:
    client = api("marketer")
    assert client.post(LISTS, {"name": "competitors"}).status_code == 400
    made = client.post(LISTS, {"name": "Press", "enabled": False}).json()
    assert (made["name"], made["enabled"], made["member_count"]) == ("Press", False, 0)
    url = f"{LISTS}{made['id']}/"
    assert client.patch(url, {"name": "Media", "enabled": True}).json()["name"] == "Media"
    added = client.post(f"{url}members/", {"msisdns": [f"+{number(3)}", f"+{number(3)}", "x"]}).json()
    assert (added["added"], [one["position"] for one in added["refused"]]) == (1, [3])
    member = client.get(f"{url}members/", {"msisdn": number(3)}).json()["results"][0]
    assert (member["msisdn"], member["how"]) == (number(3), "api")
    assert client.get(url).json()["member_count"] == 1
    assert client.delete(f"{url}members/{member['id']}/").status_code == 204
    assert client.get(url).json()["member_count"] == 0
    assert client.delete(url).status_code == 204


def test_the_members_of_a_foreign_list_are_not_found(
    api: Api, competitors: UnsubscribeList, other: Workspace
) -> None:
    stranger = api("owner", other)
    url = f"{LISTS}{competitors.pk}/members/"
    assert stranger.get(url).status_code == 404
    assert stranger.post(url, {"msisdns": []}).status_code == 404
    assert stranger.delete(f"{url}{competitors.members.get().pk}/").status_code == 404


# --- many at once ---


def test_many_are_opted_out_at_once(acme: Workspace, api: Api) -> None:
    opt_outs.opt_out(workspace=acme, msisdn=number(0), how=OptOutHow.STOP, source="first")
    sent = {"msisdns": [f"+{number(0)}", "(201) 555-0101", f"+{number(1)}", "n/a"], "source": "old system"}
    answer = api("marketer").post("/api/v1/opt-outs/many/", sent)
    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["added"], told["known"]) == (1, 1)
    assert [(one["position"], one["raw"]) for one in told["refused"]] == [(4, "n/a")]
    found = dict(OptOut.objects.values_list("msisdn", "source"))
    assert found == {number(0): "first", number(1): "old system"}
    assert OptOut.objects.get(msisdn=number(1)).how == "api"
    again = api("marketer").post("/api/v1/opt-outs/many/", sent).json()
    assert (again["added"], again["known"]) == (0, 2)


def test_too_many_are_refused_whole(acme: Workspace, api: Api) -> None:
    sent = {"msisdns": ["+12015550100"] * (MAX_AT_ONCE + 1)}
    answer = api("marketer").post("/api/v1/opt-outs/many/", sent)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "msisdns")
    assert not OptOut.objects.exists()


def test_access_to_many(acme: Workspace) -> None:
    assert_access(
        "/api/v1/opt-outs/many/", "post", data={"msisdns": []}, viewer=403, marketer=200, wrong_method="get"
    )
