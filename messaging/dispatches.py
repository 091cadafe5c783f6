"""The life of a dispatch: created, started, paused, resumed, stopped, finished. The sole writer of its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from messaging.budget import require_budget
from messaging.content import Content, compile_content, pin
from messaging.ledger import cancel_waiting, lock_rows
from messaging.models import Dispatch, DispatchState, Message, MessageCount
from messaging.sender_choice import Pinned
from messaging.signals import DispatchChanged, dispatch_changed
from providers.models import ProviderAccount
from sms.states import WAITING, MessageState
from web.money import money_text

ACTIVE_STATES = (
    DispatchState.PLANNING,
    DispatchState.RESERVE,
    DispatchState.PAUSED,
    DispatchState.RUNNING,
)
# As Dispatch.failure_marks: what has failed so far was agreed to.
FROM_NOW_ON = {"from_now_on": True}
OPEN_STATES = (MessageState.QUEUED.value, MessageState.HELD.value, MessageState.SUBMITTING.value)


def create_dispatch(
    *,
    workspace: Workspace,
    broadcast_id: int | None,
    text: str,
    sender: str,
    account: ProviderAccount,
    unsubscribe_list_ids: list[int],
    agreed_parts: int | None = None,
    agreed_cost: Decimal | None = None,
    content: Content | None = None,
    senders: Pinned = (),
    sticky_senders: bool = False,
    media_urls: Sequence[str] = (),
    custom_parameter: str = "",
    is_reserve: bool = False,
    not_after: datetime | None = None,
    failure_limit: int | None = None,
    failure_sample: int = 0,
    sibling_ids: Sequence[int] = (),
    frequency_cap: int | None = None,
    frequency_days: int = 0,
    quiet_hours: Mapping[str, str] | None = None,
) -> Dispatch:
    """In `planning`: its messages are written next, then `start_dispatch`, or `reserve_dispatch` where `is_reserve`.

    `sender`: of all its messages; "" where one of `senders` is chosen for each (messaging/sender_choice.py).

    `agreed_parts`: of all its texts together. Should values that are edited meanwhile make them longer, the engine
    pauses it and asks; None is no limit. `agreed_cost`: in the account's currency, likewise where prices have risen; so
    much is kept free in the budget.
    `content`: of the text, where the caller has compiled it. `media_urls`: of the pictures that go with each of its texts.
    `custom_parameter`: told with its delivery reports. `not_after`: from then on nothing of it is handed over.
    `failure_limit`: it is paused once more of a hundred fail, of at least `failure_sample` (messaging/failures.py).
    `sibling_ids`, `frequency_cap`, `frequency_days`: who is left out when their turn comes (messaging/barred.py).
    `quiet_hours`: as messaging.quiet.pinned_hours has them.
    """
    with transaction.atomic():
        dispatch = Dispatch.objects.create(
            workspace=workspace,
            broadcast_id=broadcast_id,
            text=text,
            sender=sender,
            senders=[] if sender else [[value, list(countries)] for value, countries in senders],
            sticky_senders=sticky_senders,
            account=account,
            unsubscribe_list_ids=unsubscribe_list_ids,
            agreed_parts=agreed_parts,
            media_urls=list(media_urls),
            custom_parameter=custom_parameter,
            agreed_cost=agreed_cost,
            is_reserve=is_reserve,
            not_after=not_after,
            failure_limit=failure_limit,
            failure_sample=failure_sample,
            sibling_ids=list(sibling_ids),
            frequency_cap=frequency_cap,
            frequency_days=frequency_days,
            quiet_hours=dict(quiet_hours) if quiet_hours else None,
        )
        pin(dispatch, content or compile_content(workspace.pk, text))
    return dispatch


def lock_dispatches(dispatch_ids: Iterable[int]) -> None:
    """Until the end of the transaction, in the order of their ids; before anything that stands on them is locked."""
    rows = Dispatch.objects.filter(pk__in=list(dispatch_ids)).order_by("pk")
    list(lock_rows(rows, no_key=True).values_list("pk"))


def start_dispatch(*, dispatch_id: int) -> bool:
    """All its messages are planned."""
    _mark_range(dispatch_id)
    return _move(dispatch_id, (DispatchState.PLANNING,), DispatchState.RUNNING)


def reserve_dispatch(*, dispatch_id: int) -> bool:
    """All its messages are planned, and wait until they are moved to another dispatch: see messaging/reserve.py."""
    _mark_range(dispatch_id)
    return _move(dispatch_id, (DispatchState.PLANNING,), DispatchState.RESERVE)


def _mark_range(dispatch_id: int) -> None:
    linked = ~Q(link_base="") | Q(is_reserve=True)
    if Dispatch.objects.filter(linked, pk=dispatch_id).exists():
        ids = Message.objects.filter(dispatch_id=dispatch_id).aggregate(first=Min("id"), last=Max("id"))
        marks = {"first_message_id": ids["first"], "last_message_id": ids["last"]}
        Dispatch.objects.filter(pk=dispatch_id).update(**marks)


def pause_dispatch(*, dispatch_id: int, reason: str = "", by_engine: bool = False) -> bool:
    """Takes effect within a second: no more is claimed, and what is claimed but not handed over goes back."""
    return _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.PAUSED, reason, by_engine)


def pause_over_agreed(*, dispatch_id: int, parts: int, cost: Decimal | None) -> bool:
    """The next texts would be more than was agreed to: a person is asked. `parts`, `cost`: of all its texts, as of now."""
    with transaction.atomic():
        dispatch = Dispatch.objects.select_related("account").get(pk=dispatch_id)
        currency = dispatch.account.currency
        reason = _(
            "What is known of the recipients, or a price, has changed since this was agreed to. Agreed to: parts %(agreed)s,"
            " cost %(agreed_cost)s. Now in all: parts %(parts)s, cost %(cost)s. Resume to agree to that, or stop it."
        ) % {
            "agreed": f"{dispatch.agreed_parts or 0:,}",
            "agreed_cost": money_text(dispatch.agreed_cost, currency),
            "parts": f"{parts:,}",
            "cost": money_text(cost, currency),
        }
        moved = _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.PAUSED, reason, by_engine=True)
        if moved:
            Dispatch.objects.filter(pk=dispatch_id).update(
                over_agreed=True, asked_parts=parts, asked_cost=cost
            )
    return moved


def pause_for_failures(*, dispatch_id: int, reason: str, asked: int) -> bool:
    """Too many failed. `asked`: the limit to which a person agrees who resumes it."""
    with transaction.atomic():
        moved = _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.PAUSED, reason, by_engine=True)
        if moved:
            Dispatch.objects.filter(pk=dispatch_id).update(failure_asked=asked)
    return moved


def resume_dispatch(*, dispatch_id: int) -> bool:
    """Whoever resumes what was paused for its parts or cost, or for what failed, agrees to what was named. Raises
    OverBudget."""
    with transaction.atomic():
        moved = _move(dispatch_id, (DispatchState.PAUSED,), DispatchState.RUNNING)
        if moved:
            Dispatch.objects.filter(pk=dispatch_id, failure_asked__isnull=False).update(
                failure_limit=F("failure_asked"), failure_asked=None, failure_marks=FROM_NOW_ON
            )
        asked = (
            Dispatch.objects.filter(pk=dispatch_id, over_agreed=True) if moved else Dispatch.objects.none()
        )
        for dispatch in asked.select_related("workspace", "account"):
            more = (dispatch.asked_cost or Decimal(0)) - (dispatch.agreed_cost or Decimal(0))
            require_budget(dispatch.workspace, max(more, Decimal(0)), dispatch.account.currency)
            asked.update(
                over_agreed=False,
                agreed_parts=dispatch.asked_parts,
                agreed_cost=dispatch.asked_cost,
                asked_parts=None,
                asked_cost=None,
            )
    if moved:
        finish_dispatch_if_done(dispatch_id=dispatch_id)
    return moved


def stop_dispatch(*, dispatch_id: int, reason: str = "", cancel_reason: str = "") -> bool:
    """Ends it for good: nothing more is claimed. What is being handed over finishes by itself; what waits is cancelled
    by `cancel_stopped`, beyond the caller's transaction: a million rows take their time.

    `cancel_reason`: the code for what is cancelled; "" is "stopped".
    """
    with transaction.atomic():
        stopped = _move(dispatch_id, ACTIVE_STATES, DispatchState.STOPPED, reason)
        if stopped and cancel_reason:
            Dispatch.objects.filter(pk=dispatch_id).update(cancel_reason=cancel_reason)
    return stopped


def cancel_stopped(dispatch_ids: Iterable[int] | None = None) -> int:
    """Cancels what waits in stopped dispatches: of these; or, for the sweep, of all that somebody left half-way."""
    if dispatch_ids is None:
        waiting = MessageCount.objects.filter(
            dispatch__state=DispatchState.STOPPED, state__in=[state.value for state in WAITING], count__gt=0
        )
        dispatch_ids = list(waiting.values_list("dispatch_id", flat=True).distinct())
    reasons = Dispatch.objects.filter(pk__in=list(dispatch_ids)).values_list("pk", "cancel_reason")
    return sum(cancel_waiting(pk, reason=reason or "stopped") for pk, reason in list(reasons.order_by("pk")))


def pause_dispatches_of_account(*, account_id: int, reason: str) -> int:
    """The engine's word: going on would waste recipients (wrong key, no credit, provider down)."""
    ids = Dispatch.objects.filter(account_id=account_id, state=DispatchState.RUNNING).values_list(
        "id", flat=True
    )
    return sum(pause_dispatch(dispatch_id=pk, reason=reason, by_engine=True) for pk in list(ids))


