"""From an audience to the ledger: one row per recipient, in chunks that each stand for themselves.

A chunk is one transaction: rows, counter and how far we got. A worker that dies between two chunks loses nothing; the
sweep starts planning again and it goes on after the last one. Nothing is sent before the whole audience is planned.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import ngettext

from campaigns.models import RESERVE, Broadcast, BroadcastKind, BroadcastState, Segment
from campaigns.services.agreed import compare
from campaigns.services.audience import (
    audience_rows,
    enabled_lists,
    first_recipient_id,
    last_recipient_id,
    single_person,
)
from campaigns.services.events import note
from campaigns.services.local_time import local_times_of, reference_of
from messaging.dispatches import (
    counts_of,
    finish_dispatch_if_done,
    group_of,
    pause_dispatch,
    reserve_dispatch,
    start_dispatch,
)
from messaging.ledger import count_planned
from messaging.links.turns import take_turn
from messaging.models import Dispatch, DispatchLink, DispatchState, LinkUse, Message
from messaging.quiet import hold_until_local
from messaging.reserve import fill_dispatch, removed_from
from messaging.spreading import spread_some

log = structlog.get_logger("crier.planning")

CHUNK_IDS = 50_000
# SQLite's busy wait is unfair: without a rest between bulk writes the web process starves.
SQLITE_REST_SECONDS = 0.03
SQLITE_CHUNK_IDS = 10_000


def plan_segment(*, segment_id: int) -> int:
    """Writes the segment's messages and starts its dispatch; returns how many it wrote. Safe to call again at any time."""
    segment = Segment.objects.select_related("broadcast__workspace", "dispatch").get(pk=segment_id)
    if segment.planned_at is not None or segment.dispatch.state != DispatchState.PLANNING:
        return 0
    broadcast = segment.broadcast
    if segment.size is not None:
        return _fill_from_reserve(segment)
    written = _plan_single(segment) if broadcast.kind == BroadcastKind.SINGLE else _plan_lists(segment)
    if not segment.is_reserve:
        _spread(segment)
    _set_moments(segment)
    _finish_planning(segment)
    log.info("planned", broadcast=broadcast.pk, segment=segment.number, written=written)
    if segment.is_reserve:
        for waiting in broadcast.segments.filter(planned_at__isnull=True, size__isnull=False):
            plan_segment(segment_id=waiting.pk)
    return written


def _set_moments(segment: Segment) -> None:
    """Of one that is sent at a time where each recipient is."""
    times = local_times_of(segment.broadcast)
    if times is None or segment.is_reserve:
        return
    for dispatch_id in group_of(segment.dispatch_id):
        hold_until_local(
            dispatch_id,
            times,
            begins=reference_of(segment.broadcast),
            sends_passed=segment.broadcast.sends_passed,
        )


def _fill_from_reserve(segment: Segment) -> int:
    """Chunk by chunk, once the whole audience is planned; then it is sent."""
    reserve = segment.broadcast.segments.get(number=RESERVE)
    assert segment.size is not None
    if reserve.planned_at is None:
        return 0
    filled, chunk = 0, SQLITE_CHUNK_IDS if connection.vendor == "sqlite" else CHUNK_IDS
    while done := fill_dispatch(
        dispatch_id=segment.dispatch_id, reserve_id=reserve.dispatch_id, size=segment.size, chunk=chunk
    ):
        filled += done.moved
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)
    _spread(segment)
    with transaction.atomic():
        # Stopped meanwhile, or another worker was faster: nothing is left to do.
        if not start_dispatch(dispatch_id=segment.dispatch_id):
            return filled
        Segment.objects.filter(pk=segment.pk).update(planned_at=timezone.now())
        people = sum(counts_of(group_of(segment.dispatch_id)).values())
        sentence = ngettext(
            "Segment %(number)s: %(n)s person.", "Segment %(number)s: %(n)s people.", people
        ) % {"number": segment.number, "n": f"{people:,}"}
        if removed := removed_from(reserve.dispatch_id):
            sentence += " " + ngettext(
                "In all %(n)s person left the lists since the launch and gets nothing.",
                "In all %(n)s people left the lists since the launch and get nothing.",
                removed,
            ) % {"n": f"{removed:,}"}
        note(segment.broadcast, "segment", sentence)
        if Broadcast.objects.filter(pk=segment.broadcast_id, state=BroadcastState.PAUSED).exists():
            pause_dispatch(dispatch_id=segment.dispatch_id)
    finish_dispatch_if_done(dispatch_id=segment.dispatch_id)
    return filled


