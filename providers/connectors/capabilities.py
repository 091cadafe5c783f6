"""What a vendor can do: declared once per connector, read by the planner, the pages and Connector.check()."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from sms.parts import part_count

JPEG, PNG, GIF = "image/jpeg", "image/png", "image/gif"
KIND_NAMES = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF"}
# How the address of a picture ends.
KIND_ENDINGS = {"jpg": JPEG, "jpeg": JPEG, "png": PNG, "gif": GIF}


class BatchKind(StrEnum):
    """How many recipients one request may have."""

    NONE = "none"
    SAME_TEXT = "same_text"
    PERSONAL = "personal"


class ReceiptKind(StrEnum):
    """How Crier learns what became of a text: the vendor calls us, we ask, or nobody ever says."""

    PUSHED = "pushed"
    POLLED = "polled"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class CapabilityLine:
    """One row of the account page: `name` is the field's, `words` say what it means here."""

    name: str
    label: str
    has: bool
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What a vendor's limits are asked of. `kind`: a content type, "" where it is not known; no bytes: the same."""

    kind: str
    size_bytes: int = 0

    @classmethod
    def at(cls, url: str) -> Picture:
        """As far as its address tells."""
        return cls(KIND_ENDINGS.get(urlsplit(url).path.rpartition(".")[2].lower(), ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Of one message with pictures (MMS). The defaults are what carriers commonly take; vendors mostly name none.

    `most_bytes`: of all its pictures together. `one_unit`: it is billed as one, however long its text.
    """

    kinds: tuple[str, ...] = (JPEG, PNG)
    most_bytes: int = 500_000
    most_pictures: int = 5
    needs_text: bool = False
    one_unit: bool = True

    @property
    def kind_words(self) -> str:
        return " or ".join(KIND_NAMES[kind] for kind in self.kinds)

    @property
    def words(self) -> str:
        most = f"Up to {self.most_pictures} in a message, {_kilobytes(self.most_bytes)} together."
        return f"{most} Billed as one unit, however long the text." if self.one_unit else most


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
    receipts: ReceiptKind  # of an account whose settings say nothing else
    inbound: bool
    remote_entities: bool  # lists, templates, broadcasts kept at the vendor
    idempotency: bool  # the vendor itself recognises a request that comes twice
    alphanumeric_senders: bool
    webhook_setup: bool  # we can tell the vendor our webhook address
    max_text_length: int
    batch_most: int = 1  # recipients of one request
    passes_sender: bool = True  # the sender chosen here is the one that people see
    sender_list: bool = False  # the vendor tells which senders the account has
    sends_to: tuple[str, ...] = ()
    media_limits: MediaLimits = MediaLimits()  # where it has `media`
    notes: Mapping[str, str] = field(default_factory=dict)

    def reaches(self, msisdn: str) -> bool:
        return not self.sends_to or msisdn.startswith(self.sends_to)

    def picture_problem(self, label: str, pictures: Sequence[Picture], text: str) -> str:
        """Why these pictures cannot go out with the text, and the remedy; "" where they can. `label`: the vendor's."""
        limits = self.media_limits
        if not pictures:
            return ""
        if not self.media:
            return f"{label} sends no pictures: remove them, or choose another account."
        if wrong := [
            picture.kind for picture in pictures if picture.kind and picture.kind not in limits.kinds
        ]:
            named = KIND_NAMES.get(wrong[0], wrong[0])
            return f"{label} takes {limits.kind_words} pictures, not {named}: choose another picture."
        if len(pictures) > limits.most_pictures:
            return f"The message has {len(pictures)} pictures, {label} takes {limits.most_pictures}: remove some."
        if (size := sum(picture.size_bytes for picture in pictures)) > limits.most_bytes:
            return (
                f"The pictures have {_kilobytes(size)} together, {label} takes {_kilobytes(limits.most_bytes)} a"
                " message: choose fewer or smaller ones."
            )
        if limits.needs_text and not text.strip():
            return f"{label} sends pictures with a text only: write one."
        return ""

    def parts_of(self, text: str, pictures: int = 0) -> int:
        """How many are billed; one where the vendor writes the text, which nobody here knows."""
        if not self.body:
            return 1
        if not pictures:
            return part_count(text)
        return 1 if self.media_limits.one_unit else max(part_count(text), 1)

    def lines(self) -> tuple[CapabilityLine, ...]:
        """Every capability with its words, in the order of the account page."""
        return tuple(
            CapabilityLine(name, label, self._has(name), self._words(name, yes, no))
            for name, label, yes, no in (*_TEXTS, *self._limits())
        )

    def _words(self, name: str, yes: str, no: str) -> str:
        words = self.notes.get(name) or (yes if self._has(name) else no)
        return f"{words} {self.media_limits.words}" if name == "media" and self.media else words

    def _has(self, name: str) -> bool:
        match name:
            case "batch":
                return self.batch is not BatchKind.NONE
            case "sends_to":
                return not self.sends_to
            case "receipts":
                return self.receipts is not ReceiptKind.NONE
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


def _kilobytes(size: int) -> str:
    """Upwards: what is over a limit never reads as if it were within."""
    return f"{-(-size // 1000):,} KB"


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
        "sender_list",
        "Lists its senders",
        "They can be found and added under Senders.",
        "It has no call that lists them: add them by hand.",
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
