"""STOP and START: the last word of a number wins, whenever and however often its calls are applied."""

from __future__ import annotations

import json
import random
import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import ImportPurpose, OptOut, OptOutHow, OptOutReview
from contacts.services.opt_outs import opt_in, opt_out, opt_out_many
from messaging.models import InboundText
from messaging.receipts import apply_inbound
from providers.connectors.base import InboundText as InboundNews
from providers.models import ProviderAccount, StoredWebhookCall, WebhookCallState
from providers.services import webhook_calls
from providers.signals import InboundArrived
from tests.contacts.support import NOBODY, checked_opt_outs, number, ran, upload
from tests.engine.makers import SENDER, make_account

MAYA, AHMAD = number(1), number(2)
BEGAN = timezone.now() - timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def account(acme: Workspace) -> ProviderAccount:
    return make_account(acme)


def at(minute: float) -> datetime:
    return BEGAN + timedelta(minutes=minute)


def stored(account: ProviderAccount, text: str, minute: float, msisdn: str = MAYA) -> StoredWebhookCall:
    body = json.dumps({"From": msisdn, "To": [SENDER], "Message": text}).encode()
    return StoredWebhookCall.objects.create(
        account=account,
        method="POST",
        headers={"content-type": "application/json"},
        body=body,
        received_at=at(minute),
        try_at=at(minute),
    )


def apply(account: ProviderAccount, call: StoredWebhookCall, text: str, vendor_id: str = "") -> None:
    news = InboundNews(msisdn=MAYA, sender_number=SENDER, text=text, provider_message_id=vendor_id)
    apply_inbound(InboundArrived(account.pk, account.workspace_id, ((call.pk, news),)))


def is_out() -> bool:
    return OptOut.objects.filter(msisdn=MAYA).exists()


def test_an_older_start_does_not_undo_a_stop(account: ProviderAccount) -> None:
    opt_out(workspace=account.workspace, msisdn=MAYA, how=OptOutHow.STOP, said_at=at(0))
    start, stop = stored(account, "START", 1), stored(account, "STOP", 2)
    apply(account, stop, "STOP")
    apply(account, start, "START")
    assert is_out()
    apply(account, stored(account, "START", 3), "START")
    assert not is_out()


def test_an_older_stop_does_not_undo_a_start(account: ProviderAccount) -> None:
    stop, start = stored(account, "STOP", 1), stored(account, "START", 2)
    apply(account, start, "START")
    apply(account, stop, "STOP")
    assert not is_out()


def test_of_the_same_moment_stop_counts(account: ProviderAccount) -> None:
    stop, start = stored(account, "STOP", 1), stored(account, "START", 1)
    apply(account, stop, "STOP")
    apply(account, start, "START")
    assert is_out()


def test_start_of_a_worker_that_died_is_applied_late(account: ProviderAccount) -> None:
    start = stored(account, "START", 1)
    assert webhook_calls._claim(10, timezone.now()) == [start]
    stored(account, "STOP", 2)
    webhook_calls.apply_waiting_calls()
    assert is_out()
    StoredWebhookCall.objects.filter(pk=start.pk).update(try_at=timezone.now())  # the lease has passed
    webhook_calls.apply_waiting_calls()
    start.refresh_from_db()
    assert (start.state, is_out()) == (WebhookCallState.APPLIED, True)


@pytest.mark.parametrize("seed", range(40))
def test_in_any_order_and_with_repeats_the_newest_word_wins(account: ProviderAccount, seed: int) -> None:
    """With and without ids of the vendor's; a call may come again from the vendor, and be applied again by us."""
    chance = random.Random(seed)
    calls = []
    for n in range(chance.randint(1, 6)):
        word, vendor_id = chance.choice(["STOP", "START"]), chance.choice(["", f"id-{n}"])
        minute = n * chance.choice([1, 20])
        calls.append((stored(account, word, minute), word, vendor_id))
        if vendor_id and chance.random() < 0.3:
            again = stored(account, word, minute + chance.choice([0.5, 7, 90]))
            calls.append((again, word, vendor_id))
    said = {vendor_id or call.pk: (call, word) for call, word, vendor_id in reversed(calls)}
    _when, last = max((call.received_at, word == "STOP") for call, word in said.values())
    order = [*calls, *chance.choices(calls, k=3)]
    chance.shuffle(order)
    for call, word, vendor_id in order:
        apply(account, call, word, vendor_id)
    assert is_out() is last, [(call.received_at, word, vendor_id) for call, word, vendor_id in order]