def _spread(segment: Segment) -> None:
    """Through a route: each planned message gets its account. Nothing to do without one."""
    chunk = SQLITE_CHUNK_IDS if connection.vendor == "sqlite" else CHUNK_IDS
    while spread_some(lead_id=segment.dispatch_id, chunk=chunk) is not None:
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)


def _plan_single(segment: Segment) -> int:
    broadcast = segment.broadcast
    person = single_person(broadcast)
    with transaction.atomic():
        if not _is_planning(segment) or not Segment.objects.filter(pk=segment.pk, planned_to=0).update(
            planned_to=1
        ):
            return 0
        Message.objects.create(
            workspace_id=broadcast.workspace_id,
            dispatch=segment.dispatch,
            broadcast_id=broadcast.pk,
            recipient_id=person.recipient_id,
            account_id=segment.dispatch.account_id,
            msisdn=person.msisdn,
            sender=segment.dispatch.sender,
            place=_turn(segment.dispatch_id),
        )
        count_planned(segment.dispatch_id, 1)
    return 1


def _turn(dispatch_id: int) -> int | None:
    """Of a text to one person: None where nothing is spread."""
    links = DispatchLink.objects.filter(dispatch_id=dispatch_id, link_list__isnull=False)
    lists = set(links.values_list("link_list_id", flat=True))
    return take_turn(lists) if lists else None


def _plan_lists(segment: Segment) -> int:
    size = SQLITE_CHUNK_IDS if connection.vendor == "sqlite" else CHUNK_IDS
    marked = segment.plan_up_to
    last_id = last_recipient_id(segment.broadcast) if marked is None else marked
    written = 0
    while True:
        done = Segment.objects.values_list("planned_to", "dispatch__state").get(pk=segment.pk)
        if done[0] >= last_id or done[1] != DispatchState.PLANNING or not enabled_lists(segment.broadcast):
            return written
        start = done[0] or first_recipient_id(segment.broadcast) - 1
        written += _plan_chunk(segment, done[0], min(start + size, last_id))
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_REST_SECONDS)


def _plan_chunk(segment: Segment, after: int, to: int) -> int:
    """One INSERT .. SELECT; a number that has its row already (another segment, a run before) is left out."""
    chosen = audience_rows(segment.broadcast).filter(id__gt=after, id__lte=to).values_list("id", "msisdn")
    query, params = chosen.query.sql_with_params()
    now = timezone.now()
    dispatch = segment.dispatch
    fixed: list[Any] = [
        segment.broadcast.workspace_id,
        dispatch.pk,
        segment.broadcast_id,
        dispatch.account_id,
        dispatch.sender,
        now,
        now,
    ]
    with transaction.atomic():
        if not _is_planning(segment):
            return 0
        # Two workers on one segment: the one that moves the mark plans the chunk.
        if not Segment.objects.filter(pk=segment.pk, planned_to=after).update(planned_to=to):
            return 0
        place, where, spread = _places(segment)
        with connection.cursor() as cursor:
            on_postgresql = connection.vendor == "postgresql"
            time_type, empty = ("%s::timestamptz", "'[]'::jsonb") if on_postgresql else ("%s", "'[]'")
            insert = _INSERT.format(query=query, time=time_type, empty=empty, place=place, where=where)
            cursor.execute(insert, [*fixed, *spread[:1], *params, *spread[1:]])
            written = int(cursor.rowcount)
        count_planned(dispatch.pk, written)
    return written


