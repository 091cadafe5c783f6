"""The life of a dispatch: created, started, paused, resumed, stopped, finished. The sole writer of its state.

Those of a route go out together: whatever is done to one of them is done to all, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Workspace
from messaging.budget import require_budget
from messaging.content import Content, compile_content, pin
from messaging.ledger import cancel_waiting, lock_rows
from messaging.models import Dispatch, DispatchState, Message, MessageCount
from messaging.sender_choice import Pinned
from messaging.signals import DispatchChanged, DispatchDiverted, dispatch_changed, dispatch_diverted
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


@dataclass(frozen=True, slots=True)
class RoutePlace:
    """Of one account in a route, as it is at the launch. `lead`: the dispatch of the first one; None for that itself."""

    lead: Dispatch | None
    strategy: str
    place: int
    weight: int
    only: Sequence[str]

    @property
    def fields(self) -> dict[str, Any]:
        return {
            "lead": self.lead,
            "strategy": self.strategy,
            "route_place": self.place,
            "route_weight": self.weight,
            "route_only": list(self.only),
        }


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
    place: RoutePlace | None = None,
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
            **({} if place is None else place.fields),
        )
        pin(dispatch, content or compile_content(workspace.pk, text))
    return dispatch


def lock_dispatches(dispatch_ids: Iterable[int]) -> None:
    """Until the end of the transaction, in the order of their ids, with all of their routes; before anything that stands
    on them is locked."""
    rows = Dispatch.objects.filter(pk__in=with_branches(dispatch_ids)).order_by("pk")
    list(lock_rows(rows, no_key=True).values_list("pk"))


def with_branches(dispatch_ids: Iterable[int]) -> list[int]:
    """And those that go out beside them, through other accounts of their routes: whoever leads comes first. With a queryset
    it is one query."""
    ids = dispatch_ids if isinstance(dispatch_ids, QuerySet) else list(dispatch_ids)
    own = Dispatch.objects.order_by().filter(pk__in=ids).values_list("pk", flat=True)
    beside = Dispatch.objects.order_by().filter(lead__in=ids).values_list("pk", flat=True)
    return sorted(own.union(beside, all=True))


def group_of(dispatch_id: int) -> list[int]:
    """All that go out together, the one that leads first; without a route, it alone."""
    lead_id, strategy = Dispatch.objects.values_list("lead_id", "strategy").get(pk=dispatch_id)
    return with_branches([lead_id or dispatch_id]) if strategy else [dispatch_id]


def start_dispatch(*, dispatch_id: int) -> bool:
    """All its messages are planned, and through a route each has its account."""
    _mark_range(dispatch_id)
    return _move(dispatch_id, (DispatchState.PLANNING,), DispatchState.RUNNING)


def reserve_dispatch(*, dispatch_id: int) -> bool:
    """All its messages are planned, and wait until they are moved to another dispatch: see messaging/reserve.py."""
    _mark_range(dispatch_id)
    return _move(dispatch_id, (DispatchState.PLANNING,), DispatchState.RESERVE)


def _mark_range(dispatch_id: int) -> None:
    linked = ~Q(link_base="") | Q(is_reserve=True)
    if Dispatch.objects.filter(linked, pk=dispatch_id).exists():
        rows = Message.objects.filter(dispatch_id__in=group_of(dispatch_id))
        ids = rows.aggregate(first=Min("id"), last=Max("id"))
        marks = {"first_message_id": ids["first"], "last_message_id": ids["last"]}
        Dispatch.objects.filter(pk=dispatch_id).update(**marks)


def pause_dispatch(*, dispatch_id: int, reason: str = "", by_engine: bool = False) -> bool:
    """Takes effect within a second: no more is claimed, and what is claimed but not handed over goes back."""
    return _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.PAUSED, reason, by_engine)


def pause_over_agreed(*, dispatch_id: int, parts: int, cost: Decimal | None) -> bool:
    """The next texts would be more than was agreed to: a person is asked. `parts`, `cost`: of all its texts, as of now."""
    with transaction.atomic():
        lead_pk = Dispatch.objects.get(pk=dispatch_id).lead_pk
        dispatch = Dispatch.objects.select_related("account").get(pk=lead_pk)
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
            Dispatch.objects.filter(pk=dispatch.pk).update(
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
            group = group_of(dispatch_id)
            Dispatch.objects.filter(pk__in=group, failure_asked__isnull=False).update(
                failure_limit=F("failure_asked"), failure_asked=None, failure_marks=FROM_NOW_ON
            )
            # Whoever resumes it has mended what was in trouble; else it is left out of the route anew.
            Dispatch.objects.filter(pk__in=group, diverted_at__isnull=False).update(
                diverted_at=None, diverted_why=""
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
            Dispatch.objects.filter(pk__in=group_of(dispatch_id)).update(cancel_reason=cancel_reason)
    return stopped


def cancel_stopped(dispatch_ids: Iterable[int] | None = None) -> int:
    """Cancels what waits in stopped dispatches: of these; or, for the sweep, of all that somebody left half-way."""
    if dispatch_ids is None:
        waiting = MessageCount.objects.filter(
            dispatch__state=DispatchState.STOPPED, state__in=[state.value for state in WAITING], count__gt=0
        )
        dispatch_ids = list(waiting.values_list("dispatch_id", flat=True).distinct())
    reasons = Dispatch.objects.filter(pk__in=with_branches(dispatch_ids)).values_list("pk", "cancel_reason")
    return sum(cancel_waiting(pk, reason=reason or "stopped") for pk, reason in list(reasons.order_by("pk")))


def pause_dispatches_of_account(*, account_id: int, trouble: str) -> int:
    """The engine's word: going on would waste recipients (wrong key, no credit, provider down). What goes through a route
    goes on through its other accounts. `trouble`: what happened and what to do, in words."""
    ids = Dispatch.objects.filter(
        account_id=account_id, state=DispatchState.RUNNING, diverted_at=None
    ).values_list("id", flat=True)
    return sum(divert_or_pause(dispatch_id=pk, trouble=trouble) for pk in list(ids))


def divert_or_pause(*, dispatch_id: int, trouble: str) -> bool:
    """The engine's word about one. While another account of its route sends, this one is left out of it; without any the
    broadcast is paused."""
    with transaction.atomic():
        if divert_dispatch(dispatch_id=dispatch_id, trouble=trouble):
            return True
        account = Dispatch.objects.select_related("account").get(pk=dispatch_id).account
        reason = trouble_sentence(account, trouble)
        return pause_dispatch(dispatch_id=dispatch_id, reason=reason, by_engine=True)


def divert_dispatch(*, dispatch_id: int, trouble: str) -> bool:
    """From now on nothing is claimed from it; whoever waits is moved by messaging/failover.py. False, and nothing is done,
    where no other account of its route sends."""
    now = timezone.now()
    with transaction.atomic():
        group = group_of(dispatch_id)
        if len(group) < 2:
            return False
        lock_dispatches(group[:1])
        rows = Dispatch.objects.filter(pk__in=group, state=DispatchState.RUNNING, diverted_at=None)
        others = rows.exclude(pk=dispatch_id).filter(account__enabled=True).order_by("route_place")
        names = list(others.values_list("account__name", flat=True))
        if not names or not rows.filter(pk=dispatch_id).update(
            diverted_at=now, diverted_why=trouble[:500], changed_at=now
        ):
            return False
        dispatch = Dispatch.objects.select_related("account").get(pk=dispatch_id)
        sentence = _(
            "%(account)s is left out for now: %(trouble)s Who waits there goes on through %(others)s; who may have got it"
            " already is marked unknown and is not sent to again."
        ) % {"account": dispatch.account.name, "trouble": trouble, "others": ", ".join(names)}
        news = DispatchDiverted(dispatch_id, dispatch.broadcast_id, is_over=False, sentence=sentence)
        dispatch_diverted.send(sender=Dispatch, news=news)
    return True


def end_diversion(*, dispatch_id: int) -> bool:
    """Its account works again: whoever still waits there goes out through it."""
    with transaction.atomic():
        rows = Dispatch.objects.filter(pk=dispatch_id, diverted_at__isnull=False)
        if not rows.update(diverted_at=None, diverted_why="", changed_at=timezone.now()):
            return False
        dispatch = Dispatch.objects.select_related("account").get(pk=dispatch_id)
        sentence = _("%(account)s works again: it sends as before.") % {"account": dispatch.account.name}
        news = DispatchDiverted(dispatch_id, dispatch.broadcast_id, is_over=True, sentence=sentence)
        dispatch_diverted.send(sender=Dispatch, news=news)
    return True


def finish_reserve(*, dispatch_id: int) -> bool:
    """Nobody is left in it."""
    return _move(dispatch_id, (DispatchState.RESERVE,), DispatchState.FINISHED, "", by_engine=True)


def finish_dispatch_if_done(*, dispatch_id: int) -> bool:
    """Finished when nothing waits and nothing is being handed over, through any account of its route. Receipts may still
    come."""
    with transaction.atomic():
        group = group_of(dispatch_id)
        rows = lock_rows(Dispatch.objects.filter(pk__in=group).order_by("pk"))
        states = set(rows.values_list("state", flat=True))
        if states != {DispatchState.RUNNING.value} or _has_open(group):
            return False
        return _move(dispatch_id, (DispatchState.RUNNING,), DispatchState.FINISHED, "", True)


def finish_done_dispatches() -> int:
    """The sweep's: dispatches whose last message was settled by a worker that died before it could say so."""
    ids = Dispatch.objects.filter(state=DispatchState.RUNNING, lead=None).values_list("id", flat=True)
    return sum(finish_dispatch_if_done(dispatch_id=pk) for pk in list(ids))


