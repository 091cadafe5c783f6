"""Smart broadcasts that decide by themselves: the next segment by clicks, and the end of what expires.

Asked by the sweep, again and again: each answer is written down with its reason and figures (SmartStep), acted on once.
Whoever acts holds the broadcast's dispatches and its row and looks again; (broadcast, number) of a segment is unique. So
two workers, a kill -9 in between, or clicks that are counted down afterwards make no second segment.

    segment through -> waiting -> sample | below -> reached -> next segment
                                                 '-> cap, refused: paused until a person decides
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.errors import CampaignError
from campaigns.models import Broadcast, BroadcastKind, BroadcastState, Decision, Segment, SmartStep
from campaigns.services.checks import blocking
from campaigns.services.control import ACTIVE, dispatch_ids, hold_dispatches
from campaigns.services.estimate import numbers_at_launch
from campaigns.services.events import note
from campaigns.services.segment_lines import clicked_in
from campaigns.services.segment_state import (
    UNDER_WAY,
    has_expired,
    last_segment,
    people_in_segments,
    reserve_of,
)
from campaigns.services.segments import Next, next_of, people_left, start_segment
from campaigns.services.smart_checks import percent_text
from messaging.dispatches import cancel_stopped, counts_of, stop_dispatch, with_branches
from messaging.models import DispatchState
from messaging.reasons import BROADCAST_EXPIRED
from sms.states import HANDED_OVER

log = structlog.get_logger("crier.smart")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done after a segment, why, and on what figures. `size`: of the next segment, where there is one."""

    segment: Segment
    decision: Decision
    sentence: str
    sent: int
    clicked: int
    size: int = 0

    @property
    def acts(self) -> bool:
        return self.decision in (Decision.REACHED, Decision.CAP)


def judge_smart_broadcasts() -> int:
    """The sweep's; returns for how many something was done."""
    expired = Broadcast.objects.filter(state__in=ACTIVE, exp_date__lte=timezone.now())
    done = sum(_expire(pk) for pk in list(expired.order_by("pk").values_list("pk", flat=True)))
    waiting = Broadcast.objects.filter(state=BroadcastState.RUNNING, kind=BroadcastKind.SMART_CTR)
    return done + sum(judge(pk) for pk in list(waiting.order_by("pk").values_list("pk", flat=True)))


def judge(broadcast_id: int) -> bool:
    """Decides about the next segment of one broadcast by clicks; True where something was done."""
    verdict = verdict_on(_broadcast(broadcast_id))
    if verdict is None:
        return False
    if not verdict.acts:
        write_down(verdict)
        return False
    with transaction.atomic():
        # In the order of the engine: see control.hold_dispatches.
        hold_dispatches(_broadcast(broadcast_id))
        Broadcast.objects.select_for_update(no_key=True).get(pk=broadcast_id)
        broadcast = _broadcast(broadcast_id)
        verdict = verdict_on(broadcast)
        if verdict is None or not verdict.acts:
            return False
        _act(broadcast, verdict)
    log.info(
        "decided", broadcast=broadcast_id, segment=verdict.segment.number, decision=verdict.decision.value
    )
    return True


def _broadcast(pk: int) -> Broadcast:
    rows = Broadcast.objects.select_related(
        "workspace", "campaign", "sender", "sender_list", "account", "route"
    )
    return rows.get(pk=pk)


def verdict_on(broadcast: Broadcast) -> Verdict | None:
    """None where there is nothing to decide: it does not run or has expired, a segment is not through, nobody is left."""
    if broadcast.state != BroadcastState.RUNNING or broadcast.kind != BroadcastKind.SMART_CTR:
        return None
    if has_expired(broadcast):
        return None
    reserve, last = reserve_of(broadcast), last_segment(broadcast)
    if reserve is None or last is None or reserve.dispatch.state != DispatchState.RESERVE:
        return None
    ended = last.dispatch.finished_at
    if last.dispatch.state in UNDER_WAY or ended is None or broadcast.conversion_threshold is None:
        return None
    sent, clicked = _sent_and_clicked(last)
    decision, sentence, size = _decide(broadcast, last, ended, sent, clicked)
    return Verdict(last, decision, sentence, sent, clicked, size)


