"""A vendor in memory, and an account at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import Workspace
from providers.connectors import REGISTRY
from providers.models import ProviderAccount
from tests.engine.makers import make_account
from tests.providers.sync import fakes
from tests.providers.sync.fakes import Keeper, Store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    fresh = Store()
    monkeypatch.setattr(fakes, "STORE", fresh)
    monkeypatch.setitem(REGISTRY, "keeper", Keeper)
    yield fresh


@pytest.fixture
def keeper(acme: Workspace, store: Store) -> ProviderAccount:
    return make_account(acme, "keeper", "https://keeper.example.com")
