"""Setting up, joining, and changing the workspace."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import services
from accounts.errors import AccountsError, AlreadySetUp, InvitationNotValid
from accounts.forms import JoinForm, SetupForm, WorkspaceForm, add_refusal
from accounts.middleware import SESSION_KEY
from accounts.models import Invitation, User
from web.posted import number_in
from web.toasts import toast

form_page = require_http_methods(["GET", "HEAD", "POST"])


@sensitive_post_parameters("password")
@never_cache
@form_page
def setup(request: HttpRequest) -> HttpResponse:
    """The first owner and workspace; 404 as soon as there is anybody."""
    if not services.is_empty_system():
        raise Http404
    form = SetupForm(request.POST or None)
    if form.is_valid():
        data = dict(form.cleaned_data)
        try:
            _workspace, user = services.set_up(workspace_name=data.pop("name"), **data)
        except AlreadySetUp:
            raise Http404 from None
        except AccountsError as error:
            add_refusal(form, error)
        else:
            login(request, user)
            return redirect("/")
    return _form_response(request, "accounts/setup.html", form)


@sensitive_post_parameters("password")
@never_cache
@form_page
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Behind an invitation's link: a new person names themselves, somebody signed in joins with one press."""
    try:
        invitation = services.find_invitation(token)
    except InvitationNotValid as error:
        return render(request, "accounts/invitation_gone.html", {"sentence": error.sentence}, status=404)
    if request.user.is_authenticated:
        return _join_as(request, request.user, invitation, token)
    return _join_as_new(request, invitation, token)


def _join_as(request: HttpRequest, user: User, invitation: Invitation, token: str) -> HttpResponse:
    context: dict[str, Any] = {"invitation": invitation, "sentence": ""}
    if request.method == "POST":
        try:
            membership = services.accept_invitation(token=token, user=user)
        except AccountsError as error:
            return render(request, "accounts/join.html", context | {"sentence": error.sentence}, status=422)
        return _welcome(request, membership.workspace_id)
    return render(request, "accounts/join.html", context)


def _join_as_new(request: HttpRequest, invitation: Invitation, token: str) -> HttpResponse:
    has_account = User.objects.filter(email__iexact=invitation.email).exists()
    form = JoinForm(request.POST or None)
    if form.is_valid():
        try:
            membership = services.accept_invitation(token=token, **form.cleaned_data)
        except AccountsError as error:
            add_refusal(form, error)
        else:
            login(request, membership.user)
            return _welcome(request, membership.workspace_id)
    context = {"invitation": invitation, "has_account": has_account}
    return _form_response(request, "accounts/join.html", form, **context)


def _welcome(request: HttpRequest, workspace_id: int) -> HttpResponse:
    request.session[SESSION_KEY] = workspace_id
    return redirect("/")


@login_required
@require_POST
def switch_workspace(request: Any) -> HttpResponse:
    """`workspace`: the id of one that the person is a member of, else 404. Goes to that one's dashboard."""
    membership = get_object_or_404(
        request.user.memberships, workspace_id=number_in(request.POST, "workspace") or 0
    )
    return _welcome(request, membership.workspace_id)


@login_required
@form_page
def new_workspace(request: Any) -> HttpResponse:
    form = WorkspaceForm(request.POST or None)
    if form.is_valid():
        try:
            workspace = services.create_workspace(owner=request.user, **form.cleaned_data)
        except AccountsError as error:
            add_refusal(form, error)
        else:
            toast(request, _("%(name)s is ready: you are its owner.") % {"name": workspace.name})
            return _welcome(request, workspace.pk)
    return _form_response(request, "accounts/workspace_new.html", form)


def _form_response(request: HttpRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return render(request, template, {"form": form} | context, status=status)
