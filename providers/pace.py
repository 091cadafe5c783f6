"""The rate limit of an account, shared by all workers on all machines: one row, moved on atomically.

    next_free_at ──reserve(3 parts)──▶ + 3 / parts_per_second
                 ──push_back(until)──▶ until, if that is later

Times come from the workers' own clocks: one that runs ahead makes the others wait, never send too fast.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from providers.models import Pace

# A vendor's Retry-After beyond this is a slip or a trick: the account is tried again by then.
PUSH_BACK_MOST = timedelta(minutes=10)

# PostgreSQL locks the row, lets the others wait, and computes from what they left: no transaction of ours.
RESERVE = """
    INSERT INTO providers_pace AS pace (account_id, next_free_at) VALUES (%(account)s, %(now)s + %(cost)s)
    ON CONFLICT (account_id) DO UPDATE SET next_free_at = GREATEST(pace.next_free_at, %(now)s) + %(cost)s
    RETURNING next_free_at
"""


def reserve(account_id: int, parts: int, parts_per_second: float, now: datetime) -> datetime:
    """When the first of `parts` may go, `now` at the earliest; the next reservation begins after the last."""
    if parts < 0 or parts_per_second <= 0:
        raise ValueError(f"{parts} parts at {parts_per_second} a second cannot be reserved")
    cost = timedelta(seconds=parts / parts_per_second)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            parameters: dict[str, Any] = {"account": account_id, "now": now, "cost": cost}
            cursor.execute(RESERVE, parameters)
            (next_free_at,) = cursor.fetchone()
        return next_free_at - cost
    return _reserve_alone(account_id, cost, now)


def free_at(account_id: int) -> datetime | None:
    """When the next part may go; None where nothing was reserved yet. A look without a promise."""
    return Pace.objects.filter(account_id=account_id).values_list("next_free_at", flat=True).first()


def push_back(account_id: int, until: datetime) -> None:
    """Nothing more goes through the account before `until`; what is reserved already is not taken back."""
    until = min(until, timezone.now() + PUSH_BACK_MOST)
    with transaction.atomic():
        pace, new = Pace.objects.get_or_create(account_id=account_id, defaults={"next_free_at": until})
        if not new:
            Pace.objects.filter(pk=pace.pk, next_free_at__lt=until).update(next_free_at=until)


def forget(account_id: int) -> None:
    """Starts afresh: after a change of speed, a reservation made at the old one must not hold up the new."""
    Pace.objects.filter(account_id=account_id).delete()


def _reserve_alone(account_id: int, cost: timedelta, now: datetime) -> datetime:
    """SQLite: an IMMEDIATE transaction is alone in the file from its first line on."""
    with transaction.atomic():
        pace = Pace.objects.filter(account_id=account_id).first()
        start = now if pace is None else max(pace.next_free_at, now)
        Pace.objects.update_or_create(account_id=account_id, defaults={"next_free_at": start + cost})
    return start
