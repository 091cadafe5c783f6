"""The page of verifications: what they are, how to ask for one, and what became of the last ones. Codes are asked for
by programs alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.access import WorkspaceRequest, viewer_page
from accounts.models import Role, Workspace, role_allows
from contacts.search import number_begins
from messaging.models import Message, Verification, VerificationState
from messaging.reasons import reason_of
from messaging.verification.states import EXPIRED, SHOWN_STATES, in_state, state_of
from web.badges import badge_of
from web.paging import KeyPage, key_page

COUNTED_DAYS = 7
SAMPLE_TEXT = "Your code is {{verification_code}}. Never tell it to anybody."
SAMPLE_NUMBER = "+12015550123"


@dataclass(frozen=True, slots=True)
class _Row:
    verification: Verification
    state: str
    message: Message | None
    why: str | Promise


@require_GET
@viewer_page
@vary_on_headers("HX-Request")
def verification_list(request: WorkspaceRequest) -> HttpResponse:
    """For htmx the table alone."""
    workspace = request.workspace
    words, state = request.GET.get("q", "").strip(), request.GET.get("state", "").strip()
    mine = Verification.objects.filter(workspace=workspace)
    found = _filtered(mine, workspace, words, state)
    page = key_page(request, found.select_related("api_key"))
    context: dict[str, Any] = {
        "page": page,
        "rows": _rows(page),
        "q": words,
        "state": state,
        "filtered": bool(words or state),
    }
    if request.htmx:
        return render(request, "messaging/_verifications.html", context)
    context |= {
        "states": [(value, badge_of(value).word) for value, _label in SHOWN_STATES],
        "any": bool(page.rows) or mine.exists(),
        "stats": _stats(mine),
        "sample": _sample(workspace),
        "may_make_keys": role_allows(request.membership.role, Role.ADMIN),
        "per_hour": settings.VERIFICATION_STARTS_PER_HOUR,
        "seconds_between": settings.VERIFICATION_SECONDS_BETWEEN,
    }
    return render(request, "messaging/verifications.html", context)


def _filtered(
    rows: QuerySet[Verification], workspace: Workspace, words: str, state: str
) -> QuerySet[Verification]:
    if words:
        rows = rows.filter(number_begins(words, workspace.default_country))
    return rows.filter(in_state(state)) if state in dict(SHOWN_STATES) else rows


def _rows(page: KeyPage[Verification]) -> list[_Row]:
    messages = Message.objects.in_bulk([row.message_id for row in page.rows if row.message_id is not None])
    now = timezone.now()
    found = [(row, messages.get(row.message_id or 0)) for row in page.rows]
    return [
        _Row(row, state_of(row, now), message, reason_of(message.reason).sentence if message else "")
        for row, message in found
    ]


def _stats(rows: QuerySet[Verification]) -> list[dict[str, Any]]:
    """Of the last days. The rate is of numbers: whoever asks for a second code and types that one is verified."""
    now = timezone.now()
    verified = in_state(VerificationState.VERIFIED, now)
    counts = rows.filter(created_at__gt=now - timedelta(days=COUNTED_DAYS)).aggregate(
        asked=Count("pk"),
        verified=Count("pk", filter=verified),
        expired=Count("pk", filter=in_state(EXPIRED, now)),
        exhausted=Count("pk", filter=in_state(VerificationState.EXHAUSTED, now)),
        numbers=Count("msisdn", distinct=True),
        numbers_verified=Count("msisdn", distinct=True, filter=verified),
    )
    numbers = counts["numbers"]
    rate = f"{counts['numbers_verified'] / numbers:.0%}" if numbers else "—"
    of_numbers = ngettext("of %(n)s number", "of %(n)s numbers", numbers) % {"n": f"{numbers:,}"}
    return [
        {"label": _("Codes asked for"), "value": f"{counts['asked']:,}", "sub": _("in the last 7 days")},
        {"label": _("Verified"), "value": f"{counts['verified']:,}"},
        {"label": _("Expired"), "value": f"{counts['expired']:,}"},
        {"label": _("Too many wrong codes"), "value": f"{counts['exhausted']:,}"},
        {"label": _("Conversion"), "value": rate, "sub": of_numbers},
    ]


def _sample(workspace: Workspace) -> str:
    """With ids that there are, where there are any."""
    account = workspace.provider_accounts.filter(enabled=True).order_by("pk").values_list("pk", flat=True)
    sender = workspace.senders.filter(enabled=True).order_by("pk").values_list("pk", flat=True)
    body = {
        "msisdn": SAMPLE_NUMBER,
        "sender": sender.first() or 1,
        "account": account.first() or 1,
        "text": SAMPLE_TEXT,
    }
    check = {"msisdn": SAMPLE_NUMBER, "code": "482913"}
    return "\n\n".join([_curl("", body), _curl("check/", check)])


def _curl(path: str, body: dict[str, Any]) -> str:
    return (
        f"curl {settings.PUBLIC_URL}/api/v1/verifications/{path} \\\n"
        '  -H "Authorization: Bearer $CRIER_KEY" -H "Content-Type: application/json" \\\n'
        f"  -d '{json.dumps(body, ensure_ascii=False)}'"
    )
