"""Every request of a signed-in person has a workspace: the one chosen last, else the first.

On an empty system everybody is sent to make the first one.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User

SESSION_KEY = "workspace_id"
ALLAUTH_PAGES = ("account_", "mfa_")
# Answered without asking who it is: they carry no session, or must work while the database is away.
NO_PERSON = ("/static/", "/api/", "/hooks/", "/o/", "/m/", "/healthz", "/readyz", "/metrics")

# A page for people all the same: the API as they read it.
PAGES_AMONG_THEM = ("/api/v1/",)


class WorkspaceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        # Once there was somebody nobody asks again: public pages are spared the query.
        self._is_set_up = False

    def __call__(self, request: Any) -> HttpResponse:
        if self._must_set_up(request):
            return redirect("setup")
        request.memberships = self._memberships(request)
        request.membership = self._chosen(request)
        request.workspace = request.membership.workspace if request.membership else None
        zone = request.workspace.time_zone if request.workspace else "UTC"
        with timezone.override(zone):
            return self.get_response(request)

    def process_template_response(self, request: Any, response: Any) -> Any:
        """allauth answers a refused form with 200; like our own pages, its pages say 422."""
        match = request.resolver_match
        is_allauth = match is not None and str(match.url_name).startswith(ALLAUTH_PAGES)
        if is_allauth and request.method == "POST" and response.status_code == HTTPStatus.OK:
            form = (response.context_data or {}).get("form")
            if form is not None and form.errors:
                response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response

    def _must_set_up(self, request: Any) -> bool:
        if self._is_set_up or request.path.startswith(NO_PERSON):
            return False
        self._is_set_up = User.objects.exists()
        return not self._is_set_up and request.path != reverse("setup")

    def _memberships(self, request: Any) -> list[Membership]:
        nobody = request.path.startswith(NO_PERSON) and request.path not in PAGES_AMONG_THEM
        if nobody or not request.user.is_authenticated:
            return []
        return list(Membership.objects.filter(user=request.user).select_related("workspace").order_by("id"))

    def _chosen(self, request: Any) -> Membership | None:
        if not request.memberships:
            return None
        wanted = request.session.get(SESSION_KEY)
        for membership in request.memberships:
            if membership.workspace_id == wanted:
                return membership
        return request.memberships[0]