def counts_of(dispatch_ids: list[int]) -> dict[str, int]:
    """Messages by state, from the kept counters; every state is there."""
    totals = {state.value: 0 for state in MessageState}
    for state, count in MessageCount.objects.filter(dispatch_id__in=dispatch_ids).values_list(
        "state", "count"
    ):
        totals[state] += count
    return totals


def _has_open(dispatch_ids: Sequence[int]) -> bool:
    """Asked of the ledger itself, by its index: counters of a transaction still under way are not seen. In one statement:
    what is moved from one of them to another meanwhile must not be in neither."""
    return Message.objects.filter(dispatch_id__in=dispatch_ids, state__in=OPEN_STATES).exists()


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
        group = group_of(dispatch_id)
        if len(group) > 1:
            lock_dispatches(group[:1])
        moved = Dispatch.objects.filter(pk__in=group, state__in=old).update(
            state=new, state_reason=str(reason)[:500], changed_at=now, **times
        )
        if not moved:
            return False
        broadcast_id = Dispatch.objects.values_list("broadcast_id", flat=True).get(pk=dispatch_id)
        for pk in group:
            news = DispatchChanged(pk, broadcast_id, new.value, str(reason), by_engine)
            dispatch_changed.send(sender=Dispatch, news=news)
    return True


def trouble_sentence(account: ProviderAccount, sentence: str) -> str:
    """Why the engine paused, for the page: names the account, what happened and what to do."""
    return _(
        "Paused by Crier: %(account)s: %(sentence)s Who waits goes on waiting; who may have got it already is marked"
        " unknown and is not sent to again. Mend it, then resume."
    ) % {"account": account.name, "sentence": sentence}
