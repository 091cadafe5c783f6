"""What people enter about routes. The rules are the services'; here it is only read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext_lazy as _

from providers.models import ProviderAccount, Route, RouteStep, RouteStrategy
from providers.services.routes import NAME_MOST, StepFields
from web.edited import TellsEdited
from web.forms import ChoiceList, Form

STRATEGY_WORDS = (
    (RouteStrategy.ORDER.value, _("The first one, by its place, that takes the number")),
    (RouteStrategy.WEIGHT.value, _("Spread over all that take the number, by their weights")),
    (RouteStrategy.CHEAPEST.value, _("The one whose price for the number is lowest")),
)


@dataclass(frozen=True, slots=True)
class StepRow:
    """The fields of one account."""

    account: ProviderAccount
    place: BoundField
    weight: BoundField
    only: BoundField


class RouteForm(TellsEdited, Form):
    """With three fields for each account: one without a place is not in the route."""

    name = forms.CharField(label=_("Name"), max_length=NAME_MOST)
    strategy = forms.ChoiceField(
        label=_("Which account a message takes"),
        choices=STRATEGY_WORDS,
        initial=RouteStrategy.ORDER,
        widget=ChoiceList,
    )

    def __init__(self, *args: Any, accounts: Sequence[ProviderAccount], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accounts = list(accounts)
        number = forms.NumberInput(attrs={"min": "1"})
        for account in self.accounts:
            self.fields[f"place_{account.pk}"] = forms.IntegerField(
                label=_("Place"), required=False, min_value=1, max_value=1000, widget=number
            )
            self.fields[f"weight_{account.pk}"] = forms.IntegerField(
                label=_("Weight"), required=False, min_value=1, widget=number
            )
            self.fields[f"only_{account.pk}"] = forms.CharField(
                label=_("Only numbers of"), required=False, max_length=2000
            )

    @property
    def rows(self) -> Iterator[StepRow]:
        for account in self.accounts:
            yield StepRow(account, *(self[f"{name}_{account.pk}"] for name in ("place", "weight", "only")))

    def steps(self) -> list[StepFields]:
        """In their order; of equal places the account that is listed first."""
        given = self.cleaned_data
        placed = [
            (given[f"place_{account.pk}"], number, account)
            for number, account in enumerate(self.accounts)
            if given[f"place_{account.pk}"] is not None
        ]
        return [
            {
                "account": account,
                "weight": given[f"weight_{account.pk}"] or 1,
                "only": given[f"only_{account.pk}"].replace(",", " ").split(),
            }
            for _place, _number, account in sorted(placed, key=lambda one: one[:2])
        ]


def values_of_route(route: Route) -> dict[str, Any]:
    """As the form's fields have them."""
    found: dict[str, Any] = {"name": route.name, "strategy": route.strategy}
    for step in route.steps.all():
        found |= {
            f"place_{step.account_id}": step.position,
            f"weight_{step.account_id}": step.weight,
            f"only_{step.account_id}": ", ".join(only_words(step)),
        }
    return found


def only_words(step: RouteStep) -> list[str]:
    """Countries first, then beginnings with their plus."""
    ordered = sorted(step.only, key=lambda one: (one.isdigit(), one))
    return [f"+{one}" if one.isdigit() else one for one in ordered]
