"""Whether a request comes from somebody who may send files: asked before these are read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DatabaseError, close_old_connections
from django.db.models import Exists, OuterRef, Q
from django.http import parse_cookie

from accounts.models import ApiKey, Membership, Role, User, hash_token


def is_known(environ: dict[str, Any]) -> bool:
    """Signed in, or with a key that is not revoked, and no mere viewer; staff of Django admin need no workspace. Where the
    database is away it is for the application to say so."""
    close_old_connections()
    try:
        return _has_key(environ) or _is_signed_in(environ)
    except DatabaseError:
        return True
    finally:
        close_old_connections()


def _has_key(environ: dict[str, Any]) -> bool:
    scheme, _blank, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    raw = value.strip() if scheme.lower() == "bearer" else environ.get("HTTP_APIKEY", "")
    keys = ApiKey.objects.filter(hashed=hash_token(raw), revoked_at=None).exclude(role=Role.VIEWER)
    return bool(raw) and keys.exists()


def _is_signed_in(environ: dict[str, Any]) -> bool:
    key = parse_cookie(environ.get("HTTP_COOKIE", "")).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    store = import_module(settings.SESSION_ENGINE).SessionStore
    person = store(key).load().get(SESSION_KEY)
    if person is None:
        return False
    is_staff = Q(is_staff=True) | Q(is_superuser=True)
    is_more_than_viewer = Exists(Membership.objects.filter(user=OuterRef("pk")).exclude(role=Role.VIEWER))
    return User.objects.filter(is_staff | is_more_than_viewer, pk=person, is_active=True).exists()
