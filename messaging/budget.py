"""What a workspace may spend in a calendar month: what was charged, what is agreed to and not yet spent, what is left.

    spent     charged since the month began, from the counters of the ledger (models.Spend)
    agreed    of dispatches that have not ended, what they may still cost; and what is scheduled for the month, which the
              floor above tells (signals.agreed_costs_asked)

Only what is in the workspace's own currency is counted: nobody knows the rate at which a provider will charge the rest.
The budget is a limit on what is begun. What runs is not stopped, so whoever begins something must hold the budget:
between looking and beginning nobody else may.
"""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.db.models import DecimalField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.ledger import NO_COST, lock_rows
from messaging.models import Dispatch, DispatchState, Spend
from messaging.signals import AgreedCostsAsked, agreed_costs_asked
from web.money import exact, money_text

# From this share on people are warned.
NEAR = Decimal("0.8")
OPEN = (DispatchState.PLANNING, DispatchState.RUNNING, DispatchState.PAUSED)


class OverBudget(MessagingError):
    """It would cost more than is left of the month's budget."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, code="over_budget")


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month where the workspace is; `end` is the beginning of the next."""

    begin: datetime
    end: datetime

    @property
    def name(self) -> str:
        return date_format(self.begin, "F Y")

    @property
    def holds_now(self) -> bool:
        return self.begin <= timezone.now() < self.end


@dataclass(frozen=True, slots=True)
class Budget:
    """Of one month. `limit`: None without one. `others`: spent in other currencies, not counted."""

    month: Month
    currency: str
    limit: Decimal | None
    spent: Decimal
    agreed: Decimal
    others: dict[str, Decimal] = field(default_factory=dict)

    @property
    def used(self) -> Decimal:
        return self.spent + self.agreed

    @property
    def left(self) -> Decimal:
        """Without a limit, 0; never below it."""
        return max((self.limit or Decimal(0)) - self.used, Decimal(0))

    @property
    def share(self) -> Decimal:
        """Of the limit that is used, from 0; 0 without one."""
        if self.limit is None:
            return Decimal(0)
        return self.used / self.limit if self.limit else Decimal(1)

    @property
    def is_near(self) -> bool:
        return self.limit is not None and self.share >= NEAR

    def problem(self, cost: Decimal) -> str:
        """Why nothing that costs so much may begin; "" where it may."""
        if self.limit is None or not cost or self.used + cost <= self.limit:
            return ""
        return _(
            "It costs %(cost)s, and %(left)s is left of the budget for %(month)s: of %(limit)s, %(spent)s is spent and"
            " %(agreed)s agreed to. Send to fewer people or a shorter text, wait for the next month, or have an admin"
            " raise the budget in the settings."
        ) % (
            {"cost": money_text(cost, self.currency), "left": money_text(self.left, self.currency)}
            | self.words
        )

    @property
    def warning(self) -> str:
        """That the limit is near; "" where it is not."""
        if not self.is_near:
            return ""
        return _(
            "%(share)s%% of the budget for %(month)s is used: of %(limit)s, %(spent)s is spent and %(agreed)s agreed to."
        ) % (self.words | {"share": _percent(self.share)})

    def warning_with(self, cost: Decimal) -> str:
        """That the limit is near once this much is agreed to as well; "" where it is not."""
        if not self.limit or self.used + cost < self.limit * NEAR:
            return ""
        return _(
            "With it %(share)s%% of the budget for %(month)s is used: of %(limit)s, %(spent)s is spent, %(agreed)s agreed"
            " to, and this costs %(cost)s."
        ) % (
            self.words
            | {"share": _percent((self.used + cost) / self.limit), "cost": money_text(cost, self.currency)}
        )

    @property
    def words(self) -> dict[str, str]:
        return {
            "month": self.month.name,
            "limit": money_text(self.limit, self.currency),
            "spent": money_text(self.spent, self.currency),
            "agreed": money_text(self.agreed, self.currency),
        }


