"""Pages of provider accounts. Everybody sees them, marketers test the connection, admins change them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page, marketer_page, viewer_page
from accounts.models import Role, role_allows
from providers import services
from providers.account_frame import account_of, accounts_of, frame, may_change
from providers.connectors import REGISTRY
from providers.connectors.capabilities import CapabilityLine
from providers.daily import use_today
from providers.forms import AccountForm, ConnectionForm, NewAccountForm, add_refusal, plain_price
from providers.health_view import health_card
from providers.models import ProviderAccount
from providers.route_views import section_tabs
from providers.services import ProviderAccountError, TestResult, vendor_label
from web.edited import values_of
from web.toasts import toast


@dataclass(frozen=True, slots=True)
class _AccountRow:
    account: ProviderAccount
    vendor: str
    price: str


# What one looks for before there is an account; all of it stands on the account's page.
CHOSEN_BY = ("body", "media", "receipts", "inbound", "alphanumeric_senders", "sender_list", "sends_to")


@dataclass(frozen=True, slots=True)
class _Vendor:
    """A connector for templates, which would call the class itself."""

    slug: str
    label: str
    lines: tuple[CapabilityLine, ...]

    @classmethod
    def of(cls, slug: str) -> _Vendor:
        lines = {line.name: line for line in REGISTRY[slug].capabilities.lines()}
        return cls(slug, REGISTRY[slug].label, tuple(lines[name] for name in CHOSEN_BY))


# --- list and new ---------------------------------------------------------------------------------


@require_GET
@viewer_page
def account_list(request: WorkspaceRequest) -> HttpResponse:
    accounts = accounts_of(request).annotate(rate_count=Count("rates")).order_by("-enabled", "name")
    rows = [_AccountRow(one, vendor_label(one.vendor), _price_words(one, one.rate_count)) for one in accounts]
    context = {
        "rows": rows,
        "may_change": may_change(request),
        "tabs": section_tabs("provider-account-list"),
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
    """`?hours=`: 1, 24 or 168 of the figures."""
    account = account_of(request, pk)
    connector = REGISTRY.get(account.vendor)
    context = frame(request, account, "detail") | {
        "capabilities": connector.capabilities.lines() if connector else (),
        "opening_problem": services.opening_problem(account),
        "card": health_card(account, request.GET.get("hours", "")),
        "troubled": services.troubled_calls(account),
        "receipts": services.receipt_kind(account).value,
        "day": use_today(account) if account.parts_per_day is not None else None,
        "receipt_round": services.round_of(account.pk),
        "price": _price_words(account, account.rates.count()),
        "sends_pictures": connector is not None and connector.capabilities.media,
        "media_price": _money_words(account, account.media_price),
        "may_test": role_allows(request.membership.role, Role.MARKETER) and connector is not None,
    }
    if may_change(request) and connector:
        context |= {
            "webhook": services.shown_webhook_address(account),
            "can_register_webhook": services.can_register_webhook(account),
        }
    return render(request, "providers/account_detail.html", context)


@require_GET
@admin_page
def account_settings(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    if account.vendor not in REGISTRY:
        raise Http404
    return _settings(request, account)


@require_POST
@admin_page
@transaction.atomic
def edit(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    kept = ProviderAccount.objects.select_for_update().get(pk=account.pk)
    form = AccountForm(request.POST, now=values_of(kept, AccountForm.base_fields))
    if form.is_valid():
        try:
            services.update_account(account=account, actor=actor_of(request), **form.account_fields())
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("provider-account-settings", account.pk)
    return _settings(request, account, edit_form=form)


@require_POST
@admin_page
def reconnect(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Replaces address and credentials."""
    account = account_of(request, pk)
    form = ConnectionForm(account.vendor, request.POST, account=account)
    if form.is_valid():
        try:
            services.update_account(account=account, actor=actor_of(request), **form.connection())
        except ProviderAccountError as error:
            add_refusal(form, error)
        else:
            toast(request, _("The connection is saved. Test it next."))
            return _to(account)
    return _settings(request, account, connection_form=form)


@require_POST
@admin_page
def switch(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """`on`: 1 enables, anything else disables."""
    account, on = account_of(request, pk), request.POST.get("on") == "1"
    services.set_enabled(account=account, enabled=on, actor=actor_of(request))
    words = _("%(account)s is enabled.") if on else _("%(account)s is disabled.")
    toast(request, words % {"account": account})
    return _to(account)


@require_GET
@viewer_page
def health(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The live part of the connection card."""
    return render(request, "providers/_health.html", {"account": account_of(request, pk)})


@require_POST
@marketer_page
def test(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    return _answer(request, account, services.test_account(account))


@require_POST
@admin_page
def register_webhook(request: WorkspaceRequest, pk: int) -> HttpResponse:
    account = account_of(request, pk)
    if not services.can_register_webhook(account):
        raise Http404
    result = services.register_webhook(account=account, actor=actor_of(request))
    toast(request, services.result_words(result), level="success" if result.ok else "error")
    return _to(account)


# --- helpers --------------------------------------------------------------------------------------


def _to(account: ProviderAccount) -> HttpResponse:
    return redirect("provider-account-detail", account.pk)


def _settings(request: WorkspaceRequest, account: ProviderAccount, **bound: forms.Form) -> HttpResponse:
    """The page; `bound`: a refused form in the place of a fresh one, by its name in the template."""
    context: dict[str, Any] = frame(request, account, "settings") | {
        "sends_pictures": REGISTRY[account.vendor].capabilities.media,
        "edit_form": AccountForm.of(account),
        "connection_form": ConnectionForm(account.vendor, account=account),
    }
    status = 422 if bound else 200
    return render(request, "providers/account_settings.html", context | bound, status=status)


def _answer(request: WorkspaceRequest, account: ProviderAccount, result: TestResult) -> HttpResponse:
    """To htmx the card's live part with the result; without script, back to the page with a toast."""
    account.refresh_from_db()
    if request.htmx:
        return render(request, "providers/_health.html", {"account": account, "result": result})
    toast(request, services.result_words(result), level="success" if result.ok else "error")
    return _to(account)


def _price_words(account: ProviderAccount, rates: int) -> str:
    parts = [] if account.default_price is None else [_money_words(account, account.default_price)]
    if rates:
        parts.append(ngettext("%(n)s prefix", "%(n)s prefixes", rates) % {"n": rates})
    return ", ".join(parts) or _("not known")


def _money_words(account: ProviderAccount, price: Decimal | None) -> str:
    if price is None:
        return _("not known")
    return _("%(price)s %(currency)s") % {"price": plain_price(price), "currency": account.currency}
