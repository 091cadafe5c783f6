"""What a vendor can do: declared once per connector, read by the planner, the pages and Connector.check()."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class BatchKind(StrEnum):
    """How many recipients one request may have."""

    NONE = "none"
    SAME_TEXT = "same_text"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class CapabilityLine:
    """One row of the account page: `name` is the field's, `words` say what it means here."""

    name: str
    label: str
    has: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What is missing here is done by Crier itself where it can be (batches, schedules, links).

    `sends_to`: calling codes, digits only; empty means everywhere. `max_text_length` counts characters.
    `notes`: a sentence by field name for what is particular at this vendor; it replaces the general one.
    """

    body: bool  # we write the text; otherwise the vendor's own campaign does
    batch: BatchKind
    personal_text: bool
    media: bool
    schedule: bool
    receipts: bool
    inbound: bool
    remote_entities: bool  # lists, templates, broadcasts kept at the vendor
    idempotency: bool  # the vendor itself recognises a request that comes twice
    alphanumeric_senders: bool
    webhook_setup: bool  # we can tell the vendor our webhook address
    max_text_length: int
    sends_to: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)

    def reaches(self, msisdn: str) -> bool:
        return not self.sends_to or msisdn.startswith(self.sends_to)

    def lines(self) -> tuple[CapabilityLine, ...]:
        """Every capability with its words, in the order of the account page."""
        return tuple(
            CapabilityLine(
                name, label, self._has(name), self.notes.get(name) or (yes if self._has(name) else no)
            )
            for name, label, yes, no in (*_TEXTS, *self._limits())
        )

    def _has(self, name: str) -> bool:
        match name:
            case "batch":
                return self.batch is not BatchKind.NONE
            case "sends_to":
                return not self.sends_to
        return bool(getattr(self, name))

    def _limits(self) -> tuple[tuple[str, str, str, str], ...]:
        length = f"Up to {self.max_text_length:,} characters."
        codes = ", ".join(f"+{code}" for code in self.sends_to)
        return (
            ("max_text_length", "Length of a text", length, length),
            (
                "sends_to",
                "All countries",
                "No country is ruled out.",
                f"Only numbers that begin with {codes}.",
            ),
        )


# name, label, words when it has it, words when it has not
_TEXTS = (
    (
        "body",
        "Own text",
        "The text is written here.",
        "The text is kept at the provider; only values are sent.",
    ),
    (
        "personal_text",
        "Personal text",
        "Each recipient may get a text of their own.",
        "All get the same text.",
    ),
    ("media", "Pictures (MMS)", "Pictures can be sent.", "Texts only."),
    (
        "batch",
        "Several recipients a request",
        "Recipients are handed over in batches.",
        "One request per recipient; Crier sends many at once.",
    ),
    (
        "schedule",
        "Schedule at the provider",
        "It can keep a text until its time.",
        "Crier keeps the time itself.",
    ),
    (
        "receipts",
        "Delivery reports",
        "It reports what became of each text.",
        "It never reports whether a text arrived: messages stay at “sent”.",
    ),
    (
        "inbound",
        "Replies",
        "Replies and STOP come in.",
        "Replies do not come in: offer the unsubscribe link.",
    ),
    (
        "alphanumeric_senders",
        "Names as sender",
        "A name of up to 11 characters may be the sender.",
        "The sender has to be a number.",
    ),
    (
        "idempotency",
        "Recognises a repeated request",
        "The same request sent twice is one text.",
        "A request that is sent twice is two texts; so Crier never repeats one whose answer was lost.",
    ),
    (
        "remote_entities",
        "Lists and broadcasts at the provider",
        "They can be kept in step.",
        "Lists, templates and broadcasts live here only.",
    ),
    (
        "webhook_setup",
        "Sets the webhook by itself",
        "One press tells it where to send reports and replies.",
        "Nothing to set: the address goes out with each text, or is set at the provider.",
    ),
)
