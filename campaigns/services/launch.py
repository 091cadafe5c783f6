"""From a draft to a run: what was seen is what happens, once, however often the button is pressed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from campaigns.errors import (
    AlreadyLaunched,
    CampaignError,
    CountNotTyped,
    EstimateChanged,
    LaunchRefused,
    NotNow,
    PartsNotAgreed,
)
from campaigns.models import RESERVE, Broadcast, BroadcastState, Segment, new_launch_token
from campaigns.pictures import pictures_of
from campaigns.services.audience import enabled_lists, last_recipient_id, unsubscribe_list_ids, values_of
from campaigns.services.barred import sibling_ids
from campaigns.services.check import Check
from campaigns.services.checks import begins_at, blocking, budget_checks, launch_checks, undoing_checks
from campaigns.services.estimate import (
    Estimate,
    count_to_type,
    difference_words,
    differs,
    estimate_of,
    first_to_go,
    is_other_people,
    is_within,
    numbers_at_launch,
    quiet_hours_of,
)
from campaigns.services.events import note
from campaigns.services.local_time import local_times_of
from campaigns.services.senders import sender_for
from campaigns.services.through import Line, lines_for, lines_of, usable_lines
from contacts.models import Recipient
from contacts.services.lists import lock_lists
from messaging.budget import hold_budget
from messaging.content import compile_content, words_of_errors
from messaging.dispatches import RoutePlace, create_dispatch
from messaging.errors import MessagingError
from messaging.media.addresses import public_urls
from messaging.models import Dispatch, Media, Sender
from messaging.quiet import hours_words, pinned_hours
from messaging.singles import (
    FEW_PARTS,
    SingleText,
    TooManyParts,
    checked_content,
    checked_number,
    send_one,
)
from providers.models import ProviderAccount

# What scheduling means: beside the button, and in the API's answer.
AT_ITS_TIME = gettext_lazy(
    "The audience is that of its time. If it grew or would cost more by then, it waits and asks: nothing is sent."
)


def launch(
    *, broadcast: Broadcast, actor: Actor, launch_token: str, digest: str, typed_count: int | None = None
) -> Broadcast:
    """Launches a draft now, or schedules it when it has a time.

    `digest` is that of the estimate which was shown; `launch_token` the draft's: it is spent by the launch.
    Raises LaunchRefused, EstimateChanged, AlreadyLaunched, CountNotTyped, NotNow.
    """
    if broadcast.state != BroadcastState.DRAFT or broadcast.launch_token != launch_token:
        raise AlreadyLaunched
    # Before the estimate: who is added while it is counted makes it another one, and is not texted either way.
    last_id = last_recipient_id(broadcast)
    now = estimate_of(broadcast)
    refused = blocking(launch_checks(broadcast, now))
    if refused:
        raise LaunchRefused(refused)
    if now.digest != digest:
        raise EstimateChanged(
            dict(broadcast.estimate),
            now,
            numbers_differ=differs(broadcast.estimate, now),
            people_differ=is_other_people(broadcast.estimate, now),
        )
    limit = broadcast.workspace.typed_count_above
    people = count_to_type(broadcast, now)
    if people > limit and typed_count != people:
        raise CountNotTyped(people)
    begins = begins_at(broadcast, now)
    scheduled = begins > timezone.now()
    with transaction.atomic():
        require_budget(broadcast, now)
        _spend_token(
            broadcast,
            launch_token,
            actor,
            now,
            BroadcastState.SCHEDULED if scheduled else BroadcastState.RUNNING,
            begins if scheduled else None,
        )
        broadcast.refresh_from_db()
        if not scheduled:
            _hold_off_undoing(broadcast)
        record(
            broadcast.workspace, actor, "scheduled" if scheduled else "launched", broadcast, people=now.people
        )
        if scheduled:
            note(broadcast, "scheduled", _("Scheduled."), actor=actor)
        else:
            note(broadcast, "launched", _("Launched."), actor=actor)
            _begin(broadcast, last_id)
        _note_override(broadcast, actor)
    return broadcast


def _note_override(broadcast: Broadcast, actor: Actor) -> None:
    if broadcast.ignores_quiet_hours and (hours := pinned_hours(broadcast.workspace)):
        sentence = _("It goes out in quiet hours (%(hours)s), too.") % {"hours": hours_words(hours)}
        note(broadcast, "quiet_hours_ignored", sentence, actor=actor)


def _spend_token(
    broadcast: Broadcast,
    token: str,
    actor: Actor,
    agreed: Estimate,
    state: BroadcastState,
    begins: datetime | None,
) -> None:
    """The conditional UPDATE is what makes a double click one launch."""
    # At a time where each recipient is: the first of their moments.
    own = {} if local_times_of(broadcast) is None else {"send_at": begins}
    spent = Broadcast.objects.filter(
        pk=broadcast.pk, state=BroadcastState.DRAFT, launch_token=token, version=broadcast.version
    ).update(
        state=state,
        launch_token=new_launch_token(),
        launched_by=actor.user,
        launched_at=timezone.now(),
        updated_at=timezone.now(),
        state_reason="",
        estimate=agreed.as_dict(),
        **own,
    )
    if not spent:
        raise AlreadyLaunched


def require_budget(broadcast: Broadcast, agreed: Estimate) -> None:
    """Of two that are launched at once, the second one sees what the first has taken. Raises LaunchRefused."""
    cost = agreed.first_cost
    if not cost or agreed.currency != broadcast.workspace.currency:
        return
    broadcast.workspace = hold_budget(broadcast.workspace)
    if broadcast.workspace.monthly_budget is None:
        return
    refused = blocking([*budget_checks(broadcast, cost)])
    if refused:
        raise LaunchRefused(refused)


def _hold_off_undoing(broadcast: Broadcast) -> None:
    """From here on no import into its lists is undone until it is planned. Raises LaunchRefused where one is just now."""
    lists = enabled_lists(broadcast)
    lock_lists(one.source_id or one.pk for one in lists)
    refused = [*undoing_checks(lists)]
    if refused:
        raise LaunchRefused(refused)


def remember_estimate(*, broadcast: Broadcast, estimate: Estimate) -> None:
    """What the review page shows, so that a later difference can be told."""
    Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT).update(estimate=estimate.as_dict())


def _begin(broadcast: Broadcast, last_id: int) -> Segment:
    """Inside the launching transaction: the first segment and its dispatch; planning starts when it is committed.

    `last_id`: nobody with a higher recipient id is planned.
    """
    from campaigns.tasks import plan_segment_soon  # tasks import the services

    if not broadcast.is_smart:
        dispatch = make_dispatch(
            broadcast,
            agreed_parts=broadcast.estimate["parts"],
            agreed_cost=_cost(numbers_at_launch(broadcast)),
        )
        segment = Segment.objects.create(broadcast=broadcast, dispatch=dispatch, plan_up_to=last_id)
    else:
        reserve = make_dispatch(broadcast, is_reserve=True)
        segment = Segment.objects.create(
            broadcast=broadcast, number=RESERVE, dispatch=reserve, plan_up_to=last_id
        )
        _begin_first(broadcast)
    transaction.on_commit(lambda: plan_segment_soon(segment.pk))
    return segment


def _begin_first(broadcast: Broadcast) -> None:
    first = first_to_go(numbers_at_launch(broadcast))
    dispatch = make_dispatch(broadcast, agreed_parts=first["parts"], agreed_cost=_cost(first))
    Segment.objects.create(
        broadcast=broadcast,
        dispatch=dispatch,
        size=broadcast.first_segment_size,
        started_by_id=broadcast.launched_by_id,
    )


def make_dispatch(
    broadcast: Broadcast,
    *,
    agreed_parts: int | None = None,
    agreed_cost: Decimal | None = None,
    is_reserve: bool = False,
) -> Dispatch:
    """With text, senders, account and pictures as they are now; through a route the one that leads, with one beside it for
    each further account that can carry it. Raises NotNow."""
    lines = usable_lines(broadcast)
    if not lines or any(line.senders.is_nobody for line in lines):
        raise NotNow(_("The broadcast has no account or no sender any more."))
    shared: dict[str, Any] = {
        "workspace": broadcast.workspace,
        "broadcast_id": broadcast.pk,
        "text": broadcast.text,
        "unsubscribe_list_ids": unsubscribe_list_ids(broadcast),
        "media_urls": public_urls(pictures_of(broadcast)),
        "custom_parameter": broadcast.custom_parameter,
        "not_after": broadcast.exp_date,
        "failure_limit": failure_limit_of(broadcast),
        "failure_sample": broadcast.workspace.failure_sample,
        "sibling_ids": sibling_ids(broadcast),
        "frequency_cap": broadcast.workspace.frequency_cap,
        "frequency_days": broadcast.workspace.frequency_days,
        "quiet_hours": quiet_hours_of(broadcast),
    }
    lead = create_dispatch(
        **shared,
        **_of_line(broadcast, lines[0], None if is_reserve else _place(broadcast, lines[0], 1, None)),
        agreed_parts=agreed_parts,
        agreed_cost=agreed_cost,
        is_reserve=is_reserve,
    )
    for place, line in enumerate([] if is_reserve else lines[1:], 2):
        create_dispatch(**shared, **_of_line(broadcast, line, _place(broadcast, line, place, lead)))
    return lead


def _of_line(broadcast: Broadcast, line: Line, place: RoutePlace | None) -> dict[str, Any]:
    return {
        "account": line.account,
        "sender": line.senders.sender,
        "senders": line.senders.senders,
        "sticky_senders": line.senders.is_sticky,
        "place": place,
    }


def _place(broadcast: Broadcast, line: Line, place: int, lead: Dispatch | None) -> RoutePlace | None:
    if broadcast.route is None:
        return None
    return RoutePlace(lead, broadcast.route.strategy, place, line.weight, line.only)


def failure_limit_of(broadcast: Broadcast) -> int:
    """Its own, or the workspace's."""
    return broadcast.failure_limit or broadcast.workspace.failure_limit


