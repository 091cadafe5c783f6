"""Each planned message gets its account: one dispatch for each account of the route, filled from the one that leads.

The whole audience is planned into the dispatch that leads, in `planning`, so nothing is sent yet; then its messages are
given to the others chunk by chunk, in the order of planning. How far that got stands in `spread_to`, in the transaction
that moved them: whoever dies between two chunks leaves nothing half done, and who goes on chooses as he would have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from messaging.bodies import reaches_number
from messaging.chosen_senders import chooser_of
from messaging.content import Content, content_of, seed_of
from messaging.dispatches import counts_of, group_of, lock_dispatches
from messaging.engine.jobs import recipient_values
from messaging.ledger import Change, apply_changes, give_account
from messaging.media.sending import parts_with
from messaging.models import Dispatch, DispatchState, Message
from providers.connectors import REGISTRY
from providers.models import RouteStrategy
from providers.routing import NOBODY, Carrier, RouteChooser, why_nobody
from providers.services import PriceTable
from sms.states import MessageState


class Row(NamedTuple):
    message_id: int
    msisdn: str
    recipient_id: int | None
    place: int | None


def carrier_of(dispatch: Dispatch) -> Carrier:
    """As it was when the dispatch was made."""
    chooser = None if dispatch.sender else chooser_of(dispatch)
    may_send: Callable[[str], bool] = (
        (lambda _msisdn: True)
        if chooser is None or not chooser.may_leave_out
        else (lambda msisdn: bool(chooser.fitting(msisdn)))
    )
    reaches = reaches_number(dispatch.account)
    return Carrier(dispatch.route_weight, dispatch.route_only, reaches, may_send)


def spread_some(*, lead_id: int, chunk: int) -> int | None:
    """Gives the next chunk of planned messages their accounts, in one short transaction; returns how many of them it looked
    at. None: there is nothing to do, because all have one, there is no route, or it is not being planned any more.
    """
    with transaction.atomic():
        lock_dispatches([lead_id])
        group = list(
            Dispatch.objects.filter(pk__in=group_of(lead_id))
            .select_related("account", "workspace")
            .order_by("route_place")
        )
        lead = next(one for one in group if one.pk == lead_id)
        if not lead.strategy or lead.state != DispatchState.PLANNING:
            return None
        rows = _next_rows(lead, chunk)
        if not rows:
            return None
        _give(lead, group, rows)
        Dispatch.objects.filter(pk=lead_id).update(spread_to=rows[-1].message_id, changed_at=timezone.now())
    return len(rows)


def _next_rows(lead: Dispatch, chunk: int) -> list[Row]:
    waiting = Message.objects.filter(dispatch=lead, state=MessageState.QUEUED, id__gt=lead.spread_to)
    columns = waiting.order_by("id").values_list("id", "msisdn", "recipient_id", "place")
    return [Row(*row) for row in columns[:chunk]]


def _give(lead: Dispatch, group: Sequence[Dispatch], rows: Sequence[Row]) -> None:
    carriers = [carrier_of(one) for one in group]
    chooser = RouteChooser(lead.strategy, carriers, _given(lead, group))
    costs = Costs.where_asked(lead, group, rows)
    chosen: dict[int, list[int]] = defaultdict(list)
    nobody: list[Change] = []
    now = timezone.now()
    for row in rows:
        number = chooser.choose(row.msisdn, costs(row))
        if number == NOBODY:
            reason = why_nobody(carriers, row.msisdn)
            nobody.append(Change(row.message_id, MessageState.FAILED, now, "planning", reason))
        else:
            chosen[number].append(row.message_id)
    apply_changes(nobody)
    for number, ids in sorted(chosen.items()):
        if group[number].pk != lead.pk:
            give_account(lead.pk, group[number], ids)


def _given(lead: Dispatch, group: Sequence[Dispatch]) -> list[int]:
    """How many each account has so far, in the order of the route."""
    done = Message.objects.filter(dispatch=lead, state=MessageState.QUEUED, id__lte=lead.spread_to)
    return [done.count() if one.pk == lead.pk else sum(counts_of([one.pk]).values()) for one in group]


def _unasked(_number: int) -> Decimal | None:
    return None


class Costs:
    """Of one chunk's texts through each account. A text is made only where the accounts count its parts differently."""

    def __init__(self, lead: Dispatch, group: Sequence[Dispatch], rows: Sequence[Row]) -> None:
        self._lead = lead
        self._group = group
        self._prices = [PriceTable(one.account) for one in group]
        self._pictures = len(lead.media_urls)
        self._content: Content | None = None
        self._values: Mapping[int, Mapping[str, Any]] = {}
        if not counts_alike([one.account.vendor for one in group], self._pictures):
            self._content = content_of(lead)
            ids = [row.recipient_id for row in rows if row.recipient_id is not None]
            self._values = recipient_values(ids, self._content.uses) if self._content.personal else {}

    @classmethod
    def where_asked(
        cls, lead: Dispatch, group: Sequence[Dispatch], rows: Sequence[Row]
    ) -> Callable[[Row], Callable[[int], Decimal | None]]:
        """For a RouteChooser; nothing is read where the strategy asks for no cost."""
        if lead.strategy == RouteStrategy.CHEAPEST:
            return cls(lead, group, rows).of
        return lambda _row: _unasked

    def of(self, row: Row) -> Callable[[int], Decimal | None]:
        text = None if self._content is None else self._text(self._content, row)

        def cost_of(number: int) -> Decimal | None:
            price = self._prices[number].price(row.msisdn, pictures=self._pictures)
            if price is None or text is None:
                return price
            return price * parts_with(self._group[number].account, text, self._pictures)

        return cost_of

    def _text(self, content: Content, row: Row) -> str:
        seed = seed_of(self._lead.broadcast_id, row.msisdn, row.message_id)
        values = self._values.get(row.recipient_id or 0, {})
        return content.render(values, seed=seed, message_id=row.message_id, place=row.place or 0)


def counts_alike(vendors: Sequence[str], pictures: int) -> bool:
    """Whether these vendors bill the same number of parts for any text."""
    found = [REGISTRY.get(vendor) for vendor in set(vendors)]
    kinds = {
        (one.capabilities.body, bool(pictures) and one.capabilities.media_limits.one_unit)
        if one
        else (True, False)
        for one in found
    }
    return len(kinds) < 2
