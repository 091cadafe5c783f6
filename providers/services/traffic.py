"""Requests to vendors and what came of them: kept for some days, without secrets, for people who look for a fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.utils import timezone

from providers.connectors.operations import Exchange, Listener
from providers.models import ProviderAccount, TrafficEntry

KEEP_FOR = timedelta(days=7)
PRUNE_ROWS = 5000


def keep_exchanges(account_id: int, exchanges: Iterable[Exchange]) -> None:
    """Of one account, in one INSERT."""
    TrafficEntry.objects.bulk_create(_entry(account_id, exchange) for exchange in exchanges)


def listener_of(account: ProviderAccount) -> Listener:
    """Keeps each exchange at once: for calls at a person's pace."""
    return lambda exchange: keep_exchanges(account.pk, [exchange])


def prune_traffic(older_than: timedelta = KEEP_FOR) -> int:
    """Forgets up to PRUNE_ROWS entries; returns how many."""
    before = timezone.now() - older_than
    # In the order of the key, which is that of time.
    first = TrafficEntry.objects.order_by("id").values_list("id", "at")[:PRUNE_ROWS]
    old = [pk for pk, at in first if at < before]
    return TrafficEntry.objects.filter(id__in=old).delete()[0]


def forget_entries(ids: Sequence[int]) -> int:
    return TrafficEntry.objects.filter(pk__in=ids).delete()[0]


def _entry(account_id: int, exchange: Exchange) -> TrafficEntry:
    return TrafficEntry(
        account_id=account_id,
        at=exchange.at,
        operation=exchange.operation[:60],
        method=exchange.method[:8],
        url=exchange.url[:1000],
        request=exchange.request,
        status=exchange.status,
        answer=exchange.answer,
        milliseconds=round(exchange.seconds * 1000),
        trouble=exchange.trouble[:500],
    )
