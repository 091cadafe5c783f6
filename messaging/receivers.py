"""News from below, from the providers; and of dispatches that ended."""

from typing import Any

from django.dispatch import receiver

from messaging.models import DispatchState
from messaging.receipts import apply_inbound, apply_receipts
from messaging.signals import DispatchChanged, dispatch_changed
from messaging.verification.services import forget_code_after
from providers.signals import InboundArrived, ReceiptsArrived, inbound_arrived, receipts_arrived


@receiver(receipts_arrived)
def take_receipts(news: ReceiptsArrived, **_kwargs: Any) -> frozenset[int]:
    return apply_receipts(news)


@receiver(inbound_arrived)
def take_inbound(news: InboundArrived, **_kwargs: Any) -> None:
    apply_inbound(news)


@receiver(dispatch_changed)
def take_end_of_dispatch(news: DispatchChanged, **_kwargs: Any) -> None:
    if news.broadcast_id is None and news.state in (DispatchState.FINISHED, DispatchState.STOPPED):
        forget_code_after(news.dispatch_id)
