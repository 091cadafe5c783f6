"""When webhooks are slow, down, refused or many."""

import pytest

from providers.sandbox.callbacks import Callbacks
from providers.sandbox.state import State
from tests.providers.sandbox.support import ALICE, Webhook, eventually, sms
from tests.sandbox_process import SandboxProcess


def test_a_failed_receipt_is_posted_again(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=5)
    webhook.statuses = [500, 404]
    sms(sandbox, callback=webhook.url)
    received = webhook.wait_for(3)
    eventually(lambda: sandbox.stats()["receipts_posted"] == 1)
    stats = sandbox.stats()
    assert (stats["receipts_retried"], stats["receipts_failed"], stats["receipts_pending"]) == (2, 0, 0)
    assert received == [received[0]] * 3


def test_messagewhiz_takes_any_success(sandbox: SandboxProcess, webhook: Webhook) -> None:
    webhook.statuses = [204]
    sms(sandbox, callback=webhook.url)
    eventually(lambda: sandbox.stats()["receipts_posted"] == 1)
    assert len(webhook.received) == 1


def test_it_gives_up_after_eight_attempts(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=1)
    webhook.statuses = [500] * 20
    sms(sandbox, callback=webhook.url)
    eventually(lambda: sandbox.stats()["receipts_failed"] == 1)
    assert len(webhook.received) == 8
    assert sandbox.stats()["receipts_pending"] == 0


def test_order_survives_a_failure(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=5)
    webhook.statuses = [500, 500]
    sms(sandbox, "12015550199", callback=webhook.url)
    received = webhook.wait_for(5)
    assert [receipt["status"] for receipt in received] == ["DELIVRD"] * 4 + ["ENROUTE"]


def test_a_webhook_that_is_down_is_called_again(sandbox: SandboxProcess) -> None:
    sandbox.dial(retry_ms=1)
    with Webhook() as gone:
        url = gone.url
    sms(sandbox, callback=url)
    eventually(lambda: sandbox.stats()["receipts_failed"] == 1)
    assert sandbox.stats()["receipts_retried"] == 7


def test_only_loopback_is_called(sandbox: SandboxProcess) -> None:
    assert sms(sandbox, callback="https://example.com/dlr").status_code == 200
    eventually(lambda: sandbox.stats()["receipts_blocked"] == 1)
    stats = sandbox.stats()
    assert (stats["receipts_posted"], stats["receipts_failed"], stats["receipts_pending"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/dlr", True),
        ("http://127.9.9.9/dlr", True),
        ("http://[::1]:8000/dlr", True),
        ("http://localhost:8000/dlr", True),
        ("http://LOCALHOST/dlr", True),
        ("http://crier.example.com/dlr", True),
        ("http://example.com/dlr", False),
        ("http://127.0.0.1.example.com/dlr", False),
        ("http://127.0.0.1@example.com/dlr", False),
        ("http://0.0.0.0/dlr", False),
        ("http://169.254.169.254/latest", False),
        ("http://[::ffff:10.0.0.1]/dlr", False),
        ("http://[::1/dlr", False),
    ],
)
def test_addresses_are_judged(url: str, allowed: bool) -> None:
    assert Callbacks(State(), ["Crier.example.com"]).may_call(url) is allowed


def test_redirects_are_not_followed(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(retry_ms=1)
    webhook.statuses = [302]
    sms(sandbox, callback=webhook.url)
    eventually(lambda: sandbox.stats()["receipts_posted"] == 1)
    assert sandbox.stats()["receipts_retried"] == 1
    assert webhook.paths == ["/hooks/alice"] * 2


def test_many_receipts_all_come_once(sandbox: SandboxProcess, webhook: Webhook) -> None:
    sandbox.dial(force_outcome="delivered")
    references = [f"ref-{number}" for number in range(300)]
    for number, reference in enumerate(references):
        sms(sandbox, f"44770090{number:04d}", client_ref=reference, callback=webhook.url)
    received = webhook.wait_for(300, seconds=60)
    eventually(lambda: sandbox.stats()["receipts_pending"] == 0, seconds=60)
    assert sorted(receipt["client_ref"] for receipt in received) == sorted(references)
    assert sandbox.stats()["receipts_posted"] == 300


def test_waiting_receipts_are_bounded(webhook: Webhook) -> None:
    arguments = ["--keep", "10"]
    with SandboxProcess(receipt_delay_ms="60000-60000", arguments=arguments) as sandbox:
        for _ in range(25):
            sms(sandbox, callback=webhook.url)
        stats = sandbox.stats()
        assert (stats["receipts_pending"], stats["receipts_failed"]) == (20, 5)


def test_a_text_without_callback_gets_no_receipt(sandbox: SandboxProcess) -> None:
    sms(sandbox, ALICE)
    eventually(lambda: sandbox.stats()["receipts_unaddressed"] == 1)
