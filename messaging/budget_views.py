"""The budget in the settings: this month's use, the limit, and the months before. Everybody sees it, admins change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import services
from accounts.access import WorkspaceRequest, actor_of, admin_page, viewer_page
from accounts.errors import AccountsError
from accounts.models import Role, Workspace, role_allows
from accounts.settings_views import settings_tabs
from messaging.budget import Budget, Month, budget_of, month_of, spent_in
from web.edited import TellsEdited, values_of
from web.forms import ModelForm
from web.money import money_text
from web.toasts import toast

MONTHS_BEFORE = 6


class BudgetForm(TellsEdited, ModelForm):
    """Only reads and checks: saving is update_workspace()."""

    class Meta:
        model = Workspace
        fields = ("monthly_budget",)
        labels = {"monthly_budget": gettext_lazy("Budget a month")}
        help_texts = {
            "monthly_budget": gettext_lazy(
                "In the workspace's currency. Nothing that would cost more than is left can be sent. Empty: no limit."
            )
        }
        error_messages = {
            "monthly_budget": {
                "min_value": gettext_lazy(
                    "The budget is %(show_value)s, which is below 0. Enter 0 or more, or leave it empty for no limit."
                ),
                "invalid": gettext_lazy(
                    "The budget is no amount. Enter digits, such as 500 or 499.50, or leave it empty for no limit."
                ),
                "max_decimal_places": gettext_lazy(
                    "The budget has more than two decimal places. Leave the others out."
                ),
                "max_whole_digits": gettext_lazy(
                    "The budget has more than 12 digits before the decimal point. Enter a smaller one."
                ),
                "max_digits": gettext_lazy("The budget has more than 14 digits. Enter a smaller one."),
            }
        }


@dataclass(frozen=True, slots=True)
class _Spent:
    """A month and what it cost, each currency by itself."""

    month: Month
    amounts: list[str]


@require_http_methods(["GET", "HEAD", "POST"])
@viewer_page
def budget_page(request: WorkspaceRequest) -> HttpResponse:
    return (
        _save(request)
        if request.method == "POST"
        else _page(request, BudgetForm(instance=request.workspace, now=_now(request.workspace)))
    )


def _now(workspace: Workspace) -> dict[str, Any]:
    return values_of(workspace, BudgetForm.base_fields)


@admin_page
@transaction.atomic
def _save(request: WorkspaceRequest) -> HttpResponse:
    # The form writes what was typed into its instance: a copy, as the page shows the saved one.
    kept = Workspace.objects.select_for_update().get(pk=request.workspace.pk)
    form = BudgetForm(request.POST, instance=kept, now=_now(kept))
    if form.is_valid():
        try:
            services.update_workspace(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            form.add_error("monthly_budget", str(error))
        else:
            toast(request, _("Saved."))
            return redirect("settings-budget")
    return _page(request, form, status=422)


def _page(request: WorkspaceRequest, form: BudgetForm, status: int = 200) -> HttpResponse:
    budget = budget_of(request.workspace)
    context = {
        "tabs": settings_tabs(request),
        "may_change": role_allows(request.membership.role, Role.ADMIN),
        "form": form,
        "budget": budget,
        "stats": _stats(budget),
        "bar_width": int(min(budget.share, Decimal(1)) * 100),
        "others": [money_text(cost, currency) for currency, cost in sorted(budget.others.items()) if cost],
        "before": _months_before(request.workspace, budget.month),
    }
    return render(request, "messaging/settings_budget.html", context, status=status)


def _stats(budget: Budget) -> list[dict[str, str]]:
    words = budget.words
    share = _("%(percent)s%% of the budget is used") % {"percent": int(budget.share * 100)}
    stats = [
        {"label": _("Spent"), "value": words["spent"], "sub": ""},
        {"label": _("Agreed to, not yet spent"), "value": words["agreed"], "sub": ""},
    ]
    if budget.limit is not None:
        left = money_text(budget.left, budget.currency)
        stats.append({"label": _("Left"), "value": left, "sub": share})
    return stats


def _months_before(workspace: Workspace, month: Month) -> list[_Spent]:
    """The latest first; months without spending are left out."""
    found: list[_Spent] = []
    for _number in range(MONTHS_BEFORE):
        month = month_of(workspace, month.begin - timedelta(days=1))
        amounts = [
            money_text(cost, currency) for currency, cost in sorted(spent_in(workspace, month).items())
        ]
        if amounts:
            found.append(_Spent(month, amounts))
    return found
