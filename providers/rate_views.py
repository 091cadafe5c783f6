"""The rate card of an account: looked through by everybody, imported by admins, exported."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, viewer_page
from providers import services
from providers.account_frame import account_of, frame, may_change
from providers.forms import RateForm, RateImportForm, add_refusal, plain_price
from providers.models import ProviderAccount, Rate
from providers.services import (
    CardPlan,
    ProviderAccountError,
    RateChange,
    RateFile,
    import_rates,
    plan_rates,
    rate_for,
    read_rates,
)
from providers.services.prefixes import PREFIX_DIGITS, clean_prefix
from providers.services.prices import clean_price
from web.toasts import toast

ROWS = 50
# Of each kind that an import's dry run names one by one.
SHOWN = 20


@require_GET
@viewer_page
def rate_card(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`?q=`: a prefix, or a number: all that fit it, and what it costs."""
    return _card(request, account_of(request, pk))


@require_POST
@admin_page
def set_rate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account, form = account_of(request, pk), RateForm(request.POST)
    if form.is_valid():
        try:
            rate = services.set_rate(account=account, actor=actor_of(request), **form.cleaned_data)
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Numbers that begin with %(prefix)s have their price.") % {"prefix": rate})
            return redirect("provider-account-rate-card", account.pk)
    return _card(request, account, rate_form=form)


@require_POST
@admin_page
def remove_rate(request: WorkspaceRequest, pk: int, rate: int) -> HttpResponse:
    account = account_of(request, pk)
    row = get_object_or_404(Rate.objects.select_related("account__workspace"), account=account, pk=rate)
    services.remove_rate(rate=row, actor=actor_of(request))
    toast(request, _("Removed %(prefix)s from the rate card.") % {"prefix": row})
    return redirect("provider-account-rate-card", account.pk)


def _card(
    request: WorkspaceRequest, account: ProviderAccount, rate_form: RateForm | None = None
) -> HttpResponse:
    """`rate_form`: refused, in the place of a fresh one."""
    digits = _digits(request.GET.get("q", ""))
    page = Paginator(_fitting(account, digits), ROWS).get_page(request.GET.get("page"))
    context = frame(request, account, "rate-card") | {
        "q": request.GET.get("q", ""),
        "answer": _answer(account, digits),
        "page": page,
        "previous": _link(request, account, page, -1),
        "next": _link(request, account, page, 1),
        "rows": [(rate, plain_price(rate.price)) for rate in page],
        "is_any": bool(page) or account.rates.exists(),
        "other_price": _other_price(account),
        "rate_form": rate_form or (RateForm() if may_change(request) else None),
    }
    return render(request, "providers/rate_card.html", context, status=422 if rate_form else 200)


def _fitting(account: ProviderAccount, digits: str) -> QuerySet[Rate]:
    rates = account.rates.order_by("prefix")
    if not digits:
        return rates
    shorter = [digits[:length] for length in range(1, min(len(digits), PREFIX_DIGITS) + 1)]
    return rates.filter(Q(prefix__startswith=digits) | Q(prefix__in=shorter))


def _answer(account: ProviderAccount, digits: str) -> str:
    """What a number that begins so costs."""
    if not digits:
        return ""
    rate = rate_for(account, digits)
    if rate is not None:
        return _(
            "A part to a number that begins with +%(digits)s costs %(price)s %(currency)s, by %(prefix)s."
        ) % {
            "digits": digits,
            "price": plain_price(rate.price),
            "currency": account.currency,
            "prefix": rate,
        }
    return _("No prefix fits +%(digits)s. %(other)s") % {"digits": digits, "other": _other_price(account)}


def _other_price(account: ProviderAccount) -> str:
    if account.default_price is None:
        return _("All other numbers have no price: their cost is not known.")
    amount = {"price": plain_price(account.default_price), "currency": account.currency}
    return _("All other numbers cost %(price)s %(currency)s a part.") % amount


def _link(request: WorkspaceRequest, account: ProviderAccount, page: Page[Rate], by: int) -> str:
    number = page.number + by
    if not 1 <= number <= page.paginator.num_pages:
        return ""
    query = request.GET.copy()
    query["page"] = str(number)
    return f"{reverse('provider-account-rate-card', args=[account.pk])}?{query.urlencode()}"


def _digits(written: str) -> str:
    return "".join(char for char in written if char.isascii() and char.isdigit())[:PREFIX_DIGITS]


