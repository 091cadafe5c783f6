"""A provider that takes many recipients in one request: the same promises, kept for each of them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut, Recipient
from messaging.dispatches import pause_dispatch, resume_dispatch
from messaging.models import Dispatch, Message
from providers.connectors import REGISTRY
from providers.connectors.answers import Answer, as_rows
from providers.connectors.base import (
    AccountConfig,
    BatchConnector,
    BatchKind,
    Capabilities,
    DeliveryReport,
    InboundText,
    OutgoingText,
    ReceiptKind,
    SendResult,
    WebhookCall,
    setting,
)
from providers.connectors.operations import VendorClient
from providers.models import ProviderAccount
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch
from tests.engine.test_brakes import run, states
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

STATES = {"ok": MessageState.SENT, "no": MessageState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class CoachConfig(AccountConfig):
    base_url: str = setting(label="Base URL", help="Of nobody.", default="https://coach.example.com")
    api_key: str = setting(label="Key", help="A key.", secret=True)


class Coach(BatchConnector):
    """Of no real vendor: rows of {to, text, name}, answered by rows of {to, state}."""

    slug = "coach"
    label = "Coach"
    document = "none"
    capabilities = Capabilities(
        body=True,
        batch=BatchKind.PERSONAL,
        batch_most=10,
        personal_text=True,
        media=False,
        schedule=False,
        receipts=ReceiptKind.NONE,
        inbound=False,
        remote_entities=False,
        idempotency=False,
        alphanumeric_senders=True,
        webhook_setup=False,
        max_text_length=1600,
    )
    Config = CoachConfig
    Client = VendorClient
    wanted_values = ("first_name", "town")
    send_path = "/send"

    number = re.compile(r"[0-9]{10,15}", re.ASCII)
    number_words = "numbers of 10 to 15 digits"

    def build_batch(self, batch: Sequence[OutgoingText]) -> httpx.Request:
        rows = [{"to": one.msisdn, "text": one.text, **one.values} for one in batch]
        return self.request("POST", self.send_path, data=rows)

    def read_batch(self, batch: Sequence[OutgoingText], answer: Answer) -> list[SendResult]:
        rows = as_rows(answer.data)
        if rows is None:
            raise self.bad_answer(answer)
        said = {row["to"]: row["state"] for row in rows}
        unknown = SendResult(MessageState.UNKNOWN, reason="bad_answer", words="not named")
        return [
            SendResult(STATES[said[one.msisdn]], f"id-{one.msisdn}", words=said[one.msisdn])
            if one.msisdn in said
            else unknown
            for one in batch
        ]

    def build_test(self) -> httpx.Request:
        return self.request("GET", "/")

    def read_test(self, answer: Answer) -> str:
        return "It works."

    def read_webhook(self, call: WebhookCall) -> list[DeliveryReport | InboundText]:
        return []


class Vendor(httpx.AsyncBaseTransport):
    """Takes everything, unless `answer` says otherwise; keeps the rows of each request."""

    def __init__(self, answer: Callable[[list[dict[str, str]]], httpx.Response] | None = None) -> None:
        self.batches: list[list[dict[str, str]]] = []
        self._answer = answer or taken

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        rows: list[dict[str, str]] = json.loads(await request.aread())
        self.batches.append(rows)
        # What it does to the database may take its time, and its thread's connection is not ours.
        return await asyncio.to_thread(self._answer, rows)

    @property
    def numbers(self) -> list[str]:
        return [row["to"] for batch in self.batches for row in batch]


def taken(rows: list[dict[str, str]]) -> httpx.Response:
    return httpx.Response(200, json=[{"to": row["to"], "state": "ok"} for row in rows])


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    settings.ENGINE_CONTROL_SECONDS = 0.05
    monkeypatch.setitem(REGISTRY, "coach", Coach)
    yield


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme, "coach", "https://coach.example.com")


def test_it_works(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=35)
    vendor = Vendor()
    report = run(vendor)
    assert (report.sent, states(dispatch), dispatch.state) == (35, {"sent": 35}, "finished")
    assert max(map(len, vendor.batches)) == 10
    assert len(vendor.batches) < 10
    assert len(set(vendor.numbers)) == len(vendor.numbers) == 35
    one = Message.objects.filter(dispatch=dispatch).order_by("id")[0]
    assert one.provider_message_id == f"id-{one.msisdn}"
    assert_counters_equal_ledger(dispatch)


def test_values_that_the_provider_asks_for_go_out_beside_the_text(account: ProviderAccount) -> None:
    make_dispatch(account.workspace, account, people=2, text="Hello")
    Recipient.objects.filter(first_name="Person 1").update(extra={"town": "Bath"})
    vendor = Vendor()
    run(vendor)
    rows = sorted((row["text"], row["first_name"], row["town"]) for batch in vendor.batches for row in batch)
    assert rows == [("Hello", "Person 0", ""), ("Hello", "Person 1", "Bath")]


def test_each_of_a_partly_taken_batch_has_its_own_state(account: ProviderAccount) -> None:
    def some(rows: list[dict[str, str]]) -> httpx.Response:
        said = [
            {"to": row["to"], "state": "no" if row["to"].endswith("3") else "ok"}
            for row in rows
            if not row["to"].endswith("4")
        ]
        return httpx.Response(200, json=said)

    dispatch = make_dispatch(account.workspace, account, people=20)
    vendor = Vendor(some)
    run(vendor)
    ends = [number[-1] for number in vendor.numbers]
    expected = {
        "sent": 20 - ends.count("3") - ends.count("4"),
        "failed": ends.count("3"),
        "unknown": ends.count("4"),
    }
    assert states(dispatch) == {state: count for state, count in expected.items() if count}
    assert_counters_equal_ledger(dispatch)


def test_a_number_is_never_twice_in_one_request(account: ProviderAccount) -> None:
    first = make_dispatch(account.workspace, account, people=8, name="One")
    second = make_dispatch(account.workspace, account, people=8, name="Two", broadcast_id=2)
    vendor = Vendor()
    run(vendor)
    assert (states(first), states(second)) == ({"sent": 8}, {"sent": 8})
    assert all(len({row["to"] for row in batch}) == len(batch) for batch in vendor.batches)


def test_a_refused_batch_is_halved_until_one_is_to_blame(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=10)
    bad = Message.objects.filter(dispatch=dispatch).order_by("id")[3].msisdn

    def picky(rows: list[dict[str, str]]) -> httpx.Response:
        if any(row["to"] == bad for row in rows):
            return httpx.Response(422, json={"message": "a row is wrong"})
        return taken(rows)

    vendor = Vendor(picky)
    run(vendor)
    assert states(dispatch) == {"sent": 9, "failed": 1}
    failed = Message.objects.get(dispatch=dispatch, state="failed")
    assert (failed.msisdn, failed.reason) == (bad, "refused")
    assert_counters_equal_ledger(dispatch)


def test_a_throttled_batch_goes_back_whole_and_moves_the_clock_once(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    from messaging.engine import loop

    pushes: list[Any] = []
    push_back = loop.push_back
    monkeypatch.setattr(loop, "push_back", lambda *args: (pushes.append(args), push_back(*args)))
    answers = iter([httpx.Response(429, json={}, headers={"retry-after": "0"})])
    dispatch = make_dispatch(account.workspace, account, people=10)
    vendor = Vendor(lambda rows: next(answers, None) or taken(rows))
    run(vendor)
    assert states(dispatch) == {"sent": 10}
    assert len(pushes) == 1
    assert len(vendor.batches) == 2


def test_the_second_answer_in_a_row_that_nobody_can_read_stops_the_account(account: ProviderAccount) -> None:
    dispatch = make_dispatch(account.workspace, account, people=200)
    vendor = Vendor(lambda _rows: httpx.Response(500, text="Oops"))
    run(vendor)
    found = states(dispatch)
    assert dispatch.state == "paused"
    assert found["unknown"] == len(vendor.numbers) <= 50
    assert found["queued"] == 200 - len(vendor.numbers)
    assert len(set(vendor.numbers)) == len(vendor.numbers)
    assert_counters_equal_ledger(dispatch)


def test_who_writes_stop_while_the_batch_waits_is_left_out(acme: Workspace) -> None:
    """The account's pace holds them up for seconds: who opted out meanwhile is looked up again."""
    account = make_account(acme, "coach", "https://coach.example.com", parts_per_second=Decimal(8))
    dispatch = make_dispatch(acme, account, people=16)
    last = Message.objects.filter(dispatch=dispatch).order_by("-id")[0].msisdn

    def opting_out(rows: list[dict[str, str]]) -> httpx.Response:
        if not OptOut.objects.filter(msisdn=last).exists():
            OptOut.objects.create(workspace=acme, msisdn=last, source="api")
        connections.close_all()
        return taken(rows)

    vendor = Vendor(opting_out)
    run(vendor)
    assert states(dispatch) == {"sent": 15, "suppressed": 1}
    assert last not in vendor.numbers


