"""`kill -9` of the sender between the request and the write-down: the event comes again, under the same id."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Workspace
from messaging.models import WebhookDelivery
from messaging.webhooks.ledger import LEASE
from messaging.webhooks.sending import send_due
from tests.engine.worker_process import Process
from tests.messaging.webhooks.support import Receiver, make_endpoint, make_event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


def test_it_works(acme: Workspace, receiver: Receiver, tmp_path: Path, time_machine: Any) -> None:
    made = make_endpoint(acme, receiver.url)
    make_event(acme)
    receiver.hold = threading.Event()
    sender = Process(
        [sys.executable, "-m", "tests.messaging.webhooks.sender_process"],
        broker_url="filesystem://",
        data=tmp_path,
        env={"CRIER_WEBHOOKS_PRIVATE": "yes"},
    )
    sender.start()
    try:
        receiver.wait_for(1, seconds=90)
    finally:
        assert sender.kill() == -9, "it ended by itself, too soon to mean anything"
    receiver.hold.set()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.answer_status) == ("waiting", 1, None)
    assert send_due().taken == 0

    time_machine.move_to(datetime.now(UTC) + LEASE)
    assert send_due().taken == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    first, second = receiver.received
    assert (first.event_id, first.body) == (second.event_id, second.body)
    second.verified(made.secret)