def _sent_and_clicked(segment: Segment) -> tuple[int, int]:
    """Of it, through all accounts of its route."""
    ids = with_branches([segment.dispatch_id])
    counts = counts_of(ids)
    return sum(counts[state.value] for state in HANDED_OVER), sum(clicked_in(ids).values())


def _decide(
    broadcast: Broadcast, last: Segment, ended: datetime, sent: int, clicked: int
) -> tuple[Decision, str, int]:
    """The decision, its reason, and the size of the next segment."""
    threshold = broadcast.conversion_threshold or Decimal(0)
    until = ended + timedelta(minutes=broadcast.wait_minutes)
    figures = _figures(last, sent, clicked)
    if timezone.now() < until:
        sentence = _("%(figures)s Clicks are waited for until %(time)s, then it is decided.")
        return Decision.WAITING, sentence % {"figures": figures, "time": _time(until)}, 0
    used, cap = people_in_segments(broadcast), broadcast.recipient_cap
    if cap is not None and used >= cap:
        # Before all else: nothing goes out by itself any more, however many click.
        sentence = _("%(figures)s The cap of %(cap)s people is reached: a person decides whether it goes on.")
        return Decision.CAP, sentence % {"figures": figures, "cap": f"{cap:,}"}, 0
    if sent < broadcast.minimum_sample:
        sentence = _(
            "%(figures)s That is too few to decide on: %(sample)s are wanted. A person can send the next segment."
        )
        return Decision.SAMPLE, sentence % {"figures": figures, "sample": f"{broadcast.minimum_sample:,}"}, 0
    words = {"figures": figures, "threshold": percent_text(threshold)}
    # Exact: nothing is divided, so nothing is rounded.
    if Decimal(clicked) * 100 < threshold * sent:
        sentence = _("%(figures)s Below the threshold of %(threshold)s: it waits for more clicks.")
        return Decision.BELOW, sentence % words, 0
    size = min(broadcast.next_segment_size or 0, people_left(broadcast))
    size = size if cap is None else min(size, cap - used)
    sentence = _("%(figures)s The threshold of %(threshold)s is reached: the next %(size)s people get it.")
    return Decision.REACHED, sentence % (words | {"size": f"{size:,}"}), size


def _figures(segment: Segment, sent: int, clicked: int) -> str:
    """`Segment 1: 23 of 1,000 clicked, 2.30%.`: cut off and not rounded, as it is compared."""
    values = {"number": segment.number, "clicked": f"{clicked:,}", "sent": f"{sent:,}"}
    if not sent:
        return _("Segment %(number)s: none was sent.") % values
    rate = (Decimal(clicked) * 100 / sent).quantize(Decimal("0.01"), ROUND_DOWN)
    return _("Segment %(number)s: %(clicked)s of %(sent)s clicked, %(rate)s%%.") % (values | {"rate": rate})


