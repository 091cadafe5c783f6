"""Which sender of a dispatch's list each claimed message carries."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from messaging.chosen_senders import chooser_of
from messaging.content import seed_of
from messaging.ledger import Change, Claimed, apply_changes
from messaging.models import Dispatch
from sms.states import MessageState


def choose_senders(dispatch: Dispatch, claimed: Sequence[Claimed]) -> dict[int, str]:
    """By message id; those to whom none of them may send are settled here."""
    chooser = chooser_of(dispatch)
    chosen = {row.message_id: chooser.choose(row.msisdn, _seed(dispatch, row)) for row in claimed}
    now = timezone.now()
    apply_changes(
        [
            Change(message_id, MessageState.FAILED, now, "engine", "no_sender_for_country")
            for message_id, sender in chosen.items()
            if not sender
        ]
    )
    return {message_id: sender for message_id, sender in chosen.items() if sender}


def _seed(dispatch: Dispatch, row: Claimed) -> int:
    return seed_of(dispatch.broadcast_id, row.msisdn, row.message_id)
