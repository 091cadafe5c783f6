"""Segments sent by clicks: decided once, exactly, with the reason written down."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import LaunchRefused, NotNow
from campaigns.models import Broadcast, SmartStep
from campaigns.services import smart
from campaigns.services.control import pause_broadcast, resume_broadcast
from campaigns.services.planning import plan_segment
from campaigns.services.reports import report_of
from campaigns.services.segments import continue_broadcast, next_of
from campaigns.services.smart import judge, judge_smart_broadcasts
from contacts.models import Recipient
from messaging.ledger import claim_messages
from messaging.models import Dispatch, LinkCount, Message
from tests.campaigns.makers import PEOPLE, TEXT, send
from tests.campaigns.smart import assert_counted, click, make_smart, messages_in, segment_of, send_all


def by_clicks(workspace: Workspace, actor: Actor, **changes: object) -> Broadcast:
    """Launched; its first segment of ten is through."""
    broadcast = send(make_smart(workspace, actor, kind="smart_ctr", **changes), actor)
    send_all(broadcast, 1)
    return broadcast


@pytest.fixture
def through(acme: Workspace, actor: Actor) -> Broadcast:
    return by_clicks(acme, actor)


def steps(broadcast: Broadcast) -> list[tuple[int, str, int, int]]:
    rows = SmartStep.objects.filter(broadcast=broadcast).order_by("id")
    return list(rows.values_list("segment_number", "decision", "sent", "clicked"))


def fill(broadcast: Broadcast, number: int) -> None:
    plan_segment(segment_id=segment_of(broadcast, number).pk)


def test_it_works(through: Broadcast) -> None:
    """Below the threshold it waits; two of ten are 20%, so the next ten get it; and so on until nobody is left."""
    click(through, 1, 1)
    assert judge_smart_broadcasts() == 0
    click(through, 1, 2)
    assert judge_smart_broadcasts() == 1
    fill(through, 2)
    assert len(messages_in(through, 2)) == 10
    send_all(through, 2)
    click(through, 2, 3)
    assert judge_smart_broadcasts() == 1
    fill(through, 3)
    send_all(through, 3)
    assert steps(through) == [(1, "below", 10, 1), (1, "reached", 10, 2), (2, "reached", 10, 3)]
    assert through.state == "finished"
    assert report_of(through).sent == PEOPLE
    assert_counted(through)


def test_each_step_says_why(through: Broadcast) -> None:
    click(through, 1, 1)
    judge(through.pk)
    click(through, 1, 2)
    judge(through.pk)
    assert list(through.steps.values_list("sentence", flat=True)) == [
        "Segment 1: 1 of 10 clicked, 10.00%. Below the threshold of 20%: it waits for more clicks.",
        "Segment 1: 2 of 10 clicked, 20.00%. The threshold of 20% is reached: the next 10 people get it.",
    ]


def test_the_fraction_is_compared_exactly(acme: Workspace, actor: Actor) -> None:
    """One of three is more than 33.333 and less than 33.334 of a hundred."""
    sizes = {"first_segment_size": 3, "next_segment_size": 3, "minimum_sample": 3}
    above = by_clicks(acme, actor, conversion_threshold=Decimal("33.334"), **sizes)
    click(above, 1, 1)
    judge(above.pk)
    assert steps(above) == [(1, "below", 3, 1)]
    Broadcast.objects.filter(pk=above.pk).update(conversion_threshold=Decimal("33.333"))
    judge(above.pk)
    assert steps(above) == [(1, "below", 3, 1), (1, "reached", 3, 1)]


def test_it_waits_first(acme: Workspace, actor: Actor) -> None:
    broadcast = by_clicks(acme, actor, wait_minutes=30)
    click(broadcast, 1, 5)
    judge(broadcast.pk)
    assert steps(broadcast) == [(1, "waiting", 10, 5)]
    dispatch = segment_of(broadcast, 1).dispatch
    dispatch.finished_at = timezone.now() - timedelta(minutes=31)
    dispatch.save()
    judge(broadcast.pk)
    assert steps(broadcast)[1:] == [(1, "reached", 10, 5)]


def test_too_few_sent_decide_nothing(through: Broadcast) -> None:
    Broadcast.objects.filter(pk=through.pk).update(minimum_sample=11)
    click(through, 1, 10)
    judge(through.pk)
    assert steps(through) == [(1, "sample", 10, 10)]


def test_nothing_is_decided_while_a_segment_goes_out(acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor, kind="smart_ctr"), actor)
    assert judge(broadcast.pk) is False
    assert steps(broadcast) == []


def test_nothing_is_decided_while_it_is_paused(actor: Actor, through: Broadcast) -> None:
    click(through, 1, 5)
    pause_broadcast(broadcast=through, actor=actor)
    assert judge(through.pk) is False
    resume_broadcast(broadcast=through, actor=actor)
    assert judge(through.pk) is True


def test_the_cap_asks_a_person(acme: Workspace, actor: Actor) -> None:
    broadcast = by_clicks(acme, actor, recipient_cap=15)
    click(broadcast, 1, 5)
    judge(broadcast.pk)
    fill(broadcast, 2)
    assert len(messages_in(broadcast, 2)) == 5
    send_all(broadcast, 2)
    click(broadcast, 2, 5)
    assert judge(broadcast.pk) is True
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert broadcast.state_reason == (
        "Segment 2: 5 of 5 clicked, 100.00%. The cap of 15 people is reached: a person decides whether it goes on."
    )
    with pytest.raises(NotNow, match="It waits for a person to decide"):
        resume_broadcast(broadcast=broadcast, actor=actor)
    digest = next_of(broadcast, size=10).estimate.digest
    continue_broadcast(
        broadcast=broadcast,
        actor=actor,
        launch_token=broadcast.launch_token,
        size=10,
        digest=digest,
        recipient_cap=30,
    )
    assert (broadcast.state, broadcast.recipient_cap) == ("running", 30)
    assert steps(broadcast)[-2:] == [(2, "cap", 5, 5), (3, "started", 0, 0)]


def test_the_cap_asks_also_where_the_last_segment_is_too_small_to_decide_on(
    acme: Workspace, actor: Actor
) -> None:
    broadcast = by_clicks(acme, actor, recipient_cap=13)
    click(broadcast, 1, 5)
    judge(broadcast.pk)
    fill(broadcast, 2)
    send_all(broadcast, 2)
    assert len(messages_in(broadcast, 2)) == 3, "fewer than the five that are wanted to decide on"
    assert judge(broadcast.pk) is True
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert steps(broadcast)[-1] == (2, "cap", 3, 0)


def test_a_segment_that_may_not_go_out_asks_a_person(actor: Actor, through: Broadcast) -> None:
    assert through.account is not None
    through.account.enabled = False
    through.account.save()
    click(through, 1, 5)
    judge(through.pk)
    through.refresh_from_db()
    assert through.state == "paused"
    assert "is disabled. Enable it or choose another account." in through.state_reason
    assert through.segments.count() == 2
    with pytest.raises(LaunchRefused):
        found = next_of(through, size=10)
        continue_broadcast(
            broadcast=through,
            actor=actor,
            launch_token=through.launch_token,
            size=10,
            digest=found.estimate.digest,
        )


def test_more_parts_than_were_agreed_to_ask_a_person(acme: Workspace, actor: Actor) -> None:
    text = f"{TEXT} {{{{custom}}}}"
    broadcast = send(make_smart(acme, actor, kind="smart_ctr"), actor, plan=False)
    Broadcast.objects.filter(pk=broadcast.pk).update(text=f"{text} {broadcast.text}")
    broadcast.refresh_from_db()
    for segment in broadcast.segments.order_by("number"):
        plan_segment(segment_id=segment.pk)
    send_all(broadcast, 1)
    last = messages_in(broadcast, 0)[9]
    Recipient.objects.filter(pk=last.recipient_id).update(custom="x" * 2000)
    click(broadcast, 1, 5)
    judge(broadcast.pk)
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert "parts, agreed to were 30." in broadcast.state_reason


def test_what_expired_is_not_sent(acme: Workspace, actor: Actor) -> None:
    broadcast = by_clicks(acme, actor, exp_date=timezone.now() + timedelta(hours=1))
    assert judge_smart_broadcasts() == 0
    Broadcast.objects.filter(pk=broadcast.pk).update(exp_date=timezone.now() - timedelta(seconds=1))
    assert judge_smart_broadcasts() == 1
    assert judge_smart_broadcasts() == 0
    broadcast.refresh_from_db()
    report = report_of(broadcast)
    assert (broadcast.state, report.sent, report.cancelled) == ("finished", 10, 20)
    assert [(line.code, line.count) for line in report.reasons] == [("broadcast_expired", 20)]
    assert steps(broadcast)[-1] == (1, "expired", 10, 0)
    assert_counted(broadcast)


def test_nothing_is_claimed_after_the_time_however_late_the_sweep_is(acme: Workspace, actor: Actor) -> None:
    moment = timezone.now() + timedelta(hours=1)
    broadcast = send(make_smart(acme, actor, exp_date=moment), actor)
    dispatches = Dispatch.objects.filter(broadcast_id=broadcast.pk)
    assert list(dispatches.values_list("not_after", flat=True)) == [moment, moment]
    dispatches.update(not_after=timezone.now())
    lease = timezone.now() + timedelta(minutes=1)
    dispatch = segment_of(broadcast, 1).dispatch
    assert claim_messages(dispatch=dispatch, claim="w1", limit=10, lease_until=lease) == []
    assert dispatch.state == "running"


def test_what_has_expired_is_not_continued_before_the_sweep_comes(acme: Workspace, actor: Actor) -> None:
    broadcast = by_clicks(acme, actor, exp_date=timezone.now() + timedelta(hours=1))
    click(broadcast, 1, 5)
    Broadcast.objects.filter(pk=broadcast.pk).update(exp_date=timezone.now())
    broadcast.refresh_from_db()
    assert judge(broadcast.pk) is False
    with pytest.raises(NotNow, match="It has expired: who has not got it by now does not get it"):
        next_of(broadcast, size=10)


def test_one_that_a_person_continues_expires_too_even_paused(acme: Workspace, actor: Actor) -> None:
    draft = make_smart(acme, actor, exp_date=timezone.now() + timedelta(hours=1))
    broadcast = send(draft, actor)
    pause_broadcast(broadcast=broadcast, actor=actor)
    Broadcast.objects.filter(pk=broadcast.pk).update(exp_date=timezone.now())
    assert judge_smart_broadcasts() == 1
    assert report_of(broadcast).cancelled == PEOPLE


def test_clicks_counted_down_afterwards_make_no_second_segment(through: Broadcast) -> None:
    click(through, 1, 5)
    judge(through.pk)
    LinkCount.objects.update(people=0)
    fill(through, 2)
    send_all(through, 2)
    judge(through.pk)
    LinkCount.objects.filter(dispatch=segment_of(through, 1).dispatch).update(people=5)
    judge(through.pk)
    assert sorted(through.segments.values_list("number", flat=True)) == [0, 1, 2]


def test_a_judge_that_dies_leaves_nothing_half_done(
    through: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: object) -> None:
        raise KeyboardInterrupt

    click(through, 1, 5)
    monkeypatch.setattr(smart, "note", dies)
    with pytest.raises(KeyboardInterrupt):
        judge(through.pk)
    assert through.segments.count() == 2
    monkeypatch.undo()
    assert judge(through.pk) is True
    assert judge(through.pk) is False
    assert through.segments.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_judges_at_once_send_one_segment(acme: Workspace, actor: Actor, no_broker: object) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("One writer at a time: there is no race")
    broadcast = by_clicks(acme, actor)
    click(broadcast, 1, 5)
    together, done, errors = threading.Barrier(4), [], []

    def run() -> None:
        together.wait()
        try:
            done.append(judge(broadcast.pk))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, sorted(done)) == ([], [False, False, False, True])
    assert broadcast.segments.count() == 3
    fill(broadcast, 2)
    assert Message.objects.filter(broadcast_id=broadcast.pk).count() == PEOPLE
    assert_counted(broadcast)