def _time(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{date_format(local, 'j M Y H:i')} {local:%Z}"


def write_down(verdict: Verdict) -> bool:
    """True where it is news; else the figures of the row follow, and the log of the broadcast says nothing."""
    now = timezone.now()
    values = {
        "sentence": verdict.sentence[:500],
        "sent": verdict.sent,
        "clicked": verdict.clicked,
        "threshold": verdict.segment.broadcast.conversion_threshold,
        "looked_at": now,
    }
    key = {
        "broadcast_id": verdict.segment.broadcast_id,
        "segment_number": verdict.segment.number,
        "decision": verdict.decision,
    }
    same = SmartStep.objects.filter(**key)
    if same.filter(sentence=values["sentence"]).exists():
        return False
    _step, is_new = SmartStep.objects.get_or_create(**key, defaults=values | {"at": now})
    if not is_new:
        same.update(**values)
    return is_new


def _act(broadcast: Broadcast, verdict: Verdict) -> None:
    """Inside the deciding transaction."""
    if verdict.decision == Decision.CAP:
        write_down(verdict)
        _ask(broadcast, verdict.sentence)
        return
    refused = ""
    try:
        found = next_of(broadcast, size=verdict.size)
        refused = " ".join(str(check.sentence) for check in blocking(found.checks))
        refused = refused or _more_than_agreed(broadcast, found)
        if not refused:
            start_segment(found)
    except CampaignError as error:
        refused = str(error.sentence)
    if refused:
        sentence = _("The threshold is reached, but the next segment was not sent: %(why)s") % {
            "why": refused
        }
        write_down(Verdict(verdict.segment, Decision.REFUSED, sentence, verdict.sent, verdict.clicked))
        _ask(broadcast, sentence)
        return
    write_down(verdict)
    note(broadcast, "decided", verdict.sentence)


def _ask(broadcast: Broadcast, sentence: str) -> None:
    Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.RUNNING).update(
        state=BroadcastState.PAUSED, state_reason=sentence[:500], updated_at=timezone.now()
    )
    note(broadcast, "paused", sentence)


def _more_than_agreed(broadcast: Broadcast, found: Next) -> str:
    """Whoever launched it agreed to parts and cost of everybody; nobody is asked again, so it stays within them."""
    agreed = numbers_at_launch(broadcast)
    own = broadcast.segments.filter(size__isnull=False).values_list("dispatch__agreed_parts", flat=True)
    costs = broadcast.segments.filter(size__isnull=False).values_list("dispatch__agreed_cost", flat=True)
    parts = sum(each or 0 for each in own) + found.estimate.parts
    if parts > int(agreed.get("parts") or 0):
        sentence = _("with it there would be %(parts)s parts, agreed to were %(agreed)s.")
        return sentence % {"parts": f"{parts:,}", "agreed": f"{agreed.get('parts') or 0:,}"}
    limit, cost = agreed.get("cost"), found.estimate.cost
    if limit is None or cost is None:
        return "" if limit is None else _("its cost is not known any more.")
    total = sum((each or Decimal(0) for each in costs), Decimal(0)) + cost
    if total > Decimal(limit):
        sentence = _("with it the cost would be %(cost)s, agreed to was %(agreed)s.")
        return sentence % {"cost": total.normalize(), "agreed": Decimal(limit).normalize()}
    return ""


def _expire(broadcast_id: int) -> bool:
    """Whoever was not handed over by then does not get it: Dispatch.not_after sees to that, however late we are. What is
    being handed over finishes by itself; the rest is cancelled."""
    with transaction.atomic():
        hold_dispatches(_broadcast(broadcast_id))
        broadcast = Broadcast.objects.select_for_update(no_key=True).get(pk=broadcast_id)
        if broadcast.state not in ACTIVE or broadcast.exp_date is None or not has_expired(broadcast):
            return False
        now, ids, last = timezone.now(), dispatch_ids(broadcast), last_segment(broadcast)
        sentence = _("Expired at %(time)s: who had not got it by then does not get it.") % {
            "time": _time(broadcast.exp_date)
        }
        for dispatch_id in ids:
            stop_dispatch(dispatch_id=dispatch_id, reason=sentence, cancel_reason=BROADCAST_EXPIRED)
        Broadcast.objects.filter(pk=broadcast.pk).update(
            state=BroadcastState.FINISHED, state_reason=sentence, finished_at=now, updated_at=now
        )
        note(broadcast, "expired", sentence)
        if last is not None:
            write_down(Verdict(last, Decision.EXPIRED, sentence, *_sent_and_clicked(last)))
    # Should we die on the way, the sweep goes on.
    cancel_stopped(ids)
    log.info("expired", broadcast=broadcast_id)
    return True
