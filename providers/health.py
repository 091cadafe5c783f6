"""What the engine and the connection test learned of an account."""

from datetime import datetime

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from providers.models import Health, ProviderAccount


def note_working(*, account_id: int) -> None:
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.OK, health_words="", health_at=timezone.now(), unreachable_since=None
    )


def note_failing(*, account_id: int, words: str) -> None:
    """`words`: redacted, for people."""
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.FAILING, health_words=words[:500], health_at=timezone.now(), unreachable_since=None
    )


def note_unreachable(*, account_id: int, words: str) -> datetime:
    """Since when no connection comes about: kept here, as a worker's run is shorter than the patience with it."""
    now = timezone.now()
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.FAILING,
        health_words=words[:500],
        health_at=now,
        unreachable_since=Coalesce("unreachable_since", Value(now)),
    )
    since = ProviderAccount.objects.filter(pk=account_id).values_list("unreachable_since", flat=True).first()
    return since or now
