"""Calls of vendors: applied once, in bulk, the bad ones apart; late matches tried again, old calls pruned."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import OperationalError, connections
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from accounts.models import Workspace
from providers.models import ProviderAccount, StoredWebhookCall
from providers.services import (
    apply_again,
    apply_waiting_calls,
    prune_webhook_calls,
    store_call,
    webhook_calls,
)
from providers.signals import InboundArrived, ReceiptsArrived, inbound_arrived, receipts_arrived
from sms.states import MessageState
from tests.people import workspace_named
from tests.providers.makers import make_account, whiz_report


@dataclass
class Heard:
    """Stands in for messaging: `known` are the vendor's message ids that have a message."""

    known: set[str] = field(default_factory=set)
    receipts: list[ReceiptsArrived] = field(default_factory=list)
    inbound: list[InboundArrived] = field(default_factory=list)
    before: Callable[[ReceiptsArrived], None] = lambda news: None

    def take_receipts(self, news: ReceiptsArrived, **_kwargs: Any) -> frozenset[int]:
        self.before(news)
        self.receipts.append(news)
        return frozenset(
            call for call, report in news.reports if report.provider_message_id not in self.known
        )

    def take_inbound(self, news: InboundArrived, **_kwargs: Any) -> frozenset[int]:
        self.inbound.append(news)
        return frozenset(
            call for call, text in news.texts if not text.msisdn and text.answers_id not in self.known
        )

    @property
    def applied(self) -> list[str]:
        return [report.provider_message_id for news in self.receipts for _call, report in news.reports]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """Only the test listens."""
    made = Heard()
    for signal, receiver in ((receipts_arrived, made.take_receipts), (inbound_arrived, made.take_inbound)):
        monkeypatch.setattr(signal, "receivers", [])
        signal.sender_receivers_cache.clear()
        signal.connect(receiver)
    yield made
    for signal in (receipts_arrived, inbound_arrived):
        signal.sender_receivers_cache.clear()


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def post(account: ProviderAccount, body: bytes, **fields: Any) -> StoredWebhookCall:
    given: dict[str, Any] = {"method": "POST", "query": "", "headers": {"Content-Type": "application/json"}}
    return store_call(account_id=account.pk, body=body, remote_address="192.0.2.1", **given | fields)


def states() -> list[str]:
    return list(StoredWebhookCall.objects.order_by("id").values_list("state", flat=True))


def make_due(by: timedelta = timedelta(hours=1)) -> None:
    StoredWebhookCall.objects.update(try_at=timezone.now() - by)


