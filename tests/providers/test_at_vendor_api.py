"""What an account holds at its vendor, over the API: BulkVS's campaigns and webhooks."""

from __future__ import annotations

import json

import pytest

from accounts.models import AuditEntry, Workspace
from providers.models import ProviderAccount
from providers.services import receipt_url
from tests.access import assert_access
from tests.people import ApiClient, api_client
from tests.providers.makers import make_account, tiny_vendor
from tests.providers.test_at_vendor import CAMPAIGNS, bulkvs, webhook


@pytest.fixture
def admin(db: None) -> ApiClient:
    return api_client("admin")


def url(account: ProviderAccount, rest: str = "") -> str:
    return f"/api/v1/provider-accounts/{account.pk}/at-vendor/{rest}"


def test_it_works(acme: Workspace, admin: ApiClient) -> None:
    with tiny_vendor(body=json.dumps(CAMPAIGNS).encode()) as vendor:
        account = bulkvs(acme, vendor)
        found = admin.get(url(account, "campaigns/")).json()
    assert found["columns"] == ["Campaign (TCR)", "Brand", "Numbers", "Approval", "Active since"]
    assert [row["cells"] for row in found["rows"]] == [
        ["C1EXAMP", "Northwind", "3", "Approved", "2026-02-01 10:00:00"],
        ["C2EXAMP", "Northwind", "—", "Not approved", "—"],
    ]


def test_admins_alone_may(acme: Workspace) -> None:
    with tiny_vendor(body=b"[]") as vendor:
        account = bulkvs(acme, vendor)
        for rest in ("", "campaigns/", "webhooks/"):
            assert_access(url(account, rest), viewer=403, marketer=403, admin=200, wrong_method="put")
    assert_access(
        url(account, "webhooks/set/"), "post", viewer=403, marketer=403, admin=200, wrong_method="get"
    )


def test_the_sections_and_what_can_be_done_there(acme: Workspace, admin: ApiClient) -> None:
    sections = admin.get(url(make_account(acme, "bulkvs"))).json()["sections"]
    assert [(one["section"], [deed["deed"] for deed in one["deeds"]]) for one in sections] == [
        ("campaigns", []),
        ("webhooks", ["set", "delete"]),
    ]
    assert [deed["needs_key"] for deed in sections[1]["deeds"]] == [False, True]
    other = make_account(acme, "messagewhiz")
    assert admin.get(url(other)).json() == {"sections": []}
    assert admin.get(url(other, "webhooks/")).status_code == 404


def test_ours_is_set_and_another_deleted(acme: Workspace, admin: ApiClient) -> None:
    with tiny_vendor(body=b'{"Webhook": "Crier", "Status": "Success"}') as vendor:
        account = bulkvs(acme, vendor)
        done = admin.post(url(account, "webhooks/set/"), {}).json()
        assert done["ok"]
        assert json.loads(vendor.asked[0][3])["Url"] == receipt_url(account)
        assert admin.post(url(account, "webhooks/delete/"), {"key": "Old one"}).json()["ok"]
        assert vendor.asked[1][:2] == ("DELETE", "/webHooks?Webhook=Old%20one")
    entry = AuditEntry.objects.filter(action="changed at the provider").latest("pk")
    assert (entry.api_key, entry.details["key"]) == (admin.api_key, "Old one")


def test_a_key_too_few_or_too_many(acme: Workspace, admin: ApiClient) -> None:
    with tiny_vendor() as vendor:
        account = bulkvs(acme, vendor)
        for deed, data, words in (
            ("delete", {}, "key is missing"),
            ("set", {"key": "x"}, "leave the key out"),
        ):
            response = admin.post(url(account, f"webhooks/{deed}/"), data)
            assert response.status_code == 400
            assert words in response.json()["detail"]
        assert admin.post(url(account, "webhooks/burn/"), {}).status_code == 404
    assert vendor.asked == []


def test_a_refusal_is_told(acme: Workspace, admin: ApiClient) -> None:
    words = json.dumps({"Status": "error", "Code": 403, "Description": "Service not enabled"}).encode()
    with tiny_vendor(403, words) as vendor:
        account = bulkvs(acme, vendor)
        response = admin.get(url(account, "webhooks/"))
        assert (response.status_code, response.json()["code"]) == (502, "vendor_refused")
        assert "Service not enabled" in response.json()["detail"]
        done = admin.post(url(account, "webhooks/set/"), {}).json()
    assert (done["ok"], "Service not enabled" in done["words"]) == (False, True)


def test_addresses_are_without_their_passwords(acme: Workspace, admin: ApiClient) -> None:
    hooks = [webhook("Other", "https://someone:secret@example.com/x")]
    with tiny_vendor(body=json.dumps(hooks).encode()) as vendor:
        found = admin.get(url(bulkvs(acme, vendor), "webhooks/")).json()
    assert found["rows"][0]["cells"][1] == "https://example.com/x"
