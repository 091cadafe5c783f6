"""What waits for a person: named on the first page, with the way to it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from campaigns.services.overview import needs_of
from providers.models import RemoteRecord, SyncState
from tests.engine.makers import make_account

pytestmark = pytest.mark.django_db


def test_what_could_not_be_synced_is_named_with_the_way_to_it(acme: Workspace, alice_client: Client) -> None:
    account = make_account(acme)
    kept = {"account": account, "entity": "link", "state": SyncState.FAILED}
    RemoteRecord.objects.create(**kept, local_id=1, name="a")
    RemoteRecord.objects.create(**kept, local_id=2, name="b", due_at=timezone.now())
    [need] = needs_of(acme)
    assert need.sentence == f"{account.name}: 1 thing could not be brought into step with the provider."
    assert f"/providers/{account.pk}/sync/" in alice_client.get("/").content.decode()


def test_of_a_disabled_account_nothing_is_asked(acme: Workspace) -> None:
    account = make_account(acme)
    RemoteRecord.objects.create(account=account, entity="link", local_id=1, name="a", state=SyncState.FAILED)
    account.enabled = False
    account.save()
    assert needs_of(acme) == []
