"""Handsets and counters, in memory; the oldest texts are forgotten beyond a bound."""

import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.outcomes import Outcome

DEFAULT_KEEP = 100_000  # texts
OUTBOUND, INBOUND = "outbound", "inbound"

# (vendor, account) pairs whose texts may be seen; None: all, for the door's own tests and the demo.
Owners = frozenset[tuple[str, str]] | None


@dataclass(slots=True, eq=False)
class Entry:
    """One text of a thread: outbound to the handset, or inbound from the person who holds it.

    `number` is the sender shown on the handset, or the number that the person writes to. `message_id` is the
    vendor's. `at` is in seconds since 1970.
    """

    direction: str
    vendor: str
    account: str
    msisdn: str
    number: str
    text: str
    message_id: str
    parts: int = 1
    reference: str = ""
    callback: str = ""
    media: tuple[str, ...] = ()
    outcome: Outcome = Outcome.DELIVERED
    state: str = "enroute"
    at: float = field(default_factory=time.time)
    is_unread: bool = False

    def is_of(self, owners: Owners) -> bool:
        return owners is None or (self.vendor, self.account) in owners

    def shown(self) -> dict[str, Any]:
        incoming = self.direction == INBOUND
        return {
            "direction": self.direction,
            "vendor": self.vendor,
            "account": self.account,
            "sender": self.msisdn if incoming else self.number,
            "recipient": self.number if incoming else self.msisdn,
            "text": self.text,
            "parts": self.parts,
            "media": list(self.media),
            "at": iso(self.at),
            "state": self.state,
            "outcome": self.outcome,
            "reference": self.reference,
            "message_id": self.message_id,
        }


@dataclass(slots=True, eq=False)
class Handset:
    msisdn: str
    thread: deque[Entry] = field(default_factory=deque)

    def entries(self, owners: Owners = None) -> list[Entry]:
        """Oldest first."""
        return [entry for entry in self.thread if entry.is_of(owners)]

    def last(self, owners: Owners = None) -> Entry | None:
        return next((entry for entry in reversed(self.thread) if entry.is_of(owners)), None)

    def shown(self, owners: Owners = None) -> dict[str, Any]:
        """As its owners see it; it holds a text of theirs."""
        entries = self.entries(owners)
        last = entries[-1]
        return {
            "msisdn": self.msisdn,
            "last_text": last.text,
            "last_direction": last.direction,
            "last_at": iso(last.at),
            "vendor": last.vendor,
            "sender": last.number,
            "count": len(entries),
            "unread": sum(entry.is_unread for entry in entries),
        }

    def latest_outbound(self, number: str = "", vendor: str = "", owners: Owners = None) -> Entry | None:
        """The newest text that arrived here, from that number and vendor where they are given."""
        for entry in reversed(self.thread):
            asked = number in ("", entry.number) and vendor in ("", entry.vendor)
            if entry.direction == OUTBOUND and asked and entry.is_of(owners):
                return entry
        return None


@dataclass(slots=True)
class Counters:
    """`most` is the largest number of texts to one recipient with one reference (or text, without one).

    `answers` counts by vendor and status, 0 being a line that was cut. by_outcome counts what was accepted,
    refused what was not.
    """

    accepted: int = 0
    unique_texts: int = 0
    most: int = 0
    forgotten: int = 0
    by_vendor: Counter[str] = field(default_factory=Counter)
    by_outcome: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    receipts_posted: int = 0
    receipts_failed: int = 0
    receipts_retried: int = 0
    receipts_unaddressed: int = 0
    receipts_blocked: int = 0
    replies_posted: int = 0
    replies_failed: int = 0

    def shown(self) -> dict[str, Any]:
        answers: dict[str, dict[str, int]] = {}
        for (vendor, status), count in self.answers.items():
            answers.setdefault(vendor, {})[str(status) if status else "cut"] = count
        return {
            "accepted": self.accepted,
            "unique_texts": self.unique_texts,
            "most_per_recipient_and_reference": self.most,
            "forgotten": self.forgotten,
            "by_vendor": dict(self.by_vendor),
            "by_outcome": dict(self.by_outcome),
            "refused": dict(self.refused),
            "answers": answers,
            "receipts_posted": self.receipts_posted,
            "receipts_failed": self.receipts_failed,
            "receipts_retried": self.receipts_retried,
            "receipts_unaddressed": self.receipts_unaddressed,
            "receipts_blocked": self.receipts_blocked,
            "replies_posted": self.replies_posted,
            "replies_failed": self.replies_failed,
        }