def _cost(estimate: Mapping[str, Any]) -> Decimal | None:
    """`estimate`: an Estimate as a dict."""
    cost = estimate.get("cost")
    return None if cost is None else Decimal(cost)


def _draft_moment(broadcast: Broadcast) -> dict[str, Any]:
    """One at a time where each recipient is has no moment of its own until it is launched."""
    return {} if local_times_of(broadcast) is None else {"send_at": None}


def unschedule(*, broadcast: Broadcast, actor: Actor) -> Broadcast:
    back = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.SCHEDULED).update(
        state=BroadcastState.DRAFT,
        launched_at=None,
        launched_by=None,
        updated_at=timezone.now(),
        **_draft_moment(broadcast),
    )
    if not back:
        raise NotNow(_("Only a scheduled broadcast can be taken back."))
    broadcast.refresh_from_db()
    note(broadcast, "unscheduled", _("Taken back into the drafts."), actor=actor)
    record(broadcast.workspace, actor, "unscheduled", broadcast)
    return broadcast


def launch_due_broadcasts() -> int:
    """The sweep's: scheduled broadcasts whose time has come.

    It is a draft again, with the reason, and asks instead of sending: when it is found more than an hour late, when a
    check blocks it now, when it is for more people, more parts or more money than were agreed to.
    """
    due = Broadcast.objects.filter(state=BroadcastState.SCHEDULED, send_at__lte=timezone.now()).order_by(
        "send_at"
    )
    return sum(
        _launch_due(broadcast)
        for broadcast in due.select_related(
            "workspace", "account", "route", "sender", "sender_list", "campaign"
        )
    )


