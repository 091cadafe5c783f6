"""Senders: checked by the trade's rules, bound to accounts, the same by page and API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from campaigns.services.drafts import create_draft
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.sender_lists import create_sender_list
from messaging.senders import (
    allow_accounts,
    allow_countries,
    country_problem,
    create_sender,
    sender_problem,
    set_default_sender,
    set_sender_enabled,
    update_sender,
)
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.people import ApiClient, api_client
from tests.providers.makers import make_account

NUMBER, NAME = "12025550100", "Northwind"
Api = Callable[..., ApiClient]


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "bulkvs", name="Bulk")


@pytest.fixture
def sender(acme: Workspace) -> Sender:
    return create_sender(workspace=acme, actor=Actor(), value=NUMBER)


# --- the service ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (NUMBER, NUMBER),
        (" +1 (202) 555-0100 ", NUMBER),
        (f"00{NUMBER}", NUMBER),
        ("00123", "00123"),
        (NAME, NAME),
        ("Shop & Co", "Shop & Co"),
        ("24-7 Taxi", "24-7 Taxi"),
        ("12345", "12345"),
    ],
)
def test_it_works(acme: Workspace, alice: User, typed: str, stored: str) -> None:
    made = create_sender(workspace=acme, actor=Actor(user=alice), value=typed)
    assert Sender.objects.get(workspace=acme).value == made.value == stored
    assert AuditEntry.objects.get(user=alice).action == "created"


@pytest.mark.parametrize("value", ["", "  ", "Zoë", "Northwind Ltd", "1" * 21, "+", "a\x00b", "!!"])
def test_rejects_what_is_no_sender(acme: Workspace, value: str) -> None:
    with pytest.raises(MessagingError) as caught:
        create_sender(workspace=acme, actor=Actor(), value=value)
    assert caught.value.field == "value"
    assert not Sender.objects.exists()


def test_rejects_a_sender_that_is_there(sender: Sender) -> None:
    with pytest.raises(MessagingError, match="is there already") as caught:
        create_sender(workspace=sender.workspace, actor=Actor(), value="+" + NUMBER)
    assert caught.value.code == "sender_exists"


def test_two_workspaces_may_have_the_same(sender: Sender, other: Workspace) -> None:
    create_sender(workspace=other, actor=Actor(), value=NUMBER)
    assert Sender.objects.count() == 2


def test_rejects_accounts_of_others(sender: Sender, other: Workspace) -> None:
    with pytest.raises(MessagingError) as caught:
        allow_accounts(sender=sender, actor=Actor(), accounts=[make_account(other)])
    assert caught.value.field == "accounts"
    assert not sender.accounts.exists()


def test_enabling_is_noted_once(sender: Sender, bob: User) -> None:
    for _ in range(2):
        set_sender_enabled(sender=sender, enabled=False, actor=Actor(user=bob))
    assert not Sender.objects.get().enabled
    assert [entry.action for entry in AuditEntry.objects.filter(user=bob)] == ["disabled"]


# --- countries and the default -----------------------------------------------------------------------


def test_countries_are_kept_in_capitals_once(sender: Sender, bob: User) -> None:
    allow_countries(sender=sender, actor=Actor(user=bob), countries=["us", " ca", "US", ""])
    assert Sender.objects.get().countries == ["CA", "US"]
    assert AuditEntry.objects.get(user=bob).details == {"countries": ["CA", "US"]}


def test_rejects_what_is_no_country(sender: Sender) -> None:
    with pytest.raises(MessagingError, match="“XQ” is no country") as caught:
        allow_countries(sender=sender, actor=Actor(), countries=["US", "xq"])
    assert caught.value.field == "countries"
    assert Sender.objects.get().countries == []


@pytest.mark.parametrize(
    ("countries", "msisdn", "may"),
    [([], "447400123456", True), (["US"], "12015550123", True), (["US", "CA"], "447400123456", False)],
)
def test_a_sender_sends_to_its_countries(
    sender: Sender, countries: list[str], msisdn: str, may: bool
) -> None:
    allow_countries(sender=sender, actor=Actor(), countries=countries)
    assert (country_problem(sender, msisdn) is None) is may


def test_a_workspace_has_one_default(sender: Sender, acme: Workspace) -> None:
    second = create_sender(workspace=acme, actor=Actor(), value=NAME, is_default=True)
    set_default_sender(sender=sender, actor=Actor())
    assert list(Sender.objects.filter(is_default=True)) == [sender]
    second.refresh_from_db()
    set_default_sender(sender=second, actor=Actor(), on=False)
    assert list(Sender.objects.filter(is_default=True)) == [sender]


def test_a_disabled_sender_is_no_default(sender: Sender) -> None:
    set_default_sender(sender=sender, actor=Actor())
    set_sender_enabled(sender=sender, enabled=False, actor=Actor())
    sender.refresh_from_db()
    assert not sender.is_default
    with pytest.raises(MessagingError, match="Enable it first") as caught:
        set_default_sender(sender=sender, actor=Actor())
    assert caught.value.field == "is_default"


def test_all_of_a_change_or_nothing(sender: Sender, acme: Workspace) -> None:
    with pytest.raises(MessagingError):
        update_sender(sender=sender, actor=Actor(), accounts=[make_account(acme)], countries=["nowhere"])
    assert not sender.accounts.exists()


# --- may this account send as it ----------------------------------------------------------------------


def test_every_account_may_where_none_is_named(sender: Sender, account: ProviderAccount) -> None:
    assert sender_problem(sender, account) is None


def test_only_the_named_accounts_may(sender: Sender, account: ProviderAccount, acme: Workspace) -> None:
    whiz = make_account(acme, name="Whiz")
    allow_accounts(sender=sender, actor=Actor(), accounts=[whiz])
    assert sender_problem(sender, whiz) is None
    problem = sender_problem(sender, account)
    assert problem is not None
    assert problem.startswith("Bulk may not use the sender 12025550100.")


def test_a_name_needs_a_vendor_that_takes_names(acme: Workspace, account: ProviderAccount) -> None:
    name = create_sender(workspace=acme, actor=Actor(), value=NAME)
    assert sender_problem(name, make_account(acme)) is None
    assert sender_problem(name, account) == (
        "BulkVS sends from numbers only, and “Northwind” is a name. Choose a number as the sender, or an"
        " account of another vendor."
    )


def test_a_kind_of_number_that_the_vendor_lacks_is_said(acme: Workspace, account: ProviderAccount) -> None:
    short = create_sender(workspace=acme, actor=Actor(), value="54321")
    assert sender_problem(short, account) == (
        "BulkVS sends from numbers of 11 digits (1NPANXXXXXX), not from 54321. Choose another sender, or an account of"
        " another vendor."
    )


# --- pages ------------------------------------------------------------------------------------------


def test_access(sender: Sender) -> None:
    one = f"/senders/{sender.pk}/"
    assert_access("/senders/")
    assert_access("/senders/", "post", viewer=403, marketer=422, data={"value": ""})
    assert_access(one)
    assert_access(one, "post", viewer=403, marketer=302)
    assert_access(f"{one}enabled/", "post", viewer=403, marketer=302, wrong_method="get")


def test_a_sender_is_added(account: ProviderAccount, bob_client: Client) -> None:
    assert (
        bob_client.post("/senders/", {"value": "+1 202 555 0100", "accounts": [account.pk]}).status_code
        == 302
    )
    made = Sender.objects.get()
    assert (made.value, list(made.accounts.all())) == (NUMBER, [account])
    assert "Bulk" in bob_client.get("/senders/").content.decode()


def test_a_refusal_stands_at_its_field(acme: Workspace, bob_client: Client) -> None:
    response = bob_client.post("/senders/", {"value": "Northwind Ltd"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "has 13 characters: shorten it to 11" in page
    assert 'value="Northwind Ltd"' in page


def test_accounts_of_others_are_not_offered_nor_taken(
    sender: Sender, other: Workspace, bob_client: Client
) -> None:
    theirs = make_account(other, name="Theirs")
    assert "Theirs" not in bob_client.get(f"/senders/{sender.pk}/").content.decode()
    response = bob_client.post(f"/senders/{sender.pk}/", {"accounts": [theirs.pk]})
    assert response.status_code == 422
    assert not sender.accounts.exists()


def test_a_disabled_account_stays_where_it_is_chosen(
    sender: Sender, account: ProviderAccount, bob_client: Client
) -> None:
    allow_accounts(sender=sender, actor=Actor(), accounts=[account])
    ProviderAccount.objects.update(enabled=False)
    assert "Bulk" in bob_client.get(f"/senders/{sender.pk}/").content.decode()
    assert bob_client.post(f"/senders/{sender.pk}/", {"accounts": [account.pk]}).status_code == 302
    assert list(sender.accounts.all()) == [account]


def test_a_sender_is_edited(sender: Sender, account: ProviderAccount, bob_client: Client) -> None:
    data = {"accounts": [account.pk], "countries": ["US"], "add_countries": "CA", "is_default": "on"}
    assert bob_client.post(f"/senders/{sender.pk}/", data).status_code == 302
    sender.refresh_from_db()
    assert (sender.countries, sender.is_default) == (["CA", "US"], True)
    page = bob_client.get(f"/senders/{sender.pk}/").content.decode()
    assert page.count('name="countries" value="CA"') == 1
    assert '<option value="CA">' not in page
    bob_client.post(f"/senders/{sender.pk}/", {"countries": ["CA", "US"], "remove_countries": "US"})
    sender.refresh_from_db()
    assert (sender.countries, sender.is_default, list(sender.accounts.all())) == (["CA"], False, [])


def test_a_wrong_country_stands_at_its_field(sender: Sender, bob_client: Client) -> None:
    response = bob_client.post(f"/senders/{sender.pk}/", {"countries": ["Atlantis"]})
    assert response.status_code == 422
    assert "“ATLANTIS” is no country" in response.content.decode()


def test_senders_are_searched_and_paged(acme: Workspace, bob_client: Client) -> None:
    Sender.objects.bulk_create(Sender(workspace=acme, value=f"1202555{n:04}") for n in range(60))
    page = bob_client.get("/senders/").content.decode()
    assert "12025550059" in page and "12025550005" not in page and 'rel="next"' in page
    found = bob_client.get("/senders/?q=%2B12025550005").content.decode()
    assert "12025550005" in found and "12025550059" not in found
    assert "No sender matches" in bob_client.get("/senders/?q=zebra").content.decode()


def test_what_uses_it_is_shown(acme: Workspace, sender: Sender, bob: User, bob_client: Client) -> None:
    assert "Nothing uses it yet" in bob_client.get(f"/senders/{sender.pk}/").content.decode()
    create_sender_list(workspace=acme, actor=Actor(), name="Main numbers", senders=[sender])
    create_draft(workspace=acme, actor=Actor(user=bob), name="Autumn sale")
    page = bob_client.get(f"/senders/{sender.pk}/").content.decode()
    assert "Main numbers" in page and "Autumn sale" in page


@pytest.mark.parametrize(("on", "enabled"), [("0", False), ("1", True)])
def test_switch(sender: Sender, bob_client: Client, on: str, enabled: bool) -> None:
    Sender.objects.update(enabled=not enabled)
    bob_client.post(f"/senders/{sender.pk}/enabled/", {"on": on})
    assert Sender.objects.get().enabled is enabled


def test_viewers_get_no_forms(sender: Sender, victor_client: Client) -> None:
    for url in ("/senders/", f"/senders/{sender.pk}/"):
        main = victor_client.get(url).content.decode().split("<main")[1].split("</main>")[0]
        assert 'method="post"' not in main


def test_the_list_costs_the_same_however_long(
    acme: Workspace, account: ProviderAccount, victor_client: Client
) -> None:
    victor_client.get("/senders/")
    counts = []
    for number in range(12):
        create_sender(workspace=acme, actor=Actor(), value=f"120255501{number:02}", accounts=[account])
        if number in (0, 11):
            with CaptureQueriesContext(connection) as queries:
                victor_client.get("/senders/")
            counts.append(len(queries))
    assert counts[0] == counts[1] < 9


# --- API ----------------------------------------------------------------------------------------------


def test_api_access(sender: Sender) -> None:
    one = f"/api/v1/senders/{sender.pk}/"
    assert_access("/api/v1/senders/", wrong_method="put")
    assert_access("/api/v1/senders/", "post", viewer=403, marketer=400, wrong_method=None, data={})
    assert_access(one)
    assert_access(one, "patch", viewer=403, marketer=200, wrong_method="put", data={"enabled": True})


def test_api_creates_and_changes(api: Api, account: ProviderAccount) -> None:
    client = api("marketer")
    response = client.post("/api/v1/senders/", {"value": NAME, "accounts": [account.pk], "enabled": False})
    assert response.status_code == 201, response.content
    body = response.json()
    assert (body["value"], body["kind"], body["enabled"], body["accounts"]) == (
        NAME,
        "alphanumeric",
        False,
        [account.pk],
    )
    url = f"/api/v1/senders/{body['id']}/"
    assert client.patch(url, {"enabled": True, "value": "Other"}).json()["errors"][0]["field"] == "value"
    changed = client.patch(url, {"enabled": True, "accounts": []}).json()
    assert (changed["value"], changed["enabled"], changed["accounts"]) == (NAME, True, [])
    assert AuditEntry.objects.filter(api_key__isnull=False).count() == 4


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"value": "Zoë"}, 400, "“ë”"),
        ({"value": "x" * 41}, 400, "40"),
        ({"value": NUMBER}, 409, "is there already"),
        ({"value": NAME, "accounts": [987654]}, 400, "987654"),
        ({"accounts": []}, 400, "value is missing"),
        ({"value": NAME, "countries": ["XQ"]}, 400, "“XQ” is no country"),
    ],
)
def test_api_refuses_in_words(
    api: Api, sender: Sender, given: dict[str, object], status: int, said: str
) -> None:
    response = api("marketer").post("/api/v1/senders/", given)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert said in response.json()["detail"]
    assert Sender.objects.count() == 1


def test_api_countries_and_default(api: Api, sender: Sender) -> None:
    url = f"/api/v1/senders/{sender.pk}/"
    changed = api("marketer").patch(url, {"countries": ["us"], "is_default": True}).json()
    assert (changed["countries"], changed["is_default"]) == (["US"], True)
    refused = api("marketer").patch(url, {"enabled": False, "is_default": True})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "is_default"
    assert Sender.objects.get().enabled


def test_api_walls(api: Api, sender: Sender, other: Workspace) -> None:
    theirs = make_account(other)
    response = api("marketer").patch(f"/api/v1/senders/{sender.pk}/", {"accounts": [theirs.pk]})
    assert response.status_code == 400
    assert api("marketer", other).get("/api/v1/senders/").json()["results"] == []


@pytest.mark.parametrize("value", [{}, {"2": 0}])
@pytest.mark.parametrize(
    ("method", "url", "field"),
    [
        ("patch", "/api/v1/senders/{id}/", "accounts"),
        ("post", "/api/v1/senders/", "accounts"),
        ("post", "/api/v1/sender-lists/", "senders"),
    ],
)
def test_an_object_is_no_list_of_ids(
    sender: Sender, account: ProviderAccount, value: object, method: str, url: str, field: str
) -> None:
    data = {"post": {"name": "Shop"} if field == "senders" else {"value": "NEW"}, "patch": {}}[method]
    answer = getattr(api_client("admin"), method)(url.format(id=sender.pk), {**data, field: value})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, field, "not_a_list")
    assert "send a list of ids, such as [1, 2]" in error["detail"]
    assert Sender.objects.count() == 1
