"""Work that is held until its time by the event loop's clock, which the control door may put forward."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable

Work = Callable[[], None]


class Later:
    """One heap and one timer. What was withdrawn meanwhile stays until its time and has to come to nothing.

    Times are seconds since 1970 by the loop's clock, so that a change of the machine's clock moves nothing.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Work]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._ahead = 0.0
        self._began_at: float | None = None  # what the clock showed when the loop's was at nothing

    def now(self) -> float:
        loop_time = asyncio.get_running_loop().time()
        if self._began_at is None:
            self._began_at = time.time() - loop_time
        return self._began_at + loop_time + self._ahead

    def at(self, moment: float, work: Work) -> None:
        """Do `work` at that moment, at the loop's next turn when it has passed."""
        heapq.heappush(self._waiting, (moment, next(self._order), work))
        self._arm()

    def after(self, seconds: float, work: Work) -> None:
        self.at(self.now() + seconds, work)

    def advance(self, seconds: float) -> None:
        """Put the clock forward: what falls due is done at once, in its order."""
        self._ahead += seconds
        self._arm()

    def clear(self) -> None:
        """Forget what waits, and show the right time again."""
        self._waiting.clear()
        self._ahead = 0.0
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            delay = max(0.0, self._waiting[0][0] - self.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._release)

    def _release(self) -> None:
        """What work plans for now waits for the loop's next turn, so that others get theirs."""
        self._timer = None
        now, newest = self.now(), next(self._order)
        try:
            while self._waiting and self._waiting[0][0] <= now and self._waiting[0][1] < newest:
                heapq.heappop(self._waiting)[2]()
        finally:
            self._arm()
