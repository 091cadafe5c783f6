"""From a draft to a run: what was seen is what happens, once, however often the button is pressed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

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
)
from campaigns.models import Broadcast, BroadcastState, Segment, new_launch_token
from campaigns.services.audience import unsubscribe_list_ids
from campaigns.services.checks import blocking, launch_checks
from campaigns.services.estimate import Estimate, estimate_of
from campaigns.services.events import note
from contacts.models import OptOut, Recipient
from messaging.content import compile_content
from messaging.dispatches import create_dispatch, start_dispatch
from messaging.ledger import count_planned
from messaging.models import Message, Sender
from messaging.senders import sender_problem
from messaging.tasks import wake_engine
from providers.models import ProviderAccount
from sms.msisdn import MsisdnError, parse_msisdn


def launch(
    *, broadcast: Broadcast, actor: Actor, launch_token: str, digest: str, typed_count: int | None = None
) -> Broadcast:
    """Launches a draft now, or schedules it when it has a time.

    `digest` is that of the estimate which was shown; `launch_token` the draft's: it is spent by the launch.
    Raises LaunchRefused, EstimateChanged, AlreadyLaunched, CountNotTyped, NotNow.
    """
    if broadcast.state != BroadcastState.DRAFT or broadcast.launch_token != launch_token:
        raise AlreadyLaunched
    now = estimate_of(broadcast)
    refused = blocking(launch_checks(broadcast, now))
    if refused:
        raise LaunchRefused(refused)
    if now.digest != digest:
        raise EstimateChanged(dict(broadcast.estimate), now)
    limit = broadcast.workspace.typed_count_above
    if now.people > limit and typed_count != now.people:
        raise CountNotTyped(now.people)
    scheduled = broadcast.send_at is not None and broadcast.send_at > timezone.now()
    with transaction.atomic():
        _spend_token(
            broadcast,
            launch_token,
            actor,
            now,
            BroadcastState.SCHEDULED if scheduled else BroadcastState.RUNNING,
        )
        broadcast.refresh_from_db()
        record(
            broadcast.workspace, actor, "scheduled" if scheduled else "launched", broadcast, people=now.people
        )
        if scheduled:
            note(broadcast, "scheduled", _("Scheduled."), actor=actor)
        else:
            note(broadcast, "launched", _("Launched."), actor=actor)
            _begin(broadcast)
    return broadcast


def _spend_token(
    broadcast: Broadcast, token: str, actor: Actor, agreed: Estimate, state: BroadcastState
) -> None:
    """The conditional UPDATE is what makes a double click one launch."""
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
    )
    if not spent:
        raise AlreadyLaunched


def remember_estimate(*, broadcast: Broadcast, estimate: Estimate) -> None:
    """What the review page shows, so that a later difference can be told."""
    Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT).update(estimate=estimate.as_dict())


def _begin(broadcast: Broadcast) -> Segment:
    """Inside the launching transaction: the first segment and its dispatch; planning starts when it is committed."""
    from campaigns.tasks import plan_segment_soon  # tasks import the services

    if broadcast.account is None or broadcast.sender is None:
        raise NotNow(_("The broadcast has no account or no sender any more."))
    dispatch = create_dispatch(
        workspace=broadcast.workspace,
        broadcast_id=broadcast.pk,
        text=broadcast.text,
        sender=broadcast.sender.value,
        account=broadcast.account,
        unsubscribe_list_ids=unsubscribe_list_ids(broadcast),
    )
    segment = Segment.objects.create(broadcast=broadcast, number=1, dispatch=dispatch)
    transaction.on_commit(lambda: plan_segment_soon(segment.pk))
    return segment


def unschedule(*, broadcast: Broadcast, actor: Actor) -> Broadcast:
    back = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.SCHEDULED).update(
        state=BroadcastState.DRAFT, launched_at=None, launched_by=None, updated_at=timezone.now()
    )
    if not back:
        raise NotNow(_("Only a scheduled broadcast can be taken back."))
    broadcast.refresh_from_db()
    note(broadcast, "unscheduled", _("Taken back into the drafts."), actor=actor)
    record(broadcast.workspace, actor, "unscheduled", broadcast)
    return broadcast


def launch_due_broadcasts() -> int:
    """The sweep's: scheduled broadcasts whose time has come.

    One found more than an hour late asks instead of sending; one that a check blocks now is paused with the reason.
    """
    due = Broadcast.objects.filter(state=BroadcastState.SCHEDULED, send_at__lte=timezone.now()).order_by(
        "send_at"
    )
    return sum(
        _launch_due(broadcast)
        for broadcast in due.select_related("workspace", "account", "sender", "campaign")
    )


LATE_SECONDS = 3600


def _launch_due(broadcast: Broadcast) -> int:
    assert broadcast.send_at is not None
    late = (timezone.now() - broadcast.send_at).total_seconds() > LATE_SECONDS
    estimate = estimate_of(broadcast)
    checks = [check for check in blocking(launch_checks(broadcast, estimate)) if check.code != "in_the_past"]
    if late:
        return _take_back(
            broadcast, _("Its time passed more than an hour ago while Crier was not running. Send it again.")
        )
    if checks:
        return _take_back(broadcast, " ".join(str(check.sentence) for check in checks))
    with transaction.atomic():
        moved = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.SCHEDULED).update(
            state=BroadcastState.RUNNING, launched_at=timezone.now()
        )
        if not moved:
            return 0
        broadcast.refresh_from_db()
        agreed = broadcast.estimate.get("people")
        _note_difference(broadcast, agreed, estimate)
        Broadcast.objects.filter(pk=broadcast.pk).update(estimate=estimate.as_dict())
        broadcast.refresh_from_db()
        note(broadcast, "launched", _("Launched at its time."))
        _begin(broadcast)
    return 1


def _note_difference(broadcast: Broadcast, agreed: int | None, now: Estimate) -> None:
    """The audience of a scheduled broadcast is that of its time; what changed since is written down."""
    if agreed is not None and agreed != now.people:
        sentence = _("%(now)s people at its time; %(agreed)s when it was scheduled.")
        note(broadcast, "audience", sentence % {"now": f"{now.people:,}", "agreed": f"{agreed:,}"})


def _take_back(broadcast: Broadcast, reason: str) -> int:
    moved = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.SCHEDULED).update(
        state=BroadcastState.DRAFT, state_reason=reason[:500], updated_at=timezone.now()
    )
    if moved:
        note(broadcast, "not_sent", _("Not sent: %(reason)s") % {"reason": reason})
    return moved


def send_test(*, broadcast: Broadcast, actor: Actor, msisdn: str, recipient_id: int | None = None) -> Message:
    """One text of the draft to a number of one's own, with the values of one recipient."""
    if broadcast.account is None or broadcast.sender is None:
        raise CampaignError(_("Choose a sender and an account first."), field="sender")
    content = compile_content(broadcast.workspace_id, broadcast.text)
    if content.errors:
        raise CampaignError(content.errors[0].sentence, field="text")
    row = None
    if recipient_id:
        row = Recipient.objects.filter(list__workspace_id=broadcast.workspace_id, pk=recipient_id).first()
    return send_single(
        workspace=broadcast.workspace,
        actor=actor,
        account=broadcast.account,
        sender=broadcast.sender,
        msisdn=msisdn,
        text=broadcast.text,
        recipient_id=row.pk if row else None,
    )


