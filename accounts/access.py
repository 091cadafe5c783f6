"""Access in one place: who asks, which workspace, may the role do it; and rows of that workspace or 404."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from accounts.models import ApiKey, Membership, Role, User, Workspace, role_allows

Row = TypeVar("Row", bound=Model)
View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a person, or a program with a key; neither for the engine itself."""

    user: User | None = None
    api_key: ApiKey | None = None

    def __str__(self) -> str:
        return str(self.user or self.api_key or "Crier")


class WorkspaceRequest(HttpRequest):
    """What views behind `workspace_page` get."""

    user: User
    workspace: Workspace
    membership: Membership
    memberships: list[Membership]
    htmx: Any


def workspace_page(role: Role) -> Callable[[View], View]:
    """Anonymous: to sign-in. Without a workspace: to the page that makes one. A lower role: 403."""

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.workspace is None:
                return redirect("workspace-new")
            if not role_allows(request.membership.role, role):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


viewer_page = workspace_page(Role.VIEWER)
marketer_page = workspace_page(Role.MARKETER)
admin_page = workspace_page(Role.ADMIN)
owner_page = workspace_page(Role.OWNER)


def actor_of(request: Any) -> Actor:
    """The actor of a page or an API request."""
    api_key = request.auth if isinstance(getattr(request, "auth", None), ApiKey) else None
    user = request.user if isinstance(request.user, User) else None
    return Actor(user=user, api_key=api_key)


def get_row(request: Any, rows: type[Row] | QuerySet[Row], **lookup: Any) -> Row:
    """The row of the request's workspace, else 404: a stranger cannot tell a foreign row from none."""
    return get_object_or_404(rows, workspace=request.workspace, **lookup)