def _places(segment: Segment) -> tuple[str, str, list[int]]:
    """SQL of each row's place among the dispatch's, and its values: counted only where something is spread evenly.

    Whoever has a row already takes no place: else the counts of a list's links differed by more than one.
    """
    # Of a smart one the segments to come may have texts of their own.
    in_list = DispatchLink.objects.filter(dispatch_id=segment.dispatch_id, use=LinkUse.LINK_LIST)
    if not segment.is_reserve and not in_list.exists():
        return "NULL", "true", []
    planned = sum(counts_of([segment.dispatch_id]).values())
    return _PLACE, _NOT_YET, [planned, segment.broadcast_id]


def _is_planning(segment: Segment) -> bool:
    """Whoever stops the broadcast waits until this transaction is over, and then cancels its rows too."""
    rows = Dispatch.objects.select_for_update(no_key=True).filter(pk=segment.dispatch_id)
    return rows.values_list("state", flat=True).get() == DispatchState.PLANNING


_INSERT = """
INSERT INTO messaging_message
    (workspace_id, dispatch_id, broadcast_id, account_id, sender, created_at, changed_at, recipient_id, msisdn,
     text, state, reason, words, provider_message_id, tries, claim, history, place)
SELECT %s, %s, %s, %s, %s, {time}, {time}, chosen.id, chosen.msisdn, '', 'queued', '', '', '', 0, '', {empty}, {place}
FROM ({query}) AS chosen
WHERE {where}
ON CONFLICT (broadcast_id, msisdn) DO NOTHING
"""
_PLACE = "row_number() OVER (ORDER BY chosen.id) - 1 + %s"
_NOT_YET = (
    "NOT EXISTS (SELECT 1 FROM messaging_message m WHERE m.broadcast_id = %s AND m.msisdn = chosen.msisdn)"
)


def _finish_planning(segment: Segment) -> None:
    """Starts sending; unless those planned are not those who were agreed to: then a person is asked first.

    Nobody who was added after the launch is planned, but who was on the lists may go (removed, moved, not matching a live
    list any more) and others may come: an opt-out that was undone, a list that was enabled, somebody moved here.
    """
    broadcast = segment.broadcast
    compared = compare(segment)
    _spread(segment)
    with transaction.atomic():
        if not Segment.objects.filter(pk=segment.pk, planned_at__isnull=True).update(
            planned_at=timezone.now()
        ):
            return
        begin = reserve_dispatch if segment.is_reserve else start_dispatch
        if not begin(dispatch_id=segment.dispatch_id):
            return
        note(broadcast, "planned", compared.sentence)
        _remember_left_out(broadcast, compared.left_out)
        if compared.question:
            _ask(segment, compared.question)
        elif Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.PAUSED).exists():
            pause_dispatch(dispatch_id=segment.dispatch_id)
    finish_dispatch_if_done(dispatch_id=segment.dispatch_id)


def _remember_left_out(broadcast: Broadcast, count: int) -> None:
    if count:
        estimate = broadcast.estimate | {"left_out_since": count}
        Broadcast.objects.filter(pk=broadcast.pk).update(estimate=estimate)


def _ask(segment: Segment, question: str) -> None:
    if segment.is_reserve:
        # Its first segment has nobody yet, and follows the broadcast once it has.
        Broadcast.objects.filter(pk=segment.broadcast_id, state=BroadcastState.RUNNING).update(
            state=BroadcastState.PAUSED, state_reason="", updated_at=timezone.now()
        )
    pause_dispatch(dispatch_id=segment.dispatch_id, reason=question, by_engine=True)
    # Whoever paused it by hand meanwhile is asked as well before it goes on.
    by_hand = Broadcast.objects.filter(pk=segment.broadcast_id, state=BroadcastState.PAUSED, state_reason="")
    if by_hand.update(state_reason=question[:500]):
        note(segment.broadcast, "paused", question)


def plan_waiting_segments() -> int:
    """The sweep's: segments whose planning never began or was cut off."""
    ids = Segment.objects.filter(
        planned_at__isnull=True,
        dispatch__state=DispatchState.PLANNING,
        broadcast__state__in=[BroadcastState.RUNNING, BroadcastState.PAUSED],
    ).values_list("id", flat=True)
    return sum(plan_segment(segment_id=pk) for pk in list(ids.order_by("id")))
