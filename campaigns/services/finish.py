"""When a broadcast will be through: before it is sent, and while it is."""

from __future__ import annotations

from campaigns.models import Broadcast, BroadcastState
from campaigns.services.estimate import Estimate
from messaging.finish import Finish, finish_of, parts_to_go
from messaging.models import Dispatch, DispatchState

GOES_OUT = (DispatchState.PLANNING, DispatchState.RUNNING)


def finish_of_estimate(broadcast: Broadcast, estimate: Estimate) -> Finish | None:
    """Of what begins with the launch; None where parts or account are not known."""
    if broadcast.account is None or not estimate.is_counted:
        return None
    parts, texts = estimate.parts, estimate.reached
    if estimate.first is not None:
        parts, texts = estimate.first.parts, estimate.first.reached
    return finish_of(broadcast.account, parts, at=broadcast.send_at, texts=texts) if parts else None


def finish_of_running(broadcast: Broadcast) -> Finish | None:
    """Of what goes out just now; None where nothing does. Who is in reserve waits for a decision, not for the pace."""
    if broadcast.state != BroadcastState.RUNNING or broadcast.account is None:
        return None
    rows = Dispatch.objects.filter(segment__broadcast=broadcast, state__in=GOES_OUT)
    ids = list(rows.values_list("pk", flat=True))
    parts = parts_to_go(ids) if ids else 0
    return finish_of(broadcast.account, parts, but_dispatch_ids=ids) if parts else None
