"""Document 004, section DLR to webhook: set up by staff, posted T1 and T2 minutes after a segment was sent."""

import re
import time
from collections import deque
from typing import Any

import pytest

from providers.sandbox.callbacks import Callbacks
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz.batches import report_later
from providers.sandbox.messagewhiz.records import Account, Ids, Reporting, Room
from providers.sandbox.messagewhiz.sendings import Broadcast, Kind, Segment, Text, When, Words
from providers.sandbox.messagewhiz.tokens import Body
from providers.sandbox.state import OUTBOUND, State
from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.providers.sandbox.support import ALICE, BOB, Webhook, eventually, settings
from tests.sandbox_process import SandboxProcess


def set_up(whiz: Whiz, webhook: Webhook, minute_ms: int = 40, **fields: Any) -> None:
    whiz.sandbox.dial(vendor="messagewhiz", minute_ms=minute_ms)
    settings(whiz.sandbox, "messagewhiz", webhook=webhook.url, **fields)


def test_it_is_posted_after_t1(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook)
    began = time.monotonic()
    sent = whiz.send(whiz.base(whiz.recipient_list(ALICE, "12015550190")))
    (report,) = webhook.wait_for(1)
    assert time.monotonic() - began >= 5 * 0.04
    rows = report.pop("dlrs")
    assert report == {}
    assert all(re.fullmatch(r"[0-9a-f]{24}", row.pop("_id")) for row in rows)
    assert all(abs(row.pop("updated") / 1000 - time.time()) < 60 for row in rows)
    assert rows == [
        {
            "segment_id": sent["segmentID"],
            "broadcast_id": sent["broadcastID"],
            "recipient": number,
            "price": 0.01,
            "task_state": task,
        }
        for number, task in ((ALICE, 2), ("12015550190", 5))
    ]


def test_it_is_posted_again_after_t2(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook, t2=20)
    whiz.sandbox.dial(receipt_delay_ms=[450, 450])
    whiz.send(whiz.single(ALICE, "x" * 200, custom_parameter="1234abcd5678efgh"))
    first, second = webhook.wait_for(2)
    assert [report["dlrs"][0]["task_state"] for report in (first, second)] == [0, 2]
    assert first["dlrs"][0]["_id"] == second["dlrs"][0]["_id"]
    assert first["dlrs"][0]["updated"] < second["dlrs"][0]["updated"]
    assert {report["custom_parameter"] for report in (first, second)} == {"1234abcd5678efgh"}
    assert [report["pduDLR"] for report in (first, second)] == [{"sent_count": 2}, {"delivered_count": 2}]


@pytest.mark.parametrize(
    ("msisdn", "task", "count"),
    [
        ("12015550191", 3, "expired_count"),
        ("12015550192", 8, "rejected_count"),
        ("12015550198", 0, "sent_count"),
    ],
)
def test_it_tells_how_a_single_ended(
    whiz: Whiz, webhook: Webhook, msisdn: str, task: int, count: str
) -> None:
    set_up(whiz, webhook, minute_ms=100)
    whiz.result("POST", "Broadcast/tiny", {"recipient": msisdn, "sender": "A", "message_body": "B"})
    (report,) = webhook.wait_for(1)
    assert (report["dlrs"][0]["task_state"], report["pduDLR"]) == (task, {count: 1})


def test_what_failed_at_once_is_told(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook)
    whiz.send(whiz.base(whiz.recipient_list("12015550193")))
    assert webhook.wait_for(1)[0]["dlrs"][0]["task_state"] == 9


def test_a_post_holds_a_thousand(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook)
    whiz.sandbox.dial(force_outcome="no_receipt")
    whiz.send(whiz.base(whiz.recipient_list(*(f"1201{number:07d}" for number in range(1_200)))))
    assert sorted(len(report["dlrs"]) for report in webhook.wait_for(2)) == [200, 1000]


def test_it_is_posted_again_when_it_fails(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook, minute_ms=1)
    whiz.sandbox.dial(retry_ms=5)
    webhook.statuses = [500]
    whiz.send(whiz.single(ALICE))
    reports = webhook.wait_for(2)
    assert reports[0] == reports[1]
    eventually(lambda: whiz.sandbox.stats()["receipts_retried"] == 1)


def test_only_the_key_that_was_set_up_gets_it(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook, minute_ms=1, account="sandbox-key-shop")
    whiz.send(whiz.single(ALICE))
    shop = Whiz(whiz.sandbox, "sandbox-key-shop")
    sent = shop.send(shop.single(ALICE))
    assert webhook.wait_for(1)[0]["dlrs"][0]["broadcast_id"] == sent["broadcastID"]
    eventually(lambda: whiz.sandbox.stats()["receipts_pending"] == 0)
    assert len(webhook.received) == 1


def test_it_can_be_taken_away(whiz: Whiz, webhook: Webhook) -> None:
    set_up(whiz, webhook, minute_ms=0)
    assert settings(whiz.sandbox, "messagewhiz", webhook="")["webhook"] == ""
    whiz.send(whiz.single(ALICE))
    eventually(lambda: whiz.sandbox.stats()["receipts_unaddressed"] == 1)
    assert webhook.received == []


def test_texts_that_wait_for_it_take_room(webhook: Webhook) -> None:
    with SandboxProcess(arguments=["--keep", "1"]) as sandbox:
        whiz = Whiz(sandbox)
        set_up(whiz, webhook, minute_ms=200)
        list_id = whiz.recipient_list("12015550198", "12015550197")
        whiz.sandbox.dial(force_outcome="no_receipt")
        whiz.send(whiz.base(list_id))
        status, message = whiz.refusal("POST", "Broadcast", whiz.base(list_id))
        assert (status, "holds 5 numbers and has no room for 2 more" in message) == (403, True)
        webhook.wait_for(1)
        eventually(lambda: whiz.call("POST", "Broadcast", whiz.base(list_id)).status_code == 200)


def test_without_room_it_fails() -> None:
    account = Account("sandbox-key", Ids(), Room(1))
    account.reporting = Reporting("http://127.0.0.1/")
    words = Words([Body("Hello", None)], ["Crier"])
    broadcast = Broadcast(7, account, Kind.BASE, "A", account.default_campaign, When(), "", deque(), [])
    segment = Segment(8, broadcast, words, When(), deque())
    segment.watched = [
        Text(OUTBOUND, "messagewhiz", "", number, "Crier", "Hello", "id") for number in (ALICE, BOB)
    ]
    state = State()
    report_later(segment, Callbacks(state), Later(), 60.0)  # outside a loop nothing could be planned
    assert (state.counters.receipts_failed, account.room.used) == (1, 0)