LATE_SECONDS = 3600


def _launch_due(broadcast: Broadcast) -> int:
    assert broadcast.send_at is not None
    late = (timezone.now() - broadcast.send_at).total_seconds() > LATE_SECONDS
    last_id = last_recipient_id(broadcast)
    estimate = estimate_of(broadcast)
    checks = launch_checks(broadcast, estimate)
    blocked = [check for check in blocking(checks) if check.code != "in_the_past"]
    if late:
        return _take_back(
            broadcast, _("Its time passed more than an hour ago while Crier was not running. Send it again.")
        )
    if any(check.code == "being_undone" for check in blocked):
        # The sweep asks again, for an hour.
        return 0
    if blocked:
        return _take_back(broadcast, " ".join(str(check.sentence) for check in blocked))
    if problem := _other_hours(broadcast, estimate):
        return _take_back(broadcast, problem)
    if not is_within(estimate, broadcast.estimate):
        return _take_back(broadcast, _more_than_agreed(broadcast, estimate, checks))
    try:
        return _launch_at_its_time(broadcast, estimate, last_id)
    except LaunchRefused:
        # Undoing an import into its lists began, or another took the budget meanwhile: the sweep asks again.
        return 0


def _other_hours(broadcast: Broadcast, now: Estimate) -> str:
    """The workspace's quiet hours are others than those that were agreed to: some would get it at another time. "" where
    they are the same."""
    agreed, found = hours_words(broadcast.estimate.get("quiet_hours")), hours_words(now.quiet_hours)
    if agreed == found:
        return ""
    sentence = _("Quiet hours when it was agreed to: %(agreed)s. Now: %(now)s. Review it and send it again.")
    return sentence % {"agreed": agreed, "now": found}


