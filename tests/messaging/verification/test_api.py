"""`/api/v1/verifications`: asked for, checked, resent and cancelled by programs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Role, Workspace
from messaging.models import Message, Sender, Verification
from messaging.verification.views import SAMPLE_TEXT
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.engine.makers import make_account, make_sender
from tests.messaging.verification.support import AHMAD, MAYA, code_of, move_back, started, wrong
from tests.people import ApiClient, api_client, workspace_named

pytestmark = pytest.mark.django_db

URL = "/api/v1/verifications/"
PROBLEM = "application/problem+json"


@pytest.fixture
def account(acme: Workspace, settings: Settings) -> ProviderAccount:
    settings.VERIFICATION_SECONDS_BETWEEN = 0
    return make_account(acme)


@pytest.fixture
def sender(acme: Workspace) -> Sender:
    return make_sender(acme)


@pytest.fixture
def made(account: ProviderAccount) -> Verification:
    return started(account).verification


@pytest.fixture
def client(db: None) -> ApiClient:
    return api_client()


@pytest.fixture
def body(account: ProviderAccount, sender: Sender) -> dict[str, Any]:
    return {"msisdn": f"+{MAYA}", "sender": sender.pk, "account": account.pk, "text": SAMPLE_TEXT}


def test_it_works(client: ApiClient, body: dict[str, Any]) -> None:
    response = client.post(URL, body | {"reference": "order 4711"})
    assert response.status_code == 201, response.content
    told = response.json()
    verification = Verification.objects.get()
    assert sorted(told) == [
        *("cost", "created_at", "currency", "expires_at", "id", "message", "msisdn", "parts", "reference"),
        *("state", "tries_left", "verified_at"),
    ]
    assert (told["id"], told["msisdn"], told["state"]) == (verification.pk, MAYA, "pending")
    assert (told["parts"], Decimal(told["cost"]), told["tries_left"]) == (1, Decimal("0.0079"), 5)
    assert (verification.api_key, verification.reference) == (client.api_key, "order 4711")
    code = code_of(verification)
    assert code not in response.content.decode()
    one = f"{URL}{verification.pk}/"
    assert client.get(one).json()["state"] == "pending"
    answer = client.post(f"{one}check/", {"code": code})
    assert answer.json() == {
        "valid": True,
        "state": "verified",
        "tries_left": 0,
        "verification": verification.pk,
        "detail": "The code is right.",
    }
    assert client.get(one).json()["verified_at"] is not None


def test_access(made: Verification) -> None:
    one = f"{URL}{made.pk}/"
    assert_access(URL, wrong_method="put")
    assert_access(URL, "post", viewer=403, marketer=400, wrong_method=None, data={})
    assert_access(one, wrong_method="patch")
    check = {"code": wrong(code_of(made))}
    assert_access(f"{one}check/", "post", viewer=403, marketer=200, wrong_method="get", data=check)
    assert_access(f"{one}resend/", "post", viewer=403, marketer=201, wrong_method="get")
    newest = Verification.objects.latest("pk")
    assert_access(f"{URL}{newest.pk}/cancel/", "post", viewer=403, marketer=200, wrong_method="get")
    by_number = {"msisdn": f"+{MAYA}", "code": "123456"}
    assert_access(
        f"{URL}check/", "post", viewer=403, marketer=200, stranger=404, wrong_method="get", data=by_number
    )


def test_a_stranger_can_neither_see_nor_check_nor_end_it(made: Verification) -> None:
    stranger = api_client(Role.OWNER, workspace_named("other"))
    one = f"{URL}{made.pk}/"
    assert stranger.get(URL).json()["results"] == []
    assert stranger.get(one).status_code == 404
    for action in ("check", "resend", "cancel"):
        asked = {"code": code_of(made)} if action == "check" else None
        assert stranger.post(f"{one}{action}/", asked).status_code == 404
    made.refresh_from_db()
    assert (made.state, made.tries) == ("pending", 0)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"text": "Hello"}, "text", "The text has no {{verification_code}}"),
        ({"text": "{{verification_code}} {{first_name}}"}, "text", "nor a recipient's fields"),
        ({"text": SAMPLE_TEXT + "x" * 600}, "text", "a verification's has at most 3"),
        ({"msisdn": "+442071838750"}, "msisdn", "is a landline"),
        ({"msisdn": "+449098790000"}, "msisdn", "is a premium-rate number"),
        ({"msisdn": "12"}, "msisdn", "“12”"),
        ({"length": 3}, "length", "length is 3: send a whole number from 4 to 10 instead."),
        ({"lifetime": 59}, "lifetime", "send a whole number from 60 to 86400 instead."),
        ({"max_tries": 11}, "max_tries", "send a whole number from 1 to 10 instead."),
        ({"reference": "x" * 161}, "reference", "at most 160 fit"),
        ({"sender": 987654}, "sender", "There is no sender 987654 in this workspace."),
        ({"account": 987654}, "account", "There is no account 987654 in this workspace."),
        ({"code": "123456"}, "code", "code"),
    ],
)
def test_it_refuses_in_words(
    client: ApiClient, body: dict[str, Any], given: dict[str, Any], field: str, said: str
) -> None:
    response = client.post(URL, body | given)
    assert response.status_code == 400, response.content
    assert response.headers["Content-Type"] == PROBLEM
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert said in error["detail"]
    assert not Verification.objects.exists()
    assert not Message.objects.exists()


def test_senders_and_accounts_of_others_do_not_exist(
    client: ApiClient, body: dict[str, Any], other: Workspace
) -> None:
    for field, row in (("sender", make_sender(other)), ("account", make_account(other))):
        assert client.post(URL, body | {field: row.pk}).json()["errors"][0]["field"] == field


def test_wrong_codes(client: ApiClient, made: Verification) -> None:
    url, code = f"{URL}{made.pk}/check/", wrong(code_of(made))
    told = client.post(url, {"code": code}).json()
    assert (told["valid"], told["state"], told["tries_left"]) == (False, "pending", 4)
    assert told["detail"] == "The code is wrong. 4 tries are left."
    for _ in range(4):
        told = client.post(url, {"code": code}).json()
    assert (told["valid"], told["state"], told["tries_left"]) == (False, "exhausted", 0)


@pytest.mark.parametrize("typed", ["48291", "48291x", "x" * 61, ""])
def test_what_is_no_code_is_not_repeated(client: ApiClient, made: Verification, typed: str) -> None:
    response = client.post(f"{URL}{made.pk}/check/", {"code": typed})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["field"], error.get("value")) == ("code", None)
    assert not typed or typed not in response.content.decode()
    made.refresh_from_db()
    assert made.tries == 0


def test_a_check_by_number_asks_the_newest(client: ApiClient, account: ProviderAccount) -> None:
    first = started(account).verification
    old_code = code_of(first)
    second = started(account).verification
    wanted = [
        (old_code, False, "pending"),
        (code_of(second), True, "verified"),
        (old_code, False, "verified"),
    ]
    for code, valid, state in wanted:
        told = client.post(f"{URL}check/", {"msisdn": "(201) 555-0101", "code": code}).json()
        assert (told["valid"], told["state"], told["verification"]) == (valid, state, second.pk)


def test_a_number_without_a_verification(client: ApiClient, made: Verification) -> None:
    response = client.post(f"{URL}check/", {"msisdn": f"+{AHMAD}", "code": "123456"})
    assert response.status_code == 404
    assert response.json()["detail"] == f"+{AHMAD} was never sent a code. Start a verification first."
    response = client.post(f"{URL}check/", {"msisdn": "12", "code": "123456"})
    assert response.json()["errors"][0]["field"] == "msisdn"


def test_resending_and_cancelling(client: ApiClient, made: Verification) -> None:
    code = code_of(made)
    again = client.post(f"{URL}{made.pk}/resend/")
    assert again.status_code == 201
    assert (again.json()["id"] != made.pk, again.json()["parts"]) == (True, 1)
    assert client.get(f"{URL}{made.pk}/").json()["state"] == "replaced"
    assert client.post(f"{URL}{made.pk}/check/", {"code": code}).json()["state"] == "replaced"
    refused = client.post(f"{URL}{made.pk}/resend/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_now")
    one = f"{URL}{again.json()['id']}/"
    assert client.post(f"{one}cancel/").json()["state"] == "cancelled"
    assert client.post(f"{one}cancel/").status_code == 409
    assert client.post(f"{one}resend/").status_code == 409


def too_soon(client: ApiClient, body: dict[str, Any], settings: Settings) -> Any:
    settings.VERIFICATION_SECONDS_BETWEEN = 30
    client.post(URL, body)
    return client.post(URL, body)


def too_many(client: ApiClient, body: dict[str, Any], settings: Settings) -> Any:
    settings.VERIFICATION_STARTS_PER_HOUR = 1
    client.post(URL, body)
    return client.post(URL, body)


def too_many_of_the_key(client: ApiClient, body: dict[str, Any], settings: Settings) -> Any:
    settings.VERIFICATION_STARTS_PER_KEY = 1
    client.post(URL, body)
    return client.post(URL, body | {"msisdn": f"+{AHMAD}"})


def too_many_wrong(client: ApiClient, body: dict[str, Any], settings: Settings) -> Any:
    settings.VERIFICATION_WRONG_PER_HOUR = 1
    url = f"{URL}{client.post(URL, body).json()['id']}/check/"
    code = wrong(code_of(Verification.objects.get()))
    client.post(url, {"code": code})
    return client.post(url, {"code": code})


@pytest.mark.parametrize(
    ("ask", "code", "least", "most"),
    [
        (too_soon, "too_soon", 25, 30),
        (too_many, "too_many_starts", 3590, 3600),
        (too_many_of_the_key, "too_many_starts_of_key", 50, 60),
        (too_many_wrong, "too_many_wrong_codes", 4190, 4200),
    ],
)
def test_too_much_is_429_and_says_when_to_come_back(
    client: ApiClient,
    body: dict[str, Any],
    settings: Settings,
    ask: Callable[[ApiClient, dict[str, Any], Settings], Any],
    code: str,
    least: int,
    most: int,
) -> None:
    response = ask(client, body, settings)
    assert response.status_code == 429
    assert response.headers["Content-Type"] == PROBLEM
    assert response.json()["code"] == code
    assert least <= int(response.headers["Retry-After"]) <= most
    assert response.json()["detail"].endswith(".")
    assert Verification.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [AHMAD, MAYA]),
        (f"?msisdn=%2B{MAYA}", [MAYA]),
        ("?state=pending", [AHMAD]),
        ("?state=expired", [MAYA]),
        ("?state=verified", []),
        ("?reference=two", [AHMAD]),
    ],
)
def test_the_list_is_filtered(account: ProviderAccount, query: str, found: list[str]) -> None:
    move_back(started(account, MAYA, reference="one").verification, timedelta(minutes=10))
    started(account, AHMAD, reference="two")
    rows = api_client(Role.VIEWER).get(f"{URL}{query}").json()["results"]
    assert [row["msisdn"] for row in rows] == found


def test_nothing_secret_is_in_any_answer(client: ApiClient, made: Verification) -> None:
    for url in (URL, f"{URL}{made.pk}/", f"/api/v1/messages/{made.message_id}/"):
        page = client.get(url).content.decode()
        for secret in (code_of(made), made.salt, made.code_hash, made.sealed_code):
            assert secret not in page
