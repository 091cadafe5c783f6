"""The segments of a smart broadcast: who is left, what the next one would be, and sending it, by a person or by clicks.

Whoever is in no segment yet is in the reserve (messaging/reserve.py). One segment goes out at a time; each is estimated
and checked as a launch is, with its own text and senders, for exactly the people whom it takes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import Actor
from accounts.audit import record
from campaigns.errors import AlreadyLaunched, CampaignError, EstimateChanged, LaunchRefused, NotNow
from campaigns.models import (
    Broadcast,
    BroadcastState,
    Decision,
    Segment,
    SmartStep,
    new_launch_token,
)
from campaigns.services.audience import (
    Audience,
    Person,
    Reach,
    opted_out_of,
    person_of,
    unsubscribed_from,
    used_values,
)
from campaigns.services.audience import unsubscribe_list_ids as unsubscribe_lists_of
from campaigns.services.check import Check
from campaigns.services.checks import blocking, launch_checks
from campaigns.services.control import hold_dispatches
from campaigns.services.drafts import SETTERS, SIZE_MOST
from campaigns.services.estimate import Estimate, estimate_for
from campaigns.services.events import note
from campaigns.services.launch import make_dispatch, require_budget
from campaigns.services.segment_state import (
    UNDER_WAY,
    has_expired,
    is_asking,
    last_segment,
    left_in_reserve,
    reserve_of,
)
from contacts.models import Recipient
from messaging.content import compile_content
from messaging.models import Dispatch, DispatchState, Message
from messaging.reserve import on_lists_in, waiting_in

# What a person may choose anew for a segment: keys of services.drafts.save_draft.
OWN = ("text", "sender_id", "sender_list_id")


@dataclass(frozen=True, slots=True)
class Next:
    """The segment that would go out. `broadcast`: with its text and senders, not to be saved; `left`: who is in reserve,
    `size` of whom it takes; before them `removed` have left the lists since the launch, and get nothing; `estimate` leaves
    out those of `size` who have opted out since."""

    broadcast: Broadcast
    number: int
    size: int
    left: int
    removed: int
    estimate: Estimate
    checks: list[Check]

    @property
    def is_blocked(self) -> bool:
        return bool(blocking(self.checks))


def why_not_now(broadcast: Broadcast) -> str:
    """Why no further segment can be sent just now, and what to do; "" where one can."""
    if not broadcast.is_smart:
        return _("Only a smart broadcast has segments. This one goes to everybody at once.")
    if broadcast.state in (BroadcastState.DRAFT, BroadcastState.SCHEDULED):
        return _("It is not launched yet: the launch sends its first segment.")
    if broadcast.state in (BroadcastState.STOPPED, BroadcastState.FINISHED):
        return _("It is over: nobody is left to send to. Duplicate it to send again.")
    if has_expired(broadcast):
        return _("It has expired: who has not got it by now does not get it. Duplicate it to send again.")
    reserve, last = reserve_of(broadcast), last_segment(broadcast)
    if reserve is None or last is None or reserve.planned_at is None:
        return _("Its recipients are still being written down. Try again in a moment.")
    if reserve.dispatch.state != DispatchState.RESERVE:
        return _("Nobody is left: everybody is in a segment.")
    if broadcast.state == BroadcastState.PAUSED and not is_asking(broadcast, last):
        return _("It is paused. Resume it first.")
    if last.dispatch.state in UNDER_WAY:
        return _("Segment %(number)s is still being sent. Wait until it is through.") % {
            "number": last.number
        }
    return ""


def with_own(broadcast: Broadcast, own: dict[str, Any]) -> Broadcast:
    """With its own text and senders but for what is chosen anew, to be estimated and checked; never saved.

    `own`: keys of OWN. Raises CampaignError with the field.
    """
    unknown = set(own) - set(OWN)
    if unknown:
        name = sorted(unknown)[0]
        raise CampaignError(_("Unknown field: %(name)s.") % {"name": name}, field=name)
    if own.get("sender_id") and own.get("sender_list_id"):
        sentence = _("A segment has a sender or a sender list, not both. Leave one of them out.")
        raise CampaignError(sentence, field="sender_list_id")
    made = copy.copy(broadcast)
    # Of the launch, which is over.
    made.send_at = made.first_segment_size = None
    if own.get("sender_id"):
        made.sender_list = None
    if own.get("sender_list_id"):
        made.sender = None
    for field, value in own.items():
        if value is not None:
            SETTERS[field](made, value)
    return made


def next_of(broadcast: Broadcast, *, size: int | None, own: dict[str, Any] | None = None) -> Next:
    """What the next segment would be. `size`: None is everybody who is left. Raises CampaignError, NotNow."""
    refused = why_not_now(broadcast)
    if refused:
        raise NotNow(refused)
    made = with_own(broadcast, own or {})
    reserve, last = reserve_of(broadcast), last_segment(broadcast)
    assert reserve is not None
    assert last is not None
    left, there = left_in_reserve(broadcast), on_lists_in(reserve.dispatch_id).count()
    if not there:
        raise NotNow(
            _("Nobody is left: whoever is in no segment yet has left the lists since the launch. Stop it.")
        )
    if size is not None and not 1 <= size <= SIZE_MOST:
        sentence = _("The segment has %(size)s people; it has to have from 1 to %(most)s.")
        raise CampaignError(sentence % {"size": f"{size:,}", "most": f"{there:,}"}, field="size")
    taken = there if size is None else min(size, there)
    chosen = _slice(reserve.dispatch_id, taken)
    removed = chosen.count() - taken
    estimate = _estimate(made, chosen, taken, removed)
    return Next(made, last.number + 1, taken, left, removed, estimate, launch_checks(made, estimate))


def people_left(broadcast: Broadcast) -> int:
    """Who is in reserve and has not left the lists since the launch."""
    reserve = reserve_of(broadcast)
    if reserve is None or reserve.dispatch.state != DispatchState.RESERVE:
        return 0
    return on_lists_in(reserve.dispatch_id).count()


def _estimate(broadcast: Broadcast, chosen: QuerySet[Message], size: int, removed: int) -> Estimate:
    content = compile_content(broadcast.workspace_id, broadcast.text)
    people = _people(broadcast, chosen)
    reached = people.count()
    last = chosen.order_by("-id").values_list("dispatch_id", "id").first()
    reach = Reach(size, 0, size - reached, 0, reached, Audience(f"{last}:{removed}"))
    return estimate_for(broadcast, content, reach, used_values(people, content.uses))


def _mark(reserve_id: int, size: int) -> int:
    """The id of the last message in reserve that a segment of `size` people comes to: of its last one, or of the last of
    all where it takes everybody who is still on a list."""
    ids = on_lists_in(reserve_id).values_list("id", flat=True)
    last = list(ids[size - 1 : size + 1])
    if len(last) < 2:
        last = list(waiting_in(reserve_id).order_by("-id").values_list("id", flat=True)[:1])
    return next(iter(last), 0)


def _slice(reserve_id: int, size: int) -> QuerySet[Message]:
    """The people of a segment of that size, and who has left the lists among them."""
    mark = _mark(reserve_id, size)
    return waiting_in(reserve_id).filter(id__lte=mark)


def _people(broadcast: Broadcast, chosen: QuerySet[Message]) -> QuerySet[Recipient]:
    """Without those who have opted out or unsubscribed since."""
    ids = chosen.order_by().values("recipient_id")
    rows = Recipient.objects.filter(id__in=ids).filter(~opted_out_of(broadcast.workspace_id))
    if list_ids := unsubscribe_lists_of(broadcast):
        rows = rows.filter(~unsubscribed_from(list_ids))
    return rows.order_by("id")


def sample_of_next(found: Next, *, limit: int) -> list[Person]:
    """Its first people."""
    reserve = reserve_of(found.broadcast)
    if reserve is None:
        return []
    chosen = _slice(reserve.dispatch_id, found.size)
    return [person_of(row) for row in _people(found.broadcast, chosen)[:limit]]


def continue_broadcast(
    *,
    broadcast: Broadcast,
    actor: Actor,
    launch_token: str,
    size: int | None,
    digest: str,
    own: dict[str, Any] | None = None,
    recipient_cap: int | None = None,
) -> Segment:
    """Sends the next segment, by a person's word. `digest`: of the estimate that was shown; `launch_token`: the broadcast's,
    spent by it, so that a double click is one segment. `recipient_cap`: of one by clicks, in place of the one that is
    reached.

    Raises NotNow, LaunchRefused, EstimateChanged, AlreadyLaunched, CampaignError.
    """
    if broadcast.launch_token != launch_token:
        raise AlreadyLaunched(_("This segment was sent already; it is sent only once."))
    if recipient_cap is not None:
        SETTERS["recipient_cap"](broadcast, recipient_cap)
    found = next_of(broadcast, size=size, own=own)
    if found.is_blocked:
        raise LaunchRefused(blocking(found.checks))
    if found.estimate.digest != digest:
        raise EstimateChanged({}, found.estimate, numbers_differ=True, people_differ=True)
    with transaction.atomic():
        hold_dispatches(broadcast)
        _spend(broadcast, launch_token, recipient_cap)
        # What was read before may have changed until the dispatches were held.
        reserve = reserve_of(broadcast)
        if reserve is None or left_in_reserve(broadcast) != found.left:
            raise EstimateChanged({}, found.estimate, numbers_differ=True, people_differ=False)
        segment = start_segment(found, actor=actor)
        sentence = ngettext(
            "Segment %(number)s was sent by a person: %(n)s person.",
            "Segment %(number)s was sent by a person: %(n)s people.",
            found.size,
        ) % {"number": found.number, "n": f"{found.size:,}"}
        SmartStep.objects.create(
            broadcast=broadcast,
            segment_number=found.number,
            decision=Decision.STARTED,
            sentence=sentence,
            user=actor.user,
        )
        record(broadcast.workspace, actor, "continued", broadcast, segment=found.number, people=found.size)
        note(broadcast, "continued", sentence, actor=actor)
    broadcast.refresh_from_db()
    return segment


def _spend(broadcast: Broadcast, token: str, recipient_cap: int | None) -> None:
    """The conditional UPDATE makes a double click one segment, and lets no pause in between."""
    changes: dict[str, Any] = {} if recipient_cap is None else {"recipient_cap": recipient_cap}
    spent = Broadcast.objects.filter(pk=broadcast.pk, state=broadcast.state, launch_token=token).update(
        state=BroadcastState.RUNNING,
        state_reason="",
        launch_token=new_launch_token(),
        updated_at=timezone.now(),
        **changes,
    )
    if not spent:
        raise AlreadyLaunched(
            _("This segment was sent already, or the broadcast was paused or stopped meanwhile.")
        )


def start_segment(found: Next, *, actor: Actor | None = None) -> Segment:
    """Inside the deciding transaction, which holds the broadcast's dispatches; it is filled when that is committed.

    (broadcast, number) is unique: of two who decide at once one starts it. Raises LaunchRefused.
    """
    from campaigns.tasks import plan_segment_soon  # tasks import the services

    require_budget(found.broadcast, found.estimate)
    dispatch: Dispatch = make_dispatch(
        found.broadcast, agreed_parts=found.estimate.parts, agreed_cost=found.estimate.cost
    )
    segment = Segment.objects.create(
        broadcast_id=found.broadcast.pk,
        number=found.number,
        dispatch=dispatch,
        size=found.size,
        started_by=actor.user if actor else None,
    )
    transaction.on_commit(lambda: plan_segment_soon(segment.pk))
    return segment
