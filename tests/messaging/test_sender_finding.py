"""Senders found at a vendor that lists them, and added bound to the account; the others say why they cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from accounts.access import Actor
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.models import Sender
from messaging.sender_finding import FoundState, add_found_senders, find_senders
from messaging.senders import create_sender
from providers.models import ProviderAccount
from tests.access import assert_access
from tests.people import ApiClient
from tests.providers.makers import make_account
from tests.sandbox_process import SandboxProcess

Api = Callable[..., ApiClient]
# The document's own examples, as the sandbox has them; one of them is disabled there.
LISTED = ["Crier", "FirstSender", "test"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture
def whiz(acme: Workspace, sandbox: SandboxProcess) -> ProviderAccount:
    return make_account(acme, name="Whiz", base_url=sandbox.messagewhiz_url)


@pytest.fixture
def bulk(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "bulkvs", name="Bulk")


def test_it_works(whiz: ProviderAccount) -> None:
    found = find_senders(whiz)
    assert [(one.value, one.kind, one.state) for one in found] == [
        (value, "name", FoundState.NEW) for value in LISTED
    ]
    assert add_found_senders(account=whiz, actor=Actor(), values=LISTED[:2]) == 2
    added = Sender.objects.get(value="Crier")
    assert list(added.accounts.all()) == [whiz]
    assert {one.value: one.state for one in find_senders(whiz)} == {
        "test": FoundState.NEW,
        "Crier": FoundState.KNOWN,
        "FirstSender": FoundState.KNOWN,
    }


def test_a_known_one_that_the_account_may_not_use_is_allowed(
    whiz: ProviderAccount, bulk: ProviderAccount, acme: Workspace
) -> None:
    theirs = create_sender(workspace=acme, actor=Actor(), value="Crier", accounts=[bulk])
    free = create_sender(workspace=acme, actor=Actor(), value="test")
    states = {one.value: one.state for one in find_senders(whiz)}
    assert (states["Crier"], states["test"]) == (FoundState.NOT_ALLOWED, FoundState.KNOWN)
    assert add_found_senders(account=whiz, actor=Actor(), values=["Crier", "test"]) == 1
    assert set(theirs.accounts.all()) == {whiz, bulk}
    assert not free.accounts.exists()


def test_rejects_a_vendor_that_lists_none(bulk: ProviderAccount) -> None:
    with pytest.raises(MessagingError, match="Its document has no call that lists your numbers: add them by"):
        find_senders(bulk)


def test_rejects_wrong_values_as_a_whole(whiz: ProviderAccount) -> None:
    with pytest.raises(MessagingError):
        add_found_senders(account=whiz, actor=Actor(), values=["Good", "Zoë"])
    assert not Sender.objects.exists()


def test_what_cannot_be_kept_is_told(whiz: ProviderAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "messaging.sender_finding.list_senders", lambda _account: ["Northwind Ltd", "+1 202 555 0100"]
    )
    number, unusable = find_senders(whiz)
    assert (number.value, number.state) == ("12025550100", FoundState.NEW)
    assert (unusable.value, unusable.state) == ("Northwind Ltd", FoundState.UNUSABLE)
    assert "shorten it to 11" in unusable.problem


# --- pages ----------------------------------------------------------------------------------------------


def test_access(whiz: ProviderAccount) -> None:
    url = f"/senders/find/{whiz.pk}/"
    assert_access(url, viewer=403, marketer=200)
    assert_access(url, "post", viewer=403, marketer=302)


def test_the_page_offers_what_is_new(
    whiz: ProviderAccount, bulk: ProviderAccount, acme: Workspace, bob_client: Client
) -> None:
    create_sender(workspace=acme, actor=Actor(), value="test", accounts=[whiz])
    senders = bob_client.get("/senders/").content.decode()
    assert f"/senders/find/{whiz.pk}/" in senders
    assert f"/senders/find/{bulk.pk}/" not in senders
    assert "Its document has no call that lists your numbers: add them by hand." in senders
    page = bob_client.get(f"/senders/find/{whiz.pk}/").content.decode()
    assert 'value="Crier" checked' in page and 'value="test"' not in page
    bob_client.post(f"/senders/find/{whiz.pk}/", {"value": ["Crier"]})
    assert list(Sender.objects.get(value="Crier").accounts.all()) == [whiz]
    assert bob_client.get(f"/senders/find/{bulk.pk}/").status_code == 404


def test_the_vendors_refusal_is_shown(acme: Workspace, sandbox: SandboxProcess, bob_client: Client) -> None:
    wrong = make_account(acme, base_url=sandbox.messagewhiz_url, credentials={"api_key": "canary-of-a-key"})
    page = bob_client.get(f"/senders/find/{wrong.pk}/").content.decode()
    assert "MessageWhiz does not accept the credentials" in page
    assert "canary-of-a-key" not in page


# --- API ------------------------------------------------------------------------------------------------


def test_api_finds(api: Api, whiz: ProviderAccount, bulk: ProviderAccount, other: Workspace) -> None:
    url = "/api/v1/senders/find/"
    assert_access(url, "post", viewer=403, marketer=400, wrong_method="get", missing=False)
    found = api("marketer").post(url, {"account": whiz.pk}).json()
    assert found[0] == {"value": "Crier", "kind": "name", "state": "new", "problem": "", "sender": None}
    refused = api("marketer").post(url, {"account": bulk.pk})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "account")
    assert api("marketer", other).post(url, {"account": whiz.pk}).status_code == 400
    unreachable = make_account(whiz.workspace, name="Nobody")
    assert api("marketer").post(url, {"account": unreachable.pk}).status_code == 409