# --- import -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """Changes of one kind: the first ones, and how many more."""

    title: str
    changes: list[RateChange]
    more: int


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def rate_import(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """A file is only looked at; what was read of it comes back with the button that imports it."""
    account = account_of(request, pk)
    if request.method != "POST":
        return _import_page(request, account, RateImportForm())
    form = RateImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_page(request, account, form, status=422)
    try:
        if form.cleaned_data["rates"]:
            return _import(request, account, form)
        found = read_rates(form.cleaned_data["file"].read(), currency=account.currency)
    except ProviderAccountError as error:
        add_refusal(form, error)
        return _import_page(request, account, form, status=422)
    return _checked(request, account, form, found)


def _import(request: WorkspaceRequest, account: ProviderAccount, form: RateImportForm) -> HttpResponse:
    rates = _from_page(form.cleaned_data["rates"])
    try:
        plan = import_rates(
            account=account,
            rates=rates,
            replace=form.replaces,
            actor=actor_of(request),
            digest=form.cleaned_data["digest"],
        )
    except ProviderAccountError as error:
        if error.code != "card_changed":
            raise
        return _checked(request, account, form, RateFile(rates, [], [], []), str(error.sentence))
    words = _("Imported: %(added)s new, %(changed)s changed, %(removed)s removed, %(same)s as before.")
    toast(request, words % _counts(plan))
    return redirect("provider-account-rate-card", account.pk)


def _from_page(written: str) -> dict[str, Decimal]:
    """`44 0.04;447 0.03`: as `_for_page` wrote it. Checked anew, as anybody may post anything."""
    rates: dict[str, Decimal] = {}
    for pair in written.split(";"):
        prefix, _space, price = pair.partition(" ")
        rates[clean_prefix(prefix)] = clean_price(price)
    return rates


def _for_page(rates: dict[str, Decimal]) -> str:
    return ";".join(f"{prefix} {plain_price(price)}" for prefix, price in rates.items())


def _checked(
    request: WorkspaceRequest,
    account: ProviderAccount,
    form: RateImportForm,
    found: RateFile,
    refusal: str = "",
) -> HttpResponse:
    """The dry run. Merged or replaced is chosen before, as it decides what is removed."""
    plan = plan_rates(account, found.rates, replace=form.replaces)
    context = {
        "account": account,
        "found": found,
        "plan": plan,
        "counts": _counts(plan),
        "groups": [
            _group(_("Changed"), plan.changed),
            _group(_("Removed"), plan.removed),
            _group(_("New"), plan.added),
        ],
        "bad_rows": found.bad_rows[:SHOWN],
        "more_bad": max(len(found.bad_rows) - SHOWN, 0),
        "doubles": found.doubles[:SHOWN],
        "more_doubles": max(len(found.doubles) - SHOWN, 0),
        "rates": _for_page(found.rates),
        "way": form.cleaned_data["way"],
        "replaces": form.replaces,
        "verb": _verb(plan),
        "refusal": refusal,
    }
    return render(request, "providers/rate_check.html", context, status=422 if refusal else 200)


def _group(title: str, changes: list[RateChange]) -> _Group:
    return _Group(title, changes[:SHOWN], max(len(changes) - SHOWN, 0))


def _counts(plan: CardPlan) -> dict[str, str]:
    return {
        "added": f"{len(plan.added):,}",
        "changed": f"{len(plan.changed):,}",
        "removed": f"{len(plan.removed):,}",
        "same": f"{plan.same:,}",
    }


def _verb(plan: CardPlan) -> str:
    count = len(plan.changes)
    return ngettext("Make %(n)s change", "Make %(n)s changes", count) % {"n": f"{count:,}"} if count else ""


def _import_page(
    request: WorkspaceRequest, account: ProviderAccount, form: RateImportForm, status: int = 200
) -> HttpResponse:
    context = {"account": account, "form": form}
    return render(request, "providers/rate_import.html", context, status=status)


# --- export -----------------------------------------------------------------------------------------


class _Echo:
    def write(self, line: str) -> str:
        return line


@require_GET
@viewer_page
def rate_export(request: WorkspaceRequest, pk: int) -> Any:
    """As the import reads it back."""
    account = account_of(request, pk)

    def lines() -> Iterator[str]:
        writer = csv.writer(_Echo())
        yield "\ufeff" + writer.writerow(["prefix", "price", "currency"])
        for prefix, price in account.rates.order_by("prefix").values_list("prefix", "price"):
            yield writer.writerow([prefix, plain_price(price), account.currency])

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    name = slugify(account.name) or "rate-card"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-prices.csv"'
    return response
