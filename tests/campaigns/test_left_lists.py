"""Who leaves the lists after the launch of a smart broadcast is in no later segment, and accounted for."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import EstimateChanged, NotNow
from campaigns.models import Broadcast
from campaigns.services.planning import plan_segment, plan_waiting_segments
from campaigns.services.reports import report_of
from campaigns.services.segment_state import left_in_reserve
from campaigns.services.segments import continue_broadcast, next_of, people_left
from campaigns.services.smart import judge
from contacts.models import OptOut, Recipient
from messaging import reserve
from messaging.models import Message
from tests.campaigns.makers import PEOPLE, send
from tests.campaigns.smart import (
    assert_counted,
    click,
    make_smart,
    messages_in,
    segment_of,
    send_all,
    send_next,
)


@pytest.fixture
def through(acme: Workspace, actor: Actor) -> Broadcast:
    """Its first segment of ten is through; twenty are in reserve."""
    broadcast = send(make_smart(acme, actor), actor)
    send_all(broadcast, 1)
    return broadcast


def in_reserve(broadcast: Broadcast) -> list[Message]:
    return [message for message in messages_in(broadcast, 0) if message.state == "queued"]


def remove(messages: Iterable[Message]) -> None:
    """From their list."""
    Recipient.objects.filter(pk__in=[message.recipient_id for message in messages]).delete()


def cancelled(broadcast: Broadcast) -> dict[str, int]:
    return {line.code: line.count for line in report_of(broadcast).reasons}


def sentences(broadcast: Broadcast) -> list[str]:
    return list(broadcast.events.filter(kind="segment").values_list("sentence", flat=True))


def test_it_works(actor: Actor, through: Broadcast) -> None:
    """Six of the first ten have left: the segment has the next ten who are there, as its estimate says."""
    waiting = in_reserve(through)
    remove(waiting[:6])
    found = next_of(through, size=10)
    assert (found.size, found.removed, found.left) == (10, 6, 20)
    assert (found.estimate.people, found.estimate.parts) == (10, 10)
    send_next(through, actor, 10)
    assert [message.pk for message in messages_in(through, 2)] == [message.pk for message in waiting[6:16]]
    assert (left_in_reserve(through), people_left(through)) == (4, 4)
    assert cancelled(through) == {"left_list": 6}
    assert sentences(through) == [
        "Segment 1: 10 people.",
        "Segment 2: 10 people. In all 6 people left the lists since the launch and get nothing.",
    ]
    send_all(through, 2)
    report = report_of(through)
    assert (report.people, report.sent, report.cancelled) == (PEOPLE, 20, 6)
    assert_counted(through)


def test_everybody_who_is_left_is_who_is_still_there(actor: Actor, through: Broadcast) -> None:
    waiting = in_reserve(through)
    remove([*waiting[:3], *waiting[10:12], *waiting[18:]])
    found = next_of(through, size=None)
    assert (found.size, found.removed, found.estimate.people) == (13, 7, 13)
    send_next(through, actor, None)
    assert (len(messages_in(through, 2)), len(in_reserve(through))) == (13, 0)
    send_all(through, 2)
    assert through.state == "finished"
    assert cancelled(through) == {"left_list": 7}
    assert_counted(through)


def test_those_who_are_left_alone_in_reserve_end_with_the_last_segment(
    actor: Actor, through: Broadcast
) -> None:
    remove(in_reserve(through)[12:])
    found = next_of(through, size=12)
    assert (found.size, found.removed) == (12, 8)
    send_next(through, actor, 12)
    send_all(through, 2)
    assert through.state == "finished"
    assert cancelled(through) == {"left_list": 8}
    assert_counted(through)


def test_opted_out_ones_are_counted_by_themselves(actor: Actor, through: Broadcast) -> None:
    waiting = in_reserve(through)
    remove(waiting[:3])
    for message in waiting[3:5]:
        OptOut.objects.create(workspace=through.workspace, msisdn=message.msisdn)
    found = next_of(through, size=10)
    assert (found.size, found.removed, found.estimate.reach.left_out) == (10, 3, 2)
    assert (found.estimate.people, found.estimate.parts) == (8, 8)
    assert send_next(through, actor, 10).dispatch.agreed_parts == 8


def test_who_leaves_after_the_estimate_makes_it_another_one(actor: Actor, through: Broadcast) -> None:
    digest = next_of(through, size=5).estimate.digest
    remove(in_reserve(through)[:1])
    with pytest.raises(EstimateChanged):
        continue_broadcast(
            broadcast=through, actor=actor, launch_token=through.launch_token, size=5, digest=digest
        )


def test_who_leaves_before_it_is_filled_is_passed_over(acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor), actor, plan=False)
    found = Recipient.objects.order_by("pk")
    plan = reserve.lock_dispatches
    first = list(found.values_list("pk", flat=True)[:2])

    def leave_then_lock(ids: Iterable[int]) -> None:
        found.filter(pk__in=first).delete()
        plan(ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reserve, "lock_dispatches", leave_then_lock)
        plan_segment(segment_id=segment_of(broadcast, 0).pk)
    assert len(messages_in(broadcast, 1)) == 10
    assert not {message.recipient_id for message in messages_in(broadcast, 1)} & set(first)
    assert cancelled(broadcast) == {"left_list": 2}
    assert_counted(broadcast)


def test_filling_that_was_cut_off_between_two_chunks_loses_nobody(
    actor: Actor, through: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = in_reserve(through)
    remove(waiting[1:12:2])
    monkeypatch.setattr("campaigns.services.planning.CHUNK_IDS", 4)
    monkeypatch.setattr("campaigns.services.planning.SQLITE_CHUNK_IDS", 4)
    monkeypatch.setattr(reserve, "CANCEL_CHUNK", 1)
    apply, done = reserve.apply_changes, [0]

    def dies(changes: list[object]) -> set[int]:
        done[0] += 1
        if done[0] == 4:
            raise KeyboardInterrupt
        return apply(changes)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(reserve, "apply_changes", dies)
    with pytest.raises(KeyboardInterrupt):
        send_next(through, actor, 10)
    assert segment_of(through, 2).dispatch.state == "planning"
    assert cancelled(through) == {"left_list": 3}
    assert_counted(through)
    plan_waiting_segments()
    still_there = [*waiting[0:12:2], *waiting[12:]]
    assert [message.pk for message in messages_in(through, 2)] == [one.pk for one in still_there[:10]]
    assert cancelled(through) == {"left_list": 6}
    assert_counted(through)


def test_nobody_is_left_where_all_have_left(through: Broadcast) -> None:
    remove(in_reserve(through))
    with pytest.raises(NotNow, match="whoever is in no segment yet has left the lists since the launch"):
        next_of(through, size=5)


def test_by_clicks_the_next_ones_who_are_there_get_it(acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor, kind="smart_ctr"), actor)
    send_all(broadcast, 1)
    click(broadcast, 1, 5)
    remove(in_reserve(broadcast)[:13])
    assert judge(broadcast.pk) is True
    assert broadcast.steps.get(decision="reached").sentence.endswith(": the next 7 people get it.")
    plan_segment(segment_id=segment_of(broadcast, 2).pk)
    assert len(messages_in(broadcast, 2)) == 7
    send_all(broadcast, 2)
    assert broadcast.state == "finished"
    assert_counted(broadcast)


def test_by_clicks_a_person_is_asked_where_all_have_left(acme: Workspace, actor: Actor) -> None:
    broadcast = send(make_smart(acme, actor, kind="smart_ctr"), actor)
    send_all(broadcast, 1)
    click(broadcast, 1, 5)
    remove(in_reserve(broadcast))
    judge(broadcast.pk)
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert "Nobody is left: whoever is in no segment yet has left the lists" in broadcast.state_reason
