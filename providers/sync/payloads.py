"""What is compared, pushed and pulled: one frozen dataclass a kind of entity, the same for every vendor.

References stand in them as what both sides know them by (a sender's value, a link's address), never as ids of one side; but
for tokens in texts, whose ids are ours.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any

from web.texts import shown_text

SHOWN_CHARACTERS = 500


class Untold(Enum):
    """What a vendor takes and does not tell back: it is not compared, and a pull leaves ours alone."""

    UNTOLD = "untold"


UNTOLD = Untold.UNTOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """`enabled` False: it is hidden on that side, and kept."""

    name: str
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPayload(Payload):
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderPayload(Payload):
    """`name` is what people see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderListPayload(Payload):
    senders: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPayload(Payload):
    url: str
    bot_redirect: str | Untold = ""
    preview_url: str | Untold = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkListPayload(Payload):
    """`urls` in any order: they are spread evenly."""

    urls: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinnerPayload(Payload):
    """Without weights, which no vendor has."""

    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePayload(Payload):
    """`body` with our tokens: `{{link:7}}` is our link 7."""

    body: str


@dataclass(frozen=True, slots=True)
class PersonRow:
    mark: int
    msisdn: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePayload(Payload):
    """A list of numbers. The numbers themselves are read when they are needed, and are not compared one by one: `count`
    is, and on our side the `version`, which changes with the list."""

    count: int
    version: str = field(default="", compare=False)
    numbers: Callable[[], Iterator[str]] | None = field(default=None, compare=False, repr=False)
    # On our side: who was added behind a mark, in that order, and how many at most; 0 begins.
    people: Callable[[int, int], list[PersonRow]] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """As shown: both sides as text, cut where they are long."""

    field: str
    local: str
    remote: str


def differences(local: Payload, remote: Payload) -> tuple[Difference, ...]:
    """Of two payloads of one kind, in the order of their fields."""
    if type(local) is not type(remote):
        raise TypeError(f"{type(local).__name__} cannot be compared with {type(remote).__name__}")
    return tuple(
        Difference(one.name, shown(getattr(local, one.name)), shown(getattr(remote, one.name)))
        for one in dataclasses.fields(local)
        if one.compare and _is_other(getattr(local, one.name), getattr(remote, one.name))
    )


def _is_other(local: Any, remote: Any) -> bool:
    return UNTOLD not in (local, remote) and local != remote


def fingerprint(payload: Payload) -> str:
    """Changes when anything that is compared does, and with the version of a list of people."""
    facts = {
        one.name: shown_whole(getattr(payload, one.name))
        for one in dataclasses.fields(payload)
        if one.compare
    }
    facts["version"] = getattr(payload, "version", "")
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def shown(value: Any) -> str:
    text = shown_text(shown_whole(value))
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def shown_whole(value: Any) -> str:
    match value:
        case frozenset():
            return ", ".join(sorted(value))
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
    return str(value)
