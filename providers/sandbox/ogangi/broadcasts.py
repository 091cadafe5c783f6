"""The life of a broadcast.

scheduled -> running -> finished          running <-> suspended
scheduled, running, suspended -> stopped
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from providers.sandbox.later import Later
from providers.sandbox.ogangi.accounts import Account
from providers.sandbox.ogangi.recipients import Recipient

STEP = 0.05  # least seconds between two of a broadcast's batches


class Status(IntEnum):
    """The document's 2 has an end and all sent; the other numbers are a proposal (vendors/NOTES.md section 3)."""

    SCHEDULED = 0
    RUNNING = 1
    FINISHED = 2
    SUSPENDED = 3
    STOPPED = 4


@dataclass(slots=True, eq=False)
class Broadcast:
    """`turn` grows with each change of course: a step that was planned before comes to nothing."""

    number: int
    public_key: str
    account: Account
    shortcode: str
    text: str
    start_at: float
    waiting: deque[Recipient]
    expected: int
    status: Status = Status.SCHEDULED
    sent: int = 0
    end_at: float | None = None
    turn: int = 0

    @property
    def name(self) -> str:
        return self.status.name.lower()


# Sends to one recipient; whether it could be reached.
SendOne = Callable[[Broadcast, Recipient], bool]


class Runner:
    """Moves broadcasts on as time passes; whether a move is legal is asked before."""

    def __init__(self, later: Later, send: SendOne) -> None:
        self.later = later
        self.send = send

    def schedule(self, broadcast: Broadcast) -> None:
        self.later.at(broadcast.start_at, partial(self.run, broadcast, broadcast.turn))

    def suspend(self, broadcast: Broadcast) -> None:
        broadcast.turn += 1
        broadcast.status = Status.SUSPENDED

    def run(self, broadcast: Broadcast, turn: int) -> None:
        if broadcast.turn == turn:
            broadcast.status = Status.RUNNING
            self.step(broadcast, turn)

    def resume(self, broadcast: Broadcast) -> None:
        broadcast.turn += 1
        broadcast.status = Status.RUNNING
        self.later.after(0, partial(self.step, broadcast, broadcast.turn))

    def stop(self, broadcast: Broadcast) -> None:
        broadcast.status = Status.STOPPED
        self._end(broadcast)

    def withdraw(self, broadcast: Broadcast) -> None:
        """It is no more: nothing of it happens."""
        broadcast.turn += 1
        broadcast.waiting.clear()

    def step(self, broadcast: Broadcast, turn: int) -> None:
        """One batch, and the next after a while; it ends one step after its last text."""
        if broadcast.turn != turn:
            return
        if not broadcast.waiting:
            broadcast.status = Status.FINISHED
            self._end(broadcast)
            return
        pace = broadcast.account.messages_per_second
        pause = max(STEP, 1 / pace)
        for _ in range(min(len(broadcast.waiting), max(1, round(pace * pause)))):
            broadcast.sent += self.send(broadcast, broadcast.waiting.popleft())
        self.later.after(pause, partial(self.step, broadcast, turn))

    def _end(self, broadcast: Broadcast) -> None:
        broadcast.turn += 1
        broadcast.end_at = self.later.now()
        broadcast.waiting.clear()
