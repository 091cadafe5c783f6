"""A time that is none, typed where the browser has no control for it: told at its field, with all else kept."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Workspace

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("at", ["nonsense", "-1", "2026-13-45T99:99"])
def test_it_is_told_at_its_field(bob_client: Client, acme: Workspace, at: str) -> None:
    form = {"name": "Shop", "url": "https://example.com/", "expires_at": at}
    answer = bob_client.post("/links/new/", form)
    assert answer.status_code == 422
    assert "This is no date with a time" in answer.content.decode()
    assert 'value="Shop"' in answer.content.decode()
