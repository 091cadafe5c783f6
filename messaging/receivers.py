"""News from below, from the providers."""

from typing import Any

from django.dispatch import receiver

from messaging.receipts import apply_inbound, apply_receipts
from providers.signals import InboundArrived, ReceiptsArrived, inbound_arrived, receipts_arrived


@receiver(receipts_arrived)
def take_receipts(news: ReceiptsArrived, **_kwargs: Any) -> frozenset[int]:
    return apply_receipts(news)


@receiver(inbound_arrived)
def take_inbound(news: InboundArrived, **_kwargs: Any) -> None:
    apply_inbound(news)
