"""The settings: workspace, team, keys, audit trail. Everybody sees workspace and team; admins change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import services
from accounts.access import WorkspaceRequest, actor_of, admin_page, get_row, viewer_page
from accounts.errors import AccountsError
from accounts.forms import GeneralForm, InviteForm, KeyForm, SendingForm, TextsForm, add_refusal
from accounts.models import ApiKey, AuditEntry, Membership, Role, role_allows
from web.edited import values_of
from web.paging import key_page
from web.toasts import toast

page_and_form = require_http_methods(["GET", "HEAD", "POST"])


def _render(request: WorkspaceRequest, name: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A settings page with its tabs; `may_change` says whether to show what only admins may do."""
    frame = {"tabs": settings_tabs(request), "may_change": _is_admin(request)}
    return render(request, f"accounts/{name}.html", frame | context, status=status)


def _is_admin(request: WorkspaceRequest) -> bool:
    return role_allows(request.membership.role, Role.ADMIN)


def _kept_nowhere(response: HttpResponse) -> HttpResponse:
    """For the one answer that shows a secret: no cache between here and the eye may hold it."""
    add_never_cache_headers(response)
    return response


def settings_tabs(request: WorkspaceRequest) -> list[dict[str, Any]]:
    # Budget and webhooks are a floor up: they show what was spent, and what was sent.
    tabs = [
        ("settings-general", _("General")),
        ("settings-texts", _("Texts and links")),
        ("settings-sending", _("Sending")),
        ("settings-budget", _("Budget")),
        ("settings-team", _("Team")),
        ("settings-webhooks", _("Webhooks")),
    ]
    if _is_admin(request):
        tabs += [("settings-keys", _("API keys")), ("settings-audit", _("Audit trail"))]
    tabs.append(("mfa_index", _("Two-step sign-in")))
    links = [(reverse(name), label) for name, label in tabs]
    # The first one's address is the beginning of all the others'.
    return [
        {
            "url": url,
            "label": label,
            "count": None,
            "current": request.path == url or (url != links[0][0] and request.path.startswith(url)),
        }
        for url, label in links
    ]


# --- general --------------------------------------------------------------------------------------


@page_and_form
@viewer_page
def general(request: WorkspaceRequest) -> HttpResponse:
    if request.method == "POST":
        return _save_general(request)
    form = GeneralForm(instance=request.workspace, now=values_of(request.workspace, GeneralForm.base_fields))
    if not _is_admin(request):
        for field in form.fields.values():
            field.disabled = True
    return _render(request, "settings_general", {"form": form})


