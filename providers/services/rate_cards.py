"""A whole rate card at once: what an import would change, and the import."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from providers.models import ProviderAccount, Rate
from providers.services.prices import touch
from providers.services.refusals import ProviderAccountError

ROWS_AT_ONCE = 2000
# Changes that the audit trail keeps one by one.
IN_AUDIT = 50


@dataclass(frozen=True, slots=True)
class RateChange:
    """`before` is None for a new prefix, `after` for one that goes."""

    prefix: str
    before: Decimal | None
    after: Decimal | None

    def __str__(self) -> str:
        return f"+{self.prefix}: {_price(self.before)} → {_price(self.after)}"


@dataclass(frozen=True, slots=True)
class CardPlan:
    """`same`: how many prefixes keep their price. `digest` changes when any of it does."""

    added: list[RateChange]
    changed: list[RateChange]
    removed: list[RateChange]
    same: int
    digest: str

    @property
    def changes(self) -> list[RateChange]:
        return [*self.changed, *self.removed, *self.added]


def plan_rates(account: ProviderAccount, rates: Mapping[str, Decimal], *, replace: bool) -> CardPlan:
    """What the card becomes. `replace`: prefixes that are not among `rates` go; else they stay."""
    now = dict(account.rates.values_list("prefix", "price"))
    added, changed, same = [], [], 0
    for prefix, price in sorted(rates.items()):
        before = now.get(prefix)
        if before is None:
            added.append(RateChange(prefix, None, price))
        elif before == price:
            same += 1
        else:
            changed.append(RateChange(prefix, before, price))
    gone = sorted(now.keys() - rates.keys()) if replace else []
    removed = [RateChange(prefix, now[prefix], None) for prefix in gone]
    facts = "\n".join(map(str, [*added, *changed, *removed, same, replace]))
    return CardPlan(added, changed, removed, same, hashlib.sha256(facts.encode()).hexdigest()[:24])


def import_rates(
    *,
    account: ProviderAccount,
    rates: Mapping[str, Decimal],
    replace: bool,
    actor: Actor,
    digest: str | None = None,
) -> CardPlan:
    """All of it or nothing. `rates`: cleaned, as a RateFile has them. `digest`: of the plan that a person saw.

    Raises ProviderAccountError: nothing to read, or the card is another one by now (code "card_changed").
    """
    if not rates:
        raise ProviderAccountError(_("There is no price in it that can be read."), field="file")
    with transaction.atomic():
        _lock(account)
        plan = plan_rates(account, rates, replace=replace)
        if digest is not None and plan.digest != digest:
            raise ProviderAccountError(
                _("The rate card was changed meanwhile. Look at what the import would do now."),
                code="card_changed",
            )
        if plan.changes:
            _write(account, plan)
            touch(account)
            _record(account, plan, replace, actor)
    return plan


def _lock(account: ProviderAccount) -> None:
    if connection.features.has_select_for_update:
        ProviderAccount.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)


def _write(account: ProviderAccount, plan: CardPlan) -> None:
    gone = [change.prefix for change in plan.removed]
    for start in range(0, len(gone), ROWS_AT_ONCE):
        Rate.objects.filter(account=account, prefix__in=gone[start : start + ROWS_AT_ONCE]).delete()
    Rate.objects.bulk_create(
        [
            Rate(account=account, prefix=change.prefix, price=change.after)
            for change in (*plan.added, *plan.changed)
            if change.after is not None
        ],
        batch_size=ROWS_AT_ONCE,
        update_conflicts=True,
        unique_fields=["account", "prefix"],
        update_fields=["price"],
    )


def _record(account: ProviderAccount, plan: CardPlan, replace: bool, actor: Actor) -> None:
    record(
        account.workspace,
        actor,
        "imported prices",
        account,
        way="replace" if replace else "merge",
        added=len(plan.added),
        changed=len(plan.changed),
        removed=len(plan.removed),
        prices=[str(change) for change in plan.changes[:IN_AUDIT]],
    )


def _price(price: Decimal | None) -> str:
    return "–" if price is None else f"{price.normalize():f}"