def test_it_works(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {"m1", "m2"}
    calls = [post(account, whiz_report("m1")), post(account, whiz_report("m2", state=5))]
    assert apply_waiting_calls() == 2
    (news,) = heard.receipts
    assert (news.account_id, news.workspace_id) == (account.pk, account.workspace_id)
    assert [call for call, _report in news.reports] == [call.pk for call in calls]
    assert [report.state for _call, report in news.reports] == [
        MessageState.DELIVERED,
        MessageState.UNDELIVERED,
    ]
    assert states() == ["applied", "applied"]
    assert StoredWebhookCall.objects.filter(applied_at__isnull=True).count() == 0


def test_applying_again_finds_nothing(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {"m1"}
    post(account, whiz_report("m1"))
    assert (apply_waiting_calls(), apply_waiting_calls()) == (1, 0)
    assert heard.applied == ["m1"]


def test_one_signal_an_account(acme: Workspace, other: Workspace, heard: Heard) -> None:
    heard.known = {"a", "b", "c"}
    first, second = make_account(acme), make_account(other)
    for account, name in ((first, "a"), (second, "b"), (first, "c")):
        post(account, whiz_report(name))
    apply_waiting_calls()
    assert sorted((news.workspace_id, len(news.reports)) for news in heard.receipts) == sorted(
        [(acme.pk, 2), (other.pk, 1)]
    )


def test_all_batches_until_nothing_is_due(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {f"m{n}" for n in range(7)}
    for n in range(7):
        post(account, whiz_report(f"m{n}"))
    assert apply_waiting_calls(limit=3) == 7
    assert [len(news.reports) for news in heard.receipts] == [3, 3, 1]


def test_large_bodies_are_taken_a_few_at_a_time(
    account: ProviderAccount, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_calls, "BATCH_BYTES", 1000)
    heard.known = {"a", "b", "c"}
    for name in "abc":
        post(account, whiz_report(name) + b" " * 700)
    assert apply_waiting_calls() == 3
    assert [len(news.reports) for news in heard.receipts] == [1, 1, 1]


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff\x00\xfe", b"[[[", b'"text"', b"{}"])
def test_a_bad_call_is_rejected_with_words_and_blocks_nobody(
    account: ProviderAccount, heard: Heard, body: bytes
) -> None:
    heard.known = {"m1", "m2"}
    post(account, whiz_report("m1"))
    bad = post(account, body)
    post(account, whiz_report("m2"))
    apply_waiting_calls()
    assert states() == ["applied", "rejected", "applied"]
    bad.refresh_from_db()
    assert bad.words
    assert heard.applied == ["m1", "m2"]


@pytest.mark.parametrize(
    "wrong",
    [{"state": 2}, 5, json.loads(whiz_report("m3")) | {"recipient": "4" * 21}],
    ids=["id", "form", "number"],
)
def test_a_report_that_cannot_be_read_takes_no_other_with_it(
    account: ProviderAccount, heard: Heard, wrong: Any
) -> None:
    heard.known = {"m1", "m2"}
    call = post(
        account, json.dumps([json.loads(whiz_report("m1")), wrong, json.loads(whiz_report("m2"))]).encode()
    )
    apply_waiting_calls()
    call.refresh_from_db()
    assert heard.applied == ["m1", "m2"]
    assert call.state == "rejected"
    assert call.words.startswith("1 of 3 reports cannot be read. The first of them: ")


def test_a_call_read_in_part_waits_for_the_messages_of_the_rest(
    account: ProviderAccount, heard: Heard
) -> None:
    call = post(account, json.dumps([json.loads(whiz_report("m1")), 5]).encode())
    apply_waiting_calls()
    assert states() == ["new"]
    heard.known = {"m1"}
    make_due()
    apply_waiting_calls()
    call.refresh_from_db()
    assert (call.state, heard.applied) == ("rejected", ["m1", "m1"])


def test_an_inbound_text_goes_up(acme: Workspace, heard: Heard) -> None:
    account = make_account(acme, "bulkvs")
    call = post(
        account, json.dumps({"From": "12015550123", "To": ["12025550100"], "Message": "Stop%21"}).encode()
    )
    apply_waiting_calls()
    ((call_id, text),) = heard.inbound[0].texts
    assert (call_id, text.msisdn, text.sender_number, text.text) == (
        call.pk,
        "12015550123",
        "12025550100",
        "Stop!",
    )
    assert (states(), heard.receipts) == (["applied"], [])


# --- reports that come before their message is stored ---------------------------------------------------


def test_an_unmatched_report_is_tried_again(account: ProviderAccount, heard: Heard) -> None:
    call = post(account, whiz_report("m1"))
    assert apply_waiting_calls() == 1
    call.refresh_from_db()
    assert (call.state, call.tries) == ("new", 1)
    assert call.try_at > timezone.now() - timedelta(seconds=1)
    heard.known = {"m1"}
    make_due()
    assert apply_waiting_calls() == 1
    assert states() == ["applied"]


def test_a_round_tries_each_call_once_and_takes_new_ones_along(
    account: ProviderAccount, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a round takes: else calls without a message would keep it going for minutes."""
    monkeypatch.setattr(webhook_calls, "FIRST_RETRY", timedelta(0))
    waiting = iter([whiz_report("m2")])

    def one_more(_news: ReceiptsArrived) -> None:
        for body in waiting:
            post(account, body)

    heard.before = one_more
    post(account, whiz_report("m1"))
    assert apply_waiting_calls() == 2
    assert heard.applied == ["m1", "m2"]


def test_each_try_waits_longer_up_to_a_minute(account: ProviderAccount, heard: Heard) -> None:
    call = post(account, whiz_report("m1"))
    waits = []
    for _ in range(8):
        make_due()
        before = timezone.now()
        apply_waiting_calls()
        call.refresh_from_db()
        waits.append(round((call.try_at - before).total_seconds()))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_after_ten_minutes_it_belongs_to_no_message(account: ProviderAccount, heard: Heard) -> None:
    call = post(account, whiz_report("m1"))
    StoredWebhookCall.objects.update(received_at=timezone.now() - timedelta(minutes=10, seconds=1))
    apply_waiting_calls()
    call.refresh_from_db()
    assert (call.state, call.applied_at is None) == ("unmatched", False)


def test_a_call_with_one_unmatched_report_waits_as_a_whole(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {"m1"}
    both = [json.loads(whiz_report("m1")), json.loads(whiz_report("m2"))]
    post(account, json.dumps(both).encode())
    apply_waiting_calls()
    assert states() == ["new"]
    assert heard.applied == ["m1", "m2"]


def test_without_any_receiver_reports_are_kept(account: ProviderAccount, heard: Heard) -> None:
    receipts_arrived.disconnect(heard.take_receipts)
    post(account, whiz_report("m1"))
    apply_waiting_calls()
    assert states() == ["new"]


# --- trouble --------------------------------------------------------------------------------------------


def test_a_call_over_which_a_receiver_fails_holds_up_no_other(
    account: ProviderAccount, heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_over_poison(news: ReceiptsArrived) -> None:
        if any(report.provider_message_id == "poison" for _call, report in news.reports):
            raise RuntimeError("cannot swallow this")

    heard.before = fail_over_poison
    names = ["m1", "m2", "poison", "m3", "m4"]
    heard.known = set(names)
    for name in names:
        post(account, whiz_report(name))
    apply_waiting_calls()
    assert states() == ["applied", "applied", "new", "applied", "applied"]
    assert sorted(heard.applied) == ["m1", "m2", "m3", "m4"]
    assert "webhook call not applied" in caplog.text


def test_a_database_that_is_away_leaves_the_calls_to_the_next_worker(
    account: ProviderAccount, heard: Heard
) -> None:
    def fail(news: ReceiptsArrived) -> None:
        raise OperationalError("the connection is lost")

    heard.before, heard.known = fail, {"m1"}
    post(account, whiz_report("m1"))
    with pytest.raises(OperationalError):
        apply_waiting_calls()
    heard.before = lambda news: None
    assert apply_waiting_calls() == 0  # still claimed
    make_due()
    assert apply_waiting_calls() == 1
    assert states() == ["applied"]


def test_calls_wait_while_the_credentials_cannot_be_opened(
    account: ProviderAccount, heard: Heard, settings: Settings
) -> None:
    heard.known = {"m1"}
    post(account, whiz_report("m1"))
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    apply_waiting_calls()
    assert states() == ["new"]
    settings.ENCRYPTION_KEYS = keys
    make_due()
    apply_waiting_calls()
    assert states() == ["applied"]


def test_a_claimed_call_is_not_taken_twice(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {"m1"}
    post(account, whiz_report("m1"))
    nested: list[int] = []
    heard.before = lambda news: nested.append(apply_waiting_calls())
    assert apply_waiting_calls() == 1
    assert (nested, heard.applied) == ([0], ["m1"])


@pytest.mark.django_db(transaction=True)
def test_workers_share_the_calls_and_none_is_applied_twice(heard: Heard) -> None:
    account = make_account(workspace_named("acme"))
    names = [f"m{n}" for n in range(120)]
    heard.known = set(names)
    for name in names:
        post(account, whiz_report(name))

    def work(_number: int) -> int:
        try:
            return apply_waiting_calls(limit=7)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(work, range(3))) == 120
    assert sorted(heard.applied) == sorted(names)
    assert set(states()) == {"applied"}


def test_queries_do_not_grow_with_the_calls(
    account: ProviderAccount, heard: Heard, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    heard.known = {f"m{n}" for n in range(200)}
    for n in range(200):
        post(account, whiz_report(f"m{n}"))
    with django_assert_max_num_queries(16):
        assert apply_waiting_calls() == 200


# --- afterwards -----------------------------------------------------------------------------------------


def test_rejected_calls_can_be_applied_again(account: ProviderAccount, heard: Heard) -> None:
    heard.known = {"m1"}
    post(account, b"not json")
    mended = post(account, b"{}")
    apply_waiting_calls()
    StoredWebhookCall.objects.filter(pk=mended.pk).update(body=whiz_report("m1"))
    assert apply_again(call_ids=[mended.pk]) == 1
    apply_waiting_calls()
    assert states() == ["rejected", "applied"]


def test_prune_forgets_old_settled_calls_alone(account: ProviderAccount) -> None:
    long_ago = timezone.now() - timedelta(days=31)
    for state in ("applied", "new", "rejected", "unmatched"):
        post(account, b"{}")
        StoredWebhookCall.objects.filter(state="new", received_at__gt=long_ago).update(
            state=state, received_at=long_ago
        )
    post(account, b"{}")
    assert prune_webhook_calls() == 3
    assert states() == ["new", "new"]


def test_prune_with_nothing_to_do_is_one_query(
    account: ProviderAccount, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        post(account, b"{}")
    with django_assert_num_queries(1):
        assert prune_webhook_calls() == 0
