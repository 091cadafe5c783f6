"""What an account holds at its vendor, live: BulkVS's campaigns and webhooks, as its document has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import Actor
from accounts.models import AuditEntry, Workspace
from providers import services
from providers.connectors import REGISTRY
from providers.connectors.operations import VendorClient
from providers.models import ProviderAccount, TrafficEntry
from providers.services import ProviderAccountError, receipt_url
from providers.services.at_vendor import SECTIONS
from providers.services.bulkvs_sections import without_user
from tests.access import assert_access
from tests.conftest import CANARY_SECRET
from tests.providers.makers import CREDENTIALS, TinyVendor, make_account, tiny_vendor

CAMPAIGNS = [
    {
        "Tcr": "C1EXAMP",
        "Brand": "Northwind",
        "Count": "3",
        "Approval": "Y",
        "Activation Date": "2026-02-01 10:00:00",
    },
    {"Tcr": "C2EXAMP", "Brand": "Northwind", "Approval": "N"},
]


def webhook(name: str, url: str) -> dict[str, Any]:
    return {
        "Webhook": name,
        "Description": "",
        "Url": url,
        "Dlr": True,
        "Method": "POST",
        "Last Modification": "2026-02-01 10:00:00",
    }


def bulkvs(workspace: Workspace, vendor: TinyVendor, **credentials: str) -> ProviderAccount:
    return make_account(
        workspace, "bulkvs", base_url=vendor.url, credentials=CREDENTIALS["bulkvs"] | credentials
    )


def url(account: ProviderAccount, section: str = "", deed: str = "") -> str:
    if deed:
        return reverse("provider-account-at-vendor-change", args=[account.pk, section, deed])
    if section:
        return reverse("provider-account-at-vendor-section", args=[account.pk, section])
    return reverse("provider-account-at-vendor", args=[account.pk])


def text_of(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_only_admins_may(acme: Workspace, bob_client: Client) -> None:
    with tiny_vendor(body=b"[]") as vendor:
        account = bulkvs(acme, vendor)
        for address in (url(account), url(account, "webhooks")):
            assert_access(address, viewer=403, marketer=403, admin=200, wrong_method="post")
    with tiny_vendor(body=b'{"Webhook": "Crier"}') as vendor:
        account = make_account(acme, "bulkvs", name="Other", base_url=vendor.url)
        assert_access(
            url(account, "webhooks", "set"), "post", viewer=403, marketer=403, admin=302, wrong_method="get"
        )
    assert url(account) not in text_of(bob_client, reverse("provider-account-detail", args=[account.pk]))


def test_campaigns(acme: Workspace, adam_client: Client) -> None:
    with tiny_vendor(body=json.dumps(CAMPAIGNS).encode()) as vendor:
        account = bulkvs(acme, vendor)
        shown = text_of(adam_client, url(account))
    for part in ("C1EXAMP", "Northwind", "2026-02-01 10:00:00", "Approved", "Not approved"):
        assert part in shown
    assert [(method, path) for method, path, _headers, _body in vendor.asked] == [("GET", "/campaigns")]
    assert [entry.operation for entry in TrafficEntry.objects.all()] == ["list_campaigns"]


def test_whose_a_webhook_is(acme: Workspace, adam_client: Client) -> None:
    with tiny_vendor() as vendor:
        account = bulkvs(acme, vendor, webhook_user="hook", webhook_password=CANARY_SECRET)
        hooks = [
            webhook("Crier", receipt_url(account)),
            webhook("Older", services.webhook_url(account)),
            webhook("Default", f"https://someone:{CANARY_SECRET}@example.com/x"),
        ]
        vendor.body = json.dumps(hooks).encode()
        shown = text_of(adam_client, url(account, "webhooks"))
        vendor.body = json.dumps([webhook("Crier", "https://example.com/")]).encode()
        other = text_of(adam_client, url(account, "webhooks"))
    for part in (
        "This account<",
        "with another user or password",
        "Another program",
        "https://example.com/x",
    ):
        assert part in shown
    assert "Leads elsewhere" in other
    assert CANARY_SECRET not in shown
    assert not TrafficEntry.objects.filter(answer__contains=CANARY_SECRET).exists()


def test_one_is_deleted(acme: Workspace, adam_client: Client) -> None:
    with tiny_vendor(body=b'{"Webhook": "Old one", "Status": "Success"}') as vendor:
        account = bulkvs(acme, vendor)
        address = url(account, "webhooks", "delete")
        response = adam_client.post(address, {"key": "Old one"})
    assert response.status_code == 302
    assert [(method, path) for method, path, *_rest in vendor.asked] == [
        ("DELETE", "/webHooks?Webhook=Old%20one")
    ]
    entry = AuditEntry.objects.get(action="changed at the provider")
    assert entry.details == {"what": "webhooks: delete", "key": "Old one"}


def test_ours_is_set(acme: Workspace, adam_client: Client) -> None:
    with tiny_vendor(body=b'{"Webhook": "Crier"}') as vendor:
        account = bulkvs(acme, vendor)
        assert adam_client.post(url(account, "webhooks", "set")).status_code == 302
    sent = json.loads(vendor.asked[0][3])
    assert (sent["Webhook"], sent["Url"], sent["Dlr"]) == ("Crier", receipt_url(account), True)


def test_a_refusal_is_a_sentence(acme: Workspace, adam_client: Client) -> None:
    words = json.dumps({"Status": "error", "Code": 403, "Description": "Service not enabled"}).encode()
    with tiny_vendor(403, words) as vendor:
        account = bulkvs(acme, vendor)
        shown = text_of(adam_client, url(account, "webhooks"))
        assert "has switched the service off" in shown
        assert "Service not enabled" in shown
        assert "Set ours" not in shown
        adam_client.post(url(account, "webhooks", "delete"), {"key": "Old"})
    assert not AuditEntry.objects.filter(action="changed at the provider").exists()


def test_a_vendor_that_is_away_is_a_sentence(acme: Workspace, adam_client: Client) -> None:
    shown = text_of(adam_client, url(make_account(acme, "bulkvs")))
    assert "could not be reached" in shown
    assert "Ask again" in shown


def test_settings_that_cannot_be_opened_are_a_sentence(
    acme: Workspace, adam_client: Client, settings: Any
) -> None:
    account = make_account(acme, "bulkvs")
    settings.ENCRYPTION_KEYS = ["ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY="]
    assert "CRIER_ENCRYPTION_KEYS" in text_of(adam_client, url(account))


@pytest.mark.parametrize(
    ("section", "deed", "key"),
    [
        ("webhooks", "nonsense", ""),
        ("webhooks", "delete", ""),
        ("webhooks", "set", "Crier"),
        ("campaigns", "delete", "C1EXAMP"),
        ("nonsense", "set", ""),
    ],
)
def test_rejects_what_is_not_offered(
    acme: Workspace, adam_client: Client, section: str, deed: str, key: str
) -> None:
    with tiny_vendor() as vendor:
        account = bulkvs(acme, vendor)
        assert adam_client.post(url(account, section, deed), {"key": key}).status_code == 404
        if section == "nonsense":
            assert adam_client.get(url(account, section)).status_code == 404
    assert vendor.asked == []


def test_a_vendor_without_sections_has_no_such_page(acme: Workspace, adam_client: Client) -> None:
    account = make_account(acme)
    sections = SECTIONS.get(account.vendor, ())
    assert adam_client.get(url(account)).status_code == (200 if sections else 404)
    shown = text_of(adam_client, reverse("provider-account-detail", args=[account.pk]))
    assert (url(account) in shown) is bool(sections)


def test_every_section_is_whole() -> None:
    for vendor, sections in SECTIONS.items():
        assert vendor in REGISTRY
        assert len({section.slug for section in sections}) == len(sections)
        for section in sections:
            deeds: list[Callable[..., str]] = [deed.run for deed in (*section.row_deeds, *section.deeds)]
            assert section.columns and str(section.empty)
            assert all(callable(run) for run in (section.read, *deeds))
            for deed in section.row_deeds:
                assert "%(key)s" in str(deed.title)
        assert issubclass(REGISTRY[vendor].Client, VendorClient)


def test_the_service_names_what_there_is_not(acme: Workspace) -> None:
    account = make_account(acme, "bulkvs")
    with pytest.raises(ProviderAccountError, match="nothing that can be managed"):
        services.section_of(account, "nonsense")
    section = services.section_of(account, "webhooks")
    with pytest.raises(ProviderAccountError, match="cannot be done here"):
        services.change_at_vendor(account=account, section=section, deed="x", key="", actor=Actor())


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://a:b@example.com/x?y=1", "https://example.com/x?y=1"),
        ("https://example.com/x", "https://example.com/x"),
        ("https://a:b@[broken/x", "[broken/x"),
        ("", ""),
    ],
)
def test_no_password_of_an_address_is_shown(written: str, shown: str) -> None:
    assert without_user(written) == shown
