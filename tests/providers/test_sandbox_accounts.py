"""Accounts at the sandbox: made with a workspace that wants them, following it from port to port."""

from __future__ import annotations

import json

import pytest
from pytest_django.fixtures import Settings

from accounts.models import User, Workspace
from accounts.signals import WorkspaceCreated, workspace_created
from providers.models import ProviderAccount
from providers.services import create_sandbox_accounts, receipt_url, sandbox_names, tend_sandbox
from tests.providers.makers import NOBODY, make_account, tiny_vendor


def announce(workspace: Workspace, user: User, wants_sandbox: bool) -> None:
    news = WorkspaceCreated(workspace.pk, user.pk, wants_sandbox)
    workspace_created.send(sender=Workspace, payload=news)


def test_it_works(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    bulkvs, whiz, *others = create_sandbox_accounts(acme)
    assert [account.vendor for account in others] == ["mobiz", "mx2", "ogangi"]
    assert (bulkvs.vendor, bulkvs.base_url) == ("bulkvs", f"{NOBODY}/bulkvs/api/v1.0")
    assert (whiz.vendor, whiz.base_url) == ("messagewhiz", f"{NOBODY}/messagewhiz")
    assert (int(bulkvs.parts_per_second), bulkvs.max_in_flight) == (500, 64)
    again = create_sandbox_accounts(acme)
    assert [account.pk for account in again] == [account.pk for account in (bulkvs, whiz, *others)]


def test_without_a_sandbox_there_are_none(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = ""
    assert create_sandbox_accounts(acme) == []
    assert tend_sandbox() == 0


@pytest.mark.parametrize(("wants", "accounts"), [(True, 5), (False, 0)])
def test_a_new_workspace_gets_them_if_it_wants(
    acme: Workspace, alice: User, settings: Settings, wants: bool, accounts: int
) -> None:
    settings.SANDBOX_URL = NOBODY
    announce(acme, alice, wants)
    assert ProviderAccount.objects.filter(workspace=acme).count() == accounts


def test_the_webhook_is_set_once_the_workspace_stands(
    acme: Workspace, alice: User, settings: Settings, django_capture_on_commit_callbacks: type
) -> None:
    with tiny_vendor(body=b'{"Webhook": "Crier"}') as sandbox:
        settings.SANDBOX_URL = sandbox.url
        with django_capture_on_commit_callbacks(execute=True):
            announce(acme, alice, True)
            assert sandbox.asked == []
    (method, path, _headers, body), by_hand = sandbox.asked
    account = acme.provider_accounts.get(vendor="bulkvs")
    assert (method, path) == ("PUT", "/bulkvs/api/v1.0/webHooks")
    assert json.loads(body)["Url"] == receipt_url(account)
    mx2 = acme.provider_accounts.get(vendor="mx2")
    assert by_hand[:2] == ("POST", "/_sandbox/settings")
    assert json.loads(by_hand[3]) == {
        "vendor": "mx2",
        "account": mx2.credentials["api_key"],
        "webhook": receipt_url(mx2),
    }


def test_accounts_follow_the_sandbox_to_another_port(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = "http://127.0.0.1:9001"
    create_sandbox_accounts(acme)
    own = make_account(acme, name="Own server", base_url="http://127.0.0.1:9001/messagewhiz")
    renamed = make_account(acme, "bulkvs", name="BulkVS", base_url="https://api.example.com/bulkvs/api/v1.0")
    settings.SANDBOX_URL = NOBODY
    tend_sandbox()
    urls = dict(acme.provider_accounts.values_list("name", "base_url"))
    assert urls["BulkVS sandbox"] == f"{NOBODY}/bulkvs/api/v1.0"
    assert urls["MessageWhiz sandbox"] == f"{NOBODY}/messagewhiz"
    assert urls[own.name] == own.base_url
    assert urls[renamed.name] == renamed.base_url


def test_each_workspace_has_its_own_credentials(
    acme: Workspace, other: Workspace, settings: Settings
) -> None:
    settings.SANDBOX_URL = NOBODY
    ours, theirs = create_sandbox_accounts(acme), create_sandbox_accounts(other)
    names = {name for workspace in (acme, other) for name in sandbox_names(workspace).own}
    assert len(names) == len(ours) + len(theirs) == 10
    assert all(len(name.partition("-")[2]) >= 20 for name in names), "not to be guessed"


def test_accounts_of_an_earlier_version_get_their_own(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    bulkvs, whiz, *_others = create_sandbox_accounts(acme)
    wanted = bulkvs.credentials, whiz.credentials
    for account, old in (
        (bulkvs, {"username": f"sandbox{acme.pk}", "password": "sandbox"}),
        (whiz, {"api_key": "sandbox-key"}),
    ):
        account.credentials = old
        account.save()
    own = make_account(acme, name="Own", base_url=whiz.base_url, credentials={"api_key": "sandbox-key"})
    tend_sandbox()
    for account in (bulkvs, whiz, own):
        account.refresh_from_db()
    assert (bulkvs.credentials, whiz.credentials) == wanted
    assert own.credentials["api_key"] == "sandbox-key", "made by a person"


def test_an_account_that_cannot_be_opened_holds_up_nobody(acme: Workspace, settings: Settings) -> None:
    settings.SANDBOX_URL = NOBODY
    bulkvs, whiz, *others = create_sandbox_accounts(acme)
    ProviderAccount.objects.filter(pk=bulkvs.pk).update(encrypted_credentials="of another key")
    own = sandbox_names(acme).own
    assert f"messagewhiz:{whiz.credentials['api_key']}" in own
    assert len(own) == len(others) + 1
    tend_sandbox()
