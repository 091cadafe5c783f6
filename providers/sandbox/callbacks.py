"""Posts receipts and replies to the webhooks when they fall due, and again when they fail.

One heap and one timer hold what waits, a fixed number of workers post what is due: a text costs no task and
no sleep. Only loopback addresses are called unless a host was allowed by name.
"""

import asyncio
import heapq
import ipaddress
import itertools
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from providers.sandbox.outcomes import HANDSET_STATES, receipts_of
from providers.sandbox.state import OUTBOUND, Entry, State

CONCURRENCY = 64
MAX_ATTEMPTS = 8
TICK = 0.01  # seconds between two runs of the timer
LONGEST_WAIT = 10.0  # seconds between two attempts
ORDER_GAP = 0.05  # least seconds between two receipts of one text
ANSWER_TIMEOUT = 10.0  # seconds


@dataclass(slots=True)
class Post:
    """A JSON body for a webhook. `only_200`: any other answer, 204 included, counts as not taken."""

    url: str
    body: dict[str, Any]
    only_200: bool = False


@dataclass(slots=True)
class Posted:
    """What became of one attempt: the webhook's status, or 0 and why there was none."""

    taken: bool
    status: int
    problem: str = ""


Build = Callable[[Entry, str], Post | None]


@dataclass(slots=True, eq=False)
class Job:
    """What is posted for an entry, `words` in this order; built only when due, as webhooks may change."""

    entry: Entry
    words: tuple[str, ...]
    build: Build
    gap: float
    attempts: int = 0


# Stands in where a post is about no one text.
_NO_TEXT = Entry(OUTBOUND, vendor="", account="", msisdn="", number="", text="", message_id="")


