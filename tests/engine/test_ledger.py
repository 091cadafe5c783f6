"""The ledger: forward only, counted, in one worker's hands at a time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import OptOut, UnsubscribeList, UnsubscribeMember
from messaging.dispatches import cancel_stopped, counts_of, pause_dispatch, stop_dispatch
from messaging.ledger import (
    TRIES_MOST,
    Change,
    Claimed,
    Return,
    apply_changes,
    cancel_waiting,
    claim_messages,
    expire_leases,
    has_due,
    return_to_queue,
)
from messaging.models import Dispatch, Message, MessageCount, MessageMinute
from sms.states import MessageState
from tests.engine.makers import make_account, make_dispatch

S = MessageState
pytestmark = pytest.mark.django_db


@pytest.fixture
def dispatch(acme: Workspace) -> Dispatch:
    return make_dispatch(acme, make_account(acme), people=10)


def claim(dispatch: Dispatch, limit: int = 10, by: str = "w1", seconds: float = 60) -> list[Claimed]:
    until = timezone.now() + timedelta(seconds=seconds)
    return claim_messages(dispatch=dispatch, claim=by, limit=limit, lease_until=until)


def change(message_id: int, state: MessageState, **facts: object) -> Change:
    return Change(message_id, state, timezone.now(), "engine", **facts)  # type: ignore[arg-type]  # plain facts


def assert_counters_equal_ledger(dispatch: Dispatch) -> None:
    ledger = Counter(Message.objects.filter(dispatch=dispatch).values_list("state", "reason"))
    kept = {
        (state, reason): count
        for state, reason, count in dispatch.counts.values_list("state", "reason", "count")
        if count
    }
    assert kept == dict(ledger)


def test_claims_in_the_order_of_planning(dispatch: Dispatch) -> None:
    first = claim(dispatch, 4)
    ids = list(dispatch.messages.order_by("id").values_list("id", flat=True))
    assert [row.message_id for row in first] == ids[:4]
    assert [row.message_id for row in claim(dispatch, 4, by="w2")] == ids[4:8]
    assert_counters_equal_ledger(dispatch)


def test_claims_nothing_while_paused(dispatch: Dispatch) -> None:
    pause_dispatch(dispatch_id=dispatch.pk)
    assert claim(dispatch) == []


def test_claims_nothing_before_it_is_due(dispatch: Dispatch) -> None:
    dispatch.messages.update(due_at=timezone.now() + timedelta(minutes=1))
    assert claim(dispatch) == []


@pytest.mark.parametrize(("seconds", "claimed"), [(60, 10), (0, 0), (-60, 0)])
def test_claims_nothing_once_its_time_is_over(dispatch: Dispatch, seconds: int, claimed: int) -> None:
    Dispatch.objects.filter(pk=dispatch.pk).update(not_after=timezone.now() + timedelta(seconds=seconds))
    assert has_due(dispatch) is bool(claimed)
    assert len(claim(dispatch)) == claimed
    assert_counters_equal_ledger(dispatch)


def test_suppresses_who_opted_out_since_the_launch(dispatch: Dispatch) -> None:
    gone = dispatch.messages.order_by("id")[1]
    OptOut.objects.create(workspace=dispatch.workspace, msisdn=gone.msisdn)
    assert gone.pk not in {row.message_id for row in claim(dispatch)}
    gone.refresh_from_db()
    assert (gone.state, gone.reason) == ("suppressed", "opted_out")
    assert gone.settled_at is not None
    assert gone.history[0][0] == "suppressed"
    assert_counters_equal_ledger(dispatch)


def test_suppresses_members_of_the_unsubscribe_lists_of_the_dispatch(dispatch: Dispatch) -> None:
    asked = UnsubscribeList.objects.create(workspace=dispatch.workspace, name="Shop")
    gone = dispatch.messages.order_by("id")[0]
    UnsubscribeMember.objects.create(list=asked, msisdn=gone.msisdn)
    Dispatch.objects.filter(pk=dispatch.pk).update(unsubscribe_list_ids=[asked.pk])
    dispatch.refresh_from_db()
    assert gone.pk not in {row.message_id for row in claim(dispatch)}


def test_keeps_facts_source_and_words(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    moved = apply_changes(
        [
            change(
                row.message_id,
                S.SENT,
                provider_message_id="abc",
                parts=2,
                price=Decimal("0.0158"),
                text="Hello",
                words="OK",
            )
        ]
    )
    assert moved == {row.message_id}
    message = Message.objects.get(pk=row.message_id)
    assert (message.state, message.provider_message_id, message.parts, message.text) == (
        "sent",
        "abc",
        2,
        "Hello",
    )
    assert message.price == Decimal("0.0158")
    assert message.lease_until is None
    assert message.settled_at is None
    assert [message.history[0][place] for place in (0, 2, 4)] == ["sent", "engine", "OK"]
    dispatch.refresh_from_db()
    assert dispatch.cost == Decimal("0.0158")


def test_never_goes_back_from_delivered(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    apply_changes([change(row.message_id, S.DELIVERED)])
    assert apply_changes([change(row.message_id, S.SENT, provider_message_id="late")]) == set()
    message = Message.objects.get(pk=row.message_id)
    assert message.state == "delivered"
    assert message.provider_message_id == "late", "the fact is kept though the state does not move"
    assert len(message.history) == 1
    assert_counters_equal_ledger(dispatch)


def test_two_reports_at_once_cost_once(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    price = Decimal("0.01")
    assert apply_changes(
        [change(row.message_id, S.SENT, price=price), change(row.message_id, S.DELIVERED, price=price)]
    ) == {row.message_id}
    dispatch.refresh_from_db()
    assert dispatch.cost == price
    message = Message.objects.get(pk=row.message_id)
    assert (message.state, [entry[0] for entry in message.history]) == ("delivered", ["sent", "delivered"])
    assert_counters_equal_ledger(dispatch)


def test_keeps_words_that_a_database_cannot_hold(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    apply_changes([change(row.message_id, S.REJECTED, words="No\0 \ud83d ✓", provider_message_id="a\0b")])
    message = Message.objects.get(pk=row.message_id)
    assert (message.words, message.provider_message_id) == ("No ? ✓", "ab")


def test_a_repeated_report_changes_nothing(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    report = change(row.message_id, S.DELIVERED, price=Decimal("0.01"))
    apply_changes([report])
    apply_changes([report])
    dispatch.refresh_from_db()
    assert dispatch.cost == Decimal("0.01")
    assert MessageMinute.objects.get(dispatch=dispatch, state="delivered").count == 1
    assert_counters_equal_ledger(dispatch)


def test_applies_two_changes_of_one_message_in_one_batch(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    apply_changes([change(row.message_id, S.SENT), change(row.message_id, S.DELIVERED)])
    message = Message.objects.get(pk=row.message_id)
    assert [entry[0] for entry in message.history] == ["sent", "delivered"]
    assert_counters_equal_ledger(dispatch)


def test_a_lost_workers_claims_become_unknown_once_their_lease_is_over(dispatch: Dispatch) -> None:
    claim(dispatch, 3, seconds=-1)
    claim(dispatch, 2, by="w2")
    assert expire_leases() == 3
    assert counts_of([dispatch.pk])["unknown"] == 3
    assert set(dispatch.messages.filter(state="unknown").values_list("reason", flat=True)) == {"worker_lost"}
    assert claim(dispatch, 10, by="w3") and not dispatch.messages.filter(state="unknown", claim="w3").exists()
    assert_counters_equal_ledger(dispatch)


def test_a_report_settles_unknown(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1, seconds=-1)[0]
    expire_leases()
    assert apply_changes([change(row.message_id, S.DELIVERED)]) == {row.message_id}
    assert_counters_equal_ledger(dispatch)


def test_returns_what_was_certainly_not_sent(dispatch: Dispatch) -> None:
    rows = claim(dispatch, 2)
    back = [Return(row.message_id, "w1", "throttled", "slow down") for row in rows]
    assert return_to_queue(back) == 2
    message = Message.objects.get(pk=rows[0].message_id)
    assert (message.state, message.reason, message.words, message.claim) == (
        "queued",
        "throttled",
        "slow down",
        "",
    )
    assert_counters_equal_ledger(dispatch)
    assert [row.tries for row in claim(dispatch, 1)] == [1]
    assert_counters_equal_ledger(dispatch)


def test_does_not_return_what_a_report_settled_meanwhile(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    apply_changes([change(row.message_id, S.DELIVERED)])
    assert return_to_queue([Return(row.message_id, "w1", "throttled")]) == 0
    assert Message.objects.get(pk=row.message_id).state == "delivered"


def test_does_not_return_what_another_worker_holds(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    assert return_to_queue([Return(row.message_id, "somebody else", "throttled")]) == 0


def test_a_return_that_is_written_again_leaves_a_newer_claim_alone(dispatch: Dispatch) -> None:
    """The database's answer to the first time was lost, and the same hands have claimed it anew."""
    [row] = claim(dispatch, 1)
    back = Return(row.message_id, "w1", "throttled", tries=row.tries)
    assert return_to_queue([back]) == 1
    [again] = claim(dispatch, 1)
    assert (again.message_id, again.tries) == (row.message_id, 1)
    assert return_to_queue([back]) == 0
    assert Message.objects.get(pk=row.message_id).state == "submitting"
    assert return_to_queue([back._replace(tries=again.tries)]) == 1
    assert_counters_equal_ledger(dispatch)


