"""Sending at one time of the day where each recipient is: a moment for each zone, the first of which begins it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from campaigns.models import Broadcast, BroadcastState
from messaging.quiet import LocalTimes, Zones
from sms.local_time import LocalTime


@dataclass(frozen=True, slots=True)
class LocalForecast:
    """When it begins and when the last have their turn: None where it has passed everywhere. `passed`: who gets it at once,
    since the time has passed where they are."""

    first: datetime | None
    last: datetime | None
    passed: int


def local_times_of(broadcast: Broadcast) -> LocalTimes | None:
    """None of one that goes to all at one moment."""
    if broadcast.local_date is None or broadcast.local_time is None:
        return None
    local = LocalTime(broadcast.local_date, broadcast.local_time)
    return LocalTimes(local, broadcast.workspace.time_zone)


def reference_of(broadcast: Broadcast) -> datetime:
    """What has passed is before then: when it begins, or now for a draft."""
    if broadcast.state == BroadcastState.DRAFT:
        return timezone.now()
    return broadcast.send_at or broadcast.launched_at or timezone.now()


def local_forecast(broadcast: Broadcast, zones: Mapping[Zones, int]) -> LocalForecast | None:
    """`zones`: how many of those who get it are in each."""
    times = local_times_of(broadcast)
    if times is None:
        return None
    begins = reference_of(broadcast)
    moments = [(times.moment_in(one), count) for one, count in zones.items()]
    coming = [moment for moment, _count in moments if moment >= begins]
    return LocalForecast(
        min(coming, default=None),
        max(coming, default=None),
        sum(count for moment, count in moments if moment < begins),
    )


def in_workspace(broadcast: Broadcast) -> datetime | None:
    """When it begins, as far as that is known without looking at anybody: of a draft at a time where each is, that time in
    the workspace's zone. None: now."""
    times = local_times_of(broadcast)
    if times is not None and broadcast.state == BroadcastState.DRAFT:
        return times.moment_in(())
    return broadcast.send_at
