"""`kill -9` of the worker in the middle of a push: another one goes on, and nothing is made twice."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from messaging.senders import create_sender
from providers.connectors import messagewhiz
from providers.models import SyncRun
from providers.services.sync import compare
from providers.services.sync_runner import carry_on
from providers.services.sync_runs import Chosen, confirm_run, plan_run, waiting_runs
from tests.engine.makers import make_account
from tests.engine.worker_process import Process
from tests.sandbox_process import SandboxProcess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

SENDERS = 30


def test_another_worker_goes_on(acme: Workspace, tmp_path: Path) -> None:
    with SandboxProcess() as sandbox:
        account = make_account(acme, "messagewhiz", sandbox.messagewhiz_url)
        before = compare(account=account, entity="sender")
        for number in range(SENDERS):
            create_sender(workspace=acme, actor=Actor(), value=f"120255501{number:02d}")
        compare(account=account, entity="sender")
        sandbox.dial(vendor="messagewhiz", latency_ms=100)
        run = confirm_run(
            run=plan_run(account=account, what="push", chosen=Chosen(("sender",)), actor=Actor())
        )
        _killed_in_the_middle(run, tmp_path)
        sandbox.dial(vendor="messagewhiz", latency_ms=0)
        assert waiting_runs() == [], "its lease is not over yet"
        SyncRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        assert waiting_runs() == [run.pk]
        while carry_on(run.pk):
            pass
        run.refresh_from_db()
        assert (run.state, run.done, run.failed) == ("finished", SENDERS, 0)
        with messagewhiz.client(api_key="sandbox-key", base_url=account.base_url) as client:
            names = [one.name for one in client.all_senders()] + [
                one.name for one in client.all_senders(enabled=False)
            ]
        ours = sorted(name for name in names if name.startswith("120255501"))
        assert ours == [f"120255501{number:02d}" for number in range(SENDERS)]
        assert len(names) == SENDERS + len(before)


def _killed_in_the_middle(run: SyncRun, data: Path) -> None:
    command = [sys.executable, "-m", "tests.providers.sync.run_process", str(run.pk)]
    worker = Process(command, broker_url="filesystem://", data=data)
    worker.start()
    deadline = time.monotonic() + 90
    try:
        while run.done < 5:
            assert time.monotonic() < deadline, worker.log_path.read_text()
            time.sleep(0.02)
            run.refresh_from_db()
    finally:
        worker.kill()
    run.refresh_from_db()
    assert run.state == "running", "killed too late to mean anything"
    assert run.done < SENDERS
