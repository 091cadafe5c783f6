"""Through whom a broadcast goes: one account, or those of its route that can carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from campaigns.models import Broadcast
from campaigns.pictures import pictures_of
from campaigns.services.senders import SendingFrom, sending_from
from messaging.bodies import body_problem, reaches_number, writes_text
from messaging.media.sending import picture_problem
from messaging.senders import sender_problem
from messaging.singles import length_problem
from providers.errors import ConnectorError
from providers.models import ProviderAccount, RouteStrategy
from providers.routing import NOBODY, Carrier, RouteChooser
from providers.services import PriceTable


@dataclass(frozen=True, slots=True)
class Line:
    """One account, with the senders that it may use. `problem`: why this broadcast cannot go through it; "" where it can."""

    account: ProviderAccount
    weight: int
    only: Sequence[str]
    senders: SendingFrom
    problem: str

    @property
    def carrier(self) -> Carrier:
        return Carrier(self.weight, self.only, reaches_number(self.account), may_send_from(self.senders))

    @property
    def fact(self) -> list[Any]:
        """What of it is agreed to."""
        return [self.account.pk, self.weight, list(self.only), self.senders.sender, self.senders.senders]


def may_send_from(senders: SendingFrom) -> Callable[[str], bool]:
    """Whether one of them may send to a number; of none at all the checks tell."""
    chooser = senders.chooser()
    if senders.is_nobody or not chooser.may_leave_out:
        return lambda _msisdn: True
    return lambda msisdn: bool(chooser.fitting(msisdn))


def lines_of(broadcast: Broadcast) -> list[Line]:
    """In the order of the route; with one account, it alone. The checks say what is wrong with a single account."""
    route = broadcast.route
    if route is None:
        account = broadcast.account
        return [] if account is None else [Line(account, 1, (), sending_from(broadcast), "")]
    steps = route.steps.select_related("account__workspace").order_by("position")
    pictures = pictures_of(broadcast)
    return [_line(broadcast, step.account, step.weight, tuple(step.only), pictures) for step in steps]


def usable_lines(broadcast: Broadcast) -> list[Line]:
    return [line for line in lines_of(broadcast) if not line.problem]


def accounts_of(broadcast: Broadcast) -> list[ProviderAccount]:
    """Through which it goes; while none of the route's can carry it, all of them."""
    lines = lines_of(broadcast)
    return [line.account for line in lines if not line.problem] or [line.account for line in lines]


def lines_for(broadcast: Broadcast, msisdns: Sequence[str]) -> list[Line | None]:
    """Through which account each of these would go, were they the first of its audience; None where none takes it."""
    lines = usable_lines(broadcast)
    chooser = RouteChooser(strategy_of(broadcast), [line.carrier for line in lines])
    prices = [PriceTable(line.account) for line in lines]
    pictures = len(pictures_of(broadcast))
    found: list[Line | None] = []
    for msisdn in msisdns:
        costs = [price.price(msisdn, pictures=pictures) for price in prices]
        number = chooser.choose(msisdn, costs.__getitem__)
        found.append(None if number == NOBODY else lines[number])
    return found


def strategy_of(broadcast: Broadcast) -> str:
    return broadcast.route.strategy if broadcast.route else RouteStrategy.ORDER


def through_name(broadcast: Broadcast) -> str:
    return str(broadcast.route or broadcast.account or "")


def _line(
    broadcast: Broadcast, account: ProviderAccount, weight: int, only: tuple[str, ...], pictures: list[Any]
) -> Line:
    senders = sending_from(broadcast, account)
    return Line(account, weight, only, senders, _problem(broadcast, account, senders, pictures))


def _problem(
    broadcast: Broadcast, account: ProviderAccount, senders: SendingFrom, pictures: list[Any]
) -> str:
    """The first reason; each names the remedy."""
    if not account.enabled:
        return _("%(account)s is disabled. Enable it.") % {"account": account.name}
    if problem := body_problem(account, broadcast.text):
        return problem
    if not writes_text(account) and not broadcast.text.strip():
        sentence = _(
            "%(account)s sends a text that is kept there, not one that all accounts of a route send alike."
        )
        return sentence % {"account": account.name}
    if pictures and (problem := picture_problem(account, pictures, broadcast.text)):
        return problem
    if broadcast.text.strip():
        try:
            if problem := length_problem(account, broadcast.text):
                return problem
        except (ConnectorError, ImproperlyConfigured) as error:
            return f"{account.name}: {error}"
    if broadcast.sender is not None and (problem := sender_problem(broadcast.sender, account) or ""):
        return problem
    if broadcast.sender_list is not None and senders.is_nobody and senders.left_out:
        return senders.left_out[0][1]
    return ""
