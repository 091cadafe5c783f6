"""What all pages of one provider account share: its row, its tabs, and who may do what there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest, get_row
from accounts.models import Role, role_allows
from providers.connectors import REGISTRY
from providers.models import ProviderAccount
from providers.services import sections_of, vendor_label
from providers.services.sync import synced_entities


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of an account. `admins`: nobody else sees it."""

    name: str
    label: str
    admins: bool = False


def accounts_of(request: WorkspaceRequest) -> QuerySet[ProviderAccount]:
    return ProviderAccount.objects.filter(workspace=request.workspace).select_related("workspace")


def account_of(request: WorkspaceRequest, pk: int) -> ProviderAccount:
    return get_row(request, accounts_of(request), pk=pk)


def may_change(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.ADMIN)


def frame(request: WorkspaceRequest, account: ProviderAccount, current: str) -> dict[str, Any]:
    """For templates that extend providers/account.html. `current`: the name of a tab."""
    return {
        "account": account,
        "vendor": vendor_label(account.vendor),
        "may_change": may_change(request),
        "tabs": [
            {
                "label": tab.label,
                "url": reverse(f"provider-account-{tab.name}", args=[account.pk]),
                "count": None,
                "current": tab.name == current,
            }
            for tab in _tabs(account)
            if may_change(request) or not tab.admins
        ],
    }


def _tabs(account: ProviderAccount) -> list[Tab]:
    tabs = [
        Tab("detail", _("Overview")),
        Tab("rate-card", _("Rate card")),
        Tab("calls", _("Calls")),
        Tab("traffic", _("Traffic"), admins=True),
    ]
    if synced_entities(account):
        tabs.append(Tab("sync", _("Sync")))
    if sections_of(account):
        tabs.append(
            Tab("at-vendor", _("At %(vendor)s") % {"vendor": vendor_label(account.vendor)}, admins=True)
        )
    if account.vendor in REGISTRY:
        tabs.append(Tab("settings", _("Settings"), admins=True))
    return tabs
