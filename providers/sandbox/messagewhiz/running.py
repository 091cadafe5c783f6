"""Sends the broadcasts: segments when they are due, texts onto the handsets, the next segment when it may go."""

from __future__ import annotations

import secrets
import time
from collections import deque
from functools import partial

from providers.sandbox import parts
from providers.sandbox.callbacks import Callbacks, Post
from providers.sandbox.dials import Dial
from providers.sandbox.later import Later
from providers.sandbox.messagewhiz.batches import report_later
from providers.sandbox.messagewhiz.envelope import Failure
from providers.sandbox.messagewhiz.records import Account, Ids, Room, Trigger, Values
from providers.sandbox.messagewhiz.sendings import (
    TASKS,
    Broadcast,
    Life,
    Segment,
    Task,
    Text,
    When,
    Words,
    guess_price,
)
from providers.sandbox.messagewhiz.shortlinks import Maker, ShortLinks
from providers.sandbox.messagewhiz.tokens import Rendering, pick
from providers.sandbox.outcomes import Outcome, outcome_of
from providers.sandbox.state import OUTBOUND, Entry, State

SLUG = "messagewhiz"
SLICE = 500  # texts sent before others get a turn
NUMBERS_PER_TEXT_KEPT = 5
LINKS_PER_TEXT_KEPT = 2

REFUSALS = {
    Outcome.REFUSED: 400,
    Outcome.THROTTLED: 429,
    Outcome.SERVER_ERROR: 500,
    Outcome.NO_CREDIT: 403,
    Outcome.SENDER_OFF: 403,
}
# In a broadcast these reach no handset; the others of the table above are about the request alone.
NEVER_SENT = (Outcome.REFUSED, Outcome.SERVER_ERROR, Outcome.NO_CREDIT, Outcome.SENDER_OFF)