def _launch_at_its_time(broadcast: Broadcast, estimate: Estimate, last_id: int) -> int:
    agreed = dict(broadcast.estimate)
    with transaction.atomic():
        require_budget(broadcast, estimate)
        moved = _still_scheduled(broadcast).update(
            state=BroadcastState.RUNNING,
            launched_at=timezone.now(),
            estimate=agreed | {"at_its_time": estimate.as_dict()},
        )
        if not moved:
            return 0
        broadcast.refresh_from_db()
        _hold_off_undoing(broadcast)
        if differs(agreed, estimate):
            note(broadcast, "audience", difference_words(agreed, estimate))
        note(broadcast, "launched", _("Launched at its time."))
        _begin(broadcast, last_id)
    return 1


def _more_than_agreed(broadcast: Broadcast, now: Estimate, checks: list[Check]) -> str:
    sentences = [_("It is more than was agreed to."), difference_words(broadcast.estimate, now)]
    if now.unpriced > broadcast.estimate.get("unpriced", 0):
        sentences += [str(check.sentence) for check in checks if check.code == "unpriced"]
    left_out = ("no_sender_for_country", "out_of_reach")
    sentences += [str(check.sentence) for check in checks if check.code in left_out]
    return " ".join([*sentences, _("Review it and send it again.")])


def _still_scheduled(broadcast: Broadcast) -> QuerySet[Broadcast]:
    """As it was read: taken back and scheduled again while it was counted, it has another token and perhaps time."""
    return Broadcast.objects.filter(
        pk=broadcast.pk, state=BroadcastState.SCHEDULED, launch_token=broadcast.launch_token
    )


def _take_back(broadcast: Broadcast, reason: str) -> int:
    """A draft again. The estimate stays what was agreed to; `state_reason` says in words what has changed."""
    moved = _still_scheduled(broadcast).update(
        state=BroadcastState.DRAFT,
        state_reason=reason[:500],
        launched_at=None,
        launched_by=None,
        updated_at=timezone.now(),
        **_draft_moment(broadcast),
    )
    if moved:
        note(broadcast, "not_sent", _("Not sent: %(reason)s") % {"reason": reason})
    return moved


def send_test(
    *, broadcast: Broadcast, actor: Actor, msisdn: str, recipient_id: int | None = None
) -> SingleText:
    """One text of the draft to a number of one's own, with the values of one recipient of the workspace.

    Raises CampaignError with the field.
    """
    has_account = broadcast.account is not None or broadcast.route is not None
    if not has_account or (broadcast.sender is None and broadcast.sender_list is None):
        raise CampaignError(_("Choose a sender and an account first."), field="sender")
    content = compile_content(broadcast.workspace_id, broadcast.text)
    if content.errors:
        raise CampaignError(words_of_errors(content), field="text")
    row = None
    if recipient_id is not None:
        row = Recipient.objects.filter(list__workspace_id=broadcast.workspace_id, pk=recipient_id).first()
        if row is None:
            sentence = _("There is no recipient %(id)s in this workspace. Choose another one.")
            raise CampaignError(sentence % {"id": recipient_id}, field="recipient_id")
    account = broadcast.account or _account_of_route(broadcast, msisdn)
    return _send_one(
        workspace=broadcast.workspace,
        actor=actor,
        account=account,
        sender=broadcast.sender or _sender_of_list(broadcast, row, msisdn, account),
        msisdn=msisdn,
        text=broadcast.text,
        recipient=row,
        pictures=pictures_of(broadcast),
    )


