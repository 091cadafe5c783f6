"""A stop that is cut half-way, by a dead process or a lost connection, is finished by the sweep; none is half-done."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connection

from accounts.access import Actor
from accounts.models import User, Workspace
from campaigns.models import Broadcast, Segment
from campaigns.services import control, planning
from campaigns.services.control import stop_broadcast
from campaigns.tasks import sweep
from messaging.dispatches import counts_of
from messaging.models import Dispatch
from tests.campaigns.makers import make_draft, send
from tests.engine.test_ledger import assert_counters_equal_ledger

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def actor(alice: User) -> Actor:
    return Actor(user=alice)


@pytest.fixture
def running(acme: Workspace, actor: Actor) -> Broadcast:
    return send(make_draft(acme, actor), actor)


def dispatch_of(broadcast: Broadcast) -> Dispatch:
    return Dispatch.objects.get(broadcast_id=broadcast.pk)


def states(broadcast: Broadcast) -> dict[str, int]:
    return {state: count for state, count in counts_of([dispatch_of(broadcast).pk]).items() if count}


def test_broadcast_and_dispatch_stop_together_or_not_at_all(
    running: Broadcast, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(**_kwargs: Any) -> None:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(control, "stop_dispatch", cut)
        with pytest.raises(OperationalError):
            stop_broadcast(broadcast=running, actor=actor)
    running.refresh_from_db()
    assert (running.state, dispatch_of(running).state) == ("running", "running")

    stop_broadcast(broadcast=running, actor=actor)
    assert (running.state, dispatch_of(running).state) == ("stopped", "stopped")
    assert set(states(running)) == {"cancelled"}


def test_a_stop_that_took_effect_is_answered_so(
    running: Broadcast, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is lost after the stop, while the rows are cancelled: the sweep goes on with them."""

    def cut(_ids: Any) -> None:
        raise OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(control, "cancel_stopped", cut)
        assert stop_broadcast(broadcast=running, actor=actor).state == "stopped"
    sweep()
    assert set(states(running)) == {"cancelled"}


def test_the_sweep_cancels_who_still_waits(
    running: Broadcast, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(control, "cancel_stopped", lambda _ids: 0)
        stop_broadcast(broadcast=running, actor=actor)
    assert set(states(running)) == {"queued"}, "the process died here"
    sweep()
    assert set(states(running)) == {"cancelled"}
    assert_counters_equal_ledger(dispatch_of(running))


def test_who_is_just_being_planned_is_cancelled_too(
    acme: Workspace, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop comes while a chunk's rows are written and not yet to be seen: it waits for them."""
    inserting, stopped = threading.Event(), threading.Event()
    count = planning.count_planned

    def slowly(dispatch_id: int, planned: int) -> None:
        if planned:
            inserting.set()
            # The stop cannot come to its end before us; this gives it time to try.
            stopped.wait(0.5)
        count(dispatch_id, planned)

    broadcast = send(make_draft(acme, actor), actor, plan=False)
    monkeypatch.setattr(planning, "count_planned", slowly)

    def plan() -> None:
        try:
            planning.plan_segment(segment_id=Segment.objects.get(broadcast=broadcast).pk)
        finally:
            connection.close()

    thread = threading.Thread(target=plan)
    thread.start()
    assert inserting.wait(10)
    began = time.monotonic()
    stop_broadcast(broadcast=broadcast, actor=actor)
    stopped.set()
    thread.join(10)
    close_old_connections()
    assert time.monotonic() - began < 5
    assert set(states(broadcast)) == {"cancelled"}
    assert_counters_equal_ledger(dispatch_of(broadcast))