class Callbacks:
    def __init__(self, state: State, allowed_hosts: Collection[str] = (), retry_ms: int = 500) -> None:
        self.state = state
        self.allowed_hosts = {host.lower() for host in allowed_hosts}
        self.retry_ms = retry_ms
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Job]] = []
        self._due: asyncio.Queue[Job] = asyncio.Queue()
        self._posting: set[Job] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONCURRENCY + 8),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT),
            headers={"user-agent": "Crier-Sandbox"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._workers = [self._loop.create_task(self._work()) for _ in range(CONCURRENCY)]

    async def close(self) -> None:
        self.clear()
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._session.close()

    @property
    def pending(self) -> int:
        return len(self._waiting) + self._due.qsize() + len(self._posting)

    def clear(self) -> None:
        """Forget what waits; what is being posted right now ends without being counted."""
        self._waiting.clear()
        self._posting.clear()
        while not self._due.empty():
            self._due.get_nowait()

    def schedule_receipts(
        self, entry: Entry, delay: float, build: Build, words: tuple[str, ...] | None = None
    ) -> None:
        """Post the receipts of a text's outcome, the first after `delay` seconds, one after the other.

        `words` stand in for those of the outcome.
        """
        words = receipts_of(entry.outcome) if words is None else words
        if words:
            self._push(Job(entry, words, build, gap=max(delay, ORDER_GAP)), delay)

    def schedule_post(self, build: Callable[[], Post | None], delay: float = 0.0) -> None:
        """Post what is about no one text's receipts: a click, a batch. Counted and repeated as a receipt is.

        Built at each attempt; nothing is posted where it gives None.
        """
        self._push(Job(_NO_TEXT, ("",), lambda _entry, _word: build(), gap=0.0), delay)

    async def post_reply(self, entry: Entry, build: Build, words: tuple[str, ...] = ("",)) -> Posted | None:
        """Post an inbound text now, and again later when it is not taken; None when nowhere wants it.

        Of several `words` the others follow once the first is taken.
        """
        post = build(entry, words[0])
        if post is None:
            return None
        job = Job(entry, words, build, gap=0.0, attempts=1)
        posted = await self.post(post)
        if posted.taken or not self.may_call(post.url):
            self._count(job, taken=posted.taken)
            self._follow(job)
        else:
            entry.state = "retrying"
            self._push(job, self._wait(1))
        return posted

    async def post(self, post: Post) -> Posted:
        """One attempt, without redirects and without reading much of the answer."""
        if not self.may_call(post.url):
            return Posted(False, 0, _not_allowed(post.url))
        body = json.dumps(post.body).encode()
        headers = {"content-type": "application/json"}
        try:
            async with self._session.post(
                post.url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.content.read(65_536)
                taken = answer.status == 200 or (not post.only_200 and 200 < answer.status < 300)
                return Posted(taken, answer.status, "" if taken else f"answered HTTP {answer.status}")
        except TimeoutError:
            return Posted(False, 0, f"did not answer within {ANSWER_TIMEOUT:.0f} seconds")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Posted(False, 0, f"could not be reached ({type(error).__name__})")

    def may_call(self, url: str) -> bool:
        try:
            host = (urlsplit(url).hostname or "").lower()
        except ValueError:
            return False
        if host == "localhost" or host in self.allowed_hosts:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _wait(self, attempts: int) -> float:
        return min(LONGEST_WAIT, self.retry_ms / 1000 * 2 ** (attempts - 1))

    def _push(self, job: Job, delay: float) -> None:
        """Beyond twice the kept texts the job is dropped and counted as failed: memory stays bounded."""
        if len(self._waiting) + self._due.qsize() >= 2 * self.state.keep:
            self._count(job, taken=False)
            return
        heapq.heappush(self._waiting, (self._loop.time() + delay, next(self._order), job))
        self._arm()

    def _arm(self) -> None:
        """Wake up for the earliest job, yet no sooner than a tick from now."""
        due = max(self._waiting[0][0], self._loop.time() + TICK)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._release)

    def _release(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._waiting and self._waiting[0][0] <= now:
            self._due.put_nowait(heapq.heappop(self._waiting)[2])
        if self._waiting:
            self._arm()

    async def _work(self) -> None:
        while True:
            job = await self._due.get()
            self._posting.add(job)
            try:
                await self._attempt(job)
            except Exception as error:  # one bad job must not cost a worker
                self._count(job, taken=False)
                print(f"sandbox: a callback could not be made: {type(error).__name__}", flush=True)
            finally:
                self._posting.discard(job)

    async def _attempt(self, job: Job) -> None:
        word = job.words[0]
        job.entry.state = HANDSET_STATES.get(word, job.entry.state)
        post = job.build(job.entry, word)
        if post is None:
            self.state.counters.receipts_unaddressed += 1
            self._follow(job)
            return
        if not self.may_call(post.url):
            self.state.counters.receipts_blocked += 1
            self._follow(job)
            return
        posted = await self.post(post)
        if job not in self._posting:  # everything was reset meanwhile
            return
        job.attempts += 1
        if not posted.taken and job.attempts < MAX_ATTEMPTS:
            self.state.counters.receipts_retried += 1
            self._push(job, self._wait(job.attempts))
            return
        self._count(job, taken=posted.taken)
        self._follow(job)

    def _follow(self, job: Job) -> None:
        """What a job's entry has left to tell."""
        if len(job.words) > 1:
            self._push(Job(job.entry, job.words[1:], job.build, job.gap), job.gap)

    def _count(self, job: Job, *, taken: bool) -> None:
        counters = self.state.counters
        receipt = job.entry.direction == OUTBOUND
        counters.receipts_posted += receipt and taken
        counters.receipts_failed += receipt and not taken
        counters.replies_posted += not receipt and taken
        counters.replies_failed += not receipt and not taken
        if not receipt:
            job.entry.state = "delivered" if taken else "failed"


def no_receipt(_entry: Entry, _word: str) -> Post | None:
    """Nobody is told: the handset's state changes and that is all."""
    return None


def _not_allowed(url: str) -> str:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = url
    return f"was not called: {host} is not a loopback address; allow it with --allow-callbacks-to {host}"