def finish_reserve(*, dispatch_id: int) -> bool:
    """Nobody is left in it."""
    return _move(dispatch_id, (DispatchState.RESERVE,), DispatchState.FINISHED, "", by_engine=True)


def finish_dispatch_if_done(*, dispatch_id: int) -> bool:
    """Finished when nothing waits and nothing is being handed over. Receipts may still come."""
    with transaction.atomic():
        dispatch = Dispatch.objects.select_for_update().get(pk=dispatch_id)
        if dispatch.state != DispatchState.RUNNING or _has_open(dispatch_id):
            return False
        return _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.FINISHED, "", True)


def finish_done_dispatches() -> int:
    """The sweep's: dispatches whose last message was settled by a worker that died before it could say so."""
    ids = Dispatch.objects.filter(state=DispatchState.RUNNING).values_list("id", flat=True)
    return sum(finish_dispatch_if_done(dispatch_id=pk) for pk in list(ids))


def counts_of(dispatch_ids: list[int]) -> dict[str, int]:
    """Messages by state, from the kept counters; every state is there."""
    totals = {state.value: 0 for state in MessageState}
    for state, count in MessageCount.objects.filter(dispatch_id__in=dispatch_ids).values_list(
        "state", "count"
    ):
        totals[state] += count
    return totals