class State:
    """All handsets. `keep` bounds the texts that are remembered, and so the memory."""

    def __init__(self, keep: int = DEFAULT_KEEP) -> None:
        self.keep = keep
        self.clear()

    def clear(self) -> None:
        self.counters = Counters()
        self.entries: deque[Entry] = deque()
        self.handsets: OrderedDict[str, Handset] = OrderedDict()
        self._sent: dict[tuple[str, str], Entry] = {}
        self._copies: dict[tuple[str, str, str], int] = {}
        self._tries: OrderedDict[tuple[str, str], int] = OrderedDict()

    def accept(self, entry: Entry) -> None:
        """Put a text on its handset and count it."""
        entry.text, entry.callback = sys.intern(entry.text), sys.intern(entry.callback)
        entry.account, entry.is_unread = sys.intern(entry.account), True
        counters = self.counters
        counters.accepted += 1
        counters.by_vendor[entry.vendor] += 1
        counters.by_outcome[entry.outcome] += 1
        key = _copy_key(entry)
        copies = self._copies.get(key, 0) + 1
        self._copies[key] = copies
        counters.unique_texts += copies == 1
        counters.most = max(counters.most, copies)
        self._file(entry)

    def write_back(self, entry: Entry) -> None:
        """Put a person's reply into the thread."""
        self._file(entry)

    def refuse(self, outcome: Outcome) -> None:
        """Count a text that was not accepted."""
        self.counters.refused[outcome] += 1

    def sent(self, vendor: str, message_id: str) -> Entry | None:
        """The newest text with that id of the vendor's."""
        return self._sent.get((vendor, message_id))

    def tries(self, vendor: str, msisdn: str) -> int:
        """How often this number was tried before, counting this try; forgotten once it is accepted."""
        key = (vendor, msisdn)
        tries = self._tries.pop(key, 0) + 1
        self._tries[key] = tries
        if len(self._tries) > self.keep:
            self._tries.popitem(last=False)
        return tries

    def forget_tries(self, vendor: str, msisdn: str) -> None:
        self._tries.pop((vendor, msisdn), None)

    def latest_handsets(self, query: str = "", owners: Owners = None) -> Iterator[Handset]:
        """Latest first; those whose number or last text holds `query`, in any case."""
        wanted = query.lower().lstrip("+")
        for handset in reversed(self.handsets.values()):
            last = handset.last(owners)
            if last is not None and (wanted in handset.msisdn or wanted in last.text.lower()):
                yield handset

    def count_handsets(self, owners: Owners = None) -> int:
        if owners is None:
            return len(self.handsets)
        return sum(handset.last(owners) is not None for handset in self.handsets.values())

    def _file(self, entry: Entry) -> None:
        handset = self.handsets.get(entry.msisdn)
        if handset is None:
            handset = self.handsets[entry.msisdn] = Handset(entry.msisdn)
        else:
            self.handsets.move_to_end(entry.msisdn)
        handset.thread.append(entry)
        self.entries.append(entry)
        if entry.direction == OUTBOUND:
            self._sent[entry.vendor, entry.message_id] = entry
        if len(self.entries) > self.keep:
            self._forget(self.entries.popleft())

    def _forget(self, entry: Entry) -> None:
        """Entries age in one order everywhere: the oldest of all is the oldest of its handset."""
        handset = self.handsets[entry.msisdn]
        handset.thread.popleft()
        if not handset.thread:
            del self.handsets[entry.msisdn]
        if entry.direction == INBOUND:
            return
        self.counters.forgotten += 1
        if self._sent.get((entry.vendor, entry.message_id)) is entry:
            del self._sent[entry.vendor, entry.message_id]
        key = _copy_key(entry)
        self._copies[key] -= 1
        if not self._copies[key]:
            del self._copies[key]


def _copy_key(entry: Entry) -> tuple[str, str, str]:
    return entry.vendor, entry.msisdn, entry.reference or entry.text


def iso(at: float) -> str:
    """UTC with milliseconds, as document 004 writes times: 2023-03-28T15:52:31.279Z."""
    milliseconds = int(at * 1000)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000))
    return f"{stamp}.{milliseconds % 1000:03d}Z"