def other_ways(workspace: Workspace, way: str) -> None:
    if way == "many":
        opt_out_many(workspace=workspace, msisdns=[MAYA, AHMAD], how=OptOutHow.API)
    elif way == "file":
        old = f"number,at\n+{MAYA},2024-05-03\n"
        ran(checked_opt_outs(upload(workspace, old, purpose=ImportPurpose.OPT_OUTS)))
    else:
        opt_out(workspace=workspace, msisdn=MAYA, how=way)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("way", ["many", "file", "page", "vendor", "person"])
def test_what_was_opted_out_in_another_way_since_stays(
    account: ProviderAccount, way: str, known: bool
) -> None:
    """By when it was written down: a file tells of other days. Also of a number that was opted out before."""
    if known:
        apply(account, stored(account, "STOP", 0), "STOP")
    start = stored(account, "START", 1)
    other_ways(account.workspace, way)
    apply(account, start, "START")
    assert is_out()
    apply(account, stored(account, "START", 90), "START")
    assert not is_out()


def test_opt_outs_from_before_their_moments_were_kept_are_undone(account: ProviderAccount) -> None:
    for how, minute, stays in [("stop", 5, False), ("file", 0, False), ("file", 5, True)]:
        OptOut.objects.create(
            workspace=account.workspace, msisdn=MAYA, how=how, at=at(minute), written_at=None
        )
        apply(account, stored(account, "START", 1), "START", f"{how} {minute}")
        assert is_out() is stays


def test_who_was_taken_back_is_not_opted_out_by_the_same_call_again(account: ProviderAccount) -> None:
    stop = stored(account, "STOP", 1)
    apply(account, stop, "STOP")
    opt_in(workspace=account.workspace, msisdn=MAYA, reason="asked by letter")
    apply(account, stop, "STOP")
    assert not is_out()
    apply(account, stored(account, "STOP", 2), "STOP")
    assert is_out()


def test_an_older_start_settles_no_later_text(account: ProviderAccount) -> None:
    start, later = stored(account, "START", 1), stored(account, "please stop this", 2)
    apply(account, later, "please stop this")
    apply(account, start, "START")
    assert OptOutReview.objects.get().decision == "waiting"
    apply(account, stored(account, "START", 3), "START")
    assert OptOutReview.objects.get().decision == "dismissed"
    apply(account, stored(account, "please stop it", 2.5), "please stop it")
    assert OptOutReview.objects.count() == 1, "it was settled before it was applied"


def test_the_proof_tells_when_stop_came(account: ProviderAccount) -> None:
    apply(account, stored(account, "STOP", 7), "STOP")
    assert (OptOut.objects.get().at, InboundText.objects.get().received_at) == (at(7), at(7))


def test_unsubscribe_lists_keep_whom_start_brings_back(account: ProviderAccount) -> None:
    from contacts.services.opt_outs import add_members, create_unsubscribe_list

    rivals = create_unsubscribe_list(workspace=account.workspace, actor=NOBODY, name="Rivals")
    add_members(unsubscribe_list=rivals, msisdns=[MAYA])
    apply(account, stored(account, "STOP", 1), "STOP")
    apply(account, stored(account, "START", 2), "START")
    assert (is_out(), rivals.members.count()) == (False, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(4))
def test_two_workers_at_once(account: ProviderAccount, turn: int) -> None:
    """Each number's words are of both; whoever is applied last must not decide."""
    chance, last = random.Random(turn), {}
    calls: list[StoredWebhookCall] = []
    for msisdn in map(number, range(10, 16)):
        for minute in range(6):
            word = chance.choice(["STOP", "START"])
            calls.append(stored(account, word, minute, msisdn))
            last[msisdn] = word
    chance.shuffle(calls)
    together, errors = threading.Barrier(2), list[BaseException]()

    def work(mine: list[StoredWebhookCall]) -> None:
        try:
            together.wait(10)
            for call in mine:
                webhook_calls._settle(webhook_calls._apply_group(account, [call]))
        except BaseException as error:  # the test tells it
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[calls[half::2]]) for half in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    out = set(OptOut.objects.values_list("msisdn", flat=True))
    assert out == {msisdn for msisdn, word in last.items() if word == "STOP"}
    assert not StoredWebhookCall.objects.exclude(state=WebhookCallState.APPLIED).exists()
