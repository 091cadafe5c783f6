"""A time of the day at which each gets a text where they are: one moment for each time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from sms.quiet_hours import zone_named


class LocalTime:
    """By the clock on the wall. Where it shows that time twice, the first of both; where it is put forward past it, as much
    later as it is put forward. Of one who is in one of several zones nobody knows which: not before it is that time in all.
    """

    def __init__(self, day: date, at: time) -> None:
        self.day = day
        self.at = at
        self._known: dict[tuple[str, ...], datetime] = {}

    def moment(self, zones: tuple[str, ...]) -> datetime:
        """In UTC. `zones`: IANA names, one at least."""
        known = self._known.get(zones)
        if known is None:
            shown = datetime.combine(self.day, self.at)
            moments = [shown.replace(tzinfo=zone_named(zone)).astimezone(UTC) for zone in zones]
            known = self._known[zones] = max(moments)
        return known

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.at:%H:%M}"
