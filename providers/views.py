"""Pages of provider accounts. Everybody sees them, marketers test the connection, admins change them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, get_row, marketer_page, viewer_page
from accounts.models import Role, role_allows
from providers import services
from providers.connectors import REGISTRY
from providers.connectors.capabilities import CapabilityLine
from providers.forms import AccountForm, ConnectionForm, NewAccountForm, RateForm, add_refusal, plain_price
from providers.models import ProviderAccount, Rate, StoredWebhookCall
from providers.services import ProviderAccountError, TestResult, vendor_label
from web.toasts import toast

RECENT_CALLS = 20
# On the account's own page; the others on that of its rate card.
RATES_SHOWN = 10
BODY_SHOWN = 2000  # bytes


@dataclass(frozen=True, slots=True)
class _AccountRow:
    account: ProviderAccount
    vendor: str
    price: str


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A connector for templates, which would call the class itself."""

    slug: str
    label: str
    lines: tuple[CapabilityLine, ...]

    @classmethod
    def of(cls, slug: str) -> _Vendor:
        return cls(slug, REGISTRY[slug].label, REGISTRY[slug].capabilities.lines())


# --- list and new ---------------------------------------------------------------------------------


@require_GET
@viewer_page
def account_list(request: WorkspaceRequest) -> HttpResponse:
    accounts = _accounts(request).annotate(rate_count=Count("rates")).order_by("-enabled", "name")
    rows = [_AccountRow(one, vendor_label(one.vendor), _price_words(one, one.rate_count)) for one in accounts]
    context = {
        "rows": rows,
        "may_change": _may_change(request),
        "offer_sandbox": bool(settings.SANDBOX_URL) and not services.sandbox_accounts(request.workspace),
    }
    return render(request, "providers/account_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@admin_page
def account_new(request: WorkspaceRequest) -> HttpResponse:
    """First the vendor, by `?vendor=`; then its form."""
    vendor = request.GET.get("vendor", "")
    if vendor not in REGISTRY:
        return render(
            request, "providers/account_vendor.html", {"vendors": [_Vendor.of(slug) for slug in REGISTRY]}
        )
    currency = request.workspace.currency
    posted = request.POST if request.method == "POST" else None
    form = NewAccountForm(vendor, posted, currency=currency)
    if form.is_valid():
        try:
            account = services.create_account(
                workspace=request.workspace,
                vendor=vendor,
                actor=actor_of(request),
                **form.connection(),
                **form.account_fields(),
            )
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(account)s is saved. Test the connection next.") % {"account": account})
            return _to(account)
    context = {"form": form, "vendor": _Vendor.of(vendor)}
    return render(request, "providers/account_new.html", context, status=422 if form.is_bound else 200)


@require_POST
@admin_page
def add_sandbox(request: WorkspaceRequest) -> HttpResponse:
    if not settings.SANDBOX_URL:
        raise Http404
    services.create_sandbox_accounts(request.workspace, actor=actor_of(request))
    services.register_sandbox_webhooks(workspace=request.workspace)
    toast(request, _("The sandbox accounts are ready. What they send shows on the handset."))
    return redirect("provider-account-list")


# --- one account ----------------------------------------------------------------------------------


@require_GET
@viewer_page
def account_detail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    return _detail(request, _account(request, pk))


@require_POST
@admin_page
def edit(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account, form = _account(request, pk), AccountForm(request.POST)
    if form.is_valid():
        try:
            services.update_account(account=account, actor=actor_of(request), **form.account_fields())
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return _to(account)
    return _detail(request, account, edit_form=form)


@require_POST
@admin_page
def reconnect(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Replaces address and credentials."""
    account = _account(request, pk)
    form = ConnectionForm(account.vendor, request.POST, account=account)
    if form.is_valid():
        try:
            services.update_account(account=account, actor=actor_of(request), **form.connection())
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("The connection is saved. Test it next."))
            return _to(account)
    return _detail(request, account, connection_form=form)


@require_POST
@admin_page
def switch(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    account, on = _account(request, pk), request.POST.get("on") == "1"
    services.set_enabled(account=account, enabled=on, actor=actor_of(request))
    words = _("%(account)s is enabled.") if on else _("%(account)s is disabled.")
    toast(request, words % {"account": account})
    return _to(account)


@require_GET
@viewer_page
def health(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The live part of the connection card."""
    return render(request, "providers/_health.html", {"account": _account(request, pk)})


@require_POST
@marketer_page
def test(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = _account(request, pk)
    return _answer(request, account, services.test_account(account))


@require_POST
@admin_page
def register_webhook(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = _account(request, pk)
    if not services.can_register_webhook(account):
        raise Http404
    result = services.register_webhook(account=account, actor=actor_of(request))
    toast(request, _result_words(result), level="success" if result.ok else "error")
    return _to(account)


@require_POST
@admin_page
def set_rate(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account, form = _account(request, pk), RateForm(request.POST)
    if form.is_valid():
        try:
            rate = services.set_rate(account=account, actor=actor_of(request), **form.cleaned_data)
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Numbers that begin with %(prefix)s have their price.") % {"prefix": rate})
            return redirect(_page_after(request, account))
    return _detail(request, account, rate_form=form)


@require_POST
@admin_page
def remove_rate(request: WorkspaceRequest, pk: int, rate: int) -> HttpResponse:
    account = _account(request, pk)
    row = get_object_or_404(Rate.objects.select_related("account__workspace"), account=account, pk=rate)
    services.remove_rate(rate=row, actor=actor_of(request))
    toast(request, _("Removed %(prefix)s from the rate card.") % {"prefix": row})
    return redirect(_page_after(request, account))


def _page_after(request: WorkspaceRequest, account: ProviderAccount) -> str:
    """The page of the rate card for what was done there."""
    if "card" in request.POST:
        return reverse("provider-account-rate-card", args=[account.pk])
    return reverse("provider-account-detail", args=[account.pk]) + "#rates"


# --- helpers --------------------------------------------------------------------------------------


def _accounts(request: WorkspaceRequest) -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.filter(workspace=request.workspace).select_related("workspace")


def _account(request: WorkspaceRequest, pk: int) -> ProviderAccount:
    return get_row(request, _accounts(request), pk=pk)


def _may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.ADMIN)


def _to(account: ProviderAccount, place: str = "") -> HttpResponse:
    return HttpResponseRedirect(redirect("provider-account-detail", account.pk).url + place)


def _detail(
    request: WorkspaceRequest, account: ProviderAccount, result: TestResult | None = None, **bound: forms.Form
) -> HttpResponse:
    """The page; `bound`: a refused form in the place of a fresh one, by its name in the template."""
    may_change, connector = _may_change(request), REGISTRY.get(account.vendor)
    context: dict[str, Any] = {
        "account": account,
        "result": result,
        "vendor": vendor_label(account.vendor),
        "capabilities": connector.capabilities.lines() if connector else (),
        "rates": [(rate, plain_price(rate.price)) for rate in account.rates.order_by("prefix")[:RATES_SHOWN]],
        "rate_count": account.rates.count(),
        "price": _price_words(account, 0),
        "sends_pictures": connector is not None and connector.capabilities.media,
        "media_price": _money_words(account, account.media_price),
        "calls": _recent_calls(account, with_body=may_change),
        "may_change": may_change,
        "may_test": role_allows(request.membership.role, Role.MARKETER) and connector is not None,
    }
    if may_change and connector:
        context |= {
            "edit_form": AccountForm.of(account),
            "connection_form": ConnectionForm(account.vendor, account=account),
            "rate_form": RateForm(),
            "receipt_url": services.receipt_url(account),
            "can_register_webhook": services.can_register_webhook(account),
        }
    status = 422 if bound else 200
    return render(request, "providers/account_detail.html", context | bound, status=status)


def _answer(request: WorkspaceRequest, account: ProviderAccount, result: TestResult) -> HttpResponse:
    """To htmx the card's live part with the result; without script, back to the page with a toast."""
    account.refresh_from_db()
    if request.htmx:
        return render(request, "providers/_health.html", {"account": account, "result": result})
    toast(request, _result_words(result), level="success" if result.ok else "error")
    return _to(account)


def _result_words(result: TestResult) -> str:
    if not result.words:
        return result.sentence
    return _("%(sentence)s The provider's words: %(words)s") % {
        "sentence": result.sentence,
        "words": result.words,
    }


@dataclass(frozen=True, slots=True)
class _CallRow:
    call: StoredWebhookCall
    # "" where the viewer may not see it: whoever knows what a vendor posts could post it, too.
    body: str


def _recent_calls(account: ProviderAccount, *, with_body: bool) -> list[_CallRow]:
    calls = account.webhook_calls.order_by("-received_at")[:RECENT_CALLS]
    return [
        _CallRow(call, bytes(call.body)[:BODY_SHOWN].decode("utf-8", "replace") if with_body else "")
        for call in (calls if with_body else calls.defer("body"))
    ]


def _price_words(account: ProviderAccount, rates: int) -> str:
    parts = [] if account.default_price is None else [_money_words(account, account.default_price)]
    if rates:
        parts.append(ngettext("%(n)s prefix", "%(n)s prefixes", rates) % {"n": rates})
    return ", ".join(parts) or _("not known")


def _money_words(account: ProviderAccount, price: Decimal | None) -> str:
    if price is None:
        return _("not known")
    return _("%(price)s %(currency)s") % {"price": plain_price(price), "currency": account.currency}
