"""The sender: claims what is due, posts it in threads, writes down the answers. One thread alone asks the database, but
for answers that come after the run that asked for them.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.utils import timezone

from messaging.webhooks.ledger import Answer, Claimed, claim_due, is_any_due, write_answer
from messaging.webhooks.post import Post, try_post
from messaging.webhooks.shares import PLACES, Paces, Shares

# Then it wakes itself up again: so a worker that is asked to end is not cut off.
RUN_SECONDS = 20.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Sent:
    taken: int = 0
    failed: int = 0
    more_due: bool = False


@dataclass(frozen=True, slots=True)
class _Open:
    claimed: Claimed
    since: float


class Sender:
    """The places of one process, kept from run to run.

    A run does not wait for the answers that are awaited at its end, else slow receivers would hold up everybody in
    that time: the threads that get them write them down. At the end of the process they are waited for.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(PLACES, thread_name_prefix="webhook")
        self._paces = Paces()
        self._open: dict[Future[Answer], _Open] = {}
        # Those of earlier runs.
        self._late: dict[Future[Answer], _Open] = {}
        self._lock = threading.Lock()

    def run(self, seconds: float) -> Sent:
        sent, until = Sent(), time.monotonic() + seconds
        while time.monotonic() < until:
            self._claim()
            late = self._late_ones()
            if not self._open and not (late and is_any_due()):
                break
            done, _rest = wait([*self._open, *late], timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done & self._open.keys():
                answer = self._settle(self._open.pop(future), future)
                sent.taken += answer.is_taken
                sent.failed += not answer.is_taken
        self._leave_open()
        sent.more_due = is_any_due()
        return sent

    def _claim(self) -> None:
        in_hand = [*self._open.values(), *self._late_ones().values()]
        if len(in_hand) >= PLACES:
            return
        now = time.monotonic()
        for one in in_hand:
            self._paces.note_open(one.claimed.endpoint.pk, now - one.since)
        shares = Shares((one.claimed.endpoint for one in in_hand), self._paces.pace)
        for claimed in claim_due(PLACES - len(in_hand), shares):
            if (post := _post_of(claimed)) is not None:
                self._open[self._pool.submit(try_post, post)] = _Open(claimed, time.monotonic())

    def _late_ones(self) -> dict[Future[Answer], _Open]:
        with self._lock:
            return dict(self._late)

    def _settle(self, one: _Open, future: Future[Answer]) -> Answer:
        answer = future.result()
        self._paces.note(one.claimed.endpoint.pk, time.monotonic() - one.since)
        write_answer(one.claimed, answer)
        return answer

    def _leave_open(self) -> None:
        with self._lock:
            self._late |= self._open
        for future in self._open:
            future.add_done_callback(self._settle_late)
        self._open = {}

    def _settle_late(self, future: Future[Answer]) -> None:
        """In the thread that has the answer, whose connection is its own; one that came just now is the run's."""
        try:
            self._settle(self._late[future], future)
        finally:
            with self._lock:
                del self._late[future]
            if threading.current_thread().name.startswith("webhook"):
                connections.close_all()


_sender: Sender | None = None


def send_due(*, seconds: float = RUN_SECONDS) -> Sent:
    """Until nothing is due, or for a while."""
    global _sender
    if _sender is None:
        _sender = Sender()
    return _sender.run(seconds)


def _post_of(claimed: Claimed) -> Post | None:
    """None where it cannot be signed, which is written down: one lost key holds up no other workspace."""
    try:
        secrets = claimed.endpoint.secrets_at(timezone.now())
    except ImproperlyConfigured:
        write_answer(claimed, Answer(None, "Its secret cannot be opened: no key of this installation fits."))
        return None
    return Post(claimed.endpoint.url, claimed.event_id, claimed.body, secrets)
