"""What an account holds at its vendor, one section a page, live. For admins: addresses of webhooks are secrets."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import WorkspaceRequest, actor_of, admin_page
from providers import services
from providers.account_frame import account_of, frame
from providers.models import ProviderAccount
from providers.services import Deed, ProviderAccountError, Row, Section
from web.toasts import toast


@require_GET
@admin_page
def at_vendor(request: WorkspaceRequest, pk: int, section: str = "") -> HttpResponse:
    """Without `section`: the first one."""
    account = account_of(request, pk)
    shown = _section(account, section)
    found = services.look_at_vendor(account, shown)
    context = frame(request, account, "at-vendor") | {
        "section": shown,
        "section_tabs": _section_tabs(account, shown),
        "found": found,
        "rows": [
            (list(zip(shown.columns, row.cells, strict=True)), _dialogs(shown, row, number))
            for number, row in enumerate(found.rows, 1)
        ],
        "deeds": [_dialog(deed, "", 0) for deed in shown.deeds],
    }
    return render(request, "providers/at_vendor.html", context)


@require_POST
@admin_page
def change(request: WorkspaceRequest, pk: int, section: str, deed: str) -> HttpResponse:
    """`key`: of the row that it is done to, if it is of a row."""
    account = account_of(request, pk)
    try:
        result = services.change_at_vendor(
            account=account,
            section=_section(account, section),
            deed=deed,
            key=request.POST.get("key", ""),
            actor=actor_of(request),
        )
    except ProviderAccountError:
        raise Http404 from None
    toast(request, services.result_words(result), level="success" if result.ok else "error")
    return redirect("provider-account-at-vendor-section", account.pk, section)


def _section(account: ProviderAccount, slug: str) -> Section:
    sections = services.sections_of(account)
    if not sections:
        raise Http404
    try:
        return services.section_of(account, slug or sections[0].slug)
    except ProviderAccountError:
        raise Http404 from None


def _section_tabs(account: ProviderAccount, current: Section) -> list[dict[str, Any]]:
    return [
        {
            "label": section.title,
            "url": reverse("provider-account-at-vendor-section", args=[account.pk, section.slug]),
            "count": None,
            "current": section.slug == current.slug,
        }
        for section in services.sections_of(account)
    ]


def _dialogs(section: Section, row: Row, number: int) -> list[dict[str, Any]]:
    return [_dialog(deed, row.key, number) for deed in section.row_deeds]


def _dialog(deed: Deed, key: str, number: int) -> dict[str, Any]:
    title = str(deed.title)
    return {
        "id": f"{deed.slug}-{number}",
        "deed": deed,
        "key": key,
        "title": title % {"key": key} if key else title,
        "spoken": _("%(deed)s %(key)s") % {"deed": deed.label, "key": key} if key else deed.label,
    }