def test_a_message_that_was_tried_very_often_still_goes_back(dispatch: Dispatch) -> None:
    Message.objects.update(tries=TRIES_MOST)
    [row] = claim(dispatch, 1)
    assert return_to_queue([Return(row.message_id, "w1", "throttled", tries=row.tries)]) == 1


def test_a_return_after_stop_is_cancelled(dispatch: Dispatch) -> None:
    row = claim(dispatch, 1)[0]
    stop_dispatch(dispatch_id=dispatch.pk)
    cancel_stopped([dispatch.pk])
    assert Message.objects.get(pk=row.message_id).state == "submitting"
    return_to_queue([Return(row.message_id, "w1", "throttled")])
    message = Message.objects.get(pk=row.message_id)
    assert (message.state, message.reason, message.claim) == ("cancelled", "stopped", "")
    assert (message.submitted_at, message.lease_until) == (None, None)
    assert message.settled_at is not None
    assert counts_of([dispatch.pk])["queued"] == 0
    assert_counters_equal_ledger(dispatch)


def test_a_return_after_stop_is_kept_as_any_other_move(dispatch: Dispatch) -> None:
    rows = claim(dispatch, 2)
    stop_dispatch(dispatch_id=dispatch.pk)
    return_to_queue([Return(row.message_id, "w1", "throttled", "Slow down") for row in rows])
    message = Message.objects.get(pk=rows[0].message_id)
    assert [[entry[0], *entry[2:]] for entry in message.history] == [
        ["cancelled", "person", "stopped", "Slow down"]
    ]
    assert message.words == "Slow down"
    assert MessageMinute.objects.get(dispatch=dispatch, state="cancelled").count == 2


def test_cancels_what_waits_and_leaves_what_is_under_way(dispatch: Dispatch) -> None:
    claim(dispatch, 3)
    assert cancel_waiting(dispatch.pk, chunk=2) == 7
    counts = counts_of([dispatch.pk])
    assert (counts["cancelled"], counts["submitting"]) == (7, 3)
    assert_counters_equal_ledger(dispatch)


def test_one_number_has_one_row_in_a_broadcast(dispatch: Dispatch) -> None:
    from django.db import IntegrityError, transaction

    row = dispatch.messages.first()
    assert row is not None
    row.pk = None
    row._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_counts_of_nothing_are_zero(acme: Workspace) -> None:
    assert set(counts_of([]).values()) == {0}
    assert not MessageCount.objects.exists()
