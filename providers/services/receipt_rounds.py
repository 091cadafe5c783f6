"""Rounds in which a provider is asked for delivery reports: who may ask now, and when again. See ReceiptRound.

What is asked for is a floor up: messaging/engine/polling.py.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from providers.errors import ConnectorError
from providers.models import ReceiptRound

# A round takes no longer than this; then its worker is dead.
LEASE = timedelta(seconds=90)
# After a round that failed: longer each time. After one that went well the next may begin at once.
AFTER_TROUBLE = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)


def begin_round(account_id: int) -> str:
    """The claim of a round that begins; "" where another worker asks just now, or it is too early."""
    now = timezone.now()
    claim = uuid.uuid4().hex
    ReceiptRound.objects.get_or_create(account_id=account_id, defaults={"next_at": now})
    free = ReceiptRound.objects.filter(account_id=account_id, next_at__lte=now).filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now)
    )
    return claim if free.update(claim=claim, claimed_until=now + LEASE) else ""


def end_round(
    account_id: int, claim: str, *, answered: int, given_up: int, trouble: ConnectorError | None
) -> None:
    """`trouble`: what ended it early. One whose time was over while it asked leaves the next one's marks alone."""
    rows = ReceiptRound.objects.filter(account_id=account_id)
    rows.update(answered=F("answered") + answered, given_up=F("given_up") + given_up)
    if answered:
        rows.update(answered_at=timezone.now())
    mine = rows.filter(claim=claim)
    if trouble is None:
        mine.update(claim="", claimed_until=None, next_at=timezone.now(), failures=0, words="")
        return
    found = mine.first()
    if found is not None:
        failures = 0 if answered else found.failures
        mine.update(
            claim="",
            claimed_until=None,
            next_at=timezone.now() + _wait(trouble, failures),
            failures=min(failures + 1, 1000),
            words=" ".join(filter(None, (str(trouble), trouble.words)))[:1000],
        )


def round_of(account_id: int) -> ReceiptRound | None:
    return ReceiptRound.objects.filter(account_id=account_id).first()


def _wait(trouble: ConnectorError, failures: int) -> timedelta:
    if trouble.retry_after is not None:
        return min(timedelta(seconds=trouble.retry_after), LONGEST_WAIT)
    return min(AFTER_TROUBLE * 2 ** min(failures, 10), LONGEST_WAIT)