def _account_of_route(broadcast: Broadcast, msisdn: str) -> ProviderAccount:
    """Which the number would go through, were it the first; the checks say why one is left out."""
    with _as_campaign_errors():
        digits = checked_number(broadcast.workspace, msisdn)
    (line,) = lines_for(broadcast, [digits])
    if line is None:
        problems = [one.problem for one in lines_of(broadcast) if one.problem]
        sentence = _("No account of %(route)s takes +%(number)s. %(problem)s")
        values = {"route": broadcast.route, "number": digits, "problem": problems[0] if problems else ""}
        raise CampaignError((sentence % values).strip(), field="account")
    return line.account


def _sender_of_list(
    broadcast: Broadcast, recipient: Recipient | None, msisdn: str, account: ProviderAccount
) -> Sender:
    """The one that the broadcast to this person would have; without one, to the number itself."""
    if broadcast.sender_list is not None and not broadcast.sender_list.enabled:
        sentence = _("The sender list %(list)s is disabled. Enable it or choose another.")
        raise CampaignError(sentence % {"list": broadcast.sender_list}, field="sender")
    with _as_campaign_errors():
        digits = recipient.msisdn if recipient else checked_number(broadcast.workspace, msisdn)
    value = sender_for(broadcast, digits, account)
    if not value:
        sentence = _(
            "None of the senders of %(list)s can send to +%(number)s. Choose another sender or list."
        )
        values = {"list": broadcast.sender_list, "number": digits}
        raise CampaignError(sentence % values, field="sender")
    return broadcast.workspace.senders.get(value=value)


def send_single(
    *,
    workspace: Workspace,
    actor: Actor,
    account: ProviderAccount,
    sender: Sender,
    msisdn: str,
    text: str,
    agreed_parts: int | None = None,
    pictures: Sequence[Media] = (),
    custom_parameter: str = "",
) -> SingleText:
    """One text through the ledger, outside any broadcast.

    `agreed_parts`: the most that it may have; more than FEW_PARTS have to be agreed to, since nobody has seen a review
    of it. `custom_parameter`: told with its delivery reports. Raises PartsNotAgreed, and CampaignError with the field.
    """
    return _send_one(
        workspace=workspace,
        actor=actor,
        account=account,
        sender=sender,
        msisdn=msisdn,
        text=text,
        most_parts=FEW_PARTS if agreed_parts is None else agreed_parts,
        pictures=pictures,
        custom_parameter=custom_parameter,
    )


def _send_one(
    *,
    workspace: Workspace,
    actor: Actor,
    account: ProviderAccount,
    sender: Sender,
    msisdn: str,
    text: str,
    recipient: Recipient | None = None,
    most_parts: int | None = None,
    pictures: Sequence[Media] = (),
    custom_parameter: str = "",
) -> SingleText:
    with _as_campaign_errors():
        digits = checked_number(workspace, msisdn)
        content = checked_content(workspace, text, may_be_empty=bool(pictures))
        with transaction.atomic():
            sent = send_one(
                workspace=workspace,
                account=account,
                sender=sender,
                msisdn=digits,
                content=content,
                values=values_of(recipient) if recipient else {},
                recipient_id=recipient.pk if recipient else None,
                most_parts=most_parts,
                pictures=pictures,
                custom_parameter=custom_parameter,
            )
            record(workspace, actor, "sent", sent.message)
    return sent


@contextmanager
def _as_campaign_errors() -> Iterator[None]:
    try:
        yield
    except TooManyParts as error:
        raise PartsNotAgreed(error.parts, error.cost, error.currency) from None
    except MessagingError as error:
        raise CampaignError(error.sentence, field=error.field, code=error.code) from None