def _has_open(dispatch_id: int) -> bool:
    """Asked of the ledger itself, by its index: counters of a transaction still under way are not seen."""
    return Message.objects.filter(dispatch_id=dispatch_id, state__in=OPEN_STATES).exists()


def _move(
    dispatch_id: int,
    old: tuple[DispatchState, ...],
    new: DispatchState,
    reason: str = "",
    by_engine: bool = False,
) -> bool:
    now = timezone.now()
    times = {"started_at": now} if old == (DispatchState.PLANNING,) else {}
    if old == (DispatchState.PAUSED,):
        times = {"resumed_at": now}
    if new in (DispatchState.STOPPED, DispatchState.FINISHED):
        times = {"finished_at": now}
    with transaction.atomic():
        moved = Dispatch.objects.filter(pk=dispatch_id, state__in=old).update(
            state=new, state_reason=str(reason)[:500], changed_at=now, **times
        )
        if not moved:
            return False
        broadcast_id = Dispatch.objects.values_list("broadcast_id", flat=True).get(pk=dispatch_id)
        news = DispatchChanged(dispatch_id, broadcast_id, new.value, str(reason), by_engine)
        dispatch_changed.send(sender=Dispatch, news=news)
    return True


def trouble_sentence(account: ProviderAccount, sentence: str) -> str:
    """Why the engine paused, for the page: names the account, what happened and what to do."""
    return _(
        "Paused by Crier: %(account)s: %(sentence)s Who waits goes on waiting; who may have got it already is marked"
        " unknown and is not sent to again. Mend it, then resume."
    ) % {"account": account.name, "sentence": sentence}
