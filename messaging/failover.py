"""What waits at an account in trouble goes on through the others of its route; what may have left the house never moves.

    sends --divert_dispatch--> diverted: nothing is claimed from it; whoever waits there is moved, chunk by chunk
      ^                            |'--- nobody else takes the rest, and all else is done: a person is asked
      '---------end_diversion------'     its account works again, or a person resumes

Only `queued` moves, and what is `held` for the account's own daily limit: both certainly are not sent. What is `submitting`
stays in its hands until it is sent, unknown or put back; put back, the next round finds it here. A move is one transaction,
with the attempt that was made: whoever dies in between leaves a message here or there, never in both and never in neither.
Cost and parts stay within what was agreed to, since all of a route take from the same: where another account is dearer,
and it would not do, the engine pauses and asks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from messaging.daily import DAILY_LIMIT
from messaging.dispatches import counts_of, end_diversion, group_of, pause_dispatch, trouble_sentence
from messaging.ledger import lock_rows, move_to_account
from messaging.models import Attempt, Dispatch, DispatchState, Message
from messaging.reasons import BROADCAST_EXPIRED
from messaging.spreading import Costs, Row, carrier_of
from providers.models import Health
from providers.routing import NOBODY, RouteChooser
from sms.states import WAITING, MessageState

log = structlog.get_logger("crier.failover")

CHUNK = 5000
MAY_MOVE = Q(state=MessageState.QUEUED) | Q(state=MessageState.HELD, reason=DAILY_LIMIT)
# Claimed, but handed to nobody.
NOT_TRIED = ("", "paused", "worker_stopped", DAILY_LIMIT, BROADCAST_EXPIRED)
# An account that has just failed is not taken for mended by an answer that was on its way.
DIVERTED_AT_LEAST = timedelta(seconds=60)


class _Waiting(NamedTuple):
    """As it was before it moves."""

    message_id: int
    msisdn: str
    recipient_id: int | None
    place: int | None
    state: str
    reason: str
    words: str
    tries: int
    changed_at: Any

    @property
    def row(self) -> Row:
        return Row(self.message_id, self.msisdn, self.recipient_id, self.place)


def fail_over() -> int:
    """The sweep's, and whoever is woken by a diversion: moves what waits; returns how many."""
    _end_diversions()
    ids = Dispatch.objects.filter(state=DispatchState.RUNNING, diverted_at__isnull=False).values_list(
        "pk", flat=True
    )
    return sum(_empty(pk) for pk in list(ids.order_by("pk")))


def _end_diversions() -> None:
    """Of accounts that have worked since: tested by a person, or by another broadcast."""
    mended = Dispatch.objects.filter(
        state=DispatchState.RUNNING,
        diverted_at__lt=timezone.now() - DIVERTED_AT_LEAST,
        account__enabled=True,
        account__health=Health.OK,
        account__health_at__gt=F("diverted_at"),
    )
    for pk in list(mended.values_list("pk", flat=True)):
        end_diversion(dispatch_id=pk)


def _empty(dispatch_id: int) -> int:
    total, after = 0, 0
    while (chunk := _move_chunk(dispatch_id, after)) is not None:
        after, moved = chunk
        total += moved
    if total:
        log.info("moved to other accounts", dispatch=dispatch_id, messages=total)
    _ask_about_rest(dispatch_id)
    return total


def _move_chunk(dispatch_id: int, after: int) -> tuple[int, int] | None:
    """The id of the last message that it looked at, and how many it moved; None where there are no more.

    Locks in the ledger's order, messages first. A stop in between may cancel the one dispatch before these come into it: the
    sweep cancels what waits in stopped ones.
    """
    with transaction.atomic():
        group = list(
            Dispatch.objects.filter(pk__in=group_of(dispatch_id))
            .select_related("account", "workspace")
            .order_by("route_place")
        )
        source = next(one for one in group if one.pk == dispatch_id)
        others = [one for one in group if one.pk != dispatch_id and sends(one)]
        if source.diverted_at is None or source.state != DispatchState.RUNNING or not others:
            return None
        found = _lock_waiting(dispatch_id, after)
        if not found:
            return None
        chosen = _choose(group, others, found)
        for number, rows in sorted(chosen.items()):
            _keep_attempts(source.account_id, rows)
            move_to_account(dispatch_id, others[number], [_moving(row) for row in rows])
    return found[-1].message_id, sum(map(len, chosen.values()))


def sends(dispatch: Dispatch) -> bool:
    return (
        dispatch.state == DispatchState.RUNNING and dispatch.diverted_at is None and dispatch.account.enabled
    )


def _lock_waiting(dispatch_id: int, after: int) -> list[_Waiting]:
    waiting = Message.objects.filter(MAY_MOVE, dispatch_id=dispatch_id, id__gt=after)
    columns = ("id", "msisdn", "recipient_id", "place", "state", "reason", "words", "tries", "changed_at")
    rows = lock_rows(waiting.order_by("id"), skip=True).values_list(*columns)
    return [_Waiting(*row) for row in rows[:CHUNK]]


def _choose(
    group: Sequence[Dispatch], others: Sequence[Dispatch], found: Sequence[_Waiting]
) -> Mapping[int, list[_Waiting]]:
    """By the number of the account; whom none of them takes is left out."""
    lead = next(one for one in group if one.lead_id is None)
    carriers = [carrier_of(one) for one in others]
    given = [sum(counts_of([one.pk]).values()) for one in others]
    chooser = RouteChooser(lead.strategy, carriers, given)
    costs = Costs.where_asked(lead, others, [one.row for one in found])
    chosen: dict[int, list[_Waiting]] = defaultdict(list)
    for one in found:
        number = chooser.choose(one.msisdn, costs(one.row))
        if number != NOBODY:
            chosen[number].append(one)
    return chosen


def _moving(row: _Waiting) -> tuple[int, str, str]:
    return row.message_id, row.state, row.reason


def _keep_attempts(account_id: int, rows: Sequence[_Waiting]) -> None:
    """Of those that were tried here; the others have waited only."""
    Attempt.objects.bulk_create(
        Attempt(
            message_id=row.message_id,
            account_id=account_id,
            at=row.changed_at,
            reason=row.reason,
            words=row.words,
        )
        for row in rows
        if row.tries and row.reason not in NOT_TRIED
    )


def _ask_about_rest(dispatch_id: int) -> None:
    """Whom no other account takes waits for this one; once all else is through, a person is asked."""
    group = group_of(dispatch_id)
    if not Message.objects.filter(MAY_MOVE, dispatch_id=dispatch_id).exists():
        return
    under_way = [*(state.value for state in WAITING), MessageState.SUBMITTING.value]
    sending = Dispatch.objects.filter(
        pk__in=group, state=DispatchState.RUNNING, diverted_at=None, account__enabled=True
    )
    if Message.objects.filter(dispatch__in=sending, state__in=under_way).exists():
        return
    dispatch = Dispatch.objects.select_related("account").get(pk=dispatch_id)
    reason = trouble_sentence(dispatch.account, dispatch.diverted_why)
    pause_dispatch(dispatch_id=dispatch_id, reason=reason, by_engine=True)


def attempts_of(message_id: int) -> list[Attempt]:
    """Through other accounts than the one that it has now, the oldest first."""
    return list(Attempt.objects.filter(message_id=message_id).select_related("account").order_by("id"))