@admin_page
@transaction.atomic
def _save_general(request: WorkspaceRequest) -> HttpResponse:
    # The form writes what was typed into its instance: a copy, as the page's head shows the saved name.
    kept = type(request.workspace).objects.select_for_update().get(pk=request.workspace.pk)
    form = GeneralForm(request.POST, instance=kept, now=values_of(kept, GeneralForm.base_fields))
    if form.is_valid():
        try:
            services.update_workspace(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved."))
            return redirect("settings-general")
    return _render(request, "settings_general", {"form": form}, status=422)


# --- texts and links ------------------------------------------------------------------------------


@page_and_form
@viewer_page
def texts(request: WorkspaceRequest) -> HttpResponse:
    if request.method == "POST":
        return _save_texts(request)
    form = TextsForm(instance=request.workspace, now=values_of(request.workspace, TextsForm.base_fields))
    if not _is_admin(request):
        for field in form.fields.values():
            field.disabled = True
    return _texts_page(request, form)


@admin_page
@transaction.atomic
def _save_texts(request: WorkspaceRequest) -> HttpResponse:
    kept = type(request.workspace).objects.select_for_update().get(pk=request.workspace.pk)
    form = TextsForm(request.POST, instance=kept, now=values_of(kept, TextsForm.base_fields))
    if form.is_valid():
        try:
            services.update_workspace(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved. What was launched keeps the domain it went out with."))
            return redirect("settings-texts")
    return _texts_page(request, form, status=422)


def _texts_page(request: WorkspaceRequest, form: TextsForm, status: int = 200) -> HttpResponse:
    """`test_url`: opened under the domain that is saved, it says whether Crier is reached."""
    domain = request.workspace.short_domain
    context = {
        "form": form,
        "domain": domain,
        "own_address": settings.LINK_URL,
        "public_host": urlsplit(settings.PUBLIC_URL).netloc,
        "test_url": f"{domain}/o/test" if domain else "",
    }
    return _render(request, "settings_texts", context, status=status)


# --- sending --------------------------------------------------------------------------------------


@page_and_form
@viewer_page
def sending(request: WorkspaceRequest) -> HttpResponse:
    if request.method == "POST":
        return _save_sending(request)
    form = SendingForm(instance=request.workspace, now=values_of(request.workspace, SendingForm.base_fields))
    if not _is_admin(request):
        for field in form.fields.values():
            field.disabled = True
    return _render(request, "settings_sending", {"form": form})


@admin_page
@transaction.atomic
def _save_sending(request: WorkspaceRequest) -> HttpResponse:
    kept = type(request.workspace).objects.select_for_update().get(pk=request.workspace.pk)
    form = SendingForm(request.POST, instance=kept, now=values_of(kept, SendingForm.base_fields))
    if form.is_valid():
        try:
            services.update_workspace(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("Saved. What was launched keeps what it was launched with."))
            return redirect("settings-sending")
    return _render(request, "settings_sending", {"form": form}, status=422)


# --- team -----------------------------------------------------------------------------------------


@page_and_form
@viewer_page
def team(request: WorkspaceRequest) -> HttpResponse:
    return _invite(request) if request.method == "POST" else _team_page(request)


def _team_page(
    request: WorkspaceRequest,
    form: InviteForm | None = None,
    sent: services.SentInvitation | None = None,
    refusal: AccountsError | None = None,
    status: int = 200,
) -> HttpResponse:
    members = Membership.objects.filter(workspace=request.workspace).select_related("user")
    context = {
        "members": [_MemberRow.of(member, request) for member in members.order_by("created_at", "id")],
        "invitations": services.pending_invitations(request.workspace),
        "form": form or InviteForm(granted_by=request.membership.role),
        "sent": sent,
        "refusal": refusal,
    }
    return _render(request, "settings_team", context, status=status)


@dataclass(frozen=True, slots=True)
class _MemberRow:
    """`roles`: (value, label) of those that the viewer of the page may give; empty: nothing to choose."""

    membership: Membership
    is_self: bool
    roles: list[tuple[str, str]]
    may_remove: bool

    @classmethod
    def of(cls, membership: Membership, request: WorkspaceRequest) -> _MemberRow:
        own = request.membership.role
        is_self = membership.user_id == request.user.pk
        may_change = role_allows(own, Role.ADMIN) and role_allows(own, Role(membership.role))
        roles = [(r.value, str(r.label)) for r in services.grantable_roles(own)] if may_change else []
        return cls(membership, is_self, roles, may_remove=may_change or is_self)


@admin_page
def _invite(request: WorkspaceRequest) -> HttpResponse:
    """The link is shown by this very answer and never again."""
    form = InviteForm(request.POST, granted_by=request.membership.role)
    if form.is_valid():
        try:
            sent = services.invite_person(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            add_refusal(form, error)
        else:
            return _kept_nowhere(_team_page(request, sent=sent))
    return _team_page(request, form=form, status=422)


@require_POST
@admin_page
def change_role(request: WorkspaceRequest, pk: int) -> HttpResponse:
    membership = get_row(request, Membership, pk=pk)
    try:
        services.change_role(
            membership=membership, role=request.POST.get("role", ""), actor=actor_of(request)
        )
    except AccountsError as error:
        return _team_page(request, refusal=error, status=422)
    names = {"person": membership.user, "role": membership.get_role_display()}
    toast(request, _("%(person)s is now: %(role)s.") % names)
    return redirect("settings-team")


@require_POST
@viewer_page
def remove_member(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Everybody may remove themselves, admins others too."""
    membership = get_row(request, Membership, pk=pk)
    is_self = membership.user_id == request.user.pk
    return _remove_member(request, membership) if is_self else _remove_other(request, membership)


def _remove_member(request: WorkspaceRequest, membership: Membership) -> HttpResponse:
    try:
        services.remove_member(membership=membership, actor=actor_of(request))
    except AccountsError as error:
        return _team_page(request, refusal=error, status=422)
    if membership.user_id == request.user.pk:
        return redirect("/")
    toast(request, _("Removed %(person)s.") % {"person": membership.user})
    return redirect("settings-team")


_remove_other = admin_page(_remove_member)


@require_POST
@admin_page
def withdraw_invitation(request: WorkspaceRequest, pk: int) -> HttpResponse:
    invitation = get_row(request, services.pending_invitations(request.workspace), pk=pk)
    try:
        services.withdraw_invitation(invitation=invitation, actor=actor_of(request))
    except AccountsError as error:
        return _team_page(request, refusal=error, status=422)
    toast(request, _("The link for %(email)s does not work any more.") % {"email": invitation.email})
    return redirect("settings-team")


# --- keys -----------------------------------------------------------------------------------------


@page_and_form
@admin_page
def keys(request: WorkspaceRequest) -> HttpResponse:
    if request.method != "POST":
        return _keys_page(request)
    form = KeyForm(request.POST, granted_by=request.membership.role)
    if form.is_valid():
        try:
            key, raw = services.create_api_key(
                workspace=request.workspace, actor=actor_of(request), **form.cleaned_data
            )
        except AccountsError as error:
            add_refusal(form, error)
        else:
            return _kept_nowhere(_keys_page(request, made=key, raw=raw))
    return _keys_page(request, form=form, status=422)


def _keys_page(
    request: WorkspaceRequest,
    form: KeyForm | None = None,
    made: ApiKey | None = None,
    raw: str = "",
    refusal: AccountsError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "keys": services.api_keys(request.workspace),
        "form": form or KeyForm(granted_by=request.membership.role),
        "made": made,
        "raw": raw,
        "refusal": refusal,
    }
    return _render(request, "settings_keys", context, status=status)


@require_POST
@admin_page
def revoke_key(request: WorkspaceRequest, pk: int) -> HttpResponse:
    key = get_row(request, ApiKey, pk=pk)
    try:
        services.revoke_api_key(key=key, actor=actor_of(request))
    except AccountsError as error:
        return _keys_page(request, refusal=error, status=422)
    toast(request, _("Revoked %(key)s.") % {"key": key})
    return redirect("settings-keys")


# --- audit trail ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _AuditRow:
    at: datetime
    who: str
    action: str
    what: str
    label: str
    details: list[tuple[str, str]]


@require_GET
@admin_page
def audit_trail(request: WorkspaceRequest) -> HttpResponse:
    entries = AuditEntry.objects.filter(workspace=request.workspace).select_related("user", "api_key")
    page = key_page(request, entries)
    return _render(request, "settings_audit", {"rows": [_audit_row(e) for e in page.rows], "page": page})


def _audit_row(entry: AuditEntry) -> _AuditRow:
    who = str(entry.user or entry.api_key or "Crier")
    details = [(name, _in_words(value)) for name, value in entry.details.items()]
    what = str(_model_names().get(entry.subject, entry.subject))
    return _AuditRow(entry.at, who, entry.action, what, entry.label, details)


def _in_words(value: Any) -> str:
    """{"name": "A"} as "name: A"; a list with commas."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(str(inner) for inner in value)
    return str(value)


@cache
def _model_names() -> dict[str, Any]:
    return {model._meta.model_name or "": model._meta.verbose_name for model in apps.get_models()}