def month_of(workspace: Workspace, at: datetime | None = None) -> Month:
    zone = zoneinfo.ZoneInfo(workspace.time_zone)
    local = (at or timezone.now()).astimezone(zone)
    begin = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    after = begin + timedelta(days=32)
    return Month(begin, after.replace(day=1))


def budget_of(
    workspace: Workspace, *, at: datetime | None = None, but_broadcast_id: int | None = None
) -> Budget:
    """Of the month of `at`, now unless given. `but_broadcast_id`: it is asked for this one, which does not count itself."""
    month = month_of(workspace, at)
    others = {
        currency: cost
        for currency, cost in spent_in(workspace, month).items()
        if currency != workspace.currency
    }
    asked = AgreedCostsAsked(workspace.pk, workspace.currency, month.begin, month.end, but_broadcast_id)
    answers = agreed_costs_asked.send(sender=Workspace, asked=asked)
    agreed = Decimal(0)
    for _receiver, answer in answers:
        agreed += cast("Decimal", answer)
    own, rest = _spent_and_rest(workspace, month)
    if month.holds_now:
        agreed += rest
    return Budget(month, workspace.currency, workspace.monthly_budget, own, agreed, others)


def spent_in(workspace: Workspace, month: Month) -> dict[str, Decimal]:
    """By currency."""
    rows = _spends(month).filter(workspace=workspace).values_list("currency")
    return {currency: exact(total) for currency, total in rows.annotate(total=Sum("cost")).order_by()}


def _spends(month: Month) -> QuerySet[Spend]:
    return Spend.objects.filter(quarter__gte=month.begin, quarter__lt=month.end)


def hold_budget(workspace: Workspace) -> Workspace:
    """The workspace as it is now. Until the end of the transaction nobody else who would begin something gets past
    this. Without a budget nobody waits."""
    rows = Workspace.objects.filter(pk=workspace.pk)
    fresh = rows.get()
    return fresh if fresh.monthly_budget is None else lock_rows(rows, no_key=True).get()


def require_budget(workspace: Workspace, cost: Decimal | None, currency: str) -> None:
    """In the transaction that begins it. A cost that is unknown or in another currency cannot be held against the
    budget. Raises OverBudget."""
    if not cost or currency != workspace.currency:
        return
    held = hold_budget(workspace)
    if held.monthly_budget is None:
        return
    problem = budget_of(held).problem(cost)
    if problem:
        raise OverBudget(problem)


def _spent_and_rest(workspace: Workspace, month: Month) -> tuple[Decimal, Decimal]:
    """What is spent in its own currency; and of dispatches that have not ended what was agreed to and is not spent.

    In one statement: what the engine charges meanwhile moves from the one to the other, and must not be in neither.
    """
    spent = _spends(month).filter(workspace=OuterRef("pk"), currency=workspace.currency)
    running = Dispatch.objects.filter(
        workspace=OuterRef("pk"),
        state__in=OPEN,
        agreed_cost__isnull=False,
        account__currency=workspace.currency,
    )
    # Of a route it is kept with the dispatch that leads, and spent by all of them.
    beside = Dispatch.objects.filter(lead=OuterRef("pk")).order_by().values("lead")
    spent_beside = Subquery(beside.annotate(total=Sum("cost")).values("total"), output_field=DecimalField())
    rest = Greatest(F("agreed_cost") - F("cost") - Coalesce(spent_beside, NO_COST), NO_COST)
    own, left = Workspace.objects.values_list(_sum_of(spent, F("cost")), _sum_of(running, rest)).get(
        pk=workspace.pk
    )
    return exact(own), exact(left)


def _sum_of(rows: QuerySet[Any], what: Any) -> Subquery:
    total = rows.order_by().values("workspace").annotate(total=Sum(what, output_field=DecimalField()))
    return Subquery(total.values("total"))


def _percent(share: Decimal) -> str:
    return f"{int(share * 100):,}"
