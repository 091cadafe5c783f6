"""Segments through the API: a smart draft, its launch, the next segment once, and who may do it."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import Actor
from accounts.models import Role, Workspace
from campaigns.models import Broadcast
from contacts.models import OptOut, Recipient
from tests.access import assert_access
from tests.campaigns.makers import send
from tests.campaigns.smart import make_smart, messages_in, send_all
from tests.people import ApiClient, api_client


@pytest.fixture
def marketer(db: None) -> ApiClient:
    return api_client(Role.MARKETER)


@pytest.fixture
def through(acme: Workspace, actor: Actor) -> Broadcast:
    broadcast = send(make_smart(acme, actor), actor)
    send_all(broadcast, 1)
    return broadcast


def address(broadcast: Broadcast, more: str = "") -> str:
    return f"/api/v1/broadcasts/{broadcast.pk}/segments/{more}"


def post(client: ApiClient, broadcast: Broadcast, **body: Any) -> Any:
    return client.post(address(broadcast), body)


def test_it_works(marketer: ApiClient, through: Broadcast) -> None:
    before = marketer.get(address(through)).json()
    assert (before["next_number"], before["left"], before["why_not_now"]) == (2, 20, "")
    found = marketer.post(address(through, "estimate/"), {"size": 5}).json()
    assert (found["number"], found["size"], found["people"], found["cost"]) == (2, 5, 5, "0.03950")
    sent = post(marketer, through, number=2, size=5, digest=found["digest"])
    assert sent.status_code == 201, sent.json()
    assert [(one["number"], one["size"], one["state"]) for one in sent.json()["segments"]] == [
        (1, 10, "finished"),
        (2, 5, "planning"),
    ]
    assert [step["decision"] for step in sent.json()["steps"]] == ["started"]


def test_the_estimate_names_who_left_out_of_it(marketer: ApiClient, through: Broadcast) -> None:
    gone, opted_out = messages_in(through, 0)[:2]
    Recipient.objects.filter(pk=gone.recipient_id).delete()
    OptOut.objects.create(workspace=through.workspace, msisdn=opted_out.msisdn)
    found = marketer.post(address(through, "estimate/"), {"size": 5}).json()
    assert [found[name] for name in ("left", "removed", "size", "opted_out", "people")] == [20, 1, 5, 1, 4]


def test_a_repeated_call_is_409_and_sends_nothing(marketer: ApiClient, through: Broadcast) -> None:
    assert post(marketer, through, number=2, size=5, confirm=True).status_code == 201
    again = post(marketer, through, number=2, size=5, confirm=True)
    assert (again.status_code, again.json()["code"]) == (409, "already_launched")
    assert through.segments.count() == 3


def test_a_number_that_is_not_the_next_is_409(marketer: ApiClient, through: Broadcast) -> None:
    answer = post(marketer, through, number=7, size=5, confirm=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_number")


def test_other_people_than_agreed_are_422(marketer: ApiClient, through: Broadcast) -> None:
    answer = post(marketer, through, number=2, size=5, people=6)
    assert (answer.status_code, answer.json()["code"]) == (422, "estimate_changed")
    assert messages_in(through, 1)
    assert through.segments.count() == 2


def test_without_a_word_of_agreement_nothing_is_sent(marketer: ApiClient, through: Broadcast) -> None:
    assert post(marketer, through, number=2, size=5).status_code == 400
    assert through.segments.count() == 2


def test_who_may_read_and_who_may_send(through: Broadcast) -> None:
    assert_access(address(through), viewer=200, marketer=200, wrong_method="put")
    assert_access(
        address(through),
        "post",
        data={"number": 2, "confirm": True},
        viewer=403,
        marketer=201,
        wrong_method="put",
    )


def test_a_draft_says_how_it_is_sent(marketer: ApiClient) -> None:
    made = marketer.post(
        "/api/v1/broadcasts/",
        {
            "kind": "smart_ctr",
            "first_segment_size": 1000,
            "next_segment_size": 2000,
            "conversion_threshold": "2.5",
            "recipient_cap": 5000,
            "exp_date": "2030-01-01T09:00:00+01:00",
        },
    )
    assert made.status_code == 201, made.json()
    wanted = {
        "kind": "smart_ctr",
        "first_segment_size": 1000,
        "next_segment_size": 2000,
        "conversion_threshold": "2.500",
        "recipient_cap": 5000,
        "minimum_sample": 100,
        "wait_minutes": 60,
    }
    assert {name: made.json()[name] for name in wanted} == wanted


def test_a_threshold_above_a_hundred_is_400(marketer: ApiClient) -> None:
    answer = marketer.post("/api/v1/broadcasts/", {"kind": "smart_ctr", "conversion_threshold": "101"})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["conversion_threshold"]
