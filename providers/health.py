"""What the engine and the connection test learned of an account."""

from django.utils import timezone

from providers.models import Health, ProviderAccount


def note_working(*, account_id: int) -> None:
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.OK, health_words="", health_at=timezone.now()
    )


def note_failing(*, account_id: int, words: str) -> None:
    """`words`: redacted, for people."""
    ProviderAccount.objects.filter(pk=account_id).update(
        health=Health.FAILING, health_words=words[:500], health_at=timezone.now()
    )
