"""Who gets the places of a sender: workspaces in turn, then the webhooks of each, so that nobody's slow receivers hold up
anybody else's events.

A place that waits for a slow receiver cannot be taken back before the request's time is up. So some places are never
given to those that are not known to be quick, and no workspace gets more than a part of them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from enum import Enum

from messaging.models import WebhookEndpoint

# Requests at once: they only wait, each in a thread.
PLACES = 64
# Of these for receivers that are not known to be quick.
PLACES_UNPROVEN = 48
WORKSPACE_AT_ONCE, WORKSPACE_AT_ONCE_UNPROVEN = 16, 8
# For one webhook; a dead one keeps a single place.
AT_ONCE, AT_ONCE_SLOW, AT_ONCE_FAILING = 4, 2, 1
# An answer that takes longer is a slow one.
SLOW_SECONDS = 2.0
# As many receivers are remembered.
MOST_KNOWN = 10_000


class Pace(Enum):
    """What is known of a receiver from its last answers."""

    UNKNOWN = "unknown"
    QUICK = "quick"
    SLOW = "slow"


class Paces:
    """How long receivers took, by the webhook's id: half of it is the last answer. In this process alone."""

    def __init__(self) -> None:
        self._seconds: OrderedDict[int, float] = OrderedDict()

    def note(self, endpoint_id: int, seconds: float) -> None:
        before = self._seconds.pop(endpoint_id, seconds)
        self._seconds[endpoint_id] = (before + seconds) / 2
        if len(self._seconds) > MOST_KNOWN:
            self._seconds.popitem(last=False)

    def note_open(self, endpoint_id: int, seconds: float) -> None:
        """A request that is still open: slow is known before its end."""
        if seconds > SLOW_SECONDS:
            self._seconds[endpoint_id] = max(seconds, self._seconds.get(endpoint_id, 0.0))

    def pace(self, endpoint_id: int) -> Pace:
        seconds = self._seconds.get(endpoint_id)
        if seconds is None:
            return Pace.UNKNOWN
        return Pace.SLOW if seconds > SLOW_SECONDS else Pace.QUICK


def _unknown(endpoint_id: int) -> Pace:
    return Pace.UNKNOWN


class Shares:
    """Of one moment. `in_hand`: the webhook of each request that is open."""

    def __init__(
        self, in_hand: Iterable[WebhookEndpoint] = (), pace_of: Callable[[int], Pace] = _unknown
    ) -> None:
        self._pace_of = pace_of
        self._all: Counter[str] = Counter()
        self._workspaces: Counter[tuple[int, bool]] = Counter()
        self._endpoints: Counter[int] = Counter()
        for endpoint in in_hand:
            self.take(endpoint)

    def take(self, endpoint: WebhookEndpoint) -> None:
        is_quick = self._is_quick(endpoint)
        self._all["all"] += 1
        self._all["unproven"] += not is_quick
        self._workspaces[endpoint.workspace_id, is_quick] += 1
        self._endpoints[endpoint.pk] += 1

    def has_room(self, endpoint: WebhookEndpoint) -> bool:
        quick, unproven = (self._workspaces[endpoint.workspace_id, is_quick] for is_quick in (True, False))
        if self._all["all"] >= PLACES or quick + unproven >= WORKSPACE_AT_ONCE:
            return False
        is_full = self._all["unproven"] >= PLACES_UNPROVEN or unproven >= WORKSPACE_AT_ONCE_UNPROVEN
        if is_full and not self._is_quick(endpoint):
            return False
        return self._endpoints[endpoint.pk] < self._at_once(endpoint)

    def turn(self, endpoint: WebhookEndpoint) -> tuple[int, int]:
        """Least goes first: the workspace that has the fewest places, in it the webhook that has the fewest."""
        of_workspace = sum(self._workspaces[endpoint.workspace_id, is_quick] for is_quick in (True, False))
        return of_workspace, self._endpoints[endpoint.pk]

    def _is_quick(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.failing_since is None and self._pace_of(endpoint.pk) is Pace.QUICK

    def _at_once(self, endpoint: WebhookEndpoint) -> int:
        if endpoint.failing_since is not None:
            return AT_ONCE_FAILING
        return AT_ONCE_SLOW if self._pace_of(endpoint.pk) is Pace.SLOW else AT_ONCE
