"""The API's door: a key in `Authorization: Bearer` or `apikey`, and what its role may do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiKey, Role, hash_token, role_allows

LAST_USED_STEP = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.auth` to the key and `request.workspace` to its workspace."""

    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        raw = self._raw_key(request)
        if raw is None:
            return None
        key = ApiKey.objects.select_related("workspace").filter(hashed=hash_token(raw)).first()
        if key is None or key.revoked_at is not None:
            raise AuthenticationFailed(
                _("The API key is unknown or revoked. Make a new one under Settings, Keys.")
            )
        self._note_use(key)
        request._request.workspace = key.workspace  # type: ignore[attr-defined]  # ours, see middleware.py
        request.workspace = key.workspace  # type: ignore[attr-defined]  # ours, see middleware.py
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    @staticmethod
    def _raw_key(request: Request) -> str | None:
        scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip()
        return request.headers.get("apikey") or None

    @staticmethod
    def _note_use(key: ApiKey) -> None:
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at > LAST_USED_STEP:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


class RoleAllows(BasePermission):
    """Reading needs a viewer's key, writing a marketer's, or what the view names in `write_role`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return False
        needed = (
            getattr(view, "read_role", Role.VIEWER)
            if request.method in SAFE_METHODS
            else getattr(view, "write_role", Role.MARKETER)
        )
        self.message = _(
            "This API key has the role %(has)s; this needs %(needed)s. Make one under Settings, Keys."
        ) % {
            "has": request.auth.role,
            "needed": needed.value,
        }
        return role_allows(request.auth.role, needed)


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api_access.ApiKeyAuthentication"
    name = ["bearer", "apikey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Either is enough: names within one item would all be needed."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer"},
            {"type": "apiKey", "in": "header", "name": "apikey"},
        ]
