"""What endpoints can be told. Each type has a name, which stands in the body, and words for people.

A new type needs a line here, and one call of `make_events` in the transaction in which the thing happens.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LINK_CLICKED = "link.clicked"
REPORTED = "message.reported"
PAUSED = "broadcast.paused"
# What an endpoint in the style of MessageWhiz is told; no type that can be chosen.
MESSAGEWHIZ_REPORTS = "messagewhiz.dlrs"
# Sent to one endpoint when a person asks for it, whatever it wants; tried once.
TEST = "webhook.test"
EVENT_TYPES: Mapping[str, Promise] = MappingProxyType(
    {
        REPORTED: _("Delivery reports: what became of messages, up to 100 in an event"),
        PAUSED: _("Broadcasts that Crier paused by itself and that wait for a person, with the reason"),
        LINK_CLICKED: _("Clicks of {{callback_link}}: one event for each time that a person follows it"),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """`id`: made from what happened, so that the same thing is never told twice. `message_id`: that it is about, if it is
    about one."""

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]
    message_id: int | None = None

    @property
    def body(self) -> str:
        """As it is signed and posted."""
        facts = {"type": self.type, "timestamp": iso_time(self.at), "data": dict(self.data)}
        return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def new_event_id() -> str:
    return f"msg_{secrets.token_hex(16)}"


def iso_time(at: datetime) -> str:
    """UTC to the millisecond: 2026-11-21T09:30:00.000Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