class Runner:
    """`armed` are the segments that wait for a trigger; `triggers` finds those by the code of their URL."""

    def __init__(self, state: State, dial: Dial, callbacks: Callbacks, later: Later) -> None:
        self.state = state
        self.dial = dial
        self.callbacks = callbacks
        self.later = later
        self.ids = Ids()
        self.room = Room(NUMBERS_PER_TEXT_KEPT * state.keep)
        self.short_links = ShortLinks(LINKS_PER_TEXT_KEPT * state.keep, callbacks, self._after_click)
        self.armed: list[Segment] = []
        self.triggers: dict[str, tuple[Account, Trigger]] = {}

    def reset(self) -> None:
        self.short_links.clear()
        self.armed.clear()

    # Requests to send

    def throttle(self) -> None:
        """Raises Failure 429 above the dial's rate."""
        if not self.dial.lets_through():
            self.state.refuse(Outcome.THROTTLED)
            raise Failure(429)

    def admit(self, account: Account, msisdn: str = "") -> Outcome:
        """What becomes of a request to send; raises Failure.

        With `msisdn`, of a single recipient, by its last digits; else by the dial alone.
        """
        forced = self.dial.force_outcome
        outcome = outcome_of(msisdn, forced) if msisdn else forced or Outcome.DELIVERED
        who = msisdn or account.key
        if outcome is Outcome.THROTTLED and self.state.tries(SLUG, who) > 2:
            self.state.forget_tries(SLUG, who)
        elif outcome in REFUSALS:
            self.state.refuse(outcome)
            detail = f"recipient {msisdn} is refused" if msisdn and outcome is Outcome.REFUSED else ""
            raise Failure(REFUSALS[outcome], detail)
        return outcome

    # Segments

    def cut(self, broadcast: Broadcast, size: int, words: Words, when: When) -> Segment:
        """The next `size` of the audience as a segment, up to the cap of its batch."""
        smart = broadcast.smart
        if smart and smart.cap is not None:
            size = min(size, smart.cap - smart.taken)
        count = max(0, min(size, len(broadcast.waiting)))
        recipients = deque(broadcast.waiting.popleft() for _ in range(count))
        segment = Segment(self.ids.next("segment"), broadcast, words, when, recipients)
        segment.recipient_count, segment.estimated_price = count, guess_price(words, recipients)
        if smart:
            smart.taken += count
            segment.batch = smart.batch
        broadcast.segments.append(segment)
        return segment

    def launch(self, segment: Segment) -> None:
        """Now, at its date, or when its trigger is opened."""
        when = segment.when
        if when.trigger:
            self.armed.append(segment)
        elif when.at is not None and when.at > self.later.now():
            self.later.at(when.at, partial(self._start, segment))
        else:
            self._start(segment)

    def fire(self, trigger: Trigger) -> int:
        """How many segments had waited for it; each goes after its delay."""
        due = [segment for segment in self.armed if segment.when.trigger is trigger]
        self.armed = [segment for segment in self.armed if segment.when.trigger is not trigger]
        for segment in due:
            if segment.when.delay:
                delay = segment.when.delay * self.dial.minute_ms / 1000
                self.later.after(delay, partial(self._start, segment))
            else:
                self._start(segment)
        return len(due)

    def expire_later(self, broadcast: Broadcast, at: float) -> None:
        self.later.at(at, partial(self._expire, broadcast))

    def advance(self, broadcast: Broadcast) -> None:
        """Send the next segment of a CTR broadcast once the last has its clicks, or pause at the cap."""
        smart = broadcast.smart
        if not (smart and smart.is_ctr and broadcast.waiting) or smart.is_paused or smart.is_expired:
            return
        last = broadcast.segments[-1]
        if last.state is not Life.SENT:
            return
        if smart.cap is not None and smart.taken >= smart.cap:
            smart.is_paused = True
        elif last.clickers * 100 >= smart.threshold * last.sent:
            now = When(utc_offset=broadcast.when.utc_offset)
            self.launch(self.cut(broadcast, smart.next_size, last.words, now))

    def _after_click(self, text: Text) -> None:
        if text.segment:
            self.advance(text.segment.broadcast)

    def _expire(self, broadcast: Broadcast) -> None:
        """What was not sent by its date is not sent at all."""
        if broadcast.is_over or broadcast.smart is None:
            return
        broadcast.smart.is_expired = True
        self.room.give_back(len(broadcast.waiting))
        broadcast.waiting.clear()
        for segment in broadcast.segments:
            if segment.state is Life.WAITING:
                segment.state = Life.EXPIRED
                self.room.give_back(len(segment.recipients))
                segment.recipients.clear()
        self.armed = [segment for segment in self.armed if segment.broadcast is not broadcast]

    def _start(self, segment: Segment) -> None:
        if segment.state is Life.WAITING:
            segment.state = Life.SENDING
            self._send_some(segment)

    def _send_some(self, segment: Segment) -> None:
        for _ in range(min(SLICE, len(segment.recipients))):
            msisdn, values = segment.recipients.popleft()
            self.room.give_back(1)
            if not segment.broadcast.is_unsubscribed(msisdn):
                self._send(segment, msisdn, values)
        if segment.recipients:
            self.later.after(0, partial(self._send_some, segment))
            return
        segment.state = Life.SENT
        report_later(segment, self.callbacks, self.later, self.dial.minute_ms / 1000)
        self.advance(segment.broadcast)

    # Texts

    def _send(self, segment: Segment, msisdn: str, values: Values) -> None:
        outcome = outcome_of(msisdn, self.dial.force_outcome)
        body = segment.words.bodies[secrets.randbelow(len(segment.words.bodies))]
        if outcome in NEVER_SENT:
            text = _text(segment, msisdn, body.text, outcome)
            self.state.refuse(outcome)
            text.task = Task.FAILED
        else:
            maker = Maker(self.short_links, segment.broadcast.account, segment.broadcast.base_url)
            text = _text(
                segment, msisdn, body.render(_rendering(segment.broadcast, msisdn, values, maker)), outcome
            )
            maker.belong_to(text)
            self.state.accept(text)
            self.callbacks.schedule_receipts(text, self.dial.delay_of(msisdn), settle)
            segment.real_price = round(segment.real_price + text.price, 2)
        segment.sent += 1
        segment.tasks[text.task] += 1
        if segment.broadcast.account.reporting.webhook:
            segment.watched.append(text)


def _rendering(broadcast: Broadcast, msisdn: str, values: Values, maker: Maker) -> Rendering:
    code = ""
    if broadcast.is_one_time:
        code = fresh_code()
        broadcast.account.keep_code(msisdn, code)
    return Rendering(values, maker, maker.unsubscription_link, broadcast.turns, code)


def _text(segment: Segment, msisdn: str, content: str, outcome: Outcome) -> Text:
    now = time.time()
    return Text(
        direction=OUTBOUND,
        vendor=SLUG,
        account=segment.broadcast.account.key,
        msisdn=msisdn,
        number=pick(segment.words.senders),
        text=content,
        message_id=secrets.token_urlsafe(16)[:21],
        parts=parts.count(content),
        reference=segment.broadcast.reference,
        outcome=outcome,
        at=now,
        segment=segment,
        updated=now,
    )


def settle(entry: Entry, word: str) -> Post | None:
    """What a receipt does to a broadcast's text; nothing is posted, the batched report tells of it."""
    if isinstance(entry, Text) and word in TASKS:
        entry.settle(TASKS[word])
    return None


def fresh_code() -> str:
    """Four digits, as in the document's example; never a leading zero, as it may come back as a JSON number."""
    return str(1000 + secrets.randbelow(9000))
