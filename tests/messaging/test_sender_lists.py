"""Sender lists: services, pages, API and admin, the same rules in each."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import Actor
from accounts.models import AuditEntry, User, Workspace
from messaging.errors import MessagingError
from messaging.models import Sender, SenderList
from messaging.sender_lists import (
    MEMBERS_MOST,
    add_senders,
    create_sender_list,
    duplicate_sender_list,
    set_sender_list_enabled,
    update_sender_list,
    usable_senders,
)
from messaging.senders import allow_accounts, create_sender, set_sender_enabled
from tests.access import assert_access
from tests.people import ApiClient
from tests.providers.makers import make_account

NUMBERS = ["12025550101", "12025550102", "12025550103"]
Api = Callable[..., ApiClient]


@pytest.fixture
def senders(acme: Workspace) -> list[Sender]:
    return [create_sender(workspace=acme, actor=Actor(), value=value) for value in NUMBERS]


@pytest.fixture
def several(acme: Workspace, senders: list[Sender]) -> SenderList:
    return create_sender_list(workspace=acme, actor=Actor(), name="Main numbers", senders=senders[:2])


def values_of(sender_list: SenderList) -> list[str]:
    return list(sender_list.senders.order_by("value").values_list("value", flat=True))


# --- services -------------------------------------------------------------------------------------------


def test_it_works(acme: Workspace, senders: list[Sender], bob: User) -> None:
    made = create_sender_list(
        workspace=acme, actor=Actor(user=bob), name="  Main   numbers ", choice="sticky", senders=senders
    )
    assert (made.name, made.choice, made.enabled, values_of(made)) == (
        "Main numbers",
        "sticky",
        True,
        NUMBERS,
    )
    entry = AuditEntry.objects.get(user=bob)
    assert (entry.action, entry.details) == ("created", {"choice": "sticky", "senders": NUMBERS})


@pytest.mark.parametrize(
    ("given", "field"),
    [({"name": " "}, "name"), ({"name": "x" * 101}, "name"), ({"name": "A", "choice": "often"}, "choice")],
)
def test_rejects(acme: Workspace, given: dict[str, str], field: str) -> None:
    with pytest.raises(MessagingError) as caught:
        create_sender_list(workspace=acme, actor=Actor(), **given)  # type: ignore[arg-type]  # as people may
    assert caught.value.field == field
    assert not SenderList.objects.exists()


def test_rejects_a_name_that_is_there(several: SenderList, other: Workspace) -> None:
    with pytest.raises(MessagingError, match="already") as caught:
        create_sender_list(workspace=several.workspace, actor=Actor(), name="main NUMBERS")
    assert caught.value.code == "name_taken"
    create_sender_list(workspace=other, actor=Actor(), name="Main numbers")


def test_rejects_senders_of_others(several: SenderList, other: Workspace) -> None:
    theirs = create_sender(workspace=other, actor=Actor(), value="Theirs")
    with pytest.raises(MessagingError) as caught:
        update_sender_list(sender_list=several, actor=Actor(), name="New", senders=[theirs])
    assert caught.value.field == "senders"
    several.refresh_from_db()
    assert (several.name, values_of(several)) == ("Main numbers", NUMBERS[:2])


def test_rejects_too_many(acme: Workspace, several: SenderList) -> None:
    Sender.objects.bulk_create(
        Sender(workspace=acme, value=f"1202556{n:04}") for n in range(MEMBERS_MOST + 1)
    )
    with pytest.raises(MessagingError, match="holds 500 senders at most, and these are 504"):
        add_senders(sender_list=several, actor=Actor(), senders=Sender.objects.filter(workspace=acme))


def test_what_is_changed_is_noted_and_the_same_again_is_not(
    several: SenderList, senders: list[Sender], bob: User
) -> None:
    for _ in range(2):
        update_sender_list(
            sender_list=several, actor=Actor(user=bob), name="All", choice="sticky", senders=senders
        )
        set_sender_list_enabled(sender_list=several, actor=Actor(user=bob), enabled=False)
    changed, disabled = AuditEntry.objects.filter(user=bob).order_by("id")
    assert changed.details == {"was": "Main numbers", "choice": "sticky", "senders": NUMBERS}
    assert disabled.action == "disabled"


def test_copies_get_names_of_their_own(several: SenderList) -> None:
    set_sender_list_enabled(sender_list=several, actor=Actor(), enabled=False)
    first = duplicate_sender_list(sender_list=several, actor=Actor())
    second = duplicate_sender_list(sender_list=several, actor=Actor())
    assert (first.name, second.name) == ("Copy of Main numbers", "Copy 2 of Main numbers")
    assert (first.enabled, values_of(first)) == (True, NUMBERS[:2])


def test_what_an_account_may_use(several: SenderList, senders: list[Sender], acme: Workspace) -> None:
    add_senders(sender_list=several, actor=Actor(), senders=senders)
    whiz, bulk = make_account(acme), make_account(acme, "bulkvs")
    allow_accounts(sender=senders[0], actor=Actor(), accounts=[bulk])
    set_sender_enabled(sender=senders[1], enabled=False, actor=Actor())
    usable = usable_senders(several, whiz)
    assert [sender.value for sender in usable.senders] == NUMBERS[2:]
    assert [sender.value for sender, _problem in usable.left_out] == NUMBERS[:2]
    assert "may not use the sender 12025550101" in usable.left_out[0][1]


# --- pages ----------------------------------------------------------------------------------------------


def test_access(several: SenderList, senders: list[Sender]) -> None:
    one = f"/senders/lists/{several.pk}/"
    assert_access("/senders/lists/")
    assert_access("/senders/lists/", "post", viewer=403, marketer=422, data={"name": ""})
    assert_access(one)
    assert_access(one, "post", viewer=403, marketer=302, data={"name": "All", "choice": "random"})
    for door in ("add", "enabled", "duplicate", f"remove/{senders[0].pk}"):
        assert_access(f"{one}{door}/", "post", viewer=403, marketer=302, wrong_method="get")


def test_a_list_is_made_and_filled(senders: list[Sender], bob_client: Client) -> None:
    response = bob_client.post("/senders/lists/", {"name": "Main", "choice": "sticky"})
    made = SenderList.objects.get()
    assert (response.headers["Location"], made.choice) == (f"/senders/lists/{made.pk}/", "sticky")
    assert (
        "A broadcast cannot go out from an empty list"
        in bob_client.get(response.headers["Location"]).content.decode()
    )
    bob_client.post(f"/senders/lists/{made.pk}/add/", {"sender": [senders[0].pk, senders[2].pk, "zebra"]})
    assert values_of(made) == [NUMBERS[0], NUMBERS[2]]
    bob_client.post(f"/senders/lists/{made.pk}/remove/{senders[0].pk}/")
    assert values_of(made) == [NUMBERS[2]]
    # The toast's Undo.
    bob_client.post(f"/senders/lists/{made.pk}/add/?sender={senders[0].pk}")
    assert values_of(made) == [NUMBERS[0], NUMBERS[2]]


def test_senders_of_others_are_not_offered_nor_taken(
    several: SenderList, other: Workspace, bob_client: Client
) -> None:
    theirs = create_sender(workspace=other, actor=Actor(), value="Theirs")
    assert "Theirs" not in bob_client.get(f"/senders/lists/{several.pk}/").content.decode()
    bob_client.post(f"/senders/lists/{several.pk}/add/", {"sender": [theirs.pk]})
    assert values_of(several) == NUMBERS[:2]


def test_a_refusal_stands_at_its_field(several: SenderList, bob_client: Client) -> None:
    create_sender_list(workspace=several.workspace, actor=Actor(), name="Second")
    response = bob_client.post(f"/senders/lists/{several.pk}/", {"name": "second", "choice": "random"})
    page = response.content.decode()
    assert response.status_code == 422
    assert "There is a sender list “second” already" in page
    assert "<title>Main numbers" in page.replace("\n", "")


def test_offered_senders_are_few_and_found_by_search(
    several: SenderList, acme: Workspace, bob_client: Client
) -> None:
    Sender.objects.bulk_create(Sender(workspace=acme, value=f"1202556{n:04}") for n in range(60))
    page = bob_client.get(f"/senders/lists/{several.pk}/").content.decode()
    assert page.count('name="sender"') == 50
    assert "The first 50 are shown" in page
    found = bob_client.get(f"/senders/lists/{several.pk}/?q=12025560059").content.decode()
    assert found.count('name="sender"') == 1


def test_viewers_get_no_forms(several: SenderList, victor_client: Client) -> None:
    for url in ("/senders/lists/", f"/senders/lists/{several.pk}/"):
        main = victor_client.get(url).content.decode().split("<main")[1].split("</main>")[0]
        assert 'method="post"' not in main


def test_pages_cost_the_same_however_long(
    several: SenderList, senders: list[Sender], acme: Workspace, victor_client: Client
) -> None:
    counts = []
    for number in range(12):
        made = create_sender_list(
            workspace=acme, actor=Actor(), name=f"List {number}", senders=senders[: number % 3 + 1]
        )
        if number in (0, 11):
            for url in ("/senders/lists/", f"/senders/lists/{made.pk}/"):
                victor_client.get(url)
                with CaptureQueriesContext(connection) as queries:
                    victor_client.get(url)
                counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) < 12


# --- API ------------------------------------------------------------------------------------------------


def test_api_access(several: SenderList) -> None:
    one = f"/api/v1/sender-lists/{several.pk}/"
    assert_access("/api/v1/sender-lists/", wrong_method="put")
    assert_access("/api/v1/sender-lists/", "post", viewer=403, marketer=400, wrong_method=None, data={})
    assert_access(one)
    assert_access(one, "patch", viewer=403, marketer=200, wrong_method="put", data={"enabled": True})


def test_api_creates_and_changes(api: Api, senders: list[Sender]) -> None:
    client = api("marketer")
    made = client.post(
        "/api/v1/sender-lists/", {"name": "Main", "choice": "sticky", "senders": [senders[0].pk]}
    )
    assert made.status_code == 201, made.content
    body = made.json()
    assert (body["choice"], body["senders"], body["enabled"]) == ("sticky", [senders[0].pk], True)
    url = f"/api/v1/sender-lists/{body['id']}/"
    changed = client.patch(url, {"senders": [senders[1].pk, senders[2].pk], "enabled": False}).json()
    assert (sorted(changed["senders"]), changed["enabled"]) == ([senders[1].pk, senders[2].pk], False)
    assert client.get("/api/v1/sender-lists/?enabled=true").json()["results"] == []


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"name": "main numbers"}, 409, "already"),
        ({"name": ""}, 400, "name"),
        ({"name": "New", "choice": "often"}, 400, "often"),
        ({"name": "New", "senders": [987654]}, 400, "987654"),
    ],
)
def test_api_refuses_in_words(
    api: Api, several: SenderList, given: dict[str, object], status: int, said: str
) -> None:
    response = api("marketer").post("/api/v1/sender-lists/", given)
    assert response.status_code == status, response.content
    assert said in response.json()["detail"]
    assert SenderList.objects.count() == 1


def test_api_walls(api: Api, several: SenderList, other: Workspace) -> None:
    theirs = create_sender(workspace=other, actor=Actor(), value="Theirs")
    url = f"/api/v1/sender-lists/{several.pk}/"
    assert api("marketer").patch(url, {"senders": [theirs.pk]}).status_code == 400
    assert api("marketer", other).get(url).status_code == 404
    assert values_of(several) == NUMBERS[:2]


# --- admin ----------------------------------------------------------------------------------------------


@pytest.fixture
def admin_client(alice: User, alice_client: Client) -> Client:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    return alice_client


def test_admin_goes_through_the_services(several: SenderList, admin_client: Client, alice: User) -> None:
    url = f"/admin/messaging/senderlist/{several.pk}/change/"
    page = admin_client.get(url).content.decode()
    assert all(f'value="{one.pk}" selected' in page for one in several.senders.all())
    kept = several.senders.first()
    assert kept is not None
    admin_client.post(url, {"name": "All", "choice": "sticky", "senders": [kept.pk]})
    several.refresh_from_db()
    assert (several.name, several.choice, several.enabled) == ("All", "sticky", False)
    assert list(several.senders.all()) == [kept]
    actions = AuditEntry.objects.filter(user=alice, subject="senderlist").values_list("action", flat=True)
    assert sorted(actions) == ["changed", "disabled"]


def test_admin_adds_a_list_of_one_workspace(
    senders: list[Sender], admin_client: Client, acme: Workspace, other: Workspace
) -> None:
    url = "/admin/messaging/senderlist/add/"
    foreign = create_sender(workspace=other, actor=Actor(), value="12025550177")
    given = {"workspace": acme.pk, "name": "New", "choice": "random", "enabled": "on"}
    wrong = admin_client.post(url, given | {"senders": [senders[0].pk, foreign.pk]})
    assert "One of these belongs to another workspace" in wrong.content.decode()
    assert not SenderList.objects.filter(name="New").exists()
    added = admin_client.post(url, given | {"senders": [senders[0].pk]})
    assert added.status_code == 302, added.content.decode()
    assert list(SenderList.objects.get(name="New").senders.all()) == [senders[0]]
    assert "already" in admin_client.post(url, given | {"name": "NEW"}).content.decode()


def test_admin_adds_a_sender(admin_client: Client, acme: Workspace, other: Workspace) -> None:
    url = "/admin/messaging/sender/add/"
    account, foreign = make_account(acme), make_account(other)
    given = {"workspace": acme.pk, "value": " Crier & Co ", "enabled": "on", "countries": "gb"}
    wrong = admin_client.post(url, given | {"value": "no!", "accounts": [account.pk]})
    assert wrong.status_code == 200
    assert "errorlist" in wrong.content.decode()
    wrong = admin_client.post(url, given | {"accounts": [foreign.pk]})
    assert "One of these belongs to another workspace" in wrong.content.decode()
    assert not Sender.objects.filter(workspace=acme, countries=["GB"]).exists()
    assert admin_client.post(url, given | {"accounts": [account.pk], "is_default": "on"}).status_code == 302
    added = Sender.objects.get(workspace=acme, value="Crier & Co")
    assert (added.countries, added.is_default, list(added.accounts.all())) == (["GB"], True, [account])
    assert "is there already" in admin_client.post(url, given).content.decode()


def test_admin_sets_countries_and_the_default(senders: list[Sender], admin_client: Client) -> None:
    Sender.objects.filter(pk=senders[0].pk).update(is_default=True)
    url = f"/admin/messaging/sender/{senders[1].pk}/change/"
    wrong = admin_client.post(url, {"enabled": "on", "countries": "US, XQ"})
    assert "“XQ” is no country" in wrong.content.decode()
    assert (
        admin_client.post(url, {"enabled": "on", "countries": "us ca", "is_default": "on"}).status_code == 302
    )
    changed = Sender.objects.get(is_default=True)
    assert (changed, changed.countries) == (senders[1], ["CA", "US"])
