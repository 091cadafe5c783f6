"""Single broadcasts to a number that is erased: what was typed for that person alone. See docs/privacy.md."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.models import AuditEntry
from campaigns.models import Broadcast, BroadcastKind, BroadcastState, new_launch_token
from campaigns.services.control import ACTIVE, stop_broadcast
from campaigns.services.events import note
from campaigns.services.launch import unschedule
from contacts.services.forgetting import Trail
from messaging.dispatches import lock_dispatches
from messaging.models import Dispatch, Message
from sms.states import MessageState


def forget_singles(*, workspace_id: int, trail: Trail, actor: Actor) -> int:
    """How many were emptied: none the second time. What has not gone out yet does not go out.

    Rows, states, counts and costs stay. One whose text is being handed over stays for a repetition, as its message does.
    """
    singles = Broadcast.objects.filter(
        workspace_id=workspace_id, kind=BroadcastKind.SINGLE, msisdn=trail.msisdn
    )
    return sum(_forget(pk, trail, actor) for pk in list(singles.values_list("pk", flat=True)))


@transaction.atomic
def _forget(pk: int, trail: Trail, actor: Actor) -> bool:
    # As the engine takes them: see control.hold_dispatches.
    lock_dispatches(Dispatch.objects.filter(broadcast_id=pk).values_list("pk", flat=True))
    locked = Broadcast.objects.select_for_update(no_key=True).filter(pk=pk, msisdn=trail.msisdn).first()
    if locked is None:
        return False
    broadcast = _held_back(locked, actor)
    if Message.objects.filter(broadcast_id=pk, state=MessageState.SUBMITTING).exists():
        return False
    name = trail.taken_out_of(broadcast.name)[: Broadcast._meta.get_field("name").max_length]
    changes: dict[str, Any] = {"text": "", "custom_parameter": "", "msisdn": "", "name": name}
    if broadcast.state == BroadcastState.DRAFT:
        # A launch that was just asked for, and an editor that is open, meet another draft.
        changes |= {"estimate": {}, "launch_token": new_launch_token(), "version": F("version") + 1}
    Broadcast.objects.filter(pk=pk).update(updated_at=timezone.now(), **changes)
    Dispatch.objects.filter(broadcast_id=pk).update(text="")
    _forget_in_audit(broadcast, trail)
    note(broadcast, "erased", _("Its number was erased, and the text with it."), actor=actor)
    return True


def _forget_in_audit(broadcast: Broadcast, trail: Trail) -> None:
    """Under every name that it has had."""
    entries = AuditEntry.objects.filter(
        workspace_id=broadcast.workspace_id, subject="broadcast", subject_id=broadcast.pk
    )
    for label in set(entries.values_list("label", flat=True)):
        entries.filter(label=label).update(label=trail.taken_out_of(label)[:200])


def _held_back(broadcast: Broadcast, actor: Actor) -> Broadcast:
    if broadcast.state == BroadcastState.SCHEDULED:
        return unschedule(broadcast=broadcast, actor=actor)
    if broadcast.state in ACTIVE:
        return stop_broadcast(broadcast=broadcast, actor=actor)
    return broadcast
