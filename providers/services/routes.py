"""Routes: several accounts in place of one. Called alike by page, API and admin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NotRequired, TypedDict

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.choices import country_choices
from accounts.models import Workspace
from providers.models import ProviderAccount, Route, RouteStep, RouteStrategy
from providers.services.prefixes import clean_prefix
from providers.services.refusals import ProviderAccountError
from web.names import name_problem, stripped_name

NAME_MOST = 100
STEPS_MOST = 20
ONLY_MOST = 300
WEIGHT_MOST = 10_000


class StepFields(TypedDict):
    """`only`: ISO codes of countries and beginnings of numbers, such as "US" or "+4477"."""

    account: ProviderAccount
    weight: NotRequired[int]
    only: NotRequired[Iterable[str]]


def create_route(
    *,
    workspace: Workspace,
    actor: Actor,
    name: str,
    strategy: str = RouteStrategy.ORDER,
    steps: Sequence[StepFields] = (),
) -> Route:
    """`steps`: in their order. Raises ProviderAccountError with the field."""
    made = Route(workspace=workspace, name=_clean_name(name), strategy=_clean_strategy(strategy))
    rows = _clean_steps(workspace, steps)
    with transaction.atomic():
        _save(made)
        _replace_steps(made, rows)
        record(workspace, actor, "created", made, strategy=made.strategy, accounts=_words(rows))
    return made


def update_route(
    *,
    route: Route,
    actor: Actor,
    name: str | None = None,
    strategy: str | None = None,
    steps: Sequence[StepFields] | None = None,
    enabled: bool | None = None,
) -> Route:
    """What is given, all of it or nothing; `steps` replaces them all. What is launched already keeps the route as it was.

    Raises ProviderAccountError with the field.
    """
    changed: dict[str, Any] = {}
    with transaction.atomic():
        Route.objects.select_for_update().get(pk=route.pk)
        if name is not None and (clean := _clean_name(name)) != route.name:
            changed["was"] = route.name
            route.name = clean
        if strategy is not None and _clean_strategy(strategy) != route.strategy:
            changed["strategy"] = route.strategy = strategy
        if enabled is not None and enabled != route.enabled:
            changed["enabled"] = route.enabled = enabled
        if steps is not None:
            rows = _clean_steps(route.workspace, steps)
            if [_fact(row) for row in rows] != [_fact(row) for row in route.steps.all()]:
                _replace_steps(route, rows)
                changed["accounts"] = _words(rows)
        if changed:
            _save(route)
            record(route.workspace, actor, "changed", route, **changed)
    return route


def _fact(step: RouteStep) -> tuple[int, int, list[str]]:
    return step.account_id, step.weight, list(step.only)


def _replace_steps(route: Route, rows: Sequence[RouteStep]) -> None:
    RouteStep.objects.filter(route=route).delete()
    for row in rows:
        row.route = route
    RouteStep.objects.bulk_create(rows)


def _clean_steps(workspace: Workspace, steps: Sequence[StepFields]) -> list[RouteStep]:
    if len(steps) > STEPS_MOST:
        sentence = _("A route has %(most)s accounts at most, and these are %(n)s. Take some off.")
        raise ProviderAccountError(sentence % {"most": STEPS_MOST, "n": len(steps)}, field="steps")
    rows: list[RouteStep] = []
    for position, step in enumerate(steps, 1):
        account, weight = step["account"], step.get("weight", 1)
        if account.workspace_id != workspace.pk:
            raise ProviderAccountError(
                _("One of the accounts does not exist in this workspace."), field="steps"
            )
        if any(row.account_id == account.pk for row in rows):
            sentence = _("%(account)s is in the route twice. Name it once, with all its numbers.")
            raise ProviderAccountError(sentence % {"account": account}, field="steps")
        if not 1 <= weight <= WEIGHT_MOST:
            sentence = _("The weight of %(account)s is %(weight)s; it has to be from 1 to %(most)s.")
            values = {"account": account, "weight": f"{weight:,}", "most": f"{WEIGHT_MOST:,}"}
            raise ProviderAccountError(sentence % values, field="steps")
        only = clean_only(step.get("only", ()))
        rows.append(RouteStep(account=account, position=position, weight=weight, only=only))
    if len({row.account.currency for row in rows}) > 1:
        sentence = _(
            "The accounts charge in different currencies (%(currencies)s), so nobody could say what a broadcast costs. A"
            " route has accounts of one currency."
        )
        currencies = ", ".join(sorted({row.account.currency for row in rows}))
        raise ProviderAccountError(sentence % {"currencies": currencies}, field="steps")
    return rows


def clean_only(values: Iterable[str]) -> list[str]:
    """`us`, `+44 7700` -> `US`, `447700`; sorted, each once. Raises ProviderAccountError."""
    known = {code for code, _label in country_choices()}
    found: set[str] = set()
    for value in values:
        written = str(value).strip()
        if not written:
            continue
        if written.upper() in known:
            found.add(written.upper())
        elif written.lstrip("+")[:1].isdigit():
            found.add(_clean_beginning(written))
        else:
            sentence = _(
                "“%(value)s” is neither a country's code nor the beginning of a number: write it like US or +4477."
            )
            raise ProviderAccountError(sentence % {"value": written[:40]}, field="steps")
    if len(found) > ONLY_MOST:
        sentence = _("These are %(n)s countries and beginnings; at most %(most)s. Take some off.")
        raise ProviderAccountError(sentence % {"n": len(found), "most": ONLY_MOST}, field="steps")
    return sorted(found)


def _clean_beginning(written: str) -> str:
    try:
        return clean_prefix(written)
    except ProviderAccountError as error:
        raise ProviderAccountError(error.sentence, field="steps") from None


def _words(rows: Sequence[RouteStep]) -> list[str]:
    return [row.account.name for row in rows]


def _clean_name(value: str) -> str:
    name = " ".join(stripped_name(value).split())
    if not name:
        raise ProviderAccountError(_("The name of the route is empty. Enter one."), field="name")
    if problem := name_problem(name):
        raise ProviderAccountError(problem, field="name")
    if len(name) > NAME_MOST:
        sentence = _("The name has %(n)s characters; at most %(most)s.")
        raise ProviderAccountError(sentence % {"n": len(name), "most": NAME_MOST}, field="name")
    return name


def _clean_strategy(value: str) -> str:
    if value not in RouteStrategy.values:
        sentence = _("“%(strategy)s” is no way to choose an account: order, weight or cheapest.")
        raise ProviderAccountError(sentence % {"strategy": str(value)[:20]}, field="strategy")
    return value


def _save(route: Route) -> None:
    try:
        with transaction.atomic():
            route.save()
    except IntegrityError:
        sentence = _("There is a route “%(name)s” already. Choose another name.")
        raise ProviderAccountError(sentence % {"name": route.name}, field="name", code="name_taken") from None
