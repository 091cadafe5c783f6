"""The ledger through the API: read by number, state and broadcast; single texts go through it too."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Role, Workspace
from campaigns.models import Broadcast
from contacts.models import OptOut
from messaging.models import Dispatch, Message
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.engine.makers import make_account, make_sender
from tests.messaging.links.makers import make_link
from tests.people import ApiClient, api_client

pytestmark = pytest.mark.django_db

URL = "/api/v1/messages/"


@pytest.fixture
def marketer(db: None) -> ApiClient:
    return api_client(Role.MARKETER)


@pytest.fixture
def body(acme: Workspace) -> dict[str, Any]:
    account, sender = make_account(acme), make_sender(acme)
    return {"account": account.pk, "sender": sender.pk, "msisdn": "(201) 555-0123", "text": "Hello"}


def test_access(running: Broadcast, message: Message) -> None:
    assert_access(URL, viewer=200, marketer=200, wrong_method="put", missing=False)
    assert_access(f"{URL}{message.pk}/", viewer=200, wrong_method="delete")


def test_a_viewers_key_sends_nothing(body: dict[str, Any]) -> None:
    assert_access(URL, "post", data=body, viewer=403, marketer=201, wrong_method="put", missing=False)


def test_it_works(marketer: ApiClient, body: dict[str, Any]) -> None:
    answer = marketer.post(URL, body)

    assert answer.status_code == 201
    sent = answer.json()
    assert (sent["msisdn"], sent["state"], sent["broadcast"], sent["dlr"]) == (
        "12015550123",
        "queued",
        None,
        None,
    )
    assert marketer.get(f"{URL}{sent['id']}/").json()["history"] == []


def test_a_text_longer_than_a_day_is_refused(marketer: ApiClient, body: dict[str, Any]) -> None:
    ProviderAccount.objects.update(parts_per_day=2)
    answer = marketer.post(URL, body | {"text": "x" * 400, "parts": 3})
    assert answer.status_code == 400
    assert "3 parts, more than bulkvs test may send on a whole day (2): it would never go." in str(
        answer.json()
    )
    assert not Message.objects.exists()


def test_the_answer_has_the_text(marketer: ApiClient, body: dict[str, Any]) -> None:
    assert marketer.post(URL, body | {"text": "Hi {{first_name|there}}"}).json()["text"] == "Hi there"


def test_what_is_doubtful_in_a_text_is_told_and_yet_sent(
    acme: Workspace, marketer: ApiClient, body: dict[str, Any]
) -> None:
    assert marketer.post(URL, body).json()["warnings"] == []
    link = make_link(acme)
    text = f"Sale{{{{link:{link.pk}}}}}\u200b now {{first_name}}"
    answer = marketer.post(URL, body | {"text": text})
    assert answer.status_code == 201
    warnings = {one["code"]: one["detail"] for one in answer.json()["warnings"]}
    assert sorted(warnings) == ["glued_before_link", "stray_braces", "unseen_characters"]
    assert warnings["glued_before_link"].startswith("“e” stands right before {{link:")


def test_each_wrong_token_is_told_at_its_place(marketer: ApiClient, body: dict[str, Any]) -> None:
    [error] = marketer.post(URL, body | {"text": "x\n {{link:999}} {{nope}}\n{{first_name"}).json()["errors"]
    assert error["detail"].startswith("Line 2, column 2: {{link:999}}: there is no link with the number 999.")
    assert " Line 2, column 15: {{nope}} is no token" in error["detail"]
    assert " Line 3, column 1: " in error["detail"]


def test_a_line_end_is_one_character(marketer: ApiClient, body: dict[str, Any]) -> None:
    assert marketer.post(URL, body | {"text": "y" * 158 + "\r\nz"}).json()["parts"] == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"msisdn": "12"}, "msisdn"),
        ({"text": " "}, "text"),
        ({"text": "{{first_name}}"}, "text"),
        ({"parts": 0}, "parts"),
        ({"text": "Hi {{frist_name}}"}, "text"),
        ({"account": 987654}, "account"),
        ({"sender": 987654}, "sender"),
    ],
)
def test_bad_input_is_named(
    marketer: ApiClient, body: dict[str, Any], changes: dict[str, Any], field: str
) -> None:
    answer = marketer.post(URL, body | changes)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == field
    assert not Message.objects.exists()


def test_parts_and_cost_are_in_the_answer(marketer: ApiClient, body: dict[str, Any]) -> None:
    sent = marketer.post(URL, body | {"text": "x" * 400}).json()

    assert (sent["parts"], sent["cost"], sent["currency"]) == (3, "0.02370", "USD")
    assert Dispatch.objects.get().agreed_parts == 3


def test_the_cost_is_null_without_a_price(marketer: ApiClient, body: dict[str, Any], acme: Workspace) -> None:
    acme.provider_accounts.update(default_price=None)

    assert marketer.post(URL, body).json()["cost"] is None


def test_many_parts_have_to_be_agreed_to(marketer: ApiClient, body: dict[str, Any]) -> None:
    body |= {"text": "x" * 1500}

    refused = marketer.post(URL, body)

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["detail"] == (
        "This text has 10 parts, and each is paid for. Shorten it, or agree to 10 parts."
    )
    assert (problem["code"], problem["parts"], problem["cost"], problem["currency"]) == (
        "parts_not_agreed",
        10,
        "0.07900",
        "USD",
    )
    assert marketer.post(URL, body | {"parts": 9}).status_code == 422
    assert not Message.objects.exists()
    assert marketer.post(URL, body | {"parts": 10}).status_code == 201


def test_fewer_parts_than_usual_can_be_agreed_to(marketer: ApiClient, body: dict[str, Any]) -> None:
    assert marketer.post(URL, body | {"text": "x" * 161, "parts": 1}).status_code == 422


def test_a_text_that_the_account_does_not_take_is_refused(marketer: ApiClient, body: dict[str, Any]) -> None:
    answer = marketer.post(URL, body | {"text": "x" * 1601, "parts": 99})

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["detail"]) == (
        "text",
        "The text has 1,601 characters; bulkvs test takes at most 1,600. Shorten it.",
    )
    assert not Message.objects.exists()


def test_who_opted_out_is_not_texted(marketer: ApiClient, body: dict[str, Any], acme: Workspace) -> None:
    OptOut.objects.create(workspace=acme, msisdn="12015550123")

    answer = marketer.post(URL, body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["detail"] == "+12015550123 has opted out and is not texted."


def test_a_disabled_account_is_refused(marketer: ApiClient, body: dict[str, Any], acme: Workspace) -> None:
    acme.provider_accounts.update(enabled=False)

    answer = marketer.post(URL, body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "account"


def test_they_are_found_by_number(marketer: ApiClient, running: Broadcast, message: Message) -> None:
    for written in (message.msisdn, f"+{message.msisdn}"):
        found = marketer.get(URL, {"msisdn": written}).json()["results"]
        assert [one["id"] for one in found] == [message.pk]


def test_they_are_found_by_broadcast(marketer: ApiClient, running: Broadcast) -> None:
    assert len(marketer.get(URL, {"broadcast": running.pk}).json()["results"]) == 30
    assert marketer.get(URL, {"broadcast": running.pk + 1}).json()["results"] == []


def test_a_stranger_sees_none(running: Broadcast, other: Workspace) -> None:
    assert api_client(Role.OWNER, other).get(URL).json()["results"] == []
