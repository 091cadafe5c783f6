"""The sender: claims what is due, posts it in threads, writes down the answers. One thread alone asks the database."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from messaging.webhooks.ledger import Answer, Claimed, claim_due, is_any_due, write_answer
from messaging.webhooks.post import Post, try_post

PLACES = 16
# Then it wakes itself up again: so a worker that is asked to end is not cut off.
RUN_SECONDS = 20.0
LOOK_SECONDS = 0.5


@dataclass(slots=True)
class Sent:
    taken: int = 0
    failed: int = 0
    more_due: bool = False


def send_due(*, seconds: float = RUN_SECONDS) -> Sent:
    """Until nothing is due, or for a while."""
    sent, until = Sent(), time.monotonic() + seconds
    open_: dict[Future[Answer], Claimed] = {}
    with ThreadPoolExecutor(PLACES, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < until and len(open_) < PLACES:
                in_hand = [claimed.endpoint for claimed in open_.values()]
                for claimed in claim_due(PLACES - len(open_), in_hand):
                    if (post := _post_of(claimed)) is not None:
                        open_[pool.submit(try_post, post)] = claimed
            if not open_:
                break
            done, _rest = wait(open_, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                answer = future.result()
                write_answer(open_.pop(future), answer)
                sent.taken += answer.is_taken
                sent.failed += not answer.is_taken
    sent.more_due = is_any_due()
    return sent


def _post_of(claimed: Claimed) -> Post | None:
    """None where it cannot be signed, which is written down: one lost key holds up no other workspace."""
    try:
        secrets = claimed.endpoint.secrets_at(timezone.now())
    except ImproperlyConfigured:
        write_answer(claimed, Answer(None, "Its secret cannot be opened: no key of this installation fits."))
        return None
    return Post(claimed.endpoint.url, claimed.event_id, claimed.body, secrets)
