"""When senders were last used: kept by the engine, at most once a minute for each, however many messages go out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from messaging.models import Sender

KEPT_EVERY = timedelta(minutes=1)


def keep_use(noted: dict[str, datetime], *, workspace_id: int, senders: Iterable[str], now: datetime) -> None:
    """`noted`: what this caller has kept already, by sender; it is brought up to date.

    Several callers at once write one row in a minute at most, one row a statement.
    """
    before = now - KEPT_EVERY
    for value in {value for value in senders if value not in noted or noted[value] <= before}:
        noted[value] = now
        unused = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
        Sender.objects.filter(unused, workspace_id=workspace_id, value=value).update(last_used_at=now)
