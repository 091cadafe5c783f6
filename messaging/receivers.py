"""News from below, from the providers and workspaces; and of dispatches that ended."""

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver
from django.utils.translation import gettext as _

from accounts.errors import AccountsError
from accounts.signals import ShortDomainWanted, short_domain_wanted
from messaging.daily import release_due
from messaging.links.links import circle_of
from messaging.models import DispatchState
from messaging.receipts import apply_inbound, apply_receipts
from messaging.signals import DispatchChanged, DispatchDiverted, dispatch_changed, dispatch_diverted
from messaging.tasks import move_to_other_accounts, wake_engine
from messaging.verification.services import forget_code_after
from messaging.webhooks.rounds import plan_rounds
from providers.signals import (
    InboundArrived,
    LimitChanged,
    ReceiptsArrived,
    inbound_arrived,
    limit_changed,
    receipts_arrived,
)
from web.waking import wake


@receiver(receipts_arrived)
def take_receipts(news: ReceiptsArrived, **_kwargs: Any) -> frozenset[int]:
    return apply_receipts(news)


@receiver(inbound_arrived)
def take_inbound(news: InboundArrived, **_kwargs: Any) -> frozenset[int]:
    return apply_inbound(news)


@receiver(limit_changed)
def let_go_on(news: LimitChanged, **_kwargs: Any) -> None:
    """As many as a request has time for; the sweep goes on."""
    if release_due([news.account_id], most=10_000):
        wake_engine()


@receiver(dispatch_changed)
def take_end_of_dispatch(news: DispatchChanged, **_kwargs: Any) -> None:
    if news.state not in (DispatchState.FINISHED, DispatchState.STOPPED):
        return
    plan_rounds(news.dispatch_id)
    if news.broadcast_id is None:
        forget_code_after(news.dispatch_id)


@receiver(dispatch_diverted)
def move_on(news: DispatchDiverted, **_kwargs: Any) -> None:
    """A broker that is away delays it by one sweep."""
    if news.is_over:
        transaction.on_commit(wake_engine)
    else:
        transaction.on_commit(partial(wake, move_to_other_accounts))


@receiver(short_domain_wanted)
def keep_links_out_of_circles(payload: ShortDomainWanted, **_kwargs: Any) -> None:
    """Links of other workspaces to this domain are no reason: else one company could keep another from its own domain.
    Their texts are refused at launch.
    """
    circle = circle_of(payload.workspace_id, payload.host)
    if circle is not None:
        sentence = _(
            "The link “%(name)s” leads to %(url)s. Under %(domain)s, people who follow it would go round in circles: give"
            " the link another address first, or choose another domain."
        )
        words = {"name": circle.link.name, "url": circle.url[:100], "domain": payload.domain}
        raise AccountsError(sentence % words, field="short_domain", code="circle")
