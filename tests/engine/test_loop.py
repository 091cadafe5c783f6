"""When the loop looks again, and when it ends."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from messaging.engine import loop
from messaging.tasks import run_engine
from tests.engine.makers import make_account, make_dispatch
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the loop asked the database what runs."""
    times: list[float] = []
    load_lanes = loop.load_lanes

    def load(*args: Any) -> Any:
        times.append(time.monotonic())
        return load_lanes(*args)

    monkeypatch.setattr(loop, "load_lanes", load)
    return times


def test_ends_when_nothing_is_due(acme: Workspace, sandbox: SandboxProcess, looks: list[float]) -> None:
    dispatch = make_dispatch(acme, make_account(acme, "messagewhiz", sandbox.messagewhiz_url), people=20)
    began = time.monotonic()
    report = run_engine(seconds=30)
    assert (report.sent, report.more_due) == (20, False)
    assert time.monotonic() - began < 15
    dispatch.refresh_from_db()
    assert dispatch.state == "finished"


def test_does_not_spin_while_an_answer_is_awaited(
    acme: Workspace, sandbox: SandboxProcess, looks: list[float], settings: Settings
) -> None:
    settings.ENGINE_CONTROL_SECONDS = 0.2
    sandbox.control("POST", "dial", {"latency_ms": 1000})
    make_dispatch(acme, make_account(acme, "messagewhiz", sandbox.messagewhiz_url), people=1)
    report = run_engine(seconds=30)
    assert report.sent == 1
    # Once in each fifth of the second, and around the end.
    assert len(looks) < 15
