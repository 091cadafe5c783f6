"""One line of a launch check."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

BLOCK, WARN, OK = "block", "warn", "ok"


@dataclass(frozen=True, slots=True)
class Check:
    """`fix`: where to mend it: "audience", "message", "sender", "account", "schedule", "campaign", "segments" or ""."""

    code: str
    level: str
    sentence: str | Promise
    fix: str = ""