def test_what_waits_when_its_time_is_over_is_not_sent(acme: Workspace) -> None:
    """At four a second they would take five seconds; there is one."""
    account = make_account(acme, "coach", "https://coach.example.com", parts_per_second=Decimal(4))
    dispatch = make_dispatch(acme, account, people=20)
    Dispatch.objects.filter(pk=dispatch.pk).update(not_after=timezone.now() + timedelta(seconds=1))
    vendor = Vendor()
    run(vendor)
    counts = states(dispatch)
    assert set(counts) == {"sent", "queued"}
    assert counts["sent"] == len(vendor.numbers) <= 5
    assert_counters_equal_ledger(dispatch)
    assert run(vendor).claimed == 0


def test_a_pause_takes_what_waits_back(acme: Workspace) -> None:
    account = make_account(acme, "coach", "https://coach.example.com", parts_per_second=Decimal(20))
    dispatch = make_dispatch(acme, account, people=60)

    def pausing(rows: list[dict[str, str]]) -> httpx.Response:
        pause_dispatch(dispatch_id=dispatch.pk, reason="by Alice")
        connections.close_all()
        return taken(rows)

    first = Vendor(pausing)
    run(first)
    seen = first.numbers
    found = states(dispatch)
    assert dispatch.state == "paused"
    assert found == {"sent": len(seen), "queued": 60 - len(seen)}
    assert len(seen) < 40

    resume_dispatch(dispatch_id=dispatch.pk)
    vendor = Vendor()
    run(vendor)
    assert states(dispatch) == {"sent": 60}
    assert not set(vendor.numbers) & set(seen)


def test_our_own_mistake_leaves_nobody_to_be_texted_twice(
    account: ProviderAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(Coach, "send_batch", broken)
    dispatch = make_dispatch(account.workspace, account, people=100)
    run(Vendor())
    found = states(dispatch)
    assert dispatch.state == "paused"
    assert found["unknown"] >= 20
    assert found["unknown"] + found["queued"] == 100
