"""`manage.py rotate_encryption_keys`: everything gets the newest key, once, and what cannot be opened is named."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.models import Verification, WebhookEndpoint
from messaging.verification.codes import seal_code
from providers import crypto
from providers.crypto import decrypt_mapping, encrypt_mapping
from providers.models import ProviderAccount
from providers.services import key_rotation
from providers.services.key_rotation import rotate_column
from tests.conftest import CANARY_SECRET
from tests.messaging.webhooks.support import make_endpoint
from tests.providers.makers import make_account

OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, credentials={"api_key": CANARY_SECRET})


def rotate() -> str:
    out = StringIO()
    call_command("rotate_encryption_keys", stdout=out)
    return out.getvalue()


def test_it_works(acme: Workspace, account: ProviderAccount, settings: Settings) -> None:
    made = make_endpoint(acme, "https://hooks.example.com/")
    before = account.updated_at
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate().splitlines() == [
        "Provider accounts: 1 encrypted anew, 0 had the newest key already.",
        "Webhooks: 1 encrypted anew, 0 had the newest key already.",
        "Codes that wait to be sent: 0 encrypted anew, 0 had the newest key already.",
        "All of it has the newest key now. Once every process runs with it, the older ones can go from "
        "CRIER_ENCRYPTION_KEYS.",
    ]
    settings.ENCRYPTION_KEYS = [NEW]
    account.refresh_from_db()
    assert account.credentials["api_key"] == CANARY_SECRET
    assert account.updated_at == before
    assert WebhookEndpoint.objects.get().secrets_at(timezone.now()) == [made.secret]


def test_again_it_changes_nothing(account: ProviderAccount, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    sealed = ProviderAccount.objects.get().encrypted_credentials
    assert "Provider accounts: 0 encrypted anew, 1 had the newest key already." in rotate()
    assert ProviderAccount.objects.get().encrypted_credentials == sealed


def test_what_no_key_opens_is_named_and_kept(
    acme: Workspace, account: ProviderAccount, settings: Settings
) -> None:
    settings.ENCRYPTION_KEYS = [LOST]
    lost = make_account(acme, "bulkvs")
    sealed = lost.encrypted_credentials
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match=rf"Provider accounts: {lost.pk}\.$") as caught:
        rotate()
    assert "add the key that they were encrypted with" in str(caught.value)
    lost.refresh_from_db()
    assert lost.encrypted_credentials == sealed
    account.refresh_from_db()
    settings.ENCRYPTION_KEYS = [NEW]
    assert account.credentials["api_key"] == CANARY_SECRET


def test_codes_that_wait_are_among_them(settings: Settings) -> None:
    sealed = seal_code("123456")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    anew = crypto.sealed_anew(sealed)
    settings.ENCRYPTION_KEYS = [NEW]
    assert decrypt_mapping(anew) == {"code": "123456"}
    assert Verification._meta.get_field("sealed_code").blank


def test_a_row_saved_meanwhile_keeps_what_was_saved(
    account: ProviderAccount, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = encrypt_mapping({"api_key": "later"})
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    calls: list[str] = []

    def meanwhile(sealed: str) -> str:
        if not calls:
            ProviderAccount.objects.update(encrypted_credentials=later)
        calls.append(sealed)
        return crypto.sealed_anew(sealed)

    monkeypatch.setattr(key_rotation, "sealed_anew", meanwhile)
    assert rotate_column(ProviderAccount, "encrypted_credentials").anew == 1
    settings.ENCRYPTION_KEYS = [NEW]
    account.refresh_from_db()
    assert account.credentials == {"api_key": "later"}
    assert len(calls) == 2


def test_the_page_says_what_to_do_without_its_key(
    account: ProviderAccount, settings: Settings, victor_client: Client
) -> None:
    page = reverse("provider-account-detail", args=[account.pk])
    assert "CRIER_ENCRYPTION_KEYS" not in victor_client.get(page).content.decode()
    settings.ENCRYPTION_KEYS = [LOST]
    assert "add the key they were sealed with" in victor_client.get(page).content.decode()
    with pytest.raises(ImproperlyConfigured):
        _opened = account.credentials
