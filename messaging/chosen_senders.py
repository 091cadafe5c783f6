"""Which sender of its dispatch's list a message carries, for those that stand in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from messaging.content import seed_of
from messaging.models import Dispatch, Message
from messaging.sender_choice import SenderChooser


def chooser_of(dispatch: Dispatch) -> SenderChooser:
    return SenderChooser(dispatch.senders, sticky=dispatch.sticky_senders)


def chosen_senders(ids: Sequence[int]) -> dict[int, str]:
    """By message id, of those whose dispatch has a list: what each was, or would be, handed over with."""
    rows = Message.objects.filter(id__in=ids, sender="").values_list(
        "id", "broadcast_id", "msisdn", "dispatch_id"
    )
    found = list(rows)
    dispatches = Dispatch.objects.filter(sender="").in_bulk({row[3] for row in found})
    choosers = {pk: chooser_of(dispatch) for pk, dispatch in dispatches.items()}
    return {
        pk: choosers[dispatch_id].choose(msisdn, seed_of(broadcast_id, msisdn, pk))
        for pk, broadcast_id, msisdn, dispatch_id in found
        if dispatch_id in choosers
    }
