"""A person and the engine move one broadcast at once: neither stands in the other's way."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections

from accounts.access import Actor
from accounts.models import Workspace
from campaigns.errors import NotNow
from campaigns.models import Broadcast, BroadcastState
from campaigns.services.control import pause_broadcast, resume_broadcast, stop_broadcast
from messaging.dispatches import finish_dispatch_if_done, pause_over_agreed
from messaging.models import Dispatch, DispatchState
from tests.campaigns.makers import make_draft, send

ROUNDS = 15


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_person", [pause_broadcast, stop_broadcast, resume_broadcast])
@pytest.mark.parametrize("is_end", [False, True])
def test_a_person_and_the_engine_at_once(
    acme: Workspace, actor: Actor, no_broker: object, by_person: Callable[..., Broadcast], is_end: bool
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("One writer at a time: there is no race")
    broadcast = send(make_draft(acme, actor), actor)
    dispatch_id = broadcast.segments.get().dispatch_id
    is_resumed = by_person is resume_broadcast
    errors: list[BaseException] = []

    def person() -> None:
        by_person(broadcast=Broadcast.objects.get(pk=broadcast.pk), actor=actor)

    def engine() -> None:
        if is_end:
            finish_dispatch_if_done(dispatch_id=dispatch_id)
        else:
            pause_over_agreed(dispatch_id=dispatch_id, parts=5, cost=None)

    def run(what: Callable[[], None]) -> None:
        together.wait()
        try:
            what()
        except NotNow:
            pass  # the other one was first
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    for _ in range(ROUNDS):
        state = (BroadcastState.PAUSED, DispatchState.PAUSED) if is_resumed else ("running", "running")
        Broadcast.objects.filter(pk=broadcast.pk).update(state=state[0])
        Dispatch.objects.filter(pk=dispatch_id).update(state=state[1])
        together = threading.Barrier(2)
        threads = [threading.Thread(target=run, args=(what,)) for what in (person, engine)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
