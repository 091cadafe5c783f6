from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from messaging.webhooks import sending
from tests.messaging.webhooks.support import Receiver, running_receiver


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    """On this machine, which has to be allowed."""
    settings.WEBHOOKS_MAY_BE_PRIVATE = True
    with running_receiver() as running:
        yield running


@pytest.fixture(autouse=True)
def new_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    """That knows no receiver: ids come again with each test."""
    monkeypatch.setattr(sending, "_sender", None)