def send_single(
    *,
    workspace: Workspace,
    actor: Actor,
    account: ProviderAccount,
    sender: Sender,
    msisdn: str,
    text: str,
    recipient_id: int | None = None,
) -> Message:
    """One text through the ledger, outside any broadcast. Raises CampaignError with the field."""
    digits = _checked_number(workspace, msisdn)
    _check_single(workspace, account, sender, text)
    with transaction.atomic():
        dispatch = create_dispatch(
            workspace=workspace,
            broadcast_id=None,
            text=text,
            sender=sender.value,
            account=account,
            unsubscribe_list_ids=[],
        )
        message = Message.objects.create(
            workspace=workspace,
            dispatch=dispatch,
            recipient_id=recipient_id,
            account=account,
            msisdn=digits,
            sender=sender.value,
        )
        count_planned(dispatch.pk, 1)
        start_dispatch(dispatch_id=dispatch.pk)
        record(workspace, actor, "sent", message)
        transaction.on_commit(wake_engine)
    return message


def _checked_number(workspace: Workspace, msisdn: str) -> str:
    try:
        digits = parse_msisdn(msisdn, workspace.default_country).digits
    except MsisdnError as error:
        raise CampaignError(error.sentence, field="msisdn") from None
    if OptOut.objects.filter(workspace=workspace, msisdn=digits).exists():
        raise CampaignError(
            _("+%(number)s has opted out and is not texted.") % {"number": digits}, field="msisdn"
        )
    return digits


def _check_single(workspace: Workspace, account: ProviderAccount, sender: Sender, text: str) -> None:
    if not text.strip():
        raise CampaignError(_("The text is empty. Write one."), field="text")
    content = compile_content(workspace.pk, text)
    if content.errors:
        raise CampaignError(content.errors[0].sentence, field="text")
    if not account.enabled:
        raise CampaignError(_("The account is disabled. Enable it or choose another."), field="account")
    problem = None if sender.enabled else _("The sender is disabled. Enable it or choose another.")
    problem = problem or sender_problem(sender, account)
    if problem:
        raise CampaignError(problem, field="sender")
