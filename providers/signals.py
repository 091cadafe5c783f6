"""News that providers sends up. Who takes it is not known here: it is messaging/receivers.py."""

from __future__ import annotations

from dataclasses import dataclass

from django.dispatch import Signal

from providers.connectors.base import DeliveryReport, InboundText


@dataclass(frozen=True, slots=True)
class ReceiptsArrived:
    """Delivery reports of one account, each with the id of the StoredWebhookCall that brought it.

    May arrive again, whole or in part: receivers treat a repeat as no news.
    """

    account_id: int
    workspace_id: int
    reports: tuple[tuple[int, DeliveryReport], ...]
    # Other accounts of the workspace whose texts the same webhook tells of.
    siblings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InboundArrived:
    """Texts that people sent to numbers of one account; the same promise as for ReceiptsArrived."""

    account_id: int
    workspace_id: int
    texts: tuple[tuple[int, InboundText], ...]
    siblings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """An account may send more parts a day than before, or fewer."""

    account_id: int


# kwargs: news: LimitChanged. Sent once the change is committed.
limit_changed = Signal()

# kwargs: news: ReceiptsArrived. A receiver returns, as a frozenset, the call ids with a report that belongs
# to no message it knows (yet): those calls are tried again for some minutes. Sent outside any transaction.
receipts_arrived = Signal()

# kwargs: news: InboundArrived. A receiver returns, as a frozenset, the call ids with a text whose number it cannot find
# (yet), as the vendor names it only by a message: those are tried again alike. Sent outside any transaction.
inbound_arrived = Signal()
